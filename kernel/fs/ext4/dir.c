/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directory blocks: entries of variable length that tile a block, validated when first read.
 * Directory blocks are metadata (the device's page cache). The directory's inode.lock guards
 * them. Neighbour: htree.c finds the block in an indexed directory.
 */
#include <lib/string.h>
#include "ext4.h"

u8 dir_type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return 1;
	case S_IFDIR: return 2;
	case S_IFCHR: return 3;
	case S_IFBLK: return 4;
	case S_IFIFO: return 5;
	case S_IFSOCK: return 6;
	case S_IFLNK: return 7;
	}
	return 0;
}

static u32 dt_of(u8 type)
{
	static const u8 dt[] = { DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR, DT_BLK, DT_FIFO, DT_SOCK, DT_LNK };

	return type < ARRAY_LEN(dt) ? dt[type] : DT_UNKNOWN;
}

u32 dir_block_room(struct inode *dir)
{
	struct ext4_sb *fs = ext4_of(dir);

	return fs->block_size - (fs->has_csum ? sizeof(struct ext4_dir_tail) : 0);
}

static struct ext4_dirent *entry_at(struct meta_buf *b, u32 off) { return (void *)(b->data + off); }
static u32 entry_len(const struct ext4_dirent *e) { return le16_to_cpu(e->rec_len); }

/* Every entry lies within `room` bytes, is aligned, holds its name and names a possible inode. */
static bool entries_ok(struct inode *dir, struct meta_buf *b, u32 room)
{
	u32 off = 0;

	while (off < room) {
		const struct ext4_dirent *e = entry_at(b, off);

		if (room - off < DIRENT_SIZE(1) || entry_len(e) < DIRENT_SIZE(max(e->name_len, (u8)1)) ||
		    entry_len(e) % 4 || entry_len(e) > room - off ||
		    le32_to_cpu(e->inode) > ext4_of(dir)->inodes_count)
			return false;
		if (le32_to_cpu(e->inode) && (!e->name_len || memchr(e->name, '/', e->name_len) ||
					      memchr(e->name, 0, e->name_len)))
			return false;
		off += entry_len(e);
	}
	return true;
}

/* An index block looks like one unused entry over the whole block; the root like "." and "..". */
static bool is_index_block(struct inode *dir, struct meta_buf *b, u32 n)
{
	const struct ext4_dirent *e = entry_at(b, 0);

	if (!(ext4_i(dir)->flags & EXT4_INDEX_FL))
		return false;
	return n == 0 || (e->inode == cpu_to_le32(0) && entry_len(e) == ext4_of(dir)->block_size);
}

static bool index_ok(struct inode *dir, const u8 *data, u32 at)
{
	struct ext4_sb *fs = ext4_of(dir);
	const struct dx_entry *e = (const void *)(data + at);
	u32 limit = (fs->block_size - at - (fs->has_csum ? sizeof(struct dx_tail) : 0)) / sizeof(*e);

	return le16_to_cpu(e->limit) == limit && le16_to_cpu(e->count) <= limit && le16_to_cpu(e->count) > 0 &&
	       csum_dx_ok(ext4_i(dir), data, at);
}

struct meta_buf *dir_block_read(struct inode *dir, u32 n, bool want_index)
{
	struct ext4_inode *ei = ext4_i(dir);
	struct ext4_sb *fs = ext4_of(dir);
	struct ext4_map m = { .logical = n, .len = 1 };
	struct meta_buf *b;
	bool index, ok;
	int err;

	rwlock_read_lock(&ei->map_lock);
	err = extent_lookup(ei, &m);
	rwlock_read_unlock(&ei->map_lock);
	if (!err && (!m.physical || m.is_unwritten))
		err = ext4_corrupt(fs, "directory %llu: block %u is a hole", (unsigned long long)dir->ino, n);
	if (err)
		return err_ptr(err);
	b = meta_read(fs, m.physical);
	if (is_err(b))
		return b;
	index = is_index_block(dir, b, n);
	ok = meta_is_checked(b) || (index ? index_ok(dir, b->data, n == 0 ? DX_ROOT_ENTRIES : DX_NODE_ENTRIES) :
				    entries_ok(dir, b, dir_block_room(dir)) && csum_dir_ok(ei, b->data));
	if (!ok || (want_index && !index)) {
		meta_put(b);
		return err_ptr(ext4_corrupt(fs, "directory %llu: block %u is damaged", (unsigned long long)dir->ino, n));
	}
	meta_set_checked(b);
	return b;
}

