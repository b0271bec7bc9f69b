/* SPDX-License-Identifier: BSD-2-Clause */
/* Assertions and panic. Asserts stay on in release builds; debug_assert does not. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <arch/upcall.h>

#define assert(cond) \
	do { \
		if (unlikely(!(cond))) \
			panic("assertion failed: %s at %s:%d", #cond, __FILE__, __LINE__); \
	} while (0)
#if CONFIG_DEBUG
#define debug_assert(cond) assert(cond)
#else
#define debug_assert(cond) ((void)sizeof(!(cond)))
#endif
/* True and a log line with backtrace, once per place; for states that can be survived. */
#define warn_once(cond) \
	({ \
		static bool _warned; \
		bool _c = !!(cond); \
		if (unlikely(_c && !_warned)) { \
			_warned = true; \
			warn_report(#cond, __FILE__, __LINE__); \
		} \
		_c; \
	})
void warn_report(const char *cond, const char *file, int line);
void backtrace_print(const struct arch_regs *regs);
void backtrace_print_pcs(const vaddr_t *pcs, unsigned n);	/* of arch_backtrace */

/* Generated from the linked image. Name of the function around pc and the distance into it, or NULL. */
const char *symbol_lookup(vaddr_t pc, u64 *offset);

#endif
