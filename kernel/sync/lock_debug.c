/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lock checks of debug builds: every thread remembers the locks it holds (thread.held); taking one
 * whose rank lies below one already held panics, as do an order that closes a cycle (lock_graph.c),
 * sleeping under a spinlock, returning to user mode or ending with a lock. An interrupt borrows the
 * interrupted thread's list, which is right: its locks are taken on top of what that thread holds.
 * No lock of its own: the list is the current thread's, changed with interrupts off.
 */
#include "lock_debug.h"
#include "lock_graph.h"
#include <kernel/log.h>
#include <kernel/sched.h>

#if CONFIG_DEBUG

/* Set when the first complaint is out, so that the panic path's own locks do not complain again. */
static bool is_off;

static struct lock_capture *capture;	/* [a] a test's */

void lock_debug_capture(struct lock_capture *c) { atomic_store(&capture, c); }

static bool is_captured(const char *what)
{
	struct lock_capture *c = atomic_load(&capture);

	if (!c || c->thread != current)
		return false;
	c->what = what;
	c->path_len = 0;
	c->count++;
	return true;
}

static void list_held(const struct thread *t)
{
	for (unsigned i = 0; i < t->nr_held; i++)
		log_write(LOG_EMERG, "  holds %s (rank %u) at %p", lock_class_name(t->held_class[i]), t->held_rank[i], t->held[i]);
}

static __cold void complain(const char *what, const char *name, unsigned rank, unsigned held_rank)
{
	if (is_captured(what))
		return;
	is_off = true;
	list_held(current);
	panic("lock %s (rank %u): %s, highest rank held %u, thread %s", name ? name : "?", rank, what,
	      held_rank, current->name);
}

/* wanted is about to be taken under held, and held was taken under wanted somewhere: both stacks, and those between. */
static __cold void complain_of_order(u16 held, u16 wanted)
{
	u16 path[8];
	unsigned n = lock_graph_path(wanted, held, path, ARRAY_LEN(path));
	vaddr_t pcs[LOCK_EDGE_FRAMES];

	if (is_captured("order")) {
		capture->path_len = n;
		for (unsigned i = 0; i < min(n, (unsigned)ARRAY_LEN(path)); i++)
			capture->path[i] = path[i];
		return;
	}
	is_off = true;
	list_held(current);
	for (unsigned i = 0; i + 1 < min(n, (unsigned)ARRAY_LEN(path)); i++) {
		unsigned frames = lock_graph_stack(path[i], path[i + 1], pcs);

		log_write(LOG_EMERG, "  %s was taken under %s:", lock_class_name(path[i + 1]), lock_class_name(path[i]));
		backtrace_print_pcs(pcs, frames);
	}
	panic("lock order: %s is taken under %s, thread %s, and the other way round elsewhere", lock_class_name(wanted),
	      lock_class_name(held), current->name);
}

static unsigned highest_rank(const struct thread *t)
{
	unsigned top = 0;

	for (unsigned i = 0; i < t->nr_held; i++)
		top = max(top, (unsigned)t->held_rank[i]);
	return top;
}

static void check_order(struct thread *t, u16 wanted)
{
	for (unsigned i = 0; i < t->nr_held; i++)
		if (!lock_graph_add(t->held_class[i], wanted))
			complain_of_order(t->held_class[i], wanted);
}

void lock_debug_check(const void *lock, const char *name, enum lock_rank rank)
{
	struct thread *t = current;
	unsigned top;

	if (is_off)
		return;
	if (lock_debug_holds(lock))
		complain("taken twice by one thread", name, rank, rank);
	if (t->nr_held)
		check_order(t, lock_class_of(name, rank));
	if (rank == LOCK_UNRANKED)
		return;
	top = highest_rank(t);
	if (rank < top)
		complain("taken below a lock already held", name, rank, top);
	if (rank > LOCK_IRQ_FIRST && !arch_irq_disabled())
		complain("an interrupt-level lock taken with interrupts on", name, rank, top);
}

void lock_debug_acquired(const void *lock, const char *name, enum lock_rank rank)
{
	struct thread *t = current;
	u16 class = lock_class_of(name, rank);
	unsigned long flags = arch_irq_save();

	if (t->nr_held < ARRAY_LEN(t->held)) {
		t->held[t->nr_held] = lock;
		t->held_rank[t->nr_held] = (u8)rank;
		t->held_class[t->nr_held] = class;
		t->nr_held++;
	} else if (!is_off) {
		complain("more locks held than the checker can count", "?", rank, highest_rank(t));
	}
	arch_irq_restore(flags);
}

void lock_debug_released(const void *lock)
{
	struct thread *t = current;
	unsigned long flags = arch_irq_save();
	unsigned i = t->nr_held;

	while (i > 0 && t->held[i - 1] != lock)
		i--;
	if (i == 0) {
		if (!is_off)
			complain("released by a thread that does not hold it", "?", 0, highest_rank(t));
	} else {
		t->nr_held--;
		for (i--; i < t->nr_held; i++) {
			t->held[i] = t->held[i + 1];
			t->held_rank[i] = t->held_rank[i + 1];
			t->held_class[i] = t->held_class[i + 1];
		}
	}
	arch_irq_restore(flags);
}

bool lock_debug_holds(const void *lock)
{
	const struct thread *t = current;

	for (unsigned i = 0; i < t->nr_held; i++)
		if (t->held[i] == lock)
			return true;
	return false;
}

void lock_check_user_return(void)
{
	struct thread *t = current;

	if (is_off || (t->nr_held == 0 && t->preempt_count == 0))
		return;
	complain(t->nr_held ? "held at return to user mode" : "preemption off at return to user mode",
		 t->nr_held ? lock_class_name(t->held_class[0]) : "?", t->nr_held ? t->held_rank[0] : 0, t->preempt_count);
}

void lock_check_exit(void)
{
	struct thread *t = current;

	if (!is_off && t->nr_held)
		complain("held at the end of its thread", lock_class_name(t->held_class[0]), t->held_rank[0], highest_rank(t));
}

void might_sleep(void)
{
	struct thread *t = current;

	if (is_off || !sched_is_running())
		return;
	if ((t->preempt_count != 0 || arch_irq_disabled()) && !is_captured("sleep")) {
		is_off = true;
		list_held(t);
		panic("sleeping call where sleep is forbidden: preempt_count %#x, interrupts %s, thread %s, %u locks",
		      t->preempt_count, arch_irq_disabled() ? "off" : "on", t->name, t->nr_held);
	}
}

void percpu_assert(void)
{
	struct thread *t = current;

	/* Before the scheduler runs there is one CPU and nobody to switch to. */
	if (is_off || t->preempt_count != 0 || arch_irq_disabled() || !sched_is_running() ||
	    is_captured("per-CPU data"))
		return;
	is_off = true;
	panic("per-CPU data used with preemption on, thread %s", t->name);
}

#endif
