/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Audits: look at whole structures and say what is wrong in them. They log up to ten lines each and
 * return the number of problems. Debug builds run the first at the end of boot and all of them
 * around the in-kernel tests.
 */
#ifndef KERNEL_AUDIT_H
#define KERNEL_AUDIT_H

#include <arch/mmu.h>

struct aspace;

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

/*
 * The tables of a program's space: the upper half is the kernel's own (where it is part of them at all), and no page
 * of the lower half is the kernel's: tables, slabs, free pages, the image but for the vDSO. The space must be referenced;
 * it may be in use. Does not sleep. *leaves is increased by the number of pages looked at.
 */
unsigned audit_user_tables(struct aspace *as, u64 *leaves);

#if CONFIG_DEBUG
/* The first one over kernel_root after boot, and every CPU's protections; panics when something is wrong. */
void audit_boot(void);
/* This CPU, which has just come up: panics when a protection is missing. Interrupts or preemption off. */
void audit_cpu(void);
/* How many times a CPU was looked at, for /proc/audit. */
extern u64 audit_cpus_seen;	/* [a] */
/* The protections of all CPUs again; how many are missing. May sleep. */
unsigned audit_all_cpus(void);
#else
static inline void audit_boot(void) {}
static inline void audit_cpu(void) {}
#endif

#endif
