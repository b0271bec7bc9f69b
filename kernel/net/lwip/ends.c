/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP and raw endpoints; what ICMP says about what they sent is icmp.c's. Received datagrams are handed up as buffers with
 * their origin; raw endpoints get copies, since several may want the same packet and lwIP itself goes on with it.
 *
 * Lock: net_lock.
 */
#include <kernel/random.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <lwip/icmp.h>
#include <lwip/igmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/mld6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/icmp.h>
#include <lwip/raw.h>
#include <lwip/udp.h>
#include <lwip_hooks.h>
#include "../settings.h"
#include "ends.h"

#define ICMP6_CHECKSUM_AT 2u

#define SHARERS_MAX 64u			/* over which datagrams are spread */

struct list udp_ends = LIST_INIT(udp_ends), raw_ends = LIST_INIT(raw_ends);

/* ---- receiving ------------------------------------------------------------------------------------- */
static void origin_set(struct netbuf *b, u16 from_port)
{
	struct net_origin *o = &b->origin;
	struct netif *in = ip_current_input_netif();

	memset(o, 0, sizeof(*o));
	o->from_port = from_port;
	o->ifindex = in ? netif_get_index(in) : 0;
	if (ip_current_is_v6()) {
		const struct ip6_hdr *h = ip6_current_header();

		o->family = AF_INET6;
		memcpy(o->from, ip6_current_src_addr()->addr, 16);
		memcpy(o->to, ip6_current_dest_addr()->addr, 16);
		o->ttl = IP6H_HOPLIM(h);
		o->tos = (u8)IP6H_TC(h);
	} else {
		const struct ip_hdr *h = ip4_current_header();

		o->family = AF_INET;
		o->from[0] = ip4_current_src_addr()->addr;
		o->to[0] = ip4_current_dest_addr()->addr;
		o->ttl = IPH_TTL(h);
		o->tos = IPH_TOS(h);
	}
}

static bool same_name(const struct udp_pcb *a, const struct udp_pcb *b)
{
	return a->local_port == b->local_port && !((a->flags ^ b->flags) & UDP_FLAGS_UDPLITE) && ip_addr_eq(&a->local_ip, &b->local_ip) &&
	       IP_GET_TYPE(&a->local_ip) == IP_GET_TYPE(&b->local_ip);
}

/* Of sockets that share a name (SO_REUSEPORT) the one for this sender; groups and broadcasts go to all. */
static struct net_end *end_choose(struct net_end *e, const ip_addr_t *from, u16 port)
{
	struct net_end *all[SHARERS_MAX], *o;
	u32 n = 0;

	if (e->ev->share(e->owner, e->owner) != NET_SHARE_SPREAD || (e->udp->flags & UDP_FLAGS_CONNECTED) ||
	    ip_addr_ismulticast(ip_current_dest_addr()) || ip_addr_isbroadcast(ip_current_dest_addr(), ip_current_input_netif()))
		return e;
	list_for_each(o, &udp_ends, link)
		if (n < SHARERS_MAX && same_name(o->udp, e->udp) && !(o->udp->flags & UDP_FLAGS_CONNECTED) &&
		    e->ev->share(o->owner, e->owner) == NET_SHARE_SPREAD)
			all[n++] = o;
	return n > 1 ? all[lwip_spread_hash(from, port) % n] : e;
}

static void on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
	struct net_end *e = arg;
	u32 len = p->tot_len;
	struct netbuf *b = pbuf_to_netbuf(p);

	if (!b)
		return;
	e = end_choose(e, from, port);
	origin_set(b, port);
	e->ev->received(e->owner, b, len);
}

static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	struct net_end *e = arg;
	struct netbuf *b = pbuf_copy_to_netbuf(p);
	u32 header = ip_current_header_tot_len();

	if (!b)
		return 0;
	/* IPv6 raw sockets see no header (RFC 3542 3). */
	if (ip_current_is_v6() && header < b->len) {
		b->data += header;
		b->len -= header;
	}
	origin_set(b, 0);
	e->ev->received(e->owner, b, b->len);
	return 0;
}

void ends_init(void)
{
	struct raw_pcb *a = raw_new_ip_type(IPADDR_TYPE_V4, IP_PROTO_ICMP), *b = raw_new_ip_type(IPADDR_TYPE_V6, IP6_NEXTH_ICMP6);

	if (!a || !b)
		panic("no memory for the network");
	raw_recv(a, lwip_on_icmp, NULL);
	raw_recv(b, lwip_on_icmp6, NULL);
}

