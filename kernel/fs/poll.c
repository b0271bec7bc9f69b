/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll and select: registers one entry with each wait queue a file names, looks at all files, sleeps, looks
 * again. The entries' wake function marks this wait as triggered, so that no event is lost between looks.
 */
#include "vfs.h"
#include "poll.h"
#include <kernel/signal.h>
#include <kernel/thread.h>

#define INLINE_ENTRIES 8u
#define CHUNK_ENTRIES 60u

struct poll_entry {
	struct waitq_entry wait;
	struct waitq *q;
	struct file *file;		/* reference: the queue lives as long as the file */
};
struct poll_chunk {
	struct poll_chunk *next;
	u32 n;
	struct poll_entry entries[CHUNK_ENTRIES];
};
struct poll_wait {
	struct poll_table table;
	struct thread *thread;
	u32 triggered;			/* [a] */
	int error;
	u32 n;
	struct poll_entry entries[INLINE_ENTRIES];
	struct poll_chunk *chunks;
	struct waitq nowhere;		/* to sleep on; wakers come through the entries */
};
static_assert(sizeof(struct poll_wait) < 768, "lies on the stack");

static bool wake(struct waitq_entry *e, u32 events)
{
	struct poll_wait *w = e->data;

	atomic_store_release(&w->triggered, 1u);	/* pairs with the load in poll_sleep */
	(void)thread_wake(w->thread, BIT(THREAD_SLEEPING));
	return false;
}

static struct poll_entry *entry_new(struct poll_wait *w)
{
	struct poll_chunk *c = w->chunks;

	if (w->n < INLINE_ENTRIES)
		return &w->entries[w->n++];
	if (!c || c->n == CHUNK_ENTRIES) {
		c = kzalloc(sizeof(*c), 0);
		if (!c)
			return NULL;
		c->next = w->chunks;
		w->chunks = c;
	}
	return &c->entries[c->n++];
}

static void queue(struct poll_table *t, struct file *f, struct waitq *q)
{
	struct poll_wait *w = container_of(t, struct poll_wait, table);
	struct poll_entry *e = entry_new(w);

	if (!e) {
		w->error = -ENOMEM;
		return;
	}
	*e = (struct poll_entry){ .q = q, .file = file_get(f) };
	e->wait.wake = wake;
	e->wait.want = t->want;
	e->wait.thread = w->thread;
	e->wait.data = w;
	waitq_add(q, &e->wait);
}

static void wait_init(struct poll_wait *w)
{
	w->table.queue = queue;
	w->table.want = 0;
	w->thread = current;
	w->triggered = 0;
	w->error = 0;
	w->n = 0;
	w->chunks = NULL;
	waitq_init(&w->nowhere);
}

static void entry_drop(struct poll_entry *e)
{
	waitq_remove(e->q, &e->wait);
	file_put(e->file);
}

static void wait_finish(struct poll_wait *w)
{
	struct poll_chunk *c;

	for (u32 i = 0; i < w->n; i++)
		entry_drop(&w->entries[i]);
	while ((c = w->chunks)) {
		for (u32 i = 0; i < c->n; i++)
			entry_drop(&c->entries[i]);
		w->chunks = c->next;
		kfree(c);
	}
}

/*
 * Looks through scan (which registers with the table it is given) until it counts something, the deadline
 * passes or a signal comes. The count, 0, -EINTR or -ENOMEM.
 */
int poll_loop(int (*scan)(struct poll_table *t, void *arg), void *arg, u64 deadline_ns)
{
	struct poll_wait w;
	struct poll_table *t = deadline_ns ? &w.table : NULL;
	int n, r;

	wait_init(&w);
	while (1) {
		n = scan(t, arg);
		t = NULL;	/* registered once */
		if (n || deadline_ns == 0)
			break;
		n = w.error;
		if (n)
			break;
		r = waitq_wait_until(&w.nowhere, atomic_load_acquire(&w.triggered), SLEEP_INTERRUPTIBLE, deadline_ns, false);
		if (r) {
			/* One last look: an event that came together with the end of the wait counts. */
			n = scan(NULL, arg);
			n = n ? n : r == -EINTR ? -EINTR : 0;
			break;
		}
		atomic_store(&w.triggered, 0u);
		atomic_fence_full();	/* the flag is down before the files are looked at again */
	}
	wait_finish(&w);
	return n;
}

static int scan_pollfds(struct poll_table *t, void *arg)
{
	struct poll_call *c = arg;
	int n = 0;

	for (u32 i = 0; i < c->nr; i++) {
		struct pollfd *p = &c->fds[i];
		u32 want = (u16)p->events | POLLERR | POLLHUP;
		struct file *f;
		bool borrowed;

		p->revents = 0;
		if (p->fd < 0)
			continue;
		f = fd_borrow(p->fd, &borrowed);
		if (!f) {
			p->revents = POLLNVAL;
		} else {
			if (t)
				t->want = want;
			p->revents = (s16)(file_poll(f, n ? NULL : t) & want);
			fd_return(f, borrowed);
		}
		if (p->revents)
			n++;
	}
	return n;
}

int poll_files(struct poll_call *c, u64 deadline_ns) { return poll_loop(scan_pollfds, c, deadline_ns); }

#define IN_SET (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define OUT_SET (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define EX_SET POLLPRI

static int scan_select(struct poll_table *t, void *arg)
{
	static const u32 masks[3] = { IN_SET, OUT_SET, EX_SET };
	struct select_call *c = arg;
	int n = 0;

	memset(c->out, 0, 3 * c->words * sizeof(u64));
	for (u32 fd = 0; fd < c->nr; fd++) {
		u32 wanted = 0, want = 0, events;
		struct file *f;
		bool borrowed;

		if (fd % 64 == 0 && !(c->in[fd / 64] | c->in[c->words + fd / 64] | c->in[2 * c->words + fd / 64])) {
			fd += 63;
			continue;
		}

		for (u32 s = 0; s < 3; s++)
			if (bitmap_test(c->in + s * c->words, fd)) {
				wanted |= 1u << s;
				want |= masks[s];
			}
		if (!wanted)
			continue;
		if (t)
			t->want = want | POLLERR | POLLHUP;
		f = fd_borrow((int)fd, &borrowed);
		if (!f)
			return -EBADF;
		events = file_poll(f, n ? NULL : t);
		fd_return(f, borrowed);
		for (u32 s = 0; s < 3; s++)
			if (wanted & 1u << s && events & masks[s]) {
				bitmap_set(c->out + s * c->words, fd);
				n++;
			}
	}
	return n;
}

int select_files(struct select_call *c, u64 deadline_ns) { return poll_loop(scan_select, c, deadline_ns); }
