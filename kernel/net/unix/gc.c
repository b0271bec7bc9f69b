/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors in flight. A socket can be sent over itself, or two over each other, and closed: then only messages that
 * nobody can receive refer to them. The collector finds such cycles: a socket all of whose file's
 * references are in messages is a candidate; what messages on candidates' own queues hold is subtracted; a candidate
 * with messages left over is reachable from outside, and so is all that can be received through it.
 * What remains is garbage: its messages that carry descriptors are taken out and dropped.
 *
 * A message under way (not yet queued, or just taken out) counts as in flight and lies on no queue, so what it
 * holds always looks reachable. Lock: unix_gc_lock, then queue locks (a listener's before those it has not accepted).
 */
#include "unix.h"
#include <uapi/capability.h>

struct spinlock unix_gc_lock = SPINLOCK_INIT("unix-gc", LOCK_SOCKET_TABLE);
static struct list inflight = LIST_INIT(inflight);	/* unix_gc_lock; unix_socket.gc_link */
static u32 total;			/* unix_gc_lock, read without: descriptors of sockets in flight */
static bool is_running;			/* unix_gc_lock */

/* How many descriptors each user has in flight. */
struct user_count {
	struct list link;
	uid_t uid;
	u32 n;
};
static struct list users = LIST_INIT(users);	/* unix_gc_lock */

static struct user_count *user_find(uid_t uid)
{
	struct user_count *c;

	list_for_each(c, &users, link)
		if (c->uid == uid)
			return c;
	return NULL;
}

int unix_inflight(struct unix_rights *r)
{
	struct user_count *fresh = kzalloc(sizeof(*fresh), 0), *c;
	u64 limit = rlimit(RLIMIT_NOFILE);
	bool is_free = capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);

	if (!fresh)
		return -ENOMEM;
	r->uid = cred_current()->uid;
	spin_lock(&unix_gc_lock);
	c = user_find(r->uid);
	if (!c) {
		c = fresh;
		fresh = NULL;
		c->uid = r->uid;
		list_push_back(&users, &c->link);
	} else if (c->n > limit && !is_free) {
		spin_unlock(&unix_gc_lock);
		kfree(fresh);
		return -ETOOMANYREFS;
	}
	c->n += r->n;
	for (u32 i = 0; i < r->n; i++) {
		struct unix_socket *u = unix_of_file(r->files[i]);

		if (!u)
			continue;
		if (!u->inflight++)
			list_push_back(&inflight, &u->gc_link);
		atomic_store(&total, total + 1);
	}
	spin_unlock(&unix_gc_lock);
	kfree(fresh);
	return 0;
}

void unix_notinflight(struct unix_rights *r)
{
	struct user_count *c;

	spin_lock(&unix_gc_lock);
	for (u32 i = 0; i < r->n; i++) {
		struct unix_socket *u = unix_of_file(r->files[i]);

		if (!u)
			continue;
		assert(u->inflight);
		if (!--u->inflight)
			list_remove(&u->gc_link);
		atomic_store(&total, total - 1);
	}
	c = user_find(r->uid);
	c->n -= r->n;
	if (c->n)
		c = NULL;
	else
		list_remove(&c->link);
	spin_unlock(&unix_gc_lock);
	kfree(c);
}

typedef void (*child_fn)(struct unix_socket *child, struct list *candidates);

/* fn for each candidate that a message on u's queue holds. u's queue lock held. */
static void scan_queue(struct unix_socket *u, child_fn fn, struct list *candidates, struct list *hits)
{
	struct socket_packet *sp, *tmp;

	list_for_each_safe(sp, tmp, &u->sk.queue, link) {
		struct unix_packet *p = container_of(sp, struct unix_packet, p);
		bool is_hit = false;

		for (u32 i = 0; p->rights && i < p->rights->n; i++) {
			struct unix_socket *child = unix_of_file(p->rights->files[i]);

			if (!child || !child->is_candidate)
				continue;
			is_hit = true;
			fn(child, candidates);
		}
		if (is_hit && hits) {
			if (u->oob == p)
				atomic_store(&u->oob, (struct unix_packet *)NULL);
			list_remove(&sp->link);
			atomic_store(&u->sk.queue_len, u->sk.queue_len - 1);
			list_push_back(hits, &sp->link);
		}
	}
}

/* What can be received through u: its queue, and those of connections it has not accepted. */
static void scan_children(struct unix_socket *u, child_fn fn, struct list *candidates, struct list *hits)
{
	struct socket *e;

	spin_lock(&u->sk.queue_lock);
	scan_queue(u, fn, candidates, hits);
	list_for_each(e, &u->sk.accept_queue, accept_link) {
		spin_lock(&e->queue_lock);
		scan_queue(unix_sk(e), fn, candidates, hits);
		spin_unlock(&e->queue_lock);
	}
	spin_unlock(&u->sk.queue_lock);
}

static void child_subtract(struct unix_socket *c, struct list *candidates) { c->inflight--; }
static void child_add(struct unix_socket *c, struct list *candidates) { c->inflight++; }

/* Reachable after all: counted again, and to be looked at (again) behind the others. */
static void child_restore(struct unix_socket *c, struct list *candidates)
{
	c->inflight++;
	if (c->maybe_cycle) {
		list_remove(&c->gc_link);
		list_push_back(candidates, &c->gc_link);
	}
}

/* Leaves in candidates what cannot be reached, moves the others to reachable. */
static void sort_out(struct list *candidates, struct list *reachable)
{
	struct list cursor, *at;

	list_push_front(candidates, &cursor);
	while ((at = cursor.next) != candidates) {
		struct unix_socket *u = list_entry(at, struct unix_socket, gc_link);

		list_remove(&cursor);
		list_insert_between(&cursor, at, at->next);	/* behind u */
		if (!u->inflight)
			continue;
		list_remove(&u->gc_link);
		list_push_back(reachable, &u->gc_link);
		u->maybe_cycle = false;
		scan_children(u, child_restore, candidates, NULL);
	}
	list_remove(&cursor);
}

static void collect(struct list *hits)
{
	struct list candidates = LIST_INIT(candidates), reachable = LIST_INIT(reachable);
	struct unix_socket *u, *tmp;

	list_for_each_safe(u, tmp, &inflight, gc_link) {
		struct file *f = atomic_load(&u->sk.file);

		if (!f || ref_read(&f->refs) != u->inflight)
			continue;
		u->is_candidate = u->maybe_cycle = true;
		list_remove(&u->gc_link);
		list_push_back(&candidates, &u->gc_link);
	}
	list_for_each(u, &candidates, gc_link)
		scan_children(u, child_subtract, &candidates, NULL);
	sort_out(&candidates, &reachable);
	list_for_each(u, &reachable, gc_link)
		u->is_candidate = false;
	list_for_each(u, &candidates, gc_link)
		scan_children(u, child_add, &candidates, hits);
	list_for_each(u, &candidates, gc_link)
		u->is_candidate = false;
	list_splice_back(&inflight, &reachable);
	list_splice_back(&inflight, &candidates);
}

void unix_gc(void)
{
	struct list hits = LIST_INIT(hits), *l;

	if (!atomic_load(&total))
		return;
	spin_lock(&unix_gc_lock);
	if (is_running) {
		spin_unlock(&unix_gc_lock);
		return;
	}
	is_running = true;
	collect(&hits);
	spin_unlock(&unix_gc_lock);
	while ((l = list_pop_front(&hits)))
		unix_packet_free(list_entry(l, struct socket_packet, link));
	spin_lock(&unix_gc_lock);
	is_running = false;
	spin_unlock(&unix_gc_lock);
}
