/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP errors: which datagram of ours a message quotes, and whose it was. A connected endpoint is preferred, then one bound
 * to the port; raw endpoints of the quoted protocol all hear of it. Of TCP only requests for connections listen. Lock: net_lock.
 */
#include <lib/string.h>
#include <lwip/prot/icmp.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/udp.h>
#include <uapi/inet.h>
#include "ends.h"

#define QUOTE_MAX 1280u
#define ICMP_HLEN 8u
#define FRAG_NEEDED 4

struct verdict {
	u16 err;
	bool is_hard;
};

/* By code of "destination unreachable", as Linux tells them. */
static const struct verdict unreachable[] = {
	{ ENETUNREACH, false }, { EHOSTUNREACH, false }, { ENOPROTOOPT, true }, { ECONNREFUSED, true }, { EMSGSIZE, true },
	{ EOPNOTSUPP, false }, { ENETUNREACH, true }, { EHOSTDOWN, true }, { ENONET, true }, { ENETUNREACH, true },
	{ EHOSTUNREACH, true }, { ENETUNREACH, false }, { EHOSTUNREACH, false }, { EHOSTUNREACH, true }, { EHOSTUNREACH, true },
	{ EHOSTUNREACH, true },
};
static const struct verdict unreachable6[] = {
	{ ENETUNREACH, false }, { EACCES, true }, { EHOSTUNREACH, false }, { EHOSTUNREACH, false }, { ECONNREFUSED, true },
	{ EACCES, true }, { EACCES, true },
};

static bool verdict4(const u8 *icmp, struct net_error *e)
{
	switch (icmp[0]) {
	case ICMP_DUR:
		if (icmp[1] >= ARRAY_LEN(unreachable))
			return false;
		e->err = unreachable[icmp[1]].err;
		e->is_hard = unreachable[icmp[1]].is_hard;
		if (icmp[1] == FRAG_NEEDED)
			e->info = (u32)icmp[6] << 8 | icmp[7];
		return true;
	case ICMP_TE: e->err = EHOSTUNREACH; return true;
	case ICMP_PP: e->err = EPROTO; e->is_hard = true; return true;
	default: return false;
	}
}

static bool verdict6(const u8 *icmp, struct net_error *e)
{
	switch (icmp[0]) {
	case ICMP6_TYPE_DUR:
		if (icmp[1] >= ARRAY_LEN(unreachable6))
			return false;
		e->err = unreachable6[icmp[1]].err;
		e->is_hard = unreachable6[icmp[1]].is_hard;
		return true;
	case ICMP6_TYPE_PTB:
		e->err = EMSGSIZE;
		e->is_hard = true;
		e->info = (u32)icmp[4] << 24 | (u32)icmp[5] << 16 | (u32)icmp[6] << 8 | icmp[7];
		return true;
	case ICMP6_TYPE_TE: e->err = EHOSTUNREACH; return true;
	case ICMP6_TYPE_PP: e->err = EPROTO; e->is_hard = true; return true;
	default: return false;
	}
}

static bool is_to(const ip_addr_t *a, const struct net_addr *to)
{
	ip_addr_t ip;

	addr_to_lwip(&ip, to);
	return IP_IS_V6(a) == IP_IS_V6_VAL(ip) && (IP_IS_V6(a) ? ip6_addr_zoneless_eq(ip_2_ip6(a), ip_2_ip6(&ip)) :
						   ip4_addr_eq(ip_2_ip4(a), ip_2_ip4(&ip)));
}

/* l4: the quoted UDP header. */
static void tell_udp(struct net_error *e, u8 protocol, const u8 *l4, u32 n)
{
	u16 local = (u16)(l4[0] << 8 | l4[1]);
	struct net_end *end, *found = NULL;

	e->to.port = (u16)(l4[2] << 8 | l4[3]);
	e->data = l4 + UDP_HLEN;
	e->len = n - UDP_HLEN;
	list_for_each(end, &udp_ends, link) {
		struct udp_pcb *u = end->udp;

		if (u->local_port != local || end->protocol != protocol)
			continue;
		if (!(u->flags & UDP_FLAGS_CONNECTED)) {
			found = found ? found : end;
		} else if (u->remote_port == e->to.port && is_to(&u->remote_ip, &e->to)) {
			found = end;
			break;
		}
	}
	if (found)
		found->ev->failed(found->owner, e);
}

