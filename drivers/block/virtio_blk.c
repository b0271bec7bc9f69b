/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio block devices (Virtio 1.2 5.2): one queue, one chain per request (header, data, status), ends
 * by interrupt. A write that must be stable (BIO_PREFLUSH, BIO_FUA) goes through its stages flush, data,
 * flush, since virtio has no such flags. A timer looks after requests that never come back: first the ring
 * (a lost interrupt), then the device is broken and everything ends with -EIO.
 *
 * Lock: blk.lock guards slots, waiting list and timer state; the ring has its own; never both.
 */
#include <drivers/virtio.h>
#include <kernel/block.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/time.h>
#include <lib/bits.h>
#include <uapi/errno.h>

#define F_SIZE_MAX 1
#define F_SEG_MAX 2
#define F_RO 5
#define F_BLK_SIZE 6
#define F_FLUSH 9
#define F_CONFIG_WCE 11
#define F_DISCARD 13
#define CONFIG_CAPACITY 0
#define CONFIG_SIZE_MAX 8
#define CONFIG_SEG_MAX 12
#define CONFIG_BLK_SIZE 20
#define CONFIG_DISCARD_MAX 36

#define T_IN 0
#define T_OUT 1
#define T_FLUSH 4
#define T_DISCARD 11
#define S_OK 0
#define S_UNSUPPORTED 2
#define S_UNWRITTEN 0xff

#define QUEUE_SIZE 128u
#define SLOTS 32u
#define SEGMENTS_MAX 62u		/* of data; header and status come on top */
#define SEGMENT_BYTES_MAX (1u << 20)
#define TIMEOUT_NS (20 * NSEC_PER_SEC)
#define WATCH_NS (5 * NSEC_PER_SEC)

/* Read by the device, but for the status. */
struct blk_header {
	le32 type, reserved;
	le64 sector;
	struct {			/* of a discard */
		le64 sector;
		le32 sectors, flags;
	} range;
	u8 status;
} __aligned(64);
enum stage { STAGE_PREFLUSH, STAGE_DATA, STAGE_POSTFLUSH };
/* Ours alone. */
struct slot {
	struct bio *bio;		/* NULL: free */
	enum stage stage;
	u64 since_ns;
	bool is_waiting;		/* has no room in the ring yet */
};
struct blk {
	struct block_device disk;
	struct virtio_device *vd;
	struct virtq *q;
	struct blk_header *headers;	/* [SLOTS], shared with the device */
	struct spinlock lock;		/* LOCK_VIRTQUEUE */
	struct slot slots[SLOTS];
	u64 free;			/* bitmap of free slots */
	bool watching;
	bool has_discard;
	struct timer watch;
	struct virtq_seg segs[SEGMENTS_MAX + 2];	/* under lock, while a chain is made */
};

static u32 type_of(const struct slot *s)
{
	if (s->stage != STAGE_DATA)
		return T_FLUSH;
	switch (s->bio->op) {
	case BIO_READ: return T_IN;
	case BIO_WRITE: return T_OUT;
	case BIO_DISCARD: return T_DISCARD;
	case BIO_FLUSH: break;
	}
	return T_FLUSH;
}

/* Makes the chain of a slot's stage and queues it. Lock held. 0, -EAGAIN, -EIO, -EINVAL. */
static int __hot slot_queue(struct blk *b, u32 n)
{
	struct slot *s = &b->slots[n];
	struct blk_header *h = &b->headers[n];
	paddr_t at = virt_to_phys(h);
	u32 type = type_of(s), nr = 0, data = 0;

	h->type = cpu_to_le32(type);
	h->reserved = cpu_to_le32(0);
	h->sector = cpu_to_le64(type == T_IN || type == T_OUT ? s->bio->sector : 0);
	h->status = S_UNWRITTEN;
	b->segs[nr++] = (struct virtq_seg){ at, offsetof(struct blk_header, range) };
	if (type == T_IN || type == T_OUT) {
		for (; data < s->bio->nr_vec; data++) {
			const struct bio_vec *v = &s->bio->vec[data];

			b->segs[nr++] = (struct virtq_seg){ page_to_phys(v->page) + v->offset, v->len };
		}
	} else if (type == T_DISCARD) {
		b->segs[nr++] = (struct virtq_seg){ at + offsetof(struct blk_header, range), sizeof(h->range) };
	}
	b->segs[nr++] = (struct virtq_seg){ at + offsetof(struct blk_header, status), 1 };
	if (type == T_IN)
		return virtq_add(b->q, b->segs, 1, nr - 1, h);
	return virtq_add(b->q, b->segs, nr - 1, 1, h);
}

