/* SPDX-License-Identifier: BSD-2-Clause */
/* The page cache over a backing store in memory that counts, delays nothing and can fail. */
#include "pagecache.h"
#include <kernel/test.h>
#include <kernel/usercopy.h>

#define STORE_PAGES 64u

struct store {
	struct page_mapping mapping;
	u8 *data;
	unsigned reads, writes, pages_read;
	u64 fail_index;		/* U64_MAX: none */
	int fail_errno;
};

static struct store *store_of(struct page_mapping *m) { return container_of(m, struct store, mapping); }

static int read_pages(struct page_mapping *m, struct page **pages, unsigned n)
{
	struct store *s = store_of(m);

	s->reads++;
	for (unsigned i = 0; i < n; i++) {
		struct page *p = pages[i];

		s->pages_read++;
		if (p->index < STORE_PAGES)
			memcpy(page_to_virt(p), s->data + p->index * PAGE_SIZE, PAGE_SIZE);
		page_read_done(p, p->index == s->fail_index ? s->fail_errno : 0);
	}
	return 0;
}

static int write_pages(struct page_mapping *m, struct page **pages, unsigned n)
{
	struct store *s = store_of(m);

	s->writes++;
	for (unsigned i = 0; i < n; i++) {
		struct page *p = pages[i];
		bool fail = p->index == s->fail_index;

		if (!fail && p->index < STORE_PAGES)
			memcpy(s->data + p->index * PAGE_SIZE, page_to_virt(p), PAGE_SIZE);
		page_unlock(p);
		page_write_done(p, fail ? s->fail_errno : 0);
	}
	return 0;
}

static int write_begin(struct page_mapping *m, struct page *p, u32 off, u32 len)
{
	if (p->flags & PAGE_UPTODATE || len == PAGE_SIZE)
		return 0;
	memcpy(page_to_virt(p), store_of(m)->data + p->index * PAGE_SIZE, PAGE_SIZE);
	(void)atomic_fetch_or(&p->flags, (u32)PAGE_UPTODATE);
	return 0;
}

static int write_end(struct page_mapping *m, struct page *p, u32 off, u32 copied)
{
	if (copied)
		page_mark_dirty(p);
	return 0;
}

static const struct mapping_ops ops = {
	.read_pages = read_pages, .write_pages = write_pages, .write_begin = write_begin, .write_end = write_end,
};

static struct store *store_new(void)
{
	struct store *s = kzalloc(sizeof(*s), 0);

	if (!s)
		return NULL;
	s->data = kmalloc(STORE_PAGES * PAGE_SIZE, 0);
	if (!s->data) {
		kfree(s);
		return NULL;
	}
	for (u32 i = 0; i < STORE_PAGES; i++)
		memset(s->data + i * PAGE_SIZE, (int)i + 1, PAGE_SIZE);
	s->fail_index = U64_MAX;
	mapping_init(&s->mapping, NULL, &ops);
	return s;
}

static void store_free(struct store *s)
{
	mapping_destroy(&s->mapping);
	kfree(s->data);
	kfree(s);
}

static ssize_t read_at(struct store *s, u64 pos, void *buf, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, buf, n);
	return mapping_read_uio(&s->mapping, pos, &u, STORE_PAGES * PAGE_SIZE, NULL);
}

static ssize_t write_at(struct store *s, u64 pos, const void *buf, size_t n)
{
	struct uio u;

	uio_init_kernel(&u, (void *)buf, n);
	return mapping_write_uio(&s->mapping, pos, &u);
}

static void test_read(void)
{
	struct store *s = store_new();
	u8 buf[8];
	u64 before = pagecache_counts.file;

	test_check(s != NULL);
	test_equal(read_at(s, PAGE_SIZE - 4, buf, 8), 8);
	test_check(!memcmp(buf, "\1\1\1\1\2\2\2\2", 8));
	test_check(s->pages_read > 2);		/* read ahead */
	s->reads = 0;
	test_equal(read_at(s, 0, buf, 8), 8);
	test_equal(s->reads, 0);		/* cached */
	test_equal(read_at(s, STORE_PAGES * PAGE_SIZE - 3, buf, 8), 3);
	test_equal(read_at(s, STORE_PAGES * PAGE_SIZE, buf, 8), 0);
	test_equal(read_at(s, 5, buf, 0), 0);
	store_free(s);
	test_equal((s64)pagecache_counts.file, (s64)before);
}

static void test_read_error(void)
{
	struct store *s = store_new();
	u8 buf[8];

	test_check(s != NULL);
	s->fail_index = 3;
	s->fail_errno = -EIO;
	test_equal(read_at(s, 3 * PAGE_SIZE, buf, 8), -EIO);
	test_equal(read_at(s, 3 * PAGE_SIZE - 4, buf, 8), 4);	/* what came before the error */
	s->fail_index = U64_MAX;
	test_equal(read_at(s, 3 * PAGE_SIZE, buf, 8), 8);	/* an error does not stick */
	test_equal(buf[0], 4);
	store_free(s);
}

