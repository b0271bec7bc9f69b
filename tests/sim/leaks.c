/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run leaves behind: objects of every slab cache, pages and threads in use are counted before the
 * workload and after it, when everything that is merely cached or on its way out is gone. Runs as kernel code.
 */
#include <kernel/epoch.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <lib/string.h>
#include "work.h"

#define CACHES_MAX 192u
#define SETTLE_NS (400 * NSEC_PER_MSEC)
#define AGAIN_NS (20 * NSEC_PER_MSEC)

struct usage {
	u64 objects[CACHES_MAX];	/* by slab cache */
	s64 pages;			/* neither the slabs' nor stacks, tables, files, mapped anonymous ones */
	u64 threads;
};
static struct usage before, now;

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

static void measure(struct usage *u)
{
	struct mm_stats s;
	struct slab_info info;

	settle();
	memset(u, 0, sizeof(*u));
	for (u32 i = 0; i < CACHES_MAX && slab_cache_info(i, &info); i++)
		u->objects[i] = info.used;
	mm_stats(&s);
	u->pages = (s64)(s.pgalloc - s.pgfree) - (s64)(s.slab_pages + s.pagetable_pages + s.kstack_pages) - (s64)s.file_pages -
		   (s64)s.anon_pages;
	thread_for_each(count_thread, &u->threads);
}

/* NULL, or the kind of thing of which there is more than before. */
static const char *grown(u64 *was, u64 *is)
{
	struct slab_info info;

	for (u32 i = 0; i < CACHES_MAX && slab_cache_info(i, &info); i++)
		if (now.objects[i] > before.objects[i]) {
			*was = before.objects[i];
			*is = now.objects[i];
			return info.name;
		}
	*was = (u64)before.threads;
	*is = (u64)now.threads;
	if (now.threads > before.threads)
		return "threads";
	*was = (u64)before.pages;
	*is = (u64)now.pages;
	return now.pages > before.pages ? "pages" : NULL;
}

void leaks_begin(void *unused) { measure(&before); }

void leaks_check(void *unused)
{
	u64 end = time_ns() + SETTLE_NS, was, is;
	const char *what;

	while (1) {
		measure(&now);
		what = grown(&was, &is);
		if (!what)
			return;
		if (time_ns() >= end)
			sim_fail("leak: %s: %lld, before the run %lld", what, (long long)is, (long long)was);
		(void)sleep_until(time_ns() + AGAIN_NS, false);
	}
}
