/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's tcp_out.c with one difference: pbufs for data that tcp_write does not copy (PBUF_ROM, used for nothing
 * else in that file) come from the kernel and hold a reference on its buffer.
 */
#include "lwip/opt.h"
#include "lwip/pbuf.h"
#include "lwip_hooks.h"

#define pbuf_alloc(layer, len, type) ((type) == PBUF_ROM ? lwip_hook_shared_pbuf(len) : pbuf_alloc(layer, len, type))
#include "../src/core/tcp_out.c"
