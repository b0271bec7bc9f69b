/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is for this machine itself, by whatever interface it would leave. It waits in a list until lwIP has been left (lwip_run_pending, from
 * net_unlock), since lwIP's input does not nest; a sender thus carries its segment right into the receiver's queue, without another thread.
 *
 * Lock: net_lock.
 */
#include <lib/bits.h>
#include <lib/string.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/tcp.h>
#include <lwip_hooks.h>
#include "burst.h"
#include "../packet.h"

#define COPY_MAX 256u			/* pieces up to this are copied into one buffer */
#define PENDING_BUDGET 512u
#define HEADERS 128u			/* IP's, a transport's, options of both */

static struct list pending = LIST_INIT(pending);	/* struct netbuf.packet.link: each the first of a chain */

/* All but the first skip bytes. What lies in one of our blocks is shown, other bytes are copied. */
static struct pbuf *piece_again(const struct pbuf *p, u32 skip)
{
	struct netbuf *from = (struct netbuf *)p, *b;
	u8 *data = (u8 *)p->payload + skip;
	u32 len = p->len - skip;

	if (pbuf_is_netbuf(p) && from->block && len > COPY_MAX) {
		b = netbuf_view(from->block, data, len);
	} else {
		b = netbuf_alloc(len);
		if (b)
			memcpy(b->data, data, len);
	}
	return b ? netbuf_to_pbuf(b) : NULL;
}

/* The first bytes in one piece, since lwIP's input reads headers as they lie; a fragment's IP header comes alone. */
static struct pbuf *headers_again(const struct pbuf *p)
{
	struct netbuf *b = netbuf_alloc(HEADERS);

	if (!b)
		return NULL;
	pbuf_copy_partial(p, b->data, HEADERS, 0);
	return netbuf_to_pbuf(b);
}

static struct pbuf *chain_again(const struct pbuf *p)
{
	struct pbuf *first = NULL, *q;
	u32 skip = 0;

	if (p->tot_len <= COPY_MAX) {
		struct netbuf *b = pbuf_copy_to_netbuf(p);

		return b ? netbuf_to_pbuf(b) : NULL;
	}
	if (unlikely(p->len < (IP_HDR_GET_VERSION(p->payload) == 6 ? IP6_HLEN : IP_HLEN) + TCP_HLEN)) {
		first = headers_again(p);
		if (!first)
			return NULL;
		skip = HEADERS;
	}
	for (; p; p = p->next) {
		if (skip >= p->len) {
			skip -= p->len;
			continue;
		}
		q = piece_again(p, skip);
		skip = 0;
		if (!q) {
			if (first)
				pbuf_free(first);
			return NULL;
		}
		if (first)
			pbuf_cat(first, q);
		else
			first = q;
	}
	return first;
}

err_t loop_output(struct netif *netif, struct pbuf *p)
{
	struct netdev *dev = netdev_of(netif);
	struct pbuf *q = chain_again(p);
	struct netbuf *b = (struct netbuf *)q;

	if (!q) {
		atomic_add(&dev->stats.tx_dropped, 1ull);
		return ERR_MEM;
	}
	atomic_add(&dev->stats.tx_packets, 1ull);
	atomic_add(&dev->stats.tx_bytes, (u64)q->tot_len);
	q->if_idx = netif_get_index(netif);
	list_push_back(&pending, &b->packet.link);
	return ERR_OK;
}

static err_t lo_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to) { return loop_output(netif, p); }
static err_t lo_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to) { return loop_output(netif, p); }

/* What never left this machine's memory is not checked: its sums may not be there. */
static void input_trusted(struct pbuf *p, struct netif *netif)
{
	u16 flags = netif->chksum_flags;

	netif->chksum_flags = flags & (u16)~CHECKS;
	if (ip_input(p, netif) != ERR_OK)
		pbuf_free(p);
	netif->chksum_flags = flags;
}

void __hot lwip_run_pending(void)
{
	unsigned n = 0;

	while (!list_empty(&pending)) {
		struct netbuf *b = list_entry(list_pop_front(&pending), struct netbuf, packet.link);
		struct pbuf *p = (struct pbuf *)b;
		struct netif *netif = netif_get_by_index(p->if_idx);
		struct netdev *dev = netif ? netdev_of(netif) : NULL;

		/* Two ends that answer each other without end would keep the lock: the rest is dropped, as on a wire. */
		if (!netif || ++n > PENDING_BUDGET) {
			if (dev)
				atomic_add(&dev->stats.rx_dropped, 1ull);
			pbuf_free(p);
			continue;
		}
		atomic_add(&dev->stats.rx_packets, 1ull);
		atomic_add(&dev->stats.rx_bytes, (u64)p->tot_len);
		if (packet_is_tapped())
			packet_tap_pbuf(dev, p, 0, false);
		input_trusted(p, netif);
	}
	lwip_bursts_end();
}

bool netif_owns4(const ip4_addr_t *a)
{
	struct netif *n;

	if (ip4_addr_isloopback(a) || lwip_hook_owns4(a))
		return true;
	NETIF_FOREACH(n)
		if (!ip4_addr_isany_val(*netif_ip4_addr(n)) && ip4_addr_eq(a, netif_ip4_addr(n)))
			return true;
	return false;
}

bool netif_owns6(const ip6_addr_t *a)
{
	struct netif *n;

	NETIF_FOREACH(n)
		for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
			if (ip6_addr_isvalid(netif_ip6_addr_state(n, i)) && ip6_addr_zoneless_eq(a, netif_ip6_addr(n, i)))
				return true;
	return false;
}

err_t loop_init(struct netif *n)
{
	n->name[0] = 'l';
	n->name[1] = 'o';
	n->mtu = 65535;
	n->output = lo_output4;
	n->output_ip6 = lo_output6;
	n->flags = NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	n->ip6_autoconfig_enabled = 0;
	/* What never left this machine's memory is not checked, except that programs check answers to their pings. */
	NETIF_SET_CHECKSUM_CTRL(n, NETIF_CHECKSUM_GEN_ICMP | NETIF_CHECKSUM_GEN_ICMP6);
	return ERR_OK;
}
