/* SPDX-License-Identifier: BSD-2-Clause */
/* In-kernel tests of what only x86_64 has: fix-ups, shoot-downs, protections, the helpers the compiler calls. */
#include <arch/random.h>
#include <arch/user.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/pgtable.h>
#include <kernel/test.h>
#include <kernel/thread.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "x86.h"

#define UNMAPPED ((void __user *)0x100000000000ull)

static void test_user_faults(void)
{
	static char buf[200];
	u32 v;

	for (size_t n = 0; n <= sizeof(buf); n++) {
		test_equal(arch_copy_from_user(buf, UNMAPPED, n), n);
		test_equal(arch_copy_to_user(UNMAPPED, buf, n), n);
		test_equal(arch_clear_user(UNMAPPED, n), n);
	}
	test_equal(arch_copy_string(buf, UNMAPPED, sizeof(buf)), -EFAULT);
	test_equal(arch_copy_string(buf, UNMAPPED, 0), 0);
	test_equal(arch_user_load32(UNMAPPED, &v), -EFAULT);
	test_equal(arch_user_cmpxchg32(UNMAPPED, 0, 1, &v), -EFAULT);
	test_check(!(arch_irq_flags() & RFLAGS_AC));
}

/* On every CPU: what the features promise is on. */
static u32 bad_cpus;	/* atomic */
static void check_protections(void *arg)
{
	const struct x86_features *f = &x86_features;
	u64 cr4 = read_cr4();
	bool ok = read_cr0() & CR0_WP;

	ok &= !f->smep || cr4 & CR4_SMEP;
	ok &= !f->smap || cr4 & CR4_SMAP;
	ok &= !f->umip || cr4 & CR4_UMIP;
	ok &= !f->nx || rdmsr(MSR_EFER) & EFER_NXE;
	ok &= rdmsr(MSR_LSTAR) == (u64)x86_syscall_entry;
	if (!ok)
		atomic_add(&bad_cpus, 1u);
}

static void test_protections(void)
{
	bad_cpus = 0;
	ipi_call(~0ull, check_protections, NULL);
	test_equal(bad_cpus, 0);
}

struct shoot {
	volatile u64 *where;
	u64 want;
	u32 wrong;	/* atomic */
};
static void read_there(void *arg)
{
	struct shoot *s = arg;

	if (*s->where != s->want)
		atomic_add(&s->wrong, 1u);
}

/* A page is exchanged behind an address that every CPU has just read: all see the new one. */
static void test_shoot_down(void)
{
	u64 *va = vmap_alloc(PAGE_SIZE, ALLOC_ZERO);
	struct page *other = page_alloc(0, ALLOC_ZERO);
	struct shoot s = { .where = va };
	pte_t *e, old;

	test_check(va && other);
	*(u64 *)page_to_virt(other) = 1;
	e = pgtable_entry(kernel_root, (vaddr_t)va, 0, false, 0);
	test_check(e);
	old = pte_load(e);
	for (unsigned i = 0; i < 200 && !s.wrong; i++) {
		s.want = i & 1;
		pte_store(e, i & 1 ? (old & ~X86_PTE_ADDR) | page_to_phys(other) : old);
		arch_tlb_flush_range(NULL, ~0ull, (vaddr_t)va, (vaddr_t)va + PAGE_SIZE, PAGE_SHIFT, false);
		ipi_call(~0ull, read_there, &s);
	}
	pte_store(e, old);
	arch_tlb_flush_range(NULL, ~0ull, (vaddr_t)va, (vaddr_t)va + PAGE_SIZE, PAGE_SHIFT, false);
	test_equal(s.wrong, 0);
	vmap_free(va);
	page_put(other);
}

static void test_pte(void)
{
	static const unsigned prots[] = {
		0, PGPROT_READ, PGPROT_READ | PGPROT_WRITE, PGPROT_READ | PGPROT_EXEC,
		PGPROT_READ | PGPROT_USER, PGPROT_READ | PGPROT_WRITE | PGPROT_USER, PGPROT_USER,
		PGPROT_READ | PGPROT_WRITE | PGPROT_DEVICE, PGPROT_READ | PGPROT_WRITE | PGPROT_WC,
		PGPROT_READ | PGPROT_GLOBAL, PGPROT_READ | PGPROT_SPECIAL,
	};

	for (size_t i = 0; i < ARRAY_LEN(prots); i++) {
		for (unsigned level = 0; level < 3; level++) {
			pte_t p = pte_make_leaf(0x40000000, prots[i], level);

			test_check(pte_present(p) && !pte_is_table(p, level));
			test_equal(pte_paddr(p), 0x40000000);
			if (x86_features.nx)
				test_equal(pte_prot(p), prots[i]);
			p = pte_with_prot(pte_mark_dirty(p), PGPROT_READ, level);
			test_check(pte_dirty(p) && pte_paddr(p) == 0x40000000);
		}
	}
	test_check(pte_is_table(pte_make_table(0x1000, true), 1));
	test_check(!pte_present(PTE_EMPTY));
}

static void test_wide_division(void)
{
	unsigned __int128 a = (unsigned __int128)0x123456789abcdefull << 64 | 0xfedcba9876543210ull;
	volatile u64 small = 1000000007;
	volatile unsigned __int128 large = (unsigned __int128)3 << 64 | 5;

	test_check(a / small * small + a % small == a && a % small < small);
	test_check(a / large * large + a % large == a && a % large < large);
	test_equal((u64)((unsigned __int128)5 / large), 0);
	test_check(__builtin_popcountll(small * 0xffffull) > 0);
}

static void test_random(void)
{
	u8 a[37] = { 0 }, b[37] = { 0 };

	if (!arch_random_name()) {
		test_equal(arch_random_bytes(a, sizeof(a)), 0);
		return;
	}
	test_equal(arch_random_bytes(a, sizeof(a)), sizeof(a));
	test_equal(arch_random_bytes(b, sizeof(b)), sizeof(b));
	test_check(memcmp(a, b, sizeof(a)) != 0);
}

static void test_page_helpers(void)
{
	struct page *p = page_alloc(0, 0), *q = page_alloc(0, 0);
	u8 *a, *b;

	test_check(p && q);
	a = page_to_virt(p);
	b = page_to_virt(q);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		a[i] = (u8)(i * 7 + 1);
	arch_page_copy(b, a);
	test_check(memcmp(a, b, PAGE_SIZE) == 0);
	arch_page_clear(b);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		test_equal(b[i], 0);
	page_put(p);
	page_put(q);
}

static const struct test_case cases[] = {
	TEST_CASE(test_user_faults), TEST_CASE(test_protections), TEST_CASE(test_shoot_down),
	TEST_CASE(test_pte), TEST_CASE(test_wide_division),
	TEST_CASE(test_random), TEST_CASE(test_page_helpers), { 0 },
};
const struct test_suite test_suite_x86 = { "x86", cases };
