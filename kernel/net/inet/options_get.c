/* SPDX-License-Identifier: BSD-2-Clause */
/* What getsockopt tells of AF_INET and AF_INET6 sockets, TCP_INFO among it. */
#include <lib/string.h>
#include <uapi/sock_diag.h>
#include "../settings.h"
#include "inet.h"

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
	case TCP_KEEPIDLE: return socket_opt_put_int(val, len, (s32)inet_or_default(s->keepidle_s, &net_settings.keepalive_time));
	case TCP_KEEPINTVL: return socket_opt_put_int(val, len, (s32)inet_or_default(s->keepintvl_s, &net_settings.keepalive_intvl));
	case TCP_KEEPCNT: return socket_opt_put_int(val, len, (s32)inet_or_default(s->keepcnt, &net_settings.keepalive_probes));
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
	case IP_TTL: return socket_opt_put_int(val, len, (s32)inet_or_default(s->ttl, &net_settings.default_ttl));
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
	case IPV6_UNICAST_HOPS: return socket_opt_put_int(val, len, s->hops >= 0 ? s->hops : INET_HOPS_DEFAULT);
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
