/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio network device for the wire (wire.h), seen through the kernel's own driver: rings in memory, a
 * transport without registers. On request it lies about what it did. Kernel context.
 */
#ifndef TESTS_SIM_VCARD_H
#define TESTS_SIM_VCARD_H

#include <kernel/netdev.h>

/* Makes the device, with features of the seed's choice, and lets the driver find it. The interface. */
struct netdev *vcard_start(bool lies);
void vcard_frames_due(void);		/* the wire has some; any context */
bool vcard_takes_large(void);		/* the driver lets it merge segments */

/* wire.c: what the card sends (room for LARGE_FRAME bytes at frame, which change), and what came for it; NULL: not yet. */
void wire_out(u8 *frame, u32 len, const struct net_frame *how);
struct netbuf *wire_take(void);

#endif
