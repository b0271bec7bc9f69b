/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of AF_INET and AF_INET6 sockets at the levels of TCP, IP, IPv6, ICMP, and what of SOL_SOCKET the netstack must
 * hear. A stream's connection may not exist yet or no more: words are kept here and given to each new one. options_get.c tells them,
 * options_group.c has multicast groups.
 */
#include <kernel/process.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include "../settings.h"
#include "inet.h"

#define MAXSEG_MIN 88			/* TCP_MAXSEG, as Linux */
#define MAXSEG_MAX 32767
#define DEFER_MAX_S 32767		/* TCP_DEFER_ACCEPT */

static void net_set(struct inet_sock *s, enum net_conn_option opt, u32 v)
{
	if (s->conn)
		(void)netstack->tcp_set(s->conn, opt, v);
	else if (s->end)
		(void)netstack->end_set(s->end, opt, v);
}

static u32 ttl_of(const struct inet_sock *s)
{
	if (s->sk.family == AF_INET6 && s->hops >= 0)
		return (u32)s->hops;
	return s->ttl ? s->ttl : s->sk.family == AF_INET6 ? INET_HOPS_DEFAULT : atomic_load(&net_settings.default_ttl);
}

static void apply_stream(struct inet_sock *s)
{
	net_set(s, NET_TCP_NODELAY, s->nodelay);
	net_set(s, NET_TCP_KEEPALIVE, socket_option(&s->sk, SOCKET_KEEPALIVE) != 0);
	net_set(s, NET_TCP_KEEPIDLE, inet_or_default(s->keepidle_s, &net_settings.keepalive_time) * 1000);
	net_set(s, NET_TCP_KEEPINTVL, inet_or_default(s->keepintvl_s, &net_settings.keepalive_intvl) * 1000);
	net_set(s, NET_TCP_KEEPCNT, inet_or_default(s->keepcnt, &net_settings.keepalive_probes));
	net_set(s, NET_TCP_USER_TIMEOUT, s->user_timeout_ms);
	net_set(s, NET_TCP_MAXSEG, s->maxseg);
	net_set(s, NET_TCP_DEFER_ACCEPT, s->defer_accept_s);
	/* Half of the room is for overhead, as on Linux. */
	net_set(s, NET_RCVBUF, socket_option(&s->sk, SOCKET_RCVBUF_SET) ? atomic_load(&s->sk.rcvbuf) / 2 : 0);
	if (atomic_load(&s->window_step))
		atomic_store(&s->window_step, netstack->tcp_window(s->conn) / 4);
}

void inet_options_apply(struct inet_sock *s)
{
	net_set(s, NET_TTL, ttl_of(s));
	net_set(s, NET_TOS, s->tos);
	net_set(s, NET_REUSEADDR, socket_option(&s->sk, SOCKET_REUSEADDR | SOCKET_REUSEPORT) != 0);
	if (s->sk.family == AF_INET6)
		net_set(s, NET_V6ONLY, s->v6only);
	if (s->bound_ifindex)
		net_set(s, NET_IFINDEX, s->bound_ifindex);
	if (s->conn) {
		apply_stream(s);
		return;
	}
	net_set(s, NET_BROADCAST, socket_option(&s->sk, SOCKET_BROADCAST) != 0);
	net_set(s, NET_MULTICAST_TTL, s->sk.family == AF_INET6 && s->mcast_hops >= 0 ? (u32)s->mcast_hops : s->mcast_ttl);
	net_set(s, NET_MULTICAST_LOOP, s->mcast_loop);
	net_set(s, NET_MULTICAST_IF, s->mcast_ifindex);
	if (s->hdrincl)
		net_set(s, NET_HDRINCL, 1);
	if (s->sk.protocol == IPPROTO_UDPLITE) {
		net_set(s, NET_CSCOV_SEND, s->cscov_send);
		net_set(s, NET_CSCOV_RECEIVE, s->cscov_receive);
	}
}

enum net_share inet_share(void *owner, void *other)
{
	const struct inet_sock *a = owner, *b = other;
	u32 both = atomic_load(&a->sk.options) & atomic_load(&b->sk.options);

	if (both & SOCKET_REUSEPORT && a->uid == b->uid)
		return NET_SHARE_SPREAD;
	return both & SOCKET_REUSEADDR ? NET_SHARE_REUSE : NET_SHARE_NONE;
}

void inet_options_changed(struct inet_sock *s)
{
	net_lock();
	inet_options_apply(s);
	net_unlock();
}

