/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cpu controller's files: cpu.weight, cpu.weight.nice, cpu.max, cpu.max.burst, cpu.stat. What they mean is
 * kernel/sched/group.c's matter. cpu.stat exists in every group, with or without the controller.
 */
#include "group_local.h"
#include <kernel/procfs.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define WEIGHT_MAX 10000u
#define PERIOD_MIN_US 1000ull		/* Linux's bounds */
#define PERIOD_MAX_US 1000000ull
#define QUOTA_MIN_US 1000ull
#define QUOTA_MAX_US (1ull << 44)

static const char *past_space(const char *s)
{
	while (*s == ' ' || *s == '\n')
		s++;
	return s;
}

static int weight_show(struct text *t, struct group *g)
{
	text_printf(t, "%u\n", atomic_load(&g->cpu_weight));
	return 0;
}

static int weight_store(struct group *g, const char *text, size_t len)
{
	u64 v;
	int err = group_parse_u64(text, &v);

	if (err)
		return err;
	if (v < 1 || v > WEIGHT_MAX)
		return -ERANGE;
	atomic_store(&g->cpu_weight, (u32)v);
	return 0;
}

/* The nice value whose weight is nearest; 100 is nice 0. */
static int weight_nice_show(struct text *t, struct group *g)
{
	u64 wanted = (u64)atomic_load(&g->cpu_weight) * 1024 / 100, best = U64_MAX;
	int nice = 0;

	for (int i = -20; i < 20; i++) {
		u64 w = sched_weight_of_nice(i), far = w > wanted ? w - wanted : wanted - w;

		if (far < best) {
			best = far;
			nice = i;
		}
	}
	text_printf(t, "%d\n", nice);
	return 0;
}

static int weight_nice_store(struct group *g, const char *text, size_t len)
{
	bool is_negative = *text == '-';
	u64 v;
	int err = group_parse_u64(text + is_negative, &v);

	if (err)
		return err;
	if (v > (is_negative ? 20u : 19u))
		return -ERANGE;
	v = sched_weight_of_nice(is_negative ? -(int)v : (int)v) * 100 / 1024;
	atomic_store(&g->cpu_weight, (u32)clamp(v, 1ull, (u64)WEIGHT_MAX));
	return 0;
}

static int max_show(struct text *t, struct group *g)
{
	struct group_bandwidth b;

	sched_group_bandwidth(g, &b);
	if (b.quota_ns == U64_MAX)
		text_printf(t, "max %llu\n", (unsigned long long)(b.period_ns / NSEC_PER_USEC));
	else
		text_printf(t, "%llu %llu\n", (unsigned long long)(b.quota_ns / NSEC_PER_USEC),
			    (unsigned long long)(b.period_ns / NSEC_PER_USEC));
	return 0;
}

static int set_bandwidth(struct group *g, u64 quota_us, u64 period_us, u64 burst_us)
{
	bool is_none = quota_us == U64_MAX;

	if (period_us < PERIOD_MIN_US || period_us > PERIOD_MAX_US)
		return -EINVAL;
	if (!is_none && (quota_us < QUOTA_MIN_US || quota_us > QUOTA_MAX_US || burst_us > quota_us))
		return -EINVAL;
	mutex_lock(&group_tree_lock);
	sched_group_set_bandwidth(g, is_none ? U64_MAX : quota_us * NSEC_PER_USEC, period_us * NSEC_PER_USEC,
				  burst_us * NSEC_PER_USEC);
	mutex_unlock(&group_tree_lock);
	return 0;
}

/* "QUOTA [PERIOD]" in microseconds, QUOTA "max" for none. */
static int max_store(struct group *g, const char *text, size_t len)
{
	struct group_bandwidth b;
	u64 quota = U64_MAX, period;
	const char *end = past_space(text);

	sched_group_bandwidth(g, &b);
	period = b.period_ns / NSEC_PER_USEC;
	if (!strncmp(end, "max", 3))
		end += 3;
	else if (parse_u64_prefix(end, 10, &quota, &end))
		return -EINVAL;
	if (*past_space(end) && (*end != ' ' || group_parse_u64(end, &period)))
		return -EINVAL;
	return set_bandwidth(g, quota, period, b.burst_ns / NSEC_PER_USEC);
}

static int burst_show(struct text *t, struct group *g)
{
	struct group_bandwidth b;

	sched_group_bandwidth(g, &b);
	text_printf(t, "%llu\n", (unsigned long long)(b.burst_ns / NSEC_PER_USEC));
	return 0;
}

static int burst_store(struct group *g, const char *text, size_t len)
{
	struct group_bandwidth b;
	u64 burst;

	if (group_parse_u64(text, &burst))
		return -EINVAL;
	sched_group_bandwidth(g, &b);
	if (b.quota_ns == U64_MAX)
		return burst ? -EINVAL : 0;
	return set_bandwidth(g, b.quota_ns / NSEC_PER_USEC, b.period_ns / NSEC_PER_USEC, burst);
}

static const struct group_file files[] = {
	{ "cpu.weight", GROUP_FILE_NOT_ROOT, weight_show, weight_store, NULL },
	{ "cpu.weight.nice", GROUP_FILE_NOT_ROOT, weight_nice_show, weight_nice_store, NULL },
	{ "cpu.max", GROUP_FILE_NOT_ROOT, max_show, max_store, NULL },
	{ "cpu.max.burst", GROUP_FILE_NOT_ROOT, burst_show, burst_store, NULL },
	{},
};

static int create(struct group *g) { return sched_group_create(g); }
static void destroy(struct group *g) { sched_group_destroy(g); }

/* group_tree_lock held. */
static void reset(struct group *g)
{
	atomic_store(&g->cpu_weight, 100u);
	sched_group_set_bandwidth(g, U64_MAX, 100 * NSEC_PER_MSEC, 0);
}

int group_cpu_stat_show(struct text *t, struct group *g)
{
	struct group_bandwidth b;
	u64 user, system;

	mutex_lock(&group_tree_lock);
	sched_group_times(g, &user, &system);
	mutex_unlock(&group_tree_lock);
	text_printf(t, "usage_usec %llu\nuser_usec %llu\nsystem_usec %llu\n",
		    (unsigned long long)((user + system) / NSEC_PER_USEC), (unsigned long long)(user / NSEC_PER_USEC),
		    (unsigned long long)(system / NSEC_PER_USEC));
	if (!g->parent || !group_has_controller(g, &group_controller_cpu))
		return 0;
	sched_group_bandwidth(g, &b);
	text_printf(t, "nr_periods %llu\nnr_throttled %llu\nthrottled_usec %llu\n", (unsigned long long)b.nr_periods,
		    (unsigned long long)b.nr_throttled, (unsigned long long)(b.throttled_ns / NSEC_PER_USEC));
	return 0;
}

struct group_controller group_controller_cpu = {
	.name = "cpu", .files = files, .create = create, .reset = reset, .destroy = destroy, .move = sched_group_moved,
};
