/* SPDX-License-Identifier: BSD-2-Clause */
/* Port I/O, and ordering of memory against devices: x86's stores are ordered, loads are ordered. */
#ifndef NATIVE_IO_H
#define NATIVE_IO_H

#include <lib/compiler.h>

#define ARCH_HAS_PORTS 1

static inline u8 port_read8(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline u16 port_read16(u16 port)
{
	u16 v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline u32 port_read32(u16 port)
{
	u32 v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline void port_write8(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(port) : "memory");
}
static inline void port_write16(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" :: "a"(v), "Nd"(port) : "memory");
}
static inline void port_write32(u16 port, u32 v)
{
	__asm__ volatile("outl %0, %1" :: "a"(v), "Nd"(port) : "memory");
}

static inline void dma_wmb(void) { barrier(); }
static inline void dma_rmb(void) { barrier(); }
static inline void dma_mb(void) { __asm__ volatile("mfence" ::: "memory"); }

#endif
