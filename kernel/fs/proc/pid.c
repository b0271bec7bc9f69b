/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID and /proc/PID/task/TID: directories that come and go with the processes. An inode
 * keeps numbers, never references: each use looks the process up again.
 */
#include <kernel/aspace.h>
#include <kernel/process.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/dirent.h>
#include "virtual.h"

/* Numbers of files: behind all registered names; 22 bits of process, 22 of thread, the rest for descriptors. */
#define INO_PID(pid, tid) ((u64)(u32)(pid) << 42 | (u64)(u32)(tid) << 20)
#define INO_FD 64		/* before it entries of a directory, from it descriptors */

struct process *pid_process(struct inode *inode) { return process_find(virtual_i(inode)->pid); }

bool pid_revalidate(struct inode *inode)
{
	struct virtual_inode *v = virtual_i(inode);
	struct process *p = process_find(v->pid);
	const struct cred *c;

	if (!p)
		return false;
	epoch_enter();
	c = p->leader ? READ_ONCE(p->leader->cred) : NULL;
	if (c) {
		inode->uid = c->euid;
		inode->gid = c->egid;
	}
	epoch_exit();
	if (v->fd >= 0) {
		struct fd_table *t = process_files_get(p);
		bool is_open = t && fd_table_next(t, (u32)v->fd) == v->fd;

		if (t)
			fd_table_put(t);
		process_put(p);
		return is_open;
	}
	process_put(p);
	if (v->tid) {
		struct thread *th = thread_find(v->tid);
		bool same = th && th->process && th->process->pid == v->pid;

		if (th)
			thread_put(th);
		return same;
	}
	return true;
}

static int with_process(struct inode *inode, int (*fn)(struct inode *inode, struct process *p, struct thread *th, void *arg),
			void *arg)
{
	struct virtual_inode *v = virtual_i(inode);
	struct process *p = pid_process(inode);
	struct thread *th;
	int err = -ESRCH;

	if (!p)
		return -ESRCH;
	th = v->tid ? thread_find(v->tid) : p->leader ? thread_get(p->leader) : NULL;
	if (v->entry && v->entry->is_private && process_access(p, th, ACCESS_READ))
		err = -EACCES;
	else if (th)
		err = fn(inode, p, th, arg);
	if (th)
		thread_put(th);
	process_put(p);
	return err;
}

static int show_entry(struct inode *inode, struct process *p, struct thread *th, void *text)
{
	struct virtual_inode *v = virtual_i(inode);

	if (v->fd >= 0)
		return pid_fdinfo_show(text, p, v->fd);
	return v->entry->show(text, p, th);
}

int pid_show(struct inode *inode, struct text *t) { return with_process(inode, show_entry, t); }

struct store_args {
	const char *text;
	size_t len;
};

static int store_entry(struct inode *inode, struct process *p, struct thread *th, void *arg)
{
	const struct store_args *a = arg;
	const struct pid_entry *e = virtual_i(inode)->entry;

	return e && e->store ? e->store(a->text, a->len, p) : -EACCES;
}

int pid_store(struct inode *inode, const char *text, size_t len)
{
	struct store_args a = { text, len };

	return with_process(inode, store_entry, &a);
}

static int follow_entry(struct inode *inode, struct process *p, struct thread *th, void *out)
{
	return virtual_i(inode)->entry->follow(p, out);
}

static int pid_follow(struct inode *inode, struct path *out) { return with_process(inode, follow_entry, out); }

ssize_t virtual_follow_text(struct inode *inode, int (*follow)(struct inode *inode, struct path *out), char *buf, size_t size)
{
	struct path p, root;
	char *page, *s;
	ssize_t n = follow(inode, &p);

	if (n)
		return n;
	page = kmalloc(PAGE_SIZE, 0);
	if (!page) {
		path_put(&p);
		return -ENOMEM;
	}
	fs_context_get_paths(fs_context_current(), NULL, &root);
	s = path_text(&p, &root, page, PAGE_SIZE);
	n = is_err(s) ? ptr_err(s) : (ssize_t)min(strlcpy(buf, s, size), size);
	path_put(&root);
	path_put(&p);
	kfree(page);
	return n;
}

static ssize_t pid_readlink(struct inode *inode, char *buf, size_t size)
{
	return virtual_follow_text(inode, pid_follow, buf, size);
}

