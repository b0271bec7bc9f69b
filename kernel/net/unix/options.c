/* SPDX-License-Identifier: BSD-2-Clause */
/* Options and ioctls that only AF_UNIX has: how much lies there, who the peer is, which node a name is. */
#include "unix.h"
#include <uapi/capability.h>

long unix_bytes_in(struct socket *sk)
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

/* SIOCUNIXFILE: a descriptor (O_PATH) of the node that the socket is bound to. */
static long open_node(struct unix_socket *u)
{
	struct path path = { 0 };
	struct file *f;
	int fd;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	spin_lock(&unix_table_lock);
	if (u->path.dentry) {
		path = u->path;
		path_get(&path);
	}
	spin_unlock(&unix_table_lock);
	if (!path.dentry)
		return -ENOENT;
	f = file_open_path(&path, O_PATH, cred_current());
	path_put(&path);
	if (is_err(f))
		return ptr_err(f);
	fd = fd_install(f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

long unix_ioctl(struct socket *sk, u32 cmd, u64 arg)
{
	long n;

	switch (cmd) {
	case SIOCINQ:
		n = unix_bytes_in(sk);
		break;
	case SIOCOUTQ:
		n = (long)atomic_load(&sk->send_used);
		break;
	case SIOCATMARK:
		n = unix_oob_at_mark(unix_sk(sk));
		break;
	case SIOCUNIXFILE:
		return open_node(unix_sk(sk));
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

struct file *unix_pidfd_file(struct process *p)
{
	struct process *found = process_find(p->pid);
	struct file *f = found == p ? pidfd_file(p, NULL, 0) : err_ptr(-EINVAL);	/* its number is nobody's, or another's */

	if (found)
		process_put(found);
	return f;
}

/* A descriptor for who was at the other end when they met. */
static int get_peer_pidfd(struct unix_socket *u, void __user *val, u32 *len)
{
	struct process *p;
	struct file *f;
	int fd;

	mutex_lock(&u->sk.lock);
	p = u->peer_process ? process_get(u->peer_process) : NULL;
	mutex_unlock(&u->sk.lock);
	if (!p)
		return -ENODATA;
	f = unix_pidfd_file(p);
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

int unix_getsockopt(struct socket *sk, int level, int opt, void __user *val, u32 *len)
{
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (opt == SO_PEERPIDFD)
		return get_peer_pidfd(unix_sk(sk), val, len);
	return opt == SO_PEERGROUPS ? get_peer_groups(unix_sk(sk), val, len) : -ENOPROTOOPT;
}
