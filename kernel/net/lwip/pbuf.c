/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between lwIP's pbufs and our netbufs. A netbuf becomes a pbuf by lwIP's header in its first words, and a received
 * pbuf of that kind becomes a netbuf again without copying; others are copied. Under net_lock, but for packet_new/free.
 */
#include <kernel/panic.h>
#include <lib/string.h>
#include "glue.h"

static void custom_free(struct pbuf *p) { netbuf_free((struct netbuf *)p); }

struct pbuf *netbuf_to_pbuf(struct netbuf *b)
{
	struct pbuf_custom *c = (struct pbuf_custom *)b->stack;

	static_assert(offsetof(struct netbuf, stack) == 0, "a pbuf is the netbuf's beginning");
	c->custom_free_function = custom_free;
	/* "ROM": the bytes stay as they are while there are references, so lwIP need not copy them to queue them. */
	return pbuf_alloced_custom(PBUF_RAW, (u16_t)b->len, PBUF_ROM, c, b->data, (u16_t)b->len);
}

bool pbuf_is_netbuf(const struct pbuf *p)
{
	return (p->flags & PBUF_FLAG_IS_CUSTOM) && ((const struct pbuf_custom *)p)->custom_free_function == custom_free;
}

struct netbuf *pbuf_copy_to_netbuf(const struct pbuf *p)
{
	struct netbuf *b = netbuf_alloc(p->tot_len);

	if (b)
		pbuf_copy_partial(p, b->data, p->tot_len, 0);
	return b;
}

static bool can_be_taken(const struct pbuf *p)
{
	for (; p; p = p->next)
		if (!pbuf_is_netbuf(p) || p->ref != 1)
			return false;
	return true;
}

struct netbuf *pbuf_to_netbuf(struct pbuf *p)
{
	struct netbuf *first = NULL, **link = &first, *b;

	if (!can_be_taken(p)) {
		b = pbuf_copy_to_netbuf(p);
		pbuf_free(p);
		return b;
	}
	while (p) {
		struct pbuf *next = p->next;

		b = (struct netbuf *)p;
		b->data = p->payload;
		b->len = p->len;
		if (b->len || !next) {
			*link = b;
			link = &b->next;
		} else {
			netbuf_free(b);
		}
		p = next;
	}
	*link = NULL;
	return first;
}

struct net_packet *lwip_packet_new(u32 len, void **data)
{
	struct pbuf *p = len <= 0xffff ? pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM) : NULL;

	if (p)
		*data = p->payload;
	return (struct net_packet *)p;
}

void lwip_packet_free(struct net_packet *p) { pbuf_free((struct pbuf *)p); }

int lwip_errno(err_t err)
{
	static const u8 numbers[] = {
		[-ERR_OK] = 0, [-ERR_MEM] = ENOMEM, [-ERR_BUF] = ENOBUFS, [-ERR_TIMEOUT] = ETIMEDOUT,
		[-ERR_RTE] = ENETUNREACH, [-ERR_INPROGRESS] = EINPROGRESS, [-ERR_VAL] = EINVAL,
		[-ERR_WOULDBLOCK] = EAGAIN, [-ERR_USE] = EADDRINUSE, [-ERR_ALREADY] = EALREADY,
		[-ERR_ISCONN] = EISCONN, [-ERR_CONN] = ENOTCONN, [-ERR_IF] = ENETDOWN, [-ERR_ABRT] = ECONNABORTED,
		[-ERR_RST] = ECONNRESET, [-ERR_CLSD] = ENOTCONN, [-ERR_ARG] = EIO,
	};

	return err > 0 || -err >= (int)ARRAY_LEN(numbers) ? -EIO : -numbers[-err];
}

void addr_to_lwip(ip_addr_t *out, const struct net_addr *a)
{
	memset(out, 0, sizeof(*out));
	if (a->family == AF_INET6) {
		memcpy(ip_2_ip6(out)->addr, a->ip, 16);
		if (a->scope && ip6_addr_has_scope(ip_2_ip6(out), IP6_UNKNOWN))
			ip6_addr_set_zone(ip_2_ip6(out), (u8_t)a->scope);
		IP_SET_TYPE_VAL(*out, IPADDR_TYPE_V6);
	} else {
		ip_addr_set_ip4_u32_val(*out, a->ip[0]);
	}
}

void addr_from_lwip(struct net_addr *out, const ip_addr_t *a, u16 port)
{
	memset(out, 0, sizeof(*out));
	out->port = port;
	if (IP_IS_V6_VAL(*a) || IP_IS_ANY_TYPE_VAL(*a)) {
		out->family = AF_INET6;
		memcpy(out->ip, ip_2_ip6(a)->addr, 16);
		out->scope = ip6_addr_zone(ip_2_ip6(a));
	} else {
		out->family = AF_INET;
		out->ip[0] = ip_2_ip4(a)->addr;
	}
}
