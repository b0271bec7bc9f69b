/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio entropy device (Virtio 1.2 5.4): one buffer at a time into the random generator, quickly until
 * that is ready, then once a minute. What the host sends is credited half its bits.
 */
#include <drivers/virtio.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/random.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define BUFFER_BYTES 64u
#define PERIOD_NS (60 * NSEC_PER_SEC)
#define CREDIT_BITS_PER_BYTE 4u

struct rng {
	struct virtio_device *vd;
	struct virtq *q;
	u8 *buf;		/* the device writes here while it is out */
	struct timer timer;
};

static void rng_ask(struct rng *r)
{
	struct virtq_seg seg = { virt_to_phys(r->buf), BUFFER_BYTES };

	if (virtq_add(r->q, &seg, 0, 1, r) == 0)
		virtq_kick(r->q);
}

static void rng_tick(struct timer *t) { rng_ask(container_of(t, struct rng, timer)); }

/* Queue callback, hard interrupt. */
static void rng_used(struct virtq *q, void *arg)
{
	struct rng *r = arg;
	u32 len;

	while (virtq_take(q, &len)) {
		random_add("virtio-rng", r->buf, len, len * CREDIT_BITS_PER_BYTE);
		memset(r->buf, 0, BUFFER_BYTES);
		if (random_is_ready() || len == 0)
			timer_arm(&r->timer, time_ns() + PERIOD_NS, NSEC_PER_SEC);
		else
			rng_ask(r);
	}
	if (virtio_report_broken(r->vd))
		while (virtq_cancel(q))
			;
}

static int rng_probe(struct device *dev)
{
	struct rng *r = device_state(dev);
	int err;

	r->vd = virtio_of(dev);
	timer_init(&r->timer, rng_tick);
	r->buf = kzalloc(BUFFER_BYTES, 0);
	if (!r->buf)
		return -ENOMEM;
	err = virtio_begin(r->vd, 0, 0);
	if (!err)
		err = virtio_queue(r->vd, 0, 2, rng_used, r, &r->q);
	if (err) {
		kfree(r->buf);
		return err;
	}
	virtio_ready(r->vd);
	rng_ask(r);
	return 0;
}

static void rng_quiesce(struct device *dev)
{
	struct rng *r = device_state(dev);

	timer_cancel(&r->timer);
	virtio_reset(r->vd);
}

static const struct driver_match rng_match[] = {
	{ .virtio_id = VIRTIO_ID_RNG },
	{},
};
const struct driver driver_virtio_rng = {
	.name = "virtio-rng", .match = rng_match, .bus = BUS_VIRTIO, .state_size = sizeof(struct rng),
	.probe = rng_probe, .quiesce = rng_quiesce, .level = 2,
};
