/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP for sockets, by lwIP's raw API. A struct net_conn is lwIP's tcp_pcb; its callback_arg is the owner. Bytes that a
 * program sends in large pieces are not copied here: segments show parts of its block (lwip_hook_shared_pbuf).
 *
 * Lock: net_lock.
 */
#include <kernel/random.h>
#include <lib/string.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip_hooks.h>
#include "../settings.h"
#include "glue.h"

#define LISTENERS_MAX 64u		/* over which connections are spread */
#define TICK_US (TCP_SLOW_INTERVAL * 1000u)

static const struct net_conn_events *events;	/* there is one kind of owner */
static struct netblock *write_block;		/* of the tcp_write that runs */

static struct tcp_pcb *pcb_of(struct net_conn *c) { return (struct tcp_pcb *)c; }

/* ---- lwIP calls ------------------------------------------------------------------------------------ */
static err_t on_received(void *owner, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	u32 len;
	struct netbuf *b;

	if (!p) {
		events->received(owner, NULL, 0);
		return ERR_OK;
	}
	len = p->tot_len;
	/* Without memory to copy what cannot be taken as it is, lwIP keeps it and asks again. */
	if (!(p->flags & PBUF_FLAG_IS_CUSTOM)) {
		b = pbuf_copy_to_netbuf(p);
		if (!b)
			return ERR_MEM;
		pbuf_free(p);
	} else {
		b = pbuf_to_netbuf(p);
		if (!b)
			return ERR_OK;
	}
	events->received(owner, b, len);
	/* What a device merged counts as so many segments: at least every second one is answered at once (RFC 1122 4.2.3.2). */
	if (len >= 2u * pcb->mss && (pcb->flags & TF_ACK_DELAY))
		tcp_ack_now(pcb);
	return ERR_OK;
}

/* up: the place behind the urgent byte. One that was handed over already is no news. */
void lwip_hook_tcp_urgent(struct tcp_pcb *pcb, u32_t up)
{
	u32 ahead = up - 1 - pcb->rcv_nxt, held = pcb->refused_data ? pcb->refused_data->tot_len : 0;

	if (pcb->callback_arg && pcb->recv == on_received && ahead <= pcb->rcv_wnd + 0xffffu)
		events->urgent(pcb->callback_arg, ahead + held);
}

static err_t on_sent(void *owner, struct tcp_pcb *pcb, u16_t len)
{
	events->sent(owner);
	return ERR_OK;
}

static void on_failed(void *owner, err_t err)
{
	if (owner)
		events->failed(owner, -lwip_errno(err));
}

static err_t on_connected(void *owner, struct tcp_pcb *pcb, err_t err)
{
	events->connected(owner);
	return ERR_OK;
}

static void callbacks_set(struct tcp_pcb *pcb, void *owner)
{
	tcp_arg(pcb, owner);
	tcp_recv(pcb, owner ? on_received : NULL);
	tcp_sent(pcb, owner ? on_sent : NULL);
	tcp_err(pcb, owner ? on_failed : NULL);
}

/* Of listeners that share a name (SO_REUSEPORT) the one for this peer: keyed, so that no peer chooses. */
static struct tcp_pcb_listen *listener_choose(struct tcp_pcb_listen *l, const struct tcp_pcb *pcb)
{
	struct tcp_pcb_listen *all[LISTENERS_MAX];
	u32 n = 0;

	if (events->share(l->callback_arg, l->callback_arg) != NET_SHARE_SPREAD)
		return l;
	for (struct tcp_pcb_listen *p = tcp_listen_pcbs.listen_pcbs; p && n < LISTENERS_MAX; p = p->next)
		if (p->local_port == l->local_port && ip_addr_eq(&p->local_ip, &l->local_ip) && IP_GET_TYPE(&p->local_ip) == IP_GET_TYPE(&l->local_ip) &&
		    p->callback_arg && events->share(p->callback_arg, l->callback_arg) == NET_SHARE_SPREAD)
			all[n++] = p;
	return n > 1 ? all[lwip_spread_hash(&pcb->remote_ip, pcb->remote_port) % n] : l;
}

static err_t on_accepted(void *owner, struct tcp_pcb *pcb, err_t err)
{
	void *child;

	if (err != ERR_OK || !pcb || !owner)
		return ERR_VAL;
	if (pcb->listener) {
		pcb->listener = listener_choose(pcb->listener, pcb);
		owner = pcb->listener->callback_arg;
	}
	child = events->accepted(owner, (struct net_conn *)pcb);
	if (!child)
		return ERR_MEM;		/* lwIP resets the connection */
	callbacks_set(pcb, child);
	tcp_backlog_delayed(pcb);
	return ERR_OK;
}

