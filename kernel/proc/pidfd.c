/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfds: descriptors that stand for a process, not for a number that may be given to another. The file holds a reference,
 * so the struct outlives the process; whether it has ended is process.has_ended, told through end_wait. With PIDFD_THREAD it
 * stands for one thread.
 */
#include "pidfd.h"
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <lib/format.h>

struct pidfd {
	struct process *process;	/* [b] reference */
	struct thread *thread;		/* [b] reference; NULL: the process as a whole */
};

static void pidfd_release(struct file *f)
{
	struct pidfd *d = f->private;

	if (d->thread)
		thread_put(d->thread);
	process_put(d->process);
	kfree(d);
}

/* Is it still known by its number: alive, or a zombie? */
static bool is_known(const struct pidfd *d)
{
	const void *now;

	epoch_enter();
	if (d->thread)
		now = pid_thread_peek(d->thread->tid);
	else
		now = pid_process_peek(d->process->pid);
	epoch_exit();
	return now == (d->thread ? (const void *)d->thread : d->process);
}

static u32 pidfd_poll(struct file *f, struct poll_table *t)
{
	struct pidfd *d = f->private;
	bool has_ended;

	poll_wait(t, f, &d->process->end_wait);
	has_ended = d->thread ? READ_ONCE(d->thread->exiting) : atomic_load(&d->process->has_ended);
	if (!has_ended)
		return 0;
	return POLLIN | POLLRDNORM | (is_known(d) ? 0 : POLLHUP);
}

static int pidfd_fdinfo(struct file *f, char *buf, size_t size)
{
	struct pidfd *d = f->private;
	pid_t pid = !is_known(d) ? -1 : d->thread ? d->thread->tid : d->process->pid;

	return snprintf(buf, size, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_fdinfo,
};

struct file *pidfd_file(struct process *p, struct thread *t, u32 flags)
{
	struct pidfd *d = kmalloc(sizeof(*d), 0);
	struct file *f;

	if (!d)
		return err_ptr(-ENOMEM);
	d->process = process_get(p);
	d->thread = t ? thread_get(t) : NULL;
	f = file_anon("anon_inode:[pidfd]", &pidfd_ops, d, O_RDWR | flags, 0600);
	if (is_err(f)) {
		if (t)
			thread_put(t);
		process_put(p);
		kfree(d);
	}
	return f;
}

/* Referenced. err_ptr: -EBADF. */
static struct file *pidfd_get(int fd)
{
	struct file *f = fd_get(fd);

	if (f && f->ops != &pidfd_ops) {
		file_put(f);
		f = NULL;
	}
	return f ? f : err_ptr(-EBADF);
}

struct process *pidfd_process(int fd, u32 *flags)
{
	struct file *f = pidfd_get(fd);
	struct process *p;

	if (is_err(f))
		return err_ptr(ptr_err(f));
	p = process_get(((struct pidfd *)f->private)->process);
	*flags = f->flags;
	file_put(f);
	return p;
}

static struct file *open_process(pid_t pid, u32 flags)
{
	struct process *p = process_find(pid);
	struct thread *t;
	struct file *f;

	if (p) {
		f = pidfd_file(p, NULL, flags);
		process_put(p);
		return f;
	}
	t = thread_find(pid);
	if (t)
		thread_put(t);
	return err_ptr(t ? -EINVAL : -ESRCH);	/* a thread that leads no process */
}

static struct file *open_thread(pid_t tid, u32 flags)
{
	struct thread *t = thread_find(tid);
	struct file *f;

	if (!t)
		return err_ptr(-ESRCH);
	assert(t->process);		/* only programs' threads have numbers */
	f = pidfd_file(t->process, t, flags | PIDFD_THREAD);
	thread_put(t);
	return f;
}

long sys_pidfd_open(pid_t pid, u32 flags)
{
	struct file *f;
	int fd;

	if (flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD) || pid <= 0)
		return -EINVAL;
	f = flags & PIDFD_THREAD ? open_thread(pid, flags & PIDFD_NONBLOCK) : open_process(pid, flags);
	if (is_err(f))
		return ptr_err(f);
	fd = fd_install(f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

enum reach { REACH_THREAD, REACH_PROCESS, REACH_GROUP };

/* What the program wants to say, or what kill would. 0, -EFAULT, -EINVAL, -EPERM: forged for somebody else. */
static int read_info(struct user_siginfo *info, const void __user *uinfo, int sig, const struct pidfd *to, enum reach reach)
{
	bool is_me = to->process == current_process() && (!to->thread || to->thread == current) && reach != REACH_GROUP;

	if (!uinfo) {
		*info = (struct user_siginfo){ .signo = sig, .code = reach == REACH_THREAD ? SI_TKILL : SI_USER };
		info->rt.pid = current_process()->pid;
		info->rt.uid = cred_current()->uid;
		return 0;
	}
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	if (info->signo != sig)
		return -EINVAL;
	return (info->code >= 0 || info->code == SI_TKILL) && !is_me ? -EPERM : 0;
}

static long send(const struct pidfd *d, int sig, const struct user_siginfo *info, enum reach reach)
{
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	if (reach == REACH_GROUP)
		return signal_kill_group(d->process->pid, sig, info);
	if (!is_known(d))
		return -ESRCH;
	if (!process_may_signal(d->process, sig))
		return -EPERM;
	if (!sig)
		return 0;
	if (reach == REACH_THREAD)
		return signal_send_thread(d->thread ? d->thread : d->process->leader, sig, info);
	return signal_send_process(d->process, sig, info);
}

long sys_pidfd_send_signal(int fd, int sig, const void __user *uinfo, u32 flags)
{
	struct user_siginfo info;
	enum reach reach;
	struct pidfd *d;
	struct file *f;
	long err;

	if (flags > PIDFD_SIGNAL_PROCESS_GROUP || (flags & (flags - 1)))	/* one of them or none */
		return -EINVAL;
	f = pidfd_get(fd);
	if (is_err(f))
		return ptr_err(f);
	d = f->private;
	reach = flags == PIDFD_SIGNAL_PROCESS_GROUP ? REACH_GROUP :
		flags == PIDFD_SIGNAL_THREAD || (!flags && d->thread) ? REACH_THREAD : REACH_PROCESS;
	err = read_info(&info, uinfo, sig, d, reach);
	if (!err)
		err = send(d, sig, &info, reach);
	file_put(f);
	return err;
}

long sys_pidfd_getfd(int pidfd, int fd, u32 flags)
{
	struct fd_table *files;
	struct process *p;
	struct file *f = NULL;
	long result;

	if (flags)
		return -EINVAL;
	p = pidfd_process(pidfd, &flags);
	if (is_err(p))
		return ptr_err(p);
	files = process_files_get(p);
	if (!files)
		result = -ESRCH;
	else if (process_access(p, NULL, ACCESS_ATTACH | ACCESS_REAL))
		result = -EPERM;
	else
		result = (f = fd_table_get(files, fd)) ? 0 : -EBADF;
	if (files)
		fd_table_put(files);
	process_put(p);
	if (!result)
		result = fd_install(f, 0, true);
	if (f && result < 0)
		file_put(f);
	return result;
}
