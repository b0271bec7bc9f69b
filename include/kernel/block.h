/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block devices: bios go down, completion comes up once through bio->end in interrupt context.
 * The queue (merging, plugging, accounting) lies in kernel/block/; drivers see requests as bios.
 */
#ifndef KERNEL_BLOCK_H
#define KERNEL_BLOCK_H

#include <kernel/group.h>
#include <kernel/mm.h>

#define SECTOR_SIZE 512u
#define SECTOR_SHIFT 9

enum bio_op { BIO_READ, BIO_WRITE, BIO_FLUSH, BIO_DISCARD };
#define BIO_FUA BIT(0)		/* on stable storage before completion */
#define BIO_PREFLUSH BIT(1)
#define BIO_SYNC BIT(2)		/* somebody waits */

struct block_device;

struct bio_vec {
	struct page *page;	/* head frames are contiguous; a segment may span several */
	u32 offset, len;	/* bytes, multiples of 512 */
};
struct bio {
	struct block_device *dev;
	enum bio_op op;
	u32 flags;
	sector_t sector;
	struct bio_vec *vec;
	struct bio_vec inline_vec[4];	/* vec may point here */
	u32 nr_vec;
	u32 max_vec;
	int status;			/* 0 or -EIO, -ENOSPC, -ETIMEDOUT, set before end */
	void (*end)(struct bio *bio);	/* once; hard interrupt or submitter's context */
	void *private;
	struct group *group;		/* charged */
	u64 start_ns;
	struct list link;		/* driver / queue */
	void *driver_data;
};

struct block_ops {
	/*
	 * Takes the bio and ends it later (never from within: the queue's lock is held, interrupts are off).
	 * -EAGAIN: ring full, the queue calls again after block_run_queue. Other errors end the bio.
	 */
	int (*submit)(struct block_device *dev, struct bio *bio);
};
struct block_stats {
	u64 ios[3], sectors[3], ns[3], in_flight;	/* read, write, flush */
};
struct block_device {
	struct list link;
	char name[16];			/* vda, vda1 */
	dev_t dev;
	sector_t start;			/* partition offset in whole */
	sector_t sectors;
	struct block_device *whole;	/* partitions; NULL: whole disk */
	const struct block_ops *ops;
	void *data;			/* driver's */
	u32 logical_block;		/* bytes, 512..4096 */
	u32 max_segments, max_segment_bytes, max_bytes;
	bool is_read_only, has_write_cache, is_broken;
	struct spinlock queue_lock;	/* irq */
	struct list queue;		/* bios that wait for room */
	struct page_mapping *mapping;	/* the device's page cache: /dev/vda and file-system metadata */
	u32 openers;			/* [a] */
	u32 index;			/* of the disk among those of its prefix */
	char partuuid[40];		/* text of GPT's unique GUID, or MBR signature-number; "" */
	struct block_stats stats;
};

/* Gives the device a name (prefix + letter), number and /dev node; reads the partition table (MBR, GPT). Sleeps. */
int block_register(struct block_device *dev, const char *prefix);
void block_unregister(struct block_device *dev);	/* after this all bios end with -EIO */
struct block_device *block_by_name(const char *name);	/* "vda1"; NULL */
struct block_device *block_by_dev(dev_t dev);
/* LABEL=, UUID=, PARTUUID=, /dev/NAME, MAJ:MIN. NULL: none. */
struct block_device *block_by_spec(const char *spec);

struct bio *bio_alloc(struct block_device *dev, enum bio_op op, u32 max_vec, u32 alloc_flags);
void bio_free(struct bio *bio);
/* Adds a segment; false when it does not fit (full, or over the device's limits). */
bool bio_add(struct bio *bio, struct page *page, u32 len, u32 offset);
void bio_submit(struct bio *bio);		/* ends with -EIO at once if out of range or read-only */
int bio_submit_wait(struct bio *bio);		/* submits, sleeps, returns status; does not free */
void bio_end(struct bio *bio, int status);	/* drivers: exactly once */
void block_run_queue(struct block_device *dev);	/* drivers: room again */
/* Walks all disks and partitions; fn may sleep. Stops when it returns nonzero and returns that. */
int block_for_each(int (*fn)(struct block_device *dev, void *arg), void *arg);
/* Bytes of a page of the device's cache were changed (off, len within it): their sectors are to be written back. */
void block_page_dirty(struct page *page, u32 off, u32 len);
/* The opposite: they are somebody else's now and are not written any more, not even by a write in flight. Sleeps. */
void block_page_forget(struct page *page, u32 off, u32 len);
int block_flush(struct block_device *dev);	/* waits */
/* Whole sectors, kernel buffer in the linear map, waits. */
int block_rw(struct block_device *dev, enum bio_op op, sector_t sector, void *buf, u32 len_bytes);

#endif
