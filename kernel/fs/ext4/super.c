/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting: reads and checks the super block, decides between read-write and read-only, keeps the
 * counters, unmounts. Every refusal is one log line with the reason.
 *
 * A journal that holds work is replayed first (replay.c), also for a read-only mount, as Linux does.
 * Nothing writes a journal yet: what is mounted for writing is written directly, and marked "not cleanly
 * unmounted" meanwhile.
 */
#include <kernel/init.h>
#include <kernel/time.h>
#include <lib/format.h>
#include <lib/hash.h>
#include <lib/string.h>
#include "ext4.h"

#define COMPAT_OK 0xffffffffu		/* unknown compat features are harmless by definition */
#define INCOMPAT_OK (INCOMPAT_FILETYPE | INCOMPAT_RECOVER | INCOMPAT_META_BG | INCOMPAT_EXTENTS | \
		     INCOMPAT_64BIT | INCOMPAT_FLEX_BG | INCOMPAT_CSUM_SEED | INCOMPAT_LARGEDIR)
#define RO_COMPAT_OK (RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE | RO_COMPAT_BTREE_DIR | RO_COMPAT_HUGE_FILE | \
		      RO_COMPAT_GDT_CSUM | RO_COMPAT_DIR_NLINK | RO_COMPAT_EXTRA_ISIZE | RO_COMPAT_METADATA_CSUM | \
		      RO_COMPAT_ORPHAN_PRESENT)
#define EXT4_SUPER_MAGIC 0xef53

static struct kmem_cache *inode_cache;

