/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public process states and the steps between them. process.state holds the state a process
 * was put in (new, ready, suspended, terminated, zombie, defunct); which of ready, running and
 * blocked it is in is seen from its threads when somebody asks. Lock: the signal lock.
 */
#include "proc.h"

#define TO(s) BIT(PROC_##s)

static const u8 allowed[] = {
	[PROC_NEW] = TO(READY) | TO(TERMINATED),
	[PROC_READY] = TO(RUNNING) | TO(SUSPENDED) | TO(TERMINATED),
	[PROC_RUNNING] = TO(READY) | TO(BLOCKED) | TO(SUSPENDED) | TO(TERMINATED),
	[PROC_BLOCKED] = TO(READY) | TO(SUSPENDED) | TO(TERMINATED),
	[PROC_SUSPENDED] = TO(READY) | TO(TERMINATED),
	[PROC_TERMINATED] = TO(ZOMBIE) | TO(DEFUNCT),	/* defunct at once: the parent does not wait */
	[PROC_ZOMBIE] = TO(DEFUNCT),
	[PROC_DEFUNCT] = 0,
};
static_assert(ARRAY_LEN(allowed) == PROC_DEFUNCT + 1, "one row per state");

bool process_state_may(enum process_state from, enum process_state to)
{
	return from < ARRAY_LEN(allowed) && to < ARRAY_LEN(allowed) && (allowed[from] >> to & 1);
}

void process_state_set(struct process *p, enum process_state to)
{
	enum process_state from = atomic_load(&p->state);

	if (from == to)
		return;
	assert(process_state_may(from, to));
	atomic_store(&p->state, (u32)to);
}

enum process_state process_state_now(struct process *p)
{
	enum process_state state = atomic_load(&p->state);
	bool is_ready = false;
	unsigned long flags;
	struct thread *t;

	if (state != PROC_READY)
		return state;
	flags = signal_lock(p);
	state = PROC_BLOCKED;
	list_for_each(t, &p->threads, process_link) {
		if (atomic_load(&t->state) != THREAD_RUNNABLE)
			continue;
		is_ready = true;
		if (atomic_load(&t->on_cpu))
			state = PROC_RUNNING;
	}
	signal_unlock(p, flags);
	return state == PROC_BLOCKED && is_ready ? PROC_READY : state;
}
