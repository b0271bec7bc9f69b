/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unpacks the initial file tree the loader gave: one or several cpio archives behind each other, each
 * plain or gzip, with zero padding between. Hard links are found by device and inode number within one
 * archive. A bad archive is one log line with the place; what came before it stays.
 */
#include "../vfs.h"
#include "cpio.h"
#include <kernel/boot.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <zlib.h>

#define LINK_BUCKETS 64u

struct hard_link {
	struct hard_link *next;
	u32 ino, major, minor;
	struct path path;
};
struct unpacker {
	struct hard_link *links[LINK_BUCKETS];
	u64 nr_entries, nr_bytes;
	const char *error;		/* what is wrong with the archive, for the one line about it */
};

/* The directory a name goes into; missing ones are made. *last: the final component. */
static int parent_of(const char *name, struct path *dir, const char **last)
{
	char *copy, *slash;
	int err = 0;

	while (*name == '/' || (*name == '.' && name[1] == '/'))
		name++;
	slash = strrchr(name, '/');
	if (!slash) {
		*dir = fs_root;
		path_get(dir);
		*last = name;
		return 0;
	}
	*last = slash + 1;
	copy = kstrdup(name, 0);
	if (!copy)
		return -ENOMEM;
	copy[slash - name] = 0;
	err = path_lookup(&fs_root, copy, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, dir);
	if (err == -ENOENT) {
		/* An archive without entries for its directories: make them on the way. */
		for (char *p = copy; err == -ENOENT && p; ) {
			struct path up;
			const char *name_only;
			char *s = strchr(p, '/');

			if (s)
				*s = 0;
			name_only = strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy;
			if (name_only == copy) {
				up = fs_root;
				path_get(&up);
				err = 0;
			} else {
				copy[name_only - copy - 1] = 0;
				err = path_lookup(&fs_root, copy, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &up);
				copy[name_only - copy - 1] = '/';
			}
			if (!err) {
				err = vfs_mkdir(&up, name_only, 0755);
				path_put(&up);
			}
			err = err && err != -EEXIST ? err : -ENOENT;
			if (s)
				*s = '/';
			p = s ? s + 1 : NULL;
		}
		if (err == -ENOENT)
			err = path_lookup(&fs_root, copy, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, dir);
	}
	kfree(copy);
	return err;
}

static struct hard_link **bucket(struct unpacker *u, const struct cpio_entry *e)
{
	return &u->links[(e->ino ^ e->dev_minor) % LINK_BUCKETS];
}

static struct hard_link *find_link(struct unpacker *u, const struct cpio_entry *e)
{
	struct hard_link *l = *bucket(u, e);

	while (l && (l->ino != e->ino || l->major != e->dev_major || l->minor != e->dev_minor))
		l = l->next;
	return l;
}

static void remember_link(struct unpacker *u, const struct cpio_entry *e, const struct path *p)
{
	struct hard_link *l = kzalloc(sizeof(*l), 0);

	if (!l)
		return;
	*l = (struct hard_link){ *bucket(u, e), e->ino, e->dev_major, e->dev_minor, *p };
	path_get(p);
	*bucket(u, e) = l;
}

static void forget_links(struct unpacker *u)
{
	for (unsigned i = 0; i < LINK_BUCKETS; i++)
		while (u->links[i]) {
			struct hard_link *l = u->links[i];

			u->links[i] = l->next;
			path_put(&l->path);
			kfree(l);
		}
}

static int write_file(const struct path *p, const struct cpio_entry *e)
{
	struct file *f = file_open_path(p, O_WRONLY | O_TRUNC, cred_current());
	ssize_t n;
	u32 done = 0;

	if (is_err(f))
		return (int)ptr_err(f);
	for (; done < e->size; done += (u32)n) {
		n = file_write_kernel(f, e->data + done, e->size - done, done);
		if (n <= 0) {
			file_put(f);
			return n ? (int)n : -ENOSPC;
		}
	}
	file_put(f);
	return 0;
}

