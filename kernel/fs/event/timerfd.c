/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd: a file whose reads give the number of expirations. A periodic timer waits after each expiration until
 * somebody asks; what passed meanwhile is counted then, so however short its interval, it cannot flood. The clocks that
 * would wake a sleeping machine are the plain ones: this machine does not sleep.
 * Lock: timerfd.lock, taken by the timer's interrupt.
 */
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>
#include <lib/format.h>
#include <uapi/capability.h>
#include <uapi/event.h>

struct timerfd {
	struct spinlock lock;
	struct timer timer;
	struct clock_watch watch;	/* on the wall clock's timers only */
	int clock;			/* [b] */
	int flags;			/* lock: of the last settime */
	bool is_wall;			/* lock: deadline is the wall clock's */
	bool is_armed;			/* lock */
	bool has_expired;		/* lock: and was not forwarded since */
	bool cancels, is_cancelled;	/* lock: TFD_TIMER_CANCEL_ON_SET; the clock was set */
	u64 deadline_ns, interval_ns;	/* lock */
	u64 ticks;			/* lock; read without */
	struct waitq wait;
};
static const struct file_ops timerfd_ops;

static bool is_wall_clock(int clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM; }

static u64 scale_now(const struct timerfd *t)
{
	return t->is_wall ? (u64)max(time_wall_ns(), (s64)0) : time_ns();
}

/* Lock held. */
static void start(struct timerfd *t)
{
	if (t->is_wall)
		timer_arm_wall(&t->timer, t->deadline_ns, 0);
	else
		timer_arm(&t->timer, t->deadline_ns, 0);
}

static void fire(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	unsigned long flags = spin_lock_irqsave(&t->lock);

	/* Set anew between the interrupt and the lock: then it is not due. */
	if (t->is_armed && !t->has_expired && scale_now(t) >= t->deadline_ns) {
		t->has_expired = true;
		atomic_store(&t->ticks, t->ticks + 1);
		waitq_wake(&t->wait, 1, POLLIN);
	}
	spin_unlock_irqrestore(&t->lock, flags);
}

static void clock_was_set(struct clock_watch *w)
{
	struct timerfd *t = container_of(w, struct timerfd, watch);
	unsigned long flags = spin_lock_irqsave(&t->lock);

	if (t->cancels) {
		t->is_cancelled = true;
		atomic_store(&t->ticks, t->ticks + 1);
		waitq_wake(&t->wait, 1, POLLIN);
	}
	spin_unlock_irqrestore(&t->lock, flags);
}

/* Lock held: the periods that passed since the expiration, and the timer goes on. */
static void forward(struct timerfd *t)
{
	u64 now = scale_now(t), periods = 0;

	if (!t->has_expired)
		return;
	if (!t->interval_ns) {
		t->is_armed = false;
		return;
	}
	if (now >= t->deadline_ns)
		periods = (now - t->deadline_ns) / t->interval_ns + 1;
	t->deadline_ns += periods * t->interval_ns;
	if (periods)
		atomic_store(&t->ticks, t->ticks + periods - 1);
	t->has_expired = false;
	start(t);
}

/* What a read gives: a count, 0 nothing yet, -ECANCELED. */
static s64 take(struct timerfd *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	s64 result;

	if (t->is_cancelled) {
		t->is_cancelled = false;
		result = -ECANCELED;	/* the program shall look at the clock and set the timer again */
	} else {
		if (t->ticks)
			forward(t);
		result = (s64)min(t->ticks, (u64)S64_MAX);
	}
	if (result)
		atomic_store(&t->ticks, (u64)0);
	spin_unlock_irqrestore(&t->lock, flags);
	return result;
}

static ssize_t timerfd_read(struct file *f, struct uio *to, off_t *pos)
{
	struct timerfd *t = f->private;
	s64 n;

	if (to->count < sizeof(u64))
		return -EINVAL;
	while (!(n = take(t))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait_events(&t->wait, atomic_load(&t->ticks), POLLIN, SLEEP_INTERRUPTIBLE, U64_MAX, false))
			return -ERESTARTSYS;
	}
	if (n < 0)
		return (ssize_t)n;
	return uio_copy_out(to, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static u32 timerfd_poll(struct file *f, struct poll_table *table)
{
	struct timerfd *t = f->private;

	poll_wait(table, f, &t->wait);
	return atomic_load(&t->ticks) ? POLLIN : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->private;

	if (is_wall_clock(t->clock))
		clock_watch_remove(&t->watch);
	timer_cancel_sync(&t->timer);
	kfree(t);
}

/* Lock held. */
static void settings(struct timerfd *t, struct itimerspec64 *out)
{
	u64 now = scale_now(t), left = 0;

	if (t->interval_ns)
		forward(t);
	if (t->is_armed && !t->has_expired)
		left = t->deadline_ns > now ? t->deadline_ns - now : 1;
	out->it_interval = timespec_of((s64)t->interval_ns);
	out->it_value = timespec_of((s64)min(left, (u64)S64_MAX));
}

static int timerfd_fdinfo(struct file *f, char *buf, size_t size)
{
	struct timerfd *t = f->private;
	unsigned long flags = spin_lock_irqsave(&t->lock);
	struct itimerspec64 v;
	u64 ticks, now = scale_now(t), left = t->is_armed && !t->has_expired && t->deadline_ns > now ? t->deadline_ns - now : 0;
	int how = t->flags;

	ticks = t->ticks;
	v.it_interval = timespec_of((s64)t->interval_ns);
	v.it_value = timespec_of((s64)min(left, (u64)S64_MAX));
	spin_unlock_irqrestore(&t->lock, flags);
	return snprintf(buf, size, "clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n",
			t->clock, (unsigned long long)ticks, (unsigned)how,
			(unsigned long long)v.it_value.tv_sec, (unsigned long long)v.it_value.tv_nsec,
			(unsigned long long)v.it_interval.tv_sec, (unsigned long long)v.it_interval.tv_nsec);
}

/* TFD_IOC_SET_TICKS: for restoring a saved program. */
static long timerfd_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct timerfd *t = f->private;
	unsigned long flags;
	long err = 0;
	u64 ticks;

	if (cmd != TFD_IOC_SET_TICKS)
		return -ENOTTY;
	if (get_user(ticks, (const u64 __user *)arg))
		return -EFAULT;
	if (!ticks)
		return -EINVAL;
	flags = spin_lock_irqsave(&t->lock);
	if (t->is_cancelled) {
		t->is_cancelled = false;
		err = -ECANCELED;
	} else {
		atomic_store(&t->ticks, ticks);
		waitq_wake(&t->wait, 1, POLLIN);
	}
	spin_unlock_irqrestore(&t->lock, flags);
	return err;
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.ioctl = timerfd_ioctl,
	.release = timerfd_release,
	.show_fdinfo = timerfd_fdinfo,
};

