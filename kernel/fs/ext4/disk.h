/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 on-disk structures, as laid down in the Linux kernel's documentation "ext4 Data Structures
 * and Algorithms". Everything is little-endian and untrusted.
 */
#ifndef EXT4_DISK_H
#define EXT4_DISK_H

#include <lib/bits.h>

#define EXT4_MAGIC 0xef53
#define EXT4_SUPER_OFFSET 1024u
#define EXT4_ROOT_INO 2u
#define EXT4_JOURNAL_INO 8u
#define EXT4_GOOD_OLD_FIRST_INO 11u

#define COMPAT_HAS_JOURNAL 0x0004u
#define COMPAT_EXT_ATTR 0x0008u
#define COMPAT_DIR_INDEX 0x0020u
#define COMPAT_ORPHAN_FILE 0x1000u
#define INCOMPAT_FILETYPE 0x0002u
#define INCOMPAT_RECOVER 0x0004u
#define INCOMPAT_META_BG 0x0010u
#define INCOMPAT_EXTENTS 0x0040u
#define INCOMPAT_64BIT 0x0080u
#define INCOMPAT_FLEX_BG 0x0200u
#define INCOMPAT_CSUM_SEED 0x2000u
#define INCOMPAT_LARGEDIR 0x4000u
#define RO_COMPAT_SPARSE_SUPER 0x0001u
#define RO_COMPAT_LARGE_FILE 0x0002u
#define RO_COMPAT_BTREE_DIR 0x0004u
#define RO_COMPAT_HUGE_FILE 0x0008u
#define RO_COMPAT_GDT_CSUM 0x0010u
#define RO_COMPAT_DIR_NLINK 0x0020u
#define RO_COMPAT_EXTRA_ISIZE 0x0040u
#define RO_COMPAT_METADATA_CSUM 0x0400u
#define RO_COMPAT_READONLY 0x1000u
#define RO_COMPAT_ORPHAN_PRESENT 0x10000u

#define EXT4_STATE_VALID 0x0001u
#define EXT4_STATE_ERROR 0x0002u
#define EXT4_FLAG_UNSIGNED_HASH 0x0002u

struct ext4_super {
	le32 inodes_count, blocks_count_lo, r_blocks_count_lo, free_blocks_count_lo;
	le32 free_inodes_count, first_data_block, log_block_size, log_cluster_size;
	le32 blocks_per_group, clusters_per_group, inodes_per_group, mtime, wtime;
	le16 mnt_count, max_mnt_count, magic, state, errors, minor_rev_level;
	le32 lastcheck, checkinterval, creator_os, rev_level;
	le16 def_resuid, def_resgid;
	le32 first_ino;
	le16 inode_size, block_group_nr;
	le32 feature_compat, feature_incompat, feature_ro_compat;
	u8 uuid[16];
	char volume_name[16], last_mounted[64];
	le32 algorithm_usage_bitmap;
	u8 prealloc_blocks, prealloc_dir_blocks;
	le16 reserved_gdt_blocks;
	u8 journal_uuid[16];
	le32 journal_inum, journal_dev, last_orphan, hash_seed[4];
	u8 def_hash_version, jnl_backup_type;
	le16 desc_size;
	le32 default_mount_opts, first_meta_bg, mkfs_time, jnl_blocks[17];
	le32 blocks_count_hi, r_blocks_count_hi, free_blocks_count_hi;
	le16 min_extra_isize, want_extra_isize;
	le32 flags;
	le16 raid_stride, mmp_interval;
	le64 mmp_block;
	le32 raid_stripe_width;
	u8 log_groups_per_flex, checksum_type, encryption_level, reserved_pad;
	le64 kbytes_written;
	u8 unused1[0x270 - 0x180];
	le32 checksum_seed;
	u8 unused2[0x280 - 0x274];
	le32 orphan_file_inum;
	u8 unused3[0x3fc - 0x284];
	le32 checksum;
} __packed;
static_assert(sizeof(struct ext4_super) == 1024, "super block is 1 KiB");
static_assert(offsetof(struct ext4_super, blocks_count_hi) == 0x150, "layout");

