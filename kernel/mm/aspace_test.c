/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of address spaces without a program in them: areas, demand paging, copy-on-write, moving.
 * Memory is touched through aspace_access, which faults as the program would.
 */
#include <arch/upcall.h>
#include <kernel/test.h>
#include <lib/string.h>

#include "aspace_internal.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define BASE 0x10000000ull

static bool put(struct aspace *as, vaddr_t at, u64 v) { return aspace_access(as, at, &v, 8, true) == 8; }

static u64 get(struct aspace *as, vaddr_t at)
{
	u64 v = 0xdead;

	return aspace_access(as, at, &v, 8, false) == 8 ? v : 0xdead;
}

static u32 areas(struct aspace *as) { return as->nr_areas; }

static void test_create_destroy(void)
{
	struct aspace *as = aspace_create();

	test_check(as);
	test_equal(areas(as), 0);
	test_equal(aspace_fault(as, BASE, 0), -EFAULT);
	aspace_put_user(as);
}

static void test_mmap_arguments(void)
{
	struct aspace *as = aspace_create();

	test_check(as);
	test_equal(aspace_mmap(as, 0, 0, RW, ANON, NULL, 0), -EINVAL);
	test_equal(aspace_mmap(as, 0, 4096, RW, MAP_ANONYMOUS, NULL, 0), -EINVAL);
	test_equal(aspace_mmap(as, 0, 4096, RW, ANON, NULL, 17), -EINVAL);
	test_equal(aspace_mmap(as, 0, ~0ull, RW, ANON, NULL, 0), -ENOMEM);
	test_equal(aspace_mmap(as, 0, 1ull << 60, RW, ANON, NULL, 0), -ENOMEM);
	test_equal(aspace_mmap(as, BASE + 1, 4096, RW, ANON | MAP_FIXED, NULL, 0), -EINVAL);
	test_equal(aspace_mmap(as, arch_layout.user_end, 4096, RW, ANON | MAP_FIXED, NULL, 0), -ENOMEM);
	test_equal(aspace_mmap(as, 0, 4096, RW, ANON | MAP_FIXED, NULL, 0), -EPERM);
	test_equal(aspace_mmap(as, BASE, 8192, RW, ANON | MAP_FIXED, NULL, 0), BASE);
	test_equal(aspace_mmap(as, BASE, 4096, RW, ANON | MAP_FIXED_NOREPLACE, NULL, 0), -EEXIST);
	test_check(aspace_mmap(as, BASE, 4096, RW, ANON, NULL, 0) != (s64)BASE);
	test_equal(aspace_munmap(as, BASE + 1, 4096), -EINVAL);
	test_equal(aspace_munmap(as, BASE, 0), -EINVAL);
	aspace_put_user(as);
}

static void test_demand_paging(void)
{
	struct aspace *as = aspace_create();
	s64 at;

	test_check(as);
	at = aspace_mmap(as, 0, 16 * PAGE_SIZE, RW, ANON, NULL, 0);
	test_check(at > 0);
	test_equal(get(as, (vaddr_t)at), 0);
	test_equal(aspace_anon(as), 0);	/* the zero page */
	test_check(put(as, (vaddr_t)at, 42));
	test_equal(get(as, (vaddr_t)at), 42);
	test_equal(aspace_anon(as), 1);
	test_check(put(as, (vaddr_t)at + 15 * PAGE_SIZE, 7));
	test_equal(aspace_anon(as), 2);
	test_equal(aspace_fault(as, (vaddr_t)at + 16 * PAGE_SIZE, FAULT_WRITE), -EFAULT);
	test_equal(aspace_madvise(as, (vaddr_t)at, PAGE_SIZE, MADV_DONTNEED), 0);
	test_equal(get(as, (vaddr_t)at), 0);
	test_equal(aspace_anon(as), 1);
	test_equal(aspace_munmap(as, (vaddr_t)at, 16 * PAGE_SIZE), 0);
	test_equal(aspace_anon(as), 0);
	test_equal(as->pt_pages, 1);	/* only the root is left */
	aspace_put_user(as);
}

