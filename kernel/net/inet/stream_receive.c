/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving on TCP sockets: data waits in the socket's queue, so a reader takes net_lock only once per quarter of
 * the window, to open it.
 */
#include <lib/bits.h>
#include <lib/string.h>
#include "inet.h"

#define COALESCE_MAX 512u		/* received pieces up to this are put behind the last one's bytes */

/* Puts b's few bytes behind those of the last buffer in the queue. queue_lock held. */
static bool coalesce(struct socket *sk, struct netbuf *b)
{
	struct netbuf *last;

	if (b->len > COALESCE_MAX || list_empty(&sk->queue))
		return false;
	last = list_entry(sk->queue.prev, struct netbuf, packet.link);
	if (last->block || last->data + last->len + b->len > (u8 *)last + last->size)
		return false;
	memcpy(last->data + last->len, b->data, b->len);
	last->len += b->len;
	last->packet.len += b->len;
	return true;
}

void __hot stream_received(void *owner, struct netbuf *b, u32 len)
{
	struct inet_sock *s = owner;
	struct socket *sk = &s->sk;
	struct netbuf *merged = NULL;
	u32 events = SOCKET_READABLE;

	if (!b) {
		atomic_store_release(&s->peer_closed, true);
		socket_wake_all(sk);
		return;
	}
	spin_lock(&sk->queue_lock);
	while (b) {
		struct netbuf *next = b->next;

		b->next = NULL;
		if (coalesce(sk, b)) {
			b->next = merged;
			merged = b;
		} else {
			b->packet.len = b->len;
			b->packet.charge = b->size;
			list_push_back(&sk->queue, &b->packet.link);
			atomic_store(&sk->queue_len, sk->queue_len + 1);
			sk->receive_used += b->size;
		}
		b = next;
	}
	atomic_store(&sk->queue_bytes, sk->queue_bytes + len);
	s->received += len;
	if (unlikely(s->urgent) && stream_urgent_came(s))
		events |= POLLPRI;
	spin_unlock(&sk->queue_lock);
	netbuf_free_chain(merged);
	socket_wake(sk, events);
}

/* Takes up to want bytes' worth of buffers out of the queue; the last may hold more. receive_lock held. */
static void take_buffers(struct socket *sk, size_t want, struct list *out)
{
	u32 bytes = 0, charge = 0, n = 0;

	spin_lock(&sk->queue_lock);
	while (want && !list_empty(&sk->queue)) {
		struct netbuf *b = list_entry(sk->queue.next, struct netbuf, packet.link);

		list_remove(&b->packet.link);
		list_push_back(out, &b->packet.link);
		bytes += b->len;
		charge += b->size;
		n++;
		want -= min(want, (size_t)b->len);
	}
	atomic_store(&sk->queue_len, sk->queue_len - n);
	atomic_store(&sk->queue_bytes, sk->queue_bytes - bytes);
	sk->receive_used -= charge;
	spin_unlock(&sk->queue_lock);
}

/* Puts buffers back at the front, in order. */
static void put_buffers(struct socket *sk, struct list *l)
{
	spin_lock(&sk->queue_lock);
	while (!list_empty(l)) {
		struct netbuf *b = list_entry(l->prev, struct netbuf, packet.link);

		list_remove(&b->packet.link);
		list_push_front(&sk->queue, &b->packet.link);
		atomic_store(&sk->queue_len, sk->queue_len + 1);
		atomic_store(&sk->queue_bytes, sk->queue_bytes + b->len);
		sk->receive_used += b->size;
	}
	spin_unlock(&sk->queue_lock);
}

