/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alarm and setitimer. ITIMER_REAL fires in interrupt context and sends SIGALRM; its interval is written only
 * while the timer cannot fire, process.exec_lock keeps setters apart. ITIMER_VIRTUAL and ITIMER_PROF count
 * CPU time (cpu_timer.c) under the signal lock.
 */
#include "../cpu_timer.h"
#include "../proc.h"
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>

/* A period below this would keep a CPU busy with interrupts that tell nobody anything new. */
#define PERIOD_MIN_NS (20 * NSEC_PER_USEC)

void itimer_fire(struct timer *t)
{
	struct process *p = container_of(t, struct process, real_timer);
	u64 interval = atomic_load(&p->real_interval_ns);

	(void)signal_send_process(p, SIGALRM, NULL);	/* a pending one stands for all */
	if (interval)
		timer_arm(t, max(t->deadline_ns + interval, time_ns() + PERIOD_MIN_NS), 0);
}

static void stop(struct process *p)
{
	atomic_store(&p->real_interval_ns, 0ull);
	timer_cancel_sync(&p->real_timer);
	timer_cancel_sync(&p->real_timer);	/* a callback that ran meanwhile may have armed it again */
}

void itimer_exit(struct process *p)
{
	stop(p);
	cpu_timers_exit(p);
}

static u64 remaining(struct process *p)
{
	u64 now = time_ns(), deadline = p->real_timer.base ? p->real_timer.deadline_ns : 0;

	return deadline > now ? deadline - now : 0;
}

/* Sets value and interval in ns; what was left goes to *left and *old_interval. */
static void swap(u64 value, u64 interval, u64 *left, u64 *old_interval)
{
	struct process *p = current_process();

	mutex_lock(&p->exec_lock);
	*left = remaining(p);
	*old_interval = p->real_interval_ns;
	stop(p);
	if (value) {
		p->real_interval_ns = interval;
		timer_arm(&p->real_timer, time_ns() + value, 0);
	}
	mutex_unlock(&p->exec_lock);
}

long sys_alarm(u32 seconds)
{
	u64 left, interval;

	swap((u64)seconds * NSEC_PER_SEC, 0, &left, &interval);
	/* Rounded as Linux does: at least 1 while it is armed. */
	return left && left < NSEC_PER_SEC ? 1 : (long)((left + NSEC_PER_SEC / 2) / NSEC_PER_SEC);
}

/* Lock held. What is left of a timer on CPU time, and the clock's now. */
static u64 cpu_remaining(struct process *p, int which, u64 *now)
{
	const struct cpu_itimer *i = which == ITIMER_VIRTUAL ? &p->itimer_virtual : &p->itimer_prof;
	struct cpu_time t;

	cpu_time_of_process(p, &t);
	*now = which == ITIMER_VIRTUAL ? t.user_ns : t.user_ns + t.system_ns;
	if (!i->deadline_ns)
		return 0;
	return i->deadline_ns > *now ? i->deadline_ns - *now : NSEC_PER_USEC;	/* due: on its way */
}

static void swap_cpu(int which, const struct itimerval64 *v, u64 *left, u64 *old_interval)
{
	struct process *p = current_process();
	struct cpu_itimer *i = which == ITIMER_VIRTUAL ? &p->itimer_virtual : &p->itimer_prof;
	unsigned long flags = signal_lock(p);
	u64 now;

	*left = cpu_remaining(p, which, &now);
	*old_interval = i->interval_ns;
	if (v) {
		u64 value = timeval_ns(&v->it_value);

		i->deadline_ns = value ? min(now + value, (u64)S64_MAX) : 0;
		i->interval_ns = value ? timeval_ns(&v->it_interval) : 0;
		cpu_timers_update(p);
	}
	signal_unlock(p, flags);
}

long sys_getitimer(int which, struct itimerval64 __user *value)
{
	struct process *p = current_process();
	struct itimerval64 v;
	u64 left = 0, interval = 0;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (which == ITIMER_REAL) {
		left = remaining(p);
		interval = p->real_interval_ns;
	} else {
		swap_cpu(which, NULL, &left, &interval);
	}
	v.it_value = timeval_of(left);
	v.it_interval = timeval_of(interval);
	return copy_to_user(value, &v, sizeof(v));
}

long sys_setitimer(int which, const struct itimerval64 __user *value, struct itimerval64 __user *old)
{
	struct itimerval64 v = {};
	u64 left, interval;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (value && copy_from_user(&v, value, sizeof(v)))
		return -EFAULT;
	if (!timeval_ok(&v.it_value) || !timeval_ok(&v.it_interval))
		return -EINVAL;
	if (which == ITIMER_REAL)
		swap(timeval_ns(&v.it_value), timeval_ns(&v.it_interval), &left, &interval);
	else
		swap_cpu(which, &v, &left, &interval);
	if (!old)
		return 0;
	v.it_value = timeval_of(left);
	v.it_interval = timeval_of(interval);
	return copy_to_user(old, &v, sizeof(v));
}
