/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces as lwIP sees them: frames from devices in, frames to devices out; what is for this machine itself goes to loop.c.
 *
 * Lock: net_lock for everything here.
 */
#include <kernel/netchange.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/igmp.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/tcp.h>
#include <netif/ethernet.h>
#include <lwip_hooks.h>
#include "burst.h"
#include "../packet.h"

#define BACKLOG 256u			/* frames that wait for room in the device's ring */

struct outgoing {
	struct pbuf *p;
	u16 gso_size;			/* 0: an ordinary frame */
};
struct port {				/* netdev.stack */
	struct netif netif;
	struct netdev *dev;
	struct burst burst;		/* segments that the next one may continue */
	struct list burst_link;		/* in `bursts` while there are some */
	struct outgoing backlog[BACKLOG];
	u32 backlog_at, backlog_len;
};
static struct list bursts = LIST_INIT(bursts);
struct netif *netif_loopback;

/* ---- to a device ----------------------------------------------------------------------------------- */
/* Addresses and ports make a number; what has none goes by the first queue. */
static u32 flow_of(const u8 *frame, u32 len)
{
	const u8 *ip = frame + SIZEOF_ETH_HDR - ETH_PAD_SIZE;
	u32 is_v4 = frame[12] == 0x08 && frame[13] == 0x00, head, words[4] = { 0 };

	if (len < SIZEOF_ETH_HDR - ETH_PAD_SIZE + IP6_HLEN + 4 && !(is_v4 && len >= SIZEOF_ETH_HDR - ETH_PAD_SIZE + IP_HLEN + 4))
		return 0;
	head = is_v4 ? (ip[0] & 15u) * 4 : IP6_HLEN;
	if (is_v4 ? (ip[6] & 0x3f) || ip[7] || (ip[9] != IP_PROTO_TCP && ip[9] != IP_PROTO_UDP) || len < SIZEOF_ETH_HDR - ETH_PAD_SIZE + head + 4 :
		    frame[12] != 0x86 || frame[13] != 0xdd || (ip[6] != IP_PROTO_TCP && ip[6] != IP_PROTO_UDP))
		return 0;
	memcpy(words, ip + (is_v4 ? 12 : 8 + 12), 4);
	memcpy(words + 1, ip + (is_v4 ? 16 : 24 + 12), 4);
	memcpy(words + 2, ip + head, 4);
	words[3] = (words[0] ^ words[1] * 3) + words[2];
	return (words[3] ^ words[3] >> 15) * 0x9e3779b1u >> 16;
}

static bool frame_of(struct net_frame *f, const struct outgoing *o, const struct netdev *dev)
{
	u32 skip = ETH_PAD_SIZE;

	*f = (struct net_frame){ .token = o->p, .bytes = o->p->tot_len - skip, .gso_size = o->gso_size };
	if (o->p->flags & PBUF_FLAG_TCP_PARTIAL) {
		f->csum_start = burst_csum_start(o->p);
		f->csum_offset = offsetof(struct tcp_hdr, chksum);
		f->header_len = burst_header_len(o->p);
		f->gso_is_v6 = burst_is_v6(o->p);
	}
	for (struct pbuf *q = o->p; q; q = q->next) {
		if (q->len <= skip) {
			skip -= q->len;
			continue;
		}
		if (f->nr == NET_FRAME_SEGMENTS - 1)
			return false;
		f->seg[f->nr].data = (u8 *)q->payload + skip;
		f->seg[f->nr++].len = q->len - skip;
		skip = 0;
	}
	if (unlikely(dev->nr_queues > 1) && f->nr)
		f->flow = flow_of(f->seg[0].data, f->seg[0].len);
	return f->nr != 0;
}

/* 0: the device has it (and a reference). -EAGAIN: no room. -EIO: dropped. */
static int port_send(struct port *port, const struct outgoing *o)
{
	struct netdev *dev = port->dev;
	struct net_frame f;
	u32 bytes;
	int err;

	if (!frame_of(&f, o, dev))
		return -EIO;
	bytes = f.bytes;
	err = dev->ops->transmit(dev, &f);
	if (err)
		return err;
	pbuf_ref(o->p);
	dev->needs_flush = true;
	atomic_add(&dev->stats.tx_packets, 1ull);
	atomic_add(&dev->stats.tx_bytes, (u64)bytes);
	return 0;
}