/* Copies from the buffers to the user, skipping the first skip bytes. drop: frees what was read whole. Bytes or -EFAULT. */
static ssize_t copy_buffers(struct list *l, struct uio *to, u32 skip, bool drop, bool discard)
{
	ssize_t done = 0;
	struct list *next;

	for (struct list *at = l->next; at != l && to->count; at = next) {
		struct netbuf *b = list_entry(at, struct netbuf, packet.link);
		u32 over = min(skip, b->len);
		size_t n = min((size_t)b->len - over, to->count), got = n;

		skip -= over;
		next = at->next;
		if (discard)
			uio_advance(to, n);
		else
			got = uio_copy_out(to, b->data + over, n);
		done += (ssize_t)got;
		if (drop) {
			b->data += got;
			b->len -= (u32)got;
			b->packet.len = b->len;
			if (!b->len) {
				list_remove(&b->packet.link);
				netbuf_free(b);
			}
		}
		if (got < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static void window_open(struct inet_sock *s, u32 len)
{
	s->consumed += len;
	if (s->consumed < atomic_load(&s->window_step))
		return;
	net_lock();
	if (s->conn)
		netstack->tcp_consumed(s->conn, s->consumed);
	net_unlock();
	s->consumed = 0;
}

/* Nothing is queued: why there will not be more. 1: there may be. receive_lock held. */
static int receive_end(struct inet_sock *s, u32 skip)
{
	struct socket *sk = &s->sk;
	int err;

	if (atomic_load(&sk->queue_bytes) > skip)
		return 1;
	err = socket_take_error(sk);
	if (err)
		return err;
	if (atomic_load_acquire(&s->peer_closed) || (atomic_load(&sk->shut) & SOCKET_SHUT_RD))
		return atomic_load(&sk->queue_bytes) > skip ? 1 : 0;
	if (atomic_load(&sk->state) == SOCKET_CONNECTED || atomic_load(&sk->state) == SOCKET_CONNECTING)
		return 1;
	return -ENOTCONN;
}

/* The first byte of what was taken out is passed over. */
static void drop_byte(struct list *taken)
{
	struct netbuf *b = list_entry(taken->next, struct netbuf, packet.link);

	b->data++;
	b->len--;
	b->packet.len--;
	if (!b->len) {
		list_remove(&b->packet.link);
		netbuf_free(b);
	}
}

/* Up to want bytes behind the first skip ones. receive_lock held. Bytes or -EFAULT. */
static ssize_t read_queue(struct inet_sock *s, struct socket_msg *msg, size_t want, u32 skip, bool drop_first)
{
	bool peek = msg->flags & MSG_PEEK;
	struct list taken = LIST_INIT(taken);
	size_t left = msg->data->count;
	u32 dropped = drop_first && !peek;
	ssize_t n;

	take_buffers(&s->sk, want + skip + drop_first, &taken);
	if (unlikely(dropped))
		drop_byte(&taken);
	msg->data->count = min(want, left);
	n = copy_buffers(&taken, msg->data, skip + (drop_first && peek), !peek, msg->flags & MSG_TRUNC);
	msg->data->count = left - (n > 0 ? (size_t)n : 0);
	socket_peek_moved(&s->sk, msg->flags, n);
	if (!list_empty(&taken))
		put_buffers(&s->sk, &taken);
	if (peek || (n <= 0 && !dropped))
		return n;
	dropped += n > 0 ? (u32)n : 0;
	atomic_store(&s->read_pos, s->read_pos + dropped);
	window_open(s, dropped);
	return n;
}

/* Bytes that a reader does not get: those before SO_PEEK_OFF, and an urgent one. receive_lock held or guessed. */
static u32 unread(const struct inet_sock *s, u32 msg_flags)
{
	u32 n = socket_peek_offset(&s->sk, msg_flags);

	if (unlikely(atomic_load(&s->urgent)) && !socket_option(&s->sk, SOCKET_OOBINLINE) && stream_urgent_next(s))
		n++;
	return n;
}

/* What is there now. Bytes, 0 nothing (*end: as receive_end, 0 also before a mark), -EFAULT. */
static ssize_t receive_now(struct inet_sock *s, struct socket_msg *msg, bool has_some, int *end)
{
	size_t want = msg->data->count;
	u32 skip, drop = 0;
	ssize_t n = 0;

	mutex_lock(&s->receive_lock);
	skip = socket_peek_offset(&s->sk, msg->flags);
	if (unlikely(atomic_load(&s->urgent)) && !skip) {
		drop = stream_urgent_limit(s, has_some, &want);
		if (!want && !drop && msg->data->count)
			*end = 0;
	}
	if (!*end) {
		;		/* the mark ends this call */
	} else if (atomic_load(&s->sk.queue_bytes) > skip + drop || (drop && !(msg->flags & MSG_PEEK) && atomic_load(&s->sk.queue_bytes))) {
		n = read_queue(s, msg, want, skip, drop);
		if (unlikely(atomic_load(&s->urgent)))
			stream_urgent_passed(s);
	} else {
		*end = receive_end(s, skip + drop);
	}
	mutex_unlock(&s->receive_lock);
	return n;
}

static bool can_receive(struct inet_sock *s, u32 msg_flags)
{
	return atomic_load(&s->sk.queue_bytes) > unread(s, msg_flags) || atomic_load(&s->sk.error) ||
	       atomic_load_acquire(&s->peer_closed) || (atomic_load(&s->sk.shut) & SOCKET_SHUT_RD);
}

ssize_t __hot stream_recvmsg(struct socket *sk, struct socket_msg *msg)
{
	struct inet_sock *s = inet_of(sk);
	size_t target = msg->flags & MSG_WAITALL ? msg->data->count : min((size_t)atomic_load(&sk->rcvlowat), msg->data->count);
	u64 deadline = msg->flags & MSG_DONTWAIT ? 0 : socket_receive_deadline(sk, msg->flags);
	ssize_t done = 0, n;
	int end;

	msg->name_len = 0;
	if (unlikely(msg->flags & MSG_OOB))
		return stream_urgent_receive(s, msg);
	if (msg->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (atomic_load(&sk->state) == SOCKET_LISTENING)
		return -ENOTCONN;
	target = max(target, (size_t)1);
	while (1) {
		end = 1;
		n = receive_now(s, msg, done, &end);
		if (n > 0)
			done += n;
		if (n < 0 || done >= (ssize_t)target || !msg->data->count || (done && (msg->flags & MSG_PEEK)))
			break;
		n = end;
		if (n <= 0)
			break;
		n = socket_wait(sk, can_receive(s, msg->flags), SOCKET_READABLE, deadline);
		if (n)
			break;
	}
	if (atomic_load(&sk->queue_len))
		socket_wake(sk, SOCKET_READABLE);
	return done ? done : n;
}