long sys_timerfd_create(int clock, int flags)
{
	bool is_alarm = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
	struct timerfd *t;
	struct file *f;
	int fd;

	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && !is_wall_clock(clock) && !is_alarm)
		return -EINVAL;
	if (is_alarm && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	t = kzalloc(sizeof(*t), 0);
	if (!t)
		return -ENOMEM;
	spin_init(&t->lock, "timerfd", LOCK_TIMERFD);
	timer_init(&t->timer, fire);
	waitq_init(&t->wait);
	t->clock = clock;
	t->watch.fn = clock_was_set;
	f = file_anon("anon_inode:[timerfd]", &timerfd_ops, t, O_RDWR | (flags & TFD_NONBLOCK), 0600);
	if (is_err(f)) {
		kfree(t);
		return ptr_err(f);
	}
	if (is_wall_clock(clock))
		clock_watch_add(&t->watch);
	fd = fd_install(f, 0, flags & TFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* The timerfd behind a descriptor, referenced. -EBADF, -EINVAL: another kind of file. */
static struct file *timerfd_get(int fd)
{
	struct file *f = fd_get(fd);

	if (!f)
		return err_ptr(-EBADF);
	if (f->ops == &timerfd_ops)
		return f;
	file_put(f);
	return err_ptr(-EINVAL);
}

/* Lock held. -ECANCELED: the clock was set since it was last looked at; the timer runs nevertheless. */
static long set_locked(struct timerfd *t, int how, u64 value, u64 interval)
{
	bool is_absolute = how & TFD_TIMER_ABSTIME;
	long result = 0;

	timer_cancel(&t->timer);	/* a callback on its way looks at the numbers again */
	t->cancels = is_wall_clock(t->clock) && is_absolute && (how & TFD_TIMER_CANCEL_ON_SET);
	if (!t->cancels)
		t->is_cancelled = false;
	t->has_expired = false;
	atomic_store(&t->ticks, (u64)0);
	t->interval_ns = interval;
	t->is_armed = value != 0;
	if (value) {
		t->is_wall = is_absolute && is_wall_clock(t->clock);
		t->deadline_ns = is_absolute ? value : min(time_ns() + value, (u64)S64_MAX);
		start(t);
		if (t->is_cancelled) {
			t->is_cancelled = false;
			result = -ECANCELED;
		}
	}
	t->flags = how;
	return result;
}

long sys_timerfd_settime(int fd, int how, const struct itimerspec64 __user *value, struct itimerspec64 __user *uold)
{
	struct itimerspec64 new, old;
	struct timerfd *t;
	unsigned long flags;
	struct file *f;
	long result;

	if (copy_from_user(&new, value, sizeof(new)))
		return -EFAULT;
	if ((how & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) || !timespec_ok(&new.it_value) ||
	    !timespec_ok(&new.it_interval))
		return -EINVAL;
	f = timerfd_get(fd);
	if (is_err(f))
		return ptr_err(f);
	t = f->private;
	flags = spin_lock_irqsave(&t->lock);
	settings(t, &old);
	result = set_locked(t, how, timespec_ns(&new.it_value), timespec_ns(&new.it_interval));
	spin_unlock_irqrestore(&t->lock, flags);
	file_put(f);
	if (result)
		return result;
	return uold ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

long sys_timerfd_gettime(int fd, struct itimerspec64 __user *value)
{
	struct file *f = timerfd_get(fd);
	struct itimerspec64 now;
	struct timerfd *t;
	unsigned long flags;

	if (is_err(f))
		return ptr_err(f);
	t = f->private;
	flags = spin_lock_irqsave(&t->lock);
	settings(t, &now);
	spin_unlock_irqrestore(&t->lock, flags);
	file_put(f);
	return copy_to_user(value, &now, sizeof(now));
}
