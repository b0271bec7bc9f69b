/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The debug file system, for /sys/kernel/debug: registered names as in sysfs. It has extfrag: how much the free memory of each
 * zone is broken up, worded as Linux does (Documentation/admin-guide/sysctl/vm, extfrag_threshold).
 */
#include <kernel/mm.h>
#include "sysfs_local.h"

#define DEBUGFS_MAGIC 0x64626720

static struct virtual_tree debugfs_tree;

/* Free blocks of any size, and those of 2^order pages that the free ones of at least that size hold. */
struct free_blocks {
	u64 blocks, pages, suitable;
};

static struct free_blocks count_free(const struct zone_info *z, unsigned order)
{
	struct free_blocks f = { 0 };

	for (unsigned o = 0; o <= PAGE_ORDER_MAX; o++) {
		f.blocks += z->blocks[o];
		f.pages += z->blocks[o] << o;
		if (o >= order)
			f.suitable += z->blocks[o] << (o - order);
	}
	return f;
}

/* For what part of the free memory, in thousandths, a request of that order cannot use. */
static s64 unusable(const struct zone_info *z, unsigned order)
{
	struct free_blocks f = count_free(z, order);

	return f.pages ? (s64)((f.pages - (f.suitable << order)) * 1000 / f.pages) : 1000;
}

/* Why a request would fail: near 0 for want of memory, near 1000 because it is broken up; -1000: it would not. */
static s64 fragmentation(const struct zone_info *z, unsigned order)
{
	struct free_blocks f = count_free(z, order);

	if (!f.blocks)
		return 0;
	if (f.suitable)
		return -1000;
	return 1000 - (s64)((1000 + f.pages * 1000 / (1ull << order)) / f.blocks);
}

static void show_index(struct text *t, s64 (*index)(const struct zone_info *z, unsigned order))
{
	struct zone_info z;

	for (unsigned i = 0; zone_info_get(i, &z); i++) {
		if (!z.present)
			continue;
		text_printf(t, "Node 0, zone %8s ", z.name);
		for (unsigned o = 0; o <= PAGE_ORDER_MAX; o++) {
			s64 v = index(&z, o);
			u64 size = (u64)(v < 0 ? -v : v);

			text_printf(t, "%s%llu.%03llu ", v < 0 ? "-" : "", (unsigned long long)(size / 1000),
				    (unsigned long long)(size % 1000));
		}
		text_append(t, "\n", 1);
	}
}

static int unusable_show(struct text *t, void *arg)
{
	show_index(t, unusable);
	return 0;
}

static int extfrag_show(struct text *t, void *arg)
{
	show_index(t, fragmentation);
	return 0;
}

static const struct virtual_file files[] = {
	{ "extfrag/unusable_index", 0444, unusable_show, NULL, NULL },
	{ "extfrag/extfrag_index", 0444, extfrag_show, NULL, NULL },
};

static int debugfs_mount(struct super_block *sb, const char *data)
{
	int err = virtual_mount(sb, &debugfs_tree, NULL, NULL, DEBUGFS_MAGIC);

	if (!err)
		sb->root->inode->mode = S_IFDIR | 0700;		/* root's alone, as Linux's */
	return err;
}

static struct file_system debug_file_system = {
	.name = "debugfs", .flags = FS_VIRTUAL | FS_SINGLE, .mount = debugfs_mount,
};

void debugfs_init(void)
{
	fs_register(&debug_file_system);
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (virtual_tree_add(&debugfs_tree, files[i].path, &files[i], NULL))
			log_warn("debugfs: %s cannot be shown", files[i].path);
	if (sysfs_add_link("kernel/debug", NULL))	/* the place to mount it */
		log_warn("debugfs: no /sys/kernel/debug");
}
