/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs in-kernel test suites and counts. Suites run one after the other in one thread. */
#include <kernel/audit.h>
#include <kernel/mm.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <kernel/usage.h>
#include <lib/format.h>
#include <lib/string.h>

static unsigned failures_of_case;

void test_fail(const char *file, int line, const char *fmt, ...)
{
	char why[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	failures_of_case++;
	log_err("ktest: %s:%d: %s", file, line, why);
}

static bool is_listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (; list && *list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
		if (!strncmp(list, name, n) && (list[n] == ',' || list[n] == '\0'))
			return true;
	return false;
}

#define SETTLE_NS (3 * NSEC_PER_SEC)	/* ending threads and deferred work get that long */

static void tell_leak(const char *what, s64 was, s64 is)
{
	log_err("ktest: leak: %s: %lld, before the suite %lld", what, (long long)is, (long long)was);
}

static void *volatile planted;

static void test_finds_planted_leaks(void)
{
	static struct usage before, now;
	struct page *p;

	usage_measure(&before, false);
	planted = kmalloc(40, 0);
	p = page_alloc(0, 0);
	test_check(planted && p);
	usage_measure(&now, false);
	test_equal(usage_growth(&before, &now, NULL), 2);
	kfree(planted);
	page_put(p);
	usage_measure(&now, false);
	test_equal(usage_growth(&before, &now, tell_leak), 0);
}

static const struct test_case leak_cases[] = { TEST_CASE(test_finds_planted_leaks), {} };
const struct test_suite test_suite_leaks = { "leaks", leak_cases };

/* How many names of the list are no suite's. */
static unsigned unknown_names(const char *list)
{
	unsigned n = 0;

	while (list && *list) {
		const char *end = strchr(list, ',');
		size_t len = end ? (size_t)(end - list) : strlen(list);
		bool is_known = len == 0;

		for (unsigned i = 0; i < test_suite_table_len; i++)
			is_known |= strlen(test_suite_table[i]->name) == len &&
				    !strncmp(test_suite_table[i]->name, list, len);
		if (!is_known) {
			log_err("ktest: suite %.*s: FAIL there is no such suite", (int)len, list);
			n++;
		}
		list = end ? end + 1 : NULL;
	}
	return n;
}

unsigned test_run(const char *list)
{
	static struct usage before;
	unsigned passed = 0, failed = 0;

	if (list && !*list)
		list = NULL;
	failed = unknown_names(list);
	for (unsigned i = 0; i < test_suite_table_len; i++) {
		const struct test_suite *s = test_suite_table[i];
		unsigned p = 0;

		if (list && !is_listed(list, s->name))
			continue;
		usage_measure(&before, false);
		for (const struct test_case *c = s->cases; c->name; c++) {
			failures_of_case = 0;
			c->fn();
			if (failures_of_case) {
				failed++;
				log_err("ktest: suite %s: FAIL %s", s->name, c->name);
			} else {
				p++;
			}
		}
		if ((!s->keeps && usage_check(&before, false, SETTLE_NS, tell_leak)) || audit_pages()) {
			log_err("ktest: suite %s: FAIL leaks and page audit", s->name);
			failed++;
		}
		passed += p;
		log_info("ktest: suite %s: PASS %u", s->name, p);
	}
	log_notice("ktest: %u passed, %u failed", passed, failed);
	return failed;
}
