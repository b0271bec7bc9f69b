/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer_create and its family. Each timer brings its own queue entry, so that firing (interrupt context)
 * never allocates. A periodic timer waits, once its signal is queued, until somebody takes the signal; what
 * it missed meanwhile is the overrun. So however short its interval, it cannot keep a CPU busy.
 * Lock: the signal lock for the list, the entry and all numbers.
 */
#include "../cpu_timer.h"
#include "../proc.h"
#include "signal_local.h"
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>

#define IGNORED_PERIOD_NS (4 * NSEC_PER_MSEC)	/* at most so often while its signal is ignored */

/* A shorter period would have its next signal pending whenever a handler returns: the program would stand still. */
#define PERIOD_MIN_NS (50 * NSEC_PER_USEC)

enum timer_scale { ON_MONOTONIC, ON_WALL, ON_CPU };
struct posix_timer {
	struct list link;		/* process.posix_timers */
	struct process *process;
	struct thread *thread;		/* SIGEV_THREAD_ID: reference; NULL: the process */
	struct timer timer;		/* unless on CPU time */
	struct cpu_timer cpu;		/* on CPU time; cpu.thread is a reference */
	struct sig_info entry;
	s32 id;
	int clock, notify, signo;
	enum timer_scale scale;		/* of deadline: an absolute time on the wall clock follows it */
	bool is_armed;			/* deadline counts, though the signal may still wait to be taken */
	bool is_dying;
	u64 value;			/* sigev_value */
	u64 deadline_ns, interval_ns;
	u64 overrun, overrun_last;
};

static u64 scale_now(struct posix_timer *pt)
{
	switch (pt->scale) {
	case ON_WALL:
		return (u64)max(time_wall_ns(), (s64)0);
	case ON_CPU:
		return cpu_timer_now(pt->process, &pt->cpu);
	default:
		return time_ns();
	}
}

static void start(struct posix_timer *pt, u64 not_before)
{
	u64 at = max(pt->deadline_ns, not_before);

	if (pt->notify == SIGEV_NONE)
		return;
	if (pt->scale == ON_CPU)
		cpu_timer_arm(pt->process, &pt->cpu, at);
	else if (pt->scale == ON_WALL)
		timer_arm_wall(&pt->timer, at, 0);
	else
		timer_arm(&pt->timer, at, 0);
}

static void stop(struct posix_timer *pt)
{
	if (pt->scale == ON_CPU)
		cpu_timer_cancel(&pt->cpu);
	else
		timer_cancel(&pt->timer);
}

/* Moves the deadline behind now; how many periods that took. */
static u64 forward(struct posix_timer *pt, u64 now)
{
	u64 periods = now >= pt->deadline_ns ? (now - pt->deadline_ns) / pt->interval_ns + 1 : 0;

	pt->deadline_ns += periods * pt->interval_ns;
	return periods;
}

/* Lock held: the deadline was reached. */
static void expire(struct posix_timer *pt)
{
	struct user_siginfo info = { .signo = pt->signo, .code = SI_TIMER };

	if (pt->is_dying || !pt->is_armed)
		return;
	if (!list_empty(&pt->entry.link)) {	/* set anew while its last signal still waits */
		pt->overrun++;
		return;
	}
	info.timer.tid = pt->id;
	info.timer.value = pt->value;
	(void)signal_post(pt->process, pt->thread, pt->signo, &info, &pt->entry, false);
	if (!list_empty(&pt->entry.link))
		return;				/* posix_timer_taken goes on */
	if (!pt->interval_ns) {
		pt->is_armed = false;
		return;
	}
	pt->overrun += forward(pt, scale_now(pt) + IGNORED_PERIOD_NS);
	start(pt, 0);
}

void posix_timer_taken(struct sig_info *entry, struct user_siginfo *info)
{
	struct posix_timer *pt = container_of(entry, struct posix_timer, entry);

	if (pt->is_armed && !pt->is_dying) {
		if (pt->interval_ns) {
			u64 periods = forward(pt, scale_now(pt));

			pt->overrun += periods ? periods - 1 : 0;
			start(pt, scale_now(pt) + PERIOD_MIN_NS);
		} else {
			pt->is_armed = false;
		}
	}
	pt->overrun_last = min(pt->overrun, 0x7fffffffull);
	pt->overrun = 0;
	info->timer.overrun = (s32)pt->overrun_last;
}

static void fire(struct timer *timer)
{
	struct posix_timer *pt = container_of(timer, struct posix_timer, timer);
	unsigned long flags = signal_lock(pt->process);

	/* Set anew between the interrupt and the lock: then it is not due. */
	if (scale_now(pt) >= pt->deadline_ns)
		expire(pt);
	signal_unlock(pt->process, flags);
}

