/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lwIP takes from the kernel: memory, random numbers, checksums, the initial sequence number. Declared in the port's
 * arch/cc.h and lwip_hooks.h. Callable under net_lock: never sleeps.
 */
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/random.h>
#include <kernel/time.h>
#include <lib/hash.h>
#include <lib/string.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip_hooks.h>
#include "glue.h"

void *lwip_port_malloc(size_t size) { return kmalloc(size, ALLOC_ATOMIC | ALLOC_NOWARN); }
void *lwip_port_calloc(size_t n, size_t size) { return kcalloc(n, size, ALLOC_ATOMIC | ALLOC_NOWARN); }
void lwip_port_free(void *p) { kfree(p); }
u32 lwip_port_random(void) { return (u32)random_u64(); }
u32 sys_now(void) { return (u32)(time_ns() / NSEC_PER_MSEC); }

void lwip_port_assert(const char *what, const char *file, int line)
{
	panic("lwip: %s (%s:%d)", what, file, line);
}

static inline u64 add_carry(u64 sum, u64 v)
{
	sum += v;
	return sum + (sum < v);
}

/* The Internet checksum (RFC 1071), not inverted, in memory order; eight bytes at a time. */
u16 __hot lwip_port_checksum(const void *data, int len)
{
	const u8 *p = data;
	u64 sum = 0, v;
	bool odd = (unsigned long)p & 1;

	if (odd && len > 0) {
		sum = (u64)*p++ << 8;
		len--;
	}
	for (; ((unsigned long)p & 7) && len >= 2; p += 2, len -= 2)
		sum += *(const u16 *)(const void *)p;
	for (; len >= 32; p += 32, len -= 32) {
		const u64 *w = (const void *)p;

		sum = add_carry(sum, w[0]);
		sum = add_carry(sum, w[1]);
		sum = add_carry(sum, w[2]);
		sum = add_carry(sum, w[3]);
	}
	for (; len >= 8; p += 8, len -= 8)
		sum = add_carry(sum, *(const u64 *)(const void *)p);
	v = 0;
	for (; len >= 2; p += 2, len -= 2)
		v += *(const u16 *)(const void *)p;
	if (len > 0)
		v += *p;
	sum = add_carry(sum, v);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)(odd ? __builtin_bswap16((u16)sum) : sum);
}

/* F(connection, secret), the same in each call until the machine ends. */
static u32 keyed(const ip_addr_t *local, u16 local_port, const ip_addr_t *remote, u16 remote_port)
{
	static struct siphash_key key;
	static bool has_key;
	struct {
		u32 local[4], remote[4];
		u16 ports[2];
	} who = { .ports = { local_port, remote_port } };

	if (!has_key) {
		random_bytes(&key, sizeof(key));
		has_key = true;
	}
	memcpy(who.local, local, sizeof(who.local));
	memcpy(who.remote, remote, sizeof(who.remote));
	if (IP_IS_V4(local))
		memset(&who.local[1], 0, 12);
	if (IP_IS_V4(remote))
		memset(&who.remote[1], 0, 12);
	return (u32)siphash(&key, &who, sizeof(who));
}

/* RFC 6528: F and a clock of 4 µs. */
u32 lwip_hook_isn(const ip_addr_t *local, u16 local_port, const ip_addr_t *remote, u16 remote_port)
{
	return keyed(local, local_port, remote, remote_port) + (u32)(time_ns() / 4000);
}

/*
 * Timestamps (RFC 7323) with every other machine. Their clock has an offset of its own for each pair of addresses, so that
 * it tells nobody how long this machine is up and yet does not go back between two connections of a pair.
 */
int lwip_hook_tcp_timestamps(struct tcp_pcb *pcb)
{
	struct net_addr peer;

	addr_from_lwip(&peer, &pcb->remote_ip, 0);
	if (lwip_is_local(&peer))
		return 0;
	pcb->ts_offset = keyed(&pcb->local_ip, 0, &pcb->remote_ip, 0);
	return 1;
}

u32 lwip_hook_tcp_clock(const struct tcp_pcb *pcb) { return sys_now() + pcb->ts_offset; }
