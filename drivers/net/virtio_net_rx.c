/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio network devices, receiving: buffers for each pair's ring, frames out of it, in one thread per pair (virtio_net.h). A length or count
 * that does not fit drops the frame or, in the ring layer, marks the device broken.
 */
#include <lib/string.h>
#include "virtio_net.h"

#define COPY_MAX 256u			/* a frame up to this is copied, its buffer goes back to the ring */
#define HEADERS_MAX 256u		/* of a frame in several buffers so much lies in the first */

static int rx_post_buffer(struct pair *p, struct netbuf *b)
{
	struct virtq_seg seg;

	b->data = (u8 *)(b + 1) + RX_ALIGN;
	seg = (struct virtq_seg){ virt_to_phys(b->data), p->vnet->room - RX_ALIGN };
	return virtq_add(p->rx, &seg, 0, 1, b);
}

static bool rx_post(struct pair *p)
{
	struct netbuf *b = netbuf_alloc(p->vnet->room);

	if (!b)
		return false;
	if (rx_post_buffer(p, b) == 0)
		return true;
	netbuf_free(b);
	return false;
}

bool vnet_rx_fill(struct pair *p)
{
	bool added = false;

	while (virtq_room(p->rx) && rx_post(p))
		added = true;
	return added;
}

static struct netbuf *rx_bad(struct pair *p, struct netbuf *b)
{
	atomic_add(&p->vnet->dev.stats.rx_errors, 1ull);
	netbuf_free_chain(b);
	return NULL;
}

static struct netbuf *rx_drop(struct pair *p, struct netbuf *b)
{
	atomic_add(&p->vnet->dev.stats.rx_dropped, 1ull);
	netbuf_free_chain(b);
	return NULL;
}

/* One buffer with all bytes of a frame that came in several. */
static struct netbuf *rx_join(struct pair *p, struct netbuf *first, u32 total)
{
	struct netbuf *whole = netbuf_alloc(total + RX_ALIGN);
	u8 *at;

	if (!whole)
		return rx_drop(p, first);
	at = whole->data += RX_ALIGN;
	for (struct netbuf *b = first; b; b = b->next) {
		memcpy(at, b->data, b->len);
		at += b->len;
	}
	whole->len = total;
	whole->flags = first->flags;
	netbuf_free_chain(first);
	return whole;
}

/* The further buffers of a merged frame. Only what a device may merge stays in pieces, behind a first that has all headers. */
static struct netbuf *rx_merge(struct pair *p, struct netbuf *first, u32 count)
{
	struct netbuf **link = &first->next;
	u32 total = first->len;

	for (u32 i = 1; i < count; i++) {
		u32 len;
		struct netbuf *b = virtq_take(p->rx, &len);

		if (!b || len == 0 || total + len > 0xffff) {
			if (b)
				netbuf_free(b);
			return rx_bad(p, first);
		}
		b->len = len;
		b->next = NULL;
		total += len;
		*link = b;
		link = &b->next;
	}
	return p->vnet->takes_large && first->len >= HEADERS_MAX ? first : rx_join(p, first, total);
}

/* A short frame into memory of its own size. The buffer goes back at once. */
static struct netbuf *rx_copy(struct pair *p, struct netbuf *b)
{
	struct netbuf *small = netbuf_alloc(b->len + RX_ALIGN);

	if (!small)
		return b;
	small->data += RX_ALIGN;
	small->len = b->len;
	small->flags = b->flags;
	memcpy(small->data, b->data, b->len);
	b->flags = 0;
	if (rx_post_buffer(p, b))
		netbuf_free(b);
	return small;
}

/* What the device wrote into b; NULL: nothing that can be used. Every word of the header is read once. */
static struct netbuf *rx_frame(struct pair *p, struct netbuf *b, u32 len)
{
	struct net_header h = { 0 };
	u32 count = 1;

	if (len <= p->vnet->header_len)
		return rx_bad(p, b);
	memcpy(&h, b->data, p->vnet->header_len);
	if (virtio_has(p->vnet->vd, F_MRG_RXBUF))
		count = le16_to_cpu(h.num_buffers);
	if (count == 0 || count > MERGE_MAX)
		return rx_bad(p, b);
	b->data += p->vnet->header_len;
	b->len = len - p->vnet->header_len;
	/* A device that was not given GUEST_CSUM must not vouch for anything. */
	if ((h.flags & (HDR_NEEDS_CSUM | HDR_DATA_VALID)) && virtio_has(p->vnet->vd, F_GUEST_CSUM))
		b->flags |= NETBUF_CSUM_OK;
	if (count > 1)
		return rx_merge(p, b, count);
	return b->len <= COPY_MAX ? rx_copy(p, b) : b;
}

/* Each queue's thread takes back its own buffers; the first tells the others. */
static void rx_break(struct pair *p)
{
	struct vnet *v = p->vnet;
	struct netbuf *b;

	virtio_report_broken(v->vd);
	netdev_carrier(&v->dev, false);
	while ((b = virtq_cancel(p->rx)))
		netbuf_free(b);
	if (!atomic_xchg(&v->is_given_up, true))
		for (u32 i = 0; i < v->nr_pairs; i++)
			netdev_schedule(&v->dev, i);
}

static void link_check(struct vnet *v)
{
	if (atomic_xchg(&v->status_changed, false) && virtio_has(v->vd, F_STATUS))
		netdev_carrier(&v->dev, virtio_config16(v->vd, CONFIG_STATUS) & STATUS_LINK_UP);
}

unsigned __hot vnet_poll(struct netdev *dev, u32 queue, unsigned budget)
{
	struct vnet *v = dev->driver;
	struct pair *p = &v->pairs[queue];
	unsigned taken = 0, n = 0;
	struct netbuf *b;
	u32 len;

	link_check(v);
	for (; taken < budget && n < BATCH && (b = virtq_take(p->rx, &len)); taken++) {
		b = rx_frame(p, b, len);
		if (b)
			p->batch[n++] = b;
	}
	if (taken)
		vnet_rx_fill(p);
	/* A ring without buffers would never interrupt again: without memory frames are dropped before it comes to that. */
	while (n && virtq_size(p->rx) - virtq_room(p->rx) < virtq_size(p->rx) / 4 && !virtio_is_broken(v->vd)) {
		(void)rx_drop(p, p->batch[--n]);
		vnet_rx_fill(p);
	}
	if (taken)
		virtq_kick(p->rx);	/* copied frames' buffers went back one by one, too */
	if (n)
		netdev_receive(dev, queue, p->batch, n);
	if (unlikely(virtio_is_broken(v->vd))) {
		rx_break(p);
		return 0;
	}
	if (READ_ONCE(p->tx_waits))
		netdev_tx_ready(dev);
	return taken;
}

bool vnet_poll_end(struct netdev *dev, u32 queue)
{
	struct vnet *v = dev->driver;

	return !virtio_is_broken(v->vd) && virtq_irq_on(v->pairs[queue].rx);
}

/* Also called for interrupts of other queues that share one line. */
void __hot vnet_rx_used(struct virtq *q, void *arg)
{
	struct pair *p = arg;

	if (p->vnet->nr_pairs > 1 && !virtq_has_used(q))
		return;
	virtq_irq_off(q);
	netdev_schedule(&p->vnet->dev, p->index);
}
