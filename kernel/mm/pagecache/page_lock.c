/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock bit of a page and the ends of its I/O. Waiters sleep on one of a few hashed queues;
 * PAGE_WAITERS tells the unlocker that somebody may be there. Unlocking works from interrupts.
 */
#include "pagecache.h"
#include <kernel/pressure.h>

#define NR_QUEUES 32u

static struct waitq queues[NR_QUEUES];

static struct waitq *queue_of(const struct page *p)
{
	return &queues[page_to_pfn(p) * 0x9e3779b97f4a7c15ull >> 59];
}
static_assert(NR_QUEUES == 1u << (64 - 59), "the hash yields a queue number");

void page_lock_init(void)
{
	for (u32 i = 0; i < NR_QUEUES; i++)
		waitq_init(&queues[i]);
}

bool page_trylock(struct page *p)
{
	return !(atomic_fetch_or(&p->flags, (u32)PAGE_LOCKED) & PAGE_LOCKED);
}

/* Announces a waiter, then looks: pairs with the full order of the flag change in clear_and_wake. */
static bool announce_and_test(struct page *p, u32 bit)
{
	if (!(atomic_fetch_or(&p->flags, (u32)PAGE_WAITERS) & bit))
		return true;
	return false;
}

void page_lock(struct page *p)
{
	while (!page_trylock(p))
		waitq_wait(queue_of(p), announce_and_test(p, PAGE_LOCKED));
}

void page_wait_unlocked(struct page *p)
{
	waitq_wait(queue_of(p), announce_and_test(p, PAGE_LOCKED));
}

static void clear_and_wake(struct page *p, u32 clear)
{
	/* Waiters set PAGE_WAITERS and then see the bit clear, or we see PAGE_WAITERS here. */
	if (atomic_fetch_and(&p->flags, ~(clear | (u32)PAGE_WAITERS)) & PAGE_WAITERS)
		waitq_wake_all(queue_of(p));
}

void page_unlock(struct page *p)
{
	debug_assert(p->flags & PAGE_LOCKED);
	clear_and_wake(p, PAGE_LOCKED);
}

void page_wait_writeback(struct page *p)
{
	struct memory_stall stall;

	if (!(atomic_load_acquire(&p->flags) & PAGE_WRITEBACK))	/* pairs with page_write_done */
		return;
	io_stall_begin(&stall);
	waitq_wait(queue_of(p), announce_and_test(p, PAGE_WRITEBACK));
	io_stall_end(&stall);
}

void page_read_done(struct page *p, int status)
{
	(void)atomic_fetch_or(&p->flags, (u32)(status ? PAGE_ERROR : PAGE_UPTODATE));
	page_unlock(p);
}

void page_write_done(struct page *p, int status)
{
	struct page_mapping *m = p->mapping;	/* stays: truncation waits for the end of writing */

	if (status && m) {
		int none = 0;

		(void)atomic_cmpxchg(&m->wb_error, &none, status);
		(void)atomic_fetch_add_acq_rel(&m->wb_seq, 1u);
	}
	atomic_sub(&pagecache_counts.writeback, 1);
	clear_and_wake(p, PAGE_WRITEBACK);
	page_put(p);	/* taken when writing began */
}