static void fire_cpu(struct cpu_timer *t) { expire(container_of(t, struct posix_timer, cpu)); }

static struct posix_timer *find_locked(struct process *p, int id)
{
	struct posix_timer *pt;

	list_for_each(pt, &p->posix_timers, link)
		if (pt->id == id)
			return pt;
	return NULL;
}

/* Off the list and quiet; then frees it. */
static void destroy(struct posix_timer *pt)
{
	struct process *p = pt->process;
	unsigned long flags;

	timer_cancel_sync(&pt->timer);
	flags = signal_lock(p);
	if (!list_empty(&pt->entry.link))
		list_remove(&pt->entry.link);
	cpu_timer_cancel(&pt->cpu);
	p->sig.nr_queued--;
	signal_unlock(p, flags);
	if (pt->thread)
		thread_put(pt->thread);
	if (pt->cpu.thread)
		thread_put(pt->cpu.thread);
	kfree(pt);
}

static struct posix_timer *unlink_timer(struct process *p, int id, bool any)
{
	unsigned long flags = signal_lock(p);
	struct posix_timer *pt = any ? list_first(&p->posix_timers, struct posix_timer, link) : find_locked(p, id);

	if (pt) {
		list_remove(&pt->link);
		pt->is_dying = true;
	}
	signal_unlock(p, flags);
	return pt;
}

void posix_timers_delete(struct process *p)
{
	struct posix_timer *pt;

	while ((pt = unlink_timer(p, 0, true)))
		destroy(pt);
}

static long event_read(struct user_sigevent *e, const void __user *uevent, struct thread **target)
{
	*target = NULL;
	if (copy_from_user(e, uevent, sizeof(*e)))
		return -EFAULT;
	if (e->notify == SIGEV_NONE)
		return 0;
	if (e->signo < 1 || e->signo > NSIG)
		return -EINVAL;
	if (e->notify == SIGEV_SIGNAL || e->notify == SIGEV_THREAD)
		return 0;
	if (e->notify != SIGEV_THREAD_ID && e->notify != (SIGEV_THREAD_ID | SIGEV_SIGNAL))
		return -EINVAL;
	*target = thread_find(e->tid);
	if (*target && (*target)->process == current_process())
		return 0;
	if (*target)
		thread_put(*target);
	return -EINVAL;
}

