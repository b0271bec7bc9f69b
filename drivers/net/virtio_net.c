/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio network devices (Virtio 1.2 5.1): one receive and one transmit queue, mergeable buffers, checksum and
 * segmentation offload where the device has them. Received frames are taken by a network thread (kernel/net/netdev.c) that
 * polls with the queue's interrupt off; sent ones are reclaimed when the next is sent, with the interrupt off unless
 * the ring is full. The device is not trusted: a length or count that does not fit drops the frame or, in the
 * ring layer, marks the device broken.
 *
 * Locks: the transmit side runs under net_lock, the receive side in the one thread that polls.
 */
#include <drivers/virtio.h>
#include <kernel/log.h>
#include <kernel/netdev.h>
#include <kernel/random.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define F_CSUM 0
#define F_GUEST_CSUM 1
#define F_MTU 3
#define F_MAC 5
#define F_GUEST_TSO4 7
#define F_GUEST_TSO6 8
#define F_HOST_TSO4 11
#define F_HOST_TSO6 12
#define F_MRG_RXBUF 15
#define F_STATUS 16
#define CONFIG_MAC 0
#define CONFIG_STATUS 6
#define CONFIG_MTU 10
#define STATUS_LINK_UP 1

#define HDR_NEEDS_CSUM 1
#define HDR_DATA_VALID 2
#define GSO_NONE 0
#define GSO_TCPV4 1
#define GSO_TCPV6 4
struct net_header {
	u8 flags, gso_type;
	le16 hdr_len, gso_size, csum_start, csum_offset;
	le16 num_buffers;		/* with MRG_RXBUF or VERSION_1 only */
};
#define HEADER_SHORT offsetof(struct net_header, num_buffers)

#define QUEUE_RX 0
#define QUEUE_TX 1
#define FRAME_MAX 1514u
/* Room of a receive buffer; where the device merges segments frames of 64 KiB span several larger ones. */
#define RX_ROOM (2048u - (u32)sizeof(struct netbuf))
#define RX_LARGE_ROOM (4096u - (u32)sizeof(struct netbuf))
#define RX_ALIGN 2u			/* so that the IP header lies at a multiple of four */
#define MERGE_MAX 18u
#define BATCH 64u
#define COPY_MAX 256u			/* a frame up to this is copied, its buffer goes back to the ring */
#define HEADERS_MAX 256u		/* of a frame in several buffers so much lies in the first */

struct tx_slot {
	struct net_header header;	/* read by the device */
	void *token;			/* NULL: free */
	struct tx_slot *next_free;
};
struct vnet {
	struct netdev dev;
	struct virtio_device *vd;
	struct virtq *rx, *tx;
	u32 header_len, room;
	bool takes_large;		/* the device may merge segments */
	bool status_changed;		/* [a] */
	/* receiving thread */
	struct netbuf *batch[BATCH];
	/* net_lock */
	struct tx_slot *slots, *free;
	bool tx_waits;			/* the ring was full: the interrupt is on */
};

/* ---- receiving ------------------------------------------------------------------------------------- */
static int rx_post_buffer(struct vnet *v, struct netbuf *b)
{
	struct virtq_seg seg;

	b->data = (u8 *)(b + 1) + RX_ALIGN;
	seg = (struct virtq_seg){ virt_to_phys(b->data), v->room - RX_ALIGN };
	return virtq_add(v->rx, &seg, 0, 1, b);
}

static bool rx_post(struct vnet *v)
{
	struct netbuf *b = netbuf_alloc(v->room);

	if (!b)
		return false;
	if (rx_post_buffer(v, b) == 0)
		return true;
	netbuf_free(b);
	return false;
}

/* As many as the ring takes; the device is told afterwards. True: some were added. */
static bool rx_fill(struct vnet *v)
{
	bool added = false;

	while (virtq_room(v->rx) && rx_post(v))
		added = true;
	return added;
}

static struct netbuf *rx_bad(struct vnet *v, struct netbuf *b)
{
	atomic_add(&v->dev.stats.rx_errors, 1ull);
	netbuf_free_chain(b);
	return NULL;
}

static struct netbuf *rx_drop(struct vnet *v, struct netbuf *b)
{
	atomic_add(&v->dev.stats.rx_dropped, 1ull);
	netbuf_free_chain(b);
	return NULL;
}

/* One buffer with all bytes of a frame that came in several. */
static struct netbuf *rx_join(struct vnet *v, struct netbuf *first, u32 total)
{
	struct netbuf *whole = netbuf_alloc(total + RX_ALIGN);
	u8 *at;

