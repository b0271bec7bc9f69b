/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults planted on purpose (kernel/plant.c), in builds with tests. */
#ifndef KERNEL_PLANT_H
#define KERNEL_PLANT_H

#if CONFIG_TESTS
/* Commits the fault that plant= names. A boot step. */
void plant_if_asked(void);
#else
static inline void plant_if_asked(void) {}
#endif

#endif
