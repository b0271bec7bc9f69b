/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio network devices (Virtio 1.2 5.1), coming and going: features, checksum and segmentation offload and mergeable buffers where the
 * device has them, a pair of queues for each CPU where it has so many. virtio_net_rx.c receives, virtio_net_tx.c sends. The device is not
 * trusted.
 */
#include <kernel/log.h>
#include <kernel/random.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "virtio_net.h"

#define CTRL_CLASS_MQ 4			/* 5.1.6.5.5 */
#define CTRL_MQ_PAIRS 0
#define CTRL_OK 0
#define CTRL_TRIES 10000u		/* of 10 us */
#define CTRL_SIZE 16u			/* of the control queue's ring */

static const struct netdev_ops vnet_ops = {
	.transmit = vnet_transmit, .flush = vnet_flush, .reclaim = vnet_reclaim, .poll = vnet_poll, .poll_end = vnet_poll_end,
};

static void config_changed(struct virtio_device *vd)
{
	struct vnet *v = device_state(vd->dev);

	atomic_store(&v->status_changed, true);
	netdev_schedule(&v->dev, 0);
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

/* How many pairs to use. The control queue lies behind all that the device has, so one with too many is used as one with a single pair. */
static u32 pairs_of(struct virtio_device *vd, u32 *max)
{
	*max = 1;
	if (!virtio_has(vd, F_MQ) || !virtio_has(vd, F_CTRL_VQ))
		return 1;
	*max = virtio_config16(vd, CONFIG_MAX_PAIRS);
	return *max < 1 || 2 * *max >= VIRTIO_QUEUES_MAX ? 1 : min(*max, netdev_queues_wanted());
}

/*
 * What is asked for; a device that has a feature without one it needs (5.1.3.1), or refuses, is asked again for less. More than one pair
 * only where each is to be used: the control queue's place depends on that feature.
 */
static int features_settle(struct virtio_device *vd)
{
	u64 plain = BIT(F_MAC) | BIT(F_MTU) | BIT(F_STATUS) | BIT(F_MRG_RXBUF) | BIT(F_CSUM) | BIT(F_GUEST_CSUM);
	u64 wanted = plain | BIT(F_HOST_TSO4) | BIT(F_HOST_TSO6) | BIT(F_GUEST_TSO4) | BIT(F_GUEST_TSO6) | BIT(F_CTRL_VQ) | BIT(F_MQ);
	u64 drop = 0;
	u32 max;
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
	if (pairs_of(vd, &max) == 1)
		drop |= BIT(F_CTRL_VQ) | BIT(F_MQ);
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

static int pair_make(struct vnet *v, u32 index)
{
	struct pair *p = &v->pairs[index];
	int err;

	p->vnet = v;
	p->index = index;
	err = virtio_queue(v->vd, 2 * index, VIRTQ_SIZE_MAX, vnet_rx_used, p, &p->rx);
	if (!err)
		err = virtio_queue(v->vd, 2 * index + 1, VIRTQ_SIZE_MAX, vnet_tx_used, p, &p->tx);
	if (!err && virtq_size(p->tx) < NET_FRAME_SEGMENTS + 1)
		err = -EINVAL;
	if (err)
		return err;
	virtq_make_tables(p->tx);
	virtq_irq_off(p->tx);
	return vnet_slots_make(p);
}

static int queues_make(struct vnet *v)
{
	u32 max;		/* asked once: the queues' places depend on it */
	int err = 0;

	v->nr_pairs = pairs_of(v->vd, &max);
	v->pairs = kcalloc(v->nr_pairs, sizeof(*v->pairs), 0);
	if (!v->pairs)
		return -ENOMEM;
	for (u32 i = 0; i < v->nr_pairs && !err; i++)
		err = pair_make(v, i);
	if (!err && v->nr_pairs > 1)
		err = virtio_queue(v->vd, 2 * max, CTRL_SIZE, NULL, NULL, &v->control);
	return err;
}

/*
 * Tells the device how many pairs are used (5.1.6.5.5); before, it uses the first only. A device that refuses keeps to that; one that never answers may
 * still write to what it was given, so it is broken. The queue's interrupt is not waited for: this happens once, at boot.
 */
static int pairs_announce(struct vnet *v)
{
	struct { u8 class, command; le16 pairs; u8 ack; } *c = kzalloc(sizeof(*c), 0);
	struct virtq_seg segs[3];
	u32 len;
	int err;

	if (!c)
		return -ENOMEM;
	*c = (typeof(*c)){ CTRL_CLASS_MQ, CTRL_MQ_PAIRS, cpu_to_le16((u16)v->nr_pairs), 0xff };
	segs[0] = (struct virtq_seg){ virt_to_phys(&c->class), 2 };
	segs[1] = (struct virtq_seg){ virt_to_phys(&c->pairs), 2 };
	segs[2] = (struct virtq_seg){ virt_to_phys(&c->ack), 1 };
	virtq_irq_off(v->control);
	err = virtq_add(v->control, segs, 2, 1, c);
	if (err) {
		kfree(c);
		return err;
	}
	virtq_kick(v->control);
	for (u32 i = 0; i < CTRL_TRIES && !virtio_is_broken(v->vd); i++) {
		if (virtq_take(v->control, &len)) {
			if (len != 1 || READ_ONCE(c->ack) != CTRL_OK)
				v->nr_pairs = 1;
			kfree(c);
			return 0;
		}
		delay_us(10);
	}
	virtio_break(v->vd, "the control queue does not answer");
	return -EIO;
}

static int vnet_probe(struct device *dev)
{
	struct vnet *v = device_state(dev);
	int err;

	v->vd = virtio_of(dev);
	err = features_settle(v->vd);
	if (!err)
		err = queues_make(v);
	if (err)
		return err;
	offloads_read(v);
	settings_read(v);
	virtio_ready(v->vd);
	if (v->nr_pairs > 1)
		err = pairs_announce(v);
	if (virtio_report_broken(v->vd))
		return -EIO;
	if (err)
		return err;
	v->dev.ops = &vnet_ops;
	v->dev.driver = v;
	v->dev.device = dev;
	v->dev.nr_queues = v->nr_pairs;
	v->dev.flags = IFF_BROADCAST | IFF_MULTICAST;
	err = netdev_register(&v->dev);
	if (err)
		return err;
	v->vd->config_changed = config_changed;
	for (u32 i = 0; i < v->nr_pairs; i++) {
		if (!vnet_rx_fill(&v->pairs[i]))
			return -ENOMEM;
		virtq_kick(v->pairs[i].rx);
	}
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
