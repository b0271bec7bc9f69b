/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to tcp.c, tcp_names.c, tcp_figures.c: connections and listeners. Lock: net_lock. */
#ifndef KERNEL_NET_LWIP_TCP_H
#define KERNEL_NET_LWIP_TCP_H

#include <lwip/priv/tcp_priv.h>
#include "glue.h"

static inline struct tcp_pcb *pcb_of(struct net_conn *c) { return (struct tcp_pcb *)c; }
extern const struct net_conn_events *tcp_events;	/* there is one kind of owner */
err_t tcp_on_connected(void *owner, struct tcp_pcb *pcb, err_t err);
err_t tcp_on_accepted(void *owner, struct tcp_pcb *pcb, err_t err);	/* a listener's */

#endif
