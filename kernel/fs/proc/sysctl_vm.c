/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/vm and what of /proc/sys/kernel concerns memory: numbers within bounds, as Linux names them. */
#include <kernel/mm.h>
#include <kernel/pagecache.h>
#include <lib/string.h>
#include "virtual.h"

#define INT_LIMIT 0x7fffffffull

static int drop_caches_store(const char *text, size_t len, void *arg)
{
	const char *end;
	u64 v;

	if (parse_u64_prefix(text, 10, &v, &end) || v < 1 || v > 3)
		return -EINVAL;
	/* Names first: they hold inodes, and these their pages. */
	if (v & 2)
		(void)dcache_shrink(NULL, U64_MAX);
	if (v & 1)
		(void)pagecache_drop_clean();
	mm_trim();
	return 0;
}

static int compact_memory_store(const char *text, size_t len, void *arg)
{
	const char *end;
	u64 v;

	if (parse_u64_prefix(text, 10, &v, &end) || v != 1)
		return -EINVAL;
	compact_all();
	return 0;
}

#define SETTING(field, low, high, step) &(struct procfs_number){ &vm_settings.field, low, high, step }

static const struct virtual_file files[] = {
	{ "sys/vm/drop_caches", 0200, NULL, drop_caches_store },
	{ "sys/vm/compact_memory", 0200, NULL, compact_memory_store },
	{ "sys/vm/overcommit_memory", 0644, procfs_number_show, procfs_number_store, SETTING(overcommit_memory, 0, 2, 1) },
	{ "sys/vm/overcommit_ratio", 0644, procfs_number_show, procfs_number_store, SETTING(overcommit_ratio, 0, INT_LIMIT, 1) },
	{ "sys/vm/overcommit_kbytes", 0644, procfs_number_show, procfs_number_store, SETTING(overcommit_kbytes, 0, U64_MAX >> 10, 1) },
	{ "sys/vm/max_map_count", 0644, procfs_number_show, procfs_number_store, SETTING(max_map_count, 0, INT_LIMIT, 1) },
	{ "sys/vm/mmap_min_addr", 0644, procfs_number_show, procfs_number_store, SETTING(mmap_min_addr, PAGE_SIZE, 1ull << 30, PAGE_SIZE) },
	{ "sys/vm/panic_on_oom", 0644, procfs_number_show, procfs_number_store, SETTING(panic_on_oom, 0, 2, 1) },
	{ "sys/vm/oom_kill_allocating_task", 0644, procfs_number_show, procfs_number_store, SETTING(oom_kill_allocating_task, 0, 1, 1) },
	{ "sys/kernel/randomize_va_space", 0644, procfs_number_show, procfs_number_store, SETTING(randomize_va_space, 0, 2, 1) },
};

void procfs_sysctl_vm_register(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("procfs: %s cannot be shown", files[i].path);
}
