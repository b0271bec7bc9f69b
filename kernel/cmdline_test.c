/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line this kernel was booted with, seen through the queries. */
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

const struct test_suite test_suite_cmdline = {
	.name = "cmdline",
	.cases = (const struct test_case[]){ TEST_CASE(test_present), TEST_CASE(test_absent), {} },
};