	if (!whole)
		return rx_drop(v, first);
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
static struct netbuf *rx_merge(struct vnet *v, struct netbuf *first, u32 count)
{
	struct netbuf **link = &first->next;
	u32 total = first->len;

	for (u32 i = 1; i < count; i++) {
		u32 len;
		struct netbuf *b = virtq_take(v->rx, &len);

		if (!b || len == 0 || total + len > 0xffff) {
			if (b)
				netbuf_free(b);
			return rx_bad(v, first);
		}
		b->len = len;
		b->next = NULL;
		total += len;
		*link = b;
		link = &b->next;
	}
	return v->takes_large && first->len >= HEADERS_MAX ? first : rx_join(v, first, total);
}

/* A short frame into memory of its own size. The buffer goes back at once. */
static struct netbuf *rx_copy(struct vnet *v, struct netbuf *b)
{
	struct netbuf *small = netbuf_alloc(b->len + RX_ALIGN);

	if (!small)
		return b;
	small->data += RX_ALIGN;
	small->len = b->len;
	small->flags = b->flags;
	memcpy(small->data, b->data, b->len);
	b->flags = 0;
	if (rx_post_buffer(v, b))
		netbuf_free(b);
	return small;
}

/* What the device wrote into b; NULL: nothing that can be used. Every word of the header is read once. */
static struct netbuf *rx_frame(struct vnet *v, struct netbuf *b, u32 len)
{
	struct net_header h = { 0 };
	u32 count = 1;

