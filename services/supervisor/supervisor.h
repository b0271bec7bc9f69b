/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervision engine: what is to be started, stopped and restarted, and when. A pure function
 * of its state and an event: no system call, no clock (every event carries the time), no
 * allocation, no global. /sbin/init, the kernel's daemons and the tests drive the same code.
 *
 * The owner fills units and edges, calls sup_link() once, then feeds events to sup_step() and does
 * what sup_next() hands out, until it hands out nothing; sup_deadline() says when the next
 * SUP_EV_TICK is due. Units are numbers: names, files and processes are the owner's business.
 * No lock: one owner, one thread at a time.
 */
#ifndef SERVICES_SUPERVISOR_H
#define SERVICES_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUP_NEVER	UINT64_MAX
#define SUP_NONE	UINT32_MAX	/* no unit */
#define SUP_MS		1000000ull	/* times are nanoseconds of a monotonic clock */

enum sup_state {
	SUP_STOPPED, SUP_STARTING, SUP_RUNNING, SUP_STOPPING, SUP_FAILED, SUP_DISABLED, SUP_PAUSED,
	SUP_STATES
};

/* Restart=, systemd's words. */
enum sup_restart {
	SUP_NO, SUP_ALWAYS, SUP_ON_SUCCESS, SUP_ON_FAILURE, SUP_ON_ABNORMAL, SUP_ON_ABORT,
	SUP_ON_WATCHDOG, SUP_RESTARTS
};

/* How a service's main process ended. */
enum sup_cause {
	SUP_CLEAN, SUP_UNCLEAN, SUP_SIGNAL, SUP_TIMEOUT, SUP_WATCHDOG, SUP_CAUSES
};

/* Why a unit is in the state it is in. */
enum sup_result {
	SUP_R_OK, SUP_R_EXIT, SUP_R_SIGNAL, SUP_R_TIMEOUT, SUP_R_WATCHDOG, SUP_R_HEALTH,
	SUP_R_START_LIMIT, SUP_R_DEPENDENCY, SUP_R_DEPENDENCY_TIMEOUT, SUP_R_CONFIG, SUP_R_CYCLE,
	SUP_R_CONFLICT, SUP_R_NOT_FOUND, SUP_R_CANCELLED, SUP_R_SKIPPED, SUP_R_PROTOCOL, SUP_RESULTS
};

/* Answers to requests; 0 is yes. */
enum sup_error {
	SUP_OK, SUP_ENOTFOUND, SUP_EEXISTS, SUP_ENOTRUNNING, SUP_ENOTSTOPPED, SUP_ECONFIG,
	SUP_EDEPENDENCY, SUP_EDISCOVERY, SUP_EBALANCER, SUP_EHEALTH, SUP_ECYCLE, SUP_ECONFLICT,
	SUP_ESHUTDOWN, SUP_EINVALID, SUP_EDENIED, SUP_EFAILED, SUP_ERRORS
};

enum sup_job { SUP_JOB_NONE, SUP_JOB_START, SUP_JOB_STOP, SUP_JOB_RESTART };

enum sup_unhealthy { SUP_IGNORE, SUP_DO_RESTART, SUP_DO_STOP };

/* What holds from one unit to another. "Requires" and the like alone order nothing. */
#define SUP_REQUIRES	0x01	/* start it too; fail when it fails; stop and restart with it */
#define SUP_WANTS	0x02	/* start it too, and never mind */
#define SUP_BINDS_TO	0x04	/* requires, and stop when it leaves `running` by itself */
#define SUP_PART_OF	0x08	/* stop and restart with it */
#define SUP_CONFLICTS	0x10	/* never both */
#define SUP_AFTER	0x20	/* wait until its start is over; stop before it */
#define SUP_BAD_VERSION	0x40	/* what it provides is not what X-Version= asks for */

struct sup_edge {
	uint32_t from, to;
	uint8_t bits;
};

/* Flags of a unit, all set by the owner. */
#define SUP_F_ONESHOT	0x01	/* ready when its process ends cleanly */
#define SUP_F_REMAIN	0x02	/* a finished oneshot counts as running */
#define SUP_F_MISSING	0x04	/* named, but there is no file */
#define SUP_F_BROKEN	0x08	/* the file was refused */
#define SUP_F_EARLY	0x10	/* kind monitoring: others start after it */
#define SUP_F_LATE	0x20	/* kind system: at the end everybody else stops first */
#define SUP_F_KEEP	0x40	/* being unhealthy is shown, not acted on */

