/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of virtio-net (vcard.h), written from Virtio 1.2 2.7 and 5.1 and not from the driver. An honest
 * one splits what comes over as many buffers as the driver allows, finishes sent frames late, and scribbles over descriptors
 * that are not out. A lying one, from time to time, gives wrong ids, lengths, counts, indices and headers.
 *
 * Lock: vcard.lock (interrupts off; timers and notifications take it) for the rings; sending runs under net_lock.
 */
#include <drivers/virtio.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <native/sim.h>
#include <uapi/errno.h>
#include "vcard.h"
#include "wire.h"

#define RX 0u
#define TX 1u
#define QUEUE_MAX 256u
#define CHAIN_MAX 64u
#define FRAME_ROOM (65535u + 14u + 64u)
#define LATE_NS 40000u
#define F_CSUM 0
#define F_GUEST_CSUM 1
#define F_MAC 5
#define F_GUEST_TSO4 7
#define F_GUEST_TSO6 8
#define F_HOST_TSO4 11
#define F_HOST_TSO6 12
#define F_MRG_RXBUF 15
#define F_STATUS 16
#define DESC_NEXT 1u
#define DESC_INDIRECT 4u

struct desc { le64 addr; le32 len; le16 flags, next; };
struct avail { le16 flags, idx, ring[]; };
struct used { le16 flags, idx; struct { le32 id, len; } ring[]; };
struct header { u8 flags, gso_type; le16 hdr_len, gso_size, csum_start, csum_offset, num_buffers; };

static struct {
	struct virtio_device vd;
	struct spinlock lock;
	u64 offered;
	u8 status;
	bool lies, refuses;
	struct virtq *queue[2];
	u16 seen[2];			/* of the available ring */
	u16 done[2];			/* of the used ring */
	u16 late[QUEUE_MAX];		/* sent, not yet said so */
	u32 nr_late;
	struct timer late_timer;
	u16 config_status;
	u32 fatal;			/* lies after which the driver must give the device up */
	/* it does not want to be told of the next frames: it looks by itself */
	struct timer look_timer;
	struct waitq look_wait;
	bool must_look;			/* [a] */
} card;

static u64 chance(u64 n) { return sim_below(SIM_WORK, n); }
static struct desc *descs(u32 q) { return phys_to_virt(virtq_desc(card.queue[q])); }
static struct avail *avail(u32 q) { return phys_to_virt(virtq_avail(card.queue[q])); }
static struct used *used(u32 q) { return phys_to_virt(virtq_used(card.queue[q])); }
static u32 ring_size(u32 q) { return virtq_size(card.queue[q]); }
static bool is_on(void) { return (card.status & VIRTIO_STATUS_DRIVER_OK) && card.queue[RX] && card.queue[TX]; }
static u32 header_len(void) { return 12; }	/* VERSION_1 is always there */
bool vcard_takes_large(void) { return virtio_has(&card.vd, F_GUEST_TSO4) && virtio_has(&card.vd, F_GUEST_TSO6); }

/* ---- rings --------------------------------------------------------------------------------------------- */
static u32 waiting(u32 q) { return (u16)(le16_to_cpu(READ_ONCE(avail(q)->idx)) - card.seen[q]); }
static u16 head_at(u32 q, u32 n) { return le16_to_cpu(avail(q)->ring[(card.seen[q] + n) % ring_size(q)]); }

/* One more chain is used; the driver sees it when publish is called. */
static void use(u32 q, u32 n, u32 id, u32 len)
{
	u32 at = (u16)(card.done[q] + n) % ring_size(q);

	used(q)->ring[at].id = cpu_to_le32(id);
	used(q)->ring[at].len = cpu_to_le32(len);
}

static void publish(u32 q, u32 n)
{
	card.done[q] = (u16)(card.done[q] + n);
	atomic_store_release(&used(q)->idx, cpu_to_le16(card.done[q]));	/* pairs with the ring's dma_rmb */
}

