/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "files": processes work on trees of their own in one file system, tmpfs or ext4 on the
 * simulated disk. The model is a tree in host memory that says what every call must answer: error
 * numbers, contents, sizes, link counts, directory listings, open files without a name. Then all is
 * looked at again; on ext4 also after an unmount, a power cut that loses what was not flushed, and a mount.
 * With faults on, a run goes on without comparing after the first one: it shall only not break.
 */
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include "calls.h"
#include "disk.h"
#include "tree.h"
#include "work.h"

#define WORKERS 3u
#define OPS 50u
#define PIECE 3000u
#define BUF (SHARED + 0x800)
#define PATH1 SHARED
#define PATH2 (SHARED + 0x200)
#define SEEK_SET 0
#define DT_REG 8
#define DT_DIR 4
#define DT_LNK 10

static struct tree trees[WORKERS];
static unsigned workers, ops;
static bool chaos;		/* faults may have happened: compare nothing */

static void wrong(const struct tree *t, const char *what, const char *path, long got, long want)
{
	if (chaos || disk_faults())
		return;
	sim_fail("files: %s %s (worker %u) gives %ld, want %ld", what, path, t->id, got, want);
}

static void do_create(struct tree *t)
{
	struct place p = pick_place(t);
	struct node *n = p.node ? NULL : node_new(t, FILE_NODE);
	long fd;

	if (!p.node && !n)
		return;
	fd = CALL3(open, put_string(PATH1, p.path), O_CREAT | O_EXCL | O_RDWR, 0644);
	if (p.node ? fd != -EEXIST : fd < 0)
		wrong(t, "create", p.path, fd, p.node ? -EEXIST : 3);
	if (fd >= 0)
		CALL1(close, fd);
	if (!p.node)
		p.dir->name[p.name] = n;
}

static void do_mkdir(struct tree *t)
{
	struct place p = pick_place(t);
	struct node *n = NULL;
	long err;

	if (!p.node) {
		if (p.dir->depth == DEPTH)
			return;
		n = node_new(t, DIR_NODE);
		if (!n)
			return;
		n->parent = p.dir;
		n->depth = p.dir->depth + 1;
	}
	err = CALL2(mkdir, put_string(PATH1, p.path), 0755);
	if (err != (p.node ? -EEXIST : 0))
		wrong(t, "mkdir", p.path, err, p.node ? -EEXIST : 0);
	if (!p.node)
		p.dir->name[p.name] = n;
}

static void write_at(struct tree *t, const char *path, long fd, struct node *n)
{
	u32 at = (u32)pick(FILE_MAX - PIECE), len = 1 + (u32)pick(maybe(4) ? PIECE : 64);
	long got;

	for (u32 i = 0; i < len; i += 8) {
		u64 v = sim_random(SIM_WORK);

		memcpy(n->data + at + i, &v, min(8u, len - i));
	}
	sim_copy_in(BUF, n->data + at, len);
	got = CALL4(pwrite64, fd, BUF, len, at);
	if (got != (long)len)
		wrong(t, "write", path, got, len);
	n->size = max(n->size, at + len);
}

/* A directory comes and goes at once, and a file gets the name and perhaps the blocks: nothing of the directory may follow. */
static void do_recycle(struct tree *t)
{
	struct place p = pick_place(t);
	struct node *n = p.node ? NULL : node_new(t, FILE_NODE);
	long fd;

	if (!n)
		return;
	fd = CALL2(mkdir, put_string(PATH1, p.path), 0755);
	if (fd)
		wrong(t, "mkdir", p.path, fd, 0);
	if (maybe(4))
		CALL0(sync);
	fd = CALL1(rmdir, PATH1);
	if (fd)
		wrong(t, "rmdir", p.path, fd, 0);
	fd = CALL3(open, PATH1, O_CREAT | O_EXCL | O_RDWR, 0644);
	if (fd < 0)
		wrong(t, "create", p.path, fd, 3);
	p.dir->name[p.name] = n;
	if (fd < 0)
		return;
	write_at(t, p.path, fd, n);
	if (maybe(2))
		CALL1(fsync, fd);
	CALL1(close, fd);
}

