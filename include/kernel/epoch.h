/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deferred reclamation. A reader between epoch_enter and epoch_exit (preemption off, no
 * sleeping) may use objects it found without their locks; who unlinks an object defers its
 * freeing until every CPU passed a quiescent point (thread switch, user return, idle, offline).
 */
#ifndef KERNEL_EPOCH_H
#define KERNEL_EPOCH_H

#include <lib/compiler.h>

struct epoch_head {
	struct epoch_head *next;
	void (*fn)(struct epoch_head *h);
};
void epoch_init(void);		/* starts the epoch thread; epoch_defer works before, nothing is freed until then */
/* Macros, since <kernel/thread.h> needs this header: who uses them includes that one. */
#define epoch_enter() preempt_disable()
#define epoch_exit() preempt_enable()
/* Calls fn(h) after a grace period, in the epoch kernel thread (may sleep). Any context with interrupts as they are. */
void epoch_defer(struct epoch_head *h, void (*fn)(struct epoch_head *h));
/* Waits for a grace period. Sleeps. */
void epoch_wait(void);
/* A quiescent point of this CPU; called by the switch, user return and idle code. */
void epoch_quiescent(void);
void epoch_note(void);		/* the same with interrupts off */

#endif
