/* SPDX-License-Identifier: BSD-2-Clause */
/* The stack's part of <kernel/paint.h>, and where it is turned on. tests/system/fill_paint.c and ci/suites/paint.py look for it. */
#include <kernel/boot.h>
#include <kernel/paint.h>
#include <kernel/thread.h>

#include "mm_internal.h"

#if CONFIG_DEBUG

#define FAR_END 64u		/* thread_create's arguments, links of free stacks */
#define NEAR_FRAME 128u		/* this function's own, and what may lie below its stack pointer */

u64 paint_byte;

__noinline __attribute__((no_sanitize("address"))) void paint_stack_below(void)
{
	u64 word = (READ_ONCE(paint_byte) & 0xff) * 0x0101010101010101ull;
	volatile u64 *at = (u64 *)((vaddr_t)current->kstack + FAR_END);
	vaddr_t end = (vaddr_t)__builtin_frame_address(0) - NEAR_FRAME;

	/* Not in a thread of its own stack (boot), nor on a stack of the simulation's host. */
	if (end - (vaddr_t)current->kstack >= KSTACK_SIZE)
		return;
	while ((vaddr_t)at + 8 <= end)
		*at++ = word;
}

void paint_init(void) { paint_byte = cmdline_u64("paint", 0) & 0xff; }

#endif
