/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX datagrams and seqpackets: whole messages on the receiver's queue. A datagram socket's receiver may be anybody
 * who is not connected elsewhere; a queue longer than max_dgram_qlen makes senders wait (or poll say "not writable")
 * unless the two are connected to each other, when only SO_SNDBUF limits.
 */
#include "unix.h"

u32 unix_max_dgram_qlen = 10;		/* net.unix.max_dgram_qlen */

static bool is_full(const struct unix_socket *other, const struct unix_socket *from)
{
	return other != from && atomic_load(&other->peer) != from &&
	       atomic_load(&other->sk.queue_len) > atomic_load(&unix_max_dgram_qlen);
}

static bool is_over(const struct unix_socket *other)
{
	return atomic_load(&other->dead) || atomic_load(&other->sk.shut) & SOCKET_SHUT_RD;
}

/* The peer with a reference, or NULL. */
static struct unix_socket *peer_get(struct unix_socket *u)
{
	struct unix_socket *peer;

	spin_lock(&u->sk.queue_lock);
	peer = u->peer ? unix_get(u->peer) : NULL;
	spin_unlock(&u->sk.queue_lock);
	return peer;
}

/* u->peer becomes peer (reference passed in, NULL none); the old one's reference is returned. */
static struct unix_socket *peer_set(struct unix_socket *u, struct unix_socket *peer)
{
	struct unix_socket *old;

	spin_lock(&u->sk.queue_lock);
	old = u->peer;
	atomic_store(&u->peer, peer);
	atomic_store_release(&u->sk.state, peer ? (u32)SOCKET_CONNECTED : (u32)SOCKET_UNCONNECTED);
	spin_unlock(&u->sk.queue_lock);
	return old;
}

void unix_dgram_disconnected(struct unix_socket *u, struct unix_socket *old)
{
	struct list gone = LIST_INIT(gone), *l;
	bool lost;

	unix_unwatch(u);
	spin_lock(&u->sk.queue_lock);
	list_splice_back(&gone, &u->sk.queue);
	u->sk.queue_len = 0;
	spin_unlock(&u->sk.queue_lock);
	lost = !list_empty(&gone);
	while ((l = list_pop_front(&gone)))
		unix_packet_free(list_entry(l, struct socket_packet, link));
	waitq_wake_all(&u->peer_wait);
	/* Who was connected to us lost messages: an error tells it. */
	if (lost && !atomic_load(&old->dead) && atomic_load(&old->peer) == u)
		socket_set_error(&old->sk, ECONNRESET);
	unix_put(old);
}

int unix_dgram_connect(struct socket *sk, const struct sockaddr_storage *addr, u32 len, bool nonblock)
{
	struct unix_socket *u = unix_sk(sk), *other = NULL, *old;
	int err;

	if (len < sizeof(addr->family))
		return -EINVAL;
	if (addr->family != AF_UNSPEC) {
		err = unix_addr_check(addr, len);
		if (!err && socket_option(sk, SOCKET_PASSCRED | SOCKET_PASSPIDFD))
			err = unix_autobind(u);
		if (!err)
			err = unix_find(addr, len, sk->type, &other);
		if (err)
			return err;
		if (atomic_load(&other->peer) && atomic_load(&other->peer) != u) {
			unix_put(other);
			return -EPERM;
		}
	}
	mutex_lock(&sk->lock);
	old = peer_set(u, other);
	mutex_unlock(&sk->lock);
	if (old && old != other)
		unix_dgram_disconnected(u, old);
	else if (old)
		unix_put(old);
	socket_wake(sk, SOCKET_WRITABLE);
	return 0;
}

/* Waits until other has room for u. 0 or -errno. */
static int wait_for_receiver(struct unix_socket *u, struct unix_socket *other, u32 flags)
{
	u64 deadline = socket_send_deadline(&u->sk, flags);
	int r;

	if (deadline == 0)
		return -EAGAIN;
	r = waitq_wait_until(&other->peer_wait, !is_full(other, u) || is_over(other), SLEEP_INTERRUPTIBLE, deadline, true);
	return socket_wait_error(r, deadline);
}

static bool has_room(const struct unix_socket *u)
{
	const struct socket *sk = &u->sk;

	return atomic_load(&sk->send_used) < atomic_load(&sk->sndbuf) || atomic_load(&sk->shut) & SOCKET_SHUT_WR ||
	       atomic_load(&sk->error);
}

static int wait_for_room(struct unix_socket *u, u32 flags)
{
	int err = 0;

	if (!has_room(u)) {
		u64 deadline = socket_send_deadline(&u->sk, flags);

		err = socket_wait(&u->sk, has_room(u), SOCKET_WRITABLE | POLLERR | POLLHUP, deadline);
	}
	if (!err)
		err = socket_take_error(&u->sk);
	return !err && atomic_load(&u->sk.shut) & SOCKET_SHUT_WR ? -EPIPE : err;
}

