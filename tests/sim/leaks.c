/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run leaves behind: what is in use (kernel/usage.c) is compared around the workload. Runs as kernel code. */
#include <kernel/time.h>
#include <kernel/usage.h>
#include "work.h"

#define SETTLE_NS (400 * NSEC_PER_MSEC)

static struct usage before;

static void fail(const char *what, s64 was, s64 is)
{
	sim_fail("leak: %s: %lld, before the run %lld", what, (long long)is, (long long)was);
}

void leaks_begin(void *unused) { usage_measure(&before, true); }

void leaks_check(void *unused) { (void)usage_check(&before, true, SETTLE_NS, fail); }
