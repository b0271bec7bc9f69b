/* SPDX-License-Identifier: BSD-2-Clause */
/* What lies in a process's memory: cmdline, environ, auxv; and its view of the mounts. Areas: pid_maps.c. */
#include <kernel/aspace.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <uapi/mount.h>
#include "virtual.h"

#define ARGS_MAX (256u * 1024)

/* Bytes [start, end) of the process's memory, at most ARGS_MAX. */
static int copy_range(struct text *t, struct process *p, bool env)
{
	struct aspace *as = process_aspace_get(p);
	vaddr_t at, end;
	char *page;

	if (!as)
		return 0;
	page = kmalloc(PAGE_SIZE, 0);
	if (!page) {
		aspace_put(as);
		return -ENOMEM;
	}
	at = env ? as->env_start : as->arg_start;
	end = env ? as->env_end : as->arg_end;
	end = min(end, at + ARGS_MAX);
	while (at < end) {
		size_t n = aspace_access(as, at, page, min(end - at, PAGE_SIZE), false);

		if (!n)
			break;
		text_append(t, page, n);
		at += n;
	}
	kfree(page);
	aspace_put(as);
	return 0;
}

int pid_cmdline_show(struct text *t, struct process *p, struct thread *th) { return copy_range(t, p, false); }
int pid_environ_show(struct text *t, struct process *p, struct thread *th) { return copy_range(t, p, true); }

int pid_auxv_show(struct text *t, struct process *p, struct thread *th)
{
	struct aspace *as = process_aspace_get(p);
	unsigned n = 0;

	if (!as)
		return 0;
	while (n + 2 < ARRAY_LEN(as->auxv) && as->auxv[n])
		n += 2;
	text_append(t, (const char *)as->auxv, (n + 2) * sizeof(u64));
	aspace_put(as);
	return 0;
}

struct mount_list {
	struct text *t;
	struct path root;
	char *page;		/* two pages */
	enum mount_form { FORM_MOUNTS, FORM_INFO, FORM_STATS } form;	/* of mounts, mountinfo, mountstats */
};

static void escape(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
			text_printf(t, "\\%03o", (u8)*s);
		else
			text_append(t, s, 1);
	}
}

static void flag_words(struct text *t, u32 flags)
{
	text_printf(t, "%s%s%s%s%s%s", flags & MS_RDONLY ? "ro" : "rw", flags & MS_NOSUID ? ",nosuid" : "",
		    flags & MS_NODEV ? ",nodev" : "", flags & MS_NOEXEC ? ",noexec" : "",
		    flags & MS_NOATIME ? ",noatime" : "", flags & MS_RELATIME ? ",relatime" : "");
}

/* Where in its file system the mount's root lies. page: room for it, not l->page. */
static void root_words(struct mount_list *l, struct mount *m, char *page)
{
	struct mount whole = { .sb = m->sb, .root = m->sb->root };	/* as if all of it were mounted */
	struct path at = { &whole, m->root }, top = { &whole, m->sb->root };
	char *text;

	ref_set(&whole.refs, 2);	/* ours: never put to the end */
	text = path_text(&at, &top, page, PAGE_SIZE);
	escape(l->t, is_err(text) ? "/" : text);
}

/* The file system's own options, each after a comma. page: room for them. */
static void option_words(struct mount_list *l, struct super_block *sb, char *page)
{
	if (sb->ops->show_options && sb->ops->show_options(sb, page, PAGE_SIZE) > 0)
		text_append(l->t, page, strlen(page));
}

/* The optional fields of mountinfo. */
static void peer_words(struct mount_list *l, const struct mount *m)
{
	struct mount_peers p;

	mount_peers_get(m, l->root.mnt, &p);
	if (p.shared)
		text_printf(l->t, " shared:%u", p.shared);
	if (p.master)
		text_printf(l->t, " master:%u", p.master);
	if (p.from)
		text_printf(l->t, " propagate_from:%u", p.from);
	if (m->is_unbindable)
		text_printf(l->t, " unbindable");
}

static int mount_line(struct mount *m, void *arg)
{
	struct mount_list *l = arg;
	struct path at = { m, m->root };
	const char *source = m->source[0] ? m->source : "none";
	char *where = path_text(&at, &l->root, l->page, PAGE_SIZE);

	if (is_err(where))
		return 0;
	if (l->form == FORM_STATS) {
		text_printf(l->t, "device ");
		escape(l->t, source);
		text_printf(l->t, " mounted on ");
		escape(l->t, where);
		text_printf(l->t, " with fstype %s\n", m->sb->fs->name);
		return 0;
	}
	if (l->form == FORM_INFO) {
		text_printf(l->t, "%u %u %u:%u ", m->id, m->parent ? m->parent->id : m->id, MAJOR(m->sb->dev),
			    MINOR(m->sb->dev));
		root_words(l, m, l->page + PAGE_SIZE);
		text_append(l->t, " ", 1);
		escape(l->t, where);
		text_append(l->t, " ", 1);
		flag_words(l->t, m->flags);
		peer_words(l, m);
		text_printf(l->t, " - %s ", m->sb->fs->name);
		escape(l->t, source);
		text_printf(l->t, " %s", m->sb->flags & MS_RDONLY ? "ro" : "rw");
		option_words(l, m->sb, l->page);
		text_append(l->t, "\n", 1);
		return 0;
	}
	escape(l->t, source);
	text_append(l->t, " ", 1);
	escape(l->t, where);
	text_printf(l->t, " %s ", m->sb->fs->name);
	flag_words(l->t, m->flags | (m->sb->flags & MS_RDONLY));
	option_words(l, m->sb, l->page);
	text_printf(l->t, " 0 0\n");
	return 0;
}

static int show_mounts(struct text *t, struct process *p, enum mount_form form)
{
	struct fs_context *fc = process_fs_get(p);
	struct mount_list l = { .t = t, .form = form };

	if (!fc)
		return -EINVAL;
	l.page = kmalloc(2 * PAGE_SIZE, 0);
	if (l.page) {
		fs_context_get_paths(fc, NULL, &l.root);
		mount_for_each(fc, mount_line, &l);
		path_put(&l.root);
		kfree(l.page);
	}
	fs_context_put(fc);
	return l.page ? 0 : -ENOMEM;
}

int pid_mounts_show(struct text *t, struct process *p, struct thread *th) { return show_mounts(t, p, FORM_MOUNTS); }
int pid_mountinfo_show(struct text *t, struct process *p, struct thread *th) { return show_mounts(t, p, FORM_INFO); }
int pid_mountstats_show(struct text *t, struct process *p, struct thread *th) { return show_mounts(t, p, FORM_STATS); }
