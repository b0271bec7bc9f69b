/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd: pending signals of the reader as records in a file. What is pending is the signal code's (its lock); the
 * file keeps a mask only. All signalfds share one wait queue, signalfd_wait: a file may be polled by several processes and each
 * sees its own signals.
 */
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/event.h>

struct signalfd {
	u64 mask;			/* [a] wanted signals */
};
static const struct file_ops signalfd_ops;

/* From now on posting a signal to us wakes the queue. */
static void note_user(void)
{
	struct process *p = current_process();

	if (!atomic_load(&p->sig.uses_signalfd)) {
		atomic_store(&p->sig.uses_signalfd, true);
		atomic_fence_full();	/* before we look at what is pending; pairs with the signal lock of the sender */
	}
}

static void record_of(const struct user_siginfo *i, struct user_signalfd_siginfo *r)
{
	memset(r, 0, sizeof(*r));
	r->signo = (u32)i->signo;
	r->err = i->err;
	r->code = i->code;
	if (i->code == SI_TIMER) {
		r->tid = (u32)i->timer.tid;
		r->overrun = (u32)i->timer.overrun;
		r->value_ptr = i->timer.value;
		r->value_int = (s32)i->timer.value;
	} else if (i->signo == SIGCHLD && i->code > 0) {
		r->pid = (u32)i->child.pid;
		r->uid = i->child.uid;
		r->status = i->child.status;
		r->utime = (u64)i->child.utime;
		r->stime = (u64)i->child.stime;
	} else if (i->code > 0 && i->code < 0x80 && (i->signo == SIGSEGV || i->signo == SIGBUS || i->signo == SIGILL || i->signo == SIGFPE)) {
		r->addr = i->fault.addr;
	} else if (i->code >= POLL_IN && i->code <= POLL_HUP) {	/* SIGIO, or what F_SETSIG chose */
		r->band = (u32)i->poll.band;
		r->fd = i->poll.fd;
	} else {
		r->pid = (u32)i->rt.pid;
		r->uid = i->rt.uid;
		if (i->code < 0) {
			r->value_ptr = i->rt.value;
			r->value_int = (s32)i->rt.value;
		}
	}
}

static ssize_t signalfd_read(struct file *f, struct uio *to, off_t *pos)
{
	struct signalfd *s = f->private;
	struct user_signalfd_siginfo record;
	struct user_siginfo info;
	ssize_t done = 0;
	int sig = 0;

	if (to->count < sizeof(record))
		return -EINVAL;
	note_user();
	while (to->count >= sizeof(record)) {
		sig = signal_take_pending(atomic_load(&s->mask), &info);
		if (!sig && done)
			break;
		if (!sig && f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (!sig && waitq_wait_interruptible(&signalfd_wait, (sig = signal_take_pending(atomic_load(&s->mask), &info)) != 0))
			return -ERESTARTSYS;
		record_of(&info, &record);
		if (uio_copy_out(to, &record, sizeof(record)) < sizeof(record))
			return done ? done : -EFAULT;
		done += (ssize_t)sizeof(record);
	}
	return done;
}

static u32 signalfd_poll(struct file *f, struct poll_table *t)
{
	struct signalfd *s = f->private;

	note_user();
	poll_wait(t, f, &signalfd_wait);
	return signal_pending_set() & atomic_load(&s->mask) ? POLLIN : 0;
}

static void signalfd_release(struct file *f) { kfree(f->private); }

static int signalfd_fdinfo(struct file *f, char *buf, size_t size)
{
	struct signalfd *s = f->private;

	return snprintf(buf, size, "sigmask:\t%016llx\n", (unsigned long long)atomic_load(&s->mask));
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.show_fdinfo = signalfd_fdinfo,
};

static long signalfd_new(u64 mask, int flags)
{
	struct signalfd *s = kmalloc(sizeof(*s), 0);
	struct file *f;
	int fd;

	if (!s)
		return -ENOMEM;
	s->mask = mask;
	f = file_anon("anon_inode:[signalfd]", &signalfd_ops, s, O_RDWR | (flags & SFD_NONBLOCK), 0600);
	if (is_err(f)) {
		kfree(s);
		return ptr_err(f);
	}
	fd = fd_install(f, 0, flags & SFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long signalfd_change(int fd, u64 mask)
{
	struct file *f = fd_get(fd);
	struct signalfd *s;

	if (!f)
		return -EBADF;
	if (f->ops != &signalfd_ops) {
		file_put(f);
		return -EINVAL;
	}
	s = f->private;
	atomic_store(&s->mask, mask);
	waitq_wake_all(&signalfd_wait);
	file_put(f);
	return fd;
}

long sys_signalfd4(int fd, const u64 __user *mask, size_t setsize, int flags)
{
	u64 m;

	if (setsize != sizeof(m))
		return -EINVAL;
	if (get_user(m, mask))
		return -EFAULT;
	if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	m &= ~(sig_bit(SIGKILL) | sig_bit(SIGSTOP));
	return fd == -1 ? signalfd_new(m, flags) : signalfd_change(fd, m);
}

long sys_signalfd(int fd, const u64 __user *mask, size_t setsize) { return sys_signalfd4(fd, mask, setsize, 0); }
