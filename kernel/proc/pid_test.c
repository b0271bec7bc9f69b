/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers beyond the first piece of the bitmap, their wrap at kernel.pid_max, and what stays behind: nothing. */
#include "proc.h"
#include <kernel/mm.h>
#include <kernel/test.h>

#define ROUNDS 100000		/* three pieces and a bit */

/* Each number is above the last or, at the limit's end, the first that may be given again. */
static void test_numbers_go_on_past_65536(void)
{
	u32 was = atomic_load(&pid_max);
	pid_t last = 0, wraps = 0;

	test_equal(pid_max_set(80000), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		pid_t pid = pid_alloc();

		test_check(pid > 0 && pid < 80000);
		if (pid <= last) {
			wraps++;
			test_check(last > 79000 && pid < 1000);
		}
		last = pid;
		pid_free(pid);
	}
	test_check(wraps == 1 || wraps == 2);
	test_equal(pid_max_set(was), 0);
}

static void test_the_highest_number(void)
{
	u32 was = atomic_load(&pid_max);

	test_equal(pid_max_set(300), -EINVAL);
	test_equal(pid_max_set(PID_MAX + 1), -EINVAL);
	test_equal(pid_alloc_exact((pid_t)was), -EINVAL);
	test_equal(pid_max_set(PID_MAX), 0);
	test_equal(pid_alloc_exact(PID_MAX), -EINVAL);
	test_equal(pid_alloc_exact(PID_MAX - 1), 0);
	test_equal(pid_alloc_exact(PID_MAX - 1), -EEXIST);
	test_equal(pid_alloc_exact(0), -EINVAL);
	test_equal(pid_max_set(was), 0);
	pid_free(PID_MAX - 1);	/* it was given before: it stays until then */
}

const struct test_suite test_suite_pid = {
	"pid",
	(const struct test_case[]){
		TEST_CASE(test_numbers_go_on_past_65536),
		TEST_CASE(test_the_highest_number),
		{},
	},
};
