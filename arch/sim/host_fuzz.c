/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's side of fuzzing: starts libFuzzer with the words of $TRIVET_FUZZ. A file beside host.c, in builds with -Dfuzz=true. */
#include "host.h"
#include <sanitizer/asan_interface.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 64

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*fn)(const uint8_t *data, size_t size));

static void (*run)(const unsigned char *data, unsigned long size);

/* libFuzzer's handler of abort() shall not run on a kernel stack: it needs more, and the input would not be kept. */
static void use_signal_stack(void)
{
	struct sigaction sa;

	if (sigaction(SIGABRT, NULL, &sa))
		return;
	sa.sa_flags |= SA_ONSTACK;
	(void)sigaction(SIGABRT, &sa, NULL);
}

static int test_one(const uint8_t *data, size_t size)
{
	static int is_ready;

	if (!is_ready++)
		use_signal_stack();
	run(data, size);
	return 0;
}

void host_fuzz(void (*run_one)(const unsigned char *data, unsigned long size))
{
	char *words = getenv("TRIVET_FUZZ"), *argv[WORDS_MAX + 1] = { "trivet" }, **args = argv;
	int argc = 1;

	run = run_one;
	host_fail_by_abort = 1;
	words = strdup(words ? words : "");
	for (char *w = words ? strtok(words, " ") : NULL; w && argc < WORDS_MAX; w = strtok(NULL, " "))
		argv[argc++] = w;
	_exit(LLVMFuzzerRunDriver(&argc, &args, test_one));
}

void host_guard(const void *p, unsigned long size, int on)
{
	if (on)
		__asan_poison_memory_region(p, size);
	else
		__asan_unpoison_memory_region(p, size);
}
