/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that make, name and connect sockets: socket, socketpair, bind, listen, accept, connect, getsockname,
 * getpeername, shutdown, setsockopt, getsockopt. Arguments are checked here, meaning is the family's. Messages: sys_msg.c.
 */
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <lib/string.h>
#include "net.h"
#include "settings.h"

/* Not: the name of a socket file (O_PATH). */
struct socket *socket_fd_get(int fd, struct file **file)
{
	struct file *f = fd_get(fd);
	struct socket *sk;

	*file = f;
	if (!f)
		return err_ptr(-EBADF);
	sk = socket_of_file(f);
	if (sk)
		return sk;
	file_put(f);
	return err_ptr(-ENOTSOCK);
}

struct socket *__hot socket_fd_borrow(int fd, struct file **file, bool *borrowed)
{
	struct file *f = fd_borrow(fd, borrowed);
	struct socket *sk;

	*file = f;
	if (unlikely(!f))
		return err_ptr(-EBADF);
	sk = socket_of_file(f);
	if (likely(sk))
		return sk;
	fd_return(f, *borrowed);
	return err_ptr(-ENOTSOCK);
}

int socket_addr_in(struct sockaddr_storage *a, const void __user *addr, u32 len)
{
	if (len > SOCKADDR_MAX)
		return -EINVAL;
	memset((char *)a + len, 0, sizeof(*a) - len);
	return len ? copy_from_user(a, addr, len) : 0;
}

int socket_addr_out(const struct sockaddr_storage *a, u32 n, void __user *addr, u32 __user *len)
{
	s32 room;

	if (get_user(room, (s32 __user *)len))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copy_to_user(addr, a, min((u32)room, n)))
		return -EFAULT;
	return put_user(n, len);
}

static bool flags_ok(int flags) { return !(flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)); }

