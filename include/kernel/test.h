/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In-kernel tests: foo_test.c defines `const struct test_suite test_suite_foo`, named in the folder's
 * meson.build. The same suites run on the host (sim) and in the kernel with `ktest` or
 * `ktest=suite,suite` on the command line, in a kernel thread, may sleep.
 */
#ifndef KERNEL_TEST_H
#define KERNEL_TEST_H

#include <kernel/log.h>

struct test_case {
	const char *name;
	void (*fn)(void);
};
struct test_suite {
	const char *name;
	const struct test_case *cases;	/* ends with an empty entry */
	const char *keeps;		/* why memory in use may have grown afterwards; NULL: it may not */
};
extern const struct test_suite *const test_suite_table[];
extern const unsigned test_suite_table_len;

void test_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4);
#define TEST_CASE(fn) { #fn, fn }
/* Records a failure and returns from the test function. */
#define test_check(cond) \
	do { if (!(cond)) { test_fail(__FILE__, __LINE__, "%s", #cond); return; } } while (0)
#define test_equal(a, b) \
	do { \
		long long _a = (long long)(a), _b = (long long)(b); \
		if (_a != _b) { \
			test_fail(__FILE__, __LINE__, "%s == %lld, want %s == %lld", #a, _a, #b, _b); \
			return; \
		} \
	} while (0)
/* Runs suites whose names are in the comma list (NULL: all); prints "ktest: suite NAME: PASS n" or FAIL lines and the sum. Number of failures. */
unsigned test_run(const char *list);

#endif