/* ---- making and naming ----------------------------------------------------------------------------- */
int lwip_tcp_new(u16 family, void *owner, const struct net_conn_events *ev, struct net_conn **out)
{
	struct tcp_pcb *pcb = tcp_new_ip_type(family == AF_INET6 ? IPADDR_TYPE_ANY : IPADDR_TYPE_V4);

	if (!pcb)
		return -ENOMEM;
	events = ev;
	callbacks_set(pcb, owner);
	*out = (struct net_conn *)pcb;
	return 0;
}

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
			share = p->callback_arg && pcb->callback_arg ? events->share(pcb->callback_arg, p->callback_arg) :
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
	err = tcp_connect(pcb, &ip, a->port, on_connected);
	return err == ERR_USE ? -EADDRNOTAVAIL : lwip_errno(err);
}

/* Between bind and listen another one with SO_REUSEADDR began to listen. */
static bool listener_refuses(const struct tcp_pcb *pcb)
{
	for (struct tcp_pcb *p = tcp_listen_pcbs.pcbs; p; p = p->next)
		if (p->local_port == pcb->local_port && overlap(&p->local_ip, &pcb->local_ip) && p->callback_arg && pcb->callback_arg &&
		    events->share(pcb->callback_arg, p->callback_arg) != NET_SHARE_SPREAD)
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
	tcp_accept(l, on_accepted);
	*c = (struct net_conn *)l;
	return 0;
}

void lwip_tcp_accepted(struct net_conn *c) { tcp_backlog_accepted(pcb_of(c)); }
void lwip_tcp_adopt(struct net_conn *c, void *owner) { callbacks_set(pcb_of(c), owner); }

void lwip_tcp_names(struct net_conn *c, struct net_addr *local, struct net_addr *peer)
{
	struct tcp_pcb *pcb = pcb_of(c);

	addr_from_lwip(local, &pcb->local_ip, pcb->local_port);
	if (pcb->state == LISTEN)
		memset(peer, 0, sizeof(*peer));
	else
		addr_from_lwip(peer, &pcb->remote_ip, pcb->remote_port);
}

/* ---- data ------------------------------------------------------------------------------------------ */
u32 __hot lwip_tcp_room(struct net_conn *c)
{
	struct tcp_pcb *pcb = pcb_of(c);

	return tcp_sndqueuelen(pcb) >= TCP_SND_QUEUELEN - 64 ? 0 : pcb->snd_buf;	/* tcp_sndbuf() says at most 65,535 */
}

struct pbuf *lwip_hook_shared_pbuf(u16_t len)
{
	struct netbuf *b = netbuf_view(write_block, NULL, len);

	return b ? netbuf_to_pbuf(b) : NULL;
}

/* What lies in a block of the kernel is shown, other bytes are copied. */
struct pbuf *lwip_hook_pbuf_part(struct pbuf *p, u32 offset, u32 len)
{
	struct pbuf *all = NULL;

	for (; p && len; p = p->next) {
		u32 n = offset < p->len ? min(p->len - offset, len) : 0;
		struct netblock *block = (p->flags & PBUF_FLAG_IS_CUSTOM) ? ((struct netbuf *)p)->block : NULL;
		struct pbuf *part;

		if (n && block) {
			struct netbuf *b = netbuf_view(block, (u8 *)p->payload + offset, n);

			part = b ? netbuf_to_pbuf(b) : NULL;
		} else {
			part = n ? pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM) : NULL;
			if (part)
				memcpy(part->payload, (u8 *)p->payload + offset, n);
		}
		if (n && !part) {
			if (all)
				pbuf_free(all);
			return NULL;
		}
		if (all && part)
			pbuf_cat(all, part);
		else if (part)
			all = part;
		offset -= min(offset, (u32)p->len);
		len -= n;
	}
	return all;
}

int __hot lwip_tcp_write(struct net_conn *c, const void *data, u32 len, struct netblock *block, bool more)
{
	struct tcp_pcb *pcb = pcb_of(c);
	err_t err;

	if (block && len < 512)
		block = NULL;		/* a copy is cheaper than a buffer of its own */
	write_block = block;
	err = tcp_write(pcb, data, (u16_t)len, (u8_t)((block ? 0 : TCP_WRITE_FLAG_COPY) | (more ? TCP_WRITE_FLAG_MORE : 0)));
	return lwip_errno(err);
}

void __hot lwip_tcp_push(struct net_conn *c) { tcp_output(pcb_of(c)); }

