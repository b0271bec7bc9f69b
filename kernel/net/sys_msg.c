/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that move messages: sendto, recvfrom, sendmsg, recvmsg and their many-at-once forms. They bring the user's
 * vectors, names and control bytes into a struct socket_msg; what happens to it is the family's.
 */
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/uio.h>
#include "net.h"

#define FAST_IOV 8u
#define CONTROL_MAX 20480u		/* net.core.optmem_max */
#define MOVE_MAX 0x7ffff000u		/* Linux's limit of one call */

static u32 flags_for(const struct file *f, u32 flags)
{
	return f->flags & O_NONBLOCK ? flags | MSG_DONTWAIT : flags;
}

long sys_sendto(int fd, const void __user *buf, size_t len, u32 flags, const void __user *addr, u32 addrlen)
{
	struct sockaddr_storage name;
	struct socket_msg msg = { 0 };
	struct file *f;
	bool borrowed;
	struct socket *sk = socket_fd_borrow(fd, &f, &borrowed);
	struct uio u;
	ssize_t n;

	if (is_err(sk))
		return ptr_err(sk);
	n = user_range_ok(buf, len) ? 0 : -EFAULT;
	if (!n && addr) {
		n = socket_addr_in(&name, addr, addrlen);
		msg.name = &name;
		msg.name_len = addrlen;
	}
	if (!n) {
		uio_init_user(&u, (void __user *)buf, min(len, (size_t)MOVE_MAX));
		msg.data = &u;
		msg.flags = flags_for(f, flags);
		n = socket_send(sk, &msg);
	}
	fd_return(f, borrowed);
	return n;
}

long sys_recvfrom(int fd, void __user *buf, size_t len, u32 flags, void __user *addr, u32 __user *addrlen)
{
	struct sockaddr_storage name;
	struct socket_msg msg = { 0 };
	struct file *f;
	bool borrowed;
	struct socket *sk = socket_fd_borrow(fd, &f, &borrowed);
	struct uio u;
	ssize_t n;
	int err;

	if (is_err(sk))
		return ptr_err(sk);
	n = user_range_ok(buf, len) ? 0 : -EFAULT;
	if (!n) {
		uio_init_user(&u, buf, min(len, (size_t)MOVE_MAX));
		msg.data = &u;
		msg.flags = flags_for(f, flags);
		msg.name = addr ? &name : NULL;
		n = socket_receive(sk, &msg);
		err = n >= 0 && addr ? socket_addr_out(&name, msg.name_len, addr, addrlen) : 0;
		if (err)
			n = err;
	}
	fd_return(f, borrowed);
	return n;
}

/* What a call needs of the user's msghdr while it runs. */
struct message {
	struct user_msghdr head;
	struct socket_msg msg;
	struct sockaddr_storage name;
	struct uio u;
	struct iovec_kernel fast[FAST_IOV], *iov;
	void *control;
};

static void message_free(struct message *m)
{
	if (m->iov != m->fast)
		kfree(m->iov);
	kfree(m->control);
}

static int message_vector(struct message *m)
{
	ssize_t total;

	if (m->head.iov_len > UIO_MAXIOV)
		return -EMSGSIZE;
	total = iov_import((const void __user *)m->head.iov, m->head.iov_len, m->fast, FAST_IOV, &m->iov);
	if (total < 0) {
		m->iov = m->fast;
		return (int)total;
	}
	uio_init_iov(&m->u, m->iov, (u32)m->head.iov_len, true);
	m->u.count = min(m->u.count, (size_t)MOVE_MAX);
	m->msg.data = &m->u;
	return 0;
}

static int message_init(struct message *m, const void __user *umsg)
{
	m->iov = m->fast;
	m->control = NULL;
	memset(&m->msg, 0, sizeof(m->msg));
	if (copy_from_user(&m->head, umsg, sizeof(m->head)))
		return -EFAULT;
	if ((s32)m->head.name_len < 0)
		return -EINVAL;
	return message_vector(m);
}

static int message_control(struct message *m)
{
	size_t n = m->head.control_len;

	if (n > CONTROL_MAX)
		return -ENOBUFS;
	if (!m->head.control || !n)
		return 0;
	m->control = kmalloc(n, 0);
	if (!m->control)
		return -ENOBUFS;
	if (copy_from_user(m->control, (const void __user *)m->head.control, n))
		return -EFAULT;
	m->msg.control = m->control;
	m->msg.control_len = n;
	return 0;
}

static ssize_t send_one(struct file *f, struct socket *sk, const void __user *umsg, u32 flags)
{
	struct message m;
	ssize_t n = message_init(&m, umsg);

	if (!n && m.head.name && m.head.name_len) {
		m.msg.name = &m.name;
		m.msg.name_len = min(m.head.name_len, (u32)SOCKADDR_MAX);
		n = socket_addr_in(&m.name, (const void __user *)m.head.name, m.msg.name_len);
	}
	if (!n)
		n = message_control(&m);
	if (!n) {
		m.msg.flags = flags_for(f, flags);
		n = socket_send(sk, &m.msg);
	}
	message_free(&m);
	return n;
}