static int set_attributes(const struct path *p, const struct cpio_entry *e)
{
	struct iattr a = {
		.valid = ATTR_UID | ATTR_GID | ATTR_MTIME | ATTR_ATIME | (S_ISLNK(e->mode) ? 0 : ATTR_MODE),
		.mode = e->mode & S_IALLUGO, .uid = e->uid, .gid = e->gid,
		.mtime.tv_sec = e->mtime, .atime.tv_sec = e->mtime,
	};

	return inode_setattr(p->dentry->inode, &a);
}

/* Whatever is in the way of a name that is no directory goes first: later archives overrule earlier ones. */
static int make_way(const struct path *dir, const char *name, mode_t mode)
{
	struct dentry *d = dir_lookup(dir->dentry, name, (u32)strlen(name));
	bool is_there, is_dir;

	if (is_err(d))
		return (int)ptr_err(d);
	is_there = d->inode != NULL;
	is_dir = is_there && S_ISDIR(d->inode->mode);
	dentry_put(d);
	if (!is_there || (is_dir && S_ISDIR(mode)))
		return 0;
	return is_dir ? vfs_rmdir(dir, name) : vfs_unlink(dir, name);
}

static int create_node(const struct path *dir, const char *name, const struct cpio_entry *e)
{
	char target[PATH_MAX / 4];

	if (S_ISDIR(e->mode))
		return vfs_mkdir(dir, name, e->mode & 0777);
	if (!S_ISLNK(e->mode))
		return vfs_mknod(dir, name, e->mode, MKDEV(e->rdev_major, e->rdev_minor));
	if (!e->size || e->size >= sizeof(target))
		return -ENAMETOOLONG;
	memcpy(target, e->data, e->size);
	target[e->size] = 0;
	return vfs_symlink(dir, name, target);
}

static int unpack_entry(struct unpacker *u, const struct cpio_entry *e)
{
	struct hard_link *l = e->nlink > 1 && !S_ISDIR(e->mode) ? find_link(u, e) : NULL;
	struct path dir, p;
	const char *name;
	int err = parent_of(e->name, &dir, &name);

	if (err)
		return err;
	if (!*name || !strcmp(name, ".")) {	/* the root itself */
		err = set_attributes(&fs_root, e);
		path_put(&dir);
		return err;
	}
	err = make_way(&dir, name, e->mode);
	if (!err)
		err = l ? vfs_link(&l->path, &dir, name) : create_node(&dir, name, e);
	if (err == -EEXIST && S_ISDIR(e->mode))
		err = 0;
	if (!err)
		err = path_lookup(&dir, name, 0, &p);
	path_put(&dir);
	if (err)
		return err;
	/* A further name of something else, a FIFO for one, whose opening would wait for ever. */
	if (S_ISREG(e->mode) && !S_ISREG(p.dentry->inode->mode))
		err = -EINVAL;
	else if (S_ISREG(e->mode) && e->size)
		err = write_file(&p, e);
	if (!err)
		err = set_attributes(&p, e);
	if (!err && !l && e->nlink > 1 && !S_ISDIR(e->mode))
		remember_link(u, e, &p);
	path_put(&p);
	u->nr_entries++;
	u->nr_bytes += e->size;
	return err;
}

/* One plain archive at data; *used: its length. False with u->error set. */
static bool unpack_cpio(struct unpacker *u, const u8 *data, size_t size, size_t *used)
{
	struct cpio_entry e;
	struct cpio c;
	int r, err;

	cpio_init(&c, data, size);
	while ((r = cpio_next(&c, &e)) == 1) {
		err = unpack_entry(u, &e);
		if (err) {
			log_err("initramfs: '%s' cannot be made: error %d", e.name, err);
			if (err == -ENOMEM || err == -ENOSPC)
				r = err;
		}
		if (r < 0)
			break;
	}
	forget_links(u);
	*used = c.at;
	if (r)
		u->error = c.error ? c.error : "no room for its files";
	return r == 0;
}

static void *z_alloc(void *opaque, unsigned items, unsigned size) { return kcalloc(items, size, 0); }
static void z_free(void *opaque, void *p) { kfree(p); }

