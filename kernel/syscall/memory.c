/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls of memory: arguments checked here, work in kernel/mm/ (kernel/aspace.h). */
#include <kernel/aspace.h>
#include <kernel/fs.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>
#include <uapi/errno.h>
#include <uapi/mman.h>

long sys_mmap(u64 addr, u64 len, int prot, int mflags, int fd, u64 offset)
{
	struct file *file = NULL;
	long result;

	if (!is_aligned(offset, PAGE_SIZE))
		return -EINVAL;
	if (!(mflags & MAP_ANONYMOUS)) {
		file = fd_get(fd);
		if (!file)
			return -EBADF;
	}
	result = aspace_mmap(current->aspace, addr, len, (u32)prot, (u32)mflags, file, file ? offset : 0);
	if (file)
		file_put(file);
	return result;
}

long sys_munmap(u64 addr, u64 len) { return aspace_munmap(current->aspace, addr, len); }
long sys_mprotect(u64 addr, u64 len, int prot) { return aspace_mprotect(current->aspace, addr, len, (u32)prot); }
long sys_brk(u64 brk) { return (long)aspace_brk(current->aspace, brk); }

long sys_mremap(u64 old_addr, u64 old_len, u64 new_len, u32 flags, u64 new_addr)
{
	return aspace_mremap(current->aspace, old_addr, old_len, new_len, flags, new_addr);
}

long sys_madvise(u64 addr, u64 len, int advice) { return aspace_madvise(current->aspace, addr, len, advice); }
long sys_msync(u64 addr, u64 len, int flags) { return aspace_msync(current->aspace, addr, len, flags); }
long sys_mincore(u64 addr, u64 len, u8 __user *vec) { return aspace_mincore(current->aspace, addr, len, vec); }

long sys_mlock(u64 addr, u64 len) { return aspace_mlock(current->aspace, addr, len, true); }
long sys_munlock(u64 addr, u64 len) { return aspace_mlock(current->aspace, addr, len, false); }

long sys_mlock2(u64 addr, u64 len, int flags)
{
	/* MLOCK_ONFAULT would lock pages as they come; here they are brought in at once. */
	return flags ? -EINVAL : sys_mlock(addr, len);
}

/* The first area at or above *at: its bounds. False: none. */
static bool area_after(struct aspace *as, vaddr_t at, vaddr_t *start, vaddr_t *end)
{
	struct vma *v;

	rwlock_read_lock(&as->lock);
	v = aspace_find(as, at);
	if (v) {
		*start = max(v->start, at);
		*end = v->end;
	}
	rwlock_read_unlock(&as->lock);
	return v != NULL;
}

static long lock_all(struct aspace *as, bool lock)
{
	vaddr_t start, end;

	for (vaddr_t at = 0; area_after(as, at, &start, &end); at = end) {
		int err = aspace_mlock(as, start, end - start, lock);

		/* Areas that allow no access cannot be brought in; Linux passes them by as well. */
		if (err && err != -ENOMEM && err != -EFAULT && err != -EACCES)
			return err;
		if (err == -ENOMEM && lock && rlimit(RLIMIT_MEMLOCK) != RLIM_INFINITY && !capable(CAP_IPC_LOCK))
			return err;
	}
	return 0;
}

static void lock_future(struct aspace *as, bool on)
{
	rwlock_write_lock(&as->lock);
	as->lock_future = on;
	rwlock_write_unlock(&as->lock);
}

long sys_mlockall(int flags)
{
	struct aspace *as = current->aspace;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE)))
		return -EINVAL;
	if (!rlimit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
		return -EPERM;
	lock_future(as, flags & MCL_FUTURE);
	return (flags & MCL_CURRENT) ? lock_all(as, true) : 0;
}

long sys_munlockall(void)
{
	lock_future(current->aspace, false);
	return lock_all(current->aspace, false);
}
