/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables. Changes are made under table.lock; fd_get only reads, inside an epoch section:
 * arrays and files are freed after one. A larger array is published before the larger capacity.
 */
#include "vfs.h"
#include <kernel/process.h>

#define FD_FIRST 32u

u64 fd_max = FD_LIMIT;

/* A slot that is taken but has no file yet has its bit in `open` and NULL in `files`. */
struct fd_arrays {
	struct epoch_head epoch;
	struct file *files[];	/* then the two bitmaps */
};

static struct fd_arrays *arrays_of(struct file **files)
{
	return container_of((void *)files, struct fd_arrays, files);
}

static void arrays_free(struct epoch_head *h) { kfree(container_of(h, struct fd_arrays, epoch)); }

static size_t arrays_size(u32 capacity)
{
	return sizeof(struct fd_arrays) + capacity * sizeof(struct file *) + 2 * BITMAP_WORDS(capacity) * sizeof(u64);
}

static struct fd_table *table_alloc(u32 capacity)
{
	struct fd_table *t = kzalloc(sizeof(*t), 0);
	struct fd_arrays *a = t ? kzalloc(arrays_size(capacity), 0) : NULL;

	if (!a) {
		kfree(t);
		return NULL;
	}
	ref_set(&t->refs, 1);
	spin_init(&t->lock, "files", LOCK_FILES);
	t->files = a->files;
	t->open = (u64 *)(a->files + capacity);
	t->close_on_exec = t->open + BITMAP_WORDS(capacity);
	t->capacity = capacity;
	return t;
}

struct fd_table *fd_table_new(void) { return table_alloc(FD_FIRST); }

/* Makes room for descriptor fd. Lock held; dropped and taken again around the allocation. */
static int table_grow(struct fd_table *t, u32 fd)
{
	u32 capacity = t->capacity, old;
	struct fd_arrays *a, *before;
	u64 *open, *cloexec;

	while (capacity <= fd)
		capacity *= 2;
	spin_unlock(&t->lock);
	a = kzalloc(arrays_size(capacity), 0);
	spin_lock(&t->lock);
	if (!a)
		return -ENOMEM;
	old = t->capacity;
	if (old >= capacity) {
		kfree(a);
		return 0;
	}
	open = (u64 *)(a->files + capacity);
	cloexec = open + BITMAP_WORDS(capacity);
	memcpy(a->files, t->files, old * sizeof(struct file *));
	memcpy(open, t->open, BITMAP_WORDS(old) * sizeof(u64));
	memcpy(cloexec, t->close_on_exec, BITMAP_WORDS(old) * sizeof(u64));
	before = arrays_of(t->files);
	t->open = open;
	t->close_on_exec = cloexec;
	atomic_store_release(&t->files, a->files);
	atomic_store_release(&t->capacity, capacity);	/* pairs with the acquire in table_get */
	epoch_defer(&before->epoch, arrays_free);
	return 0;
}

struct fd_table *fd_table_copy(struct fd_table *t)
{
	struct fd_table *copy;
	u32 capacity, n;

	do {
		capacity = atomic_load(&t->capacity);
		copy = table_alloc(capacity);
		if (!copy)
			return NULL;
		spin_lock(&t->lock);
		if (t->capacity == capacity)
			break;
		spin_unlock(&t->lock);
		kfree(arrays_of(copy->files));
		kfree(copy);
	} while (1);
	memcpy(copy->close_on_exec, t->close_on_exec, BITMAP_WORDS(capacity) * sizeof(u64));
	for (n = (u32)bitmap_find_set(t->open, capacity, 0); n < capacity; n = (u32)bitmap_find_set(t->open, capacity, n + 1))
		if (t->files[n]) {	/* a reserved slot of a running open is not inherited */
			copy->files[n] = file_get(t->files[n]);
			bitmap_set(copy->open, n);
		}
	copy->next_free = 0;
	spin_unlock(&t->lock);
	return copy;
}

static void close_file(struct file *f, struct fd_table *owner)
{
	if (!(f->mode & FMODE_PATH)) {
		if (f->ops->flush)
			(void)f->ops->flush(f);
		locks_fd_closed(f, owner);
	}
	file_put(f);
}

void fd_table_put(struct fd_table *t)
{
	if (!t || !ref_put(&t->refs))
		return;
	for (u32 n = 0; n < t->capacity; n++)
		if (t->files[n])
			close_file(t->files[n], t);
	epoch_defer(&arrays_of(t->files)->epoch, arrays_free);
	kfree(t);
}

