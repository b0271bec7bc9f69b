/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of string.c, number.c and bitmap.c: every alignment, overlaps both ways, bad numbers. */
#include <kernel/test.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define AREA 96u

static void fill(u8 *p)
{
	for (unsigned i = 0; i < AREA; i++)
		p[i] = (u8)(i * 7 + 1);
}

/* Moves n bytes from src to dst inside one area and compares with a byte-wise model. */
static bool move_is_right(unsigned dst, unsigned src, unsigned n)
{
	u8 area[AREA], model[AREA], saved[AREA];

	fill(area);
	fill(model);
	fill(saved);
	for (unsigned i = 0; i < n; i++)
		model[dst + i] = saved[src + i];
	memmove(area + dst, area + src, n);
	return memcmp(area, model, AREA) == 0;
}

static void test_memmove(void)
{
	for (unsigned dst = 0; dst < 17; dst++)
		for (unsigned src = 0; src < 17; src++)
			for (unsigned n = 0; n < 70; n += 3)
				test_check(move_is_right(dst, src, n));
}

static void test_memset(void)
{
	u8 area[AREA];

	for (unsigned at = 0; at < 9; at++)
		for (unsigned n = 0; n < 60; n++) {
			fill(area);
			memset(area + at, 0x15a, n);
			for (unsigned i = 0; i < AREA; i++)
				test_equal(area[i], i >= at && i < at + n ? 0x5a : (u8)(i * 7 + 1));
		}
}

static void test_search(void)
{
	const char *s = "hello";

	test_check(strchr(s, 'l') == s + 2 && strrchr(s, 'l') == s + 3);
	test_check(strchr(s, '\0') == s + 5 && !strchr(s, 'z') && !strrchr(s, 'z'));
	test_check(strstr(s, "lo") == s + 3 && strstr(s, "") == s && !strstr(s, "lox"));
	test_check(memchr(s, 'o', 4) == NULL && memchr(s, 'o', 5) == s + 4);
	test_check(strcmp("a", "b") < 0 && strcmp("\xff", "a") > 0 && !strncmp("abc", "abd", 2));
	test_check(str_starts(s, "he") && !str_starts("h", "he"));
	test_equal(strnlen(s, 3), 3);
}

static void test_strlcpy(void)
{
	char buf[4];

	test_equal(strlcpy(buf, "abcdef", sizeof(buf)), 6);
	test_check(!strcmp(buf, "abc"));
	test_equal(strlcpy(buf, "", sizeof(buf)), 0);
	test_equal(buf[0], 0);
}

static void test_parse(void)
{
	const char *end;
	u64 v = 0;

	test_check(!parse_u64("18446744073709551615", 10, &v) && v == U64_MAX);
	test_equal(parse_u64("18446744073709551616", 10, &v), -ERANGE);
	test_equal(parse_u64("", 10, &v), -EINVAL);
	test_equal(parse_u64("12x", 10, &v), -EINVAL);
	test_equal(parse_u64("-1", 10, &v), -EINVAL);
	test_check(!parse_u64("0x1F", 0, &v) && v == 31);
	test_check(!parse_u64("0x1f", 16, &v) && v == 31);
	test_check(!parse_u64("017", 0, &v) && v == 15);
	test_check(!parse_u64("0", 0, &v) && v == 0);
	test_equal(parse_u64("0x", 0, &v), -EINVAL);
	test_check(!parse_u64_prefix("64M", 0, &v, &end) && v == 64 && *end == 'M');
}

static void test_bitmap(void)
{
	u64 map[BITMAP_WORDS(130)] = {};

	test_equal(bitmap_find_set(map, 130, 0), 130);
	test_equal(bitmap_find_clear(map, 130, 129), 129);
	bitmap_set(map, 129);
	bitmap_set(map, 63);
	test_equal(bitmap_find_set(map, 130, 0), 63);
	test_equal(bitmap_find_set(map, 130, 64), 129);
	test_equal(bitmap_find_set(map, 129, 64), 129);	/* past the end does not count */
	test_equal(bitmap_find_clear(map, 130, 129), 130);
	bitmap_clear(map, 63);
	test_check(!bitmap_test(map, 63) && bitmap_test(map, 129));
	test_equal(log2_ceil(1), 0);
	test_equal(log2_ceil(5), 3);
	test_equal(log2_floor(U64_MAX), 63);
}

const struct test_suite test_suite_string = {
	.name = "string",
	.cases = (const struct test_case[]){
		TEST_CASE(test_memmove), TEST_CASE(test_memset), TEST_CASE(test_search), TEST_CASE(test_strlcpy),
		TEST_CASE(test_parse), TEST_CASE(test_bitmap), {} },
};
