/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real-time clocks for programs: /dev/rtc0 with Linux's rtc(4) ioctls, whatever the hardware. Only reading and setting touch the
 * hardware; update, alarm and periodic interrupts come from the kernel's timers: an update is seen by looking at the seconds
 * every few milliseconds while somebody asked for it, so it is in step with the clock itself.
 * Lock: rtc.lock for the hardware and all numbers; timers take it.
 */
#include "rtc.h"
#include "calendar.h"
#include <kernel/cred.h>
#include <kernel/fs.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/time.h>
#include <kernel/usercopy.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/rtc.h>

#define RTC_MAJOR 253			/* what Linux gives it mostly; the name is what counts */
#define LOOK_NS (5 * NSEC_PER_MSEC)	/* between two looks for an update */
#define RATE_MAX 8192
#define RATE_MAX_USER 64		/* without CAP_SYS_RESOURCE */
#define DAY (24 * 3600)

struct rtc {
	const char *name;		/* [b] */
	const struct rtc_ops *ops;	/* [b] */
	void *state;			/* [b] */
	struct spinlock lock;
	bool is_open;			/* lock: by one at a time */
	u64 events;			/* lock, read without: as a read gives them */
	bool has_alarm, has_updates, has_periods;	/* lock: which are on */
	s64 alarm;			/* lock: seconds */
	s64 last_second;		/* lock: seen by the last look */
	u64 rate;			/* lock: periodic interrupts a second */
	struct timer alarm_timer, update_timer, period_timer;
	struct waitq wait;
};

/* ---- events ---- */

/* Lock held. */
static void tell(struct rtc *r, u32 what)
{
	atomic_store(&r->events, ((r->events & ~0xffull) + 0x100) | (r->events & 0xff) | RTC_IRQF | what);
	waitq_wake(&r->wait, 1, POLLIN | POLLRDNORM);
}

static void look_for_update(struct timer *t)
{
	struct rtc *r = container_of(t, struct rtc, update_timer);
	unsigned long flags = spin_lock_irqsave(&r->lock);
	s64 now;

	if (r->has_updates) {
		if (!r->ops->read(r->state, &now) && now != r->last_second) {
			r->last_second = now;
			tell(r, RTC_UF);
		}
		timer_arm(&r->update_timer, time_ns() + LOOK_NS, 0);
	}
	spin_unlock_irqrestore(&r->lock, flags);
}

/* The clock may have been set since: looks whether it is time. Lock held. */
static void alarm_arm(struct rtc *r)
{
	s64 now;

	if (!r->has_alarm || r->ops->read(r->state, &now))
		return;
	if (r->alarm > now) {
		timer_arm(&r->alarm_timer, time_ns() + min((u64)(r->alarm - now), 3600ull) * NSEC_PER_SEC, 0);
		return;
	}
	r->has_alarm = false;
	tell(r, RTC_AF);
}

static void alarm_fired(struct timer *t)
{
	struct rtc *r = container_of(t, struct rtc, alarm_timer);
	unsigned long flags = spin_lock_irqsave(&r->lock);

	alarm_arm(r);
	spin_unlock_irqrestore(&r->lock, flags);
}

static void period_passed(struct timer *t)
{
	struct rtc *r = container_of(t, struct rtc, period_timer);
	unsigned long flags = spin_lock_irqsave(&r->lock);

	if (r->has_periods) {
		tell(r, RTC_PF);
		timer_arm(&r->period_timer, max(t->deadline_ns + NSEC_PER_SEC / r->rate, time_ns()), 0);
	}
	spin_unlock_irqrestore(&r->lock, flags);
}

/* ---- ioctls; lock not held ---- */

static int rtc_now(struct rtc *r, s64 *seconds)
{
	unsigned long flags = spin_lock_irqsave(&r->lock);
	int err = r->ops->read(r->state, seconds);

	spin_unlock_irqrestore(&r->lock, flags);
	return err;
}

static long time_read(struct rtc *r, void __user *out)
{
	struct user_rtc_time t;
	s64 seconds;
	int err = rtc_now(r, &seconds);

	if (err)
		return err;
	calendar_fields(seconds, &t);
	return copy_to_user(out, &t, sizeof(t));
}

