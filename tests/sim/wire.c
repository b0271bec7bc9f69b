/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire (wire.h): an ordinary network device to the core. Frames wait in a list by the time when they are due; a timer
 * schedules the device, the core's network thread polls it. Lock: wire.lock (interrupts off, the timer takes it).
 */
#include <kernel/lock.h>
#include <kernel/netdev.h>
#include <kernel/netstack.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <native/sim.h>
#include <uapi/errno.h>
#include "vcard.h"
#include "wire.h"

#define ETH 14u
#define IP4 0x0800u
#define ARP 0x0806u
#define IP6 0x86ddu
#define TCP 6u
#define UDP 17u
#define ICMP 1u
#define ICMP6 58u
#define SOLICIT 135u
#define ADVERTISE 136u
#define ON_WIRE_MAX 512u
#define TOKENS 256u
#define LARGE_FRAME (65535u + ETH)

static const u8 own_mac[6] = { 2, 0, 0, 0, 0, 1 }, other_mac[6] = { 2, 0, 0, 0, 0, 2 };
struct flying {
	struct list link;
	u64 due;
	struct netbuf *buf;
};
static struct {
	struct netdev own;		/* the simplest card, without rings */
	struct netdev *dev;		/* that, or the driver's of a virtio card; NULL: no driver took it */
	bool is_virtio;
	struct spinlock lock;
	struct list flying;		/* by due */
	u32 count;
	struct timer timer;
	struct wire_weather weather;
	void *token[TOKENS];		/* net_lock: frames that are sent */
	u32 tokens;
	bool is_busy;			/* the poller holds frames */
	void (*tap)(const u8 *frame, u32 len);
} wire;
struct wire_counts wire_counts;

static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static void put16(u8 *p, u32 v) { p[0] = (u8)(v >> 8); p[1] = (u8)v; }