long sys_socket(int family, int type, int protocol)
{
	int flags = type & ~SOCK_TYPE_MASK, fd;
	struct socket *sk;
	struct file *f;

	if (!flags_ok(flags))
		return -EINVAL;
	sk = socket_create(family, type & SOCK_TYPE_MASK, protocol);
	if (is_err(sk))
		return ptr_err(sk);
	f = socket_file_new(sk, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
	if (is_err(f))
		return ptr_err(f);
	fd = fd_install(f, 0, flags & SOCK_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* Two connected sockets as files. */
static int make_pair(int family, int type, int protocol, u32 oflags, struct file *files[2])
{
	struct socket *a = socket_create(family, type, protocol), *b;
	int err;

	if (is_err(a))
		return (int)ptr_err(a);
	b = socket_create(family, type, protocol);
	if (is_err(b)) {
		socket_release(a);
		return (int)ptr_err(b);
	}
	err = a->ops->pair ? a->ops->pair(a, b) : -EOPNOTSUPP;
	if (err) {
		socket_release(a);
		socket_release(b);
		return err;
	}
	files[0] = socket_file_new(a, oflags);
	if (is_err(files[0])) {
		socket_release(b);
		return -ENOMEM;
	}
	files[1] = socket_file_new(b, oflags);
	if (is_err(files[1])) {
		file_put(files[0]);
		return -ENOMEM;
	}
	return 0;
}

long sys_socketpair(int family, int type, int protocol, int __user *fds)
{
	int flags = type & ~SOCK_TYPE_MASK, fd[2], err;
	struct file *files[2] = { NULL, NULL };

	if (!flags_ok(flags))
		return -EINVAL;
	fd[0] = err = fd_reserve(0, flags & SOCK_CLOEXEC);
	if (err < 0)
		return err;
	fd[1] = err = fd_reserve(0, flags & SOCK_CLOEXEC);
	if (err < 0)
		goto no_second;
	err = copy_to_user(fds, fd, sizeof(fd));
	if (!err)
		err = make_pair(family, type & SOCK_TYPE_MASK, protocol, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0, files);
	if (err)
		goto no_pair;
	fd_publish(fd[0], files[0]);
	fd_publish(fd[1], files[1]);
	return 0;
no_pair:
	fd_unreserve(fd[1]);
no_second:
	fd_unreserve(fd[0]);
	return err;
}

long sys_bind(int fd, const void __user *addr, u32 addrlen)
{
	struct sockaddr_storage a;
	struct file *f;
	struct socket *sk = socket_fd_get(fd, &f);
	int err;

	if (is_err(sk))
		return ptr_err(sk);
	err = socket_addr_in(&a, addr, addrlen);
	if (!err)
		err = sk->ops->bind ? sk->ops->bind(sk, &a, addrlen) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

long sys_listen(int fd, int backlog)
{
	struct file *f;
	struct socket *sk = socket_fd_get(fd, &f);
	int err;

	if (is_err(sk))
		return ptr_err(sk);
	err = sk->ops->listen ? sk->ops->listen(sk, min((u32)backlog, atomic_load(&net_settings.somaxconn))) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

/* The descriptor is reserved first: a connection is never taken and then lost for want of one. */
static long accept_on(struct socket *sk, bool nonblock, void __user *addr, u32 __user *addrlen, int flags)
{
	struct sockaddr_storage a = { 0 };
	struct socket *conn;
	struct file *f;
	int fd = fd_reserve(0, flags & SOCK_CLOEXEC), err, n;

	if (fd < 0)
		return fd;
	err = sk->ops->accept ? sk->ops->accept(sk, nonblock, &conn) : -EOPNOTSUPP;
	if (err)
		goto no_socket;
	f = socket_file_new(conn, flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
	err = (int)ptr_err(f);
	if (is_err(f))
		goto no_socket;
	err = 0;
	if (addr) {
		n = conn->ops->getname ? conn->ops->getname(conn, &a, true) : -EOPNOTSUPP;
		err = n < 0 ? -ECONNABORTED : socket_addr_out(&a, (u32)n, addr, addrlen);
	}
	if (!err) {
		fd_publish(fd, f);
		return fd;
	}
	file_put(f);
no_socket:
	fd_unreserve(fd);
	return err;
}

long sys_accept4(int fd, void __user *addr, u32 __user *addrlen, int flags)
{
	struct file *f;
	struct socket *sk;
	long r;

	if (!flags_ok(flags))
		return -EINVAL;
	sk = socket_fd_get(fd, &f);
	if (is_err(sk))
		return ptr_err(sk);
	r = accept_on(sk, f->flags & O_NONBLOCK, addr, addrlen, flags);
	file_put(f);
	return r;
}

long sys_accept(int fd, void __user *addr, u32 __user *addrlen) { return sys_accept4(fd, addr, addrlen, 0); }

long sys_connect(int fd, const void __user *addr, u32 addrlen)
{
	struct sockaddr_storage a;
	struct file *f;
	struct socket *sk = socket_fd_get(fd, &f);
	int err;

	if (is_err(sk))
		return ptr_err(sk);
	err = socket_addr_in(&a, addr, addrlen);
	if (!err)
		err = sk->ops->connect ? sk->ops->connect(sk, &a, addrlen, f->flags & O_NONBLOCK) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

static long get_name(int fd, void __user *addr, u32 __user *addrlen, bool peer)
{
	struct sockaddr_storage a = { 0 };
	struct file *f;
	struct socket *sk = socket_fd_get(fd, &f);
	int n;

	if (is_err(sk))
		return ptr_err(sk);
	n = sk->ops->getname ? sk->ops->getname(sk, &a, peer) : -EOPNOTSUPP;
	if (n >= 0)
		n = socket_addr_out(&a, (u32)n, addr, addrlen);
	file_put(f);
	return n;
}

long sys_getsockname(int fd, void __user *addr, u32 __user *addrlen) { return get_name(fd, addr, addrlen, false); }
long sys_getpeername(int fd, void __user *addr, u32 __user *addrlen) { return get_name(fd, addr, addrlen, true); }

long sys_shutdown(int fd, int how)
{
	struct file *f;
	struct socket *sk = socket_fd_get(fd, &f);
	int err;

	if (is_err(sk))
		return ptr_err(sk);
	if (how < SHUT_RD || how > SHUT_RDWR)
		err = -EINVAL;
	else
		err = sk->ops->shutdown ? sk->ops->shutdown(sk, (u32)how + 1) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

long sys_setsockopt(int fd, int level, int opt, const void __user *val, u32 len)
{
	struct file *f;
	struct socket *sk;
	int err;

	if ((s32)len < 0)
		return -EINVAL;
	sk = socket_fd_get(fd, &f);
	if (is_err(sk))
		return ptr_err(sk);
	err = socket_setsockopt(sk, level, opt, val, len);
	file_put(f);
	return err;
}

long sys_getsockopt(int fd, int level, int opt, void __user *val, u32 __user *len)
{
	struct file *f;
	struct socket *sk = socket_fd_get(fd, &f);
	u32 n;
	int err;

	if (is_err(sk))
		return ptr_err(sk);
	err = get_user(n, len);
	if (!err && (s32)n < 0)
		err = -EINVAL;
	if (!err)
		err = socket_getsockopt(sk, level, opt, val, &n);
	if (!err)
		err = put_user(n, len);
	file_put(f);
	return err;
}
