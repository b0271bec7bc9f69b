/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine describes itself as real ones do: a flattened device tree (Devicetree Specification 0.4,
 * chapter 5) with memory, CPUs, the initial RAM disk, the interrupt controller and the disks.
 */
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/string.h>
#include "sim.h"

#define BEGIN_NODE 1u
#define END_NODE 2u
#define PROP 3u
#define END 9u
#define INTC_PHANDLE 1u
#define HEADER_SIZE 40u
#define RESERVED_SIZE 16u	/* one empty entry ends the list */
#define STRINGS_MAX 1024u

static u8 *at, *limit;
static char strings[STRINGS_MAX];
static size_t strings_size;

static void put_be32(u8 *p, u32 v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static void word(u32 v)
{
	if (at + 4 > limit)
		sim_fail("the device tree does not fit");
	put_be32(at, v);
	at += 4;
}

static void bytes(const void *data, size_t n)
{
	if (at + n + 4 > limit)
		sim_fail("the device tree does not fit");
	memcpy(at, data, n);
	memset(at + n, 0, 3);
	at += align_up(n, (size_t)4);
}

static void begin(const char *name)
{
	word(BEGIN_NODE);
	bytes(name, strlen(name) + 1);
}

static void end(void) { word(END_NODE); }

static u32 string_offset(const char *name)
{
	size_t n = strlen(name) + 1, i = 0;

	for (; i < strings_size; i += strlen(strings + i) + 1)
		if (!strcmp(strings + i, name))
			return (u32)i;
	if (strings_size + n > STRINGS_MAX)
		sim_fail("the device tree's names do not fit");
	memcpy(strings + strings_size, name, n);
	strings_size += n;
	return (u32)i;
}

static void prop(const char *name, const void *data, size_t n)
{
	word(PROP);
	word((u32)n);
	word(string_offset(name));
	if (n)
		bytes(data, n);
}

static void prop_str(const char *name, const char *value) { prop(name, value, strlen(value) + 1); }

static void prop_cells(const char *name, unsigned n, const u32 *cells)
{
	u8 buf[16];

	for (unsigned i = 0; i < n; i++)
		put_be32(buf + 4 * i, cells[i]);
	prop(name, buf, 4 * n);
}

static void prop_u32(const char *name, u32 v) { prop_cells(name, 1, &v); }

static void prop_u64(const char *name, u64 v)
{
	u32 cells[2] = { (u32)(v >> 32), (u32)v };

	prop_cells(name, 2, cells);
}

static void memory_node(u64 base, u64 size)
{
	u32 reg[4] = { (u32)(base >> 32), (u32)base, (u32)(size >> 32), (u32)size };

	begin("memory");
	prop_str("device_type", "memory");
	prop_cells("reg", 4, reg);
	end();
}

static void chosen_node(const char *bootargs, u64 initrd, u64 initrd_size)
{
	begin("chosen");
	prop_str("bootargs", bootargs);
	if (initrd_size) {
		prop_u64("linux,initrd-start", initrd);
		prop_u64("linux,initrd-end", initrd + initrd_size);
	}
	end();
}

static void cpu_nodes(void)
{
	char name[16];

	begin("cpus");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 0);
	for (unsigned i = 0; i < sim_nr_cpus; i++) {
		snprintf(name, sizeof(name), "cpu@%u", i);
		begin(name);
		prop_str("device_type", "cpu");
		prop_u32("reg", i);
		end();
	}
	end();
}

static void device_nodes(void)
{
	begin("interrupt-controller");
	prop_str("compatible", "trivet,sim-intc");
	prop("interrupt-controller", NULL, 0);
	prop_u32("#interrupt-cells", 1);
	prop_u32("phandle", INTC_PHANDLE);
	end();
	begin("disk");
	prop_str("compatible", "trivet,sim-disk");
	prop_u32("interrupt-parent", INTC_PHANDLE);
	prop_u32("interrupts", 1);
	end();
}

static void header(u8 *blob, size_t size, size_t struct_size)
{
	const u32 words[] = {
		0xd00dfeed, (u32)size, HEADER_SIZE + RESERVED_SIZE,
		(u32)(HEADER_SIZE + RESERVED_SIZE + struct_size), HEADER_SIZE, 17, 16, 0, (u32)strings_size,
		(u32)struct_size,
	};

	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		put_be32(blob + 4 * i, words[i]);
	memset(blob + HEADER_SIZE, 0, RESERVED_SIZE);
}

size_t sim_devicetree(void *blob, size_t room, const char *bootargs, u64 ram_base, u64 ram_size, u64 initrd,
		      u64 initrd_size)
{
	u8 *start = (u8 *)blob + HEADER_SIZE + RESERVED_SIZE;
	size_t size;

	at = start;
	limit = (u8 *)blob + room - STRINGS_MAX;
	strings_size = 0;
	begin("");
	prop_u32("#address-cells", 2);
	prop_u32("#size-cells", 2);
	prop_str("compatible", "trivet,sim");
	memory_node(ram_base, ram_size);
	chosen_node(bootargs, initrd, initrd_size);
	cpu_nodes();
	device_nodes();
	end();
	word(END);
	memcpy(at, strings, strings_size);
	size = (size_t)(at - (u8 *)blob) + strings_size;
	header(blob, size, (size_t)(at - start));
	return size;
}