/* A program's fields. 0 or -EINVAL. */
static int seconds_of(const struct user_rtc_time *t, s64 *seconds)
{
	struct user_rtc_time back;
	int err;

	if (t->year < 70 || t->year > 8099 || t->mon < 0 || t->mon > 11 || t->mday < 1 || t->hour < 0 || t->min < 0 ||
	    t->sec < 0 || t->sec > 59)
		return -EINVAL;
	err = calendar_seconds((u32)t->year + 1900, (u32)t->mon + 1, (u32)t->mday, (u32)t->hour, (u32)t->min, (u32)t->sec, seconds);
	if (err)
		return err;
	calendar_fields(*seconds, &back);	/* the 30th of February became another day */
	return back.mday == t->mday ? 0 : -EINVAL;
}

static long time_set(struct rtc *r, const void __user *in)
{
	struct user_rtc_time t;
	unsigned long flags;
	s64 seconds;
	int err;

	if (!capable(CAP_SYS_TIME))
		return -EACCES;
	if (copy_from_user(&t, in, sizeof(t)))
		return -EFAULT;
	err = seconds_of(&t, &seconds);
	if (err)
		return err;
	flags = spin_lock_irqsave(&r->lock);
	err = r->ops->set(r->state, seconds);
	alarm_arm(r);
	spin_unlock_irqrestore(&r->lock, flags);
	return err;
}

static long alarm_at(struct rtc *r, s64 when, bool is_on)
{
	unsigned long flags = spin_lock_irqsave(&r->lock);

	timer_cancel(&r->alarm_timer);
	r->alarm = when;
	r->has_alarm = is_on;
	alarm_arm(r);
	spin_unlock_irqrestore(&r->lock, flags);
	return 0;
}

/* RTC_ALM_SET: hour, minute and second count: the next such moment. It stays off until RTC_AIE_ON. */
static long alarm_of_day(struct rtc *r, const void __user *in)
{
	struct user_rtc_time t;
	s64 now, when;
	int err;

	if (copy_from_user(&t, in, sizeof(t)))
		return -EFAULT;
	if (t.hour < 0 || t.hour > 23 || t.min < 0 || t.min > 59 || t.sec < 0 || t.sec > 59)
		return -EINVAL;
	err = rtc_now(r, &now);
	if (err)
		return err;
	when = now - now % DAY + (t.hour * 60 + t.min) * 60 + t.sec;
	return alarm_at(r, when <= now ? when + DAY : when, false);
}

static long alarm_set(struct rtc *r, const void __user *in)
{
	struct user_rtc_wkalrm a;
	s64 when;
	int err;

	if (copy_from_user(&a, in, sizeof(a)))
		return -EFAULT;
	err = seconds_of(&a.time, &when);
	return err ? err : alarm_at(r, when, a.enabled);
}

static long alarm_read(struct rtc *r, void __user *out, bool is_whole)
{
	struct user_rtc_wkalrm a = {};
	unsigned long flags = spin_lock_irqsave(&r->lock);
	s64 when = r->alarm;

	a.enabled = r->has_alarm;
	a.pending = (r->events & RTC_AF) != 0;
	spin_unlock_irqrestore(&r->lock, flags);
	calendar_fields(when, &a.time);
	return is_whole ? copy_to_user(out, &a, sizeof(a)) : copy_to_user(out, &a.time, sizeof(a.time));
}

static long alarm_switch(struct rtc *r, bool is_on)
{
	unsigned long flags = spin_lock_irqsave(&r->lock);

	r->has_alarm = is_on;
	alarm_arm(r);		/* one that is past comes at once */
	spin_unlock_irqrestore(&r->lock, flags);
	return 0;
}

static long updates_switch(struct rtc *r, bool is_on)
{
	unsigned long flags = spin_lock_irqsave(&r->lock);
	int err = is_on ? r->ops->read(r->state, &r->last_second) : 0;

	if (!err)
		r->has_updates = is_on;
	if (r->has_updates)
		timer_arm(&r->update_timer, time_ns() + LOOK_NS, 0);
	spin_unlock_irqrestore(&r->lock, flags);
	return err;
}

static long periods_switch(struct rtc *r, bool is_on)
{
	unsigned long flags = spin_lock_irqsave(&r->lock);
	long err = is_on && r->rate > RATE_MAX_USER && !capable(CAP_SYS_RESOURCE) ? -EACCES : 0;

	if (!err) {
		r->has_periods = is_on;
		if (is_on)
			timer_arm(&r->period_timer, time_ns() + NSEC_PER_SEC / r->rate, 0);
	}
	spin_unlock_irqrestore(&r->lock, flags);
	return err;
}

