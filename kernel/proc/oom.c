/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When memory is out, of the machine or of a group: choose the process whose end gives most back, weighted by
 * its oom_score_adj, and kill it, with all that share its memory, or the whole of a group that wants
 * to end together (memory.oom.group). PID 1 and oom_score_adj -1000 are spared. Who was chosen and does not go at once, since a
 * thread of it waits for something, has its memory taken away (mm/reap.c); only when that cannot be done either the next
 * is chosen. One chooser at a time; no lock is held across processes.
 */
#include "proc.h"
#include <kernel/aspace.h>
#include <kernel/group.h>
#include <kernel/log.h>
#include <kernel/mm.h>

#define PATIENCE_NS (2 * NSEC_PER_SEC)	/* for somebody killed whose memory cannot be taken away */
#define REAP_AFTER_NS (200 * NSEC_PER_MSEC)	/* by then somebody killed is usually gone by itself */
#define POINTS_NONE (-S64_MAX)

static u32 is_choosing;		/* [a] somebody does; guards the next */
static u64 last_kill_ns;	/* [a] */
u64 oom_kills;

static bool is_in(struct process *p, const struct group *within)
{
	struct group *g, *i;

	if (!within)
		return true;
	i = g = group_of_process(p);
	while (i && i != within)
		i = i->parent;
	if (g)
		group_put(g);
	return i == within;
}

static bool is_spared(const struct process *p)
{
	return p == process_init || READ_ONCE(p->oom_score_adj) == -1000;
}

/* Pages that the end of p gives back, weighted; POINTS_NONE: it has none. */
static s64 badness(struct process *p, u64 total)
{
	struct aspace *as = process_aspace_get(p);
	s64 points;

	if (!as)
		return POINTS_NONE;
	points = (s64)(aspace_rss(as) + atomic_load(&as->pt_pages));
	aspace_put(as);
	return points + READ_ONCE(p->oom_score_adj) * (s64)total / 1000;
}

unsigned oom_score(struct process *p)
{
	struct mm_stats m;
	s64 points;

	if (is_spared(p))
		return 0;
	mm_stats(&m);
	points = badness(p, m.total_pages);
	return points == POINTS_NONE ? 0 : (unsigned)((1000 + max(points * 1000 / (s64)m.total_pages, -1000ll)) * 2 / 3);
}

/* p was told to go. Is there memory left to wait for? What nothing runs in any more is about to be freed. */
static bool has_memory_left(struct process *p)
{
	struct aspace *as = process_aspace_get(p);
	bool is_left = as && !atomic_load(&as->is_reaped);

	if (as)
		aspace_put(as);
	return is_left;
}

/* The worst process, referenced. *is_going: somebody was told to go and still has memory. */
static struct process *choose(struct group *within, u64 total, bool *is_going)
{
	struct process *p, *worst = NULL;
	s64 most = POINTS_NONE;

	*is_going = false;
	for (pid_t from = 1; (p = process_next(from)); process_put(p)) {
		s64 points;

		from = p->pid + 1;
		if (p->is_zombie || is_spared(p) || !is_in(p, within))
			continue;
		points = badness(p, total);
		if (points == POINTS_NONE)
			continue;
		if (p->group_exit) {
			*is_going |= has_memory_left(p);
			continue;
		}
		if (points <= most)
			continue;
		if (worst)
			process_put(worst);
		worst = process_get(p);
		most = points;
	}
	return worst;
}

/* The outermost group from p's up to below `within` that ends together, referenced; NULL. */
static struct group *common_fate(struct process *p, const struct group *within)
{
	struct group *own = group_of_process(p), *found = NULL;

	for (struct group *g = own; g && g->parent; g = g->parent) {
		if (group_oom_together(g))
			found = g;
		if (g == within)
			break;
	}
	if (found)
		group_get(found);
	if (own)
		group_put(own);
	return found;
}

static void kill(struct process *p)
{
	struct group *g = group_of_process(p);

	(void)signal_send_process(p, SIGKILL, NULL);
	atomic_fetch_add(&oom_kills, 1ull);
	if (g) {
		group_oom_event(g, false);
		group_put(g);
	}
}

/* Every process that has the memory of victim, or (fate) belongs to that group. */
static void kill_others(struct process *victim, struct group *fate)
{
	struct aspace *as = process_aspace_get(victim), *other;
	struct process *p;

	for (pid_t from = 1; (p = process_next(from)); process_put(p)) {
		from = p->pid + 1;
		if (p == victim || p->is_zombie || p->group_exit || p == process_init)
			continue;
		other = process_aspace_get(p);
		if (other && (other == as || (fate && !is_spared(p) && is_in(p, fate))))
			kill(p);
		if (other)
			aspace_put(other);
	}
	if (as)
		aspace_put(as);
}

static uid_t uid_of(struct process *p)
{
	struct thread *leader;
	uid_t uid;

	epoch_enter();
	leader = READ_ONCE(p->leader);
	uid = leader ? leader->cred->uid : 0;
	epoch_exit();
	return uid;
}

