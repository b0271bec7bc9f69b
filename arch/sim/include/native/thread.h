/* SPDX-License-Identifier: BSD-2-Clause */
/* Simulation part of <arch/thread.h>: threads are host stacks; there are no user registers yet. */
#ifndef NATIVE_THREAD_H
#define NATIVE_THREAD_H

#include <lib/compiler.h>

struct arch_regs {
	u64 pc, sp;
	u64 nr, args[6], result;
	bool is_user, in_call;
};

struct arch_thread {
	u64 sp;			/* of a thread that is switched out */
	u64 tls;
};

#endif
