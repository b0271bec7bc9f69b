/* SPDX-License-Identifier: BSD-2-Clause */
/* Path walk, names and open files on a tmpfs of the test's own. */
#include "vfs.h"
#include <kernel/test.h>
#include <uapi/mount.h>

static struct path root;	/* of the test's tmpfs, mounted on /ktest */

static bool set_up(void)
{
	struct path where;

	(void)vfs_mkdir(&fs_root, "ktest", 0755);
	if (path_lookup(&fs_root, "ktest", LOOKUP_FOLLOW, &where))
		return false;
	if (vfs_mount("none", &where, "tmpfs", 0, NULL)) {
		path_put(&where);
		return false;
	}
	path_put(&where);
	return !path_lookup(&fs_root, "ktest", LOOKUP_FOLLOW, &root);
}

/* 0 when everything the test held is gone again: else umount says -EBUSY. */
static int tear_down(void)
{
	struct path top = root;
	int err = vfs_umount(&top, 0);

	path_put(&top);
	if (!err)
		err = vfs_rmdir(&fs_root, "ktest");
	return err;
}

static int make(const char *name, const char *text)
{
	struct file *f = file_open_at(&root, name, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	ssize_t n;

	if (is_err(f))
		return (int)ptr_err(f);
	n = file_write_kernel(f, text, strlen(text), 0);
	file_put(f);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

static int look(const char *name, u32 flags)
{
	struct path p;
	int err = path_lookup(&root, name, flags, &p);

	if (!err)
		path_put(&p);
	return err;
}

/* Content of a file equals text. */
static bool holds(const char *name, const char *text)
{
	struct file *f = file_open_at(&root, name, O_RDONLY, 0);
	char buf[64];
	ssize_t n;

	if (is_err(f))
		return false;
	n = file_read_kernel(f, buf, sizeof(buf), 0);
	file_put(f);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)n);
}

static void test_components(void)
{
	test_check(set_up());
	test_equal(vfs_mkdir(&root, "a", 0755), 0);
	test_equal(make("a/f", "one"), 0);
	test_check(holds("a/f", "one"));
	test_check(holds(".//a/./f", "one"));
	test_check(holds("a/../a/f", "one"));
	test_equal(look("", 0), -ENOENT);
	test_equal(look("a/", 0), 0);
	test_equal(look("a/f/", 0), -ENOTDIR);
	test_equal(look("a/f/x", 0), -ENOTDIR);
	test_equal(look("a/g", 0), -ENOENT);
	test_equal(look("b/g", 0), -ENOENT);
	test_equal(look("a/f", LOOKUP_DIRECTORY), -ENOTDIR);
	test_equal(vfs_mkdir(&root, "a", 0755), -EEXIST);
	test_equal(vfs_rmdir(&root, "a"), -ENOTEMPTY);
	test_equal(vfs_unlink(&root, "a"), -EISDIR);
	test_equal(tear_down(), 0);
}

static void test_name_lengths(void)
{
	char *name = kmalloc(NAME_MAX + 2, 0);
	struct path p;

	test_check(name != NULL);
	test_check(set_up());
	memset(name, 'x', NAME_MAX + 1);
	name[NAME_MAX + 1] = 0;
	test_equal(look(name, 0), -ENAMETOOLONG);
	test_equal(make(name, "no"), -ENAMETOOLONG);
	name[NAME_MAX] = 0;
	test_equal(make(name, "long"), 0);
	test_check(holds(name, "long"));
	name[31] = 0;	/* around the length that lies inside the dentry */
	test_equal(make(name, "31"), 0);
	name[31] = 'x';
	name[32] = 0;
	test_equal(make(name, "32"), 0);
	test_check(holds(name, "32"));
	test_equal(path_lookup(&root, name, 0, &p), 0);
	test_equal((int)p.dentry->name_len, 32);
	path_put(&p);
	test_equal(vfs_rename(&root, name, &root, "short", 0), 0);
	test_check(holds("short", "32"));
	test_equal(vfs_rename(&root, "short", &root, name, 0), 0);
	test_check(holds(name, "32"));
	kfree(name);
	test_equal(tear_down(), 0);
}

