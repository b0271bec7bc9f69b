/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks and partitions in /sys (Linux's Documentation/ABI/stable/sysfs-block): their directories as
 * class.c makes them, with what lsblk and libblkid read. Made once; disks stay for ever.
 */
#include <kernel/block.h>
#include <kernel/uevent.h>
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
	{ "size", size_show }, { "ro", ro_show }, { "stat", stat_show },
};
static const struct disk_file of_partition[] = { { "start", start_show }, { "partition", partition_show } };
static const struct disk_file of_disk[] = {
	{ "removable", zero_show }, { "queue/rotational", zero_show }, { "queue/logical_block_size", block_size_show },
	{ "queue/physical_block_size", block_size_show }, { "queue/hw_sector_size", block_size_show },
	{ "queue/minimum_io_size", block_size_show }, { "queue/discard_max_bytes", zero_show },
	{ "queue/max_sectors_kb", max_kb_show }, { "queue/write_cache", cache_show }, { "queue/scheduler", scheduler_show },
};

static void add_files(const struct sysfs_device *s, struct block_device *d, const struct disk_file *files, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sysfs_device_file(s, files[i].name, 0444, files[i].show, NULL, d);
}

/* Disks come before their partitions. */
static int add_disk(struct block_device *d, void *arg)
{
	struct sysfs_device like = {
		.class = "block", .name = d->name, .dev = d->dev, .type = d->whole ? "partition" : "disk",
		.partition = d->whole ? MINOR(d->dev) - MINOR(d->whole->dev) : 0,
	};
	const struct sysfs_device *s;
	char under[48];

	if (d->whole)
		snprintf(under, sizeof(under), "devices/virtual/block/%s", d->whole->name);
	s = sysfs_device_add(&like, d->whole ? under : NULL);
	if (!s) {
		log_warn("sysfs: no room for %s", d->name);
		return 0;
	}
	add_files(s, d, of_both, ARRAY_LEN(of_both));
	if (d->whole)
		add_files(s, d, of_partition, ARRAY_LEN(of_partition));
	else
		add_files(s, d, of_disk, ARRAY_LEN(of_disk));
	return 0;
}

void sysfs_block_add(void) { block_for_each(add_disk, NULL); }
