/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's tcp_out.c with two differences: pbufs for data that tcp_write does not copy (PBUF_ROM, used for nothing
 * else in that file) come from the kernel and hold a reference on its buffer; and the kernel says what stands in a
 * segment's checksum, since a device may finish it (both functions that ask have the interface in `netif`).
 */
#include "lwip/opt.h"
#include "lwip/inet_chksum.h"
#include "lwip/pbuf.h"
#include "lwip_hooks.h"

#define pbuf_alloc(layer, len, type) ((type) == PBUF_ROM ? lwip_hook_shared_pbuf(len) : pbuf_alloc(layer, len, type))
#define ip_chksum_pseudo(p, protocol, len, from, to) lwip_hook_tcp_sum(p, len, from, to, netif)
#include "../src/core/tcp_out.c"
