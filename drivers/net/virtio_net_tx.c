/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio network devices, sending, under net_lock: all frames of a connection by one pair, so that they stay in order, and so that a device which
 * learns from it (QEMU's tap) brings the answers back by the same pair. Sent frames are reclaimed when the next is sent, with the
 * interrupt off unless the ring is full.
 */
#include <lib/string.h>
#include <uapi/errno.h>
#include "virtio_net.h"

void vnet_tx_used(struct virtq *q, void *arg)
{
	struct pair *p = arg;

	/* Also called for the receive queue's interrupts: only a full ring waits for this one. */
	if (!READ_ONCE(p->tx_waits))
		return;
	virtq_irq_off(q);
	netdev_schedule(&p->vnet->dev, p->index);
}

static void slot_free(struct pair *p, struct tx_slot *s)
{
	void *token = s->token;

	s->token = NULL;
	s->next_free = p->free;
	p->free = s;
	netdev_sent(token);
}

/* Gives back what the device has sent. */
static void tx_take(struct pair *p)
{
	struct tx_slot *s;
	u32 len;

	while ((s = virtq_take(p->tx, &len)))
		slot_free(p, s);
	if (unlikely(virtio_is_broken(p->vnet->vd)))
		while ((s = virtq_cancel(p->tx)))
			slot_free(p, s);
}

/* The stack is about to send what waited: only here may the wait for room end, or nobody would send it. */
void vnet_reclaim(struct netdev *dev)
{
	struct vnet *v = dev->driver;

	for (u32 i = 0; i < v->nr_pairs; i++) {
		struct pair *p = &v->pairs[i];

		tx_take(p);
		if (p->tx_waits) {
			virtq_irq_off(p->tx);
			WRITE_ONCE(p->tx_waits, false);
		}
	}
}

static void header_make(struct net_header *h, const struct net_frame *f)
{
	memset(h, 0, sizeof(*h));
	if (f->csum_start) {
		h->flags = HDR_NEEDS_CSUM;
		h->csum_start = cpu_to_le16(f->csum_start);
		h->csum_offset = cpu_to_le16(f->csum_offset);
	}
	if (f->gso_size) {
		h->gso_type = f->gso_is_v6 ? GSO_TCPV6 : GSO_TCPV4;
		h->gso_size = cpu_to_le16(f->gso_size);
		h->hdr_len = cpu_to_le16(f->header_len);
	}
}

int __hot vnet_transmit(struct netdev *dev, const struct net_frame *f)
{
	struct vnet *v = dev->driver;
	struct pair *p = &v->pairs[likely(v->nr_pairs == 1) ? 0 : f->flow % v->nr_pairs];
	struct virtq_seg segs[NET_FRAME_SEGMENTS + 1];
	struct tx_slot *s;
	int err;

	if (virtq_room(p->tx) < f->nr + 1 || !p->free)
		tx_take(p);
	s = p->free;
	err = s ? 0 : -EAGAIN;
	if (!err) {
		header_make(&s->header, f);
		segs[0] = (struct virtq_seg){ virt_to_phys(&s->header), v->header_len };
		for (u32 i = 0; i < f->nr; i++)
			segs[i + 1] = (struct virtq_seg){ virt_to_phys(f->seg[i].data), f->seg[i].len };
		err = virtq_add(p->tx, segs, f->nr + 1, 0, s);
	}
	if (err == -EAGAIN) {
		/* Somebody must hear when there is room again; what came back in between is seen at once. */
		WRITE_ONCE(p->tx_waits, true);
		if (virtq_irq_on_later(p->tx))
			netdev_schedule(dev, p->index);
	}
	if (err)
		return err == -EAGAIN ? err : -EIO;
	p->free = s->next_free;
	s->token = f->token;
	p->needs_kick = true;
	atomic_add(&dev->queues[p->index].tx_packets, 1ull);
	atomic_add(&dev->queues[p->index].tx_bytes, (u64)f->bytes);
	return 0;
}

void vnet_flush(struct netdev *dev)
{
	struct vnet *v = dev->driver;

	for (u32 i = 0; i < v->nr_pairs; i++) {
		struct pair *p = &v->pairs[i];

		if (!p->needs_kick)
			continue;
		p->needs_kick = false;
		virtq_kick(p->tx);
		/* What is finished already goes back now: the transport waits for its segments' return before it repeats them. */
		tx_take(p);
	}
}

int vnet_slots_make(struct pair *p)
{
	u32 n = virtq_size(p->tx);

	p->slots = kcalloc(n, sizeof(*p->slots), 0);
	if (!p->slots)
		return -ENOMEM;
	for (u32 i = 0; i < n; i++) {
		p->slots[i].next_free = p->free;
		p->free = &p->slots[i];
	}
	return 0;
}
