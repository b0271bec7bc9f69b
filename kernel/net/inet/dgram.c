/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP, raw and ping sockets, and which sockets the two families have. A datagram is built in a packet of the netstack's without
 * locks, then sent under net_lock; received ones wait in the generic queue within rcvbuf.
 */
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/time.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/ioctl.h>
#include "../settings.h"
#include "inet.h"

#define UDP_MAX 65507u
#define RAW_MAX 65515u
#define ICMP_ECHO 8
#define ICMP_ECHOREPLY 0
#define ICMP6_ECHO 128
#define ICMP6_ECHOREPLY 129
#define SCM_TIMESTAMP SO_TIMESTAMP
#define SCM_TIMESTAMPNS SO_TIMESTAMPNS

/* UDP-Lite (RFC 3828) is UDP but for what the checksum covers. */
static bool is_udp(const struct inet_sock *s)
{
	return s->sk.type == SOCK_DGRAM && (s->sk.protocol == IPPROTO_UDP || s->sk.protocol == IPPROTO_UDPLITE);
}

/* ---- events: net_lock held --------------------------------------------------------------------------- */
/* Is this ICMP message the answer to one of ours? Cuts what is before the ICMP header. */
static bool ping_is_mine(struct inet_sock *s, struct netbuf *b)
{
	u32 header = b->origin.family == AF_INET ? (b->data[0] & 15u) * 4u : 0;
	u8 want = b->origin.family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHOREPLY;

	if (b->len < header + 8 || b->data[header] != want || s->ping_id != (b->data[header + 4] << 8 | b->data[header + 5]))
		return false;
	b->data += header;
	b->len -= header;
	return true;
}

static bool is_filtered(const struct inet_sock *s, const struct netbuf *b)
{
	u32 header = b->origin.family == AF_INET ? (b->data[0] & 15u) * 4u : 0;
	u8 type;

	if ((s->sk.protocol != IPPROTO_ICMP && s->sk.protocol != IPPROTO_ICMPV6) || b->len <= header)
		return false;
	type = b->data[header];
	return atomic_load(&s->icmp_filter[type / 32]) >> (type % 32) & 1;
}

static void end_received(void *owner, struct netbuf *b, u32 len)
{
	struct inet_sock *s = owner;
	u32 charge = 0;

	if (s->sk.type == SOCK_DGRAM && !is_udp(s)) {
		if (!ping_is_mine(s, b)) {
			netbuf_free_chain(b);
			return;
		}
		len = b->len;
	} else if (s->sk.type == SOCK_RAW && is_filtered(s, b)) {
		netbuf_free_chain(b);
		return;
	}
	if (socket_option(&s->sk, SOCKET_TIMESTAMP | SOCKET_TIMESTAMPNS))
		b->origin.stamp_ns = (u64)time_wall_ns();
	for (struct netbuf *p = b; p; p = p->next)
		charge += p->size;
	b->packet.len = len;
	b->packet.charge = charge;
	if (!socket_queue_push(&s->sk, &b->packet))
		netbuf_free_chain(b);
}

static const struct net_end_events end_events = { .received = end_received, .failed = inet_error, .share = inet_share };

/* ---- names ----------------------------------------------------------------------------------------- */
static int dgram_bind(struct socket *sk, const struct sockaddr_storage *name, u32 len)
{
	struct inet_sock *s = inet_of(sk);
	struct net_addr a;
	int err = inet_bind_name_in(s, name, len, &a);

	if (err)
		return err;
	if (is_udp(s) && a.port && a.port < 1024 && !capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	mutex_lock(&sk->lock);
	net_lock();
	err = s->is_bound && is_udp(s) ? -EINVAL : netstack->end_bind(s->end, &a);
	if (!err) {
		s->is_bound = true;
		if (sk->type == SOCK_DGRAM && !is_udp(s) && a.port)
			s->ping_id = a.port;
	}
	net_unlock();
	mutex_unlock(&sk->lock);
	return err;
}

static int dgram_connect(struct socket *sk, const struct sockaddr_storage *name, u32 len, bool nonblock)
{
	struct inet_sock *s = inet_of(sk);
	bool none = len >= sizeof(u16) && name->family == AF_UNSPEC;
	struct net_addr a;
	int err = none ? 0 : inet_addr_in(s, name, len, &a);

	if (err)
		return err;
	mutex_lock(&sk->lock);
	net_lock();
	err = netstack->end_connect(s->end, none ? NULL : &a);
	if (!err) {
		s->is_bound |= !none;
		atomic_store(&sk->state, none ? SOCKET_UNCONNECTED : SOCKET_CONNECTED);
	}
	net_unlock();
	mutex_unlock(&sk->lock);
	return err;
}

static int dgram_getname(struct socket *sk, struct sockaddr_storage *out, bool peer)
{
	struct inet_sock *s = inet_of(sk);
	struct net_addr local, other;

	if (peer && atomic_load(&sk->state) != SOCKET_CONNECTED)
		return -ENOTCONN;
	net_lock();
	netstack->end_names(s->end, &local, &other);
	if (s->ping_id)
		local.port = s->ping_id;
	net_unlock();
	return inet_addr_out(s, peer ? &other : &local, out);
}

/* ---- sending --------------------------------------------------------------------------------------- */
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
	head = (peer.family == AF_INET6 ? 40 : s->hdrincl ? 0 : 20) + (is_udp(s) ? 8 : 0);
	if (n + head <= mtu)
		return 0;
	inet_error_too_long(s, &peer, mtu);
	return -EMSGSIZE;
}

