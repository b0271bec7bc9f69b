/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify: instances with a queue of events, watches on inodes. A watch holds its inode, not the name by which it
 * was found. The calls are sys_inotify.c's; what reports events is listed in <kernel/notify.h>.
 * Lock: inotify_lock guards everything: watches of inodes, of instances, the queues. Events are allocated under it from
 * what is free at once; without memory the queue gets its overflow event, as when it is full.
 */
#include "inotify.h"
#include <kernel/mm.h>
#include <lib/string.h>

struct spinlock inotify_lock = SPINLOCK_INIT("inotify", LOCK_MISC);
u32 inotify_watches;
u64 inotify_max_events = 16384;		/* fs.inotify.max_queued_events */
static struct list dead = LIST_INIT(dead);	/* watches that ended where nothing may sleep; put by inotify_reap */
static u32 last_cookie;

u32 notify_cookie(void) { return __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED); }

static bool is_same(const struct inotify_event *e, s32 wd, u32 mask, const char *name, u32 len)
{
	return e->wd == wd && e->mask == mask && !(mask & IN_IGNORED) && e->name_len == len && !memcmp(e->name, name, len);
}

static void overflow(struct inotify *in)
{
	if (in->overflow.is_queued)
		return;
	in->overflow = (struct inotify_event){ .wd = -1, .mask = IN_Q_OVERFLOW, .is_queued = true };
	list_push_back(&in->events, &in->overflow.link);
	in->nr_events++;
}

void inotify_queue(struct inotify *in, s32 wd, u32 mask, u32 cookie, const char *name, u32 len)
{
	struct inotify_event *e;

	lock_assert_held(&inotify_lock);
	if (!list_empty(&in->events) && is_same(list_entry(in->events.prev, struct inotify_event, link), wd, mask, name, len))
		return;
	e = in->nr_events < atomic_load(&inotify_max_events) ? kmalloc(sizeof(*e) + len, ALLOC_ATOMIC) : NULL;
	if (!e) {
		overflow(in);
	} else {
		*e = (struct inotify_event){ .wd = wd, .mask = mask, .cookie = cookie, .name_len = len };
		memcpy(e->name, name, len);
		list_push_back(&in->events, &e->link);
		in->nr_events++;
	}
	waitq_wake(&in->wait, 1, POLLIN | POLLRDNORM);
}

void inotify_event_free(struct inotify *in, struct inotify_event *e)
{
	if (e == &in->overflow)
		e->is_queued = false;
	else
		kfree(e);
}

/* Takes w out of its lists and tells its owner; the caller puts the inode and frees it. */
void inotify_detach(struct inotify_watch *w)
{
	struct inotify_watch **at = &w->inode->watches;

	lock_assert_held(&inotify_lock);
	while (*at != w)
		at = &(*at)->next_on_inode;
	*at = w->next_on_inode;
	list_remove(&w->link);
	w->owner->nr_watches--;
	user_add(w->owner->user, USER_INOTIFY_WATCHES, -1);
	atomic_store(&inotify_watches, inotify_watches - 1);
	inotify_queue(w->owner, w->wd, IN_IGNORED, 0, "", 0);
}

void inotify_watch_free(struct inotify_watch *w)
{
	inode_put(w->inode);
	kfree(w);
}

void inotify_reap(void)
{
	struct list gone = LIST_INIT(gone), *l;

	if (list_empty(&dead))
		return;
	spin_lock(&inotify_lock);
	list_splice_back(&gone, &dead);
	spin_unlock(&inotify_lock);
	while ((l = list_pop_front(&gone)))
		inotify_watch_free(list_entry(l, struct inotify_watch, link));
}

/* inotify_lock held. unlinked: the child has lost its name. */
static void deliver(struct inode *i, u32 mask, u32 cookie, const char *name, u32 len, bool unlinked)
{
	struct inotify_watch *w, *next;

	for (w = i->watches; w; w = next) {
		next = w->next_on_inode;
		if (!(w->mask & mask & IN_ALL_EVENTS) || (unlinked && w->mask & IN_EXCL_UNLINK))
			continue;
		inotify_queue(w->owner, w->wd, mask, cookie, name, len);
		if (w->mask & IN_ONESHOT) {
			inotify_detach(w);
			list_push_back(&dead, &w->link);
		}
	}
}

void notify_dentry_slow(struct dentry *d, u32 mask)
{
	struct inode *dir;

	spin_lock(&d->lock);		/* keeps name, parent and inode */
	if (d->inode) {
		if (S_ISDIR(d->inode->mode))
			mask |= IN_ISDIR;
		dir = d->parent != d ? d->parent->inode : NULL;
		spin_lock(&inotify_lock);
		if (dir && dir->watches)
			deliver(dir, mask, 0, d->name, d->name_len, d->flags & DENTRY_UNHASHED && !d->inode->nlink);
		if (d->inode->watches)
			deliver(d->inode, mask, 0, "", 0, false);
		spin_unlock(&inotify_lock);
	}
	spin_unlock(&d->lock);
}

void notify_inode(struct inode *i, u32 mask)
{
	if (!notify_is_on())
		return;
	if (S_ISDIR(i->mode) && mask != IN_MOVE_SELF)	/* as Linux */
		mask |= IN_ISDIR;
	spin_lock(&inotify_lock);
	deliver(i, mask, 0, "", 0, false);
	spin_unlock(&inotify_lock);
}

void notify_name(struct inode *dir, const struct inode *child, u32 mask, u32 cookie, const char *name, u32 len)
{
	if (!notify_is_on())
		return;
	if (child && S_ISDIR(child->mode))
		mask |= IN_ISDIR;
	spin_lock(&inotify_lock);
	deliver(dir, mask, cookie, name, len, false);
	spin_unlock(&inotify_lock);
}

/* Ends all watches of i with a last event. */
static void end_watches(struct inode *i, u32 mask)
{
	bool is_unmount = mask == IN_UNMOUNT;
	struct inotify_watch *w;

	if (is_unmount && S_ISDIR(i->mode))
		mask |= IN_ISDIR;
	while (1) {
		spin_lock(&inotify_lock);
		w = i->watches;
		if (w) {
			if (is_unmount || w->mask & mask)
				inotify_queue(w->owner, w->wd, mask, 0, "", 0);
			inotify_detach(w);
		}
		spin_unlock(&inotify_lock);
		if (!w)
			return;
		inotify_watch_free(w);
	}
}

void notify_inode_gone(struct inode *i)
{
	if (notify_is_on() && atomic_load(&i->watches))
		end_watches(i, IN_DELETE_SELF);
}

void notify_super_gone(struct super_block *sb)
{
	struct inotify_watch *w;
	struct inotify *in;
	struct inode *i;

	inotify_reap();
	while (notify_is_on()) {
		i = NULL;
		spin_lock(&inotify_lock);
		list_for_each(in, &inotify_all, all_link)
			list_for_each(w, &in->watches, link)
				if (w->inode->sb == sb)
					i = w->inode;
		if (i)
			inode_get(i);
		spin_unlock(&inotify_lock);
		if (!i)
			return;
		end_watches(i, IN_UNMOUNT);
		inode_put(i);
	}
}
