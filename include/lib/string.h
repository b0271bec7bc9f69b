/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and string functions of the C library that the kernel provides (kernel/lib/string.c). */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <lib/types.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *needle);
/* Copies at most size-1 bytes and ends with NUL; returns strlen(src), so >= size means cut. size > 0. */
size_t strlcpy(char *dst, const char *src, size_t size);
bool str_starts(const char *s, const char *prefix);
/*
 * The compiler knows these although the code is freestanding: a few bytes of a known number become moves. Not where the
 * build renames them (the simulation), nor where they are defined.
 */
#if !defined(memcpy) && !defined(LIB_STRING_DEFINITIONS)
#define memcpy __builtin_memcpy
#define memset __builtin_memset
#define memcmp __builtin_memcmp
#define strlen __builtin_strlen
#endif
/*
 * Number in base 0 (0x, 0 prefixes), 8, 10 or 16. The whole string must be the number.
 * 0, -EINVAL (no digits or trailing text), -ERANGE.
 */
int parse_u64(const char *s, unsigned base, u64 *value);
/* Like parse_u64 but reads a prefix; *end points past the last digit. */
int parse_u64_prefix(const char *s, unsigned base, u64 *value, const char **end);

#endif
