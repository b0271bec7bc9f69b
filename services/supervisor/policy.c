/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor's tables and arithmetic: which end leads to a restart, how many starts a unit has
 * left, how long it waits, whether a version will do. No state machine here (engine.c).
 */
#include "supervisor.h"

/* systemd.service(5), the table of Restart=; a column per enum sup_cause. */
static const bool restarts[SUP_RESTARTS][SUP_CAUSES] = {
	/*                     clean  unclean signal timeout watchdog */
	[SUP_NO]          = { false, false, false, false, false },
	[SUP_ALWAYS]      = { true,  true,  true,  true,  true  },
	[SUP_ON_SUCCESS]  = { true,  false, false, false, false },
	[SUP_ON_FAILURE]  = { false, true,  true,  true,  true  },
	[SUP_ON_ABNORMAL] = { false, false, true,  true,  true  },
	[SUP_ON_ABORT]    = { false, false, true,  false, false },
	[SUP_ON_WATCHDOG] = { false, false, false, false, true  },
};

bool sup_policy_restarts(enum sup_restart restart, enum sup_cause cause)
{
	return restart < SUP_RESTARTS && cause < SUP_CAUSES && restarts[restart][cause];
}

/*
 * Takes one start at NOW if fewer than limit_burst were taken in the limit_interval before it; a
 * start exactly limit_interval ago no longer counts. A refused start is not counted.
 */
bool sup_limit_take(struct sup_unit *u, uint64_t now)
{
	uint16_t oldest;

	if (!u->limit_burst || !u->starts || !u->limit_interval)
		return true;
	if (u->starts_used == u->limit_burst) {
		oldest = u->starts_at;	/* the ring is full: the next to be written is the oldest */
		if (now - u->starts[oldest] < u->limit_interval)
			return false;
	} else {
		u->starts_used++;
	}
	u->starts[u->starts_at] = now;
	u->starts_at = (u->starts_at + 1) % u->limit_burst;
	return true;
}

/* The wait before the next automatic start: restart_delay, doubled with each attempt in a row. */
uint64_t sup_backoff(const struct sup_unit *u)
{
	uint64_t max = u->restart_delay_max, delay = u->restart_delay;

	if (max < delay)
		max = delay;	/* RestartSec= alone is a fixed wait at least */
	for (uint16_t i = 0; i < u->attempts && delay < max; i++)
		delay = delay > max / 2 ? max : delay * 2;
	return delay < max ? delay : max;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Compares the numbers at both places by value, without a limit on their length. */
static int compare_numbers(const char **a, const char **b)
{
	const char *x, *y;
	int first = 0;

	while (**a == '0')
		++*a;
	while (**b == '0')
		++*b;
	for (x = *a, y = *b; is_digit(*x) && is_digit(*y); x++, y++)
		if (!first && *x != *y)
			first = *x < *y ? -1 : 1;
	if (is_digit(*x))
		first = 1;
	else if (is_digit(*y))
		first = -1;
	while (is_digit(**a))
		++*a;
	while (is_digit(**b))
		++*b;
	return first;
}

/* Dotted numbers by value, other characters by code; a version that goes on is the larger one. */
static int compare_versions(const char *a, const char *b)
{
	while (*a || *b) {
		if (is_digit(*a) && is_digit(*b)) {
			int order = compare_numbers(&a, &b);

			if (order)
				return order;
		} else if (*a != *b) {
			return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
		} else {
			a++;
			b++;
		}
	}
	return 0;
}

/* RELATION is one of < <= = == >= >; any other is not satisfied. */
bool sup_version_satisfies(const char *have, const char *relation, const char *want)
{
	int order = compare_versions(have, want);
	bool equal_too = relation[0] && relation[1] == '=' && !relation[2];

	if (relation[0] == '=' && (!relation[1] || equal_too))
		return order == 0;
	if (relation[0] == '<' && (!relation[1] || equal_too))
		return order < 0 || (equal_too && order == 0);
	if (relation[0] == '>' && (!relation[1] || equal_too))
		return order > 0 || (equal_too && order == 0);
	return false;
}