/* ---- making and naming ----------------------------------------------------------------------------- */
int lwip_end_new(u16 family, u8 protocol, bool raw, void *owner, const struct net_end_events *ev, struct net_end **out)
{
	u8 type = family == AF_INET ? IPADDR_TYPE_V4 : raw ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY;
	struct net_end *e = kzalloc(sizeof(*e), ALLOC_ATOMIC);

	if (!e)
		return -ENOMEM;
	*e = (struct net_end){ .owner = owner, .ev = ev, .family = family, .protocol = protocol };
	if (raw)
		e->raw = raw_new_ip_type(type, protocol);
	else
		e->udp = udp_new_ip_type(type);
	if (!e->raw && !e->udp) {
		kfree(e);
		return -ENOMEM;
	}
	if (e->udp && protocol == IP_PROTO_UDPLITE)
		e->udp->flags |= UDP_FLAGS_UDPLITE;
	/* RFC 3542 3.1: the kernel completes the checksum of every ICMPv6 message. */
	if (raw && family == AF_INET6 && protocol == IP6_NEXTH_ICMP6) {
		e->raw->chksum_reqd = 1;
		e->raw->chksum_offset = ICMP6_CHECKSUM_AT;
	}
	if (raw)
		raw_recv(e->raw, on_raw, e);
	else
		udp_recv(e->udp, on_udp, e);
	list_push_back(raw ? &raw_ends : &udp_ends, &e->link);
	*out = e;
	return 0;
}

static bool udp_port_taken(u16 port)
{
	for (struct udp_pcb *u = udp_pcbs; u; u = u->next)
		if (u->local_port == port)
			return true;
	return false;
}

/* Somebody has that name who does not share it with e. */
static bool udp_is_taken(const struct net_end *e, const ip_addr_t *a, u16 port)
{
	struct net_end *o;

	list_for_each(o, &udp_ends, link) {
		const ip_addr_t *b = &o->udp->local_ip;
		bool overlaps = IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b) ||
				(IP_IS_V6(a) == IP_IS_V6(b) && (ip_addr_isany(a) || ip_addr_isany(b) || ip_addr_eq(a, b)));

		if (o != e && o->protocol == e->protocol && o->udp->local_port == port && overlaps && e->ev->share(e->owner, o->owner) == NET_SHARE_NONE)
			return true;
	}
	return false;
}

static u16 udp_port_choose(void)
{
	u32 first = atomic_load(&net_settings.port_first), last = max(first, atomic_load(&net_settings.port_last));

	for (unsigned i = 0; i < 1000; i++) {
		u16 port = (u16)(first + random_below(last - first + 1));

		if (!udp_port_taken(port))
			return port;
	}
	return 0;
}

int lwip_end_bind(struct net_end *e, const struct net_addr *a)
{
	ip_addr_t ip;
	u16 port = a->port;

	addr_to_lwip(&ip, a);
	if (!net_addr_is_any(a) && !lwip_is_local(a) &&
	    !(a->family == AF_INET ? ip4_addr_ismulticast(ip_2_ip4(&ip)) || ip_2_ip4(&ip)->addr == IPADDR_BROADCAST :
	      ip6_addr_ismulticast(ip_2_ip6(&ip))))
		return -EADDRNOTAVAIL;
	if (e->raw)
		return lwip_errno(raw_bind(e->raw, &ip));
	if (net_addr_is_any(a) && a->family == AF_INET6 && !e->v6only)
		ip = ip_addr_any_type;
	if (!port) {
		port = udp_port_choose();
		if (!port)
			return -EADDRINUSE;
	} else if (udp_is_taken(e, &ip, port)) {
		return -EADDRINUSE;
	}
	return lwip_errno(udp_bind(e->udp, &ip, port));
}

int lwip_end_connect(struct net_end *e, const struct net_addr *a)
{
	ip_addr_t ip;
	err_t err;

	if (!a) {
		e->is_connected = false;
		if (e->raw)
			raw_disconnect(e->raw);
		else
			udp_disconnect(e->udp);
		return 0;
	}
	addr_to_lwip(&ip, a);
	if (net_addr_is_any(a)) {
		if (a->family == AF_INET)
			ip_addr_set_ip4_u32_val(ip, PP_HTONL(IPADDR_LOOPBACK));
		else
			ip6_addr_set_loopback(ip_2_ip6(&ip));
	}
	if (e->raw) {
		err = raw_connect(e->raw, &ip);
	} else {
		struct netif *n = ip_route(&e->udp->local_ip, &ip);

		if (!n)
			return -ENETUNREACH;
		if (!e->udp->local_port) {
			e->udp->local_port = udp_port_choose();
			udp_bind(e->udp, &e->udp->local_ip, e->udp->local_port);
		}
		err = udp_connect(e->udp, &ip, a->port);
		/* As Linux: the own address is settled with the peer's. */
		if (err == ERR_OK && ip_addr_isany(&e->udp->local_ip)) {
			const ip_addr_t *own = ip_netif_get_local_ip(n, &ip);

			if (own)
				ip_addr_copy(e->udp->local_ip, *own);
		}
	}
	e->is_connected = err == ERR_OK;
	e->peer = *a;
	return lwip_errno(err);
}

