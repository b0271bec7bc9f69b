/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll and select: registers one entry with each wait queue a file names, looks at all files, sleeps, looks
 * again. The entries' wake function marks this wait as triggered, so that no event is lost between looks.
 */
#include "vfs.h"
#include "poll.h"
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/thread.h>

#define INLINE_ENTRIES 8u
#define CHUNK_ENTRIES 60u

struct poll_entry {
	struct waitq_entry wait;
	struct waitq *q;
	struct file *file;		/* reference: the queue lives as long as the file; NULL: the descriptor table keeps it */
};
struct poll_chunk {
	struct poll_chunk *next;
	u32 n;
	struct poll_entry entries[CHUNK_ENTRIES];
};
struct poll_wait {
	struct poll_table table;
	struct thread *thread;
	bool is_ours;			/* fd_table_is_ours */
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
		c = kmalloc(sizeof(*c), 0);
		if (!c)
			return NULL;
		c->n = 0;
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
	*e = (struct poll_entry){ .q = q, .file = w->is_ours ? NULL : file_get(f) };
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
	w->is_ours = fd_table_is_ours();
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

#define ALWAYS_READY (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

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

/* The file of fd for one look: without a reference when the table is ours. */
static inline struct file *look_get(const struct fd_table *ours, int fd)
{
	struct file *f;

	if (unlikely(!ours))
		return fd_get(fd);
	f = (u32)fd < ours->capacity ? ours->files[fd] : NULL;
	return f && !(f->mode & FMODE_PATH) ? f : NULL;
}

static inline u32 look(const struct fd_table *ours, struct file *f, struct poll_table *t)
{
	u32 events = f->ops->poll ? f->ops->poll(f, t) : ALWAYS_READY;

	if (unlikely(!ours))
		file_put(f);
	return events;
}

static const struct fd_table *our_table(void) { return fd_table_is_ours() ? current_process()->files : NULL; }

static int __hot scan_pollfds(struct poll_table *t, void *arg)
{
	const struct fd_table *ours = our_table();
	struct poll_call *c = arg;
	const struct pollfd *p = c->fds;
	s16 *result = c->revents;
	u32 differs = 0;
	int n = 0;

	for (u32 left = c->nr; left; left--, p++, result++) {
		u32 want = (u16)p->events | POLLERR | POLLHUP, got = 0;
		struct file *f;

		if (likely(p->fd >= 0)) {
			f = look_get(ours, p->fd);
			if (t)
				t->want = want;
			got = f ? look(ours, f, n ? NULL : t) & want : POLLNVAL;
			n += got != 0;
		}
		*result = (s16)got;
		differs |= got ^ (u16)p->revents;
	}
	c->differs = differs;
	return n;
}

int poll_files(struct poll_call *c, u64 deadline_ns) { return poll_loop(scan_pollfds, c, deadline_ns); }

#define IN_SET (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define OUT_SET (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define EX_SET POLLPRI

/* Bits of one word of the three sets. How many results, -EBADF. */
static int __hot scan_word(struct poll_table *t, const struct fd_table *ours, struct select_call *c, u32 word, bool has_some)
{
	const u64 *in = c->in + word;
	u64 *out = c->out + word, set[3] = { in[0], in[c->words], in[2 * c->words] }, got[3] = { 0 };
	int n = 0;

	for (u64 left = set[0] | set[1] | set[2]; left; left &= left - 1) {
		u64 bit = left & -left;
		int fd = (int)(word * 64 + ctz64(left));
		struct file *f = look_get(ours, fd);
		u32 events;

		if (!f)
			return -EBADF;
		if (t)
			t->want = (set[0] & bit ? IN_SET : 0) | (set[1] & bit ? OUT_SET : 0) | (set[2] & bit ? EX_SET : 0) | POLLERR | POLLHUP;
		events = look(ours, f, has_some || n ? NULL : t);
		if (!events)
			continue;
		if (set[0] & bit && events & IN_SET) {
			got[0] |= bit;
			n++;
		}
		if (set[1] & bit && events & OUT_SET) {
			got[1] |= bit;
			n++;
		}
		if (set[2] & bit && events & EX_SET) {
			got[2] |= bit;
			n++;
		}
	}
	for (u32 s = 0; s < 3; s++)
		out[s * c->words] = got[s];
	return n;
}

static int scan_select(struct poll_table *t, void *arg)
{
	const struct fd_table *ours = our_table();
	struct select_call *c = arg;
	int n = 0, r;

	for (u32 word = 0; word < c->words; word++) {
		r = scan_word(t, ours, c, word, n);
		if (r < 0)
			return r;
		n += r;
	}
	return n;
}

int select_files(struct select_call *c, u64 deadline_ns) { return poll_loop(scan_select, c, deadline_ns); }
