/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending on TCP sockets: bytes are copied into a block without locks, then queued and sent under one hold of net_lock.
 */
#include <lib/bits.h>
#include <uapi/ioctl.h>
#include "inet.h"

#define ROOM_LOW 65536u			/* poll says writable from here on */
#define SMALL_SEND 512u			/* copied twice instead of getting a block */
#define WRITE_MAX 65472u		/* a block, and a segment over loopback */

/* Bytes that may be queued: what the stack takes, within SO_SNDBUF if the program chose one. net_lock held. */
static u32 send_room(struct inet_sock *s)
{
	u32 room = netstack->tcp_room(s->conn), limit, used;

	if (likely(!socket_option(&s->sk, SOCKET_SNDBUF_SET)))
		return room;
	limit = atomic_load(&s->sk.sndbuf) / 2;
	used = netstack->tcp_unsent(s->conn);
	return min(room, used < limit ? limit - used : 0);
}

/* Poll says writable again from here on: Linux's third of a small buffer. */
static u32 room_low(const struct inet_sock *s)
{
	return socket_option(&s->sk, SOCKET_SNDBUF_SET) ? min(ROOM_LOW, atomic_load(&s->sk.sndbuf) / 6) : ROOM_LOW;
}

void stream_sent(void *owner)
{
	struct inet_sock *s = owner;

	if (atomic_load(&s->is_writable) || send_room(s) < room_low(s))
		return;
	atomic_store(&s->is_writable, true);
	socket_wake(&s->sk, SOCKET_WRITABLE);
}

/* 0: may send. */
static int send_state(struct inet_sock *s)
{
	struct socket *sk = &s->sk;
	int err = socket_take_error(sk);

	if (err)
		return err;
	if (atomic_load(&sk->shut) & SOCKET_SHUT_WR)
		return -EPIPE;
	if (atomic_load(&sk->state) == SOCKET_CONNECTED)
		return 0;
	if (atomic_load(&sk->state) == SOCKET_CONNECTING)
		return -EAGAIN;
	return -EPIPE;
}

/* Queues what there is room for; urgent: the last byte is. Bytes, or -errno; net_lock is taken once. */
static ssize_t send_bytes(struct inet_sock *s, const u8 *data, u32 len, struct netblock *block, bool more, bool urgent)
{
	ssize_t done = 0;
	u32 room;
	int err = 0;

	net_lock();
	while (s->conn && len) {
		u32 n;

		room = send_room(s);
		n = min(min(len, room), WRITE_MAX);
		if (!n)
			break;
		err = netstack->tcp_write(s->conn, data, n, block, more);
		if (err)
			break;
		data += n;
		len -= n;
		done += n;
	}
	if (unlikely(urgent) && s->conn && !len)
		netstack->tcp_set(s->conn, NET_TCP_URGENT, 1);
	if (!s->conn)
		err = -EPIPE;
	else if (done && !(more && s->cork))
		netstack->tcp_push(s->conn);
	if (s->conn && (len || send_room(s) == 0))
		atomic_store(&s->is_writable, false);
	net_unlock();
	return done ? done : err == -ENOMEM ? 0 : err;
}

/* One block's or one stack buffer's worth out of the user's memory. Bytes taken from u, or -errno. 0: no room. */
static ssize_t send_piece(struct inet_sock *s, struct uio *u, bool more, bool urgent)
{
	u8 small[SMALL_SEND];
	struct uio saved = *u;
	struct netblock *block = NULL;
	u32 want;
	u8 *data = small;
	ssize_t n, got;

	if (u->count > sizeof(small)) {
		block = netblock_alloc((u32)min(u->count, (size_t)WRITE_MAX), 0);
		if (!block)
			return -ENOMEM;
		data = netblock_data(block);
	}
	want = (u32)min(u->count, block ? (size_t)block->size : sizeof(small));
	got = (ssize_t)uio_copy_in(u, data, want);
	if (!got && want)
		n = -EFAULT;
	else
		n = send_bytes(s, data, (u32)got, block, more || got < (ssize_t)saved.count, urgent && got == (ssize_t)saved.count);
	if (n < got) {
		*u = saved;
		if (n > 0)
			uio_advance(u, (size_t)n);
	}
	if (block)
		netblock_put(block);
	return n;
}

/* A sender has a reason to look again: room, the end of the connection, of its attempt. */
static bool can_send(struct inet_sock *s)
{
	u32 state = atomic_load_acquire(&s->sk.state);

	return atomic_load(&s->sk.error) || (atomic_load(&s->sk.shut) & SOCKET_SHUT_WR) ||
	       (state == SOCKET_CONNECTED ? atomic_load(&s->is_writable) : state != SOCKET_CONNECTING);
}

ssize_t __hot stream_sendmsg(struct socket *sk, struct socket_msg *msg)
{
	struct inet_sock *s = inet_of(sk);
	u64 deadline = msg->flags & MSG_DONTWAIT ? 0 : socket_send_deadline(sk, msg->flags);
	ssize_t done = 0, n;
	bool more;

	do {
		mutex_lock(&sk->lock);
		more = (msg->flags & MSG_MORE) || s->cork;
		n = send_state(s);
		if (!n && msg->data->count)
			n = send_piece(s, msg->data, more, msg->flags & MSG_OOB);
		mutex_unlock(&sk->lock);
		if (n > 0) {
			done += n;
			continue;
		}
		if (n == 0 && !msg->data->count)
			break;
		if (n == 0 || n == -EAGAIN) {
			/* While connecting, too: Linux lets a sender wait for the end of it. */
			n = socket_wait(sk, can_send(s), SOCKET_WRITABLE, deadline);
		}
	} while (n >= 0 && msg->data->count);
	if (done)
		return done;
	return n;
}
