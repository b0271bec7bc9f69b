/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: shared and per-thread pending sets under one lock per process, one exit-work bit,
 * one job-control state machine.
 */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include <arch/user.h>
#include <kernel/epoch.h>
#include <kernel/lock.h>
#include <kernel/thread.h>
#include <uapi/signal.h>

struct process;

/* A process's job-control state: signal_state.job. */
enum job_state {
	JOB_RUNNING,
	JOB_STOPPING,		/* some threads have not stopped yet */
	JOB_STOPPED,
};

struct sig_info {			/* a queued signal */
	struct list link;
	struct user_siginfo info;	/* uapi: 128 bytes as the user sees it */
	bool is_embedded;		/* part of a POSIX timer: unlinked, not freed, when taken */
};
struct sig_action {
	u64 handler;			/* SIG_DFL, SIG_IGN or address */
	u64 flags;			/* SA_* */
	u64 restorer;
	u64 mask;
};
struct sig_actions {			/* shared by CLONE_SIGHAND */
	struct refcount refs;
	struct epoch_head epoch;
	struct spinlock lock;		/* LOCK_SIGNAL, interrupts off; the lock of everything below */
	struct sig_action action[64];
};
struct signal_state {
	struct sig_actions *actions;	/* exec may replace it: lock through signal_lock */
	struct sig_pending pending;	/* shared */
	u32 nr_queued;			/* RLIMIT_SIGPENDING */
	u32 job;			/* JOB_* */
	u32 stop_signal;
	u32 nr_to_stop;
	u32 nr_continued;		/* [a] SIGCONTs so far */
	bool stop_reported;		/* wait4 told the parent of the stop */
	bool cont_notify;		/* the first thread to go on tells the parent */
	bool cont_reported;		/* … of the continuation (true also when there was none) */
	struct waitq sigtimedwait_q;
	bool uses_signalfd;		/* [a] one of its threads looked at a signalfd: wake signalfd_wait */
};
extern struct waitq signalfd_wait;	/* one for all: a signalfd shows what its reader has, not its maker */
/* Takes the current thread's first pending signal of wanted: its number, or 0. */
int signal_take_pending(u64 wanted, struct user_siginfo *info);
/* Signals pending for the current thread, blocked or not. */
u64 signal_pending_set(void);
/* What arch_signal_push builds from. */
struct signal_delivery {
	struct user_siginfo info;
	struct sig_action action;
	u64 old_mask;
	struct user_stack altstack;	/* as the thread has it */
	bool on_altstack;		/* switch to it now */
	u64 vdso_sigreturn;		/* user address of the trampoline */
};

/* Takes the signal lock of p (a stable process); the returned flags go to signal_unlock. */
/* Which signals p ignores and catches, bit n-1, for /proc. */
void signal_sets(struct process *p, u64 *ignored, u64 *caught);
unsigned long signal_lock(struct process *p) __must_check;
void signal_unlock(struct process *p, unsigned long flags);

/*
 * Posts a signal. info NULL: SI_KERNEL. 0 (also when ignored), -EAGAIN queue full (real-time). Any
 * context but under LOCK_SIGNAL or a lock above it; in interrupts with info NULL only, and not to a
 * process group (that walks the process tree).
 */
int signal_send_process(struct process *p, int sig, const struct user_siginfo *info);
int signal_send_thread(struct thread *t, int sig, const struct user_siginfo *info);
int signal_send_pgrp(pid_t pgid, int sig, const struct user_siginfo *info);	/* -ESRCH: none */
/* A synchronous fault of the current thread: forced (unblocks, resets an ignore). */
void signal_fault(int sig, int code, vaddr_t addr);
/* The current thread should leave an interruptible sleep / a killable one. */
bool signal_pending(const struct thread *t);
bool signal_fatal_pending(const struct thread *t);
void signal_set_mask(u64 mask);		/* of the current thread; re-evaluates WORK_SIGNAL */
/*
 * Another mask until the call's end (ppoll, pselect, sigsuspend): the old one comes back at user
 * return, after a handler saw it as its old mask.
 */
void signal_set_temporary_mask(u64 mask);
/* Delivers what is pending, stops, restarts calls; from user_return_work. */
void signal_handle(struct arch_regs *regs);
void signal_exec(void);			/* handlers to default */
/* Sleeping system calls use: wait, then return -ERESTARTSYS when this is true. */

#endif
