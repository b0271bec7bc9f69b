/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C11 atomics under short names. Every use names its order; a release names the
 * acquire it pairs with in a comment at the place of use.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#include <lib/types.h>

#define atomic_load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_xchg(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_add(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define atomic_fetch_add_acq_rel(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define atomic_add(p, v) ((void)__atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define atomic_sub(p, v) ((void)__atomic_fetch_sub((p), (v), __ATOMIC_RELAXED))
#define atomic_fetch_or(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_and(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
/* On failure *old is updated; acquire on both outcomes, release on success. */
#define atomic_cmpxchg(p, old, new) \
	__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define atomic_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define atomic_fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define atomic_fence_full() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/*
 * Reference count. Saturates instead of wrapping: an object whose count reached
 * the ceiling is never freed (a leak is better than a use after free).
 */
struct refcount {
	u32 n;
};
#define REFCOUNT_INIT(v) { .n = (v) }
#define REFCOUNT_SATURATED 0xc0000000u

static inline void ref_set(struct refcount *r, u32 n) { atomic_store(&r->n, n); }
static inline u32 ref_read(const struct refcount *r) { return atomic_load(&r->n); }
static inline void ref_get(struct refcount *r)
{
	if (atomic_fetch_add(&r->n, 1u) >= REFCOUNT_SATURATED)
		atomic_store(&r->n, REFCOUNT_SATURATED);
}
/* Takes a reference unless the count is 0; true if taken. */
static inline bool ref_get_not_zero(struct refcount *r)
{
	u32 old = atomic_load(&r->n);

	do {
		if (old == 0)
			return false;
	} while (!atomic_cmpxchg(&r->n, &old, old >= REFCOUNT_SATURATED ? old : old + 1));
	return true;
}
/* Drops a reference; true when it was the last (acquire: the caller may free). */
static inline bool ref_put(struct refcount *r)
{
	u32 old = atomic_load(&r->n);

	if (old >= REFCOUNT_SATURATED)
		return false;
	return __atomic_fetch_sub(&r->n, 1u, __ATOMIC_ACQ_REL) == 1;
}

#endif
