/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets. Received data waits in the socket's queue, so a reader takes net_lock only once per quarter of the
 * window, to open it; a sender copies its bytes into a block without locks, then queues and sends them under one
 * hold of net_lock. Whether there is room, data or an end is kept in words that poll reads without locks.
 */
#include <kernel/process.h>
#include <kernel/time.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/ioctl.h>
#include "inet.h"

#define ROOM_LOW 65536u			/* poll says writable from here on */
#define SMALL_SEND 512u			/* copied twice instead of getting a block */
#define COALESCE_MAX 512u		/* received pieces up to this are put behind the last one's bytes */
#define WRITE_MAX 65472u		/* a block, and a segment over loopback */

/* ---- events: net_lock held --------------------------------------------------------------------------- */
static void names_take(struct inet_sock *s)
{
	netstack->tcp_names(s->conn, &s->local, &s->peer);
	atomic_store(&s->window_step, netstack->tcp_window(s->conn) / 4);	/* what lwIP tells the peer at once */
	atomic_store(&s->was_connected, true);
}

static void stream_connected(void *owner)
{
	struct inet_sock *s = owner;

	names_take(s);
	atomic_store(&s->is_writable, true);
	atomic_store_release(&s->sk.state, SOCKET_CONNECTED);
	socket_wake(&s->sk, SOCKET_WRITABLE);
}

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

static void __hot stream_received(void *owner, struct netbuf *b, u32 len)
{
	struct inet_sock *s = owner;
	struct socket *sk = &s->sk;
	struct netbuf *merged = NULL;

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
	spin_unlock(&sk->queue_lock);
	netbuf_free_chain(merged);
	socket_wake(sk, SOCKET_READABLE);
}

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

static void stream_sent(void *owner)
{
	struct inet_sock *s = owner;

	if (atomic_load(&s->is_writable) || send_room(s) < room_low(s))
		return;
	atomic_store(&s->is_writable, true);
	socket_wake(&s->sk, SOCKET_WRITABLE);
}

static void stream_failed(void *owner, int err)
{
	struct inet_sock *s = owner;
	bool connecting = atomic_load(&s->sk.state) == SOCKET_CONNECTING;

	s->conn = NULL;
	if (err == ECONNABORTED)
		err = ETIMEDOUT;		/* lwIP's word for giving up */
	if (connecting && err == ECONNRESET)
		err = ECONNREFUSED;
	if (err == ENOTCONN)
		err = 0;			/* closed in order: LAST_ACK was answered */
	atomic_store(&s->sk.state, SOCKET_UNCONNECTED);
	atomic_store_release(&s->peer_closed, true);
	if (err)
		socket_set_error(&s->sk, err);
	else
		socket_wake_all(&s->sk);
}

static void stream_init(struct inet_sock *s);

static void *stream_accepted(void *owner, struct net_conn *conn)
{
	struct inet_sock *l = owner, *s;
	struct socket *child = socket_alloc_like(&l->sk);

	if (!child)
		return NULL;
	s = inet_of(child);
	s->ttl = l->ttl;
	s->tos = l->tos;
	stream_init(s);
	child->options = l->sk.options;
	child->rcvbuf = l->sk.rcvbuf;
	child->sndbuf = l->sk.sndbuf;
	child->rcvtimeo_ns = l->sk.rcvtimeo_ns;
	child->sndtimeo_ns = l->sk.sndtimeo_ns;
	child->linger_s = l->sk.linger_s;
	s->nodelay = l->nodelay;
	s->keepidle_s = l->keepidle_s;
	s->keepintvl_s = l->keepintvl_s;
	s->keepcnt = l->keepcnt;
	s->v6only = l->v6only;
	s->uid = l->uid;
	s->hops = l->hops;
	s->conn = conn;
	s->is_bound = s->told_connected = true;
	s->is_writable = true;
	names_take(s);
	inet_options_apply(s);
	child->state = SOCKET_CONNECTED;
	if (socket_accept_push(&l->sk, child))
		return s;
	s->conn = NULL;
	socket_put(child);
	return NULL;
}

static const struct net_conn_events stream_events = {
	.connected = stream_connected, .received = stream_received, .sent = stream_sent, .failed = stream_failed,
	.accepted = stream_accepted,
};

/* ---- naming and connecting --------------------------------------------------------------------------- */
static void stream_init(struct inet_sock *s)
{
	mutex_init(&s->receive_lock, "inet-receive", LOCK_SOCKET);
}

