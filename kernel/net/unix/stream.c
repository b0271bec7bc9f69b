/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX streams: bytes in packets on the receiver's queue. A writer makes a packet, copies into it without locks and
 * appends it; readers take turns by read_lock, so what one call gets is contiguous. The sender is charged for what
 * lies unread (SO_SNDBUF) and waits on its own socket.
 */
#include "unix.h"

#define PIECE_MAX (32768u - (u32)sizeof(struct unix_packet))	/* of one packet: a power of two of memory */

struct unix_packet *unix_packet_new(struct unix_socket *u, struct socket_msg *msg, u32 n)
{
	struct unix_packet *p = kmalloc(sizeof(*p) + n, 0);

	if (!p)
		return err_ptr(-ENOBUFS);
	if (uio_copy_in(msg->data, p->data, n) < n) {
		kfree(p);
		return err_ptr(-EFAULT);
	}
	p->p.len = n;
	p->p.charge = (u32)sizeof(*p) + n;
	p->p.free = unix_packet_free;
	p->from = u;
	p->rights = NULL;
	p->sender = NULL;
	p->offset = 0;
	p->has_from_ref = p->is_oob = false;
	atomic_add(&u->sk.send_used, p->p.charge);
	return p;
}

void unix_uncharge(struct unix_packet *p)
{
	struct unix_socket *u = p->from;

	(void)__atomic_fetch_sub(&u->sk.send_used, p->p.charge, __ATOMIC_SEQ_CST);	/* before looking for waiters */
	if (!waitq_is_empty(&u->sk.wait) && unix_writable(u))
		socket_wake(&u->sk, SOCKET_WRITABLE);
}

void unix_packet_free(struct socket_packet *sp)
{
	struct unix_packet *p = container_of(sp, struct unix_packet, p);

	unix_uncharge(p);
	if (p->rights)
		unix_rights_drop(p->rights, true);
	if (unlikely(p->sender))
		process_put(p->sender);
	if (p->has_from_ref)
		unix_put(p->from);
	kfree(p);
}

int __hot unix_queue(struct unix_socket *to, struct unix_packet *p)
{
	u32 events = unlikely(p->is_oob) ? SOCKET_READABLE | POLLPRI : SOCKET_READABLE;
	struct socket *sk = &to->sk;
	int err = 0;

	spin_lock(&sk->queue_lock);
	if (unlikely(to->dead)) {
		err = -ECONNREFUSED;
	} else if (unlikely(sk->shut & SOCKET_SHUT_RD)) {
		err = -EPIPE;
	} else {
		list_push_back(&sk->queue, &p->p.link);
		atomic_store(&sk->queue_len, sk->queue_len + 1);
		if (unlikely(p->is_oob))
			atomic_store(&to->oob, p);
	}
	spin_unlock(&sk->queue_lock);
	atomic_fence_full();	/* the packet before the look for waiters; pairs with waitq_add's and thread_prepare_sleep's */
	if (!waitq_is_empty(&sk->wait))
		socket_wake(sk, events);
	return err;
}

static bool has_room(const struct unix_socket *u)
{
	const struct socket *sk = &u->sk;

	return atomic_load(&sk->send_used) < atomic_load(&sk->sndbuf) || atomic_load(&sk->shut) & SOCKET_SHUT_WR ||
	       atomic_load(&sk->error);
}

int __hot unix_stream_may_send(struct unix_socket *u, u32 flags)
{
	int err;

	if (unlikely(!has_room(u))) {
		u64 deadline = socket_send_deadline(&u->sk, flags);

		err = socket_wait(&u->sk, has_room(u), SOCKET_WRITABLE | POLLERR | POLLHUP, deadline);
		if (err)
			return err;
	}
	if (unlikely(atomic_load(&u->sk.error))) {
		err = socket_take_error(&u->sk);
		if (err)
			return err;
	}
	return unlikely(atomic_load(&u->sk.shut) & SOCKET_SHUT_WR) ? -EPIPE : 0;
}

/* One packet of at most n bytes to the peer. Bytes or -errno. */
static ssize_t send_piece(struct unix_socket *u, struct socket_msg *msg, u32 n, struct unix_scm *scm)
{
	struct unix_packet *p;
	int err = unix_stream_may_send(u, msg->flags);

	if (unlikely(err))
		return err;
	p = unix_packet_new(u, msg, n);
	if (is_err(p))
		return ptr_err(p);
	unix_scm_attach(u, u->peer, scm, p);
	err = unix_queue(u->peer, p);
	if (likely(!err))
		return n;
	unix_packet_free(&p->p);
	return -EPIPE;
}

