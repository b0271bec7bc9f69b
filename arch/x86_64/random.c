/* SPDX-License-Identifier: BSD-2-Clause */
/* RDSEED, then RDRAND. Both may fail now and then: bounded retries (Intel DRNG guide §5.2.1, §5.3.1). */
#include <arch/random.h>
#include <lib/string.h>

#include "x86.h"

#define RDRAND_RETRIES 10
#define RDSEED_RETRIES 20

static bool rdrand(u64 *v)
{
	for (unsigned i = 0; i < RDRAND_RETRIES; i++) {
		bool ok;

		__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
		if (ok)
			return true;
	}
	return false;
}

static bool rdseed(u64 *v)
{
	for (unsigned i = 0; i < RDSEED_RETRIES; i++) {
		bool ok;

		__asm__ volatile("rdseed %0" : "=r"(*v), "=@ccc"(ok));
		if (ok)
			return true;
		arch_cpu_relax();
	}
	return false;
}

size_t arch_random_bytes(void *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t part = min(n - done, sizeof(u64));
		u64 v;

		if (!(x86_features.rdseed && rdseed(&v)) && !(x86_features.rdrand && rdrand(&v)))
			break;
		/* AMD's early RDRAND returned all ones for ever after resume. */
		if (v == U64_MAX || v == 0)
			break;
		memcpy((char *)buf + done, &v, part);
		done += part;
	}
	return done;
}

bool x86_random_early(u64 *v)
{
	return ((cpuid(1, 0).ecx & BIT(30) && rdrand(v)) ||
		(cpuid(0, 0).eax >= 7 && cpuid(7, 0).ebx & BIT(18) && rdseed(v))) && *v && *v != U64_MAX;
}

const char *arch_random_name(void)
{
	return x86_features.rdseed ? "rdseed" : x86_features.rdrand ? "rdrand" : NULL;
}