void inet_option_changed(struct socket *sk, int opt)
{
	if (opt == SO_REUSEADDR || opt == SO_REUSEPORT || opt == SO_KEEPALIVE || opt == SO_BROADCAST ||
	    opt == SO_RCVBUF || opt == SO_RCVBUFFORCE)
		inet_options_changed(inet_of(sk));
}

/* ---- setting --------------------------------------------------------------------------------------- */
/* An int, or a byte where Linux takes one. */
static int int_in(const void __user *val, u32 len, s32 *v)
{
	u8 byte;

	if (len >= sizeof(*v))
		return copy_from_user(v, val, sizeof(*v));
	if (len < 1)
		return -EINVAL;
	if (copy_from_user(&byte, val, 1))
		return -EFAULT;
	*v = byte;
	return 0;
}

static int set_ip(struct inet_sock *s, int opt, s32 v)
{
	switch (opt) {
	case IP_TTL:
		if (v != -1 && (v < 1 || v > 255))
			return -EINVAL;
		s->ttl = v == -1 ? 0 : (u8)v;
		break;
	case IP_TOS: s->tos = (u8)v; break;
	case IP_MULTICAST_TTL:
		if (v < -1 || v > 255)
			return -EINVAL;
		s->mcast_ttl = v == -1 ? 1 : (u8)v;
		break;
	case IP_MULTICAST_LOOP: s->mcast_loop = v; break;
	case IP_PKTINFO: s->recv_pktinfo = v; return 0;
	case IP_RECVTTL: s->recv_ttl = v; return 0;
	case IP_RECVTOS: s->recv_tos = v; return 0;
	case IP_RECVERR: s->recverr = v; return 0;
	case IP_RETOPTS: s->recv_opts = v; return 0;
	case IP_MTU_DISCOVER:
		if (v < 0 || v > 5)
			return -EINVAL;
		s->mtu_discover = v;
		return 0;
	case IP_HDRINCL:
		if (s->sk.type != SOCK_RAW)
			return -ENOPROTOOPT;
		s->hdrincl = v;
		net_lock();
		net_set(s, NET_HDRINCL, (u32)v);
		net_unlock();
		return 0;
	case IP_BIND_ADDRESS_NO_PORT:
	case IP_MULTICAST_ALL:
		return 0;		/* what happens anyway */
	default:
		return -ENOPROTOOPT;
	}
	inet_options_changed(s);
	return 0;
}

static int set_ipv6(struct inet_sock *s, int opt, s32 v)
{
	switch (opt) {
	case IPV6_V6ONLY:
		if (s->is_bound)
			return -EINVAL;
		s->v6only = v;
		break;
	case IPV6_UNICAST_HOPS:
		if (v < -1 || v > 255)
			return -EINVAL;
		s->hops = (s16)v;
		break;
	case IPV6_MULTICAST_HOPS:
		if (v < -1 || v > 255)
			return -EINVAL;
		s->mcast_hops = (s16)v;
		break;
	case IPV6_MULTICAST_LOOP: s->mcast_loop = v; break;
	case IPV6_MULTICAST_IF: s->mcast_ifindex = (u32)v; break;
	case IPV6_TCLASS: s->tos = v < 0 ? 0 : (u8)v; break;
	case IPV6_RECVPKTINFO: s->recv_pktinfo6 = v; return 0;
	case IPV6_RECVHOPLIMIT: s->recv_hops = v; return 0;
	case IPV6_RECVTCLASS: s->recv_tclass = v; return 0;
	case IPV6_RECVERR: s->recverr = v; return 0;
	case IPV6_MTU_DISCOVER: s->mtu_discover = v; return 0;
	default:
		return -ENOPROTOOPT;
	}
	inet_options_changed(s);
	return 0;
}

static int set_tcp(struct inet_sock *s, int opt, s32 v)
{
	switch (opt) {
	case TCP_NODELAY:
	case TCP_CORK:
		return stream_set_option(s, opt, v != 0);
	case TCP_KEEPIDLE:
	case TCP_KEEPINTVL:
		if (v < 1 || v > 32767)
			return -EINVAL;
		*(opt == TCP_KEEPIDLE ? &s->keepidle_s : &s->keepintvl_s) = (u32)v;
		break;
	case TCP_KEEPCNT:
		if (v < 1 || v > 127)
			return -EINVAL;
		s->keepcnt = (u32)v;
		break;
	case TCP_USER_TIMEOUT:
		if (v < 0)
			return -EINVAL;
		s->user_timeout_ms = (u32)v;
		break;
	case TCP_MAXSEG:
		if (v && (v < MAXSEG_MIN || v > MAXSEG_MAX))
			return -EINVAL;
		s->maxseg = (u32)v;
		break;
	case TCP_DEFER_ACCEPT:
		s->defer_accept_s = (u32)clamp(v, 0, DEFER_MAX_S);
		break;
	case TCP_QUICKACK:
	case TCP_NOTSENT_LOWAT:
	case TCP_SYNCNT:
	case TCP_LINGER2:
	case TCP_WINDOW_CLAMP:
		return 0;		/* hints; the stack keeps its own values */
	default:
		return -ENOPROTOOPT;
	}
	inet_options_changed(s);
	return 0;
}

