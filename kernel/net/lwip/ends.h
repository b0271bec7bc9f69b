/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to ends.c and icmp.c: UDP and raw endpoints. Lock: net_lock. */
#ifndef KERNEL_NET_LWIP_ENDS_H
#define KERNEL_NET_LWIP_ENDS_H

#include <lwip/raw.h>
#include <lwip/udp.h>
#include "glue.h"

struct net_end {
	struct list link;		/* all of its kind */
	void *owner;
	const struct net_end_events *ev;
	struct udp_pcb *udp;		/* one of the two */
	struct raw_pcb *raw, *raw6;	/* raw6: of an ICMP socket's other family, unused else */
	u16 family;
	u8 protocol;
	bool is_connected, v6only, has_header;
	struct net_addr peer;		/* raw: as connected */
};
extern struct list udp_ends, raw_ends;

/* icmp.c: look at each ICMP message before lwIP does. */
u8_t lwip_on_icmp(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from);
u8_t lwip_on_icmp6(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from);

#endif