static void tell_raw(struct net_error *e, u8 protocol, const u8 *l4, u32 n)
{
	struct net_end *end;

	e->data = l4;
	e->len = n;
	list_for_each(end, &raw_ends, link) {
		if (end->protocol != protocol || end->family != e->to.family)
			continue;
		if (!end->is_connected || !memcmp(end->peer.ip, e->to.ip, 16))
			end->ev->failed(end->owner, e);
	}
}

/* l4: the quoted TCP header's first eight bytes. What would have to be smaller is IP's business. */
static void tell_tcp(const struct net_error *e, const struct net_addr *own, const u8 *l4)
{
	struct net_addr local = *own, remote = e->to;

	if (e->err == EMSGSIZE)
		return;
	local.port = (u16)(l4[0] << 8 | l4[1]);
	remote.port = (u16)(l4[2] << 8 | l4[3]);
	lwip_tcp_unreachable(&local, &remote, (u32)l4[4] << 24 | (u32)l4[5] << 16 | (u32)l4[6] << 8 | l4[7], e->err);
}

static void tell(struct net_error *e, const struct net_addr *own, u8 protocol, const u8 *l4, u32 n)
{
	if (protocol == IP_PROTO_TCP && n >= 8)
		tell_tcp(e, own, l4);
	if ((protocol == IP_PROTO_UDP || protocol == IP_PROTO_UDPLITE) && n >= UDP_HLEN)
		tell_udp(e, protocol, l4, n);
	if (n >= ICMP_HLEN)
		tell_raw(e, protocol, l4, n);
}

u8_t lwip_on_icmp(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	struct net_error e = { .origin = SO_EE_ORIGIN_ICMP, .to.family = AF_INET };
	struct net_addr own = { .family = AF_INET };
	static u8 quote[QUOTE_MAX];	/* net_lock */
	const struct ip_hdr *inner = (const void *)(quote + ICMP_HLEN);
	u32 n = pbuf_copy_partial(p, quote, sizeof(quote), IPH_HL_BYTES(ip4_current_header())), head;

	if (n < ICMP_HLEN + IP_HLEN + ICMP_HLEN || !verdict4(quote, &e))
		return 0;
	head = ICMP_HLEN + IPH_HL_BYTES(inner);
	if (head < ICMP_HLEN + IP_HLEN || head + ICMP_HLEN > n || (lwip_ntohs(IPH_OFFSET(inner)) & IP_OFFMASK))
		return 0;
	e.type = quote[0];
	e.code = quote[1];
	e.to.ip[0] = inner->dest.addr;
	addr_from_lwip(&e.offender, from, 0);
	own.ip[0] = inner->src.addr;
	tell(&e, &own, IPH_PROTO(inner), quote + head, n - head);
	return 0;
}

u8_t lwip_on_icmp6(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	struct net_error e = { .origin = SO_EE_ORIGIN_ICMP6, .to.family = AF_INET6 };
	struct net_addr own = { .family = AF_INET6 };
	static u8 quote[QUOTE_MAX];	/* net_lock */
	u32 n = pbuf_copy_partial(p, quote, sizeof(quote), ip_current_header_tot_len()), head = ICMP_HLEN + IP6_HLEN;

	if (n < head + ICMP_HLEN || !verdict6(quote, &e))
		return 0;
	e.type = quote[0];
	e.code = quote[1];
	memcpy(e.to.ip, quote + ICMP_HLEN + 24, 16);
	addr_from_lwip(&e.offender, from, 0);
	memcpy(own.ip, quote + ICMP_HLEN + 8, 16);
	tell(&e, &own, quote[ICMP_HLEN + 6], quote + head, n - head);
	return 0;
}
