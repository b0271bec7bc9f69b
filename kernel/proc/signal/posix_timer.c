/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer_create and its family. Each timer brings its own queue entry, so that firing (interrupt context)
 * never allocates; while that is still queued, further expirations count as overrun. Lock: the
 * signal lock for the list, the entry and the counts.
 */
#include "../proc.h"
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>
#include <lib/string.h>



struct posix_timer {
	struct list link;		/* process.posix_timers */
	struct process *process;
	struct thread *thread;		/* SIGEV_THREAD_ID: reference; NULL: the process */
	struct timer timer;
	struct sig_info entry;
	s32 id;
	int clock, notify, signo;
	u64 value;			/* sigev_value */
	u64 interval_ns;
	s32 overrun, overrun_last;
	bool is_dying;
};

static void fire(struct timer *timer)
{
	struct posix_timer *pt = container_of(timer, struct posix_timer, timer);
	struct process *p = pt->process;
	unsigned long flags = signal_lock(p);
	u64 now = time_ns(), next = timer->deadline_ns;

	if (pt->interval_ns) {
		u64 missed = (now - next) / pt->interval_ns;

		next += (missed + 1) * pt->interval_ns;
		pt->overrun += (s32)min(missed, 0x7fffull);
	}
	if (pt->notify != SIGEV_NONE && !pt->is_dying) {
		if (!list_empty(&pt->entry.link)) {
			pt->overrun++;
		} else {
			struct user_siginfo info = { .signo = pt->signo, .code = SI_TIMER };

			info.timer.tid = pt->id;
			info.timer.overrun = pt->overrun;
			info.timer.value = pt->value;
			pt->overrun_last = pt->overrun;
			pt->overrun = 0;
			(void)signal_post(p, pt->thread, pt->signo, &info, &pt->entry, false);
		}
	}
	if (pt->interval_ns && !pt->is_dying)
		timer_arm(timer, next, 0);
	signal_unlock(p, flags);
}

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
	timer_cancel_sync(&pt->timer);
	flags = signal_lock(p);
	if (!list_empty(&pt->entry.link))
		list_remove(&pt->entry.link);
	signal_unlock(p, flags);
	if (pt->thread)
		thread_put(pt->thread);
	kfree(pt);
}

static struct posix_timer *unlink_timer(struct process *p, int id, bool any)
{
	unsigned long flags = signal_lock(p);
	struct posix_timer *pt = any ? list_first(&p->posix_timers, struct posix_timer, link) : find_locked(p, id);

	if (pt) {
		list_remove(&pt->link);
		pt->is_dying = true;
		pt->interval_ns = 0;
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

long sys_timer_create(int clock, void __user *uevent, s32 __user *id)
{
	struct process *p = current_process();
	struct user_sigevent e = { .notify = SIGEV_SIGNAL, .signo = SIGALRM };
	struct thread *target = NULL;
	struct posix_timer *pt;
	unsigned long flags;
	long err;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return -EINVAL;
	err = uevent ? event_read(&e, uevent, &target) : 0;
	if (err)
		return err;
	pt = kzalloc(sizeof(*pt), 0);
	if (!pt) {
		if (target)
			thread_put(target);
		return -EAGAIN;
	}
	list_init(&pt->entry.link);
	pt->entry.is_embedded = true;
	timer_init(&pt->timer, fire);
	pt->process = p;
	pt->thread = target;
	pt->clock = clock;
	pt->notify = e.notify;
	pt->signo = e.signo;
	flags = signal_lock(p);
	pt->id = p->next_timer_id++;
	pt->value = uevent ? e.value : (u64)pt->id;
	list_push_back(&p->posix_timers, &pt->link);
	signal_unlock(p, flags);
	if (!put_user(pt->id, id))
		return 0;
	destroy(unlink_timer(p, pt->id, false));
	return -EFAULT;
}

/* Monotonic deadline of an absolute time on the timer's clock. */
static u64 absolute_deadline(int clock, u64 ns)
{
	s64 now = clock == CLOCK_REALTIME ? time_wall_ns() : clock == CLOCK_BOOTTIME ? (s64)time_boot_ns() : (s64)time_ns();
	s64 wait = (s64)ns - now;

	return time_ns() + (u64)max(wait, (s64)1);
}

static void settings(struct posix_timer *pt, struct itimerspec64 *out)
{
	u64 now = time_ns();

	out->it_interval = timespec_of((s64)pt->interval_ns);
	out->it_value = timespec_of((s64)(pt->timer.base && pt->timer.deadline_ns > now ? pt->timer.deadline_ns - now : 0));
}

long sys_timer_settime(int id, int tflags, const struct itimerspec64 __user *value,
		       struct itimerspec64 __user *uold)
{
	struct process *p = current_process();
	struct itimerspec64 new, old;
	struct posix_timer *pt;
	unsigned long flags;
	u64 ns;

	if (copy_from_user(&new, value, sizeof(new)))
		return -EFAULT;
	if (!timespec_ok(&new.it_value) || !timespec_ok(&new.it_interval))
		return -EINVAL;
	ns = timespec_ns(&new.it_value);
	flags = signal_lock(p);
	pt = find_locked(p, id);
	if (pt) {
		settings(pt, &old);
		timer_cancel(&pt->timer);	/* a callback on its way waits for our lock and fires once more at worst */
		pt->interval_ns = ns ? timespec_ns(&new.it_interval) : 0;
		pt->overrun = pt->overrun_last = 0;
		if (ns)
			timer_arm(&pt->timer, (tflags & TIMER_ABSTIME) ? absolute_deadline(pt->clock, ns) : time_ns() + ns, 0);
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
	long result = pt ? pt->overrun_last : -EINVAL;

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
