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

long sys_mlock(u64 addr, u64 len) { return aspace_mlock(current->aspace, addr, len, VMA_LOCKED); }
long sys_munlock(u64 addr, u64 len) { return aspace_mlock(current->aspace, addr, len, 0); }

long sys_mlock2(u64 addr, u64 len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return aspace_mlock(current->aspace, addr, len, VMA_LOCKED | (flags & MLOCK_ONFAULT ? VMA_LOCKONFAULT : 0));
}

long sys_mlockall(int flags)
{
	u32 lock = VMA_LOCKED | (flags & MCL_ONFAULT ? VMA_LOCKONFAULT : 0);

	if (!flags || flags == MCL_ONFAULT || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))
		return -EINVAL;
	return aspace_mlock_all(current->aspace, flags & MCL_CURRENT, lock, flags & MCL_FUTURE ? lock : 0);
}

long sys_munlockall(void) { return aspace_mlock_all(current->aspace, true, 0, 0); }

/* ---- memory of other processes ---------------------------------------------------------------- */

/* Copies between the caller's iovecs and the other space's; bytes until the first fault, or -EFAULT. */
static ssize_t vm_transfer(struct aspace *as, struct uio *mine, const struct iovec_kernel *theirs, u64 nr, bool write,
			   char *page)
{
	ssize_t done = 0;

	for (u64 i = 0; i < nr; i++) {
		vaddr_t at = (vaddr_t)theirs[i].base;
		size_t left = theirs[i].len;

		while (left && mine->count) {
			size_t n = min(min(left, mine->count), (size_t)(PAGE_SIZE - at % PAGE_SIZE)), got;

			if (write) {
				n = uio_copy_in(mine, page, n);
				got = n ? aspace_access(as, at, page, n, true) : 0;
			} else {
				got = aspace_access(as, at, page, n, false);
				got = uio_copy_out(mine, page, got);
			}
			done += (ssize_t)got;
			if (got < n || !n)
				return done ? done : -EFAULT;
			if (signal_fatal_pending(current))
				return done ? done : -EINTR;
			at += n;
			left -= n;
		}
	}
	return done;
}

static ssize_t vm_open_and_transfer(pid_t pid, struct uio *mine, const struct iovec_kernel *theirs, u64 nr, bool write)
{
	struct process *p = process_find(pid);
	struct aspace *as;
	ssize_t n = -ENOMEM;
	char *page;

	if (!p)
		return -ESRCH;
	as = process_access(p, NULL, ACCESS_ATTACH | ACCESS_REAL) ? err_ptr(-EPERM) : process_aspace_get(p);
	process_put(p);
	if (!as || is_err(as))
		return as ? ptr_err(as) : -ESRCH;
	page = kmalloc(PAGE_SIZE, 0);
	if (page)
		n = vm_transfer(as, mine, theirs, nr, write, page);
	kfree(page);
	aspace_put(as);
	return n;
}

static long process_vm(pid_t pid, const void __user *lvec, u64 liovcnt, const void __user *rvec, u64 riovcnt, u64 flags,
		       bool write)
{
	struct iovec_kernel fast[4], far_fast[4], *local, *far;
	struct uio mine;
	ssize_t n, m;

	if (flags)
		return -EINVAL;
	n = iov_import(lvec, liovcnt, fast, ARRAY_LEN(fast), &local);
	if (n < 0)
		return n;
	/* Addresses of the other space are checked when they are used. */
	m = iov_import_unchecked(rvec, riovcnt, far_fast, ARRAY_LEN(far_fast), &far);
	if (m < 0) {
		n = m;
		goto no_far;
	}
	uio_init_iov(&mine, local, (u32)liovcnt, true);
	if (n)
		n = m ? vm_open_and_transfer(pid, &mine, far, riovcnt, write) : 0;
	if (far != far_fast)
		kfree(far);
no_far:
	if (local != fast)
		kfree(local);
	return n;
}

long sys_process_vm_readv(pid_t pid, const void __user *lvec, u64 liovcnt, const void __user *rvec, u64 riovcnt, u64 flags)
{
	return process_vm(pid, lvec, liovcnt, rvec, riovcnt, flags, false);
}

long sys_process_vm_writev(pid_t pid, const void __user *lvec, u64 liovcnt, const void __user *rvec, u64 riovcnt, u64 flags)
{
	return process_vm(pid, lvec, liovcnt, rvec, riovcnt, flags, true);
}
