/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks the whole table of process states. */
#include "proc.h"
#include <kernel/test.h>

#define STATES (PROC_DEFUNCT + 1)

static void test_no_step_to_itself_or_beyond(void)
{
	for (unsigned s = 0; s < STATES; s++) {
		test_check(!process_state_may(s, s));
		test_check(!process_state_may(s, STATES));
		test_check(!process_state_may(STATES, s));
	}
}

/* Every state is reached from new, and every state leads to defunct. */
static void test_every_state_is_on_a_way(void)
{
	unsigned from_new = BIT(PROC_NEW), to_end = BIT(PROC_DEFUNCT);

	for (unsigned round = 0; round < STATES; round++)
		for (unsigned a = 0; a < STATES; a++)
			for (unsigned b = 0; b < STATES; b++) {
				if (!process_state_may(a, b))
					continue;
				if (from_new & BIT(a))
					from_new |= BIT(b);
				if (to_end & BIT(b))
					to_end |= BIT(a);
			}
	test_equal(from_new, BIT(STATES) - 1);
	test_equal(to_end, BIT(STATES) - 1);
}

static void test_the_dead_stay_dead(void)
{
	for (unsigned s = PROC_NEW; s <= PROC_SUSPENDED; s++) {
		test_check(!process_state_may(PROC_TERMINATED, s));
		test_check(!process_state_may(PROC_ZOMBIE, s));
		test_check(!process_state_may(PROC_DEFUNCT, s));
		test_check(process_state_may(s, PROC_TERMINATED));
		test_check(!process_state_may(s, PROC_ZOMBIE));
	}
}

static void test_suspension(void)
{
	test_check(process_state_may(PROC_RUNNING, PROC_SUSPENDED));
	test_check(process_state_may(PROC_BLOCKED, PROC_SUSPENDED));
	test_check(process_state_may(PROC_SUSPENDED, PROC_READY));
	test_check(!process_state_may(PROC_SUSPENDED, PROC_RUNNING));
	test_check(!process_state_may(PROC_NEW, PROC_RUNNING));
	test_check(!process_state_may(PROC_BLOCKED, PROC_RUNNING));
}

const struct test_suite test_suite_proc_state = {
	"proc_state",
	(const struct test_case[]){
		TEST_CASE(test_no_step_to_itself_or_beyond),
		TEST_CASE(test_every_state_is_on_a_way),
		TEST_CASE(test_the_dead_stay_dead),
		TEST_CASE(test_suspension),
		{},
	},
};