static bool has_events(void) { return virtio_has(&card.vd, VIRTIO_F_RING_EVENT_IDX); }

/* Whether the driver is to hear of the n entries that were published last. */
static bool wants_interrupt(u32 q, u32 n)
{
	u16 event;

	dma_mb();	/* the used index before the driver's flag or event; pairs with virtq_irq_on, 2.7.7.1 */
	if (!has_events())
		return n && !(le16_to_cpu(READ_ONCE(avail(q)->flags)) & 1);
	event = le16_to_cpu(READ_ONCE(avail(q)->ring[ring_size(q)]));
	return (u16)(card.done[q] - event - 1) < (u16)n;
}

/* The driver is to tell of the chain after so many more (2.7.10). */
static void tell_after(u32 q, u16 more)
{
	le16 *event = (le16 *)&used(q)->ring[ring_size(q)];

	WRITE_ONCE(*event, cpu_to_le16((u16)(card.seen[q] + more)));
	dma_mb();	/* the event before another look at the index; pairs with virtq_kick */
}

/* A chain that went back is the device's to write until it is out again. */
static void scribble(u32 q, u16 head)
{
	struct desc *d = &descs(q)[head];

	d->addr = cpu_to_le64(chance(~0ull));
	d->len = cpu_to_le32((u32)chance(~0u));
	d->next = cpu_to_le16((u16)chance(65536));
}

/* ---- lies ---------------------------------------------------------------------------------------------- */
enum lie { LIE_ID, LIE_TWICE, LIE_LONG, LIE_AHEAD, LIE_FATAL_END, LIE_SHORT = LIE_FATAL_END, LIE_COUNT, LIE_HEADER, LIE_CONFIG, LIE_END };

/* How many the device says it used, instead of one buffer with the frame in it; card.lock held. */
static void lie_receive(struct header *h, u32 *len, u32 posted, u32 *id, u32 *ahead)
{
	enum lie what = (enum lie)(chance(8) ? LIE_FATAL_END + chance(LIE_END - LIE_FATAL_END) : chance(LIE_FATAL_END));

	card.fatal += what < LIE_FATAL_END;
	switch (what) {
	case LIE_ID: *id = chance(2) ? ring_size(RX) + (u32)chance(1000) : 0xffffffffu; break;
	case LIE_TWICE: *ahead = 1; break;			/* the entry behind says the same */
	case LIE_LONG: *len = posted + 1 + (u32)chance(100000); break;
	case LIE_AHEAD: *ahead = ring_size(RX) + 1 + (u32)chance(1000); break;
	case LIE_SHORT: *len = (u32)chance(header_len() + 1); break;
	case LIE_COUNT: h->num_buffers = cpu_to_le16(chance(2) ? (u16)chance(40) : (u16)chance(65536)); break;
	case LIE_HEADER:
		for (u32 i = 0; i < 10; i++)
			((u8 *)h)[i] = (u8)chance(256);
		break;
	default:
		card.config_status = (u16)chance(65536);
		break;
	}
}

/* ---- receiving ----------------------------------------------------------------------------------------- */
static u32 posted_len(u32 n) { return le32_to_cpu(descs(RX)[head_at(RX, n)].len); }

/* Buffers for a frame of len bytes with its header; 0: not enough are there. */
static u32 buffers_for(u32 len)
{
	u32 room = 0, n = 0, all = waiting(RX);

	while (n < all && room < len + header_len())
		room += posted_len(n++);
	return room < len + header_len() ? 0 : n;
}

static u32 gather(u8 *to, const struct netbuf *b)
{
	u32 len = 0;

	for (; b; b = b->next) {
		memcpy(to + len, b->data, b->len);
		len += b->len;
	}
	return len;
}

static void header_of(struct header *h, const struct netbuf *b, u32 len)
{
	memset(h, 0, sizeof(*h));
	if ((b->flags & NETBUF_CSUM_OK) && virtio_has(&card.vd, F_GUEST_CSUM))
		h->flags = chance(2) ? 1 : 2;
	if (len > 1514)
		h->gso_type = b->data[12] == 0x86 ? 4 : 1;
}

