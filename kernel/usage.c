/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leak counters (usage.h): objects of every slab cache, pages and threads. test.c compares them around each suite, the
 * simulation around each workload. One caller at a time.
 */
#include <kernel/epoch.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <kernel/usage.h>
#include <lib/string.h>

#define AGAIN_NS (20 * NSEC_PER_MSEC)

static int count_thread(struct thread *t, void *arg)
{
	(*(u64 *)arg)++;
	return 0;
}

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

void usage_measure(struct usage *u, bool has_programs)
{
	struct mm_stats s;
	struct slab_info info;

	settle();
	memset(u, 0, sizeof(*u));
	for (u32 i = 0; i < USAGE_CACHES_MAX && slab_cache_info(i, &info); i++)
		u->objects[i] = info.used;
	mm_stats(&s);
	u->pages = (s64)(s.pgalloc - s.pgfree) - (s64)(s.slab_pages + s.pagetable_pages + s.kstack_pages) -
		   (s64)s.file_pages - (has_programs ? (s64)s.anon_pages : 0);
	thread_for_each(count_thread, &u->threads);
}

static unsigned compare(const char *what, s64 was, s64 is, void (*tell)(const char *what, s64 was, s64 is))
{
	if (is <= was)
		return 0;
	if (tell)
		tell(what, was, is);
	return 1;
}

unsigned usage_growth(const struct usage *before, const struct usage *now, void (*tell)(const char *what, s64 was, s64 is))
{
	struct slab_info info;
	unsigned n = 0;

	for (u32 i = 0; i < USAGE_CACHES_MAX && slab_cache_info(i, &info); i++)
		n += compare(info.name, (s64)before->objects[i], (s64)now->objects[i], tell);
	n += compare("threads", (s64)before->threads, (s64)now->threads, tell);
	return n + compare("pages", before->pages, now->pages, tell);
}

unsigned usage_check(const struct usage *before, bool has_programs, u64 patience_ns,
		     void (*tell)(const char *what, s64 was, s64 is))
{
	static struct usage now;
	u64 end = time_ns() + patience_ns;

	for (;;) {
		bool is_last = time_ns() >= end;
		unsigned n;

		usage_measure(&now, has_programs);
		n = usage_growth(before, &now, is_last ? tell : NULL);
		if (!n || is_last)
			return n;
		(void)sleep_until(time_ns() + AGAIN_NS, false);
	}
}
