/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines: any bytes, any length. Every word that comes out must be a string within the line. */
#include <arch/boot.h>
#include <kernel/boot.h>
#include <kernel/cmdline.h>
#include <lib/string.h>
#include <native/sim.h>
#include "fuzz.h"

static void all_strings(const char *const *words, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fuzz_check(words[i] && strlen(words[i]) < BOOT_CMDLINE_MAX);
}

static void run(const u8 *data, size_t size)
{
	static const char *const names[] = { "root", "loglevel", "sched_quantum_ms", "console", "init", "strace", "panic" };
	unsigned n;

	boot_info.cmdline_cut = size >= sizeof(boot_info.cmdline);
	size = min(size, sizeof(boot_info.cmdline) - 1);
	memcpy(boot_info.cmdline, data, size);
	boot_info.cmdline[size] = 0;
	cmdline_init();
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		const char *last = cmdline_get(names[i]), *s;

		fuzz_check(cmdline_has(names[i]) == (last != NULL));
		(void)cmdline_u64(names[i], 7);
		for (n = 0; (s = cmdline_get_nth(names[i], n)); n++)
			fuzz_check(strlen(s) < BOOT_CMDLINE_MAX);
		fuzz_check(!last == !n);
	}
	all_strings(cmdline_init_args(&n), n);
	all_strings(cmdline_init_env(&n), n);
	fuzz_check(strlen(cmdline_raw()) <= size);
}

const struct fuzz_target fuzz_cmdline = { .name = "cmdline", .run_in_kernel = run };
