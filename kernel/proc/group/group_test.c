/* SPDX-License-Identifier: BSD-2-Clause */
/* Charging along a path: all or nothing. */
#include <kernel/group.h>
#include <kernel/test.h>
#include <uapi/errno.h>

static void test_charge_is_all_or_nothing(void)
{
	struct group top = { .pages_max = 10, .tasks_max = 1 }, low = { .parent = &top, .pages_max = 20, .tasks_max = 5 };

	test_equal(group_charge_pages(&low, 8), 0);
	test_equal(group_charge_pages(&low, 3), -ENOMEM);
	test_equal(low.pages, 8);
	test_equal(top.pages, 8);
	test_equal(group_charge_pages(&low, 2), 0);
	test_equal(group_charge_pages(&low, U64_MAX), -ENOMEM);
	group_uncharge_pages(&low, 10);
	test_equal(low.pages + top.pages, 0);
	test_equal(group_charge_task(&low), 0);
	test_equal(group_charge_task(&low), -EAGAIN);
	test_equal(low.tasks, 1);
	test_equal(top.tasks, 1);
	group_uncharge_task(&low);
	test_equal(low.tasks + top.tasks, 0);
}

const struct test_suite test_suite_group = {
	"group",
	(const struct test_case[]){ TEST_CASE(test_charge_is_all_or_nothing), {} },
};
