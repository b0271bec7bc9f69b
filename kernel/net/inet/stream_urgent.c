/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Urgent data of TCP sockets (tcp(7); RFC 6093): one byte of the stream is urgent, the last that the peer said so of. It lies in the
 * queue with the others. Reads stop before it and the next one passes it over, unless SO_OOBINLINE makes it data;
 * recv with MSG_OOB looks it up where it lies. Places are counted in bytes since the connection began, and wrap.
 *
 * Locks: queue_lock for the place and state; receive_lock holds read_pos still. The owner gets SIGURG when the byte is there.
 */
#include <lib/bits.h>
#include <lib/string.h>
#include "inet.h"

static bool is_inline(const struct inet_sock *s) { return socket_option(&s->sk, SOCKET_OOBINLINE); }

void stream_urgent(void *owner, u32 ahead)
{
	struct inet_sock *s = owner;
	u32 at;

	spin_lock(&s->sk.queue_lock);
	at = s->received + ahead;
	if (s->urgent == URGENT_NONE || (s32)(at - s->urgent_at) > 0) {
		/* One that nobody took, and that is next to be read, is lost. */
		s->urgent_hole = s->urgent != URGENT_NONE && !is_inline(s) && s->urgent_at == atomic_load(&s->read_pos) && s->urgent_at != s->received;
		s->urgent_at = at;
		atomic_store(&s->urgent, (u32)URGENT_AHEAD);
	}
	spin_unlock(&s->sk.queue_lock);
}

bool stream_urgent_came(struct inet_sock *s)
{
	lock_assert_held(&s->sk.queue_lock);
	if (s->urgent != URGENT_AHEAD || (s32)(s->received - s->urgent_at) <= 0)
		return false;
	atomic_store(&s->urgent, (u32)URGENT_THERE);
	return true;
}

bool stream_urgent_next(const struct inet_sock *s)
{
	return atomic_load(&s->urgent) && s->urgent_at == atomic_load(&s->read_pos);
}

u32 stream_urgent_limit(struct inet_sock *s, bool has_some, size_t *want)
{
	u32 skip = 0;
	s32 left;

	spin_lock(&s->sk.queue_lock);
	left = (s32)(s->urgent_at - s->read_pos);
	if (s->urgent_hole) {
		skip = has_some ? 0 : 1;
		*want = has_some ? 0 : min(*want, (size_t)max(left - 1, 0));
	} else if (left < 0) {
		if (s->urgent != URGENT_AHEAD)
			atomic_store(&s->urgent, (u32)URGENT_NONE);
	} else if (left > 0) {
		*want = min(*want, (size_t)left);
	} else if (has_some) {
		*want = 0;
	} else {
		skip = is_inline(s) ? 0 : 1;
	}
	spin_unlock(&s->sk.queue_lock);
	return skip;
}

void stream_urgent_passed(struct inet_sock *s)
{
	spin_lock(&s->sk.queue_lock);
	s->urgent_hole = false;
	if (s->urgent != URGENT_AHEAD && (s32)(s->read_pos - s->urgent_at) > 0)
		atomic_store(&s->urgent, (u32)URGENT_NONE);
	spin_unlock(&s->sk.queue_lock);
}

/* The byte n places behind the front of the queue. queue_lock held. */
static u8 byte_at(struct socket *sk, u32 n)
{
	struct socket_packet *p;

	list_for_each(p, &sk->queue, link) {
		const struct netbuf *b = container_of(p, struct netbuf, packet);

		if (n < b->len)
			return b->data[n];
		n -= b->len;
	}
	panic("urgent byte behind the end of the queue");
}

/* The state, and when it is URGENT_THERE the byte, which a take makes read. */
static u32 urgent_take(struct inet_sock *s, bool take, u8 *c)
{
	u32 state;

	spin_lock(&s->sk.queue_lock);
	state = is_inline(s) ? URGENT_NONE : s->urgent;
	if (state == URGENT_THERE) {
		*c = byte_at(&s->sk, s->urgent_at - s->read_pos);
		if (take)
			atomic_store(&s->urgent, (u32)URGENT_READ);
	}
	spin_unlock(&s->sk.queue_lock);
	return state;
}

ssize_t stream_urgent_receive(struct inet_sock *s, struct socket_msg *msg)
{
	ssize_t n = 1;
	u32 state;
	u8 c;

	mutex_lock(&s->receive_lock);
	state = urgent_take(s, !(msg->flags & MSG_PEEK), &c);
	mutex_unlock(&s->receive_lock);
	if (state == URGENT_NONE || state == URGENT_READ)
		return -EINVAL;
	if (state == URGENT_AHEAD)
		return atomic_load_acquire(&s->peer_closed) || atomic_load(&s->sk.shut) & SOCKET_SHUT_RD ? 0 : -EAGAIN;
	msg->out_flags |= MSG_OOB;
	if (!msg->data->count) {
		msg->out_flags |= MSG_TRUNC;
		n = 0;
	} else if (!(msg->flags & MSG_TRUNC) && uio_copy_out(msg->data, &c, 1) != 1) {
		n = -EFAULT;
	}
	return n;
}

s32 stream_urgent_bytes(struct inet_sock *s)
{
	s32 n, left;

	spin_lock(&s->sk.queue_lock);
	n = (s32)s->sk.queue_bytes;
	left = (s32)(s->urgent_at - s->read_pos);
	if (s->urgent && !is_inline(s) && left >= 0 && left < n)
		n = left;
	spin_unlock(&s->sk.queue_lock);
	return n;
}
