/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of unit files: one table row each, with the section, the function that reads the value
 * and the field it goes to. A key that is not in the table is refused; each row has a test that
 * fails when init ignores the key (ci/tools/service_keys.py shows which).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "keys.h"

/* ---- the table ---------------------------------------------------------------------------------- */

#define CORE(field) offsetof(struct parser, config.field)
#define PART(name, field) offsetof(struct parser, parts.name.field)
#define RUN(field) PART(run, field)
#define QUOTA(field) PART(quota, field)
#define HEALTH(field) PART(health, field)
#define SOCKET(field) PART(socket, field)
#define TIMER(field) PART(timer, field)
#define RARE(field) PART(rare, field)
#define UNIT(name, set, field, arg) { "Unit", name, set, field, arg }
#define SERVICE(name, set, field, arg) { "Service", name, set, field, arg }
#define LIMIT(name) { "Service", "Limit" #name, set_limit, 0, RLIMIT_##name }

static const struct key keys[] = {
	UNIT("Description", set_text, CORE(description), 0),
	UNIT("Requires", set_units, CORE(deps), SUP_REQUIRES),
	UNIT("Wants", set_units, CORE(deps), SUP_WANTS),
	UNIT("BindsTo", set_units, CORE(deps), SUP_BINDS_TO),
	UNIT("PartOf", set_units, CORE(deps), SUP_PART_OF),
	UNIT("Conflicts", set_units, CORE(deps), SUP_CONFLICTS),
	UNIT("After", set_units, CORE(deps), SUP_AFTER),
	UNIT("Before", set_units, CORE(deps), SUP_AFTER | 0x100),
	UNIT("ConditionPath", set_condition, RARE(conditions), 0),
	UNIT("ConditionPathExists", set_condition, RARE(conditions), 0),
	UNIT("ConditionDevice", set_condition, RARE(conditions), 1),
	UNIT("StartLimitIntervalSec", set_span, RARE(limit_interval), 0),
	UNIT("StartLimitBurst", set_number, RARE(limit_burst), RANGE(0, CONFIG_BURST_MAX)),
	UNIT("SuccessAction", set_word, CORE(on_success), L_ACTION),
	UNIT("FailureAction", set_word, CORE(on_failure), L_ACTION),
	UNIT("X-Version", set_version, RARE(version), 0),
	UNIT("X-DependencyTimeoutSec", set_span, RARE(timeout_dependency), 0),
	UNIT("X-OnDependencyUnhealthy", set_word, CORE(on_dependency_unhealthy), L_REACTION),
	UNIT("X-Kind", set_word, CORE(kind), L_KIND),
	SERVICE("Type", set_word, CORE(service_type), L_TYPE),
	SERVICE("ExecStartPre", set_command, CORE(exec[STAGE_PRE]), 0),
	SERVICE("ExecStart", set_command, CORE(exec[STAGE_MAIN]), 0),
	SERVICE("ExecStartPost", set_command, CORE(exec[STAGE_POST]), 0),
	SERVICE("ExecReload", set_command, CORE(exec[STAGE_RELOAD]), 0),
	SERVICE("ExecStop", set_command, CORE(exec[STAGE_STOP]), 0),
	SERVICE("ExecStopPost", set_command, CORE(exec[STAGE_STOP_POST]), 0),
	SERVICE("Restart", set_word, CORE(restart), L_RESTART),
	SERVICE("RestartSec", set_span, CORE(restart_delay), 0),
	SERVICE("RestartMaxDelaySec", set_span, RARE(restart_delay_max), 0),
	SERVICE("TimeoutStartSec", set_span, CORE(timeout_start), 0),
	SERVICE("TimeoutStopSec", set_span, CORE(timeout_stop), 0),
	SERVICE("TimeoutSec", set_both_timeouts, CORE(timeout_start), 0),
	SERVICE("WatchdogSec", set_span, CORE(watchdog), 0),
	SERVICE("User", set_text, RUN(user), 0),
	SERVICE("Group", set_text, RUN(group), 0),
	SERVICE("WorkingDirectory", set_path, RUN(directory), 0),
	SERVICE("RuntimeDirectory", set_list, RUN(runtime_dirs), 0),
	SERVICE("Environment", set_env, RUN(env), 0),
	SERVICE("EnvironmentFile", set_list, RUN(env_files), '/'),
	LIMIT(AS), LIMIT(CORE), LIMIT(CPU), LIMIT(DATA), LIMIT(FSIZE), LIMIT(MEMLOCK), LIMIT(NICE), LIMIT(NOFILE),
	LIMIT(NPROC), LIMIT(RTPRIO), LIMIT(STACK),
	SERVICE("MemoryMax", set_size, QUOTA(memory_max), 0),
	SERVICE("CPUQuota", set_quota, QUOTA(cpu_quota_percent), 0),
	SERVICE("CPUWeight", set_number, QUOTA(cpu_weight), RANGE(1, 10000)),
	SERVICE("TasksMax", set_size, QUOTA(tasks_max), 0),
	SERVICE("CPUAffinity", set_cpus, RUN(cpus), 0),
	SERVICE("CPUSchedulingPolicy", set_policy, RUN(sched_policy), 0),
	SERVICE("CPUSchedulingPriority", set_number, RUN(sched_priority), RANGE(1, 99)),
	SERVICE("Nice", set_number, RUN(nice), RANGE(-20, 19)),
	SERVICE("OOMScoreAdjust", set_number, RUN(oom_score), RANGE(-1000, 1000)),
	SERVICE("UMask", set_octal, RUN(umask), 0),
	SERVICE("NoNewPrivileges", set_bool, RUN(no_new_privileges), 0),
	SERVICE("KillMode", set_word, CORE(kill_mode), L_KILL),
	SERVICE("KillSignal", set_signal, CORE(kill_signal), 0),
	SERVICE("SuccessExitStatus", set_exits, RARE(success_exits), 0),
	SERVICE("RemainAfterExit", set_bool, CORE(remain), 0),
	SERVICE("PIDFile", set_path, RARE(pid_file), 0),
	SERVICE("NotifyAccess", set_word, CORE(notify_all), L_ACCESS),
	SERVICE("StandardInput", set_word, CORE(in), L_INPUT),
	SERVICE("StandardOutput", set_output, CORE(out), 0),
	SERVICE("StandardError", set_output, CORE(err), 1),
	SERVICE("TTYPath", set_path, RUN(tty), 0),
	SERVICE("X-PriorityClass", set_word, CORE(class), L_CLASS),
	SERVICE("X-HealthExec", set_health, HEALTH(command), HEALTH_EXEC),
	SERVICE("X-HealthTcp", set_health, HEALTH(target), HEALTH_TCP),
	SERVICE("X-HealthHttp", set_health, HEALTH(target), HEALTH_HTTP),
	SERVICE("X-HealthIntervalSec", set_span, HEALTH(interval), 1),
	SERVICE("X-HealthTimeoutSec", set_span, HEALTH(timeout), 1),
	SERVICE("X-HealthThreshold", set_number, HEALTH(threshold), RANGE(1, 1000)),
	SERVICE("X-HealthKeep", set_bool, HEALTH(keep), 0),
	SERVICE("X-LogMaxSize", set_log_max, RARE(log_max), 0),
	SERVICE("X-DrainSec", set_span, RARE(drain), 0),
	SERVICE("X-Backend", set_text, RARE(backend), 0),
	{ "Socket", "ListenStream", set_listen, 0, SOCK_STREAM },
	{ "Socket", "ListenDatagram", set_listen, 0, SOCK_DGRAM },
	{ "Socket", "SocketMode", set_octal, SOCKET(mode), 0 },
	{ "Socket", "Backlog", set_number, SOCKET(backlog), RANGE(1, 65535) },
	{ "Socket", "Accept", set_bool, SOCKET(accept), 0 },
	{ "Socket", "Service", set_unit, CORE(activates), 0 },
	{ "Socket", "X-Balance", set_word, SOCKET(balance), L_BALANCE },
	{ "Socket", "X-Instances", set_number, SOCKET(instances), RANGE(1, 64) },
	{ "Timer", "OnBootSec", set_span, TIMER(on_boot), 1 },
	{ "Timer", "OnActiveSec", set_span, TIMER(on_active), 1 },
	{ "Timer", "OnUnitActiveSec", set_span, TIMER(on_unit_active), 1 },
	{ "Timer", "OnUnitInactiveSec", set_span, TIMER(on_unit_inactive), 1 },
	{ "Timer", "OnCalendar", set_calendar, 0, 0 },
	{ "Timer", "Unit", set_unit, CORE(activates), 0 },
	{ "Install", "WantedBy", set_units, CORE(installs), SUP_WANTS },
	{ "Install", "RequiredBy", set_units, CORE(installs), SUP_REQUIRES },
};

#define KEYS (sizeof keys / sizeof *keys)

const char *config_key(unsigned int index)
{
	static char name[80];

	if (index >= KEYS)
		return NULL;
	snprintf(name, sizeof name, "%s.%s", keys[index].section, keys[index].name);
	return name;
}

const char *keys_section(const struct parser *p, const char *name)
{
	static const char *const own[UNIT_TYPES] = { "Service", "Unit", "Socket", "Timer" };

	if (!strcmp(name, "Unit"))
		return "Unit";
	if (!strcmp(name, "Install"))
		return "Install";
	return !strcmp(name, own[p->type]) ? own[p->type] : NULL;
}

void keys_set(struct parser *p, const char *name, char *value)
{
	for (unsigned int i = 0; i < KEYS; i++) {
		const char *why;

		if (keys[i].name[0] != name[0] || strcmp(keys[i].name, name) || strcmp(keys[i].section, p->section))
			continue;
		why = keys[i].set(p, &keys[i], value);
		if (why && !strcmp(why, NO_MEMORY))
			p->error = -ENOMEM;
		else if (why)
			report(p->report, "%s=: %s", name, why);
		return;
	}
	report(p->report, "unknown key %.60s= in [%s]", name, p->section);
}
