/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that a network may bring (seeds_net.c). */
#ifndef TESTS_SIM_SEEDS_NET_H
#define TESTS_SIM_SEEDS_NET_H

#include <lib/types.h>

#define SEED_MAX 256u
#define SEED_SYN 0u			/* a connection request: source port at byte 34, destination port at 36 */
#define SEED_FRAGMENT4 21u		/* the first of two fragments: source at byte 26, identification at 18 */
#define SEED_FRAGMENT6 45u		/* the same by IPv6: source to byte 37, identification at 58 */
unsigned seed_count(void);
u32 seed_make(unsigned which, u8 *frame);	/* a well-formed frame of at most SEED_MAX bytes; its length */

#endif
