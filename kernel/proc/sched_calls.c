/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that set and show how threads are scheduled. kernel/sched/ does it. */
#include "proc.h"
#include <kernel/futex.h>
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
static bool is_normal(int policy) { return policy == SCHED_OTHER || policy == SCHED_BATCH; }

/* What a call asks for, in one shape. */
struct request {
	int policy;
	s32 priority, nice;
	bool sets_nice;
	bool resets_on_fork, keeps_reset;	/* keeps_reset: sched_setparam leaves it as it is */
	u64 runtime_ns, deadline_ns, period_ns;
};

static int request_check(const struct request *r)
{
	if (is_realtime(r->policy))
		return r->priority >= 1 && r->priority <= 99 ? 0 : -EINVAL;
	if (is_normal(r->policy) || r->policy == SCHED_IDLE || r->policy == SCHED_DEADLINE)
		return r->priority == 0 ? 0 : -EINVAL;
	return -EINVAL;
}

static bool may_nice(const struct thread *t, s32 nice)
{
	return 20 - nice <= (s64)min(t->process->limits[RLIMIT_NICE].rlim_cur, 40ull);
}

/* Linux's user_check_sched_setscheduler. 0 or -EPERM. */
static int request_permit(struct thread *t, const struct request *r)
{
	u64 limit = t->process->limits[RLIMIT_RTPRIO].rlim_cur;

	if (capable(CAP_SYS_NICE))
		return 0;
	if (!owns(t) || r->policy == SCHED_DEADLINE)
		return -EPERM;
	if (is_normal(r->policy) && r->sets_nice && r->nice < t->nice && !may_nice(t, r->nice))
		return -EPERM;
	if (is_realtime(r->policy)) {
		if (r->policy != (int)t->sched_class && !limit)
			return -EPERM;
		if (r->priority > (s32)t->rt_priority && (u64)r->priority > limit)
			return -EPERM;
	}
	if (t->sched_class == SCHED_IDLE && r->policy != SCHED_IDLE && !may_nice(t, t->nice))
		return -EPERM;
	if (t->reset_on_fork && !r->resets_on_fork && !r->keeps_reset)
		return -EPERM;
	return 0;
}

static int request_apply(struct thread *t, const struct request *r)
{
	int err = request_check(r);

	if (!err)
		err = request_permit(t, r);
	if (err)
		return err;
	if (r->policy == SCHED_DEADLINE)
		err = sched_set_deadline(t, r->runtime_ns, r->deadline_ns, r->period_ns, 0);
	else
		err = sched_set_class(t, (u32)r->policy, (u32)r->priority);
	if (!err && is_normal(r->policy) && r->sets_nice)
		err = sched_set_nice(t, clamp(r->nice, -20, 19));
	if (!err && !r->keeps_reset)
		sched_set_reset_on_fork(t, r->resets_on_fork);
	if (!err)
		futex_pi_reorder(t);
	return err;
}

long sys_sched_setscheduler(pid_t pid, int policy, const struct sched_param_abi __user *param)
{
	struct sched_param_abi p;
	struct request r = { .policy = policy & ~SCHED_RESET_ON_FORK };
	struct thread *t;
	long err;

	if (policy < 0 || !param || pid < 0)
		return -EINVAL;
	if (copy_from_user(&p, param, sizeof(p)))
		return -EFAULT;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	r.priority = p.sched_priority;
	r.resets_on_fork = (policy & SCHED_RESET_ON_FORK) != 0;
	err = request_apply(t, &r);
	thread_put(t);
	return err;
}

long sys_sched_setparam(pid_t pid, const struct sched_param_abi __user *param)
{
	struct sched_param_abi p;
	struct request r = { .keeps_reset = true };
	struct thread *t;
	long err;

	if (!param || pid < 0)
		return -EINVAL;
	if (copy_from_user(&p, param, sizeof(p)))
		return -EFAULT;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	r.policy = (int)t->sched_class;
	r.priority = p.sched_priority;
	err = r.policy == SCHED_DEADLINE ? -EINVAL : request_apply(t, &r);
	thread_put(t);
	return err;
}

long sys_sched_getscheduler(pid_t pid)
{
	struct thread *t = pid < 0 ? NULL : thread_of(pid);
	long policy;

	if (!t)
		return pid < 0 ? -EINVAL : -ESRCH;
	policy = t->sched_class | (t->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
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
	return is_normal(policy) || policy == SCHED_IDLE || policy == SCHED_DEADLINE ? 0 : -EINVAL;
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
	ns = sched_quantum_ns(t);
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
	if (!bits)
		bits = t->allowed;	/* its CPUs are off: it runs elsewhere */
	thread_put(t);
	return put_user(bits, mask) ? -EFAULT : (long)sizeof(bits);
}

/* The request of a struct sched_attr about t. 0, -EINVAL (flags, a nice value that is none). */
static int request_of_attr(struct request *r, const struct sched_attr *a, const struct thread *t)
{
	const struct sched_deadline *d = &t->deadline;

	if (a->sched_flags & ~(u64)(SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS))
		return -EINVAL;		/* reclaiming, overrun signals and clamps do not exist */
	*r = (struct request){
		.policy = (int)a->sched_policy,
		.priority = (s32)a->sched_priority,
		.nice = a->sched_nice,
		.sets_nice = true,
		.resets_on_fork = (a->sched_flags & SCHED_FLAG_RESET_ON_FORK) != 0,
		.runtime_ns = a->sched_runtime,
		.deadline_ns = a->sched_deadline,
		.period_ns = a->sched_period,
	};
	if (a->sched_flags & SCHED_FLAG_KEEP_POLICY)
		r->policy = (int)t->sched_class;
	if (a->sched_flags & SCHED_FLAG_KEEP_PARAMS) {
		r->priority = (s32)t->rt_priority;
		r->sets_nice = false;
		r->runtime_ns = d->runtime_ns;
		r->deadline_ns = d->relative_ns;
		r->period_ns = d->period_ns;
	}
	return 0;
}

long sys_sched_setattr(pid_t pid, struct sched_attr __user *uattr, u32 flags)
{
	struct sched_attr a;
	struct request r;
	struct thread *t;
	u32 size;
	long err;

	if (!uattr || pid < 0 || flags)
		return -EINVAL;
	if (get_user(size, &uattr->size))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	err = size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE ? -E2BIG :
	      copy_struct_from_user(&a, sizeof(a), uattr, size);
	if (err == -E2BIG && put_user((u32)sizeof(a), &uattr->size))
		err = -EFAULT;
	if (err)
		return err;
	if ((s32)a.sched_policy < 0)
		return -EINVAL;
	t = thread_of(pid);
	if (!t)
		return -ESRCH;
	err = request_of_attr(&r, &a, t);
	if (!err)
		err = request_apply(t, &r);
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
	a.sched_flags = t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (t->sched_class == SCHED_DEADLINE) {
		a.sched_runtime = t->deadline.runtime_ns;
		a.sched_deadline = t->deadline.relative_ns;
		a.sched_period = t->deadline.period_ns;
	} else if (is_realtime((int)t->sched_class)) {
		a.sched_priority = t->rt_priority;
	} else {
		a.sched_nice = t->nice;
	}
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
	else if (w->nice < t->nice && !capable(CAP_SYS_NICE) && !may_nice(t, w->nice))
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
