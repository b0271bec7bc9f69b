/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP for sockets, by lwIP's raw API. A struct net_conn is lwIP's tcp_pcb; its callback_arg is the owner. Bytes that a
 * program sends in large pieces are not copied here: segments show parts of its block (lwip_hook_shared_pbuf). Ports and listeners are in
 * tcp_names.c, options, windows and figures in tcp_figures.c.
 *
 * Lock: net_lock.
 */
#include <lib/string.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip_hooks.h>
#include "tcp.h"

#define LISTENERS_MAX 64u		/* over which connections are spread */

const struct net_conn_events *tcp_events;
static struct netblock *write_block;		/* of the tcp_write that runs */

/* ---- lwIP calls ------------------------------------------------------------------------------------ */
static err_t on_received(void *owner, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	u32 len;
	struct netbuf *b;

	if (!p) {
		tcp_events->received(owner, NULL, 0);
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
	tcp_events->received(owner, b, len);
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
		tcp_events->urgent(pcb->callback_arg, ahead + held);
}

static err_t on_sent(void *owner, struct tcp_pcb *pcb, u16_t len)
{
	tcp_events->sent(owner);
	return ERR_OK;
}

static void on_failed(void *owner, err_t err)
{
	if (owner)
		tcp_events->failed(owner, -lwip_errno(err));
}

err_t tcp_on_connected(void *owner, struct tcp_pcb *pcb, err_t err)
{
	tcp_events->connected(owner);
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

	if (tcp_events->share(l->callback_arg, l->callback_arg) != NET_SHARE_SPREAD)
		return l;
	for (struct tcp_pcb_listen *p = tcp_listen_pcbs.listen_pcbs; p && n < LISTENERS_MAX; p = p->next)
		if (p->local_port == l->local_port && ip_addr_eq(&p->local_ip, &l->local_ip) && IP_GET_TYPE(&p->local_ip) == IP_GET_TYPE(&l->local_ip) &&
		    p->callback_arg && tcp_events->share(p->callback_arg, l->callback_arg) == NET_SHARE_SPREAD)
			all[n++] = p;
	return n > 1 ? all[lwip_spread_hash(&pcb->remote_ip, pcb->remote_port) % n] : l;
}

err_t tcp_on_accepted(void *owner, struct tcp_pcb *pcb, err_t err)
{
	void *child;

	if (err != ERR_OK || !pcb || !owner)
		return ERR_VAL;
	if (pcb->listener) {
		pcb->listener = listener_choose(pcb->listener, pcb);
		owner = pcb->listener->callback_arg;
	}
	child = tcp_events->accepted(owner, (struct net_conn *)pcb);
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
	tcp_events = ev;
	callbacks_set(pcb, owner);
	*out = (struct net_conn *)pcb;
	return 0;
}

void lwip_tcp_accepted(struct net_conn *c) { tcp_backlog_accepted(pcb_of(c)); }
void lwip_tcp_adopt(struct net_conn *c, void *owner) { callbacks_set(pcb_of(c), owner); }

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

void lwip_tcp_unreachable(const struct net_addr *local, const struct net_addr *remote, u32 seq, int err)
{
	struct tcp_pcb *pcb;
	ip_addr_t own, other;
	void *owner;

	addr_to_lwip(&own, local);
	addr_to_lwip(&other, remote);
	pcb = lwip_hook_tcp_find(&own, local->port, &other, remote->port);
	if (!pcb || pcb->state != SYN_SENT || seq != pcb->lastack)
		return;
	owner = pcb->callback_arg;
	callbacks_set(pcb, NULL);
	tcp_abandon(pcb, 0);
	if (owner)
		tcp_events->failed(owner, err);
}
