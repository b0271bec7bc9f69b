/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs in-kernel test suites and counts. Suites run one after the other in one thread. */
#include <kernel/audit.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/test.h>
#include <kernel/time.h>
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

#define CACHES_MAX 192u
#define SETTLE_NS (3 * NSEC_PER_SEC)

/* What is in use when all that is merely cached or on its way out is gone. */
struct usage {
	u64 objects[CACHES_MAX];	/* by slab cache */
	s64 pages;			/* neither the slabs' nor stacks, tables, files */
	u64 threads;
};

static int count_thread(struct thread *t, void *arg)
{
	(*(u64 *)arg)++;
	return 0;
}

/* Gives back this CPU's caches of every CPU, and what waits for its grace period. */
static void settle(void)
{
	struct cpu *cpu;

	epoch_wait();
	epoch_wait();
	cpu_for_each(cpu, atomic_load(&cpu_online_mask))
		if (!sched_set_affinity(current, cpu_mask(cpu->id)))
			mm_drop_caches();
	(void)sched_set_affinity(current, ~0ull);
}

static void measure(struct usage *u)
{
	struct mm_stats s;
	struct slab_info info;

	settle();
	memset(u, 0, sizeof(*u));
	for (u32 i = 0; i < CACHES_MAX && slab_cache_info(i, &info); i++)
		u->objects[i] = info.used;
	mm_stats(&s);
	u->pages = (s64)(s.pgalloc - s.pgfree) - (s64)(s.slab_pages + s.pagetable_pages + s.kstack_pages) -
		   (s64)s.file_pages;
	thread_for_each(count_thread, &u->threads);
}

/* Says what grew between the two, if report; how many kinds did. */
static unsigned growth(const struct usage *before, const struct usage *now, const char *suite, bool report)
{
	struct slab_info info;
	unsigned n = 0;

	for (u32 i = 0; i < CACHES_MAX && slab_cache_info(i, &info); i++) {
		if (now->objects[i] <= before->objects[i])
			continue;
		n++;
		if (report)
			log_err("ktest: suite %s: leak: %s: %llu objects, before %llu", suite, info.name,
				(unsigned long long)now->objects[i], (unsigned long long)before->objects[i]);
	}
	if (now->pages > before->pages || now->threads > before->threads) {
		n++;
		if (report)
			log_err("ktest: suite %s: leak: %lld pages, before %lld; %llu threads, before %llu", suite,
				(long long)now->pages, (long long)before->pages, (unsigned long long)now->threads,
				(unsigned long long)before->threads);
	}
	return n;
}

/* Ending threads and deferred work get some time. */
static unsigned leaks_since(const struct usage *before, const char *suite)
{
	static struct usage now;
	u64 end = time_ns() + SETTLE_NS;

	for (;;) {
		bool is_last = time_ns() >= end;
		unsigned n;

		measure(&now);
		n = growth(before, &now, suite, is_last);
		if (!n || is_last)
			return n;
		(void)sleep_until(time_ns() + 20 * NSEC_PER_MSEC, false);
	}
}

static void *volatile planted;

static void test_finds_planted_leaks(void)
{
	static struct usage before, now;
	struct page *p;

	measure(&before);
	planted = kmalloc(40, 0);
	p = page_alloc(0, 0);
	test_check(planted && p);
	measure(&now);
	test_equal(growth(&before, &now, "leaks", false), 2);
	kfree(planted);
	page_put(p);
	measure(&now);
	test_equal(growth(&before, &now, "leaks", true), 0);
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
		measure(&before);
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
		if ((!s->keeps && leaks_since(&before, s->name)) || audit_pages()) {
			log_err("ktest: suite %s: FAIL leaks and page audit", s->name);
			failed++;
		}
		passed += p;
		log_info("ktest: suite %s: PASS %u", s->name, p);
	}
	log_notice("ktest: %u passed, %u failed", passed, failed);
	return failed;
}