static void do_symlink(struct tree *t)
{
	struct place p = pick_place(t);
	struct node *n = p.node ? NULL : node_new(t, LINK_NODE);
	char target[100];
	long err;

	if (!p.node && !n)
		return;
	memset(target, 'x', sizeof(target));
	target[1 + pick(sizeof(target) - 1)] = 0;
	target[sizeof(target) - 1] = 0;
	err = CALL2(symlink, put_string(PATH2, target), put_string(PATH1, p.path));
	if (err != (p.node ? -EEXIST : 0))
		wrong(t, "symlink", p.path, err, p.node ? -EEXIST : 0);
	if (!p.node) {
		n->size = (u32)strlen(target);
		memcpy(n->data, target, n->size);
		p.dir->name[p.name] = n;
	}
}

static void do_link(struct tree *t)
{
	struct place from = pick_place(t), to = pick_place(t);
	long want = !from.node ? -ENOENT : to.node ? -EEXIST : from.node->kind == DIR_NODE ? -EPERM : 0, err;

	err = CALL2(link, put_string(PATH1, from.path), put_string(PATH2, to.path));
	if (err != want)
		wrong(t, "link", from.path, err, want);
	if (!want) {
		to.dir->name[to.name] = from.node;
		from.node->links++;
	}
}

static void do_unlink(struct tree *t)
{
	struct place p = pick_place(t);
	long want = !p.node ? -ENOENT : p.node->kind == DIR_NODE ? -EISDIR : 0;
	long err = CALL1(unlink, put_string(PATH1, p.path));

	if (err != want)
		wrong(t, "unlink", p.path, err, want);
	if (!want) {
		p.dir->name[p.name] = NULL;
		node_drop(t, p.node);
	}
}

static void do_rmdir(struct tree *t)
{
	struct place p = pick_place(t);
	long want = !p.node ? -ENOENT : p.node->kind != DIR_NODE ? -ENOTDIR : !node_is_empty(p.node) ? -ENOTEMPTY : 0;
	long err = CALL1(rmdir, put_string(PATH1, p.path));

	if (err != want)
		wrong(t, "rmdir", p.path, err, want);
	if (!want) {
		p.dir->name[p.name] = NULL;
		p.node->kind = NONE;
	}
}

static long rename_answer(const struct place *from, const struct place *to)
{
	if (!from->node)
		return -ENOENT;
	if (from->node->kind == DIR_NODE && node_lies_above(from->node, to->dir))
		return -EINVAL;
	if (to->node && to->node->kind == DIR_NODE && node_lies_above(to->node, from->dir))
		return -ENOTEMPTY;
	if (from->node == to->node || !to->node)
		return 0;
	if (from->node->kind == DIR_NODE && to->node->kind != DIR_NODE)
		return -ENOTDIR;
	if (from->node->kind != DIR_NODE && to->node->kind == DIR_NODE)
		return -EISDIR;
	return to->node->kind == DIR_NODE && !node_is_empty(to->node) ? -ENOTEMPTY : 0;
}

static void do_rename(struct tree *t)
{
	struct place from = pick_place(t), to = pick_place(t);
	long want = rename_answer(&from, &to), err;

	if (!want && from.node->kind == DIR_NODE && to.dir->depth + 1 + node_height(from.node) > DEPTH + 1)
		return;
	err = CALL2(rename, put_string(PATH1, from.path), put_string(PATH2, to.path));
	if (err != want)
		wrong(t, "rename", from.path, err, want);
	if (want || from.node == to.node)
		return;
	if (to.node && to.node->kind == DIR_NODE)
		to.node->kind = NONE;
	else if (to.node)
		node_drop(t, to.node);
	to.dir->name[to.name] = from.node;
	from.dir->name[from.name] = NULL;
	if (from.node->kind == DIR_NODE) {
		from.node->parent = to.dir;
		node_set_depth(from.node, to.dir->depth + 1);
	}
}

static void compare(struct tree *t, const char *path, long fd, const struct node *n)
{
	u8 *mine = t->id < WORKERS ? trees[t->id].node[0].data : NULL;	/* a root's data is not used */
	u32 at = 0;

	while (1) {
		long got = CALL4(pread64, fd, BUF, 2048, at), want = min(2048u, n->size - at);

		if (got != want)
			wrong(t, "read", path, got, want);
		if (got <= 0)
			break;
		sim_copy_out(mine, BUF, (size_t)got);
		for (long i = 0; i < got && !chaos && !disk_faults(); i++)
			if (mine[i] != n->data[at + i])
				sim_fail("files: byte %u of %s is %#x, want %#x", at + (u32)i, path, mine[i], n->data[at + i]);
		at += (u32)got;
	}
}

