/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/proc/ share. */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include <kernel/process.h>
#include <uapi/errno.h>

#define PID_MAX (4 << 20)	/* the most kernel.pid_max may be, as on Linux */
#define PID_DEFAULT 65536	/* what it is */

/* pid.c: numbers to threads and processes. Publishing may fail for lack of memory. */
void pid_init(void);
int pid_publish_thread(struct thread *t);
void pid_withdraw_thread(struct thread *t);
int pid_publish_process(struct process *p);
void pid_withdraw_process(struct process *p);
/* Who has the number now, to compare with; NULL nobody. In an epoch section. */
const void *pid_process_peek(pid_t pid);
const void *pid_thread_peek(pid_t tid);
int pid_alloc_exact(pid_t pid);			/* 0, -EINVAL, -EEXIST */

/* process.c */
struct process *process_new(struct process *parent);	/* not yet in the tree; NULL without memory */
void process_tree_add(struct process *p, struct process *parent);	/* tree lock held */
void process_tree_remove(struct process *p);		/* tree lock held */
void process_set_pgrp(struct process *p, pid_t pgid);	/* tree lock held */
void process_set_session(struct process *p, pid_t sid);	/* tree lock held */
bool pgrp_used(pid_t id);				/* tree lock held: a group or session has this number */
struct process *pgrp_first(pid_t pgid);			/* tree lock held */
struct process *pgrp_next(struct process *p);
void thread_usage_add(struct thread *t, struct process_usage *u);
void usage_add(struct process_usage *to, const struct process_usage *from);
void process_on_thread_free(struct thread *t);
struct rusage;
void usage_to_rusage(const struct process_usage *u, struct rusage *out);
/* The process of a pid argument (0: the caller's), referenced; NULL: ESRCH. */
struct process *process_of(pid_t pid);

/* state.c */
bool process_state_may(enum process_state from, enum process_state to);
enum process_state process_state_now(struct process *p);	/* public state, from the threads' */
void process_state_set(struct process *p, enum process_state to);

/* exit.c */
void process_orphan_groups(struct process *p, struct process *old_parent);	/* tree lock held */
void process_reap(struct process *p);		/* a zombie taken out of the tree: gives its numbers back */
void process_notify_parent(struct process *p, int why);	/* CLD_*; tree lock held */

/* fork.c */
struct fork_args {
	u64 flags;
	u32 exit_signal;
	u64 stack, tls;
	s32 __user *parent_tid, *child_tid;
	s32 __user *pidfd;		/* CLONE_PIDFD */
	pid_t set_tid;			/* the number wanted; 0: any */
	struct group *into;		/* CLONE_INTO_CGROUP: the caller's reference; NULL: the parent's group */
};
long process_fork(const struct fork_args *a);

/* robust.c */
void robust_list_exit(struct thread *t);
/* signal/itimer.c, signal/posix_timer.c */
void itimer_fire(struct timer *t);
void itimer_exit(struct process *p);		/* no timer of p fires any more */
void posix_timers_delete(struct process *p);	/* exec, exit */
struct posix_timer_facts { s32 id, signo, notify, clock; u64 value; pid_t target; };
bool posix_timer_describe(struct process *p, s32 from, struct posix_timer_facts *out);

/* signal/ */
enum signal_default { SIGNAL_TERMINATES, SIGNAL_CORE, SIGNAL_IGNORED, SIGNAL_STOPS, SIGNAL_CONTINUES };
enum signal_default signal_default_action(int sig);
#define SIGNALS_STOP (sig_bit(SIGSTOP) | sig_bit(SIGTSTP) | sig_bit(SIGTTIN) | sig_bit(SIGTTOU))
#define SIGNALS_UNMASKABLE (sig_bit(SIGKILL) | sig_bit(SIGSTOP))
#define SIGNALS_SYNCHRONOUS (sig_bit(SIGSEGV) | sig_bit(SIGBUS) | sig_bit(SIGILL) | sig_bit(SIGTRAP) | \
			     sig_bit(SIGFPE) | sig_bit(SIGSYS))
int signal_choose(u64 deliverable);		/* which of a set comes first; 0: none */
/* The following with the signal lock of the process held. */
int signal_take(struct thread *t, u64 allowed, struct user_siginfo *info);	/* dequeues; 0: none */
void signal_flush(struct sig_pending *pending, u64 set);
void signal_group_exit(struct process *p, u32 wait_status);	/* all threads are to go */
void signal_update_work(struct thread *t);	/* WORK_SIGNAL as the sets say */
int signal_post(struct process *p, struct thread *t, int sig, const struct user_siginfo *info,
		struct sig_info *embedded, bool forced);
bool job_thread_gone(struct thread *t);		/* it exits while its process stops; true: tell the parent */
/* Not under the lock. */
long signal_kill_group(pid_t pgid, int sig, const struct user_siginfo *info);	/* with kill's checks; -ESRCH: no such group */
bool job_stop_current(void);			/* takes part in a stop; sleeps. True: stopped for a while */
struct sig_actions *sig_actions_copy(const struct sig_actions *from);	/* NULL from: defaults */
void sig_actions_init(void);
void sig_actions_free(struct epoch_head *h);	/* nobody can reach them any more */
int signal_unshare_actions(void);		/* exec: private actions. 0 or -ENOMEM */

#endif
