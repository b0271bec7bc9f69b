/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the monotonic clock in nanoseconds: ci/bench --packages times shell commands with it. */
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	printf("%lld\n", ts.tv_sec * 1000000000ll + ts.tv_nsec);
	return 0;
}
