/* SPDX-License-Identifier: BSD-2-Clause */
/* A pipe's ring, for pipe.c (reading, writing, opening) and splice.c (moving bytes without the user's memory). */
#ifndef IPC_PIPE_H
#define IPC_PIPE_H

#include <kernel/pipe.h>
#include <uapi/poll.h>

#define PIPE_BUF 4096u

struct pipe {
	struct mutex lock;
	struct user *user;		/* [b] referenced: whose pages are counted */
	struct page **pages;		/* lock; size / PAGE_SIZE of them, NULL where empty */
	u64 size;			/* lock; power of two, bytes */
	u64 head, tail;			/* [a], lock to change: bytes ever written, ever read */
	u32 readers, writers;		/* [a], lock to change: open ends */
	u32 read_opens, write_opens;	/* lock: count openings, for FIFO's waiting open */
	/*
	 * [a], lock to change: a splice has the bytes at the tail, or the room at the head, to itself while it works without
	 * the lock; everybody else finds the pipe empty, or full.
	 */
	bool is_draining, is_filling;
	u64 fill_end;			/* lock: up to where a splice uses the room, while is_filling */
	struct waitq read_wait, write_wait;
};

static inline struct pipe *pipe_of(const struct file *f) { return f->inode->pipe; }
static inline u64 pipe_used(const struct pipe *p) { return atomic_load(&p->head) - atomic_load(&p->tail); }
/* What a reader finds, a writer has. */
static inline u64 pipe_have(const struct pipe *p) { return atomic_load(&p->is_draining) ? 0 : pipe_used(p); }
static inline u64 pipe_room(const struct pipe *p)
{
	return atomic_load(&p->is_filling) ? 0 : READ_ONCE(p->size) - pipe_used(p);
}
/* Something to read, or the end. */
static inline bool pipe_is_readable(const struct pipe *p)
{
	return pipe_have(p) || !(atomic_load(&p->writers) || atomic_load(&p->is_draining));
}
static inline bool pipe_has_room(struct pipe *p, u64 n) { return pipe_room(p) >= n || !atomic_load(&p->readers); }
static inline void pipe_wake_readers(struct pipe *p) { waitq_wake(&p->read_wait, 1, POLLIN | POLLRDNORM); }
static inline void pipe_wake_writers(struct pipe *p) { waitq_wake(&p->write_wait, 1, POLLOUT | POLLWRNORM); }

/* pipe_size.c: a new pipe's ring within its user's limits, and its end. 0, -ENOMEM, -ENFILE (pipe(7)). */
int pipe_size_begin(struct pipe *p);
void pipe_size_end(struct pipe *p);
/* lock held. The page that holds ring position at; made if absent and wanted (NULL without memory). */
struct page *pipe_page_at(struct pipe *p, u64 at, bool make);
/* lock held. n bytes at the tail are read: their pages go, mostly. */
void pipe_consume_pages(struct pipe *p, u64 n);
static inline void pipe_consume(struct pipe *p, u64 n)
{
	if (likely((p->tail & (PAGE_SIZE - 1)) + n < PAGE_SIZE))
		atomic_store(&p->tail, p->tail + n);
	else
		pipe_consume_pages(p, n);
}
/* lock held. Moves n <= room bytes in; how many went (fewer: *err). */
size_t pipe_put(struct pipe *p, struct uio *from, size_t n, int *err);
/* read and write as the file operations; nonblock in place of the file's flag. */
ssize_t pipe_read_some(struct pipe *p, struct uio *to, bool nonblock);
ssize_t pipe_write_some(struct pipe *p, struct uio *from, bool nonblock);
/* SIGPIPE to the caller; -EPIPE. */
ssize_t pipe_broken(void);

#endif
