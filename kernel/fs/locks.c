/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks: flock (whole file, owned by the open file), POSIX records (byte ranges, owned by the
 * descriptor table) and open-file-description records. One list per inode, ordered by nothing; each inode's
 * struct file_locks has its own spin lock (LOCK_INODE_STATE) and wait queue.
 */
#include "vfs.h"
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/waitq.h>

enum lock_kind { KIND_FLOCK, KIND_RECORD };
struct file_lock {
	struct list link;
	enum lock_kind kind;
	const void *owner;	/* struct file, or struct fd_table for POSIX records */
	bool is_write;
	u64 start, end;		/* inclusive */
	pid_t pid;		/* -1: open file description */
};
struct file_locks {
	struct spinlock lock;
	struct list list;
	struct waitq wait;
};

static struct file_locks *locks_of(struct inode *i, bool make)
{
	struct file_locks *fresh, *none = NULL, *l = atomic_load_acquire(&i->locks);	/* pairs with the exchange below */

	if (l || !make)
		return l;
	fresh = kzalloc(sizeof(*fresh), 0);
	if (!fresh)
		return NULL;
	spin_init(&fresh->lock, "file-locks", LOCK_INODE_STATE);
	list_init(&fresh->list);
	waitq_init(&fresh->wait);
	if (!atomic_cmpxchg(&i->locks, &none, fresh))
		kfree(fresh);
	return i->locks;
}

void locks_inode_free(struct inode *i) { kfree(i->locks); }

static bool conflicts(const struct file_lock *a, const struct file_lock *b)
{
	return a->kind == b->kind && a->owner != b->owner && (a->is_write || b->is_write) &&
	       a->start <= b->end && b->start <= a->end;
}

static struct file_lock *find_conflict(struct file_locks *ls, const struct file_lock *want)
{
	struct file_lock *l;

	list_for_each(l, &ls->list, link)
		if (conflicts(l, want))
			return l;
	return NULL;
}

/*
 * Takes [want->start, want->end] away from the owner's locks. spare is used when one is split in two.
 * True if anything changed. Lock held; freed ones are collected.
 */
static bool carve(struct file_locks *ls, const struct file_lock *want, struct file_lock **spare, struct list *freed)
{
	struct file_lock *l, *next;
	bool changed = false;

	list_for_each_safe(l, next, &ls->list, link) {
		if (l->kind != want->kind || l->owner != want->owner || l->start > want->end || l->end < want->start)
			continue;
		changed = true;
		if (l->start < want->start && l->end > want->end) {
			struct file_lock *tail = *spare;

			*spare = NULL;
			*tail = *l;
			tail->start = want->end + 1;
			l->end = want->start - 1;
			list_push_back(&ls->list, &tail->link);
		} else if (l->start < want->start) {
			l->end = want->start - 1;
		} else if (l->end > want->end) {
			l->start = want->end + 1;
		} else {
			list_remove(&l->link);
			list_push_back(freed, &l->link);
		}
	}
	return changed;
}

static void free_all(struct list *freed)
{
	struct file_lock *l;

	while ((l = list_first(freed, struct file_lock, link))) {
		list_remove(&l->link);
		kfree(l);
	}
}

/* Joins what touches and has the same type, so that lists stay short. Lock held. */
static void merge(struct file_locks *ls, struct file_lock *mine, struct list *freed)
{
	struct file_lock *l, *next;

	list_for_each_safe(l, next, &ls->list, link) {
		if (l == mine || l->kind != mine->kind || l->owner != mine->owner || l->is_write != mine->is_write)
			continue;
		if ((l->end != U64_MAX && l->end + 1 == mine->start) || (mine->end != U64_MAX && mine->end + 1 == l->start)) {
			mine->start = min(mine->start, l->start);
			mine->end = max(mine->end, l->end);
			list_remove(&l->link);
			list_push_back(freed, &l->link);
		}
	}
}

/* One try. 0, -EAGAIN (somebody else has it), -ENOLCK. */
static int try_set(struct file_locks *ls, const struct file_lock *want, bool unlock)
{
	struct file_lock *fresh = unlock ? NULL : kzalloc(sizeof(*fresh), 0), *spare = kzalloc(sizeof(*spare), 0);
	struct list freed;
	bool changed;
	int err = 0;

	list_init(&freed);
	if (!spare || (!unlock && !fresh)) {
		kfree(fresh);
		kfree(spare);
		return -ENOLCK;
	}
	spin_lock(&ls->lock);
	if (!unlock && find_conflict(ls, want)) {
		err = -EAGAIN;
		changed = false;
	} else {
		changed = carve(ls, want, &spare, &freed);
		if (fresh) {
			*fresh = *want;
			list_push_back(&ls->list, &fresh->link);
			merge(ls, fresh, &freed);
			fresh = NULL;
		}
	}
	spin_unlock(&ls->lock);
	free_all(&freed);
	kfree(fresh);
	kfree(spare);
	if (changed)
		waitq_wake_all(&ls->wait);
	return err;
}

