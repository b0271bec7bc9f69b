/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of arch/sim share. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <lib/compiler.h>

/* switch.S */
void sim_switch(u64 *save_sp, u64 load_sp);
__noreturn void sim_enter(vaddr_t stack_top, void (*fn)(void));
void sim_thread_start(void);	/* where a new thread's first switch returns to */
/* thread.c, called by sim_thread_start with what arch_thread_init left */
__noreturn void sim_thread_main(void (*fn)(void *), void *arg);
/* memory.c */
int sim_fault(unsigned long address);

#endif
