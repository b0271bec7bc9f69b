/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes and FIFOs: a ring of bytes over pages that are there only while they hold some. pipe.lock
 * (mutex, LOCK_PIPE) guards everything; head and tail are also read without it to decide on sleeping.
 * Writes of up to PIPE_BUF bytes are not torn (POSIX write). What moves bytes without user memory is splice.c's.
 */
#include <kernel/mm.h>
#include <kernel/pipe.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <lib/format.h>
#include <uapi/capability.h>
#include <uapi/termios.h>
#include <uapi/uio.h>
#include "pipe.h"

/* err_ptr: -ENOMEM, -ENFILE (its user has too many). */
static struct pipe *pipe_new(void)
{
	struct pipe *p = kzalloc(sizeof(*p), 0);
	int err;

	if (!p)
		return err_ptr(-ENOMEM);
	err = pipe_size_begin(p);
	if (err) {
		kfree(p);
		return err_ptr(err);
	}
	mutex_init(&p->lock, "pipe", LOCK_PIPE);
	waitq_init(&p->read_wait);
	waitq_init(&p->write_wait);
	return p;
}

void pipe_free(struct pipe *p)
{
	pipe_size_end(p);
	kfree(p);
}

struct page *pipe_page_at(struct pipe *p, u64 at, bool make)
{
	struct page **slot = &p->pages[(at & (p->size - 1)) >> PAGE_SHIFT];

	if (!*slot && make)
		*slot = page_alloc(0, ALLOC_USER);
	return *slot;
}

/*
 * A page read to its end goes, unless the ring is so full that its beginning is in use again; the last one stays for
 * the next write.
 */
void pipe_consume_pages(struct pipe *p, u64 n)
{
	u64 end = p->tail + n, written = p->is_filling ? p->fill_end : p->head;

	while (p->tail < end) {
		u64 off = p->tail & (PAGE_SIZE - 1), part = min(end - p->tail, PAGE_SIZE - off);

		atomic_store(&p->tail, p->tail + part);
		if (off + part == PAGE_SIZE && written != p->tail && written <= p->tail - PAGE_SIZE + p->size) {
			struct page **slot = &p->pages[((p->tail - 1) & (p->size - 1)) >> PAGE_SHIFT];

			page_put(*slot);
			*slot = NULL;
		}
	}
}

