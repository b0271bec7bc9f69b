/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that set and show how threads are scheduled. kernel/sched/ does it. */
#include "proc.h"
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/sched.h>

/* The thread of a pid argument, referenced. NULL: ESRCH. */
static struct thread *thread_of(pid_t tid)
{
	struct thread *t;

	if (!tid)
		return thread_get(current);
	t = thread_find(tid);
	if (t && t->exiting) {
		thread_put(t);
		return NULL;
	}
	return t;
}

static bool owns(struct thread *t)
{
	const struct cred *mine = cred_current(), *theirs;
	bool ok;

	if (capable(CAP_SYS_NICE))
		return true;
	epoch_enter();
	theirs = atomic_load_acquire(&t->cred);		/* pairs with cred_install */
	ok = mine->euid == theirs->uid || mine->euid == theirs->euid;
	epoch_exit();
	return ok;
}

static bool is_realtime(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }

static long set_class(pid_t pid, int policy, s32 priority)
{
	struct thread *t;
	long err;

	if (pid < 0)
		return -EINVAL;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	if (policy < 0)
		policy = (int)t->sched_class;
	if (!owns(t) || (is_realtime(policy) && !capable(CAP_SYS_NICE) &&
			 (u64)priority > t->process->limits[RLIMIT_RTPRIO].rlim_cur))
		err = -EPERM;
	else
		err = priority < 0 ? -EINVAL : sched_set_class(t, (u32)policy, (u32)priority);
	thread_put(t);
	return err;
}

long sys_sched_setscheduler(pid_t pid, int policy, const struct sched_param_abi __user *param)
{
	struct sched_param_abi p;

	if (policy < 0 || !param)
		return -EINVAL;
	if (copy_from_user(&p, param, sizeof(p)))
		return -EFAULT;
	return set_class(pid, policy, p.sched_priority);
}

long sys_sched_setparam(pid_t pid, const struct sched_param_abi __user *param)
{
	struct sched_param_abi p;

	if (!param)
		return -EINVAL;
	if (copy_from_user(&p, param, sizeof(p)))
		return -EFAULT;
	return set_class(pid, -1, p.sched_priority);
}

long sys_sched_getscheduler(pid_t pid)
{
	struct thread *t = pid < 0 ? NULL : thread_of(pid);
	long policy;

	if (!t)
		return pid < 0 ? -EINVAL : -ESRCH;
	policy = t->sched_class;
	thread_put(t);
	return policy;
}

long sys_sched_getparam(pid_t pid, struct sched_param_abi __user *param)
{
	struct sched_param_abi p;
	struct thread *t;

	if (pid < 0 || !param)
		return -EINVAL;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	p.sched_priority = (s32)t->rt_priority;
	thread_put(t);
	return copy_to_user(param, &p, sizeof(p));
}

