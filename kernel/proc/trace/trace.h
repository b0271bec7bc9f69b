/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of kernel/proc/trace/ and their neighbours in kernel/proc/ share.
 *
 * Marks: [t] process_tree_lock, [s] signal lock of the tracee's process, [b] set at creation,
 * [h] by the tracer while it holds the tracee (is_held).
 */
#ifndef PROC_TRACE_H
#define PROC_TRACE_H

#include "../proc.h"
#include <kernel/trace_stop.h>

/* A thread that is traced: from attach to detach, or until its end has been waited for. */
struct tracee {
	struct epoch_head epoch;
	struct list link;		/* [t] process.tracees of the tracer */
	struct thread *thread;		/* [b] reference */
	struct thread *tracer;		/* [b] reference: only it may give orders */
	bool is_seized;			/* [b] */
	bool tracer_is_capable;		/* [b] had CAP_SYS_PTRACE: set-id programs keep their rights */
	u32 options;			/* [h] PTRACE_O_*; read in an epoch section */
	/* the stop */
	bool is_stopped;		/* [s] in a trace stop: state is THREAD_TRACED or about to be */
	bool is_held;			/* [s] an order is carried out: not even SIGKILL moves it */
	bool is_listening;		/* [s] PTRACE_LISTEN */
	bool is_event_stop;		/* [s] the stop is PTRACE_EVENT_STOP */
	bool is_last_stop;		/* [s] PTRACE_EVENT_EXIT of one that was to end: only the tracer moves it */
	bool is_left;			/* [s] the tracer let go during a stop: the tracee frees this */
	u32 code;			/* [s] what wait4 is to tell of the stop, 0: told */
	u32 resume_signal;		/* [s] what the tracer let through */
	u64 message;			/* [s] PTRACE_GETEVENTMSG */
	struct user_siginfo *info;	/* [h] on the tracee's stack; NULL: a group stop without any */
	/* the end of a thread that is not its process's leader */
	bool is_dead;			/* [t] waits to be waited for */
	u32 exit_status;		/* [t] */
};

/* A stop of the current thread. */
struct trace_stop {
	u32 code;			/* for the wait status: signal, event << 8 */
	int why;			/* CLD_TRAPPED, CLD_STOPPED */
	u64 message;
	struct user_siginfo *info;	/* NULL: GETSIGINFO gives EINVAL */
	bool is_last;			/* PTRACE_EVENT_EXIT */
	bool completes_job;		/* it was the last thread of a group stop: the real parent hears of it */
};
/* Stops until the tracer lets it go on; the signal it passes, or stop.code at once if nobody traces (any more). */
u32 trace_stop(const struct trace_stop *stop);
/* A signal was taken: what becomes of it, 0 nothing. *info changes with it. */
int trace_signal(int sig, struct user_siginfo *info);
/* A handler's frame was made; the stepping tracer stops at its first instruction. */
void trace_handler_entered(void);
/* Signal lock held: a group stop begins or ends, which a seized tracee reports. */
void trace_notify_job(struct thread *t);
/* Signal lock held, t is to end: out of a stop that its tracer does not hold. */
void trace_wake_to_die(struct thread *t);

/* For a child to be; NULL: no memory. Not for its creator's use alone: trace_child may not need it. */
struct tracee *tracee_new(void);
/* Tree lock and signal lock of t's process held: the current thread's tracer traces t, too. Takes over tr; NULL left if so. */
void trace_child(struct thread *t, struct tracee **tr);
/* The current thread's tracer asked for that event. */
bool trace_wants(unsigned event);
/* Events of execve, in the new image. old_tid: what the thread was called before. */
void trace_exec(pid_t old_tid);
/* Tree lock held: t's tracer forgets it without a word (a dead leader whose number another thread takes). */
void trace_forget(struct thread *t);
/* Tree lock held. May a set-id file give the current thread rights? */
bool trace_allows_set_id(void);

/* The current thread, which is not its process's leader, ends. True: it stays to be waited for, with its number. */
bool trace_thread_ends(u32 status, bool is_announced);
/*
 * The current thread, traced, is about to leave its process: whose end waits until the tracer knows of this one's, though another may
 * become the last one meanwhile. True: trace_thread_ends has to be told so.
 */
bool trace_thread_leaves(void);
/* The current thread ends: those it traces are let go, or killed. */
void trace_tracer_ends(void);
/* Tree lock held: p and all its traced threads are gone and p may be told of. exit.c */
void process_told(struct process *p, struct list *dead);
/*
 * Tree lock held: a tracee that ended goes. Afterwards, without the lock, trace_finish gives the numbers of the threads
 * and processes back that came to the two lists.
 */
void trace_reaped(struct tracee *tr, struct list *dead_threads, struct list *dead);
void trace_finish(struct list *dead_threads, struct list *dead);
/* Tree lock held. The tracer hears of a stop (CLD_TRAPPED, CLD_STOPPED) or of an end; sig: SIGCHLD mostly. */
void trace_tell(struct tracee *tr, int why, u32 status, int sig);

#endif
