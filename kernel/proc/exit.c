/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of threads and processes: giving things back, telling the parent, handing children on.
 * Locks: tree lock, inside it signal locks one at a time.
 */
#include "proc.h"
#include "trace/trace.h"
#include <kernel/aspace.h>
#include <kernel/futex.h>
#include <kernel/log.h>
#include <kernel/rseq.h>
#include <kernel/syscall.h>
#include <kernel/sysv.h>
#include <kernel/tty.h>
#include <kernel/usercopy.h>
#include <uapi/futex.h>
#include <uapi/ptrace.h>
#include <uapi/wait.h>

/* Tree lock held. A child's change becomes SIGCHLD (or its exit signal) and wakes wait4. */
void process_notify_parent(struct process *p, int why)
{
	struct process *parent = p->parent;
	struct user_siginfo info = { .signo = SIGCHLD, .code = why };
	bool is_exit = why == CLD_EXITED || why == CLD_KILLED || why == CLD_DUMPED;
	u32 sig = is_exit ? p->exit_signal : SIGCHLD;
	struct process_usage usage;
	u64 sa_flags;

	lock_assert_held(&process_tree_lock);
	if (!parent)
		return;
	process_usage(p, &usage);
	info.child.pid = p->pid;
	info.child.uid = p->leader->cred ? p->leader->cred->uid : 0;
	info.child.utime = (s64)(usage.user_ns / (NSEC_PER_SEC / USER_HZ));
	info.child.stime = (s64)(usage.system_ns / (NSEC_PER_SEC / USER_HZ));
	info.child.status = is_exit ? (s32)(why == CLD_EXITED ? p->exit_status >> 8 & 0xff : p->exit_status & 0x7f)
			  : why == CLD_STOPPED ? (s32)p->sig.stop_signal : SIGCONT;
	sa_flags = parent->sig.actions->action[SIGCHLD - 1].flags;
	if (sig && (is_exit || !(sa_flags & SA_NOCLDSTOP)))
		(void)signal_send_process(parent, (int)sig, &info);
	waitq_wake_all(&parent->child_wait);
}

/* Would the parent never ask? Then nobody keeps the zombie (POSIX SA_NOCLDWAIT, SIG_IGN). */
static bool parent_ignores(const struct process *p)
{
	const struct sig_action *a;

	if (!p->parent)
		return true;
	if (p->exit_signal != SIGCHLD)
		return false;
	a = &p->parent->sig.actions->action[SIGCHLD - 1];
	return a->handler == SIG_IGN || (a->flags & SA_NOCLDWAIT);
}

/* Tree lock held: does the group have a member with a parent elsewhere in the session, p aside? */
static bool group_is_orphaned(pid_t pgid, const struct process *without)
{
	for (struct process *p = pgrp_first(pgid); p; p = pgrp_next(p)) {
		if (p == without || p->is_zombie || !p->parent || p->parent == process_init)
			continue;
		if (p->parent->pgid != pgid && p->parent->sid == p->sid)
			return false;
	}
	return true;
}

static bool group_has_stopped(pid_t pgid, const struct process *without)
{
	for (struct process *p = pgrp_first(pgid); p; p = pgrp_next(p))
		if (p != without && p->sig.job == JOB_STOPPED)
			return true;
	return false;
}

static void hangup_group(pid_t pgid)
{
	for (struct process *p = pgrp_first(pgid); p; p = pgrp_next(p)) {
		if (p->is_zombie)
			continue;
		(void)signal_send_process(p, SIGHUP, NULL);
		(void)signal_send_process(p, SIGCONT, NULL);
	}
}

/*
 * p loses old_parent (which ends, or p ends itself): a group that thereby becomes orphaned and has a
 * stopped member gets SIGHUP and SIGCONT (POSIX _exit).
 */
void process_orphan_groups(struct process *p, struct process *old_parent)
{
	const struct process *without = old_parent ? NULL : p;

	if (!old_parent)
		old_parent = p->parent;
	if (!old_parent || old_parent->pgid == p->pgid || old_parent->sid != p->sid)
		return;		/* it was no link to the outside */
	if (group_is_orphaned(p->pgid, without) && group_has_stopped(p->pgid, without))
		hangup_group(p->pgid);
}

static struct process *find_reaper(struct process *p)
{
	if (p->has_subreaper)
		for (struct process *a = p->parent; a && a != process_init; a = a->parent)
			if (a->is_subreaper && !a->is_zombie && a->nr_threads)
				return a;
	return process_init;
}