static void test_symlinks(void)
{
	test_check(set_up());
	test_equal(vfs_mkdir(&root, "d", 0755), 0);
	test_equal(make("d/f", "data"), 0);
	test_equal(vfs_symlink(&root, "l", "d/f"), 0);
	test_equal(vfs_symlink(&root, "dir", "d"), 0);
	test_equal(vfs_symlink(&root, "abs", "/ktest/d/f"), 0);
	test_equal(vfs_symlink(&root, "up", "d/../d/f"), 0);
	test_equal(vfs_symlink(&root, "loop", "loop"), 0);
	test_equal(vfs_symlink(&root, "ping", "pong"), 0);
	test_equal(vfs_symlink(&root, "pong", "ping"), 0);
	test_equal(vfs_symlink(&root, "dangling", "new"), 0);
	test_check(holds("l", "data") && holds("dir/f", "data") && holds("abs", "data") && holds("up", "data"));
	test_equal(look("loop", LOOKUP_FOLLOW), -ELOOP);
	test_equal(look("loop", 0), 0);
	test_equal(look("loop/x", 0), -ELOOP);
	test_equal(look("ping", LOOKUP_FOLLOW), -ELOOP);
	test_equal(look("l/", 0), -ENOTDIR);
	test_equal(look("dir/", 0), 0);
	test_equal(look("dangling", LOOKUP_FOLLOW), -ENOENT);
	test_equal(make("dangling", "made"), 0);	/* O_CREAT goes through the link */
	test_check(holds("new", "made"));
	test_equal(ptr_err(file_open_at(&root, "l", O_RDONLY | O_NOFOLLOW, 0)), -ELOOP);
	test_equal(ptr_err(file_open_at(&root, "l", O_CREAT | O_EXCL | O_WRONLY, 0644)), -EEXIST);
	test_equal(tear_down(), 0);
}

/* 40 links are followed, 41 are not. */
static void test_symlink_limit(void)
{
	char name[8], target[8];

	test_check(set_up());
	test_equal(make("s0", "end"), 0);
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		snprintf(target, sizeof(target), "s%d", i - 1);
		test_equal(vfs_symlink(&root, name, target), 0);
	}
	test_check(holds("s40", "end"));
	test_equal(look("s41", LOOKUP_FOLLOW), -ELOOP);
	test_equal(tear_down(), 0);
}

static void test_rename(void)
{
	struct path d, e;

	test_check(set_up());
	test_equal(vfs_mkdir(&root, "d", 0755), 0);
	test_equal(vfs_mkdir(&root, "e", 0755), 0);
	test_equal(make("d/f", "f"), 0);
	test_equal(make("e/g", "g"), 0);
	test_equal(path_lookup(&root, "d", 0, &d), 0);
	test_equal(path_lookup(&root, "e", 0, &e), 0);
	test_equal(vfs_rename(&d, "f", &e, "h", 0), 0);
	test_check(holds("e/h", "f") && look("d/f", 0) == -ENOENT);
	test_equal(vfs_rename(&e, "h", &e, "g", RENAME_NOREPLACE), -EEXIST);
	test_equal(vfs_rename(&e, "h", &e, "g", RENAME_EXCHANGE), 0);
	test_check(holds("e/h", "g") && holds("e/g", "f"));
	test_equal(vfs_rename(&e, "h", &e, "g", 0), 0);
	test_check(holds("e/g", "g") && look("e/h", 0) == -ENOENT);
	test_equal(vfs_rename(&root, "e", &e, "inside", 0), -EINVAL);
	test_equal(vfs_rename(&root, "e", &root, "d", 0), 0);	/* d is empty */
	test_check(holds("d/g", "g") && look("e", 0) == -ENOENT);
	test_equal(vfs_rename(&root, "gone", &root, "x", 0), -ENOENT);
	test_equal(make("file", ""), 0);
	test_equal(vfs_rename(&root, "file", &root, "d", 0), -EISDIR);
	test_equal(vfs_rename(&root, "d", &root, "file", 0), -ENOTDIR);
	/* d's old directory was replaced: it is dead and takes no names. */
	test_equal(vfs_mkdir(&d, "x", 0755), -ENOENT);
	path_put(&d);
	path_put(&e);
	test_equal(tear_down(), 0);
}

static void test_links_and_removal(void)
{
	struct path p;
	struct file *f;
	char c = 0;

	test_check(set_up());
	test_equal(make("a", "x"), 0);
	test_equal(path_lookup(&root, "a", 0, &p), 0);
	test_equal(vfs_link(&p, &root, "b"), 0);
	test_equal(vfs_link(&p, &root, "b"), -EEXIST);
	test_equal((int)p.dentry->inode->nlink, 2);
	f = file_open_at(&root, "b", O_RDONLY, 0);
	test_check(!is_err(f));
	test_equal(vfs_unlink(&root, "a"), 0);
	test_equal(vfs_unlink(&root, "b"), 0);
	test_equal((int)p.dentry->inode->nlink, 0);
	test_equal(file_read_kernel(f, &c, 1, 0), 1);	/* the contents live as long as the file is open */
	test_equal(c, 'x');
	test_equal(vfs_link(&p, &root, "again"), -ENOENT);
	file_put(f);
	path_put(&p);
	test_equal(look("a", 0), -ENOENT);
	test_equal(vfs_unlink(&root, "a"), -ENOENT);
	test_equal(tear_down(), 0);
}

