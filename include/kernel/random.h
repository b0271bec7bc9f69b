/* SPDX-License-Identifier: BSD-2-Clause */
/* The random generator: pool, health-tested sources, ChaCha20 with fast key erasure (RFC 8439, per CPU). */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <lib/compiler.h>

void random_init(void);		/* CPU source, boot_info.seed, clock jitter */
/* Adds n bytes; bits is the entropy credited to them (0: mixed in, not credited). Any context. */
void random_add(const char *source, const void *data, size_t n, u32 bits);
void random_add_event(u64 value);	/* interrupt timing etc.; cheap */
/* Never blocks; before seeding the output is only as good as what came in. Any context. */
void random_bytes(void *buf, size_t n);
u64 random_u64(void);
/* Uniform in [0, limit), limit > 0. */
u64 random_below(u64 limit);
bool random_is_ready(void);	/* 256 bits credited */
int random_wait_ready(void);	/* 0 or -EINTR */
u32 random_entropy_bits(void);	/* credited so far, at most 256, for /proc */

#endif