/* Writes the frame into the buffers that wait. False: there are too few. card.lock held. */
static bool deliver(const struct netbuf *b)
{
	static u8 whole[FRAME_ROOM];
	struct header h;
	u32 len, n, ahead = 0, at = 0;

	len = gather(whole + header_len(), b);
	header_of(&h, b, len);
	n = buffers_for(len);
	if (!n)
		return false;
	len += header_len();
	h.num_buffers = cpu_to_le16((u16)n);
	for (u32 i = 0; i < n; i++) {
		u16 head = head_at(RX, i);
		u32 part = min(len - at, posted_len(i)), id = head, said = part;

		if (card.lies && !chance(20))
			lie_receive(&h, &said, posted_len(i), &id, &ahead);
		if (i == 0)
			memcpy(whole, &h, header_len());
		memcpy(phys_to_virt(le64_to_cpu(descs(RX)[head].addr)), whole + at, part);
		at += part;
		use(RX, i, id, said);
		if (ahead == 1)
			use(RX, n, id, said);
	}
	for (u32 i = 0; i < n; i++)
		scribble(RX, head_at(RX, i));
	card.seen[RX] = (u16)(card.seen[RX] + n);
	publish(RX, n + ahead);
	return true;
}

void vcard_frames_due(void)
{
	static struct netbuf *next;	/* card.lock: came, and there was no buffer for it */
	unsigned long flags;
	bool some = false, config;
	u16 before;

	flags = spin_lock_irqsave(&card.lock);
	before = card.done[RX];
	while (is_on() && (next || (next = wire_take()))) {
		/* A device that was given up, or never gets buffers for so much, drops. After such a lie it knows no more what is out. */
		if (!card.fatal && !virtio_is_broken(&card.vd) && !deliver(next) && waiting(RX) < ring_size(RX) / 2) {
			u32 had = waiting(RX);

			if (!has_events())
				break;
			tell_after(RX, (u16)had);
			if (waiting(RX) == had)
				break;
			continue;
		}
		some = true;
		netbuf_free_chain(next);
		next = NULL;
	}
	while (!is_on() && (next = wire_take())) {
		netbuf_free_chain(next);
		next = NULL;
	}
	config = card.lies && !chance(50);
	some = is_on() && ((some && wants_interrupt(RX, (u16)(card.done[RX] - before))) || (card.lies && !chance(10)));
	spin_unlock_irqrestore(&card.lock, flags);
	if (some || config)
		virtio_interrupt(&card.vd, some, config);
}

/* ---- sending ------------------------------------------------------------------------------------------- */
static void late_done(struct timer *t)
{
	unsigned long flags = spin_lock_irqsave(&card.lock);
	bool say;

	for (u32 i = 0; i < card.nr_late; i++) {
		bool lie = card.lies && !chance(400);

		scribble(TX, card.late[i]);
		use(TX, i, lie && chance(2) ? ring_size(TX) + 3 : card.late[i], lie ? 1 : 0);
		card.fatal += lie;
	}
	publish(TX, card.nr_late);
	say = wants_interrupt(TX, card.nr_late);
	card.nr_late = 0;
	spin_unlock_irqrestore(&card.lock, flags);
	if (say)
		virtio_interrupt(&card.vd, true, false);
}

