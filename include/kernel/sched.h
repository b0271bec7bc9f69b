/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: per-CPU run queues behind policies. kernel/sched/core.c owns the
 * switch, wake.c the wake-up protocol; a policy only orders threads. docs/scheduling.md.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <arch/clock.h>
#include <kernel/thread.h>

struct runq;

/* Kinds of policies in order of precedence; thread.sched_slot. */
enum sched_slot {
	SLOT_DEADLINE,		/* SCHED_DEADLINE: EDF or rate-monotonic order, constant-bandwidth servers */
	SLOT_FIXED,		/* SCHED_FIFO, SCHED_RR */
	SLOT_SYSTEM,		/* SCHED_OTHER, SCHED_BATCH: what sched= chose */
	SLOT_BACKGROUND,	/* SCHED_IDLE */
	SLOT_COUNT,
};

#define ENQUEUE_WOKEN BIT(0)	/* it slept, is new or comes from another CPU; else it was preempted */
#define ENQUEUE_YIELDED BIT(1)	/* it gives way to its equals */

/*
 * All called with the run queue's lock held, interrupts off; the time is rq->now_ns. data is the
 * policy's part of the queue. Numbers in struct thread are zeroed when a thread meets
 * another policy (then join, if there is one).
 */
struct sched_policy {
	const char *name;
	size_t data_size;
	void (*init)(void *data);
	void (*join)(struct runq *rq, void *data, struct thread *t);
	/* False: it may not run now, the policy parked it (deadline servers only). */
	bool (*enqueue)(struct runq *rq, void *data, struct thread *t, u32 flags);
	bool (*dequeue)(struct runq *rq, void *data, struct thread *t);	/* false: it was parked */
	/* Takes the next thread out of the queue; NULL if empty. */
	struct thread *(*pick)(struct runq *rq, void *data);
	/* The running thread used ran_ns; true: it should give way. */
	bool (*account)(struct runq *rq, void *data, struct thread *t, u64 ran_ns);
	/* Should the newly queued thread preempt the running one? */
	bool (*preempts)(const struct thread *woken, const struct thread *running);
	/* What is left of t's turn, ns; 0: no limit. */
	u64 (*slice)(const struct runq *rq, const void *data, const struct thread *t);
	/* A full turn of t, ns, for sched_rr_get_interval; 0: no limit. */
	u64 (*quantum)(const struct thread *t);
	/* A thread that may move to another CPU, or NULL; stays queued. Looks at a bounded number. */
	struct thread *(*steal)(struct runq *rq, void *data, unsigned to_cpu);
	/* t is about to move there (NULL: nothing to do): rebase numbers that are relative to a queue. */
	void (*migrate)(const void *from_data, const void *to_data, struct thread *t);
};

void sched_init(void);			/* boot CPU, boot thread becomes idle's predecessor */
void sched_cpu_init(struct cpu *cpu);	/* each CPU before it goes online */
bool sched_is_running(void);		/* threads are being switched: sleeping is possible */
__noreturn void sched_idle_loop(void);
/* Gives the CPU away; the current thread stays runnable unless its state says otherwise. Preemption may be off by 1 (own). */
void schedule(void);
void sched_yield(void);
void sched_preempt(void);		/* involuntary: the thread stays runnable whatever its state says; from irq_exit */
/* 0, -EINVAL: no online CPU in mask, -EBUSY: a deadline thread fits on none of them. Moves the thread if it must. May sleep. */
int sched_set_affinity(struct thread *t, cpumask_t mask);
/* class SCHED_* but SCHED_DEADLINE, priority 1..99 for FIFO/RR else 0. 0 or -EINVAL. May sleep. */
int sched_set_class(struct thread *t, u32 sched_class, u32 rt_priority);
/* SCHED_DEADLINE. 0, -EINVAL (runtime <= deadline <= period, limits), -EBUSY no CPU of its affinity has room. May sleep. */
int sched_set_deadline(struct thread *t, u64 runtime_ns, u64 deadline_ns, u64 period_ns, u64 flags);
void sched_set_reset_on_fork(struct thread *t, bool on);
int sched_set_nice(struct thread *t, s32 nice);
/* -EAGAIN: a deadline thread without reset-on-fork does not fork. */
int sched_may_fork(void);
/*
 * Priority inheritance (kernel/ipc/futex_pi.c). Priorities as numbers that compare: 0 none, 1..99 the fixed ones, then deadlines.
 * sched_lend: at least that much from now on, 99 at most; what is not above its own class lends nothing. Any context.
 */