int ext4_corrupt(struct ext4_sb *fs, const char *fmt, ...)
{
	char why[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	log_err("ext4: %s: %s%s", fs->bdev->name, why, fs->was_error ? "" : "; now read-only");
	fs->was_error = true;
	fs->sb->flags |= MS_RDONLY;
	return -EUCLEAN;
}

static int refuse(struct ext4_sb *fs, int err, const char *why, u64 value)
{
	log_err("ext4: %s: %s (0x%llx)", fs->bdev->name, why, (unsigned long long)value);
	return err;
}

static int check_geometry(struct ext4_sb *fs)
{
	const struct ext4_super *s = &fs->super;
	u32 log_size = le32_to_cpu(s->log_block_size);
	u64 device_blocks;

	if (log_size > 2)
		return refuse(fs, -EINVAL, "block size is not 1, 2 or 4 KiB: log", log_size);
	fs->block_bits = 10 + log_size;
	fs->block_size = 1u << fs->block_bits;
	fs->blocks_count = le32_to_cpu(s->blocks_count_lo);
	if (fs->incompat & INCOMPAT_64BIT)
		fs->blocks_count |= (u64)le32_to_cpu(s->blocks_count_hi) << 32;
	fs->first_data_block = le32_to_cpu(s->first_data_block);
	fs->blocks_per_group = le32_to_cpu(s->blocks_per_group);
	fs->inodes_per_group = le32_to_cpu(s->inodes_per_group);
	fs->inodes_count = le32_to_cpu(s->inodes_count);
	device_blocks = fs->bdev->sectors >> (fs->block_bits - SECTOR_SHIFT);
	if (fs->first_data_block != (fs->block_bits == 10) || fs->blocks_count <= fs->first_data_block + 1)
		return refuse(fs, -EUCLEAN, "first data block or size is wrong", fs->blocks_count);
	if (fs->blocks_count > device_blocks)
		return refuse(fs, -EUCLEAN, "file system is larger than the device: blocks", fs->blocks_count);
	if (fs->blocks_per_group == 0 || fs->blocks_per_group > 8 * fs->block_size || fs->blocks_per_group % 8)
		return refuse(fs, -EUCLEAN, "blocks per group", fs->blocks_per_group);
	if (fs->inodes_per_group == 0 || fs->inodes_per_group > 8 * fs->block_size || fs->inodes_per_group % 8)
		return refuse(fs, -EUCLEAN, "inodes per group", fs->inodes_per_group);
	if (div_round_up(fs->blocks_count - fs->first_data_block, fs->blocks_per_group) > U32_MAX / fs->inodes_per_group)
		return refuse(fs, -EUCLEAN, "too many groups for the inode numbers", fs->blocks_count);
	fs->groups = (u32)div_round_up(fs->blocks_count - fs->first_data_block, fs->blocks_per_group);
	if (fs->inodes_count != fs->groups * fs->inodes_per_group)
		return refuse(fs, -EUCLEAN, "inode count does not match the groups", fs->inodes_count);
	return 0;
}

static int check_inodes(struct ext4_sb *fs)
{
	const struct ext4_super *s = &fs->super;

	fs->inode_size = le32_to_cpu(s->rev_level) ? le16_to_cpu(s->inode_size) : 128;
	fs->first_ino = le32_to_cpu(s->rev_level) ? le32_to_cpu(s->first_ino) : EXT4_GOOD_OLD_FIRST_INO;
	/* What follows the 160 bytes we know is kept as read; struct ext4_inode has room for 96 of it. */
	if (fs->inode_size != 128 && fs->inode_size != 256)
		return refuse(fs, -EINVAL, "inode size is neither 128 nor 256", fs->inode_size);
	if (fs->first_ino < EXT4_GOOD_OLD_FIRST_INO || fs->first_ino > fs->inodes_per_group)
		return refuse(fs, -EUCLEAN, "first inode", fs->first_ino);
	fs->inodes_per_block = fs->block_size / fs->inode_size;
	fs->desc_size = fs->incompat & INCOMPAT_64BIT ? le16_to_cpu(s->desc_size) : 32;
	if (fs->desc_size != 32 && fs->desc_size != 64)
		return refuse(fs, -EINVAL, "group descriptor size", fs->desc_size);
	return 0;
}

static int check_features(struct ext4_sb *fs)
{
	const struct ext4_super *s = &fs->super;

	if (le16_to_cpu(s->magic) != EXT4_MAGIC)
		return -EINVAL;			/* not ours: silent, others may try */
	fs->compat = le32_to_cpu(s->feature_compat);
	fs->incompat = le32_to_cpu(s->feature_incompat);
	fs->ro_compat = le32_to_cpu(s->feature_ro_compat);
	if (!csum_super_ok(s))
		return refuse(fs, -EUCLEAN, "super block checksum is wrong", le32_to_cpu(s->checksum));
	if (fs->incompat & ~INCOMPAT_OK)
		return refuse(fs, -EINVAL, "incompatible features", fs->incompat & ~INCOMPAT_OK);
	fs->has_csum = fs->ro_compat & RO_COMPAT_METADATA_CSUM;
	fs->has_gdt_csum = !fs->has_csum && fs->ro_compat & RO_COMPAT_GDT_CSUM;
	fs->csum_seed = fs->incompat & INCOMPAT_CSUM_SEED ? le32_to_cpu(s->checksum_seed) :
							     crc32c(~0u, s->uuid, sizeof(s->uuid));
	for (unsigned i = 0; i < 4; i++)
		fs->hash_seed[i] = le32_to_cpu(s->hash_seed[i]);
	return 0;
}

/* Reasons to stay read-only though the user asked for more. */
static void decide_read_only(struct ext4_sb *fs)
{
	const char *why = NULL;

	if (fs->sb->flags & MS_RDONLY)
		return;
	if (fs->bdev->is_read_only)
		why = "the device is read-only";
	else if (fs->incompat & INCOMPAT_RECOVER)
		why = "its journal could not be replayed";
	else if (fs->ro_compat & ~RO_COMPAT_OK)
		why = "it has read-only-compatible features that are not known here";
	else if (le16_to_cpu(fs->super.state) & EXT4_STATE_ERROR)
		why = "it is marked as damaged: run e2fsck";
	if (why) {
		log_warn("ext4: %s: mounted read-only: %s", fs->bdev->name, why);
		fs->sb->flags |= MS_RDONLY;
	}
}

/* Writes the super block's copy into its place in the device's cache. */
static int super_store(struct ext4_sb *fs)
{
	struct ext4_super *s = &fs->super;
	struct page *page = mapping_read(fs->bdev->mapping, 0, 0);

	if (is_err(page))
		return (int)ptr_err(page);
	mutex_lock(&fs->alloc_lock);
	s->free_blocks_count_lo = cpu_to_le32((u32)fs->free_blocks);
	if (fs->incompat & INCOMPAT_64BIT)
		s->free_blocks_count_hi = cpu_to_le32((u32)(fs->free_blocks >> 32));
	s->free_inodes_count = cpu_to_le32(fs->free_inodes);
	s->wtime = cpu_to_le32((u32)(time_wall_ns() / (s64)NSEC_PER_SEC));
	csum_super_set(s);
	memcpy((u8 *)page_to_virt(page) + EXT4_SUPER_OFFSET, s, sizeof(*s));
	fs->super_dirty = false;
	mutex_unlock(&fs->alloc_lock);
	block_page_dirty(page, EXT4_SUPER_OFFSET, sizeof(*s));
	page_put(page);
	return 0;
}

/* With everything else that waits in the device's cache, to stable storage. */
static int super_write(struct ext4_sb *fs)
{
	int err = super_store(fs);

	if (!err)
		err = mapping_writeback(fs->bdev->mapping, 0, ~0ull, true);
	return err ? err : block_flush(fs->bdev);
}

/* While mounted for writing the state says "not clean": a crash makes e2fsck look. */
static int mark_mounted(struct ext4_sb *fs, bool clean)
{
	u16 state = le16_to_cpu(fs->super.state) & (u16)~EXT4_STATE_VALID;

	if (clean && !fs->was_error)
		state |= EXT4_STATE_VALID;
	if (fs->was_error)
		state |= EXT4_STATE_ERROR;
	fs->super.state = cpu_to_le16(state);
	if (!clean)
		fs->super.mnt_count = cpu_to_le16((u16)(le16_to_cpu(fs->super.mnt_count) + 1));
	return super_write(fs);
}

/* The first write is about to happen. What the last writer left over goes now. */
static int begin_writing(struct ext4_sb *fs)
{
	int err = mark_mounted(fs, false);

	if (!err && orphans_present(fs)) {
		err = orphans_clean(fs);
		if (!err)
			err = super_write(fs);
	}
	return err;
}

static struct inode *ext4_alloc_inode(struct super_block *sb)
{
	struct ext4_inode *ei = kmem_cache_alloc(inode_cache, ALLOC_ZERO);

	if (!ei)
		return NULL;
	rwlock_init(&ei->map_lock, "ext4 map", LOCK_FS);
	return &ei->inode;
}

static void ext4_free_inode(struct inode *inode) { kmem_cache_free(inode_cache, ext4_i(inode)); }

static int ext4_sync(struct super_block *sb, bool wait)
{
	struct ext4_sb *fs = ext4_sb(sb);
	int err = 0;

	if (sb->flags & MS_RDONLY)
		return 0;
	if (fs->super_dirty)
		err = super_store(fs);
	if (!err)
		err = mapping_writeback(fs->bdev->mapping, 0, ~0ull, wait);
	if (!err && wait)
		err = block_flush(fs->bdev);
	return err;
}

static int ext4_statfs(struct super_block *sb, struct statfs_kernel *st)
{
	struct ext4_sb *fs = ext4_sb(sb);
	u64 reserved = le32_to_cpu(fs->super.r_blocks_count_lo);

	mutex_lock(&fs->alloc_lock);
	st->type = EXT4_SUPER_MAGIC;
	st->block_size = fs->block_size;
	st->blocks = fs->blocks_count;
	st->blocks_free = fs->free_blocks;
	st->blocks_avail = fs->free_blocks > reserved ? fs->free_blocks - reserved : 0;
	st->files = fs->inodes_count;
	st->files_free = fs->free_inodes;
	st->name_len = NAME_MAX;
	st->fsid[0] = get_le32(fs->super.uuid) ^ get_le32(fs->super.uuid + 8);
	st->fsid[1] = get_le32(fs->super.uuid + 4) ^ get_le32(fs->super.uuid + 12);
	mutex_unlock(&fs->alloc_lock);
	return 0;
}

static int ext4_remount(struct super_block *sb, u32 flags, const char *data)
{
	struct ext4_sb *fs = ext4_sb(sb);
	bool was_ro = sb->flags & MS_RDONLY, want_ro = flags & MS_RDONLY;
	int err = 0;

	if (was_ro == want_ro)
		return 0;
	if (want_ro) {
		err = ext4_sync(sb, true);
		if (!err)
			err = mark_mounted(fs, true);
		if (!err)
			sb->flags |= MS_RDONLY;
		return err;
	}
	if (fs->was_error)
		return -EROFS;
	sb->flags &= ~(u32)MS_RDONLY;
	decide_read_only(fs);
	return sb->flags & MS_RDONLY ? -EROFS : begin_writing(fs);
}

static void ext4_unmount(struct super_block *sb)
{
	struct ext4_sb *fs = ext4_sb(sb);

	if (!(sb->flags & MS_RDONLY) || fs->was_error) {
		if (mark_mounted(fs, true))
			log_err("ext4: %s: writing the last state failed", fs->bdev->name);
	}
	kfree(fs);
	sb->private = NULL;
}

static const struct super_ops ext4_super_ops = {
	.alloc_inode = ext4_alloc_inode,
	.free_inode = ext4_free_inode,
	.write_inode = ext4_write_inode,
	.evict = ext4_evict,
	.statfs = ext4_statfs,
	.sync = ext4_sync,
	.remount = ext4_remount,
	.unmount = ext4_unmount,
};

static int read_super(struct ext4_sb *fs)
{
	struct page *page = mapping_read(fs->bdev->mapping, 0, 0);

	if (is_err(page)) {
		log_err("ext4: %s: super block cannot be read: error %ld", fs->bdev->name, -ptr_err(page));
		return (int)ptr_err(page);
	}
	memcpy(&fs->super, (u8 *)page_to_virt(page) + EXT4_SUPER_OFFSET, sizeof(fs->super));
	page_put(page);
	return 0;
}

static void fill_sb(struct super_block *sb, struct ext4_sb *fs)
{
	sb->ops = &ext4_super_ops;
	sb->private = fs;
	sb->block_size = fs->block_size;
	sb->max_bytes = min(0xfffffffeull << fs->block_bits, (u64)S64_MAX);
	sb->magic = EXT4_SUPER_MAGIC;
	sb->time_gran_ns = fs->inode_size > 128 ? 1 : (u32)NSEC_PER_SEC;
}

/* Reads the super block and all that follows from it alone. */
static int load_super(struct ext4_sb *fs)
{
	int err = read_super(fs);

	if (!err)
		err = check_features(fs);
	if (!err)
		err = check_geometry(fs);
	return err ? err : check_inodes(fs);
}

/* The super block is among what the log may have changed: it is read again. */
static int recover(struct ext4_sb *fs)
{
	bool bears_error;
	int err;

	if (!(fs->incompat & INCOMPAT_RECOVER) || fs->bdev->is_read_only)
		return 0;
	err = journal_replay(fs, &bears_error);
	if (err)
		return err == -ENOMEM ? err : 0;	/* decide_read_only() says it */
	err = load_super(fs);
	if (err)
		return err;
	fs->incompat &= ~INCOMPAT_RECOVER;
	fs->super.feature_incompat = cpu_to_le32(fs->incompat);
	if (bears_error)
		fs->super.state = cpu_to_le16(le16_to_cpu(fs->super.state) | EXT4_STATE_ERROR);
	fs->super_dirty = true;
	return 0;
}

static int mount_root(struct super_block *sb, struct ext4_sb *fs)
{
	struct inode *root = ext4_iget(sb, EXT4_ROOT_INO);

	if (is_err(root))
		return (int)ptr_err(root);
	if (!S_ISDIR(root->mode)) {
		inode_put(root);
		return ext4_corrupt(fs, "the root inode is not a directory");
	}
	sb->root = dentry_make_root(root);
	return sb->root ? 0 : -ENOMEM;
}

static int ext4_mount(struct super_block *sb, const char *data)
{
	struct ext4_sb *fs = kzalloc(sizeof(*fs), 0);
	int err;

	if (!fs)
		return -ENOMEM;
	fs->sb = sb;
	fs->bdev = sb->bdev;
	mutex_init(&fs->alloc_lock, "ext4 alloc", LOCK_FS_GROUP);
	if (data && *data && strcmp(data, "errors=remount-ro"))
		log_notice("ext4: %s: mount options '%s' are not known, ignored", fs->bdev->name, data);
	err = load_super(fs);
	if (!err) {
		fill_sb(sb, fs);
		err = recover(fs);
	}
	if (!err) {
		decide_read_only(fs);
		err = group_check_all(fs);
	}
	if (!err && fs->super_dirty)
		err = super_write(fs);
	if (!err)
		err = mount_root(sb, fs);
	if (!err && !(sb->flags & MS_RDONLY))
		err = begin_writing(fs);
	if (err) {
		sb->private = NULL;
		kfree(fs);
		return err;
	}
	if (!(le16_to_cpu(fs->super.state) & EXT4_STATE_VALID) && sb->flags & MS_RDONLY)
		log_warn("ext4: %s: was not cleanly unmounted", fs->bdev->name);
	return 0;
}

static struct file_system ext4_file_system = {
	.name = "ext4",
	.flags = FS_NEEDS_DEVICE,
	.mount = ext4_mount,
};

void ext4_register(void)
{
	inode_cache = kmem_cache_create("ext4_inode", sizeof(struct ext4_inode), 0, NULL);
	fs_register(&ext4_file_system);
}
