/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When memory is out: choose the process whose end gives most back, weighted by its oom_score_adj, and
 * kill it. Lock: none held across processes.
 */
#include "proc.h"
#include <kernel/aspace.h>
#include <kernel/log.h>
#include <kernel/mm.h>

static s64 badness(struct process *p, u64 total)
{
	struct aspace *as;
	s64 points;

	if (p == process_init || p->is_zombie || p->group_exit || p->oom_score_adj == -1000)
		return S64_MAX;
	as = process_aspace_get(p);
	if (!as)
		return S64_MAX;
	points = (s64)(atomic_load(&as->rss_anon) + atomic_load(&as->rss_file) + atomic_load(&as->rss_shmem) +
		       atomic_load(&as->pt_pages));
	aspace_put(as);
	return points + p->oom_score_adj * (s64)total / 1000;
}

bool oom_kill(u64 needed_pages)
{
	struct process *p, *worst = NULL;
	struct mm_stats m;
	s64 most = 0;

	mm_stats(&m);
	for (pid_t from = 1; (p = process_next(from));) {
		s64 points = badness(p, m.total_pages);

		from = p->pid + 1;
		if (points == S64_MAX || (worst && points <= most)) {
			process_put(p);
			continue;
		}
		if (worst)
			process_put(worst);
		worst = p;
		most = points;
	}
	if (!worst)
		return false;
	log_err("out of memory: %llu pages wanted, %llu free; killed %s[%d] (score %lld)",
		(unsigned long long)needed_pages, (unsigned long long)m.free_pages, worst->cmd, worst->pid, (long long)most);
	(void)signal_send_process(worst, SIGKILL, NULL);
	process_put(worst);
	return true;
}
