/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching CPU time without a tick: one timer per process, armed for the earliest moment at which any
 * deadline could be reached if all its threads ran, looks at the clocks again. A process that used no time
 * since the last look is left alone until one of its threads comes back to user mode (WORK_CPU_TIMER), so
 * a sleeping process with a profiling timer costs nothing.
 * Lock: the process's signal lock.
 */
#include "cpu_timer.h"
#include "proc.h"
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>
#include <uapi/sched.h>

#define LOOK_MIN_NS (100 * NSEC_PER_USEC)	/* between two looks */
#define LOOK_MAX_NS (10 * NSEC_PER_SEC)

static u64 pick(const struct cpu_time *t, enum cpu_clock_kind kind)
{
	return kind == CPU_CLOCK_SCHED ? t->sched_ns : kind == CPU_CLOCK_VIRT ? t->user_ns : t->user_ns + t->system_ns;
}

u64 cpu_timer_now(struct process *p, const struct cpu_timer *t)
{
	struct cpu_time now;

	if (t->thread)
		cpu_time_of_thread(t->thread, &now);
	else
		cpu_time_of_process(p, &now);
	return pick(&now, t->kind);
}

/* What is left of the nearest timer; fires those that are due. */
static u64 look_at_timers(struct process *p, const struct cpu_time *now)
{
	u64 nearest = U64_MAX;
	struct cpu_timer *t, *next;

	list_for_each_safe(t, next, &p->cpu_timers, link) {
		u64 clock = t->thread ? cpu_timer_now(p, t) : pick(now, t->kind);

		if (t->thread && t->thread->exiting)
			continue;
		if (clock < t->deadline_ns) {
			nearest = min(nearest, t->deadline_ns - clock);
			continue;
		}
		list_remove(&t->link);
		t->fire(t);
		if (!list_empty(&t->link))	/* periodic and armed again */
			nearest = LOOK_MIN_NS;
	}
	return nearest;
}

static u64 look_at_itimer(struct process *p, struct cpu_itimer *i, u64 clock, int sig)
{
	if (!i->deadline_ns)
		return U64_MAX;
	if (clock >= i->deadline_ns) {
		(void)signal_post(p, NULL, sig, NULL, NULL, false);
		i->deadline_ns = i->interval_ns ?
			i->deadline_ns + ((clock - i->deadline_ns) / i->interval_ns + 1) * i->interval_ns : 0;
	}
	return i->deadline_ns ? i->deadline_ns - clock : U64_MAX;
}

/* Soft limit: SIGXCPU, and again a second later; hard limit: SIGKILL. */
static u64 look_at_limit(struct process *p, struct rlimit64 *l, u64 unit_ns, u64 used)
{
	u64 soft, hard = l->rlim_max == RLIM_INFINITY ? U64_MAX : l->rlim_max * unit_ns;

	if (l->rlim_cur == RLIM_INFINITY || l->rlim_cur > S64_MAX / unit_ns)
		return U64_MAX;
	if (used >= hard) {
		(void)signal_post(p, NULL, SIGKILL, NULL, NULL, false);
		return U64_MAX;
	}
	soft = l->rlim_cur * unit_ns;
	if (used >= soft) {
		(void)signal_post(p, NULL, SIGXCPU, NULL, NULL, false);
		atomic_store(&l->rlim_cur, l->rlim_cur + NSEC_PER_SEC / unit_ns);
		soft = l->rlim_cur * unit_ns;
	}
	return min(soft, hard) - min(used, min(soft, hard));
}

