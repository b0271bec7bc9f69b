/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bios: made, checked, handed to the driver or queued while its ring is full, and ended. The queue lock is
 * held while the driver takes a bio, so a completion that makes room cannot slip between "full" and queueing.
 */
#include "block_internal.h"
#include <kernel/thread.h>
#include <kernel/time.h>
#include <kernel/pressure.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <uapi/errno.h>

static struct block_device *disk_of(struct block_device *dev) { return dev->whole ? dev->whole : dev; }

struct bio *bio_alloc(struct block_device *dev, enum bio_op op, u32 max_vec, u32 alloc_flags)
{
	u32 extra = max_vec > ARRAY_LEN(((struct bio *)0)->inline_vec) ? max_vec : 0;
	struct bio *bio = kzalloc(sizeof(*bio) + extra * sizeof(struct bio_vec), alloc_flags);

	if (!bio)
		return NULL;
	bio->dev = dev;
	bio->op = op;
	bio->vec = extra ? (struct bio_vec *)(bio + 1) : bio->inline_vec;
	bio->max_vec = extra ? extra : (u32)ARRAY_LEN(bio->inline_vec);
	bio->group = current->group;
	list_init(&bio->link);
	return bio;
}

void bio_free(struct bio *bio) { kfree(bio); }

static u64 bio_bytes(const struct bio *bio)
{
	u64 n = 0;

	for (u32 i = 0; i < bio->nr_vec; i++)
		n += bio->vec[i].len;
	return n;
}

bool bio_add(struct bio *bio, struct page *page, u32 len, u32 offset)
{
	struct block_device *disk = disk_of(bio->dev);

	if (bio->nr_vec == bio->max_vec || (disk->max_segments && bio->nr_vec >= disk->max_segments))
		return false;
	if (disk->max_segment_bytes && len > disk->max_segment_bytes)
		return false;
	if (disk->max_bytes && bio_bytes(bio) + len > disk->max_bytes)
		return false;
	bio->vec[bio->nr_vec++] = (struct bio_vec){ page, offset, len };
	return true;
}

static unsigned stat_of(const struct bio *bio) { return bio->op == BIO_READ ? 0 : bio->op == BIO_FLUSH ? 2 : 1; }

static void account(struct block_device *dev, const struct bio *bio, u64 bytes, u64 now)
{
	unsigned s = stat_of(bio);

	atomic_add(&dev->stats.ios[s], 1ull);
	atomic_add(&dev->stats.sectors[s], bytes >> SECTOR_SHIFT);
	atomic_add(&dev->stats.ns[s], now - bio->start_ns);
	atomic_sub(&dev->stats.in_flight, 1ull);
}

void bio_end(struct bio *bio, int status)
{
	u64 now = time_ns(), bytes = bio_bytes(bio);

	bio->status = status;
	account(bio->dev, bio, bytes, now);
	if (bio->dev->whole)
		account(bio->dev->whole, bio, bytes, now);
	bio->end(bio);
}

/* Hands waiting bios to the driver until it is full. Bios it refuses are collected for ending without the lock. */
static void run_locked(struct block_device *disk, struct list *failed)
{
	struct bio *bio;
	int err;

	while ((bio = list_first(&disk->queue, struct bio, link))) {
		list_remove(&bio->link);
		err = disk->is_broken ? -EIO : disk->ops->submit(disk, bio);
		if (err == -EAGAIN) {
			list_push_front(&disk->queue, &bio->link);
			return;
		}
		if (err) {
			bio->status = err;
			list_push_back(failed, &bio->link);
		}
	}
}

void block_run_queue(struct block_device *dev)
{
	struct block_device *disk = disk_of(dev);
	struct list failed;
	struct bio *bio;
	unsigned long flags;

	list_init(&failed);
	flags = spin_lock_irqsave(&disk->queue_lock);
	run_locked(disk, &failed);
	spin_unlock_irqrestore(&disk->queue_lock, flags);
	while ((bio = list_first(&failed, struct bio, link))) {
		list_remove(&bio->link);
		bio_end(bio, bio->status);
	}
}

static int check(const struct bio *bio, u64 bytes)
{
	struct block_device *dev = bio->dev, *disk = disk_of(dev);

	if (disk->is_broken || dev->is_broken)
		return -EIO;
	if (bio->op != BIO_READ && bio->op != BIO_FLUSH && (dev->is_read_only || disk->is_read_only))
		return -EROFS;
	if (bytes & (disk->logical_block - 1) || (bio->op != BIO_FLUSH && !bytes))
		return -EINVAL;
	if (bio->sector & ((disk->logical_block >> SECTOR_SHIFT) - 1))
		return -EINVAL;
	if (bio->sector > dev->sectors || bytes >> SECTOR_SHIFT > dev->sectors - bio->sector)
		return -EIO;
	return 0;
}

void bio_submit(struct bio *bio)
{
	struct block_device *dev = bio->dev, *disk = disk_of(dev);
	u64 bytes = bio_bytes(bio);
	unsigned long flags;
	int err;

	bio->start_ns = time_ns();
	atomic_add(&dev->stats.in_flight, 1ull);
	if (dev->whole)
		atomic_add(&disk->stats.in_flight, 1ull);
	err = check(bio, bytes);
	if (err || (bio->op == BIO_FLUSH && !disk->has_write_cache)) {
		bio_end(bio, err);
		return;
	}
	if (dev->whole && bio->op != BIO_FLUSH)
		bio->sector += dev->start;
	flags = spin_lock_irqsave(&disk->queue_lock);
	list_push_back(&disk->queue, &bio->link);
	spin_unlock_irqrestore(&disk->queue_lock, flags);
	block_run_queue(disk);
}

static void wake_waiter(struct bio *bio) { completion_signal(bio->private); }

int bio_submit_wait(struct bio *bio)
{
	struct memory_stall stall;
	struct completion done;

	completion_init(&done);
	bio->private = &done;
	bio->end = wake_waiter;
	bio->flags |= BIO_SYNC;
	bio_submit(bio);
	io_stall_begin(&stall);
	completion_wait(&done);
	io_stall_end(&stall);
	return bio->status;
}

int block_flush(struct block_device *dev)
{
	struct bio *bio;
	int err;

	if (!disk_of(dev)->has_write_cache)
		return 0;
	bio = bio_alloc(dev, BIO_FLUSH, 0, 0);
	if (!bio)
		return -ENOMEM;
	err = bio_submit_wait(bio);
	bio_free(bio);
	return err;
}

int block_rw(struct block_device *dev, enum bio_op op, sector_t sector, void *buf, u32 len_bytes)
{
	struct block_device *disk = disk_of(dev);
	u32 step = 128 * 1024;
	int err = 0;

	if (disk->max_segment_bytes)
		step = min(step, disk->max_segment_bytes);
	if (disk->max_bytes)
		step = min(step, disk->max_bytes);
	while (len_bytes && !err) {
		u32 n = min(len_bytes, step), off = (u32)((uintptr_t)buf & ~PAGE_MASK);
		struct bio *bio = bio_alloc(dev, op, 1, 0);

		if (!bio)
			return -ENOMEM;
		bio->sector = sector;
		if (!bio_add(bio, virt_to_page((char *)buf - off), n, off))
			err = -EINVAL;
		if (!err)
			err = bio_submit_wait(bio);
		bio_free(bio);
		buf = (char *)buf + n;
		sector += n >> SECTOR_SHIFT;
		len_bytes -= n;
	}
	return err;
}
