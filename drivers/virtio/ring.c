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
#define NO_TABLE 0xffff

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
	q->has_event_idx = virtio_has(vd, VIRTIO_F_RING_EVENT_IDX);
	q->used_event = &q->avail->ring[size];
	q->avail_event = (le16 *)&q->used->ring[size];
	q->is_irq_on = true;
	q->table_free = NO_TABLE;
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
	if (q->table_pages)
		page_free(q->table_pages, VIRTQ_TABLES_ORDER);
	kfree(q->shadow);
	kfree(q);
}

void virtq_make_tables(struct virtq *q)
{
	if (!virtio_has(q->vd, VIRTIO_F_RING_INDIRECT))
		return;
	q->table_pages = page_alloc(VIRTQ_TABLES_ORDER, 0);
	if (!q->table_pages)
		return;
	q->tables = page_to_virt(q->table_pages);
	for (u32 i = 0; i < VIRTQ_TABLES; i++)
		q->table_next[i] = (u16)(i + 1 < VIRTQ_TABLES ? i + 1 : NO_TABLE);
	q->table_free = 0;
}

static void desc_write(struct vring_desc *d, const struct virtq_seg *seg, u32 flags, u32 next)
{
	d->addr = cpu_to_le64(seg->addr);
	d->len = cpu_to_le32(seg->len);
	d->flags = cpu_to_le16((u16)flags);
	d->next = cpu_to_le16((u16)next);
}

/* Fills the descriptors of a chain from the free list; the caller checked that there are enough. */
static u16 chain_write(struct virtq *q, const struct virtq_seg *segs, u32 nr_out, u32 nr)
{
	u16 head = q->free_head, at = head;

	for (u32 i = 0; i < nr; i++) {
		u16 next = q->shadow[at].next;
		bool more = i + 1 < nr;

		desc_write(&q->desc[at], &segs[i], (more ? VIRTQ_DESC_NEXT : 0) | (i >= nr_out ? VIRTQ_DESC_WRITE : 0), more ? next : 0);
		at = next;
	}
	q->free_head = at;
	q->nr_free = (u16)(q->nr_free - nr);
	q->shadow[head].count = (u16)nr;
	q->shadow[head].table = NO_TABLE;
	return head;
}

/* The chain in a table, one descriptor that shows it (2.7.5.3). */
static u16 table_write(struct virtq *q, const struct virtq_seg *segs, u32 nr_out, u32 nr)
{
	u16 head = q->free_head, table = q->table_free;
	struct vring_desc *d = &q->tables[table * VIRTQ_TABLE_DESCS];
	struct virtq_seg whole = { virt_to_phys(d), nr * (u32)sizeof(*d) };

	for (u32 i = 0; i < nr; i++) {
		bool more = i + 1 < nr;

		desc_write(&d[i], &segs[i], (more ? VIRTQ_DESC_NEXT : 0) | (i >= nr_out ? VIRTQ_DESC_WRITE : 0), more ? i + 1 : 0);
	}
	desc_write(&q->desc[head], &whole, VIRTQ_DESC_INDIRECT, 0);
	q->table_free = q->table_next[table];
	q->free_head = q->shadow[head].next;
	q->nr_free--;
	q->shadow[head].count = 1;
	q->shadow[head].table = table;
	return head;
}

static void chain_free(struct virtq *q, u16 head)
{
	u16 last = head;

	for (u32 i = 1; i < q->shadow[head].count; i++)
		last = q->shadow[last].next;
	if (q->shadow[head].table != NO_TABLE) {
		q->table_next[q->shadow[head].table] = q->table_free;
		q->table_free = q->shadow[head].table;
	}
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
	bool in_table;
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
	in_table = nr > 1 && nr <= VIRTQ_TABLE_DESCS && q->table_free != NO_TABLE;
	if (virtio_is_broken(q->vd) || (in_table ? 1 : nr) > q->nr_free) {
		spin_unlock_irqrestore(&q->lock, flags);
		return virtio_is_broken(q->vd) ? -EIO : -EAGAIN;
	}
	head = in_table ? table_write(q, segs, nr_out, nr) : chain_write(q, segs, nr_out, nr);
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

/* Whether the step of an index from `from` to `to` passes what the other side waits for (2.7.7.2). */
static bool passes(u16 event, u16 from, u16 to)
{
	return (u16)(to - event - 1) < (u16)(to - from);
}

void __hot virtq_kick(struct virtq *q)
{
	dma_mb();	/* our index before its flags or event; pairs with the device's setting them, then looking again */
	if (q->has_event_idx) {
		/* Of two that tell at once one may tell too often, never too rarely: what is told begins where it was told last. */
		u16 now = READ_ONCE(q->avail_idx), before = atomic_xchg(&q->told_idx, now);

		if (passes(le16_to_cpu(READ_ONCE(*q->avail_event)), before, now))
			q->vd->transport->notify(q->vd, q);
	} else if (!(le16_to_cpu(READ_ONCE(q->used->flags)) & VIRTQ_USED_NO_NOTIFY)) {
		q->vd->transport->notify(q->vd, q);
	}
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
	if (q->has_event_idx && q->is_irq_on && (s16)(q->used_idx - q->event) > 0) {
		q->event = q->used_idx;
		WRITE_ONCE(*q->used_event, cpu_to_le16(q->event));
		dma_mb();	/* the event before the next look at the index; pairs with the device's index, then its look at it */
	}
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

/*
 * With event indices nothing switches interrupts off; an event that lies behind is not reached before the index has gone
 * round, so one needless interrupt in 65,536 buffers comes.
 */
static void irq_set(struct virtq *q, bool on, u16 event)
{
	q->is_irq_on = on;
	q->event = event;
	if (q->has_event_idx)
		WRITE_ONCE(*q->used_event, cpu_to_le16(event));
	else
		WRITE_ONCE(q->avail->flags, cpu_to_le16(on ? 0 : VIRTQ_AVAIL_NO_INTERRUPT));
}

void virtq_irq_off(struct virtq *q)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	irq_set(q, false, (u16)(q->used_idx - 1));
	spin_unlock_irqrestore(&q->lock, flags);
}

/* Interrupts on: when `ahead` more buffers come back than were taken. True: they have already. */
static bool irq_on_ahead(struct virtq *q, u16 ahead)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	bool came;

	irq_set(q, true, (u16)(q->used_idx + ahead));
	dma_mb();	/* the flag or event before the index; pairs with the device's index, then its look at them */
	came = (u16)(le16_to_cpu(READ_ONCE(q->used->idx)) - q->used_idx) > ahead;
	spin_unlock_irqrestore(&q->lock, flags);
	return came;
}

bool virtq_irq_on(struct virtq *q) { return irq_on_ahead(q, 0); }

bool virtq_irq_on_later(struct virtq *q)
{
	return irq_on_ahead(q, q->has_event_idx ? (u16)(READ_ONCE(q->nr_out) / 2) : 0);
}

u32 virtq_size(const struct virtq *q) { return q->size; }
u32 virtq_room(struct virtq *q) { return READ_ONCE(q->nr_free); }
bool virtq_has_used(const struct virtq *q) { return le16_to_cpu(READ_ONCE(q->used->idx)) != READ_ONCE(q->used_idx); }
u32 virtq_index(const struct virtq *q) { return q->index; }
struct virtio_device *virtq_device(const struct virtq *q) { return q->vd; }
paddr_t virtq_desc(const struct virtq *q) { return virt_to_phys(q->desc); }
paddr_t virtq_avail(const struct virtq *q) { return virt_to_phys(q->avail); }
paddr_t virtq_used(const struct virtq *q) { return virt_to_phys(q->used); }
