/* SPDX-License-Identifier: BSD-2-Clause */
/* Charging along a path: all or nothing. */
#include <kernel/epoch.h>
#include <kernel/group.h>
#include <kernel/thread.h>
#include <kernel/test.h>
#include <lib/string.h>
#include <uapi/errno.h>

static void test_charge_is_all_or_nothing(void)
{
	static struct group top, low;
	static struct thread t;
	struct group *over = NULL;

	top = (struct group){ .pages_max = 10, .pages_high = 9, .tasks_max = 1 };
	low = (struct group){ .parent = &top, .pages_max = 20, .pages_high = 20, .tasks_max = 5 };
	waitq_init(&top.events_changed);
	waitq_init(&low.events_changed);
	t.group = &low;
	test_equal(group_charge_pages(&low, 8, &over), 0);
	test_equal(group_charge_pages(&low, 3, &over), -ENOMEM);
	test_check(over == &top);
	test_equal(low.pages, 8);
	test_equal(top.pages, 8);
	test_equal(group_charge_pages(&low, 2, &over), 1);
	test_equal(group_charge_pages(&low, U64_MAX, &over), -ENOMEM);
	test_check(over == &low);
	test_equal(low.pages_peak, 10);
	group_uncharge_pages(&low, 10);
	test_equal(low.pages + top.pages, 0);
	test_equal(group_charge_task(&t), 0);
	test_equal(group_charge_task(&t), -EAGAIN);
	test_check(!t.in_group);	/* the second attempt failed */
	t.in_group = true;
	test_equal(low.tasks, 1);
	test_equal(top.tasks_refused, 1);
	test_equal(top.tasks, 1);
	group_uncharge_task(&t);
	test_equal(low.tasks + top.tasks, 0);
}

static int count_below(struct group *g)
{
	int n = 0;

	mutex_lock(&group_tree_lock);
	for (struct group *i = g; i; i = group_next_below(g, i))
		n++;
	mutex_unlock(&group_tree_lock);
	return n;
}

static void test_tree(void)
{
	struct group *a, *b, *c, *none;
	char path[32];

	test_equal(group_create(&group_root, "ktest", 5, 0, 0, &a), 0);
	test_equal(group_create(&group_root, "ktest", 5, 0, 0, &none), -EEXIST);
	test_equal(group_create(a, "b", 1, 0, 0, &b), 0);
	test_equal(group_create(b, "c", 1, 0, 0, &c), 0);
	test_equal(count_below(a), 3);
	test_equal(count_below(c), 1);
	test_equal(group_path(c, path, sizeof(path)), 10);
	test_check(!strcmp(path, "/ktest/b/c"));
	test_equal(group_path(c, path, 10), -ENAMETOOLONG);
	test_equal(group_path(&group_root, path, sizeof(path)), 1);
	test_equal(group_remove(b), -EBUSY);
	test_equal(group_remove(&group_root), -EBUSY);
	/* What the parent lacks cannot be handed on; what is in use below cannot be taken. */
	test_equal(group_enable(a, 1, 0), -ENOENT);
	group_root.enabled |= 1;
	test_equal(group_enable(a, 1, 0), 0);
	test_equal(group_enable(b, 1, 0), 0);
	test_equal(group_enable(a, 0, 1), -EBUSY);
	test_equal(group_enable(b, 0, 1), 0);
	test_equal(group_enable(a, 0, 1), 0);
	group_root.enabled &= ~1u;
	a->max_depth = 2;
	test_equal(group_create(c, "d", 1, 0, 0, &none), -EAGAIN);
	a->max_depth = U32_MAX;
	a->max_descendants = 2;
	test_equal(group_create(a, "d", 1, 0, 0, &none), -EAGAIN);
	test_equal(group_remove(c), 0);
	test_equal(group_create(c, "d", 1, 0, 0, &none), -ENOENT);
	group_put(c);
	test_equal(group_remove(b), 0);
	test_equal(group_remove(b), -ENOENT);
	group_put(b);
	test_equal(group_remove(a), 0);
	group_put(a);
	epoch_wait();
}

const struct test_suite test_suite_group = {
	"group",
	(const struct test_case[]){ TEST_CASE(test_charge_is_all_or_nothing), TEST_CASE(test_tree), {} },
};
