/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of format.c: flags, widths, cutting, the largest and smallest numbers. */
#include <kernel/test.h>
#include <lib/format.h>
#include <lib/string.h>

static bool formats_to(const char *want, const char *fmt, ...) __printf(2, 3);
static bool formats_to(const char *want, const char *fmt, ...)
{
	char buf[80];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return n == (int)strlen(want) && !strcmp(buf, want);
}

static void test_numbers(void)
{
	test_check(formats_to("0", "%d", 0));
	test_check(formats_to("-2147483648", "%d", (int)0x80000000));
	test_check(formats_to("-9223372036854775808", "%lld", (long long)(1ull << 63)));
	test_check(formats_to("18446744073709551615", "%llu", ~0ull));
	test_check(formats_to("deadBEEF", "%x%X", 0xdead, 0xbeef));
	test_check(formats_to("0x1f 017 0", "%#x %#o %#x", 31, 15, 0));
	test_check(formats_to("-1 255", "%hhd %hhu", (signed char)-1, (unsigned char)255));
	test_check(formats_to("65535", "%hu", (unsigned short)65535));
	test_check(formats_to("+5  5", "%+d % d", 5, 5));
}

static void test_widths(void)
{
	test_check(formats_to("[   42]", "[%5d]", 42));
	test_check(formats_to("[42   ]", "[%-5d]", 42));
	test_check(formats_to("[00042]", "[%05d]", 42));
	test_check(formats_to("[-0042]", "[%05d]", -42));
	test_check(formats_to("[  042]", "[%5.3d]", 42));
	test_check(formats_to("[0x0000002a]", "[%#010x]", 42));
	test_check(formats_to("[   42]", "[%*d]", 5, 42));
	test_check(formats_to("[42   ]", "[%*d]", -5, 42));
	test_check(formats_to("[]", "[%.0d]", 0));
}

static void test_strings(void)
{
	const char *volatile null_text = NULL;	/* volatile: the compiler would warn */

	test_check(formats_to("[abc]", "[%s]", "abc"));
	test_check(formats_to("[ab]", "[%.2s]", "abc"));
	test_check(formats_to("[  ab]", "[%4.*s]", 2, "abc"));
	test_check(formats_to("[a  ]%", "[%-3c]%%", 'a'));
	test_check(formats_to("(null)", "%s", null_text));
}

static void test_cut(void)
{
	char buf[4] = "xyz";

	test_equal(snprintf(buf, 4, "%s", "abcdef"), 6);
	test_check(!strcmp(buf, "abc"));
	test_equal(snprintf(NULL, 0, "%d", 12345), 5);
	test_equal(scnprintf(buf, 4, "%s", "abcdef"), 3);
	test_equal(snprintf(buf, 1, "abc"), 3);
	test_equal(buf[0], 0);
}

const struct test_suite test_suite_format = {
	.name = "format",
	.cases = (const struct test_case[]){
		TEST_CASE(test_numbers), TEST_CASE(test_widths), TEST_CASE(test_strings), TEST_CASE(test_cut), {} },
};
