/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending datagrams: one is built in a packet of the netstack's without locks, then sent under net_lock, as its control data says. */
#include <lib/bits.h>
#include <lib/string.h>
#include "inet.h"

#define UDP_MAX 65507u
#define RAW_MAX 65515u
#define ICMP_ECHO 8
#define ICMP6_ECHO 128

/* What control data says about one datagram; -1 (ttl, tos): nothing. */
struct send_control {
	struct net_addr from;
	bool has_from;
	s32 ttl, tos;
};

/* A number from an int, or where Linux takes one from a byte. -EINVAL outside low .. 255; -1 is allowed for IPv6: the default. */
static int control_number(const struct user_cmsghdr *c, bool may_be_byte, s32 low, s32 *out)
{
	s32 v;

	if (c->len == CMSG_LEN(sizeof(s32)))
		memcpy(&v, socket_cmsg_data(c), sizeof(v));
	else if (may_be_byte && c->len == CMSG_LEN(1))
		v = *(const u8 *)socket_cmsg_data(c);
	else
		return -EINVAL;
	if (v < low || v > 255)
		return -EINVAL;
	*out = v;
	return 0;
}

static int control_read4(const struct user_cmsghdr *c, struct send_control *o)
{
	const struct user_in_pktinfo *p = socket_cmsg_data(c);

	switch (c->type) {
	case IP_PKTINFO:
		if (c->len < CMSG_LEN(sizeof(*p)))
			return -EINVAL;
		o->from = (struct net_addr){ .family = AF_INET, .ip[0] = p->spec_dst, .scope = (u32)p->ifindex };
		o->has_from = true;
		return 0;
	case IP_TTL: return control_number(c, false, 1, &o->ttl);
	case IP_TOS: return control_number(c, true, 0, &o->tos);
	}
	return 0;
}

static int control_read6(const struct user_cmsghdr *c, struct send_control *o)
{
	const struct user_in6_pktinfo *p = socket_cmsg_data(c);

	switch (c->type) {
	case IPV6_PKTINFO:
		if (c->len < CMSG_LEN(sizeof(*p)))
			return -EINVAL;
		o->from = (struct net_addr){ .family = AF_INET6, .scope = (u32)p->ifindex };
		memcpy(o->from.ip, p->addr, 16);
		o->has_from = true;
		return 0;
	case IPV6_HOPLIMIT: return control_number(c, false, -1, &o->ttl);
	case IPV6_TCLASS: return control_number(c, false, -1, &o->tos);
	}
	return 0;
}

/* A sender's control data. 0 or -EINVAL. */
static int control_read(const struct socket_msg *msg, struct send_control *o)
{
	const struct user_cmsghdr *c;
	size_t at = 0;
	int err = 0;

	*o = (struct send_control){ .ttl = -1, .tos = -1 };
	while (!err && (c = socket_cmsg_next(msg, &at))) {
		if (is_err(c))
			return (int)ptr_err(c);
		if (c->level == IPPROTO_IP)
			err = control_read4(c, o);
		else if (c->level == IPPROTO_IPV6)
			err = control_read6(c, o);
	}
	return err;
}

/* Sends with the socket's time to live and class, or the datagram's own. net_lock held. */
static int send_with(struct inet_sock *s, struct net_packet *p, const struct net_addr *to, const struct send_control *o)
{
	int err;

	if (likely(o->ttl < 0 && o->tos < 0))
		return netstack->end_send(s->end, p, to, o->has_from ? &o->from : NULL);
	if (o->ttl >= 0)
		netstack->end_set(s->end, NET_TTL, (u32)o->ttl);
	if (o->tos >= 0)
		netstack->end_set(s->end, NET_TOS, (u32)o->tos);
	err = netstack->end_send(s->end, p, to, o->has_from ? &o->from : NULL);
	inet_options_apply(s);
	return err;
}

static u16 sum16(const u8 *p, size_t n)
{
	u32 sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (u32)(p[i] << 8 | p[i + 1]);
	if (n & 1)
		sum += (u32)p[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}

/* A ping socket's message gets its identifier and (IPv4; lwIP does ICMPv6's) checksum from us. */
static int ping_finish(struct inet_sock *s, u8 *p, size_t n)
{
	u16 sum;

	if (n < 8 || p[0] != (s->sk.family == AF_INET ? ICMP_ECHO : ICMP6_ECHO) || p[1])
		return -EINVAL;
	p[4] = (u8)(s->ping_id >> 8);
	p[5] = (u8)s->ping_id;
	if (s->sk.family == AF_INET) {
		p[2] = p[3] = 0;
		sum = sum16(p, n);
		p[2] = (u8)(sum >> 8);
		p[3] = (u8)sum;
	}
	return 0;
}

/* Who wants no fragments learns what would fit. */
static int check_length(struct inet_sock *s, const struct net_addr *to, u32 n)
{
	struct net_addr local, peer, source;
	struct netdev *dev = NULL;
	struct net_route r;
	u32 head, mtu;

	net_lock();
	netstack->end_names(s->end, &local, &peer);
	if (to)
		peer = *to;
	if (peer.family && !netstack->route_find(&peer, &r, &source))
		dev = netdev_by_index(r.ifindex);
	mtu = dev ? dev->mtu : U32_MAX;
	net_unlock();
	head = (peer.family == AF_INET6 ? 40 : s->hdrincl ? 0 : 20) + (inet_is_udp(s) ? 8 : 0);
	if (n + head <= mtu)
		return 0;
	inet_error_too_long(s, &peer, mtu);
	return -EMSGSIZE;
}

ssize_t __hot dgram_sendmsg(struct socket *sk, struct socket_msg *msg)
{
	struct inet_sock *s = inet_of(sk);
	struct net_addr to;
	struct send_control control;
	struct net_packet *p;
	size_t n = msg->data->count;
	void *data;
	int err = socket_take_error(sk);

	if (err)
		return err;
	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (atomic_load(&sk->shut) & SOCKET_SHUT_WR)
		return -EPIPE;
	if (msg->name) {
		err = inet_addr_in(s, msg->name, msg->name_len, &to);
		if (!err && inet_is_udp(s) && !to.port)
			err = -EINVAL;
	}
	if (!err)
		err = control_read(msg, &control);
	if (err)
		return err;
	if (n > (inet_is_udp(s) ? UDP_MAX : RAW_MAX))
		return -EMSGSIZE;
	if (unlikely(atomic_load(&s->mtu_discover) >= IP_PMTUDISC_DO)) {
		err = check_length(s, msg->name ? &to : NULL, (u32)n);
		if (err)
			return err;
	}
	p = netstack->packet_new((u32)n, &data);
	if (!p)
		return -ENOBUFS;
	if (uio_copy_in(msg->data, data, n) != n)
		err = -EFAULT;
	else if (s->ping_id)
		err = ping_finish(s, data, n);
	if (err) {
		netstack->packet_free(p);
		return err;
	}
	net_lock();
	err = send_with(s, p, msg->name ? &to : NULL, &control);
	net_unlock();
	return err ? err : (ssize_t)n;
}