/* The chain's bytes; the driver must not make loops, empty or writable parts, nor tables within chains. */
static u32 chain_read(u16 head, u8 *to)
{
	const struct desc *d = descs(TX);
	u32 len = 0, n = 0, at = head, room = ring_size(TX);

	if (le16_to_cpu(d[head].flags) == DESC_INDIRECT && virtio_has(&card.vd, VIRTIO_F_RING_INDIRECT)) {
		room = le32_to_cpu(d[head].len) / (u32)sizeof(*d);
		if (!room || room > ring_size(TX) || le32_to_cpu(d[head].len) % sizeof(*d))
			sim_fail("vcard: a table of %u bytes", le32_to_cpu(d[head].len));
		d = phys_to_virt(le64_to_cpu(d[head].addr));
		at = 0;
	}
	for (;; at = le16_to_cpu(d[at].next)) {
		u32 part, kind;

		if (at >= room)
			sim_fail("vcard: descriptor %u of %u", at, room);
		part = le32_to_cpu(d[at].len);
		kind = le16_to_cpu(d[at].flags);
		if (++n > CHAIN_MAX || !part || (kind & ~DESC_NEXT) || len + part > FRAME_ROOM)
			sim_fail("vcard: part %u of a sent chain: %u bytes, flags %x, %u before", n, part, kind, len);
		memcpy(to + len, phys_to_virt(le64_to_cpu(d[at].addr)), part);
		len += part;
		if (!(kind & DESC_NEXT))
			return len;
	}
}

static void send_one(u16 head)
{
	static u8 whole[FRAME_ROOM];	/* net_lock */
	u32 len = chain_read(head, whole);
	struct net_frame how = { 0 };
	struct header h;

	memcpy(&h, whole, header_len());
	len -= header_len();
	if ((h.flags & ~1u) || (h.gso_type && h.gso_type != 1 && h.gso_type != 4) || (h.gso_type && !(h.flags & 1)))
		sim_fail("vcard: sent with flags %x, segmentation %x", h.flags, h.gso_type);
	if ((h.flags && !virtio_has(&card.vd, F_CSUM)) || (h.gso_type == 1 && !virtio_has(&card.vd, F_HOST_TSO4)) ||
	    (h.gso_type == 4 && !virtio_has(&card.vd, F_HOST_TSO6)))
		sim_fail("vcard: sent with flags %x, segmentation %x, which it does not do", h.flags, h.gso_type);
	how.bytes = len;
	how.csum_start = h.flags ? le16_to_cpu(h.csum_start) : 0;
	how.csum_offset = le16_to_cpu(h.csum_offset);
	how.gso_size = h.gso_type ? le16_to_cpu(h.gso_size) : 0;
	how.header_len = le16_to_cpu(h.hdr_len);
	how.gso_is_v6 = h.gso_type == 4;
	wire_out(memmove(whole, whole + header_len(), len), len, &how);
}

static void send_waiting(void)
{
	bool later = false;

	while (waiting(TX)) {
		u16 head = head_at(TX, 0);
		unsigned long flags;

		send_one(head);
		flags = spin_lock_irqsave(&card.lock);
		card.seen[TX]++;
		card.late[card.nr_late++] = head;
		later = chance(4) != 0;
		spin_unlock_irqrestore(&card.lock, flags);
	}
	if (later)
		timer_arm(&card.late_timer, time_ns() + chance(LATE_NS), 0);
	else
		late_done(NULL);
}

/* With events the card waits for the next frame, or for one after it, or looks by itself some time later: what lies there then
   must not need another word of the driver's. */
static void send_all(void)
{
	do {
		send_waiting();
		if (!has_events())
			return;
		if (!chance(3)) {
			timer_arm(&card.look_timer, time_ns() + 1 + chance(LATE_NS), 0);
			tell_after(TX, (u16)chance(8) + 1);
			return;
		}
		tell_after(TX, 0);
	} while (waiting(TX));
}

/* ---- the transport ------------------------------------------------------------------------------------- */
static u64 features(struct virtio_device *vd) { return card.offered; }
static u8 status(struct virtio_device *vd) { return card.status; }
static u32 queue_max(struct virtio_device *vd, u32 index) { return index < 2 ? 32u << chance(4) : 0; }

static void accept(struct virtio_device *vd, u64 accepted)
{
	if (accepted & ~card.offered)
		sim_fail("vcard: features %llx accepted of %llx", (unsigned long long)accepted, (unsigned long long)card.offered);
	card.refuses = (accepted & (BIT(F_HOST_TSO4) | BIT(F_HOST_TSO6)) && !(accepted & BIT(F_CSUM))) ||
		       (accepted & (BIT(F_GUEST_TSO4) | BIT(F_GUEST_TSO6)) && !(accepted & BIT(F_GUEST_CSUM)));
}

