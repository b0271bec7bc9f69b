/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 addresses beyond an interface's first, which is all that lwIP knows of: a table in front of it. Input and ARP take them
 * for ours, their networks are on the link, and what goes there comes from them. One whose network an earlier address
 * has already is called secondary, as on Linux, and goes with that one. Lock: net_lock.
 */
#include <lib/string.h>
#include <lwip/netif.h>
#include <lwip_hooks.h>
#include <uapi/netlink.h>
#include "glue.h"

#define SECONDARY_MAX 256u
#define PER_INTERFACE 48u		/* what lwip_address_next can number */

static struct secondary {
	u32 ip, mask;			/* network order */
	struct netif *netif;
} table[SECONDARY_MAX];
static u32 count;

bool secondary_any(void) { return count; }

int secondary_add(struct netif *n, u32 ip, u32 mask)
{
	u32 mine = 0;

	for (u32 i = 0; i < count; i++) {
		if (table[i].netif == n && table[i].ip == ip)
			return -EEXIST;
		mine += table[i].netif == n;
	}
	if (count == SECONDARY_MAX || mine == PER_INTERFACE)
		return -ENOSPC;
	table[count++] = (struct secondary){ ip, mask, n };
	return 0;
}

static void remove_at(u32 i)
{
	memmove(&table[i], &table[i + 1], sizeof(table[0]) * (count - i - 1));
	count--;
}

/* An earlier address has its network already. */
static bool is_in_earlier(u32 i)
{
	const struct secondary *s = &table[i];

	if (netif_ip4_netmask(s->netif)->addr == s->mask && !((netif_ip4_addr(s->netif)->addr ^ s->ip) & s->mask))
		return true;
	for (u32 j = 0; j < i; j++)
		if (table[j].netif == s->netif && table[j].mask == s->mask && !((table[j].ip ^ s->ip) & s->mask))
			return true;
	return false;
}

bool secondary_remove(struct netif *n, u32 ip, u32 *mask, bool *was_first)
{
	for (u32 i = 0; i < count; i++) {
		if (table[i].netif != n || table[i].ip != ip)
			continue;
		*mask = table[i].mask;
		*was_first = !is_in_earlier(i);
		remove_at(i);
		return true;
	}
	return false;
}

bool secondary_take(struct netif *n, u32 net, u32 *ip, u32 *mask)
{
	for (u32 i = 0; i < count; i++) {
		if (table[i].netif != n || (net && (table[i].ip & table[i].mask) != net))
			continue;
		*ip = table[i].ip;
		*mask = table[i].mask;
		remove_at(i);
		return true;
	}
	return false;
}

bool secondary_at(struct netif *n, u32 nr, u32 *ip, u32 *mask, bool *is_secondary)
{
	for (u32 i = 0; i < count; i++) {
		if (table[i].netif != n || nr--)
			continue;
		*ip = table[i].ip;
		*mask = table[i].mask;
		*is_secondary = is_in_earlier(i);
		return true;
	}
	return false;
}

struct netif *secondary_network(u32 ip)
{
	for (u32 i = 0; i < count; i++)
		if (netif_is_up(table[i].netif) && !((table[i].ip ^ ip) & table[i].mask))
			return table[i].netif;
	return NULL;
}

u32 secondary_source(const struct netif *n, u32 to)
{
	if (!count || !((netif_ip4_addr(n)->addr ^ to) & netif_ip4_netmask(n)->addr))
		return 0;
	for (u32 i = 0; i < count; i++)
		if (table[i].netif == n && !((table[i].ip ^ to) & table[i].mask))
			return table[i].ip;
	return 0;
}

int lwip_hook_owns4(const ip4_addr_t *a)
{
	for (u32 i = 0; i < count; i++)
		if (table[i].ip == a->addr)
			return 1;
	return 0;
}
