/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP as the kernel's netstack: start, the table of operations, the counters of /proc/net/snmp. */
#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include "glue.h"

static void stack_init(void)
{
	connection_table_init();
	net_lock();
	lwip_init();
	ends_init();
	lwip_changes_init();
	net_unlock();
	lwip_timers_start();
}

static u32 established(void)
{
	u32 n = 0;

	for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
		n += p->state == ESTABLISHED || p->state == CLOSE_WAIT;
	return n;
}

static void snmp_values(u64 *v)
{
	const struct stats_mib2 *m = &lwip_stats.mib2;

	v[NET_SNMP_IP_IN] = m->ipinreceives;
	v[NET_SNMP_IP_OUT] = m->ipoutrequests;
	v[NET_SNMP_IP_DROP] = m->ipindiscards;
	v[NET_SNMP_IP_ERR] = m->ipinhdrerrors;
	v[NET_SNMP_IP_NOROUTE] = m->ipoutnoroutes;
	v[NET_SNMP_IP_DELIVERED] = m->ipindelivers;
	v[NET_SNMP_REASM_OK] = m->ipreasmoks;
	v[NET_SNMP_REASM_FAIL] = m->ipreasmfails;
	v[NET_SNMP_FRAG_OK] = m->ipfragoks;
	v[NET_SNMP_FRAG_FAIL] = m->ipfragfails;
	v[NET_SNMP_FRAGS] = m->ipfragcreates;
	v[NET_SNMP_ICMP_IN] = m->icmpinmsgs;
	v[NET_SNMP_ICMP_IN_ERR] = m->icmpinerrors;
	v[NET_SNMP_ICMP_OUT] = m->icmpoutmsgs;
	v[NET_SNMP_ICMP_IN_ECHO] = m->icmpinechos;
	v[NET_SNMP_ICMP_IN_REPLY] = m->icmpinechoreps;
	v[NET_SNMP_ICMP_OUT_ECHO] = m->icmpoutechos;
	v[NET_SNMP_ICMP_OUT_REPLY] = m->icmpoutechoreps;
	v[NET_SNMP_ICMP_IN_UNREACH] = m->icmpindestunreachs;
	v[NET_SNMP_ICMP_OUT_UNREACH] = m->icmpoutdestunreachs;
	v[NET_SNMP_TCP_ACTIVE] = m->tcpactiveopens;
	v[NET_SNMP_TCP_PASSIVE] = m->tcppassiveopens;
	v[NET_SNMP_TCP_FAILS] = m->tcpattemptfails;
	v[NET_SNMP_TCP_RESETS] = m->tcpestabresets;
	v[NET_SNMP_TCP_ESTAB] = established();
	v[NET_SNMP_TCP_IN] = m->tcpinsegs;
	v[NET_SNMP_TCP_OUT] = m->tcpoutsegs;
	v[NET_SNMP_TCP_RETRANS] = m->tcpretranssegs;
	v[NET_SNMP_TCP_IN_ERR] = m->tcpinerrs;
	v[NET_SNMP_TCP_OUT_RST] = m->tcpoutrsts;
	v[NET_SNMP_UDP_IN] = m->udpindatagrams;
	v[NET_SNMP_UDP_NOPORT] = m->udpnoports;
	v[NET_SNMP_UDP_IN_ERR] = m->udpinerrors;
	v[NET_SNMP_UDP_OUT] = m->udpoutdatagrams;
}

static const struct netstack_ops lwip_stack = {
	.name = "lwIP", .init = stack_init, .run_pending = lwip_run_pending,
	.attach = lwip_attach, .receive = lwip_receive, .sent = lwip_sent, .tx_ready = lwip_tx_ready,
	.carrier_changed = lwip_carrier_changed, .set_up = lwip_set_up, .set_mtu = lwip_set_mtu, .set_mac = lwip_set_mac,
	.send_frame = lwip_send_frame,
	.address_add = lwip_address_add, .address_remove = lwip_address_remove, .address_next = lwip_address_next,
	.neighbour_next = lwip_neighbour_next, .neighbour_set = lwip_neighbour_set, .route_find = lwip_route_find,
	.route_set = lwip_route_set, .route_next = lwip_route_next, .dhcp = lwip_dhcp, .dhcp_done = lwip_dhcp_done,
	.tcp_new = lwip_tcp_new, .tcp_bind = lwip_tcp_bind, .tcp_connect = lwip_tcp_connect, .tcp_listen = lwip_tcp_listen,
	.tcp_accepted = lwip_tcp_accepted, .tcp_adopt = lwip_tcp_adopt, .tcp_room = lwip_tcp_room, .tcp_write = lwip_tcp_write,
	.tcp_push = lwip_tcp_push, .tcp_consumed = lwip_tcp_consumed, .tcp_window = lwip_tcp_window, .tcp_shutdown = lwip_tcp_shutdown,
	.tcp_close = lwip_tcp_close, .tcp_names = lwip_tcp_names, .tcp_set = lwip_tcp_set, .tcp_info = lwip_tcp_info,
	.tcp_unsent = lwip_tcp_unsent, .tcp_next = lwip_tcp_next,
	.end_new = lwip_end_new, .end_bind = lwip_end_bind, .end_connect = lwip_end_connect, .end_names = lwip_end_names,
	.end_send = lwip_end_send, .end_set = lwip_end_set, .end_member = lwip_end_member, .end_close = lwip_end_close,
	.end_next = lwip_end_next, .packet_new = lwip_packet_new, .packet_free = lwip_packet_free,
	.snmp = snmp_values, .is_local = lwip_is_local,
};
const struct netstack_ops *const netstack = &lwip_stack;