static void test_mounts(void)
{
	struct path d, inner, top;
	char text[64];

	test_check(set_up());
	test_equal(vfs_mkdir(&root, "m", 0755), 0);
	test_equal(make("m/below", "b"), 0);
	test_equal(path_lookup(&root, "m", 0, &d), 0);
	test_equal(vfs_mount("none", &d, "tmpfs", MS_RDONLY, NULL), 0);
	test_equal(look("m/below", 0), -ENOENT);
	test_equal(make("m/new", "n"), -EROFS);
	test_equal(path_lookup(&root, "m", 0, &inner), 0);
	test_check(inner.mnt != root.mnt);
	test_check(!strcmp(path_text(&inner, &fs_root, text, sizeof(text)), "/ktest/m"));
	test_equal(path_lookup(&inner, "..", 0, &top), 0);	/* out of the mount */
	test_check(top.dentry == root.dentry && top.mnt == root.mnt);
	path_put(&top);
	test_equal(vfs_rmdir(&root, "m"), -EBUSY);
	test_equal(vfs_umount(&root, 0), -EBUSY);
	test_equal(vfs_umount(&inner, 0), 0);
	path_put(&inner);
	path_put(&d);
	test_check(holds("m/below", "b"));
	test_equal(path_lookup(&root, "m", 0, &d), 0);
	test_equal(vfs_mount("none", &d, "tmpfs", 0, NULL), 0);
	path_put(&d);
	test_equal(path_lookup(&root, "m", 0, &d), 0);
	test_equal(vfs_mkdir(&d, "n", 0755), 0);
	test_equal(path_lookup(&d, "n", 0, &inner), 0);
	test_equal(vfs_mount("none", &inner, "tmpfs", 0, NULL), 0);
	path_put(&inner);
	test_equal(make("m/n/f", "deep"), 0);
	/* The whole, with what is mounted below, a second time. */
	test_equal(vfs_mkdir(&root, "again", 0755), 0);
	test_equal(path_lookup(&root, "again", 0, &inner), 0);
	test_equal(mount_bind(&d, &inner, true), 0);
	path_put(&inner);
	test_check(holds("again/n/f", "deep"));
	test_equal(path_lookup(&root, "again", 0, &inner), 0);
	test_equal(vfs_umount(&inner, 0), -EBUSY);
	test_equal(vfs_umount(&inner, MNT_DETACH), 0);
	path_put(&inner);
	test_equal(look("again/n", 0), -ENOENT);
	test_check(holds("m/n/f", "deep"));
	/* In use, detached: gone for new lookups, alive for those inside. */
	test_equal(vfs_umount(&d, MNT_DETACH), 0);
	test_equal(look("m/n", 0), -ENOENT);
	test_equal(path_lookup(&d, "n", 0, &inner), 0);
	path_put(&inner);
	path_put(&d);
	test_check(holds("m/below", "b"));
	test_equal(vfs_mount("none", &root, "no-such-type", 0, NULL), -ENODEV);
	test_equal(tear_down(), 0);
}

static void test_path_text(void)
{
	struct path p;
	char text[64], small[6];

	test_check(set_up());
	test_equal(vfs_mkdir(&root, "dir", 0755), 0);
	test_equal(make("dir/file", ""), 0);
	test_equal(path_lookup(&root, "dir/file", 0, &p), 0);
	test_check(!strcmp(path_text(&p, &fs_root, text, sizeof(text)), "/ktest/dir/file"));
	test_check(!strcmp(path_text(&p, &root, text, sizeof(text)), "/dir/file"));
	test_check(!strcmp(path_text(&root, &root, text, sizeof(text)), "/"));
	test_equal(ptr_err(path_text(&p, &fs_root, small, sizeof(small))), -ENAMETOOLONG);
	test_equal(vfs_unlink(&(struct path){ p.mnt, p.dentry->parent }, "file"), 0);
	test_check(!strcmp(path_text(&p, &root, text, sizeof(text)), "/dir/file (deleted)"));
	path_put(&p);
	test_equal(tear_down(), 0);
}

struct count {
	struct dir_context ctx;
	unsigned n, stop_after;
};

static bool count_entry(struct dir_context *ctx, const char *name, u32 len, ino_t ino, u32 type, off_t next_pos)
{
	struct count *c = container_of(ctx, struct count, ctx);

	if (c->n == c->stop_after)
		return false;
	c->n++;
	ctx->pos = next_pos;
	return true;
}

