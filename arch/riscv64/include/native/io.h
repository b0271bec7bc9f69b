/* SPDX-License-Identifier: BSD-2-Clause */
/* RISC-V part of <kernel/device.h>: no ports; barriers between memory and devices. */
#ifndef NATIVE_IO_H
#define NATIVE_IO_H

#include <lib/compiler.h>

#define ARCH_HAS_PORTS 0

static inline u8 port_read8(u16 port) { return 0xff; }
static inline u16 port_read16(u16 port) { return 0xffff; }
static inline u32 port_read32(u16 port) { return 0xffffffffu; }
static inline void port_write8(u16 port, u8 v) {}
static inline void port_write16(u16 port, u16 v) {}
static inline void port_write32(u16 port, u32 v) {}

/* Memory writes before memory and register writes; loads before loads; everything. */
static inline void dma_wmb(void) { __asm__ volatile("fence w, ow" ::: "memory"); }
static inline void dma_rmb(void) { __asm__ volatile("fence ir, ir" ::: "memory"); }
static inline void dma_mb(void) { __asm__ volatile("fence iorw, iorw" ::: "memory"); }

#endif
