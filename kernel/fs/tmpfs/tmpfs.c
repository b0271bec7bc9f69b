/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: files whose only home is the page cache. Serves as rootfs, as /tmp, and under devtmpfs.
 * Names hold their inodes, so nothing is lost when the dentry cache shrinks. Directories are in
 * tmpfs_dir.c. A directory's names are guarded by its inode lock.
 */
#include "tmpfs.h"
#include <kernel/aspace.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <uapi/statfs.h>

static struct kmem_cache *cache __ro_after_init;

static u64 total_pages(void)
{
	struct mm_stats st;

	mm_stats(&st);
	return st.total_pages;
}

static struct inode *alloc_inode(struct super_block *sb)
{
	struct tmpfs_inode *t = kmem_cache_alloc(cache, 0);

	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	return &t->inode;
}

static void free_inode(struct inode *i)
{
	tmpfs_drop_xattrs(tmpfs_i(i));
	kfree(tmpfs_i(i)->target);
	kmem_cache_free(cache, tmpfs_i(i));
}

static void evict(struct inode *i)
{
	struct tmpfs_super *ts = i->sb->private;

	if (S_ISDIR(i->mode))
		tmpfs_dir_drop_all(i);
	atomic_sub(&ts->nr_inodes, 1ull);
}

/* Counts a page that is about to hold data; page->owner remembers that it was counted. -ENOSPC. Page locked. */
static int charge(struct page_mapping *m, struct page *p)
{
	struct tmpfs_super *ts = m->host->sb->private;

	if (p->owner)
		return 0;
	if (atomic_fetch_add(&ts->nr_pages, 1ull) >= (ts->max_pages ? ts->max_pages : U64_MAX)) {
		atomic_sub(&ts->nr_pages, 1ull);
		return -ENOSPC;
	}
	p->owner = ts;
	return 0;
}

static void release_page(struct page_mapping *m, struct page *p)
{
	struct tmpfs_super *ts = p->owner;

	if (!ts)
		return;
	p->owner = NULL;
	atomic_sub(&ts->nr_pages, 1ull);
}

static int make_zero(struct page_mapping *m, struct page *p)
{
	int err = charge(m, p);

	if (err)
		return err;
	if (!(p->flags & PAGE_UPTODATE)) {
		arch_page_clear(page_to_virt(p));
		(void)atomic_fetch_or(&p->flags, (u32)PAGE_UPTODATE);
	}
	return 0;
}

/* A mapping touched a hole. */
static int read_pages(struct page_mapping *m, struct page **pages, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int err = make_zero(m, pages[i]);

		page_read_done(pages[i], err);
	}
	return 0;
}

static int write_begin(struct page_mapping *m, struct page *p, u32 off, u32 len)
{
	return len == PAGE_SIZE ? charge(m, p) : make_zero(m, p);
}

static int write_end(struct page_mapping *m, struct page *p, u32 off, u32 copied)
{
	u64 end = (p->index << PAGE_SHIFT) + off + copied;

	if (copied && end > m->host->size)
		atomic_store(&m->host->size, end);
	return 0;
}

static const struct mapping_ops mapping_ops = {
	.read_pages = read_pages, .write_begin = write_begin, .write_end = write_end, .release = release_page,
};

/* A new inode of any type with the creator's ids (the directory's group if it is set-gid). NULL: -ENOSPC or -ENOMEM. */
struct inode *tmpfs_inode_new(struct super_block *sb, struct inode *dir, mode_t mode, dev_t dev)
{
	struct tmpfs_super *ts = sb->private;
	const struct cred *c = cred_current();
	struct inode *i;

	if (ts->max_inodes && atomic_load(&ts->nr_inodes) >= ts->max_inodes)
		return NULL;
	i = inode_new(sb);
	if (!i)
		return NULL;
	atomic_add(&ts->nr_inodes, 1ull);
	i->ino = atomic_fetch_add(&ts->next_ino, 1ull);
	i->mode = mode;
	i->uid = c->fsuid;
	i->gid = c->fsgid;
	if (dir && dir->mode & S_ISGID) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			i->mode |= S_ISGID;
	}
	i->rdev = dev;
	i->mapping.keep = true;
	i->ops = &tmpfs_special_ops;
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	i->btime = i->mtime;
	if (S_ISREG(mode)) {
		i->mapping.ops = &mapping_ops;
		i->ops = &tmpfs_file_inode_ops;
		i->fops = &tmpfs_file_ops;
	} else if (S_ISDIR(mode)) {
		i->ops = &tmpfs_dir_ops;
		i->fops = &tmpfs_dir_file_ops;
		i->nlink = 2;
		i->size = 2 * DIRENT_SIZE;
		tmpfs_i(i)->next_cookie = 2;
		tmpfs_i(i)->parent_ino = dir ? dir->ino : i->ino;
	} else if (S_ISLNK(mode)) {
		i->ops = &tmpfs_symlink_ops;
	}
	return i;
}

