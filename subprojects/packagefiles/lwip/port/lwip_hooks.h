/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions of lwIP that the kernel answers (kernel/net/lwip/hooks.c); lwipopts.h says where they are asked. */
#ifndef LWIP_PORT_HOOKS_H
#define LWIP_PORT_HOOKS_H

#include "lwip/ip_addr.h"

struct netif;
struct pbuf;

u32_t lwip_hook_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote, u16_t remote_port);
struct netif *lwip_hook_route4(const ip4_addr_t *src, const ip4_addr_t *dest);
const ip4_addr_t *lwip_hook_gateway4(struct netif *netif, const ip4_addr_t *dest);
struct netif *lwip_hook_route6(const ip6_addr_t *src, const ip6_addr_t *dest);
const ip6_addr_t *lwip_hook_gateway6(struct netif *netif, const ip6_addr_t *dest);
/* One of our further IPv4 addresses (kernel/net/lwip/secondary.c). */
int lwip_hook_owns4(const ip4_addr_t *a);
/* A pbuf of len bytes for memory that tcp_write was given without copying it; NULL without memory. */
struct pbuf *lwip_hook_shared_pbuf(u16_t len);
/* The checksum field of the segment p of len bytes that leaves by n, in memory order. */
u16_t lwip_hook_tcp_sum(struct pbuf *p, u16_t len, const ip_addr_t *from, const ip_addr_t *to, struct netif *n);

#endif
