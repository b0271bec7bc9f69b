/* SPDX-License-Identifier: BSD-2-Clause */
/* FEAT_RNG: RNDRRS reseeds before each number, RNDR is the CPU's generator (Arm ARM D17.2.119). */
#include <arch/random.h>
#include <lib/string.h>
#include "arch_local.h"

#define TRIES 8

/* Z is set when the CPU has no number to give. */
static bool rndrrs(u64 *v)
{
	u64 ok;

	__asm__ volatile("mrs %0, S3_3_C2_C4_1\n\tcset %1, ne" : "=r"(*v), "=r"(ok) :: "cc");
	return ok;
}
static bool rndr(u64 *v)
{
	u64 ok;

	__asm__ volatile("mrs %0, S3_3_C2_C4_0\n\tcset %1, ne" : "=r"(*v), "=r"(ok) :: "cc");
	return ok;
}
static bool random_word(u64 *v)
{
	for (unsigned i = 0; i < TRIES; i++)
		if (rndrrs(v) || rndr(v))
			return true;
	return false;
}

size_t arch_random_bytes(void *buf, size_t n)
{
	u8 *to = buf;
	size_t done = 0;

	while (cpu_has_rng && done < n) {
		u64 v;
		size_t part = min(n - done, sizeof(v));

		if (!random_word(&v))
			break;
		memcpy(to + done, &v, part);
		done += part;
	}
	return done;
}
const char *arch_random_name(void) { return cpu_has_rng ? "rndrrs" : NULL; }
