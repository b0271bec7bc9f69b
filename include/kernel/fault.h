/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault injection (debug builds): the N-th fallible allocation of a thread fails, as /proc/PID/fail-nth asks. The
 * functions that allocate ask here; release builds have nothing of it.
 */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include <kernel/mm.h>
#include <kernel/thread.h>

#if CONFIG_DEBUG
bool fault_count_down(void);
/* The current thread's allocation is to fail. Never in interrupts, nor where it must not. */
static inline bool fault_is_due(u32 alloc_flags)
{
	return unlikely(current->fail_nth) && !((alloc_flags | current->alloc_context) & ALLOC_NO_FAIL) && fault_count_down();
}
/* Whether one struck since the mark was taken. */
static inline u32 fault_mark(void) { return current->fail_nth; }
static inline bool fault_struck(u32 mark) { return mark && !current->fail_nth; }
#else
static inline bool fault_is_due(u32 alloc_flags) { return false; }
static inline u32 fault_mark(void) { return 0; }
static inline bool fault_struck(u32 mark) { return false; }
#endif

#endif
