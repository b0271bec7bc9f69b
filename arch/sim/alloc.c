/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The failing allocator. The linker turns calls of the core's allocators into calls of these (--wrap), so the core
 * knows nothing of it: a program's system call or fault gets NULL now and then. Process 1, kernel threads
 * and interrupts always get their memory.
 */
#include <arch/user.h>
#include <kernel/thread.h>
#include "sim.h"

struct page;
struct kmem_cache;
struct page *__real_page_alloc(unsigned order, u32 flags);
struct page *__wrap_page_alloc(unsigned order, u32 flags);
void *__real_kmalloc(size_t size, u32 flags);
void *__wrap_kmalloc(size_t size, u32 flags);
void *__real_kzalloc(size_t size, u32 flags);
void *__wrap_kzalloc(size_t size, u32 flags);
void *__real_kcalloc(size_t n, size_t size, u32 flags);
void *__wrap_kcalloc(size_t n, size_t size, u32 flags);
char *__real_kstrdup(const char *s, u32 flags);
char *__wrap_kstrdup(const char *s, u32 flags);
void *__real_kmem_cache_alloc(struct kmem_cache *c, u32 flags);
void *__wrap_kmem_cache_alloc(struct kmem_cache *c, u32 flags);
void *__real_vmap_alloc(size_t size, u32 flags);
void *__wrap_vmap_alloc(size_t size, u32 flags);
void *__real_kstack_alloc(void);
void *__wrap_kstack_alloc(void);

#define FAULT_RARELY 16u	/* a page fault that gets no memory kills its program: fewer of them */

static u64 one_in, failed;

void sim_alloc_fail(u64 one_in_n) { one_in = one_in_n; }
u64 sim_alloc_failed(void) { return failed; }

static bool fails(void)
{
	if (!one_in || sim_hold || !sim_current->is_user || sim_current->tid == 1 || sim_v->in_ipi ||
	    sim_current->preempt_count >> PREEMPT_IRQ_SHIFT || !sim_chance(SIM_ALLOC, one_in))
		return false;
	if (!arch_user_regs(sim_current)->in_call && !sim_chance(SIM_ALLOC, FAULT_RARELY))
		return false;
	failed++;
	sim_trace(6, failed);
	return true;
}

struct page *__wrap_page_alloc(unsigned order, u32 flags) { return fails() ? NULL : __real_page_alloc(order, flags); }
void *__wrap_kmalloc(size_t size, u32 flags) { return fails() ? NULL : __real_kmalloc(size, flags); }
void *__wrap_kzalloc(size_t size, u32 flags) { return fails() ? NULL : __real_kzalloc(size, flags); }
void *__wrap_kcalloc(size_t n, size_t size, u32 flags) { return fails() ? NULL : __real_kcalloc(n, size, flags); }
char *__wrap_kstrdup(const char *s, u32 flags) { return fails() ? NULL : __real_kstrdup(s, flags); }
void *__wrap_kmem_cache_alloc(struct kmem_cache *c, u32 flags) { return fails() ? NULL : __real_kmem_cache_alloc(c, flags); }
void *__wrap_vmap_alloc(size_t size, u32 flags) { return fails() ? NULL : __real_vmap_alloc(size, flags); }
void *__wrap_kstack_alloc(void) { return fails() ? NULL : __real_kstack_alloc(); }