/* Takes the file out of slot fd; NULL: none there. Lock held. */
static struct file *take_slot(struct fd_table *t, u32 fd)
{
	struct file *f = fd < t->capacity ? t->files[fd] : NULL;

	if (!f)
		return NULL;
	atomic_store(&t->files[fd], (struct file *)NULL);
	bitmap_clear(t->open, fd);
	bitmap_clear(t->close_on_exec, fd);
	if (fd < t->next_free)
		t->next_free = fd;
	return f;
}

void fd_table_close_on_exec(struct fd_table *t)
{
	struct file *f;
	u32 n = 0;

	while (1) {
		spin_lock(&t->lock);
		n = (u32)bitmap_find_set(t->close_on_exec, t->capacity, n);
		if (n >= t->capacity) {
			spin_unlock(&t->lock);
			return;
		}
		f = take_slot(t, n);
		bitmap_clear(t->close_on_exec, n);
		spin_unlock(&t->lock);
		if (f)
			close_file(f, t);
		n++;
	}
}

/* Reserves the lowest free number in [from, limit). Lock held, but for a while not where the table has to grow. */
static __always_inline int reserve(struct fd_table *t, u32 from, u32 limit, bool cloexec)
{
	u32 fd;
	int err;

	while (1) {
		fd = (u32)bitmap_find_clear(t->open, t->capacity, max(from, t->next_free));
		if (fd < from)
			fd = from;
		if (fd >= limit || fd >= READ_ONCE(fd_max))
			return -EMFILE;
		if (likely(fd < t->capacity))
			break;
		err = table_grow(t, fd);
		if (err)
			return err;
	}
	bitmap_set(t->open, fd);
	if (cloexec)
		bitmap_set(t->close_on_exec, fd);
	else
		bitmap_clear(t->close_on_exec, fd);
	if (from <= t->next_free)
		t->next_free = fd + 1;
	return (int)fd;
}

int fd_table_reserve(struct fd_table *t, u32 from, u32 limit, bool cloexec)
{
	int fd;

	spin_lock(&t->lock);
	fd = reserve(t, from, limit, cloexec);
	spin_unlock(&t->lock);
	return fd;
}

/* Reserves and publishes. */
static int table_install(struct fd_table *t, u32 from, u32 limit, bool cloexec, struct file *f)
{
	int fd;

	spin_lock(&t->lock);
	fd = reserve(t, from, limit, cloexec);
	if (likely(fd >= 0))
		atomic_store_release(&t->files[fd], f);		/* pairs with fd_table_get */
	spin_unlock(&t->lock);
	return fd;
}

void fd_table_publish(struct fd_table *t, int fd, struct file *f)
{
	spin_lock(&t->lock);
	assert((u32)fd < t->capacity && !t->files[fd] && bitmap_test(t->open, (u32)fd));
	atomic_store_release(&t->files[fd], f);	/* pairs with table_get */
	spin_unlock(&t->lock);
}

void fd_table_unreserve(struct fd_table *t, int fd)
{
	spin_lock(&t->lock);
	bitmap_clear(t->open, (u32)fd);
	bitmap_clear(t->close_on_exec, (u32)fd);
	if ((u32)fd < t->next_free)
		t->next_free = (u32)fd;
	spin_unlock(&t->lock);
}

struct file * __hot fd_table_get(struct fd_table *t, int fd)
{
	struct file *f = NULL;

	epoch_enter();
	/* The struct stays a file for the section, so a reference to what the slot held is a right answer even if it is closed now. */
	if ((u32)fd < atomic_load_acquire(&t->capacity))
		do
			f = atomic_load_acquire(&atomic_load_acquire(&t->files)[fd]);
		while (f && unlikely(!ref_get_not_zero(&f->refs)));	/* closed for good: the slot has changed, or will */
	epoch_exit();
	return f;
}

int fd_table_close(struct fd_table *t, int fd)
{
	struct file *f;
	int err = 0;

	spin_lock(&t->lock);
	f = fd < 0 ? NULL : take_slot(t, (u32)fd);
	spin_unlock(&t->lock);
	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_PATH)) {
		if (f->ops->flush)
			err = f->ops->flush(f);
		locks_fd_closed(f, t);
	}
	file_put(f);
	return err;
}

