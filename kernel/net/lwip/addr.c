/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses, neighbours and DHCP of interfaces. lwIP keeps one IPv4 address per interface and a few IPv6 ones; routes
 * are in route.c. Lock: net_lock.
 */
#include <kernel/netchange.h>
#include <kernel/random.h>
#include <lib/string.h>
#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>
#include <uapi/netlink.h>
#include "glue.h"

#define SCOPE_GLOBAL 0
#define SCOPE_LINK 253
#define SCOPE_HOST 254
#define NUD_REACHABLE 2
#define NUD_INCOMPLETE 1
#define NUD_STALE 4
#define NUD_DELAY 8
#define NUD_PROBE 16
#define NUD_PERMANENT 0x80
#define DEFAULT_PREFIX6 64
#define FURTHER 16u

static u32 prefix_mask(u32 len) { return len == 0 || len > 32 ? 0 : lwip_htonl(0xffffffffu << (32 - len)); }
static u8 mask_prefix(u32 mask) { return (u8)popcount64(mask); }

static void address4_fill(const struct netif *n, u32 ip, u32 mask, struct net_ifaddr *out)
{
	out->family = AF_INET;
	out->ip[0] = ip;
	out->prefix_len = mask_prefix(mask);
	out->broadcast[0] = n == netif_loopback ? 0 : ip | ~mask;
	out->scope = n == netif_loopback ? SCOPE_HOST : SCOPE_GLOBAL;
	out->flags = IFA_F_PERMANENT;
}

static void address6(const struct netif *n, int i, struct net_ifaddr *out)
{
	out->family = AF_INET6;
	memcpy(out->ip, netif_ip6_addr(n, i)->addr, 16);
	out->prefix_len = n == netif_loopback ? 128 : DEFAULT_PREFIX6;
	out->scope = n == netif_loopback ? SCOPE_HOST : ip6_addr_islinklocal(netif_ip6_addr(n, i)) ? SCOPE_LINK : SCOPE_GLOBAL;
	out->flags = (ip6_addr_istentative(netif_ip6_addr_state(n, i)) ? IFA_F_TENTATIVE : 0) |
		     (netif_ip6_addr_isstatic(n, i) ? IFA_F_PERMANENT : 0);
}

/* ---- changes ----------------------------------------------------------------------------------------- */
static void tell4(const struct netif *n, u32 ip, u32 mask, bool gone)
{
	struct net_change c = { .what = NET_CHANGE_ADDRESS, .gone = gone, .address.ifindex = netdev_of(n)->index };

	if (!ip)
		return;
	address4_fill(n, ip, mask, &c.address);
	net_changed(&c);
}

static void tell6(const struct netif *n, int i, bool gone)
{
	struct net_change c = { .what = NET_CHANGE_ADDRESS, .gone = gone, .address.ifindex = netdev_of(n)->index };

	address6(n, i, &c.address);
	net_changed(&c);
}

/* lwIP's word on what happened to an interface, whoever did it. */
static void on_change(struct netif *n, netif_nsc_reason_t why, const netif_ext_callback_args_t *args)
{
	if (why & (LWIP_NSC_STATUS_CHANGED | LWIP_NSC_LINK_CHANGED))
		net_changed(&(struct net_change){ .what = NET_CHANGE_LINK, .ifindex = netdev_of(n)->index });
	if (why & (LWIP_NSC_IPV4_ADDRESS_CHANGED | LWIP_NSC_IPV4_NETMASK_CHANGED)) {
		/* lwIP fills in the old value of what changed, and leaves the rest as it lay on its stack. */
		const ip4_addr_t *ip = why & LWIP_NSC_IPV4_ADDRESS_CHANGED ? ip_2_ip4(args->ipv4_changed.old_address) : netif_ip4_addr(n);
		const ip4_addr_t *mask = why & LWIP_NSC_IPV4_NETMASK_CHANGED ? ip_2_ip4(args->ipv4_changed.old_netmask) : netif_ip4_netmask(n);

		tell4(n, ip->addr, mask->addr, true);
		tell4(n, netif_ip4_addr(n)->addr, netif_ip4_netmask(n)->addr, false);
	}
	if (why & LWIP_NSC_IPV6_ADDR_STATE_CHANGED) {
		int i = args->ipv6_addr_state_changed.addr_index;
		u8 old = args->ipv6_addr_state_changed.old_state, now = netif_ip6_addr_state(n, i);

		if (ip6_addr_isinvalid(now) != ip6_addr_isinvalid(old) || ip6_addr_isvalid(now) != ip6_addr_isvalid(old))
			tell6(n, i, ip6_addr_isinvalid(now));
	}
}