static ssize_t __hot dgram_sendmsg(struct socket *sk, struct socket_msg *msg)
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
		if (!err && is_udp(s) && !to.port)
			err = -EINVAL;
	}
	if (!err)
		err = control_read(msg, &control);
	if (err)
		return err;
	if (n > (is_udp(s) ? UDP_MAX : RAW_MAX))
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

/* ---- receiving ------------------------------------------------------------------------------------- */
static int put_pktinfo(struct inet_sock *s, struct socket_msg *msg, const struct net_origin *o)
{
	int err = 0;

	if (s->recv_pktinfo && o->family == AF_INET) {
		struct user_in_pktinfo i = { .ifindex = (s32)o->ifindex, .spec_dst = o->to[0], .addr = o->to[0] };

		err = socket_cmsg_put(msg, IPPROTO_IP, IP_PKTINFO, &i, sizeof(i));
	}
	if (!err && s->recv_pktinfo6 && s->sk.family == AF_INET6) {
		struct user_in6_pktinfo i = { .ifindex = (s32)o->ifindex };
		struct net_addr a = { .family = o->family };
		struct sockaddr_storage name;

		memcpy(a.ip, o->to, 16);
		inet_addr_out(s, &a, &name);
		memcpy(i.addr, ((struct sockaddr_in6 *)&name)->addr, 16);
		err = socket_cmsg_put(msg, IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof(i));
	}
	return err;
}

