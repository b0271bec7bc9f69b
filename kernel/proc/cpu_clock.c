/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU-time clocks: whose, and what they show. Total time is the scheduler's; how it splits into
 * user and system is sampled (sched/stats.c), so a thread that runs right now is completed by what it has run since.
 * Lock: the process's signal lock while its threads are walked.
 */
#include "proc.h"
#include <kernel/cpu_clock.h>
#include <kernel/sched.h>
#include <kernel/time.h>

void cpu_time_of_thread(struct thread *t, struct cpu_time *out)
{
	u64 rest;

	out->sched_ns = sched_runtime_ns(t);
	out->user_ns = time_span_ns(atomic_load(&t->user_ticks));
	out->system_ns = time_span_ns(atomic_load(&t->system_ticks));
	if (out->sched_ns <= out->user_ns + out->system_ns)
		return;
	rest = out->sched_ns - out->user_ns - out->system_ns;
	if (atomic_load(&t->sampled_user))
		out->user_ns += rest;
	else
		out->system_ns += rest;
}

void cpu_time_of_process(struct process *p, struct cpu_time *out)
{
	struct cpu_time one;
	struct thread *t;

	*out = (struct cpu_time){ p->dead_threads.user_ns, p->dead_threads.system_ns,
				  p->dead_threads.user_ns + p->dead_threads.system_ns };
	list_for_each(t, &p->threads, process_link) {
		if (t->exiting)
			continue;
		cpu_time_of_thread(t, &one);
		out->user_ns += one.user_ns;
		out->system_ns += one.system_ns;
		out->sched_ns += one.sched_ns;
	}
}

static int open_thread(pid_t pid, struct cpu_clock *c)
{
	struct thread *t = pid ? thread_find(pid) : thread_get(current);

	if (!t)
		return -EINVAL;
	if (t->process != current_process()) {
		thread_put(t);
		return -EINVAL;
	}
	c->thread = t;
	c->process = process_get(t->process);
	return 0;
}

static int open_process(pid_t pid, struct cpu_clock *c)
{
	c->thread = NULL;
	/* A thread's own number stands for its process, for programs that ask so. */
	c->process = pid == 0 || pid == current->tid ? process_get(current_process()) : process_find(pid);
	return c->process ? 0 : -EINVAL;
}

int cpu_clock_open(int clock, struct cpu_clock *c)
{
	bool is_thread = clock & 4;

	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID) {
		c->kind = CPU_CLOCK_SCHED;
		return clock == CLOCK_THREAD_CPUTIME_ID ? open_thread(0, c) : open_process(0, c);
	}
	if (clock >= 0 || (clock & 3) >= CPU_CLOCK_KINDS)
		return -EINVAL;
	c->kind = (enum cpu_clock_kind)(clock & 3);
	return is_thread ? open_thread(~(clock >> 3), c) : open_process(~(clock >> 3), c);
}

void cpu_clock_close(struct cpu_clock *c)
{
	if (c->thread)
		thread_put(c->thread);
	process_put(c->process);
}

static u64 cpu_time_pick(const struct cpu_time *t, enum cpu_clock_kind kind)
{
	return kind == CPU_CLOCK_SCHED ? t->sched_ns : kind == CPU_CLOCK_VIRT ? t->user_ns : t->user_ns + t->system_ns;
}

static u64 show(const struct cpu_clock *c)
{
	struct cpu_time t;
	unsigned long flags;

	if (c->thread) {
		cpu_time_of_thread(c->thread, &t);
	} else {
		flags = signal_lock(c->process);
		cpu_time_of_process(c->process, &t);
		signal_unlock(c->process, flags);
	}
	return cpu_time_pick(&t, c->kind);
}

int cpu_clock_read(int clock, s64 *ns)
{
	struct cpu_clock c;
	int err;

	if (clock == CLOCK_THREAD_CPUTIME_ID) {		/* often asked: no references to take */
		*ns = (s64)sched_runtime_ns(current);
		return 0;
	}
	err = cpu_clock_open(clock, &c);
	if (err)
		return err;
	*ns = (s64)show(&c);
	cpu_clock_close(&c);
	return 0;
}
