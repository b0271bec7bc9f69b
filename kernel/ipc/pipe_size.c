/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How large a pipe is: its first ring, F_SETPIPE_SZ, and what one user's pipes may hold together (proc(5), pipe-max-size
 * and pipe-user-pages-*; pipe(7)). Pages are counted by the ring's size, whether it is full or not.
 */
#include <kernel/cred.h>
#include <kernel/mm.h>
#include <kernel/pipe.h>
#include <kernel/user.h>
#include <uapi/capability.h>
#include "pipe.h"

#define PIPE_SIZE 65536u
#define PIPE_SIZE_MIN (2 * PAGE_SIZE)	/* of who has too many pages in pipes */
#define PIPE_SIZE_LIMIT (1ull << 31)

u64 pipe_max_size = 1u << 20;
u64 pipe_user_pages_soft = 16384, pipe_user_pages_hard;	/* 0: no limit */

static bool is_privileged(void) { return capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN); }

static u64 limit(const u64 *setting)
{
	u64 pages = READ_ONCE(*setting);

	return pages && !is_privileged() ? pages : U64_MAX;
}

static u64 whole(u64 bytes)
{
	u64 size = PAGE_SIZE;

	while (size < bytes)
		size *= 2;
	return size;
}

/* Charges a new pipe's pages; fewer for who is above the soft limit. The ring's size, or 0: above the hard one. */
static u64 charge_new(struct user *u)
{
	u64 size = PIPE_SIZE;

	if (size > READ_ONCE(pipe_max_size) && !capable(CAP_SYS_RESOURCE))
		size = READ_ONCE(pipe_max_size);
	if (!user_add_limited(u, USER_PIPE_PAGES, size >> PAGE_SHIFT, limit(&pipe_user_pages_soft))) {
		size = min(size, (u64)PIPE_SIZE_MIN);
		user_add(u, USER_PIPE_PAGES, (s64)(size >> PAGE_SHIFT));
	}
	if (user_add(u, USER_PIPE_PAGES, 0) <= limit(&pipe_user_pages_hard))
		return size;
	user_add(u, USER_PIPE_PAGES, -(s64)(size >> PAGE_SHIFT));
	return 0;
}

int pipe_size_begin(struct pipe *p)
{
	int err = -ENOMEM;

	p->user = user_get(cred_current()->uid);
	if (!p->user)
		return err;
	p->size = charge_new(p->user);
	if (p->size) {
		p->pages = kcalloc(p->size >> PAGE_SHIFT, sizeof(struct page *), 0);
		if (p->pages)
			return 0;
		user_add(p->user, USER_PIPE_PAGES, -(s64)(p->size >> PAGE_SHIFT));
	} else {
		err = -ENFILE;
	}
	user_put(p->user);
	return err;
}

static void put_pages(struct pipe *p)
{
	for (u64 i = 0; i < p->size >> PAGE_SHIFT; i++)
		if (p->pages[i])
			page_put(p->pages[i]);
	kfree(p->pages);
}

void pipe_size_end(struct pipe *p)
{
	put_pages(p);
	user_add(p->user, USER_PIPE_PAGES, -(s64)(p->size >> PAGE_SHIFT));
	user_put(p->user);
}

int pipe_get_size(struct file *f) { return (int)READ_ONCE(pipe_of(f)->size); }

/* Lock held. The bytes inside move to the front of pages, a ring of size bytes. */
static void move_to(struct pipe *p, struct page **pages, u64 size)
{
	u64 have = pipe_used(p), n = 0;

	/* Whole pages move; the positions become small numbers with the same place in their page. */
	for (u64 at = p->tail & PAGE_MASK; at < p->head; at += PAGE_SIZE) {
		struct page **slot = &p->pages[(at & (p->size - 1)) >> PAGE_SHIFT];

		pages[n++] = *slot;
		*slot = NULL;
	}
	put_pages(p);
	p->pages = pages;
	atomic_store(&p->tail, p->tail & ~PAGE_MASK);
	atomic_store(&p->head, p->tail + have);
	WRITE_ONCE(p->size, size);
}

/* Lock held. Counts the pages that a ring of size bytes has more or less. -EPERM: more than the user may have. */
static int charge_change(struct pipe *p, u64 size)
{
	s64 more = (s64)(size >> PAGE_SHIFT) - (s64)(p->size >> PAGE_SHIFT);
	u64 most = min(limit(&pipe_user_pages_soft), limit(&pipe_user_pages_hard));

	if (more <= 0)
		user_add(p->user, USER_PIPE_PAGES, more);
	else if (!user_add_limited(p->user, USER_PIPE_PAGES, (u64)more, most))
		return -EPERM;
	return 0;
}

int pipe_set_size(struct file *f, u64 want)
{
	struct pipe *p = pipe_of(f);
	struct page **pages;
	u64 size;
	int err;

	if (want > PIPE_SIZE_LIMIT)
		return -EINVAL;
	size = whole(want);
	if (size > READ_ONCE(p->size) && size > READ_ONCE(pipe_max_size) && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	pages = kcalloc(size >> PAGE_SHIFT, sizeof(*pages), 0);
	if (!pages)
		return -ENOMEM;
	mutex_lock(&p->lock);
	err = p->is_draining || p->is_filling || (p->tail & ~PAGE_MASK) + pipe_used(p) > min(size, p->size) ? -EBUSY : 0;
	if (!err)
		err = charge_change(p, size);
	if (!err)
		move_to(p, pages, size);
	mutex_unlock(&p->lock);
	if (err) {
		kfree(pages);
		return err;
	}
	waitq_wake_all(&p->write_wait);
	return (int)size;
}

int pipe_set_max_size(u64 bytes)
{
	if (bytes > PIPE_SIZE_LIMIT)
		return -EINVAL;
	WRITE_ONCE(pipe_max_size, whole(bytes));
	return 0;
}