/* Puts p into other's queue, waiting for room. 0: taken over. */
static int deliver(struct unix_socket *u, struct unix_socket *other, struct unix_packet *p, u32 flags)
{
	int err;

	do {
		struct unix_socket *to = atomic_load(&other->peer);

		if (u->sk.type == SOCK_DGRAM && to && to != u)
			return -EPERM;
		if (atomic_load(&other->dead))
			return u->sk.type == SOCK_SEQPACKET ? -EPIPE : -ECONNREFUSED;
		if (is_over(other))
			return -EPIPE;
		if (!is_full(other, u))
			return unix_queue(other, p);
		err = wait_for_receiver(u, other, flags);
	} while (!err);
	return err;
}

/* The peer is dead: not connected any more. */
static void lose_peer(struct unix_socket *u, struct unix_socket *dead)
{
	struct unix_socket *old = NULL;

	mutex_lock(&u->sk.lock);
	if (atomic_load(&u->peer) == dead)
		old = peer_set(u, NULL);
	mutex_unlock(&u->sk.lock);
	if (old)
		unix_dgram_disconnected(u, old);
}

/* To other, whose reference stays the caller's. */
static ssize_t send_to(struct unix_socket *u, struct unix_socket *other, struct socket_msg *msg, struct unix_scm *scm)
{
	u32 n = (u32)msg->data->count;
	struct unix_packet *p;
	int err = wait_for_room(u, msg->flags);

	if (err)
		return err;
	p = unix_packet_new(u, msg, n);
	if (is_err(p))
		return ptr_err(p);
	if (u->sk.type == SOCK_DGRAM) {
		unix_get(u);
		p->has_from_ref = true;
	}
	unix_scm_attach(u, other, scm, p);
	err = deliver(u, other, p, msg->flags);
	if (!err)
		return n;
	unix_packet_free(&p->p);
	return err;
}

static ssize_t send_checked(struct unix_socket *u, struct socket_msg *msg, struct unix_scm *scm)
{
	struct unix_socket *other;
	ssize_t n;
	int err;

	if (socket_option(&u->sk, SOCKET_PASSCRED | SOCKET_PASSPIDFD)) {
		err = unix_autobind(u);
		if (err)
			return err;
	}
	if (msg->data->count > atomic_load(&u->sk.sndbuf) - 32)
		return -EMSGSIZE;
	if (msg->name_len) {
		err = unix_find(msg->name, msg->name_len, u->sk.type, &other);
		if (err)
			return err;
	} else {
		other = peer_get(u);
		if (!other)
			return -ENOTCONN;
	}
	n = send_to(u, other, msg, scm);
	if (n == -ECONNREFUSED && !msg->name_len)
		lose_peer(u, other);
	unix_put(other);
	return n;
}

ssize_t unix_dgram_sendmsg(struct socket *sk, struct socket_msg *msg)
{
	struct unix_scm scm = { .rights = NULL };
	ssize_t n;

	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	n = msg->control ? unix_scm_parse(msg, &scm) : 0;
	if (!n && msg->name_len)
		n = unix_addr_check(msg->name, msg->name_len);
	if (!n)
		n = send_checked(unix_sk(sk), msg, &scm);
	unix_scm_drop(&scm);
	return n;
}

ssize_t unix_seqpacket_sendmsg(struct socket *sk, struct socket_msg *msg)
{
	int err = socket_take_error(sk);

	if (err)
		return err;
	if (!unix_is_connected(unix_sk(sk)))
		return -ENOTCONN;
	msg->name_len = 0;
	return unix_dgram_sendmsg(sk, msg);
}

/* The first packet, or when skip bytes are to be passed over (SO_PEEK_OFF) the one where they end; *skip: within it. */
static struct unix_packet *first_packet(struct socket *sk, bool take, u32 *skip)
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
	if (found && take) {
		list_remove(&found->link);
		atomic_store(&sk->queue_len, sk->queue_len - 1);
	}
	spin_unlock(&sk->queue_lock);
	return found ? container_of(found, struct unix_packet, p) : NULL;
}

/* Something lies behind the bytes to be passed over. */
static bool is_readable(struct socket *sk, u32 skip)
{
	if (!list_empty(&sk->queue) && (!skip || first_packet(sk, false, &skip)))
		return true;
	return atomic_load(&sk->shut) & SOCKET_SHUT_RD || atomic_load(&sk->error);
}

/* A packet with read_lock held: *out NULL at the end of a shut-down socket. 0 or -errno, then without the lock. */
static int receive_packet(struct unix_socket *u, u32 flags, struct unix_packet **out, u32 *skip)
{
	bool peek = flags & MSG_PEEK, is_counting = false;
	struct socket *sk = &u->sk;
	u64 deadline = U64_MAX;
	u32 passed;
	int err;

	mutex_lock(&u->read_lock);
	while (1) {
		err = socket_take_error(sk);
		if (err)
			break;
		*skip = socket_peek_offset(sk, flags);
		passed = *skip;
		*out = first_packet(sk, !peek, skip);
		if (*out)
			return 0;
		if (deadline == U64_MAX && !is_counting)
			deadline = socket_receive_deadline(sk, flags);
		is_counting = true;
		/* A datagram socket that does not wait says "nothing there" even when shut for reading. */
		if (atomic_load(&sk->shut) & SOCKET_SHUT_RD && (deadline || sk->type == SOCK_SEQPACKET))
			return 0;
		err = -EAGAIN;
		if (deadline == 0)
			break;
		mutex_unlock(&u->read_lock);
		err = socket_wait(sk, is_readable(sk, passed), SOCKET_READABLE | POLLHUP | POLLERR | POLLRDHUP, deadline);
		mutex_lock(&u->read_lock);
		if (err)
			break;
	}
	mutex_unlock(&u->read_lock);
	return err;
}