void lwip_changes_init(void)
{
	static netif_ext_callback_t callback;

	netif_add_ext_callback(&callback, on_change);
}

/* ---- by request ------------------------------------------------------------------------------------- */
static int address_add6(struct netif *n, const struct net_ifaddr *a)
{
	ip6_addr_t ip;
	s8_t slot;
	err_t err;

	memset(&ip, 0, sizeof(ip));
	memcpy(ip.addr, a->ip, 16);
	ip6_addr_assign_zone(&ip, IP6_UNICAST, n);
	if (netif_get_ip6_addr_match(n, &ip) >= 0)
		return -EEXIST;
	err = netif_add_ip6_address(n, &ip, &slot);
	if (err != ERR_OK)
		return -ENOSPC;
	netif_ip6_addr_set_state(n, slot, IP6_ADDR_PREFERRED);
	return 0;
}

int lwip_address_add(const struct net_ifaddr *a)
{
	struct netif *n = netif_of_index(a->ifindex);
	ip4_addr_t ip = { a->ip[0] }, mask = { prefix_mask(a->prefix_len) }, gw;

	if (!n)
		return -ENODEV;
	if (a->family == AF_INET6)
		return a->prefix_len > 128 ? -EINVAL : address_add6(n, a);
	if (a->prefix_len > 32 || !ip.addr)
		return -EINVAL;
	if (ip4_addr_eq(&ip, netif_ip4_addr(n)) && ip4_addr_eq(&mask, netif_ip4_netmask(n)))
		return -EEXIST;
	if (!ip4_addr_isany_val(*netif_ip4_addr(n)) && !ip4_addr_eq(&ip, netif_ip4_addr(n))) {
		int err = secondary_add(n, ip.addr, mask.addr);

		if (!err)
			tell4(n, ip.addr, mask.addr, false);
		return err;
	}
	gw = *netif_ip4_gw(n);
	netif_set_addr(n, &ip, &mask, &gw);
	return 0;
}

static void remove_network(struct netif *n, u32 net)
{
	u32 ip, mask;

	while (net && secondary_take(n, net, &ip, &mask))
		tell4(n, ip, mask, true);
}

/* The secondary ones of its network go, too; one of another network becomes the first. */
static void remove_first(struct netif *n)
{
	ip4_addr_t next = { 0 }, mask = { 0 }, gw = *netif_ip4_gw(n);

	remove_network(n, netif_ip4_addr(n)->addr & netif_ip4_netmask(n)->addr);
	if (secondary_take(n, 0, &next.addr, &mask.addr))
		netif_set_addr(n, &next, &mask, &gw);
	else
		netif_set_addr(n, &next, &mask, &mask);
}

int lwip_address_remove(const struct net_ifaddr *a)
{
	struct netif *n = netif_of_index(a->ifindex);
	bool was_first;
	u32 mask;

	if (!n)
		return -ENODEV;
	if (a->family == AF_INET6) {
		for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
			if (!ip6_addr_isinvalid(netif_ip6_addr_state(n, i)) && !memcmp(netif_ip6_addr(n, i)->addr, a->ip, 16)) {
				netif_ip6_addr_set_state(n, i, IP6_ADDR_INVALID);
				return 0;
			}
		}
		return -EADDRNOTAVAIL;
	}
	if (!a->ip[0])
		return -EADDRNOTAVAIL;
	if (netif_ip4_addr(n)->addr == a->ip[0]) {
		remove_first(n);
		return 0;
	}
	if (!secondary_remove(n, a->ip[0], &mask, &was_first))
		return -EADDRNOTAVAIL;
	tell4(n, a->ip[0], mask, true);
	if (was_first)
		remove_network(n, a->ip[0] & mask);
	return 0;
}

