/* SPDX-License-Identifier: BSD-2-Clause */
/* The depth of a stack is known: of one that is barely used, and of one that goes deep. */
#include <kernel/epoch.h>
#include <kernel/sched.h>
#include <kernel/test.h>
#include <lib/string.h>

#if CONFIG_DEBUG

#define DEEP 9000u

static void shallow(void *unused) {}

static __noinline void dig(u8 *sum)
{
	u8 space[DEEP];

	memset(space, *sum, sizeof(space));
	__asm__ volatile("" : : "r"(space) : "memory");
	*sum = space[DEEP / 2];
}

static void deep(void *arg) { dig(arg); }

/* 0: no thread could be made. */
static size_t used_by(void (*fn)(void *))
{
	u8 byte = 1;
	struct thread *t = thread_create("digger", fn, &byte, -1);
	size_t n;

	if (!t)
		return 0;
	(void)thread_get(t);
	thread_start(t);
	thread_join(t);
	n = thread_stack_used(t);
	thread_put(t);
	return n;
}

static void test_depth_is_known(void)
{
	size_t little = used_by(shallow), much = used_by(deep), again = used_by(shallow);

	test_check(little > 100 && little < DEEP);
	test_check(much >= DEEP && much < DEEP + little + 1000);
	test_check(again < DEEP);		/* another user of that stack begins anew */
}

static void test_deepest_is_kept(void)
{
	char name[THREAD_NAME_MAX];

	test_check(used_by(deep) >= DEEP);
	epoch_wait();			/* it was freed */
	test_check(stack_deepest(name) >= DEEP);
	test_check(name[0]);
}

static const struct test_case cases[] = { TEST_CASE(test_depth_is_known), TEST_CASE(test_deepest_is_kept), {} };

#else

static const struct test_case cases[] = { {} };

#endif

const struct test_suite test_suite_stack_mark = { "stack_mark", cases };
