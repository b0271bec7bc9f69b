/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4 in memory. One file per on-disk concept: super (mount), meta (metadata blocks), csum, group
 * (descriptors and bitmaps), balloc, ialloc, inode, extent/extent_edit (block maps), data (file
 * pages), dir (entry blocks), htree + hash (indexed directories), namei (names), txn, replay (of the
 * journal, at mount), orphan (what was deleted but open).
 *
 * Locks, in order: inode.lock (the VFS holds it for name changes and writes) > ext4_inode.map_lock
 * (the block map) > ext4_sb.alloc_lock (bitmaps, descriptors, counters).
 * Every writer takes a struct txn, so that the journal can slide under it.
 */
#ifndef EXT4_H
#define EXT4_H

#include <kernel/block.h>
#include <kernel/fs.h>
#include <kernel/log.h>
#include <uapi/dirent.h>
#include <uapi/mount.h>
#include "disk.h"

struct ext4_sb {
	struct super_block *sb;
	struct block_device *bdev;
	struct ext4_super super;	/* copy; counters under alloc_lock */
	u32 block_size, block_bits;
	u64 blocks_count;
	u32 first_data_block, blocks_per_group, inodes_per_group, inodes_count;
	u32 groups, desc_size, inode_size, first_ino, inodes_per_block;
	u32 compat, incompat, ro_compat;
	u32 csum_seed;
	u32 hash_seed[4];
	u8 hash_version;		/* with the unsigned offset applied */
	bool has_csum;			/* metadata_csum */
	bool has_gdt_csum;		/* the older crc16 of descriptors */
	bool super_dirty;		/* alloc_lock */
	bool was_error;			/* corruption was met: writes are refused */
	struct mutex alloc_lock;	/* LOCK_FS_GROUP */
	u64 free_blocks;		/* alloc_lock */
	u32 free_inodes, last_alloc_group;
};

struct ext4_inode {
	struct inode inode;
	struct rwlock map_lock;		/* LOCK_FS */
	u8 block[60];			/* map_lock: extent root, or a short symlink's text */
	u32 flags;			/* EXT4_*_FL, inode.lock */
	u32 generation, csum_seed;
	u64 acl_block;
	u16 extra_isize;
	u64 alloc_goal;			/* map_lock: last block given to this file + 1 */
	u32 parent_group;
	u8 tail[96];			/* the raw inode beyond the fields we know (xattrs), written back as read */
};
static inline struct ext4_inode *ext4_i(struct inode *i) { return container_of(i, struct ext4_inode, inode); }
static inline struct ext4_sb *ext4_sb(const struct super_block *sb) { return sb->private; }
static inline struct ext4_sb *ext4_of(const struct inode *i) { return i->sb->private; }

/* One log line naming the place, marks the file system; with errors the rest is read-only. Returns -EUCLEAN. */
int ext4_corrupt(struct ext4_sb *fs, const char *fmt, ...) __printf(2, 3);

/* meta.c: one block of metadata, in the block device's page cache. */
struct meta_buf {			/* a handle; several may name one block */
	struct page *page;		/* reference */
	u64 block;
	u8 *data;
	u32 index;			/* of the block in its page */
};
/* "Contents were validated since they were read": one bit per block in page->owner. */
bool meta_is_checked(const struct meta_buf *b);
void meta_set_checked(struct meta_buf *b);
struct meta_buf *meta_read(struct ext4_sb *fs, u64 block);	/* err_ptr(-EIO, -EUCLEAN out of range, -ENOMEM) */
struct meta_buf *meta_new(struct ext4_sb *fs, u64 block);	/* zeroed, not read */
void meta_put(struct meta_buf *b);				/* NULL and error pointers are fine */
/* The block is no longer metadata: its cached contents must not be written over a file's data. */
void meta_forget(struct ext4_sb *fs, u64 block);

/* txn.c */
struct txn {
	struct ext4_sb *fs;
	unsigned depth;			/* nested begins of one thread */
	struct txn *outer;
	u32 outer_context;		/* the thread's alloc_context around it */
};
/* Before changing metadata. -EROFS when the file system was found corrupt. May sleep. */
int txn_begin(struct txn *t, struct ext4_sb *fs);
void txn_end(struct txn *t);
/* b was changed within t and will reach the disk. */
void txn_dirty(struct txn *t, struct meta_buf *b);

