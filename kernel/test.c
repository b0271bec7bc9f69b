/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs in-kernel test suites and counts. Suites run one after the other in one thread. */
#include <kernel/test.h>
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

unsigned test_run(const char *list)
{
	unsigned passed = 0, failed = 0;

	if (list && !*list)
		list = NULL;
	for (unsigned i = 0; i < test_suite_table_len; i++) {
		const struct test_suite *s = test_suite_table[i];
		unsigned p = 0;

		if (list && !is_listed(list, s->name))
			continue;
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
		passed += p;
		log_info("ktest: suite %s: PASS %u", s->name, p);
	}
	log_notice("ktest: %u passed, %u failed", passed, failed);
	return failed;
}
