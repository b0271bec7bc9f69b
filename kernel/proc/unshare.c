/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unshare(2) and setns(2). Working directory, root, descriptors and namespace belong to the process here, so what Linux
 * takes from one thread only can be done only while there is one.
 */
#include "pidfd.h"
#include <kernel/aspace.h>
#include <kernel/syscall.h>
#include <kernel/sysv.h>
#include <uapi/sched.h>

#define UNSHARE_KNOWN (CLONE_NEWNS | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)

/* What cannot be taken apart must not be shared. */
static int unshare_check(const struct process *p, u64 flags)
{
	bool is_alone = READ_ONCE(p->nr_threads) == 1;

	if (flags & ~(u64)UNSHARE_KNOWN)
		return -EINVAL;
	if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_NEWNS) && !is_alone)
		return -EINVAL;
	if (flags & (CLONE_SIGHAND | CLONE_VM) && ref_read(&p->sig.actions->refs) > 1)
		return -EINVAL;
	return flags & CLONE_VM && ref_read(&current->aspace->users) > 1 ? -EINVAL : 0;
}

/* The new parts take the old ones' place; NULL: none. Others find them under the signal lock. */
static void swap_parts(struct process *p, struct fs_context *fs, struct fd_table *files)
{
	unsigned long flags = signal_lock(p);
	struct fs_context *old_fs = NULL;
	struct fd_table *old_files = NULL;

	if (fs) {
		old_fs = p->fs;
		p->fs = fs;
	}
	if (files) {
		old_files = p->files;
		p->files = files;
	}
	signal_unlock(p, flags);
	fs_context_leave(old_fs);
	if (old_files)
		fd_table_put(old_files);
}

long sys_unshare(u64 flags)
{
	struct process *p = current_process();
	struct fs_context *fs = NULL;
	struct fd_table *files = NULL;
	int err = unshare_check(p, flags);

	if (err)
		return err;
	if (flags & (CLONE_NEWNS | CLONE_FS)) {
		fs = fs_context_copy(p->fs);
		err = !fs ? -ENOMEM : flags & CLONE_NEWNS ? fs_context_new_ns(fs) : 0;
	}
	if (!err && flags & CLONE_FILES && ref_read(&p->files->refs) > 1) {
		files = fd_table_copy(p->files);
		err = files ? 0 : -ENOMEM;
	}
	if (err) {
		fs_context_leave(fs);
		return err;
	}
	if (flags & CLONE_SYSVSEM && READ_ONCE(p->nr_threads) == 1)
		sem_exit(p);
	swap_parts(p, fs, files);
	return 0;
}

static long enter_of_pidfd(struct fs_context *fc, int fd, int nstype)
{
	struct process *p;
	u32 flags;
	long err;

	p = pidfd_process(fd, &flags);
	if (is_err(p))
		return -EINVAL;		/* neither a namespace nor a process */
	err = nstype != CLONE_NEWNS ? -EINVAL : process_access(p, NULL, ACCESS_READ | ACCESS_REAL);
	if (!err)
		err = fs_context_enter_ns_of(fc, p);
	process_put(p);
	return err;
}

long sys_setns(int fd, int nstype)
{
	struct process *p = current_process();
	struct file *f = fd_get(fd);
	long err;

	if (!f)
		return -EBADF;
	if (!file_is_ns(f))
		err = enter_of_pidfd(p->fs, fd, nstype);
	else if ((nstype && nstype != CLONE_NEWNS) || READ_ONCE(p->nr_threads) > 1)
		err = -EINVAL;
	else
		err = fs_context_enter_ns_file(p->fs, f);
	file_put(f);
	return err;
}
