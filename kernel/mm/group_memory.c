/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory controller: what programs of a group and its children may use together. Anonymous and file pages,
 * pipes' pages, user page tables, kernel stacks and what each process costs at least are charged to the group of the thread that brings them, along
 * the path to the root (proc/group/group.c), and stay charged there. At memory.max the charging thread reclaims
 * the group's file pages, waits for dirty ones, and at last has a program of the group killed; above
 * memory.high threads pay on their way to user mode. The root group is not counted.
 * Files are worded as Linux's (Documentation/admin-guide/cgroup-v2). No lock of its own.
 */
#include <kernel/group.h>
#include <kernel/pagecache.h>
#include <kernel/process.h>
#include <kernel/procfs.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "group_memory.h"
#include "mm_internal.h"

#define RECLAIM_MIN 32ull		/* pages asked for at least: a round costs */
#define WRITE_ROUNDS 50u		/* of 20 ms, in which dirty pages may become clean */
#define KILL_ROUNDS 100u		/* of 20 ms, in which a victim may go, before another is chosen */
#define ROUNDS_MAX 1000u
#define HIGH_PAUSE_MAX_NS (2 * NSEC_PER_SEC)

static const char *const event_names[GM_EVENTS] = { "low", "high", "max", "oom", "oom_kill", "oom_group_kill" };

struct group_memory group_memory_root;

void group_memory_event(struct group *g, enum group_memory_event e)
{
	struct group_memory *m = group_memory(g);

	atomic_fetch_add(&m->events_local[e], 1ull);
	atomic_fetch_add(&m->nr_local, 1ull);
	waitq_wake_all(&m->wait_local);
	for (; g && g != &group_root; g = g->parent) {
		m = group_memory(g);
		atomic_fetch_add(&m->events[e], 1ull);
		atomic_fetch_add(&m->nr_events, 1ull);
		waitq_wake_all(&m->wait);
	}
}

bool group_oom_together(const struct group *g) { return atomic_load(&group_memory(g)->oom_group); }

void group_oom_event(struct group *g, bool is_whole)
{
	group_memory_event(g, is_whole ? GM_OOM_GROUP_KILL : GM_OOM_KILL);
}

/* ---- charging --------------------------------------------------------------------------------- */

static void pause_here(u64 ns)
{
	struct waitq q = WAITQ_INIT(q);

	(void)waitq_wait_until(&q, false, SLEEP_KILLABLE, time_ns() + ns, false);
}

struct room {
	unsigned round, killed_in;	/* killed_in 0: nobody yet */
};

/*
 * `over` is at its limit. One round of making room: false when none can be made. Dirty pages are
 * waited for first; then the worst program goes, and another one when it has not gone in KILL_ROUNDS.
 */
static bool make_room(struct group *over, u64 n, struct room *r)
{
	bool is_program = current->is_user;

	r->round++;
	if (pagecache_reclaim_group(over, max(n, RECLAIM_MIN)))
		return true;
	if (r->round > ROUNDS_MAX || (is_program && signal_fatal_pending(current)))
		return false;
	if (r->round < WRITE_ROUNDS && writeback_wait_relief())
		return true;
	if (!r->killed_in || r->round - r->killed_in >= KILL_ROUNDS) {
		r->killed_in = r->round;
		group_memory_event(over, GM_OOM);
		if (!oom_kill(n, over) || (is_program && signal_fatal_pending(current)))
			return false;
	} else if (r->round % 4 == 2) {
		oom_reap(over);
	}
	/* Whoever was killed may need the CPU first. */
	pause_here(20 * NSEC_PER_MSEC);
	return true;
}

/* Must the charge succeed whatever the limit? Who may not sleep, and programs nobody may kill. */
static bool is_forced(u32 flags)
{
	if (flags & (ALLOC_ATOMIC | ALLOC_NO_FAIL) || !preemptible() || !current->is_user)
		return true;
	return current->process && (current->process == process_init || current->process->oom_score_adj == -1000);
}

int group_memory_charge(struct group *g, u64 n, u32 flags)
{
	struct memory_stall stall;
	struct room room = {};
	struct group *over;
	int r = group_charge_pages(g, n, &over), err = 0;

	if (likely(r == 0))
		return 0;
	if (r < 0 && flags & ALLOC_TRY)
		return -ENOMEM;
	if (r < 0) {
		group_memory_event(over, GM_MAX);
		memory_stall_begin(&stall);
		while (r < 0 && !err) {
			if (!make_room(over, n, &room))
				err = -ENOMEM;
			else
				r = group_charge_pages(g, n, &over);
		}
		memory_stall_end(&stall);
		if (err && is_forced(flags)) {
			group_charge_forced(g, n);
			return 0;
		}
	}
	if (!err && r > 0 && current->is_user) {
		current->memory_over_high = true;
		atomic_fetch_or(&current->exit_work, (u32)WORK_THROTTLE);
	}
	return err;
}

