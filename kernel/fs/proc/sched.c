/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduler's settings in /proc/sys/kernel and its counters in /proc/schedstat. kernel/sched/ has both. */
#include <kernel/pressure.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include "virtual.h"

/* A number of struct sched_settings with its bounds; signed ones may be -1. */
struct setting {
	void *value;
	u32 size;		/* 4 or 8 bytes */
	bool may_be_none;	/* -1 */
	u64 least, most;
};

static int setting_show(struct text *t, void *arg)
{
	const struct setting *s = arg;

	if (s->size == 8)
		text_printf(t, "%lld\n", (long long)atomic_load((s64 *)s->value));
	else
		text_printf(t, "%u\n", atomic_load((u32 *)s->value));
	return 0;
}

static int setting_store(const char *text, size_t len, void *arg)
{
	const struct setting *s = arg;
	bool is_none = s->may_be_none && (!strcmp(text, "-1") || !strcmp(text, "-1\n"));
	const char *end;
	u64 v = 0;

	if (!is_none && (parse_u64_prefix(text, 10, &v, &end) || (*end && *end != '\n') || v < s->least || v > s->most))
		return -EINVAL;
	if (is_none)
		v = U64_MAX;
	if (s->size == 8)
		atomic_store((u64 *)s->value, v);
	else
		atomic_store((u32 *)s->value, (u32)v);
	return 0;
}

#define SETTING(field, none, lo, hi) { &sched_settings.field, sizeof(sched_settings.field), none, lo, hi }
static const struct setting settings[] = {
	SETTING(quantum_ms, false, 1, 1000),
	SETTING(balance_ms, false, 1, 10000),
	SETTING(rr_timeslice_ms, false, 1, 10000),
	SETTING(affinity, false, 0, 1),
	SETTING(balance, false, 0, 1),
	SETTING(rt_runtime_us, true, 0, 1000000),
	SETTING(rt_period_us, false, 1000, 10000000),
	SETTING(boost_ms, false, 10, 10000),
	SETTING(deadline_period_min_us, false, 10, 1u << 22),
	SETTING(deadline_period_max_us, false, 1000, 1u << 30),
};
#define SETTING_FILE(name, i) { "sys/kernel/" name, 0644, setting_show, setting_store, (void *)&settings[i] }

static int affinity_store(const char *text, size_t len, void *arg)
{
	int err = setting_store(text, len, arg);

	if (!err)
		sched_settings_changed();
	return err;
}

static char *word_of(const char *text, char *buf, size_t size)
{
	size_t n = strlcpy(buf, text, size);

	if (n && n < size && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return buf;
}

static int policy_show(struct text *t, void *arg)
{
	text_printf(t, "%s\n", sched_system_policy_name());
	return 0;
}

static int policy_store(const char *text, size_t len, void *arg)
{
	char word[32];

	return sched_policy_choose(word_of(text, word, sizeof(word)));
}

static int available_show(struct text *t, void *arg)
{
	const char *name;

	for (unsigned i = 0; (name = sched_system_policy_at(i)); i++)
		text_printf(t, "%s%s", i ? " " : "", name);
	text_printf(t, "\n");
	return 0;
}

static int order_show(struct text *t, void *arg)
{
	text_printf(t, "%s\n", sched_deadline_order_name());
	return 0;
}

static int order_store(const char *text, size_t len, void *arg)
{
	char word[32];

	return sched_deadline_order_choose(word_of(text, word, sizeof(word)));
}

/* Version 15 of Linux's format: per CPU yields, 0, schedules, idle, wakeups, local wakeups, run ns, wait ns, turns. */
static int schedstat_show(struct text *t, void *arg)
{
	struct cpu *cpu;

	text_printf(t, "version 15\ntimestamp %llu\n", (unsigned long long)(time_ns() / (NSEC_PER_SEC / 100)));
	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		struct sched_cpu_stats s;

		sched_cpu_stats(cpu->id, &s);
		text_printf(t, "cpu%u %llu 0 %llu %llu %llu %llu %llu %llu %llu\n", cpu->id,
			    (unsigned long long)s.yields, (unsigned long long)s.schedules,
			    (unsigned long long)s.idle_switches, (unsigned long long)s.wakeups,
			    (unsigned long long)(s.wakeups - min(s.wakeups, s.remote_wakeups)),
			    (unsigned long long)(s.user_ns + s.nice_ns + s.system_ns),
			    (unsigned long long)s.wait_ns, (unsigned long long)s.turns);
		text_printf(t, "balance%u switches %llu migrations %llu pulled %llu pushed %llu runnable %llu rt_throttled %llu rescues %llu\n",
			    cpu->id, (unsigned long long)s.switches, (unsigned long long)s.migrations,
			    (unsigned long long)s.pulls, (unsigned long long)s.pushes,
			    (unsigned long long)s.runnable, (unsigned long long)s.rt_throttled,
			    (unsigned long long)s.rescues);
	}
	return 0;
}

static int trace_size_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", sched_trace_size());
	return 0;
}

static int trace_size_store(const char *text, size_t len, void *arg)
{
	const char *end;
	u64 v;

	if (parse_u64_prefix(text, 10, &v, &end) || (*end && *end != '\n') || v > U32_MAX)
		return -EINVAL;
	return sched_trace_set((u32)v);
}

static const struct pressure_source pressure_cpu_source = { pressure_cpu_total, NULL };

static const struct virtual_file files[] = {
	{ "sched_trace", 0400, sched_trace_show, NULL, NULL },
	{ "sys/kernel/sched_trace", 0600, trace_size_show, trace_size_store, NULL },
	{ "pressure/cpu", 0666, pressure_cpu_show, NULL, (void *)&pressure_cpu_source, .watch = &pressure_watch },
	{ "schedstat", 0444, schedstat_show, NULL, NULL },
	{ "sys/kernel/sched_policy", 0644, policy_show, policy_store, NULL },
	{ "sys/kernel/sched_available_policies", 0444, available_show, NULL, NULL },
	{ "sys/kernel/sched_deadline_order", 0644, order_show, order_store, NULL },
	SETTING_FILE("sched_quantum_ms", 0),
	SETTING_FILE("sched_balance_ms", 1),
	SETTING_FILE("sched_rr_timeslice_ms", 2),
	{ "sys/kernel/sched_affinity", 0644, setting_show, affinity_store, (void *)&settings[3] },
	SETTING_FILE("sched_balance", 4),
	SETTING_FILE("sched_rt_runtime_us", 5),
	SETTING_FILE("sched_rt_period_us", 6),
	SETTING_FILE("sched_boost_ms", 7),
	SETTING_FILE("sched_deadline_period_min_us", 8),
	SETTING_FILE("sched_deadline_period_max_us", 9),
};

void procfs_sched_register(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("procfs: %s cannot be shown", files[i].path);
}
