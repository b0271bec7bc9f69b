/* SPDX-License-Identifier: BSD-2-Clause */
/* What devices do later: a small sorted list of (time, function), run between two steps of the CPUs. */
#include "sim.h"

#define EVENTS_MAX 256

struct event {
	u64 at, order;
	void (*fn)(void *arg);
	void *arg;
};
static struct event events[EVENTS_MAX];	/* a heap would be quicker; a dozen are pending at most */
static unsigned nr_events;
static u64 next_order;

void sim_event_add(u64 at, void (*fn)(void *arg), void *arg)
{
	if (nr_events == EVENTS_MAX)
		sim_fail("more than %d device events are pending", EVENTS_MAX);
	events[nr_events++] = (struct event){ at, next_order++, fn, arg };
}

static unsigned first(void)
{
	unsigned best = 0;

	for (unsigned i = 1; i < nr_events; i++)
		if (events[i].at < events[best].at ||
		    (events[i].at == events[best].at && events[i].order < events[best].order))
			best = i;
	return best;
}

u64 sim_event_next(void) { return nr_events ? events[first()].at : U64_MAX; }

void sim_events_run(void)
{
	while (nr_events) {
		unsigned i = first();
		struct event e = events[i];

		if (e.at > sim_now)
			break;
		events[i] = events[--nr_events];
		e.fn(e.arg);
	}
}
