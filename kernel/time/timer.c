/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: two trees per CPU, for deadlines of the monotonic and of the wall clock, ordered by the latest
 * moment (deadline plus slack); the hardware is armed for the first one, and only re-armed when
 * something earlier comes. When it fires, everything at the front whose deadline has passed runs, so timers
 * with slack share an interrupt; what is not due yet (the clock's rate or the wall clock changed) is armed again.
 * Lock: timer_base.lock; callbacks run without it, interrupts off, on the CPU that armed them.
 */
#include "clock_local.h"
#include <arch/clock.h>
#include <kernel/cpu.h>
#include <kernel/irq.h>
#include <kernel/sched.h>

struct timer_tree {
	struct rb_tree tree;		/* base lock */
	struct timer *first;		/* base lock */
};
enum { TREE_MONOTONIC, TREE_WALL, TREE_COUNT };
struct timer_base {
	struct spinlock lock;
	struct timer_tree trees[TREE_COUNT];	/* lock */
	struct timer *running;		/* [a] whose callback runs on this CPU now */
	u64 slice_ns;			/* own CPU, interrupts off: the scheduler's deadline */
	u64 armed_ns;			/* own CPU, interrupts off: what the hardware waits for */
	bool is_off;			/* own CPU: it is going offline, the hardware stays quiet */
};
static DEFINE_PERCPU(struct timer_base, timer_bases) = {
	.lock = SPINLOCK_INIT("timer base", LOCK_TIMER), .slice_ns = U64_MAX, .armed_ns = U64_MAX,
};
static u64 arm_limit_ns = U64_MAX;	/* [a] the longest wait while the rate is being steered */

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn };
}

/* Own CPU, interrupts off. */
static void hardware_arm(struct timer_base *b, u64 ns)
{
	u64 limit = atomic_load(&arm_limit_ns);

	if (ns >= b->armed_ns || unlikely(b->is_off))
		return;
	if (unlikely(limit != U64_MAX))
		ns = min(ns, time_ns() + limit);
	b->armed_ns = ns;
	arch_timer_arm(time_ns_to_ticks(ns));
}

/* A moment of the wall clock as the monotonic clock will show it, if nobody sets it. */
static u64 wall_to_monotonic(u64 ns)
{
	s64 offset = time_wall_offset_ns();

	if (offset >= 0)
		return ns > (u64)offset ? ns - (u64)offset : 0;
	return ns + (u64)-offset < ns ? U64_MAX : ns + (u64)-offset;
}

/* Own CPU, interrupts off: for the first of both trees. */
static void arm_first(struct timer_base *b)
{
	const struct timer *t = b->trees[TREE_MONOTONIC].first;

	if (t)
		hardware_arm(b, t->latest_ns);
	t = b->trees[TREE_WALL].first;
	if (unlikely(t) && t->latest_ns != U64_MAX)
		hardware_arm(b, wall_to_monotonic(t->latest_ns));
}

static struct timer *timer_of(struct rb_node *n)
{
	return rb_entry(n, struct timer, node);
}

static struct timer_tree *tree_of(struct timer_base *b, const struct timer *t)
{
	return &b->trees[t->is_wall ? TREE_WALL : TREE_MONOTONIC];
}

static void tree_insert(struct timer_base *b, struct timer *t)
{
	struct timer_tree *tree = tree_of(b, t);
	struct rb_node **link = &tree->tree.root, *parent = NULL;
	bool is_first = true;

	while (*link) {
		parent = *link;
		if (t->latest_ns < timer_of(parent)->latest_ns) {
			link = &parent->left;
		} else {
			link = &parent->right;
			is_first = false;
		}
	}
	rb_link(&t->node, parent, link);
	rb_insert_fixup(&tree->tree, &t->node, NULL);
	if (is_first)
		tree->first = t;
	atomic_store(&t->arms, t->arms + 1);
	atomic_store(&t->base, b);
}

/* Out of the tree; t->base still says b. */
static void tree_take(struct timer_base *b, struct timer *t)
{
	struct timer_tree *tree = tree_of(b, t);

	if (tree->first == t) {
		struct rb_node *next = rb_next(&t->node);

		tree->first = next ? timer_of(next) : NULL;
	}
	rb_remove(&tree->tree, &t->node, NULL);
}

static void tree_remove(struct timer_base *b, struct timer *t)
{
	tree_take(b, t);
	atomic_store(&t->base, NULL);
}

bool timer_cancel(struct timer *t)
{
	struct timer_base *b;
	unsigned long flags;

	while ((b = atomic_load(&t->base)) != NULL) {
		flags = spin_lock_irqsave(&b->lock);
		if (atomic_load(&t->base) == b) {
			tree_remove(b, t);
			spin_unlock_irqrestore(&b->lock, flags);
			return true;
		}
		spin_unlock_irqrestore(&b->lock, flags);
	}
	return false;
}

static void arm(struct timer *t, bool is_wall, u64 deadline_ns, u64 slack_ns)
{
	unsigned long flags;
	struct timer_base *b;

	timer_cancel(t);
	flags = arch_irq_save();
	b = percpu(timer_bases);
	spin_lock(&b->lock);
	/* Two callers arming one timer at a time: the second finds it armed and leaves it. */
	if (atomic_load(&t->base) == NULL) {
		t->is_wall = is_wall;
		t->deadline_ns = deadline_ns;
		t->latest_ns = deadline_ns + slack_ns < deadline_ns ? U64_MAX : deadline_ns + slack_ns;
		tree_insert(b, t);
		if (tree_of(b, t)->first == t)
			arm_first(b);
	}
	spin_unlock(&b->lock);
	arch_irq_restore(flags);
}

