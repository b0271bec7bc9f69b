/* SPDX-License-Identifier: BSD-2-Clause */
/* The order graph of locks (debug builds), between lock_debug.c, its test and lock_graph.c. */
#ifndef SYNC_LOCK_GRAPH_H
#define SYNC_LOCK_GRAPH_H

#include <kernel/lock.h>

#define LOCK_CLASSES_MAX 256u
#define LOCK_CLASS_NONE 0u
#define LOCK_EDGE_FRAMES 10u

/* Locks of one name and rank are one class: a number from 1 on, LOCK_CLASS_NONE when the table is full. Any context. */
u16 lock_class_of(const char *name, enum lock_rank rank);
const char *lock_class_name(u16 class);
/*
 * The current thread holds a lock of class held and is about to wait for one of class wanted. The first time the
 * pair and the stack are noted. False: locks of wanted were held, directly or through others, while one of class
 * held was taken, so that two threads may wait for each other; the pair is not noted then. Any context.
 */
bool lock_graph_add(u16 held, u16 wanted);
/* The classes on that way, from wanted to held, both named; how many (0: there is none), at most max. */
unsigned lock_graph_path(u16 wanted, u16 held, u16 *path, unsigned max);
/* The stack with which `to` was first taken under `from`; how many frames, 0 when it was never. */
unsigned lock_graph_stack(u16 from, u16 to, vaddr_t pcs[LOCK_EDGE_FRAMES]);

/*
 * For tests: what the checker would panic about in the current thread is kept here instead. Lasts until NULL is
 * given. One at a time.
 */
struct lock_capture {
	struct thread *thread;		/* whose faults are caught */
	unsigned count;
	const char *what;		/* of the last one */
	unsigned path_len;		/* order faults: the classes from the wanted to the held one */
	u16 path[8];
};
void lock_debug_capture(struct lock_capture *c);

#endif