void lwip_end_names(struct net_end *e, struct net_addr *local, struct net_addr *peer)
{
	memset(peer, 0, sizeof(*peer));
	if (e->raw) {
		addr_from_lwip(local, &e->raw->local_ip, e->protocol);
		if (e->is_connected)
			*peer = e->peer;
		return;
	}
	addr_from_lwip(local, &e->udp->local_ip, e->udp->local_port);
	if (e->udp->flags & UDP_FLAGS_CONNECTED)
		addr_from_lwip(peer, &e->udp->remote_ip, e->udp->remote_port);
}

/* ---- sending --------------------------------------------------------------------------------------- */
/* With addresses that lwIP does not know: the one to send from when it is one of them, and the interface; NULL: as lwIP does. */
static struct netif *further_source(const struct net_end *e, const ip_addr_t *to, const struct net_addr *from, ip_addr_t *src)
{
	const ip_addr_t *local = &e->udp->local_ip;
	struct netif *n = from && from->scope ? netif_get_by_index((u8_t)from->scope) : ip_route(local, to);
	u32 ip;

	if (!n || IP_IS_V6(to) || ip_addr_ismulticast(to))
		return NULL;
	ip = ip_addr_isany(local) ? secondary_source(n, ip_2_ip4(to)->addr) : lwip_hook_owns4(ip_2_ip4(local)) ? ip_2_ip4(local)->addr : 0;
	if (!ip)
		return NULL;
	ip_addr_set_ip4_u32_val(*src, ip);
	return n;
}

static err_t udp_out(struct net_end *e, struct pbuf *p, const ip_addr_t *to, u16 port, const struct net_addr *from)
{
	ip_addr_t src;
	struct netif *n;

	if (secondary_any() && (!from || net_addr_is_any(from))) {
		n = further_source(e, to ? to : &e->udp->remote_ip, from, &src);
		if (n)
			return udp_sendto_if_src(e->udp, p, to ? to : &e->udp->remote_ip, to ? port : e->udp->remote_port, n, &src);
	}
	if (!from || (net_addr_is_any(from) && !from->scope))
		return to ? udp_sendto(e->udp, p, to, port) : udp_send(e->udp, p);
	if (!to) {
		to = &e->udp->remote_ip;
		port = e->udp->remote_port;
	}
	n = from->scope ? netif_get_by_index((u8_t)from->scope) : ip_route(&e->udp->local_ip, to);
	if (!n)
		return ERR_RTE;
	if (net_addr_is_any(from))
		return udp_sendto_if(e->udp, p, to, port, n);
	addr_to_lwip(&src, from);
	if (!e->udp->local_port)
		udp_bind(e->udp, &e->udp->local_ip, udp_port_choose());
	return udp_sendto_if_src(e->udp, p, to, port, n, &src);
}

int lwip_end_send(struct net_end *e, struct net_packet *packet, const struct net_addr *to, const struct net_addr *from)
{
	struct pbuf *p = (struct pbuf *)packet;
	ip_addr_t ip;
	err_t err;

	if (!to && !e->is_connected && !(e->udp && (e->udp->flags & UDP_FLAGS_CONNECTED))) {
		pbuf_free(p);
		return -EDESTADDRREQ;
	}
	if (to) {
		addr_to_lwip(&ip, to);
		if (net_addr_is_any(to)) {
			if (to->family == AF_INET)
				ip_addr_set_ip4_u32_val(ip, PP_HTONL(IPADDR_LOOPBACK));
			else
				ip6_addr_set_loopback(ip_2_ip6(&ip));
		}
	}
	if (e->raw && e->raw->chksum_reqd) {
		if (p->len < ICMP6_CHECKSUM_AT + 2) {
			pbuf_free(p);
			return -EINVAL;
		}
		memset((u8 *)p->payload + ICMP6_CHECKSUM_AT, 0, 2);
	}
	if (e->udp) {
		if (!e->udp->local_port)
			(void)udp_bind(e->udp, &e->udp->local_ip, udp_port_choose());
		err = udp_out(e, p, to ? &ip : NULL, to ? to->port : 0, from);
	} else {
		err = to ? raw_sendto(e->raw, p, &ip) : raw_send(e->raw, p);
	}
	pbuf_free(p);
	return err == ERR_VAL ? -EACCES : lwip_errno(err);
}

