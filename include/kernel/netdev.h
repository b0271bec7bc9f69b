/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces and the buffers that carry their frames. A driver fills struct netdev, registers it and is
 * polled by network threads (kernel/net/netdev.c), each of its receive queues by one: its interrupt handler only masks itself
 * and calls netdev_schedule. What comes in goes to the protocol core by netdev_receive.
 *
 * Locks: net_lock (spin, LOCK_NET) is the protocol core's one lock; transmit, flush and reclaim are called with it
 * held, poll and poll_end without. Marks: [b] set at registration, [n] net_lock, [a] atomic, [w] the polling thread.
 */
#ifndef KERNEL_NETDEV_H
#define KERNEL_NETDEV_H

#include <kernel/mm.h>
#include <kernel/socket.h>

#define NETDEV_NAME_MAX 16
#define NETDEV_QUEUES_MAX 8u
#define NETDEV_HEADROOM 16u		/* before a frame's data in a buffer: a driver's own header, alignment */
#define NET_FRAME_SEGMENTS 20u

/* ---- buffers ------------------------------------------------------------------------------------- */
/* Memory that several buffers may show parts of: pages, this header at their start. */
struct netblock {
	struct refcount refs;
	u32 order;
	u32 size;			/* bytes behind the header */
} __aligned(64);
static inline u8 *netblock_data(struct netblock *b) { return (u8 *)(b + 1); }
/* Room for at least size bytes if memory allows, less otherwise; references 1. NULL without memory. */
struct netblock *netblock_alloc(u32 size, u32 flags);
void netblock_put(struct netblock *b);

/* Where a datagram came from and went to; addresses in network order, IPv4 in word 0. */
struct net_origin {
	u32 from[4], to[4];
	u16 from_port;			/* host order */
	u8 family;			/* AF_INET, AF_INET6 */
	u8 ttl, tos;
	u32 ifindex;
	u64 stamp_ns;			/* wall clock, 0: not taken */
};
/* One contiguous piece of received data. The first word group belongs to the protocol core. */
struct netbuf {
	u64 stack[5];
	struct socket_packet packet;	/* in a socket's queue: len bytes at data (of this and the next ones) */
	struct netbuf *next;		/* further pieces of one datagram */
	u8 *data;
	u32 len;			/* bytes at data */
	u32 size;			/* bytes of memory it stands for */
	struct netblock *block;		/* referenced; NULL: the bytes follow this struct */
	u16 flags;
#define NETBUF_CSUM_OK BIT(0)		/* the device vouches for the transport checksum; set in a frame's first buffer */
	struct net_origin origin;
};
/* A buffer with room bytes of its own; data points at their start. NULL. Any context (ALLOC_ATOMIC). */
struct netbuf *netbuf_alloc(u32 room);
/* A buffer that shows len bytes at data within block (reference taken). NULL. */
struct netbuf *netbuf_view(struct netblock *block, u8 *data, u32 len);
void netbuf_free(struct netbuf *b);		/* this one */
void netbuf_free_chain(struct netbuf *b);	/* and all behind next */