static void do_write(struct tree *t)
{
	struct place p = pick_place(t);
	long fd;

	if (!p.node || p.node->kind != FILE_NODE)
		return;
	fd = CALL3(open, put_string(PATH1, p.path), O_RDWR, 0);
	if (fd < 0) {
		wrong(t, "open", p.path, fd, 3);
		return;
	}
	write_at(t, p.path, fd, p.node);
	if (maybe(4))
		compare(t, p.path, fd, p.node);
	if (maybe(8)) {
		long err = CALL1(fsync, fd);

		if (err)
			wrong(t, "fsync", p.path, err, 0);
	}
	CALL1(close, fd);
}

static void do_truncate(struct tree *t)
{
	struct place p = pick_place(t);
	u32 size = (u32)pick(FILE_MAX);
	long err;

	if (!p.node || p.node->kind != FILE_NODE)
		return;
	err = CALL2(truncate, put_string(PATH1, p.path), size);
	if (err)
		wrong(t, "truncate", p.path, err, 0);
	if (size < p.node->size)
		memset(p.node->data + size, 0, p.node->size - size);
	p.node->size = size;
}

/* A file that loses its names while it is open keeps its contents until it is closed. */
static void do_hold(struct tree *t)
{
	struct place p;

	if (t->open.node) {
		compare(t, "(an open file)", t->open.fd, t->open.node);
		CALL1(close, t->open.fd);
		if (!t->open.node->links)
			t->open.node->kind = NONE;
		t->open.node = NULL;
		return;
	}
	p = pick_place(t);
	if (!p.node || p.node->kind != FILE_NODE)
		return;
	t->open.fd = (int)CALL3(open, put_string(PATH1, p.path), O_RDWR, 0);
	if (t->open.fd < 0)
		wrong(t, "open", p.path, t->open.fd, 3);
	else
		t->open.node = p.node;
}

static void check_stat(struct tree *t, const char *path, const struct node *n)
{
	long err = CALL2(lstat, put_string(PATH1, path), BUF), links;

	if (err) {
		wrong(t, "lstat", path, err, 0);
		return;
	}
	links = (long)sim_load(BUF + 16, 8);
	if (n->kind == FILE_NODE && links != (long)n->links)
		wrong(t, "link count of", path, links, n->links);
	if (n->kind != DIR_NODE && sim_load(BUF + 48, 8) != n->size)
		wrong(t, "size of", path, (long)sim_load(BUF + 48, 8), n->size);
}

static void check_list(struct tree *t, const char *path, const struct node *dir)
{
	bool seen[NAMES] = { false };
	unsigned dots = 0;
	long fd = CALL3(open, put_string(PATH1, path), O_RDONLY | O_DIRECTORY, 0), n;

	if (fd < 0) {
		wrong(t, "opendir", path, fd, 3);
		return;
	}
	while ((n = CALL3(getdents64, fd, BUF, 100)) > 0) {
		for (long at = 0; at < n;) {
			u32 len = (u32)sim_load(BUF + (u64)at + 16, 2);
			char c = (char)sim_load(BUF + (u64)at + 19, 1), d = (char)sim_load(BUF + (u64)at + 20, 1);

			if (c == '.')
				dots++;
			else if (c != 'n' || d < '0' || d >= (char)('0' + NAMES) || !dir->name[d - '0'] || seen[d - '0'])
				wrong(t, "a strange name in", path, d, 0);
			else
				seen[d - '0'] = true;
			at += len;
			if (len < 20)
				break;
		}
	}
	if (n || dots != 2)
		wrong(t, "getdents64", path, n ? n : (long)dots, 0);
	for (unsigned i = 0; i < NAMES; i++)
		if (dir->name[i] && !seen[i])
			wrong(t, "the listing lacks a name of", path, i, 0);
	CALL1(close, fd);
}