void process_told(struct process *p, struct list *dead)
{
	int why = (p->exit_status & 0x7f) ? CLD_KILLED : CLD_EXITED;
	struct tracee *tr = p->leader->tracee;
	bool unwanted;

	if (unlikely(tr)) {
		u32 status = why == CLD_EXITED ? p->exit_status >> 8 & 0xff : p->exit_status & 0x7f;

		trace_tell(tr, why, status, tr->tracer->process == p->parent ? (int)p->exit_signal : SIGCHLD);
		return;
	}
	unwanted = parent_ignores(p);
	process_notify_parent(p, why);
	if (unwanted) {
		process_tree_remove(p);
		list_push_back(dead, &p->sibling);
	}
}

/* Tree lock held. Zombies that nobody waits for go to dead. */
static void hand_on_children(struct process *p, struct list *dead)
{
	struct process *reaper = find_reaper(p), *child, *next;

	list_for_each_safe(child, next, &p->children, sibling) {
		list_remove(&child->sibling);
		atomic_store(&child->parent, reaper);
		atomic_store(&child->ppid, reaper->pid);
		list_push_back(&reaper->children, &child->sibling);
		if (child->pdeath_signal)
			(void)signal_send_process(child, (int)child->pdeath_signal, NULL);
		process_orphan_groups(child, p);
		child->exit_signal = SIGCHLD;
		/* Who is traced is told of when the tracer has waited. */
		if (child->is_zombie && !child->nr_dead_traced && !child->leader->tracee)
			process_told(child, dead);
	}
}

/* Out of the tree: the number, the leader, the reference of existence. */
void process_reap(struct process *p)
{
	struct thread *leader = p->leader;
	unsigned long flags;

	flags = signal_lock(p);
	process_state_set(p, PROC_DEFUNCT);
	list_remove(&leader->process_link);
	signal_unlock(p, flags);
	pid_withdraw_thread(leader);
	pid_withdraw_process(p);
	pid_free(p->pid);
	if (!waitq_is_empty(&p->end_wait))
		waitq_wake(&p->end_wait, 1, POLLIN | POLLRDNORM | POLLHUP);
	thread_put(leader);
	process_put(p);
}

static void flush_signals(struct process *p, struct thread *t)
{
	unsigned long flags = signal_lock(p);

	signal_flush(&t->sig_pending, ~0ull);
	if (!p->nr_threads)
		signal_flush(&p->sig.pending, ~0ull);
	signal_unlock(p, flags);
}

/* The last thread of p ends: p becomes a zombie, or goes at once. */
static void process_end(struct process *p)
{
	struct process *dead_child;
	struct list dead = LIST_INIT(dead);
	unsigned long flags;

	spin_lock(&process_tree_lock);
	hand_on_children(p, &dead);
	process_orphan_groups(p, NULL);
	flags = signal_lock(p);
	process_state_set(p, PROC_TERMINATED);
	signal_unlock(p, flags);
	atomic_store(&p->has_ended, true);
	if (!waitq_is_empty(&p->end_wait))
		waitq_wake(&p->end_wait, 1, POLLIN | POLLRDNORM);
	process_state_set(p, PROC_ZOMBIE);
	p->is_zombie = true;
	if (likely(!p->nr_dead_traced))
		process_told(p, &dead);
	spin_unlock(&process_tree_lock);	/* from here a waiter may reap it: it is touched no more */
	while ((dead_child = list_first(&dead, struct process, sibling))) {
		list_remove(&dead_child->sibling);
		process_reap(dead_child);
	}
}

#if CONFIG_DEBUG
u64 exit_stuck_pid;	/* plain word; 0: none */
#endif

/* The memory goes; parents in vfork and joiners learn of it. */
static void release_memory(struct thread *self)
{
	struct aspace *as = self->aspace;
	struct completion *vfork_done = self->vfork_done;

#if CONFIG_DEBUG
	while (READ_ONCE(exit_stuck_pid) == (u64)self->process->pid)	/* a test wants a victim that does not go */
		(void)sleep_until(time_ns() + 10 * NSEC_PER_MSEC, false);
#endif
	if (self->robust_list)
		robust_list_exit(self);
	futex_pi_abandon(self);
	if (self->clear_tid && ref_read(&as->users) > 1) {
		u32 __user *word = (u32 __user *)self->clear_tid;

		if (!put_user(0u, word))
			(void)sys_futex(word, FUTEX_WAKE, 1, 0, NULL, 0);
	}
	preempt_disable();
	rseq_forget();
	self->aspace = NULL;	/* the CPU keeps the tables until it switches to another space */
	preempt_enable();
	self->vfork_done = NULL;
	if (vfork_done)
		completion_signal(vfork_done);
	aspace_put_user(as);
}

