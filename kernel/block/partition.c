/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition tables: GPT (UEFI 2.10 §5.3) and MBR with its chain of extended records. Pure parsing of what
 * the source gives: every start and length is checked against the disk before it is believed.
 */
#include "block_internal.h"
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define MBR_TABLE 446u
#define EBR_MAX 60u
#define GPT_ENTRIES_MAX 1024u
#define GPT_TABLE_MAX (256u * 1024)

/* CRC-32 of IEEE 802.3, bit by bit: a few KiB once per disk. */
static u32 crc32(const u8 *p, size_t n)
{
	u32 crc = ~0u;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static bool mbr_signed(const u8 *b) { return b[510] == 0x55 && b[511] == 0xaa; }
static bool is_extended(u8 type) { return type == 0x05 || type == 0x0f || type == 0x85; }

static bool add(struct partition *out, u32 max, u32 *n, u64 disk, u64 start, u64 count, u32 number)
{
	if (*n == max || !count || start >= disk || count > disk - start)
		return false;
	out[*n] = (struct partition){ .start = start, .count = count, .number = number };
	(*n)++;
	return true;
}

/* Logical partitions: each extended record names one and the place of the next record. */
static int scan_extended(struct partition_source *s, u8 *buf, u64 base, struct partition *out, u32 max, u32 *n, const char **error)
{
	u64 at = base;
	u32 number = 5;
	int err;

	for (unsigned hops = 0; hops < EBR_MAX; hops++) {
		const u8 *e = buf + MBR_TABLE, *next = e + 16;

		err = s->read(s, at, buf, 1);
		if (err)
			return err;
		if (!mbr_signed(buf)) {
			*error = "extended record without signature";
			return 0;
		}
		if (e[4] && !is_extended(e[4]) &&
		    !add(out, max, n, s->blocks, at + get_le32(e + 8), get_le32(e + 12), number++))
			*error = "logical partition outside of the disk";
		if (!is_extended(next[4]) || !get_le32(next + 12))
			return 0;
		at = base + get_le32(next + 8);
		if (at >= s->blocks || !get_le32(next + 8)) {
			*error = "extended record outside of the disk";
			return 0;
		}
	}
	*error = "chain of extended records does not end";
	return 0;
}

static int scan_mbr(struct partition_source *s, u8 *buf, struct partition *out, u32 max, const char **error)
{
	u32 n = 0, signature = get_le32(buf + 440);
	u64 extended = 0;
	int err = 0;

	for (u32 i = 0; i < 4; i++) {
		const u8 *e = buf + MBR_TABLE + 16 * i;

		if ((e[0] & 0x7f) || !e[4])	/* neither active nor inactive: not a table entry */
			continue;
		if (is_extended(e[4]))
			extended = get_le32(e + 8);
		else if (!add(out, max, &n, s->blocks, get_le32(e + 8), get_le32(e + 12), i + 1))
			*error = "partition outside of the disk";
	}
	if (extended && extended < s->blocks)
		err = scan_extended(s, buf, extended, out, max, &n, error);
	for (u32 i = 0; i < n; i++)
		snprintf(out[i].uuid, sizeof(out[i].uuid), "%08x-%02x", signature, out[i].number);
	return err ? err : (int)n;
}

/* Mixed-endian text of a GUID, as PARTUUID= gives it. */
static void guid_text(const u8 *g, char *out, size_t size)
{
	snprintf(out, size, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", get_le32(g), get_le16(g + 4),
		 get_le16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

static const char *check_header(const struct partition_source *s, u8 *h, u64 at, u32 *count, u32 *size, u64 *table)
{
	u32 len = get_le32(h + 12), crc = get_le32(h + 16);
	u64 blocks;

	if (memcmp(h, "EFI PART", 8))
		return "no GPT header";
	if (len < 92 || len > s->block_size)
		return "bad GPT header size";
	memset(h + 16, 0, 4);
	if (crc32(h, len) != crc)
		return "GPT header checksum is wrong";
	if (get_le64(h + 24) != at)
		return "GPT header is not in its place";
	*table = get_le64(h + 72);
	*count = get_le32(h + 80);
	*size = get_le32(h + 84);
	if (*size < 128 || *size > 4096 || *size % 8 || !*count || *count > GPT_ENTRIES_MAX || (u64)*count * *size > GPT_TABLE_MAX)
		return "bad GPT entry count or size";
	blocks = ((u64)*count * *size + s->block_size - 1) / s->block_size;
	if (*table < 2 || *table >= s->blocks || blocks > s->blocks - *table)
		return "GPT entries outside of the disk";
	return NULL;
}

static int scan_gpt_at(struct partition_source *s, u64 at, u8 *buf, struct partition *out, u32 max, const char **error)
{
	static const u8 none[16];
	u32 count, size, n = 0, blocks;
	u64 table;
	u8 *entries;
	int err = s->read(s, at, buf, 1);
	u32 crc;

	if (err)
		return err;
	*error = check_header(s, buf, at, &count, &size, &table);
	if (*error)
		return 0;
	crc = get_le32(buf + 88);
	blocks = (u32)(((u64)count * size + s->block_size - 1) / s->block_size);
	entries = kmalloc((size_t)blocks * s->block_size, 0);
	if (!entries)
		return -ENOMEM;
	err = s->read(s, table, entries, blocks);
	if (!err && crc32(entries, (size_t)count * size) != crc)
		*error = "GPT entries' checksum is wrong";
	for (u32 i = 0; !err && !*error && i < count; i++) {
		const u8 *e = entries + (size_t)i * size;
		u64 first = get_le64(e + 32), last = get_le64(e + 40);

		if (!memcmp(e, none, 16))
			continue;
		if (last < first || !add(out, max, &n, s->blocks, first, last - first + 1, i + 1)) {
			if (n < max)
				*error = "partition outside of the disk";
			break;
		}
		guid_text(e + 16, out[n - 1].uuid, sizeof(out->uuid));
	}
	kfree(entries);
	return err ? err : (int)n;
}

int partition_scan(struct partition_source *s, struct partition *out, u32 max, const char **error)
{
	u8 *buf;
	int n;

	*error = NULL;
	if (s->blocks < 3)
		return 0;
	buf = kmalloc(s->block_size, 0);
	if (!buf)
		return -ENOMEM;
	n = s->read(s, 0, buf, 1);
	if (n || !mbr_signed(buf)) {
		kfree(buf);
		return n;
	}
	if (buf[MBR_TABLE + 4] == 0xee) {
		n = scan_gpt_at(s, 1, buf, out, max, error);
		if (n == 0 && *error)	/* the copy at the end of the disk */
			n = scan_gpt_at(s, s->blocks - 1, buf, out, max, error);
	} else {
		n = scan_mbr(s, buf, out, max, error);
	}
	kfree(buf);
	return n;
}
