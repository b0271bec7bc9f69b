/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/events: how often happened what costs more than instructions (<kernel/event.h>); in debug builds the deepest stack. */
#include <kernel/event.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include "virtual.h"

static const char *const event_names[CPU_EVENTS] = {
	[EVENT_TLB_FLUSH] = "tlb_flushes", [EVENT_ROOT_WRITE] = "root_writes", [EVENT_EXCEPTION] = "exceptions",
	[EVENT_FIRMWARE_CALL] = "firmware_calls", [EVENT_IPI] = "ipis",
};

static void stack_line(struct text *t)
{
#if CONFIG_DEBUG
	char name[THREAD_NAME_MAX];
	size_t n = stack_deepest(name);

	text_printf(t, "deepest_stack %zu %s\n", n, name);
#endif
}

static int events_show(struct text *t, void *arg)
{
	for (unsigned e = 0; e < CPU_EVENTS; e++)
		text_printf(t, "%s %llu\n", event_names[e], (unsigned long long)event_sum(e));
	stack_line(t);
	return 0;
}

static const struct virtual_file file = { "events", 0444, events_show };

void procfs_debug_register(void)
{
	if (procfs_add(&file))
		log_warn("procfs: %s cannot be shown", file.path);
}