static void note_peak_memory(struct process *p, const struct aspace *as)
{
	p->dead_threads.max_rss_pages = max(p->dead_threads.max_rss_pages, aspace_rss_peak(as));
}

/* True: this was the last thread. */
static bool leave_process(struct process *p, struct thread *self, u32 status, bool *stop_complete,
			  bool *is_leader)
{
	unsigned long flags = signal_lock(p);
	bool is_last;

	*stop_complete = job_thread_gone(self);
	*is_leader = p->leader == self;
	self->exiting = true;
	is_last = --p->nr_threads == 0;
	if (is_last && !p->group_exit) {
		p->group_exit = true;
		p->exit_status = status;
	}
	note_peak_memory(p, self->aspace);
	thread_usage_add(self, &p->dead_threads);
	signal_unlock(p, flags);
	return is_last;
}

static __noreturn __cold void init_died(const struct process *p)
{
	if (p->exit_status & 0x7f)
		panic("PID 1 (%s) was killed by signal %u", p->cmd, p->exit_status & 0x7f);
	panic("PID 1 (%s) exited with status %u", p->cmd, p->exit_status >> 8 & 0xff);
}

/* Others find them under the signal lock (access.c). */
static void release_files(struct process *p)
{
	unsigned long flags = signal_lock(p);
	struct fd_table *files = p->files;
	struct fs_context *fs = p->fs;

	p->files = NULL;
	p->fs = NULL;
	signal_unlock(p, flags);
	fd_table_put(files);
	fs_context_leave(fs);
}

/* The wait status of the current thread by itself, which only tracers see. */
static u32 thread_status(const struct process *p, int code)
{
	return p->group_exit ? p->exit_status : p->exec_thread ? 0 : WAIT_EXITED((u32)code);
}

__noreturn void process_exit_thread(int code)
{
	struct thread *self = current;
	struct process *p = self->process;
	bool stop_complete, is_last, is_leader, is_announced = false;

	if (unlikely(self->tracee)) {
		trace_event(PTRACE_EVENT_EXIT, thread_status(p, code));
		is_announced = trace_thread_leaves();
	}
	is_last = leave_process(p, self, WAIT_EXITED((u32)code), &stop_complete, &is_leader);
	if (stop_complete) {
		spin_lock(&process_tree_lock);
		process_notify_parent(p, CLD_STOPPED);
		spin_unlock(&process_tree_lock);
	}
	if (is_last && p == process_init)
		init_died(p);
	if (is_last) {
		itimer_exit(p);
		posix_timers_delete(p);
		sem_exit(p);
	}
	release_memory(self);
	flush_signals(p, self);
	if (is_last) {
		if (p->sid == p->pid)
			tty_session_end(p);
		release_files(p);
	}
	trace_tracer_ends();
	group_uncharge_task(self);
	if (!is_leader) {
		unsigned long flags = signal_lock(p);

		list_remove(&self->process_link);
		signal_unlock(p, flags);
		pid_withdraw_thread(self);
		if (!trace_thread_ends(thread_status(p, code), is_announced))
			pid_free(self->tid);
	}
	if (!is_last) {
		waitq_wake_all(&p->child_wait);	/* an exec that waits for the others to go */
		if (!waitq_is_empty(&p->end_wait))
			waitq_wake(&p->end_wait, 1, POLLIN | POLLRDNORM | POLLHUP);
	}
	if (is_last)
		process_end(p);
	if (!is_leader)
		thread_put(self);	/* the list's; thread_start's own lasts until the switch */
	thread_exit(code);
}

__noreturn void process_exit_group(u32 wait_status)
{
	struct process *p = current_process();
	unsigned long flags = signal_lock(p);

	signal_group_exit(p, wait_status);
	signal_unlock(p, flags);
	process_exit_thread(0);
}

long sys_exit(int status) { process_exit_thread(status & 0xff); }
long sys_exit_group(int status) { process_exit_group(WAIT_EXITED((u32)status)); }
