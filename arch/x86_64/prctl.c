/* SPDX-License-Identifier: BSD-2-Clause */
/* arch_prctl(2): the segment bases, which user mode cannot set by itself (CR4.FSGSBASE stays off). */
#include <kernel/syscall.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <uapi/prctl.h>

#include "x86.h"

/* -EPERM: not a user address. */
static long set_base(u64 *base, u64 addr)
{
	unsigned long flags;

	if (addr >= arch_layout.user_end)
		return -EPERM;
	flags = arch_irq_save();
	*base = addr;
	x86_load_bases(current);
	arch_irq_restore(flags);
	return 0;
}

long sys_arch_prctl(int code, u64 addr)
{
	struct arch_thread *a = &current->arch;

	switch (code) {
	case ARCH_SET_FS: return set_base(&a->fs_base, addr);
	case ARCH_SET_GS: return set_base(&a->gs_base, addr);
	case ARCH_GET_FS: return put_user(a->fs_base, (u64 __user *)addr);
	case ARCH_GET_GS: return put_user(a->gs_base, (u64 __user *)addr);
	default: return -EINVAL;
	}
}
