/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of kernel/mm: per CPU, summed when read. A single CPU's part may be negative. */
#include <kernel/cpu.h>
#include <kernel/pagecache.h>
#include <kernel/process.h>
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

static u64 ram_between(paddr_t lo, paddr_t hi)
{
	u64 n = 0;

	for (u32 i = 0; i < bootmem_ram.nr; i++) {
		paddr_t base = max(bootmem_ram.r[i].base, lo), end = min(bootmem_ram.r[i].end, hi);

		n += base < end ? (end - base) >> PAGE_SHIFT : 0;
	}
	return n;
}

bool zone_info_get(unsigned index, struct zone_info *z)
{
	static const char *const names[ZONE_COUNT] = { "DMA32", "Normal" };
	const paddr_t border = ZONE_DMA32_END_PFN << PAGE_SHIFT;
	paddr_t lo = index ? border : 0, hi = index ? ~(paddr_t)0 : border;
	const struct mem_range *first = &bootmem_ram.r[0], *last = &bootmem_ram.r[bootmem_ram.nr - 1];
	u64 counts[ZONE_COUNT][PAGE_ORDER_MAX + 1], all = buddy_total_pages(), offline;

	if (index >= ZONE_COUNT)
		return false;
	*z = (struct zone_info){ .name = names[index], .present = ram_between(lo, hi) };
	if (!z->present)
		return true;
	z->managed = z->present;
	z->start_pfn = max(first->base, lo) >> PAGE_SHIFT;
	z->spanned = (min(last->end, hi) - max(first->base, lo)) >> PAGE_SHIFT;
	z->min = buddy_min_mark * z->present / all;
	z->low = buddy_low_mark * z->present / all;
	z->high = buddy_high_mark * z->present / all;
	buddy_counts(counts);
	/* Sections that are not online yet are free in large blocks; the upper zone comes last. */
	offline = index == ZONE_COUNT - 1 || !ram_between(border, ~(paddr_t)0) ? sections_offline_free() : 0;
	for (unsigned o = 0; o <= PAGE_ORDER_MAX; o++) {
		z->blocks[o] = counts[index][o];
		z->free += z->blocks[o] << o;
	}
	z->blocks[PAGE_ORDER_MAX] += offline >> PAGE_ORDER_MAX;
	z->free += offline;
	return true;
}

void zone_block_counts(unsigned index, u64 blocks[PAGE_KINDS])
{
	const pfn_t step = 1ull << PAGE_ORDER_MAX;

	for (unsigned kind = 0; kind < PAGE_KINDS; kind++)
		blocks[kind] = 0;
	for (u32 i = 0; i < bootmem_ram.nr; i++)
		for (pfn_t pfn = align_down(bootmem_ram.r[i].base >> PAGE_SHIFT, step); pfn < bootmem_ram.r[i].end >> PAGE_SHIFT; pfn += step)
			if ((pfn >= ZONE_DMA32_END_PFN) == index && section_is_online(max(pfn, (pfn_t)(bootmem_ram.r[i].base >> PAGE_SHIFT))))
				blocks[pfn_to_page(pfn)->block_kind]++;
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
	out->oom_kills = atomic_load(&oom_kills);
	out->commit_limit_pages = commit_limit();
	out->huge = mm_counter_sum(MM_HUGE);
	out->huge_alloc = mm_counter_sum(MM_HUGE_ALLOC);
	out->huge_fallback = mm_counter_sum(MM_HUGE_FALLBACK);
	out->huge_split = mm_counter_sum(MM_HUGE_SPLIT);
	out->huge_collapsed = mm_counter_sum(MM_HUGE_COLLAPSED);
	out->huge_collapse_failed = mm_counter_sum(MM_HUGE_COLLAPSE_FAILED);
	out->compact_scanned = mm_counter_sum(MM_COMPACT_SCANNED);
	out->compact_free_scanned = mm_counter_sum(MM_COMPACT_FREE_SCANNED);
	out->compact_isolated = mm_counter_sum(MM_COMPACT_ISOLATED);
	out->compact_stall = mm_counter_sum(MM_COMPACT_STALL);
	out->compact_fail = mm_counter_sum(MM_COMPACT_FAIL);
	out->compact_success = mm_counter_sum(MM_COMPACT_SUCCESS);
	out->migrated = mm_counter_sum(MM_MIGRATED);
	out->migrate_failed = mm_counter_sum(MM_MIGRATE_FAILED);
}