struct sup_unit {
	/* Configuration: the owner's, fixed between two sup_link(). Times in ns, 0: none. */
	uint64_t timeout_start, timeout_stop, timeout_dependency, watchdog;
	uint64_t restart_delay, restart_delay_max;
	uint64_t limit_interval;
	uint64_t *starts;		/* room for limit_burst times; may be NULL when that is 0 */
	uint16_t limit_burst;		/* 0: no limit */
	uint16_t health_threshold;	/* failed checks in a row that make it unhealthy */
	uint8_t flags, restart, on_dependency_unhealthy;
	/* State: the engine's, for all to read. */
	uint8_t state, result, job;
	uint8_t job_result;		/* of the last job, valid with SUP_DO_JOB_DONE */
	bool enabled;			/* shown as `stopped`, else `disabled` */
	bool is_unhealthy;
	bool is_waiting_restart;	/* `starting`, between two attempts */
	uint8_t stage;			/* of stopping: SUP_STAGE_* */
	uint8_t forced;			/* result that the coming exit has, or 0 */
	uint16_t bad_checks;
	uint16_t starts_at, starts_used;	/* ring of limit_burst */
	uint16_t attempts;		/* automatic restarts in a row: the back-off's exponent */
	uint32_t restarts;		/* automatic ones since the beginning */
	uint64_t since;			/* time of the last change of state */
	uint64_t deadline, watchdog_at, job_deadline;
	uint8_t todo;			/* actions not yet handed out */
	/* The engine's own. */
	uint32_t next_todo, next_job, previous_job, next_touched;
	uint32_t out, out_count, in, in_count;
	uint64_t mark, visit, tried, scanned;	/* the epoch in which a plan met it */
	uint32_t parent, cursor;
	bool is_queued, is_touched, is_early, is_late;
	bool has_hard, has_conflicts;	/* edges: what it needs; what it excludes, either way */
};

enum { SUP_STAGE_NONE, SUP_STAGE_TERM, SUP_STAGE_KILL };

/* What the owner is told to do with a unit; several at once come in this order. */
#define SUP_DO_THAW	0x01
#define SUP_DO_FREEZE	0x02
#define SUP_DO_STOP_IT	0x04	/* ask it to end */
#define SUP_DO_ABORT	0x08	/* the watchdog's signal */
#define SUP_DO_KILL	0x10	/* end it at once, all its processes */
#define SUP_DO_START	0x20	/* answer with READY, SKIP or EXIT */
#define SUP_DO_CHANGED	0x40	/* state, result or health differ from before */
#define SUP_DO_JOB_DONE	0x80

enum sup_event_kind {
	SUP_EV_TICK,		/* nothing but time */
	SUP_EV_START, SUP_EV_STOP, SUP_EV_RESTART, SUP_EV_PAUSE, SUP_EV_RESUME,
	SUP_EV_ENABLE, SUP_EV_DISABLE, SUP_EV_RESET,	/* requests */
	SUP_EV_STOP_ALL,
	SUP_EV_READY, SUP_EV_SKIP, SUP_EV_EXIT,		/* facts; EXIT: arg is enum sup_cause */
	SUP_EV_PING, SUP_EV_HEALTH,			/* HEALTH: arg is 0 for bad */
	SUP_EVENTS
};

struct sup_event {
	uint64_t now;
	uint32_t unit;
	uint8_t kind, arg;
};

struct sup {
	/* The owner's: filled before sup_link(). */
	struct sup_unit *unit;
	struct sup_edge *edge;
	uint32_t units, edges;
	uint32_t *in_edge;	/* room for `edges` */
	uint32_t *list;		/* room for 3 * units + 1: plans, then the last cycle found */
	/* The engine's. */
	uint32_t todo_first, todo_last, job_first;
	uint32_t touched_first, touched_last;	/* units that may go on now: what their jobs wait for has changed */
	uint64_t epoch;
	uint32_t early_starts, normal_stops;
	uint32_t *cycle, cycle_length;	/* units of the cycle that made SUP_ECYCLE, each after the next */
	uint64_t next;		/* no deadline is earlier */
	bool is_stopping_all;
};

/*
 * Sorts the edges, makes one of those between the same two units (s->edges shrinks), resets nothing else of a unit's state: may be called again after edges changed
 * or units were appended. Edges name units below s->units. Never fails.
 */
void sup_link(struct sup *s);

/* A new unit's state: stopped, enabled, 5 starts per 10 s if there is room, spec.md's times. */
void sup_unit_init(struct sup_unit *u);

/*
 * One event. Requests are answered with 0 or an enum sup_error; facts about a unit in a state
 * where they mean nothing are ignored (0). SUP_ECYCLE leaves the cycle in s->cycle.
 */
int sup_step(struct sup *s, const struct sup_event *event);

/* The next thing to do: one SUP_DO_* bit and its unit; 0 when there is nothing. */
unsigned int sup_next(struct sup *s, uint32_t *unit);

/* When the next SUP_EV_TICK is due, SUP_NEVER for not at all. */
uint64_t sup_deadline(struct sup *s);

/*
 * Looks for a cycle among all AFTER edges, whether anything runs or not.
 * Returns its length and leaves it in s->cycle, 0 when there is none.
 */
uint32_t sup_find_cycle(struct sup *s);

/* policy.c: tables and arithmetic, each on its own. */
bool sup_policy_restarts(enum sup_restart restart, enum sup_cause cause);
bool sup_limit_take(struct sup_unit *u, uint64_t now);
uint64_t sup_backoff(const struct sup_unit *u);
bool sup_version_satisfies(const char *have, const char *relation, const char *want);

/* names.c: the words that people see. */
const char *sup_state_name(unsigned int state);
const char *sup_result_name(unsigned int result);
const char *sup_error_name(unsigned int error);
const char *sup_restart_name(unsigned int restart);
int sup_error_exit(unsigned int error);

static inline bool sup_is_active(const struct sup_unit *u)
{
	return u->state == SUP_STARTING || u->state == SUP_RUNNING || u->state == SUP_STOPPING ||
	       u->state == SUP_PAUSED;
}

#endif
