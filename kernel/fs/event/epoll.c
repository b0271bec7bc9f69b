/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll: each watched file has an item with entries in the file's wait queues. A wake-up puts the item on the ready list and
 * wakes whoever waits; epoll_wait takes items off it, asks the file what holds now, and puts level-triggered ones back.
 * An item is off the list before its file is asked, so an edge that comes meanwhile lists it again.
 * Wake-ups list items without a lock (incoming), whoever collects holds epoll.lock.
 *
 * The item does not hold its file: the last close takes it away (epoll_file_gone, under epoll.lock), so a file whose
 * poll runs under that lock is whole even if its last reference just went.
 */
#include "epoll.h"
#include <kernel/mm.h>
#include <kernel/process.h>
#include <lib/format.h>
#include <lib/string.h>

struct spinlock epoll_items_lock = SPINLOCK_INIT("epoll-items", LOCK_FILES);
static const struct file_ops epoll_file_ops;

struct epoll *epoll_of_file(const struct file *f) { return f->ops == &epoll_file_ops ? f->private : NULL; }

void epoll_put(struct epoll *ep)
{
	if (ref_put(&ep->refs))
		kfree(ep);
}

static int compare(const struct epoll_item *i, const struct file *f, int fd)
{
	if (i->file != f)
		return (uintptr_t)f < (uintptr_t)i->file ? -1 : 1;
	return fd < i->fd ? -1 : fd > i->fd;
}

struct epoll_item *epoll_find(struct epoll *ep, const struct file *f, int fd)
{
	struct rb_node *n = ep->items.root;