/* Moves up to n bytes out; how many went (fewer: bad user memory). */
static size_t take(struct pipe *p, struct uio *to, size_t n)
{
	size_t done = 0;

	while (done < n) {
		u64 off = p->tail & (PAGE_SIZE - 1);
		size_t part = min((u64)(n - done), PAGE_SIZE - off);
		size_t got = uio_copy_out(to, (char *)page_to_virt(pipe_page_at(p, p->tail, false)) + off, part);

		pipe_consume(p, got);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

size_t pipe_put(struct pipe *p, struct uio *from, size_t n, int *err)
{
	size_t done = 0;

	while (done < n) {
		u64 off = p->head & (PAGE_SIZE - 1);
		size_t part = min((u64)(n - done), PAGE_SIZE - off), got;
		struct page *page = pipe_page_at(p, p->head, true);

		if (!page) {
			*err = -ENOMEM;
			break;
		}
		got = uio_copy_in(from, (char *)page_to_virt(page) + off, part);
		atomic_store(&p->head, p->head + got);
		done += got;
		if (got < part) {
			*err = -EFAULT;
			break;
		}
	}
	return done;
}

ssize_t pipe_read_some(struct pipe *p, struct uio *to, bool nonblock)
{
	bool was_full = false, has_slept = false;
	ssize_t n = 0;

	if (!to->count)
		return 0;
	mutex_lock(&p->lock);
	while (1) {
		u64 have = pipe_have(p);

		was_full = p->size - have < PIPE_BUF;
		if (have) {
			n = (ssize_t)take(p, to, min((u64)to->count, have));
			if (!n)
				n = -EFAULT;
			break;
		}
		if (!p->writers && !p->is_draining)
			break;
		if (nonblock) {
			n = -EAGAIN;
			break;
		}
		mutex_unlock(&p->lock);
		has_slept = true;
		if (waitq_wait_until(&p->read_wait, pipe_is_readable(p), SLEEP_INTERRUPTIBLE, U64_MAX, true))
			return -ERESTARTSYS;
		mutex_lock(&p->lock);
	}
	mutex_unlock(&p->lock);
	/* Only when that changed something: an edge-triggered watcher sees each wake-up. */
	if (n > 0 && was_full)
		pipe_wake_writers(p);
	/* We took the one wake-up of a write: what we left over is the next reader's. */
	if (n > 0 && has_slept && pipe_have(p))
		pipe_wake_readers(p);
	return n;
}

static ssize_t pipe_read(struct file *f, struct uio *to, off_t *pos)
{
	return pipe_read_some(pipe_of(f), to, f->flags & O_NONBLOCK || to->rw_flags & RWF_NOWAIT);
}

ssize_t pipe_broken(void)
{
	(void)signal_send_thread(current, SIGPIPE, NULL);
	return -EPIPE;
}

ssize_t pipe_write_some(struct pipe *p, struct uio *from, bool nonblock)
{
	/* Not torn up to PIPE_BUF: wait until all of it fits. */
	u64 need = from->count <= PIPE_BUF ? from->count : 1, room;
	ssize_t done = 0;
	int err = 0;

	if (!from->count)
		return 0;
	mutex_lock(&p->lock);
	while (from->count && !err) {
		if (!p->readers) {
			err = -EPIPE;
			break;
		}
		room = pipe_room(p);
		if (room >= need) {
			done += (ssize_t)pipe_put(p, from, min((u64)from->count, room), &err);
			pipe_wake_readers(p);
			continue;
		}
		if (nonblock) {
			err = -EAGAIN;
			break;
		}
		mutex_unlock(&p->lock);
		if (waitq_wait_until(&p->write_wait, pipe_has_room(p, need), SLEEP_INTERRUPTIBLE, U64_MAX, true)) {
			if (!done)
				return -ERESTARTSYS;
			return done;
		}
		mutex_lock(&p->lock);
	}
	room = pipe_room(p);
	mutex_unlock(&p->lock);
	if (room)
		pipe_wake_writers(p);
	if (done)
		return done;
	return err == -EPIPE ? pipe_broken() : err;
}

static ssize_t pipe_write(struct file *f, struct uio *from, off_t *pos)
{
	return pipe_write_some(pipe_of(f), from, f->flags & O_NONBLOCK || from->rw_flags & RWF_NOWAIT);
}

static __noinline void poll_enter(struct file *f, struct pipe *p, struct poll_table *t)
{
	if (f->mode & FMODE_READ)
		poll_wait(t, f, &p->read_wait);
	if (f->mode & FMODE_WRITE)
		poll_wait(t, f, &p->write_wait);
}

static u32 __hot pipe_poll(struct file *f, struct poll_table *t)
{
	struct pipe *p = pipe_of(f);
	u32 events = 0, mode = f->mode;

	if (t)
		poll_enter(f, p, t);
	if (mode & FMODE_READ) {
		if (pipe_have(p))
			events = POLLIN | POLLRDNORM;
		if (!atomic_load(&p->writers) && (u32)(uintptr_t)f->private != atomic_load(&p->write_opens))
			events |= POLLHUP;
	}
	if (mode & FMODE_WRITE) {
		if (pipe_room(p) >= PIPE_BUF)
			events |= POLLOUT | POLLWRNORM;
		if (!atomic_load(&p->readers))
			events |= POLLERR;
	}
	return events;
}

static long pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	s32 n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	n = (s32)pipe_used(pipe_of(f));
	return put_user(n, (s32 __user *)arg);
}

static void pipe_release(struct file *f)
{
	struct pipe *p = pipe_of(f);

	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ)
		atomic_sub(&p->readers, 1u);
	if (f->mode & FMODE_WRITE)
		atomic_sub(&p->writers, 1u);
	/* Nobody holds an end: what was written is gone (a FIFO's inode lives on). */
	if (!p->readers && !p->writers)
		atomic_store(&p->tail, p->head);
	mutex_unlock(&p->lock);
	waitq_wake(&p->read_wait, ~0u, POLLIN | POLLHUP);
	waitq_wake(&p->write_wait, ~0u, POLLOUT | POLLERR);
}

