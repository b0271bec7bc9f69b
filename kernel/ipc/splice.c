/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splice, tee, vmsplice: bytes between a pipe and a file, socket or other pipe. The file reads into and writes from the pipe's
 * own pages. Its operations take locks that rank before pipe.lock, so they run without it: is_draining and
 * is_filling keep the bytes at the tail and the room at the head for the splice meanwhile. Between two pipes bytes are
 * copied under both locks, the one at the lower address first.
 */
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <uapi/fcntl.h>
#include <uapi/stat.h>
#include <uapi/uio.h>
#include "pipe.h"

#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)
#define SPAN_PAGES 17u			/* 64 KiB that begin within a page */
#define MOVE_MAX 0x7ffff000u
#define FAST_IOV 8u

/* Pages of the ring from position at as an iterator; make: they are allocated. */
struct span {
	struct iovec_kernel iov[SPAN_PAGES];
	struct uio u;
};

static size_t span_init(struct span *s, struct pipe *p, u64 at, size_t n, bool make)
{
	size_t done = 0;
	u32 nr = 0;

	while (done < n && nr < SPAN_PAGES) {
		u64 off = (at + done) & (PAGE_SIZE - 1);
		struct page *page = pipe_page_at(p, at + done, make);

		if (!page)
			break;
		s->iov[nr] = (struct iovec_kernel){ (char *)page_to_virt(page) + off, min((u64)(n - done), PAGE_SIZE - off) };
		done += s->iov[nr++].len;
	}
	uio_init_iov(&s->u, s->iov, nr, false);
	return done;
}

/* Locked, with something to read. 1; 0 at the end, -EAGAIN, -ERESTARTSYS: not locked. */
static int wait_bytes(struct pipe *p, bool nonblock)
{
	while (1) {
		mutex_lock(&p->lock);
		if (pipe_have(p))
			return 1;
		if (pipe_is_readable(p) || nonblock) {
			bool is_end = pipe_is_readable(p);

			mutex_unlock(&p->lock);
			return is_end ? 0 : -EAGAIN;
		}
		mutex_unlock(&p->lock);
		if (waitq_wait_until(&p->read_wait, pipe_is_readable(p), SLEEP_INTERRUPTIBLE, U64_MAX, true))
			return -ERESTARTSYS;
	}
}

/* Locked, with room. 0; -EPIPE, -EAGAIN, -ERESTARTSYS: not locked. */
static int wait_room(struct pipe *p, bool nonblock)
{
	int err = 0;

	while (!err) {
		mutex_lock(&p->lock);
		if (p->readers && pipe_room(p))
			return 0;
		err = !p->readers ? -EPIPE : nonblock ? -EAGAIN : 0;
		mutex_unlock(&p->lock);
		if (!err && waitq_wait_until(&p->write_wait, pipe_has_room(p, 1), SLEEP_INTERRUPTIBLE, U64_MAX, true))
			err = -ERESTARTSYS;
	}
	return err;
}

static void drain_end(struct pipe *p, u64 n)
{
	bool is_left;

	mutex_lock(&p->lock);
	atomic_store(&p->is_draining, false);
	pipe_consume(p, n);
	is_left = pipe_is_readable(p);
	mutex_unlock(&p->lock);
	if (n)
		pipe_wake_writers(p);
	if (is_left)
		pipe_wake_readers(p);
}

static ssize_t pipe_to_file(struct pipe *p, struct file *out, off_t *pos, size_t len, bool nonblock)
{
	ssize_t done = 0, n = 0;
	struct span s;

	while ((size_t)done < len) {
		size_t want;

		n = wait_bytes(p, nonblock || done);
		if (n <= 0)
			break;
		want = span_init(&s, p, p->tail, min((u64)(len - (size_t)done), pipe_have(p)), false);
		atomic_store(&p->is_draining, true);
		mutex_unlock(&p->lock);
		n = file_write(out, &s.u, pos);
		drain_end(p, n > 0 ? (u64)n : 0);
		if (n <= 0)
			break;
		done += n;
		if ((size_t)n < want)
			break;
	}
	return done ? done : n;
}

