/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait4 and waitid. Children are found, and zombies taken out of the tree, under the tree lock; the
 * sleeper waits on its process's child_wait.
 */
#include "pidfd.h"
#include "trace/trace.h"
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

/* What has to be given back once the tree lock is free. */
struct reaped {
	struct list threads, processes;
};

static bool matches_tracee(const struct wait_request *w, const struct tracee *tr)
{
	const struct thread *t = tr->thread;

	if ((w->options & __WNOTHREAD) && tr->tracer != current)
		return false;
	if (w->which == P_PIDFD)
		return t->process == w->only && t == t->process->leader;
	if (w->which == P_PID)
		return t->tid == w->id;
	return w->which != P_PGID || t->process->pgid == w->id;
}

static void answer_tracee(struct wait_request *w, struct tracee *tr, u32 status, int why)
{
	answer(w, tr->thread->process, status, why);
	w->pid = tr->thread->tid;
}

/* Tree lock held: a tracee that ended. */
static bool try_dead_tracee(struct wait_request *w, struct tracee *tr, struct reaped *r)
{
	struct process *p = tr->thread->process, *me = current_process();
	u32 status = tr->is_dead && !p->group_exit ? tr->exit_status : p->exit_status;

	if (!(w->options & WEXITED) || (!tr->is_dead && p->nr_dead_traced))
		return false;
	answer_tracee(w, tr, status, (status & 0x7f) ? CLD_KILLED : CLD_EXITED);
	if (w->options & WNOWAIT)
		return true;
	if (!tr->is_dead && p->parent == me)
		list_push_back(&r->processes, &take_zombie(w, p)->sibling);
	trace_reaped(tr, &r->threads, &r->processes);
	return true;
}

/* Tree lock held: its trace stop, if it was not told yet. */
static bool try_trace_stop(struct wait_request *w, struct tracee *tr)
{
	struct process *p = tr->thread->process;
	unsigned long flags = signal_lock(p);
	u32 code = tr->is_stopped && !tr->is_listening ? tr->code : 0;

	if (code && !(w->options & WNOWAIT))
		tr->code = 0;
	signal_unlock(p, flags);
	if (code)
		answer_tracee(w, tr, WAIT_STOPPED(code), CLD_TRAPPED);
	return code;
}

/* Tree lock held: the threads that this process traces. */
static int look_at_tracees(struct wait_request *w, struct reaped *r)
{
	struct tracee *tr;
	int result = -ECHILD;

	list_for_each(tr, &current_process()->tracees, link) {
		struct thread *t = tr->thread;
		bool is_leader = t == t->process->leader;

		if (!matches_tracee(w, tr))
			continue;
		result = 0;
		if (tr->is_dead || (is_leader && t->process->is_zombie)) {
			if (try_dead_tracee(w, tr, r))
				return 1;
			continue;
		}
		if (try_trace_stop(w, tr))
			return 1;
		if (is_leader && (w->options & WCONTINUED) && try_job(w, t->process))
			return 1;
	}
	return result;
}

/* 1: answered; 0: there are children to wait for; -ECHILD. */
static int look(struct wait_request *w)
{
	struct process *me = current_process(), *child, *reap = NULL;
	struct reaped r;
	int result = -ECHILD;

	list_init(&r.threads);
	list_init(&r.processes);
	spin_lock(&process_tree_lock);
	list_for_each(child, &me->children, sibling) {
		const struct tracee *tr = child->leader->tracee;

		if (!matches(w, child))
			continue;
		result = 0;
		/* Its end is its tracer's to see first, and all of it if that is us. */
		if (unlikely(tr) && (child->is_zombie || tr->tracer->process == me))
			continue;
		if (child->is_zombie) {
			if (!(w->options & WEXITED) || child->nr_dead_traced)
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
	if (unlikely(!list_empty(&me->tracees)) && result <= 0) {
		int traced = look_at_tracees(w, &r);

		result = max(result, traced);
	}
	spin_unlock(&process_tree_lock);
	if (reap)
		process_reap(reap);
	trace_finish(&r.threads, &r.processes);
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
	case CLD_TRAPPED:
		return (s32)(w->status >> 8);
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
