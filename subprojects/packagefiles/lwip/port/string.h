/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP asks of a C library's <string.h>; include/lib/ has the functions. */
#pragma once
#include <stddef.h>

int memcmp(const void *a, const void *b, size_t n);
void *memcpy(void *dest, const void *src, size_t n);
void *memmove(void *dest, const void *src, size_t n);
void *memset(void *s, int c, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
