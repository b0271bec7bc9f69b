/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where packets go. Networks of the interfaces' addresses are lwIP's own; here is the table of what was added by hand,
 * longest prefix first, and lwIP's questions about it (lwip_hooks.h). Lock: net_lock.
 */
#include <kernel/netchange.h>
#include <lib/string.h>
#include <lwip/ip.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip_hooks.h>
#include <uapi/netlink.h>
#include "glue.h"

#define ROUTES_MAX 64u
#define RTN_UNICAST 1
#define RTN_LOCAL 2
#define RTPROT_RA 9
#define SCOPE_UNIVERSE 0
#define SCOPE_LINK 253
#define SCOPE_HOST 254

static struct net_route routes[ROUTES_MAX];	/* by falling prefix length, then rising metric */
static u32 nr_routes;

static bool prefix_matches(const u32 *net, const u32 *ip, u32 len)
{
	u32 words = len / 32, bits = len % 32;

	if (words && memcmp(net, ip, 4 * words))
		return false;
	return !bits || !(lwip_htonl(0xffffffffu << (32 - bits)) & (net[words] ^ ip[words]));
}

static const struct net_route *route_of(u16 family, const u32 *ip, u32 ifindex)
{
	for (u32 i = 0; i < nr_routes; i++) {
		const struct net_route *r = &routes[i];
		struct netif *n = netif_of_index(r->ifindex);

		if (r->family == family && (!ifindex || r->ifindex == ifindex) && n && netif_is_up(n) &&
		    prefix_matches(r->dest, ip, r->prefix_len))
			return r;
	}
	return NULL;
}

struct netif *lwip_hook_route4(const ip4_addr_t *src, const ip4_addr_t *dest)
{
	const struct net_route *r;
	struct netif *n;

	if (ip4_addr_isloopback(dest))
		return netif_loopback;
	/* With a source lwIP asks before it looks at the interfaces' networks. */
	NETIF_FOREACH(n)
		if (netif_is_up(n) && !ip4_addr_isany_val(*netif_ip4_addr(n)) &&
		    (ip4_addr_net_eq(dest, netif_ip4_addr(n), netif_ip4_netmask(n)) || ip4_addr_eq(dest, netif_ip4_addr(n))))
			return n;
	n = secondary_any() ? secondary_network(dest->addr) : NULL;
	if (n)
		return n;
	if (ip4_addr_ismulticast(dest) && src && src->addr)
		NETIF_FOREACH(n)
			if (netif_ip4_addr(n)->addr == src->addr)
				return n;
	r = route_of(AF_INET, &dest->addr, 0);
	if (r)
		return netif_of_index(r->ifindex);
	/* Broadcast leaves by the first interface that is up, as DHCP needs it. */
	if (dest->addr == IPADDR_BROADCAST || ip4_addr_ismulticast(dest))
		NETIF_FOREACH(n)
			if (n != netif_loopback && netif_is_up(n))
				return n;
	return NULL;
}

const ip4_addr_t *lwip_hook_gateway4(struct netif *netif, const ip4_addr_t *dest)
{
	const struct net_route *r;

	if (secondary_any() && secondary_network(dest->addr) == netif)
		return dest;
	r = route_of(AF_INET, &dest->addr, netdev_of(netif)->index);
	if (!r)
		return NULL;
	return r->gateway[0] ? (const ip4_addr_t *)r->gateway : dest;
}

struct netif *lwip_hook_route6(const ip6_addr_t *src, const ip6_addr_t *dest)
{
	const struct net_route *r;

	if (ip6_addr_isloopback(dest) || netif_owns6(dest))
		return netif_loopback;
	r = route_of(AF_INET6, dest->addr, 0);
	return r ? netif_of_index(r->ifindex) : NULL;
}

const ip6_addr_t *lwip_hook_gateway6(struct netif *netif, const ip6_addr_t *dest)
{
	const struct net_route *r = route_of(AF_INET6, dest->addr, netdev_of(netif)->index);
	static ip6_addr_t gw;

	if (!r || !(r->gateway[0] | r->gateway[1] | r->gateway[2] | r->gateway[3]))
		return NULL;
	memset(&gw, 0, sizeof(gw));
	memcpy(gw.addr, r->gateway, 16);
	ip6_addr_assign_zone(&gw, IP6_UNICAST, netif);
	return &gw;
}

