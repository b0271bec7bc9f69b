/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of TCP sockets: who may have which port (SO_REUSEADDR, SO_REUSEPORT), ports by chance, connecting, listening.
 *
 * Lock: net_lock.
 */
#include <kernel/random.h>
#include <lib/string.h>
#include <lwip_hooks.h>
#include "../settings.h"
#include "tcp.h"

/*
 * No listener or bound socket has it, and with that peer no connection (nor its other end, when the peer is this machine);
 * remote NULL: no connection at all, dying ones included, since tcp_bind wants it so.
 */
static bool port_is_free(u16 port, const ip_addr_t *local, const ip_addr_t *remote, u16 remote_port)
{
	for (int i = 0; i < (remote ? NUM_TCP_PCB_LISTS_NO_TIME_WAIT - 1 : NUM_TCP_PCB_LISTS); i++)
		for (struct tcp_pcb *p = *tcp_pcb_lists[i]; p; p = p->next)
			if (p->local_port == port)
				return false;
	return !remote || (!lwip_hook_tcp_find(local, port, remote, remote_port) && !lwip_hook_tcp_find(remote, remote_port, local, port));
}

/* An ephemeral port (RFC 6056, algorithm 1); remote NULL: not yet known. 0: none is left. */
static u16 port_choose(const ip_addr_t *local, const ip_addr_t *remote, u16 remote_port)
{
	u32 first = atomic_load(&net_settings.port_first), last = max(first, atomic_load(&net_settings.port_last));

	for (unsigned i = 0; i < 64; i++) {
		u16 port = (u16)(first + random_below(last - first + 1));

		if (port_is_free(port, local, remote, remote_port))
			return port;
	}
	for (u32 port = first; port <= last; port++)
		if (port_is_free((u16)port, local, remote, remote_port))
			return (u16)port;
	return 0;
}

static bool overlap(const ip_addr_t *a, const ip_addr_t *b)
{
	if (IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b))
		return true;
	return IP_IS_V6(a) == IP_IS_V6(b) && (ip_addr_isany(a) || ip_addr_isany(b) || ip_addr_eq(a, b));
}

/* Somebody has that name who does not share it with pcb. Linux: SO_REUSEADDR shares no port with a listener. */
static bool is_taken(const struct tcp_pcb *pcb, const ip_addr_t *a, u16 port)
{
	for (int i = 0; i < NUM_TCP_PCB_LISTS_NO_TIME_WAIT; i++) {
		for (struct tcp_pcb *p = *tcp_pcb_lists[i]; p; p = p->next) {
			enum net_share share;

			if (p == pcb || p->local_port != port || !overlap(&p->local_ip, a))
				continue;
			share = p->callback_arg && pcb->callback_arg ? tcp_events->share(pcb->callback_arg, p->callback_arg) :
				ip_get_option(p, SOF_REUSEADDR) && ip_get_option(pcb, SOF_REUSEADDR) ? NET_SHARE_REUSE : NET_SHARE_NONE;
			if (share == NET_SHARE_NONE || (share == NET_SHARE_REUSE && p->state == LISTEN))
				return true;
		}
	}
	return false;
}

int lwip_tcp_bind(struct net_conn *c, const struct net_addr *a)
{
	struct tcp_pcb *pcb = pcb_of(c);
	ip_addr_t ip;
	u16 port = a->port;
	err_t err;

	addr_to_lwip(&ip, a);
	if (!net_addr_is_any(a) && !lwip_is_local(a))
		return -EADDRNOTAVAIL;
	if (a->family == AF_INET6 && net_addr_is_any(a) && IP_IS_ANY_TYPE_VAL(pcb->local_ip))
		ip = ip_addr_any_type;
	if (!port) {
		port = port_choose(&ip, NULL, 0);
		if (!port)
			return -EADDRINUSE;
	} else if (is_taken(pcb, &ip, port)) {
		return -EADDRINUSE;
	}
	err = tcp_bind(pcb, &ip, port);
	return lwip_errno(err);
}

