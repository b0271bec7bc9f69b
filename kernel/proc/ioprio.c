/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioprio_set and ioprio_get (ioprio_set(2)): the priority of a thread's input and output is remembered and
 * inherited; no disk here has a scheduler that would heed it. Lock: the signal lock for walking threads.
 */
#include "proc.h"
#include <kernel/syscall.h>
#include <uapi/capability.h>

enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };
enum { CLASS_NONE, CLASS_RT, CLASS_BE, CLASS_IDLE };
#define CLASS_SHIFT 13
#define LEVEL(prio) ((prio) & 7)
#define CLASS_OF(prio) ((u32)(prio) >> CLASS_SHIFT)

static int check(u32 prio)
{
	switch (CLASS_OF(prio)) {
	case CLASS_RT:
		return capable(CAP_SYS_ADMIN) || capable(CAP_SYS_NICE) ? 0 : -EPERM;
	case CLASS_BE:
	case CLASS_IDLE:
		return 0;
	case CLASS_NONE:
		return LEVEL(prio) ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int set_one(struct thread *t, u32 prio)
{
	const struct cred *mine = cred_current(), *it;
	bool ok;

	epoch_enter();
	it = atomic_load_acquire(&t->cred);	/* pairs with cred_install */
	ok = it && (it->uid == mine->euid || it->uid == mine->uid);
	epoch_exit();
	if (!ok && !capable(CAP_SYS_NICE))
		return -EPERM;
	WRITE_ONCE(t->ioprio, (u16)prio);
	return 0;
}

/* What counts where nothing was set: by the nice value, as Linux has it. */
static u32 effective(const struct thread *t)
{
	u32 prio = READ_ONCE(t->ioprio);

	if (CLASS_OF(prio) != CLASS_NONE)
		return prio;
	return CLASS_BE << CLASS_SHIFT | (u32)((t->nice + 20) / 5);
}

/* One of many: set (prio >= 0), or the best so far into *best. */
static int visit(struct thread *t, int prio, int *best)
{
	int now;

	if (prio >= 0)
		return set_one(t, (u32)prio);
	now = (int)effective(t);
	*best = *best < 0 ? now : min(*best, now);
	return 0;
}

static int visit_threads(struct process *p, int prio, int *best)
{
	unsigned long flags = signal_lock(p);
	struct thread *t;
	int err = 0;

	list_for_each(t, &p->threads, process_link)
		if (!t->exiting && !err)
			err = visit(t, prio, best);
	signal_unlock(p, flags);
	return err;
}

static bool is_meant(struct process *p, int which, int who)
{
	bool is;

	if (which == WHO_PGRP)
		return p->pgid == (who ? who : current_process()->pgid);
	epoch_enter();
	is = p->leader && p->leader->cred && p->leader->cred->uid == (who ? (uid_t)who : cred_current()->uid);
	epoch_exit();
	return is;
}

/* A group's or user's. 0, -ESRCH: nobody, -EPERM. */
static int visit_many(int which, int who, int prio, int *best)
{
	struct process *p;
	int result = -ESRCH;

	for (pid_t from = 1; (p = process_next(from)); process_put(p)) {
		from = p->pid + 1;
		if (p->is_zombie || !is_meant(p, which, who) || (result && result != -ESRCH))
			continue;
		result = visit_threads(p, prio, best);
	}
	return result;
}

static struct thread *find(int who) { return who ? thread_find(who) : thread_get(current); }

long sys_ioprio_set(int which, int who, int prio)
{
	struct thread *t;
	int err = check((u32)prio);

	if (err)
		return err;
	if (which == WHO_PGRP || which == WHO_USER)
		return visit_many(which, who, prio, NULL);
	if (which != WHO_PROCESS)
		return -EINVAL;
	t = find(who);
	if (!t)
		return -ESRCH;
	err = set_one(t, (u32)prio);
	thread_put(t);
	return err;
}

long sys_ioprio_get(int which, int who)
{
	struct thread *t;
	int best = -1, err;

	if (which == WHO_PGRP || which == WHO_USER) {
		err = visit_many(which, who, -1, &best);
		return err ? err : best;
	}
	if (which != WHO_PROCESS)
		return -EINVAL;
	t = find(who);
	if (!t)
		return -ESRCH;
	best = READ_ONCE(t->ioprio);
	thread_put(t);
	return best;
}
