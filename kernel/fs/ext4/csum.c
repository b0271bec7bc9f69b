/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 metadata checksums (feature metadata_csum: CRC-32C seeded by the file system's UUID; the
 * older gdt_csum: CRC-16 of descriptors). No locks: the caller owns the bytes.
 */
#include <lib/hash.h>
#include <lib/string.h>
#include "ext4.h"

static u32 crc_u32(u32 crc, u32 v)
{
	le32 le = cpu_to_le32(v);

	return crc32c(crc, &le, sizeof(le));
}

u32 ext4_inode_seed(const struct ext4_sb *fs, u32 ino, u32 generation)
{
	return crc_u32(crc_u32(fs->csum_seed, ino), generation);
}

bool csum_super_ok(const struct ext4_super *s)
{
	if (!(le32_to_cpu(s->feature_ro_compat) & RO_COMPAT_METADATA_CSUM))
		return true;
	return crc32c(~0u, s, offsetof(struct ext4_super, checksum)) == le32_to_cpu(s->checksum);
}

void csum_super_set(struct ext4_super *s)
{
	if (le32_to_cpu(s->feature_ro_compat) & RO_COMPAT_METADATA_CSUM)
		s->checksum = cpu_to_le32(crc32c(~0u, s, offsetof(struct ext4_super, checksum)));
}

static u16 group_csum(const struct ext4_sb *fs, u32 group, const struct ext4_group_desc *d)
{
	const size_t at = offsetof(struct ext4_group_desc, checksum);
	le32 g = cpu_to_le32(group);
	le16 zero = cpu_to_le16(0);
	u16 crc;

	if (fs->has_csum) {
		u32 c = crc32c(fs->csum_seed, &g, sizeof(g));

		c = crc32c(c, d, at);
		c = crc32c(c, &zero, sizeof(zero));
		return (u16)crc32c(c, (const u8 *)d + at + 2, fs->desc_size - at - 2);
	}
	crc = crc16(0xffff, fs->super.uuid, sizeof(fs->super.uuid));
	crc = crc16(crc, &g, sizeof(g));
	crc = crc16(crc, d, at);
	if (fs->desc_size > at + 2)
		crc = crc16(crc, (const u8 *)d + at + 2, fs->desc_size - at - 2);
	return crc;
}

bool csum_group_ok(const struct ext4_sb *fs, u32 group, const struct ext4_group_desc *d)
{
	if (!fs->has_csum && !fs->has_gdt_csum)
		return true;
	return group_csum(fs, group, d) == le16_to_cpu(d->checksum);
}

void csum_group_set(const struct ext4_sb *fs, u32 group, struct ext4_group_desc *d)
{
	if (fs->has_csum || fs->has_gdt_csum)
		d->checksum = cpu_to_le16(group_csum(fs, group, d));
}

static u32 bitmap_csum(const struct ext4_sb *fs, const u8 *map, bool inodes)
{
	return crc32c(fs->csum_seed, map, (inodes ? fs->inodes_per_group : fs->blocks_per_group) / 8);
}

bool csum_bitmap_ok(const struct ext4_sb *fs, const struct ext4_group_desc *d, const u8 *map, bool inodes)
{
	u32 want, got;

	if (!fs->has_csum)
		return true;
	got = bitmap_csum(fs, map, inodes);
	want = le16_to_cpu(inodes ? d->inode_bitmap_csum_lo : d->block_bitmap_csum_lo);
	if (fs->desc_size < 64)
		return (got & 0xffff) == want;
	return got == (want | (u32)le16_to_cpu(inodes ? d->inode_bitmap_csum_hi : d->block_bitmap_csum_hi) << 16);
}

void csum_bitmap_set(const struct ext4_sb *fs, struct ext4_group_desc *d, const u8 *map, bool inodes)
{
	u32 c;

	if (!fs->has_csum)
		return;
	c = bitmap_csum(fs, map, inodes);
	if (inodes)
		d->inode_bitmap_csum_lo = cpu_to_le16((u16)c);
	else
		d->block_bitmap_csum_lo = cpu_to_le16((u16)c);
	if (fs->desc_size < 64)
		return;
	if (inodes)
		d->inode_bitmap_csum_hi = cpu_to_le16((u16)(c >> 16));
	else
		d->block_bitmap_csum_hi = cpu_to_le16((u16)(c >> 16));
}

static bool inode_has_csum_hi(const struct ext4_sb *fs, const struct ext4_disk_inode *raw)
{
	return fs->inode_size > 128 && le16_to_cpu(raw->extra_isize) >= 4;
}

