/* SPDX-License-Identifier: BSD-2-Clause */
/* Simulation part of <kernel/device.h>: no ports, no devices beside memory. */
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
static inline void dma_wmb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void dma_rmb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void dma_mb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#endif