static void test_write_back(void)
{
	struct store *s = store_new();
	u64 dirty = pagecache_counts.dirty;

	test_check(s != NULL);
	test_equal(write_at(s, 2 * PAGE_SIZE + 10, "hello", 5), 5);
	test_equal(write_at(s, 4 * PAGE_SIZE - 2, "worlds", 6), 6);
	test_equal((s64)s->mapping.nr_dirty, 3);
	test_equal(s->data[2 * PAGE_SIZE + 10], 3);	/* not yet */
	test_equal(mapping_writeback(&s->mapping, 0, U64_MAX, true), 0);
	test_check(!memcmp(s->data + 2 * PAGE_SIZE + 10, "hello", 5));
	test_check(!memcmp(s->data + 4 * PAGE_SIZE - 2, "worlds", 6));
	test_equal(s->data[2 * PAGE_SIZE + 9], 3);
	test_equal(s->writes, 1);			/* 2, 3, 4 are one run */
	test_equal((s64)s->mapping.nr_dirty, 0);
	test_equal((s64)pagecache_counts.dirty, (s64)dirty);
	s->writes = 0;
	test_equal(mapping_writeback(&s->mapping, 0, U64_MAX, true), 0);
	test_equal(s->writes, 0);
	test_equal(write_at(s, 0, "a", 1), 1);
	test_equal(write_at(s, 9 * PAGE_SIZE, "b", 1), 1);
	test_equal(mapping_writeback(&s->mapping, 5, 20, true), 0);
	test_equal(s->data[9 * PAGE_SIZE], 'b');
	test_equal(s->data[0], 1);			/* outside of the range */
	store_free(s);
	test_equal((s64)pagecache_counts.dirty, (s64)dirty);
}

static void test_write_error(void)
{
	struct store *s = store_new();
	u32 seq;

	test_check(s != NULL);
	s->fail_index = 1;
	s->fail_errno = -EIO;
	test_equal(write_at(s, PAGE_SIZE, "x", 1), 1);
	seq = s->mapping.wb_seq;
	test_equal(mapping_writeback(&s->mapping, 0, U64_MAX, true), -EIO);
	test_check(s->mapping.wb_seq != seq);
	test_equal(mapping_writeback(&s->mapping, 0, U64_MAX, true), 0);	/* told once */
	store_free(s);
}

static void test_truncate_and_invalidate(void)
{
	struct store *s = store_new();
	struct page *p;
	u8 c;

	test_check(s != NULL);
	for (u64 i = 0; i < 8; i++)
		test_equal(read_at(s, i * PAGE_SIZE, &c, 1), 1);
	test_equal(write_at(s, 6 * PAGE_SIZE, "z", 1), 1);
	mapping_truncate(&s->mapping, 6 * PAGE_SIZE + 1);
	p = mapping_find(&s->mapping, 6);
	test_check(p && ((u8 *)page_to_virt(p))[0] == 'z' && ((u8 *)page_to_virt(p))[1] == 0);
	test_check(!mapping_find(&s->mapping, 7));
	/* 6 is dirty and held, 0 is held: they stay; the other clean ones go. */
	page_put(p);
	p = mapping_find(&s->mapping, 0);
	test_check(p != NULL);
	test_check(mapping_invalidate(&s->mapping, 0, U64_MAX) >= 5);
	test_check(!mapping_find(&s->mapping, 1));
	test_check(p->mapping == &s->mapping);
	page_put(p);
	mapping_truncate(&s->mapping, 0);
	test_equal((s64)s->mapping.pages.count, 0);
	test_equal((s64)s->mapping.nr_dirty, 0);
	store_free(s);
}

static void test_grab(void)
{
	struct store *s = store_new();
	struct page *p;

	test_check(s != NULL);
	p = mapping_grab(&s->mapping, 1ull << 40, ALLOC_ZERO);
	test_check(!is_err(p));
	test_check(!page_trylock(p));
	test_check(!(p->flags & PAGE_UPTODATE));
	page_unlock(p);
	test_check(page_trylock(p));
	page_unlock(p);
	page_put(p);
	store_free(s);
}

static const struct test_case cases[] = {
	TEST_CASE(test_read),
	TEST_CASE(test_read_error),
	TEST_CASE(test_write_back),
	TEST_CASE(test_write_error),
	TEST_CASE(test_truncate_and_invalidate),
	TEST_CASE(test_grab),
	{ 0 },
};
const struct test_suite test_suite_pagecache = { "pagecache", cases };
