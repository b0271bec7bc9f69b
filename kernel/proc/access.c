/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts of another process, referenced, for /proc and the calls that look at others. The process
 * may exit at any moment: each function answers NULL when the part is gone.
 */
#include <kernel/aspace.h>
#include <kernel/epoch.h>
#include <uapi/capability.h>
#include "proc.h"
#include "trace/trace.h"

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

int process_access(struct process *p, const struct thread *t, unsigned how)
{
	const struct cred *me = cred_current(), *it;
	bool is_real = how & ACCESS_REAL, is_same = false, is_subset = false;
	uid_t uid = is_real ? me->uid : me->fsuid;
	gid_t gid = is_real ? me->gid : me->fsgid;

	if (p == current_process())
		return 0;
	epoch_enter();
	if (!t)
		t = atomic_load(&p->leader);
	it = t ? atomic_load_acquire(&t->cred) : NULL;	/* pairs with cred_install */
	if (it) {
		is_same = uid == it->euid && uid == it->suid && uid == it->uid && gid == it->egid && gid == it->sgid &&
			  gid == it->gid;
		is_subset = !(it->cap_permitted & ~(is_real ? me->cap_permitted : me->cap_effective));
	}
	epoch_exit();
	if (capable(CAP_SYS_PTRACE))
		return 0;
	return is_same && is_subset && READ_ONCE(p->dumpable) == 1 ? 0 : -EPERM;
}

pid_t thread_tracer(struct thread *t)
{
	pid_t pid = 0;

	spin_lock(&process_tree_lock);
	if (t->tracee)
		pid = t->tracee->tracer->process->pid;
	spin_unlock(&process_tree_lock);
	return pid;
}
