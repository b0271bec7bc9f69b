/* SPDX-License-Identifier: BSD-2-Clause */
/* Random bytes from the CPU: RDSEED then RDRAND; RNDRRS then RNDR; the Zkr seed CSR (probed, may trap). */
#ifndef ARCH_RANDOM_H
#define ARCH_RANDOM_H

#include <lib/compiler.h>

/* Fills up to n bytes; returns how many are good (0: no such instruction or it failed). Any context. */
size_t arch_random_bytes(void *buf, size_t n);
/* "rdseed", "rdrand", "rndrrs", "rndr", "zkr" or NULL. */
const char *arch_random_name(void);

#endif
