/* SPDX-License-Identifier: BSD-2-Clause */
/* Between daemons.c (the supervisor), proc.c (/proc/daemons) and their test. */
#ifndef SERVICES_KERNEL_DAEMONS_H
#define SERVICES_KERNEL_DAEMONS_H

#include <kernel/daemon.h>
#include <kernel/lock.h>
#include <kernel/waitq.h>

#include "../supervisor/supervisor.h"

enum { STUCK_STALLED = 1, STUCK_HANGING };	/* the first ends when the watchdog says so, the second never */

/* Marks: [l] daemons_lock, [a] atomic. */
struct daemon_state {
	const struct daemon *d;
	struct waitq wait;
	struct thread *thread;		/* [l], compared without; reference */
	u32 generation;			/* [l] written, [a]: a thread of an older one was left behind */
	u32 ends;			/* [a] the thread shall end after its round */
	u32 poked;			/* [a] */
	u32 stuck;			/* [a] STUCK_*: what the next round is to do */
	u32 left_behind;		/* [l] */
	bool was_killed;		/* [l] */
	u64 round_began;		/* [a] ns, 0: it sleeps */
	u64 rounds;			/* [a] */
	u64 runtime_before;		/* [l] ns of the threads before this one */
};

extern struct mutex daemons_lock;
extern struct sup daemons_sup;			/* [l] a unit per daemon, same order as daemon_table */
extern struct daemon_state *daemon_states;	/* NULL until daemons_init */

static inline struct sup_unit *daemon_unit(const struct daemon_state *s)
{
	return &daemons_sup.unit[s - daemon_states];
}

/* Gives the engine an event (s NULL: none in particular) and does what it asks; its answer, enum sup_error. */
int daemons_post_locked(struct daemon_state *s, u8 kind, u8 arg);
int daemons_post(struct daemon_state *s, u8 kind, u8 arg);
/* Waits until the daemon has no job: 0, -EIO (it failed), -EINTR. Not under daemons_lock. */
int daemon_wait_job(struct daemon_state *s);
/* CPU time that the supervisor's own thread has used. */
u64 daemons_supervisor_ns(void);

int daemons_proc_register(void);

#endif