static long rate_set(struct rtc *r, u64 rate)
{
	unsigned long flags;

	if (!rate || rate > RATE_MAX)
		return -EINVAL;
	if (rate > RATE_MAX_USER && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	flags = spin_lock_irqsave(&r->lock);
	r->rate = rate;
	spin_unlock_irqrestore(&r->lock, flags);
	return 0;
}

static long rtc_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct rtc *r = f->private;
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case RTC_RD_TIME:
		return time_read(r, p);
	case RTC_SET_TIME:
		return time_set(r, p);
	case RTC_ALM_SET:
		return alarm_of_day(r, p);
	case RTC_ALM_READ:
		return alarm_read(r, p, false);
	case RTC_WKALM_SET:
		return alarm_set(r, p);
	case RTC_WKALM_RD:
		return alarm_read(r, p, true);
	case RTC_AIE_ON:
	case RTC_AIE_OFF:
		return alarm_switch(r, cmd == RTC_AIE_ON);
	case RTC_UIE_ON:
	case RTC_UIE_OFF:
		return updates_switch(r, cmd == RTC_UIE_ON);
	case RTC_PIE_ON:
	case RTC_PIE_OFF:
		return periods_switch(r, cmd == RTC_PIE_ON);
	case RTC_IRQP_READ:
		return put_user(atomic_load(&r->rate), (u64 __user *)p);
	case RTC_IRQP_SET:
		return rate_set(r, arg);
	default:
		return -ENOTTY;
	}
}

/* ---- the file ---- */

static int rtc_open(struct inode *inode, struct file *f)
{
	struct rtc *r = f->private;
	unsigned long flags = spin_lock_irqsave(&r->lock);
	int err = r->is_open ? -EBUSY : 0;

	if (!err) {
		r->is_open = true;
		r->events = 0;
	}
	spin_unlock_irqrestore(&r->lock, flags);
	return err;
}

/* An alarm outlives the file, as on Linux. */
static void rtc_release(struct file *f)
{
	struct rtc *r = f->private;
	unsigned long flags = spin_lock_irqsave(&r->lock);

	r->has_updates = r->has_periods = r->is_open = false;
	spin_unlock_irqrestore(&r->lock, flags);
}

static u64 take_events(struct rtc *r)
{
	unsigned long flags = spin_lock_irqsave(&r->lock);
	u64 events = r->events;

	atomic_store(&r->events, (u64)0);
	spin_unlock_irqrestore(&r->lock, flags);
	return events;
}

static ssize_t rtc_read(struct file *f, struct uio *to, off_t *pos)
{
	struct rtc *r = f->private;
	size_t size = to->count == sizeof(u32) ? sizeof(u32) : sizeof(u64);	/* int or long */
	u64 events;

	if (to->count < size)
		return -EINVAL;
	while (!(events = take_events(r))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait_interruptible(&r->wait, atomic_load(&r->events)))
			return -ERESTARTSYS;
	}
	return uio_copy_out(to, &events, size) == size ? (ssize_t)size : -EFAULT;
}

static u32 rtc_poll(struct file *f, struct poll_table *t)
{
	struct rtc *r = f->private;

	poll_wait(t, f, &r->wait);
	return atomic_load(&r->events) ? POLLIN | POLLRDNORM : 0;
}

static const struct file_ops rtc_file_ops = {
	.open = rtc_open,
	.release = rtc_release,
	.read = rtc_read,
	.poll = rtc_poll,
	.ioctl = rtc_ioctl,
};

int rtc_register(const char *name, const struct rtc_ops *ops, void *state)
{
	static u32 count;
	struct rtc *r = kzalloc(sizeof(*r) + 8, 0);
	u32 number;
	char *node;
	s64 seconds;
	int err;

	if (!r)
		return -ENOMEM;
	node = (char *)(r + 1);
	*r = (struct rtc){ .name = name, .ops = ops, .state = state, .rate = 1 };
	spin_init(&r->lock, "rtc", LOCK_TIMERFD);
	waitq_init(&r->wait);
	timer_init(&r->alarm_timer, alarm_fired);
	timer_init(&r->update_timer, look_for_update);
	timer_init(&r->period_timer, period_passed);
	err = rtc_now(r, &seconds);
	if (err) {
		log_warn("rtc: %s shows no valid time", name);
		kfree(r);
		return err;
	}
	time_wall_set(seconds * (s64)NSEC_PER_SEC);
	number = atomic_fetch_add(&count, 1u);
	snprintf(node, 8, "rtc%u", number);
	err = chardev_register(MKDEV(RTC_MAJOR, number), "rtc", node, 0600, &rtc_file_ops, r);
	if (err)
		kfree(r);
	return err;
}