/* The group on the path from g whose usage is furthest above its memory.high. NULL: none. */
static struct group *highest_above(struct group *g)
{
	struct group *found = NULL;
	u64 most = 0;

	for (; g && g != &group_root; g = g->parent) {
		u64 now = atomic_load(&g->pages), high = atomic_load(&g->pages_high);

		if (now > high && now - high > most) {
			most = now - high;
			found = g;
		}
	}
	return found;
}

/* Gives back what is above the mark; what cannot be is paid for with time, the more the further above. */
void group_memory_throttle(void)
{
	struct memory_stall stall;
	struct group *g = group_of_thread(current), *over = highest_above(g);

	current->memory_over_high = false;
	if (over) {
		u64 now = atomic_load(&over->pages), high = atomic_load(&over->pages_high);

		group_memory_event(over, GM_HIGH);
		memory_stall_begin(&stall);
		(void)pagecache_reclaim_group(over, max(now - min(high, now), RECLAIM_MIN));
		now = atomic_load(&over->pages);
		if (now > high) {
			writeback_relieve();
			pause_here(min((now - high) * NSEC_PER_SEC / max(high, 1ull), HIGH_PAUSE_MAX_NS));
		}
		memory_stall_end(&stall);
	}
	group_put(g);
}

/*
 * What the heap holds of a process: struct process, aspace and thread, descriptors, signal actions, areas come to some 7 KiB
 * (ci/suites/memory.py). Counted as two pages of whoever made it, not object by object.
 */
#define PROCESS_PAGES 2u
#define STACK_PAGES (KSTACK_SIZE >> PAGE_SHIFT)

int group_memory_thread_begin(struct thread *t, bool is_process)
{
	struct group *g = t->group;
	unsigned heap = is_process ? PROCESS_PAGES : 0;

	if (likely(g == &group_root))
		return 0;
	if (group_memory_charge(g, STACK_PAGES + heap, 0))
		return -ENOMEM;
	group_memory_count(g, GM_STACKS, STACK_PAGES);
	group_memory_count(g, GM_SLAB, heap);
	t->memory_group = group_get(g);
	t->memory_heap_pages = heap;
	return 0;
}

void group_memory_thread_end(struct thread *t)
{
	struct group *g = t->memory_group;

	if (likely(!g))
		return;
	t->memory_group = NULL;
	group_memory_count(g, GM_STACKS, -(s64)STACK_PAGES);
	group_memory_count(g, GM_SLAB, -(s64)t->memory_heap_pages);
	group_uncharge_pages(g, STACK_PAGES + t->memory_heap_pages);
	group_put(g);
}

/* ---- files ------------------------------------------------------------------------------------ */

static void show_pages(struct text *t, u64 pages)
{
	if (pages == U64_MAX)
		text_printf(t, "max\n");
	else
		text_printf(t, "%llu\n", (unsigned long long)(pages << PAGE_SHIFT));
}

/* "max" or a number of bytes with K, M, G, T after it, rounded down to pages. 0 or -EINVAL. */
static int parse_pages(const char *text, u64 *pages)
{
	static const char units[] = "kmgt";
	const char *end;
	unsigned shift = 0;
	u64 bytes;

	while (*text == ' ' || *text == '\t')
		text++;
	if (!strncmp(text, "max", 3)) {
		*pages = U64_MAX;
		end = text + 3;
	} else {
		if (parse_u64_prefix(text, 0, &bytes, &end))
			return -EINVAL;
		for (unsigned i = 0; units[i]; i++)
			if ((*end | 0x20) == units[i])
				shift = 10 * (i + 1);
		end += shift != 0;
		*pages = shift && bytes >> (64 - shift) ? U64_MAX : bytes << shift >> PAGE_SHIFT;
	}
	while (*end == ' ' || *end == '\t' || *end == '\n')
		end++;
	return *end ? -EINVAL : 0;
}

static int current_show(struct text *t, struct group *g)
{
	show_pages(t, atomic_load(&g->pages));
	return 0;
}

static int peak_show(struct text *t, struct group *g)
{
	show_pages(t, atomic_load(&g->pages_peak));
	return 0;
}

/* An open memory.peak that was written to: what its reader sees counts from then on. */
struct peak_reader {
	struct list link;
	struct group *group;	/* the open file keeps it */
	u64 pages;		/* most before the last write to any of the group's */
};
static struct spinlock peaks_lock = SPINLOCK_INIT("memory.peak", LOCK_MISC);
static struct list peak_readers = LIST_INIT(peak_readers);	/* peaks_lock */

