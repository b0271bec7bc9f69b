/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that every group has (Linux, Documentation/admin-guide/cgroup-v2: core interface files):
 * members, controllers, limits of the tree, events, freezing and killing.
 */
#include "cgroupfs.h"
#include <uapi/capability.h>
#include <uapi/statfs.h>

static const struct group_file *procs_file(void) { return &cgroup_core_files[0]; }

static int procs_show(struct text *t, struct group *g)
{
	for (pid_t pid = 0; (pid = group_next_process(g, pid + 1));)
		text_printf(t, "%d\n", pid);
	return 0;
}

/* Numbers of p's living threads that are >= from; the lowest, 0 none. */
static pid_t next_thread(struct process *p, pid_t from)
{
	unsigned long flags = signal_lock(p);
	struct thread *t;
	pid_t best = 0;

	list_for_each(t, &p->threads, process_link)
		if (!t->exiting && t->tid >= from && (!best || t->tid < best))
			best = t->tid;
	signal_unlock(p, flags);
	return best;
}

static int threads_show(struct text *t, struct group *g)
{
	for (pid_t pid = 0; (pid = group_next_process(g, pid + 1));) {
		struct process *p = process_find(pid);

		if (!p)
			continue;
		for (pid_t tid = 0; (tid = next_thread(p, tid + 1));)
			text_printf(t, "%d\n", tid);
		process_put(p);
	}
	return 0;
}

/* By owner and mode of g's cgroup.procs. */
static bool may_write_procs(struct group *g)
{
	const struct cred *c = cred_current();
	struct cgroup_owner o;

	if (capable(CAP_SYS_ADMIN) || capable(CAP_DAC_OVERRIDE))
		return true;
	cgroup_owner_get(g, procs_file(), &o);
	return (o.uid == c->fsuid && (o.mode & 0200)) || (o.gid == c->fsgid && (o.mode & 020)) || (o.mode & 02);
}

/* Whoever is not privileged may move within a subtree whose top's cgroup.procs it may write. */
static bool may_move(struct group *from, struct group *to)
{
	while (from != to) {	/* up to the common ancestor */
		if (from->depth >= to->depth)
			from = from->parent;
		else
			to = to->parent;
	}
	return may_write_procs(from);
}

struct group *cgroup_for_fork(int fd)
{
	struct file *f = fd_get_any(fd);
	struct group *to = NULL, *from;
	int err = -EBADF;

	if (f && f->inode && S_ISDIR(f->inode->mode) && f->inode->sb->magic == CGROUP2_SUPER_MAGIC) {
		to = cgroup_i(f->inode)->group;
		from = group_of_thread(current);
		err = atomic_load(&to->is_dead) ? -ENOENT : may_write_procs(to) && may_move(from, to) ? 0 : -EACCES;
		group_put(from);
	}
	if (!err)
		group_get(to);
	if (f)
		file_put(f);
	return err ? err_ptr(err) : to;
}

static int parse_pid(const char *text, pid_t *pid)
{
	u64 v;

	if (group_parse_u64(text, &v) || v > 0x7fffffff)
		return -EINVAL;
	*pid = (pid_t)v;
	return 0;
}

/* The process of a number (0: the caller's) by its own number or one of its threads'. Referenced. */
static struct process *process_by_number(pid_t pid, bool any_thread)
{
	struct process *p = NULL;
	struct thread *t;

	if (!pid)
		return process_get(current_process());
	if (!any_thread)
		return process_find(pid);
	t = thread_find(pid);
	if (t) {
		p = process_get(t->process);
		thread_put(t);
	}
	return p;
}

/* The process that text names, and what move says for it and the group it is in. */
static int store_member(struct group *g, const char *text, bool any_thread,
			int (*move)(struct process *p, struct group *from, struct group *g))
{
	struct process *p;
	struct group *from;
	pid_t pid;
	int err = parse_pid(text, &pid);

	if (err)
		return err;
	p = process_by_number(pid, any_thread);
	if (!p)
		return -ESRCH;
	from = group_of_process(p);
	err = from ? move(p, from, g) : -ESRCH;
	if (from)
		group_put(from);
	process_put(p);
	return err;
}

static int move_process(struct process *p, struct group *from, struct group *g)
{
	return may_move(from, g) ? group_move_process(p, g) : -EACCES;
}

/* A domain group: threads come and go with their process only. */
static int move_thread(struct process *p, struct group *from, struct group *g) { return from == g ? 0 : -EOPNOTSUPP; }

static int procs_store(struct group *g, const char *text, size_t len) { return store_member(g, text, false, move_process); }

static int threads_store(struct group *g, const char *text, size_t len)
{
	return store_member(g, text, true, move_thread);
}

static void mask_show(struct text *t, u32 mask)
{
	const struct group_controller *c;
	const char *sep = "";

	for (unsigned i = 0; (c = group_controller_at(i)); i++)
		if (mask & BIT(i)) {
			text_printf(t, "%s%s", sep, c->name);
			sep = " ";
		}
	text_printf(t, "\n");
}