/* *at: interface index times 64, plus 0 for the first IPv4 address, 1 + slot for IPv6, FURTHER and up for other IPv4 ones. */
bool lwip_address_next(u32 *at, struct net_ifaddr *out)
{
	for (;; (*at)++) {
		u32 slot = *at % 64, ip, mask;
		struct netdev *dev = netdev_by_index(*at / 64 + 1);
		bool is_secondary;
		struct netif *n = dev ? netif_of_index(dev->index) : NULL;

		if (!n)
			return false;
		memset(out, 0, sizeof(*out));
		out->ifindex = dev->index;
		if (slot == 0 && netif_ip4_addr(n)->addr) {
			address4_fill(n, netif_ip4_addr(n)->addr, netif_ip4_netmask(n)->addr, out);
		} else if (slot >= FURTHER && secondary_at(n, slot - FURTHER, &ip, &mask, &is_secondary)) {
			address4_fill(n, ip, mask, out);
			out->flags |= is_secondary ? IFA_F_SECONDARY : 0;
		} else if (slot && slot <= LWIP_IPV6_NUM_ADDRESSES && !ip6_addr_isinvalid(netif_ip6_addr_state(n, slot - 1))) {
			address6(n, (int)slot - 1, out);
		} else {
			continue;
		}
		(*at)++;
		return true;
	}
}

bool lwip_is_local(const struct net_addr *a)
{
	ip_addr_t ip;

	addr_to_lwip(&ip, a);
	return a->family == AF_INET ? netif_owns4(ip_2_ip4(&ip)) : netif_owns6(ip_2_ip6(&ip));
}

/* ---- neighbours ------------------------------------------------------------------------------------ */
/* IPv4 neighbours set by hand: lwIP does not tell which of its entries are. */
static struct {
	u32 ip;			/* 0: free */
	const struct netif *netif;
} by_hand[ARP_TABLE_SIZE];

static void by_hand_note(u32 ip, const struct netif *n, bool is)
{
	int free = -1;

	for (int i = 0; i < ARP_TABLE_SIZE; i++) {
		if (by_hand[i].ip == ip)
			by_hand[i].ip = 0;
		if (!by_hand[i].ip)
			free = i;
	}
	if (is && free >= 0) {
		by_hand[free].ip = ip;
		by_hand[free].netif = n;
	}
}

static bool is_by_hand(u32 ip)
{
	for (int i = 0; i < ARP_TABLE_SIZE; i++)
		if (by_hand[i].ip == ip)
			return true;
	return false;
}

/* lwIP forgets the neighbours of an interface that goes down. */
void lwip_neighbours_forget(const struct netif *n)
{
	for (int i = 0; i < ARP_TABLE_SIZE; i++)
		if (by_hand[i].netif == n)
			by_hand[i].ip = 0;
}

/* Which IPv6 entries are by hand: lwIP counts their time as the others', so it is given 49 days. */
static u32 by_hand6[LWIP_ND6_NUM_NEIGHBORS][4];

static bool neighbour6(u32 i, struct net_neighbour *out)
{
	static const u16 states[] = {
		[ND6_INCOMPLETE] = NUD_INCOMPLETE, [ND6_REACHABLE] = NUD_REACHABLE, [ND6_STALE] = NUD_STALE,
		[ND6_DELAY] = NUD_DELAY, [ND6_PROBE] = NUD_PROBE,
	};
	const struct nd6_neighbor_cache_entry *e = &neighbor_cache[i];

	if (e->state == ND6_NO_ENTRY || !e->netif)
		return false;
	out->family = AF_INET6;
	out->state = e->state == ND6_REACHABLE && !memcmp(by_hand6[i], e->next_hop_address.addr, 16) ? NUD_PERMANENT : states[e->state];
	memcpy(out->ip, e->next_hop_address.addr, 16);
	memcpy(out->mac, e->lladdr, 6);
	out->ifindex = netdev_of(e->netif)->index;
	return true;
}