static void fill_done(struct pipe *p, u64 n)
{
	bool has_room;

	mutex_lock(&p->lock);
	atomic_store(&p->is_filling, false);
	atomic_store(&p->head, p->head + n);
	has_room = pipe_room(p);
	mutex_unlock(&p->lock);
	if (n)
		pipe_wake_readers(p);
	if (has_room)
		pipe_wake_writers(p);
}

/* What one read gives. */
static ssize_t file_to_pipe(struct file *in, off_t *pos, struct pipe *p, size_t len, bool nonblock)
{
	struct span s;
	size_t want;
	ssize_t n = wait_room(p, nonblock);

	if (n)
		return n == -EPIPE ? pipe_broken() : n;
	want = span_init(&s, p, p->head, min((u64)len, pipe_room(p)), true);
	if (!want) {
		mutex_unlock(&p->lock);
		return -ENOMEM;
	}
	p->fill_end = p->head + want;
	atomic_store(&p->is_filling, true);
	mutex_unlock(&p->lock);
	n = file_read(in, &s.u, pos);
	fill_done(p, n > 0 ? (u64)n : 0);
	return n;
}

static void lock_two(struct pipe *a, struct pipe *b)
{
	mutex_lock(a < b ? &a->lock : &b->lock);
	mutex_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct pipe *a, struct pipe *b)
{
	mutex_unlock(&a->lock);
	mutex_unlock(&b->lock);
}

/* Copies up to n bytes from in's tail to out. Both locked, n there and room for it. */
static ssize_t copy_bytes(struct pipe *in, struct pipe *out, size_t n)
{
	size_t done = 0;
	int err = 0;

	while (done < n && !err) {
		struct span s;
		size_t part = span_init(&s, in, in->tail + done, n - done, false);

		done += pipe_put(out, &s.u, part, &err);
	}
	return done ? (ssize_t)done : err;
}

/* keep: tee. */
static ssize_t pipe_to_pipe(struct pipe *in, struct pipe *out, size_t len, bool nonblock, bool keep)
{
	ssize_t n;

	while (1) {
		lock_two(in, out);
		if (!out->readers) {
			unlock_two(in, out);
			return pipe_broken();
		}
		if (pipe_have(in) && pipe_room(out))
			break;
		n = !pipe_have(in) && pipe_is_readable(in) ? 0 : nonblock ? -EAGAIN : 1;
		unlock_two(in, out);
		if (n <= 0)
			return n;
		if (waitq_wait_until(&in->read_wait, pipe_is_readable(in), SLEEP_INTERRUPTIBLE, U64_MAX, true) ||
		    waitq_wait_until(&out->write_wait, pipe_has_room(out, 1), SLEEP_INTERRUPTIBLE, U64_MAX, true))
			return -ERESTARTSYS;
	}
	n = copy_bytes(in, out, min((u64)len, min(pipe_have(in), pipe_room(out))));
	if (n > 0 && !keep)
		pipe_consume(in, (u64)n);
	unlock_two(in, out);
	if (n > 0) {
		pipe_wake_readers(out);
		if (keep)
			pipe_wake_readers(in);
		else
			pipe_wake_writers(in);
	}
	return n;
}

static bool is_nonblock(const struct file *f, u32 flags)
{
	return flags & SPLICE_F_NONBLOCK || f->flags & O_NONBLOCK;
}

/* A socket does not wait either when the caller will not: read() goes by the file's flag only. */
static bool would_wait(struct file *in, u32 flags)
{
	return flags & SPLICE_F_NONBLOCK && S_ISSOCK(in->inode->mode) && !(file_poll(in, NULL) & (POLLIN | POLLHUP | POLLERR));
}

static ssize_t do_splice(struct file *in, off_t *in_pos, struct file *out, off_t *out_pos, size_t len, u32 flags)
{
	bool from_pipe = file_is_pipe(in), to_pipe = file_is_pipe(out);

	if (from_pipe && to_pipe)
		return pipe_of(in) == pipe_of(out) ? -EINVAL :
		       pipe_to_pipe(pipe_of(in), pipe_of(out), len, is_nonblock(in, flags) || is_nonblock(out, flags), false);
	if (from_pipe) {
		if (!out->ops->write || out->flags & O_APPEND)
			return -EINVAL;
		return pipe_to_file(pipe_of(in), out, out_pos, len, flags & SPLICE_F_NONBLOCK);
	}
	if (!to_pipe || !in->ops->read)
		return -EINVAL;
	if (would_wait(in, flags))
		return -EAGAIN;
	return file_to_pipe(in, in_pos, pipe_of(out), len, is_nonblock(out, flags));
}