static int do_statfs(struct super_block *sb, struct statfs_kernel *st)
{
	struct tmpfs_super *ts = sb->private;
	u64 used = atomic_load(&ts->nr_pages), max = ts->max_pages;

	st->type = TMPFS_MAGIC;
	st->block_size = PAGE_SIZE;
	st->blocks = max;
	st->blocks_free = st->blocks_avail = used < max ? max - used : 0;
	st->files = ts->max_inodes;
	st->files_free = ts->max_inodes ? ts->max_inodes - min(ts->nr_inodes, ts->max_inodes) : 0;
	st->name_len = NAME_MAX;
	return 0;
}

static ssize_t file_write_checked(struct file *f, struct uio *from, off_t *pos)
{
	u32 seals = READ_ONCE(tmpfs_i(f->inode)->seals);

	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (seals & F_SEAL_GROW && (u64)*pos + from->count > atomic_load(&f->inode->size))
		return -EPERM;
	return generic_file_write(f, from, pos);
}

/* Whole pages go; at both ends parts of pages are zeroed where they exist. */
static int punch_hole(struct inode *i, u64 from, u64 end)
{
	u64 first = align_up(from, PAGE_SIZE) >> PAGE_SHIFT, behind = end >> PAGE_SHIFT;

	if (first < behind)
		mapping_punch(&i->mapping, first, behind - 1);
	end = min(end, i->size);
	while (from < end) {
		struct page *p = mapping_find(&i->mapping, from >> PAGE_SHIFT);
		u64 n = min(end - from, PAGE_SIZE - (from & ~PAGE_MASK));

		if (p) {
			page_lock(p);
			memset((char *)page_to_virt(p) + (from & ~PAGE_MASK), 0, n);
			page_unlock(p);
			page_put(p);
		}
		from += n;
	}
	return 0;
}

static bool is_sealed_against(struct inode *i, int mode, u64 end)
{
	u32 seals = tmpfs_i(i)->seals;

	if (mode & FALLOC_FL_PUNCH_HOLE)
		return seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
	return (seals & F_SEAL_GROW) && end > i->size;
}

static int do_fallocate(struct file *f, int mode, off_t off, off_t len)
{
	struct inode *i = f->inode;
	u64 end = (u64)off + (u64)len;
	int err = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	rwlock_write_lock(&i->lock);
	if (is_sealed_against(i, mode, end)) {
		rwlock_write_unlock(&i->lock);
		return -EPERM;
	}
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		err = punch_hole(i, (u64)off, end);
	} else {
		for (u64 n = (u64)off >> PAGE_SHIFT; !err && n << PAGE_SHIFT < end; n++) {
			struct page *p = mapping_grab(&i->mapping, n, 0);

			if (is_err(p)) {
				err = -ENOSPC;
				break;
			}
			err = make_zero(&i->mapping, p);
			page_unlock(p);
			page_put(p);
		}
		if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > i->size)
			atomic_store(&i->size, end);
	}
	inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	rwlock_write_unlock(&i->lock);
	return err;
}

static int no_fsync(struct file *f, u64 start, u64 end, bool data_only) { return 0; }

static int getattr(struct inode *i, struct kstat *st)
{
	st->blocks = i->mapping.pages.count * (PAGE_SIZE / 512);
	return 0;
}

static int setattr(struct inode *i, const struct iattr *attr)
{
	u32 seals = tmpfs_i(i)->seals;
	u64 old = i->size;

	if (attr->valid & ATTR_SIZE && S_ISREG(i->mode)) {
		if ((attr->size < old && seals & F_SEAL_SHRINK) || (attr->size > old && seals & F_SEAL_GROW))
			return -EPERM;
		atomic_store(&i->size, attr->size);
		if (attr->size < old)
			mapping_truncate(&i->mapping, attr->size);
	}
	inode_setattr_copy(i, attr);
	return 0;
}

/* A file sealed against writing is shared for reading only, and stays so. */
static int tmpfs_mmap(struct file *f, struct vma *v)
{
	u32 seals = READ_ONCE(tmpfs_i(f->inode)->seals);

	if ((v->flags & VMA_SHARED) && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
		if (v->flags & VMA_WRITE)
			return -EPERM;
		v->flags &= ~VMA_MAYWRITE;
	}
	return generic_file_mmap(f, v);
}

static ssize_t readlink(struct inode *i, char *buf, size_t size)
{
	size_t n = min(size, (size_t)i->size);

	memcpy(buf, tmpfs_i(i)->target, n);
	if (n < size)
		buf[n] = 0;
	return (ssize_t)n;
}

const struct inode_ops tmpfs_file_inode_ops = { .setattr = setattr, .getattr = getattr, TMPFS_XATTR_OPS };
const struct inode_ops tmpfs_special_ops = { TMPFS_XATTR_OPS };	/* nodes, FIFOs, sockets: the rest is generic */
const struct inode_ops tmpfs_symlink_ops = { .readlink = readlink, TMPFS_XATTR_OPS };
const struct file_ops tmpfs_file_ops = {
	.read = generic_file_read,
	.write = file_write_checked,
	.seek = generic_file_seek,
	.mmap = tmpfs_mmap,
	.fsync = no_fsync,
	.fallocate = do_fallocate,
};

