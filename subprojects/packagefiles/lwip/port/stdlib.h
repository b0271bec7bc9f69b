/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP wants the number behind an interface's two letters (netif_find, which the kernel does not call). */
#pragma once
#include <stddef.h>

static inline int atoi(const char *s)
{
	int v = 0;

	for (; *s >= '0' && *s <= '9' && v < 1000; s++)
		v = v * 10 + (*s - '0');
	return v;
}
