/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio 1.2 in three layers: a transport (mmio, pci) finds a device and gives register access; the
 * ring (drivers/virtio/ring.c) moves buffers; a class driver (block, rng, net …) is an ordinary
 * driver on BUS_VIRTIO that uses the functions below and works on any transport.
 *
 * The device is not trusted: descriptors are shadowed, nothing it can write is read back except the used
 * ring and the buffers it was given, and what it says there is checked. A device that breaks the
 * rules is marked broken: adds then fail with -EIO and the class gets its buffers back by virtq_cancel.
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include <kernel/device.h>
#include <kernel/lock.h>

#define VIRTIO_ID_NET 1
#define VIRTIO_ID_BLOCK 2
#define VIRTIO_ID_CONSOLE 3
#define VIRTIO_ID_RNG 4

#define VIRTIO_F_RING_INDIRECT 28
#define VIRTIO_F_RING_EVENT_IDX 29
#define VIRTIO_F_VERSION_1 32
#define VIRTIO_F_ACCESS_PLATFORM 33

#define VIRTIO_STATUS_ACKNOWLEDGE 1
#define VIRTIO_STATUS_DRIVER 2
#define VIRTIO_STATUS_DRIVER_OK 4
#define VIRTIO_STATUS_FEATURES_OK 8
#define VIRTIO_STATUS_NEEDS_RESET 0x40
#define VIRTIO_STATUS_FAILED 0x80

#define VIRTIO_QUEUES_MAX 17		/* 8 pairs of a network card, and one for its control */
#define VIRTQ_SIZE_MAX 256u
#define VIRTQ_ALIGN 4096u		/* of the used ring; what legacy devices are told */

struct virtio_device;
struct virtq;

/* Register access; every function may be called in any context unless marked. */
struct virtio_transport {
	const char *name;
	bool is_legacy;			/* no FEATURES_OK, no VERSION_1 */
	u64 (*features)(struct virtio_device *vd);
	void (*accept)(struct virtio_device *vd, u64 features);
	u8 (*status)(struct virtio_device *vd);
	void (*set_status)(struct virtio_device *vd, u8 status);
	void (*config_read)(struct virtio_device *vd, u32 offset, void *buf, u32 len);
	u32 (*config_generation)(struct virtio_device *vd);	/* NULL: never changes */
	u32 (*queue_max)(struct virtio_device *vd, u32 index);	/* entries; 0: no such queue */
	/* Tells the device where the rings of q are and switches it on. 0 or -errno. May sleep. */
	int (*queue_enable)(struct virtio_device *vd, struct virtq *q);
	void (*notify)(struct virtio_device *vd, struct virtq *q);
};
struct virtio_device {			/* embedded in the transport's state */
	const struct virtio_transport *transport;
	struct device *parent;		/* what the transport sits on */
	struct device *dev;		/* the child on BUS_VIRTIO */
	u64 features;			/* negotiated */
	const char *broken;		/* [a] why; NULL: well */
	bool was_reported;		/* [a] */
	u32 nr_queues;
	struct virtq *queues[VIRTIO_QUEUES_MAX];
	void (*config_changed)(struct virtio_device *vd);	/* class's; hard interrupt; NULL ok */
};

/* ---- for transports */
/* Makes and registers the child device. Interrupts may come from now on. 0 or -ENOMEM. */
int virtio_register(struct virtio_device *vd, struct device *parent, u32 virtio_id);
/* From the interrupt handler: what the device signalled. */
void virtio_interrupt(struct virtio_device *vd, bool queues, bool config);
void virtio_reset(struct virtio_device *vd);

/* ---- for classes */
static inline struct virtio_device *virtio_of(struct device *dev) { return (struct virtio_device *)dev->bus_data; }
/*
 * Resets the device and settles on features: all of `wanted` (bit numbers as a mask) that it has.
 * -ENODEV: it lacks one of `needed`; -EIO: it refused. May sleep.
 */
int virtio_begin(struct virtio_device *vd, u64 wanted, u64 needed);
static inline bool virtio_has(const struct virtio_device *vd, unsigned feature)
{
	return vd->features >> feature & 1;
}
/*
 * Makes queue `index` with at most size_max entries (power of two). used is called in hard
 * interrupt context when buffers came back. 0, -ENOENT, -ENOMEM, -EINVAL. May sleep.
 */
int virtio_queue(struct virtio_device *vd, u32 index, u32 size_max, void (*used)(struct virtq *q, void *arg),
		 void *arg, struct virtq **q);
/* From here on the device works. */
void virtio_ready(struct virtio_device *vd);
/* Reads len bytes at once, again while the device changes them. */
void virtio_config(struct virtio_device *vd, u32 offset, void *buf, u32 len);
u8 virtio_config8(struct virtio_device *vd, u32 offset);
u16 virtio_config16(struct virtio_device *vd, u32 offset);
u32 virtio_config32(struct virtio_device *vd, u32 offset);
u64 virtio_config64(struct virtio_device *vd, u32 offset);
/* Marks the device broken; the first reason stays. Any context. */
void virtio_break(struct virtio_device *vd, const char *why);
static inline bool virtio_is_broken(const struct virtio_device *vd) { return atomic_load_acquire(&vd->broken) != NULL; }
/* Logs the reason once and stops the device. Not under locks. True if it is broken. */
bool virtio_report_broken(struct virtio_device *vd);

/* ---- rings */
struct virtq_seg {
	paddr_t addr;
	u32 len;
};
/*
 * Queues a chain: nr_out segments the device reads, then nr_in it writes. token comes back from
 * virtq_take. 0; -EAGAIN no room; -EIO broken; -EINVAL no segments or an empty one. Any context.
 */
int virtq_add(struct virtq *q, const struct virtq_seg *segs, u32 nr_out, u32 nr_in, void *token);
/* Tells the device, if it wants to be told. */
void virtq_kick(struct virtq *q);
/* The next chain the device has finished: its token, *len the bytes it says it wrote (checked). NULL: none, or broken. */
void *virtq_take(struct virtq *q, u32 *len);
/* Of a broken or reset device: takes back one chain that is still out. NULL: none left. */
void *virtq_cancel(struct virtq *q);
u32 virtq_size(const struct virtq *q);
u32 virtq_room(struct virtq *q);		/* free descriptors */
bool virtq_has_used(const struct virtq *q);	/* there is something to take, or was a moment ago; any context */
u32 virtq_index(const struct virtq *q);
struct virtio_device *virtq_device(const struct virtq *q);
/* Where the parts lie, for transports. */
paddr_t virtq_desc(const struct virtq *q);
paddr_t virtq_avail(const struct virtq *q);
paddr_t virtq_used(const struct virtq *q);
/*
 * Interrupts for used buffers off (they may still come) and on; on: true if some came in between. later: only when half of
 * what is out has come back, where the device knows event indices (2.7.7); then it is "on".
 */
void virtq_irq_off(struct virtq *q);
bool virtq_irq_on(struct virtq *q);
bool virtq_irq_on_later(struct virtq *q);
/* After virtio_queue, for chains of several parts: keeps tables for them, if the device knows such (2.7.5.3) and memory allows. */
void virtq_make_tables(struct virtq *q);

#endif
