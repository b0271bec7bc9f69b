/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alarm and setitimer: ITIMER_REAL. The timer fires in interrupt context and sends SIGALRM. Lock: the
 * interval is written only while the timer cannot fire; process.exec_lock keeps setters apart.
 */
#include "../proc.h"
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>

void itimer_fire(struct timer *t)
{
	struct process *p = container_of(t, struct process, real_timer);
	u64 interval = atomic_load(&p->real_interval_ns);

	(void)signal_send_process(p, SIGALRM, NULL);	/* a pending one stands for all */
	if (interval)
		timer_arm(t, max(t->deadline_ns + interval, time_ns() + 1), 0);
}

static void stop(struct process *p)
{
	atomic_store(&p->real_interval_ns, 0ull);
	timer_cancel_sync(&p->real_timer);
	timer_cancel_sync(&p->real_timer);	/* a callback that ran meanwhile may have armed it again */
}

void itimer_exit(struct process *p) { stop(p); }

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

/* ITIMER_VIRTUAL and ITIMER_PROF need timers on CPU time, which do not exist yet. */
static long which_check(int which)
{
	if (which == ITIMER_REAL)
		return 0;
	return which == ITIMER_VIRTUAL || which == ITIMER_PROF ? -ENOSYS : -EINVAL;
}

long sys_getitimer(int which, struct itimerval64 __user *value)
{
	struct process *p = current_process();
	struct itimerval64 v;
	long err = which_check(which);

	if (err)
		return err;
	v.it_value = timeval_of(remaining(p));
	v.it_interval = timeval_of(p->real_interval_ns);
	return copy_to_user(value, &v, sizeof(v));
}

long sys_setitimer(int which, const struct itimerval64 __user *value, struct itimerval64 __user *old)
{
	struct itimerval64 v = {};
	u64 left, interval;
	long err = which_check(which);

	if (err)
		return err;
	if (value && copy_from_user(&v, value, sizeof(v)))
		return -EFAULT;
	if (!timeval_ok(&v.it_value) || !timeval_ok(&v.it_interval))
		return -EINVAL;
	swap(timeval_ns(&v.it_value), timeval_ns(&v.it_interval), &left, &interval);
	if (!old)
		return 0;
	v.it_value = timeval_of(left);
	v.it_interval = timeval_of(interval);
	return copy_to_user(old, &v, sizeof(v));
}