static int controllers_show(struct text *t, struct group *g)
{
	mask_show(t, g->parent ? atomic_load(&g->parent->enabled) : ~0u);
	return 0;
}

static int subtree_show(struct text *t, struct group *g)
{
	mask_show(t, atomic_load(&g->enabled));
	return 0;
}

static const struct group_controller *controller_named(const char *name, size_t len)
{
	const struct group_controller *c;

	for (unsigned i = 0; (c = group_controller_at(i)); i++)
		if (strlen(c->name) == len && !memcmp(c->name, name, len))
			return c;
	return NULL;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/* "+pids -cpu": the last word about a controller counts. */
static int subtree_store(struct group *g, const char *text, size_t len)
{
	u32 on = 0, off = 0;

	for (const char *s = text; *s;) {
		const struct group_controller *c;
		size_t n = 0;

		if (is_space(*s)) {
			s++;
			continue;
		}
		while (s[n] && !is_space(s[n]))
			n++;
		c = controller_named(s + 1, n - 1);
		if ((*s != '+' && *s != '-') || !c)
			return -EINVAL;
		on &= ~(u32)BIT(c->index);
		off &= ~(u32)BIT(c->index);
		if (*s == '+')
			on |= (u32)BIT(c->index);
		else
			off |= (u32)BIT(c->index);
		s += n;
	}
	return group_enable(g, on, off);
}

static int events_show(struct text *t, struct group *g)
{
	text_printf(t, "populated %u\nfrozen %u\n", atomic_load(&g->tasks) != 0, group_is_frozen(g));
	return 0;
}

static u64 *events_of(struct group *g, struct waitq **q)
{
	*q = &g->events_changed;
	return &g->events;
}

static int type_show(struct text *t, struct group *g)
{
	text_printf(t, "domain\n");
	return 0;
}

static int stat_show(struct text *t, struct group *g)
{
	text_printf(t, "nr_descendants %u\nnr_dying_descendants %u\n", atomic_load(&g->nr_descendants),
		    atomic_load(&g->nr_dying));
	return 0;
}

static void max_text(struct text *t, u32 value)
{
	if (value == U32_MAX)
		text_printf(t, "max\n");
	else
		text_printf(t, "%u\n", value);
}

static int max_parse(const char *text, u32 *out)
{
	u64 v;

	if (!strcmp(text, "max") || !strcmp(text, "max\n")) {
		*out = U32_MAX;
		return 0;
	}
	if (group_parse_u64(text, &v) || v >= 0x7fffffff)
		return -ERANGE;
	*out = (u32)v;
	return 0;
}

static int depth_show(struct text *t, struct group *g)
{
	max_text(t, atomic_load(&g->max_depth));
	return 0;
}

static int depth_store(struct group *g, const char *text, size_t len)
{
	u32 v;
	int err = max_parse(text, &v);

	if (!err)
		atomic_store(&g->max_depth, v);
	return err;
}

static int descendants_show(struct text *t, struct group *g)
{
	max_text(t, atomic_load(&g->max_descendants));
	return 0;
}

static int descendants_store(struct group *g, const char *text, size_t len)
{
	u32 v;
	int err = max_parse(text, &v);

	if (!err)
		atomic_store(&g->max_descendants, v);
	return err;
}

static int freeze_show(struct text *t, struct group *g)
{
	text_printf(t, "%d\n", atomic_load(&g->freeze_wanted));
	return 0;
}

static int freeze_store(struct group *g, const char *text, size_t len)
{
	u64 v;
	int err = group_parse_u64(text, &v);

	if (err)
		return err;
	return v > 1 ? -ERANGE : group_freeze(g, v == 1);
}

static int kill_store(struct group *g, const char *text, size_t len)
{
	u64 v;
	int err = group_parse_u64(text, &v);

	if (err)
		return err;
	return v != 1 ? -ERANGE : group_kill(g);
}

const struct group_file cgroup_core_files[] = {
	{ "cgroup.procs", 0, procs_show, procs_store, NULL },
	{ "cgroup.threads", 0, threads_show, threads_store, NULL },
	{ "cgroup.controllers", 0, controllers_show, NULL, NULL },
	{ "cgroup.subtree_control", 0, subtree_show, subtree_store, NULL },
	{ "cgroup.events", GROUP_FILE_NOT_ROOT, events_show, NULL, events_of },
	{ "cgroup.type", GROUP_FILE_NOT_ROOT, type_show, NULL, NULL },
	{ "cgroup.stat", 0, stat_show, NULL, NULL },
	{ "cpu.stat", 0, group_cpu_stat_show, NULL, NULL },
	{ "cgroup.max.depth", 0, depth_show, depth_store, NULL },
	{ "cgroup.max.descendants", 0, descendants_show, descendants_store, NULL },
	{ "cgroup.freeze", GROUP_FILE_NOT_ROOT, freeze_show, freeze_store, NULL },
	{ "cgroup.kill", GROUP_FILE_NOT_ROOT, NULL, kill_store, NULL },
	{},
};
