/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The family AF_UNIX: its operations by type, making a socket, options and ioctls of its own, /proc/net/unix. unix.h
 * says what lies where.
 */
#include "unix.h"
#include <kernel/procfs.h>
#include <uapi/socket.h>

static const struct socket_ops stream_ops, dgram_ops, seqpacket_ops;

struct unix_socket *unix_of_file(const struct file *f)
{
	struct socket *sk = socket_of_file(f);

	return sk && sk->family == AF_UNIX ? unix_sk(sk) : NULL;
}

void unix_socket_setup(struct socket *sk)
{
	struct unix_socket *u = unix_sk(sk);

	mutex_init(&u->read_lock, "unix-read", LOCK_SOCKET_READ);
	waitq_init(&u->peer_wait);
	list_init(&u->hash_link);
	list_init(&u->gc_link);
	list_init(&u->peer_entry.link);
	spin_lock(&unix_table_lock);
	list_push_back(&unix_all, &u->all_link);
	spin_unlock(&unix_table_lock);
}

static int unix_create(struct socket *sk, int protocol)
{
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	switch (sk->type) {
	case SOCK_STREAM:
		sk->ops = &stream_ops;
		break;
	case SOCK_RAW:		/* as Linux: old programs mean datagrams */
		sk->type = SOCK_DGRAM;
		__fallthrough;
	case SOCK_DGRAM:
		sk->ops = &dgram_ops;
		break;
	case SOCK_SEQPACKET:
		sk->ops = &seqpacket_ops;
		break;
	default:
		return -ESOCKTNOSUPPORT;
	}
	sk->protocol = protocol;
	unix_socket_setup(sk);
	return 0;
}

static void unix_destroy(struct socket *sk)
{
	unix_addr_put(unix_sk(sk)->addr);
}

/* Bytes that a read would find: all of a stream, the first message otherwise. */
static long bytes_in(struct socket *sk)
{
	struct socket_packet *sp;
	long n = 0;

	if (atomic_load(&sk->state) == SOCKET_LISTENING)
		return -EINVAL;
	spin_lock(&sk->queue_lock);
	list_for_each(sp, &sk->queue, link) {
		const struct unix_packet *p = container_of(sp, struct unix_packet, p);

		n += p->p.len - p->offset;
		if (sk->type == SOCK_DGRAM)
			break;
	}
	spin_unlock(&sk->queue_lock);
	return n;
}

static long unix_ioctl(struct socket *sk, u32 cmd, u64 arg)
{
	long n;

	switch (cmd) {
	case SIOCINQ:
		n = bytes_in(sk);
		break;
	case SIOCOUTQ:
		n = (long)atomic_load(&sk->send_used);
		break;
	default:
		return -ENOIOCTLCMD;
	}
	return n < 0 ? n : put_user((s32)n, (s32 __user *)arg);
}

static int get_peer_groups(struct unix_socket *u, void __user *val, u32 *len)
{
	struct cred *c = u->peer_cred;
	u32 n;

	if (!c)
		return -ENODATA;
	n = c->nr_groups * (u32)sizeof(gid_t);
	if (*len < n) {
		*len = n;
		return -ERANGE;
	}
	*len = n;
	return copy_to_user(val, c->groups, n);
}

/* A descriptor for who was at the other end when they met. */
static int get_peer_pidfd(struct unix_socket *u, void __user *val, u32 *len)
{
	struct process *p, *found;
	struct file *f;
	int fd;

	mutex_lock(&u->sk.lock);
	p = u->peer_process ? process_get(u->peer_process) : NULL;
	mutex_unlock(&u->sk.lock);
	if (!p)
		return -ENODATA;
	found = process_find(p->pid);
	f = found == p ? pidfd_file(p, NULL, 0) : err_ptr(-EINVAL);	/* its number is nobody's, or another's */
	if (found)
		process_put(found);
	process_put(p);
	if (is_err(f))
		return (int)ptr_err(f);
	fd = fd_reserve(0, true);
	if (fd < 0) {
		file_put(f);
		return fd;
	}
	if (socket_opt_put_int(val, len, fd)) {
		fd_unreserve(fd);
		file_put(f);
		return -EFAULT;
	}
	fd_publish(fd, f);
	return 0;
}

static int unix_getsockopt(struct socket *sk, int level, int opt, void __user *val, u32 *len)
{
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (opt == SO_PEERPIDFD)
		return get_peer_pidfd(unix_sk(sk), val, len);
	return opt == SO_PEERGROUPS ? get_peer_groups(unix_sk(sk), val, len) : -ENOPROTOOPT;
}

