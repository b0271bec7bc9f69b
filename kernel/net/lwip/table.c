/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of TCP connections and of pairs in TIME_WAIT, in place of walks of lwIP's lists (the listed diff calls in from
 * tcp_input, TCP_REG_ACTIVE and tcp_free). Keyed, so that a peer cannot choose its chain. Lock: net_lock.
 */
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/random.h>
#include <lwip/priv/tcp_priv.h>
#include "glue.h"

#define BUCKETS 4096u

static struct tcp_pcb **table;		/* [BUCKETS] */
static u64 key[2];
/* Half-open connections, oldest first; those that have become whole are dropped when they are met. */
static struct tcp_pcb *half_first, **half_last = &half_first;

void connection_table_init(void)
{
	table = kcalloc(BUCKETS, sizeof(*table), 0);
	if (!table)
		panic("no memory for the connection table");
	random_bytes(key, sizeof(key));
}

static u64 fold(const ip_addr_t *a)
{
	const u32 *w = ip_2_ip6(a)->addr;

	return IP_IS_V6(a) ? ((u64)(w[0] ^ w[1]) << 32 ^ w[2]) * 0x9e3779b97f4a7c15ull + w[3] : w[0];
}

static struct tcp_pcb **bucket_of(const ip_addr_t *local, u16 local_port, const ip_addr_t *remote, u16 remote_port)
{
	u64 h = (fold(remote) << 32 | (u32)local_port << 16 | remote_port) ^ key[0];

	h = (h ^ fold(local)) * (key[1] | 1);
	h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9ull;
	return &table[h >> 40 & (BUCKETS - 1)];
}

u32 lwip_spread_hash(const ip_addr_t *remote, u16 remote_port)
{
	u64 h = (fold(remote) << 16 | remote_port) ^ key[0];

	h *= key[1] | 1;
	return (u32)((h ^ h >> 31) * 0xbf58476d1ce4e5b9ull >> 32);
}

static void half_push(struct tcp_pcb *pcb)
{
	pcb->half_next = NULL;
	pcb->half_link = half_last;
	*half_last = pcb;
	half_last = &pcb->half_next;
}

static void half_remove(struct tcp_pcb *pcb)
{
	if (!pcb->half_link)
		return;
	*pcb->half_link = pcb->half_next;
	if (pcb->half_next)
		pcb->half_next->half_link = pcb->half_link;
	else
		half_last = pcb->half_link;
	pcb->half_link = NULL;
}

int lwip_hook_tcp_make_room(struct tcp_pcb_listen *l)
{
	struct tcp_pcb *next;

	for (struct tcp_pcb *p = half_first; p; p = next) {
		next = p->half_next;
		if (p->state != SYN_RCVD) {
			half_remove(p);
		} else if (p->listener == l) {
			tcp_abandon(p, 0);
			return 1;
		}
	}
	return 0;
}

void lwip_hook_tcp_hash(struct tcp_pcb *pcb)
{
	struct tcp_pcb **b = bucket_of(&pcb->local_ip, pcb->local_port, &pcb->remote_ip, pcb->remote_port);

	pcb->hash_next = *b;
	if (*b)
		(*b)->hash_link = &pcb->hash_next;
	*b = pcb;
	pcb->hash_link = b;
	if (pcb->state == SYN_RCVD)
		half_push(pcb);
}

void lwip_hook_tcp_unhash(struct tcp_pcb *pcb)
{
	half_remove(pcb);
	if (!pcb->hash_link)
		return;
	*pcb->hash_link = pcb->hash_next;
	if (pcb->hash_next)
		pcb->hash_next->hash_link = pcb->hash_link;
	pcb->hash_link = NULL;
}

struct tcp_pcb *__hot lwip_hook_tcp_find(const ip_addr_t *local, u16 local_port, const ip_addr_t *remote, u16 remote_port)
{
	struct tcp_pcb *p = *bucket_of(local, local_port, remote, remote_port);

	for (; p; p = p->hash_next)
		if (p->remote_port == remote_port && p->local_port == local_port && ip_addr_eq(&p->remote_ip, remote) &&
		    ip_addr_eq(&p->local_ip, local))
			break;
	return p;
}
