/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The urgent byte of AF_UNIX streams (Linux since 5.15): one packet of one byte in the receiver's queue, which u->oob points
 * at. Reads stop before it; the next one drops it, unless SO_OOBINLINE makes it data. Read apart by MSG_OOB it stays
 * as a mark without bytes, until a read passes it. A newer urgent byte makes the older one data.
 *
 * Locks: read_lock for readers; queue_lock for u->oob.
 */
#include "unix.h"

static u32 bytes_of(const struct unix_packet *p) { return p->p.len - p->offset; }

static bool is_inline(const struct unix_socket *u) { return socket_option(&u->sk, SOCKET_OOBINLINE); }

ssize_t unix_oob_send(struct unix_socket *u, struct socket_msg *msg, struct unix_scm *scm)
{
	struct unix_packet *p;
	int err = unix_stream_may_send(u, msg->flags);

	if (err)
		return err;
	p = unix_packet_new(u, msg, 1);
	if (is_err(p))
		return ptr_err(p);
	p->is_oob = true;
	unix_scm_attach(u, u->peer, scm, p);
	if (!unix_queue(u->peer, p))
		return 1;
	unix_packet_free(&p->p);
	return -EPIPE;
}

/* queue_lock held; p is in the queue. */
static void take_out(struct unix_socket *u, struct unix_packet *p, struct list *gone)
{
	list_remove(&p->p.link);
	list_push_back(gone, &p->p.link);
	atomic_store(&u->sk.queue_len, u->sk.queue_len - 1);
}

static void free_all(struct list *gone)
{
	struct list *l;

	while ((l = list_pop_front(gone)))
		unix_packet_free(list_entry(l, struct socket_packet, link));
}

static struct unix_packet *neighbour(struct unix_socket *u, const struct list *l)
{
	return l == &u->sk.queue ? NULL : list_entry(l, struct unix_packet, p.link);
}

ssize_t unix_oob_receive(struct unix_socket *u, struct socket_msg *msg)
{
	bool peek = msg->flags & MSG_PEEK;
	struct list gone = LIST_INIT(gone);
	struct unix_packet *p, *before;
	ssize_t n = -EINVAL;

	mutex_lock(&u->read_lock);
	spin_lock(&u->sk.queue_lock);
	p = is_inline(u) ? NULL : u->oob;
	if (p && !peek) {
		atomic_store(&u->oob, (struct unix_packet *)NULL);
		before = neighbour(u, p->p.link.prev);
		if (before && !bytes_of(before))
			take_out(u, before, &gone);
	}
	spin_unlock(&u->sk.queue_lock);
	if (p) {
		n = msg->data->count ? (ssize_t)uio_copy_out(msg->data, p->data, 1) : 0;
		n = n || !msg->data->count ? n : -EFAULT;
		if (!peek)
			p->offset = p->p.len;
		msg->out_flags |= n > 0 ? MSG_OOB : 0;
	}
	mutex_unlock(&u->read_lock);
	free_all(&gone);
	return n;
}

struct unix_packet *unix_oob_pass(struct unix_socket *u, struct unix_packet *p, bool peek, bool has_some, bool *stop)
{
	struct list gone = LIST_INIT(gone);
	struct list *next;

	spin_lock(&u->sk.queue_lock);
	if (!bytes_of(p)) {		/* a mark */
		next = p->p.link.next;
		if (has_some && (!u->oob || p == u->oob)) {
			*stop = true;
			goto out;
		}
		if (!peek)
			take_out(u, p, &gone);
		p = neighbour(u, next);
	}
	if (!p || p != u->oob)
		goto out;
	if (has_some) {
		*stop = true;
	} else if (!peek) {
		atomic_store(&u->oob, (struct unix_packet *)NULL);
		if (!is_inline(u)) {
			next = p->p.link.next;
			take_out(u, p, &gone);
			p = neighbour(u, next);
		}
	} else if (!is_inline(u)) {
		p = neighbour(u, p->p.link.next);
	}
out:
	spin_unlock(&u->sk.queue_lock);
	free_all(&gone);
	return p;
}

long unix_oob_at_mark(struct unix_socket *u)
{
	struct unix_packet *p, *next;
	long is = 0;

	mutex_lock(&u->read_lock);
	spin_lock(&u->sk.queue_lock);
	p = neighbour(u, u->sk.queue.next);
	if (p) {
		next = neighbour(u, p->p.link.next);
		is = p == u->oob || (!bytes_of(p) && (!u->oob || next == u->oob));
	}
	spin_unlock(&u->sk.queue_lock);
	mutex_unlock(&u->read_lock);
	return is;
}
