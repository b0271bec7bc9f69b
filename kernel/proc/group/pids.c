/* SPDX-License-Identifier: BSD-2-Clause */
/* The pids controller: how many threads a subtree may have. Counting is group.c's. */
#include "group_local.h"
#include <kernel/procfs.h>
#include <lib/string.h>
#include <uapi/errno.h>

static int max_show(struct text *t, struct group *g)
{
	u32 max = atomic_load(&g->tasks_max);

	if (max == U32_MAX)
		text_printf(t, "max\n");
	else
		text_printf(t, "%u\n", max);
	return 0;
}

static int max_store(struct group *g, const char *text, size_t len)
{
	u64 value;

	if (len && text[len - 1] == '\n')
		len--;
	if (len == 3 && !memcmp(text, "max", 3)) {
		atomic_store(&g->tasks_max, U32_MAX);
		return 0;
	}
	if (group_parse_u64(text, &value) || value >= (1u << 22))	/* Linux's PID_MAX_LIMIT */
		return -EINVAL;
	atomic_store(&g->tasks_max, (u32)value);
	return 0;
}

static int current_show(struct text *t, struct group *g)
{
	text_printf(t, "%u\n", atomic_load(&g->tasks));
	return 0;
}

static int peak_show(struct text *t, struct group *g)
{
	text_printf(t, "%u\n", atomic_load(&g->tasks_peak));
	return 0;
}

static int events_show(struct text *t, struct group *g)
{
	text_printf(t, "max %llu\n", (unsigned long long)atomic_load(&g->tasks_refused));
	return 0;
}

static void reset(struct group *g) { atomic_store(&g->tasks_max, U32_MAX); }

static const struct group_file files[] = {
	{ "pids.max", GROUP_FILE_NOT_ROOT, max_show, max_store, NULL },
	{ "pids.current", GROUP_FILE_NOT_ROOT, current_show, NULL, NULL },
	{ "pids.peak", GROUP_FILE_NOT_ROOT, peak_show, NULL, NULL },
	{ "pids.events", GROUP_FILE_NOT_ROOT, events_show, NULL, NULL },
	{},
};

struct group_controller group_controller_pids = { .name = "pids", .files = files, .reset = reset };