/* ---- interfaces ---------------------------------------------------------------------------------- */
struct netdev;
/* One frame on its way out. */
struct net_frame {
	u32 nr;
	u32 bytes;
	struct {
		void *data;
		u32 len;
	} seg[NET_FRAME_SEGMENTS];
	void *token;			/* back by netdev_sent */
	u16 csum_start, csum_offset;	/* csum_start 0: complete; else the device finishes it */
	u16 gso_size;			/* 0: one packet; else TCP payload bytes of each */
	u16 header_len;			/* with gso_size: bytes up to the payload */
	u32 flow;			/* the same for all frames of a connection; 0 where the device has one queue */
	bool gso_is_v6;
};
struct netdev_ops {
	/* 0; -EAGAIN no room (the frame stays the caller's; tx_wake comes later); -EIO broken. */
	int (*transmit)(struct netdev *dev, const struct net_frame *f);
	void (*flush)(struct netdev *dev);	/* tells the device of what was queued */
	void (*reclaim)(struct netdev *dev);	/* gives finished frames back by netdev_sent */
	/* Takes up to budget frames out of a queue and passes them on. Frames. */
	unsigned (*poll)(struct netdev *dev, u32 queue, unsigned budget);
	/* Interrupts of the queue on again; true: something came in between. */
	bool (*poll_end)(struct netdev *dev, u32 queue);
};
struct netdev_stats {			/* [a], counted by netdev.c and the driver */
	u64 rx_packets, rx_bytes, rx_errors, rx_dropped, multicast;
	u64 tx_packets, tx_bytes, tx_errors, tx_dropped;
};
struct net_worker;
/* A receive queue and the transmit queue beside it. */
struct netdev_queue {
	struct netdev *dev;		/* [b] */
	u32 index;			/* [b] */
	struct net_worker *worker;	/* [b] its thread; each queue has another, while there are so many CPUs */
	bool is_scheduled;		/* [a] */
	struct list work_link;		/* the worker's lock */
	u64 rx_packets, rx_bytes, tx_packets, tx_bytes;	/* [a], counted by netdev.c and, sent ones, the driver */
};
struct netdev {
	char name[NETDEV_NAME_MAX];	/* [b] empty: eth%u is given */
	u32 index;			/* [b] 1: lo */
	const struct netdev_ops *ops;	/* [b] NULL: loopback */
	void *driver;			/* [b] */
	struct device *device;		/* [b] NULL: none */
	u8 mac[6];			/* [n] */
	u32 mtu, mtu_max;		/* [n] */
	u32 flags;			/* [a] IFF_*, without IFF_RUNNING */
	bool has_carrier;		/* [a] */
	bool can_csum, can_tso4, can_tso6;	/* [b] the device finishes checksums, cuts segments */
	struct netdev_stats stats;
	struct list link;		/* [n] */
	void *stack;			/* [b] the protocol core's */
	bool needs_flush;		/* [n] */
	u32 nr_queues;			/* [b] 0: one */
	struct netdev_queue queues[NETDEV_QUEUES_MAX];
	struct list packet_sockets;	/* [n] AF_PACKET sockets bound to it */
};
/* Makes dev known to everybody. 0 or -ENOMEM. May sleep. */
int netdev_register(struct netdev *dev);
/* How many queues are of use: CPUs with a network thread, at most NETDEV_QUEUES_MAX. */
u32 netdev_queues_wanted(void);
/* There is something to poll in a queue. Any context. */
void netdev_schedule(struct netdev *dev, u32 queue);
/*
 * The driver's poll found these frames in a queue (Ethernet header first; taken over). A large one may lie in several buffers, the
 * headers in the first. Not under net_lock.
 */
void netdev_receive(struct netdev *dev, u32 queue, struct netbuf **frames, unsigned n);
/* A frame left (or was dropped by a broken device); net_lock held. */
void netdev_sent(void *token);
void netdev_carrier(struct netdev *dev, bool on);	/* takes net_lock */
/* The device has room again: gives back finished frames, sends what waited. Takes net_lock. */
void netdev_tx_ready(struct netdev *dev);
/* net_lock held; or at boot. */
struct netdev *netdev_by_index(u32 index);
struct netdev *netdev_by_name(const char *name);
struct netdev *netdev_next(const struct netdev *dev);	/* NULL: the first */
extern struct netdev *netdev_lo;
void net_init(void);			/* boot: threads, loopback, protocol core */
void net_configure(void);		/* boot: ip= on the command line */

/* The protocol core's lock. Unlocking delivers what was sent to this machine itself, then tells the devices. */
void net_lock(void);
void net_unlock(void);
bool net_is_locked(void);

#define IFF_UP 0x1
#define IFF_BROADCAST 0x2
#define IFF_LOOPBACK 0x8
#define IFF_POINTOPOINT 0x10
#define IFF_NOTRAILERS 0x20
#define IFF_RUNNING 0x40
#define IFF_NOARP 0x80
#define IFF_PROMISC 0x100
#define IFF_ALLMULTI 0x200
#define IFF_MULTICAST 0x1000
#define IFF_LOWER_UP 0x10000
static inline u32 netdev_flags(const struct netdev *dev)	/* as users see them */
{
	u32 f = atomic_load(&dev->flags);

	return (f & IFF_UP) && atomic_load(&dev->has_carrier) ? f | IFF_RUNNING | IFF_LOWER_UP : f;
}

#endif
