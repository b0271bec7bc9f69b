/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ICMP says of datagrams that were sent: the pending error of a socket, and with IP_RECVERR the whole story in a queue of its
 * own, read with MSG_ERRQUEUE (ip(7)): which datagram, who complains, about what. Lock: queue_lock.
 */
#include <kernel/mm.h>
#include <lib/bits.h>
#include <lib/string.h>
#include "inet.h"

#define ERRORS_MAX 64u			/* of one socket; more are lost */

struct inet_error {
	struct list link;
	struct user_sock_ee ee;
	struct net_addr to, offender;	/* offender.family 0: this machine */
	u32 len;			/* of the datagram, as far as it was quoted */
	u8 data[];
};

/* False: no room, or nobody wants it. */
static bool queue_error(struct inet_sock *s, const struct net_error *e)
{
	struct inet_error *q;
	bool fits;

	if (!atomic_load(&s->recverr))
		return false;
	q = kmalloc(sizeof(*q) + e->len, ALLOC_ATOMIC | ALLOC_NOWARN);
	if (!q)
		return false;
	q->ee = (struct user_sock_ee){ .err = (u32)e->err, .origin = e->origin, .type = e->type, .code = e->code, .info = e->info };
	q->to = e->to;
	q->offender = e->offender;
	q->len = e->len;
	memcpy(q->data, e->data, e->len);
	spin_lock(&s->sk.queue_lock);
	fits = s->nr_errors < ERRORS_MAX;
	if (fits) {
		list_push_back(&s->errors, &q->link);
		atomic_store(&s->nr_errors, s->nr_errors + 1);
	}
	spin_unlock(&s->sk.queue_lock);
	if (!fits)
		kfree(q);
	return fits;
}

void inet_error(void *owner, const struct net_error *e)
{
	struct inet_sock *s = owner;

	/* A ping socket hears of its own requests only. */
	if (s->ping_id && (e->len < 8 || (e->data[4] << 8 | e->data[5]) != s->ping_id))
		return;
	if (!atomic_load(&s->recverr) && (!e->is_hard || atomic_load(&s->sk.state) != SOCKET_CONNECTED))
		return;
	(void)queue_error(s, e);
	socket_set_error(&s->sk, e->err);
}

void inet_error_too_long(struct inet_sock *s, const struct net_addr *to, u32 mtu)
{
	struct net_error e = { .err = EMSGSIZE, .origin = SO_EE_ORIGIN_LOCAL, .info = mtu };

	if (to)
		e.to = *to;
	(void)queue_error(s, &e);
}

/* The oldest; those behind it set the pending error anew. */
static struct inet_error *take_error(struct inet_sock *s)
{
	struct inet_error *q, *next;

	spin_lock(&s->sk.queue_lock);
	q = list_first(&s->errors, struct inet_error, link);
	if (q) {
		list_remove(&q->link);
		atomic_store(&s->nr_errors, s->nr_errors - 1);
		next = list_first(&s->errors, struct inet_error, link);
		if (next && next->ee.origin != SO_EE_ORIGIN_LOCAL)
			atomic_store(&s->sk.error, (s32)next->ee.err);
		else if (q->ee.origin != SO_EE_ORIGIN_LOCAL)
			atomic_store(&s->sk.error, 0);
	}
	spin_unlock(&s->sk.queue_lock);
	return q;
}

static int put_error(struct inet_sock *s, struct socket_msg *msg, const struct inet_error *q)
{
	struct {
		struct user_sock_ee ee;
		struct sockaddr_storage offender;
	} c = { .ee = q->ee };
	bool v6 = s->sk.family == AF_INET6;
	u32 n = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (q->offender.family)
		(void)inet_addr_out(s, &q->offender, &c.offender);
	return socket_cmsg_put(msg, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &c, sizeof(c.ee) + n);
}

ssize_t inet_error_receive(struct inet_sock *s, struct socket_msg *msg)
{
	struct inet_error *q = take_error(s);
	size_t n, got;
	int err;

	if (!q)
		return -EAGAIN;
	n = min((size_t)q->len, msg->data->count);
	got = uio_copy_out(msg->data, q->data, n);
	if (n < q->len)
		msg->out_flags |= MSG_TRUNC;
	if (msg->name && q->to.family)
		msg->name_len = (u32)inet_addr_out(s, &q->to, msg->name);
	msg->out_flags |= MSG_ERRQUEUE;
	err = got < n ? -EFAULT : put_error(s, msg, q);
	kfree(q);
	return err ? err : (ssize_t)n;
}

void inet_errors_drop(struct inet_sock *s)
{
	struct inet_error *q;

	while ((q = take_error(s)))
		kfree(q);
}
