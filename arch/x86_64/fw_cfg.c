/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's firmware configuration device at its x86 ports (QEMU docs/specs/fw_cfg), for machines that
 * hand over no ACPI tables: the device tree (file etc/fdt) and how many CPUs there are. Boot only, one
 * CPU, no locks. What the device says is the host's word, yet lengths are checked. Not for: other files.
 */
#include <lib/bits.h>
#include <lib/string.h>
#include <native/io.h>

#include "x86.h"

#define PORT_SELECT 0x510
#define PORT_DATA 0x511

enum { KEY_SIGNATURE = 0, KEY_NR_CPUS = 5, KEY_FILE_DIR = 0x19 };
#define FILES_MAX 256u

/* One entry of the directory; numbers are big-endian. */
struct fw_cfg_file {
	u8 size[4], key[2], reserved[2];
	char name[56];
};
static_assert(sizeof(struct fw_cfg_file) == 64, "fw_cfg's directory entry");

/* A device tree's header (Devicetree Specification 0.4, 5.2): ten big-endian words. */
enum { FDT_TOTALSIZE = 1, FDT_OFF_STRUCT = 2, FDT_OFF_STRINGS = 3, FDT_SIZE_STRINGS = 8, FDT_SIZE_STRUCT = 9,
       FDT_HEADER_WORDS = 10 };
#define FDT_MAGIC 0xd00dfeedu
#define FDT_BYTES_MAX 0x10000u

static void read_next(void *to, size_t n)
{
	u8 *p = to;

	while (n--)
		*p++ = port_read8(PORT_DATA);
}

static void read_key(u16 key, void *to, size_t n)
{
	port_write16(PORT_SELECT, key);
	read_next(to, n);
}

static bool fw_cfg_present(void)
{
	char signature[4];

	read_key(KEY_SIGNATURE, signature, sizeof(signature));
	return memcmp(signature, "QEMU", 4) == 0;
}

/* The file's key, or 0. */
static u16 file_find(const char *name, u32 *size)
{
	struct fw_cfg_file file;
	u8 count[4];
	u32 n;

	read_key(KEY_FILE_DIR, count, sizeof(count));
	n = min(get_be32(count), FILES_MAX);
	for (u32 i = 0; i < n; i++) {
		read_next(&file, sizeof(file));
		file.name[sizeof(file.name) - 1] = '\0';
		if (strcmp(file.name, name) == 0) {
			*size = get_be32(file.size);
			return (u16)(file.key[0] << 8 | file.key[1]);
		}
	}
	return 0;
}

/* Bytes in use: QEMU pads the file to a MiB. 0: no device tree, or one too large. */
static u32 tree_bytes(const u8 header[4 * FDT_HEADER_WORDS], u32 size)
{
	u32 structs = get_be32(header + 4 * FDT_OFF_STRUCT), strings = get_be32(header + 4 * FDT_OFF_STRINGS);
	u64 end = max((u64)structs + get_be32(header + 4 * FDT_SIZE_STRUCT),
		      (u64)strings + get_be32(header + 4 * FDT_SIZE_STRINGS));

	if (get_be32(header) != FDT_MAGIC || end > size || end > FDT_BYTES_MAX)
		return 0;
	return (u32)end;
}

u64 x86_fw_cfg_tree(void *(*place)(u64 bytes))
{
	u8 header[4 * FDT_HEADER_WORDS];
	u32 size = 0, bytes;
	u16 key;
	u8 *to;

	if (!fw_cfg_present())
		return 0;
	key = file_find("etc/fdt", &size);
	if (!key || size < sizeof(header))
		return 0;
	read_key(key, header, sizeof(header));
	bytes = tree_bytes(header, size);
	to = bytes >= sizeof(header) ? place(bytes) : NULL;
	if (!to)
		return 0;
	memcpy(to, header, sizeof(header));
	read_next(to + sizeof(header), bytes - sizeof(header));
	for (unsigned i = 0; i < 4; i++)
		to[4 * FDT_TOTALSIZE + i] = (u8)(bytes >> (24 - 8 * i));
	return bytes;
}

unsigned x86_fw_cfg_cpus(void)
{
	u8 count[2];

	if (!fw_cfg_present())
		return 0;
	read_key(KEY_NR_CPUS, count, sizeof(count));
	return count[0] | count[1] << 8;
}
