/* SPDX-License-Identifier: BSD-2-Clause */
/* The areas of a process: maps, smaps, smaps_rollup, and pagemap's word per page. */
#include <kernel/aspace.h>
#include <kernel/process.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include "virtual.h"

typedef unsigned long long ull;

static void map_line(struct text *t, const struct vma *v, char *page)
{
	const char *name = v->name;
	u64 ino = 0;
	dev_t dev = 0;
	int width;

	if (v->file) {
		struct path root;
		char *s;

		fs_context_get_paths(fs_context_current(), NULL, &root);
		s = path_text(&v->file->path, &root, page, PAGE_SIZE);
		path_put(&root);
		name = is_err(s) ? "?" : s;
		ino = v->file->inode->ino;
		dev = v->file->inode->sb->dev;
	}
	width = (int)t->len;
	text_printf(t, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu", (unsigned long long)v->start,
		    (unsigned long long)v->end, v->flags & VMA_READ ? 'r' : '-', v->flags & VMA_WRITE ? 'w' : '-',
		    v->flags & VMA_EXEC ? 'x' : '-', v->flags & VMA_SHARED ? 's' : 'p',
		    (unsigned long long)(v->file ? v->pgoff << PAGE_SHIFT : 0), MAJOR(dev), MINOR(dev),
		    (unsigned long long)ino);
	width = (int)t->len - width;
	if (name)
		text_printf(t, "%*s%s", max(73 - width, 1), "", name);
	text_append(t, "\n", 1);
}

/* Calls fn for each area, lock held for reading. page is scratch memory. */
static int for_each_area(struct text *t, struct process *p, void (*fn)(struct text *t, struct vma *v, char *page, void *arg), void *arg)
{
	struct aspace *as = process_aspace_get(p);
	char *page;

	if (!as)
		return 0;
	page = kmalloc(PAGE_SIZE, 0);
	if (page) {
		rwlock_read_lock(&as->lock);
		for (struct vma *v = aspace_find(as, 0); v; v = vma_next(v))
			fn(t, v, page, arg);
		rwlock_read_unlock(&as->lock);
		kfree(page);
	}
	aspace_put(as);
	return page ? 0 : -ENOMEM;
}

static void add_map(struct text *t, struct vma *v, char *page, void *arg) { map_line(t, v, page); }

int pid_maps_show(struct text *t, struct process *p, struct thread *th) { return for_each_area(t, p, add_map, NULL); }

static void kib(struct text *t, const char *name, u64 bytes) { text_printf(t, "%-16s%8llu kB\n", name, (ull)(bytes >> 10)); }

static void usage_lines(struct text *t, const struct vma_usage *u, bool is_rollup)
{
	kib(t, "Rss:", u->rss);
	kib(t, "Pss:", u->pss);
	kib(t, "Pss_Dirty:", u->pss_dirty);
	if (is_rollup) {
		kib(t, "Pss_Anon:", u->pss_anon);
		kib(t, "Pss_File:", u->pss_file);
		kib(t, "Pss_Shmem:", u->pss_shmem);
	}
	kib(t, "Shared_Clean:", u->shared_clean);
	kib(t, "Shared_Dirty:", u->shared_dirty);
	kib(t, "Private_Clean:", u->private_clean);
	kib(t, "Private_Dirty:", u->private_dirty);
	kib(t, "Referenced:", u->referenced);
	kib(t, "Anonymous:", u->anonymous);
	kib(t, "KSM:", 0);
	kib(t, "LazyFree:", 0);
	kib(t, "AnonHugePages:", u->huge);
	kib(t, "ShmemPmdMapped:", 0);
	kib(t, "FilePmdMapped:", 0);
	kib(t, "Shared_Hugetlb:", 0);
	kib(t, "Private_Hugetlb:", 0);
	kib(t, "Swap:", 0);
	kib(t, "SwapPss:", 0);
	kib(t, "Locked:", u->locked);
}

