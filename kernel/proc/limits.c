/* SPDX-License-Identifier: BSD-2-Clause */
/* Resource limits and usage: prlimit64, getrlimit, setrlimit, getrusage, times. Lock: the signal lock. */
#include "cpu_timer.h"
#include "proc.h"
#include <kernel/aspace.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/capability.h>

static long limit_exchange(struct process *p, u32 resource, const struct rlimit64 *new, struct rlimit64 *old)
{
	unsigned long flags;
	long err = 0;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (new && new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (new && resource == RLIMIT_NOFILE && new->rlim_max > READ_ONCE(fd_max))
		return -EPERM;
	flags = signal_lock(p);
	*old = p->limits[resource];
	if (new && new->rlim_max > old->rlim_max && !capable(CAP_SYS_RESOURCE))
		err = -EPERM;
	else if (new)
		p->limits[resource] = *new;
	if (new && !err && (resource == RLIMIT_CPU || resource == RLIMIT_RTTIME))
		cpu_timers_update(p);
	signal_unlock(p, flags);
	return err;
}

static bool may_limit(const struct process *p)
{
	const struct cred *mine = cred_current(), *theirs;
	bool ok;

	if (p == current_process() || cred_capable(mine, CAP_SYS_RESOURCE))
		return true;
	epoch_enter();
	theirs = atomic_load_acquire(&p->leader->cred);	/* pairs with cred_install */
	ok = mine->uid == theirs->uid && mine->uid == theirs->euid && mine->uid == theirs->suid &&
	     mine->gid == theirs->gid && mine->gid == theirs->egid && mine->gid == theirs->sgid;
	epoch_exit();
	return ok;
}

long sys_prlimit64(pid_t pid, u32 resource, const struct rlimit64 __user *limit, struct rlimit64 __user *uold)
{
	struct rlimit64 new, old;
	struct process *p;
	long err;

	if (limit && copy_from_user(&new, limit, sizeof(new)))
		return -EFAULT;
	p = process_of(pid);
	if (!p)
		return -ESRCH;
	err = may_limit(p) ? limit_exchange(p, resource, limit ? &new : NULL, &old) : -EPERM;
	process_put(p);
	if (!err && uold && copy_to_user(uold, &old, sizeof(old)))
		return -EFAULT;
	return err;
}

long sys_getrlimit(u32 resource, struct rlimit64 __user *limit)
{
	return limit ? sys_prlimit64(0, resource, NULL, limit) : -EFAULT;
}
long sys_setrlimit(u32 resource, const struct rlimit64 __user *limit)
{
	return limit ? sys_prlimit64(0, resource, limit, NULL) : -EFAULT;
}

static void add_memory_peak(struct process_usage *u)
{
	u->max_rss_pages = max(u->max_rss_pages, aspace_rss_peak(current->aspace));
}

static void usage_children(struct process *p, struct process_usage *u)
{
	unsigned long flags = signal_lock(p);

	*u = p->children_usage;
	signal_unlock(p, flags);
}

long sys_getrusage(int who, struct rusage __user *usage)
{
	struct process *p = current_process();
	struct process_usage u = {};
	struct rusage out;

	switch (who) {
	case RUSAGE_SELF:
		process_usage(p, &u);
		add_memory_peak(&u);
		break;
	case RUSAGE_THREAD:
		thread_usage_add(current, &u);
		add_memory_peak(&u);
		break;
	case RUSAGE_CHILDREN:
		usage_children(p, &u);
		break;
	default:
		return -EINVAL;
	}
	usage_to_rusage(&u, &out);
	return copy_to_user(usage, &out, sizeof(out));
}

static s64 clock_ticks(u64 ns) { return (s64)(ns / (NSEC_PER_SEC / USER_HZ)); }

long sys_times(struct tms __user *buf)
{
	struct process *p = current_process();
	struct process_usage own, children;
	struct tms t;

	process_usage(p, &own);
	usage_children(p, &children);
	t = (struct tms){ clock_ticks(own.user_ns), clock_ticks(own.system_ns), clock_ticks(children.user_ns),
			  clock_ticks(children.system_ns) };
	if (buf && copy_to_user(buf, &t, sizeof(t)))
		return -EFAULT;
	return clock_ticks(time_boot_ns());
}
