/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What operations may cost besides instructions: flushes of translations, new roots, exceptions and calls of the
 * firmware, counted on this CPU while the test is bound to it.
 */
#include <kernel/aspace.h>
#include <kernel/event.h>
#include <kernel/pgtable.h>
#include <kernel/sched.h>
#include <kernel/test.h>
#include <kernel/waitq.h>
#include <uapi/mman.h>

#include "aspace_internal.h"

#define ROUNDS 100u
#define RW (PROT_READ | PROT_WRITE)

struct counts {
	u64 n[CPU_EVENTS];
};

static void bind(void) { (void)sched_set_affinity(current, cpu_mask(0)); }
static void unbind(void) { (void)sched_set_affinity(current, ~0ull); }

static struct counts counts_now(void)
{
	struct counts c;

	for (unsigned e = 0; e < CPU_EVENTS; e++)
		c.n[e] = event_of_cpu(e, cpu_table[0]);
	return c;
}

static u64 since(const struct counts *before, enum cpu_event e) { return counts_now().n[e] - before->n[e]; }

static struct waitq turn_wait;
static u32 turn;	/* [a] odd: the other's */

/* Whatever the policy thinks of the two, each sleeps until the other has run. */
static void take_turns(u32 mine)
{
	for (u32 i = mine; i < 2 * ROUNDS; i += 2) {
		waitq_wait(&turn_wait, atomic_load(&turn) == i);
		atomic_store(&turn, i + 1);
		waitq_wake_all(&turn_wait);
	}
}

static void other_side(void *unused)
{
	take_turns(1);
}

/* Kernel threads borrow whatever tables are loaded. */
static void test_kernel_switches_load_no_root(void)
{
	struct counts before;
	struct thread *t;
	u64 switches = current->voluntary_switches + current->involuntary_switches;

	bind();
	waitq_init(&turn_wait);
	atomic_store(&turn, 0u);
	t = thread_create("other", other_side, NULL, 0);
	test_check(t);
	before = counts_now();
	thread_start(t);
	take_turns(0);
	thread_join(t);
	switches = current->voluntary_switches + current->involuntary_switches - switches;
	test_check(switches >= ROUNDS / 2);
	test_equal(since(&before, EVENT_ROOT_WRITE), 0);
	test_equal(since(&before, EVENT_TLB_FLUSH), 0);
	test_equal(since(&before, EVENT_EXCEPTION), 0);
	unbind();
}

/* Nobody has the space loaded, so nobody can have its translations. */
static void test_unloaded_space_needs_no_flush(void)
{
	struct aspace *as = aspace_create();
	struct counts before;
	u64 v = 1;
	s64 at;

	test_check(as);
	bind();
	before = counts_now();
	at = aspace_mmap(as, 0, 64 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	test_check(at > 0);
	for (unsigned i = 0; i < 64; i++)
		test_equal(aspace_access(as, (vaddr_t)at + i * PAGE_SIZE, &v, 8, true), 8);
	test_equal(aspace_munmap(as, (vaddr_t)at, 64 * PAGE_SIZE), 0);
	test_equal(since(&before, EVENT_TLB_FLUSH), 0);
	test_equal(since(&before, EVENT_EXCEPTION), 0);
	unbind();
	aspace_put_user(as);
}

/* In the space of as, as a program's thread would be. */
static void enter(struct aspace *as)
{
	preempt_disable();
	current->aspace = as;
	aspace_switch(current, current);
	preempt_enable();
}

static void leave(void) { current->aspace = NULL; }

/* A loaded space: one flush for as many pages as a batch holds, one exception at most for each page touched. */
static void test_loaded_space(void)
{
	struct aspace *as = aspace_create();
	struct counts before;
	s64 at;

	test_check(as);
	bind();
	before = counts_now();
	enter(as);
	test_equal(since(&before, EVENT_ROOT_WRITE), 1);
	at = aspace_mmap(as, 0, 64 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	before = counts_now();
	for (unsigned i = 0; at > 0 && i < 64; i++)
		if (clear_user((void __user *)((vaddr_t)at + i * PAGE_SIZE), 8))
			test_fail(__FILE__, __LINE__, "page %u", i);
	test_check(since(&before, EVENT_EXCEPTION) <= 64);
	test_equal(since(&before, EVENT_TLB_FLUSH), 0);		/* nothing was mapped there before */
	before = counts_now();
	test_equal(aspace_munmap(as, (vaddr_t)at, 64 * PAGE_SIZE), 0);
	test_check(since(&before, EVENT_TLB_FLUSH) >= 1);
	test_check(since(&before, EVENT_TLB_FLUSH) <= 1 + 64 / ARRAY_LEN(((struct tlb_batch *)NULL)->pages));
	enter(as);
	test_equal(since(&before, EVENT_ROOT_WRITE), 0);	/* it was loaded already */
	leave();
	unbind();
	aspace_put_user(as);
}

static const struct test_case cases[] = {
	TEST_CASE(test_kernel_switches_load_no_root), TEST_CASE(test_unloaded_space_needs_no_flush), TEST_CASE(test_loaded_space), {},
};
const struct test_suite test_suite_event = { "event", cases };
