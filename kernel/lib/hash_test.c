/* SPDX-License-Identifier: BSD-2-Clause */
/* Published vectors: CRC-32C of RFC 3720 §B.4, SipHash-2-4 of its paper's appendix, CRC-16/ARC. */
#include <kernel/test.h>
#include <lib/hash.h>
#include <lib/string.h>

static void test_crc32c(void)
{
	u8 buf[32];

	test_equal(crc32c(~0u, "123456789", 9) ^ ~0u, 0xe3069283u);
	memset(buf, 0, sizeof(buf));
	test_equal(crc32c(~0u, buf, 32) ^ ~0u, 0x8a9136aau);
	memset(buf, 0xff, sizeof(buf));
	test_equal(crc32c(~0u, buf, 32) ^ ~0u, 0x62a8ab43u);
	for (unsigned i = 0; i < 32; i++)
		buf[i] = (u8)i;
	test_equal(crc32c(~0u, buf, 32) ^ ~0u, 0x46dd794eu);
	/* In pieces of every size the answer is the same. */
	for (unsigned cut = 0; cut <= 32; cut++)
		test_equal(crc32c(crc32c(~0u, buf, cut), buf + cut, 32 - cut) ^ ~0u, 0x46dd794eu);
	test_equal(crc32c(7, buf, 0), 7);
}

static void test_crc16(void)
{
	test_equal(crc16(0, "123456789", 9), 0xbb3d);
}

static void test_siphash(void)
{
	const struct siphash_key key = { 0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull };
	u8 in[15];

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (u8)i;
	test_equal(siphash(&key, in, 15), 0xa129ca6149be45e5ull);
	test_equal(siphash(&key, in, 0), 0x726fdb47dd0e0e31ull);
	test_equal(siphash(&key, in, 8), 0x93f5f5799a932462ull);
}

/* Equal names agree, wherever they lie; names that differ in a byte, a length or the key do not. */
static void test_name_hash(void)
{
	u8 a[40] = { 0 }, b[41];
	u64 seen[40];

	for (size_t n = 0; n < 40; n++) {
		seen[n] = name_hash64(7, a, n);
		for (size_t i = 0; i < n; i++)
			test_check(seen[i] != seen[n]);
		memcpy(b + 1, a, n);
		test_equal(name_hash64(7, b + 1, n), seen[n]);
		test_check(name_hash64(8, a, n) != seen[n]);
		for (size_t i = 0; i < n; i++) {
			a[i] ^= 1;
			test_check(name_hash64(7, a, n) != seen[n]);
			a[i] ^= 1;
		}
	}
}

const struct test_suite test_suite_hash = {
	.name = "hash",
	.cases = (const struct test_case[]){
		TEST_CASE(test_crc32c), TEST_CASE(test_crc16), TEST_CASE(test_siphash), TEST_CASE(test_name_hash), {} },
};