void dir_block_dirty(struct txn *t, struct inode *dir, struct meta_buf *b)
{
	csum_dir_set(ext4_i(dir), b->data);
	txn_dirty(t, b);
}

/* One unused entry over the whole room, and the checksum's tail. */
void dir_block_init(struct inode *dir, u8 *data)
{
	struct ext4_dirent *e = (void *)data;
	u32 room = dir_block_room(dir);

	memset(data, 0, ext4_of(dir)->block_size);
	e->rec_len = cpu_to_le16((u16)room);
	if (ext4_of(dir)->has_csum) {
		struct ext4_dir_tail *tail = (void *)(data + room);

		tail->rec_len = cpu_to_le16(sizeof(*tail));
		tail->type = DIR_TAIL_TYPE;
	}
}

struct meta_buf *dir_block_append(struct txn *t, struct inode *dir, u32 *n)
{
	struct ext4_inode *ei = ext4_i(dir);
	struct ext4_map m = { .len = 1 };
	struct meta_buf *b;
	int err;

	*n = (u32)(dir->size >> t->fs->block_bits);
	m.logical = *n;
	rwlock_write_lock(&ei->map_lock);
	err = extent_lookup(ei, &m);
	if (!err)
		err = extent_allocate(t, ei, &m, false);
	rwlock_write_unlock(&ei->map_lock);
	if (err)
		return err_ptr(err);
	b = meta_new(t->fs, m.physical);
	if (is_err(b))
		return b;
	dir_block_init(dir, b->data);
	meta_set_checked(b);
	dir->size += t->fs->block_size;
	return b;
}

struct ext4_dirent *dir_block_find(struct inode *dir, struct meta_buf *b, const char *name, u32 len)
{
	for (u32 off = 0; off < dir_block_room(dir); off += entry_len(entry_at(b, off))) {
		struct ext4_dirent *e = entry_at(b, off);

		if (e->name_len == len && e->inode != cpu_to_le32(0) && !memcmp(e->name, name, len))
			return e;
	}
	return NULL;
}

int dir_block_add(struct txn *t, struct inode *dir, struct meta_buf *b, const char *name, u32 len, u32 ino, u8 type)
{
	u32 need = DIRENT_SIZE(len);

	for (u32 off = 0; off < dir_block_room(dir); off += entry_len(entry_at(b, off))) {
		struct ext4_dirent *e = entry_at(b, off);
		u32 used = e->inode == cpu_to_le32(0) ? 0 : DIRENT_SIZE(e->name_len);

		if (entry_len(e) < used + need)
			continue;
		if (used) {
			u32 rest = entry_len(e) - used;

			e->rec_len = cpu_to_le16((u16)used);
			e = entry_at(b, off + used);
			e->rec_len = cpu_to_le16((u16)rest);
		}
		e->inode = cpu_to_le32(ino);
		e->name_len = (u8)len;
		e->file_type = t->fs->incompat & INCOMPAT_FILETYPE ? type : 0;
		memcpy(e->name, name, len);
		dir_block_dirty(t, dir, b);
		return 0;
	}
	return -ENOSPC;
}

int dir_block_delete(struct txn *t, struct inode *dir, struct meta_buf *b, struct ext4_dirent *victim)
{
	struct ext4_dirent *before = NULL;

	for (u32 off = 0; off < dir_block_room(dir); off += entry_len(entry_at(b, off))) {
		struct ext4_dirent *e = entry_at(b, off);

		if (e == victim) {
			e->inode = cpu_to_le32(0);
			if (before)
				before->rec_len = cpu_to_le16((u16)(entry_len(before) + entry_len(e)));
			dir_block_dirty(t, dir, b);
			return 0;
		}
		before = e;
	}
	return -ENOENT;
}

int dir_find(struct inode *dir, const char *name, u32 len, struct meta_buf **b, struct ext4_dirent **e)
{
	u32 blocks = (u32)(dir->size >> ext4_of(dir)->block_bits);

	if (ext4_i(dir)->flags & EXT4_INDEX_FL)
		return htree_find_block(dir, name, len, b, e);
	for (u32 n = 0; n < blocks; n++) {
		*b = dir_block_read(dir, n, false);
		if (is_err(*b))
			return (int)ptr_err(*b);
		*e = dir_block_find(dir, *b, name, len);
		if (*e)
			return 0;
		meta_put(*b);
	}
	return -ENOENT;
}

