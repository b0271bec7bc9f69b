/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printf-style formatting without floating point: d i u x X o c s p %% with flags
 * "-+ #0", width, precision, '*', length hh h l ll z. Always ends with NUL when
 * size > 0; returns the length the whole text needs.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <lib/compiler.h>

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
/* As snprintf, but returns the length that was stored (never >= size); 0 for size 0. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