/* ---- options --------------------------------------------------------------------------------------- */
int lwip_end_set(struct net_end *e, enum net_conn_option opt, u32 v)
{
	struct udp_pcb *u = e->udp;
	struct raw_pcb *r = e->raw;

	switch (opt) {
	case NET_TTL:
		*(u ? &u->ttl : &r->ttl) = (u8)v;
		return 0;
	case NET_TOS:
		*(u ? &u->tos : &r->tos) = (u8)v;
		return 0;
	case NET_REUSEADDR:
	case NET_BROADCAST: {
		u8 flag = opt == NET_BROADCAST ? SOF_BROADCAST : SOF_REUSEADDR, *o = u ? &u->so_options : &r->so_options;

		*o = v ? *o | flag : *o & (u8)~flag;
		return 0;
	}
	case NET_V6ONLY:
		e->v6only = v;
		if (u && !u->local_port)
			IP_SET_TYPE_VAL(u->local_ip, v ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY);
		return 0;
	case NET_IFINDEX:
		*(u ? &u->netif_idx : &r->netif_idx) = (u8)v;
		return 0;
	case NET_MULTICAST_TTL:
		*(u ? &u->mcast_ttl : &r->mcast_ttl) = (u8)v;
		return 0;
	case NET_MULTICAST_LOOP:
		if (u)
			u->flags = v ? u->flags | UDP_FLAGS_MULTICAST_LOOP : u->flags & (u8)~UDP_FLAGS_MULTICAST_LOOP;
		else
			r->flags = v ? r->flags | RAW_FLAGS_MULTICAST_LOOP : r->flags & (u8)~RAW_FLAGS_MULTICAST_LOOP;
		return 0;
	case NET_MULTICAST_IF:
		*(u ? &u->mcast_ifindex : &r->mcast_ifindex) = (u8)v;
		return 0;
	case NET_CSCOV_SEND:
	case NET_CSCOV_RECEIVE:
		*(opt == NET_CSCOV_SEND ? &u->chksum_len_tx : &u->chksum_len_rx) = (u16)v;
		return 0;
	case NET_HDRINCL:
		if (!r)
			return -ENOPROTOOPT;
		r->flags = v ? r->flags | RAW_FLAGS_HDRINCL : r->flags & (u8)~RAW_FLAGS_HDRINCL;
		return 0;
	default:
		return -EINVAL;
	}
}

int lwip_end_member(struct net_end *e, const struct net_addr *group, u32 ifindex, bool join)
{
	struct netif *n = ifindex ? netif_of_index(ifindex) : NULL;
	ip_addr_t ip;
	err_t err;

	addr_to_lwip(&ip, group);
	if (!n)
		n = ip_route(IP_IS_V6_VAL(ip) ? IP6_ADDR_ANY : IP4_ADDR_ANY, &ip);
	if (!n)
		n = netif_loopback;
	if (group->family == AF_INET) {
		if (!ip4_addr_ismulticast(ip_2_ip4(&ip)))
			return -EINVAL;
		err = join ? igmp_joingroup_netif(n, ip_2_ip4(&ip)) : igmp_leavegroup_netif(n, ip_2_ip4(&ip));
	} else {
		if (!ip6_addr_ismulticast(ip_2_ip6(&ip)))
			return -EINVAL;
		err = join ? mld6_joingroup_netif(n, ip_2_ip6(&ip)) : mld6_leavegroup_netif(n, ip_2_ip6(&ip));
	}
	return err == ERR_OK ? 0 : err == ERR_MEM ? -ENOBUFS : join ? -ENODEV : -EADDRNOTAVAIL;
}

void lwip_end_close(struct net_end *e)
{
	list_remove(&e->link);
	if (e->udp)
		udp_remove(e->udp);
	if (e->raw)
		raw_remove(e->raw);
	kfree(e);
}

bool lwip_end_next(void **at, bool raw, struct net_row *out)
{
	struct list *l = raw ? &raw_ends : &udp_ends, *n = *at ? ((struct list *)*at)->next : l->next;
	struct net_end *e;

	if (n == l)
		return false;
	*at = n;
	e = list_entry(n, struct net_end, link);
	memset(out, 0, sizeof(*out));
	lwip_end_names(e, &out->local, &out->remote);
	if (!out->remote.family)
		out->remote.family = out->local.family;
	out->state = out->remote.port ? 1 : 7;
	out->owner = e->owner;
	return true;
}
