/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second supervisor for one unit, written to be obviously right: every start time is kept
 * for ever and counted, every rule is a sentence of the manual in its order. Tests compare the
 * engine with it after every event; nothing else uses it.
 */
#ifndef SERVICES_SUPERVISOR_MODEL_H
#define SERVICES_SUPERVISOR_MODEL_H

#include "supervisor.h"

enum model_phase { M_OFF, M_BAD, M_LAUNCHED, M_UP, M_FROZEN, M_PAUSE_BEFORE_RETRY, M_ENDING };

struct model {
	/* What the unit file says. */
	const char *restart;
	bool oneshot, remain;
	uint64_t start_s, stop_s, watchdog_s, retry_s, retry_max_s, window_s;	/* ns all */
	int burst, threshold;
	/* What happened. */
	enum model_phase phase;
	uint64_t starts[100000];
	int start_count, retries, retries_in_a_row, bad_in_a_row;
	uint64_t phase_began, timer, last_ping;
	bool wants_off, wants_again;	/* a stop, a restart was asked for */
	bool owes_answer;		/* somebody who asked for a start still waits */
	bool killed_hard, shutting_down;
	const char *blame;		/* why we are ending it ourselves */
	const char *why;		/* the result that is shown */
};

void model_event(struct model *m, const struct sup_event *e);
const char *model_state(const struct model *m);
uint64_t model_deadline(const struct model *m);

#endif