/* A directory is read in pieces while names come and go: what stays is seen once. */
static void test_read_directory(void)
{
	struct count c = { .ctx.emit = count_entry, .stop_after = 2 };
	struct file *f;
	char name[8];

	test_check(set_up());
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		test_equal(make(name, ""), 0);
	}
	f = file_open_at(&root, ".", O_RDONLY | O_DIRECTORY, 0);
	test_check(!is_err(f));
	test_equal(f->ops->iterate(f, &c.ctx), 0);
	test_equal(c.n, 2);		/* "." and ".." */
	c.stop_after = 7;
	test_equal(f->ops->iterate(f, &c.ctx), 0);
	test_equal(vfs_unlink(&root, "n1"), 0);	/* seen already */
	test_equal(vfs_unlink(&root, "n10"), 0);	/* not yet */
	c.stop_after = 1000;
	test_equal(f->ops->iterate(f, &c.ctx), 0);
	test_equal(c.n, 21);
	file_put(f);
	test_equal(tear_down(), 0);
}

static void test_sparse_and_truncate(void)
{
	struct iattr attr = { .valid = ATTR_SIZE };
	struct file *f;
	char buf[16];

	test_check(set_up());
	f = file_open_at(&root, "f", O_CREAT | O_RDWR, 0644);
	test_check(!is_err(f));
	test_equal(file_write_kernel(f, "end", 3, 3 * PAGE_SIZE - 1), 3);
	test_equal((s64)f->inode->size, 3 * (s64)PAGE_SIZE + 2);
	memset(buf, 'x', sizeof(buf));
	test_equal(file_read_kernel(f, buf, 4, PAGE_SIZE), 4);
	test_check(!memcmp(buf, "\0\0\0\0", 4));
	attr.size = 3 * PAGE_SIZE;
	test_equal(inode_setattr(f->inode, &attr), 0);
	attr = (struct iattr){ .valid = ATTR_SIZE, .size = 4 * PAGE_SIZE };
	test_equal(inode_setattr(f->inode, &attr), 0);
	test_equal(file_read_kernel(f, buf, 4, 3 * PAGE_SIZE - 1), 4);
	test_check(!memcmp(buf, "e\0\0\0", 4));	/* what was cut off does not come back */
	test_equal(file_read_kernel(f, buf, 4, 4 * PAGE_SIZE), 0);
	test_equal(file_read_kernel(f, buf, 4, -1), -EINVAL);
	file_put(f);
	test_equal(tear_down(), 0);
}

static void test_size_limit(void)
{
	struct path dir;
	struct file *f;
	char c = 1;

	test_check(set_up());
	test_equal(vfs_mkdir(&root, "small", 0755), 0);
	test_equal(path_lookup(&root, "small", 0, &dir), 0);
	test_equal(vfs_mount("none", &dir, "tmpfs", 0, "size=8k,nr_inodes=2"), 0);
	path_put(&dir);
	f = file_open_at(&root, "small/f", O_CREAT | O_RDWR, 0644);
	test_check(!is_err(f));
	test_equal(ptr_err(file_open_at(&root, "small/g", O_CREAT | O_RDWR, 0644)), -ENOSPC);
	test_equal(file_write_kernel(f, "a", 1, 0), 1);
	test_equal(file_write_kernel(f, "b", 1, 5 * PAGE_SIZE), 1);
	test_equal(file_write_kernel(f, "c", 1, 9 * PAGE_SIZE), -ENOSPC);
	test_equal(file_read_kernel(f, &c, 1, 3 * PAGE_SIZE), 1);	/* a hole costs nothing */
	test_equal(c, 0);
	test_equal(inode_setattr(f->inode, &(struct iattr){ .valid = ATTR_SIZE, .size = 1 }), 0);
	test_equal(file_write_kernel(f, "c", 1, 9 * PAGE_SIZE), 1);	/* what truncation gave back */
	file_put(f);
	test_equal(path_lookup(&root, "small", 0, &dir), 0);
	test_equal(vfs_mount("none", &dir, "tmpfs", 0, "size=8k,colour=blue"), -EINVAL);
	test_equal(vfs_umount(&dir, 0), 0);
	path_put(&dir);
	test_equal(tear_down(), 0);
}

static void test_caches_shrink(void)
{
	char name[16];

	test_check(set_up());
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		test_equal(make(name, name), 0);
	}
	(void)dcache_shrink(root.dentry->sb, U64_MAX);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		test_check(holds(name, name));
	}
	test_equal(tear_down(), 0);
}

static const struct test_case cases[] = {
	TEST_CASE(test_components),
	TEST_CASE(test_name_lengths),
	TEST_CASE(test_symlinks),
	TEST_CASE(test_symlink_limit),
	TEST_CASE(test_rename),
	TEST_CASE(test_links_and_removal),
	TEST_CASE(test_mounts),
	TEST_CASE(test_path_text),
	TEST_CASE(test_read_directory),
	TEST_CASE(test_sparse_and_truncate),
	TEST_CASE(test_size_limit),
	TEST_CASE(test_caches_shrink),
	{ 0 },
};
const struct test_suite test_suite_vfs = { "vfs", cases };