int lwip_tcp_connect(struct net_conn *c, const struct net_addr *a)
{
	struct tcp_pcb *pcb = pcb_of(c);
	struct net_addr to = *a;
	ip_addr_t ip;
	err_t err;

	if (net_addr_is_any(&to)) {	/* the wildcard is this machine */
		to.ip[0] = to.family == AF_INET ? PP_HTONL(IPADDR_LOOPBACK) : 0;
		if (to.family == AF_INET6)
			to.ip[3] = PP_HTONL(1);
	}
	addr_to_lwip(&ip, &to);
	if (!pcb->local_port) {
		struct netif *n = ip_route(&pcb->local_ip, &ip);
		u32 further = n && to.family == AF_INET && ip_addr_isany(&pcb->local_ip) ? secondary_source(n, to.ip[0]) : 0;
		const ip_addr_t *own;

		if (further)
			ip_addr_set_ip4_u32_val(pcb->local_ip, further);
		own = n && ip_addr_isany(&pcb->local_ip) ? ip_netif_get_local_ip(n, &ip) : &pcb->local_ip;
		if (!n || !own)
			return -ENETUNREACH;
		pcb->local_port = port_choose(own, &ip, a->port);
		if (!pcb->local_port)
			return -EADDRNOTAVAIL;
		TCP_REG(&tcp_bound_pcbs, pcb);
	} else {
		if (lwip_hook_tcp_find(&pcb->local_ip, pcb->local_port, &ip, a->port))
			return -EADDRNOTAVAIL;
	}
	err = tcp_connect(pcb, &ip, a->port, tcp_on_connected);
	return err == ERR_USE ? -EADDRNOTAVAIL : lwip_errno(err);
}

/* Between bind and listen another one with SO_REUSEADDR began to listen. */
static bool listener_refuses(const struct tcp_pcb *pcb)
{
	for (struct tcp_pcb *p = tcp_listen_pcbs.pcbs; p; p = p->next)
		if (p->local_port == pcb->local_port && overlap(&p->local_ip, &pcb->local_ip) && p->callback_arg && pcb->callback_arg &&
		    tcp_events->share(pcb->callback_arg, p->callback_arg) != NET_SHARE_SPREAD)
			return true;
	return false;
}

int lwip_tcp_listen(struct net_conn **c, u32 backlog)
{
	struct tcp_pcb *pcb = pcb_of(*c), *l;
	void *owner = pcb->callback_arg;
	u8 options;
	err_t err;

	backlog = clamp(backlog, 1u, 0xffffu);
	if (pcb->state == LISTEN) {
		tcp_backlog_set(pcb, (u16)backlog);
		return 0;
	}
	if (!pcb->local_port) {
		struct net_addr any = { .family = IP_IS_V4_VAL(pcb->local_ip) ? AF_INET : AF_INET6 };
		int e = lwip_tcp_bind(*c, &any);

		if (e)
			return e;
	}
	if (listener_refuses(pcb))
		return -EADDRINUSE;
	/* lwIP lets nobody with this option listen beside another; we have looked. */
	options = pcb->so_options;
	ip_reset_option(pcb, SOF_REUSEADDR);
	l = tcp_listen_with_backlog_and_err(pcb, (u16)backlog, &err);
	(l ? l : pcb)->so_options = options;
	if (!l)
		return lwip_errno(err);
	tcp_arg(l, owner);
	tcp_accept(l, tcp_on_accepted);
	*c = (struct net_conn *)l;
	return 0;
}

void lwip_tcp_names(struct net_conn *c, struct net_addr *local, struct net_addr *peer)
{
	struct tcp_pcb *pcb = pcb_of(c);

	addr_from_lwip(local, &pcb->local_ip, pcb->local_port);
	if (pcb->state == LISTEN)
		memset(peer, 0, sizeof(*peer));
	else
		addr_from_lwip(peer, &pcb->remote_ip, pcb->remote_port);
}