/* Puts f (reference taken over) at exactly fd, closing what was there. fd or -EBADF, -EBUSY, -ENOMEM. */
int fd_table_replace(struct fd_table *t, u32 fd, u32 limit, struct file *f, bool cloexec)
{
	struct file *old;
	int err = 0;

	if (fd >= limit || fd >= READ_ONCE(fd_max))
		return -EBADF;
	spin_lock(&t->lock);
	while (!err && fd >= t->capacity)
		err = table_grow(t, fd);
	if (!err && bitmap_test(t->open, fd) && !t->files[fd])
		err = -EBUSY;		/* reserved by an open that is under way */
	if (err) {
		spin_unlock(&t->lock);
		return err;
	}
	old = t->files[fd];
	bitmap_set(t->open, fd);
	if (cloexec)
		bitmap_set(t->close_on_exec, fd);
	else
		bitmap_clear(t->close_on_exec, fd);
	atomic_store_release(&t->files[fd], f);
	spin_unlock(&t->lock);
	if (old)
		close_file(old, t);
	return (int)fd;
}

/* Close-on-exec flag of fd; set: 0 or 1 to change, -1 to ask. -EBADF. */
int fd_table_cloexec(struct fd_table *t, int fd, int set)
{
	int r = -EBADF;

	spin_lock(&t->lock);
	if (fd >= 0 && (u32)fd < t->capacity && t->files[fd]) {
		r = bitmap_test(t->close_on_exec, (u32)fd);
		if (set == 1)
			bitmap_set(t->close_on_exec, (u32)fd);
		else if (set == 0)
			bitmap_clear(t->close_on_exec, (u32)fd);
	}
	spin_unlock(&t->lock);
	return r;
}

/* The lowest open number >= from, or -1. */
int fd_table_next(struct fd_table *t, u32 from)
{
	int r = -1;

	spin_lock(&t->lock);
	for (u32 n = from; n < t->capacity; n++)
		if (t->files[n]) {
			r = (int)n;
			break;
		}
	spin_unlock(&t->lock);
	return r;
}

/* The calls below work on the current process. */
static struct fd_table *table(void) { return current_process()->files; }

static u32 limit(void)
{
	u64 n = rlimit(RLIMIT_NOFILE);

	return (u32)min(n, READ_ONCE(fd_max));
}

int fd_reserve(u32 from, bool cloexec)
{
	return fd_table_reserve(table(), from, limit(), cloexec);
}
void fd_publish(int fd, struct file *f) { fd_table_publish(table(), fd, f); }
void fd_unreserve(int fd) { fd_table_unreserve(table(), fd); }

int fd_install(struct file *f, u32 from, bool cloexec)
{
	return table_install(table(), from, limit(), cloexec, f);
}

struct file *fd_get_any(int fd) { return fd < 0 ? NULL : fd_table_get(table(), fd); }

struct file *fd_get(int fd)
{
	struct file *f = fd_get_any(fd);

	if (f && f->mode & FMODE_PATH) {
		file_put(f);
		return NULL;
	}
	return f;
}

bool fd_table_is_ours(void)
{
	struct process *p = current_process();

	return atomic_load(&p->nr_threads) == 1 && ref_read(&p->files->refs) == 1;
}

static __always_inline struct file *borrow(int fd, bool *borrowed)
{
	struct process *p = current_process();
	struct fd_table *t = p->files;

	*borrowed = atomic_load(&p->nr_threads) == 1 && ref_read(&t->refs) == 1;
	if (!*borrowed)
		return fd < 0 ? NULL : fd_table_get(t, fd);
	return (u32)fd < t->capacity ? t->files[fd] : NULL;
}

struct file * __hot fd_borrow_any(int fd, bool *borrowed) { return borrow(fd, borrowed); }

struct file * __hot fd_borrow(int fd, bool *borrowed)
{
	struct file *f = borrow(fd, borrowed);

	if (f && unlikely(f->mode & FMODE_PATH)) {
		fd_return(f, *borrowed);
		return NULL;
	}
	return f;
}

int fd_close(int fd) { return fd_table_close(table(), fd); }

int fd_replace(int newfd, struct file *f, bool cloexec)
{
	return newfd < 0 ? -EBADF : fd_table_replace(table(), (u32)newfd, limit(), f, cloexec);
}
