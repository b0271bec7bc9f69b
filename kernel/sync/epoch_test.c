/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of epoch reclamation: callbacks run, in order, and never while a section that began before is open. */
#include <kernel/cpu.h>
#include <kernel/epoch.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/test.h>
#include <kernel/thread.h>
#include <kernel/time.h>

static u32 freed;	/* [a] */

struct item {
	struct epoch_head head;
	u32 order;
	u32 alive;	/* [a] */
};

static void free_item(struct epoch_head *h)
{
	struct item *i = container_of(h, struct item, head);

	i->order = atomic_fetch_add(&freed, 1u);
	atomic_store(&i->alive, 0u);
}

static void test_wait_without_work(void)
{
	epoch_wait();
	epoch_wait();
}

static void test_deferred_in_order(void)
{
	static struct item items[20];

	atomic_store(&freed, 0u);
	preempt_disable();	/* one CPU's list */
	for (u32 i = 0; i < ARRAY_LEN(items); i++) {
		items[i].alive = 1;
		epoch_defer(&items[i].head, free_item);
	}
	preempt_enable();
	epoch_wait();
	epoch_wait();
	test_equal(atomic_load(&freed), ARRAY_LEN(items));
	for (u32 i = 1; i < ARRAY_LEN(items); i++)
		test_check(items[i - 1].order < items[i].order);
}

static struct item *shared;	/* [a] */
static u32 stop, bad, looks;	/* [a] */

/* Looks at the shared item again and again; inside a section it must not die. */
static void reader(void *unused)
{
	while (!atomic_load(&stop)) {
		struct item *i;

		epoch_enter();
		i = atomic_load_acquire(&shared);
		for (unsigned n = 0; n < 50; n++)
			if (!atomic_load(&i->alive))
				atomic_add(&bad, 1);
		epoch_exit();
		atomic_add(&looks, 1);
	}
}

static void release_item(struct epoch_head *h)
{
	struct item *i = container_of(h, struct item, head);

	atomic_store(&i->alive, 0u);
	kfree(i);
}

static void test_readers_and_writer(void)
{
	struct thread *r[2];
	u64 end = time_ns() + 10 * NSEC_PER_SEC;	/* for a busy host */
	unsigned swaps = 0;

	atomic_store(&stop, 0u);
	atomic_store(&bad, 0u);
	shared = kzalloc(sizeof(*shared), 0);
	test_check(shared);
	shared->alive = 1;
	for (unsigned i = 0; i < 2; i++) {
		r[i] = thread_create("epoch-reader", reader, NULL, -1);
		test_check(r[i]);
		thread_start(r[i]);
	}
	while (time_ns() < end && swaps < 64) {
		struct item *fresh = kzalloc(sizeof(*fresh), 0), *old;

		test_check(fresh);
		fresh->alive = 1;
		old = atomic_xchg(&shared, fresh);
		epoch_defer(&old->head, release_item);
		swaps++;
		if (swaps % 8 == 0)
			epoch_wait();
		else
			sched_yield();
	}
	atomic_store(&stop, 1u);
	for (unsigned i = 0; i < 2; i++)
		(void)thread_join(r[i]);
	epoch_wait();
	kfree(shared);
	test_equal(atomic_load(&bad), 0);
	test_check(atomic_load(&looks) > 0 && swaps > 8);
}

static const struct test_case cases[] = {
	TEST_CASE(test_wait_without_work), TEST_CASE(test_deferred_in_order), TEST_CASE(test_readers_and_writer), {},
};
const struct test_suite test_suite_epoch = { "epoch", cases };
