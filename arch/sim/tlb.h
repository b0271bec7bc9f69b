/* SPDX-License-Identifier: BSD-2-Clause */
/* The modelled MMU, for user.c. */
#ifndef SIM_TLB_H
#define SIM_TLB_H

#include <lib/types.h>

/* Host address of the program's byte at va for FAULT_WRITE, FAULT_EXEC or (0) reading; NULL: page fault. */
void *sim_translate(vaddr_t va, unsigned access);

#endif