static int backlog_push(struct port *port, const struct outgoing *o)
{
	if (port->backlog_len == BACKLOG) {
		atomic_add(&port->dev->stats.tx_dropped, 1ull);
		return -ENOMEM;
	}
	pbuf_ref(o->p);
	port->backlog[(port->backlog_at + port->backlog_len++) % BACKLOG] = *o;
	return 0;
}

static void backlog_pop(struct port *port)
{
	pbuf_free(port->backlog[port->backlog_at].p);
	port->backlog_at = (port->backlog_at + 1) % BACKLOG;
	port->backlog_len--;
}

static void backlog_run(struct port *port)
{
	while (port->backlog_len) {
		int err = port_send(port, &port->backlog[port->backlog_at]);

		if (err == -EAGAIN)
			return;
		if (err)
			atomic_add(&port->dev->stats.tx_dropped, 1ull);
		backlog_pop(port);
	}
}

/* To the device, or into the queue of what waits for room there. p stays the caller's. 0 or -errno: dropped. */
static int frame_send(struct port *port, struct pbuf *p, u16 gso_size)
{
	struct outgoing o = { p, gso_size };
	int err = port->backlog_len ? -EAGAIN : port_send(port, &o);

	if (err == -EAGAIN)
		return backlog_push(port, &o);
	if (err)
		atomic_add(&port->dev->stats.tx_errors, 1ull);
	return err;
}

/* Sends what was gathered. */
static void burst_end(struct port *port)
{
	struct pbuf *p;
	u16 gso_size;

	if (!port->burst.first)
		return;
	list_remove(&port->burst_link);
	p = burst_take(&port->burst, &gso_size);
	(void)frame_send(port, p, gso_size);
	pbuf_free(p);
}

void __hot lwip_bursts_end(void)
{
	while (unlikely(!list_empty(&bursts)))
		burst_end(list_entry(bursts.next, struct port, burst_link));
}

/* netif.linkoutput: a whole frame. */
static err_t __hot link_output(struct netif *netif, struct pbuf *p)
{
	struct port *port = container_of(netif, struct port, netif);
	struct pbuf *flat = NULL;
	u16 gso_size = p->flags & PBUF_FLAG_TCP_PARTIAL ? lwip_tcp_gso_size : 0;
	int err;

	if (!(atomic_load(&port->dev->flags) & IFF_UP))
		return ERR_IF;
	/* A large segment that had to wait for its neighbour's address: nobody knows any more how it is to be cut. It is sent again. */
	if (unlikely(!gso_size && p->tot_len > SIZEOF_ETH_HDR + netif->mtu && (p->flags & PBUF_FLAG_TCP_PARTIAL)))
		return ERR_IF;
	if (packet_is_tapped())
		packet_tap_pbuf(port->dev, p, ETH_PAD_SIZE, true);
	if (port->burst.first && burst_add(&port->burst, p))
		return ERR_OK;
	burst_end(port);
	if (burst_begin(&port->burst, p, port->dev)) {
		list_push_back(&bursts, &port->burst_link);
		return ERR_OK;
	}
	if (pbuf_clen(p) >= NET_FRAME_SEGMENTS) {
		p = flat = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
		if (!p)
			return ERR_MEM;
	}
	err = frame_send(port, p, gso_size);
	if (flat)
		pbuf_free(flat);
	return err ? ERR_IF : ERR_OK;
}

static err_t eth_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	return netif_owns4(to) ? loop_output(netif, p) : etharp_output(netif, p, to);
}

static err_t eth_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
	return netif_owns6(to) ? loop_output(netif, p) : ethip6_output(netif, p, to);
}

void lwip_sent(void *token) { pbuf_free(token); }

void lwip_tx_ready(struct netdev *dev)
{
	if (!dev->ops || !dev->stack)
		return;
	dev->ops->reclaim(dev);
	backlog_run(dev->stack);
}

