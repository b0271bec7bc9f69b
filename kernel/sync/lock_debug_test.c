/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock checker finds what is planted, and says nothing about what is right. Release builds check nothing. */
#include <kernel/cpu.h>
#include <kernel/lock.h>
#include <kernel/sched.h>
#include <kernel/test.h>
#include <kernel/thread.h>
#include <lib/string.h>

#include "lock_graph.h"

#if CONFIG_DEBUG

static struct mutex a, b, c;
static struct spinlock low = SPINLOCK_INIT("low", LOCK_MISC);
static struct spinlock lower = SPINLOCK_INIT("lower", LOCK_FILES);
static struct spinlock from_irq = SPINLOCK_INIT("interrupt's", LOCK_IRQ_CHIP);
static struct lock_capture caught;

static void capture_begin(void)
{
	memset(&caught, 0, sizeof(caught));
	caught.thread = current;
	lock_debug_capture(&caught);
}

static void take_both(struct mutex *first, struct mutex *second)
{
	mutex_lock(first);
	mutex_lock(second);
	mutex_unlock(second);
	mutex_unlock(first);
}

static void take_a_then_b(void *unused) { take_both(&a, &b); }
static void take_b_then_c(void *unused) { take_both(&b, &c); }

static bool in_thread(void (*fn)(void *))
{
	struct thread *t = thread_create("lock order", fn, NULL, -1);

	if (!t)
		return false;
	thread_start(t);
	thread_join(t);
	return true;
}

/* Three threads that never meet take a b, b c, c a: the third order closes the circle. */
static void test_finds_cycles(void)
{
	vaddr_t pcs[LOCK_EDGE_FRAMES];
	u16 class_a, class_b;

	mutex_init(&a, "planted a", LOCK_UNRANKED);
	mutex_init(&b, "planted b", LOCK_UNRANKED);
	mutex_init(&c, "planted c", LOCK_UNRANKED);
	class_a = lock_class_of(a.name, LOCK_UNRANKED);
	class_b = lock_class_of(b.name, LOCK_UNRANKED);
	test_check(class_a && class_b && class_a != class_b);
	test_check(in_thread(take_a_then_b) && in_thread(take_b_then_c));
	test_check(lock_graph_stack(class_a, class_b, pcs) > 1);	/* the other stack is known */

	capture_begin();
	take_a_then_b(NULL);
	test_equal(caught.count, 0);
	take_both(&c, &a);
	lock_debug_capture(NULL);
	test_equal(caught.count, 1);
	test_check(!strcmp(caught.what, "order"));
	test_equal(caught.path_len, 3);		/* a, b, c */
	test_equal(caught.path[0], class_a);
	test_equal(caught.path[1], class_b);
}

/* A lock that is only tried for waits for nobody. */
static void test_tries_close_no_cycle(void)
{
	mutex_init(&a, "tried a", LOCK_UNRANKED);
	mutex_init(&b, "tried b", LOCK_UNRANKED);
	take_both(&a, &b);
	capture_begin();
	mutex_lock(&b);
	test_check(mutex_trylock(&a));
	mutex_unlock(&a);
	mutex_unlock(&b);
	lock_debug_capture(NULL);
	test_equal(caught.count, 0);
}

static void test_finds_ranks(void)
{
	capture_begin();
	spin_lock(&low);
	spin_lock(&lower);
	test_equal(caught.count, 1);
	spin_unlock(&lower);
	spin_unlock(&low);
	spin_lock(&from_irq);		/* interrupts are on */
	test_equal(caught.count, 2);
	spin_unlock(&from_irq);
	lock_debug_capture(NULL);
}

static void test_finds_kept_locks(void)
{
	capture_begin();
	lock_check_user_return();
	lock_check_exit();
	test_equal(caught.count, 0);
	mutex_init(&a, "kept", LOCK_UNRANKED);
	mutex_lock(&a);
	lock_check_user_return();
	test_equal(caught.count, 1);
	lock_check_exit();
	test_equal(caught.count, 2);
	mutex_unlock(&a);
	preempt_disable();
	lock_check_user_return();
	preempt_enable();
	lock_debug_capture(NULL);
	test_equal(caught.count, 3);
}

static void test_finds_sleep(void)
{
	capture_begin();
	might_sleep();
	test_equal(caught.count, 0);
	spin_lock(&low);
	might_sleep();
	spin_unlock(&low);
	test_equal(caught.count, 1);
	arch_irq_disable();
	might_sleep();
	arch_irq_enable();
	test_equal(caught.count, 2);
	percpu_assert();
	test_equal(caught.count, 3);
	preempt_disable();
	percpu_assert();
	preempt_enable();
	lock_debug_capture(NULL);
	test_equal(caught.count, 3);
}

static const struct test_case cases[] = {
	TEST_CASE(test_finds_cycles), TEST_CASE(test_tries_close_no_cycle), TEST_CASE(test_finds_ranks),
	TEST_CASE(test_finds_kept_locks), TEST_CASE(test_finds_sleep), {},
};

#else

static const struct test_case cases[] = { {} };

#endif

const struct test_suite test_suite_lock_debug = { "lock_debug", cases };
