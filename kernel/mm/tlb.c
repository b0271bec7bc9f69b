/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLB batches: entries that went away are flushed together, only on CPUs where the space may have
 * translations, and what they referred to is let go only after that.
 */
#include <kernel/cpu.h>
#include <kernel/event.h>
#include <kernel/thread.h>

#include "asid.h"
#include "huge.h"
#include "mm_internal.h"

void tlb_batch_init(struct tlb_batch *b, struct aspace *as)
{
	b->aspace = as;
	b->start = ~0ull;
	b->end = 0;
	b->stride_shift = PAGE_SHIFT;
	b->freed_tables = false;
	b->nr_pages = 0;
	b->nr_blocks = 0;
	b->tables = NULL;
}

void tlb_batch_add(struct tlb_batch *b, vaddr_t va, unsigned level)
{
	/* A mixed batch is flushed at the finest stride. */
	if (b->start >= b->end)
		b->stride_shift = pt_shift(level);
	else
		b->stride_shift = min(b->stride_shift, pt_shift(level));
	b->start = min(b->start, align_down(va, pt_span(level)));
	b->end = max(b->end, align_down(va, pt_span(level)) + pt_span(level));
}

void tlb_batch_table(struct tlb_batch *b, vaddr_t va, unsigned level, struct page *table)
{
	tlb_batch_add(b, va, level);
	b->stride_shift = PAGE_SHIFT;
	b->freed_tables = true;
	table->defer_next = b->tables;
	b->tables = table;
}

static cpumask_t batch_cpus(const struct tlb_batch *b)
{
	if (b->aspace)
		asid_mark_stale(b->aspace);
	/*
	 * Full: the cleared entries and the mark are visible before the mask is read. Pairs with the one in
	 * aspace.c's load: a CPU that we do not see in the mask will see the cleared entries and its mark.
	 */
	atomic_fence_full();
	if (b->aspace)
		return atomic_load(&b->aspace->cpus);
	return atomic_load(&cpu_online_mask) | cpu_mask(arch_cpu_self()->id);
}

void tlb_batch_flush(struct tlb_batch *b)
{
	if (b->start < b->end) {
		cpumask_t cpus;

		preempt_disable();
		cpus = batch_cpus(b);
		if (cpus) {
			event_count(EVENT_TLB_FLUSH);
			arch_tlb_flush_range(b->aspace, cpus, b->start, b->end, b->stride_shift,
					     b->freed_tables);
		}
		preempt_enable();
	}
	for (unsigned i = 0; i < b->nr_pages; i++)
		page_put(b->pages[i]);
	for (unsigned i = 0; i < b->nr_blocks; i++)
		page_put_block(b->blocks[i], HUGE_ORDER);
	while (b->tables) {
		struct page *t = b->tables;

		b->tables = t->defer_next;
		pgtable_page_defer(t);
	}
	tlb_batch_init(b, b->aspace);
}

void tlb_batch_finish(struct tlb_batch *b) { tlb_batch_flush(b); }
