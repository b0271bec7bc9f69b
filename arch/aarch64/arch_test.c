/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors, wide division, and the fix-up of kernel faults. */
#include <arch/mmu.h>
#include <arch/user.h>
#include <kernel/test.h>
#include <lib/bits.h>
#include "arch_local.h"

__extension__ typedef unsigned __int128 u128;
u128 __udivti3(u128 n, u128 d);
u128 __umodti3(u128 n, u128 d);

static const u8 values_in_kernel[40] = "never to be read as a user's";

#define RWXU (PGPROT_READ | PGPROT_WRITE | PGPROT_EXEC | PGPROT_USER)

static void test_pte_prot(void)
{
	for (unsigned level = 0; level < 3; level++)
		for (unsigned prot = 0; prot <= RWXU; prot++) {
			pte_t p = pte_make_leaf(0x40000000, prot, level);
			unsigned back = pte_prot(p) & RWXU, want = prot;

			if (prot & PGPROT_USER && prot & RWXU & ~PGPROT_USER)
				want |= PGPROT_READ;	/* nothing is write- or execute-only */
			else if (!(prot & PGPROT_USER))
				want |= PGPROT_READ;
			if (!(prot & PGPROT_USER) && prot & PGPROT_WRITE)
				want &= ~PGPROT_EXEC;	/* the kernel is W^X */
			test_equal(back, want);
			test_check(pte_present(p) && !pte_is_table(p, level) && pte_accessed(p));
			test_equal(pte_paddr(p), 0x40000000);
			test_equal(pte_with_prot(p, prot, level), p);
			/* The CPU never lets user mode into a kernel page, nor the kernel execute a user's. */
			test_check(prot & PGPROT_USER ? p & PTE_PXN : p & PTE_UXN && !(p & PTE_AP_USER));
		}
	test_equal(pte_prot(pte_make_leaf(0, PGPROT_DEVICE | PGPROT_READ, 0)) & (PGPROT_DEVICE | PGPROT_WC),
		   PGPROT_DEVICE);
	test_equal(pte_prot(pte_make_leaf(0, PGPROT_WC | PGPROT_SPECIAL, 0)) & (PGPROT_WC | PGPROT_SPECIAL),
		   PGPROT_WC | PGPROT_SPECIAL);
	test_check(pte_is_table(pte_make_table(0x1000, true), 1) && !pte_is_table(PTE_EMPTY, 1));
}

/* Only a dirty page is writable to the CPU; taking the right away keeps the dirt. */
static void test_pte_dirty(void)
{
	pte_t p = pte_make_leaf(0x1000, PGPROT_READ | PGPROT_WRITE | PGPROT_USER, 0);

	test_check(!pte_dirty(p) && p & PTE_AP_READONLY);
	p = pte_mark_dirty(p);
	test_check(pte_dirty(p) && !(p & PTE_AP_READONLY));
	p = pte_with_prot(p, PGPROT_READ | PGPROT_USER, 0);
	test_check(pte_dirty(p) && p & PTE_AP_READONLY);
	p = pte_with_prot(p, PGPROT_READ | PGPROT_WRITE | PGPROT_USER, 0);
	test_check(pte_dirty(p) && !(p & PTE_AP_READONLY));
	p = pte_clear_dirty(p);
	test_check(!pte_dirty(p) && p & PTE_AP_READONLY && pte_prot(p) & PGPROT_WRITE);
	p = pte_clear_accessed(p);
	test_check(!pte_accessed(p) && pte_accessed(pte_mark_accessed(p)));
	p = pte_make_leaf(0x1000, PGPROT_READ | PGPROT_WRITE, 0);
	test_check(pte_dirty(p) && !(p & PTE_AP_READONLY));
}

static void test_division(void)
{
	static const u64 values[] = { 0, 1, 2, 3, 10, 0xffffffff, BIT(32), BIT(32) + 1, BIT(63) - 1, BIT(63),
				      BIT(63) + 1, U64_MAX - 1, U64_MAX };
	const unsigned n = ARRAY_LEN(values);

	for (unsigned i = 0; i < n * n * n * n; i++) {
		u128 a = (u128)values[i % n] << 64 | values[i / n % n];
		u128 d = (u128)values[i / n / n % n] << 64 | values[i / n / n / n % n], q, r;

		if (!d)
			continue;
		q = __udivti3(a, d);
		r = __umodti3(a, d);
		test_check(r < d && q * d + r == a);
		test_check(!q || (a - r) / q == d);
	}
}

/* No address space, or nothing mapped there: every primitive reports it and none faults for good. */
static void test_fixup(void)
{
	u8 buf[40] = { 0 };
	u32 v;
	u8 __user *hole = (u8 __user *)0xdead0000ull;

	test_equal(arch_copy_from_user(buf, hole, sizeof(buf)), sizeof(buf));
	test_equal(arch_copy_from_user(buf, hole, 1), 1);
	test_equal(arch_copy_from_user(buf, hole, 0), 0);
	test_equal(arch_copy_to_user(hole, buf, sizeof(buf)), sizeof(buf));
	test_equal(arch_clear_user(hole, 100), 100);
	test_equal(arch_copy_string((char *)buf, (const char __user *)hole, sizeof(buf)), -14);
	test_equal(arch_copy_string((char *)buf, (const char __user *)hole, 0), 0);
	test_equal(arch_user_load32((const u32 __user *)hole, &v), -14);
	test_equal(arch_user_cmpxchg32((u32 __user *)hole, 0, 1, &v), -14);
	/* Kernel addresses are none of the user's: unprivileged accesses cannot reach them. */
	test_equal(arch_copy_from_user(buf, (const void __user *)values_in_kernel, sizeof(buf)), sizeof(buf));
}

static const struct test_case cases[] = {
	TEST_CASE(test_pte_prot),
	TEST_CASE(test_pte_dirty),
	TEST_CASE(test_division),
	TEST_CASE(test_fixup),
	{},
};
const struct test_suite test_suite_aarch64 = { "aarch64", cases };
