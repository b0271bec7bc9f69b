/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking all TCP, UDP or raw sockets there are, for /proc/net (proc.c) and NETLINK_SOCK_DIAG (diag.c). Rows are gathered in
 * batches under net_lock; between two batches sockets may come and go, as on Linux.
 */
#include <lib/string.h>
#include <uapi/sock_diag.h>
#include "inet.h"

bool inet_row_next(enum inet_table table, void **at, struct net_row *r)
{
	s32 protocol = table == INET_TABLE_UDPLITE ? IPPROTO_UDPLITE : IPPROTO_UDP;

	if (table == INET_TABLE_TCP)
		return netstack->tcp_next(at, r);
	while (netstack->end_next(at, table == INET_TABLE_RAW, r))
		if (table == INET_TABLE_RAW || ((const struct inet_sock *)r->owner)->sk.protocol == protocol)
			return true;
	return false;
}

u16 inet_row_family(const struct net_row *r)
{
	return r->owner ? ((const struct inet_sock *)r->owner)->sk.family : r->local.family;
}

void inet_row_fill(struct inet_row *row)
{
	struct inet_sock *s = row->r.owner;

	row->family = inet_row_family(&row->r);
	row->ino = 0;
	row->uid = s ? s->uid : 0;
	row->rx = row->drops = 0;
	/* A connection half-way in belongs to its listener until it is whole. */
	if (s && row->r.state == DIAG_SYN_RECV && s->conn != row->r.conn)
		row->r.owner = s = NULL;
	if (!s)
		return;
	row->ino = s->sk.ino;
	row->rx = row->r.state == DIAG_LISTEN ? atomic_load(&s->sk.accept_len) : atomic_load(&s->sk.queue_bytes);
	row->drops = atomic_load(&s->sk.drops);
}

u32 inet_rows_take(enum inet_table table, u16 family, u32 *index, struct inet_row *rows, u32 max)
{
	struct net_row r;
	void *at = NULL;
	u32 n = 0, i = 0;

	net_lock();
	while (n < max && inet_row_next(table, &at, &r)) {
		if (i++ < *index)
			continue;
		*index = i;
		if (inet_row_family(&r) != family)
			continue;
		rows[n].r = r;
		inet_row_fill(&rows[n++]);
	}
	net_unlock();
	return n;
}
