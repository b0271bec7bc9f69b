/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to drivers/net/virtio_net*.c (Virtio 1.2 5.1). A pair is a receive and a transmit queue; queue 2n and 2n + 1 of the device are
 * those of pair n.
 *
 * Locks: the transmit side runs under net_lock, the receive side of each pair in the one thread that polls it.
 */
#ifndef DRIVERS_NET_VIRTIO_NET_H
#define DRIVERS_NET_VIRTIO_NET_H

#include <drivers/virtio.h>
#include <kernel/netdev.h>
#include <lib/bits.h>

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
#define F_CTRL_VQ 17
#define F_MQ 22
#define CONFIG_MAC 0
#define CONFIG_STATUS 6
#define CONFIG_MAX_PAIRS 8
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

#define FRAME_MAX 1514u
/* Room of a receive buffer; where the device merges segments frames of 64 KiB span several larger ones. */
#define RX_ROOM (2048u - (u32)sizeof(struct netbuf))
#define RX_LARGE_ROOM (4096u - (u32)sizeof(struct netbuf))
#define RX_ALIGN 2u			/* so that the IP header lies at a multiple of four */
#define MERGE_MAX 18u
#define BATCH 64u

struct tx_slot {
	struct net_header header;	/* read by the device */
	void *token;			/* NULL: free */
	struct tx_slot *next_free;
};
struct vnet;
struct pair {
	struct vnet *vnet;
	u32 index;
	struct virtq *rx, *tx;
	/* receiving thread */
	struct netbuf *batch[BATCH];
	/* net_lock */
	struct tx_slot *slots, *free;
	bool tx_waits;			/* the ring was full: the interrupt is on */
	bool needs_kick;		/* frames were queued that the device was not told of */
};
struct vnet {
	struct netdev dev;
	struct virtio_device *vd;
	struct pair *pairs;		/* [nr_pairs] */
	u32 nr_pairs;
	u32 header_len, room;
	bool takes_large;		/* the device may merge segments */
	bool status_changed;		/* [a] */
	bool is_given_up;		/* [a] broken, and all queues know */
	struct virtq *control;		/* NULL: none */
};

/* virtio_net_rx.c */
bool vnet_rx_fill(struct pair *p);	/* as many buffers as the ring takes; true: some. The device is told afterwards. */
unsigned vnet_poll(struct netdev *dev, u32 queue, unsigned budget);
bool vnet_poll_end(struct netdev *dev, u32 queue);
void vnet_rx_used(struct virtq *q, void *pair);	/* the queue's callback */
/* virtio_net_tx.c */
int vnet_slots_make(struct pair *p);	/* -ENOMEM */
int vnet_transmit(struct netdev *dev, const struct net_frame *f);
void vnet_flush(struct netdev *dev);
void vnet_reclaim(struct netdev *dev);
void vnet_tx_used(struct virtq *q, void *pair);

#endif