/* Less than the header cannot be left out of the sum; negative and large numbers as Linux. */
static int set_udplite(struct inet_sock *s, int opt, s32 v)
{
	u16 n = v == 0 ? 0 : v < 8 ? 8 : (u16)min(v, 0xffff);

	switch (opt) {
	case UDPLITE_SEND_CSCOV: s->cscov_send = n; break;
	case UDPLITE_RECV_CSCOV: s->cscov_receive = n; break;
	default: return -ENOPROTOOPT;
	}
	inet_options_changed(s);
	return 0;
}

static int set_device(struct inet_sock *s, const char __user *val, u32 len)
{
	char name[IFNAMSIZ] = "";
	struct netdev *dev;
	u32 index = 0;

	if (!capable(CAP_NET_RAW))
		return -EPERM;
	if (copy_from_user(name, val, min(len, (u32)sizeof(name) - 1)))
		return -EFAULT;
	net_lock();
	dev = name[0] ? netdev_by_name(name) : NULL;
	index = dev ? dev->index : 0;
	if (index || !name[0]) {
		s->bound_ifindex = index;
		net_set(s, NET_IFINDEX, index);
	}
	net_unlock();
	return index || !name[0] ? 0 : -ENODEV;
}

int inet_setsockopt(struct socket *sk, int level, int opt, const void __user *val, u32 len)
{
	struct inet_sock *s = inet_of(sk);
	char word[16] = "";
	s32 v = 0;
	int err;

	if (level == SOL_SOCKET)
		return opt == SO_BINDTODEVICE ? set_device(s, val, len) : -ENOPROTOOPT;
	if (level == IPPROTO_IP && (opt == IP_ADD_MEMBERSHIP || opt == IP_DROP_MEMBERSHIP))
		return inet_set_membership(s, opt, val, len);
	if (level == IPPROTO_IPV6 && (opt == IPV6_ADD_MEMBERSHIP || opt == IPV6_DROP_MEMBERSHIP))
		return inet_set_membership6(s, opt, val, len);
	if ((level == IPPROTO_IP || level == IPPROTO_IPV6) && (opt == MCAST_JOIN_GROUP || opt == MCAST_LEAVE_GROUP))
		return inet_set_group_req(s, opt, val, len);
	if (level == IPPROTO_IP && opt == IP_MULTICAST_IF)
		return inet_set_multicast_if(s, val, len);
	if (level == IPPROTO_TCP && opt == TCP_CONGESTION && sk->type == SOCK_STREAM) {
		if (copy_from_user(word, val, min(len, (u32)sizeof(word) - 1)))
			return -EFAULT;
		return strcmp(word, INET_CONGESTION) ? -ENOENT : 0;
	}
	if (level == SOL_RAW && opt == ICMP_FILTER && sk->protocol == IPPROTO_ICMP)
		return len < 4 ? -EINVAL : copy_from_user(s->icmp_filter, val, 4);
	if (level == IPPROTO_ICMPV6 && opt == ICMPV6_FILTER && sk->protocol == IPPROTO_ICMPV6)
		return copy_from_user(s->icmp_filter, val, min(len, (u32)sizeof(s->icmp_filter)));
	err = int_in(val, len, &v);
	if (err)
		return err;
	if (level == IPPROTO_IP)
		return set_ip(s, opt, v);
	if (level == IPPROTO_IPV6 && sk->family == AF_INET6)
		return set_ipv6(s, opt, v);
	if (level == IPPROTO_UDPLITE && sk->protocol == IPPROTO_UDPLITE)
		return len < sizeof(v) ? -EINVAL : set_udplite(s, opt, v);
	if (level == IPPROTO_TCP && sk->type == SOCK_STREAM)
		return len < sizeof(v) ? -EINVAL : set_tcp(s, opt, v);
	return -ENOPROTOOPT;
}
