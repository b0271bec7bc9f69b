/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Epoch reclamation. A grace period has a number; a CPU that passes a quiescent point notes the
 * newest number, and a period ends when every online CPU has noted it. Readers only keep
 * preemption off. One kernel thread runs the periods and then the callbacks.
 *
 * CPUs that do not pass a point by themselves in time (idle, busy in user mode, long kernel loops)
 * get an IPI: if it interrupted code with preemption on, that was a quiescent point. So nothing
 * ticks while nothing is deferred, and what is deferred waits up to two milliseconds for company. Neighbours: sched (switch, idle), user return, mm (page tables).
 */
#include <kernel/cpu.h>
#include <kernel/epoch.h>
#include <kernel/irq.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <kernel/time.h>

#define WAIT_STEP_NS 2000000ull		/* patience before an IPI */
#define COLLECT_NS 1000000ull		/* a period serves what was deferred for so long */
#define COLLECT_MAX 64u		/* or so many of a CPU */

static u64 period;			/* [a] number of the running or last grace period */
struct epoch_cpu {
	u64 seen;			/* [a] newest period this CPU noted */
	struct epoch_head *deferred, **tail;	/* lock */
	u32 nr_deferred;			/* lock */
	struct spinlock lock;		/* LOCK_EPOCH, irq */
};
static DEFINE_PERCPU(struct epoch_cpu, epoch_cpu);
static struct waitq epoch_q = WAITQ_INIT(epoch_q);
static void collect_fire(struct timer *t);
static struct spinlock collect_lock = SPINLOCK_INIT("epoch timer", LOCK_EPOCH);
static struct timer collect_timer = { .fn = collect_fire };	/* collect_lock */
static u32 has_work;			/* [a] something is deferred and the timer is armed, or the thread awake */
static u32 must_run = 1;		/* [a] the thread is to begin a period now */
static bool is_timed;			/* [a] the thread runs: timers work */
static struct thread *epoch_thread;

void __hot epoch_note(void)
{
	struct epoch_cpu *e = percpu(epoch_cpu);
	u64 now = atomic_load(&period);

	if (atomic_load(&e->seen) != now) {
		/* Full: reads of sections that ended here stay before. Pairs with the fence in run_period. */
		atomic_fence_full();
		atomic_store_release(&e->seen, now);
	}
}

void epoch_quiescent(void)
{
	unsigned long irq = arch_irq_save();

	epoch_note();
	arch_irq_restore(irq);
}

/* Interrupt context on a CPU that is late. */
static void late_cpu(void *unused)
{
	if ((current->preempt_count & ((1u << PREEMPT_IRQ_SHIFT) - 1)) == 0)
		epoch_note();
	else	/* maybe a section: its end, when preemption comes back on, goes through the scheduler */
		(void)atomic_fetch_or(&current->exit_work, (u32)WORK_RESCHED);
}

static void run_now(void)
{
	if (!atomic_xchg(&must_run, 1u))
		waitq_wake_all(&epoch_q);
}

static void collect_fire(struct timer *t) { run_now(); }

static void run_soon(void)
{
	unsigned long irq;

	if (!atomic_load(&is_timed))
		return;		/* the thread's first period takes it */
	irq = spin_lock_irqsave(&collect_lock);
	timer_arm(&collect_timer, time_ns() + COLLECT_NS, COLLECT_NS);
	spin_unlock_irqrestore(&collect_lock, irq);
}

void epoch_defer(struct epoch_head *h, void (*fn)(struct epoch_head *h))
{
	struct epoch_cpu *e = percpu_of(epoch_cpu, arch_cpu_self());	/* any CPU's will do */
	unsigned long irq;
	bool is_much;

	h->fn = fn;
	h->next = NULL;
	irq = spin_lock_irqsave(&e->lock);
	if (!e->tail)
		e->tail = &e->deferred;
	*e->tail = h;
	e->tail = &h->next;
	is_much = ++e->nr_deferred >= COLLECT_MAX;
	spin_unlock_irqrestore(&e->lock, irq);
	/*
	 * Exchanged every time: either the thread's own exchange sees the list, or this one sees to it. A period and two
	 * switches for each closed file would cost more than the closing, so the thread comes a little later for all.
	 */
	if (!atomic_xchg(&has_work, 1u))
		run_soon();
	if (is_much)
		run_now();
}

/* Takes all CPUs' lists, oldest first per CPU. */
static struct epoch_head *collect(void)
{
	struct epoch_head *all = NULL, **end = &all;
	struct cpu *cpu;

	for (unsigned i = 0; i < MAX_CPUS; i++) {
		struct epoch_cpu *e;
		unsigned long irq;

		cpu = cpu_table[i];
		if (!cpu)
			continue;
		e = percpu_of(epoch_cpu, cpu);
		irq = spin_lock_irqsave(&e->lock);
		if (e->deferred) {
			*end = e->deferred;
			end = e->tail;
			e->deferred = NULL;
			e->tail = &e->deferred;
			e->nr_deferred = 0;
		}
		spin_unlock_irqrestore(&e->lock, irq);
	}
	return all;
}

static cpumask_t late_cpus(u64 wanted)
{
	cpumask_t late = 0;
	struct cpu *cpu;

	cpu_for_each(cpu, atomic_load(&cpu_online_mask))
		if (atomic_load_acquire(&percpu_of(epoch_cpu, cpu)->seen) < wanted)
			late |= cpu_mask(cpu->id);
	return late;
}

static void run_period(void)
{
	u64 mine = atomic_fetch_add_acq_rel(&period, 1) + 1;
	cpumask_t late;
	unsigned patience = 1;

	/* Full: what was unlinked before is seen by sections that begin after a note. Pairs with epoch_note. */
	atomic_fence_full();
	while ((late = late_cpus(mine))) {
		struct waitq q = WAITQ_INIT(q);

		/* This thread is in no section: asking makes its own CPU note at once. */
		if (late & cpu_mask(READ_ONCE(current->cpu)->id)) {
			epoch_quiescent();
			continue;
		}
		if (patience) {
			patience--;
			(void)waitq_wait_until(&q, false, SLEEP_UNINTERRUPTIBLE, time_ns() + WAIT_STEP_NS,
					       false);
			continue;
		}
		ipi_call(late, late_cpu, NULL);
		if (late_cpus(mine))
			sched_yield();
	}
}

static void epoch_loop(void *unused)
{
	atomic_store(&is_timed, true);
	while (true) {
		struct epoch_head *h;

		waitq_wait(&epoch_q, atomic_load(&must_run));
		atomic_xchg(&must_run, 0u);
		atomic_xchg(&has_work, 0u);
		h = collect();
		if (!h)
			continue;
		run_period();
		while (h) {
			struct epoch_head *next = h->next;

			h->fn(h);
			h = next;
		}
	}
}

void epoch_init(void)
{
	epoch_thread = thread_create("epoch", epoch_loop, NULL, -1);
	if (!epoch_thread)
		panic("no memory for the epoch thread");
	thread_start(epoch_thread);
}

struct epoch_waiter {
	struct epoch_head head;
	struct completion done;
};

static void wake_waiter(struct epoch_head *h)
{
	completion_signal(&container_of(h, struct epoch_waiter, head)->done);
}

void epoch_wait(void)
{
	struct epoch_waiter w;

	might_sleep();
	completion_init(&w.done);
	epoch_defer(&w.head, wake_waiter);
	run_now();
	completion_wait(&w.done);
}