static void test_split_and_merge(void)
{
	struct aspace *as = aspace_create();

	test_check(as);
	aspace_mmap(as, BASE, 8 * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0);
	test_equal(areas(as), 1);
	test_check(put(as, BASE + 3 * PAGE_SIZE, 9));
	test_equal(aspace_mprotect(as, BASE + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ), 0);
	test_equal(areas(as), 3);
	test_equal(aspace_fault(as, BASE + 3 * PAGE_SIZE, FAULT_WRITE), -EACCES);
	test_equal(get(as, BASE + 3 * PAGE_SIZE), 9);
	test_equal(aspace_mprotect(as, BASE + 2 * PAGE_SIZE, 2 * PAGE_SIZE, RW), 0);
	test_equal(areas(as), 1);
	test_check(put(as, BASE + 3 * PAGE_SIZE, 10));
	test_equal(aspace_mprotect(as, BASE, 8 * PAGE_SIZE, PROT_NONE), 0);
	test_equal(aspace_fault(as, BASE + 3 * PAGE_SIZE, 0), -EACCES);
	test_equal(aspace_mprotect(as, BASE, 8 * PAGE_SIZE, RW), 0);
	test_equal(get(as, BASE + 3 * PAGE_SIZE), 10);
	test_equal(aspace_munmap(as, BASE + PAGE_SIZE, PAGE_SIZE), 0);
	test_equal(areas(as), 2);
	test_equal(aspace_mprotect(as, BASE, 8 * PAGE_SIZE, PROT_READ), -ENOMEM);
	aspace_mmap(as, BASE + PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0);
	test_equal(areas(as), 1);
	test_equal(as->total_pages, 8);
	aspace_put_user(as);
}

static void test_fork_copies_on_write(void)
{
	struct aspace *as = aspace_create(), *child;

	test_check(as);
	aspace_mmap(as, BASE, 4 * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0);
	put(as, BASE, 1);
	put(as, BASE + PAGE_SIZE, 2);
	child = aspace_fork(as);
	test_check(!is_err(child));
	test_equal(aspace_anon(child), 2);
	test_equal(get(child, BASE), 1);
	test_check(put(child, BASE, 11));
	test_equal(get(as, BASE), 1);
	test_equal(get(child, BASE), 11);
	test_check(put(as, BASE + PAGE_SIZE, 22));
	test_equal(get(child, BASE + PAGE_SIZE), 2);
	test_equal(get(child, BASE + 3 * PAGE_SIZE), 0);
	aspace_put_user(as);
	test_equal(get(child, BASE), 11);
	test_check(put(child, BASE + PAGE_SIZE, 3));	/* the last owner writes without a copy */
	test_equal(aspace_anon(child), 2);
	aspace_put_user(child);
}

static void test_shared_anonymous(void)
{
	struct aspace *as = aspace_create(), *child;

	test_check(as);
	test_equal(aspace_mmap(as, BASE, 2 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, NULL, 0), BASE);
	put(as, BASE, 5);
	child = aspace_fork(as);
	test_check(!is_err(child));
	test_equal(get(child, BASE), 5);
	put(child, BASE + PAGE_SIZE, 6);
	test_equal(get(as, BASE + PAGE_SIZE), 6);
	aspace_put_user(as);
	test_equal(get(child, BASE), 5);
	aspace_put_user(child);
}

static void test_brk(void)
{
	struct aspace *as = aspace_create();

	test_check(as);
	as->brk_start = as->brk = BASE;
	test_equal(aspace_brk(as, 0), BASE);
	test_equal(aspace_brk(as, BASE + 100), BASE + 100);
	test_check(put(as, BASE + 8, 1));
	test_equal(aspace_brk(as, BASE + 5 * PAGE_SIZE), BASE + 5 * PAGE_SIZE);
	test_equal(areas(as), 1);
	test_check(put(as, BASE + 4 * PAGE_SIZE, 1));
	test_equal(aspace_brk(as, BASE + PAGE_SIZE), BASE + PAGE_SIZE);
	test_equal(aspace_fault(as, BASE + 4 * PAGE_SIZE, 0), -EFAULT);
	aspace_mmap(as, BASE + 3 * PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0);
	test_equal(aspace_brk(as, BASE + 8 * PAGE_SIZE), BASE + PAGE_SIZE);	/* something is in the way */
	aspace_put_user(as);
}

