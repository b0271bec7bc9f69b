/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments gathered for a device that cuts them itself (burst.c). Private to kernel/net/lwip. */
#ifndef KERNEL_NET_LWIP_BURST_H
#define KERNEL_NET_LWIP_BURST_H

#include "glue.h"

/* Of a pbuf: its TCP checksum covers the pseudo header only, the device does the rest. lwIP uses the bits up to 0x20. */
#define PBUF_FLAG_TCP_PARTIAL 0x80u

struct burst {
	struct pbuf *first;		/* the segment it began with, as lwIP made it; NULL: nothing is gathered */
	struct pbuf *frame, *tail;	/* from the second on: one header, then the bytes of all. NULL: there is only the first */
	u32 next_seq;
	u16 header_len;			/* Ethernet to TCP with options */
	u16 mss;			/* bytes of the first segment: all but the last have as many */
	u16 pieces;
};

/* Begins with p (referenced) if more may follow it. b is empty. */
bool burst_begin(struct burst *b, struct pbuf *p, const struct netdev *dev);
/* Puts p's bytes behind those gathered; false: p does not continue them, or there is no room. p stays the caller's. */
bool burst_add(struct burst *b, const struct pbuf *p);
/* The frame to send, owned by the caller; *gso_size 0: an ordinary one. b is empty then. NULL: it was empty. */
struct pbuf *burst_take(struct burst *b, u16 *gso_size);
/* Offsets in a frame whose checksum is partial (without lwIP's padding). */
u16 burst_csum_start(const struct pbuf *p);
u16 burst_header_len(const struct pbuf *p);
bool burst_is_v6(const struct pbuf *p);

#endif
