/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding ACPI's static tables (ACPI 6.4 §5.2): RSDP revision 0 leads to the RSDT, 2 to the XSDT. Every
 * length and checksum is checked; a bad table is one log line and counts as absent. Used twice:
 * through the early linear map, and after mm_init through firmware mappings. Boot CPU only.
 */
#include "acpi_local.h"

#include <arch/boot.h>
#include <arch/mmu.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/string.h>

#define RSDP_LEN_V0 20u
#define RSDP_LEN_V2 36u
#define TABLE_LEN_MAX 0x400000u

static struct acpi_table tables[ACPI_TABLES_MAX];
static unsigned nr_tables;
static bool is_late;	/* mm is up */

bool acpi_checksum_ok(const u8 *p, size_t len)
{
	u8 sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += p[i];
	return sum == 0;
}

/* Early: what boot.h promises of the linear map on x86, the low 4 GiB. */
static const u8 *table_map(paddr_t pa, u32 len)
{
	if (pa == 0 || pa + len < pa)
		return NULL;
	if (is_late)
		return firmware_map(pa, len);
	return pa + len <= 0x100000000ull ? phys_to_virt(pa) : NULL;
}

struct acpi_table acpi_table_at(paddr_t pa)
{
	const struct acpi_table none = { NULL, 0 };
	const u8 *p = table_map(pa, ACPI_HEADER_LEN);
	char name[5] = "";
	u32 len;

	if (!p)
		return none;
	memcpy(name, p, 4);
	len = get_le32(p + 4);
	for (unsigned i = 0; i < 4; i++)
		if (name[i] < ' ' || name[i] > '~')
			name[i] = '?';
	if (is_late)
		firmware_unmap(p);
	if (len < ACPI_HEADER_LEN || len > TABLE_LEN_MAX) {
		log_warn("acpi: table %s at %#lx says it is %u bytes long, ignored", name, pa, len);
		return none;
	}
	p = table_map(pa, len);
	if (!p || !acpi_checksum_ok(p, len)) {
		log_warn("acpi: table %s at %#lx: %s, ignored", name, pa, p ? "bad checksum" : "out of reach");
		return none;
	}
	return (struct acpi_table){ p, len };
}

struct acpi_table acpi_table_find(const char *signature, unsigned n)
{
	for (unsigned i = 0; i < nr_tables; i++)
		if (memcmp(tables[i].data, signature, 4) == 0 && n-- == 0)
			return tables[i];
	return (struct acpi_table){ NULL, 0 };
}

const char *acpi_tables_init(paddr_t rsdp)
{
	bool again = nr_tables > 0;
	struct acpi_table root;
	const u8 *p;
	paddr_t root_pa;
	u32 width;

	is_late = again;
	nr_tables = 0;
	p = table_map(rsdp, RSDP_LEN_V2);
	if (!p || memcmp(p, "RSD PTR ", 8) || !acpi_checksum_ok(p, RSDP_LEN_V0))
		return "no valid RSDP where the loader says";
	width = 4;
	root_pa = get_le32(p + 16);
	if (p[15] >= 2 && get_le64(p + 24)) {
		u32 len = get_le32(p + 20);

		if (len < RSDP_LEN_V2 || len > PAGE_SIZE)
			return "RSDP with a bad length";
		p = table_map(rsdp, len);
		if (!p || !acpi_checksum_ok(p, len))
			return "RSDP with a bad checksum";
		width = 8;
		root_pa = get_le64(p + 24);
	}
	root = acpi_table_at(root_pa);
	if (!root.data || memcmp(root.data, width == 8 ? "XSDT" : "RSDT", 4))
		return "no valid root table";
	for (u32 at = ACPI_HEADER_LEN; at + width <= root.len && nr_tables < ACPI_TABLES_MAX; at += width) {
		paddr_t pa = width == 8 ? get_le64(root.data + at) : get_le32(root.data + at);
		struct acpi_table t = acpi_table_at(pa);

		if (t.data)
			tables[nr_tables++] = t;
	}
	return nr_tables ? NULL : "the root table lists no valid table";
}

struct acpi_gas acpi_gas_read(struct acpi_table t, u32 at)
{
	struct acpi_gas g = { .space = acpi_u8(t, at), .width = acpi_u8(t, at + 1), .address = acpi_u64(t, at + 4) };

	if (g.space > ACPI_SPACE_IO || (g.space == ACPI_SPACE_IO && g.address > 0xffff))
		g.address = 0;
	return g;
}
