/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who traces whom: attaching, children that come under the same tracer, letting go, and the ends of
 * either side. A traced thread other than the leader stays a record of its own until its tracer has
 * waited for it; a traced leader's process waits for that, too. Locks: the tree lock for the
 * relation, inside it the signal lock of the tracee's process.
 */
#include "trace.h"
#include <arch/trace.h>
#include <kernel/mm.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>
#include <uapi/ptrace.h>
#include <uapi/wait.h>
#include "trace_local.h"

static void tracee_free(struct epoch_head *h) { kfree(container_of(h, struct tracee, epoch)); }

struct tracee *tracee_new(void) { return kzalloc(sizeof(struct tracee), 0); }

/* Both locks held. The relation begins. */
static void link_both(struct tracee *tr, struct thread *t, struct thread *tracer)
{
	tr->thread = thread_get(t);
	tr->tracer = thread_get(tracer);
	list_push_back(&tracer->process->tracees, &tr->link);
	t->process->nr_traced++;
	atomic_store_release(&t->tracee, tr);	/* pairs with options_of: it is whole */
}

/* Tree lock held. The relation is over; tr is nobody's. */
static void unlink_both(struct tracee *tr)
{
	lock_assert_held(&process_tree_lock);
	list_remove(&tr->link);
	thread_put(tr->tracer);
	thread_put(tr->thread);
}

void trace_child(struct thread *t, struct tracee **tr)
{
	const struct tracee *mine = current->tracee;
	struct user_siginfo info = { .signo = SIGSTOP, .code = SI_USER };

	if (!mine || !*tr)
		return;
	(*tr)->options = mine->options;
	(*tr)->is_seized = mine->is_seized;
	(*tr)->tracer_is_capable = mine->tracer_is_capable;
	link_both(*tr, t, mine->tracer);
	*tr = NULL;
	if (mine->is_seized) {
		t->trace_traps = TRACE_TRAP_STOP;
		signal_update_work(t);
	} else {
		(void)signal_post(t->process, t, SIGSTOP, &info, NULL, true);
	}
}

/* ---- attaching ---------------------------------------------------------------------------------- */

/* Both locks held; t's process is alive. */
static int attach_check(const struct thread *t)
{
	if (t->exiting || !t->process->nr_threads)
		return -EPERM;
	return t->tracee ? -EPERM : 0;
}

/* Both locks held: a stopped thread turns over into a trace stop. */
static void attach_stopped(struct thread *t)
{
	t->trace_traps |= TRACE_TRAP_STOP;
	thread_notify(t, WORK_SIGNAL);
	thread_wake(t, BIT(THREAD_STOPPED));
}

static int attach(struct thread *t, struct tracee *tr, bool *was_stopped)
{
	struct user_siginfo info = { .signo = SIGSTOP, .code = SI_KERNEL };
	struct process *p = t->process;
	unsigned long flags;
	int err;

	spin_lock(&process_tree_lock);
	err = process_access(p, t, ACCESS_ATTACH | ACCESS_REAL);
	if (!err && p->execs_set_id && !capable(CAP_SYS_PTRACE))
		err = -EPERM;
	flags = signal_lock(p);
	if (!err)
		err = attach_check(t);
	if (!err) {
		link_both(tr, t, current);
		if (!tr->is_seized)
			(void)signal_post(p, t, SIGSTOP, &info, NULL, true);
		*was_stopped = atomic_load(&t->state) == THREAD_STOPPED;
		if (*was_stopped)
			attach_stopped(t);
	}
	signal_unlock(p, flags);
	spin_unlock(&process_tree_lock);
	return err;
}

/* The turn from a stop to a trace stop is over, or cannot come any more. */
static bool has_turned(struct thread *t)
{
	bool done = true;
	unsigned long flags;

	spin_lock(&process_tree_lock);
	flags = signal_lock(t->process);
	if (t->tracee && t->tracee->tracer == current && !t->exiting && !t->sig_exit_pending)
		done = t->tracee->is_stopped || !(t->trace_traps & TRACE_TRAP_STOP);
	signal_unlock(t->process, flags);
	spin_unlock(&process_tree_lock);
	return done;
}

