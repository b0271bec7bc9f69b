/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paint (debug builds): memory that is handed out without being cleared is filled with one byte, and so is the unused part of
 * the stack at each system call. Where that byte turns up in a program's buffer, on a disk or in a frame, what was there
 * before would have. Set by paint= on the command line or /proc/sys/kernel/paint; 0 turns it off.
 */
#ifndef KERNEL_PAINT_H
#define KERNEL_PAINT_H

#include <kernel/mm.h>
#include <lib/string.h>

#if CONFIG_DEBUG
extern u64 paint_byte;		/* plain word; 0: off */
static inline void paint(void *p, size_t n)
{
	u64 byte = READ_ONCE(paint_byte);

	if (unlikely(byte))
		memset(p, (int)byte, n);
}
void paint_init(void);
void paint_stack_below(void);	/* the caller's frame, in the current thread's kernel stack */
static inline void paint_stack(void)
{
	if (unlikely(READ_ONCE(paint_byte)))
		paint_stack_below();
}
static inline bool paint_is_on(void) { return READ_ONCE(paint_byte); }
#else
static inline void paint_init(void) {}
static inline void paint(void *p, size_t n) {}
static inline void paint_stack(void) {}
static inline bool paint_is_on(void) { return false; }
#endif

#endif