/* The socket has a connection block, new if the last one is gone. net_lock and sk.lock held. */
static int conn_need(struct inet_sock *s)
{
	int err;

	if (s->conn)
		return 0;
	err = netstack->tcp_new(s->sk.family, s, &stream_events, &s->conn);
	if (!err)
		inet_options_apply(s);
	return err;
}

static int stream_bind(struct socket *sk, const struct sockaddr_storage *name, u32 len)
{
	struct inet_sock *s = inet_of(sk);
	struct net_addr a;
	int err = inet_addr_in(s, name, len, &a);

	/* Linux takes AF_UNSPEC for the wildcard. */
	if (err == -EAFNOSUPPORT && sk->family == AF_INET && name->family == AF_UNSPEC && !((const struct sockaddr_in *)name)->addr) {
		a = (struct net_addr){ .family = AF_INET, .port = be16_to_cpu(((const struct sockaddr_in *)name)->port) };
		err = 0;
	}
	if (err)
		return err;
	if (a.port && a.port < 1024 && !capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	mutex_lock(&sk->lock);
	net_lock();
	err = s->is_bound || atomic_load(&sk->state) != SOCKET_UNCONNECTED ? -EINVAL : conn_need(s);
	if (!err)
		err = netstack->tcp_bind(s->conn, &a);
	if (!err) {
		struct net_addr none;

		s->is_bound = true;
		netstack->tcp_names(s->conn, &s->local, &none);
	}
	net_unlock();
	mutex_unlock(&sk->lock);
	return err;
}

static int stream_listen(struct socket *sk, u32 backlog)
{
	struct inet_sock *s = inet_of(sk);
	struct net_addr none;
	u32 state;
	int err;

	mutex_lock(&sk->lock);
	net_lock();
	state = atomic_load(&sk->state);
	err = state == SOCKET_UNCONNECTED && !atomic_load(&s->was_connected) ? conn_need(s) : state == SOCKET_LISTENING ? 0 : -EINVAL;
	/* The backlog counts before the first connection can come. */
	spin_lock(&sk->queue_lock);
	sk->backlog = backlog;
	spin_unlock(&sk->queue_lock);
	if (!err)
		err = netstack->tcp_listen(&s->conn, backlog);
	if (!err) {
		netstack->tcp_names(s->conn, &s->local, &none);
		s->is_bound = true;
		atomic_store_release(&sk->state, SOCKET_LISTENING);
	}
	net_unlock();
	mutex_unlock(&sk->lock);
	return err;
}

static int stream_accept(struct socket *sk, bool nonblock, struct socket **out)
{
	struct socket *child;
	struct inet_sock *s;
	u64 deadline = socket_receive_deadline(sk, nonblock ? MSG_DONTWAIT : 0);
	int err;

	while (1) {
		if (atomic_load_acquire(&sk->state) != SOCKET_LISTENING)
			return -EINVAL;
		child = socket_accept_pop(sk);
		if (child)
			break;
		err = socket_wait(sk, atomic_load(&sk->accept_len) || atomic_load(&sk->state) != SOCKET_LISTENING,
				  SOCKET_READABLE, deadline);
		if (err)
			return err;
	}
	if (atomic_load(&sk->accept_len))
		socket_wake(sk, SOCKET_READABLE);
	s = inet_of(child);
	net_lock();
	if (s->conn)
		netstack->tcp_accepted(s->conn);
	net_unlock();
	*out = child;
	return 0;
}

/* Forgets a connection, so that the socket may be used again (connect to AF_UNSPEC). */
static int stream_disconnect(struct inet_sock *s)
{
	net_lock();
	if (s->conn)
		netstack->tcp_close(s->conn, true);
	s->conn = NULL;
	atomic_store(&s->sk.state, SOCKET_UNCONNECTED);
	atomic_store(&s->sk.shut, 0u);
	atomic_store(&s->peer_closed, false);
	atomic_store(&s->was_connected, false);
	s->is_bound = false;
	net_unlock();
	socket_queue_purge(&s->sk);
	socket_wake_all(&s->sk);
	return 0;
}

static int connect_start(struct inet_sock *s, const struct net_addr *a)
{
	int err;

	net_lock();
	err = conn_need(s);
	if (!err) {
		s->told_connected = false;
		atomic_store(&s->peer_closed, false);
		atomic_store(&s->sk.shut, 0u);
		atomic_store_release(&s->sk.state, SOCKET_CONNECTING);
		err = netstack->tcp_connect(s->conn, a);
		if (err) {
			atomic_store(&s->sk.state, SOCKET_UNCONNECTED);
		} else {
			struct net_addr peer;

			netstack->tcp_names(s->conn, &s->local, &peer);
		}
	}
	net_unlock();
	return err;
}

static bool connect_is_over(struct socket *sk) { return atomic_load_acquire(&sk->state) != SOCKET_CONNECTING; }

/* The end of a connect that was started. */
static int connect_result(struct socket *sk)
{
	int err = socket_take_error(sk);

	if (err)
		return err;
	inet_of(sk)->told_connected = true;
	return atomic_load(&sk->state) == SOCKET_CONNECTED || atomic_load(&inet_of(sk)->was_connected) ? 0 : -ECONNABORTED;
}

static int stream_connect(struct socket *sk, const struct sockaddr_storage *name, u32 len, bool nonblock)
{
	struct inet_sock *s = inet_of(sk);
	struct net_addr a;
	u64 deadline;
	u32 state;
	int err;

	if (len < sizeof(u16))
		return -EINVAL;
	if (name->family == AF_UNSPEC) {
		mutex_lock(&sk->lock);
		err = stream_disconnect(s);
		mutex_unlock(&sk->lock);
		return err;
	}
	mutex_lock(&sk->lock);
	state = atomic_load(&sk->state);
	/* The first connect after the handshake that another one did not wait for succeeds. */
	if (state == SOCKET_CONNECTED && !s->told_connected) {
		s->told_connected = true;
		mutex_unlock(&sk->lock);
		return 0;
	}
	err = state == SOCKET_CONNECTED ? -EISCONN : state == SOCKET_LISTENING ? -EISCONN : inet_addr_in(s, name, len, &a);
	if (!err && state == SOCKET_CONNECTING)
		err = nonblock ? -EALREADY : 0;
	else if (!err && state == SOCKET_UNCONNECTED && atomic_load(&sk->error))
		err = socket_take_error(sk);
	else if (!err && state == SOCKET_UNCONNECTED && atomic_load(&s->was_connected))
		err = -EISCONN;
	else if (!err) {
		/* As on Linux the caller who does not wait learns the outcome later, even if it is known: over loopback. */
		err = connect_start(s, &a);
		if (!err && nonblock)
			err = -EINPROGRESS;
	}
	mutex_unlock(&sk->lock);
	if (err)
		return err;
	if (!connect_is_over(sk)) {
		deadline = nonblock ? 0 : socket_send_deadline(sk, 0);
		err = socket_wait(sk, connect_is_over(sk), SOCKET_WRITABLE, deadline);
		if (err)
			return err == -EAGAIN ? -EINPROGRESS : err;
	}
	return connect_result(sk);
}

static int stream_getname(struct socket *sk, struct sockaddr_storage *out, bool peer)
{
	struct inet_sock *s = inet_of(sk);
	struct net_addr a;

	if (peer && (!atomic_load(&s->was_connected) || (atomic_load(&sk->state) != SOCKET_CONNECTED && !s->conn)))
		return -ENOTCONN;
	net_lock();
	a = peer ? s->peer : s->local;
	net_unlock();
	return inet_addr_out(s, &a, out);
}

/* ---- sending --------------------------------------------------------------------------------------- */
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

/* Queues what there is room for. Bytes, or -errno; net_lock is taken once. */
static ssize_t send_bytes(struct inet_sock *s, const u8 *data, u32 len, struct netblock *block, bool more)
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
static ssize_t send_piece(struct inet_sock *s, struct uio *u, bool more)
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
		n = send_bytes(s, data, (u32)got, block, more || got < (ssize_t)saved.count);
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

static ssize_t __hot stream_sendmsg(struct socket *sk, struct socket_msg *msg)
{
	struct inet_sock *s = inet_of(sk);
	u64 deadline = msg->flags & MSG_DONTWAIT ? 0 : socket_send_deadline(sk, msg->flags);
	ssize_t done = 0, n;
	bool more;

	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	do {
		mutex_lock(&sk->lock);
		more = (msg->flags & MSG_MORE) || s->cork;
		n = send_state(s);
		if (!n && msg->data->count)
			n = send_piece(s, msg->data, more);
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

/* ---- receiving ------------------------------------------------------------------------------------- */
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
static ssize_t copy_buffers(struct list *l, struct uio *to, bool drop, bool discard)
{
	ssize_t done = 0;
	struct list *next;

	for (struct list *at = l->next; at != l && to->count; at = next) {
		struct netbuf *b = list_entry(at, struct netbuf, packet.link);
		size_t n = min((size_t)b->len, to->count), got = n;

		next = at->next;
		if (discard)
			uio_advance(to, n);
		else
			got = uio_copy_out(to, b->data, n);
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
static int receive_end(struct inet_sock *s)
{
	struct socket *sk = &s->sk;
	int err;

	if (atomic_load(&sk->queue_len))
		return 1;
	err = socket_take_error(sk);
	if (err)
		return err;
	if (atomic_load_acquire(&s->peer_closed) || (atomic_load(&sk->shut) & SOCKET_SHUT_RD))
		return atomic_load(&sk->queue_len) ? 1 : 0;
	if (atomic_load(&sk->state) == SOCKET_CONNECTED || atomic_load(&sk->state) == SOCKET_CONNECTING)
		return 1;
	return -ENOTCONN;
}

/* What is there now. Bytes, 0 nothing (*end: as receive_end), -EFAULT. */
static ssize_t receive_now(struct inet_sock *s, struct socket_msg *msg, int *end)
{
	bool peek = msg->flags & MSG_PEEK;
	struct list taken = LIST_INIT(taken);
	ssize_t n = 0;

	mutex_lock(&s->receive_lock);
	if (atomic_load(&s->sk.queue_len)) {
		take_buffers(&s->sk, msg->data->count, &taken);
		n = copy_buffers(&taken, msg->data, !peek, msg->flags & MSG_TRUNC);
		if (!list_empty(&taken))
			put_buffers(&s->sk, &taken);
		if (n > 0 && !peek)
			window_open(s, (u32)n);
	} else {
		*end = receive_end(s);
	}
	mutex_unlock(&s->receive_lock);
	return n;
}

static bool can_receive(struct inet_sock *s)
{
	return atomic_load(&s->sk.queue_len) || atomic_load(&s->sk.error) || atomic_load_acquire(&s->peer_closed) ||
	       (atomic_load(&s->sk.shut) & SOCKET_SHUT_RD);
}

static ssize_t __hot stream_recvmsg(struct socket *sk, struct socket_msg *msg)
{
	struct inet_sock *s = inet_of(sk);
	size_t target = msg->flags & MSG_WAITALL ? msg->data->count : min((size_t)atomic_load(&sk->rcvlowat), msg->data->count);
	u64 deadline = msg->flags & MSG_DONTWAIT ? 0 : socket_receive_deadline(sk, msg->flags);
	ssize_t done = 0, n;
	int end;

	msg->name_len = 0;
	if (msg->flags & MSG_OOB)
		return -EINVAL;
	if (msg->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (atomic_load(&sk->state) == SOCKET_LISTENING)
		return -ENOTCONN;
	target = max(target, (size_t)1);
	while (1) {
		end = 1;
		n = receive_now(s, msg, &end);
		if (n > 0)
			done += n;
		if (n < 0 || done >= (ssize_t)target || !msg->data->count || (done && (msg->flags & MSG_PEEK)))
			break;
		n = end;
		if (n <= 0)
			break;
		n = socket_wait(sk, can_receive(s), SOCKET_READABLE, deadline);
		if (n)
			break;
	}
	if (atomic_load(&sk->queue_len))
		socket_wake(sk, SOCKET_READABLE);
	return done ? done : n;
}

/* ---- the rest -------------------------------------------------------------------------------------- */
static int stream_shutdown(struct socket *sk, u32 how)
{
	struct inet_sock *s = inet_of(sk);
	int err = 0;

	mutex_lock(&sk->lock);
	net_lock();
	if (atomic_load(&sk->state) == SOCKET_LISTENING) {
		if (how & SOCKET_SHUT_RD) {
			atomic_store(&sk->state, SOCKET_UNCONNECTED);
			netstack->tcp_close(s->conn, false);
			s->conn = NULL;
		}
	} else if (!s->conn || atomic_load(&sk->state) == SOCKET_UNCONNECTED) {
		err = -ENOTCONN;
	} else {
		(void)atomic_fetch_or(&sk->shut, how);
		netstack->tcp_shutdown(s->conn, how & SOCKET_SHUT_RD, how & SOCKET_SHUT_WR);
	}
	net_unlock();
	mutex_unlock(&sk->lock);
	socket_wake_all(sk);
	return err;
}

static u32 stream_poll(struct socket *sk)
{
	struct inet_sock *s = inet_of(sk);
	u32 state = atomic_load_acquire(&sk->state), shut = atomic_load(&sk->shut), mask = 0;
	bool closed = atomic_load_acquire(&s->peer_closed);

	if (state == SOCKET_LISTENING)
		return atomic_load(&sk->accept_len) ? SOCKET_READABLE : 0;
	if (atomic_load(&sk->error))
		mask |= POLLERR;
	if (state == SOCKET_UNCONNECTED || ((closed || (shut & SOCKET_SHUT_RD)) && (shut & SOCKET_SHUT_WR)))
		mask |= POLLHUP;
	if (closed || (shut & SOCKET_SHUT_RD))
		mask |= SOCKET_READABLE | POLLRDHUP;
	if (state == SOCKET_CONNECTING)
		return mask;
	if (atomic_load(&sk->queue_bytes) >= atomic_load(&sk->rcvlowat))
		mask |= SOCKET_READABLE;
	if (atomic_load(&s->is_writable) || (shut & SOCKET_SHUT_WR) || state == SOCKET_UNCONNECTED)
		mask |= SOCKET_WRITABLE;
	return mask;
}

static long stream_ioctl(struct socket *sk, u32 cmd, u64 arg)
{
	struct inet_sock *s = inet_of(sk);
	s32 v = 0;

	switch (cmd) {
	case SIOCINQ:
		if (atomic_load(&sk->state) == SOCKET_LISTENING)
			return -EINVAL;
		v = (s32)atomic_load(&sk->queue_bytes);
		break;
	case SIOCOUTQ:
		if (atomic_load(&sk->state) == SOCKET_LISTENING)
			return -EINVAL;
		net_lock();
		v = s->conn ? (s32)netstack->tcp_unsent(s->conn) : 0;
		net_unlock();
		break;
	case SIOCATMARK:
		break;
	default:
		return -ENOIOCTLCMD;
	}
	return put_user(v, (s32 __user *)arg);
}

/* SO_LINGER: waits until the peer has all, or the time is over. */
static void linger_wait(struct inet_sock *s)
{
	u64 until = time_ns() + atomic_load(&s->sk.linger_s) * NSEC_PER_SEC;
	bool left = true;

	while (left && time_ns() < until) {
		net_lock();
		left = s->conn && netstack->tcp_unsent(s->conn);
		net_unlock();
		if (left && sleep_until(time_ns() + 10 * NSEC_PER_MSEC, true))
			break;
	}
}

static void stream_release(struct socket *sk)
{
	struct inet_sock *s = inet_of(sk);
	bool linger = socket_option(sk, SOCKET_LINGER);
	struct socket *child;

	if (linger && atomic_load(&sk->linger_s) && atomic_load(&sk->state) == SOCKET_CONNECTED)
		linger_wait(s);
	net_lock();
	if (s->conn && atomic_load(&sk->state) == SOCKET_LISTENING) {
		netstack->tcp_close(s->conn, false);
	} else if (s->conn) {
		/* Unread data: the peer learns by a reset that it was not taken (RFC 1122 4.2.2.13). */
		bool abort = atomic_load(&sk->queue_len) || (linger && !atomic_load(&sk->linger_s));

		if (!abort && s->consumed)
			netstack->tcp_consumed(s->conn, s->consumed);
		netstack->tcp_close(s->conn, abort);
	}
	s->conn = NULL;
	atomic_store(&sk->state, SOCKET_UNCONNECTED);
	net_unlock();
	while ((child = socket_accept_pop(sk)))
		socket_release(child);
	socket_queue_purge(sk);
}

int stream_set_option(struct inet_sock *s, int opt, s32 v)
{
	if (opt == TCP_CORK) {
		mutex_lock(&s->sk.lock);
		s->cork = v;
		net_lock();
		if (!v && s->conn && atomic_load(&s->sk.state) == SOCKET_CONNECTED)
			netstack->tcp_push(s->conn);
		net_unlock();
		mutex_unlock(&s->sk.lock);
		return 0;
	}
	net_lock();
	s->nodelay = v;
	if (s->conn) {
		netstack->tcp_set(s->conn, NET_TCP_NODELAY, (u32)v);
		if (v && atomic_load(&s->sk.state) == SOCKET_CONNECTED)
			netstack->tcp_push(s->conn);
	}
	net_unlock();
	return 0;
}

const struct socket_ops inet_stream_ops = {
	.bind = stream_bind, .listen = stream_listen, .accept = stream_accept, .connect = stream_connect,
	.getname = stream_getname, .sendmsg = stream_sendmsg, .recvmsg = stream_recvmsg, .shutdown = stream_shutdown,
	.poll = stream_poll, .ioctl = stream_ioctl, .setsockopt = inet_setsockopt, .getsockopt = inet_getsockopt,
	.option_changed = inet_option_changed, .release = stream_release,
};
