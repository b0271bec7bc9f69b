/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI's static tables. Inputs with an odd first byte are memory from the RSDP on, as it is; in others each
 * record (signature number, length, body) becomes a table with a right checksum, so that the readers behind
 * the checksum are reached. The table finder is compiled in here over this memory.
 */
#include "../../platform/acpi/acpi_local.h"
#include <arch/boot.h>
#include <arch/mmu.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/string.h>
#include <native/sim.h>
#include "fuzz.h"

#define BASE 0x1000u		/* where the memory lies, physically */
#define ORDER 5u
#define XSDT_AT 64u

static u8 *memory;
static size_t memory_size;

static const u8 *at(paddr_t pa, u64 len)
{
	u64 off = pa - BASE;

	return pa >= BASE && off <= memory_size && len <= memory_size - off ? memory + off : NULL;
}

#define phys_to_virt(pa) at(pa, len)
#define firmware_map(pa, len) at(pa, len)
#define firmware_unmap(p) ((void)(p))
#define acpi_tables_init fuzz_tables_init
#define acpi_table_at fuzz_table_at
#define acpi_table_find fuzz_table_find
#define acpi_gas_read fuzz_gas_read
#define acpi_checksum_ok fuzz_checksum_ok
const char *acpi_tables_init(paddr_t rsdp);
struct acpi_table acpi_table_find(const char *signature, unsigned n);
struct acpi_table acpi_table_at(paddr_t pa);
struct acpi_gas acpi_gas_read(struct acpi_table t, u32 at);
bool acpi_checksum_ok(const u8 *p, size_t len);
#include "../../platform/acpi/tables.c"

static struct acpi_table scanned;
static u64 seen;

static void saw_cpu(u64 hwid) { seen += hwid; }
static void saw_ioapic(paddr_t pa, u32 gsi) { seen += pa ^ gsi; }

static void saw_device(const struct aml_device *d, void *arg)
{
	struct aml_resource r;
	u32 place = 0;

	fuzz_check(strlen(d->name) <= 4 && strlen(d->hid) < sizeof(d->hid));
	if (!d->crs)
		return;
	fuzz_check(d->crs >= scanned.data && d->crs + d->crs_len <= scanned.data + scanned.len);
	while (aml_resource_next(d->crs, d->crs_len, &place, &r))
		seen += r.base ^ r.size;
	fuzz_check(place <= d->crs_len);
}

static void scan(struct acpi_table t)
{
	u8 types[2];

	scanned = t;
	if (t.len > ACPI_HEADER_LEN)
		aml_devices(t.data + ACPI_HEADER_LEN, t.len - ACPI_HEADER_LEN, saw_device, NULL);
	if (aml_find_s5(t.data, t.len, types))
		fuzz_check(types[0] <= 7 && types[1] <= 7);
}

static void ask(void)
{
	struct acpi_table madt = acpi_table_find("APIC", 0), t;
	u32 gsi, type;

	acpi_madt_cpus(madt, saw_cpu);
	acpi_madt_ioapics(madt, saw_ioapic);
	for (u32 isa = 0; isa < 16; isa++)
		acpi_madt_isa(madt, isa, &gsi, &type);
	seen += acpi_gas_read(acpi_table_find("HPET", 0), 40).address;
	for (unsigned n = 0; (t = acpi_table_find("FACP", n)).data; n++) {
		seen += acpi_gas_read(t, 116).address;
		scan(acpi_table_at(acpi_u64(t, 140)));
	}
	for (unsigned n = 0; (t = acpi_table_find("SSDT", n)).data; n++)
		scan(t);
}

static void put(u8 *p, u64 v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (u8)(v >> 8 * i);
}

static void seal(u8 *p, u32 len, u32 sum_at)
{
	u8 sum = 0;

	p[sum_at] = 0;
	for (u32 i = 0; i < len; i++)
		sum += p[i];
	p[sum_at] = (u8)-sum;
}

/* RSDP, XSDT and the tables of the records; the memory's length. */
static size_t build(const u8 *data, size_t size, size_t limit)
{
	static const char names[][5] = { "FACP", "APIC", "HPET", "MCFG", "SSDT", "SSDT" };
	u8 *xsdt = memory + XSDT_AT;
	size_t end = XSDT_AT + ACPI_HEADER_LEN + 8 * 16;
	u32 n = 0;

	memset(memory, 0, end);
	while (size >= 3 && n < 16) {
		u32 body = (u32)min((size_t)get_le16(data + 1), size - 3), len = body + ACPI_HEADER_LEN;
		u8 *t = memory + end;

		if (end + len > limit)
			break;
		memset(t, 0, ACPI_HEADER_LEN);
		memcpy(t, names[data[0] % ARRAY_LEN(names)], 4);
		put(t + 4, len, 4);
		memcpy(t + ACPI_HEADER_LEN, data + 3, body);
		seal(t, len, 9);
		put(xsdt + ACPI_HEADER_LEN + 8 * n++, BASE + end, 8);
		end += len;
		data += 3 + body;
		size -= 3 + body;
	}
	memcpy(xsdt, "XSDT", 4);
	put(xsdt + 4, ACPI_HEADER_LEN + 8 * n, 4);
	seal(xsdt, ACPI_HEADER_LEN + 8 * n, 9);
	memcpy(memory, "RSD PTR ", 8);
	memory[15] = 2;
	put(memory + 20, 36, 4);
	put(memory + 24, BASE + XSDT_AT, 8);
	seal(memory, 20, 8);
	seal(memory, 36, 32);
	return end;
}

static void run(const u8 *data, size_t size)
{
	static struct page *room;
	size_t all = PAGE_SIZE << ORDER, guard;

	if (!room)
		room = page_alloc(ORDER, 0);
	fuzz_check(room);
	if (!size || size > all)
		return;
	memory = page_to_virt(room);
	if (data[0] & 1)
		memcpy(memory, data + 1, memory_size = size - 1);
	else
		memory_size = build(data + 1, size - 1, all);
	nr_tables = data[0] >> 1 & 1;	/* early, or the second time */
	guard = align_up(memory_size, (size_t)8);
	sim_fuzz_guard(memory + guard, all - guard, true);
	if (!acpi_tables_init(BASE))
		ask();
	sim_fuzz_guard(memory + guard, all - guard, false);
}

const struct fuzz_target fuzz_acpi = { .name = "acpi", .run_in_kernel = run };