	lock_assert_held(&ep->lock);
	while (n) {
		struct epoll_item *i = rb_entry(n, struct epoll_item, node);
		int c = compare(i, f, fd);

		if (!c)
			return i;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static void insert(struct epoll *ep, struct epoll_item *item)
{
	struct rb_node **link = &ep->items.root, *parent = NULL;

	spin_lock(&epoll_items_lock);
	while (*link) {
		parent = *link;
		link = compare(rb_entry(parent, struct epoll_item, node), item->file, item->fd) < 0 ? &parent->left : &parent->right;
	}
	rb_link(&item->node, parent, link);
	rb_insert_fixup(&ep->items, &item->node, NULL);
	item->next = item->file->watchers;
	item->link = &item->file->watchers;
	if (item->next)
		item->next->link = &item->next;
	atomic_store(&item->file->watchers, item);
	spin_unlock(&epoll_items_lock);
}

/* Lists the item unless it is. True: it was not. Any context, without a lock. */
static bool make_ready(struct epoll *ep, struct epoll_item *item)
{
	struct epoll_item *first;

	if (atomic_xchg(&item->is_listed, 1u))
		return false;
	first = atomic_load(&ep->incoming);
	do {
		item->incoming_next = first;
	} while (!atomic_cmpxchg(&ep->incoming, &first, item));	/* release pairs with take_incoming's acquire */
	return true;
}

/* What wake-ups listed goes to the end of the ready list, in their order. */
static __noinline void move_incoming(struct epoll *ep)
{
	struct list *end = ep->ready.prev;
	struct epoll_item *item, *next;

	for (item = atomic_xchg(&ep->incoming, (struct epoll_item *)NULL); item; item = next) {
		next = item->incoming_next;
		list_push_front(end, &item->ready_link);	/* behind what was the last: newest first becomes oldest first */
	}
}

static inline void take_incoming(struct epoll *ep)
{
	if (unlikely(atomic_load(&ep->incoming)))
		move_incoming(ep);
}

static bool has_ready(const struct epoll *ep) { return atomic_load(&ep->incoming) || !list_empty(&ep->ready); }

static void tell(struct epoll *ep)
{
	waitq_wake(&ep->wait, 1, POLLIN | POLLRDNORM);
	waitq_wake(&ep->poll_wait, 1, POLLIN | POLLRDNORM);
}

/* A watched file wakes with events (all bits: it does not say which). Its queue's lock is held. */
static bool __hot item_wake(struct waitq_entry *e, u32 events)
{
	struct epoll_item *item = e->data;
	struct epoll *ep = item->ep;
	u32 wanted = atomic_load(&item->events);
	bool has_waiter;

	if (!(wanted & ~EPOLL_MODES) || !(wanted & events))
		return false;
	has_waiter = !waitq_is_empty(&ep->wait);
	(void)make_ready(ep, item);
	tell(ep);
	/* Exclusive: counts only if somebody here will look, and at what this wake-up is about. */
	if (!(wanted & EPOLLEXCLUSIVE))
		return true;
	events &= POLLIN | POLLOUT;
	return has_waiter && (!events || events & wanted || events == (POLLIN | POLLOUT));
}

/* A poll_table that enters an item into the queues. */
struct item_table {
	struct poll_table table;
	struct epoll_item *item;
};

static void item_queue(struct poll_table *t, struct file *f, struct waitq *q)
{
	struct epoll_item *item = container_of(t, struct item_table, table)->item;
	struct epoll_queue *eq;

	if (item->nr_queues == EPOLL_QUEUES) {
		item->overflow = true;
		return;
	}
	eq = &item->queues[item->nr_queues++];
	eq->q = q;
	eq->entry = (struct waitq_entry){ .wake = item_wake, .data = item, .stays = true };
	eq->entry.exclusive = item->events & EPOLLEXCLUSIVE;
	waitq_add(q, &eq->entry);
}

/* What the item would report now. */
static inline u32 item_events(struct epoll_item *item)
{
	struct file *f = item->file;

	return f->ops->poll(f, NULL) & item->events & ~EPOLL_MODES;
}

int epoll_add(struct epoll *ep, struct file *f, int fd, u32 events, u64 data)
{
	struct epoll_item *item = kzalloc(sizeof(*item), 0);
	struct item_table t = { .table = { .queue = item_queue }, .item = item };
	u32 now;

	lock_assert_held(&ep->lock);
	if (!item)
		return -ENOMEM;
	item->ep = ep;
	item->file = f;
	item->fd = fd;
	item->events = events | POLLERR | POLLHUP;
	item->data = data;
	list_init(&item->ready_link);
	insert(ep, item);
	now = file_poll(f, &t.table) & item->events & ~EPOLL_MODES;
	if (item->overflow) {
		epoll_remove(item);
		return -ENOMEM;
	}
	if (now && make_ready(ep, item))
		tell(ep);
	return 0;
}

void epoll_change(struct epoll_item *item, u32 events, u64 data)
{
	struct epoll *ep = item->ep;

	lock_assert_held(&ep->lock);
	atomic_store(&item->events, events | POLLERR | POLLHUP);
	item->data = data;
	atomic_fence_full();	/* the new mask before the look: a wake-up that comes now uses it */
	if (item_events(item) && make_ready(ep, item))
		tell(ep);
}

void epoll_remove(struct epoll_item *item)
{
	struct epoll *ep = item->ep;

	lock_assert_held(&ep->lock);
	for (u32 i = 0; i < item->nr_queues; i++)
		waitq_remove(item->queues[i].q, &item->queues[i].entry);
	spin_lock(&epoll_items_lock);
	atomic_store(item->link, item->next);
	if (item->next)
		item->next->link = item->link;
	rb_remove(&ep->items, &item->node, NULL);
	spin_unlock(&epoll_items_lock);
	take_incoming(ep);	/* no wake-up of it is under way any more: they run under the queues' locks */
	list_remove(&item->ready_link);
	kfree(item);
}

/* An epoll that watches f, referenced, or NULL. */
static struct epoll *watcher_of(struct file *f)
{
	struct epoll *ep = NULL;

	spin_lock(&epoll_items_lock);
	if (f->watchers) {
		ep = f->watchers->ep;
		ref_get(&ep->refs);
	}
	spin_unlock(&epoll_items_lock);
	return ep;
}

/* One item of ep on f; ep->lock held keeps it. */
static struct epoll_item *item_on(struct epoll *ep, struct file *f)
{
	struct epoll_item *i;

	spin_lock(&epoll_items_lock);
	for (i = f->watchers; i && i->ep != ep; i = i->next)
		;
	spin_unlock(&epoll_items_lock);
	return i;
}

void epoll_file_gone(struct file *f)
{
	struct epoll_item *i;
	struct epoll *ep;

	while ((ep = watcher_of(f))) {
		mutex_lock(&ep->lock);
		while ((i = item_on(ep, f)))
			epoll_remove(i);
		mutex_unlock(&ep->lock);
		epoll_put(ep);
	}
}

/* Takes item off the list and asks its file for the events to report; a wake-up from now on lists it again. */
static inline u32 take_item(struct epoll_item *item)
{
	list_remove(&item->ready_link);
	/* The look comes after it; a wake-up that lost to the older 1 came before. */
	(void)atomic_xchg(&item->is_listed, 0u);
	return item_events(item);
}

static inline struct epoll_item *first_item(const struct epoll *ep)
{
	struct list *first = ep->ready.next;

	return first == &ep->ready ? NULL : list_entry(first, struct epoll_item, ready_link);
}

/* An item with events goes to the user. True: stays on the list (level-triggered). */
static bool after_report(struct epoll_item *item)
{
	if (item->events & EPOLLONESHOT)
		atomic_store(&item->events, item->events & EPOLL_MODES);
	return !(item->events & (EPOLLET | EPOLLONESHOT));
}

static int put_event(struct user_epoll_event __user *out, u32 events, u64 data)
{
	struct user_epoll_event e;

	__builtin_memset(&e, 0, sizeof(e));
	e.events = events;
	e.data = data;
	return copy_to_user(out, &e, sizeof(e));
}

static int __hot send_events(struct epoll *ep, struct user_epoll_event __user *out, u32 max)
{
	struct epoll_item *item, *stop = NULL;	/* stop: the first that has had its turn */
	bool is_left;
	u32 events;
	int n = 0;

	mutex_lock(&ep->lock);
	take_incoming(ep);
	while (n < (int)max && (item = first_item(ep)) && item != stop) {
		events = take_item(item);
		if (!events)
			continue;
		if (unlikely(put_event(out + n, events, item->data))) {
			(void)make_ready(ep, item);
			n = n ? n : -EFAULT;
			break;
		}
		n++;
		if (after_report(item) && !atomic_xchg(&item->is_listed, 1u)) {
			list_push_back(&ep->ready, &item->ready_link);
			if (!stop)
				stop = item;
		}
	}
	is_left = has_ready(ep);
	mutex_unlock(&ep->lock);
	if (is_left && !waitq_is_empty(&ep->wait))
		waitq_wake(&ep->wait, 1, POLLIN | POLLRDNORM);
	return n;
}

int __hot epoll_collect(struct epoll *ep, struct user_epoll_event __user *out, u32 max, u64 deadline)
{
	int n;

	while (1) {
		if (has_ready(ep)) {
			n = send_events(ep, out, max);
			if (n)
				return n;
		}
		if (deadline == 0)
			return 0;
		n = waitq_wait_until(&ep->wait, has_ready(ep), SLEEP_INTERRUPTIBLE, deadline, true);
		if (n)
			return n == -ETIMEDOUT ? 0 : n;
	}
}

/* Readable when an item has events; stale ones leave the list. */
static u32 epoll_poll(struct file *f, struct poll_table *t)
{
	struct epoll *ep = f->private;
	struct epoll_item *item;
	u32 events = 0;

	poll_wait(t, f, &ep->poll_wait);
	if (!has_ready(ep))
		return 0;
	mutex_lock(&ep->lock);		/* below an outer epoll's: never in a circle */
	take_incoming(ep);
	while (!events && (item = first_item(ep)))
		if (take_item(item)) {
			events = POLLIN | POLLRDNORM;
			if (!atomic_xchg(&item->is_listed, 1u))
				list_push_front(&ep->ready, &item->ready_link);
		}
	mutex_unlock(&ep->lock);
	return events;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->private;
	struct rb_node *n;

	mutex_lock(&ep->lock);
	ep->is_gone = true;
	while ((n = rb_first(&ep->items)))
		epoll_remove(rb_entry(n, struct epoll_item, node));
	mutex_unlock(&ep->lock);
	epoll_put(ep);
}

static int epoll_fdinfo(struct file *f, char *buf, size_t size)
{
	struct epoll *ep = f->private;
	int at = 0;

	spin_lock(&epoll_items_lock);	/* the reader of /proc holds what ranks above ep->lock */
	for (struct rb_node *n = rb_first(&ep->items); n && at < (int)size; n = rb_next(n)) {
		const struct epoll_item *i = rb_entry(n, struct epoll_item, node);

		at += snprintf(buf + at, size - (size_t)at, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx sdev:%x\n",
			       i->fd, i->events, (unsigned long long)i->data, (long long)i->file->pos,
			       (unsigned long long)i->file->inode->ino, (u32)i->file->inode->sb->dev);
	}
	spin_unlock(&epoll_items_lock);
	return min(at, (int)size);
}

static const struct file_ops epoll_file_ops = {
	.release = epoll_release,
	.poll = epoll_poll,
	.show_fdinfo = epoll_fdinfo,
};

struct file *epoll_file_new(void)
{
	struct epoll *ep = kzalloc(sizeof(*ep), 0);
	struct file *f;

	if (!ep)
		return err_ptr(-ENOMEM);
	ref_set(&ep->refs, 1);
	mutex_init(&ep->lock, "epoll", LOCK_EPOLL);
	list_init(&ep->ready);
	waitq_init(&ep->wait);
	waitq_init(&ep->poll_wait);
	f = file_anon("anon_inode:[eventpoll]", &epoll_file_ops, ep, O_RDWR, 0600);
	if (is_err(f))
		kfree(ep);
	else
		ep->file = f;
	return f;
}
