/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving datagrams out of the socket's queue, with what the program wants to know about each. Lock: receive_lock (inet.h). */
#include <kernel/time.h>
#include <lib/bits.h>
#include <lib/string.h>
#include "inet.h"

#define SCM_TIMESTAMP SO_TIMESTAMP
#define SCM_TIMESTAMPNS SO_TIMESTAMPNS

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

ssize_t __hot dgram_recvmsg(struct socket *sk, struct socket_msg *msg)
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
