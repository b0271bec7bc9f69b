/* SPDX-License-Identifier: BSD-2-Clause */
/* The fuzz harnesses: each gets bytes and must find the kernel unharmed afterwards. Answers are free, faults are not. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <lib/compiler.h>

struct fuzz_target {
	const char *name;
	void (*set_up)(void);				/* once, as a program; or NULL */
	void (*run)(const u8 *data, size_t size);	/* as a program */
	void (*run_in_kernel)(const u8 *data, size_t size);	/* or in the kernel */
};
extern const struct fuzz_target fuzz_fdt, fuzz_acpi, fuzz_elf, fuzz_cpio, fuzz_ext4, fuzz_cmdline;

/* Fails the run unless what is said holds. */
#define fuzz_check(what) \
	do { \
		if (!(what)) \
			sim_fail("%s:%d: %s", __FILE_NAME__, __LINE__, #what); \
	} while (0)

#endif
