/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a TCP connection is set to and what it tells: windows of the program's choice, options, figures for TCP_INFO, the rows of /proc/net/tcp.
 *
 * Lock: net_lock.
 */
#include <lib/string.h>
#include <lwip_hooks.h>
#include "tcp.h"

#define TICK_US (TCP_SLOW_INTERVAL * 1000u)

/* ---- windows --------------------------------------------------------------------------------------- */
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

/* ---- options --------------------------------------------------------------------------------------- */
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

/* ---- figures --------------------------------------------------------------------------------------- */
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
