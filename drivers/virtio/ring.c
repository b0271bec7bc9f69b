/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues (Virtio 1.2 2.7). Everything the driver needs to know it keeps in the shadow; from
 * shared memory it reads only the used ring's flags, index and elements, each once, and checks them:
 * an index that runs ahead of what is out, an id that is out of range or not out, or more bytes than
 * were posted make the device broken.
 */
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <lib/bits.h>
#include <uapi/errno.h>

#include "ring.h"

#define NO_DESC 0xffff

static size_t used_offset(u32 size)
{
	return align_up(sizeof(struct vring_desc) * size + sizeof(struct vring_avail) + sizeof(le16) * (size + 1ul),
			(size_t)VIRTQ_ALIGN);
}

static size_t ring_bytes(u32 size)
{
	return used_offset(size) + sizeof(struct vring_used) + 8ul * size + sizeof(le16);
}

struct virtq *virtq_create(struct virtio_device *vd, u32 index, u32 size)
{
	struct virtq *q = kzalloc(sizeof(*q), 0);
	u8 *mem;

	if (!q)
		return NULL;
	q->order = log2_ceil(div_round_up(ring_bytes(size), PAGE_SIZE));
	q->shadow = kcalloc(size, sizeof(*q->shadow), 0);
	q->pages = page_alloc(q->order, ALLOC_ZERO);
	if (!q->shadow || !q->pages) {
		virtq_destroy(q);
		return NULL;
	}
	mem = page_to_virt(q->pages);
	q->vd = vd;
	q->index = index;
	q->size = size;
	q->desc = (struct vring_desc *)mem;
	q->avail = (struct vring_avail *)(mem + sizeof(struct vring_desc) * size);
	q->used = (struct vring_used *)(mem + used_offset(size));
	spin_init(&q->lock, "virtqueue", LOCK_VIRTQUEUE);
	for (u32 i = 0; i < size; i++)
		q->shadow[i].next = (u16)(i + 1 < size ? i + 1 : NO_DESC);
	q->nr_free = (u16)size;
	return q;
}

void virtq_destroy(struct virtq *q)
{
	if (q->pages)
		page_free(q->pages, q->order);
	kfree(q->shadow);
	kfree(q);
}

/* Fills the descriptors of a chain from the free list; the caller checked that there are enough. */
static u16 chain_write(struct virtq *q, const struct virtq_seg *segs, u32 nr_out, u32 nr)
{
	u16 head = q->free_head, at = head;

	for (u32 i = 0; i < nr; i++) {
		struct vring_desc *d = &q->desc[at];
		u16 next = q->shadow[at].next;

		d->addr = cpu_to_le64(segs[i].addr);
		d->len = cpu_to_le32(segs[i].len);
		d->flags = cpu_to_le16((u16)((i + 1 < nr ? VIRTQ_DESC_NEXT : 0) | (i >= nr_out ? VIRTQ_DESC_WRITE : 0)));
		d->next = cpu_to_le16(i + 1 < nr ? next : 0);
		at = next;
	}
	q->free_head = at;
	q->nr_free = (u16)(q->nr_free - nr);
	return head;
}

static void chain_free(struct virtq *q, u16 head)
{
	u16 last = head;

	for (u32 i = 1; i < q->shadow[head].count; i++)
		last = q->shadow[last].next;
	q->shadow[last].next = q->free_head;
	q->free_head = head;
	q->nr_free = (u16)(q->nr_free + q->shadow[head].count);
	q->shadow[head].count = 0;
	q->nr_out--;
}

