/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests: RFC 8439 and RFC 7693 vectors, health-test cut-offs, the generator's outputs. */
#include <kernel/cpu.h>
#include <kernel/irq.h>
#include <kernel/random.h>
#include <kernel/test.h>
#include <lib/string.h>
#include "blake2s.h"
#include "chacha20.h"
#include "health.h"

static bool same_hex(const u8 *data, size_t n, const char *hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++)
		if (hex[2 * i] != digits[data[i] >> 4] || hex[2 * i + 1] != digits[data[i] & 15])
			return false;
	return hex[2 * n] == '\0';
}

/* RFC 8439 §2.3.2 */
static void test_chacha20_block(void)
{
	static const u8 nonce[12] = { 0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0 };
	u8 key[32], out[64];

	for (unsigned i = 0; i < 32; i++)
		key[i] = (u8)i;
	chacha20_block(key, 1, nonce, out);
	test_check(same_hex(out, 64, "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
			    "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"));
}

/* RFC 8439 appendix A.1, test vector 1: all zero. */
static void test_chacha20_zero(void)
{
	static const u8 zero[32];
	u8 out[64];

	chacha20_block(zero, 0, zero, out);
	test_check(same_hex(out, 64, "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
			    "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"));
}

static void digest_of(const void *data, size_t n, const void *key, size_t key_len, size_t piece, u8 *out)
{
	struct blake2s b;
	const u8 *p = data;

	blake2s_init(&b, key, key_len);
	for (size_t done = 0; done < n; done += piece)
		blake2s_update(&b, p + done, min(piece, n - done));
	blake2s_final(&b, out);
}

static void test_blake2s_vectors(void)
{
	u8 out[32], data[129], key[32];

	digest_of("", 0, NULL, 0, 1, out);
	test_check(same_hex(out, 32, "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9"));
	digest_of("abc", 3, NULL, 0, 3, out);	/* RFC 7693 appendix B */
	test_check(same_hex(out, 32, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"));
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (u8)i;
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (u8)i;
	for (size_t piece = 1; piece <= sizeof(data); piece++) {
		digest_of(data, sizeof(data), key, sizeof(key), piece, out);
		test_check(same_hex(out, 32, "46a73a8dd3e70f59d3942c01df599def783c9da82fd83222cd662b53dce7dbdf"));
	}
	memset(data, 0, 64);
	digest_of(data, 64, NULL, 0, 64, out);	/* exactly one block */
	test_check(same_hex(out, 32, "ae09db7cd54f42b490ef09b6bc541af688e4959bb8c53f359a6f56e38ab454a3"));
}

static void test_health_repetition(void)
{
	struct health h;

	health_init(&h, 4);
	for (unsigned i = 0; i < 8; i++)
		test_check(health_sample(&h, 7));
	test_check(!health_sample(&h, 7));	/* the ninth in a row */
	test_equal(h.failures, 1);
	test_check(health_sample(&h, 7));	/* counted anew */
}

static void test_health_proportion(void)
{
	struct health h;
	unsigned i;

	/* Every other sample is the window's first: never nine in a row, but half of the window. */
	health_init(&h, 4);
	for (i = 0; i < HEALTH_WINDOW; i++)
		if (!health_sample(&h, (i & 1) ? (u8)i : 200))
			break;
	test_equal(i, 140);	/* the 71st 200 */
}

static void test_health_startup(void)
{
	struct health h;

	health_init(&h, 4);
	for (unsigned i = 0; i < HEALTH_STARTUP; i++) {
		test_check(!health_is_good(&h));
		test_check(health_sample(&h, (u8)i));
	}
	test_check(health_is_good(&h));
	for (unsigned i = 0; i < 9; i++)
		(void)health_sample(&h, 0);
	test_check(!health_is_good(&h));
}

static void test_random_lengths(void)
{
	u8 buf[200];

	for (size_t n = 0; n <= sizeof(buf); n++) {
		memset(buf, 0xa5, sizeof(buf));
		random_bytes(buf, n);
		for (size_t i = n; i < sizeof(buf); i++)
			test_check(buf[i] == 0xa5);
	}
}

static void test_random_distinct(void)
{
	static u64 seen[512];	/* one test at a time runs */

	for (unsigned i = 0; i < ARRAY_LEN(seen); i++) {
		seen[i] = random_u64();
		for (unsigned j = 0; j < i; j++)
			test_check(seen[i] != seen[j]);
	}
}

static void draw_here(void *arg)
{
	u64 *values = arg;

	values[arch_cpu_self()->id] = random_u64();
}

static void test_random_distinct_on_cpus(void)
{
	u64 values[MAX_CPUS] = { 0 };

	ipi_call(~0ull, draw_here, values);
	for (unsigned i = 0; i < MAX_CPUS; i++)
		for (unsigned j = 0; j < i; j++)
			test_check(values[i] == 0 || values[i] != values[j]);
}

static void test_random_below_edges(void)
{
	u32 seen = 0;

	test_equal(random_below(1), 0);
	for (unsigned i = 0; i < 400; i++) {
		u64 v = random_below(7);

		test_check(v < 7);
		seen |= 1u << v;
	}
	test_equal(seen, 0x7f);
	test_check(random_below(U64_MAX) < U64_MAX);
}

static void test_random_bits_balanced(void)
{
	unsigned ones = 0;

	for (unsigned i = 0; i < 1024; i++)
		ones += popcount64(random_u64());
	/* 65,536 fair coins: sigma 128; 12 sigma is no accident. */
	test_check(ones > 32768 - 1536 && ones < 32768 + 1536);
}

const struct test_suite test_suite_random = {
	"random",
	(const struct test_case[]){
		TEST_CASE(test_chacha20_block), TEST_CASE(test_chacha20_zero), TEST_CASE(test_blake2s_vectors),
		TEST_CASE(test_health_repetition), TEST_CASE(test_health_proportion),
		TEST_CASE(test_health_startup), TEST_CASE(test_random_lengths), TEST_CASE(test_random_distinct),
		TEST_CASE(test_random_distinct_on_cpus), TEST_CASE(test_random_below_edges),
		TEST_CASE(test_random_bits_balanced), {} },
};