static const struct inode_ops pid_file_ops = { .setattr = virtual_setattr, .revalidate = pid_revalidate };
static const struct inode_ops pid_link_ops = {
	.follow = pid_follow, .readlink = pid_readlink, .setattr = virtual_setattr, .revalidate = pid_revalidate,
};

struct inode *pid_inode_new(struct super_block *sb, struct process *p, pid_t tid, const struct pid_entry *e, int fd)
{
	mode_t mode = e ? e->mode : S_IFDIR | 0555;
	ino_t ino = INO_PID(p->pid, tid) + (fd >= 0 ? INO_FD + (u64)fd : e ? (u64)(e - pid_entries) + 1 : 0);
	struct inode *i = virtual_inode_new(sb, mode, ino);

	if (!i)
		return NULL;
	virtual_i(i)->pid = p->pid;
	virtual_i(i)->tid = tid;
	virtual_i(i)->entry = e;
	virtual_i(i)->fd = fd;
	i->ops = e && e->ops ? e->ops : S_ISLNK(mode) ? &pid_link_ops : &pid_file_ops;
	i->fops = e && e->fops ? e->fops : !S_ISREG(mode) ? NULL : e && e->event ? &virtual_event_fops : &virtual_file_fops;
	pid_revalidate(i);
	return i;
}

/* Decimal without leading zeros; -1 if it is not that. */
static pid_t parse_pid(const char *name, u32 len)
{
	u32 v = 0;

	if (len == 0 || len > 9 || (name[0] == '0' && len > 1))
		return -1;
	for (u32 i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		v = v * 10 + (u32)(name[i] - '0');
	}
	return (pid_t)v;
}

static const struct pid_entry *find_entry(const char *name, u32 len)
{
	for (unsigned i = 0; i < pid_entries_len; i++)
		if (strlen(pid_entries[i].name) == len && !memcmp(pid_entries[i].name, name, len))
			return &pid_entries[i];
	return NULL;
}

static int pid_dir_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct virtual_inode *v = virtual_i(dir);
	const struct pid_entry *e = find_entry(name, len);
	struct process *p;

	*out = NULL;
	/* A thread's directory has no task of its own. */
	if (!e || (v->tid && !strcmp(e->name, "task")))
		return 0;
	p = pid_process(dir);
	if (!p)
		return -ENOENT;
	*out = pid_inode_new(dir->sb, p, v->tid, e, -1);
	process_put(p);
	return *out ? 0 : -ENOMEM;
}

static int pid_dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct inode *dir = file->inode;

	if (!virtual_emit(dir, ctx))
		return 0;
	for (off_t pos = ctx->pos; (u64)pos - 2 < pid_entries_len; ctx->pos = ++pos) {
		const struct pid_entry *e = &pid_entries[pos - 2];

		if (virtual_i(dir)->tid && !strcmp(e->name, "task"))
			continue;
		if (!ctx->emit(ctx, e->name, (u32)strlen(e->name), dir->ino + (u64)pos - 1,
			       S_ISDIR(e->mode) ? DT_DIR : S_ISLNK(e->mode) ? DT_LNK : DT_REG, pos + 1))
			return 0;
	}
	return 0;
}

static const struct inode_ops pid_dir_ops = {
	.lookup = pid_dir_lookup, .setattr = virtual_setattr, .revalidate = pid_revalidate,
};
static const struct file_ops pid_dir_fops = { .iterate = pid_dir_iterate, .seek = generic_file_seek };

static struct inode *make_dir(struct super_block *sb, struct process *p, pid_t tid)
{
	struct inode *i = pid_inode_new(sb, p, tid, NULL, -1);

	if (i) {
		i->ops = &pid_dir_ops;
		i->fops = &pid_dir_fops;
	}
	return i;
}

int pid_lookup_name(struct inode *root, const char *name, u32 len, struct inode **out)
{
	pid_t pid = parse_pid(name, len);
	struct process *p = pid > 0 ? process_find(pid) : NULL;

	*out = NULL;
	if (!p)
		return 0;
	*out = make_dir(root->sb, p, 0);
	process_put(p);
	return *out ? 0 : -ENOMEM;
}

bool pid_emit_all(struct inode *root, struct dir_context *ctx)
{
	struct process *p;
	char name[12];

	if (ctx->pos < VIRTUAL_POS_END)
		ctx->pos = VIRTUAL_POS_END;
	while ((p = process_next((pid_t)(ctx->pos - VIRTUAL_POS_END)))) {
		pid_t pid = p->pid;
		u32 len = (u32)scnprintf(name, sizeof(name), "%d", pid);

		process_put(p);
		if (!ctx->emit(ctx, name, len, INO_PID(pid, 0), DT_DIR, VIRTUAL_POS_END + pid + 1))
			return false;
		ctx->pos = VIRTUAL_POS_END + pid + 1;
	}
	return true;
}