static void unmount(struct super_block *sb) { kfree(sb->private); }

static int show_options(struct super_block *sb, char *buf, size_t size)
{
	const struct inode *root = sb->root->inode;
	struct tmpfs_super *ts = sb->private;
	int n = 0;

	*buf = 0;
	if (ts->size_was_given && ts->max_pages)
		n += scnprintf(buf + n, size - (size_t)n, ",size=%lluk", (unsigned long long)ts->max_pages * 4);
	if (ts->max_inodes)
		n += scnprintf(buf + n, size - (size_t)n, ",nr_inodes=%llu", (unsigned long long)ts->max_inodes);
	if ((root->mode & S_IALLUGO) != 01777)
		n += scnprintf(buf + n, size - (size_t)n, ",mode=%03o", root->mode & S_IALLUGO);
	if (root->uid)
		n += scnprintf(buf + n, size - (size_t)n, ",uid=%u", root->uid);
	if (root->gid)
		n += scnprintf(buf + n, size - (size_t)n, ",gid=%u", root->gid);
	return n;
}

static const struct super_ops super_ops = {
	.alloc_inode = alloc_inode,
	.free_inode = free_inode,
	.evict = evict,
	.statfs = do_statfs,
	.unmount = unmount,
	.show_options = show_options,
};

/* One option: size= and nr_inodes= with k, m, g, %; mode= uid= gid= of the root. -EINVAL for others. */
static int parse_option(struct tmpfs_super *ts, struct inode *root, const char *name, const char *value)
{
	const char *end;
	u64 v;

	if (!value)
		return -EINVAL;
	if (parse_u64_prefix(value, !strcmp(name, "mode") ? 8 : 10, &v, &end))
		return -EINVAL;
	if (!strcmp(name, "mode") && !*end) {
		root->mode = S_IFDIR | (v & S_IALLUGO);
	} else if (!strcmp(name, "uid") && !*end) {
		root->uid = (uid_t)v;
	} else if (!strcmp(name, "gid") && !*end) {
		root->gid = (gid_t)v;
	} else if (!strcmp(name, "size") || !strcmp(name, "nr_inodes")) {
		unsigned shift = *end == 'k' || *end == 'K' ? 10 : *end == 'm' || *end == 'M' ? 20 : *end == 'g' || *end == 'G' ? 30 : 0;

		ts->size_was_given |= *name == 's';
		if (*name == 'n')
			ts->max_inodes = v << shift;
		else if (*end == '%')
			ts->max_pages = total_pages() * v / 100;
		else
			ts->max_pages = ((v << shift) + PAGE_SIZE - 1) >> PAGE_SHIFT;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int parse_options(struct tmpfs_super *ts, struct inode *root, const char *data)
{
	char *copy = kstrdup(data ? data : "", 0), *word, *next, *value;
	int err = copy ? 0 : -ENOMEM;

	for (word = copy; !err && word && *word; word = next) {
		next = strchr(word, ',');
		if (next)
			*next++ = 0;
		value = strchr(word, '=');
		if (value)
			*value++ = 0;
		if (*word && (err = parse_option(ts, root, word, value)))
			log_err("tmpfs: unknown or bad option '%s'", word);
	}
	kfree(copy);
	return err;
}

static int do_mount(struct super_block *sb, const char *data)
{
	struct tmpfs_super *ts = kzalloc(sizeof(*ts), 0);
	struct inode *root;
	int err;

	if (!ts)
		return -ENOMEM;
	ts->next_ino = 1;
	ts->max_pages = total_pages() / 2;
	sb->private = ts;
	sb->ops = &super_ops;
	sb->magic = TMPFS_MAGIC;
	root = tmpfs_inode_new(sb, NULL, S_IFDIR | 01777, 0);
	if (!root) {
		kfree(ts);
		return -ENOMEM;
	}
	if (strcmp(sb->fs->name, "tmpfs"))
		root->mode = S_IFDIR | 0755;
	err = parse_options(ts, root, data);
	if (!err) {
		sb->root = dentry_make_root(root);
		err = sb->root ? 0 : -ENOMEM;
	}
	if (err) {
		inode_put(root);
		kfree(ts);
	}
	return err;
}

static struct file_system tmpfs = { .name = "tmpfs", .flags = FS_VIRTUAL, .mount = do_mount };
static struct file_system rootfs = { .name = "rootfs", .flags = FS_VIRTUAL | FS_SINGLE, .mount = do_mount };
static struct file_system devtmpfs = { .name = "devtmpfs", .flags = FS_VIRTUAL | FS_SINGLE, .mount = do_mount };

void tmpfs_init(void)
{
	cache = kmem_cache_create("tmpfs-inode", sizeof(struct tmpfs_inode), 0, NULL);
	fs_register(&tmpfs);
	fs_register(&rootfs);
	fs_register(&devtmpfs);
}
