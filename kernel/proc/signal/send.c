/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Posting signals: pending sets and queues, ignoring, stop and continue, waking. Delivery is
 * deliver.c's matter. Lock: process.sig.actions->lock, interrupts off; signal_lock finds it.
 */
#include "../proc.h"
#include "../trace/trace.h"
#include "signal_local.h"
#include <kernel/mm.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/wait.h>

struct waitq signalfd_wait = WAITQ_INIT(signalfd_wait);

/* exec replaced the actions while we waited for the lock of the old ones. */
static __noinline unsigned long lock_others(struct process *p, struct sig_actions *a, unsigned long flags)
{
	do {
		spin_unlock_irqrestore(&a->lock, flags);
		flags = arch_irq_save();
		a = atomic_load_acquire(&p->sig.actions);	/* pairs with signal_unshare_actions */
		spin_lock(&a->lock);
	} while (a != p->sig.actions);
	return flags;
}

unsigned long __hot signal_lock(struct process *p)
{
	/* exec may free them while we wait for their lock: no epoch ends while interrupts are off. */
	unsigned long flags = arch_irq_save();
	struct sig_actions *a = atomic_load_acquire(&p->sig.actions);	/* pairs with signal_unshare_actions */

	spin_lock(&a->lock);
	if (likely(a == p->sig.actions))
		return flags;
	return lock_others(p, a, flags);
}

void signal_unlock(struct process *p, unsigned long flags)
{
	spin_unlock_irqrestore(&p->sig.actions->lock, flags);
}

/* A little above 2 KiB each: a size class of kmalloc would double that. */
static struct kmem_cache *actions_cache __ro_after_init;

void sig_actions_init(void)
{
	actions_cache = kmem_cache_create("signal_actions", sizeof(struct sig_actions), 0, NULL);
}

struct sig_actions *sig_actions_copy(const struct sig_actions *from)
{
	struct sig_actions *a = kmem_cache_alloc(actions_cache, ALLOC_ZERO);

	if (!a)
		return NULL;
	ref_set(&a->refs, 1);
	spin_init(&a->lock, "signal", LOCK_SIGNAL);
	if (from) {
		unsigned long flags = spin_lock_irqsave((struct spinlock *)&from->lock);

		memcpy(a->action, from->action, sizeof(a->action));
		spin_unlock_irqrestore((struct spinlock *)&from->lock, flags);
	}
	return a;
}

void sig_actions_free(struct epoch_head *h)
{
	kmem_cache_free(actions_cache, container_of(h, struct sig_actions, epoch));
}

int signal_unshare_actions(void)
{
	struct process *p = current_process();
	struct sig_actions *old = p->sig.actions, *new;
	unsigned long flags;

	if (ref_read(&old->refs) == 1)
		return 0;
	new = sig_actions_copy(old);
	if (!new)
		return -ENOMEM;
	flags = spin_lock_irqsave(&old->lock);
	atomic_store_release(&p->sig.actions, new);	/* pairs with signal_lock */
	spin_unlock_irqrestore(&old->lock, flags);
	if (ref_put(&old->refs))
		epoch_defer(&old->epoch, sig_actions_free);
	return 0;
}

/* Is there something for t to do before user mode? */
static bool has_work(const struct thread *t)
{
	const struct process *p = t->process;

	return t->sig_exit_pending || job_wants_stop(t) || p->sig.cont_notify ||
	       ((t->sig_pending.set | p->sig.pending.set) & ~t->sig_mask);
}

void signal_update_work(struct thread *t)
{
	if (has_work(t))
		thread_notify(t, WORK_SIGNAL);
	else
		atomic_fetch_and(&t->exit_work, ~(u32)WORK_SIGNAL);
}

bool signal_pending(const struct thread *t) { return (atomic_load(&t->exit_work) & WORK_SIGNAL) != 0; }

bool signal_fatal_pending(const struct thread *t) { return atomic_load(&t->sig_exit_pending); }

static void poke(struct thread *t, u32 states)
{
	thread_notify(t, WORK_SIGNAL);
	thread_wake(t, states);
}

static void info_free(struct sig_info *i)
{
	if (!i->is_embedded)
		kfree(i);
}

void signal_flush(struct sig_pending *pending, u64 set)
{
	struct sig_info *i, *next;

	pending->set &= ~set;
	list_for_each_safe(i, next, &pending->queue, link)
		if (sig_bit(i->info.signo) & set) {
			list_remove(&i->link);
			info_free(i);
		}
}

