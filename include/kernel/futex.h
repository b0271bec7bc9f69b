/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads' lives and priorities have to do with futexes (kernel/ipc/). */
#ifndef KERNEL_FUTEX_H
#define KERNEL_FUTEX_H

#include <kernel/thread.h>

/* t, the current thread, gives its memory up (exit, exec): the PI locks it owns go to their next waiters. After the robust list. */
void futex_pi_abandon(struct thread *t);
/* exec went on: t may own PI locks again. */
void futex_pi_begin(struct thread *t);
/* Class or priority of t was changed: what it waits for and what it owns are set in order. Any thread, no locks held. */
void futex_pi_reorder(struct thread *t);

#endif