long sys_sendmsg(int fd, const void __user *msg, u32 flags)
{
	struct file *f;
	bool borrowed;
	struct socket *sk = socket_fd_borrow(fd, &f, &borrowed);
	ssize_t n;

	if (is_err(sk))
		return ptr_err(sk);
	n = send_one(f, sk, msg, flags);
	fd_return(f, borrowed);
	return n;
}

/* Tells the user name, flags and how much control data came. */
static int message_results(struct message *m, struct user_msghdr __user *umsg)
{
	u64 used = m->head.control ? (u64)m->msg.out_control.at - m->head.control : 0;
	u32 out_flags = m->msg.out_flags | (m->msg.flags & MSG_CMSG_CLOEXEC);

	if (m->head.name) {
		int err = socket_addr_out(&m->name, m->msg.name_len, (void __user *)m->head.name, &umsg->name_len);

		if (err)
			return err;
	}
	if (put_user(out_flags, &umsg->flags))
		return -EFAULT;
	return put_user(used, &umsg->control_len);
}

static ssize_t receive_one(struct file *f, struct socket *sk, void __user *umsg, u32 flags)
{
	struct message m;
	ssize_t n = message_init(&m, umsg);
	int err;

	if (!n) {
		m.msg.flags = flags_for(f, flags);
		m.msg.name = m.head.name ? &m.name : NULL;
		m.msg.out_control.at = (void __user *)m.head.control;
		m.msg.out_control.room = m.head.control ? m.head.control_len : 0;
		n = socket_receive(sk, &m.msg);
		err = n >= 0 ? message_results(&m, umsg) : 0;
		if (err)
			n = err;
	}
	message_free(&m);
	return n;
}

long sys_recvmsg(int fd, void __user *msg, u32 flags)
{
	struct file *f;
	bool borrowed;
	struct socket *sk = socket_fd_borrow(fd, &f, &borrowed);
	ssize_t n;

	if (is_err(sk))
		return ptr_err(sk);
	n = receive_one(f, sk, msg, flags);
	fd_return(f, borrowed);
	return n;
}

long sys_sendmmsg(int fd, void __user *vec, u32 vlen, u32 flags)
{
	struct user_mmsghdr __user *v = vec;
	struct file *f;
	bool borrowed;
	struct socket *sk = socket_fd_borrow(fd, &f, &borrowed);
	ssize_t n = 0;
	u32 done = 0;

	if (is_err(sk))
		return ptr_err(sk);
	vlen = min(vlen, (u32)UIO_MAXIOV);
	while (done < vlen) {
		n = send_one(f, sk, &v[done].hdr, flags);
		if (n < 0)
			break;
		n = put_user((u32)n, &v[done].len);
		if (n)
			break;
		done++;
	}
	fd_return(f, borrowed);
	return done ? (ssize_t)done : n;
}

static ssize_t receive_many(struct file *f, struct socket *sk, struct user_mmsghdr __user *v, u32 vlen, u32 flags, u64 deadline)
{
	ssize_t n = socket_take_error(sk);
	u32 done = 0;

	if (n)
		return n;
	while (done < vlen) {
		n = receive_one(f, sk, &v[done].hdr, flags & ~(u32)MSG_WAITFORONE);
		if (n < 0)
			break;
		n = put_user((u32)n, &v[done].len);
		if (n)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline != U64_MAX && time_ns() >= deadline)
			break;
	}
	if (!done)
		return n;
	/* The error after some messages comes with the next call (not "nothing there"). */
	if (n < 0 && n != -EAGAIN && n != -ERESTARTSYS && n != -EINTR)
		atomic_store(&sk->error, (s32)-n);
	return done;
}

long sys_recvmmsg(int fd, void __user *vec, u32 vlen, u32 flags, struct timespec64 __user *timeout)
{
	u64 deadline = U64_MAX, now;
	struct timespec64 t;
	struct file *f;
	struct socket *sk;
	bool borrowed;
	ssize_t n;

	if (timeout) {
		if (get_user(t, timeout))
			return -EFAULT;
		if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec > 999999999)
			return -EINVAL;
		if (t.tv_sec < 9000000000)
			deadline = time_ns() + (u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_nsec;
	}
	sk = socket_fd_borrow(fd, &f, &borrowed);
	if (is_err(sk))
		return ptr_err(sk);
	n = receive_many(f, sk, vec, min(vlen, (u32)UIO_MAXIOV), flags, deadline);
	fd_return(f, borrowed);
	if (timeout && n > 0) {
		now = time_ns();
		now = deadline == U64_MAX ? U64_MAX : deadline > now ? deadline - now : 0;
		if (now != U64_MAX)
			t = (struct timespec64){ (s64)(now / NSEC_PER_SEC), (s64)(now % NSEC_PER_SEC) };
		if (copy_to_user(timeout, &t, sizeof(t)))
			return -EFAULT;
	}
	return n;
}