long trace_attach(struct thread *t, bool is_seize, u64 addr, u64 options)
{
	bool was_stopped = false;
	struct tracee *tr;
	int err;

	if (is_seize && (addr || (options & ~(u64)PTRACE_O_KNOWN)))
		return -EIO;
	if (!t->process || t->process == current_process())
		return -EPERM;
	tr = tracee_new();
	if (!tr)
		return -ENOMEM;
	tr->is_seized = is_seize;
	tr->options = is_seize ? (u32)options : 0;
	tr->tracer_is_capable = capable(CAP_SYS_PTRACE);
	err = attach(t, tr, &was_stopped);
	if (err) {
		kfree(tr);
		return err;
	}
	if (was_stopped)
		(void)waitq_wait_until(&current_process()->child_wait, has_turned(t), SLEEP_KILLABLE, U64_MAX, false);
	return 0;
}

/* Tree lock held: the thread of parent that made us, or its oldest one that lives; referenced by the tree lock alone. */
static struct thread *maker(struct process *parent, pid_t tid)
{
	unsigned long flags = signal_lock(parent);
	struct thread *t, *found = NULL;

	list_for_each(t, &parent->threads, process_link) {
		if (t->exiting)
			continue;
		if (!found || t->tid == tid)
			found = t;
	}
	if (found)
		thread_get(found);
	signal_unlock(parent, flags);
	return found;
}

long trace_me(void)
{
	struct thread *self = current, *tracer;
	struct process *p = self->process;
	struct tracee *tr = tracee_new();
	unsigned long flags;
	long err = 0;

	if (!tr)
		return -ENOMEM;
	spin_lock(&process_tree_lock);
	tracer = p->parent ? maker(p->parent, p->maker_tid) : NULL;
	flags = signal_lock(p);
	if (self->tracee) {
		err = -EPERM;
	} else if (tracer) {
		tr->tracer_is_capable = tracer->cred && cred_capable(tracer->cred, CAP_SYS_PTRACE);
		link_both(tr, self, tracer);
		atomic_fence_full();	/* pairs with trace_tracer_ends: it sees this tracee, or we its end */
		if (READ_ONCE(tracer->exiting)) {
			self->tracee = NULL;
			p->nr_traced--;
			unlink_both(tr);
		} else {
			tr = NULL;
		}
	}
	signal_unlock(p, flags);
	spin_unlock(&process_tree_lock);
	if (tracer)
		thread_put(tracer);
	kfree(tr);
	return err;
}

bool trace_allows_set_id(void)
{
	const struct tracee *tr = current->tracee;

	lock_assert_held(&process_tree_lock);
	return !tr || tr->tracer_is_capable;
}

/* ---- letting go --------------------------------------------------------------------------------- */

/* Tree lock held. A living tracee goes on, with sig if it stopped; its process's stop counts for it again. */
static void let_go(struct tracee *tr, u32 sig)
{
	struct thread *t = tr->thread;
	struct process *p = t->process;
	unsigned long flags = signal_lock(p);
	bool was_stopped = tr->is_stopped;

	t->tracee = NULL;
	t->trace_traps = 0;
	t->trace_calls &= (u8)~TRACE_CALLS_PTRACE;
	p->nr_traced--;
	if (was_stopped) {
		tr->is_stopped = tr->is_held = false;
		tr->is_left = true;
		tr->resume_signal = sig;
	}
	signal_update_work(t);
	if (was_stopped)
		thread_wake(t, BIT(THREAD_TRACED));
	signal_unlock(p, flags);
	if (was_stopped) {
		unlink_both(tr);	/* the tracee frees the record */
	} else {
		unlink_both(tr);
		epoch_defer(&tr->epoch, tracee_free);
	}
}

/* Tree lock held: a process's last traced thread has been waited for, it may be told of now. */
static void last_was_told(struct process *p, struct list *dead)
{
	if (--p->nr_dead_traced == 0 && p->is_zombie)
		process_told(p, dead);
}

/*
 * Tree lock held: the record of a dead thread goes, or that of the leader of a process that ended. Threads' numbers
 * are given back with trace_finish, processes' that nobody wants to hear of with process_reap.
 */