static const struct socket_ops stream_ops = {
	.bind = unix_bind,
	.listen = unix_listen,
	.accept = unix_accept,
	.connect = unix_stream_connect,
	.pair = unix_pair,
	.getname = unix_getname,
	.sendmsg = unix_stream_sendmsg,
	.recvmsg = unix_stream_recvmsg,
	.shutdown = unix_shutdown,
	.poll = unix_stream_poll,
	.ioctl = unix_ioctl,
	.getsockopt = unix_getsockopt,
	.release = unix_release,
	.destroy = unix_destroy,
};

static const struct socket_ops dgram_ops = {
	.bind = unix_bind,
	.connect = unix_dgram_connect,
	.pair = unix_pair,
	.getname = unix_getname,
	.sendmsg = unix_dgram_sendmsg,
	.recvmsg = unix_dgram_recvmsg,
	.shutdown = unix_shutdown,
	.poll = unix_dgram_poll,
	.ioctl = unix_ioctl,
	.getsockopt = unix_getsockopt,
	.release = unix_release,
	.destroy = unix_destroy,
};

static const struct socket_ops seqpacket_ops = {
	.bind = unix_bind,
	.listen = unix_listen,
	.accept = unix_accept,
	.connect = unix_stream_connect,
	.pair = unix_pair,
	.getname = unix_getname,
	.sendmsg = unix_seqpacket_sendmsg,
	.recvmsg = unix_seqpacket_recvmsg,
	.shutdown = unix_shutdown,
	.poll = unix_dgram_poll,
	.ioctl = unix_ioctl,
	.getsockopt = unix_getsockopt,
	.release = unix_release,
	.destroy = unix_destroy,
};

/* Under unix_table_lock no memory may be asked for with sleep: lines go through one buffer per socket. */
static void show_one(struct text *t, const struct unix_socket *u)
{
	const struct socket *sk = &u->sk;
	const struct unix_addr *a = atomic_load_acquire(&u->addr);
	u32 state = atomic_load(&sk->state);
	u32 shown = state == SOCKET_CONNECTED ? 3 : state == SOCKET_CONNECTING ? 2 : 1;

	text_printf(t, "%016llx: %08X %08X %08X %04X %02X %5llu", 0ull, ref_read(&sk->refs), 0,
		    state == SOCKET_LISTENING ? 0x10000 : 0, sk->type, shown, (unsigned long long)sk->ino);
	if (a) {
		text_append(t, " ", 1);
		for (u32 i = 0; i < a->len - sizeof(a->name.family); i++) {
			char c = a->name.path[i];

			if (!c && a->name.path[0])
				break;
			text_append(t, c ? &c : "@", 1);
		}
	}
	text_append(t, "\n", 1);
}

/* The socket after u in the list (NULL: the first), referenced; drops u. */
static struct unix_socket *next_of(struct unix_socket *u)
{
	struct unix_socket *next = NULL;
	struct list *l;

	spin_lock(&unix_table_lock);
	l = u ? (list_empty(&u->all_link) ? &unix_all : u->all_link.next) : unix_all.next;
	for (; l != &unix_all; l = l->next) {
		next = list_entry(l, struct unix_socket, all_link);
		if (ref_get_not_zero(&next->sk.refs))
			break;
		next = NULL;
	}
	spin_unlock(&unix_table_lock);
	if (u)
		unix_put(u);
	return next;
}

static int show_all(struct text *t, void *arg)
{
	struct unix_socket *u = NULL;

	text_printf(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	while ((u = next_of(u)))
		show_one(t, u);
	return 0;
}

extern u32 unix_max_dgram_qlen;

static int show_qlen(struct text *t, void *arg)
{
	text_printf(t, "%u\n", atomic_load(&unix_max_dgram_qlen));
	return 0;
}

static int store_qlen(const char *text, size_t len, void *arg)
{
	u64 n = 0;

	for (; *text >= '0' && *text <= '9' && n < 1u << 30; text++)
		n = n * 10 + (u64)(*text - '0');
	if ((*text && *text != '\n') || n >= 1u << 30)
		return -EINVAL;
	atomic_store(&unix_max_dgram_qlen, (u32)n);
	return 0;
}

static const struct virtual_file proc_unix = { .path = "net/unix", .mode = 0444, .show = show_all };
static const struct virtual_file proc_qlen = { .path = "sys/net/unix/max_dgram_qlen", .mode = 0644, .show = show_qlen, .store = store_qlen };

static void unix_init(void)
{
	(void)procfs_add(&proc_unix);
	(void)procfs_add(&proc_qlen);
}

extern const struct socket_family socket_family_unix;
const struct socket_family socket_family_unix = {
	.family = AF_UNIX,
	.name = "UNIX",
	.size = sizeof(struct unix_socket),
	.create = unix_create,
	.init = unix_init,
};
