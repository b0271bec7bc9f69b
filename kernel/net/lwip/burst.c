/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segmentation and checksums left to a device. lwIP makes segments of the wire's size, one after the other under
 * one hold of net_lock; those that continue each other are gathered here to one frame of up to 64 KiB, which the device
 * cuts again (Virtio 1.2 5.1.6.2). A retransmission thus stays lwIP's own business. The frame has a copy of the first
 * header and shows the senders' blocks; a piece that is no part of a block is copied.
 *
 * Lock: net_lock.
 */
#include <lib/bits.h>
#include <lib/string.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip_hooks.h>
#include <netif/ethernet.h>
#include "burst.h"

#define ETH 14u				/* without lwIP's padding */
#define IP4_LEN 20u			/* lwIP's own packets have no options */
#define IP6_LEN 40u
#define TCP_LEN 20u
#define TCP_FLAGS_FIN 1u
#define TCP_FLAGS_PSH 8u
#define TCP_FLAGS_ACK 0x10u
#define PAYLOAD_MIN 536u		/* a shorter segment is sent at once: nothing follows a request */
#define PIECES_MAX (NET_FRAME_SEGMENTS - 2)
#define LARGE_MAX 64000u		/* payload of a segment that the device cuts */

struct segment {
	u8 *eth, *ip, *tcp;
	u16 header_len, payload;
	bool is_v6;
};

static u16 get16(const u8 *p) { return (u16)(p[0] << 8 | p[1]); }
static u32 get32(const u8 *p) { return (u32)get16(p) << 16 | get16(p + 2); }
static void put16(u8 *p, u32 v) { p[0] = (u8)(v >> 8); p[1] = (u8)v; }

bool burst_is_v6(const struct pbuf *p) { return get16((const u8 *)p->payload + ETH_PAD_SIZE + 12) == ETHTYPE_IPV6; }
u16 burst_csum_start(const struct pbuf *p) { return (u16)(ETH + (burst_is_v6(p) ? IP6_LEN : IP4_LEN)); }
u16 burst_header_len(const struct pbuf *p)
{
	const u8 *tcp = (const u8 *)p->payload + ETH_PAD_SIZE + burst_csum_start(p);

	return (u16)(burst_csum_start(p) + (tcp[12] >> 4) * 4);
}

/* The sum of the pseudo header, not inverted: what a device continues (RFC 793 3.1, RFC 8200 8.1). */
static u16 pseudo_sum(const void *addresses, u32 bytes, u32 len)
{
	u32 sum = (u32)lwip_port_checksum(addresses, (int)bytes) + PP_HTONS(IP_PROTO_TCP) + lwip_htons((u16)len);

	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)((sum & 0xffff) + (sum >> 16));
}

static bool cuts(const struct netdev *dev, bool v6) { return dev->ops && dev->can_csum && (v6 ? dev->can_tso6 : dev->can_tso4); }

/* Whole segments of the wire, as many as an IP packet may have beside its headers. */
u32 lwip_hook_tcp_large(struct tcp_pcb *pcb)
{
	struct netif *n = ip_route(&pcb->local_ip, &pcb->remote_ip);
	bool v6 = IP_IS_V6(&pcb->remote_ip);

	if (!n || !cuts(netdev_of(n), v6) || (v6 ? netif_owns6(ip_2_ip6(&pcb->remote_ip)) : netif_owns4(ip_2_ip4(&pcb->remote_ip))))
		return 0;
	return LARGE_MAX / tcp_mss(pcb) * tcp_mss(pcb);
}

static bool fits_path(const struct netif *n, const ip_addr_t *to, u32 len)
{
	u32 mtu = n->mtu;

	if (!IP_IS_V6(to))
		return len + IP4_LEN <= mtu;
	mtu = nd6_get_destination_mtu(ip_2_ip6(to), (struct netif *)n);
	return len + IP6_LEN <= mtu;
}