/* RLIMIT_RTTIME: what a real-time thread ran without ever sleeping. */
static u64 look_at_rt(struct process *p)
{
	struct rlimit64 *l = &p->limits[RLIMIT_RTTIME];
	u64 nearest = U64_MAX;
	struct thread *t;

	if (l->rlim_cur == RLIM_INFINITY)
		return U64_MAX;
	list_for_each(t, &p->threads, process_link) {
		u64 ran = sched_runtime_ns(t);

		if (t->exiting)
			continue;
		if ((t->sched_class != SCHED_FIFO && t->sched_class != SCHED_RR) ||
		    t->rt_switches != t->voluntary_switches) {
			t->rt_switches = t->voluntary_switches;
			t->rt_since_ns = ran;
		}
		nearest = min(nearest, look_at_limit(p, l, NSEC_PER_USEC, ran - t->rt_since_ns));
	}
	return nearest;
}

static void park(struct process *p)
{
	struct thread *t;

	p->cpu_parked = true;
	list_for_each(t, &p->threads, process_link)
		if (!t->exiting)
			thread_notify(t, WORK_CPU_TIMER);
}

static void look(struct process *p)
{
	struct cpu_time now;
	u64 nearest, runners, wait;

	if (!p->nr_threads || p->group_exit)
		return;
	cpu_time_of_process(p, &now);
	nearest = look_at_timers(p, &now);
	nearest = min(nearest, look_at_itimer(p, &p->itimer_virtual, now.user_ns, SIGVTALRM));
	nearest = min(nearest, look_at_itimer(p, &p->itimer_prof, now.user_ns + now.system_ns, SIGPROF));
	nearest = min(nearest, look_at_limit(p, &p->limits[RLIMIT_CPU], NSEC_PER_SEC, now.user_ns + now.system_ns));
	nearest = min(nearest, look_at_rt(p));
	if (nearest == U64_MAX) {
		timer_cancel(&p->cpu_check);
		return;
	}
	if (now.sched_ns == p->cpu_check_total) {
		park(p);
		return;
	}
	p->cpu_check_total = now.sched_ns;
	runners = min((u64)p->nr_threads, (u64)popcount64(atomic_load(&cpu_online_mask)));
	wait = clamp(nearest / max(runners, (u64)1), (u64)LOOK_MIN_NS, (u64)LOOK_MAX_NS);
	timer_arm(&p->cpu_check, time_ns() + wait, 0);
}

static void check_fire(struct timer *t)
{
	struct process *p = container_of(t, struct process, cpu_check);
	unsigned long flags = signal_lock(p);

	look(p);
	signal_unlock(p, flags);
}

void cpu_timers_init(struct process *p)
{
	list_init(&p->cpu_timers);
	timer_init(&p->cpu_check, check_fire);
}

void cpu_timers_start(struct process *p)
{
	if (p->limits[RLIMIT_CPU].rlim_cur != RLIM_INFINITY || p->limits[RLIMIT_RTTIME].rlim_cur != RLIM_INFINITY)
		cpu_timers_update(p);
}

/* Nothing is fired here: a caller may hold the lock for a timer that is due at once. */
void cpu_timers_update(struct process *p)
{
	if (!p->nr_threads)
		return;		/* it ends, and cpu_timers_exit waits for the last look */
	p->cpu_parked = false;
	p->cpu_check_total = U64_MAX;
	timer_arm(&p->cpu_check, 0, 0);
}

void cpu_timer_arm(struct process *p, struct cpu_timer *t, u64 deadline_ns)
{
	cpu_timer_cancel(t);
	t->deadline_ns = deadline_ns;
	list_push_back(&p->cpu_timers, &t->link);
	cpu_timers_update(p);
}

void cpu_timer_cancel(struct cpu_timer *t)
{
	if (!list_empty(&t->link))
		list_remove(&t->link);
}

void cpu_timers_exit(struct process *p)
{
	timer_cancel_sync(&p->cpu_check);
}

void cpu_timers_resume(void)
{
	struct process *p = current_process();
	unsigned long flags;

	atomic_fetch_and(&current->exit_work, ~(u32)WORK_CPU_TIMER);
	if (!atomic_load(&p->cpu_parked))
		return;
	flags = signal_lock(p);
	if (p->cpu_parked)
		cpu_timers_update(p);
	signal_unlock(p, flags);
}

