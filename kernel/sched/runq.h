/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues, private to kernel/sched. Each CPU puts threads into its own queue only; other CPUs
 * hand threads over on its lock-free wake list. Others take the lock to take threads
 * out (stealing) or to change a queued thread's numbers. Interrupts are off under the lock, which
 * stays held across the switch, so it is taken raw.
 */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include <kernel/sched.h>

/* Policies in order of precedence. */
enum policy_slot { SLOT_FIXED, SLOT_FAIR, SLOT_BACKGROUND, SLOT_COUNT };
extern const struct sched_policy sched_policy_fixed, sched_policy_fair, sched_policy_background;
extern const struct sched_policy *const sched_policies[SLOT_COUNT];

#define SLOT_DATA_SIZE 1728	/* what the largest policy needs; checked by sched_cpu_init */

/* Marks: [q] lock, [c] own CPU only, interrupts off, [a] atomic, [b] set at boot. */
struct runq {
	struct spinlock lock;
	struct cpu *cpu;		/* [b] */
	struct thread *running;		/* [q] */
	struct thread *idle;		/* [b] */
	struct thread *wake_list;	/* [a] threads handed over by others, newest first */
	u32 is_polling;			/* [a] idle and watching wake_list: needs no IPI */
	u32 nr_running;			/* [q] runnable threads, the running one included, idle not */
	struct thread *moving;		/* [c] switched-out thread that must go to another CPU */
	u64 slice_end_ns;		/* [c] armed slice deadline, U64_MAX none */
	u64 balance_next_ns;		/* [c] */
	struct sched_cpu_stats stats;	/* [c] written by its CPU; read by all */
	u64 user_ticks, nice_ticks, system_ticks;	/* [q] see stats_settle */
	u8 data[SLOT_COUNT][SLOT_DATA_SIZE] __aligned(16);	/* [q] the policies' parts */
};
DECLARE_PERCPU(struct runq, sched_runq);
extern cpumask_t sched_idle_mask;	/* [a] CPUs that look for work */

static inline struct runq *this_runq(void) { return percpu_of(sched_runq, arch_cpu_self()); }
static inline struct runq *runq_of(const struct cpu *cpu) { return percpu_of(sched_runq, cpu); }

static inline unsigned policy_slot(const struct sched_policy *p)
{
	unsigned slot = 0;

	while (sched_policies[slot] != p)
		slot++;
	return slot;
}
static inline void *runq_data(struct runq *rq, const struct sched_policy *p)
{
	return rq->data[policy_slot(p)];
}

/* core.c; all with rq->lock held, on rq's own CPU. */
void runq_enqueue(struct runq *rq, struct thread *t, bool woken);
void runq_account_current(struct runq *rq, u64 now_ns);
/* Takes a queued (not running) thread out for good: on_rq becomes 0. Any CPU. */
void runq_take_out(struct runq *rq, struct thread *t);
/* Locks the queue that t belongs to; t->wake_lock held or t known to be queued. */
struct runq *runq_lock_of(struct thread *t);

/* wake.c */
void runq_drain(struct runq *rq);	/* takes the wake list in; own CPU, interrupts off, lock not held */
/*
 * Hands t (RUNNABLE, on_rq 0, on_cpu 0) to a CPU of its affinity. Interrupts off, t->wake_lock held: who
 * changes class or CPUs of a thread on its way holds it too, and then finds it queued or not yet placed.
 */
void runq_send(struct thread *t, struct cpu *to);
/* The same for who does not hold wake_lock; to another CPU if `to` is NULL or no longer allowed. */
void runq_forward(struct thread *t, struct cpu *to);
struct cpu *sched_place(const struct thread *t);

/* balance.c; interrupts off. */
bool runq_pull(struct runq *rq);	/* idle: true when a thread came */
void runq_push_excess(struct runq *rq, u64 now_ns);

/* smp.c: from the idle loop's start */
void cpu_mark_online(struct cpu *cpu);

/* stack_mark.c */
#if CONFIG_DEBUG
void stack_paint(void *stack);
void stack_note(const struct thread *t);	/* its last user ends */
#else
static inline void stack_paint(void *stack) {}
static inline void stack_note(const struct thread *t) {}
#endif

/* stats.c */
/* Adds what t used since the last time to the queue's sums. Lock of rq, on which t runs or ran last. */
void stats_settle(struct runq *rq, struct thread *t);
void loadavg_update(u64 now_ns);

/* fair.c */
u64 sched_weight(const struct thread *t);

#endif
