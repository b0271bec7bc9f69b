/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocators and one address space under several threads at once, on as many CPUs as there are.
 * Every thread writes its own mark into what it got and looks again before it gives it back.
 */
#include <arch/upcall.h>
#include <kernel/sched.h>
#include <kernel/test.h>
#include <kernel/thread.h>
#include <lib/string.h>

#include "aspace_internal.h"

#define THREADS 4
#define ROUNDS 400
#define HELD 24
#define BASE 0x20000000ull

static u32 errors;	/* [a] */

struct held {
	u64 *mem;
	size_t words;
	struct page *page;
	void *stack;
	u64 *area;
};

static u64 rnd(u64 *seed) { return (*seed = *seed * 6364136223846793005ull + 1442695040888963407ull) >> 33; }

static void fill(u64 *at, size_t words, u64 mark)
{
	for (size_t i = 0; i < words; i++)
		at[i] = mark + i;
}

static void check(const u64 *at, size_t words, u64 mark)
{
	for (size_t i = 0; i < words; i++)
		if (at[i] != mark + i)
			atomic_add(&errors, 1);
}

static void give_back(struct held *h, u64 mark)
{
	if (h->mem)
		check(h->mem, h->words, mark);
	kfree(h->mem);
	if (h->page) {
		check(page_to_virt(h->page), 512, mark);
		page_put(h->page);
	}
	if (h->stack) {
		check(h->stack, 64, mark);
		kstack_free(h->stack);
	}
	if (h->area)
		check(h->area, 1024, mark);
	vmap_free(h->area);
	memset(h, 0, sizeof(*h));
}

static void take(struct held *h, u64 kind, u64 size, u64 mark)
{
	switch (kind) {
	case 0:
		h->page = page_alloc(0, 0);
		if (h->page)
			fill(page_to_virt(h->page), 512, mark);
		break;
	case 1:
		h->stack = kstack_alloc();
		if (h->stack)
			fill(h->stack, 64, mark);
		break;
	case 2:
		h->area = vmap_alloc(8192, 0);
		if (h->area)
			fill(h->area, 1024, mark);
		break;
	default:
		h->words = size / 8;
		h->mem = kmalloc(h->words * 8, 0);
		if (h->mem)
			fill(h->mem, h->words, mark);
	}
}

static void allocator_thread(void *arg)
{
	u64 id = (u64)arg, seed = id * 77 + 1;
	struct held *held = kcalloc(HELD, sizeof(*held), 0);

	for (u64 i = 0; held && i < ROUNDS; i++) {
		u64 slot = rnd(&seed) % HELD;

		give_back(&held[slot], id << 48 | slot << 32);
		take(&held[slot], rnd(&seed) % 12, 8 + rnd(&seed) % 3000, id << 48 | slot << 32);
		if (rnd(&seed) % 8 == 0)
			sched_yield();
	}
	for (u64 slot = 0; held && slot < HELD; slot++)
		give_back(&held[slot], id << 48 | slot << 32);
	kfree(held);
}

/* Runs fn on THREADS threads, each with its number from 1 on. */
static bool run(void (*fn)(void *))
{
	struct thread *t[THREADS];
	bool all = true;

	for (u64 i = 0; i < THREADS; i++) {
		t[i] = thread_create("mm-stress", fn, (void *)(i + 1), -1);
		all &= t[i] != NULL;
		if (t[i])
			thread_start(t[i]);
	}
	for (u64 i = 0; i < THREADS; i++)
		if (t[i])
			(void)thread_join(t[i]);
	return all;
}

static void test_allocators(void)
{
	atomic_store(&errors, 0u);
	test_check(run(allocator_thread));
	test_equal(atomic_load(&errors), 0);
}

static struct aspace *space;

/* All threads fault, fork, unmap and protect in one space; each has its own stripe of pages to check. */
static void space_thread(void *arg)
{
	u64 id = (u64)arg, seed = id;
	vaddr_t base = BASE + id * (1ull << 20);

	for (u64 i = 0; i < 60; i++) {
		vaddr_t at = base + rnd(&seed) % 32 * PAGE_SIZE;
		u64 v = id << 32 | i, got = 0;
		struct aspace *child = NULL;

		if (aspace_access(space, at, &v, 8, true) != 8)
			atomic_add(&errors, 1);
		if (i % 12 == 11)
			child = aspace_fork(space);
		if (aspace_access(space, at, &got, 8, false) != 8 || got != v)
			atomic_add(&errors, 1);
		if (child && !is_err(child)) {
			v++;
			if (aspace_access(space, at, &v, 8, true) != 8 ||
			    aspace_access(child, at, &got, 8, false) != 8 || got != v - 1)
				atomic_add(&errors, 1);
			aspace_put_user(child);
		}
		if (i % 10 == 9)
			(void)aspace_madvise(space, base, 32 * PAGE_SIZE, MADV_DONTNEED);
		if (i % 16 == 15) {
			(void)aspace_munmap(space, base + 16 * PAGE_SIZE, 16 * PAGE_SIZE);
			(void)aspace_mmap(space, base + 16 * PAGE_SIZE, 16 * PAGE_SIZE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
		}
	}
}

static void test_space(void)
{
	space = aspace_create();
	test_check(space);
	test_check(aspace_mmap(space, BASE, 16ull << 20, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) == (s64)BASE);
	atomic_store(&errors, 0u);
	test_check(run(space_thread));
	test_equal(atomic_load(&errors), 0);
	test_check(aspace_munmap(space, 0, arch_layout.user_end & PAGE_MASK) == 0);
	test_equal(aspace_anon(space), 0);
	test_equal(space->total_pages, 0);
	test_equal(space->nr_areas, 0);
	test_equal(space->pt_pages, 1);
	aspace_put_user(space);
}

static const struct test_case cases[] = { TEST_CASE(test_allocators), TEST_CASE(test_space), {} };
const struct test_suite test_suite_mm_stress = { "mm_stress", cases };
