/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks and partitions in /sys (Linux's Documentation/ABI/stable/sysfs-block): /sys/block, and by number in
 * /sys/dev/block, where lsblk and libblkid look. Made once; disks stay for ever.
 */
#include <kernel/block.h>
#include <lib/format.h>
#include <lib/string.h>
#include "sysfs_local.h"

typedef unsigned long long ull;

static int size_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (ull)((struct block_device *)arg)->sectors);
	return 0;
}

static int ro_show(struct text *t, void *arg)
{
	text_printf(t, "%d\n", ((struct block_device *)arg)->is_read_only);
	return 0;
}

static int dev_show(struct text *t, void *arg)
{
	struct block_device *d = arg;

	text_printf(t, "%u:%u\n", MAJOR(d->dev), MINOR(d->dev));
	return 0;
}

/* Reads, writes, what is under way, flushes; merges and discards there are none. */
static int stat_show(struct text *t, void *arg)
{
	const struct block_stats *s = &((struct block_device *)arg)->stats;

	text_printf(t, "%8llu %8u %8llu %8llu %8llu %8u %8llu %8llu %8llu %8llu %8llu %8u %8u %8u %8u %8llu %8llu\n",
		    (ull)s->ios[0], 0, (ull)s->sectors[0], (ull)(s->ns[0] / NSEC_PER_MSEC), (ull)s->ios[1], 0,
		    (ull)s->sectors[1], (ull)(s->ns[1] / NSEC_PER_MSEC), (ull)s->in_flight,
		    (ull)((s->ns[0] + s->ns[1]) / NSEC_PER_MSEC), (ull)((s->ns[0] + s->ns[1] + s->ns[2]) / NSEC_PER_MSEC), 0, 0, 0, 0,
		    (ull)s->ios[2], (ull)(s->ns[2] / NSEC_PER_MSEC));
	return 0;
}

static int start_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (ull)((struct block_device *)arg)->start);
	return 0;
}

/* Partitions are numbered after the disk's minor. */
static int partition_show(struct text *t, void *arg)
{
	struct block_device *d = arg;

	text_printf(t, "%u\n", MINOR(d->dev) - MINOR(d->whole->dev));
	return 0;
}

static int block_size_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", ((struct block_device *)arg)->logical_block);
	return 0;
}

static int max_kb_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", ((struct block_device *)arg)->max_bytes >> 10);
	return 0;
}

static int cache_show(struct text *t, void *arg)
{
	text_printf(t, ((struct block_device *)arg)->has_write_cache ? "write back\n" : "write through\n");
	return 0;
}

/* No disk here can be taken out, none turns, and requests go to it in the order they come. */
static int zero_show(struct text *t, void *arg)
{
	text_printf(t, "0\n");
	return 0;
}

static int scheduler_show(struct text *t, void *arg)
{
	text_printf(t, "[none]\n");
	return 0;
}

struct disk_file {
	const char *name;
	int (*show)(struct text *t, void *arg);
};
static const struct disk_file of_both[] = {
	{ "size", size_show }, { "ro", ro_show }, { "dev", dev_show }, { "stat", stat_show },
};
static const struct disk_file of_partition[] = { { "start", start_show }, { "partition", partition_show } };
static const struct disk_file of_disk[] = {
	{ "removable", zero_show }, { "queue/rotational", zero_show }, { "queue/logical_block_size", block_size_show },
	{ "queue/physical_block_size", block_size_show }, { "queue/hw_sector_size", block_size_show },
	{ "queue/minimum_io_size", block_size_show }, { "queue/discard_max_bytes", zero_show },
	{ "queue/max_sectors_kb", max_kb_show }, { "queue/write_cache", cache_show }, { "queue/scheduler", scheduler_show },
};

static void path_of(const struct block_device *d, const char *name, char *path, size_t size)
{
	if (d->whole)
		snprintf(path, size, "block/%s/%s%s%s", d->whole->name, d->name, *name ? "/" : "", name);
	else
		snprintf(path, size, "block/%s%s%s", d->name, *name ? "/" : "", name);
}

static void add_files(struct block_device *d, const struct disk_file *files, unsigned n)
{
	char path[80];

	for (unsigned i = 0; i < n; i++) {
		struct virtual_file *f = kzalloc(sizeof(*f), 0);

		if (!f)
			return;
		path_of(d, files[i].name, path, sizeof(path));
		*f = (struct virtual_file){ .path = kstrdup(path, 0), .mode = 0444, .show = files[i].show, .arg = d };
		if (!f->path || sysfs_add(f))
			log_warn("sysfs: %s cannot be shown", path);
	}
}

/* Links' paths and targets are kept by reference, as are files'. */
static void add_link(const struct block_device *d, const char *at, const char *up)
{
	char target[80], rest[64];

	path_of(d, "", rest, sizeof(rest));
	snprintf(target, sizeof(target), "%s/%s", up, rest);

	char *path = kstrdup(at, 0), *to = kstrdup(target, 0);

	if (!path || !to || sysfs_add_link(path, to))
		log_warn("sysfs: %s cannot be shown", at);
}

static int add_disk(struct block_device *d, void *arg)
{
	char at[40];

	add_files(d, of_both, ARRAY_LEN(of_both));
	if (d->whole)
		add_files(d, of_partition, ARRAY_LEN(of_partition));
	else
		add_files(d, of_disk, ARRAY_LEN(of_disk));
	snprintf(at, sizeof(at), "dev/block/%u:%u", MAJOR(d->dev), MINOR(d->dev));
	add_link(d, at, "../..");
	snprintf(at, sizeof(at), "class/block/%s", d->name);
	add_link(d, at, "../..");
	return 0;
}

void sysfs_block_add(void) { block_for_each(add_disk, NULL); }