u32 wire_sum(u32 sum, const void *data, u32 len)
{
	const u8 *p = data;

	for (u32 i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (u32)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void seal_transport(u8 *at, u32 len, u32 protocol, u32 pseudo)
{
	u32 where = protocol == TCP ? 16 : protocol == UDP ? 6 : 2;

	if (len < where + 2 || (protocol != TCP && protocol != UDP && protocol != ICMP && protocol != ICMP6))
		return;
	put16(at + where, 0);
	put16(at + where, ~wire_sum(protocol == ICMP ? 0 : pseudo, at, len) & 0xffff);
}

void wire_seal(u8 *frame, u32 len)
{
	u8 *ip = frame + ETH, more[4] = { 0 };
	u32 kind = len > ETH + 20 ? get16(frame + 12) : 0, head, total;

	if (kind == IP4) {
		head = (ip[0] & 15u) * 4;
		total = min(get16(ip + 2), len - ETH);
		if (head < 20 || head > total)
			return;
		put16(ip + 10, 0);
		put16(ip + 10, ~wire_sum(0, ip, head) & 0xffff);
		more[1] = ip[9];
		put16(more + 2, total - head);
		if (!(get16(ip + 6) & 0x3fff))
			seal_transport(ip + head, total - head, ip[9], wire_sum(wire_sum(0, ip + 12, 8), more, 4));
	} else if (kind == IP6 && len >= ETH + 40) {
		total = min(get16(ip + 4), len - ETH - 40);
		more[1] = ip[6];
		put16(more + 2, total);
		seal_transport(ip + 40, total, ip[6], wire_sum(wire_sum(0, ip + 8, 32), more, 4));
	}
}

/* ---- the mirror ------------------------------------------------------------------------------------- */
static void swap(u8 *a, u8 *b, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u8 t = a[i];

		a[i] = b[i];
		b[i] = t;
	}
}

/* "Who has it" becomes "I do". */
static bool answer_arp(u8 *f, u32 len)
{
	u8 *arp = f + ETH;

	if (len < ETH + 28 || get16(arp + 6) != 1 || arp[24] != 10 || !memcmp(arp + 14, arp + 24, 4))
		return false;
	put16(arp + 6, 2);
	swap(arp + 8, arp + 18, 10);
	memcpy(arp + 8, other_mac, 6);
	return true;
}

static bool answer_solicit(u8 *f, u32 *len)
{
	u8 *ip = f + ETH, *icmp = ip + 40, target[16];

	memcpy(target, icmp + 8, 16);
	if (*len < ETH + 40 + 24 || target[15] == 1 || !(ip[8] | ip[9]))
		return false;		/* its own, or a look for duplicates */
	memcpy(ip + 24, ip + 8, 16);
	memcpy(ip + 8, target, 16);
	icmp[0] = ADVERTISE;
	icmp[4] = 0x60;
	icmp[24] = 2;
	icmp[25] = 1;
	memcpy(icmp + 26, other_mac, 6);
	put16(ip + 4, 32);
	*len = ETH + 40 + 32;
	wire_seal(f, *len);
	return true;
}

/* Turns a frame that left into the one that comes back; false: nobody answers. f has room for a whole frame. */
static bool mirror(u8 *f, u32 *len)
{
	u8 *ip = f + ETH;
	u32 kind = get16(f + 12);
	bool back;

	if (kind == ARP)
		back = answer_arp(f, *len);
	else if (kind == IP4)
		back = *len >= ETH + 20 && ip[16] == 10 && ip[19] == 2 && ip[18] == 0;
	else
		back = kind == IP6 && *len >= ETH + 40 && ((ip[6] == ICMP6 && ip[40] == SOLICIT) || (ip[24] == 0xfd && ip[39] == 2));
	if (!back)
		return false;
	if (kind == IP4)
		swap(ip + 12, ip + 16, 4);
	else if (kind == IP6 && ip[6] == ICMP6 && ip[40] == SOLICIT)
		back = answer_solicit(f, len);
	else if (kind == IP6)
		swap(ip + 8, ip + 24, 16);
	memcpy(f, own_mac, 6);
	memcpy(f + 6, other_mac, 6);
	return back;
}

/* ---- the card's offloads: as Virtio 1.2 5.1.6.2 has them ------------------------------------------------- */
static u32 ip_len_of(const u8 *f) { return get16(f + 12) == IP6 ? 40 : 20; }

/* Finishes the checksum that the stack began. */
static void checksum_finish(u8 *f, u32 len, const struct net_frame *n)
{
	u32 ip = ip_len_of(f), pseudo, sum;
	u8 more[4] = { [1] = TCP };

	if (n->csum_start != ETH + ip || n->csum_offset != 16 || n->csum_start + 20u > len)
		sim_fail("wire: a checksum from %u, at %u, of %u bytes", n->csum_start, n->csum_offset, len);
	put16(more + 2, len - ETH - ip);
	pseudo = wire_sum(wire_sum(0, f + ETH + (ip == 40 ? 8 : 12), ip == 40 ? 32 : 8), more, 4);
	if (get16(f + n->csum_start + 16) != pseudo)
		sim_fail("wire: the checksum begins with %x instead of %x", get16(f + n->csum_start + 16), pseudo);
	sum = wire_sum(0, f + n->csum_start, len - n->csum_start);
	put16(f + n->csum_start + 16, ~sum & 0xffff);
	if (ip == 20 && wire_sum(0, f + ETH, 20) != 0xffff)
		sim_fail("wire: an IPv4 header with a wrong checksum");
}

/* The frame with bytes `from` to `from + n` of the payload of a large one. */
static u32 segment_cut(u8 *out, const u8 *f, u32 len, const struct net_frame *n, u32 from)
{
	u32 bytes = min((u32)n->gso_size, len - n->header_len - from), ip = ip_len_of(f);
	u32 seq = get16(f + ETH + ip + 4) << 16 | get16(f + ETH + ip + 6);

	memcpy(out, f, n->header_len);
	memcpy(out + n->header_len, f + n->header_len + from, bytes);
	put16(out + ETH + (ip == 40 ? 4 : 2), n->header_len - ETH - (ip == 40 ? 40 : 0) + bytes);
	put16(out + ETH + ip + 4, (seq + from) >> 16);
	put16(out + ETH + ip + 6, (seq + from) & 0xffff);
	if (n->header_len + from + bytes < len)
		out[ETH + ip + 13] &= (u8)~9u;		/* FIN and PSH: the last only */
	wire_seal(out, n->header_len + bytes);
	return n->header_len + bytes;
}

static void large_check(const u8 *f, u32 len, const struct net_frame *n)
{
	u32 ip = ip_len_of(f), tcp = (u32)(f[ETH + ip + 12] >> 4) * 4;

	if (!(n->gso_is_v6 ? wire.dev->can_tso6 : wire.dev->can_tso4) || n->gso_is_v6 != (ip == 40) || n->header_len != ETH + ip + tcp ||
	    n->header_len + n->gso_size >= len || n->header_len + n->gso_size > WIRE_FRAME ||
	    get16(f + ETH + (ip == 40 ? 4 : 2)) != len - ETH - (ip == 40 ? 40 : 0))
		sim_fail("wire: a large frame of %u bytes, headers %u, segments %u", len, n->header_len, n->gso_size);
	wire_counts.large++;
}

/* ---- on the wire ------------------------------------------------------------------------------------ */
static u64 fly(struct netbuf *b, u64 delay)
{
	struct flying *n = kmalloc(sizeof(*n), ALLOC_ATOMIC | ALLOC_NOWARN);
	struct list *at;
	unsigned long flags;

	if (!n) {
		netbuf_free_chain(b);
		return 0;
	}
	n->buf = b;
	n->due = time_ns() + delay;
	flags = spin_lock_irqsave(&wire.lock);
	for (at = wire.flying.prev; at != &wire.flying && list_entry(at, struct flying, link)->due > n->due; at = at->prev)
		;
	list_push_front(at, &n->link);
	wire.count++;
	timer_arm(&wire.timer, list_entry(wire.flying.next, struct flying, link)->due, 0);
	spin_unlock_irqrestore(&wire.lock, flags);
	return 1;
}

static void due(struct timer *t)
{
	if (wire.is_virtio)
		vcard_frames_due();
	else
		netdev_schedule(wire.dev, 0);
}

static bool permille(u32 n) { return n && sim_below(SIM_WORK, 1000) < n; }

static u64 some_delay(void)
{
	u64 d = wire.weather.delay_ns ? sim_below(SIM_WORK, wire.weather.delay_ns) : 0;

	if (permille(wire.weather.late)) {
		wire_counts.late++;
		d += sim_below(SIM_WORK, 16 * wire.weather.delay_ns + 1);
	}
	return d;
}

static struct netbuf *buffer_of(const u8 *frame, u32 len)
{
	struct netbuf *b = netbuf_alloc(len + 2);

	if (!b)
		return NULL;
	b->data += 2;
	b->len = len;
	memcpy(b->data, frame, len);
	return b;
}

static void send_back(u8 *frame, u32 len)
{
	u32 copies = 1;

	if (permille(wire.weather.lose)) {
		wire_counts.lost++;
		return;
	}
	if (permille(wire.weather.twice)) {
		wire_counts.doubled++;
		copies = 2;
	}
	/* One byte behind the Ethernet header: the Internet checksums find each such change. */
	if (permille(wire.weather.damage)) {
		struct netbuf *b = buffer_of(frame, len);

		wire_counts.damaged++;
		if (b && get16(frame + 12) != ARP) {
			b->data[ETH + sim_below(SIM_WORK, len - ETH)] ^= (u8)(1 + sim_below(SIM_WORK, 255));
			fly(b, some_delay());
		} else if (b) {
			netbuf_free(b);
		}
	}
	while (copies--) {
		struct netbuf *b = buffer_of(frame, len);

		if (b)
			fly(b, some_delay());
	}
}

static void wire_reclaim(struct netdev *dev)
{
	while (wire.tokens)
		netdev_sent(wire.token[--wire.tokens]);
}

/* A large frame that comes back as one, in pieces, its checksum vouched for and not there. */
static void large_back(const u8 *f, u32 len)
{
	struct netbuf *first = NULL, **link = &first;
	u32 at = 0;

	while (at < len) {
		u32 n = min(len - at, 256 + (u32)sim_below(SIM_WORK, 4096));
		struct netbuf *b = buffer_of(f + at, n);

		if (!b) {
			netbuf_free_chain(first);
			return;
		}
		*link = b;
		link = &b->next;
		at += n;
	}
	put16(first->data + ETH + ip_len_of(f) + 16, 0);
	first->flags |= NETBUF_CSUM_OK;
	fly(first, some_delay());
}

/* What the card makes of a large frame: its segments; or, as on a virtual machine's wire, nothing. */
static void send_large(u8 *f, u32 len, const struct net_frame *n)
{
	static u8 one[WIRE_FRAME + 64];		/* net_lock */
	u32 part;

	large_check(f, len, n);
	part = len;
	if ((!wire.is_virtio || vcard_takes_large()) && sim_below(SIM_WORK, 2) && mirror(f, &part)) {
		large_back(f, len);
		return;
	}
	for (u32 from = 0; from < len - n->header_len; from += n->gso_size) {
		part = segment_cut(one, f, len, n, from);
		if (mirror(one, &part))
			send_back(one, part);
	}
}

void wire_out(u8 *frame, u32 len, const struct net_frame *how)
{
	if (len > (how->gso_size ? LARGE_FRAME : WIRE_FRAME) || len < ETH || len != how->bytes)
		sim_fail("wire: a frame of %u bytes was sent, it says %u", len, how->bytes);
	wire_counts.sent++;
	if (how->csum_start)
		checksum_finish(frame, len, how);
	if (wire.tap && len >= ETH + 40 && get16(frame + 12) == IP4 && frame[ETH + 9] == TCP)
		wire.tap(frame, len);
	else if (how->gso_size)
		send_large(frame, len, how);
	else if (mirror(frame, &len))
		send_back(frame, len);
}

static int wire_transmit(struct netdev *dev, const struct net_frame *f)
{
	static u8 whole[LARGE_FRAME + 64];	/* net_lock */
	u32 len = 0;

	if (wire.tokens == TOKENS)
		wire_reclaim(dev);
	for (u32 i = 0; i < f->nr && len + f->seg[i].len <= LARGE_FRAME; i++) {
		memcpy(whole + len, f->seg[i].data, f->seg[i].len);
		len += f->seg[i].len;
	}
	wire.token[wire.tokens++] = f->token;
	wire_out(whole, len, f);
	return 0;
}

struct netbuf *wire_take(void)
{
	unsigned long flags = spin_lock_irqsave(&wire.lock);
	struct flying *n = list_empty(&wire.flying) ? NULL : list_entry(wire.flying.next, struct flying, link);
	struct netbuf *b = NULL;

	if (n && n->due <= time_ns()) {
		list_remove(&n->link);
		wire.count--;
		b = n->buf;
	} else {
		if (n)
			timer_arm(&wire.timer, n->due, 0);
		n = NULL;
	}
	spin_unlock_irqrestore(&wire.lock, flags);
	kfree(n);
	return b;
}

static unsigned wire_poll(struct netdev *dev, u32 queue, unsigned budget)
{
	struct netbuf *batch[16];
	unsigned n = 0;

	atomic_store(&wire.is_busy, true);
	while (n < min(budget, (unsigned)ARRAY_LEN(batch)) && (batch[n] = wire_take()))
		n++;
	if (n)
		netdev_receive(dev, queue, batch, n);
	wire_counts.came += n;
	atomic_store(&wire.is_busy, false);
	return n < ARRAY_LEN(batch) ? n : budget;
}

static bool wire_poll_end(struct netdev *dev, u32 queue)
{
	unsigned long flags = spin_lock_irqsave(&wire.lock);
	bool more = !list_empty(&wire.flying) && list_entry(wire.flying.next, struct flying, link)->due <= time_ns();

	spin_unlock_irqrestore(&wire.lock, flags);
	return more;
}

static const struct netdev_ops wire_ops = {
	.transmit = wire_transmit, .flush = wire_reclaim, .reclaim = wire_reclaim, .poll = wire_poll, .poll_end = wire_poll_end,
};

void wire_put(const u8 *frame, u32 len)
{
	struct netbuf *b = buffer_of(frame, len);

	if (b)
		fly(b, 0);
	while (atomic_load(&wire.count) > ON_WIRE_MAX)
		(void)sleep_until(time_ns() + 100000, false);
}

static bool is_polled(void)
{
	for (u32 i = 0; wire.dev && i < wire.dev->nr_queues; i++)
		if (atomic_load(&wire.dev->queues[i].is_scheduled))
			return true;
	return false;
}

void wire_drain(void)
{
	while (atomic_load(&wire.count) || atomic_load(&wire.is_busy) || is_polled())
		(void)sleep_until(time_ns() + 1000000, false);
}

void wire_weather(const struct wire_weather *w) { wire.weather = *w; }

void wire_tap(void (*tap)(const u8 *frame, u32 len)) { wire.tap = tap; }

static void own_card_start(bool plain)
{
	struct netdev *d = &wire.own;

	*d = (struct netdev){ .ops = &wire_ops, .driver = &wire, .mtu = WIRE_MTU, .mtu_max = WIRE_MTU,
		.flags = IFF_BROADCAST | IFF_MULTICAST, .has_carrier = true };
	d->can_csum = !plain && sim_below(SIM_WORK, 4) != 0;
	d->can_tso4 = d->can_csum && sim_below(SIM_WORK, 4);
	d->can_tso6 = d->can_csum && sim_below(SIM_WORK, 4);
	memcpy(d->mac, own_mac, 6);
	wire.dev = d;
	if (netdev_register(d))
		sim_fail("wire: the card cannot be registered");
}

void wire_start(enum wire_card card)
{
	struct net_ifaddr a4 = { .family = AF_INET, .prefix_len = 8 }, a6 = { .family = AF_INET6, .prefix_len = 64 };
	static const u8 ip4[4] = { 10, 9, 0, 1 }, ip6[16] = { 0xfd, 9, [15] = 1 };
	int err;

	spin_init(&wire.lock, "sim wire", LOCK_VIRTQUEUE);
	list_init(&wire.flying);
	timer_init(&wire.timer, due);
	wire.is_virtio = card == WIRE_VIRTIO_CARD || card == WIRE_LYING_CARD;
	if (wire.is_virtio)
		wire.dev = vcard_start(card == WIRE_LYING_CARD);
	else
		own_card_start(card == WIRE_PLAIN_CARD);
	if (!wire.dev)
		return;
	a4.ifindex = a6.ifindex = wire.dev->index;
	memcpy(a4.ip, ip4, 4);
	memcpy(a6.ip, ip6, 16);
	net_lock();
	err = netstack->set_up(wire.dev, true);
	if (!err)
		err = netstack->address_add(&a4);
	if (!err)
		err = netstack->address_add(&a6);
	net_unlock();
	if (err)
		sim_fail("wire: no address: %d", err);
}