/* The position to use: the user's, or the file's own. */
static int position_in(struct file *f, off_t __user *user, off_t *pos)
{
	*pos = f->pos;
	if (!user)
		return 0;
	if (file_is_pipe(f))
		return -ESPIPE;
	if (get_user(*pos, user))
		return -EFAULT;
	return *pos < 0 || f->mode & FMODE_NOSEEK ? -EINVAL : 0;
}

static int position_out(struct file *f, off_t __user *user, off_t pos)
{
	if (user)
		return put_user(pos, user);
	if (!(f->mode & FMODE_NOSEEK))
		f->pos = pos;
	return 0;
}

static ssize_t splice_files(struct file *in, off_t __user *in_off, struct file *out, off_t __user *out_off, size_t len, u32 flags)
{
	off_t in_pos, out_pos;
	ssize_t n;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	n = position_in(in, in_off, &in_pos);
	if (!n)
		n = position_in(out, out_off, &out_pos);
	if (!n)
		n = do_splice(in, &in_pos, out, &out_pos, min(len, (size_t)MOVE_MAX), flags);
	if (n > 0 && (position_out(in, in_off, in_pos) || position_out(out, out_off, out_pos)))
		return -EFAULT;
	return n;
}

long sys_splice(int in_fd, off_t __user *in_off, int out_fd, off_t __user *out_off, size_t len, u32 flags)
{
	struct file *in, *out;
	ssize_t n = -EBADF;

	if (!len)
		return 0;
	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	in = fd_get(in_fd);
	out = fd_get(out_fd);
	if (in && out)
		n = splice_files(in, in_off, out, out_off, len, flags);
	file_put(in);
	file_put(out);
	return n;
}

static ssize_t tee_files(struct file *in, struct file *out, size_t len, u32 flags)
{
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!file_is_pipe(in) || !file_is_pipe(out) || pipe_of(in) == pipe_of(out))
		return -EINVAL;
	return pipe_to_pipe(pipe_of(in), pipe_of(out), min(len, (size_t)MOVE_MAX),
			    is_nonblock(in, flags) || is_nonblock(out, flags), true);
}

long sys_tee(int in_fd, int out_fd, size_t len, u32 flags)
{
	struct file *in, *out;
	ssize_t n = -EBADF;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (!len)
		return 0;
	in = fd_get(in_fd);
	out = fd_get(out_fd);
	if (in && out)
		n = tee_files(in, out, len, flags);
	file_put(in);
	file_put(out);
	return n;
}

/* The user's bytes into the pipe: what fits once there is room. */
static ssize_t gather(struct pipe *p, struct uio *from, bool nonblock)
{
	ssize_t n = wait_room(p, nonblock);
	int err = 0;

	if (n)
		return n == -EPIPE ? pipe_broken() : n;
	n = (ssize_t)pipe_put(p, from, min((u64)from->count, pipe_room(p)), &err);
	mutex_unlock(&p->lock);
	if (n)
		pipe_wake_readers(p);
	return n ? n : err;
}

long sys_vmsplice(int fd, const void __user *iov, u64 iovcnt, u32 flags)
{
	struct iovec_kernel fast[FAST_IOV], *vec = fast;
	struct file *f;
	struct uio u;
	ssize_t n;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	f = fd_get(fd);
	if (!f || !file_is_pipe(f)) {
		file_put(f);
		return -EBADF;
	}
	n = iovcnt > UIO_MAXIOV ? -EINVAL : iov_import(iov, iovcnt, fast, FAST_IOV, &vec);
	if (n >= 0) {
		uio_init_iov(&u, vec, (u32)iovcnt, true);
		if (n)
			n = f->mode & FMODE_WRITE ? gather(pipe_of(f), &u, flags & SPLICE_F_NONBLOCK) :
			    pipe_read_some(pipe_of(f), &u, flags & SPLICE_F_NONBLOCK);
		if (vec != fast)
			kfree(vec);
	}
	file_put(f);
	return n;
}