void timer_arm(struct timer *t, u64 deadline_ns, u64 slack_ns) { arm(t, false, deadline_ns, slack_ns); }
void timer_arm_wall(struct timer *t, u64 deadline_ns, u64 slack_ns) { arm(t, true, deadline_ns, slack_ns); }

bool timer_cancel_sync(struct timer *t)
{
	bool was_armed = false;
	struct cpu *cpu;

	/*
	 * The callback may have armed it again: until neither armed nor running. The two are not one look: a callback that
	 * was over when its CPU was looked at may have armed the timer just before, and it may run again by now.
	 */
	while (true) {
		bool is_running = false;
		u32 arms = atomic_load_acquire(&t->arms);

		was_armed |= timer_cancel(t);
		atomic_fence_full();	/* pairs with run_expired: base cleared after running set */
		cpu_for_each(cpu, atomic_load(&cpu_online_mask))
			if (atomic_load_acquire(&percpu_of(timer_bases, cpu)->running) == t)
				is_running = true;
		if (!is_running && atomic_load(&t->base) == NULL && atomic_load(&t->arms) == arms)
			return was_armed;
		arch_cpu_relax();
	}
}

/* The tree's clock; a wall clock before 1970 fires nothing. */
static u64 tree_now(unsigned which)
{
	return which == TREE_MONOTONIC ? time_ns() : (u64)max(time_wall_ns(), (s64)0);
}

/* Lock held, dropped around each callback. */
static void run_tree(struct timer_base *b, unsigned which)
{
	struct timer_tree *tree = &b->trees[which];
	u64 now;

	if (!tree->first)
		return;
	now = tree_now(which);
	while (tree->first && tree->first->deadline_ns <= now) {
		struct timer *t = tree->first;

		atomic_store(&b->running, t);
		atomic_fence_full();	/* pairs with timer_cancel_sync: running set before base cleared */
		tree_remove(b, t);
		spin_unlock(&b->lock);
		t->fn(t);	/* may free or re-arm t */
		spin_lock(&b->lock);
		atomic_store_release(&b->running, NULL);
		if (tree->first && tree->first->deadline_ns > now)
			now = tree_now(which);
	}
}

static void run_expired(struct timer_base *b)
{
	spin_lock(&b->lock);
	run_tree(b, TREE_MONOTONIC);
	run_tree(b, TREE_WALL);
	arm_first(b);
	spin_unlock(&b->lock);
}

/* Own CPU, interrupts off: what was armed may be too late now. */
static void reprogram_here(void *unused)
{
	struct timer_base *b = percpu(timer_bases);

	spin_lock(&b->lock);
	b->armed_ns = U64_MAX;
	arm_first(b);
	spin_unlock(&b->lock);
	hardware_arm(b, b->slice_ns);
}

void timer_reprogram_all(u64 max_ns)
{
	atomic_store(&arm_limit_ns, max_ns);
	ipi_call(atomic_load(&cpu_online_mask), reprogram_here, NULL);
}

/* A timer queued after its CPU was looked at, under the same lock, sees the clock as it is now. */
void timer_wall_was_set(u64 max_ns)
{
	cpumask_t late = 0;
	struct cpu *cpu;

	if (atomic_load(&arm_limit_ns) != max_ns) {
		timer_reprogram_all(max_ns);
		return;
	}
	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		struct timer_base *b = percpu_of(timer_bases, cpu);
		unsigned long flags = spin_lock_irqsave(&b->lock);

		if (b->trees[TREE_WALL].first)
			late |= cpu_mask(cpu->id);
		spin_unlock_irqrestore(&b->lock, flags);
	}
	if (late)
		ipi_call(late, reprogram_here, NULL);
}

void timer_fire(void)
{
	struct timer_base *b = percpu(timer_bases);
	u64 slice = b->slice_ns;

	b->armed_ns = U64_MAX;
	run_expired(b);
	if (slice != U64_MAX && time_ns() >= slice && b->slice_ns == slice) {
		b->slice_ns = U64_MAX;
		sched_slice_expired();
	}
	hardware_arm(b, b->slice_ns);
	if (b->armed_ns == U64_MAX)
		arch_timer_arm(U64_MAX);
}

void timer_slice_set(u64 deadline_ns)
{
	struct timer_base *b = percpu(timer_bases);

	b->slice_ns = deadline_ns;
	/* A later or no deadline leaves the hardware as it is: an early interrupt only looks again. */
	hardware_arm(b, deadline_ns);
}

void timer_cpu_leave(void)
{
	struct timer_base *b = percpu(timer_bases);

	b->is_off = true;
	b->slice_ns = U64_MAX;
	b->armed_ns = U64_MAX;
	arch_timer_arm(U64_MAX);
}

void timer_cpu_return(struct cpu *cpu)
{
	struct timer_base *b = percpu_of(timer_bases, cpu);

	b->is_off = false;
	b->slice_ns = b->armed_ns = U64_MAX;
}

void timer_adopt(struct cpu *from)
{
	struct timer_base *mine, *theirs = percpu_of(timer_bases, from);
	unsigned long flags = arch_irq_save();
	struct timer *t;

	mine = percpu(timer_bases);
	spin_lock(&mine->lock);
	/* Two of one rank: of a CPU that is off, nobody holds the lock and waits for another's. */
	spin_lock_raw(&theirs->lock);
	for (unsigned i = 0; i < TREE_COUNT; i++)
		while ((t = theirs->trees[i].first)) {
			tree_take(theirs, t);	/* base goes from one to the other: who cancels waits for one of the locks */
			tree_insert(mine, t);
		}
	spin_unlock_raw(&theirs->lock);
	arm_first(mine);
	spin_unlock(&mine->lock);
	arch_irq_restore(flags);
}
