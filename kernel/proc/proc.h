/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/proc/ share. */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include <kernel/process.h>
#include <uapi/errno.h>

#define PID_MAX 65536		/* kernel.pid_max */

/* pid.c: numbers to threads and processes. Publishing may fail for lack of memory. */
void pid_init(void);
int pid_publish_thread(struct thread *t);
void pid_withdraw_thread(struct thread *t);
int pid_publish_process(struct process *p);
void pid_withdraw_process(struct process *p);

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
};
long process_fork(const struct fork_args *a);

/* robust.c */
void robust_list_exit(struct thread *t);
/* itimer.c */
void itimer_exec_exit(struct process *p);

#endif
