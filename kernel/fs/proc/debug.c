/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/events: how often happened what costs more than instructions (<kernel/event.h>); in debug builds also the deepest
 * stack and what is in use, by slab cache and in pages that are none of slabs, stacks, tables or files: for leak tests.
 */
#include <arch/boot.h>
#include <kernel/aspace.h>
#include <kernel/audit.h>
#include <kernel/event.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/paint.h>
#include <kernel/pgtable.h>
#include <kernel/process.h>
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

#if CONFIG_DEBUG
/*
 * /proc/audit: what <kernel/audit.h> finds at this moment. The tables of the kernel may change meanwhile: what counts
 * are the rights, which no change may break.
 */
static int audit_show(struct text *t, void *arg)
{
	unsigned problems = 0, spaces = 0;
	struct process *p;
	u64 leaves = 0;

	text_printf(t, "kernel_tables %u\n", audit_kernel_tables(kernel_root));
	for (pid_t from = 1; (p = process_next(from)); process_put(p)) {
		struct aspace *as = process_aspace_get(p);

		from = p->pid + 1;
		if (!as)
			continue;
		problems += audit_user_tables(as, &leaves);
		spaces++;
		aspace_put(as);
	}
	text_printf(t, "program_tables %u\nprograms %u\nprogram_pages %llu\n", problems, spaces, (unsigned long long)leaves);
	text_printf(t, "cpu_protections %u\n", audit_all_cpus());
	text_printf(t, "cpu_looks %llu\n", (unsigned long long)atomic_load(&audit_cpus_seen));
	text_printf(t, "image 0x%llx\n", (unsigned long long)(vaddr_t)__image_start);
	return 0;
}
static const struct virtual_file paint_file = { "sys/kernel/paint", 0600, procfs_number_show, procfs_number_store,
	&(struct procfs_number){ &paint_byte, 0, 255, 1 } };
static const struct virtual_file stuck_file = { "sys/kernel/exit_stuck_pid", 0600, procfs_number_show, procfs_number_store,
	&(struct procfs_number){ &exit_stuck_pid, 0, 0x7fffffff, 1 } };
static const struct virtual_file audit_file = { "audit", 0400, audit_show };
#endif

static const struct virtual_file file = { "events", 0444, events_show };

void procfs_debug_register(void)
{
	if (procfs_add(&file))
		log_warn("procfs: %s cannot be shown", file.path);
#if CONFIG_DEBUG
	if (procfs_add(&audit_file) || procfs_add(&paint_file) || procfs_add(&stuck_file))
		log_warn("procfs: %s or %s cannot be shown", audit_file.path, paint_file.path);
#endif
}
