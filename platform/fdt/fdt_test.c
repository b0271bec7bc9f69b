/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading device trees that are odd, and ones that are broken: never a wrong address, never a fault. */
#include <kernel/mm.h>
#include <kernel/test.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <libfdt.h>
#include "fdt_local.h"

#define BLOB_SIZE 2048

static void cells(void *fdt, const char *name, const u32 *values, unsigned n)
{
	be32 raw[16];

	for (unsigned i = 0; i < n; i++)
		raw[i] = cpu_to_be32(values[i]);
	fdt_property(fdt, name, raw, (int)(4 * n));
}
#define CELLS(fdt, name, ...) \
	cells(fdt, name, (const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / 4)

static void leaf(void *fdt, const char *name, u32 base, u32 size)
{
	fdt_begin_node(fdt, name);
	CELLS(fdt, "reg", base, size);
	fdt_end_node(fdt);
}

/* Root with 2+2 cells; buses that translate, that are identity, that cut off. */
static bool build(void *fdt)
{
	int err = fdt_create(fdt, BLOB_SIZE);

	err |= fdt_finish_reservemap(fdt);
	fdt_begin_node(fdt, "");
	CELLS(fdt, "#address-cells", 2);
	CELLS(fdt, "#size-cells", 2);
	fdt_begin_node(fdt, "plain");
	CELLS(fdt, "reg", 1, 0x1000, 0, 0x200, 0, 0x9000, 0, 0x10);
	fdt_property_string(fdt, "status", "okay");
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "bus");
	CELLS(fdt, "#address-cells", 1);
	CELLS(fdt, "#size-cells", 1);
	CELLS(fdt, "ranges", 0x100, 8, 0x40000000, 0x1000, 0x2000, 0, 0x5000, 0x100);
	leaf(fdt, "first", 0x180, 0x10);
	leaf(fdt, "second", 0x2080, 0x80);
	leaf(fdt, "sticks-out", 0x2080, 0x81);
	leaf(fdt, "outside", 0x5000, 1);
	fdt_begin_node(fdt, "inner");
	CELLS(fdt, "#address-cells", 1);
	CELLS(fdt, "#size-cells", 1);
	fdt_property(fdt, "ranges", NULL, 0);
	leaf(fdt, "deep", 0x110, 4);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "island");
	CELLS(fdt, "#address-cells", 1);
	CELLS(fdt, "#size-cells", 0);
	fdt_begin_node(fdt, "cpu");
	CELLS(fdt, "reg", 7);
	fdt_property_string(fdt, "status", "disabled");
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "absurd");
	CELLS(fdt, "#address-cells", 0x40000001);
	leaf(fdt, "child", 0, 1);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	return !err && !fdt_finish(fdt);
}

static bool reg_of(const void *fdt, const char *name, unsigned n, u64 *base, u64 *size)
{
	struct fdt_path path;
	int node = fdt_path_offset(fdt, name);

	return node >= 0 && fdt_path_find(fdt, node, &path) && fdt_reg(fdt, &path, n, base, size);
}

static void test_reg(void)
{
	u64 base = 0, size = 0;
	void *fdt = kmalloc(BLOB_SIZE, 0);

	test_check(fdt && build(fdt) && !fdt_check_full(fdt, BLOB_SIZE));
	test_check(reg_of(fdt, "/plain", 0, &base, &size) && base == 0x100001000 && size == 0x200);
	test_check(reg_of(fdt, "/plain", 1, &base, &size) && base == 0x9000 && size == 0x10);
	test_check(!reg_of(fdt, "/plain", 2, &base, &size));
	test_check(!reg_of(fdt, "/plain", U32_MAX, &base, &size));
	test_check(reg_of(fdt, "/bus/first", 0, &base, &size) && base == 0x840000080 && size == 0x10);
	test_check(reg_of(fdt, "/bus/second", 0, &base, &size) && base == 0x5080 && size == 0x80);
	test_check(!reg_of(fdt, "/bus/sticks-out", 0, &base, &size));
	test_check(!reg_of(fdt, "/bus/outside", 0, &base, &size));
	test_check(reg_of(fdt, "/bus/inner/deep", 0, &base, &size) && base == 0x840000010);
	test_check(!reg_of(fdt, "/island/cpu", 0, &base, &size));
	test_check(!reg_of(fdt, "/absurd/child", 0, &base, &size));
	test_check(!reg_of(fdt, "/", 0, &base, &size));
	test_check(fdt_node_enabled(fdt, fdt_path_offset(fdt, "/plain")));
	test_check(!fdt_node_enabled(fdt, fdt_path_offset(fdt, "/island/cpu")));
	kfree(fdt);
}

static void test_cells(void)
{
	static const u8 raw[] = { 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2 };
	u64 v;

	test_check(fdt_cells_read(raw, 0, &v) && v == 0);
	test_check(fdt_cells_read(raw + 4, 1, &v) && v == 1);
	test_check(fdt_cells_read(raw + 4, 2, &v) && v == 0x100000002);
	test_check(fdt_cells_read(raw, 3, &v) && v == 0x100000002);
	test_check(!fdt_cells_read((const u8[12]){ 0, 0, 0, 1 }, 3, &v));
}

/* Everything fdt_discover asks of a node. */
static unsigned walk(const void *fdt)
{
	struct fdt_path path = { .depth = 0 };
	int depth = 0, node = 0;
	unsigned n = 0;

	while ((node = fdt_next_node(fdt, node, &depth)) >= 0 && depth > 0) {
		u64 base, size;

		if (depth >= FDT_DEPTH_MAX)
			continue;
		path.depth = (unsigned)depth;
		path.node[depth] = node;
		for (unsigned i = 0; i < 8 && fdt_reg(fdt, &path, i, &base, &size); i++)
			n++;
		n += fdt_node_enabled(fdt, node) + (fdt_get_name(fdt, node, NULL) != NULL);
	}
	return n;
}

/* One byte wrong at a time: the check refuses the tree, or everything in it can still be walked. */
static void test_garbled(void)
{
	static const u8 flips[] = { 0x01, 0x80, 0xff };
	u8 *fdt = kmalloc(BLOB_SIZE, 0), *bad = kmalloc(BLOB_SIZE, 0);
	unsigned refused = 0, size;

	test_check(fdt && bad && build(fdt));
	size = fdt_totalsize(fdt);
	test_check(size <= BLOB_SIZE && walk(fdt) > 10);
	for (unsigned at = 0; at < size; at++)
		for (unsigned i = 0; i < ARRAY_LEN(flips); i++) {
			memcpy(bad, fdt, size);
			bad[at] ^= flips[i];
			if (fdt_check_header(bad) || fdt_totalsize(bad) > size || fdt_check_full(bad, size))
				refused++;
			else
				walk(bad);
		}
	test_check(refused > 100);
	kfree(fdt);
	kfree(bad);
}

static const struct test_case cases[] = {
	TEST_CASE(test_cells),
	TEST_CASE(test_reg),
	TEST_CASE(test_garbled),
	{},
};
const struct test_suite test_suite_fdt = { "fdt", cases };