#define GROUP_INODE_UNINIT 1u
#define GROUP_BLOCK_UNINIT 2u
#define GROUP_INODE_ZEROED 4u

struct ext4_group_desc {
	le32 block_bitmap_lo, inode_bitmap_lo, inode_table_lo;
	le16 free_blocks_lo, free_inodes_lo, used_dirs_lo, flags;
	le32 exclude_bitmap_lo;
	le16 block_bitmap_csum_lo, inode_bitmap_csum_lo, itable_unused_lo, checksum;
	/* only with 64BIT and desc_size >= 64 */
	le32 block_bitmap_hi, inode_bitmap_hi, inode_table_hi;
	le16 free_blocks_hi, free_inodes_hi, used_dirs_hi, itable_unused_hi;
	le32 exclude_bitmap_hi;
	le16 block_bitmap_csum_hi, inode_bitmap_csum_hi;
	le32 reserved;
} __packed;
static_assert(sizeof(struct ext4_group_desc) == 64, "group descriptor");

#define EXT4_IMMUTABLE_FL 0x00000010u
#define EXT4_APPEND_FL 0x00000020u
#define EXT4_INDEX_FL 0x00001000u
#define EXT4_HUGE_FILE_FL 0x00040000u
#define EXT4_EXTENTS_FL 0x00080000u
#define EXT4_INLINE_DATA_FL 0x10000000u
/* What a new inode takes over from its directory. */
#define EXT4_FL_INHERITED 0x00000000u

struct ext4_disk_inode {
	le16 mode, uid_lo;
	le32 size_lo, atime, ctime, mtime, dtime;
	le16 gid_lo, links;
	le32 blocks_lo, flags, osd1;
	u8 block[60];
	le32 generation, file_acl_lo, size_hi, obso_faddr;
	le16 blocks_hi, file_acl_hi, uid_hi, gid_hi, checksum_lo, reserved;
	/* from here on only within 128 + extra_isize */
	le16 extra_isize, checksum_hi;
	le32 ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra, version_hi, projid;
} __packed;
static_assert(sizeof(struct ext4_disk_inode) == 160, "inode");

#define EXTENT_MAGIC 0xf30a
#define EXTENT_DEPTH_MAX 5u
#define EXTENT_INIT_MAX 32768u		/* longer: unwritten, length - 32768 */
struct ext4_extent_header {
	le16 magic, entries, max, depth;
	le32 generation;
} __packed;
struct ext4_extent {
	le32 block;
	le16 len, start_hi;
	le32 start_lo;
} __packed;
struct ext4_extent_index {
	le32 block, leaf_lo;
	le16 leaf_hi, unused;
} __packed;
static_assert(sizeof(struct ext4_extent) == 12 && sizeof(struct ext4_extent_index) == 12, "same size");

struct ext4_dirent {
	le32 inode;
	le16 rec_len;
	u8 name_len, file_type;
	char name[];
} __packed;
#define DIRENT_HEADER 8u
#define DIRENT_SIZE(name_len) (((name_len) + DIRENT_HEADER + 3u) & ~3u)
struct ext4_dir_tail {
	le32 zero1;
	le16 rec_len;			/* 12 */
	u8 zero2, type;			/* 0xde */
	le32 checksum;
} __packed;
#define DIR_TAIL_TYPE 0xde

struct dx_entry {			/* the first one of a block holds limit, count, block */
	union {
		le32 hash;
		struct {
			le16 limit, count;
		} __packed;
	};
	le32 block;
} __packed;
struct dx_root_info {
	le32 reserved;
	u8 hash_version, info_length, indirect_levels, unused_flags;
} __packed;
#define DX_ROOT_INFO 0x18u		/* behind "." and ".." */
#define DX_ROOT_ENTRIES 0x20u
#define DX_NODE_ENTRIES 0x08u
struct dx_tail {
	le32 reserved, checksum;
} __packed;

#define ORPHAN_MAGIC 0x0b10ca04u
struct orphan_tail {			/* at the end of each block of the orphan file; before it inode numbers */
	le32 magic, checksum;
} __packed;

#endif
