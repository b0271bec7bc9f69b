/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel knows of its own linked image, made by ci/tools/gen_symbols.py: names, and words that hold addresses. */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <lib/types.h>

struct symbol_table {
	u64 base;			/* link address of the first function */
	u32 count;
	const u32 *offsets;		/* from base, rising */
	const u32 *name_offsets;	/* into names */
	const char *names;		/* NUL-ended, one after the other */
};
extern const struct symbol_table kernel_symbols;
extern const u8 kernel_words[];		/* where they are; init section. kernel/slide.c */

#endif