/* How much of len does not open the window again, because the program wants a smaller one (SO_RCVBUF). */
static u32 window_withhold(struct tcp_pcb *pcb, u32 len)
{
	u32 window = TCP_WND_MAX(pcb), n;

	if (!pcb->wnd_target || window <= pcb->wnd_target) {
		pcb->wnd_target = 0;
		return 0;
	}
	n = min(len, window - pcb->wnd_target);
	pcb->wnd_limit = window - n;
	return n;
}

/* A connection's new window. What the peer was told of is not taken back: a smaller one comes with what is read. */
static void window_change(struct tcp_pcb *pcb, u32 wanted)
{
	u32 window = TCP_WND_MAX(pcb);

	pcb->wnd_target = wanted < window ? wanted : 0;
	if (wanted <= window)
		return;
	pcb->wnd_limit = wanted;
	pcb->rcv_wnd += TCP_WND_MAX(pcb) - window;
	if (tcp_update_rcv_ann_wnd(pcb) >= TCP_WND_UPDATE_THRESHOLD) {
		tcp_ack_now(pcb);
		tcp_output(pcb);
	}
}

void __hot lwip_tcp_consumed(struct net_conn *c, u32 len)
{
	if (unlikely(pcb_of(c)->wnd_target))
		len -= window_withhold(pcb_of(c), len);
	while (len) {
		u16 n = (u16)min(len, 0xffffu);

		tcp_recved(pcb_of(c), n);
		len -= n;
	}
}

u32 lwip_tcp_window(struct net_conn *c)
{
	struct tcp_pcb *pcb = pcb_of(c);

	return pcb->wnd_target ? min(pcb->wnd_target, TCP_WND_MAX(pcb)) : TCP_WND_MAX(pcb);
}

u32 lwip_tcp_unsent(struct net_conn *c)
{
	struct tcp_pcb *pcb = pcb_of(c);

	return pcb->state == LISTEN ? 0 : TCP_SND_BUF - pcb->snd_buf;
}

/* ---- ending ---------------------------------------------------------------------------------------- */
void lwip_tcp_shutdown(struct net_conn *c, bool receive, bool send)
{
	struct tcp_pcb *pcb = pcb_of(c);

	/* Receiving is shut in the socket: lwIP would answer later data with a reset, Linux does not. */
	if (send && pcb->state != LISTEN)
		(void)tcp_shutdown(pcb, 0, 1);
}

void lwip_tcp_close(struct net_conn *c, bool abort)
{
	struct tcp_pcb *pcb = pcb_of(c);

	if (pcb->state == LISTEN) {
		/* Who is half-way in would keep the port. */
		while (lwip_hook_tcp_make_room((struct tcp_pcb_listen *)pcb))
			;
		tcp_arg(pcb, NULL);
		tcp_close(pcb);
		return;
	}
	callbacks_set(pcb, NULL);
	tcp_backlog_accepted(pcb);
	if (abort || tcp_close(pcb) != ERR_OK)
		tcp_abort(pcb);
}

/* ---- options and figures --------------------------------------------------------------------------- */
static void option_flag(struct tcp_pcb *pcb, u8 flag, bool on)
{
	if (on)
		ip_set_option(pcb, flag);
	else
		ip_reset_option(pcb, flag);
}

