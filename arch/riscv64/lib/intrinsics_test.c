/* SPDX-License-Identifier: BSD-2-Clause */
/* The helpers that the compiler calls, and pte conversions, against plain definitions. */
#include <arch/mmu.h>
#include <kernel/test.h>

int __clzdi2(u64 v);
int __ctzdi2(u64 v);
int __popcountdi2(u64 v);
u64 __bswapdi2(u64 v);
u32 __bswapsi2(u32 v);
__extension__ typedef unsigned __int128 u128;
u128 __ashlti3(u128 v, int n);
u128 __lshrti3(u128 v, int n);
u128 __udivti3(u128 n, u128 d);

static void test_bits(void)
{
	for (int i = 0; i < 64; i++) {
		test_equal(__clzdi2(1ull << i), 63 - i);
		test_equal(__ctzdi2(1ull << i), i);
		test_equal(__ctzdi2(~0ull << i), i);
		test_equal(__clzdi2(~0ull >> i), i);
		test_equal(__popcountdi2(~0ull >> i), 64 - i);
	}
	test_equal(__bswapdi2(0x0102030405060708), 0x0807060504030201);
	test_equal(__bswapsi2(0x01020304), 0x04030201);
}

static void test_wide(void)
{
	u128 v = (u128)0x0123456789abcdef << 64 | 0xfedcba9876543210;

	for (int n = 0; n < 128; n++) {
		u128 up = __ashlti3(v, n), down = __lshrti3(v, n), want_up = v, want_down = v;

		for (int i = 0; i < n; i++) {
			want_up += want_up;
			want_down = (u128)((u64)(want_down >> 64) >> 1) << 64 |
				    (u64)(want_down >> 64) << 63 | (u64)want_down >> 1;
		}
		test_check(up == want_up);
		test_check(down == want_down);
	}
	test_check(__udivti3(v, 1) == v);
	test_check(__udivti3(v, v) == 1);
	test_check(__udivti3((u128)1 << 100, 10) * 10 + 6 == (u128)1 << 100);
}

static void test_narrow_atomics(void)
{
	u8 b[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, want = 3;
	u16 h[2] = { 0xffff, 1 };

	test_equal(__atomic_fetch_add(&b[2], 10, __ATOMIC_RELAXED), 3);
	test_equal(b[2], 13);
	test_equal(b[1] + b[3] * 256, 2 + 4 * 256);
	test_check(!__atomic_compare_exchange_n(&b[2], &want, 9, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	test_equal(want, 13);
	test_check(__atomic_compare_exchange_n(&b[2], &want, 9, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	test_equal(__atomic_exchange_n(&b[7], 0xff, __ATOMIC_ACQ_REL), 8);
	test_equal(b[7], 0xff);
	test_equal(__atomic_fetch_add(&h[0], 1, __ATOMIC_RELAXED), 0xffff);
	test_equal(h[0], 0);
	test_equal(h[1], 1);
}

static void test_pte(void)
{
	static const unsigned prots[] = {
		PGPROT_READ, PGPROT_READ | PGPROT_WRITE, PGPROT_READ | PGPROT_EXEC, PGPROT_EXEC, 0,
		PGPROT_READ | PGPROT_USER, PGPROT_READ | PGPROT_WRITE | PGPROT_USER | PGPROT_SPECIAL, PGPROT_USER,
	};

	for (unsigned i = 0; i < ARRAY_LEN(prots); i++) {
		pte_t p = pte_make_leaf(0x123456000, prots[i], 0);

		test_check(pte_present(p));
		test_check(!pte_is_table(p, 1));
		test_equal(pte_paddr(p), 0x123456000);
		test_equal(pte_prot(p), prots[i]);
		for (unsigned j = 0; j < ARRAY_LEN(prots); j++) {
			pte_t w = pte_with_prot(pte_mark_dirty(p), prots[j], 0);

			test_equal(pte_prot(w), prots[j]);
			test_equal(pte_paddr(w), 0x123456000);
			test_check(pte_dirty(w));
		}
	}
	test_check(!pte_present(PTE_EMPTY));
	test_check(pte_is_table(pte_make_table(0x1000, true), 1));
	test_check(!pte_is_table(pte_make_table(0x1000, true), 0));
}

static const struct test_case cases[] = {
	TEST_CASE(test_bits), TEST_CASE(test_wide), TEST_CASE(test_narrow_atomics), TEST_CASE(test_pte), {},
};
const struct test_suite test_suite_riscv64 = { "riscv64", cases };