static enum stage first_stage(const struct blk *b, const struct bio *bio)
{
	return bio->op == BIO_WRITE && (bio->flags & BIO_PREFLUSH) && b->disk.has_write_cache ?
		STAGE_PREFLUSH : STAGE_DATA;
}

/* Is there another stage after this one went well? */
static bool stage_next(const struct blk *b, struct slot *s)
{
	bool fua = s->bio->op == BIO_WRITE && (s->bio->flags & BIO_FUA) && b->disk.has_write_cache;

	if (s->stage == STAGE_PREFLUSH) {
		s->stage = s->bio->nr_vec ? STAGE_DATA : STAGE_POSTFLUSH;
		return s->bio->nr_vec != 0;
	}
	if (s->stage == STAGE_DATA && fua) {
		s->stage = STAGE_POSTFLUSH;
		return true;
	}
	return false;
}

static void watch_start(struct blk *b)
{
	if (b->watching)
		return;
	b->watching = true;
	timer_arm(&b->watch, time_ns() + WATCH_NS, NSEC_PER_SEC);
}

static bool is_impossible(const struct blk *b, const struct bio *bio)
{
	if (bio->op == BIO_DISCARD)
		return !b->has_discard;
	return bio->nr_vec > b->disk.max_segments || ((bio->op == BIO_READ) && bio->nr_vec == 0);
}

static u32 bio_sectors(const struct bio *bio)
{
	u64 bytes = 0;

	for (u32 i = 0; i < bio->nr_vec; i++)
		bytes += bio->vec[i].len;
	return (u32)(bytes >> SECTOR_SHIFT);
}

/* block_ops.submit */
static int __hot blk_submit(struct block_device *disk, struct bio *bio)
{
	struct blk *b = disk->data;
	unsigned long flags;
	int err = 0;
	u32 n;

	if (virtio_is_broken(b->vd)) {
		bio_end(bio, -EIO);
		return 0;
	}
	if (is_impossible(b, bio)) {
		bio_end(bio, bio->op == BIO_DISCARD ? -EOPNOTSUPP : -EINVAL);
		return 0;
	}
	/* Without a cache to empty a flush is done. */
	if (bio->op == BIO_FLUSH && !disk->has_write_cache) {
		bio_end(bio, 0);
		return 0;
	}
	flags = spin_lock_irqsave(&b->lock);
	if (!b->free) {
		spin_unlock_irqrestore(&b->lock, flags);
		return -EAGAIN;
	}
	n = ctz64(b->free);
	b->slots[n] = (struct slot){ .bio = bio, .stage = first_stage(b, bio), .since_ns = time_ns() };
	if (bio->op == BIO_DISCARD) {
		b->headers[n].range.sector = cpu_to_le64(bio->sector);
		b->headers[n].range.sectors = cpu_to_le32(bio_sectors(bio));
		b->headers[n].range.flags = cpu_to_le32(0);
	}
	err = slot_queue(b, n);
	if (err) {
		b->slots[n].bio = NULL;
	} else {
		b->free &= ~BIT(n);
		watch_start(b);
	}
	spin_unlock_irqrestore(&b->lock, flags);
	if (err == -EAGAIN)
		return err;
	if (err)
		bio_end(bio, -EIO);
	else
		virtq_kick(b->q);
	return 0;
}
static const struct block_ops blk_ops = { .submit = blk_submit };

