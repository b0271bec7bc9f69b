/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: per-CPU run queues behind policies. kernel/sched/core.c owns the
 * switch and the wake-up protocol; a policy only orders threads.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <arch/clock.h>
#include <kernel/thread.h>

struct runq;

/* All called with the run queue's lock held, interrupts off. rq_data is the policy's part of the queue. */
struct sched_policy {
	const char *name;
	size_t rq_size;
	void (*rq_init)(void *rq_data);
	void (*enqueue)(struct runq *rq, void *rq_data, struct thread *t, bool woken);
	void (*dequeue)(struct runq *rq, void *rq_data, struct thread *t);
	/* Takes the next thread out of the queue; NULL if empty. */
	struct thread *(*pick)(struct runq *rq, void *rq_data);
	/* The running thread used ran_ns; true: it should give way. */
	bool (*account)(struct runq *rq, void *rq_data, struct thread *t, u64 ran_ns);
	/* Should the newly woken thread preempt the running one? */
	bool (*preempts)(const struct thread *woken, const struct thread *running);
	/* Slice in ns for t, for sched_rr_get_interval and the tick-less timer. */
	u64 (*slice)(const struct thread *t);
	/* A thread that may move to another CPU, or NULL; stays queued. */
	struct thread *(*steal)(struct runq *rq, void *rq_data, unsigned to_cpu);
	/* t is about to move there (both NULL-able hooks): rebase numbers that are relative to a queue. */
	void (*migrate)(const void *from_rq_data, const void *to_rq_data, struct thread *t);
	/* The running thread gives way to its equals. */
	void (*yield)(struct runq *rq, void *rq_data, struct thread *t);
	/* Load the queue adds, for balancing: runnable threads weighted. */
	u64 (*load)(const void *rq_data);
};

void sched_init(void);			/* boot CPU, boot thread becomes idle's predecessor */
void sched_cpu_init(struct cpu *cpu);	/* each CPU before it goes online */
bool sched_is_running(void);		/* threads are being switched: sleeping is possible */
__noreturn void sched_idle_loop(void);
/* Gives the CPU away; the current thread stays runnable unless its state says otherwise. Preemption may be off by 1 (own). */
void schedule(void);
void sched_yield(void);
void sched_preempt(void);		/* involuntary: the thread stays runnable whatever its state says; from irq_exit */
/* 0, -EINVAL: no online CPU in mask. Moves the thread if it must. */
int sched_set_affinity(struct thread *t, cpumask_t mask);
/* class SCHED_*, priority 1..99 for FIFO/RR else 0. 0 or -EINVAL. */
int sched_set_class(struct thread *t, u32 sched_class, u32 rt_priority);
int sched_set_nice(struct thread *t, s32 nice);
void sched_fork(struct thread *child);	/* inherit and place */
/* IPI_RESCHED arrived: takes in threads that other CPUs woke for this one. Interrupt context. */
void sched_ipi(void);
/* The running slice ended (timer_slice_set). Interrupt context. */
void sched_slice_expired(void);
/* WORK_FPU at user return, interrupts off: loads the current thread's FPU state. */
void sched_fpu_reload(void);
u64 sched_runtime_ns(struct thread *t);	/* includes the running slice */
/*
 * Moves the user/system time split; enter: about to return to user mode; leave: just came from it. Interrupts off.
 * Part of every system call, so they count raw ticks and the CPU's sums wait for the next switch (stats.c).
 */
static inline void sched_account_user_enter(void)
{
	struct thread *t = current;
	u64 now = arch_clock_read();

	lock_check_user_return();
	t->system_ticks += now - t->mode_stamp;
	t->mode_stamp = now;
	WRITE_ONCE(t->in_user, true);
}
static inline void sched_account_user_leave(void)
{
	struct thread *t = current;
	u64 now = arch_clock_read();

	t->user_ticks += now - t->mode_stamp;
	t->mode_stamp = now;
	WRITE_ONCE(t->in_user, false);
}
#if CONFIG_DEBUG
/* Bytes of its kernel stack that a thread of thread_alloc has touched. */
size_t thread_stack_used(const struct thread *t);
/* The most that any did since boot, and which. */
size_t stack_deepest(char name[THREAD_NAME_MAX]);
#endif
/* 1, 5, 15 minutes load, fixed point 11 bits, as Linux; counts for /proc. */
void sched_loadavg(u64 load[3]);
struct sched_cpu_stats {
	u64 user_ns, system_ns, idle_ns, irq_ns, iowait_ns, nice_ns;
	u64 switches, wakeups, remote_wakeups, migrations, runnable;
};
void sched_cpu_stats(unsigned cpu, struct sched_cpu_stats *out);

#endif