ssize_t unix_dgram_recvmsg(struct socket *sk, struct socket_msg *msg)
{
	struct unix_socket *u = unix_sk(sk);
	struct unix_scm scm = { .rights = NULL };
	bool peek = msg->flags & MSG_PEEK;
	struct unix_packet *p;
	size_t n, got;
	u32 skip;
	int err;

	if (msg->flags & MSG_OOB)
		return -EOPNOTSUPP;
	msg->name_len = 0;
	err = receive_packet(u, msg->flags, &p, &skip);
	if (err)
		return err;
	if (!p) {
		mutex_unlock(&u->read_lock);
		return 0;
	}
	n = min(msg->data->count, (size_t)p->p.len - skip);
	got = uio_copy_out(msg->data, p->data + skip, n);
	if (n < p->p.len - skip)
		msg->out_flags |= MSG_TRUNC;
	if (msg->name && p->from->addr)
		msg->name_len = unix_name_out(p->from, msg->name);
	unix_scm_note(sk, &scm, p);
	if (peek && p->rights) {
		scm.rights = unix_rights_copy(p->rights);
	} else if (p->rights) {
		scm.rights = p->rights;
		p->rights = NULL;
		unix_rights_take(scm.rights);
	}
	err = got < n ? -EFAULT : 0;
	socket_peek_moved(sk, msg->flags, peek ? (ssize_t)got : (ssize_t)p->p.len);
	n = msg->flags & MSG_TRUNC ? p->p.len - skip : got;
	mutex_unlock(&u->read_lock);
	if (!peek) {
		unix_packet_free(&p->p);
		if (!waitq_is_empty(&u->peer_wait))
			waitq_wake(&u->peer_wait, 1, SOCKET_WRITABLE);
	}
	if (err)
		unix_scm_forget(&scm);
	else if (scm.rights || scm.sender || msg->out_control.at)
		unix_scm_deliver(sk, msg, &scm);
	return err ? err : (ssize_t)n;
}

ssize_t unix_seqpacket_recvmsg(struct socket *sk, struct socket_msg *msg)
{
	if (!unix_is_connected(unix_sk(sk)))
		return -ENOTCONN;
	return unix_dgram_recvmsg(sk, msg);
}

/* The peer has room again: tell who polls us. */
static bool peer_has_room(struct waitq_entry *e, u32 events)
{
	struct unix_socket *u = e->data;

	waitq_wake(&u->sk.wait, ~0u, SOCKET_WRITABLE);	/* below the peer's peer_wait: two queues of one rank */
	return true;
}

void unix_unwatch(struct unix_socket *u)
{
	struct unix_socket *old;

	spin_lock(&u->sk.queue_lock);
	old = u->watched;
	u->watched = NULL;
	if (old)
		waitq_remove(&old->peer_wait, &u->peer_entry);
	spin_unlock(&u->sk.queue_lock);
	if (old)
		unix_put(old);
}

static void watch(struct unix_socket *u, struct unix_socket *peer)
{
	if (atomic_load(&u->watched) != peer)
		unix_unwatch(u);
	spin_lock(&u->sk.queue_lock);
	if (!u->dead && (!u->watched || u->watched == peer)) {
		if (u->watched)
			waitq_remove(&peer->peer_wait, &u->peer_entry);
		else
			u->watched = unix_get(peer);
		u->peer_entry.wake = peer_has_room;
		u->peer_entry.data = u;
		waitq_add(&peer->peer_wait, &u->peer_entry);
	}
	spin_unlock(&u->sk.queue_lock);
}

u32 unix_dgram_poll(struct socket *sk)
{
	struct unix_socket *u = unix_sk(sk), *peer;
	u32 events = unix_stream_poll(sk);

	if (sk->type == SOCK_DGRAM && atomic_load(&sk->state) == SOCKET_UNCONNECTED)
		events &= ~(u32)POLLHUP;
	if (sk->type == SOCK_DGRAM && atomic_load(&sk->shut) == SOCKET_SHUT_BOTH)
		events |= POLLHUP;
	if (!(events & POLLOUT) || sk->type == SOCK_SEQPACKET)
		return events;
	peer = peer_get(u);
	if (peer && is_full(peer, u) && !is_over(peer)) {
		watch(u, peer);
		if (is_full(peer, u))
			events &= ~(u32)(SOCKET_WRITABLE | POLLWRBAND);
	}
	if (peer)
		unix_put(peer);
	return events;
}