static int task_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct process *p = pid_process(dir);
	pid_t tid = parse_pid(name, len);
	struct thread *th = tid > 0 ? thread_find(tid) : NULL;

	*out = NULL;
	if (p && th && th->process == p)
		*out = make_dir(dir->sb, p, tid);
	if (th)
		thread_put(th);
	if (p)
		process_put(p);
	return 0;
}

/* The process's first thread with a number >= from; 0: none. */
static pid_t next_tid(struct process *p, pid_t from)
{
	unsigned long flags = signal_lock(p);
	struct thread *t;
	pid_t best = 0;

	list_for_each(t, &p->threads, process_link)
		if (t->tid >= from && (!best || t->tid < best))
			best = t->tid;
	signal_unlock(p, flags);
	return best;
}

static int task_iterate(struct file *file, struct dir_context *ctx)
{
	struct process *p = pid_process(file->inode);
	char name[12];
	pid_t tid;

	if (!p)
		return -ENOENT;
	if (virtual_emit(file->inode, ctx)) {
		while ((tid = next_tid(p, (pid_t)(ctx->pos - 2)))) {
			u32 len = (u32)scnprintf(name, sizeof(name), "%d", tid);

			if (!ctx->emit(ctx, name, len, INO_PID(p->pid, tid), DT_DIR, tid + 3))
				break;
			ctx->pos = tid + 3;
		}
	}
	process_put(p);
	return 0;
}

static const struct inode_ops task_dir_ops = {
	.lookup = task_lookup, .setattr = virtual_setattr, .revalidate = pid_revalidate,
};
static const struct file_ops task_dir_fops = { .iterate = task_iterate, .seek = generic_file_seek };

static int follow_exe(struct process *p, struct path *out)
{
	struct aspace *as = process_aspace_get(p);
	int err = -ENOENT;

	if (!as)
		return -ENOENT;
	rwlock_read_lock(&as->lock);
	if (as->exe) {
		*out = as->exe->path;
		path_get(out);
		err = 0;
	}
	rwlock_read_unlock(&as->lock);
	aspace_put(as);
	return err;
}

static int follow_fs(struct process *p, struct path *out, bool root)
{
	struct fs_context *fc = process_fs_get(p);

	if (!fc)
		return -ENOENT;
	spin_lock(&fc->lock);
	*out = root ? fc->root : fc->cwd;
	path_get(out);
	spin_unlock(&fc->lock);
	fs_context_put(fc);
	return 0;
}

static int follow_cwd(struct process *p, struct path *out) { return follow_fs(p, out, false); }
static int follow_root(struct process *p, struct path *out) { return follow_fs(p, out, true); }

static int comm_show(struct text *t, struct process *p, struct thread *th)
{
	text_printf(t, "%s\n", th->name);
	return 0;
}

static int comm_store(const char *text, size_t len, struct process *p)
{
	char name[THREAD_NAME_MAX];

	if (p != current_process())
		return -EACCES;
	if (len && text[len - 1] == '\n')
		len--;
	len = min(len, sizeof(name) - 1);
	memcpy(name, text, len);
	name[len] = '\0';
	strlcpy(p->leader->name, name, sizeof(p->leader->name));
	return 0;
}

static int oom_score_adj_show(struct text *t, struct process *p, struct thread *th)
{
	text_printf(t, "%d\n", p->oom_score_adj);
	return 0;
}

static int oom_score_show(struct text *t, struct process *p, struct thread *th)
{
	text_printf(t, "%u\n", oom_score(p));
	return 0;
}

