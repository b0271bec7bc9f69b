/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts of another process, referenced, for /proc and the calls that look at others. The process
 * may exit at any moment: each function answers NULL when the part is gone.
 */
#include <kernel/aspace.h>
#include <kernel/epoch.h>
#include <uapi/capability.h>
#include "proc.h"

struct aspace *process_aspace_get(struct process *p)
{
	struct aspace *as = NULL;
	unsigned long flags = signal_lock(p);
	struct thread *t;

	/* A thread may drop its space now; the memory of the struct lasts through the epoch section. */
	epoch_enter();
	list_for_each(t, &p->threads, process_link) {
		as = READ_ONCE(t->aspace);
		if (as && ref_get_not_zero(&as->refs))
			break;
		as = NULL;
	}
	epoch_exit();
	signal_unlock(p, flags);
	return as;
}

struct fs_context *process_fs_get(struct process *p)
{
	unsigned long flags = signal_lock(p);
	struct fs_context *fc = p->fs;

	if (fc)
		ref_get(&fc->refs);
	signal_unlock(p, flags);
	return fc;
}

struct fd_table *process_files_get(struct process *p)
{
	unsigned long flags = signal_lock(p);
	struct fd_table *t = p->files;

	if (t)
		ref_get(&t->refs);
	signal_unlock(p, flags);
	return t;
}

bool process_may_access(struct process *p)
{
	const struct cred *me = cred_current(), *it;
	bool ok;

	if (p == current_process() || capable(CAP_SYS_PTRACE))
		return true;
	epoch_enter();
	it = p->leader ? READ_ONCE(p->leader->cred) : NULL;
	ok = it && me->uid == it->euid && me->uid == it->suid && me->uid == it->uid && me->gid == it->egid &&
	     me->gid == it->sgid && me->gid == it->gid && p->dumpable == 1;
	epoch_exit();
	return ok;
}