#define SCHED_PRIORITY_DEADLINE 100u
u32 sched_own_priority(const struct thread *t);
static inline u32 sched_lending_priority(const struct thread *t)
{
	return max(sched_own_priority(t), atomic_load(&t->lent_priority));
}
void sched_lend(struct thread *t, u32 priority);
void sched_fork(struct thread *child);	/* inherit and place */
void sched_exit(void);			/* the current thread gives back what it was admitted with; may sleep */
/* A full turn of t, as sched_rr_get_interval tells it. */
u64 sched_quantum_ns(struct thread *t);
const char *sched_policy_name(const struct thread *t);
/* IPI_RESCHED arrived: takes in threads that other CPUs woke for this one. Interrupt context. */
void sched_ipi(void);
/* The deadline set by timer_slice_set has come. Interrupt context. */
void sched_slice_expired(void);
/* WORK_FPU at user return, interrupts off: loads the current thread's FPU state. */
void sched_fpu_reload(void);
u64 sched_runtime_ns(struct thread *t);	/* includes the running slice */
#if CONFIG_DEBUG
/* Bytes of its kernel stack that a thread of thread_alloc has touched. */
size_t thread_stack_used(const struct thread *t);
/* The most that any did since boot, and which. */
size_t stack_deepest(char name[THREAD_NAME_MAX]);
#endif
/* 1, 5, 15 minutes load, fixed point 11 bits, as Linux; counts for /proc. */
void sched_loadavg(u64 load[3]);
/* Does a program of that group's subtree (NULL: any) run now that is not stalled for memory? Any context. */
bool sched_group_works(const struct group *g);
struct sched_cpu_stats {
	u64 user_ns, system_ns, idle_ns, irq_ns, iowait_ns, nice_ns;
	u64 switches, wakeups, remote_wakeups, migrations, runnable;
	u64 yields, schedules, idle_switches, pulls, pushes, wait_ns, turns, rt_throttled, rescues;
};
void sched_cpu_stats(unsigned cpu, struct sched_cpu_stats *out);

/* Settings; kernel/sched/settings.c. Shown as /proc/sys/kernel/sched_*, set at boot by sched= and sched_*=. */
struct sched_settings {
	u32 quantum_ms, balance_ms, rr_timeslice_ms;
	u32 affinity, balance;		/* 0: CPU sets are ignored; threads stay where they woke */
	s64 rt_runtime_us;		/* -1: no guard */
	u64 rt_period_us;
	u32 boost_ms;			/* MLFQ: everybody back to the top */
	u32 deadline_period_min_us, deadline_period_max_us;
};
extern struct sched_settings sched_settings;	/* [a] each field */
/* Another system policy while threads run: 0, -EINVAL unknown. May sleep. */
int sched_policy_choose(const char *name);
const char *sched_system_policy_name(void);
const char *sched_system_policy_at(unsigned i);	/* NULL past the end */
void sched_settings_changed(void);		/* affinity was turned on or off; may sleep */
const char *sched_deadline_order_name(void);
int sched_deadline_order_choose(const char *name);	/* "edf", "rm" */

/* The trace, kernel/sched/trace.c: rings of so many records, 0 off. -EINVAL too many, -ENOMEM, -EBUSY another is at it. May sleep. */
int sched_trace_set(u32 size);
u32 sched_trace_size(void);		/* 0: off */
struct text;
int sched_trace_show(struct text *t, void *arg);	/* -EBUSY while on */
int pressure_cpu_show(struct text *t, void *arg);
/* For triggers (<kernel/pressure.h>): ns for which somebody waited; kind 0 only. From timers. */
u64 pressure_cpu_total(void *arg, unsigned kind);

/* CPU time of groups; kernel/sched/group.c. */
int sched_group_create(struct group *g);	/* 0, -ENOMEM */
void sched_group_destroy(struct group *g);
void sched_group_moved(struct thread *t, struct group *from, struct group *to);	/* t->group says `to` already */
/* quota U64_MAX: no limit. group_tree_lock held. */
void sched_group_set_bandwidth(struct group *g, u64 quota_ns, u64 period_ns, u64 burst_ns);
void sched_group_bandwidth(struct group *g, struct group_bandwidth *out);
void sched_group_times(struct group *g, u64 *user_ns, u64 *system_ns);	/* subtree, removed ones too; group_tree_lock held */
void sched_group_park(void);		/* on the way to user mode: sleeps while a group of the thread is out of time */
u32 sched_weight_of_nice(int nice);	/* 0: 1024 */

/*
 * Takes a CPU out of use or back, threads and all: 0, -EBUSY the last one, one that may not leave, or a deadline would be lost,
 * -ENODEV, -EIO it does not come. May sleep.
 */
bool cpu_may_leave(unsigned id);	/* of a known one; the answer is good once controllers of interrupts are probed */
int cpu_offline(unsigned id);
int cpu_online(unsigned id);

#endif
