/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ends of AF_UNIX connections: listen, connect, accept, socketpair, shutdown, release. A connect makes the server's
 * socket itself and puts it into the listener's accept queue, so connecting does not wait for accept, only for room.
 */
#include "unix.h"

#define EVERY_EVENT (SOCKET_READABLE | SOCKET_WRITABLE | POLLHUP | POLLRDHUP | POLLERR)

static void set_peer_ids(struct unix_socket *u, const struct user_ucred *ids, struct cred *cred, struct process *process)
{
	struct cred *old = u->peer_cred;
	struct process *old_process = u->peer_process;

	u->sk.peer_ids = *ids;
	u->peer_cred = cred ? cred_get(cred) : NULL;
	u->peer_process = process ? process_get(process) : NULL;
	if (old)
		cred_put(old);
	if (old_process)
		process_put(old_process);
}

static void set_peer_self(struct unix_socket *u)
{
	struct user_ucred ids = unix_own_ids();

	ids.uid = cred_current()->euid;
	ids.gid = cred_current()->egid;
	set_peer_ids(u, &ids, (struct cred *)cred_current(), current_process());
}

int unix_listen(struct socket *sk, u32 backlog)
{
	struct unix_socket *u = unix_sk(sk);
	u32 state;
	int err = 0;

	if (sk->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	mutex_lock(&sk->lock);
	state = atomic_load(&sk->state);
	if (!u->addr || (state != SOCKET_UNCONNECTED && state != SOCKET_LISTENING)) {
		err = -EINVAL;
	} else {
		if (state == SOCKET_UNCONNECTED)
			set_peer_self(u);
		spin_lock(&sk->queue_lock);
		sk->backlog = backlog;
		atomic_store_release(&sk->state, (u32)SOCKET_LISTENING);
		spin_unlock(&sk->queue_lock);
	}
	mutex_unlock(&sk->lock);
	if (!err)
		waitq_wake_all(&u->peer_wait);
	return err;
}

/* Both sides point at each other with references and become connected. */
static void unix_join(struct unix_socket *a, struct unix_socket *b)
{
	a->peer = unix_get(b);
	b->peer = unix_get(a);
	atomic_store_release(&b->sk.state, (u32)SOCKET_CONNECTED);	/* pairs with unix_is_connected */
	atomic_store_release(&a->sk.state, (u32)SOCKET_CONNECTED);
}

int unix_pair(struct socket *a, struct socket *b)
{
	set_peer_self(unix_sk(a));
	set_peer_self(unix_sk(b));
	unix_join(unix_sk(a), unix_sk(b));
	return 0;
}

static bool has_place(struct unix_socket *l)
{
	return atomic_load(&l->sk.accept_len) <= atomic_load(&l->sk.backlog) || atomic_load(&l->sk.shut) & SOCKET_SHUT_RD ||
	       atomic_load(&l->dead) || atomic_load(&l->sk.state) != SOCKET_LISTENING;
}

/* A listener by that name with room (referenced). */
static int find_listener(struct unix_socket *u, const struct sockaddr_storage *addr, u32 len, u64 deadline, struct unix_socket **out)
{
	struct unix_socket *l;
	int err;

	while (1) {
		err = unix_find(addr, len, u->sk.type, &l);
		if (err)
			return err;
		if (atomic_load_acquire(&l->sk.state) != SOCKET_LISTENING || atomic_load(&l->sk.shut) & SOCKET_SHUT_RD) {
			unix_put(l);
			return -ECONNREFUSED;
		}
		if (atomic_load(&l->sk.accept_len) <= atomic_load(&l->sk.backlog)) {
			*out = l;
			return 0;
		}
		err = deadline == 0 ? -EAGAIN :
		      socket_wait_error(waitq_wait_until(&l->peer_wait, has_place(l), SLEEP_INTERRUPTIBLE, deadline, true), deadline);
		unix_put(l);
		if (err)
			return err;
	}
}

/* Server's end of a connection to l. NULL without memory. */
static struct unix_socket *embryo_new(struct unix_socket *l)
{
	struct socket *sk = socket_alloc_like(&l->sk);
	struct unix_socket *e;

	if (!sk)
		return NULL;
	unix_socket_setup(sk);
	e = unix_sk(sk);
	e->addr = l->addr;
	ref_get(&e->addr->refs);
	set_peer_self(e);
	return e;
}

/* u->sk.lock held. */
static int connect_locked(struct unix_socket *u, const struct sockaddr_storage *addr, u32 len, u64 deadline)
{
	u32 state = atomic_load(&u->sk.state);
	struct unix_socket *l, *e;
	int err;

	do {
		err = find_listener(u, addr, len, deadline, &l);
		if (err)
			return err;
		if (state != SOCKET_UNCONNECTED) {
			unix_put(l);
			return state == SOCKET_CONNECTED ? -EISCONN : -EINVAL;
		}
		e = embryo_new(l);
		if (!e) {
			unix_put(l);
			return -ENOMEM;
		}
		/* Whoever accepts finds its side whole; ours follows when it is sure. */
		e->peer = unix_get(u);
		atomic_store_release(&e->sk.state, (u32)SOCKET_CONNECTED);
		unix_get(e);
		if (socket_accept_push(&l->sk, &e->sk)) {
			set_peer_ids(u, &l->sk.peer_ids, l->peer_cred, l->peer_process);
			u->peer = e;
			atomic_store_release(&u->sk.state, (u32)SOCKET_CONNECTED);
			unix_put(l);
			return 0;
		}
		/* Somebody else took the last place, or the listener is gone. */
		e->peer = NULL;
		unix_put(u);
		socket_release(&e->sk);
		unix_put(e);
		unix_put(l);
	} while (1);
}

int unix_stream_connect(struct socket *sk, const struct sockaddr_storage *addr, u32 len, bool nonblock)
{
	struct unix_socket *u = unix_sk(sk);
	int err = unix_addr_check(addr, len);

	if (!err && socket_option(sk, SOCKET_PASSCRED | SOCKET_PASSPIDFD))
		err = unix_autobind(u);
	if (err)
		return err;
	err = mutex_lock_interruptible(&sk->lock);
	if (err)
		return -ERESTARTSYS;
	err = connect_locked(u, addr, len, socket_send_deadline(sk, nonblock ? MSG_DONTWAIT : 0));
	mutex_unlock(&sk->lock);
	return err;
}

static bool is_acceptable(struct socket *sk)
{
	return !list_empty(&sk->accept_queue) || atomic_load(&sk->shut) & SOCKET_SHUT_RD;
}

int unix_accept(struct socket *sk, bool nonblock, struct socket **out)
{
	u64 deadline = socket_receive_deadline(sk, nonblock ? MSG_DONTWAIT : 0);
	struct socket *conn;
	int err;

	if (sk->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (atomic_load(&sk->state) != SOCKET_LISTENING)
		return -EINVAL;
	while (!(conn = socket_accept_pop(sk))) {
		if (atomic_load(&sk->shut) & SOCKET_SHUT_RD)
			return -EINVAL;
		err = socket_wait(sk, is_acceptable(sk), SOCKET_READABLE | POLLHUP | POLLRDHUP, deadline);
		if (err)
			return err;
	}
	if (!waitq_is_empty(&unix_sk(sk)->peer_wait))
		waitq_wake_all(&unix_sk(sk)->peer_wait);
	(void)atomic_fetch_or(&conn->options, atomic_load(&sk->options) & (SOCKET_PASSCRED | SOCKET_PASSPIDFD));
	unix_sk(conn)->uid = cred_current()->fsuid;
	*out = conn;
	return 0;
}

static void shut(struct unix_socket *u, u32 how)
{
	spin_lock(&u->sk.queue_lock);
	atomic_store(&u->sk.shut, u->sk.shut | how);
	spin_unlock(&u->sk.queue_lock);
	waitq_wake(&u->sk.wait, ~0u, EVERY_EVENT);
	waitq_wake_all(&u->peer_wait);
}

int unix_shutdown(struct socket *sk, u32 how)
{
	struct unix_socket *u = unix_sk(sk);
	u32 other = (how & SOCKET_SHUT_RD ? SOCKET_SHUT_WR : 0) | (how & SOCKET_SHUT_WR ? SOCKET_SHUT_RD : 0);

	shut(u, how);
	if (sk->type != SOCK_DGRAM && unix_is_connected(u))
		shut(u->peer, other);
	return 0;
}

/* Everything that lies unread; true if there was something. */
static bool purge(struct unix_socket *u)
{
	struct list gone = LIST_INIT(gone), *l;
	bool had;

	spin_lock(&u->sk.queue_lock);
	u->dead = true;
	u->sk.shut = SOCKET_SHUT_BOTH;
	list_splice_back(&gone, &u->sk.queue);
	u->sk.queue_len = 0;
	u->oob = NULL;
	spin_unlock(&u->sk.queue_lock);
	had = !list_empty(&gone);
	while ((l = list_pop_front(&gone)))
		unix_packet_free(list_entry(l, struct socket_packet, link));
	return had;
}

void unix_release(struct socket *sk)
{
	struct unix_socket *u = unix_sk(sk), *peer;
	bool was_embryo = !sk->ino, unread;
	struct socket *e;

	unix_unname(u);
	/* From here on connectors find neither name nor listener; the lock in the pop below makes it certain. */
	if (atomic_load(&sk->state) == SOCKET_LISTENING)
		atomic_store(&sk->state, (u32)SOCKET_UNCONNECTED);
	unread = purge(u);
	while ((e = socket_accept_pop(sk)))
		socket_release(e);
	waitq_wake_all(&u->peer_wait);
	unix_unwatch(u);
	spin_lock(&sk->queue_lock);
	peer = u->peer;
	u->peer = NULL;
	spin_unlock(&sk->queue_lock);
	if (peer && sk->type != SOCK_DGRAM) {
		if (unread || was_embryo)
			atomic_store(&peer->sk.error, ECONNRESET);
		shut(peer, SOCKET_SHUT_BOTH);
	}
	if (peer)
		unix_put(peer);
	if (u->peer_cred)
		cred_put(u->peer_cred);
	u->peer_cred = NULL;
	if (u->peer_process)
		process_put(u->peer_process);
	u->peer_process = NULL;
	unix_gc();
}
