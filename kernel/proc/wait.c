/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait4 and waitid. Children are found, and zombies taken out of the tree, under the tree lock; the
 * sleeper waits on its process's child_wait.
 */
#include "pidfd.h"
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/wait.h>

struct wait_request {
	int which;		/* P_* */
	pid_t id;
	const struct process *only;	/* P_PIDFD: this one */
	int options;
	/* the answer */
	pid_t pid;
	uid_t uid;
	u32 status;		/* wait status word */
	int why;		/* CLD_* */
	struct process_usage usage;
};

static bool matches(const struct wait_request *w, const struct process *child)
{
	bool is_clone = child->exit_signal != SIGCHLD;

	if (w->which == P_PIDFD && child != w->only)
		return false;
	if (w->which == P_PID && child->pid != w->id)
		return false;
	if (w->which == P_PGID && child->pgid != w->id)
		return false;
	return (w->options & __WALL) || is_clone == !!((u32)w->options & __WCLONE);
}

static void answer(struct wait_request *w, struct process *child, u32 status, int why)
{
	w->pid = child->pid;
	w->uid = child->leader->cred ? child->leader->cred->uid : 0;
	w->status = status;
	w->why = why;
	process_usage(child, &w->usage);
	usage_add(&w->usage, &child->children_usage);
}

/* Tree lock held: a stop or continuation that was not told yet. */
static bool try_job(struct wait_request *w, struct process *child)
{
	bool keep = w->options & WNOWAIT;

	if ((w->options & WUNTRACED) && child->sig.job == JOB_STOPPED && !child->sig.stop_reported) {
		child->sig.stop_reported = !keep;
		answer(w, child, WAIT_STOPPED(child->sig.stop_signal), CLD_STOPPED);
		return true;
	}
	if ((w->options & WCONTINUED) && !child->sig.cont_reported && child->sig.job == JOB_RUNNING) {
		child->sig.cont_reported = !keep;
		answer(w, child, WAIT_CONTINUED, CLD_CONTINUED);
		return true;
	}
	return false;
}

/* Tree lock held. Takes the zombie out of the tree unless it is only looked at. */
static struct process *take_zombie(struct wait_request *w, struct process *child)
{
	struct process *me = current_process();
	unsigned long flags;

	answer(w, child, child->exit_status, (child->exit_status & 0x7f) ? CLD_KILLED : CLD_EXITED);
	if (w->options & WNOWAIT)
		return NULL;
	process_tree_remove(child);
	flags = signal_lock(me);
	usage_add(&me->children_usage, &w->usage);
	signal_unlock(me, flags);
	return child;
}

/* 1: answered; 0: there are children to wait for; -ECHILD. */
static int look(struct wait_request *w)
{
	struct process *me = current_process(), *child, *reap = NULL;
	int result = -ECHILD;

	spin_lock(&process_tree_lock);
	list_for_each(child, &me->children, sibling) {
		if (!matches(w, child))
			continue;
		result = 0;
		if (child->is_zombie) {
			if (!(w->options & WEXITED))
				continue;
			reap = take_zombie(w, child);
			result = 1;
			break;
		}
		if (try_job(w, child)) {
			result = 1;
			break;
		}
	}
	spin_unlock(&process_tree_lock);
	if (reap)
		process_reap(reap);
	return result;
}

/* pid of the child, 0 (WNOHANG), -ECHILD, -ERESTARTSYS. */
static long wait_for_child(struct wait_request *w)
{
	int found = 0, err;

	if (w->options & WNOHANG) {
		found = look(w);
		return found < 0 ? found : found ? w->pid : 0;
	}
	err = waitq_wait_interruptible(&current_process()->child_wait, (found = look(w)) != 0);
	if (err)
		return -ERESTARTSYS;
	return found < 0 ? found : w->pid;
}

long sys_wait4(pid_t pid, int __user *status, int flags, struct rusage __user *usage)
{
	struct wait_request w = { .options = flags | WEXITED };
	struct rusage ru;
	long result;

	if ((u32)flags & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == (pid_t)0x80000000)
		return -ESRCH;
	w.which = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
	w.id = pid > 0 ? pid : pid == 0 ? current_process()->pgid : -pid;
	result = wait_for_child(&w);
	if (result <= 0)
		return result;
	if (status && put_user((int)w.status, status))
		return -EFAULT;
	usage_to_rusage(&w.usage, &ru);
	if (usage && copy_to_user(usage, &ru, sizeof(ru)))
		return -EFAULT;
	return result;
}

static s32 info_status(const struct wait_request *w)
{
	switch (w->why) {
	case CLD_EXITED:
	case CLD_STOPPED:
		return (s32)(w->status >> 8 & 0xff);
	case CLD_CONTINUED:
		return SIGCONT;
	default:
		return (s32)(w->status & 0x7f);
	}
}

/* A descriptor that does not wait makes the call one that does not: -EAGAIN while there is nothing to tell. */
static long wait_for_pidfd(struct wait_request *w)
{
	bool may_wait = !(w->options & WNOHANG);
	struct process *p;
	long result;
	u32 flags;

	p = pidfd_process(w->id, &flags);
	if (is_err(p))
		return ptr_err(p);
	w->only = p;
	if (flags & PIDFD_NONBLOCK)
		w->options |= WNOHANG;
	result = wait_for_child(w);
	if (!result && may_wait)
		result = -EAGAIN;
	process_put(p);
	return result;
}

long sys_waitid(int which, pid_t id, void __user *uinfo, int flags, struct rusage __user *usage)
{
	struct wait_request w = { .which = which, .id = id, .options = flags };
	struct user_siginfo info = {};
	struct rusage ru;
	long result;

	if ((u32)flags & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (!(flags & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (which != P_ALL && which != P_PID && which != P_PGID && which != P_PIDFD)
		return -EINVAL;
	if ((which == P_PID && id <= 0) || ((which == P_PGID || which == P_PIDFD) && id < 0))
		return -EINVAL;
	if (which == P_PGID && id == 0)
		w.id = current_process()->pgid;
	result = which == P_PIDFD ? wait_for_pidfd(&w) : wait_for_child(&w);
	if (result < 0)
		return result;
	if (result > 0) {
		info.signo = SIGCHLD;
		info.code = w.why;
		info.child.pid = w.pid;
		info.child.uid = w.uid;
		info.child.status = info_status(&w);
		usage_to_rusage(&w.usage, &ru);
		if (usage && copy_to_user(usage, &ru, sizeof(ru)))
			return -EFAULT;
	}
	/* Linux leaves all but the first fields alone when nothing changed; zeros say the same. */
	return uinfo ? copy_to_user(uinfo, &info, sizeof(info)) : 0;
}
