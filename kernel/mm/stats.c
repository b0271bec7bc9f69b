/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of kernel/mm: per CPU, summed when read. A single CPU's part may be negative. */
#include <kernel/cpu.h>
#include <kernel/pagecache.h>
#include <kernel/thread.h>

#include "mm_internal.h"

struct mm_counters {
	s64 n[MM_COUNTERS];
};
static DEFINE_PERCPU(struct mm_counters, counters);

/* Any context. Atomic, so that it does not matter whether the thread moves in between. */
void mm_count(enum mm_counter c, s64 n)
{
	atomic_add(&percpu_of(counters, arch_cpu_self())->n[c], n);
}

u64 mm_counter_sum(enum mm_counter c)
{
	s64 total = 0;
	struct cpu *cpu;

	for (unsigned i = 0; i < MAX_CPUS; i++)
		if ((cpu = cpu_table[i]))
			total += atomic_load(&percpu_of(counters, cpu)->n[c]);
	return total < 0 ? 0 : (u64)total;
}

u64 mm_free_pages(void) { return buddy_free_pages() + sections_offline_free(); }

void mm_stats(struct mm_stats *out)
{
	out->total_pages = buddy_total_pages();
	out->free_pages = mm_free_pages();
	out->reserved_pages = mem_set_bytes(&bootmem_taken) >> PAGE_SHIFT;
	out->slab_pages = mm_counter_sum(MM_SLAB);
	out->pagetable_pages = mm_counter_sum(MM_PAGETABLE);
	out->kstack_pages = mm_counter_sum(MM_KSTACK);
	out->file_pages = atomic_load(&pagecache_counts.file);
	out->anon_pages = mm_counter_sum(MM_ANON);
	out->dirty_pages = atomic_load(&pagecache_counts.dirty);
	out->writeback_pages = atomic_load(&pagecache_counts.writeback);
	out->mapped_pages = mm_counter_sum(MM_MAPPED);
	out->shmem_pages = atomic_load(&pagecache_counts.shmem);
	out->faults = mm_counter_sum(MM_FAULTS);
	out->major_faults = mm_counter_sum(MM_MAJOR_FAULTS);
	out->pgalloc = mm_counter_sum(MM_PGALLOC);
	out->pgfree = mm_counter_sum(MM_PGFREE);
	out->reclaimed = mm_counter_sum(MM_RECLAIMED);
	out->committed_pages = mm_counter_sum(MM_COMMITTED);
	out->commit_limit_pages = commit_limit();
}