static void tell(struct process *victim, u64 needed, struct group *within, struct group *fate, u64 free)
{
	struct aspace *as = process_aspace_get(victim);
	char path[128] = "";
	u64 anon = 0, file = 0, shared = 0, tables = 0;

	if (as) {
		anon = aspace_anon(as) << (PAGE_SHIFT - 10);
		file = aspace_file(as) << (PAGE_SHIFT - 10);
		shared = aspace_shmem(as) << (PAGE_SHIFT - 10);
		tables = atomic_load(&as->pt_pages) << (PAGE_SHIFT - 10);
		aspace_put(as);
	}
	if (within)
		(void)group_path(within, path, sizeof(path));
	log_err("out of memory%s%s: %s[%d] wants %llu KiB, %llu KiB free: killed %s[%d]%s, uid %u, anonymous %llu KiB, file %llu KiB, "
		"shared %llu KiB, tables %llu KiB, oom_score_adj %d", within ? " in " : "", path, current->name, current->tid,
		(unsigned long long)needed * 4, (unsigned long long)free * 4, victim->cmd, victim->pid,
		fate ? " and its group" : "", (unsigned)uid_of(victim), (unsigned long long)anon,
		(unsigned long long)file, (unsigned long long)shared, (unsigned long long)tables, victim->oom_score_adj);
}

/* vm.oom_kill_allocating_task: who asks goes instead of the worst. Takes over the reference. */
static struct process *prefer_allocating(struct process *worst)
{
	struct process *p = current->process;

	if (!READ_ONCE(vm_settings.oom_kill_allocating_task) || !p || is_spared(p) || p->group_exit)
		return worst;
	if (worst)
		process_put(worst);
	return process_get(p);
}

static bool choose_and_kill(u64 needed, struct group *within)
{
	struct process *victim;
	struct group *fate;
	struct mm_stats m;
	bool is_going;
	u64 panic_mode = READ_ONCE(vm_settings.panic_on_oom), total;

	mm_stats(&m);
	total = within ? min(m.total_pages, atomic_load(&within->pages_max)) : m.total_pages;
	victim = choose(within, total, &is_going);
	if (is_going && time_ns() < last_kill_ns + PATIENCE_NS) {
		if (victim)
			process_put(victim);
		return true;
	}
	if (panic_mode == 2 || (panic_mode == 1 && !within))
		panic("out of memory: %llu KiB wanted, vm.panic_on_oom is set", (unsigned long long)needed * 4);
	victim = prefer_allocating(victim);
	if (!victim)
		return is_going;
	fate = common_fate(victim, within);
	tell(victim, needed, within, fate, within ? 0 : m.free_pages);
	atomic_store(&last_kill_ns, time_ns());
	kill(victim);
	kill_others(victim, fate);
	if (fate) {
		group_oom_event(fate, true);
		group_put(fate);
	}
	process_put(victim);
	return true;
}

/* How many threads of p run in the space, also on their way out. */
static u32 threads_in(struct process *p, const struct aspace *as)
{
	unsigned long flags = signal_lock(p);
	struct thread *t;
	u32 n = 0;

	list_for_each(t, &p->threads, process_link)
		n += READ_ONCE(t->aspace) == as;
	signal_unlock(p, flags);
	return n;
}

/* Is everybody who runs in the space on its way out? A child of vfork has its parent's. */
static bool is_deserted(const struct aspace *as)
{
	struct process *p;
	u32 going = 0;
	bool lives = false;

	for (pid_t from = 1; !lives && (p = process_next(from)); process_put(p)) {
		u32 n = threads_in(p, as);

		from = p->pid + 1;
		lives = n && !p->group_exit;
		going += n;
	}
	return !lives && ref_read(&as->users) <= going;
}

static void reap(struct process *p)
{
	struct aspace *as = process_aspace_get(p);
	u64 pages;

	/* The present thread's own space: it holds the lock, and goes as soon as it is back from here. */
	if (as && as != current->aspace && !atomic_load(&as->is_reaped) && is_deserted(as) && aspace_reap(as, &pages))
		log_warn("out of memory: %s[%d] does not go: %llu KiB taken away, %llu KiB left", p->cmd, p->pid,
			 (unsigned long long)pages * 4, (unsigned long long)aspace_rss(as) * 4);
	if (as)
		aspace_put(as);
}

void oom_reap(struct group *within)
{
	struct process *p;

	if (time_ns() < atomic_load(&last_kill_ns) + REAP_AFTER_NS || atomic_xchg(&is_choosing, 1u))
		return;
	for (pid_t from = 1; (p = process_next(from)); process_put(p)) {
		from = p->pid + 1;
		if (p->group_exit && !p->is_zombie && is_in(p, within))
			reap(p);
	}
	atomic_store_release(&is_choosing, 0u);	/* pairs with the exchange above */
}

bool oom_kill(u64 needed, struct group *within)
{
	bool done;

	/* Another thread chooses already: its victim serves us, too. */
	if (atomic_xchg(&is_choosing, 1u))
		return true;
	done = choose_and_kill(needed, within);
	atomic_store_release(&is_choosing, 0u);	/* pairs with the exchange above */
	return done;
}
