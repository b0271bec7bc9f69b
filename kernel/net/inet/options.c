/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of AF_INET and AF_INET6 sockets at the levels of TCP, IP, IPv6, ICMP, and what of SOL_SOCKET the netstack must
 * hear. A stream's connection may not exist yet or no more: words are kept here and given to each new one.
 */
#include <kernel/mm.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/sock_diag.h>
#include "../settings.h"
#include "inet.h"

#define HOPS_DEFAULT 64
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

static u32 or_default(u32 v, const u32 *setting) { return v ? v : atomic_load(setting); }

static u32 ttl_of(const struct inet_sock *s)
{
	if (s->sk.family == AF_INET6 && s->hops >= 0)
		return (u32)s->hops;
	return s->ttl ? s->ttl : s->sk.family == AF_INET6 ? HOPS_DEFAULT : atomic_load(&net_settings.default_ttl);
}

static void apply_stream(struct inet_sock *s)
{
	net_set(s, NET_TCP_NODELAY, s->nodelay);
	net_set(s, NET_TCP_KEEPALIVE, socket_option(&s->sk, SOCKET_KEEPALIVE) != 0);
	net_set(s, NET_TCP_KEEPIDLE, or_default(s->keepidle_s, &net_settings.keepalive_time) * 1000);
	net_set(s, NET_TCP_KEEPINTVL, or_default(s->keepintvl_s, &net_settings.keepalive_intvl) * 1000);
	net_set(s, NET_TCP_KEEPCNT, or_default(s->keepcnt, &net_settings.keepalive_probes));
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

static void apply(struct inet_sock *s)
{
	net_lock();
	inet_options_apply(s);
	net_unlock();
}

void inet_option_changed(struct socket *sk, int opt)
{
	if (opt == SO_REUSEADDR || opt == SO_REUSEPORT || opt == SO_KEEPALIVE || opt == SO_BROADCAST ||
	    opt == SO_RCVBUF || opt == SO_RCVBUFFORCE)
		apply(inet_of(sk));
}

/* ---- groups ---------------------------------------------------------------------------------------- */
static int member_add(struct inet_sock *s, const struct net_addr *group, u32 ifindex)
{
	struct inet_member *m;
	unsigned n = 0;
	int err;

	for (m = s->members; m; m = m->next, n++)
		if (m->ifindex == ifindex && !memcmp(m->group.ip, group->ip, 16))
			return -EADDRINUSE;
	if (n >= INET_MEMBERS)
		return -ENOBUFS;
	m = kmalloc(sizeof(*m), 0);
	if (!m)
		return -ENOBUFS;
	net_lock();
	err = netstack->end_member(s->end, group, ifindex, true);
	net_unlock();
	if (err) {
		kfree(m);
		return err;
	}
	*m = (struct inet_member){ .group = *group, .ifindex = ifindex, .next = s->members };
	s->members = m;
	return 0;
}

static int member_remove(struct inet_sock *s, const struct net_addr *group, u32 ifindex)
{
	struct inet_member **at = &s->members, *m;

	for (; (m = *at); at = &m->next)
		if (!memcmp(m->group.ip, group->ip, 16) && (!ifindex || m->ifindex == ifindex))
			break;
	if (!m)
		return -EADDRNOTAVAIL;
	*at = m->next;
	net_lock();
	(void)netstack->end_member(s->end, &m->group, m->ifindex, false);
	net_unlock();
	kfree(m);
	return 0;
}

void inet_members_drop(struct inet_sock *s)
{
	struct inet_member *m;

	while ((m = s->members)) {
		s->members = m->next;
		(void)netstack->end_member(s->end, &m->group, m->ifindex, false);
		kfree(m);
	}
}

static int member_change(struct inet_sock *s, const struct net_addr *group, u32 ifindex, bool join)
{
	int err;

	if (!s->end)
		return -EPROTO;
	mutex_lock(&s->sk.lock);
	err = join ? member_add(s, group, ifindex) : member_remove(s, group, ifindex);
	mutex_unlock(&s->sk.lock);
	return err;
}

/* The interface that has an IPv4 address; 0: none. */
static u32 ifindex_of_address(u32 ip)
{
	struct net_ifaddr a;
	u32 at = 0, found = 0;

	net_lock();
	while (ip && !found && netstack->address_next(&at, &a))
		if (a.family == AF_INET && a.ip[0] == ip)
			found = a.ifindex;
	net_unlock();
	return found;
}

static int set_membership(struct inet_sock *s, int opt, const void __user *val, u32 len)
{
	struct user_ip_mreqn r = { 0 };
	struct net_addr group = { .family = AF_INET };
	bool has_index = len >= sizeof(r);

	if (len < sizeof(struct user_ip_mreq))
		return -EINVAL;
	if (copy_from_user(&r, val, min(len, (u32)sizeof(r))))
		return -EFAULT;
	group.ip[0] = r.group;
	if (!has_index || !r.ifindex)
		r.ifindex = (s32)ifindex_of_address(r.address);
	if (!r.ifindex && r.address)
		return -ENODEV;
	return member_change(s, &group, (u32)r.ifindex, opt == IP_ADD_MEMBERSHIP);
}

static int set_membership6(struct inet_sock *s, int opt, const void __user *val, u32 len)
{
	struct user_ipv6_mreq r;
	struct net_addr group = { .family = AF_INET6 };

	if (len < sizeof(r))
		return -EINVAL;
	if (copy_from_user(&r, val, sizeof(r)))
		return -EFAULT;
	memcpy(group.ip, r.group, 16);
	group.scope = (u32)r.ifindex;
	return member_change(s, &group, (u32)r.ifindex, opt == IPV6_ADD_MEMBERSHIP);
}

static int set_group_req(struct inet_sock *s, int opt, const void __user *val, u32 len)
{
	struct user_group_req r;
	struct net_addr group;
	int err;

	if (len < sizeof(r))
		return -EINVAL;
	if (copy_from_user(&r, val, sizeof(r)))
		return -EFAULT;
	err = inet_addr_in(s, &r.group, sizeof(r.group), &group);
	return err ? err : member_change(s, &group, r.ifindex, opt == MCAST_JOIN_GROUP);
}

static int set_multicast_if(struct inet_sock *s, const void __user *val, u32 len)
{
	struct user_ip_mreqn r = { 0 };

	if (len < 4)
		return -EINVAL;
	if (len < sizeof(struct user_ip_mreq) ? copy_from_user(&r.address, val, 4) : copy_from_user(&r, val, min(len, (u32)sizeof(r))))
		return -EFAULT;
	if (!r.ifindex && r.address) {
		r.ifindex = (s32)ifindex_of_address(r.address);
		if (!r.ifindex)
			return -EADDRNOTAVAIL;
	}
	s->mcast_ifindex = (u32)r.ifindex;
	apply(s);
	return 0;
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
	apply(s);
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
	apply(s);
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
	apply(s);
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
	apply(s);
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
		return set_membership(s, opt, val, len);
	if (level == IPPROTO_IPV6 && (opt == IPV6_ADD_MEMBERSHIP || opt == IPV6_DROP_MEMBERSHIP))
		return set_membership6(s, opt, val, len);
	if ((level == IPPROTO_IP || level == IPPROTO_IPV6) && (opt == MCAST_JOIN_GROUP || opt == MCAST_LEAVE_GROUP))
		return set_group_req(s, opt, val, len);
	if (level == IPPROTO_IP && opt == IP_MULTICAST_IF)
		return set_multicast_if(s, val, len);
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

/* ---- getting --------------------------------------------------------------------------------------- */
void inet_tcp_info(const struct inet_sock *s, struct user_tcp_info *u)
{
	struct net_tcp_info i;

	*u = (struct user_tcp_info){ .state = DIAG_CLOSE };
	if (!s->conn)
		return;
	netstack->tcp_info(s->conn, &i);
	u->state = (u8)i.state;
	u->retransmits = (u8)i.retransmits;
	u->wscale = (u8)(i.snd_scale | i.rcv_scale << 4);
	u->rto = i.rto_us;
	u->rtt = i.rtt_us;
	u->rttvar = i.rttvar_us;
	u->snd_mss = u->rcv_mss = u->advmss = i.mss;
	u->snd_cwnd = i.cwnd;
	u->snd_ssthresh = i.ssthresh;
	u->rcv_space = i.rcv_wnd;
	u->unacked = i.mss ? (i.unacked + i.mss - 1) / i.mss : 0;
	u->notsent_bytes = i.notsent;
	u->pmtu = i.mss + 40;
	if (i.state == DIAG_LISTEN) {		/* as Linux shows a queue */
		u->unacked = atomic_load(&s->sk.accept_len);
		u->sacked = s->sk.backlog;
	}
}

static int get_tcp_info(struct inet_sock *s, void __user *val, u32 *len)
{
	struct user_tcp_info u;

	net_lock();
	inet_tcp_info(s, &u);
	net_unlock();
	return socket_opt_put(val, len, &u, sizeof(u));
}

static int get_tcp(struct inet_sock *s, int opt, void __user *val, u32 *len)
{
	struct net_tcp_info i = { .mss = 536 };

	switch (opt) {
	case TCP_NODELAY: return socket_opt_put_int(val, len, s->nodelay);
	case TCP_CORK: return socket_opt_put_int(val, len, s->cork);
	case TCP_KEEPIDLE: return socket_opt_put_int(val, len, (s32)or_default(s->keepidle_s, &net_settings.keepalive_time));
	case TCP_KEEPINTVL: return socket_opt_put_int(val, len, (s32)or_default(s->keepintvl_s, &net_settings.keepalive_intvl));
	case TCP_KEEPCNT: return socket_opt_put_int(val, len, (s32)or_default(s->keepcnt, &net_settings.keepalive_probes));
	case TCP_SYNCNT: return socket_opt_put_int(val, len, 6);
	case TCP_QUICKACK: return socket_opt_put_int(val, len, 1);
	case TCP_USER_TIMEOUT: return socket_opt_put_int(val, len, (s32)s->user_timeout_ms);
	case TCP_DEFER_ACCEPT: return socket_opt_put_int(val, len, (s32)s->defer_accept_s);
	case TCP_INFO: return get_tcp_info(s, val, len);
	case TCP_CONGESTION: return socket_opt_put(val, len, INET_CONGESTION, sizeof(INET_CONGESTION));
	case TCP_MAXSEG:
		net_lock();
		if (s->conn)
			netstack->tcp_info(s->conn, &i);
		net_unlock();
		/* Before a connection: what was asked for. */
		if (s->maxseg && (!i.mss || atomic_load(&s->sk.state) != SOCKET_CONNECTED))
			i.mss = s->maxseg;
		return socket_opt_put_int(val, len, i.mss ? (s32)i.mss : 536);
	default: return -ENOPROTOOPT;
	}
}

static int get_mtu(struct inet_sock *s, void __user *val, u32 *len)
{
	struct net_addr local, peer = { 0 }, source;
	struct net_route r;
	struct netdev *dev;
	u32 mtu = 0;

	net_lock();
	if (s->conn)
		netstack->tcp_names(s->conn, &local, &peer);
	else if (s->end)
		netstack->end_names(s->end, &local, &peer);
	if (peer.family && !netstack->route_find(&peer, &r, &source)) {
		dev = netdev_by_index(r.ifindex);
		mtu = dev ? dev->mtu : 0;
	}
	net_unlock();
	return mtu ? socket_opt_put_int(val, len, (s32)mtu) : -ENOTCONN;
}

static int get_ip(struct inet_sock *s, int opt, void __user *val, u32 *len)
{
	u32 any = 0;

	switch (opt) {
	case IP_TTL: return socket_opt_put_int(val, len, (s32)or_default(s->ttl, &net_settings.default_ttl));
	case IP_TOS: return socket_opt_put_int(val, len, s->tos);
	case IP_MULTICAST_TTL: return socket_opt_put_int(val, len, s->mcast_ttl);
	case IP_MULTICAST_LOOP: return socket_opt_put_int(val, len, s->mcast_loop);
	case IP_MULTICAST_IF: return socket_opt_put(val, len, &any, sizeof(any));
	case IP_PKTINFO: return socket_opt_put_int(val, len, s->recv_pktinfo);
	case IP_RECVTTL: return socket_opt_put_int(val, len, s->recv_ttl);
	case IP_RECVTOS: return socket_opt_put_int(val, len, s->recv_tos);
	case IP_RECVERR: return socket_opt_put_int(val, len, s->recverr);
	case IP_RETOPTS: return socket_opt_put_int(val, len, s->recv_opts);
	case IP_MTU_DISCOVER: return socket_opt_put_int(val, len, s->mtu_discover);
	case IP_HDRINCL: return s->sk.type == SOCK_RAW ? socket_opt_put_int(val, len, s->hdrincl) : -ENOPROTOOPT;
	case IP_MTU: return get_mtu(s, val, len);
	case IP_OPTIONS: *len = 0; return 0;
	default: return -ENOPROTOOPT;
	}
}

static int get_ipv6(struct inet_sock *s, int opt, void __user *val, u32 *len)
{
	switch (opt) {
	case IPV6_V6ONLY: return socket_opt_put_int(val, len, s->v6only);
	case IPV6_UNICAST_HOPS: return socket_opt_put_int(val, len, s->hops >= 0 ? s->hops : HOPS_DEFAULT);
	case IPV6_MULTICAST_HOPS: return socket_opt_put_int(val, len, s->mcast_hops >= 0 ? s->mcast_hops : 1);
	case IPV6_MULTICAST_LOOP: return socket_opt_put_int(val, len, s->mcast_loop);
	case IPV6_MULTICAST_IF: return socket_opt_put_int(val, len, (s32)s->mcast_ifindex);
	case IPV6_TCLASS: return socket_opt_put_int(val, len, s->tos);
	case IPV6_RECVPKTINFO: return socket_opt_put_int(val, len, s->recv_pktinfo6);
	case IPV6_RECVHOPLIMIT: return socket_opt_put_int(val, len, s->recv_hops);
	case IPV6_RECVTCLASS: return socket_opt_put_int(val, len, s->recv_tclass);
	case IPV6_RECVERR: return socket_opt_put_int(val, len, s->recverr);
	case IPV6_MTU_DISCOVER: return socket_opt_put_int(val, len, s->mtu_discover);
	case IPV6_MTU: return get_mtu(s, val, len);
	default: return -ENOPROTOOPT;
	}
}

static int get_device(struct inet_sock *s, void __user *val, u32 *len)
{
	char name[IFNAMSIZ] = "";
	struct netdev *dev;

	net_lock();
	dev = s->bound_ifindex ? netdev_by_index(s->bound_ifindex) : NULL;
	if (dev)
		strlcpy(name, dev->name, sizeof(name));
	net_unlock();
	return socket_opt_put(val, len, name, name[0] ? (u32)strlen(name) + 1 : 0);
}

int inet_getsockopt(struct socket *sk, int level, int opt, void __user *val, u32 *len)
{
	struct inet_sock *s = inet_of(sk);

	if (level == SOL_SOCKET)
		return opt == SO_BINDTODEVICE ? get_device(s, val, len) : -ENOPROTOOPT;
	if (level == IPPROTO_IP)
		return get_ip(s, opt, val, len);
	if (level == IPPROTO_IPV6 && sk->family == AF_INET6)
		return get_ipv6(s, opt, val, len);
	if (level == IPPROTO_TCP && sk->type == SOCK_STREAM)
		return get_tcp(s, opt, val, len);
	if (level == IPPROTO_UDPLITE && sk->protocol == IPPROTO_UDPLITE && (opt == UDPLITE_SEND_CSCOV || opt == UDPLITE_RECV_CSCOV))
		return socket_opt_put_int(val, len, opt == UDPLITE_SEND_CSCOV ? s->cscov_send : s->cscov_receive);
	if (level == SOL_RAW && opt == ICMP_FILTER && sk->protocol == IPPROTO_ICMP)
		return socket_opt_put(val, len, s->icmp_filter, 4);
	return -ENOPROTOOPT;
}
