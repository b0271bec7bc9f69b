/* SPDX-License-Identifier: BSD-2-Clause */
/* No port space; barriers between memory and devices that read or write it. */
#ifndef NATIVE_IO_H
#define NATIVE_IO_H

#include <lib/types.h>

#define ARCH_HAS_PORTS 0
static inline u8 port_read8(u16 port) { return 0xff; }
static inline u16 port_read16(u16 port) { return 0xffff; }
static inline u32 port_read32(u16 port) { return 0xffffffff; }
static inline void port_write8(u16 port, u8 v) {}
static inline void port_write16(u16 port, u16 v) {}
static inline void port_write32(u16 port, u32 v) {}

static inline void dma_wmb(void) { __asm__ volatile("dmb oshst" ::: "memory"); }
static inline void dma_rmb(void) { __asm__ volatile("dmb oshld" ::: "memory"); }
/* dsb, not dmb: a register write that follows must not reach the device before the memory is seen. */
static inline void dma_mb(void) { __asm__ volatile("dsb osh" ::: "memory"); }

#endif
