/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The family AF_UNIX: its operations by type, making a socket. unix.h says what lies where.
 */
#include "unix.h"

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
	unix_sk(sk)->uid = cred_current()->fsuid;
	unix_socket_setup(sk);
	return 0;
}

static void unix_destroy(struct socket *sk)
{
	unix_addr_put(unix_sk(sk)->addr);
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
	.has_peek_off = true,
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
	.has_peek_off = true,
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
	.has_peek_off = true,
	.release = unix_release,
	.destroy = unix_destroy,
};

extern const struct socket_family socket_family_unix;
const struct socket_family socket_family_unix = {
	.family = AF_UNIX,
	.name = "UNIX",
	.size = sizeof(struct unix_socket),
	.create = unix_create,
	.diag = unix_diag,
	.init = unix_proc_init,
};
