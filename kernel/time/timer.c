/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: one tree per CPU ordered by the latest moment (deadline plus slack); the hardware is armed
 * for the first one, and only re-armed when something earlier comes. When it fires, everything at
 * the front whose deadline has passed runs, so timers with slack share an interrupt.
 * Lock: timer_base.lock; callbacks run without it, interrupts off, on the CPU that armed them.
 */
#include <arch/clock.h>
#include <kernel/cpu.h>
#include <kernel/sched.h>
#include <kernel/time.h>

struct timer_base {
	struct spinlock lock;
	struct rb_tree tree;		/* lock */
	struct timer *first;		/* lock */
	struct timer *running;		/* [a] whose callback runs on this CPU now */
	u64 slice_ns;			/* own CPU, interrupts off: the scheduler's deadline */
	u64 armed_ns;			/* own CPU, interrupts off: what the hardware waits for */
};
static DEFINE_PERCPU(struct timer_base, timer_bases) = {
	.lock = SPINLOCK_INIT("timer base", LOCK_TIMER), .slice_ns = U64_MAX, .armed_ns = U64_MAX,
};

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn };
}

/* Own CPU, interrupts off. */
static void hardware_arm(struct timer_base *b, u64 ns)
{
	if (ns >= b->armed_ns)
		return;
	b->armed_ns = ns;
	arch_timer_arm(time_ns_to_ticks(ns));
}

static struct timer *timer_of(struct rb_node *n)
{
	return rb_entry(n, struct timer, node);
}

static void tree_insert(struct timer_base *b, struct timer *t)
{
	struct rb_node **link = &b->tree.root, *parent = NULL;
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
	rb_insert_fixup(&b->tree, &t->node, NULL);
	if (is_first)
		b->first = t;
	atomic_store(&t->base, b);
}

static void tree_remove(struct timer_base *b, struct timer *t)
{
	if (b->first == t) {
		struct rb_node *next = rb_next(&t->node);

		b->first = next ? timer_of(next) : NULL;
	}
	rb_remove(&b->tree, &t->node, NULL);
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

void timer_arm(struct timer *t, u64 deadline_ns, u64 slack_ns)
{
	unsigned long flags;
	struct timer_base *b;

	timer_cancel(t);
	flags = arch_irq_save();
	b = percpu(timer_bases);
	spin_lock(&b->lock);
	/* Two callers arming one timer at a time: the second finds it armed and leaves it. */
	if (atomic_load(&t->base) == NULL) {
		t->deadline_ns = deadline_ns;
		t->latest_ns = deadline_ns + slack_ns < deadline_ns ? U64_MAX : deadline_ns + slack_ns;
		tree_insert(b, t);
		if (b->first == t)
			hardware_arm(b, t->latest_ns);
	}
	spin_unlock(&b->lock);
	arch_irq_restore(flags);
}

bool timer_cancel_sync(struct timer *t)
{
	bool was_armed = false;
	struct cpu *cpu;

	/* The callback may have armed it again: until neither armed nor running. */
	while (true) {
		bool is_running = false;

		was_armed |= timer_cancel(t);
		atomic_fence_full();	/* pairs with run_expired: base cleared after running set */
		cpu_for_each(cpu, atomic_load(&cpu_online_mask))
			if (atomic_load_acquire(&percpu_of(timer_bases, cpu)->running) == t)
				is_running = true;
		if (!is_running && atomic_load(&t->base) == NULL)
			return was_armed;
		arch_cpu_relax();
	}
}

static void run_expired(struct timer_base *b)
{
	u64 now = time_ns();

	spin_lock(&b->lock);
	while (b->first && b->first->deadline_ns <= now) {
		struct timer *t = b->first;

		atomic_store(&b->running, t);
		atomic_fence_full();	/* pairs with timer_cancel_sync: running set before base cleared */
		tree_remove(b, t);
		spin_unlock(&b->lock);
		t->fn(t);	/* may free or re-arm t */
		spin_lock(&b->lock);
		atomic_store_release(&b->running, NULL);
		if (b->first && b->first->deadline_ns > now)
			now = time_ns();
	}
	if (b->first)
		hardware_arm(b, b->first->latest_ns);
	spin_unlock(&b->lock);
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