ssize_t __hot unix_stream_sendmsg(struct socket *sk, struct socket_msg *msg)
{
	struct unix_socket *u = unix_sk(sk);
	struct unix_scm scm = { .rights = NULL };
	size_t urgent = unlikely(msg->flags & MSG_OOB) ? 1 : 0;		/* the last byte */
	ssize_t done = 0, n = 0;

	if (unlikely(msg->data->count < urgent))
		return -EOPNOTSUPP;
	if (msg->name_len)
		return unix_is_connected(u) ? -EISCONN : -EOPNOTSUPP;
	if (!unix_is_connected(u))
		return -ENOTCONN;
	if (msg->control) {
		n = unix_scm_parse(msg, &scm);
		if (n)
			return n;
	}
	if (atomic_load(&sk->shut) & SOCKET_SHUT_WR)
		n = -EPIPE;
	while (!n && msg->data->count > urgent) {
		u32 piece = (u32)min(msg->data->count - urgent, (size_t)PIECE_MAX);

		/* Several packets fit into a small buffer, so that reader and writer overlap. */
		if (piece > 4096 && piece > atomic_load(&sk->sndbuf) / 2)
			piece = max(atomic_load(&sk->sndbuf) / 2, 2048u);
		n = send_piece(u, msg, piece, &scm);
		if (n < 0)
			break;
		done += n;
		n = 0;
	}
	if (unlikely(urgent) && !n) {
		n = unix_oob_send(u, msg, &scm);
		done += n > 0;
	}
	unix_scm_drop(&scm);
	return done ? done : n;
}

/* Packet after p in the queue (p NULL: the first), or NULL. Its place is stable: only readers take packets out. */
static struct unix_packet *packet_after(struct socket *sk, struct unix_packet *p)
{
	struct list *l;

	spin_lock(&sk->queue_lock);
	l = p ? p->p.link.next : sk->queue.next;
	p = l == &sk->queue ? NULL : list_entry(l, struct unix_packet, p.link);
	spin_unlock(&sk->queue_lock);
	return p;
}

/* Bytes for this reader: behind those that SO_PEEK_OFF passes over; a look does not see the urgent one. */
static bool has_bytes(struct unix_socket *u, u32 flags)
{
	u32 skip = socket_peek_offset(&u->sk, flags), n;
	struct socket_packet *sp;
	bool is = false;

	if (list_empty(&u->sk.queue))
		return false;
	spin_lock(&u->sk.queue_lock);
	list_for_each(sp, &u->sk.queue, link) {
		const struct unix_packet *p = container_of(sp, struct unix_packet, p);

		n = p->p.len - p->offset;
		if (p == u->oob && flags & MSG_PEEK && !socket_option(&u->sk, SOCKET_OOBINLINE))
			n = 0;
		is = n > skip;
		if (is)
			break;
		skip -= n;
	}
	spin_unlock(&u->sk.queue_lock);
	return is;
}

static bool is_readable(struct unix_socket *u, u32 flags)
{
	return has_bytes(u, flags) || atomic_load(&u->sk.shut) & SOCKET_SHUT_RD || atomic_load(&u->sk.error);
}

/* Not exclusive: a packet may be enough for several readers. */
static int wait_readable(struct unix_socket *u, u32 flags, u64 deadline)
{
	if (deadline == 0)
		return is_readable(u, flags) ? 0 : -EAGAIN;
	return socket_wait_error(waitq_wait_events(&u->sk.wait, is_readable(u, flags), SOCKET_READABLE | POLLHUP | POLLERR | POLLRDHUP,
						   SLEEP_INTERRUPTIBLE, deadline, false), deadline);
}