static void check_one(struct tree *t, const char *path, struct node *n)
{
	long got;

	check_stat(t, path, n);
	if (n->kind == FILE_NODE) {
		long fd = CALL3(open, put_string(PATH1, path), O_RDONLY, 0);

		if (fd < 0) {
			wrong(t, "open", path, fd, 3);
			return;
		}
		compare(t, path, fd, n);
		CALL1(close, fd);
	} else if (n->kind == LINK_NODE) {
		got = CALL3(readlink, put_string(PATH1, path), BUF, 200);
		if (got != (long)n->size)
			wrong(t, "readlink", path, got, n->size);
	} else {
		check_list(t, path, n);
	}
}

static void check_tree(struct tree *t)
{
	char path[160];

	for (unsigned i = 0; i < NODES; i++) {
		struct node *dir = &t->node[i];

		if (dir->kind != DIR_NODE)
			continue;
		path_of_dir(t, dir, path, sizeof(path));
		check_list(t, path, dir);
		for (unsigned k = 0; k < NAMES; k++)
			if (dir->name[k]) {
				path_of(t, dir, k, path, sizeof(path));
				check_one(t, path, dir->name[k]);
			}
	}
}

static void do_look(struct tree *t)
{
	struct place p = pick_place(t);

	if (p.node)
		check_one(t, p.path, p.node);
	else if (CALL2(lstat, put_string(PATH1, p.path), BUF) != -ENOENT)
		wrong(t, "lstat", p.path, 0, -ENOENT);
}

static void do_sync(struct tree *t)
{
	if (maybe(4))
		CALL0(sync);
}

static void worker(u64 me)
{
	static void (*const actions[])(struct tree *t) = {
		do_create, do_create, do_create, do_mkdir, do_mkdir, do_symlink, do_link, do_unlink, do_rmdir, do_rename,
		do_rename, do_write, do_write, do_write, do_write, do_truncate, do_hold, do_look, do_look, do_sync,
		do_recycle,
	};
	struct tree *t = &trees[me];

	for (unsigned i = 0; i < ops; i++) {
		actions[pick(ARRAY_LEN(actions))](t);
		if (disk_faults())
			chaos = true;
		if (maybe(16))
			wander();
	}
	if (t->open.node)
		do_hold(t);
	check_tree(t);
}

static void must(long got, const char *what)
{
	if (got && !chaos)
		sim_fail("files: %s: error %ld", what, -got);
}

static void set_up(void)
{
	memset(trees, 0, sizeof(trees));
	for (unsigned i = 0; i < workers; i++) {
		char path[32];

		trees[i].id = i;
		trees[i].root = node_new(&trees[i], DIR_NODE);
		snprintf(path, sizeof(path), BASE "/w%u", i);
		must(CALL2(mkdir, put_string(PATH1, path), 0755), "mkdir");
	}
}

static void check_disk(void)
{
	if (sim_setting("fsck", 0) && disk_check())
		sim_fail("files: e2fsck finds the file system damaged");
}

/* Everything was written back and flushed by the unmount: no power cut may lose a byte of it. */
static void survive_power_cut(void)
{
	if (chaos)
		return;
	check_disk();
	if (sim_setting("power", 1))
		disk_power_cut();
	mount_work(true);
	for (unsigned i = 0; i < workers; i++)
		check_tree(&trees[i]);
	unmount_work();
	check_disk();
}

void work_files(void)
{
	bool on_disk = disk_sectors() && (sim_setting_is("fs", "ext4") || (!sim_setting_is("fs", "tmpfs") && maybe(2)));
	bool faults = on_disk && sim_setting("faults", 1) && maybe(4);

	chaos = false;
	workers = 1 + (unsigned)pick(WORKERS);
	ops = (unsigned)sim_setting("ops", OPS);
	mount_work(on_disk);
	set_up();
	if (faults)
		disk_set_faults(8 + pick(200), maybe(2) ? 8 + pick(200) : 0);
	for (unsigned i = 1; i < workers; i++)
		spawn(worker, i);
	worker(0);
	for (unsigned i = 1; i < workers; i++)
		wait_child(-1, NULL);
	disk_set_faults(0, 0);
	if (disk_faults())
		chaos = true;
	unmount_work();
	if (on_disk)
		survive_power_cut();
}
