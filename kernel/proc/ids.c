/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers and identities: pid, tid, user and group ids, supplementary groups, process groups and
 * sessions. A change of ids makes a new struct cred. POSIX setuid family as Linux has it.
 */
#include "proc.h"
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>
#include <uapi/prctl.h>

#define UNCHANGED ((u32)-1)

long sys_getpid(void) { return current_process()->pid; }
long sys_gettid(void) { return current->tid; }
long sys_getuid(void) { return cred_current()->uid; }
long sys_geteuid(void) { return cred_current()->euid; }
long sys_getgid(void) { return cred_current()->gid; }
long sys_getegid(void) { return cred_current()->egid; }

long sys_getppid(void) { return atomic_load(&current_process()->ppid); }

#define FS_CAPS (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | \
		 BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(CAP_MAC_OVERRIDE))

/* capabilities(7), "Effect of user ID changes on capabilities". */
static void caps_follow_ids(struct cred *new, const struct cred *old)
{
	bool was_root = !old->uid || !old->euid || !old->suid;
	bool is_root = !new->uid || !new->euid || !new->suid;

	if (new->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (was_root && !is_root) {
		if (!(new->securebits & SECBIT_KEEP_CAPS))
			new->cap_permitted = new->cap_effective = 0;
		new->cap_ambient = 0;
	}
	if (!old->euid && new->euid)
		new->cap_effective = 0;
	if (old->euid && !new->euid)
		new->cap_effective = new->cap_permitted;
}

static struct cred *new_cred(void) { return cred_copy(cred_current(), cred_current()->nr_groups); }

static long install(struct cred *c)
{
	const struct cred *old = cred_current();

	caps_follow_ids(c, old);
	if (c->euid != old->euid || c->egid != old->egid)
		current_process()->dumpable = 0;
	cred_install(c);
	return 0;
}

/* Each id stays, or becomes one of the present three, or anything with the capability. */
static bool may_become(u32 id, u32 a, u32 b, u32 c, unsigned cap)
{
	return id == UNCHANGED || id == a || id == b || id == c || capable(cap);
}

long sys_setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (!may_become(ruid, old->uid, old->euid, old->suid, CAP_SETUID) ||
	    !may_become(euid, old->uid, old->euid, old->suid, CAP_SETUID) ||
	    !may_become(suid, old->uid, old->euid, old->suid, CAP_SETUID))
		return -EPERM;
	c = new_cred();
	if (!c)
		return -ENOMEM;
	c->uid = ruid == UNCHANGED ? c->uid : ruid;
	c->euid = euid == UNCHANGED ? c->euid : euid;
	c->suid = suid == UNCHANGED ? c->suid : suid;
	c->fsuid = c->euid;
	return install(c);
}

long sys_setreuid(uid_t ruid, uid_t euid)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (!may_become(ruid, old->uid, old->euid, old->uid, CAP_SETUID) ||
	    !may_become(euid, old->uid, old->euid, old->suid, CAP_SETUID))
		return -EPERM;
	c = new_cred();
	if (!c)
		return -ENOMEM;
	c->uid = ruid == UNCHANGED ? c->uid : ruid;
	c->euid = euid == UNCHANGED ? c->euid : euid;
	if (ruid != UNCHANGED || (euid != UNCHANGED && euid != old->uid))
		c->suid = c->euid;
	c->fsuid = c->euid;
	return install(c);
}

long sys_setuid(uid_t uid)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (uid == UNCHANGED)
		return -EINVAL;
	if (!capable(CAP_SETUID) && uid != old->uid && uid != old->suid)
		return -EPERM;
	c = new_cred();
	if (!c)
		return -ENOMEM;
	if (capable(CAP_SETUID))
		c->uid = c->suid = uid;
	c->euid = c->fsuid = uid;
	return install(c);
}

long sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (!may_become(rgid, old->gid, old->egid, old->sgid, CAP_SETGID) ||
	    !may_become(egid, old->gid, old->egid, old->sgid, CAP_SETGID) ||
	    !may_become(sgid, old->gid, old->egid, old->sgid, CAP_SETGID))
		return -EPERM;
	c = new_cred();
	if (!c)
		return -ENOMEM;
	c->gid = rgid == UNCHANGED ? c->gid : rgid;
	c->egid = egid == UNCHANGED ? c->egid : egid;
	c->sgid = sgid == UNCHANGED ? c->sgid : sgid;
	c->fsgid = c->egid;
	return install(c);
}

long sys_setregid(gid_t rgid, gid_t egid)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (!may_become(rgid, old->gid, old->egid, old->gid, CAP_SETGID) ||
	    !may_become(egid, old->gid, old->egid, old->sgid, CAP_SETGID))
		return -EPERM;
	c = new_cred();
	if (!c)
		return -ENOMEM;
	c->gid = rgid == UNCHANGED ? c->gid : rgid;
	c->egid = egid == UNCHANGED ? c->egid : egid;
	if (rgid != UNCHANGED || (egid != UNCHANGED && egid != old->gid))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	return install(c);
}