static int linear_add(struct txn *t, struct inode *dir, const char *name, u32 len, u32 ino, u8 type)
{
	u32 blocks = (u32)(dir->size >> t->fs->block_bits), n;
	struct meta_buf *b;
	int err = -ENOSPC;

	for (n = 0; n < blocks && err == -ENOSPC; n++) {
		b = dir_block_read(dir, n, false);
		if (is_err(b))
			return (int)ptr_err(b);
		err = dir_block_add(t, dir, b, name, len, ino, type);
		meta_put(b);
	}
	if (err != -ENOSPC)
		return err;
	if (blocks == 1 && t->fs->compat & COMPAT_DIR_INDEX) {
		err = htree_make(t, dir);
		return err ? err : htree_add(t, dir, name, len, ino, type);
	}
	b = dir_block_append(t, dir, &n);
	if (is_err(b))
		return (int)ptr_err(b);
	err = dir_block_add(t, dir, b, name, len, ino, type);
	meta_put(b);
	return err;
}

int dir_add(struct txn *t, struct inode *dir, const char *name, u32 len, u32 ino, mode_t mode)
{
	int err = ext4_i(dir)->flags & EXT4_INDEX_FL ? htree_add(t, dir, name, len, ino, dir_type_of(mode)) :
						       linear_add(t, dir, name, len, ino, dir_type_of(mode));

	if (!err) {
		dir->version++;
		inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	}
	return err;
}

int dir_remove(struct txn *t, struct inode *dir, const char *name, u32 len)
{
	struct ext4_dirent *e;
	struct meta_buf *b;
	int err = dir_find(dir, name, len, &b, &e);

	if (err)
		return err;
	err = dir_block_delete(t, dir, b, e);
	meta_put(b);
	dir->version++;
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	return err;
}

static bool is_dot(const struct ext4_dirent *e)
{
	return e->name[0] == '.' && (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.'));
}

/* Room for entries in block n: in an index root only "." and ".." count, in an index node nothing. */
static u32 entries_room(struct inode *dir, struct meta_buf *b, u32 n)
{
	if (!is_index_block(dir, b, n))
		return dir_block_room(dir);
	return n == 0 ? DIRENT_SIZE(1) + DIRENT_SIZE(2) : 0;
}

int dir_is_empty(struct inode *dir)
{
	u32 blocks = (u32)(dir->size >> ext4_of(dir)->block_bits);

	for (u32 n = 0; n < blocks; n++) {
		struct meta_buf *b = dir_block_read(dir, n, false);
		u32 room;

		if (is_err(b))
			return (int)ptr_err(b);
		room = entries_room(dir, b, n);
		for (u32 off = 0; off < room; off += entry_len(entry_at(b, off)))
			if (entry_at(b, off)->inode != cpu_to_le32(0) && !is_dot(entry_at(b, off))) {
				meta_put(b);
				return 0;
			}
		meta_put(b);
	}
	return 1;
}

/* Entries of one block from ctx->pos on; false when the reader's buffer is full. */
static bool iterate_block(struct inode *dir, struct meta_buf *b, u32 n, struct dir_context *ctx)
{
	u64 base = (u64)n << ext4_of(dir)->block_bits;
	u32 room = entries_room(dir, b, n);

	/* From the start of the block: deletions may have merged the entry at pos into another. */
	for (u32 off = 0; off < room; off += entry_len(entry_at(b, off))) {
		struct ext4_dirent *e = entry_at(b, off);
		off_t next = (off_t)(base + off + entry_len(e));

		if ((off_t)(base + off) < ctx->pos || e->inode == cpu_to_le32(0))
			continue;
		if (!ctx->emit(ctx, e->name, e->name_len, le32_to_cpu(e->inode), dt_of(e->file_type), next))
			return false;
		ctx->pos = next;
	}
	return true;
}

int ext4_iterate(struct file *file, struct dir_context *ctx)
{
	struct inode *dir = file->inode;
	struct ext4_sb *fs = ext4_of(dir);

	while ((u64)ctx->pos < dir->size) {
		u32 n = (u32)((u64)ctx->pos >> fs->block_bits);
		struct meta_buf *b = dir_block_read(dir, n, false);
		bool more;

		if (is_err(b))
			return (int)ptr_err(b);
		more = iterate_block(dir, b, n, ctx);
		meta_put(b);
		if (!more)
			return 0;
		ctx->pos = (off_t)((u64)(n + 1) << fs->block_bits);
	}
	return 0;
}