bool lwip_neighbour_next(u32 *at, struct net_neighbour *out)
{
	while (*at < ARP_TABLE_SIZE + LWIP_ND6_NUM_NEIGHBORS) {
		u32 i = (*at)++;
		struct eth_addr *mac;
		struct netif *n;
		ip4_addr_t *ip;

		memset(out, 0, sizeof(*out));
		if (i >= ARP_TABLE_SIZE) {
			if (neighbour6(i - ARP_TABLE_SIZE, out))
				return true;
		} else if (etharp_get_entry(i, &ip, &n, &mac)) {
			out->family = AF_INET;
			out->state = is_by_hand(ip->addr) ? NUD_PERMANENT : NUD_REACHABLE;
			out->ip[0] = ip->addr;
			memcpy(out->mac, mac, 6);
			out->ifindex = netdev_of(n)->index;
			return true;
		}
	}
	return false;
}

static struct nd6_neighbor_cache_entry *entry6(const struct net_neighbour *n, bool make)
{
	struct nd6_neighbor_cache_entry *free = NULL;

	for (int i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		struct nd6_neighbor_cache_entry *e = &neighbor_cache[i];

		if (e->state == ND6_NO_ENTRY)
			free = free ? free : e;
		else if (!memcmp(e->next_hop_address.addr, n->ip, 16) && e->netif == netif_of_index(n->ifindex))
			return e;
	}
	return make ? free : NULL;
}

static int neighbour_set6(const struct net_neighbour *n, bool remove)
{
	struct nd6_neighbor_cache_entry *e = entry6(n, !remove);
	struct netif *netif = netif_of_index(n->ifindex);

	if (!e || !netif)
		return remove ? -ENOENT : -ENOBUFS;
	if (e->q)
		return -EBUSY;		/* packets wait for its answer */
	memset(by_hand6[e - neighbor_cache], 0, 16);
	if (remove) {
		memset(e, 0, sizeof(*e));
		nd6_clear_destination_cache();
		return 0;
	}
	memset(e, 0, sizeof(*e));
	memcpy(e->next_hop_address.addr, n->ip, 16);
	ip6_addr_assign_zone(&e->next_hop_address, IP6_UNICAST, netif);
	e->netif = netif;
	memcpy(e->lladdr, n->mac, 6);
	e->counter.reachable_time = U32_MAX;
	e->state = ND6_REACHABLE;
	memcpy(by_hand6[e - neighbor_cache], n->ip, 16);
	return 0;
}

int lwip_neighbour_set(const struct net_neighbour *n, bool remove)
{
	ip4_addr_t ip = { n->ip[0] };
	struct eth_addr mac;
	err_t err;

	if (n->family == AF_INET6)
		return neighbour_set6(n, remove);
	if (n->family != AF_INET)
		return -EOPNOTSUPP;
	if (remove) {
		err = etharp_remove_static_entry(&ip);
	} else {
		memcpy(&mac, n->mac, 6);
		err = etharp_add_static_entry(&ip, &mac);
	}
	if (err == ERR_OK)
		by_hand_note(ip.addr, netif_of_index(n->ifindex), !remove);
	return err == ERR_OK ? 0 : remove ? -ENOENT : lwip_errno(err);
}

/* ---- DHCP by the kernel (ip=dhcp) ------------------------------------------------------------------- */
int lwip_dhcp(struct netdev *dev, bool on)
{
	struct netif *n = netif_of_index(dev->index);

	if (on)
		return lwip_errno(dhcp_start(n));
	dhcp_release_and_stop(n);
	return 0;
}

bool lwip_dhcp_done(struct netdev *dev) { return dhcp_supplied_address(netif_of_index(dev->index)); }
