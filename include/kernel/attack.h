/* SPDX-License-Identifier: BSD-2-Clause */
/* Attacks on the kernel's own defences (kernel/attack.c), in builds with tests. */
#ifndef KERNEL_ATTACK_H
#define KERNEL_ATTACK_H

#include <stdarg.h>

#if CONFIG_TESTS
/* Tries all, or those that attack= names, and powers off, if that word is there. A boot step. */
void attack_if_asked(void);
/* From panic: if the attacker caused it, notes what the defence says and ends the attacker's thread; else returns. */
void attack_caught(const char *fmt, va_list ap);
#else
static inline void attack_if_asked(void) {}
static inline void attack_caught(const char *fmt, va_list ap) {}
#endif

#endif
