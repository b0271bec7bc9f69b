/* SPDX-License-Identifier: BSD-2-Clause */
/* strtoul is called by fdt_overlay.c only, which the kernel does not use: it is dropped at the link. */
#pragma once
unsigned long strtoul(const char *s, char **end, int base);
