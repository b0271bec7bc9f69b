/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks and partitions by name and number: registration, /dev nodes, lookups. */
#include "block_internal.h"
#include <kernel/fs.h>
#include <kernel/log.h>
#include <lib/format.h>
#include <lib/string.h>

#define MINORS 16u		/* per disk: itself and 15 partitions */

static struct list devices = LIST_INIT(devices);
static struct spinlock lock = SPINLOCK_INIT("block-devices", LOCK_MISC);

/* Numbers as Linux gives them; its virtio-blk gets 254 where nothing else asks first. */
static u32 major_of(const char *prefix)
{
	return !strcmp(prefix, "vd") ? 254 : !strcmp(prefix, "sd") ? 8 : 259;
}

/* vda … vdz, vdaa … */
static void name_disk(char *name, size_t size, const char *prefix, u32 index)
{
	if (index < 26)
		snprintf(name, size, "%s%c", prefix, 'a' + (int)index);
	else
		snprintf(name, size, "%s%c%c", prefix, 'a' + (int)(index / 26 - 1) % 26, 'a' + (int)(index % 26));
}

static void publish(struct block_device *dev)
{
	spin_lock(&lock);
	list_push_back(&devices, &dev->link);
	spin_unlock(&lock);
	(void)dev_node_add(dev->name, S_IFBLK | 0660, dev->dev);
}

struct disk_source {
	struct partition_source source;
	struct block_device *dev;
};

static int read_blocks(struct partition_source *s, u64 block, void *buf, u32 count)
{
	struct block_device *dev = container_of(s, struct disk_source, source)->dev;

	return block_rw(dev, BIO_READ, block * (s->block_size >> SECTOR_SHIFT), buf, count * s->block_size);
}

static void add_partition(struct block_device *disk, const struct partition *p)
{
	u32 ratio = disk->logical_block >> SECTOR_SHIFT;
	size_t len = strlen(disk->name);
	bool digit = disk->name[len - 1] >= '0' && disk->name[len - 1] <= '9';
	struct block_device *dev = kzalloc(sizeof(*dev), 0);

	if (!dev)
		return;
	snprintf(dev->name, sizeof(dev->name), "%.10s%s%u", disk->name, digit ? "p" : "", p->number);
	dev->dev = disk->dev + p->number;
	dev->start = p->start * ratio;
	dev->sectors = p->count * ratio;
	dev->whole = disk;
	dev->ops = disk->ops;
	dev->logical_block = disk->logical_block;
	dev->is_read_only = disk->is_read_only;
	strlcpy(dev->partuuid, p->uuid, sizeof(dev->partuuid));
	spin_init(&dev->queue_lock, "block-queue", LOCK_BLOCK_QUEUE);
	list_init(&dev->queue);
	if (blockdev_mapping_create(dev)) {
		kfree(dev);
		return;
	}
	publish(dev);
	log_info("block: %s: %llu KiB", dev->name, (unsigned long long)dev->sectors / 2);
}

static void scan_partitions(struct block_device *disk)
{
	struct disk_source s = {
		{ read_blocks, disk->sectors / (disk->logical_block >> SECTOR_SHIFT), disk->logical_block }, disk,
	};
	struct partition *found = kcalloc(MINORS - 1, sizeof(*found), 0);
	const char *error = NULL;
	int n = found ? partition_scan(&s.source, found, MINORS - 1, &error) : -ENOMEM;

	if (n < 0)
		log_err("block: %s: partition table cannot be read: error %d", disk->name, n);
	if (error)
		log_warn("block: %s: partition table: %s", disk->name, error);
	for (int i = 0; i < n; i++)
		add_partition(disk, &found[i]);
	kfree(found);
}

int block_register(struct block_device *dev, const char *prefix)
{
	struct block_device *other;
	u32 index = 0;
	int err;

	if (!dev->logical_block)
		dev->logical_block = SECTOR_SIZE;
	if (!is_pow2(dev->logical_block) || dev->logical_block < SECTOR_SIZE || dev->logical_block > PAGE_SIZE)
		return -EINVAL;
	spin_lock(&lock);
	list_for_each(other, &devices, link)
		if (!other->whole && str_starts(other->name, prefix))
			index = max(index, other->index + 1);
	spin_unlock(&lock);
	dev->index = index;
	name_disk(dev->name, sizeof(dev->name), prefix, index);
	dev->dev = MKDEV(major_of(prefix), index * MINORS);
	spin_init(&dev->queue_lock, "block-queue", LOCK_BLOCK_QUEUE);
	list_init(&dev->queue);
	err = blockdev_mapping_create(dev);
	if (err)
		return err;
	publish(dev);
	log_info("block: %s: %llu KiB%s, %u-byte blocks%s", dev->name, (unsigned long long)dev->sectors / 2,
		 dev->is_read_only ? ", read-only" : "", dev->logical_block,
		 dev->has_write_cache ? ", write cache" : "");
	scan_partitions(dev);
	return 0;
}

/* The struct may still be pointed to by mounts and open files: it is only made to fail from now on. */
void block_unregister(struct block_device *dev)
{
	struct block_device *d, *next;

	dev->is_broken = true;
	spin_lock(&lock);
	list_for_each_safe(d, next, &devices, link)
		if (d == dev || d->whole == dev)
			list_remove(&d->link);
	spin_unlock(&lock);
	dev_node_remove(dev->name);
	block_run_queue(dev);
}

struct block_device *block_by_name(const char *name)
{
	struct block_device *d, *found = NULL;

	spin_lock(&lock);
	list_for_each(d, &devices, link)
		if (!strcmp(d->name, name))
			found = d;
	spin_unlock(&lock);
	return found;
}

struct block_device *block_by_dev(dev_t dev)
{
	struct block_device *d, *found = NULL;

	spin_lock(&lock);
	list_for_each(d, &devices, link)
		if (d->dev == dev)
			found = d;
	spin_unlock(&lock);
	return found;
}

int block_for_each(int (*fn)(struct block_device *dev, void *arg), void *arg)
{
	struct list *l;
	int r = 0;

	/* Entries are added at the end; one that is removed keeps the caller from going on, no more. */
	for (l = READ_ONCE(devices.next); l != &devices && !r; l = READ_ONCE(l->next)) {
		r = fn(list_entry(l, struct block_device, link), arg);
		if (list_empty(l))
			break;
	}
	return r;
}
