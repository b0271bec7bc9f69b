/* SPDX-License-Identifier: BSD-2-Clause */
/* prctl and personality. An option nobody carries out yet is EINVAL, never success. */
#include "proc.h"
#include <kernel/aspace.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/prctl.h>

static long set_name(const char __user *text)
{
	char name[THREAD_NAME_MAX] = {};
	ssize_t len = copy_string_from_user(name, text, sizeof(name) - 1);

	if (len == -EFAULT)
		return -EFAULT;
	name[sizeof(name) - 1] = 0;
	memcpy(current->name, name, sizeof(name));
	if (current == current_process()->leader)
		strlcpy(current_process()->cmd, name, THREAD_NAME_MAX);
	strace_update();
	return 0;
}

static long cred_change_securebits(u32 bits)
{
	const struct cred *old = cred_current();
	/* Each lock bit stands left of the bit it locks. */
	u32 locked = (old->securebits & 0xaa) >> 1;
	struct cred *c;

	if (bits & ~SECBIT_ALL)
		return -EINVAL;
	if (!capable(CAP_SETPCAP) || ((bits ^ old->securebits) & locked) || (old->securebits & 0xaa & ~bits))
		return -EPERM;
	c = cred_copy(old, old->nr_groups);
	if (!c)
		return -ENOMEM;
	c->securebits = bits;
	cred_install(c);
	return 0;
}

static long set_keep_caps(u64 on)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (on > 1)
		return -EINVAL;
	if (old->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	c = cred_copy(old, old->nr_groups);
	if (!c)
		return -ENOMEM;
	c->securebits = on ? c->securebits | SECBIT_KEEP_CAPS : c->securebits & ~SECBIT_KEEP_CAPS;
	cred_install(c);
	return 0;
}

static long drop_bounding(u64 cap)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (cap > CAP_LAST)
		return -EINVAL;
	if (!capable(CAP_SETPCAP))
		return -EPERM;
	c = cred_copy(old, old->nr_groups);
	if (!c)
		return -ENOMEM;
	c->cap_bounding &= ~BIT(cap);
	cred_install(c);
	return 0;
}

static long ambient(u64 op, u64 cap)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (cap > CAP_LAST || (op == PR_CAP_AMBIENT_CLEAR_ALL && cap))
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_IS_SET)
		return old->cap_ambient >> cap & 1;
	if (op < PR_CAP_AMBIENT_RAISE || op > PR_CAP_AMBIENT_CLEAR_ALL)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_RAISE && (!((old->cap_permitted & old->cap_inheritable) >> cap & 1) ||
					   (old->securebits & SECBIT_NO_CAP_AMBIENT_RAISE)))
		return -EPERM;
	c = cred_copy(old, old->nr_groups);
	if (!c)
		return -ENOMEM;
	if (op == PR_CAP_AMBIENT_RAISE)
		c->cap_ambient |= BIT(cap);
	else
		c->cap_ambient &= op == PR_CAP_AMBIENT_LOWER ? ~BIT(cap) : 0;
	cred_install(c);
	return 0;
}

static long set_no_new_privs(void)
{
	struct cred *c = cred_copy(cred_current(), cred_current()->nr_groups);

	if (!c)
		return -ENOMEM;
	c->no_new_privs = true;
	cred_install(c);
	return 0;
}

/* From now on orphans of p's descendants look for a subreaper on their way up. */
static void mark_descendants(struct process *p)
{
	struct process *child;

	for (pid_t from = 1; (child = process_next(from)); process_put(child)) {
		from = child->pid + 1;
		spin_lock(&process_tree_lock);
		for (struct process *a = child->parent; a; a = a->parent)
			if (a == p) {
				child->has_subreaper = true;
				break;
			}
		spin_unlock(&process_tree_lock);
	}
}

static long set_subreaper(u64 on)
{
	struct process *p = current_process();

	p->is_subreaper = on != 0;
	if (on)
		mark_descendants(p);
	return 0;
}

long sys_prctl(int option, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct process *p = current_process();
	const struct cred *c = cred_current();

	switch (option) {
	case PR_SET_NAME:
		return set_name((const char __user *)a2);
	case PR_GET_NAME:
		return copy_to_user((void __user *)a2, current->name, THREAD_NAME_MAX);
	case PR_SET_PDEATHSIG:
		if (a2 > NSIG)
			return -EINVAL;
		p->pdeath_signal = (u32)a2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user((s32)p->pdeath_signal, (s32 __user *)a2);
	case PR_SET_DUMPABLE:
		if (a2 > 1)
			return -EINVAL;
		p->dumpable = (u32)a2;
		return 0;
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_KEEPCAPS:
		return set_keep_caps(a2);
	case PR_GET_KEEPCAPS:
		return !!(c->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_SECUREBITS:
		return cred_change_securebits((u32)a2);
	case PR_GET_SECUREBITS:
		return c->securebits;
	case PR_CAPBSET_READ:
		return a2 > CAP_LAST ? -EINVAL : (long)(c->cap_bounding >> a2 & 1);
	case PR_CAPBSET_DROP:
		return drop_bounding(a2);
	case PR_CAP_AMBIENT:
		return a4 || a5 ? -EINVAL : ambient(a2, a3);
	case PR_SET_NO_NEW_PRIVS:
		return a2 != 1 || a3 || a4 || a5 ? -EINVAL : set_no_new_privs();
	case PR_GET_NO_NEW_PRIVS:
		return a2 || a3 || a4 || a5 ? -EINVAL : c->no_new_privs;
	case PR_SET_CHILD_SUBREAPER:
		return set_subreaper(a2);
	case PR_GET_CHILD_SUBREAPER:
		return put_user((s32)p->is_subreaper, (s32 __user *)a2);
	case PR_SET_TIMERSLACK:
		current->slack_ns = (s64)a2 > 0 ? a2 : current->default_slack_ns;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)min(current->slack_ns, (u64)S64_MAX);
	case PR_GET_TID_ADDRESS:
		return put_user(current->clear_tid, (u64 __user *)a2);
	case PR_SET_THP_DISABLE:
		if (a3 || a4 || a5)
			return -EINVAL;
		current->aspace->no_huge = a2 != 0;
		return 0;
	case PR_GET_THP_DISABLE:
		return a2 || a3 || a4 || a5 ? -EINVAL : current->aspace->no_huge;
	default:
		return -EINVAL;
	}
}

long sys_personality(u32 persona)
{
	struct process *p = current_process();
	u32 old = p->personality;

	if (persona == 0xffffffff)
		return old;
	if (persona & ~(u32)ADDR_NO_RANDOMIZE)
		return -EINVAL;		/* only Linux's own, with or without random addresses */
	p->personality = persona;
	return old;
}