	if (len <= v->header_len)
		return rx_bad(v, b);
	memcpy(&h, b->data, v->header_len);
	if (virtio_has(v->vd, F_MRG_RXBUF))
		count = le16_to_cpu(h.num_buffers);
	if (count == 0 || count > MERGE_MAX)
		return rx_bad(v, b);
	b->data += v->header_len;
	b->len = len - v->header_len;
	/* A device that was not given GUEST_CSUM must not vouch for anything. */
	if ((h.flags & (HDR_NEEDS_CSUM | HDR_DATA_VALID)) && virtio_has(v->vd, F_GUEST_CSUM))
		b->flags |= NETBUF_CSUM_OK;
	if (count > 1)
		return rx_merge(v, b, count);
	return b->len <= COPY_MAX ? rx_copy(v, b) : b;
}

static void rx_break(struct vnet *v)
{
	struct netbuf *b;

	virtio_report_broken(v->vd);
	netdev_carrier(&v->dev, false);
	while ((b = virtq_cancel(v->rx)))
		netbuf_free(b);
}

static void link_check(struct vnet *v)
{
	if (atomic_xchg(&v->status_changed, false) && virtio_has(v->vd, F_STATUS))
		netdev_carrier(&v->dev, virtio_config16(v->vd, CONFIG_STATUS) & STATUS_LINK_UP);
}

static unsigned __hot vnet_poll(struct netdev *dev, unsigned budget)
{
	struct vnet *v = dev->driver;
	unsigned taken = 0, n = 0;
	struct netbuf *b;
	u32 len;

	link_check(v);
	for (; taken < budget && n < BATCH && (b = virtq_take(v->rx, &len)); taken++) {
		b = rx_frame(v, b, len);
		if (b)
			v->batch[n++] = b;
	}
	if (taken)
		rx_fill(v);
	/* A ring without buffers would never interrupt again: without memory frames are dropped before it comes to that. */
	while (n && virtq_size(v->rx) - virtq_room(v->rx) < virtq_size(v->rx) / 4 && !virtio_is_broken(v->vd)) {
		(void)rx_drop(v, v->batch[--n]);
		rx_fill(v);
	}
	if (taken)
		virtq_kick(v->rx);	/* copied frames' buffers went back one by one, too */
	if (n)
		netdev_receive(dev, v->batch, n);
	if (unlikely(virtio_is_broken(v->vd))) {
		rx_break(v);
		return 0;
	}
	if (READ_ONCE(v->tx_waits))
		netdev_tx_ready(dev);
	return taken;
}

static bool vnet_poll_end(struct netdev *dev)
{
	struct vnet *v = dev->driver;

	return !virtio_is_broken(v->vd) && virtq_irq_on(v->rx);
}

static void __hot rx_used(struct virtq *q, void *arg)
{
	struct vnet *v = arg;

	virtq_irq_off(q);
	netdev_schedule(&v->dev);
}

static void config_changed(struct virtio_device *vd)
{
	struct vnet *v = device_state(vd->dev);

	atomic_store(&v->status_changed, true);
	netdev_schedule(&v->dev);
}

/* ---- sending --------------------------------------------------------------------------------------- */
static void tx_used(struct virtq *q, void *arg)
{
	struct vnet *v = arg;

	/* Also called for the receive queue's interrupts: only a full ring waits for this one. */
	if (!READ_ONCE(v->tx_waits))
		return;
	virtq_irq_off(q);
	netdev_schedule(&v->dev);
}

static void slot_free(struct vnet *v, struct tx_slot *s)
{
	void *token = s->token;

	s->token = NULL;
	s->next_free = v->free;
	v->free = s;
	netdev_sent(token);
}

/* Gives back what the device has sent. */
static void tx_take(struct vnet *v)
{
	struct tx_slot *s;
	u32 len;

	while ((s = virtq_take(v->tx, &len)))
		slot_free(v, s);
	if (unlikely(virtio_is_broken(v->vd)))
		while ((s = virtq_cancel(v->tx)))
			slot_free(v, s);
}

/* The stack is about to send what waited: only here may the wait for room end, or nobody would send it. */
static void vnet_reclaim(struct netdev *dev)
{
	struct vnet *v = dev->driver;

	tx_take(v);
	if (v->tx_waits) {
		virtq_irq_off(v->tx);
		WRITE_ONCE(v->tx_waits, false);
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

static int __hot vnet_transmit(struct netdev *dev, const struct net_frame *f)
{
	struct vnet *v = dev->driver;
	struct virtq_seg segs[NET_FRAME_SEGMENTS + 1];
	struct tx_slot *s;
	int err;

	if (virtq_room(v->tx) < f->nr + 1 || !v->free)
		tx_take(v);
	s = v->free;
	err = s ? 0 : -EAGAIN;
	if (!err) {
		header_make(&s->header, f);
		segs[0] = (struct virtq_seg){ virt_to_phys(&s->header), v->header_len };
		for (u32 i = 0; i < f->nr; i++)
			segs[i + 1] = (struct virtq_seg){ virt_to_phys(f->seg[i].data), f->seg[i].len };
		err = virtq_add(v->tx, segs, f->nr + 1, 0, s);
	}
	if (err == -EAGAIN) {
		/* Somebody must hear when there is room again; what came back in between is seen at once. */
		WRITE_ONCE(v->tx_waits, true);
		if (virtq_irq_on_later(v->tx))
			netdev_schedule(dev);
	}
	if (err)
		return err == -EAGAIN ? err : -EIO;
	v->free = s->next_free;
	s->token = f->token;
	return 0;
}

static void vnet_flush(struct netdev *dev)
{
	struct vnet *v = dev->driver;

	virtq_kick(v->tx);
	/* What is finished already goes back now: the transport waits for its segments' return before it repeats them. */
	tx_take(v);
}

static const struct netdev_ops vnet_ops = {
	.transmit = vnet_transmit, .flush = vnet_flush, .reclaim = vnet_reclaim, .poll = vnet_poll, .poll_end = vnet_poll_end,
};

/* ---- coming and going ------------------------------------------------------------------------------ */
static int slots_make(struct vnet *v)
{
	u32 n = virtq_size(v->tx);

	v->slots = kcalloc(n, sizeof(*v->slots), 0);
	if (!v->slots)
		return -ENOMEM;
	for (u32 i = 0; i < n; i++) {
		v->slots[i].next_free = v->free;
		v->free = &v->slots[i];
	}
	return 0;
}

static void settings_read(struct vnet *v)
{
	struct netdev *d = &v->dev;

	d->mtu = d->mtu_max = 1500;
	if (virtio_has(v->vd, F_MTU)) {
		u32 mtu = virtio_config16(v->vd, CONFIG_MTU);

		if (mtu >= 68 && mtu <= 1500)
			d->mtu = d->mtu_max = mtu;
	}
	if (virtio_has(v->vd, F_MAC))
		virtio_config(v->vd, CONFIG_MAC, d->mac, sizeof(d->mac));
	if (!virtio_has(v->vd, F_MAC) || (d->mac[0] & 1)) {
		random_bytes(d->mac, sizeof(d->mac));
		d->mac[0] = (u8)((d->mac[0] & 0xfe) | 2);
	}
	d->has_carrier = !virtio_has(v->vd, F_STATUS) || (virtio_config16(v->vd, CONFIG_STATUS) & STATUS_LINK_UP);
}

/* What is asked for; a device that has a feature without one it needs (5.1.3.1), or refuses, is asked again for less. */
static int features_settle(struct virtio_device *vd)
{
	u64 plain = BIT(F_MAC) | BIT(F_MTU) | BIT(F_STATUS) | BIT(F_MRG_RXBUF) | BIT(F_CSUM) | BIT(F_GUEST_CSUM);
	u64 wanted = plain | BIT(F_HOST_TSO4) | BIT(F_HOST_TSO6) | BIT(F_GUEST_TSO4) | BIT(F_GUEST_TSO6);
	u64 drop = 0;
	int err = virtio_begin(vd, wanted, 0);

	if (err == -EIO && !virtio_is_broken(vd))
		return virtio_begin(vd, plain, 0);
	if (err)
		return err;
	if (!virtio_has(vd, F_CSUM))
		drop |= BIT(F_HOST_TSO4) | BIT(F_HOST_TSO6);
	/* Our buffers hold 64 KiB together only. */
	if (!virtio_has(vd, F_GUEST_CSUM) || !virtio_has(vd, F_MRG_RXBUF))
		drop |= BIT(F_GUEST_TSO4) | BIT(F_GUEST_TSO6);
	return vd->features & drop ? virtio_begin(vd, wanted & ~drop, 0) : 0;
}

static void offloads_read(struct vnet *v)
{
	v->header_len = virtio_has(v->vd, F_MRG_RXBUF) || virtio_has(v->vd, VIRTIO_F_VERSION_1) ?
		(u32)sizeof(struct net_header) : (u32)HEADER_SHORT;
	v->takes_large = virtio_has(v->vd, F_GUEST_TSO4) || virtio_has(v->vd, F_GUEST_TSO6);
	v->room = v->takes_large ? RX_LARGE_ROOM : RX_ROOM;
	v->dev.can_csum = virtio_has(v->vd, F_CSUM);
	v->dev.can_tso4 = virtio_has(v->vd, F_HOST_TSO4);
	v->dev.can_tso6 = virtio_has(v->vd, F_HOST_TSO6);
	static_assert(RX_ROOM >= RX_ALIGN + sizeof(struct net_header) + FRAME_MAX, "a frame fits a buffer");
	static_assert((RX_LARGE_ROOM - RX_ALIGN) * MERGE_MAX >= 0xffff + sizeof(struct net_header), "a large one fits so many");
}

static int vnet_probe(struct device *dev)
{
	struct vnet *v = device_state(dev);
	int err;

	v->vd = virtio_of(dev);
	err = features_settle(v->vd);
	if (!err)
		err = virtio_queue(v->vd, QUEUE_RX, VIRTQ_SIZE_MAX, rx_used, v, &v->rx);
	if (!err)
		err = virtio_queue(v->vd, QUEUE_TX, VIRTQ_SIZE_MAX, tx_used, v, &v->tx);
	if (!err && virtq_size(v->tx) < NET_FRAME_SEGMENTS + 1)
		err = -EINVAL;
	if (!err)
		virtq_make_tables(v->tx);
	if (!err)
		err = slots_make(v);
	if (err)
		return err;
	offloads_read(v);
	settings_read(v);
	v->dev.ops = &vnet_ops;
	v->dev.driver = v;
	v->dev.device = dev;
	v->dev.flags = IFF_BROADCAST | IFF_MULTICAST;
	virtq_irq_off(v->tx);
	err = netdev_register(&v->dev);
	if (err)
		return err;
	v->vd->config_changed = config_changed;
	virtio_ready(v->vd);
	if (virtio_report_broken(v->vd))
		return -EIO;
	if (!rx_fill(v))
		return -ENOMEM;
	virtq_kick(v->rx);
	return 0;
}

static void vnet_quiesce(struct device *dev)
{
	struct vnet *v = device_state(dev);

	virtio_break(v->vd, "powered off");
	atomic_store(&v->vd->was_reported, true);
	virtio_reset(v->vd);
}

static const struct driver_match vnet_match[] = {
	{ .virtio_id = VIRTIO_ID_NET },
	{},
};
const struct driver driver_virtio_net = {
	.name = "virtio-net", .match = vnet_match, .bus = BUS_VIRTIO, .state_size = sizeof(struct vnet),
	.probe = vnet_probe, .quiesce = vnet_quiesce, .level = 2,
};