/* 0; -EINVAL no such clock, -EOPNOTSUPP a clock without timers, -EPERM an alarm clock without the right. */
static int clock_check(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	case CLOCK_REALTIME_ALARM:	/* the machine never sleeps, so no clock has to wake it */
	case CLOCK_BOOTTIME_ALARM:
		return capable(CAP_WAKE_ALARM) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

static int timer_setup(struct posix_timer *pt, int clock)
{
	struct cpu_clock c;
	int err;

	timer_init(&pt->timer, fire);
	list_init(&pt->entry.link);
	list_init(&pt->cpu.link);
	pt->entry.is_embedded = true;
	pt->process = current_process();
	pt->clock = clock;
	if (clock >= 0 && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID)
		return clock_check(clock);
	err = cpu_clock_open(clock, &c);
	if (err)
		return err;
	if (c.process != pt->process)
		err = -EOPNOTSUPP;	/* another process's: its lock would have to be taken inside ours */
	pt->scale = ON_CPU;
	pt->cpu.fire = fire_cpu;
	pt->cpu.kind = c.kind;
	pt->cpu.thread = c.thread ? thread_get(c.thread) : NULL;
	cpu_clock_close(&c);
	return err;
}

/* Enters it into the process's list. -EAGAIN: as many as RLIMIT_SIGPENDING allows. */
static int publish(struct posix_timer *pt)
{
	struct process *p = pt->process;
	unsigned long flags = signal_lock(p);
	int err = p->sig.nr_queued < p->limits[RLIMIT_SIGPENDING].rlim_cur ? 0 : -EAGAIN;

	if (!err) {
		p->sig.nr_queued++;
		do {
			pt->id = p->next_timer_id;
			p->next_timer_id = (s32)((u32)(p->next_timer_id + 1) & 0x7fffffff);
		} while (find_locked(p, pt->id));
		list_push_back(&p->posix_timers, &pt->link);
	}
	signal_unlock(p, flags);
	return err;
}

long sys_timer_create(int clock, void __user *uevent, s32 __user *id)
{
	struct user_sigevent e = { .notify = SIGEV_SIGNAL, .signo = SIGALRM };
	struct posix_timer *pt = kzalloc(sizeof(*pt), 0);
	long err;

	if (!pt)
		return -EAGAIN;
	err = timer_setup(pt, clock);
	if (!err)
		err = uevent ? event_read(&e, uevent, &pt->thread) : 0;
	if (!err) {
		pt->notify = e.notify;
		pt->signo = e.signo;
		pt->value = e.value;
		err = publish(pt);
	}
	if (err) {
		if (pt->thread)
			thread_put(pt->thread);
		if (pt->cpu.thread)
			thread_put(pt->cpu.thread);
		kfree(pt);
		return err;
	}
	if (!uevent)
		pt->value = (u64)pt->id;
	if (!put_user(pt->id, id))
		return 0;
	pt = unlink_timer(current_process(), pt->id, false);
	if (pt)
		destroy(pt);
	return -EFAULT;
}

/* Lock held. What is left, on the clock it runs on; periods that nobody fires for (SIGEV_NONE) pass here. */
static void settings(struct posix_timer *pt, struct itimerspec64 *out)
{
	u64 now = scale_now(pt), left = 0;

	out->it_interval = timespec_of((s64)pt->interval_ns);
	if (pt->is_armed) {
		if (pt->interval_ns && (pt->notify == SIGEV_NONE || !list_empty(&pt->entry.link)))
			left = pt->deadline_ns + ((now >= pt->deadline_ns ? (now - pt->deadline_ns) / pt->interval_ns + 1 : 0) *
						  pt->interval_ns) - now;
		else if (pt->deadline_ns > now)
			left = pt->deadline_ns - now;
		else if (pt->notify != SIGEV_NONE && list_empty(&pt->entry.link))
			left = 1;	/* on its way */
	}
	out->it_value = timespec_of((s64)min(left, (u64)S64_MAX));
}

/* Lock held. */
static void set_locked(struct posix_timer *pt, bool is_absolute, u64 value, u64 interval)
{
	s64 tai = time_tai_offset_ns();

	stop(pt);	/* a callback on its way looks at the deadline again */
	pt->interval_ns = value ? interval : 0;
	pt->overrun = pt->overrun_last = 0;
	pt->is_armed = value != 0;
	if (!value)
		return;
	if (pt->scale != ON_CPU)
		pt->scale = is_absolute && (pt->clock == CLOCK_REALTIME || pt->clock == CLOCK_REALTIME_ALARM || pt->clock == CLOCK_TAI) ? ON_WALL : ON_MONOTONIC;
	if (pt->clock == CLOCK_TAI && is_absolute)
		value = value > (u64)tai ? value - (u64)tai : 0;
	pt->deadline_ns = is_absolute ? value : min(scale_now(pt) + value, (u64)S64_MAX);
	start(pt, 0);
}

long sys_timer_settime(int id, int tflags, const struct itimerspec64 __user *value,
		       struct itimerspec64 __user *uold)
{
	struct process *p = current_process();
	struct itimerspec64 new, old;
	struct posix_timer *pt;
	unsigned long flags;

	if (copy_from_user(&new, value, sizeof(new)))
		return -EFAULT;
	if (!timespec_ok(&new.it_value) || !timespec_ok(&new.it_interval))
		return -EINVAL;
	flags = signal_lock(p);
	pt = find_locked(p, id);
	if (pt) {
		settings(pt, &old);
		set_locked(pt, tflags & TIMER_ABSTIME, timespec_ns(&new.it_value), timespec_ns(&new.it_interval));
	}
	signal_unlock(p, flags);
	if (!pt)
		return -EINVAL;
	return uold ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

long sys_timer_gettime(int id, struct itimerspec64 __user *value)
{
	struct process *p = current_process();
	unsigned long flags = signal_lock(p);
	struct posix_timer *pt = find_locked(p, id);
	struct itimerspec64 now;

	if (pt)
		settings(pt, &now);
	signal_unlock(p, flags);
	return pt ? copy_to_user(value, &now, sizeof(now)) : -EINVAL;
}

long sys_timer_getoverrun(int id)
{
	struct process *p = current_process();
	unsigned long flags = signal_lock(p);
	struct posix_timer *pt = find_locked(p, id);
	long result = pt ? (long)pt->overrun_last : -EINVAL;

	signal_unlock(p, flags);
	return result;
}

long sys_timer_delete(int id)
{
	struct posix_timer *pt = unlink_timer(current_process(), id, false);

	if (!pt)
		return -EINVAL;
	destroy(pt);
	return 0;
}

/* One line group per timer for /proc/PID/timers; false: no timer with an id >= from. */
bool posix_timer_describe(struct process *p, s32 from, struct posix_timer_facts *out)
{
	unsigned long flags = signal_lock(p);
	struct posix_timer *pt, *found = NULL;

	list_for_each(pt, &p->posix_timers, link)
		if (pt->id >= from && (!found || pt->id < found->id))
			found = pt;
	if (found)
		*out = (struct posix_timer_facts){ found->id, found->signo, found->notify, found->clock, found->value,
						   found->thread ? found->thread->tid : p->pid };
	signal_unlock(p, flags);
	return found != NULL;
}