static void let_dead_go(struct tracee *tr, struct list *dead_threads, struct list *dead)
{
	struct thread *t = tr->thread;
	struct process *p = t->process;
	bool told_elsewhere = p->parent != tr->tracer->process;
	unsigned long flags = signal_lock(p);

	t->tracee = NULL;
	p->nr_traced--;
	signal_unlock(p, flags);
	if (tr->is_dead) {
		list_remove(&tr->link);
		list_push_back(dead_threads, &tr->link);
		last_was_told(p, dead);
		return;
	}
	unlink_both(tr);
	epoch_defer(&tr->epoch, tracee_free);
	if (told_elsewhere && p->is_zombie && !p->nr_dead_traced)
		process_told(p, dead);
}

void trace_reaped(struct tracee *tr, struct list *dead_threads, struct list *dead) { let_dead_go(tr, dead_threads, dead); }

void trace_finish(struct list *dead_threads, struct list *dead)
{
	struct tracee *tr, *next;
	struct process *p;

	list_for_each_safe(tr, next, dead_threads, link) {
		list_remove(&tr->link);
		pid_free(tr->thread->tid);
		thread_put(tr->tracer);
		thread_put(tr->thread);
		epoch_defer(&tr->epoch, tracee_free);
	}
	while ((p = list_first(dead, struct process, sibling))) {
		list_remove(&p->sibling);
		process_reap(p);
	}
}

/* Tree lock held. */
static bool has_ended(const struct tracee *tr)
{
	return tr->is_dead || (tr->thread == tr->thread->process->leader && tr->thread->process->is_zombie);
}

void trace_detach(struct tracee *tr, u32 sig)
{
	spin_lock(&process_tree_lock);
	let_go(tr, sig);
	spin_unlock(&process_tree_lock);
}

void trace_tracer_ends(void)
{
	struct process *me = current_process();
	struct list dead_threads = LIST_INIT(dead_threads), dead = LIST_INIT(dead);
	struct tracee *tr, *next;

	atomic_fence_full();	/* pairs with trace_me */
	if (likely(list_empty(&me->tracees)))
		return;
	spin_lock(&process_tree_lock);
	list_for_each_safe(tr, next, &me->tracees, link) {
		if (tr->tracer != current)
			continue;
		if (tr->options & PTRACE_O_EXITKILL)
			(void)signal_send_process(tr->thread->process, SIGKILL, NULL);
		if (has_ended(tr))
			let_dead_go(tr, &dead_threads, &dead);
		else
			let_go(tr, 0);
	}
	spin_unlock(&process_tree_lock);
	trace_finish(&dead_threads, &dead);
}

/* ---- the tracee ends ---------------------------------------------------------------------------- */

bool trace_thread_leaves(void)
{
	struct thread *self = current;
	bool is_counted;

	spin_lock(&process_tree_lock);
	is_counted = self->tracee && self != self->process->leader;
	if (is_counted)
		self->process->nr_dead_traced++;
	spin_unlock(&process_tree_lock);
	return is_counted;
}

bool trace_thread_ends(u32 status, bool is_announced)
{
	struct thread *self = current;
	struct list dead = LIST_INIT(dead), none = LIST_INIT(none);
	struct tracee *tr;
	bool stays;

	if (likely(!self->tracee && !is_announced))
		return false;
	spin_lock(&process_tree_lock);
	tr = self->tracee;
	stays = tr != NULL;
	if (stays) {
		tr->exit_status = status;
		tr->is_dead = true;
		self->process->nr_dead_traced += !is_announced;
		trace_tell(tr, (status & 0x7f) ? CLD_KILLED : CLD_EXITED,
			   (status & 0x7f) ? status & 0x7f : status >> 8 & 0xff, SIGCHLD);
	} else {
		last_was_told(self->process, &dead);	/* its tracer went meanwhile */
	}
	spin_unlock(&process_tree_lock);
	trace_finish(&none, &dead);
	return stays;
}

void trace_forget(struct thread *t)
{
	struct tracee *tr = t->tracee;
	struct process *p = t->process;
	unsigned long flags;

	if (!tr)
		return;
	flags = signal_lock(p);
	t->tracee = NULL;
	p->nr_traced--;
	signal_unlock(p, flags);
	waitq_wake_all(&tr->tracer->process->child_wait);
	unlink_both(tr);
	epoch_defer(&tr->epoch, tracee_free);
}
