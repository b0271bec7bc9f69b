/* SPDX-License-Identifier: BSD-2-Clause */
/* Netlink messages being built, packet by packet, and a request's attributes being read. No lock: a builder is its caller's. */
#include <kernel/mm.h>
#include <lib/string.h>
#include "message.h"

#define PACKET_BYTES 3840u		/* fits the smallest buffer programs read with, 4 KiB */
#define DUMP_PACKETS 8u			/* of one run of a dump */

void nl_packet_free(struct socket_packet *p) { kfree(container_of(p, struct nl_packet, packet)); }

struct nl_packet *nl_packet_new(u32 room)
{
	struct nl_packet *p = kmalloc(sizeof(*p) + room, 0);

	if (!p)
		return NULL;
	p->packet = (struct socket_packet){ .free = nl_packet_free };
	p->from_pid = p->from_group = 0;
	p->ids = (struct user_ucred){ 0 };
	return p;
}

/* A run of a dump is bounded, so that it does not ask for room. */
static void push_always(struct socket *sk, struct socket_packet *p)
{
	spin_lock(&sk->queue_lock);
	list_push_back(&sk->queue, &p->link);
	atomic_store(&sk->queue_len, sk->queue_len + 1);
	atomic_store(&sk->queue_bytes, sk->queue_bytes + p->len);
	sk->receive_used += p->charge;
	spin_unlock(&sk->queue_lock);
	socket_wake(sk, SOCKET_READABLE);
}

void nl_packet_send(struct nl_out *o)
{
	struct nl_packet *p = o->packet;

	o->packet = NULL;
	o->packets++;
	p->packet.charge = p->packet.len + (u32)sizeof(*p);
	if (nl_is_dump(o)) {
		push_always(o->sk, &p->packet);
	} else if (!socket_queue_push(o->sk, &p->packet)) {
		o->failed = true;
		nl_packet_free(&p->packet);
	}
}

/* Room for n more bytes, in a new packet if need be; an open message moves along. */
static u8 *reserve(struct nl_out *o, u32 n)
{
	struct nl_packet *p = o->packet, *fresh;

	if (o->failed)
		return NULL;
	if (p && p->packet.len + n <= PACKET_BYTES)
		return p->data + p->packet.len;
	fresh = nl_packet_new(PACKET_BYTES);
	if (!fresh || n > PACKET_BYTES) {
		kfree(fresh);
		o->failed = true;
		return NULL;
	}
	if (p) {
		u32 open = p->packet.len - o->message;

		memcpy(fresh->data, p->data + o->message, open);
		fresh->packet.len = open;
		p->packet.len = o->message;
		if (p->packet.len && o->sk)
			nl_packet_send(o);
		else
			nl_packet_free(&p->packet);
	}
	o->message = 0;
	o->packet = fresh;
	return fresh->data + fresh->packet.len;
}

void *nl_begin(struct nl_out *o, u16 type, u32 n)
{
	u32 size = NL_ALIGN((u32)sizeof(struct user_nlmsghdr) + n);
	struct user_nlmsghdr *h;

	if (o->skip) {
		o->skip--;
		return NULL;
	}
	if (nl_is_dump(o) && o->packets >= DUMP_PACKETS)
		o->is_full = true;
	if (o->is_full)
		return NULL;
	if (o->packet)
		o->message = o->packet->packet.len;
	h = (void *)reserve(o, size);
	if (!h)
		return NULL;
	memset(h, 0, size);
	*h = (struct user_nlmsghdr){ .type = type, .flags = o->flags, .seq = o->seq, .pid = o->pid };
	o->packet->packet.len += size;
	return h + 1;
}

void nl_attr(struct nl_out *o, u16 type, const void *data, u32 n)
{
	struct user_nlattr a = { .len = (u16)(sizeof(a) + n), .type = type };
	u8 *at = reserve(o, NL_ALIGN(a.len));

	if (!at)
		return;
	memset(at, 0, NL_ALIGN(a.len));
	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), data, n);
	o->packet->packet.len += NL_ALIGN(a.len);
}

void nl_attr_u8(struct nl_out *o, u16 type, u8 v) { nl_attr(o, type, &v, sizeof(v)); }
void nl_attr_u32(struct nl_out *o, u16 type, u32 v) { nl_attr(o, type, &v, sizeof(v)); }
void nl_attr_string(struct nl_out *o, u16 type, const char *s) { nl_attr(o, type, s, (u32)strlen(s) + 1); }

void nl_end(struct nl_out *o)
{
	if (o->failed)
		return;
	((struct user_nlmsghdr *)(void *)(o->packet->data + o->message))->len = o->packet->packet.len - o->message;
	o->sent++;
}

const void *nl_find(const struct nl_request *r, u16 type, u32 min, u32 *len)
{
	u32 at = 0;

	while (at + sizeof(struct user_nlattr) <= r->attrs_len) {
		const struct user_nlattr *a = (const void *)(r->attrs + at);

		if (a->len < sizeof(*a) || a->len > r->attrs_len - at)
			return NULL;
		if ((a->type & 0x3fff) == type) {
			if (len)
				*len = a->len - (u32)sizeof(*a);
			return a->len - sizeof(*a) >= min ? a + 1 : NULL;
		}
		at += NL_ALIGN(a->len);
	}
	return NULL;
}