static void set_status(struct virtio_device *vd, u8 v)
{
	unsigned long flags = spin_lock_irqsave(&card.lock);

	card.status = card.refuses ? v & (u8)~VIRTIO_STATUS_FEATURES_OK : v;	/* 5.1.3.1 */
	spin_unlock_irqrestore(&card.lock, flags);
}

static void config_read(struct virtio_device *vd, u32 offset, void *buf, u32 len)
{
	u8 config[16] = { 2, 0, 0, 0, 0, 1 };

	memcpy(config + 6, &card.config_status, 2);
	if (card.lies && !chance(4))
		for (u32 i = 6; i < sizeof(config); i++)
			config[i] = (u8)chance(256);
	memset(buf, 0, len);
	if (offset < sizeof(config))
		memcpy(buf, config + offset, min(len, (u32)sizeof(config) - offset));
}

/* The card's own look at what there is to send: in a thread, since sending runs under net_lock. */
static void look(struct timer *t)
{
	atomic_store(&card.must_look, true);
	waitq_wake_all(&card.look_wait);
}

static void look_run(void *unused)
{
	while (1) {
		waitq_wait(&card.look_wait, atomic_load(&card.must_look));
		atomic_store(&card.must_look, false);
		net_lock();
		if (is_on() && !virtio_is_broken(&card.vd) && !card.fatal)
			send_all();
		net_unlock();
	}
}

static int queue_enable(struct virtio_device *vd, struct virtq *q)
{
	card.queue[virtq_index(q)] = q;
	return 0;
}

static void notify(struct virtio_device *vd, struct virtq *q)
{
	if (!is_on() || virtio_is_broken(vd) || card.fatal)
		return;
	if (virtq_index(q) == TX)
		send_all();
	else
		vcard_frames_due();
}

static const struct virtio_transport transport = {
	.name = "simulation", .features = features, .accept = accept, .status = status, .set_status = set_status,
	.config_read = config_read, .queue_max = queue_max, .queue_enable = queue_enable, .notify = notify,
};

void vcard_check(void)
{
	if (virtio_is_broken(&card.vd) && !card.fatal)
		sim_fail("vcard: the driver gave up a device that did nothing it must not: %s", card.vd.broken);
}

struct netdev *vcard_start(bool lies)
{
	static const u8 optional[] = {
		F_CSUM, F_GUEST_CSUM, F_GUEST_TSO4, F_GUEST_TSO6, F_HOST_TSO4, F_HOST_TSO6, F_MRG_RXBUF, F_STATUS,
		VIRTIO_F_RING_EVENT_IDX, VIRTIO_F_RING_INDIRECT,
	};
	struct thread *t;
	struct netdev *d;

	card.lies = lies;
	card.config_status = 1;
	card.offered = BIT(VIRTIO_F_VERSION_1) | BIT(F_MAC);
	for (unsigned i = 0; i < ARRAY_LEN(optional); i++)
		if (chance(4))
			card.offered |= BIT(optional[i]);
	spin_init(&card.lock, "sim vcard", LOCK_VIRTQUEUE);
	timer_init(&card.late_timer, late_done);
	timer_init(&card.look_timer, look);
	waitq_init(&card.look_wait);
	t = thread_create("vcard", look_run, NULL, -1);
	if (!t)
		sim_fail("vcard: no memory");
	thread_start(t);
	thread_put(t);
	card.vd.transport = &transport;
	if (virtio_register(&card.vd, &device_root, VIRTIO_ID_NET))
		sim_fail("vcard: no memory");
	net_lock();
	d = netdev_by_name("eth0");
	net_unlock();
	if (!d && !lies)
		sim_fail("vcard: the driver does not take the device");
	return d;
}
