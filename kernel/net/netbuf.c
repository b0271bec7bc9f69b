/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers of network data. Received frames have their bytes behind the struct, in one object; what a program sends lies in
 * blocks of pages that segments, retransmissions and (over loopback) the receiver's queue show parts of: bytes are
 * copied once in and once out. A buffer has one owner; blocks are counted. No locks.
 */
#include <kernel/netdev.h>
#include <lib/string.h>

#define BLOCK_ORDER_MAX 4u

struct netblock *netblock_alloc(u32 size, u32 flags)
{
	unsigned order = 0;
	struct page *p = NULL;
	struct netblock *b;

	while (order < BLOCK_ORDER_MAX && (PAGE_SIZE << order) < size + sizeof(*b))
		order++;
	while (!p) {
		p = page_alloc(order, order ? ALLOC_ATOMIC | ALLOC_NOWARN : flags);
		if (!p && !order--)
			return NULL;
	}
	b = page_to_virt(p);
	ref_set(&b->refs, 1);
	b->order = order;
	b->size = (u32)((PAGE_SIZE << order) - sizeof(*b));
	return b;
}

void netblock_put(struct netblock *b)
{
	if (ref_put(&b->refs))
		page_free(virt_to_page(b), b->order);
}

static void packet_free(struct socket_packet *p) { netbuf_free_chain(container_of(p, struct netbuf, packet)); }

static void buffer_init(struct netbuf *b, u8 *data, u32 len, u32 size, struct netblock *block)
{
	b->packet.free = packet_free;
	b->next = NULL;
	b->data = data;
	b->len = len;
	b->size = size;
	b->block = block;
	b->flags = 0;
}

struct netbuf *netbuf_alloc(u32 room)
{
	struct netbuf *b = kmalloc(sizeof(*b) + room, ALLOC_ATOMIC | ALLOC_NOWARN);

	if (b)
		buffer_init(b, (u8 *)(b + 1), room, (u32)sizeof(*b) + room, NULL);
	return b;
}

struct netbuf *netbuf_view(struct netblock *block, u8 *data, u32 len)
{
	struct netbuf *b = kmalloc(sizeof(*b), ALLOC_ATOMIC | ALLOC_NOWARN);

	if (!b)
		return NULL;
	ref_get(&block->refs);
	buffer_init(b, data, len, (u32)sizeof(*b) + len, block);
	return b;
}

void netbuf_free(struct netbuf *b)
{
	if (b->block)
		netblock_put(b->block);
	kfree(b);
}

void netbuf_free_chain(struct netbuf *b)
{
	while (b) {
		struct netbuf *next = b->next;

		netbuf_free(b);
		b = next;
	}
}
