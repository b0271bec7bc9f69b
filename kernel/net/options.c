/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOL_SOCKET options that mean the same for every family: buffers, time-outs, yes-or-no words, identity. A family sees each
 * option first (socket_ops.setsockopt) and hears of changes (option_changed). Words are set atomically, without a lock.
 */
#include <kernel/process.h>
#include <kernel/time.h>
#include <uapi/capability.h>
#include "net.h"
#include "settings.h"

static const struct {
	int opt;
	u32 bit;
} flags[] = {
	{ SO_REUSEADDR, SOCKET_REUSEADDR }, { SO_REUSEPORT, SOCKET_REUSEPORT }, { SO_KEEPALIVE, SOCKET_KEEPALIVE },
	{ SO_BROADCAST, SOCKET_BROADCAST }, { SO_OOBINLINE, SOCKET_OOBINLINE }, { SO_DONTROUTE, SOCKET_DONTROUTE },
	{ SO_PASSCRED, SOCKET_PASSCRED }, { SO_PASSPIDFD, SOCKET_PASSPIDFD }, { SO_TIMESTAMP, SOCKET_TIMESTAMP },
	{ SO_TIMESTAMPNS, SOCKET_TIMESTAMPNS }, { SO_DEBUG, SOCKET_DEBUG }, { SO_NO_CHECK, SOCKET_NO_CHECK },
	{ SO_RXQ_OVFL, SOCKET_RXQ_OVFL }, { SO_PASSSEC, SOCKET_PASSSEC },
};

static u32 flag_of(int opt)
{
	for (unsigned i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].opt == opt)
			return flags[i].bit;
	return 0;
}

static void set_flag(struct socket *sk, u32 bit, bool on)
{
	if (on)
		(void)atomic_fetch_or(&sk->options, bit);
	else
		(void)atomic_fetch_and(&sk->options, ~bit);
}