int lwip_tcp_set(struct net_conn *c, enum net_conn_option opt, u32 v)
{
	struct tcp_pcb *pcb = pcb_of(c);
	bool full = pcb->state != LISTEN;

	switch (opt) {
	case NET_TCP_NODELAY:
		if (full && v)
			tcp_nagle_disable(pcb);
		else if (full)
			tcp_nagle_enable(pcb);
		return 0;
	case NET_TCP_KEEPALIVE:
		option_flag(pcb, SOF_KEEPALIVE, v);
		return 0;
	case NET_TCP_KEEPIDLE:
		if (full)
			pcb->keep_idle = v;
		return 0;
	case NET_TCP_KEEPINTVL:
		if (full)
			pcb->keep_intvl = v;
		return 0;
	case NET_TCP_KEEPCNT:
		if (full)
			pcb->keep_cnt = v;
		return 0;
	case NET_TCP_URGENT:
		pcb->snd_up = pcb->snd_lbb;
		pcb->is_urgent = 1;
		return 0;
	case NET_TCP_USER_TIMEOUT:
		pcb->user_timeout = div_round_up(v, TCP_SLOW_INTERVAL);
		return 0;
	case NET_TCP_MAXSEG:
		pcb->mss_limit = (u16)v;
		if (full && v && pcb->state != CLOSED)
			pcb->mss = (u16)min((u32)pcb->mss, v);
		return 0;
	case NET_TCP_DEFER_ACCEPT:
		if (!full || pcb->state == CLOSED)
			pcb->defer = v * 1000u / TCP_SLOW_INTERVAL;
		return 0;
	case NET_RCVBUF:
		if (pcb->state == CLOSED || !full)
			pcb->wnd_limit = v;
		else if (v && pcb->state >= ESTABLISHED)
			window_change(pcb, v);
		if (pcb->state == CLOSED)
			pcb->rcv_wnd = pcb->rcv_ann_wnd = TCPWND_MIN16(TCP_WND_MAX(pcb));
		return 0;
	case NET_TTL:
		pcb->ttl = (u8)v;
		return 0;
	case NET_TOS:
		pcb->tos = (u8)v;
		return 0;
	case NET_REUSEADDR:
		option_flag(pcb, SOF_REUSEADDR, v);
		return 0;
	case NET_V6ONLY:
		if (full && pcb->state == CLOSED && !pcb->local_port)
			IP_SET_TYPE_VAL(pcb->local_ip, v ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY);
		return 0;
	case NET_IFINDEX:
		pcb->netif_idx = (u8)v;
		return 0;
	default:
		return -EINVAL;
	}
}

static u32 state_of(const struct tcp_pcb *pcb)
{
	static const u8 states[] = {
		[CLOSED] = 7, [LISTEN] = 10, [SYN_SENT] = 2, [SYN_RCVD] = 3, [ESTABLISHED] = 1, [FIN_WAIT_1] = 4,
		[FIN_WAIT_2] = 5, [CLOSE_WAIT] = 8, [CLOSING] = 11, [LAST_ACK] = 9, [TIME_WAIT] = 6,
	};

	return states[pcb->state];
}

void lwip_tcp_info(struct net_conn *c, struct net_tcp_info *out)
{
	struct tcp_pcb *pcb = pcb_of(c);

	*out = (struct net_tcp_info){ .state = state_of(pcb) };
	if (pcb->state == LISTEN)
		return;
	out->rto_us = (u32)pcb->rto * TICK_US;
	out->rtt_us = (u32)(pcb->sa >> 3) * 1000;
	out->rttvar_us = (u32)(pcb->sv >> 2) * 1000;
	out->mss = pcb->mss;
	out->cwnd = pcb->mss ? (pcb->cwnd + pcb->mss - 1) / pcb->mss : 0;
	out->ssthresh = pcb->mss ? pcb->ssthresh / pcb->mss : 0;
	out->rcv_wnd = pcb->rcv_ann_wnd;
	out->snd_wnd = pcb->snd_wnd;
	out->unacked = pcb->snd_nxt - pcb->lastack;
	out->notsent = pcb->snd_lbb - pcb->snd_nxt;
	out->retransmits = pcb->nrtx;
	out->snd_scale = pcb->snd_scale;
	out->rcv_scale = pcb->rcv_scale;
}

/* In which of tcp_pcb_lists a pcb is. */
static int list_of(const struct tcp_pcb *pcb)
{
	struct tcp_pcb **list = pcb->state == LISTEN ? &tcp_listen_pcbs.pcbs : pcb->state == CLOSED ? &tcp_bound_pcbs :
				pcb->state == TIME_WAIT ? &tcp_tw_pcbs : &tcp_active_pcbs;
	int i = 0;

	while (tcp_pcb_lists[i] != list)
		i++;
	return i;
}

bool lwip_tcp_next(void **at, struct net_row *out)
{
	struct tcp_pcb *pcb = *at;
	int i = 0;

	/* The lists in turn; the place is the pcb shown last, which stays under the lock that the caller keeps. */
	if (pcb) {
		i = list_of(pcb) + 1;
		pcb = pcb->next;
	}
	for (; !pcb && i < NUM_TCP_PCB_LISTS; i++)
		pcb = *tcp_pcb_lists[i];
	*at = pcb;
	if (!pcb)
		return false;
	memset(out, 0, sizeof(*out));
	addr_from_lwip(&out->local, &pcb->local_ip, pcb->local_port);
	out->state = state_of(pcb);
	out->owner = pcb->callback_arg;
	out->conn = (struct net_conn *)pcb;
	out->remote.family = out->local.family;
	if (pcb->state != LISTEN) {
		addr_from_lwip(&out->remote, &pcb->remote_ip, pcb->remote_port);
		out->tx_queue = TCP_SND_BUF - pcb->snd_buf;
	}
	return true;
}