static int put_stamp(struct socket *sk, struct socket_msg *msg, u64 ns)
{
	struct timespec64 ts = { (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };

	if (!ns)
		return 0;
	if (socket_option(sk, SOCKET_TIMESTAMPNS))
		return socket_cmsg_put(msg, SOL_SOCKET, SCM_TIMESTAMPNS, &ts, sizeof(ts));
	ts.tv_nsec /= 1000;
	return socket_cmsg_put(msg, SOL_SOCKET, SCM_TIMESTAMP, &ts, sizeof(ts));
}

static int put_control(struct inet_sock *s, struct socket_msg *msg, const struct net_origin *o)
{
	s32 ttl = o->ttl, tos = o->tos;
	int err = put_stamp(&s->sk, msg, o->stamp_ns);

	if (!err)
		err = put_pktinfo(s, msg, o);
	if (!err && s->recv_ttl && o->family == AF_INET)
		err = socket_cmsg_put(msg, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (!err && s->recv_tos && o->family == AF_INET)
		err = socket_cmsg_put(msg, IPPROTO_IP, IP_TOS, &o->tos, 1);
	if (!err && s->recv_hops && o->family == AF_INET6)
		err = socket_cmsg_put(msg, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
	if (!err && s->recv_tclass && o->family == AF_INET6)
		err = socket_cmsg_put(msg, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	return err;
}

/* All but the first skip bytes. */
static ssize_t copy_datagram(struct inet_sock *s, struct socket_msg *msg, struct netbuf *b, u32 skip)
{
	u32 total = b->packet.len - skip;
	ssize_t done = 0;

	for (struct netbuf *p = b; p && msg->data->count; p = p->next) {
		u32 over = min(skip, p->len);
		size_t n = min((size_t)p->len - over, msg->data->count);

		skip -= over;
		if (uio_copy_out(msg->data, p->data + over, n) != n)
			return -EFAULT;
		done += (ssize_t)n;
	}
	if ((u32)done < total)
		msg->out_flags |= MSG_TRUNC;
	if (msg->name) {
		struct net_addr a = { .family = b->origin.family, .port = b->origin.from_port };

		memcpy(a.ip, b->origin.from, 16);
		if (a.family == AF_INET6 && (b->data && (a.ip[0] & __builtin_bswap32(0xffc00000)) == __builtin_bswap32(0xfe800000)))
			a.scope = b->origin.ifindex;
		msg->name_len = (u32)inet_addr_out(s, &a, msg->name);
	}
	if (put_control(s, msg, &b->origin))
		return -EFAULT;
	return msg->flags & MSG_TRUNC ? (ssize_t)total : done;
}

/* The datagram that a look at the queue finds when *skip bytes (SO_PEEK_OFF) are passed over; *skip: within it. NULL: none. */
static struct socket_packet *packet_at(struct socket *sk, u32 *skip)
{
	struct socket_packet *p, *found = NULL;

	spin_lock(&sk->queue_lock);
	list_for_each(p, &sk->queue, link) {
		if (!*skip || *skip < p->len) {
			found = p;
			break;
		}
		*skip -= p->len;
	}
	spin_unlock(&sk->queue_lock);
	return found;
}

/* The oldest datagram, if there is one. -EAGAIN. */
static ssize_t receive_now(struct inet_sock *s, struct socket_msg *msg)
{
	bool peek = msg->flags & MSG_PEEK;
	struct socket_packet *p;
	u32 skip;
	ssize_t n;

	mutex_lock(&s->receive_lock);
	skip = socket_peek_offset(&s->sk, msg->flags);
	p = peek ? packet_at(&s->sk, &skip) : socket_queue_pop(&s->sk);	/* only readers take out: it stays */
	if (!p) {
		mutex_unlock(&s->receive_lock);
		return -EAGAIN;
	}
	n = copy_datagram(s, msg, container_of(p, struct netbuf, packet), skip);
	if (n >= 0)
		socket_peek_moved(&s->sk, msg->flags, peek ? min(n, (ssize_t)(p->len - skip)) : (ssize_t)p->len);
	if (!peek)
		p->free(p);
	mutex_unlock(&s->receive_lock);
	return n;
}

/* There is something for a reader. */
static bool can_receive(struct socket *sk, u32 msg_flags)
{
	u32 skip = socket_peek_offset(sk, msg_flags);

	return (atomic_load(&sk->queue_len) && (!skip || packet_at(sk, &skip))) || atomic_load(&sk->error) ||
	       (atomic_load(&sk->shut) & SOCKET_SHUT_RD);
}

static ssize_t __hot dgram_recvmsg(struct socket *sk, struct socket_msg *msg)
{
	struct inet_sock *s = inet_of(sk);
	u64 deadline = msg->flags & MSG_DONTWAIT ? 0 : socket_receive_deadline(sk, msg->flags);
	ssize_t n;

	msg->name_len = 0;
	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (msg->flags & MSG_ERRQUEUE)
		return inet_error_receive(s, msg);
	while (1) {
		n = socket_take_error(sk);
		if (n)
			return n;
		n = receive_now(s, msg);
		if (n != -EAGAIN)
			break;
		if (atomic_load(&sk->shut) & SOCKET_SHUT_RD)
			return 0;
		n = socket_wait(sk, can_receive(sk, msg->flags), SOCKET_READABLE, deadline);
		if (n)
			return n;
	}
	if (atomic_load(&sk->queue_len))
		socket_wake(sk, SOCKET_READABLE);
	return n;
}

/* ---- the rest -------------------------------------------------------------------------------------- */
static int dgram_shutdown(struct socket *sk, u32 how)
{
	if (atomic_load(&sk->state) != SOCKET_CONNECTED)
		return -ENOTCONN;
	(void)atomic_fetch_or(&sk->shut, how);
	socket_wake_all(sk);
	return 0;
}

static u32 dgram_poll(struct socket *sk)
{
	u32 shut = atomic_load(&sk->shut), mask = SOCKET_WRITABLE;

	if (atomic_load(&sk->error) || atomic_load(&inet_of(sk)->nr_errors))
		mask |= POLLERR;
	if (atomic_load(&sk->queue_len))
		mask |= SOCKET_READABLE;
	if (shut & SOCKET_SHUT_RD)
		mask |= SOCKET_READABLE | POLLRDHUP;
	if (shut == SOCKET_SHUT_BOTH)
		mask |= POLLHUP;
	return mask;
}

static long dgram_ioctl(struct socket *sk, u32 cmd, u64 arg)
{
	s32 v = 0;

	switch (cmd) {
	case SIOCINQ:
		spin_lock(&sk->queue_lock);
		if (!list_empty(&sk->queue))
			v = (s32)list_first(&sk->queue, struct socket_packet, link)->len;
		spin_unlock(&sk->queue_lock);
		break;
	case SIOCOUTQ:
		break;
	default:
		return -ENOIOCTLCMD;
	}
	return put_user(v, (s32 __user *)arg);
}

static void dgram_release(struct socket *sk)
{
	struct inet_sock *s = inet_of(sk);

	net_lock();
	inet_members_drop(s);
	if (s->end)
		netstack->end_close(s->end);
	s->end = NULL;
	net_unlock();
	inet_errors_drop(s);
	socket_queue_purge(sk);
}

const struct socket_ops inet_dgram_ops = {
	.bind = dgram_bind, .connect = dgram_connect, .getname = dgram_getname, .sendmsg = dgram_sendmsg,
	.recvmsg = dgram_recvmsg, .shutdown = dgram_shutdown, .poll = dgram_poll, .ioctl = dgram_ioctl,
	.setsockopt = inet_setsockopt, .getsockopt = inet_getsockopt, .option_changed = inet_option_changed,
	.release = dgram_release, .has_peek_off = true,
};

/* ---- the families ---------------------------------------------------------------------------------- */
static int end_create(struct inet_sock *s, u8 protocol, bool raw)
{
	int err;

	s->sk.ops = &inet_dgram_ops;
	s->sk.protocol = protocol;
	net_lock();
	err = netstack->end_new(s->sk.family, protocol, raw, s, &end_events, &s->end);
	if (!err)
		inet_options_apply(s);
	net_unlock();
	return err;
}

static int inet_create(struct socket *sk, int protocol)
{
	struct inet_sock *s = inet_of(sk);
	int icmp = sk->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6, err;

	if (protocol < 0 || protocol >= IPPROTO_MAX)
		return -EINVAL;
	mutex_init(&s->receive_lock, "inet-receive", LOCK_SOCKET);
	s->hops = s->mcast_hops = -1;
	s->mcast_ttl = 1;
	s->mcast_loop = true;
	s->v6only = sk->family == AF_INET6 && atomic_load(&net_settings.bindv6only);
	s->mtu_discover = IP_PMTUDISC_WANT;
	list_init(&s->errors);
	s->uid = cred_current()->fsuid;
	switch (sk->type) {
	case SOCK_STREAM:
		if (protocol && protocol != IPPROTO_TCP)
			return -EPROTONOSUPPORT;
		sk->ops = &inet_stream_ops;
		sk->protocol = IPPROTO_TCP;
		return 0;
	case SOCK_DGRAM:
		if (!protocol || protocol == IPPROTO_UDP)
			return end_create(s, IPPROTO_UDP, false);
		if (protocol == IPPROTO_UDPLITE)
			return end_create(s, IPPROTO_UDPLITE, false);
		if (protocol != icmp)
			return -EPROTONOSUPPORT;
		err = end_create(s, (u8)icmp, true);
		s->ping_id = (u16)(1 + random_below(65535));
		return err;
	case SOCK_RAW:
		if (!capable(CAP_NET_RAW))
			return -EPERM;
		if (!protocol)
			return -EPROTONOSUPPORT;
		s->hdrincl = protocol == IPPROTO_RAW;
		return end_create(s, (u8)protocol, true);
	default:
		return -ESOCKTNOSUPPORT;
	}
}

const struct socket_family socket_family_inet = {
	.family = AF_INET, .name = "inet", .size = sizeof(struct inet_sock), .create = inet_create, .dev_ioctl = inet_dev_ioctl,
	.diag = inet_diag,
};
const struct socket_family socket_family_inet6 = {
	.family = AF_INET6, .name = "inet6", .size = sizeof(struct inet_sock), .create = inet_create, .diag = inet_diag,
};