/* ---- the table ------------------------------------------------------------------------------------- */
static bool same_dest(const struct net_route *a, const struct net_route *b)
{
	return a->family == b->family && a->prefix_len == b->prefix_len && prefix_matches(a->dest, b->dest, a->prefix_len);
}

static int route_remove(const struct net_route *r)
{
	for (u32 i = 0; i < nr_routes; i++) {
		struct net_route *have = &routes[i];

		if (!same_dest(have, r) || (r->ifindex && r->ifindex != have->ifindex) || (r->metric && r->metric != have->metric) ||
		    (r->gateway[0] && memcmp(r->gateway, have->gateway, 16)))
			continue;
		net_changed(&(struct net_change){ .what = NET_CHANGE_ROUTE, .gone = true, .route = *have });
		memmove(have, have + 1, sizeof(*have) * (nr_routes - i - 1));
		nr_routes--;
		nd6_clear_destination_cache();
		return 0;
	}
	return -ESRCH;
}

/* Which interface reaches the gateway; 0: none. */
static u32 gateway_ifindex(const struct net_route *r)
{
	struct net_addr to = { .family = r->family };
	struct netif *n;
	ip_addr_t ip;

	memcpy(to.ip, r->gateway, 16);
	addr_to_lwip(&ip, &to);
	if (r->family == AF_INET) {
		NETIF_FOREACH(n)
			if (netif_ip4_addr(n)->addr && ip4_addr_net_eq(ip_2_ip4(&ip), netif_ip4_addr(n), netif_ip4_netmask(n)))
				return netdev_of(n)->index;
		n = secondary_network(ip_2_ip4(&ip)->addr);
		return n ? netdev_of(n)->index : 0;
	}
	n = ip6_route(IP6_ADDR_ANY6, ip_2_ip6(&ip));
	return n ? netdev_of(n)->index : 0;
}

int lwip_route_set(const struct net_route *r, bool remove)
{
	struct net_route new = *r;
	u32 i;

	if (new.prefix_len > (new.family == AF_INET ? 32 : 128))
		return -EINVAL;
	if (remove)
		return route_remove(r);
	if (new.ifindex && !netif_of_index(new.ifindex))
		return -ENODEV;
	if (!new.ifindex)
		new.ifindex = gateway_ifindex(r);
	if (!new.ifindex)
		return -ENETUNREACH;
	if (nr_routes == ROUTES_MAX)
		return -ENOSPC;
	for (i = 0; i < nr_routes; i++)
		if (same_dest(&routes[i], &new) && routes[i].metric == new.metric)
			return -EEXIST;
	for (i = 0; i < nr_routes; i++)
		if (routes[i].prefix_len < new.prefix_len ||
		    (routes[i].prefix_len == new.prefix_len && routes[i].metric > new.metric))
			break;
	memmove(&routes[i + 1], &routes[i], sizeof(new) * (nr_routes - i));
	new.table_type = RTN_UNICAST;
	routes[i] = new;
	nr_routes++;
	net_changed(&(struct net_change){ .what = NET_CHANGE_ROUTE, .route = new });
	nd6_clear_destination_cache();
	return 0;
}

/* The network that an address brings. False: none (not up, or a host's own). */
static bool connected_route(const struct net_ifaddr *a, struct net_route *out)
{
	struct netif *n = netif_of_index(a->ifindex);
	u32 words = a->prefix_len / 32, bits = a->prefix_len % 32;

	if (!n || !netif_is_up(n) || n == netif_loopback || a->flags & IFA_F_SECONDARY)
		return false;
	memset(out, 0, sizeof(*out));
	out->family = a->family;
	out->prefix_len = a->prefix_len;
	out->table_type = RTN_UNICAST;
	memcpy(out->dest, a->ip, 4 * words);
	if (bits)
		out->dest[words] = a->ip[words] & lwip_htonl(0xffffffffu << (32 - bits));
	if (a->family == AF_INET)
		memcpy(out->source, a->ip, 4);
	out->ifindex = a->ifindex;
	out->protocol = RTPROT_KERNEL;
	out->scope = a->family == AF_INET ? SCOPE_LINK : SCOPE_UNIVERSE;
	out->metric = a->family == AF_INET6 ? 256 : 0;
	return true;
}