/* ---- sleeping on CPU time ---- */

struct cpu_sleep {
	struct cpu_timer timer;
	struct thread *thread;
	bool is_over;
};

static void wake_sleeper(struct cpu_timer *t)
{
	struct cpu_sleep *s = container_of(t, struct cpu_sleep, timer);

	atomic_store_release(&s->is_over, true);	/* pairs with sleep_on_own */
	thread_wake(s->thread, BIT(THREAD_SLEEPING));
}

/* 0 or -EINTR. */
static int sleep_on_own(struct cpu_sleep *s, u64 deadline)
{
	struct process *p = current_process();
	unsigned long flags = signal_lock(p);
	int err = 0;

	cpu_timer_arm(p, &s->timer, deadline);
	signal_unlock(p, flags);
	while (!err) {
		thread_prepare_sleep(SLEEP_INTERRUPTIBLE);
		if (atomic_load_acquire(&s->is_over)) {	/* pairs with wake_sleeper */
			atomic_store(&current->state, (u32)THREAD_RUNNABLE);
			break;
		}
		err = thread_sleep(SLEEP_INTERRUPTIBLE, U64_MAX);
	}
	flags = signal_lock(p);		/* also waits for a callback that still looks at s */
	cpu_timer_cancel(&s->timer);
	signal_unlock(p, flags);
	return atomic_load(&s->is_over) ? 0 : err;
}

/* Another process's clock: look again when it could have got there. */
static int sleep_on_other(int clock, u64 deadline)
{
	u64 cpus = popcount64(atomic_load(&cpu_online_mask));
	s64 now;

	while (!cpu_clock_read(clock, &now) && (u64)now < deadline)
		if (sleep_until(time_ns() + max((deadline - (u64)now) / cpus, NSEC_PER_MSEC), true))
			return -EINTR;
	return 0;	/* reached, or the process is gone */
}

/* arg[0]: deadline, arg[1]: where the rest goes, arg[2]: clock. */
static long sleep_restart(struct restart_block *r)
{
	struct cpu_sleep s = { .thread = current, .timer.fire = wake_sleeper };
	int clock = (int)r->arg[2], err;
	struct timespec64 rest;
	struct cpu_clock c;
	s64 now;

	err = cpu_clock_open(clock, &c);
	if (err)
		return err;
	list_init(&s.timer.link);
	s.timer.kind = c.kind;
	s.timer.thread = c.thread;
	err = c.process == current_process() ? sleep_on_own(&s, r->arg[0]) : sleep_on_other(clock, r->arg[0]);
	cpu_clock_close(&c);
	if (!err || cpu_clock_read(clock, &now) || (u64)now >= r->arg[0])
		return 0;
	if (r->arg[1]) {
		rest = timespec_of((s64)r->arg[0] - now);
		if (copy_to_user((void __user *)r->arg[1], &rest, sizeof(rest)))
			return -EFAULT;
	}
	r->fn = sleep_restart;
	return -ERESTART_RESTARTBLOCK;
}

long cpu_clock_sleep(int clock, bool is_absolute, u64 ns, struct timespec64 __user *rem)
{
	struct restart_block *r = &current->restart;
	bool is_own;
	struct cpu_clock c;
	s64 now = 0;
	long result;
	int err;

	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return -EOPNOTSUPP;
	err = cpu_clock_open(clock, &c);
	if (err)
		return err;
	is_own = c.thread == current;
	cpu_clock_close(&c);
	if (is_own)
		return -EINVAL;		/* it would never get there */
	if (!is_absolute)
		err = cpu_clock_read(clock, &now);
	if (err)
		return err;
	r->arg[0] = min((u64)now + ns, (u64)S64_MAX);
	r->arg[1] = is_absolute ? 0 : (u64)rem;
	r->arg[2] = (u64)(u32)clock;
	result = sleep_restart(r);
	return is_absolute && result == -ERESTART_RESTARTBLOCK ? -ERESTARTNOHAND : result;
}
