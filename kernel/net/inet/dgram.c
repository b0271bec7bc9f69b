/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP, raw and ping sockets, and which sockets the two families have. Received datagrams wait in the generic queue within rcvbuf, for
 * dgram_receive.c; dgram_send.c sends.
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

#define ICMP_ECHOREPLY 0
#define ICMP6_ECHOREPLY 129

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

	if (s->sk.type == SOCK_DGRAM && !inet_is_udp(s)) {
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
	if (inet_is_udp(s) && a.port && a.port < 1024 && !capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	mutex_lock(&sk->lock);
	net_lock();
	err = s->is_bound && inet_is_udp(s) ? -EINVAL : netstack->end_bind(s->end, &a);
	if (!err) {
		s->is_bound = true;
		if (sk->type == SOCK_DGRAM && !inet_is_udp(s) && a.port)
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