/* csum.c: all answer true / do nothing without metadata_csum. */
u32 ext4_inode_seed(const struct ext4_sb *fs, u32 ino, u32 generation);
bool csum_super_ok(const struct ext4_super *s);
void csum_super_set(struct ext4_super *s);
bool csum_group_ok(const struct ext4_sb *fs, u32 group, const struct ext4_group_desc *d);
void csum_group_set(const struct ext4_sb *fs, u32 group, struct ext4_group_desc *d);
bool csum_bitmap_ok(const struct ext4_sb *fs, const struct ext4_group_desc *d, const u8 *map, bool inodes);
void csum_bitmap_set(const struct ext4_sb *fs, struct ext4_group_desc *d, const u8 *map, bool inodes);
bool csum_inode_ok(const struct ext4_sb *fs, u32 ino, struct ext4_disk_inode *raw);
void csum_inode_set(const struct ext4_sb *fs, u32 ino, struct ext4_disk_inode *raw);
bool csum_extent_ok(struct ext4_inode *ei, const u8 *block);
void csum_extent_set(struct ext4_inode *ei, u8 *block);
bool csum_dir_ok(struct ext4_inode *ei, const u8 *block);
void csum_dir_set(struct ext4_inode *ei, u8 *block);
bool csum_dx_ok(struct ext4_inode *ei, const u8 *block, u32 entries_at);
void csum_dx_set(struct ext4_inode *ei, u8 *block, u32 entries_at);

/* group.c: alloc_lock held by those who change. */
struct ext4_group_desc *group_desc(struct ext4_sb *fs, u32 group, struct meta_buf **b);	/* err_ptr */
void group_desc_changed(struct txn *t, u32 group, struct ext4_group_desc *d, struct meta_buf *b);
u64 group_first_block(const struct ext4_sb *fs, u32 group);
u32 group_block_count(const struct ext4_sb *fs, u32 group);
u64 group_block_bitmap(const struct ext4_sb *fs, const struct ext4_group_desc *d);
u64 group_inode_bitmap(const struct ext4_sb *fs, const struct ext4_group_desc *d);
u64 group_inode_table(const struct ext4_sb *fs, const struct ext4_group_desc *d);
u32 group_free_blocks(const struct ext4_sb *fs, const struct ext4_group_desc *d);
u32 group_free_inodes(const struct ext4_sb *fs, const struct ext4_group_desc *d);
void group_add_free_blocks(const struct ext4_sb *fs, struct ext4_group_desc *d, s32 n);
void group_add_free_inodes(const struct ext4_sb *fs, struct ext4_group_desc *d, s32 n);
void group_add_dirs(const struct ext4_sb *fs, struct ext4_group_desc *d, s32 n);
u32 group_itable_unused(const struct ext4_sb *fs, const struct ext4_group_desc *d);
void group_set_itable_unused(const struct ext4_sb *fs, struct ext4_group_desc *d, u32 n);
/* The bitmap's block, verified; an uninitialised one is made. err_ptr. */
struct meta_buf *group_bitmap_read(struct ext4_sb *fs, u32 group, struct ext4_group_desc *d, bool inodes);
int group_check_all(struct ext4_sb *fs);	/* at mount */

/* balloc.c / ialloc.c */
/* Up to want contiguous blocks near goal; *got >= 1. 0, -ENOSPC, -EIO, -EUCLEAN. */
int ext4_balloc(struct txn *t, u64 goal, u32 want, u64 *block, u32 *got);
int ext4_bfree(struct txn *t, u64 block, u64 n);
bool ext4_blocks_valid(const struct ext4_sb *fs, u64 block, u64 n);
struct inode *ext4_ialloc(struct txn *t, struct inode *dir, mode_t mode);	/* err_ptr; locked, new */
int ext4_ifree(struct txn *t, struct inode *inode);

/* inode.c */
struct inode *ext4_iget(struct super_block *sb, u32 ino);	/* err_ptr; one without names is damage */
/* One from a list of orphans; *dtime: the raw field, which is the next one's number there. */
struct inode *ext4_iget_orphan(struct super_block *sb, u32 ino, u32 *dtime);
int ext4_inode_store(struct txn *t, struct inode *inode);
void ext4_inode_ops_set(struct inode *inode);
int ext4_setattr(struct inode *inode, const struct iattr *attr);
void ext4_evict(struct inode *inode);
int ext4_write_inode(struct inode *inode, bool wait);
void ext4_add_blocks(struct inode *inode, s64 fs_blocks);	/* i_blocks */