static bool is_free(struct file_locks *ls, const struct file_lock *want)
{
	bool r;

	spin_lock(&ls->lock);
	r = !find_conflict(ls, want);
	spin_unlock(&ls->lock);
	return r;
}

static int set_lock(struct inode *i, const struct file_lock *want, bool unlock, bool wait)
{
	struct file_locks *ls = locks_of(i, !unlock);
	int err;

	if (!ls)
		return unlock ? 0 : -ENOLCK;
	while ((err = try_set(ls, want, unlock)) == -EAGAIN && wait)
		if (waitq_wait_interruptible(&ls->wait, is_free(ls, want)))
			return -ERESTARTSYS;
	return err;
}

int locks_flock(struct file *f, int operation)
{
	struct file_lock want = { .kind = KIND_FLOCK, .owner = f, .end = U64_MAX };
	int op = operation & ~LOCK_NB;

	if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
		return -EINVAL;
	if (current_process())
		want.pid = current_process()->pid;
	want.is_write = op == LOCK_EX;
	return set_lock(f->inode, &want, op == LOCK_UN, !(operation & LOCK_NB));
}

static int range_of(struct file *f, const struct user_flock *fl, u64 *start, u64 *end)
{
	s64 base = fl->l_whence == SEEK_SET ? 0 : fl->l_whence == SEEK_CUR ? f->pos :
		   fl->l_whence == SEEK_END ? (s64)f->inode->size : -1, last;

	if (base < 0 || __builtin_add_overflow(base, fl->l_start, &base))
		return -EINVAL;
	if (fl->l_len < 0) {
		last = base - 1;
		base += fl->l_len;
	} else if (fl->l_len == 0) {
		last = -1;		/* to the end, wherever that will be */
	} else if (__builtin_add_overflow(base, fl->l_len - 1, &last)) {
		return -EOVERFLOW;
	}
	if (base < 0)
		return -EINVAL;
	*start = (u64)base;
	*end = (u64)last;
	return 0;
}

static int get_lock(struct file *f, struct file_lock *want, struct user_flock *fl)
{
	struct file_locks *ls = locks_of(f->inode, false);
	struct file_lock *l;

	fl->l_type = F_UNLCK;
	if (!ls)
		return 0;
	spin_lock(&ls->lock);
	l = find_conflict(ls, want);
	if (l) {
		fl->l_type = l->is_write ? F_WRLCK : F_RDLCK;
		fl->l_whence = SEEK_SET;
		fl->l_start = (s64)l->start;
		fl->l_len = l->end == U64_MAX ? 0 : (s64)(l->end - l->start + 1);
		fl->l_pid = l->pid;
	}
	spin_unlock(&ls->lock);
	return 0;
}

int locks_posix(struct file *f, int cmd, struct user_flock *fl)
{
	bool is_ofd = cmd >= F_OFD_GETLK;
	struct file_lock want = { .kind = KIND_RECORD, .owner = is_ofd ? (void *)f : (void *)current_process()->files };
	int err = range_of(f, fl, &want.start, &want.end);

	if (err)
		return err;
	if (is_ofd && fl->l_pid)
		return -EINVAL;
	want.pid = is_ofd ? -1 : current_process()->pid;
	want.is_write = fl->l_type == F_WRLCK;
	if (fl->l_type != F_RDLCK && fl->l_type != F_WRLCK && fl->l_type != F_UNLCK)
		return -EINVAL;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return fl->l_type == F_UNLCK ? -EINVAL : get_lock(f, &want, fl);
	if ((fl->l_type == F_RDLCK && !(f->mode & FMODE_READ)) || (fl->l_type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	return set_lock(f->inode, &want, fl->l_type == F_UNLCK, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

static void drop_owner(struct inode *i, const void *owner)
{
	struct file_locks *ls = i ? locks_of(i, false) : NULL;
	struct file_lock *l, *next;
	struct list freed;

	if (!ls || list_empty(&ls->list))
		return;
	list_init(&freed);
	spin_lock(&ls->lock);
	list_for_each_safe(l, next, &ls->list, link)
		if (l->owner == owner) {
			list_remove(&l->link);
			list_push_back(&freed, &l->link);
		}
	spin_unlock(&ls->lock);
	if (!list_empty(&freed)) {
		free_all(&freed);
		waitq_wake_all(&ls->wait);
	}
}

void locks_file_closed(struct file *f) { drop_owner(f->inode, f); }
void locks_fd_closed(struct file *f, void *owner) { drop_owner(f->inode, owner); }