static void flush_everywhere(struct process *p, u64 set)
{
	struct thread *t;

	signal_flush(&p->sig.pending, set);
	list_for_each(t, &p->threads, process_link)
		signal_flush(&t->sig_pending, set);
}

/* Takes sig's first queued info out of a set, or makes one up; clears the bit with the last. */
static void take_from(struct process *p, struct sig_pending *pending, int sig, struct user_siginfo *info)
{
	struct sig_info *i, *next, *found = NULL;
	bool more = false;

	list_for_each_safe(i, next, &pending->queue, link) {
		if (i->info.signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = i;
	}
	if (found) {
		*info = found->info;
		list_remove(&found->link);
		if (found->is_embedded)
			posix_timer_taken(found, info);
		else
			p->sig.nr_queued--;
		info_free(found);
	} else {
		*info = (struct user_siginfo){ .signo = sig, .code = SI_KERNEL };
	}
	if (!more)
		pending->set &= ~sig_bit(sig);
}

int signal_take(struct thread *t, u64 allowed, struct user_siginfo *info)
{
	struct process *p = t->process;
	int sig = signal_choose(t->sig_pending.set & allowed);

	if (sig && (sig == SIGKILL || !((p->sig.pending.set & allowed) & sig_bit(SIGKILL)))) {
		take_from(p, &t->sig_pending, sig, info);
		return sig;
	}
	sig = signal_choose(p->sig.pending.set & allowed);
	if (sig)
		take_from(p, &p->sig.pending, sig, info);
	return sig;
}

void signal_group_exit(struct process *p, u32 wait_status)
{
	struct thread *t;

	if (!p->group_exit) {
		p->group_exit = true;
		p->exit_status = wait_status;
	}
	p->sig.job = JOB_RUNNING;
	list_for_each(t, &p->threads, process_link) {
		if (t->exiting)
			continue;
		atomic_store(&t->sig_exit_pending, true);
		poke(t, BIT(THREAD_SLEEPING) | BIT(THREAD_BLOCKED) | BIT(THREAD_STOPPED));
		trace_wake_to_die(t);
	}
}

/* Stop and continue signals cancel each other when they are generated, whatever becomes of them. */
static void cancel_opposites(struct process *p, int sig)
{
	struct thread *t;

	if (sig_bit(sig) & SIGNALS_STOP) {
		flush_everywhere(p, sig_bit(SIGCONT));
		return;
	}
	if (sig != SIGCONT)
		return;
	flush_everywhere(p, SIGNALS_STOP);
	atomic_add(&p->sig.nr_continued, 1u);
	if (p->sig.job == JOB_RUNNING)
		return;
	p->sig.job = JOB_RUNNING;
	p->sig.cont_notify = true;
	p->sig.cont_reported = false;
	p->sig.nr_to_stop = 0;
	if (p->state == PROC_SUSPENDED)
		process_state_set(p, PROC_READY);
	list_for_each(t, &p->threads, process_link) {
		t->job_counted = false;
		poke(t, BIT(THREAD_STOPPED));
		trace_notify_job(t);
	}
}

static bool is_ignored(const struct process *p, int sig, bool forced)
{
	u64 handler = p->sig.actions->action[sig - 1].handler;

	/* PID 1 gets only what it asked for. */
	if (p == process_init && !forced && handler == SIG_DFL)
		return true;
	/* Tracers see what is ignored, too. */
	if (unlikely(p->nr_traced) && sig != SIGKILL)
		return false;
	if (handler == SIG_IGN)
		return true;
	return handler == SIG_DFL && (signal_default_action(sig) == SIGNAL_IGNORED ||
				      signal_default_action(sig) == SIGNAL_CONTINUES);
}

/* A thread that would take sig at once: the preferred one, the leader, any other. NULL: all block it. */
static struct thread *find_taker(struct process *p, struct thread *preferred, int sig)
{
	struct thread *t, *found = NULL;

	if (preferred)
		return preferred->exiting || (preferred->sig_mask & sig_bit(sig)) ? NULL : preferred;
	list_for_each(t, &p->threads, process_link) {
		if (t->exiting || (t->sig_mask & sig_bit(sig)))
			continue;
		if (t == current)
			return t;
		if (!found || t == p->leader)
			found = t;
	}
	return found;
}

static int enqueue(struct process *p, struct sig_pending *pending, int sig,
		   const struct user_siginfo *info, struct sig_info *embedded)
{
	struct sig_info *i = embedded;

	if (sig < SIGRTMIN && (pending->set & sig_bit(sig)) && !embedded)
		return 0;	/* standard signals do not queue; a timer's tells of its overruns */
	if (info && !i && (sig < SIGRTMIN || p->sig.nr_queued < p->limits[RLIMIT_SIGPENDING].rlim_cur)) {
		i = kmalloc(sizeof(*i), ALLOC_ATOMIC | ALLOC_NOWARN);
		if (i)
			i->is_embedded = false;
	}
	if (!i && info && sig >= SIGRTMIN && info->code < 0)
		return -EAGAIN;		/* sigqueue must not lose its value */
	if (i) {
		if (info)
			i->info = *info;
		i->info.signo = sig;
		if (!i->is_embedded)
			p->sig.nr_queued++;
		list_push_back(&pending->queue, &i->link);
	}
	pending->set |= sig_bit(sig);
	return 0;
}

int signal_post(struct process *p, struct thread *t, int sig, const struct user_siginfo *info,
		struct sig_info *embedded, bool forced)
{
	enum signal_default what = signal_default_action(sig);
	struct thread *taker;
	int err;

	if (!p->nr_threads || (p->group_exit && !forced) || (t && t->exiting))
		return 0;
	p->signals_received++;
	if (p == process_init && !forced && sig_bit(sig) & SIGNALS_UNMASKABLE)
		return 0;
	cancel_opposites(p, sig);
	taker = find_taker(p, t, sig);
	if (is_ignored(p, sig, forced) && (taker || (t ? !(t->sig_mask & sig_bit(sig)) : false)))
		return 0;
	err = enqueue(p, t ? &t->sig_pending : &p->sig.pending, sig, info, embedded);
	if (err)
		return err;
	if (!waitq_is_empty(&p->sig.sigtimedwait_q))
		waitq_wake_all(&p->sig.sigtimedwait_q);
	if (p->sig.uses_signalfd)
		waitq_wake_all(&signalfd_wait);
	if (!taker)
		return 0;
	if (sig == SIGKILL || (what == SIGNAL_TERMINATES && p->sig.actions->action[sig - 1].handler == SIG_DFL &&
			       likely(!p->nr_traced)))
		signal_group_exit(p, WAIT_SIGNALED(sig, false));
	else
		poke(taker, BIT(THREAD_SLEEPING));
	return 0;
}

static int post_locked(struct process *p, struct thread *t, int sig, const struct user_siginfo *info)
{
	unsigned long flags;
	int err;

	if (sig == 0)
		return 0;
	flags = signal_lock(p);
	err = signal_post(p, t, sig, info, NULL, false);
	signal_unlock(p, flags);
	return err;
}

int signal_send_process(struct process *p, int sig, const struct user_siginfo *info)
{
	return post_locked(p, NULL, sig, info);
}

int signal_send_thread(struct thread *t, int sig, const struct user_siginfo *info)
{
	return post_locked(t->process, t, sig, info);
}

int signal_send_pgrp(pid_t pgid, int sig, const struct user_siginfo *info)
{
	int found = -ESRCH;

	spin_lock(&process_tree_lock);
	for (struct process *p = pgrp_first(pgid); p; p = pgrp_next(p)) {
		if (p->is_zombie)
			continue;
		found = 0;
		(void)post_locked(p, NULL, sig, info);	/* a full queue of one member does not stop the others */
	}
	spin_unlock(&process_tree_lock);
	return found;
}

bool process_may_signal(const struct process *target, int sig)
{
	const struct cred *mine = cred_current(), *theirs;
	const struct thread *leader = atomic_load(&target->leader);
	bool ok;

	if (target == current->process || cred_capable(mine, CAP_KILL))
		return true;
	if (!leader)
		return false;	/* it never came to life */
	epoch_enter();
	theirs = atomic_load_acquire(&leader->cred);	/* pairs with cred_install */
	ok = mine->euid == theirs->suid || mine->euid == theirs->uid || mine->uid == theirs->suid ||
	     mine->uid == theirs->uid;
	epoch_exit();
	return ok || (sig == SIGCONT && target->sid == current_process()->sid);
}