void lwip_reclaim(void)
{
	struct netdev *dev = NULL;

	while ((dev = netdev_next(dev)))
		lwip_tx_ready(dev);
}

int lwip_send_frame(struct netdev *dev, struct net_packet *packet)
{
	struct port *port = dev->stack;
	struct pbuf *p = (struct pbuf *)packet;
	err_t err;

	/* lo takes the packet behind the Ethernet header. */
	if (!dev->ops) {
		err = pbuf_remove_header(p, SIZEOF_ETH_HDR - ETH_PAD_SIZE) ? ERR_VAL : loop_output(&port->netif, p);
	} else {
		pbuf_add_header(p, ETH_PAD_SIZE);
		err = link_output(&port->netif, p);
	}
	pbuf_free(p);
	return lwip_errno(err);
}

/* ---- from a device --------------------------------------------------------------------------------- */
/* The packet is none of several fragments: only then what the device says of its checksum holds for all of it. */
static bool is_whole(const u8 *frame, u32 len)
{
	const u8 *ip = frame + SIZEOF_ETH_HDR - ETH_PAD_SIZE;

	if (len < SIZEOF_ETH_HDR - ETH_PAD_SIZE + IP6_HLEN)
		return false;
	if (frame[12] == 0x08 && frame[13] == 0x00)
		return !(ip[6] & 0x3f) && !ip[7];
	return frame[12] == 0x86 && frame[13] == 0xdd && (ip[6] == IP_PROTO_TCP || ip[6] == IP_PROTO_UDP);
}

static u32 chain_len(const struct netbuf *b)
{
	u32 len = 0;

	for (; b; b = b->next)
		len += b->len;
	return len;
}

/* The pieces of a frame as one packet. */
static struct pbuf *pieces_link(struct netbuf *b)
{
	struct pbuf *first = NULL, **link = &first;
	u32 left = chain_len(b);

	while (b) {
		struct netbuf *next = b->next;
		u32 len = b->len;
		struct pbuf *p = netbuf_to_pbuf(b);

		p->tot_len = (u16_t)left;
		left -= len;
		*link = p;
		link = &p->next;
		b = next;
	}
	return first;
}

/* lwIP reads an ARP message whatever its length. */
static bool is_short(const struct netbuf *b)
{
	return b->len < SIZEOF_ETH_HDR - ETH_PAD_SIZE ||
	       (b->len < 60 && b->data[12] == 0x08 && b->data[13] == 0x06 && b->len < SIZEOF_ETH_HDR - ETH_PAD_SIZE + SIZEOF_ETHARP_HDR);
}

void __hot lwip_receive(struct netdev *dev, struct netbuf *b)
{
	struct port *port = dev->stack;
	bool trusted;
	u16 flags;
	struct pbuf *p;

	if (!port || is_short(b) || chain_len(b) > 0xffff - ETH_PAD_SIZE) {
		atomic_add(&dev->stats.rx_errors, 1ull);
		netbuf_free_chain(b);
		return;
	}
	if (b->data[0] & 1)
		atomic_add(&dev->stats.multicast, 1ull);
	trusted = (b->flags & NETBUF_CSUM_OK) && is_whole(b->data, b->len);
	b->data -= ETH_PAD_SIZE;
	b->len += ETH_PAD_SIZE;
	p = pieces_link(b);
	if (packet_is_tapped())
		packet_tap_pbuf(dev, p, ETH_PAD_SIZE, false);
	flags = port->netif.chksum_flags;
	if (trusted)
		port->netif.chksum_flags = flags & (u16)~CHECKS;
	if (!(atomic_load(&dev->flags) & IFF_UP) || ethernet_input(p, &port->netif) != ERR_OK)
		pbuf_free(p);
	port->netif.chksum_flags = flags;
}

/* ---- coming and going ------------------------------------------------------------------------------ */
static err_t eth_init(struct netif *n)
{
	struct netdev *dev = n->state;

	n->name[0] = 'e';
	n->name[1] = 't';
	n->hwaddr_len = ETH_HWADDR_LEN;
	memcpy(n->hwaddr, dev->mac, ETH_HWADDR_LEN);
	n->mtu = (u16_t)dev->mtu;
	n->output = eth_output4;
	n->output_ip6 = eth_output6;
	n->linkoutput = link_output;
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	return ERR_OK;
}

