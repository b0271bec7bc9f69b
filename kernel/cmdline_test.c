/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line this kernel was booted with, seen through the queries. */
#include <arch/upcall.h>
#include <kernel/boot.h>
#include <kernel/test.h>
#include <lib/string.h>

static void test_present(void)
{
	test_check(cmdline_has("ktest"));		/* or this test would not run */
	test_check(cmdline_get("ktest") != NULL);
	test_check(cmdline_get_nth("ktest", 0) != NULL);
	test_check(cmdline_get_nth("ktest", 1000) == NULL);
}

static void test_absent(void)
{
	test_check(!cmdline_has("no-such-word") && !cmdline_get("no-such-word"));
	test_equal(cmdline_u64("no-such-word", 42), 42);
}

/* The early look for a word, in a line that need not end. */
static void test_early_word(void)
{
	static const struct { const char *line; size_t len; bool found; } rows[] = {
		{ "nokaslr", 7, true }, { "a nokaslr b", 11, true }, { "\tnokaslr\n", 9, true }, { "", 0, false },
		{ "nokaslr2", 8, false }, { "xnokaslr", 8, false }, { "nokaslr=1", 9, false }, { "a -- nokaslr", 12, false },
		{ "-- ", 3, false }, { "a --x nokaslr", 13, true }, { "nokaslr and more", 6, false }, { "a nokaslr", 64, true },
		{ "a\0nokaslr", 9, false },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		test_equal(slide_word(rows[i].line, rows[i].len, "nokaslr"), rows[i].found);
}

const struct test_suite test_suite_cmdline = {
	.name = "cmdline",
	.cases = (const struct test_case[]){ TEST_CASE(test_present), TEST_CASE(test_absent), TEST_CASE(test_early_word), {} },
};
