/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory for portable code: the only door. Every function checks the range against the user
 * half first. 0 or -EFAULT unless said otherwise; may sleep. struct uio is one iterator for user
 * and kernel ranges.
 */
#ifndef KERNEL_USERCOPY_H
#define KERNEL_USERCOPY_H

#include <arch/mmu.h>
#include <arch/user.h>
#include <uapi/errno.h>

static inline bool user_range_ok(const void __user *p, size_t n)
{
	return n <= arch_layout.user_end && (vaddr_t)p <= arch_layout.user_end - n;
}
/*
 * The kernel's side of a copy: [at, at+n) may not leave the slab object or the own stack that it begins in, nor lie in the
 * kernel's code; else panic. Copies of a length that the compiler knows are checked in debug builds only.
 */
void usercopy_check(vaddr_t at, size_t n);
int copy_from_user_unchecked(void *dst, const void __user *src, size_t n) __must_check;
int copy_to_user_unchecked(void __user *dst, const void *src, size_t n) __must_check;
static __always_inline __must_check int copy_from_user(void *dst, const void __user *src, size_t n)
{
	if (CONFIG_DEBUG || !__builtin_constant_p(n))
		usercopy_check((vaddr_t)dst, n);
	return copy_from_user_unchecked(dst, src, n);
}
static __always_inline __must_check int copy_to_user(void __user *dst, const void *src, size_t n)
{
	if (CONFIG_DEBUG || !__builtin_constant_p(n))
		usercopy_check((vaddr_t)src, n);
	return copy_to_user_unchecked(dst, src, n);
}
int clear_user(void __user *dst, size_t n) __must_check;
/* Length without NUL; -EFAULT; -ENAMETOOLONG when max bytes hold no NUL. */
ssize_t copy_string_from_user(char *dst, const char __user *src, size_t max) __must_check;
/* Reads a struct the user gave with its own size (clone3, openat2…): excess must be 0 (-E2BIG), lack is zero-filled. */
int copy_struct_from_user(void *dst, size_t ksize, const void __user *src, size_t usize) __must_check;
#define get_user(val, ptr) copy_from_user(&(val), (ptr), sizeof(val))
#define put_user(val, ptr) ({ __typeof__(*(ptr)) _v = (val); copy_to_user((ptr), &_v, sizeof(_v)); })

/* The portable page-table walk behind arch_copy_* on RISC-V and sim (kernel/mm/usercopy_walk.c). Bytes not copied. */
/* This CPU loads another space, or drops translations together with tables: what the walk remembers goes. Interrupts or preemption off. */
void user_walk_forget(void);
size_t user_walk_copy_from(void *dst, const void __user *src, size_t n);
size_t user_walk_copy_to(void __user *dst, const void *src, size_t n);
size_t user_walk_clear(void __user *dst, size_t n);
ssize_t user_walk_copy_string(char *dst, const char __user *src, size_t max);
int user_walk_load32(const u32 __user *src, u32 *value);
int user_walk_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev);

struct iovec_kernel {
	void *base;		/* user or kernel address */
	size_t len;
};
/* Iterator over user (is_user) or kernel ranges; consumed from the front. */
struct uio {
	const struct iovec_kernel *iov;
	u32 nr_iov;
	bool is_user;
	u8 rw_flags;		/* RWF_* of this transfer; set after the initialiser */
	size_t offset;		/* into iov[0] */
	size_t count;		/* bytes left in all */
	struct iovec_kernel single;	/* storage of uio_user/uio_kernel */
};
static inline void uio_init_user(struct uio *u, void __user *buf, size_t len)
{
	u->single = (struct iovec_kernel){ (void *)buf, len };
	u->iov = &u->single;
	u->nr_iov = 1;
	u->is_user = true;
	u->rw_flags = 0;
	u->offset = 0;
	u->count = len;
}
void uio_init_kernel(struct uio *u, void *buf, size_t len);
void uio_init_iov(struct uio *u, const struct iovec_kernel *iov, u32 nr, bool is_user);
/* Copy n <= count bytes out to / in from the ranges; advance by what was copied; return that (short: fault). */
size_t uio_copy_out(struct uio *u, const void *src, size_t n);
size_t uio_copy_in(struct uio *u, void *dst, size_t n);
size_t uio_zero_out(struct uio *u, size_t n);
void uio_advance(struct uio *u, size_t n);
/* Faults in the next n bytes (touching them) without locks held. 0 or -EFAULT. */
int uio_fault_in(struct uio *u, size_t n, bool for_write);
/* Reads a user's iovec array: *iov points to fast (fast_n entries) or a kmalloc'd one. Total length, -EINVAL, -EFAULT, -ENOMEM. */
ssize_t iov_import(const void __user *uvec, u64 nr, struct iovec_kernel *fast, u32 fast_n,
		   struct iovec_kernel **iov);
/* The same for ranges of another process: whether they are user addresses is not looked at. */
ssize_t iov_import_unchecked(const void __user *uvec, u64 nr, struct iovec_kernel *fast, u32 fast_n,
			     struct iovec_kernel **iov);

#endif
