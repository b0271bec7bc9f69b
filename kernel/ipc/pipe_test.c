/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes: order of bytes through a wrapping ring, full and empty, ends that go, resizing, two threads. */
#include <kernel/mm.h>
#include <kernel/pipe.h>
#include <kernel/test.h>
#include <kernel/thread.h>
#include <lib/string.h>

static u8 pattern(u64 at) { return (u8)(at * 7 + (at >> 8)); }

static ssize_t put(struct file *f, u64 at, size_t n)
{
	u8 buf[512];

	for (size_t i = 0; i < n; i++)
		buf[i] = pattern(at + i);
	return file_write_kernel(f, buf, n, 0);
}

static bool take(struct file *f, u64 at, size_t n)
{
	u8 buf[512];

	if (file_read_kernel(f, buf, n, 0) != (ssize_t)n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (buf[i] != pattern(at + i))
			return false;
	return true;
}

static void test_ends(void)
{
	struct file *f[2];
	char c;

	test_equal(pipe_create(f, O_NONBLOCK), 0);
	test_equal(file_read_kernel(f[0], &c, 1, 0), -EAGAIN);
	test_equal(file_read_kernel(f[1], &c, 1, 0), -EBADF);
	test_equal(file_write_kernel(f[0], &c, 1, 0), -EBADF);
	test_equal(file_write_kernel(f[1], "ab", 2, 0), 2);
	test_check(file_poll(f[0], NULL) == (POLLIN | POLLRDNORM));
	file_put(f[1]);
	test_check(file_poll(f[0], NULL) & POLLHUP);
	test_equal(file_read_kernel(f[0], &c, 1, 0), 1);
	test_equal(file_read_kernel(f[0], &c, 1, 0), 1);
	test_equal(c, 'b');
	test_equal(file_read_kernel(f[0], &c, 1, 0), 0);	/* end of file */
	file_put(f[0]);
}

static void test_full(void)
{
	struct file *f[2];
	u64 in = 0, out = 0;

	test_equal(pipe_create(f, O_NONBLOCK), 0);
	while (in < 65536) {
		test_equal(put(f[1], in, 512), 512);
		in += 512;
	}
	test_equal(put(f[1], in, 1), -EAGAIN);
	test_check(!(file_poll(f[1], NULL) & POLLOUT));
	/* Round and round, full all the time, at odd offsets: no page may go while it holds bytes. */
	for (int i = 0; i < 600; i++) {
		test_check(take(f[0], out, 411));
		out += 411;
		test_equal(put(f[1], in, 411), 411);
		in += 411;
	}
	test_equal(put(f[1], in, 2), -EAGAIN);
	while (out < in) {
		size_t n = (size_t)min(in - out, (u64)512);

		test_check(take(f[0], out, n));
		out += n;
	}
	file_put(f[0]);
	file_put(f[1]);
}

static void test_atomic_writes(void)
{
	struct file *f[2];
	u8 *page = kzalloc(PAGE_SIZE, 0);

	test_check(page != NULL);
	test_equal(pipe_create(f, O_NONBLOCK), 0);
	for (int i = 0; i < 15; i++)
		test_equal(file_write_kernel(f[1], page, PAGE_SIZE, 0), (ssize_t)PAGE_SIZE);
	test_equal(put(f[1], 0, 1), 1);
	/* 4095 are free: a write of 4096 must not be torn, a longer one may. */
	test_equal(file_write_kernel(f[1], page, PAGE_SIZE, 0), -EAGAIN);
	test_equal(file_write_kernel(f[1], page, PAGE_SIZE - 1, 0), (ssize_t)PAGE_SIZE - 1);
	kfree(page);
	file_put(f[0]);
	file_put(f[1]);
}

static void test_resize(void)
{
	struct file *f[2];
	u64 in = 0, out = 0;

	test_equal(pipe_create(f, O_NONBLOCK), 0);
	for (; in < 9000; in += 500)
		test_equal(put(f[1], in, 500), 500);
	for (; out < 5000; out += 500)
		test_check(take(f[0], out, 500));
	test_equal(pipe_set_size(f[0], 4096), -EBUSY);
	test_equal(pipe_set_size(f[0], 8192), 8192);
	test_equal(pipe_set_size(f[1], 100000), 131072);
	test_equal(pipe_get_size(f[0]), 131072);
	for (; in < 20000; in += 500)
		test_equal(put(f[1], in, 500), 500);
	for (; out < in; out += 500)
		test_check(take(f[0], out, 500));
	file_put(f[0]);
	file_put(f[1]);
}

#define STREAM_BYTES 300000u

static void writer(void *arg)
{
	struct file *f = arg;

	for (u64 at = 0; at < STREAM_BYTES; at += 500)
		if (put(f, at, 500) != 500)
			break;
	file_put(f);
}

/* A writer that blocks and a reader that blocks. */
static void test_two_threads(void)
{
	struct file *f[2];
	struct thread *t;
	u64 out = 0;
	u8 buf[300];
	ssize_t n;

	test_equal(pipe_create(f, 0), 0);
	t = thread_create("pipe-test", writer, f[1], -1);
	test_check(t != NULL);
	thread_start(t);
	while ((n = file_read_kernel(f[0], buf, sizeof(buf), 0)) > 0)
		for (ssize_t i = 0; i < n; i++, out++)
			test_check(buf[i] == pattern(out));
	test_equal(n, 0);
	test_equal((s64)out, STREAM_BYTES);
	(void)thread_join(t);
	file_put(f[0]);
}

static const struct test_case cases[] = {
	TEST_CASE(test_ends),
	TEST_CASE(test_full),
	TEST_CASE(test_atomic_writes),
	TEST_CASE(test_resize),
	TEST_CASE(test_two_threads),
	{ 0 },
};
const struct test_suite test_suite_pipe = { "pipe", cases };
