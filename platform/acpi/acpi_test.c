/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the table readers: good input, every prefix of it, and lies about lengths. */
#include "acpi_local.h"

#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/test.h>
#include <lib/string.h>

/* Device (VR07) { Name (_HID, "LNRO0005") Name (_UID, 7) Name (_CRS, Memory32Fixed 0xfeb02e00+0x200, Interrupt 47) } */
static const u8 virtio_device[] = {
	0x5b, 0x82, 0x35, 'V', 'R', '0', '7',
	0x08, '_', 'H', 'I', 'D', 0x0d, 'L', 'N', 'R', 'O', '0', '0', '0', '5', 0,
	0x08, '_', 'U', 'I', 'D', 0x0a, 7,
	0x08, '_', 'C', 'R', 'S', 0x11, 0x0e, 0x0a, 0x0b,
	0x86, 9, 0, 1, 0x00, 0x2e, 0xb0, 0xfe, 0x00,	/* cut short by the buffer's own length */
	0x02, 0, 0, 0, 0, 0, 0, 0, 0,
};

struct found {
	unsigned n;
	struct aml_device last;
};

static void remember(const struct aml_device *d, void *arg)
{
	struct found *f = arg;

	f->n++;
	f->last = *d;
}

static void test_aml_device(void)
{
	struct found f = { 0 };
	struct aml_resource r;
	u32 at = 0;

	aml_devices(virtio_device, sizeof(virtio_device), remember, &f);
	test_equal(f.n, 1);
	test_check(strcmp(f.last.hid, "LNRO0005") == 0);
	test_check(strcmp(f.last.name, "VR07") == 0);
	test_equal(f.last.uid, 7);
	test_equal(f.last.crs_len, 11);
	/* The descriptor states nine bytes and the buffer holds eight: no resource. */
	test_check(!aml_resource_next(f.last.crs, f.last.crs_len, &at, &r));
}

static void test_aml_prefixes(void)
{
	for (size_t n = 0; n < sizeof(virtio_device); n++) {
		struct found f = { 0 };
		u8 *copy = kmalloc(n ? n : 1, 0);

		test_check(copy);
		memcpy(copy, virtio_device, n);
		aml_devices(copy, n, remember, &f);
		kfree(copy);
		test_check(f.n <= 1);
	}
}

static void test_aml_resources(void)
{
	static const u8 crs[] = {
		0x86, 9, 0, 1, 0x00, 0x2e, 0xb0, 0xfe, 0x00, 0x02, 0x00, 0x00,	/* Memory32Fixed */
		0x89, 6, 0, 0x01, 1, 47, 0, 0, 0,				/* Interrupt, level, high */
		0x47, 1, 0xf8, 3, 0xf8, 3, 0, 8,				/* IO */
		0x22, 0x10, 0,							/* IRQNoFlags 4 */
		0x79, 0,
		0x47, 1, 0, 0, 0, 0, 0, 1,					/* behind the end tag */
	};
	struct aml_resource r;
	u32 at = 0;

	test_check(aml_resource_next(crs, sizeof(crs), &at, &r));
	test_check(r.kind == AML_MEMORY && r.base == 0xfeb02e00 && r.size == 0x200);
	test_check(aml_resource_next(crs, sizeof(crs), &at, &r));
	test_check(r.kind == AML_GSI && r.base == 47 && r.size == IRQ_LEVEL);
	test_check(aml_resource_next(crs, sizeof(crs), &at, &r));
	test_check(r.kind == AML_PORT && r.base == 0x3f8 && r.size == 8);
	test_check(aml_resource_next(crs, sizeof(crs), &at, &r));
	test_check(r.kind == AML_ISA_IRQ && r.base == 4 && r.size == IRQ_EDGE);
	test_check(!aml_resource_next(crs, sizeof(crs), &at, &r));
	for (u32 len = 0; len < sizeof(crs); len++)
		for (at = 0; aml_resource_next(crs, len, &at, &r);)
			test_check(at <= len);
}

static void test_aml_s5(void)
{
	static const u8 good[] = { 0, 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 5, 0x01, 0, 0, 0, 0 };
	static const u8 large[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x3f, 0x04, 0x0a, 5, 0x01, 0, 0, 0, 0 };
	static const u8 bad_type[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 9, 0x01, 0, 0, 0, 0 };
	u8 types[2];

	test_check(aml_find_s5(good, sizeof(good), types));
	test_check(types[0] == 5 && types[1] == 1);
	test_check(!aml_find_s5(large, sizeof(large), types));
	test_check(!aml_find_s5(bad_type, sizeof(bad_type), types));
	for (size_t n = 0; n < 11; n++)
		test_check(!aml_find_s5(good, n, types));
}

static u8 madt[44 + 8 + 12 + 10 + 2];
static unsigned nr_cpus;
static void count_cpu(u64 hwid) { (void)hwid, nr_cpus++; }

static void test_madt(void)
{
	static const u8 entries[] = {
		0, 8, 0, 3, 1, 0, 0, 0,				/* enabled CPU with APIC id 3 */
		1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0,
		2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0,		/* ISA 9: level, low */
		0, 0,						/* length 0 ends the walk */
	};
	struct acpi_table t = { madt, sizeof(madt) };
	u32 gsi, type;

	memcpy(madt + 44, entries, sizeof(entries));
	nr_cpus = 0;
	acpi_madt_cpus(t, count_cpu);
	test_equal(nr_cpus, 1);
	acpi_madt_isa(t, 9, &gsi, &type);
	test_check(gsi == 9 && type == (IRQ_LEVEL | IRQ_ACTIVE_LOW));
	acpi_madt_isa(t, 4, &gsi, &type);
	test_check(gsi == 4 && type == IRQ_EDGE);
	for (t.len = 0; t.len < 52; t.len++) {
		nr_cpus = 0;
		acpi_madt_cpus(t, count_cpu);
		test_equal(nr_cpus, 0);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(test_aml_device), TEST_CASE(test_aml_prefixes), TEST_CASE(test_aml_resources),
	TEST_CASE(test_aml_s5), TEST_CASE(test_madt), { 0 },
};
const struct test_suite test_suite_acpi = { "acpi", cases };
