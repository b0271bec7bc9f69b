/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/events: how often happened what costs more than instructions (<kernel/event.h>); in debug builds also the deepest
 * stack and what is in use, by slab cache and in pages that are none of slabs, stacks, tables or files: for leak tests.
 */
#include <kernel/event.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include "virtual.h"

static const char *const event_names[CPU_EVENTS] = {
	[EVENT_TLB_FLUSH] = "tlb_flushes", [EVENT_ROOT_WRITE] = "root_writes", [EVENT_EXCEPTION] = "exceptions",
	[EVENT_FIRMWARE_CALL] = "firmware_calls", [EVENT_IPI] = "ipis",
};

static void debug_lines(struct text *t)
{
#if CONFIG_DEBUG
	char name[THREAD_NAME_MAX];
	size_t n = stack_deepest(name);
	struct slab_info info;
	struct mm_stats s;

	text_printf(t, "deepest_stack %zu %s\n", n, name);
	for (u32 i = 0; slab_cache_info(i, &info); i++)
		text_printf(t, "in_use %s %llu\n", info.name, (unsigned long long)info.used);
	mm_stats(&s);
	text_printf(t, "in_use pages %lld\n", (long long)(s.pgalloc - s.pgfree - s.slab_pages - s.pagetable_pages -
							  s.kstack_pages - s.file_pages));
#endif
}

static int events_show(struct text *t, void *arg)
{
	for (unsigned e = 0; e < CPU_EVENTS; e++)
		text_printf(t, "%s %llu\n", event_names[e], (unsigned long long)event_sum(e));
	debug_lines(t);
	return 0;
}

static const struct virtual_file file = { "events", 0444, events_show };

void procfs_debug_register(void)
{
	if (procfs_add(&file))
		log_warn("procfs: %s cannot be shown", file.path);
}