static bool same_ids(const struct user_ucred *a, const struct user_ucred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* What one receiving call knows. */
struct stream_read {
	struct socket_msg *msg;
	struct unix_scm scm;
	ssize_t done;
	ssize_t want;		/* enough: SO_RCVLOWAT or all of it */
	u64 deadline;
	u32 skip;		/* SO_PEEK_OFF: bytes still to be passed over */
	bool check_ids, has_deadline;
};

/* The front packet was read to its end. */
static void packet_consume(struct socket *sk, struct unix_packet *p)
{
	spin_lock(&sk->queue_lock);
	list_remove(&p->p.link);
	atomic_store(&sk->queue_len, sk->queue_len - 1);
	spin_unlock(&sk->queue_lock);
	unix_uncharge(p);
	if (unlikely(p->sender))
		process_put(p->sender);
	kfree(p);
}

/* Takes from (or looks at) p what fits. True: go on with the packet after it. */
static bool read_packet(struct socket *sk, struct stream_read *r, struct unix_packet *p)
{
	bool peek = r->msg->flags & MSG_PEEK, had_rights;
	u32 left = p->p.len - p->offset - r->skip;
	u32 n = (u32)min(r->msg->data->count, (size_t)left);
	size_t got = uio_copy_out(r->msg->data, p->data + p->offset + r->skip, n);

	if (got < n && !got) {
		r->done = r->done ? r->done : -EFAULT;
		return false;
	}
	r->done += (ssize_t)got;
	r->skip = 0;
	had_rights = p->rights;
	if (peek) {
		if (p->rights)
			r->scm.rights = unix_rights_copy(p->rights);
		return got == left && !had_rights;
	}
	if (p->rights) {
		r->scm.rights = p->rights;
		p->rights = NULL;
		unix_rights_take(r->scm.rights);
	}
	if (got < left) {
		p->offset += (u32)got;
		return false;
	}
	packet_consume(sk, p);
	return !had_rights;
}

/* With read_lock held. 0, or the error that ends the call if nothing was read. */
static int read_some(struct unix_socket *u, struct stream_read *r)
{
	struct unix_packet *p = NULL;
	struct socket *sk = &u->sk;
	bool peek = r->msg->flags & MSG_PEEK, stop = false;
	int err;

	while (r->msg->data->count) {
		p = packet_after(sk, p);
		if (unlikely(p && (p->offset == p->p.len || p == atomic_load(&u->oob)))) {
			p = unix_oob_pass(u, p, peek, r->done, &stop);
			if (stop)
				return 0;
		}
		if (!p) {
			if (r->done >= r->want || (peek && r->done))
				return 0;
			err = socket_take_error(sk);
			if (err || atomic_load(&sk->shut) & SOCKET_SHUT_RD)
				return err;
			mutex_unlock(&u->read_lock);
			if (!r->has_deadline)
				r->deadline = socket_receive_deadline(sk, r->msg->flags);
			r->has_deadline = true;
			err = wait_readable(u, r->msg->flags, r->deadline);
			mutex_lock(&u->read_lock);
			if (err)
				return err;
			r->skip = socket_peek_offset(sk, r->msg->flags);
			continue;
		}
		if (unlikely(r->skip) && r->skip >= p->p.len - p->offset) {
			r->skip -= p->p.len - p->offset;
			continue;
		}
		if (r->check_ids && r->scm.has_ids && !same_ids(&r->scm.ids, &p->ids))
			return 0;	/* writers are not mixed */
		unix_scm_note(sk, &r->scm, p);
		if (!read_packet(sk, r, p))
			return 0;
		if (!peek)
			p = NULL;
	}
	return 0;
}

ssize_t __hot unix_stream_recvmsg(struct socket *sk, struct socket_msg *msg)
{
	struct unix_socket *u = unix_sk(sk);
	struct stream_read r = { .msg = msg };
	int err;

	if (!unix_is_connected(u))
		return -EINVAL;
	if (unlikely(msg->flags & MSG_OOB))
		return unix_oob_receive(u, msg);
	r.want = msg->flags & MSG_WAITALL ? (ssize_t)msg->data->count :
		 (ssize_t)min((size_t)atomic_load(&sk->rcvlowat), msg->data->count);
	r.check_ids = socket_option(sk, SOCKET_PASSCRED | SOCKET_PASSPIDFD);
	mutex_lock(&u->read_lock);
	r.skip = socket_peek_offset(sk, msg->flags);
	err = read_some(u, &r);
	socket_peek_moved(sk, msg->flags, r.done);
	mutex_unlock(&u->read_lock);
	if (msg->name)
		msg->name_len = r.done > 0 && u->peer->addr ? unix_name_out(u->peer, msg->name) : 0;
	if (r.scm.rights || r.scm.sender || msg->out_control.at)
		unix_scm_deliver(sk, msg, &r.scm);
	return r.done ? r.done : err;
}

u32 unix_stream_poll(struct socket *sk)
{
	struct unix_socket *u = unix_sk(sk);
	u32 state = atomic_load(&sk->state), shut = atomic_load(&sk->shut), events = 0;

	if (atomic_load(&sk->error))
		events |= POLLERR;
	if (shut == SOCKET_SHUT_BOTH)
		events |= POLLHUP;
	if (shut & SOCKET_SHUT_RD)
		events |= POLLRDHUP | SOCKET_READABLE;
	if (!list_empty(&sk->queue) || !list_empty(&sk->accept_queue))
		events |= SOCKET_READABLE;
	if (unlikely(atomic_load(&u->oob)))
		events |= POLLPRI;
	if (state == SOCKET_UNCONNECTED)
		events |= POLLHUP;
	if (state != SOCKET_LISTENING && unix_writable(u))
		events |= SOCKET_WRITABLE | POLLWRBAND;
	return events;
}
