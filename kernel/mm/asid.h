/* SPDX-License-Identifier: BSD-2-Clause */
/* Address-space ids (asid.c), for who loads spaces and who flushes. Preemption off in all of these. */
#ifndef MM_ASID_H
#define MM_ASID_H

#include <kernel/aspace.h>

struct cpu;

/* Once, before the first space is loaded. */
void asid_init(void);
/* Before the space's bit in cpus is set, interrupts off: it has an id that is good on this CPU; what must be dropped first. */
enum mmu_drop asid_take(struct aspace *as, struct cpu *cpu);
/* After the bit is set, and a full fence: something changed meanwhile. The mark is gone. */
bool asid_is_stale(struct aspace *as, struct cpu *cpu);
/* After entries changed and before cpus is read, with a full fence in between. */
void asid_mark_stale(struct aspace *as);

#endif
