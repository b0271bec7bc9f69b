/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is in which group: moving processes, keeping a fork that meets a move with its parent, leaving
 * at exit, listing. A thread's group changes under process_tree_lock and its process's
 * signal lock; the process's threads share one group. Limits stop forks, not moves, as in Linux.
 */
#include "group_local.h"
#include <uapi/errno.h>

static struct group *common_ancestor(struct group *a, struct group *b)
{
	while (a != b) {
		if (a->depth >= b->depth)
			a = a->parent;
		else
			b = b->parent;
	}
	return a;
}

/* Signal lock of t's process held. Takes over a reference of `to`. */
static void move_thread(struct thread *t, struct group *to)
{
	struct group *from = t->group, *top = common_ancestor(from, to);
	struct group_controller *c;

	atomic_store_release(&t->group, to);	/* pairs with group_of_thread's epoch: from outlives its readers */
	if (t->in_group) {
		group_count_task(to, top);
		group_uncount_task(from, top);
		for (unsigned i = 0; (c = group_controller_at(i)); i++)
			if (c->move)
				c->move(t, from, to);
	}
	group_freeze_moved(t, from, to);
	group_put(from);
}

static int move_threads(struct process *p, struct group *to)
{
	unsigned long flags = signal_lock(p);
	struct thread *t;
	int err = p->nr_threads ? 0 : -ESRCH;

	if (!err)
		list_for_each(t, &p->threads, process_link)
			if (t->group != to)
				move_thread(t, group_get(to));
	signal_unlock(p, flags);
	return err;
}

int group_move_process(struct process *p, struct group *to)
{
	int err = 0;

	mutex_lock(&group_tree_lock);		/* no rmdir of `to`, no change of what it hands on */
	if (to->is_dead)
		err = -ENODEV;
	else if (!group_may_hold_processes(to))
		err = -EBUSY;
	if (!err) {
		spin_lock(&process_tree_lock);	/* no fork half-way into the thread list */
		err = move_threads(p, to);
		spin_unlock(&process_tree_lock);
	}
	mutex_unlock(&group_tree_lock);
	return err;
}

int group_charge_task_in(struct thread *t, struct group *to)
{
	struct group *from = t->group;
	int err = 0;

	mutex_lock(&group_tree_lock);
	if (to->is_dead)
		err = -ENODEV;
	else if (!group_may_hold_processes(to))
		err = -EBUSY;
	if (!err) {
		t->group = to;
		err = group_charge_task(t);	/* counted, it keeps the group from being removed */
		t->group = err ? from : group_get(to);
	}
	mutex_unlock(&group_tree_lock);
	if (!err)
		group_put(from);
	return err;
}

void group_fork_settle(struct thread *t)
{
	struct group *to = current->group;

	lock_assert_held(&process_tree_lock);
	if (likely(t->group == to))
		return;
	group_count_task(to, NULL);
	group_uncount_task(t->group, NULL);
	group_put(t->group);
	t->group = group_get(to);
}

void group_uncharge_task(struct thread *t)
{
	unsigned long flags = 0;

	if (t->process)
		flags = signal_lock(t->process);
	if (t->in_group) {
		t->in_group = false;
		group_uncount_task(t->group, NULL);
	}
	if (t->process)
		signal_unlock(t->process, flags);
}

struct group *group_of_process(struct process *p)
{
	unsigned long flags = signal_lock(p);
	struct group *g = p->nr_threads ? group_get(p->leader->group) : NULL;

	signal_unlock(p, flags);
	return g;
}

/* Referenced, living, in g itself. */
static bool is_member(struct process *p, const struct group *g)
{
	unsigned long flags = signal_lock(p);
	bool yes = p->nr_threads && p->leader->group == g;	/* while threads live, the leader is not reaped */

	signal_unlock(p, flags);
	return yes;
}

pid_t group_next_process(struct group *g, pid_t from)
{
	struct process *p;
	pid_t found = 0;

	for (; !found && (p = process_next(from)); process_put(p)) {
		from = p->pid + 1;
		if (is_member(p, g))
			found = p->pid;
	}
	return found;
}
