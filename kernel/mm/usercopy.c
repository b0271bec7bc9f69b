/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory: range checks in front of the architecture's copies, and the wrappers callers use.
 * The iterator over ranges is uio.c.
 */
#include <kernel/panic.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

#include "mm_internal.h"
#include "slab.h"

static __noinline __cold __noreturn void outside(const void *p, size_t n, const char *what)
{
	panic("user copy of %zu bytes at %p: %s", n, p, what);
}

void usercopy_check(vaddr_t at, size_t n)
{
	const void *p = (void *)at;
	u64 offset = at - arch_layout.linear_base;

	if (n == 0)
		return;
	if (offset < arch_layout.linear_size) {
		struct page *page = virt_to_page(p);
		const struct kmem_cache *c = slab_page_cache(page);

		if (likely(!c)) {
			if (unlikely(virt_to_phys(p) < image_to_phys(__text_end) && virt_to_phys(p) + n > image_to_phys(__text_start)))
				outside(p, n, "the kernel's code");
			return;
		}
		if (unlikely(n > slab_bytes_after(c, p)))
			outside(p, n, "more than the slab object");
	} else if (at - (vaddr_t)current->kstack < KSTACK_SIZE) {
		if (unlikely(n > (vaddr_t)current->kstack + KSTACK_SIZE - at))
			outside(p, n, "more than the stack");
	} else if (unlikely(at < (vaddr_t)__text_end && at + n > (vaddr_t)__text_start)) {
		outside(p, n, "the kernel's code");
	}
}

int copy_from_user_unchecked(void *dst, const void __user *src, size_t n)
{
	size_t left;

	if (!user_range_ok(src, n))
		return -EFAULT;
	left = arch_copy_from_user(dst, src, n);
	if (likely(left == 0))
		return 0;
	memset((char *)dst + (n - left), 0, left);	/* never what was there before */
	return -EFAULT;
}

int copy_to_user_unchecked(void __user *dst, const void *src, size_t n)
{
	return user_range_ok(dst, n) && arch_copy_to_user(dst, src, n) == 0 ? 0 : -EFAULT;
}

int clear_user(void __user *dst, size_t n)
{
	return user_range_ok(dst, n) && arch_clear_user(dst, n) == 0 ? 0 : -EFAULT;
}

ssize_t copy_string_from_user(char *dst, const char __user *src, size_t max)
{
	size_t room = max;
	ssize_t n;

	if ((vaddr_t)src >= arch_layout.user_end || max == 0)
		return -EFAULT;
	room = min(room, (size_t)(arch_layout.user_end - (vaddr_t)src));
	n = arch_copy_string(dst, src, room);
	if (n < 0)
		return n;
	if ((size_t)n < room)
		return n;
	return room < max ? -EFAULT : -ENAMETOOLONG;
}

int copy_struct_from_user(void *dst, size_t ksize, const void __user *src, size_t usize)
{
	size_t n = min(ksize, usize);
	int err = copy_from_user(dst, src, n);

	if (err)
		return err;
	memset((char *)dst + n, 0, ksize - n);
	for (size_t at = ksize; at < usize;) {
		char more[64];
		size_t len = min(usize - at, sizeof(more));

		err = copy_from_user(more, (const char __user *)src + at, len);
		if (err)
			return err;
		for (size_t i = 0; i < len; i++)
			if (more[i])
				return -E2BIG;
		at += len;
	}
	return 0;
}