/* Linux's two letters for each flag. */
static void flag_letters(struct text *t, u32 flags)
{
	static const struct {
		u32 flag;
		char letters[3];
	} names[] = {
		{ VMA_READ, "rd" }, { VMA_WRITE, "wr" }, { VMA_EXEC, "ex" }, { VMA_SHARED, "sh" }, { VMA_MAYREAD, "mr" },
		{ VMA_MAYWRITE, "mw" }, { VMA_MAYEXEC, "me" }, { VMA_GROWSDOWN, "gd" }, { VMA_LOCKED, "lo" },
		{ VMA_DONTFORK, "dc" }, { VMA_ACCOUNT, "ac" }, { VMA_NORESERVE, "nr" }, { VMA_WIPEONFORK, "wf" },
		{ VMA_DONTDUMP, "dd" }, { VMA_HUGE, "hg" }, { VMA_NOHUGE, "nh" },
	};

	text_printf(t, "VmFlags: ");
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (flags & names[i].flag)
			text_printf(t, "%s ", names[i].letters);
	text_append(t, "\n", 1);
}

static void add_smap(struct text *t, struct vma *v, char *page, void *arg)
{
	struct vma_usage u = {};

	vma_usage_add(v, &u);
	map_line(t, v, page);
	kib(t, "Size:", u.size);
	kib(t, "KernelPageSize:", PAGE_SIZE);
	kib(t, "MMUPageSize:", PAGE_SIZE);
	usage_lines(t, &u, false);
	text_printf(t, "THPeligible:           %d\n", vma_may_be_huge(v) && align_up(v->start, 2ull << 20) + (2ull << 20) <= v->end);
	flag_letters(t, v->flags);
}

int pid_smaps_show(struct text *t, struct process *p, struct thread *th) { return for_each_area(t, p, add_smap, NULL); }

struct rollup {
	struct vma_usage u;
	vaddr_t first, last;
};

static void add_rollup(struct text *t, struct vma *v, char *page, void *arg)
{
	struct rollup *r = arg;

	if (!r->last)
		r->first = v->start;
	r->last = v->end;
	vma_usage_add(v, &r->u);
}

int pid_smaps_rollup_show(struct text *t, struct process *p, struct thread *th)
{
	struct rollup r = {};
	int err = for_each_area(t, p, add_rollup, &r);
	int n;

	if (err || !r.last)
		return err;
	n = (int)t->len;
	text_printf(t, "%08llx-%08llx ---p 00000000 00:00 0", (ull)r.first, (ull)r.last);
	n = (int)t->len - n;
	text_printf(t, "%*s[rollup]\n", max(73 - n, 1), "");
	usage_lines(t, &r.u, true);
	return 0;
}

/* ---- pagemap -------------------------------------------------------------------------------- */

#define WORDS_AT_ONCE 64u

static ssize_t pagemap_read_space(struct aspace *as, struct uio *to, off_t *pos)
{
	bool show_frames = capable(CAP_SYS_ADMIN);
	u64 words[WORDS_AT_ONCE], end = arch_layout.user_end >> PAGE_SHIFT, at = (u64)*pos / 8;
	ssize_t done = 0;

	while (to->count && at < end) {
		unsigned n = (unsigned)min(min((u64)to->count / 8, (u64)WORDS_AT_ONCE), end - at);
		size_t copied;

		aspace_pagemap(as, at << PAGE_SHIFT, words, n, show_frames);
		copied = uio_copy_out(to, words, n * 8);
		done += (ssize_t)copied;
		*pos += (off_t)copied;
		at += n;
		if (copied < n * 8)
			return done ? done : -EFAULT;
		if (signal_fatal_pending(current))
			return done ? done : -EINTR;
	}
	return done;
}

static ssize_t pagemap_read(struct file *file, struct uio *to, off_t *pos)
{
	struct process *p = pid_process(file->inode);
	struct aspace *as;
	ssize_t n;

	if (!p)
		return -ESRCH;
	n = process_access(p, NULL, ACCESS_READ);
	as = n ? NULL : process_aspace_get(p);
	process_put(p);
	if (!as)
		return n;
	n = *pos % 8 || to->count % 8 ? -EINVAL : pagemap_read_space(as, to, pos);
	aspace_put(as);
	return n;
}

static off_t pagemap_seek(struct file *file, off_t off, int whence)
{
	off_t to = whence == 0 ? off : whence == 1 ? file->pos + off : -1;

	if (to < 0)
		return -EINVAL;
	return file->pos = to;
}

const struct file_ops pid_pagemap_fops = { .read = pagemap_read, .seek = pagemap_seek };
