/* SPDX-License-Identifier: BSD-2-Clause */
/* The cpio parser against good, cut and hostile archives. */
#include "cpio.h"
#include <kernel/mm.h>
#include <kernel/test.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define ARCHIVE_MAX 2048u

/* Appends one entry; the length field can be made to lie. */
static size_t add(u8 *a, size_t at, const char *name, u32 name_size, const char *data, u32 size)
{
	snprintf((char *)a + at, 111, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 7u, 0100644u, 1u, 2u, 1u, 3u,
		 size, 8u, 1u, 0u, 0u, name_size, 0u);
	at += 110;
	memcpy(a + at, name, strlen(name) + 1);
	at = align_up(at + strlen(name) + 1, (size_t)4);
	memcpy(a + at, data, strlen(data));
	return align_up(at + strlen(data), (size_t)4);
}

static size_t simple(u8 *a)
{
	size_t n;

	memset(a, 0, ARCHIVE_MAX);
	n = add(a, 0, "dir/file", 9, "hello", 5);
	n = add(a, n, "empty", 6, "", 0);
	return add(a, n, "TRAILER!!!", 11, "", 0);
}

static void test_good(void)
{
	u8 *a = kzalloc(ARCHIVE_MAX, 0);
	struct cpio_entry e;
	struct cpio c;
	size_t n;

	test_check(a != NULL);
	n = simple(a);
	cpio_init(&c, a, n);
	test_equal(cpio_next(&c, &e), 1);
	test_check(!strcmp(e.name, "dir/file") && e.size == 5 && !memcmp(e.data, "hello", 5));
	test_equal(e.mode, 0100644);
	test_equal(e.uid, 1);
	test_equal(cpio_next(&c, &e), 1);
	test_check(!strcmp(e.name, "empty") && e.size == 0);
	test_equal(cpio_next(&c, &e), 0);
	test_equal((s64)c.at, (s64)n);
	kfree(a);
}

/* Every prefix ends in an error or early, never behind the end. */
static void test_cut(void)
{
	u8 *a = kzalloc(ARCHIVE_MAX, 0);
	struct cpio_entry e;
	struct cpio c;
	size_t n;
	int r;

	test_check(a != NULL);
	n = simple(a);
	for (size_t cut = 0; cut < n - 4; cut++) {
		cpio_init(&c, a, cut);
		while ((r = cpio_next(&c, &e)) == 1)
			test_check(e.data + e.size <= a + cut);
		test_check(r == -EINVAL && c.error && c.at <= cut);
	}
	kfree(a);
}

static void test_lies(void)
{
	static const u32 name_sizes[] = { 0, 3, 10, 4097, 0x7fffffff, 0xffffffff };
	static const u32 sizes[] = { 2000, 0x7fffffff, 0xfffffffc, 0xffffffff };
	u8 *a = kzalloc(ARCHIVE_MAX, 0);
	struct cpio_entry e;
	struct cpio c;

	test_check(a != NULL);
	for (unsigned i = 0; i < ARRAY_LEN(name_sizes); i++) {
		memset(a, 0, ARCHIVE_MAX);
		(void)add(a, 0, "name", name_sizes[i], "data", 4);
		cpio_init(&c, a, 256);
		test_equal(cpio_next(&c, &e), -EINVAL);
	}
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		memset(a, 0, ARCHIVE_MAX);
		(void)add(a, 0, "name", 5, "data", sizes[i]);
		cpio_init(&c, a, 256);
		test_equal(cpio_next(&c, &e), -EINVAL);
	}
	(void)simple(a);
	a[20] = 'g';
	cpio_init(&c, a, ARCHIVE_MAX);
	test_equal(cpio_next(&c, &e), -EINVAL);
	(void)simple(a);
	a[5] = '9';
	cpio_init(&c, a, ARCHIVE_MAX);
	test_equal(cpio_next(&c, &e), -EINVAL);
	kfree(a);
}

/* Each byte of the header flipped, one at a time: no crash, data inside the archive. */
static void test_flipped(void)
{
	u8 *a = kzalloc(ARCHIVE_MAX, 0);
	struct cpio_entry e;
	struct cpio c;
	size_t n;

	test_check(a != NULL);
	n = simple(a);
	for (size_t at = 0; at < n; at++) {
		for (u32 bit = 0; bit < 8; bit++) {
			a[at] ^= (u8)(1u << bit);
			cpio_init(&c, a, n);
			while (cpio_next(&c, &e) == 1)
				test_check(e.data >= a && e.data + e.size <= a + n && strlen(e.name) < n);
			a[at] ^= (u8)(1u << bit);
		}
	}
	kfree(a);
}

static const struct test_case cases[] = {
	TEST_CASE(test_good),
	TEST_CASE(test_cut),
	TEST_CASE(test_lies),
	TEST_CASE(test_flipped),
	{ 0 },
};
const struct test_suite test_suite_cpio = { "cpio", cases };