/* Inflates into a vmap buffer that doubles as needed. Length, *used of the input; 0 with u->error set. */
static size_t inflate_all(struct unpacker *u, const u8 *data, size_t size, u8 **out, size_t *used)
{
	z_stream z = { .next_in = (u8 *)data, .avail_in = (uInt)min(size, (size_t)U32_MAX), .zalloc = z_alloc, .zfree = z_free };
	size_t room = align_up(max(size * 4, (size_t)PAGE_SIZE), (size_t)PAGE_SIZE), len = 0;
	u8 *buf = vmap_alloc(room, 0), *more;
	int r = inflateInit2(&z, 31);	/* 15-bit window, gzip wrapper */

	while (buf && r == Z_OK) {
		z.next_out = buf + len;
		z.avail_out = (uInt)min(room - len, (size_t)1 << 30);
		r = inflate(&z, Z_NO_FLUSH);
		len = (size_t)(z.next_out - buf);
		if (r != Z_OK || len < room)
			continue;
		more = vmap_alloc(room * 2, 0);
		if (more)
			memcpy(more, buf, len);
		vmap_free(buf);
		buf = more;
		room *= 2;
	}
	(void)inflateEnd(&z);
	*used = size - z.avail_in;
	*out = buf;
	if (buf && r == Z_STREAM_END && len)
		return len;
	u->error = !buf ? "no memory to inflate it" : z.msg ? z.msg : r == Z_BUF_ERROR ? "gzip data cut short" : "bad gzip data";
	vmap_free(buf);
	return 0;
}

static bool unpack_gzip(struct unpacker *u, const u8 *data, size_t size, size_t *used)
{
	u8 *plain;
	size_t len = inflate_all(u, data, size, &plain, used), at = 0, n;
	bool ok = len != 0;

	while (ok && at < len) {
		if (!plain[at]) {
			at++;
			continue;
		}
		ok = unpack_cpio(u, plain + at, len - at, &n);
		at += n;
	}
	if (len)
		vmap_free(plain);
	return ok;
}

static void unpack_all(struct unpacker *u, const u8 *data, size_t size)
{
	size_t at = 0, used;
	bool ok = true, is_gzip = false;

	while (ok && at < size) {
		if (!data[at]) {
			at++;
			continue;
		}
		is_gzip = size - at >= 2 && data[at] == 0x1f && data[at + 1] == 0x8b;
		if (is_gzip)
			ok = unpack_gzip(u, data + at, size - at, &used);
		else
			ok = unpack_cpio(u, data + at, size - at, &used);
		at += used;
	}
	if (!ok)
		log_err("initramfs: bad archive%s at byte %zu of %zu: %s; what came before stays",
			is_gzip ? ", compressed, ending" : "", at, size, u->error);
}

/* What Linux's own built-in archive has, for programs that come before any other. */
static void default_tree(void)
{
	(void)vfs_mkdir(&fs_root, "dev", 0755);
	(void)vfs_mkdir(&fs_root, "root", 0700);
}

static void default_console(void)
{
	struct path dev;

	if (path_lookup(&fs_root, "dev", LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dev))
		return;
	(void)vfs_mknod(&dev, "console", S_IFCHR | 0600, MKDEV(5, 1));
	path_put(&dev);
}

void initramfs_unpack(void)
{
	static struct unpacker u;
	paddr_t base = boot_info.initrd_base;
	u64 size = boot_info.initrd_size;

	default_tree();
	if (size) {
		unpack_all(&u, phys_to_virt(base), size);
		log_info("initramfs: %llu files, %llu KiB", (unsigned long long)u.nr_entries, (unsigned long long)u.nr_bytes / 1024);
		boot_info.initrd_size = 0;
		mm_release_range(base, size);
	}
	default_console();
}

bool initramfs_has_init(void)
{
	const char *init = cmdline_get("rdinit");
	struct path p;

	if (path_lookup(&fs_root, init && *init ? init : "/init", LOOKUP_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}