long sys_setgid(gid_t gid)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (gid == UNCHANGED)
		return -EINVAL;
	if (!capable(CAP_SETGID) && gid != old->gid && gid != old->sgid)
		return -EPERM;
	c = new_cred();
	if (!c)
		return -ENOMEM;
	if (capable(CAP_SETGID))
		c->gid = c->sgid = gid;
	c->egid = c->fsgid = gid;
	return install(c);
}

long sys_setfsuid(uid_t uid)
{
	const struct cred *old = cred_current();
	uid_t before = old->fsuid;
	struct cred *c;

	if (uid == UNCHANGED || (uid != old->uid && uid != old->euid && uid != old->suid && uid != old->fsuid &&
				 !capable(CAP_SETUID)))
		return before;
	c = new_cred();
	if (!c)
		return before;
	c->fsuid = uid;
	if (!(c->securebits & SECBIT_NO_SETUID_FIXUP)) {
		if (!before && uid)
			c->cap_effective &= ~FS_CAPS;
		if (before && !uid)
			c->cap_effective |= c->cap_permitted & FS_CAPS;
	}
	cred_install(c);
	return before;
}

long sys_setfsgid(gid_t gid)
{
	const struct cred *old = cred_current();
	gid_t before = old->fsgid;
	struct cred *c;

	if (gid == UNCHANGED || (gid != old->gid && gid != old->egid && gid != old->sgid && gid != old->fsgid &&
				 !capable(CAP_SETGID)))
		return before;
	c = new_cred();
	if (!c)
		return before;
	c->fsgid = gid;
	cred_install(c);
	return before;
}

long sys_getresuid(uid_t __user *ruid, uid_t __user *euid, uid_t __user *suid)
{
	const struct cred *c = cred_current();

	if (put_user(c->uid, ruid) || put_user(c->euid, euid) || put_user(c->suid, suid))
		return -EFAULT;
	return 0;
}

long sys_getresgid(gid_t __user *rgid, gid_t __user *egid, gid_t __user *sgid)
{
	const struct cred *c = cred_current();

	if (put_user(c->gid, rgid) || put_user(c->egid, egid) || put_user(c->sgid, sgid))
		return -EFAULT;
	return 0;
}

long sys_getgroups(int size, gid_t __user *list)
{
	const struct cred *c = cred_current();

	if (size < 0)
		return -EINVAL;
	if (!size)
		return c->nr_groups;
	if ((u32)size < c->nr_groups)
		return -EINVAL;
	return copy_to_user(list, c->groups, c->nr_groups * sizeof(gid_t)) ? -EFAULT : (long)c->nr_groups;
}

long sys_setgroups(int size, const gid_t __user *list)
{
	struct cred *c;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (size < 0 || size > CRED_GROUPS_MAX)
		return -EINVAL;
	c = cred_copy(cred_current(), (u32)size);
	if (!c)
		return -ENOMEM;
	if (copy_from_user(c->groups, list, (size_t)size * sizeof(gid_t))) {
		cred_put(c);
		return -EFAULT;
	}
	cred_install(c);
	return 0;
}

/* ---- process groups and sessions ---- */

static long id_of(pid_t pid, bool session)
{
	struct process *p;
	pid_t id;

	if (pid < 0)
		return -ESRCH;
	p = process_of(pid);
	if (!p)
		return -ESRCH;
	id = session ? p->sid : p->pgid;
	process_put(p);
	return id;
}

long sys_getpgid(pid_t pid) { return id_of(pid, false); }
long sys_getpgrp(void) { return id_of(0, false); }
long sys_getsid(pid_t pid) { return id_of(pid, true); }

/* Tree lock held. POSIX setpgid's errors in its order. */
static long setpgid_locked(struct process *p, pid_t pgid)
{
	struct process *me = current_process();
	struct process *member;

	if (p != me) {
		if (p->parent != me)
			return -ESRCH;
		if (p->sid != me->sid)
			return -EPERM;
		if (p->did_exec)
			return -EACCES;
	}
	if (p->is_zombie)
		return -ESRCH;
	if (p->sid == p->pid)
		return -EPERM;		/* a session leader stays in its group */
	if (pgid != p->pid) {
		for (member = pgrp_first(pgid); member && member->sid != me->sid; member = pgrp_next(member))
			;
		if (!member)
			return -EPERM;
	}
	if (p->pgid != pgid)
		process_set_pgrp(p, pgid);
	return 0;
}

long sys_setpgid(pid_t pid, pid_t pgid)
{
	struct process *p;
	long err;

	if (pgid < 0)
		return -EINVAL;
	if (pid < 0)
		return -ESRCH;
	p = process_of(pid);
	if (!p)
		return -ESRCH;
	spin_lock(&process_tree_lock);
	err = setpgid_locked(p, pgid ? pgid : p->pid);
	spin_unlock(&process_tree_lock);
	process_put(p);
	return err;
}

long sys_setsid(void)
{
	struct process *p = current_process();
	long result = p->pid;

	spin_lock(&process_tree_lock);
	if (pgrp_used(p->pid)) {
		result = -EPERM;
	} else {
		process_set_pgrp(p, p->pid);
		process_set_session(p, p->pid);
		p->tty = NULL;
	}
	spin_unlock(&process_tree_lock);
	return result;
}