/* Frees the slot; its bio. */
static struct bio *slot_release(struct blk *b, u32 n)
{
	struct bio *bio = b->slots[n].bio;

	b->slots[n].bio = NULL;
	b->slots[n].is_waiting = false;
	b->free |= BIT(n);
	return bio;
}

/* A chain came back. The bio that is finished with it, and its status; NULL: it has further stages. */
static struct bio *slot_done(struct blk *b, struct blk_header *h, int *status, bool *kick)
{
	u32 n = (u32)(h - b->headers);
	u8 answer = READ_ONCE(h->status);
	unsigned long flags = spin_lock_irqsave(&b->lock);
	struct bio *bio = NULL;
	int err;

	*status = answer == S_OK ? 0 : answer == S_UNSUPPORTED ? -EOPNOTSUPP : -EIO;
	if (*status == 0 && stage_next(b, &b->slots[n])) {
		err = slot_queue(b, n);
		b->slots[n].is_waiting = err == -EAGAIN;
		if (err == 0)
			*kick = true;
		else if (err != -EAGAIN)
			*status = -EIO;
	} else {
		bio = slot_release(b, n);
	}
	if (*status && !bio)
		bio = slot_release(b, n);
	spin_unlock_irqrestore(&b->lock, flags);
	return bio;
}

/* Later stages that found the ring full. */
static bool waiting_queue(struct blk *b)
{
	unsigned long flags = spin_lock_irqsave(&b->lock);
	bool kick = false;

	for (u32 n = 0; n < SLOTS; n++) {
		if (b->slots[n].bio && b->slots[n].is_waiting && slot_queue(b, n) == 0) {
			b->slots[n].is_waiting = false;
			kick = true;
		}
	}
	spin_unlock_irqrestore(&b->lock, flags);
	return kick;
}

/* Everything that is out ends with -EIO. */
static void blk_fail_all(struct blk *b)
{
	unsigned long flags;
	struct bio *bio;

	b->disk.is_broken = true;
	while (virtq_cancel(b->q))
		;
	for (u32 n = 0; n < SLOTS; n++) {
		flags = spin_lock_irqsave(&b->lock);
		bio = b->slots[n].bio ? slot_release(b, n) : NULL;
		spin_unlock_irqrestore(&b->lock, flags);
		if (bio)
			bio_end(bio, -EIO);
	}
	block_run_queue(&b->disk);
}

/* Queue callback, hard interrupt. */
static void __hot blk_used(struct virtq *q, void *arg)
{
	struct blk *b = arg;
	struct blk_header *h;
	bool kick = false;
	unsigned done = 0;
	u32 len;

	while ((h = virtq_take(q, &len)) != NULL) {
		int status;
		struct bio *bio = slot_done(b, h, &status, &kick);

		if (bio) {
			bio_end(bio, status);
			done++;
		}
	}
	if (unlikely(virtio_is_broken(b->vd))) {
		virtio_report_broken(b->vd);
		blk_fail_all(b);
		return;
	}
	if (done && waiting_queue(b))
		kick = true;
	if (kick)
		virtq_kick(q);
	if (done)
		block_run_queue(&b->disk);
}

/* Every few seconds while something is out. */
static void blk_watch(struct timer *t)
{
	struct blk *b = container_of(t, struct blk, watch);
	u64 now = time_ns(), oldest = U64_MAX;
	unsigned long flags;

	blk_used(b->q, b);	/* an interrupt may have been lost */
	flags = spin_lock_irqsave(&b->lock);
	for (u32 n = 0; n < SLOTS; n++)
		if (b->slots[n].bio)
			oldest = min(oldest, b->slots[n].since_ns);
	b->watching = false;
	if (oldest != U64_MAX)
		watch_start(b);
	spin_unlock_irqrestore(&b->lock, flags);
	if (oldest != U64_MAX && now > oldest && now - oldest > TIMEOUT_NS) {
		virtio_break(b->vd, "request not answered in time");
		virtio_report_broken(b->vd);
		blk_fail_all(b);
	}
}

