/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The OOM killer's victim does not go by itself, since one of its threads waits for something: its private memory is taken
 * back without it (proc/oom.c decides). What the threads still touch on their way out is a fault: no fresh page may stand
 * where data was, or a write under way would put zeros into a file. Shared memory stays, others may look at it.
 */
#include "aspace_internal.h"

bool aspace_reap(struct aspace *as, u64 *pages)
{
	struct tlb_batch b;
	u64 before;

	if (!rwlock_read_trylock(&as->lock))
		return false;
	before = aspace_rss(as);
	atomic_store(&as->is_reaped, true);
	atomic_fence_full();	/* before the entries go; who makes one looks at it under its table's lock */
	tlb_batch_init(&b, as);
	for (struct vma *v = aspace_find(as, 0); v; v = vma_next(v))
		if (!(v->flags & (VMA_SPECIAL | VMA_SHARED)))
			zap_range(as, v->start, v->end, &b);
	tlb_batch_finish(&b);
	*pages = before - min(before, aspace_rss(as));
	rwlock_read_unlock(&as->lock);
	return true;
}