static int peak_reset(void **state, const char *text, void *of)
{
	struct peak_reader *mine = *state, *r;
	struct group *g = of;

	if (!mine) {
		mine = kzalloc(sizeof(*mine), 0);
		if (!mine)
			return -ENOMEM;
		mine->group = g;
	}
	spin_lock(&peaks_lock);
	list_for_each(r, &peak_readers, link)
		if (r->group == g)
			r->pages = max(r->pages, atomic_load(&g->pages_peak_lately));
	if (!*state)
		list_push_back(&peak_readers, &mine->link);
	mine->pages = atomic_load(&g->pages);
	atomic_store(&g->pages_peak_lately, mine->pages);
	spin_unlock(&peaks_lock);
	*state = mine;
	return 0;
}

static int peak_show_since(struct text *t, void *state)
{
	struct peak_reader *r = state;
	u64 pages;

	spin_lock(&peaks_lock);
	pages = max(r->pages, atomic_load(&r->group->pages_peak_lately));
	spin_unlock(&peaks_lock);
	show_pages(t, pages);
	return 0;
}

static void peak_release(void *state)
{
	struct peak_reader *r = state;

	spin_lock(&peaks_lock);
	list_remove(&r->link);
	spin_unlock(&peaks_lock);
	kfree(r);
}

static const struct text_watch peak_watch = { .store = peak_reset, .show = peak_show_since, .release = peak_release };

static int max_show(struct text *t, struct group *g)
{
	show_pages(t, atomic_load(&g->pages_max));
	return 0;
}

static int max_store(struct group *g, const char *text, size_t len)
{
	struct room room = {};
	u64 pages;
	int err = parse_pages(text, &pages);

	if (err)
		return err;
	atomic_store(&g->pages_max, pages);
	while (atomic_load(&g->pages) > pages && !signal_pending(current))
		if (!make_room(g, 1, &room))
			break;
	return 0;
}

static int high_show(struct text *t, struct group *g)
{
	show_pages(t, atomic_load(&g->pages_high));
	return 0;
}

static int high_store(struct group *g, const char *text, size_t len)
{
	u64 pages, now;
	int err = parse_pages(text, &pages);

	if (err)
		return err;
	atomic_store(&g->pages_high, pages);
	while ((now = atomic_load(&g->pages)) > pages && !signal_pending(current))
		if (!pagecache_reclaim_group(g, now - pages))
			break;
	return 0;
}

#define MARK_FILE(name)								\
static int name##_show(struct text *t, struct group *g)				\
{										\
	show_pages(t, atomic_load(&group_memory(g)->name));			\
	return 0;								\
}										\
static int name##_store(struct group *g, const char *text, size_t len)		\
{										\
	u64 pages;								\
	int err = parse_pages(text, &pages);					\
										\
	if (!err)								\
		atomic_store(&group_memory(g)->name, pages);			\
	return err;								\
}
MARK_FILE(min)
MARK_FILE(low)

static int oom_group_show(struct text *t, struct group *g)
{
	text_printf(t, "%d\n", atomic_load(&group_memory(g)->oom_group));
	return 0;
}

static int oom_group_store(struct group *g, const char *text, size_t len)
{
	u64 value;

	if (group_parse_u64(text, &value) || value > 1)
		return -EINVAL;
	atomic_store(&group_memory(g)->oom_group, value == 1);
	return 0;
}

static int reclaim_store(struct group *g, const char *text, size_t len)
{
	u64 want, done = 0, n;

	if (parse_pages(text, &want) || want == U64_MAX)
		return -EINVAL;
	for (unsigned round = 0; done < want && round < 16; round++) {
		if (signal_pending(current))
			return -EINTR;
		n = pagecache_reclaim_group(g, want - done);
		done += n;
		if (!n && !writeback_wait_relief())
			break;
	}
	return done < want ? -EAGAIN : 0;
}

static void show_events(struct text *t, const u64 *events)
{
	for (unsigned i = 0; i < GM_EVENTS; i++)
		text_printf(t, "%s %llu\n", event_names[i], (unsigned long long)atomic_load(&events[i]));
}

static int events_show(struct text *t, struct group *g)
{
	show_events(t, group_memory(g)->events);
	return 0;
}

static int events_local_show(struct text *t, struct group *g)
{
	show_events(t, group_memory(g)->events_local);
	return 0;
}

static u64 *events_poll(struct group *g, struct waitq **q)
{
	*q = &group_memory(g)->wait;
	return &group_memory(g)->nr_events;
}

static u64 *events_local_poll(struct group *g, struct waitq **q)
{
	*q = &group_memory(g)->wait_local;
	return &group_memory(g)->nr_local;
}

static void stat_line(struct text *t, const char *name, s64 value)
{
	text_printf(t, "%s %llu\n", name, (unsigned long long)max(value, 0ll));
}

