/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Audits: look at whole structures and say what is wrong in them. They log up to ten lines each and
 * return the number of problems. Debug builds run the first at the end of boot and all of them
 * around the in-kernel tests.
 */
#ifndef KERNEL_AUDIT_H
#define KERNEL_AUDIT_H

#include <arch/mmu.h>

/*
 * The tables under root as a kernel root: no page both writable and executable, none that user mode
 * reaches, nothing in the user half, no writable alias of the image's text, constants or sealed data.
 * The tables must not be changed meanwhile. Any context.
 */
unsigned audit_kernel_tables(paddr_t root);

/*
 * The page array: a free block has no references, mappings or flags of a used one and is aligned to its
 * size; free blocks do not overlap; pages in use have a reference or belong to a block that has. Other
 * CPUs may allocate meanwhile, so a page counts only when it looks wrong twice. May sleep.
 */
unsigned audit_pages(void);

#if CONFIG_DEBUG
/* The first one over kernel_root after boot; panics when it finds something. */
void audit_boot(void);
#else
static inline void audit_boot(void) {}
#endif

#endif
