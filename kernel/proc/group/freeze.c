/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Standing still and being killed together: cgroup.freeze and cgroup.kill. A frozen thread waits
 * on its way to user mode, so it holds no lock of the kernel; interruptible sleeps end for it and
 * their calls start anew after the thaw. SIGKILL ends a frozen thread.
 * Locks: group_tree_lock for what is wanted; the signal lock for who counts as frozen.
 */
#include "group_local.h"
#include <kernel/sched.h>
#include <uapi/errno.h>

static void count_frozen(struct group *g, const struct group *end, bool more)
{
	for (; g != end; g = g->parent) {
		if (more)
			atomic_add(&g->nr_frozen, 1u);
		else
			atomic_sub(&g->nr_frozen, 1u);
		if (atomic_load(&g->is_freezing))
			group_events_changed_here(g);
	}
}

/* Makes t come by: out of its interruptible sleep, or at its next entry. */
static void call_in(struct thread *t)
{
	thread_notify(t, WORK_THROTTLE | WORK_SIGNAL);
	thread_wake(t, BIT(THREAD_SLEEPING));
}

void group_freeze_moved(struct thread *t, struct group *from, struct group *to)
{
	if (t->is_frozen) {
		count_frozen(to, NULL, true);
		count_frozen(from, NULL, false);
		waitq_wake_all(&from->thaw);	/* it looks at its new group */
	} else if (atomic_load(&to->is_freezing) && t->in_group) {
		call_in(t);
	}
}

static void set_frozen(struct thread *self, bool frozen)
{
	unsigned long flags = signal_lock(self->process);

	if (self->is_frozen != frozen) {
		self->is_frozen = frozen;
		count_frozen(self->group, NULL, frozen);
	}
	signal_unlock(self->process, flags);
}

static bool must_stand(struct thread *self, const struct group *g)
{
	return atomic_load(&self->group) == g && atomic_load(&g->is_freezing) && !atomic_load(&self->sig_exit_pending);
}

void group_park(void)
{
	struct thread *self = current;
	struct group *g;

	atomic_fetch_and(&self->exit_work, ~(u32)WORK_THROTTLE);
	sched_group_park();
	while (1) {
		g = group_of_thread(self);
		if (!must_stand(self, g))
			break;
		set_frozen(self, true);
		(void)waitq_wait_until(&g->thaw, !must_stand(self, g), SLEEP_KILLABLE, U64_MAX, false);
		group_put(g);
	}
	group_put(g);
	set_frozen(self, false);
}

bool group_is_frozen(struct group *g)
{
	return atomic_load(&g->is_freezing) && atomic_load(&g->nr_frozen) >= atomic_load(&g->tasks);
}

void group_fork_done(struct thread *t)
{
	atomic_fence_full();	/* pairs with group_freeze: who is not seen by its walk sees is_freezing */
	if (unlikely(atomic_load(&atomic_load(&t->group)->is_freezing)))
		atomic_fetch_or(&t->exit_work, WORK_THROTTLE);
}

static void notify_members(struct group *g)
{
	struct process *p;
	struct thread *t;
	unsigned long flags;

	for (pid_t pid = 1; (pid = group_next_process(g, pid)); pid++) {
		p = process_find(pid);
		if (!p)
			continue;
		flags = signal_lock(p);
		list_for_each(t, &p->threads, process_link)
			if (!t->exiting)
				call_in(t);
		signal_unlock(p, flags);
		process_put(p);
	}
}

int group_freeze(struct group *g, bool wanted)
{
	int err = 0;

	mutex_lock(&group_tree_lock);
	if (g->is_dead || !g->parent)
		err = -ENODEV;
	else
		g->freeze_wanted = wanted;
	for (struct group *i = g; !err && i; i = group_next_below(g, i)) {
		bool freezing = i->freeze_wanted || (i->parent && i->parent->is_freezing);

		if (freezing == i->is_freezing)
			continue;
		atomic_store(&i->is_freezing, freezing);
		atomic_fence_full();	/* pairs with group_fork_done */
		if (freezing)
			notify_members(i);
		else
			waitq_wake_all(&i->thaw);
		group_events_changed_here(i);
	}
	mutex_unlock(&group_tree_lock);
	return err;
}

/* True: somebody was still to be killed. */
static bool kill_members(struct group *g)
{
	struct process *p;
	bool found = false;

	for (pid_t pid = 1; (pid = group_next_process(g, pid)); pid++) {
		p = process_find(pid);
		if (!p)
			continue;
		if (!atomic_load(&p->group_exit) && p != process_init) {
			found = true;
			(void)signal_send_process(p, SIGKILL, NULL);
		}
		process_put(p);
	}
	return found;
}

/* Whoever is being killed cannot fork any more, so the rounds come to an end. */
int group_kill(struct group *g)
{
	bool again = true;
	int err = 0;

	mutex_lock(&group_tree_lock);
	if (g->is_dead)
		err = -ENODEV;
	while (!err && again) {
		again = false;
		for (struct group *i = g; i; i = group_next_below(g, i))
			again |= kill_members(i);
	}
	mutex_unlock(&group_tree_lock);
	return err;
}
