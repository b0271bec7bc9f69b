/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Promised memory: private writable and shared anonymous areas may come to need a page for each of
 * theirs. How much of that is granted follows Linux's three modes (vm.overcommit_memory): by a
 * guess at each request, always, or never more than a limit for the sum. The sum is counted
 * per CPU with the areas (vma_account); two requests at the same moment may both pass the limit.
 */
#include <kernel/cred.h>
#include <uapi/capability.h>

#include "aspace_internal.h"

struct vm_settings vm_settings = {
	.overcommit_ratio = 50,
	.max_map_count = 65530,
	.mmap_min_addr = 65536,
	.randomize_va_space = 2,
};

u64 commit_limit(void)
{
	u64 kib = READ_ONCE(vm_settings.overcommit_kbytes);

	if (kib)
		return kib >> (PAGE_SHIFT - 10);
	return buddy_total_pages() * READ_ONCE(vm_settings.overcommit_ratio) / 100;
}

int commit_check(u64 pages)
{
	u64 limit;

	switch (READ_ONCE(vm_settings.overcommit_memory)) {
	case 0:
		return pages > buddy_total_pages() ? -ENOMEM : 0;
	case 1:
		return 0;
	}
	limit = commit_limit();
	if (!capable(CAP_SYS_ADMIN))
		limit -= min(limit / 32, (8ull << 20) >> PAGE_SHIFT);	/* room in which root can help */
	return mm_counter_sum(MM_COMMITTED) + pages > limit ? -ENOMEM : 0;
}
