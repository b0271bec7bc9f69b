/* SPDX-License-Identifier: BSD-2-Clause */
/* The split virtqueue's shared memory and our side of it (Virtio 1.2 2.7). Private to drivers/virtio. */
#ifndef VIRTIO_RING_H
#define VIRTIO_RING_H

#include <drivers/virtio.h>

#define VIRTQ_DESC_NEXT 1
#define VIRTQ_DESC_WRITE 2
#define VIRTQ_DESC_INDIRECT 4
#define VIRTQ_AVAIL_NO_INTERRUPT 1
#define VIRTQ_USED_NO_NOTIFY 1

struct vring_desc {
	le64 addr;
	le32 len;
	le16 flags;
	le16 next;
};
struct vring_avail {
	le16 flags, idx;
	le16 ring[];			/* behind it: used_event */
};
struct vring_used {
	le16 flags, idx;
	struct {
		le32 id, len;
	} ring[];			/* behind it: avail_event */
};

/* Our own record of a descriptor; the one in shared memory is written and never read. */
struct virtq_shadow {
	u16 next;		/* in its chain, or in the free list */
	u16 count;		/* head: descriptors in the chain; 0: not out */
	u16 table;		/* head: of an indirect chain, else NO_TABLE */
	u32 in_len;		/* head: bytes the device may write */
	void *token;		/* head */
};
/* Chains of several parts lie in tables of their own while there are some, so that one descriptor of the ring holds a frame. */
#define VIRTQ_TABLE_DESCS 24u
#define VIRTQ_TABLES_ORDER 2u
#define VIRTQ_TABLES ((u32)((PAGE_SIZE << VIRTQ_TABLES_ORDER) / (VIRTQ_TABLE_DESCS * sizeof(struct vring_desc))))
struct virtq {
	struct virtio_device *vd;
	u32 index, size;
	struct spinlock lock;		/* LOCK_VIRTQUEUE, interrupts off: everything below */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct virtq_shadow *shadow;
	u16 free_head, nr_free, nr_out;	/* nr_out: chains */
	u16 avail_idx, used_idx;	/* what we wrote / have read */
	u16 told_idx;			/* [a] avail_idx when the device was told last */
	bool has_event_idx, is_irq_on;
	u16 event;			/* what used_event says */
	le16 *used_event, *avail_event;	/* in avail, in used */
	struct vring_desc *tables;	/* NULL: none */
	struct page *table_pages;
	u16 table_next[VIRTQ_TABLES], table_free;
	void (*callback)(struct virtq *q, void *arg);
	void *arg;
	struct page *pages;
	unsigned order;
};

/* NULL without memory. size: power of two up to VIRTQ_SIZE_MAX. */
struct virtq *virtq_create(struct virtio_device *vd, u32 index, u32 size);
void virtq_destroy(struct virtq *q);

#endif
