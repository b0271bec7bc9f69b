/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine's network: an Ethernet card on a wire whose other end is a mirror. A packet to 10.9.0.2 or
 * fd09::2 comes back with its addresses exchanged, so that the machine, 10.9.0.1 and fd09::1, talks to itself over a
 * device, through all of the stack. On the way frames get lost, doubled, late, damaged. By the seed's choice the card finishes
 * checksums and cuts large frames, which it checks first, and gives some back uncut. Kernel context.
 */
#ifndef TESTS_SIM_WIRE_H
#define TESTS_SIM_WIRE_H

#include <lib/types.h>

#define WIRE_MTU 1500u
#define WIRE_FRAME (WIRE_MTU + 14u)

/* Per mille of the frames. */
struct wire_weather {
	u32 lose, twice, late, damage;
	u64 delay_ns;			/* of each; late ones take up to sixteen times as long */
};
struct wire_counts {
	u64 sent, lost, doubled, late, damaged, came, large;
};
enum wire_card { WIRE_OWN_CARD, WIRE_PLAIN_CARD, WIRE_VIRTIO_CARD, WIRE_LYING_CARD };	/* plain: own, without offloads */
void wire_start(enum wire_card card);	/* makes the card, gives it its addresses, takes it up; once */
void wire_weather(const struct wire_weather *w);
/* From now on TCP over IPv4 that leaves goes to tap, net_lock held, and not into the mirror. */
void wire_tap(void (*tap)(const u8 *frame, u32 len));
void wire_put(const u8 *frame, u32 len);	/* comes in as if from outside; waits while too many do */
void vcard_check(void);			/* fails the run if the driver gave up a virtio card that did nothing wrong */
void wire_drain(void);			/* until nothing is on the wire and the stack has taken all */
extern struct wire_counts wire_counts;
/* Checks and completes what a frame says: the Internet checksum over data, to be continued with another call. */
u32 wire_sum(u32 sum, const void *data, u32 len);
/* Puts right the checksums of an IPv4 or IPv6 packet with TCP, UDP or ICMP. */
void wire_seal(u8 *frame, u32 len);

#endif