/* extent.c, extent_edit.c: logical to physical. */
struct ext4_map {
	u32 logical, len;	/* in: wanted; out: len of the run found */
	u64 physical;		/* 0: hole */
	bool is_unwritten;
};
void extent_init_root(struct ext4_inode *ei);
/* The run that starts at m->logical, mapped or hole; map_lock held. */
int extent_lookup(struct ext4_inode *ei, struct ext4_map *m);
/* Allocates (and zeroes nothing) for a hole at m->logical, or makes an unwritten run written; map_lock held for writing. */
int extent_allocate(struct txn *t, struct ext4_inode *ei, struct ext4_map *m, bool unwritten);
/* Unmaps and frees [from, to]; map_lock held for writing. */
int extent_remove(struct txn *t, struct ext4_inode *ei, u32 from, u32 to);
struct extent_path {			/* from root (0) to leaf (depth) */
	struct meta_buf *b;		/* NULL at the root */
	struct ext4_extent_header *h;
	int slot;			/* entry on the path: largest start <= wanted, or -1 in a leaf */
	u32 max;			/* entries the node can hold */
} __aligned(8);
int extent_find(struct ext4_inode *ei, u32 logical, struct extent_path *path, unsigned *depth);
void extent_path_put(struct extent_path *path, unsigned depth);
static inline struct ext4_extent *extent_at(struct ext4_extent_header *h, int i) { return (struct ext4_extent *)(h + 1) + i; }
static inline struct ext4_extent_index *extent_index_at(struct ext4_extent_header *h, int i) { return (struct ext4_extent_index *)(h + 1) + i; }
static inline u64 extent_start(const struct ext4_extent *e) { return (u64)le16_to_cpu(e->start_hi) << 32 | le32_to_cpu(e->start_lo); }
static inline bool extent_unwritten(const struct ext4_extent *e) { return le16_to_cpu(e->len) > EXTENT_INIT_MAX; }
static inline u32 extent_len(const struct ext4_extent *e)
{
	u32 n = le16_to_cpu(e->len);

	return n > EXTENT_INIT_MAX ? n - EXTENT_INIT_MAX : n;
}
static inline u64 extent_leaf(const struct ext4_extent_index *x) { return (u64)le16_to_cpu(x->leaf_hi) << 32 | le32_to_cpu(x->leaf_lo); }
void extent_dirty(struct txn *t, struct ext4_inode *ei, struct extent_path *p);

/* replay.c: before anything but the super block is used, with the device writable. All that the log holds is on the disk
   after 0, and the log is empty; after an error the disk is as it was. *bears_error: who wrote the log met damage. */
int journal_replay(struct ext4_sb *fs, bool *bears_error);
/* orphan.c: frees what was deleted while open, cuts what was being truncated, when the last writer stopped. */
bool orphans_present(const struct ext4_sb *fs);
int orphans_clean(struct ext4_sb *fs);

/* data.c */
extern const struct mapping_ops ext4_mapping_ops;
extern const struct file_ops ext4_file_ops, ext4_dir_ops;
int ext4_fsync(struct file *file, u64 start, u64 end, bool data_only);
int ext4_truncate(struct txn *t, struct inode *inode, u64 size);

/* dir.c: entry blocks. name_len 1..255. */
struct meta_buf *dir_block_read(struct inode *dir, u32 n, bool is_index_node);	/* verified; err_ptr */
struct meta_buf *dir_block_append(struct txn *t, struct inode *dir, u32 *n);
struct ext4_dirent *dir_block_find(struct inode *dir, struct meta_buf *b, const char *name, u32 len);	/* NULL absent */
/* Puts the entry into free room of the block; -ENOSPC if there is none. */
int dir_block_add(struct txn *t, struct inode *dir, struct meta_buf *b, const char *name, u32 len, u32 ino, u8 type);
int dir_block_delete(struct txn *t, struct inode *dir, struct meta_buf *b, struct ext4_dirent *e);
void dir_block_init(struct inode *dir, u8 *data);
void dir_block_dirty(struct txn *t, struct inode *dir, struct meta_buf *b);
u32 dir_block_room(struct inode *dir);	/* bytes for entries in a block */
/* The whole directory, indexed or not. */
int dir_find(struct inode *dir, const char *name, u32 len, struct meta_buf **b, struct ext4_dirent **e);
int dir_add(struct txn *t, struct inode *dir, const char *name, u32 len, u32 ino, mode_t mode);
int dir_remove(struct txn *t, struct inode *dir, const char *name, u32 len);
int dir_is_empty(struct inode *dir);	/* 1, 0, -errno */
int ext4_iterate(struct file *file, struct dir_context *ctx);
u8 dir_type_of(mode_t mode);

/* htree.c */
int htree_find_block(struct inode *dir, const char *name, u32 len, struct meta_buf **b, struct ext4_dirent **e);
int htree_add(struct txn *t, struct inode *dir, const char *name, u32 len, u32 ino, u8 type);
int htree_make(struct txn *t, struct inode *dir);	/* first block is full: becomes root + two leaves */
/* hash.c: -EUCLEAN for an unknown version. */
int ext4_hash(const struct ext4_sb *fs, u8 version, const char *name, u32 len, u32 *hash);

extern const struct inode_ops ext4_dir_inode_ops, ext4_file_inode_ops, ext4_symlink_inode_ops;

#endif