/* What is cut into fragments on its way out needs its whole checksum. */
u16_t __hot lwip_hook_tcp_sum(struct pbuf *p, u16_t len, const ip_addr_t *from, const ip_addr_t *to, struct netif *n)
{
	u32 both[8], words = IP_IS_V6(to) ? 4 : 1;

	p->flags &= (u8_t)~PBUF_FLAG_TCP_PARTIAL;
	if (lwip_tcp_gso_size && (!n || !cuts(netdev_of(n), IP_IS_V6(to))))
		lwip_tcp_gso_size = 0;	/* its way is another one now: IP cuts it */
	if (!n || !netdev_of(n)->can_csum || (!lwip_tcp_gso_size && !fits_path(n, to, len)))
		return ip_chksum_pseudo(p, IP_PROTO_TCP, len, from, to);
	p->flags |= PBUF_FLAG_TCP_PARTIAL;
	memcpy(both, ip_2_ip6(from)->addr, words * 4);
	memcpy(both + words, ip_2_ip6(to)->addr, words * 4);
	return pseudo_sum(both, words * 8, len);
}

/* False: nothing that others could continue or that continues others. */
static bool segment_read(const struct pbuf *p, struct segment *s)
{
	u32 before;

	if (!(p->flags & PBUF_FLAG_TCP_PARTIAL) || p->len < ETH_PAD_SIZE + ETH + IP4_LEN + TCP_LEN)
		return false;
	s->eth = (u8 *)p->payload + ETH_PAD_SIZE;
	s->ip = s->eth + ETH;
	s->is_v6 = burst_is_v6(p);
	before = burst_csum_start(p);
	s->tcp = s->eth + before;
	if (p->len < ETH_PAD_SIZE + before + TCP_LEN)
		return false;
	s->header_len = (u16)(before + (s->tcp[12] >> 4) * 4u);
	if (p->len < ETH_PAD_SIZE + s->header_len || (s->tcp[13] & ~(TCP_FLAGS_PSH | TCP_FLAGS_FIN)) != TCP_FLAGS_ACK)
		return false;
	s->payload = (u16)(p->tot_len - ETH_PAD_SIZE - s->header_len);
	return s->payload != 0;
}

/* All but lengths, identification, checksums, sequence number and PSH are alike. */
static bool same_flow(const struct segment *a, const struct segment *b)
{
	u32 options = (u32)(a->header_len - (a->tcp - a->eth)) - TCP_LEN;

	if (a->header_len != b->header_len || a->is_v6 != b->is_v6 || memcmp(a->eth, b->eth, ETH))
		return false;
	if (a->is_v6 ? memcmp(a->ip, b->ip, 4) || memcmp(a->ip + 6, b->ip + 6, 34) :
		       a->ip[1] != b->ip[1] || memcmp(a->ip + 6, b->ip + 6, 4) || memcmp(a->ip + 12, b->ip + 12, 8))
		return false;
	return !memcmp(a->tcp, b->tcp, 4) && !memcmp(a->tcp + 8, b->tcp + 8, 5) && !memcmp(a->tcp + 14, b->tcp + 14, 2) &&
	       !memcmp(a->tcp + TCP_LEN, b->tcp + TCP_LEN, options);
}

/* n bytes at data, which lie in q, behind the frame's. */
static bool piece_add(struct burst *b, const struct pbuf *q, u8 *data, u32 n)
{
	struct netblock *block = pbuf_is_netbuf(q) ? ((const struct netbuf *)q)->block : NULL;
	struct pbuf *tail = b->tail, *added;
	struct netbuf *piece;

	if (block && tail != b->frame && ((struct netbuf *)tail)->block == block && (u8 *)tail->payload + tail->len == data) {
		tail->len = (u16_t)(tail->len + n);
		tail->tot_len = tail->len;
		return true;
	}
	if (b->pieces == PIECES_MAX)
		return false;
	piece = block ? netbuf_view(block, data, n) : netbuf_alloc(n);
	if (!piece)
		return false;
	if (!block)
		memcpy(piece->data, data, n);
	added = netbuf_to_pbuf(piece);
	tail->next = added;
	b->tail = added;
	b->pieces++;
	return true;
}

/* All of a segment's bytes, or none. */
static bool payload_add(struct burst *b, const struct pbuf *p, u32 header_len)
{
	struct pbuf *old_tail = b->tail;
	u16 old_len = old_tail->len, old_pieces = b->pieces;
	u32 skip = ETH_PAD_SIZE + header_len;

	for (const struct pbuf *q = p; q; q = q->next, skip = 0) {
		if (q->len == skip || piece_add(b, q, (u8 *)q->payload + skip, q->len - skip))
			continue;
		if (old_tail->next)
			pbuf_free(old_tail->next);
		old_tail->next = NULL;
		old_tail->len = old_len;
		if (old_tail != b->frame)
			old_tail->tot_len = old_len;
		b->tail = old_tail;
		b->pieces = old_pieces;
		return false;
	}
	b->frame->tot_len = (u16_t)(b->frame->tot_len + p->tot_len - ETH_PAD_SIZE - header_len);
	return true;
}

