/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets from the first name to the last byte: naming, listening, connecting, shutting, closing, and what the netstack
 * says of connections. Sending is in stream_send.c, receiving in stream_receive.c. Whether there is room, data or an end
 * is kept in words that poll reads without locks.
 */
#include <kernel/process.h>
#include <kernel/time.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/ioctl.h>
#include "inet.h"

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
	.accepted = stream_accepted, .share = inet_share, .urgent = stream_urgent,
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
	int err = inet_bind_name_in(s, name, len, &a);

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
	atomic_store(&s->urgent, (u32)URGENT_NONE);
	s->urgent_hole = false;
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
	u32 want;

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
	want = atomic_load(&sk->rcvlowat);
	if (unlikely(atomic_load(&s->urgent))) {
		mask |= atomic_load(&s->urgent) == URGENT_THERE ? POLLPRI : 0;
		want += !socket_option(sk, SOCKET_OOBINLINE) && stream_urgent_next(s);	/* that byte is not read */
	}
	if (atomic_load(&sk->queue_bytes) >= want)
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
		v = stream_urgent_bytes(s);
		break;
	case SIOCOUTQ:
		if (atomic_load(&sk->state) == SOCKET_LISTENING)
			return -EINVAL;
		net_lock();
		v = s->conn ? (s32)netstack->tcp_unsent(s->conn) : 0;
		net_unlock();
		break;
	case SIOCATMARK:
		v = stream_urgent_next(s);
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
	.option_changed = inet_option_changed, .release = stream_release, .has_peek_off = true,
};