static err_t no_input(struct pbuf *p, struct netif *n) { return ERR_IF; }

int lwip_attach(struct netdev *dev)
{
	struct port *port = kzalloc(sizeof(*port), ALLOC_ATOMIC);
	ip4_addr_t ip, mask;

	if (!port)
		return -ENOMEM;
	port->dev = dev;
	IP4_ADDR(&ip, 127, 0, 0, 1);
	IP4_ADDR(&mask, 255, 0, 0, 0);
	netif_add(&port->netif, dev->ops ? NULL : &ip, dev->ops ? NULL : &mask, NULL, dev, dev->ops ? eth_init : loop_init, no_input);
	dev->stack = port;
	if (!dev->ops) {
		ip6_addr_t one;

		netif_loopback = &port->netif;
		netif_set_link_up(&port->netif);
		ip6_addr_set_loopback(&one);
		netif_ip6_addr_set(&port->netif, 0, &one);
		netif_ip6_addr_set_state(&port->netif, 0, IP6_ADDR_PREFERRED);
		return lwip_set_up(dev, true);
	}
	if (atomic_load(&dev->has_carrier))
		netif_set_link_up(&port->netif);
	return 0;
}

struct netif *netif_of_index(u32 index)
{
	struct netdev *dev = netdev_by_index(index);

	return dev && dev->stack ? &((struct port *)dev->stack)->netif : NULL;
}

void lwip_carrier_changed(struct netdev *dev)
{
	struct port *port = dev->stack;

	if (!port)
		return;
	if (atomic_load(&dev->has_carrier))
		netif_set_link_up(&port->netif);
	else
		netif_set_link_down(&port->netif);
}

static bool others_up(void)
{
	struct netdev *dev = NULL;

	while ((dev = netdev_next(dev)))
		if (dev->ops && (atomic_load(&dev->flags) & IFF_UP))
			return true;
	return false;
}

int lwip_set_up(struct netdev *dev, bool up)
{
	struct port *port = dev->stack;

	if (up)
		(void)atomic_fetch_or(&dev->flags, IFF_UP);
	else
		(void)atomic_fetch_and(&dev->flags, ~(u32)IFF_UP);
	if (up) {
		netif_set_up(&port->netif);
		if (dev->ops && !ip6_addr_isvalid(netif_ip6_addr_state(&port->netif, 0)))
			netif_create_ip6_linklocal_address(&port->netif, 1);
	} else {
		netif_set_down(&port->netif);
		lwip_neighbours_forget(&port->netif);
		burst_end(port);
		while (port->backlog_len)
			backlog_pop(port);
	}
	lwip_timers_others(others_up());
	return 0;
}

int lwip_set_mtu(struct netdev *dev, u32 mtu)
{
	struct port *port = dev->stack;

	if (mtu < 68 || mtu > dev->mtu_max)
		return -EINVAL;
	dev->mtu = mtu;
	port->netif.mtu = (u16_t)mtu;
	port->netif.mtu6 = (u16_t)mtu;
	net_changed(&(struct net_change){ .what = NET_CHANGE_LINK, .ifindex = dev->index });
	return 0;
}

int lwip_set_mac(struct netdev *dev, const u8 mac[6])
{
	struct port *port = dev->stack;

	if (mac[0] & 1)
		return -EADDRNOTAVAIL;
	memcpy(dev->mac, mac, 6);
	memcpy(port->netif.hwaddr, mac, 6);
	net_changed(&(struct net_change){ .what = NET_CHANGE_LINK, .ifindex = dev->index });
	return 0;
}

void packet_tap_pbuf(struct netdev *dev, const struct pbuf *p, u32 skip, bool out)
{
	struct netbuf *b = pbuf_copy_to_netbuf(p);

	if (!b)
		return;
	b->data += skip;
	b->len -= skip;
	packet_tap(dev, b, out);
}
