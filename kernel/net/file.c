/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file behind a socket's descriptor: read and write as recvmsg and sendmsg without flags, poll, ioctl, the last
 * close. Its inode is an anonymous one named socket:[N].
 */
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <lib/format.h>
#include <uapi/uio.h>
#include "net.h"

static struct socket *socket_in(const struct file *f) { return f->private; }

ssize_t __hot socket_send(struct socket *sk, struct socket_msg *msg)
{
	ssize_t n = sk->ops->sendmsg ? sk->ops->sendmsg(sk, msg) : -EOPNOTSUPP;

	if (unlikely(n == -EAGAIN) && sk->file && sk->file->flags & O_ASYNC)
		sigio_no_room(sk->file);
	sigio_run();
	if (n == -EPIPE && sk->type == SOCK_STREAM && !(msg->flags & MSG_NOSIGNAL))
		(void)signal_send_thread(current, SIGPIPE, NULL);
	return n;
}

ssize_t __hot socket_receive(struct socket *sk, struct socket_msg *msg)
{
	return sk->ops->recvmsg ? sk->ops->recvmsg(sk, msg) : -EOPNOTSUPP;
}

static inline u32 dont_wait(const struct file *f, const struct uio *u)
{
	return f->flags & O_NONBLOCK || u->rw_flags & RWF_NOWAIT ? MSG_DONTWAIT : 0;
}

static ssize_t __hot socket_file_read(struct file *f, struct uio *to, off_t *pos)
{
	struct socket_msg msg = { .data = to, .flags = dont_wait(f, to) };

	/* As Linux: a read of nothing does not look at the socket. */
	return to->count ? socket_receive(socket_in(f), &msg) : 0;
}

static ssize_t __hot socket_file_write(struct file *f, struct uio *from, off_t *pos)
{
	struct socket_msg msg = { .data = from, .flags = dont_wait(f, from) };

	/* write() of seqpackets ends a record. */
	if (socket_in(f)->type == SOCK_SEQPACKET)
		msg.flags |= MSG_EOR;
	return socket_send(socket_in(f), &msg);
}

static u32 socket_file_poll(struct file *f, struct poll_table *t)
{
	struct socket *sk = socket_in(f);

	poll_wait(t, f, &sk->wait);
	return sk->ops->poll(sk);
}

static long socket_file_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct socket *sk = socket_in(f);
	const struct socket_family *inet;
	long r = sk->ops->ioctl ? sk->ops->ioctl(sk, cmd, arg) : -ENOIOCTLCMD;

	if (r != -ENOIOCTLCMD)
		return r;
	inet = socket_family_find(AF_INET);
	return inet && inet->dev_ioctl ? inet->dev_ioctl(sk, cmd, arg) : -ENOTTY;
}

static void socket_file_release(struct file *f)
{
	struct socket *sk = socket_in(f);

	atomic_store(&sk->file, (struct file *)NULL);
	socket_release(sk);
}

static int socket_file_fdinfo(struct file *f, char *buf, size_t size)
{
	struct socket *sk = socket_in(f);

	return sk->ops->show_fdinfo ? sk->ops->show_fdinfo(sk, buf, size) : 0;
}

static int socket_file_open(struct inode *inode, struct file *f) { return -ENXIO; }

static const struct file_ops socket_file_ops = {
	.open = socket_file_open,
	.release = socket_file_release,
	.read = socket_file_read,
	.write = socket_file_write,
	.poll = socket_file_poll,
	.ioctl = socket_file_ioctl,
	.show_fdinfo = socket_file_fdinfo,
};

struct socket *socket_of_file(const struct file *f)
{
	return f->ops == &socket_file_ops && !(f->mode & FMODE_PATH) ? f->private : NULL;
}

struct file *socket_file_new(struct socket *sk, u32 flags)
{
	struct inode *i = anon_inode_new(S_IFSOCK | 0777);
	struct file *f = NULL;
	char name[32];

	if (i) {
		i->fops = &socket_file_ops;
		snprintf(name, sizeof(name), "socket:[%llu]", (unsigned long long)i->ino);
		sk->ino = i->ino;
		f = file_anon_inode(i, name, &socket_file_ops, sk, O_RDWR | (flags & O_NONBLOCK));
	}
	if (!f || is_err(f)) {
		socket_release(sk);
		return err_ptr(-ENOMEM);
	}
	f->mode |= FMODE_NOSEEK;
	atomic_store_release(&sk->file, f);
	return f;
}