long sys_sched_get_priority_max(int policy)
{
	if (is_realtime(policy))
		return 99;
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(int policy)
{
	return is_realtime(policy) ? 1 : sys_sched_get_priority_max(policy);
}

long sys_sched_rr_get_interval(pid_t pid, struct timespec64 __user *interval)
{
	struct timespec64 ts;
	struct thread *t;
	u64 ns;

	if (pid < 0)
		return -EINVAL;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	ns = t->sched_class == SCHED_FIFO ? 0 : t->policy->slice(t);
	thread_put(t);
	ts = (struct timespec64){ (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };
	return copy_to_user(interval, &ts, sizeof(ts));
}

long sys_sched_yield(void)
{
	sched_yield();
	return 0;
}

long sys_sched_setaffinity(pid_t pid, u32 len, const u64 __user *mask)
{
	struct thread *t;
	u64 bits = 0;
	long err;

	if (copy_from_user(&bits, mask, min((size_t)len, sizeof(bits))))
		return -EFAULT;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	err = owns(t) ? sched_set_affinity(t, bits) : -EPERM;
	thread_put(t);
	return err;
}

long sys_sched_getaffinity(pid_t pid, u32 len, u64 __user *mask)
{
	struct thread *t;
	u64 bits;

	if ((u64)len * 8 < cpu_count || len % sizeof(u64))
		return -EINVAL;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	bits = t->affinity & atomic_load(&cpu_online_mask);
	thread_put(t);
	return put_user(bits, mask) ? -EFAULT : (long)sizeof(bits);
}

long sys_sched_setattr(pid_t pid, const struct sched_attr __user *uattr, u32 flags)
{
	struct sched_attr a;
	struct thread *t;
	u32 size;
	long err;

	if (!uattr || pid < 0 || flags)
		return -EINVAL;
	if (get_user(size, &uattr->size))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&a, sizeof(a), uattr, size);
	if (err)
		return err;
	if (a.sched_flags)
		return -EINVAL;		/* reset-on-fork and the deadline class's flags */
	err = set_class(pid, (int)a.sched_policy, (s32)a.sched_priority);
	if (err || is_realtime((int)a.sched_policy) || a.sched_policy == SCHED_IDLE)
		return err;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	err = a.sched_nice < t->nice && !capable(CAP_SYS_NICE) ? -EPERM : sched_set_nice(t, a.sched_nice);
	thread_put(t);
	return err;
}

long sys_sched_getattr(pid_t pid, struct sched_attr __user *uattr, u32 size, u32 flags)
{
	struct sched_attr a = { .size = sizeof(a) };
	struct thread *t;

	if (!uattr || pid < 0 || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || flags)
		return -EINVAL;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	a.sched_policy = t->sched_class;
	a.sched_nice = t->nice;
	a.sched_priority = t->rt_priority;
	thread_put(t);
	return copy_to_user(uattr, &a, sizeof(a));
}

/* ---- nice values ---- */

struct nice_walk {
	int which, who;
	uid_t uid;
	bool set;
	s32 nice;	/* to set, or lowest found */
	long result;
};

static bool in_target(const struct nice_walk *w, const struct thread *t)
{
	const struct process *p = t->process;

	switch (w->which) {
	case PRIO_PROCESS:
		return w->who ? t->tid == w->who : t == current;
	case PRIO_PGRP:
		return p->pgid == (w->who ? w->who : current_process()->pgid);
	default:
		return t->cred->uid == w->uid;
	}
}

static void visit(struct nice_walk *w, struct thread *t)
{
	if (!w->set) {
		w->nice = min(w->nice, t->nice);
		w->result = 0;
		return;
	}
	if (!owns(t))
		w->result = -EPERM;
	else if (w->nice < t->nice && !capable(CAP_SYS_NICE) &&
		 20 - w->nice > (s64)min(t->process->limits[RLIMIT_NICE].rlim_cur, 40ull))
		w->result = -EACCES;
	else {
		long err = sched_set_nice(t, w->nice);

		if (w->result == -ESRCH || err)
			w->result = err;
	}
}

static int take_matching(struct thread *t, void *arg)
{
	struct nice_walk *w = arg;

	if (t->process && !t->exiting && in_target(w, t))
		visit(w, t);
	return 0;
}

static long walk(struct nice_walk *w)
{
	struct thread *t;

	w->result = -ESRCH;
	if (w->which < PRIO_PROCESS || w->which > PRIO_USER)
		return -EINVAL;
	w->uid = w->who ? (uid_t)w->who : cred_current()->uid;
	if (w->which != PRIO_PROCESS) {
		thread_for_each(take_matching, w);
		return w->result;
	}
	t = w->who < 0 ? NULL : thread_of(w->who);
	if (!t)
		return -ESRCH;
	visit(w, t);
	thread_put(t);
	return w->result;
}

long sys_getpriority(int which, int who)
{
	struct nice_walk w = { .which = which, .who = who, .nice = 20 };
	long err = walk(&w);

	return err ? err : 20 - w.nice;		/* the raw call answers 1..40 */
}

long sys_setpriority(int which, int who, int nice)
{
	struct nice_walk w = { .which = which, .who = who, .set = true, .nice = clamp(nice, -20, 19) };

	return walk(&w);
}
