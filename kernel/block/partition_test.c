/* SPDX-License-Identifier: BSD-2-Clause */
/* Partition tables made in memory: MBR, logical partitions, GPT with its copy, and tables that lie. */
#include "block_internal.h"
#include <kernel/test.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define BLOCKS 128u
#define BS 512u

struct memory_disk {
	struct partition_source source;
	u8 *data;
	unsigned reads;
};

static int read_memory(struct partition_source *s, u64 block, void *buf, u32 count)
{
	struct memory_disk *d = container_of(s, struct memory_disk, source);

	d->reads++;
	if (block + count > BLOCKS)
		return -EIO;
	memcpy(buf, d->data + block * BS, count * BS);
	return 0;
}

static bool disk_init(struct memory_disk *d)
{
	*d = (struct memory_disk){ .source = { read_memory, BLOCKS, BS }, .data = kzalloc(BLOCKS * BS, 0) };
	return d->data != NULL;
}

static void put32(u8 *p, u32 v) { memcpy(p, &v, 4); }
static void put64(u8 *p, u64 v) { memcpy(p, &v, 8); }

static void sign(u8 *sector)
{
	sector[510] = 0x55;
	sector[511] = 0xaa;
}

static void mbr_entry(u8 *sector, unsigned n, u8 type, u32 start, u32 count)
{
	u8 *e = sector + 446 + 16 * n;

	e[4] = type;
	put32(e + 8, start);
	put32(e + 12, count);
}

static u32 crc(const u8 *p, size_t n)
{
	u32 c = ~0u;

	while (n--) {
		c ^= *p++;
		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
	}
	return ~c;
}

static void test_none(void)
{
	struct memory_disk d;
	struct partition p[4];
	const char *error;

	test_check(disk_init(&d));
	test_equal(partition_scan(&d.source, p, 4, &error), 0);
	test_check(!error);
	d.source.blocks = 1;
	test_equal(partition_scan(&d.source, p, 4, &error), 0);
	kfree(d.data);
}

static void test_mbr(void)
{
	struct memory_disk d;
	struct partition p[8];
	const char *error;

	test_check(disk_init(&d));
	put32(d.data + 440, 0xcafe1234);
	mbr_entry(d.data, 0, 0x83, 8, 16);
	mbr_entry(d.data, 2, 0x82, 24, 104);
	sign(d.data);
	test_equal(partition_scan(&d.source, p, 8, &error), 2);
	test_check(!error);
	test_equal(p[0].start, 8);
	test_equal(p[0].count, 16);
	test_equal(p[1].number, 3);
	test_check(!strcmp(p[0].uuid, "cafe1234-01"));
	mbr_entry(d.data, 2, 0x82, 24, 105);	/* one past the end */
	test_equal(partition_scan(&d.source, p, 8, &error), 1);
	test_check(error != NULL);
	mbr_entry(d.data, 2, 0x82, 0xffffffff, 0xffffffff);
	test_equal(partition_scan(&d.source, p, 8, &error), 1);
	kfree(d.data);
}

static void test_logical(void)
{
	struct memory_disk d;
	struct partition p[8];
	const char *error;

	test_check(disk_init(&d));
	mbr_entry(d.data, 0, 0x05, 10, 100);
	sign(d.data);
	mbr_entry(d.data + 10 * BS, 0, 0x83, 2, 8);
	mbr_entry(d.data + 10 * BS, 1, 0x05, 20, 30);	/* relative to the first */
	sign(d.data + 10 * BS);
	mbr_entry(d.data + 30 * BS, 0, 0x83, 2, 5);
	sign(d.data + 30 * BS);
	test_equal(partition_scan(&d.source, p, 8, &error), 2);
	test_equal(p[0].start, 12);
	test_equal(p[1].start, 32);
	test_equal(p[1].number, 6);
	mbr_entry(d.data + 30 * BS, 1, 0x05, 20, 30);	/* points at itself: must end */
	d.reads = 0;
	test_check(partition_scan(&d.source, p, 8, &error) >= 2);
	test_check(error && d.reads < 100);
	kfree(d.data);
}

static void make_gpt(u8 *data, u64 at, u64 table, u64 first, u64 last)
{
	u8 *h = data + at * BS, *e = data + table * BS;

	memset(e, 0, 4 * BS);
	memset(e, 0x11, 32);
	put64(e + 32, first);
	put64(e + 40, last);
	memset(h, 0, BS);
	memcpy(h, "EFI PART", 8);
	put32(h + 8, 0x10000);
	put32(h + 12, 92);
	put64(h + 24, at);
	put64(h + 72, table);
	put32(h + 80, 16);
	put32(h + 84, 128);
	put32(h + 88, crc(e, 16 * 128));
	put32(h + 16, crc(h, 92));
}

static void test_gpt(void)
{
	struct memory_disk d;
	struct partition p[8];
	const char *error;

	test_check(disk_init(&d));
	mbr_entry(d.data, 0, 0xee, 1, BLOCKS - 1);
	sign(d.data);
	make_gpt(d.data, 1, 2, 34, 100);
	make_gpt(d.data, BLOCKS - 1, BLOCKS - 5, 34, 100);
	test_equal(partition_scan(&d.source, p, 8, &error), 1);
	test_check(!error);
	test_equal(p[0].start, 34);
	test_equal(p[0].count, 67);
	test_check(!strcmp(p[0].uuid, "11111111-1111-1111-1111-111111111111"));
	d.data[BS + 80]++;	/* checksum fails: the copy at the end serves */
	test_equal(partition_scan(&d.source, p, 8, &error), 1);
	test_check(!error);
	d.data[(BLOCKS - 5) * BS]++;
	test_equal(partition_scan(&d.source, p, 8, &error), 0);
	test_check(error != NULL);
	kfree(d.data);
}

static void test_gpt_lies(void)
{
	static const struct {
		u64 first, last;
	} bad[] = { { 100, 34 }, { 34, BLOCKS }, { BLOCKS, BLOCKS }, { 1, U64_MAX }, { U64_MAX, U64_MAX }, { 0, U64_MAX } };
	static const struct {
		u32 off, value;
	} header[] = { { 12, 91 }, { 12, 513 }, { 80, 0 }, { 80, 0x10000000 }, { 84, 0 }, { 84, 127 }, { 84, 0xffffff80 }, { 72, 0 }, { 72, BLOCKS }, { 76, 0xffffffff } };
	struct memory_disk d;
	struct partition p[8];
	const char *error;

	test_check(disk_init(&d));
	mbr_entry(d.data, 0, 0xee, 1, BLOCKS - 1);
	sign(d.data);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		make_gpt(d.data, 1, 2, bad[i].first, bad[i].last);
		test_equal(partition_scan(&d.source, p, 8, &error), 0);
		test_check(error != NULL);
	}
	for (unsigned i = 0; i < ARRAY_LEN(header); i++) {
		u8 *h = d.data + BS;

		make_gpt(d.data, 1, 2, 34, 100);
		put32(h + header[i].off, header[i].value);
		put32(h + 16, 0);
		put32(h + 16, crc(h, 92));
		test_equal(partition_scan(&d.source, p, 8, &error), 0);
		test_check(error != NULL);
	}
	kfree(d.data);
}

static const struct test_case cases[] = {
	TEST_CASE(test_none),
	TEST_CASE(test_mbr),
	TEST_CASE(test_logical),
	TEST_CASE(test_gpt),
	TEST_CASE(test_gpt_lies),
	{ 0 },
};
const struct test_suite test_suite_partition = { "partition", cases };
