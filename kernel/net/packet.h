/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to kernel/net: frames for AF_PACKET sockets (packet.c). net_lock held. */
#ifndef KERNEL_NET_PACKET_H
#define KERNEL_NET_PACKET_H

#include <kernel/netdev.h>

struct pbuf;

extern u32 packet_taps;			/* net_lock: sockets that listen */
static inline bool packet_is_tapped(void) { return packet_taps != 0; }
/* A copy to each socket that wants it; the frame begins skip bytes into p. out: we send it. */
void packet_tap_pbuf(struct netdev *dev, const struct pbuf *p, u32 skip, bool out);
/* The sockets' side of it: frame contains all bytes; taken over. */
void packet_tap(struct netdev *dev, struct netbuf *frame, bool out);

#endif