int __hot virtq_add(struct virtq *q, const struct virtq_seg *segs, u32 nr_out, u32 nr_in, void *token)
{
	u32 nr = nr_out + nr_in, in_len = 0;
	unsigned long flags;
	u16 head;

	if (nr == 0 || nr > q->size || !token)
		return -EINVAL;
	for (u32 i = 0; i < nr; i++) {
		if (segs[i].len == 0)
			return -EINVAL;
		if (i >= nr_out)
			in_len += segs[i].len;
	}
	flags = spin_lock_irqsave(&q->lock);
	if (virtio_is_broken(q->vd) || nr > q->nr_free) {
		spin_unlock_irqrestore(&q->lock, flags);
		return virtio_is_broken(q->vd) ? -EIO : -EAGAIN;
	}
	head = chain_write(q, segs, nr_out, nr);
	q->shadow[head].count = (u16)nr;
	q->shadow[head].in_len = in_len;
	q->shadow[head].token = token;
	q->nr_out++;
	q->avail->ring[q->avail_idx & (q->size - 1)] = cpu_to_le16(head);
	dma_wmb();	/* descriptors and slot before the index; pairs with the device's read */
	q->avail_idx++;
	WRITE_ONCE(q->avail->idx, cpu_to_le16(q->avail_idx));
	spin_unlock_irqrestore(&q->lock, flags);
	return 0;
}

void __hot virtq_kick(struct virtq *q)
{
	dma_mb();	/* our index before its flags; pairs with the device's clearing them, then looking again */
	if (!(le16_to_cpu(READ_ONCE(q->used->flags)) & VIRTQ_USED_NO_NOTIFY))
		q->vd->transport->notify(q->vd, q);
}

/* Lock held. The head of the next finished chain, or NO_DESC. */
static u16 used_next(struct virtq *q, u32 *len)
{
	u16 idx = le16_to_cpu(READ_ONCE(q->used->idx));
	u16 ready = (u16)(idx - q->used_idx);
	u32 id, n;

	if (ready == 0)
		return NO_DESC;
	if (ready > q->nr_out) {
		virtio_break(q->vd, "used index runs ahead");
		return NO_DESC;
	}
	dma_rmb();	/* the element after the index; pairs with the device's write */
	id = le32_to_cpu(READ_ONCE(q->used->ring[q->used_idx & (q->size - 1)].id));
	n = le32_to_cpu(READ_ONCE(q->used->ring[q->used_idx & (q->size - 1)].len));
	if (id >= q->size || q->shadow[id].count == 0) {
		virtio_break(q->vd, "used id that is not out");
		return NO_DESC;
	}
	if (n > q->shadow[id].in_len) {
		virtio_break(q->vd, "more bytes used than posted");
		return NO_DESC;
	}
	q->used_idx++;
	*len = n;
	return (u16)id;
}

void *__hot virtq_take(struct virtq *q, u32 *len)
{
	unsigned long flags;
	void *token = NULL;
	u16 head;

	flags = spin_lock_irqsave(&q->lock);
	head = virtio_is_broken(q->vd) ? NO_DESC : used_next(q, len);
	if (head != NO_DESC) {
		token = q->shadow[head].token;
		chain_free(q, head);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	return token;
}

void *virtq_cancel(struct virtq *q)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	void *token = NULL;

	for (u32 i = 0; i < q->size && q->nr_out && !token; i++) {
		if (q->shadow[i].count) {
			token = q->shadow[i].token;
			chain_free(q, (u16)i);
		}
	}
	spin_unlock_irqrestore(&q->lock, flags);
	return token;
}

static void avail_flags_set(struct virtq *q, u16 v)
{
	q->avail_flags = v;
	WRITE_ONCE(q->avail->flags, cpu_to_le16(v));
}

void virtq_irq_off(struct virtq *q)
{
	avail_flags_set(q, VIRTQ_AVAIL_NO_INTERRUPT);
}

bool virtq_irq_on(struct virtq *q)
{
	avail_flags_set(q, 0);
	dma_mb();	/* the flag before the index; pairs with the device's index, then its look at the flag */
	return le16_to_cpu(READ_ONCE(q->used->idx)) != q->used_idx;
}

u32 virtq_size(const struct virtq *q) { return q->size; }
u32 virtq_room(struct virtq *q) { return READ_ONCE(q->nr_free); }
u32 virtq_index(const struct virtq *q) { return q->index; }
struct virtio_device *virtq_device(const struct virtq *q) { return q->vd; }
paddr_t virtq_desc(const struct virtq *q) { return virt_to_phys(q->desc); }
paddr_t virtq_avail(const struct virtq *q) { return virt_to_phys(q->avail); }
paddr_t virtq_used(const struct virtq *q) { return virt_to_phys(q->used); }