static void blk_limits(struct blk *b)
{
	struct block_device *d = &b->disk;

	d->sectors = virtio_config64(b->vd, CONFIG_CAPACITY);
	d->logical_block = SECTOR_SIZE;
	if (virtio_has(b->vd, F_BLK_SIZE)) {
		u32 size = virtio_config32(b->vd, CONFIG_BLK_SIZE);

		if (is_pow2(size) && size >= SECTOR_SIZE && size <= PAGE_SIZE)
			d->logical_block = size;
	}
	d->max_segments = min(SEGMENTS_MAX, virtq_size(b->q) - 2);
	if (virtio_has(b->vd, F_SEG_MAX))
		d->max_segments = min(d->max_segments, virtio_config32(b->vd, CONFIG_SEG_MAX));
	d->max_segments = max(d->max_segments, 1u);
	d->max_segment_bytes = SEGMENT_BYTES_MAX;
	if (virtio_has(b->vd, F_SIZE_MAX)) {
		u32 size = virtio_config32(b->vd, CONFIG_SIZE_MAX);

		size = max(size, (u32)PAGE_SIZE);
		d->max_segment_bytes = min(size, SEGMENT_BYTES_MAX);
	}
	d->max_bytes = d->max_segments * min(d->max_segment_bytes, (u32)PAGE_SIZE * 16);
	d->is_read_only = virtio_has(b->vd, F_RO);
	d->has_write_cache = virtio_has(b->vd, F_FLUSH);
	b->has_discard = virtio_has(b->vd, F_DISCARD);
}

static int blk_probe(struct device *dev)
{
	struct blk *b = device_state(dev);
	u64 wanted = BIT(F_SIZE_MAX) | BIT(F_SEG_MAX) | BIT(F_RO) | BIT(F_BLK_SIZE) | BIT(F_FLUSH) | BIT(F_DISCARD);
	struct page *page;
	int err;

	b->vd = virtio_of(dev);
	spin_init(&b->lock, "virtio-blk", LOCK_VIRTQUEUE);
	timer_init(&b->watch, blk_watch);
	b->free = BIT(SLOTS) - 1;
	static_assert(sizeof(struct blk_header) * SLOTS <= PAGE_SIZE, "one page of headers");
	page = page_alloc(0, ALLOC_ZERO);
	if (!page)
		return -ENOMEM;
	b->headers = page_to_virt(page);
	err = virtio_begin(b->vd, wanted, 0);
	if (!err)
		err = virtio_queue(b->vd, 0, QUEUE_SIZE, blk_used, b, &b->q);
	if (err) {
		page_put(page);
		return err;
	}
	if (virtq_size(b->q) < 3) {
		virtio_break(b->vd, "queue too small for a request");
		virtio_report_broken(b->vd);
		return -EIO;
	}
	virtq_make_tables(b->q);
	blk_limits(b);
	b->disk.ops = &blk_ops;
	b->disk.data = b;
	virtio_ready(b->vd);
	if (virtio_report_broken(b->vd))
		return -EIO;
	return block_register(&b->disk, "vd");
}

static void blk_quiesce(struct device *dev)
{
	struct blk *b = device_state(dev);

	virtio_break(b->vd, "powered off");
	atomic_store(&b->vd->was_reported, true);
	virtio_reset(b->vd);
}

static const struct driver_match blk_match[] = {
	{ .virtio_id = VIRTIO_ID_BLOCK },
	{},
};
const struct driver driver_virtio_blk = {
	.name = "virtio-blk", .match = blk_match, .bus = BUS_VIRTIO, .state_size = sizeof(struct blk),
	.probe = blk_probe, .quiesce = blk_quiesce, .level = 2,
};