static int oom_score_adj_store(const char *text, size_t len, struct process *p)
{
	bool negative = text[0] == '-';
	const char *end;
	u64 v;
	s32 value;

	if (parse_u64_prefix(text + negative, 10, &v, &end) || (*end && *end != '\n') || v > 1000)
		return -EINVAL;
	value = negative ? -(s32)v : (s32)v;
	if (value < p->oom_score_adj && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	p->oom_score_adj = value;
	return 0;
}

static int cgroup_show(struct text *t, struct process *p, struct thread *th)
{
	struct group *g = group_of_thread(th);
	char *path = kmalloc(PATH_MAX, 0);
	int len = path ? group_path(g, path, PATH_MAX) : -ENOMEM;

	if (len > 0)
		text_printf(t, "0::%s%s\n", path, atomic_load(&g->is_dead) ? " (deleted)" : "");
	kfree(path);
	group_put(g);
	return min(len, 0);
}

#if CONFIG_DEBUG
/* Making the text allocates, which must neither fail nor count. */
static int fail_nth_show(struct text *t, struct process *p, struct thread *th)
{
	u32 own = current->fail_nth, n = th->fail_nth;

	current->fail_nth = 0;
	text_printf(t, "%u\n", n);
	current->fail_nth = own;
	return 0;
}

static int fail_nth_store(const char *text, size_t len, struct process *p)
{
	const char *end;
	u64 n;

	if (p != current_process())
		return -EACCES;
	if (parse_u64_prefix(text, 10, &n, &end) || (*end && *end != '\n') || n > 0x7fffffff)
		return -EINVAL;
	current->fail_nth = (u32)n;
	return 0;
}
#endif

const struct pid_entry pid_entries[] = {
	{ "auxv", S_IFREG | 0400, .show = pid_auxv_show, .is_private = true },
	{ "cgroup", S_IFREG | 0444, .show = cgroup_show },
	{ "cmdline", S_IFREG | 0444, .show = pid_cmdline_show },
	{ "comm", S_IFREG | 0644, .show = comm_show, .store = comm_store },
	{ "cwd", S_IFLNK | 0777, .follow = follow_cwd, .is_private = true },
	{ "environ", S_IFREG | 0400, .show = pid_environ_show, .is_private = true },
	{ "exe", S_IFLNK | 0777, .follow = follow_exe, .is_private = true },
#if CONFIG_DEBUG
	{ "fail-nth", S_IFREG | 0644, .show = fail_nth_show, .store = fail_nth_store, .is_private = true },
#endif
	{ "fd", S_IFDIR | 0500, .ops = &pid_fd_dir_ops, .fops = &pid_fd_dir_fops, .is_private = true },
	{ "fdinfo", S_IFDIR | 0555, .ops = &pid_fdinfo_dir_ops, .fops = &pid_fdinfo_dir_fops, .is_private = true },
	{ "io", S_IFREG | 0400, .show = pid_io_show, .is_private = true },
	{ "limits", S_IFREG | 0444, .show = pid_limits_show },
	{ "maps", S_IFREG | 0444, .show = pid_maps_show, .is_private = true },
	{ "mem", S_IFREG | 0600, .fops = &pid_memory_fops, .is_private = true },
	{ "mountinfo", S_IFREG | 0444, .show = pid_mountinfo_show, .event = &mount_event },
	{ "mounts", S_IFREG | 0444, .show = pid_mounts_show, .event = &mount_event },
	{ "mountstats", S_IFREG | 0400, .show = pid_mountstats_show, .is_private = true },
	{ "ns", S_IFDIR | 0511, .ops = &pid_ns_dir_ops, .fops = &pid_ns_dir_fops, .is_private = true },
	{ "oom_score", S_IFREG | 0444, .show = oom_score_show },
	{ "oom_score_adj", S_IFREG | 0644, .show = oom_score_adj_show, .store = oom_score_adj_store },
	{ "pagemap", S_IFREG | 0400, .fops = &pid_pagemap_fops, .is_private = true },
	{ "personality", S_IFREG | 0400, .show = pid_personality_show },
	{ "root", S_IFLNK | 0777, .follow = follow_root, .is_private = true },
	{ "sched", S_IFREG | 0444, .show = pid_sched_show },
	{ "schedstat", S_IFREG | 0444, .show = pid_schedstat_show },
	{ "smaps", S_IFREG | 0444, .show = pid_smaps_show, .is_private = true },
	{ "smaps_rollup", S_IFREG | 0444, .show = pid_smaps_rollup_show, .is_private = true },
	{ "stat", S_IFREG | 0444, .show = pid_stat_show },
	{ "statm", S_IFREG | 0444, .show = pid_statm_show },
	{ "status", S_IFREG | 0444, .show = pid_status_show },
	{ "syscall", S_IFREG | 0400, .show = pid_syscall_show },
	{ "task", S_IFDIR | 0555, .ops = &task_dir_ops, .fops = &task_dir_fops },
};
const unsigned pid_entries_len = ARRAY_LEN(pid_entries);