static void test_mremap(void)
{
	struct aspace *as = aspace_create();
	s64 at;

	test_check(as);
	aspace_mmap(as, BASE, 2 * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0);
	put(as, BASE + PAGE_SIZE, 77);
	test_equal(aspace_mremap(as, BASE, 2 * PAGE_SIZE, 4 * PAGE_SIZE, 0, 0), BASE);
	aspace_mmap(as, BASE + 4 * PAGE_SIZE, PAGE_SIZE, PROT_READ, ANON | MAP_FIXED, NULL, 0);
	test_equal(aspace_mremap(as, BASE, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0), -ENOMEM);
	at = aspace_mremap(as, BASE, 4 * PAGE_SIZE, 8 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
	test_check(at > 0 && at != (s64)BASE);
	test_equal(get(as, (vaddr_t)at + PAGE_SIZE), 77);
	test_equal(aspace_fault(as, BASE, 0), -EFAULT);
	test_equal(aspace_mremap(as, (vaddr_t)at, 8 * PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, BASE), BASE);
	test_equal(get(as, BASE + PAGE_SIZE), 77);
	test_equal(aspace_mremap(as, BASE, 2 * PAGE_SIZE, PAGE_SIZE, 0, 0), BASE);
	test_equal(aspace_fault(as, BASE + PAGE_SIZE, 0), -EFAULT);
	test_equal(aspace_mremap(as, BASE + 100 * PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 0, 0), -EFAULT);
	aspace_put_user(as);
}

static void test_stack_grows(void)
{
	struct aspace *as = aspace_create();
	vaddr_t top = BASE + (16ull << 20);

	test_check(as);
	aspace_mmap(as, top - 4 * PAGE_SIZE, 4 * PAGE_SIZE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, NULL, 0);
	test_check(put(as, top - 64 * PAGE_SIZE, 1));
	test_equal(as->total_pages, 64);
	aspace_mmap(as, top - 1000 * PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0);
	test_equal(aspace_fault(as, top - 998 * PAGE_SIZE, FAULT_WRITE), -EFAULT);	/* into the guard gap */
	test_equal(aspace_fault(as, top - 700 * PAGE_SIZE, FAULT_WRITE), 0);
	aspace_put_user(as);
}

/* Pages come back: what a space took is free again when it is gone. */
static void test_no_leak(void)
{
	struct mm_stats before = {}, after;

	for (unsigned round = 0; round < 6; round++) {
		struct aspace *as = aspace_create(), *child;

		test_check(as);
		aspace_mmap(as, BASE, 1ull << 20, RW, ANON | MAP_FIXED | MAP_POPULATE, NULL, 0);
		child = aspace_fork(as);
		test_check(!is_err(child));
		for (u64 i = 0; i < 256; i += 2)
			put(child, BASE + i * PAGE_SIZE, i);
		aspace_put_user(as);
		aspace_put_user(child);
		epoch_wait();
		if (round == 1)
			mm_stats(&before);
	}
	epoch_wait();
	mm_stats(&after);
	test_check(after.free_pages + 64 > before.free_pages);
	test_check(after.pagetable_pages <= before.pagetable_pages + 3);
	test_check(after.anon_pages <= before.anon_pages + 64);
}

static const struct test_case cases[] = {
	TEST_CASE(test_create_destroy), TEST_CASE(test_mmap_arguments), TEST_CASE(test_demand_paging),
	TEST_CASE(test_split_and_merge), TEST_CASE(test_fork_copies_on_write), TEST_CASE(test_shared_anonymous),
	TEST_CASE(test_brk), TEST_CASE(test_mremap), TEST_CASE(test_stack_grows), TEST_CASE(test_no_leak), {},
};
const struct test_suite test_suite_aspace = { "aspace", cases };
