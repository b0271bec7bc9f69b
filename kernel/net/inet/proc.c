/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of sockets and the protocols' counters in /proc/net: tcp, udp, raw and their IPv6 forms, sockstat, snmp. Rows are
 * gathered under net_lock and printed without it.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/procfs.h>
#include <lib/string.h>
#include <uapi/sock_diag.h>
#include "inet.h"

#define BATCH 64u

static void put_addr(struct text *t, const struct inet_sock *as, const struct net_addr *a)
{
	struct sockaddr_storage name;
	const struct sockaddr_in6 *in6 = (const void *)&name;

	if (as->sk.family == AF_INET) {
		text_printf(t, "%08X:%04X ", a->ip[0], a->port);
		return;
	}
	inet_addr_out(as, a, &name);
	text_printf(t, "%08X%08X%08X%08X:%04X ", in6->addr[0], in6->addr[1], in6->addr[2], in6->addr[3], a->port);
}

static void put_row(struct text *t, enum inet_table table, const struct inet_row *row, u32 number)
{
	struct inet_sock as = { .sk.family = row->family };

	text_printf(t, "%4u: ", number);
	put_addr(t, &as, &row->r.local);
	put_addr(t, &as, &row->r.remote);
	text_printf(t, "%02X %08X:%08X 00:00000000 00000000 %5u        0 %llu", row->r.state, row->r.tx_queue, row->rx, row->uid,
		    (unsigned long long)row->ino);
	text_printf(t, table == INET_TABLE_TCP ? " 1 0000000000000000 100 0 0 10 0\n" : " 2 0000000000000000 %u\n", row->drops);
}

static int table_show(struct text *t, enum inet_table table, u16 family)
{
	struct inet_row *rows = kcalloc(BATCH, sizeof(*rows), 0);
	u32 n, index = 0, number = 0;

	if (!rows)
		return -ENOMEM;
	text_printf(t, family == AF_INET ?
		    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode%s\n" :
		    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode%s\n",
		    table == INET_TABLE_TCP ? "" : " ref pointer drops");
	while ((n = inet_rows_take(table, family, &index, rows, BATCH)))
		for (u32 i = 0; i < n; i++)
			put_row(t, table, &rows[i], number++);
	kfree(rows);
	return 0;
}

static int tcp_show(struct text *t, void *arg) { return table_show(t, INET_TABLE_TCP, AF_INET); }
static int tcp6_show(struct text *t, void *arg) { return table_show(t, INET_TABLE_TCP, AF_INET6); }
static int udp_show(struct text *t, void *arg) { return table_show(t, INET_TABLE_UDP, AF_INET); }
static int udp6_show(struct text *t, void *arg) { return table_show(t, INET_TABLE_UDP, AF_INET6); }
static int udplite_show(struct text *t, void *arg) { return table_show(t, INET_TABLE_UDPLITE, AF_INET); }
static int udplite6_show(struct text *t, void *arg) { return table_show(t, INET_TABLE_UDPLITE, AF_INET6); }
static int raw_show(struct text *t, void *arg) { return table_show(t, INET_TABLE_RAW, AF_INET); }
static int raw6_show(struct text *t, void *arg) { return table_show(t, INET_TABLE_RAW, AF_INET6); }

static u32 count(enum inet_table table, u32 *waiting)
{
	struct net_row r;
	void *at = NULL;
	u32 n = 0;

	net_lock();
	while (inet_row_next(table, &at, &r)) {
		n++;
		if (r.state == DIAG_TIME_WAIT)
			(*waiting)++;
	}
	net_unlock();
	return n;
}

static int sockstat_show(struct text *t, void *arg)
{
	u32 tw = 0, none = 0, tcp = count(INET_TABLE_TCP, &tw), udp = count(INET_TABLE_UDP, &none), raw = count(INET_TABLE_RAW, &none);

	text_printf(t, "sockets: used %u\nTCP: inuse %u orphan 0 tw %u alloc %u mem 0\nUDP: inuse %u mem 0\nUDPLITE: inuse 0\nRAW: inuse %u\nFRAG: inuse 0 memory 0\n",
		    tcp - tw + udp + raw, tcp - tw, tw, tcp - tw, udp, raw);
	return 0;
}

#define V(name) (unsigned long long)v[NET_SNMP_##name]
static int snmp_show(struct text *t, void *arg)
{
	u64 v[NET_SNMP_MAX] = { 0 };

	net_lock();
	netstack->snmp(v);
	net_unlock();
	text_printf(t, "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers "
		    "OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates\n");
	text_printf(t, "Ip: 2 64 %llu %llu 0 0 0 %llu %llu %llu 0 %llu 0 0 %llu %llu %llu %llu %llu\n", V(IP_IN), V(IP_ERR), V(IP_DROP),
		    V(IP_DELIVERED), V(IP_OUT), V(IP_NOROUTE), V(REASM_OK), V(REASM_FAIL), V(FRAG_OK), V(FRAG_FAIL), V(FRAGS));
	text_printf(t, "Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps "
		    "InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutDestUnreachs OutTimeExcds OutParmProbs "
		    "OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps\n");
	text_printf(t, "Icmp: %llu %llu 0 %llu 0 0 0 0 %llu %llu 0 0 0 0 %llu 0 %llu 0 0 0 0 %llu %llu 0 0 0 0\n", V(ICMP_IN), V(ICMP_IN_ERR),
		    V(ICMP_IN_UNREACH), V(ICMP_IN_ECHO), V(ICMP_IN_REPLY), V(ICMP_OUT), V(ICMP_OUT_UNREACH), V(ICMP_OUT_ECHO), V(ICMP_OUT_REPLY));
	text_printf(t, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs "
		    "RetransSegs InErrs OutRsts InCsumErrors\n");
	text_printf(t, "Tcp: 1 500 120000 -1 %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu 0\n", V(TCP_ACTIVE), V(TCP_PASSIVE), V(TCP_FAILS),
		    V(TCP_RESETS), V(TCP_ESTAB), V(TCP_IN), V(TCP_OUT), V(TCP_RETRANS), V(TCP_IN_ERR), V(TCP_OUT_RST));
	text_printf(t, "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\n");
	text_printf(t, "Udp: %llu %llu %llu %llu 0 0 0 0 0\n", V(UDP_IN), V(UDP_NOPORT), V(UDP_IN_ERR), V(UDP_OUT));
	return 0;
}

static const struct virtual_file files[] = {
	{ .path = "net/tcp", .mode = 0444, .show = tcp_show }, { .path = "net/tcp6", .mode = 0444, .show = tcp6_show },
	{ .path = "net/udp", .mode = 0444, .show = udp_show }, { .path = "net/udp6", .mode = 0444, .show = udp6_show },
	{ .path = "net/udplite", .mode = 0444, .show = udplite_show }, { .path = "net/udplite6", .mode = 0444, .show = udplite6_show },
	{ .path = "net/raw", .mode = 0444, .show = raw_show }, { .path = "net/raw6", .mode = 0444, .show = raw6_show },
	{ .path = "net/sockstat", .mode = 0444, .show = sockstat_show }, { .path = "net/snmp", .mode = 0444, .show = snmp_show },
};

void inet_proc_init(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("proc: no file %s", files[i].path);
}
