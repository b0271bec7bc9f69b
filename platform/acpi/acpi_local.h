/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of platform/acpi. Tables are firmware's word and may lie: every reader is bounded. */
#ifndef ACPI_LOCAL_H
#define ACPI_LOCAL_H

#include <lib/bits.h>
#include <lib/types.h>

/* tables.c: a table's bytes, header included, checksum and length verified. */
struct acpi_table {
	const u8 *data;		/* NULL: absent */
	u32 len;
};
#define ACPI_HEADER_LEN 36u
#define ACPI_TABLES_MAX 64u

/* Finds RSDT or XSDT. NULL or what is wrong. May be called again after mm_init (maps anew). */
const char *acpi_tables_init(paddr_t rsdp);
/* n-th table with that signature. */
struct acpi_table acpi_table_find(const char *signature, unsigned n);
/* The table at pa, checked like the others; FADT's DSDT pointer. */
struct acpi_table acpi_table_at(paddr_t pa);
/* True when the bytes sum to 0. */
bool acpi_checksum_ok(const u8 *p, size_t len);

/* Reads that give 0 past the end. */
static inline u8 acpi_u8(struct acpi_table t, u32 at) { return at < t.len ? t.data[at] : 0; }
static inline u16 acpi_u16(struct acpi_table t, u32 at) { return at + 2 <= t.len ? get_le16(t.data + at) : 0; }
static inline u32 acpi_u32(struct acpi_table t, u32 at) { return at + 4 <= t.len ? get_le32(t.data + at) : 0; }
static inline u64 acpi_u64(struct acpi_table t, u32 at) { return at + 8 <= t.len ? get_le64(t.data + at) : 0; }

/* Generic address structure (ACPI 6.4 §5.2.3.2). */
enum { ACPI_SPACE_MEMORY, ACPI_SPACE_IO };
struct acpi_gas {
	u8 space, width;
	u64 address;		/* 0: absent */
};
struct acpi_gas acpi_gas_read(struct acpi_table t, u32 at);

/* madt.c: calls fn for each CPU that is or can be enabled; for each I/O APIC. */
void acpi_madt_cpus(struct acpi_table madt, void (*fn)(u64 hwid));
void acpi_madt_ioapics(struct acpi_table madt, void (*fn)(paddr_t pa, u32 gsi_base));
/* Global interrupt and IRQ_* type of an ISA interrupt. */
void acpi_madt_isa(struct acpi_table madt, u32 isa, u32 *gsi, u32 *type);

/* aml.c: what can be read out of AML without executing it. */
struct aml_device {
	char name[5];
	char hid[16];		/* "PNP0501", "LNRO0005" */
	u64 uid;
	const u8 *crs;		/* resource template, or NULL */
	u32 crs_len;
};
/* Calls fn for every device with a constant _HID. */
void aml_devices(const u8 *aml, size_t len, void (*fn)(const struct aml_device *d, void *arg), void *arg);
/* The two sleep types of \_S5. False: not there. */
bool aml_find_s5(const u8 *aml, size_t len, u8 types[2]);

enum aml_resource_kind { AML_MEMORY, AML_PORT, AML_ISA_IRQ, AML_GSI, AML_WINDOW };
struct aml_resource {
	enum aml_resource_kind kind;
	u64 base, size;		/* interrupts: number in base, IRQ_* type in size */
};
/* Next resource at *at; false at the end. */
bool aml_resource_next(const u8 *crs, u32 len, u32 *at, struct aml_resource *r);

/* power.c */
void acpi_power_init(struct acpi_table fadt, bool has_s5, const u8 s5[2]);

#endif