/* The pipe of a FIFO's inode, made at its first opening. err_ptr: -ENOMEM, -ENFILE. */
static struct pipe *fifo_pipe(struct inode *i)
{
	struct pipe *fresh, *none = NULL;

	if (atomic_load_acquire(&i->pipe))
		return i->pipe;
	fresh = pipe_new();
	if (is_err(fresh))
		return fresh;
	if (!atomic_cmpxchg(&i->pipe, &none, fresh))	/* release pairs with the acquire above */
		pipe_free(fresh);
	return i->pipe;
}

/* POSIX open of a FIFO: each side waits for the other unless O_NONBLOCK (a writer then gets ENXIO) or O_RDWR. */
static int fifo_open(struct inode *i, struct file *f)
{
	struct pipe *p = fifo_pipe(i);
	u32 mode = f->mode & (FMODE_READ | FMODE_WRITE), seen;
	bool is_alone;
	int err = 0;

	if (is_err(p))
		return (int)ptr_err(p);
	f->mode |= FMODE_NOSEEK;
	mutex_lock(&p->lock);
	if (mode == FMODE_WRITE && f->flags & O_NONBLOCK && !p->readers) {
		mutex_unlock(&p->lock);
		return -ENXIO;
	}
	if (mode & FMODE_READ) {
		atomic_add(&p->readers, 1u);
		atomic_add(&p->read_opens, 1u);
	}
	if (mode & FMODE_WRITE) {
		atomic_add(&p->writers, 1u);
		atomic_add(&p->write_opens, 1u);
	}
	/* A reader that never had a writer is not at the end of file yet: poll must not say POLLHUP. */
	f->private = (void *)(uintptr_t)(p->writers ? ~0u : p->write_opens);
	waitq_wake_all(&p->read_wait);
	waitq_wake_all(&p->write_wait);
	/* Decided under the lock: a partner that was waiting may be through and gone right after it. */
	seen = mode == FMODE_READ ? p->write_opens : p->read_opens;
	is_alone = mode == FMODE_READ ? !p->writers : !p->readers;
	mutex_unlock(&p->lock);
	if (mode == FMODE_READ && is_alone && !(f->flags & O_NONBLOCK))
		err = waitq_wait_interruptible(&p->read_wait, atomic_load(&p->write_opens) != seen);
	if (mode == FMODE_WRITE && is_alone)
		err = waitq_wait_interruptible(&p->write_wait, atomic_load(&p->read_opens) != seen);
	if (err) {
		pipe_release(f);
		return -ERESTARTSYS;
	}
	return 0;
}

const struct file_ops fifo_file_ops = {
	.open = fifo_open,
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
};

/* Both ends of a new pipe: files[0] reads. flags: O_NONBLOCK, O_DIRECT is refused (packets are not offered). */
int pipe_create(struct file *files[2], u32 flags)
{
	struct inode *i = anon_inode_new(S_IFIFO | 0600);
	struct pipe *p = i ? pipe_new() : err_ptr(-ENOMEM);
	char name[32];

	if (is_err(p)) {
		inode_put(i);
		return (int)ptr_err(p);
	}
	i->pipe = p;
	snprintf(name, sizeof(name), "pipe:[%llu]", (unsigned long long)i->ino);
	inode_get(i);
	files[0] = file_anon_inode(i, name, &fifo_file_ops, (void *)(uintptr_t)~0u, O_RDONLY | (flags & O_NONBLOCK));
	if (is_err(files[0])) {
		inode_put(i);
		return (int)ptr_err(files[0]);
	}
	p->readers = 1;
	files[1] = file_anon_inode(i, name, &fifo_file_ops, NULL, O_WRONLY | (flags & O_NONBLOCK));
	if (is_err(files[1])) {
		int err = (int)ptr_err(files[1]);

		file_put(files[0]);
		return err;
	}
	p->writers = 1;
	files[0]->mode |= FMODE_NOSEEK;
	files[1]->mode |= FMODE_NOSEEK;
	return 0;
}

bool file_is_pipe(const struct file *f) { return f->ops == &fifo_file_ops; }