/* A gateway lwIP itself knows: DHCP's or a router advertisement's. */
static bool learned_route(u32 i, struct net_route *out)
{
	struct netif *n;

	memset(out, 0, sizeof(*out));
	out->table_type = RTN_UNICAST;
	if (i < LWIP_ND6_NUM_ROUTERS) {
		const struct nd6_router_list_entry *r = &default_router_list[i];

		if (!r->neighbor_entry || !r->neighbor_entry->netif)
			return false;
		out->family = AF_INET6;
		memcpy(out->gateway, r->neighbor_entry->next_hop_address.addr, 16);
		out->ifindex = netdev_of(r->neighbor_entry->netif)->index;
		out->protocol = RTPROT_RA;
		out->metric = 1024;
		return true;
	}
	n = netif_of_index(i - LWIP_ND6_NUM_ROUTERS + 1);
	if (!n || !netif_ip4_gw(n)->addr)
		return false;
	out->family = AF_INET;
	out->gateway[0] = netif_ip4_gw(n)->addr;
	out->ifindex = netdev_of(n)->index;
	return true;
}

/* *at: the table's rows, then learned ones (0x10000 up), then the addresses' networks (0x20000 up). */
bool lwip_route_next(u32 *at, struct net_route *out)
{
	struct net_ifaddr a;

	if (*at < nr_routes) {
		*out = routes[(*at)++];
		return true;
	}
	*at = max(*at, 0x10000u);
	while (*at < 0x10000u + LWIP_ND6_NUM_ROUTERS || (*at < 0x20000u && netdev_by_index(*at - 0x10000u - LWIP_ND6_NUM_ROUTERS + 1)))
		if (learned_route((*at)++ - 0x10000u, out))
			return true;
	*at = max(*at, 0x20000u);
	while (1) {
		u32 i = *at - 0x20000u;
		bool more = lwip_address_next(&i, &a);

		*at = i + 0x20000u;
		if (!more)
			return false;
		if (connected_route(&a, out))
			return true;
	}
}

int lwip_route_find(const struct net_addr *to, struct net_route *out, struct net_addr *source)
{
	ip_addr_t ip;
	struct netif *n;
	const ip_addr_t *own;

	addr_to_lwip(&ip, to);
	n = to->family == AF_INET ? ip4_route_src(IP4_ADDR_ANY4, ip_2_ip4(&ip)) : ip6_route(IP6_ADDR_ANY6, ip_2_ip6(&ip));
	if (!n)
		return -ENETUNREACH;
	memset(out, 0, sizeof(*out));
	out->family = to->family;
	out->prefix_len = to->family == AF_INET ? 32 : 128;
	out->table_type = lwip_is_local(to) ? RTN_LOCAL : RTN_UNICAST;
	memcpy(out->dest, to->ip, 16);
	out->ifindex = netdev_of(out->table_type == RTN_LOCAL ? netif_loopback : n)->index;
	if (to->family == AF_INET && out->table_type == RTN_UNICAST &&
	    !ip4_addr_net_eq(ip_2_ip4(&ip), netif_ip4_addr(n), netif_ip4_netmask(n))) {
		const ip4_addr_t *gw = lwip_hook_gateway4(n, ip_2_ip4(&ip));

		if (!gw)
			gw = netif_ip4_gw(n);
		if (gw != ip_2_ip4(&ip))
			out->gateway[0] = gw->addr;
	}
	own = ip_netif_get_local_ip(n, &ip);
	memset(source, 0, sizeof(*source));
	if (own)
		addr_from_lwip(source, own, 0);
	if (to->family == AF_INET && secondary_source(n, to->ip[0]))
		source->ip[0] = secondary_source(n, to->ip[0]);
	return 0;
}