static u32 inode_csum(const struct ext4_sb *fs, u32 ino, struct ext4_disk_inode *raw)
{
	le16 lo = raw->checksum_lo, hi = cpu_to_le16(0);
	bool has_hi = inode_has_csum_hi(fs, raw);
	u32 c;

	raw->checksum_lo = cpu_to_le16(0);
	if (has_hi) {
		hi = raw->checksum_hi;
		raw->checksum_hi = cpu_to_le16(0);
	}
	c = crc32c(ext4_inode_seed(fs, ino, le32_to_cpu(raw->generation)), raw, fs->inode_size);
	raw->checksum_lo = lo;
	if (has_hi)
		raw->checksum_hi = hi;
	return c;
}

bool csum_inode_ok(const struct ext4_sb *fs, u32 ino, struct ext4_disk_inode *raw)
{
	u32 c, want;

	if (!fs->has_csum)
		return true;
	c = inode_csum(fs, ino, raw);
	want = le16_to_cpu(raw->checksum_lo);
	if (!inode_has_csum_hi(fs, raw))
		return (c & 0xffff) == want;
	return c == (want | (u32)le16_to_cpu(raw->checksum_hi) << 16);
}

void csum_inode_set(const struct ext4_sb *fs, u32 ino, struct ext4_disk_inode *raw)
{
	u32 c;

	if (!fs->has_csum)
		return;
	c = inode_csum(fs, ino, raw);
	raw->checksum_lo = cpu_to_le16((u16)c);
	if (inode_has_csum_hi(fs, raw))
		raw->checksum_hi = cpu_to_le16((u16)(c >> 16));
}

/* Offset of the checksum behind a full node's entries. The header was validated. */
static size_t extent_tail(const u8 *block)
{
	const struct ext4_extent_header *h = (const void *)block;

	return sizeof(*h) + le16_to_cpu(h->max) * sizeof(struct ext4_extent);
}

bool csum_extent_ok(struct ext4_inode *ei, const u8 *block)
{
	size_t at = extent_tail(block);

	return !ext4_of(&ei->inode)->has_csum || crc32c(ei->csum_seed, block, at) == get_le32(block + at);
}

void csum_extent_set(struct ext4_inode *ei, u8 *block)
{
	size_t at = extent_tail(block);
	le32 c;

	if (!ext4_of(&ei->inode)->has_csum)
		return;
	c = cpu_to_le32(crc32c(ei->csum_seed, block, at));
	memcpy(block + at, &c, sizeof(c));
}

bool csum_dir_ok(struct ext4_inode *ei, const u8 *block)
{
	const struct ext4_sb *fs = ext4_of(&ei->inode);
	const struct ext4_dir_tail *tail = (const void *)(block + fs->block_size - sizeof(*tail));

	if (!fs->has_csum)
		return true;
	return le16_to_cpu(tail->rec_len) == sizeof(*tail) && tail->type == DIR_TAIL_TYPE &&
	       crc32c(ei->csum_seed, block, fs->block_size - sizeof(*tail)) == le32_to_cpu(tail->checksum);
}

void csum_dir_set(struct ext4_inode *ei, u8 *block)
{
	const struct ext4_sb *fs = ext4_of(&ei->inode);
	struct ext4_dir_tail *tail = (void *)(block + fs->block_size - sizeof(*tail));

	if (fs->has_csum)
		tail->checksum = cpu_to_le32(crc32c(ei->csum_seed, block, fs->block_size - sizeof(*tail)));
}

/* Checksum of an index block: entries in use, then the tail's reserved word, then a zero word. */
static u32 dx_csum(struct ext4_inode *ei, const u8 *block, u32 entries_at, const struct dx_tail **tail)
{
	const struct dx_entry *e = (const void *)(block + entries_at);
	le32 zero = cpu_to_le32(0);
	u32 c;

	*tail = (const void *)(e + le16_to_cpu(e->limit));
	c = crc32c(ei->csum_seed, block, entries_at + le16_to_cpu(e->count) * sizeof(*e));
	c = crc32c(c, &(*tail)->reserved, sizeof(le32));
	return crc32c(c, &zero, sizeof(zero));
}

bool csum_dx_ok(struct ext4_inode *ei, const u8 *block, u32 entries_at)
{
	const struct dx_tail *tail;

	return !ext4_of(&ei->inode)->has_csum ||
	       dx_csum(ei, block, entries_at, &tail) == le32_to_cpu(tail->checksum);
}

void csum_dx_set(struct ext4_inode *ei, u8 *block, u32 entries_at)
{
	const struct dx_tail *tail;
	u32 c;

	if (!ext4_of(&ei->inode)->has_csum)
		return;
	c = dx_csum(ei, block, entries_at, &tail);
	((struct dx_tail *)tail)->checksum = cpu_to_le32(c);
}
