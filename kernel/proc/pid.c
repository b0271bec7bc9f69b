/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process and thread numbers: a bitmap of those in use, in pieces that are there while one of theirs is, and two sparse
 * arrays that find the thread or process behind one. A number whose owner is gone stays taken while a process group or
 * session bears it. Lock: pid_lock for all of it; look-ups run in an epoch section.
 */
#include "proc.h"
#include <kernel/mm.h>
#include <lib/bits.h>
#include <lib/radix.h>

#define PID_RESERVED 300	/* after the first round small numbers are left to early daemons, as on Linux */

static struct spinlock pid_lock = SPINLOCK_INIT("pid", LOCK_MISC);
#define PIECE 32768	/* numbers a piece of the bitmap has: one page */
static u64 first_piece[BITMAP_WORDS(PIECE)] = { 1 };	/* 0 is never given */
static struct {
	u64 *map;	/* NULL: none of them is in use */
	u32 used;
} pid_pieces[PID_MAX / PIECE] = { { first_piece, 1 } };	/* the first one stays */
static pid_t pid_last;
u32 pid_max = PID_DEFAULT;
static struct radix pid_threads, pid_processes;

void pid_init(void)
{
	radix_init(&pid_threads, ALLOC_ATOMIC);
	radix_init(&pid_processes, ALLOC_ATOMIC);
}

static bool pid_is_used(size_t pid)
{
	const u64 *map = pid_pieces[pid / PIECE].map;

	return map && bitmap_test(map, pid % PIECE);
}

/* The map that PID is in, made when there is none; NULL: no memory. pid_lock held. */
static u64 *pid_piece(size_t pid)
{
	u64 **map = &pid_pieces[pid / PIECE].map;

	if (!*map)
		*map = kzalloc(PIECE / 8, ALLOC_ATOMIC);
	return *map;
}

/* Gives back the map that PID is in when it is empty and not the next number's. pid_lock held. */
static void pid_piece_trim(size_t pid)
{
	size_t i = pid / PIECE;

	if (pid_pieces[i].used || i == (size_t)pid_last / PIECE)
		return;
	kfree(pid_pieces[i].map);
	pid_pieces[i].map = NULL;
}

static void pid_mark(size_t pid)
{
	bitmap_set(pid_pieces[pid / PIECE].map, pid % PIECE);
	pid_pieces[pid / PIECE].used++;
}

/* First usable number in [from, limit), its map made; tree lock and pid_lock held. 0: none. */
static pid_t pid_search(size_t from, size_t limit)
{
	size_t i = from;

	while (i < limit) {
		size_t base = i / PIECE * PIECE, end = min(limit - base, (size_t)PIECE);
		const u64 *map = pid_piece(i);
		size_t bit = map ? bitmap_find_clear(map, end, i - base) : end;

		if (bit < end && !pgrp_used((pid_t)(base + bit)))
			return (pid_t)(base + bit);
		i = base + bit + (bit < end);
	}
	return 0;
}

pid_t pid_alloc(void)
{
	size_t limit = atomic_load(&pid_max);
	pid_t pid = 0, before;

	spin_lock(&process_tree_lock);
	spin_lock(&pid_lock);
	if ((size_t)pid_last + 1 < limit)
		pid = pid_search((size_t)pid_last + 1, limit);
	if (!pid)
		pid = pid_search(PID_RESERVED, limit);
	if (pid) {
		pid_mark((size_t)pid);
		before = pid_last;
		pid_last = pid;
		pid_piece_trim((size_t)before);
	}
	spin_unlock(&pid_lock);
	spin_unlock(&process_tree_lock);
	return pid ? pid : -EAGAIN;
}

int pid_max_set(u64 max)
{
	if (max <= PID_RESERVED || max > PID_MAX)
		return -EINVAL;
	atomic_store(&pid_max, (u32)max);
	return 0;
}

int pid_alloc_exact(pid_t pid)
{
	int err = 0;

	if (pid < 1 || (u32)pid >= atomic_load(&pid_max))
		return -EINVAL;
	spin_lock(&process_tree_lock);
	spin_lock(&pid_lock);
	if (pid_is_used((size_t)pid) || pgrp_used(pid))
		err = -EEXIST;
	else if (!pid_piece((size_t)pid))
		err = -ENOMEM;
	else
		pid_mark((size_t)pid);
	spin_unlock(&pid_lock);
	spin_unlock(&process_tree_lock);
	return err;
}

void pid_free(pid_t pid)
{
	spin_lock(&pid_lock);
	assert(pid > 0 && pid < PID_MAX && pid_is_used((size_t)pid));
	bitmap_clear(pid_pieces[pid / PIECE].map, (size_t)pid % PIECE);
	pid_pieces[pid / PIECE].used--;
	pid_piece_trim((size_t)pid);
	spin_unlock(&pid_lock);
}

int pid_publish_thread(struct thread *t)
{
	int err;

	spin_lock(&pid_lock);
	err = radix_insert(&pid_threads, (u64)t->tid, t);
	spin_unlock(&pid_lock);
	return err;
}

void pid_withdraw_thread(struct thread *t)
{
	spin_lock(&pid_lock);
	radix_remove(&pid_threads, (u64)t->tid);
	spin_unlock(&pid_lock);
}

int pid_publish_process(struct process *p)
{
	int err;

	spin_lock(&pid_lock);
	err = radix_insert(&pid_processes, (u64)p->pid, p);
	spin_unlock(&pid_lock);
	return err;
}

void pid_withdraw_process(struct process *p)
{
	spin_lock(&pid_lock);
	radix_remove(&pid_processes, (u64)p->pid);
	spin_unlock(&pid_lock);
}

struct process *process_find(pid_t pid)
{
	struct process *p;

	if (pid <= 0)
		return NULL;
	epoch_enter();
	p = radix_get(&pid_processes, (u64)pid);
	if (p && !ref_get_not_zero(&p->refs))
		p = NULL;
	epoch_exit();
	return p;
}

struct thread *thread_find(pid_t tid)
{
	struct thread *t;

	if (tid <= 0)
		return NULL;
	epoch_enter();
	t = radix_get(&pid_threads, (u64)tid);
	if (t && !ref_get_not_zero(&t->refs))
		t = NULL;
	epoch_exit();
	return t;
}

const void *pid_process_peek(pid_t pid) { return radix_get(&pid_processes, (u64)pid); }
const void *pid_thread_peek(pid_t tid) { return radix_get(&pid_threads, (u64)tid); }

struct process *process_next(pid_t from)
{
	u64 index = from > 0 ? (u64)from : 1;
	struct process *p;

	epoch_enter();
	while ((p = radix_next(&pid_processes, &index)) && !ref_get_not_zero(&p->refs))
		index++;
	epoch_exit();
	return p;
}
