/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor's words: what the control protocol, svctl and log lines call states, results and
 * errors, and the exit status that goes with each error. One table each, nothing else.
 */
#include "supervisor.h"

static const char *const states[SUP_STATES] = {
	"stopped", "starting", "running", "stopping", "failed", "disabled", "paused",
};

static const char *const results[SUP_RESULTS] = {
	"success", "exit-code", "signal", "timeout", "watchdog", "health-check", "start-limit-hit",
	"dependency", "dependency-timeout", "configuration", "circular-dependency", "conflict",
	"not-found", "cancelled", "condition", "protocol",
};

static const char *const restart_names[SUP_RESTARTS] = {
	"no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog",
};

/* Exit statuses 3 to 5 are systemctl's; the rest are ours. */
static const struct {
	const char *name;
	int exit;
} errors[SUP_ERRORS] = {
	[SUP_OK] = { "ok", 0 },
	[SUP_ENOTFOUND] = { "not-found", 5 },
	[SUP_EEXISTS] = { "already-exists", 10 },
	[SUP_ENOTRUNNING] = { "not-running", 7 },
	[SUP_ENOTSTOPPED] = { "not-stopped", 11 },
	[SUP_ECONFIG] = { "configuration", 6 },
	[SUP_EDEPENDENCY] = { "dependency", 12 },
	[SUP_EDISCOVERY] = { "discovery", 13 },
	[SUP_EBALANCER] = { "load-balancer", 14 },
	[SUP_EHEALTH] = { "health-check-failed", 15 },
	[SUP_ECYCLE] = { "circular-dependency", 16 },
	[SUP_ECONFLICT] = { "conflict", 17 },
	[SUP_ESHUTDOWN] = { "shutting-down", 18 },
	[SUP_EINVALID] = { "invalid-argument", 2 },
	[SUP_EDENIED] = { "permission-denied", 4 },
	[SUP_EFAILED] = { "failed", 1 },
};

const char *sup_state_name(unsigned int state)
{
	return state < SUP_STATES ? states[state] : "?";
}

const char *sup_result_name(unsigned int result)
{
	return result < SUP_RESULTS ? results[result] : "?";
}

const char *sup_restart_name(unsigned int restart)
{
	return restart < SUP_RESTARTS ? restart_names[restart] : "?";
}

const char *sup_error_name(unsigned int error)
{
	return error < SUP_ERRORS ? errors[error].name : "?";
}

int sup_error_exit(unsigned int error)
{
	return error < SUP_ERRORS ? errors[error].exit : 1;
}