static int set_timeout(u64 *to, const void __user *val, u32 len)
{
	struct timeval64 tv;

	if (len < sizeof(tv))
		return -EINVAL;
	if (copy_from_user(&tv, val, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		atomic_store(to, 1ull);		/* as Linux: no waiting at all */
	else if (tv.tv_sec > 9000000000)
		atomic_store(to, 0ull);
	else
		atomic_store(to, (u64)tv.tv_sec * NSEC_PER_SEC + (u64)tv.tv_usec * NSEC_PER_USEC);
	return 0;
}

static int set_linger(struct socket *sk, const void __user *val, u32 len)
{
	struct user_linger l;

	if (len < sizeof(l))
		return -EINVAL;
	if (copy_from_user(&l, val, sizeof(l)))
		return -EFAULT;
	if (l.on)
		atomic_store(&sk->linger_s, (u32)l.seconds);
	set_flag(sk, SOCKET_LINGER, l.on);
	return 0;
}

/* The user's number, up to net.core.rmem_max or wmem_max, is doubled: room for overhead, as Linux does and shows. */
static u32 buf_size(s32 v, u32 min_bytes, u32 max_bytes, bool force)
{
	u32 want = force ? (u32)max(v, 0) : min((u32)v, max_bytes);

	want = min(want, (u32)0x3fffffff);
	return max(want * 2, min_bytes);
}

static int set_word(struct socket *sk, int opt, s32 v)
{
	switch (opt) {
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		__fallthrough;
	case SO_SNDBUF:
	case SO_RCVBUF:
		if (opt == SO_SNDBUF || opt == SO_SNDBUFFORCE) {
			atomic_store(&sk->sndbuf, buf_size(v, SOCKET_SNDBUF_MIN, atomic_load(&net_settings.wmem_max), opt == SO_SNDBUFFORCE));
			set_flag(sk, SOCKET_SNDBUF_SET, true);
			socket_wake(sk, SOCKET_WRITABLE);
		} else {
			atomic_store(&sk->rcvbuf, buf_size(v, SOCKET_RCVBUF_MIN, atomic_load(&net_settings.rmem_max), opt == SO_RCVBUFFORCE));
			set_flag(sk, SOCKET_RCVBUF_SET, true);
		}
		return 0;
	case SO_RCVLOWAT:
		atomic_store(&sk->rcvlowat, v < 0 ? 0x7fffffffu : v ? (u32)v : 1u);
		return 0;
	case SO_PRIORITY:
		if ((v < 0 || v > 6) && !capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		atomic_store(&sk->priority, (u32)v);
		return 0;
	case SO_MARK:
		if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		atomic_store(&sk->mark, (u32)v);
		return 0;
	case SO_PEEK_OFF:
		if (!sk->ops->has_peek_off)
			return -EOPNOTSUPP;
		atomic_store(&sk->peek_off, v);
		return 0;
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
	case SO_ACCEPTCONN:
	default:
		return -ENOPROTOOPT;
	}
}

static int set_generic(struct socket *sk, int opt, const void __user *val, u32 len)
{
	u32 bit = flag_of(opt);
	s32 v;

	switch (opt) {
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		return set_timeout(&sk->rcvtimeo_ns, val, len);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		return set_timeout(&sk->sndtimeo_ns, val, len);
	}
	if (len < sizeof(v))
		return -EINVAL;
	if (get_user(v, (const s32 __user *)val))
		return -EFAULT;
	if (opt == SO_LINGER)
		return set_linger(sk, val, len);
	if (opt == SO_DEBUG && v && !capable(CAP_NET_ADMIN))
		return -EACCES;
	/* Which of two things a stream of AF_UNIX could never do: Linux refuses these by family. */
	if (opt == SO_PASSCRED && sk->family != AF_UNIX && sk->family != AF_NETLINK)
		return -EOPNOTSUPP;
	if (opt == SO_REUSEPORT && v && sk->family != AF_INET && sk->family != AF_INET6)
		return -EOPNOTSUPP;
	if (bit) {
		set_flag(sk, bit, v);
		return 0;
	}
	return set_word(sk, opt, v);
}

int socket_setsockopt(struct socket *sk, int level, int opt, const void __user *val, u32 len)
{
	int err = sk->ops->setsockopt ? sk->ops->setsockopt(sk, level, opt, val, len) :
		  level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;

	if (err != -ENOPROTOOPT || level != SOL_SOCKET)
		return err;
	err = set_generic(sk, opt, val, len);
	if (!err && sk->ops->option_changed)
		sk->ops->option_changed(sk, opt);
	return err;
}

int socket_opt_put(void __user *val, u32 *len, const void *data, u32 n)
{
	*len = min(*len, n);
	return copy_to_user(val, data, *len);
}

static int put_timeout(u64 ns, void __user *val, u32 *len)
{
	struct timeval64 tv = { (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };

	if (ns == 1)
		tv = (struct timeval64){ 0 };
	return socket_opt_put(val, len, &tv, sizeof(tv));
}

static int get_peername(struct socket *sk, void __user *val, u32 *len)
{
	struct sockaddr_storage a = { 0 };
	int n = sk->ops->getname ? sk->ops->getname(sk, &a, true) : -EOPNOTSUPP;

	if (n < 0)
		return -ENOTCONN;
	if ((u32)n < *len)
		return -EINVAL;
	return socket_opt_put(val, len, &a, (u32)n);
}

static int get_generic(struct socket *sk, int opt, void __user *val, u32 *len)
{
	u32 bit = flag_of(opt);
	u64 cookie;

	if (bit)
		return socket_opt_put_int(val, len, socket_option(sk, bit) != 0);
	switch (opt) {
	case SO_TYPE:
		return socket_opt_put_int(val, len, sk->type);
	case SO_PROTOCOL:
		return socket_opt_put_int(val, len, sk->protocol);
	case SO_DOMAIN:
		return socket_opt_put_int(val, len, sk->family);
	case SO_ERROR:
		return socket_opt_put_int(val, len, -socket_take_error(sk));
	case SO_ACCEPTCONN:
		return socket_opt_put_int(val, len, atomic_load(&sk->state) == SOCKET_LISTENING);
	case SO_SNDBUF:
		return socket_opt_put_int(val, len, (s32)atomic_load(&sk->sndbuf));
	case SO_RCVBUF:
		return socket_opt_put_int(val, len, (s32)atomic_load(&sk->rcvbuf));
	case SO_RCVLOWAT:
		return socket_opt_put_int(val, len, (s32)atomic_load(&sk->rcvlowat));
	case SO_SNDLOWAT:
		return socket_opt_put_int(val, len, 1);
	case SO_PRIORITY:
		return socket_opt_put_int(val, len, (s32)atomic_load(&sk->priority));
	case SO_MARK:
		return socket_opt_put_int(val, len, (s32)atomic_load(&sk->mark));
	case SO_PEEK_OFF:
		return sk->ops->has_peek_off ? socket_opt_put_int(val, len, atomic_load(&sk->peek_off)) : -EOPNOTSUPP;
	case SO_BSDCOMPAT:
		return 0;
	case SO_LINGER: {
		struct user_linger l = { socket_option(sk, SOCKET_LINGER) != 0, (s32)atomic_load(&sk->linger_s) };

		return socket_opt_put(val, len, &l, sizeof(l));
	}
	case SO_RCVTIMEO:
	case SO_RCVTIMEO_NEW:
		return put_timeout(atomic_load(&sk->rcvtimeo_ns), val, len);
	case SO_SNDTIMEO:
	case SO_SNDTIMEO_NEW:
		return put_timeout(atomic_load(&sk->sndtimeo_ns), val, len);
	case SO_PEERCRED:
		return socket_opt_put(val, len, &sk->peer_ids, sizeof(sk->peer_ids));
	case SO_PEERNAME:
		return get_peername(sk, val, len);
	case SO_COOKIE:
		if (*len < sizeof(cookie))
			return -EINVAL;
		cookie = sk->ino;
		return socket_opt_put(val, len, &cookie, sizeof(cookie));
	default:
		return -ENOPROTOOPT;
	}
}

int socket_getsockopt(struct socket *sk, int level, int opt, void __user *val, u32 *len)
{
	int err = sk->ops->getsockopt ? sk->ops->getsockopt(sk, level, opt, val, len) :
		  level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;

	if (err != -ENOPROTOOPT || level != SOL_SOCKET)
		return err;
	return get_generic(sk, opt, val, len);
}