/* A frame of its own that begins like the first segment and has its bytes. */
static bool frame_make(struct burst *b)
{
	u32 len = ETH_PAD_SIZE + b->header_len;
	struct netbuf *head = netbuf_alloc(len);

	if (!head)
		return false;
	memcpy(head->data, b->first->payload, len);
	b->frame = b->tail = netbuf_to_pbuf(head);
	b->frame->flags |= PBUF_FLAG_TCP_PARTIAL;
	b->pieces = 0;
	if (payload_add(b, b->first, b->header_len))
		return true;
	pbuf_free(b->frame);
	b->frame = NULL;
	return false;
}

/* A large segment is copied (its header) and shown (its bytes) at once, so that lwIP may cut its own. */
bool __hot burst_begin(struct burst *b, struct pbuf *p, const struct netdev *dev)
{
	struct segment s;
	bool is_large = lwip_tcp_gso_size != 0;

	if (!segment_read(p, &s) || s.payload < PAYLOAD_MIN || !cuts(dev, s.is_v6) || (!is_large && (s.tcp[13] & TCP_FLAGS_FIN)))
		return false;
	pbuf_ref(p);
	*b = (struct burst){ .first = p, .next_seq = get32(s.tcp + 4) + s.payload, .header_len = s.header_len,
		.mss = is_large ? lwip_tcp_gso_size : s.payload };
	if (!is_large || frame_make(b))
		return true;
	pbuf_free(p);
	*b = (struct burst){ 0 };
	return false;
}

bool __hot burst_add(struct burst *b, const struct pbuf *p)
{
	struct segment s, first;
	u8 *tcp;

	if (!segment_read(p, &s) || !segment_read(b->frame ? b->frame : b->first, &first))
		return false;
	tcp = first.tcp;
	if (get32(s.tcp + 4) != b->next_seq || (s.payload > b->mss && lwip_tcp_gso_size != b->mss) || first.payload % b->mss ||
	    ((s.tcp[13] | first.tcp[13]) & TCP_FLAGS_FIN) ||
	    (u32)first.header_len + first.payload + s.payload + ETH_PAD_SIZE > 0xffff || !same_flow(&first, &s))
		return false;
	if (!b->frame) {
		if (!frame_make(b))
			return false;
		tcp = (u8 *)b->frame->payload + (first.tcp - (u8 *)b->first->payload);
	}
	if (!payload_add(b, p, s.header_len))
		return false;
	tcp[13] |= s.tcp[13];		/* PSH somewhere: the device puts it on the last */
	b->next_seq += s.payload;
	return true;
}

static void header_finish(struct pbuf *frame, const struct burst *b)
{
	u8 *ip = (u8 *)frame->payload + ETH_PAD_SIZE + ETH, *tcp;
	u32 len = frame->tot_len - ETH_PAD_SIZE - ETH;
	u16 sum;

	if (burst_is_v6(frame)) {
		tcp = ip + IP6_LEN;
		put16(ip + 4, len - IP6_LEN);
		sum = pseudo_sum(ip + 8, 32, len - IP6_LEN);
	} else {
		u16 ip_sum;

		tcp = ip + IP4_LEN;
		put16(ip + 2, len);
		put16(ip + 10, 0);
		ip_sum = inet_chksum(ip, IP4_LEN);
		memcpy(ip + 10, &ip_sum, 2);
		sum = pseudo_sum(ip + 12, 8, len - IP4_LEN);
	}
	memcpy(tcp + 16, &sum, 2);
}

struct pbuf *burst_take(struct burst *b, u16 *gso_size)
{
	struct pbuf *frame = b->frame ? b->frame : b->first;

	*gso_size = b->frame ? b->mss : 0;
	if (b->frame) {
		header_finish(frame, b);
		pbuf_free(b->first);
	}
	*b = (struct burst){ 0 };
	return frame;
}
