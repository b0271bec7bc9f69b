/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptor tables: lowest number, growth, replacement, limits, copies. */
#include "vfs.h"
#include <kernel/test.h>

static const struct file_ops ops;

static struct file *some_file(void)
{
	struct file *f = file_alloc(O_RDONLY);

	if (is_err(f))
		return NULL;
	f->ops = &ops;
	return f;
}

static int install(struct fd_table *t, u32 from, u32 limit, struct file *f)
{
	int fd = fd_table_reserve(t, from, limit, false);

	if (fd >= 0)
		fd_table_publish(t, fd, file_get(f));
	return fd;
}

static void test_lowest(void)
{
	struct fd_table *t = fd_table_new();
	struct file *f = some_file();

	test_check(t && f);
	for (int i = 0; i < 5; i++)
		test_equal(install(t, 0, 1024, f), i);
	test_equal(fd_table_close(t, 1), 0);
	test_equal(fd_table_close(t, 3), 0);
	test_equal(fd_table_close(t, 3), -EBADF);
	test_equal(install(t, 2, 1024, f), 3);
	test_equal(install(t, 0, 1024, f), 1);
	test_equal(install(t, 0, 1024, f), 5);
	test_equal(install(t, 10, 1024, f), 10);
	test_equal(install(t, 0, 1024, f), 6);
	test_equal(fd_table_close(t, -1), -EBADF);
	test_equal(fd_table_close(t, 1 << 30), -EBADF);
	test_check(!fd_table_get(t, 7) && !fd_table_get(t, -1) && !fd_table_get(t, 1 << 30));
	fd_table_put(t);
	test_equal((int)ref_read(&f->refs), 1);
	file_put(f);
}

static void test_growth_and_limit(void)
{
	struct fd_table *t = fd_table_new();
	struct file *f = some_file(), *g;

	test_check(t && f);
	for (int i = 0; i < 300; i++)
		test_equal(install(t, 0, 300, f), i);
	test_equal(install(t, 0, 300, f), -EMFILE);
	test_equal(install(t, 299, 300, f), -EMFILE);
	g = fd_table_get(t, 299);
	test_check(g == f);
	file_put(g);
	test_equal(fd_table_close(t, 250), 0);
	test_equal(install(t, 0, 300, f), 250);
	fd_table_put(t);
	test_equal((int)ref_read(&f->refs), 1);
	file_put(f);
}

static void test_replace(void)
{
	struct fd_table *t = fd_table_new();
	struct file *f = some_file(), *g = some_file(), *x;

	test_check(t && f && g);
	test_equal(install(t, 0, 1024, f), 0);
	test_equal(fd_table_replace(t, 0, 1024, file_get(g), true), 0);
	test_equal((int)ref_read(&f->refs), 1);
	test_equal(fd_table_cloexec(t, 0, -1), 1);
	test_equal(fd_table_replace(t, 700, 1024, file_get(g), false), 700);	/* grows */
	test_equal(fd_table_replace(t, 1024, 1024, g, false), -EBADF);
	test_equal(fd_table_reserve(t, 0, 1024, false), 1);
	test_equal(fd_table_replace(t, 1, 1024, g, false), -EBUSY);	/* an open is about to use it */
	fd_table_unreserve(t, 1);
	test_equal(fd_table_next(t, 1), 700);
	fd_table_close_on_exec(t);
	test_check(!fd_table_get(t, 0));
	x = fd_table_get(t, 700);
	test_check(x == g);
	file_put(x);
	fd_table_put(t);
	test_equal((int)ref_read(&g->refs), 1);
	file_put(f);
	file_put(g);
}

static void test_copy(void)
{
	struct fd_table *t = fd_table_new(), *copy;
	struct file *f = some_file();

	test_check(t && f);
	for (int i = 0; i < 70; i++)
		test_equal(install(t, 0, 1024, f), i);
	test_equal(fd_table_reserve(t, 0, 1024, false), 70);	/* not inherited */
	copy = fd_table_copy(t);
	test_check(copy != NULL);
	test_equal((int)ref_read(&f->refs), 1 + 2 * 70);
	test_equal(install(copy, 0, 1024, f), 70);
	test_equal(fd_table_close(copy, 0), 0);
	test_check(fd_table_next(t, 0) == 0);
	fd_table_unreserve(t, 70);
	fd_table_put(copy);
	fd_table_put(t);
	test_equal((int)ref_read(&f->refs), 1);
	file_put(f);
}

static const struct test_case cases[] = {
	TEST_CASE(test_lowest),
	TEST_CASE(test_growth_and_limit),
	TEST_CASE(test_replace),
	TEST_CASE(test_copy),
	{ 0 },
};
const struct test_suite test_suite_fd = { "fd", cases };
