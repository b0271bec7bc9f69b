/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts down a thread's fail_nth; see <kernel/fault.h>. What fails is told at debug level, with its callers, so that
 * a crash that follows can be traced to it.
 */
#include <kernel/fault.h>
#include <kernel/log.h>
#include <kernel/panic.h>

#if CONFIG_DEBUG

#define CALLERS 6u

bool fault_count_down(void)
{
	struct thread *t = current;
	const char *name[CALLERS];
	vaddr_t pcs[CALLERS + 2];
	unsigned n;
	u64 offset;

	if (t->preempt_count >> PREEMPT_IRQ_SHIFT || --t->fail_nth)
		return false;
	n = arch_backtrace(NULL, pcs, ARRAY_LEN(pcs));
	for (unsigned i = 0; i < CALLERS; i++) {
		name[i] = i + 1 < n ? symbol_lookup(pcs[i + 1] - 1, &offset) : NULL;
		name[i] = name[i] ? name[i] : "-";
	}
	log_debug("fail-nth: %s: %s %s %s %s %s %s", t->name, name[0], name[1], name[2], name[3], name[4], name[5]);
	return true;
}

#endif