/* Sums over the living subtree. What removed groups left behind is file pages, as nobody runs in them. */
static int stat_show(struct text *t, struct group *g)
{
	s64 sum[GM_COUNTS] = {}, active = 0, inactive = 0, anon, kernel, file;

	mutex_lock(&group_tree_lock);
	for (struct group *i = g; i; i = group_next_below(g, i)) {
		struct group_memory *m = group_memory(i);

		for (unsigned c = 0; c < GM_COUNTS; c++)
			sum[c] += atomic_load(&m->counts[c]);
		active += (s64)READ_ONCE(m->lru.nr_active);
		inactive += (s64)READ_ONCE(m->lru.nr_inactive);
	}
	mutex_unlock(&group_tree_lock);
	anon = sum[GM_ANON] << PAGE_SHIFT;
	kernel = (sum[GM_TABLES] + sum[GM_STACKS] + sum[GM_SLAB]) << PAGE_SHIFT;
	file = ((s64)atomic_load(&g->pages) << PAGE_SHIFT) - anon - kernel;
	stat_line(t, "anon", anon);
	stat_line(t, "file", file);
	stat_line(t, "kernel", kernel);
	stat_line(t, "kernel_stack", sum[GM_STACKS] << PAGE_SHIFT);
	stat_line(t, "pagetables", sum[GM_TABLES] << PAGE_SHIFT);
	stat_line(t, "shmem", sum[GM_SHMEM] << PAGE_SHIFT);
	stat_line(t, "inactive_anon", 0);
	stat_line(t, "active_anon", anon);
	stat_line(t, "inactive_file", inactive << PAGE_SHIFT);
	stat_line(t, "active_file", active << PAGE_SHIFT);
	stat_line(t, "slab_unreclaimable", sum[GM_SLAB] << PAGE_SHIFT);
	stat_line(t, "slab", sum[GM_SLAB] << PAGE_SHIFT);
	stat_line(t, "pgfault", sum[GM_FAULTS]);
	stat_line(t, "pgmajfault", sum[GM_MAJOR_FAULTS]);
	return 0;
}

static const struct group_file files[] = {
	{ "memory.current", GROUP_FILE_NOT_ROOT, current_show, NULL, NULL },
	{ "memory.peak", GROUP_FILE_NOT_ROOT, peak_show, NULL, NULL, &peak_watch },
	{ "memory.min", GROUP_FILE_NOT_ROOT, min_show, min_store, NULL },
	{ "memory.low", GROUP_FILE_NOT_ROOT, low_show, low_store, NULL },
	{ "memory.high", GROUP_FILE_NOT_ROOT, high_show, high_store, NULL },
	{ "memory.max", GROUP_FILE_NOT_ROOT, max_show, max_store, NULL },
	{ "memory.events", GROUP_FILE_NOT_ROOT, events_show, NULL, events_poll },
	{ "memory.events.local", GROUP_FILE_NOT_ROOT, events_local_show, NULL, events_local_poll },
	{ "memory.stat", GROUP_FILE_NOT_ROOT, stat_show, NULL, NULL },
	{ "memory.oom.group", GROUP_FILE_NOT_ROOT, oom_group_show, oom_group_store, NULL },
	{ "memory.reclaim", GROUP_FILE_NOT_ROOT | GROUP_FILE_PRIVATE, NULL, reclaim_store, NULL },
	{ "memory.pressure", 0, pressure_group_memory_show, NULL, NULL, &pressure_group_memory_watch },
	{ "io.pressure", 0, pressure_group_io_show, NULL, NULL, &pressure_group_io_watch },
	{},
};

static int create(struct group *g)
{
	struct group_memory *m = g->parent ? kzalloc(sizeof(*m), 0) : &group_memory_root;

	if (!m)
		return -ENOMEM;
	g->controller[group_controller_memory.index] = m;
	waitq_init(&m->wait);
	waitq_init(&m->wait_local);
	pressure_init(&m->pressure, g);
	pressure_init(&m->io_pressure, g);
	if (g->parent)
		page_lru_init(&m->lru, g);
	return 0;
}

static void destroy(struct group *g)
{
	struct group_memory *m = group_memory(g);

	page_lru_destroy(&m->lru);
	pressure_destroy(&m->pressure);
	pressure_destroy(&m->io_pressure);
	kfree(m);
}

static void reset(struct group *g)
{
	atomic_store(&g->pages_max, U64_MAX);
	atomic_store(&g->pages_high, U64_MAX);
	atomic_store(&group_memory(g)->min, 0ull);
	atomic_store(&group_memory(g)->low, 0ull);
	atomic_store(&group_memory(g)->oom_group, false);
}

struct group_controller group_controller_memory = {
	.name = "memory", .files = files, .create = create, .reset = reset, .destroy = destroy, .is_domain = true,
};

void group_memory_init(void) { group_controller_register(&group_controller_memory); }
