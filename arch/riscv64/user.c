/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory. SUM stays 0 on every hart (toggling it also flushes QEMU's TLB), so user pages are
 * reached through the linear map after a walk of the page table: kernel/mm/usercopy_walk.c.
 */
#include <arch/user.h>
#include <kernel/usercopy.h>

size_t arch_copy_from_user(void *dst, const void __user *src, size_t n) { return user_walk_copy_from(dst, src, n); }
size_t arch_copy_to_user(void __user *dst, const void *src, size_t n) { return user_walk_copy_to(dst, src, n); }
size_t arch_clear_user(void __user *dst, size_t n) { return user_walk_clear(dst, n); }
ssize_t arch_copy_string(char *dst, const char __user *src, size_t max) { return user_walk_copy_string(dst, src, max); }
int arch_user_load32(const u32 __user *src, u32 *value) { return user_walk_load32(src, value); }
int arch_user_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev)
{
	return user_walk_cmpxchg32(dst, old, new, prev);
}
