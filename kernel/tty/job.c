/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controlling terminals and job control (POSIX 11.1.2-11.1.4, tty_ioctl(4)): a session owns at most
 * one terminal, one of its process groups is in the foreground; others that read or change it get
 * SIGTTIN or SIGTTOU. Locks: tty.lock for sid and pgid, process_tree_lock inside it for who is where.
 */
#include "internal.h"
#include <uapi/errno.h>

struct job_view {		/* of the current process */
	pid_t pid, pgid, sid;
	struct tty *tty;
};

static struct job_view view_current(void)
{
	struct process *p = current_process();
	struct job_view v = { 0 };

	if (p == NULL)
		return v;	/* a kernel thread */
	spin_lock(&process_tree_lock);
	v = (struct job_view){ .pid = p->pid, .pgid = p->pgid, .sid = p->sid, .tty = p->tty };
	spin_unlock(&process_tree_lock);
	return v;
}

static bool is_blocked_or_ignored(int sig)
{
	struct process *p = current_process();
	unsigned long flags = signal_lock(p);
	bool yes = (current->sig_mask & BIT(sig - 1)) != 0 ||
		p->sig.actions->action[sig - 1].handler == SIG_IGN;

	signal_unlock(p, flags);
	return yes;
}

int tty_check_job(struct tty *t, int sig)
{
	struct job_view v = view_current();

	lock_assert_held(&t->lock);
	if (v.tty != t || t->pgid == 0 || v.pgid == t->pgid)
		return 0;
	if (is_blocked_or_ignored(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (pgrp_is_orphaned(v.pgid))
		return -EIO;
	(void)signal_send_pgrp(v.pgid, sig, NULL);
	return -ERESTARTSYS;
}

void tty_signal_foreground(struct tty *t, int sig)
{
	lock_assert_held(&t->lock);
	if (t->pgid)
		(void)signal_send_pgrp(t->pgid, sig, NULL);
}

/* ---- getting and losing the terminal ---- */

/* tty.lock held: t belongs to session sid, pgid in front. The session holds a reference. */
static void attach(struct tty *t, pid_t sid, pid_t pgid)
{
	if (t->sid == 0)
		tty_get(t);
	t->sid = sid;
	t->pgid = pgid;
	session_set_tty(sid, t);
}

/* tty.lock held. The caller drops the session's reference after the lock when this returns true. */
static bool detach(struct tty *t)
{
	if (t->sid == 0)
		return false;
	session_set_tty(t->sid, NULL);
	t->sid = 0;
	t->pgid = 0;
	return true;
}

void tty_acquire_on_open(struct tty *t)
{
	struct job_view v = view_current();

	if (v.pid == 0 || v.pid != v.sid || v.tty != NULL)
		return;
	mutex_lock(&t->lock);
	if (t->sid == 0)
		attach(t, v.sid, v.pgid);
	mutex_unlock(&t->lock);
}

static int set_controlling(struct tty *t, u64 steal)
{
	struct job_view v = view_current();
	int err = 0;

	mutex_lock(&t->lock);
	if (v.pid != 0 && v.pid == v.sid && t->sid == v.sid) {
		;	/* has it already */
	} else if (v.pid == 0 || v.pid != v.sid || v.tty != NULL) {
		err = -EPERM;
	} else if (t->sid != 0 && !(steal == 1 && capable(CAP_SYS_ADMIN))) {
		err = -EPERM;
	} else {
		if (t->sid != 0)
			session_set_tty(t->sid, NULL);
		attach(t, v.sid, v.pgid);
	}
	mutex_unlock(&t->lock);
	return err;
}

/* Hang-up and continue for the foreground, as when the session's leader goes. */
static void tell_foreground(pid_t pgid)
{
	if (pgid) {
		(void)signal_send_pgrp(pgid, SIGHUP, NULL);
		(void)signal_send_pgrp(pgid, SIGCONT, NULL);
	}
}

static int give_up_controlling(struct tty *t)
{
	struct job_view v = view_current();
	pid_t pgid;
	bool detached;

	if (v.tty != t)
		return -ENOTTY;
	if (v.pid != v.sid) {
		spin_lock(&process_tree_lock);
		current_process()->tty = NULL;
		spin_unlock(&process_tree_lock);
		return 0;
	}
	mutex_lock(&t->lock);
	pgid = t->pgid;
	detached = detach(t);
	mutex_unlock(&t->lock);
	tell_foreground(pgid);
	if (detached)
		tty_put(t);
	return 0;
}

/* tty.lock held: open files of before are dead; who waits learns it. */
static void kill_files(struct tty *t)
{
	t->hangups++;
	t->is_stopped = false;
	t->out_tail = t->out_head;
	input_flush(t);
	waitq_wake(&t->read_wait, ~0u, ~0u);
	waitq_wake(&t->write_wait, ~0u, ~0u);
}

void tty_hangup(struct tty *t)
{
	struct process *leader;
	pid_t sid, pgid;
	bool detached;

	mutex_lock(&t->lock);
	sid = t->sid;
	pgid = t->pgid;
	kill_files(t);
	detached = detach(t);
	mutex_unlock(&t->lock);
	leader = sid ? process_find(sid) : NULL;
	if (leader) {
		(void)signal_send_process(leader, SIGHUP, NULL);
		(void)signal_send_process(leader, SIGCONT, NULL);
		process_put(leader);
	}
	if (pgid != sid)
		tell_foreground(pgid);
	if (detached)
		tty_put(t);
}

void tty_port_hangup(struct tty_port *port)
{
	if (port->tty)
		tty_hangup(port->tty);
}

void tty_session_end(struct process *leader)
{
	struct tty *t;
	bool detached;
	pid_t pgid;

	spin_lock(&process_tree_lock);
	t = leader->tty && leader->pid == leader->sid ? tty_get(leader->tty) : NULL;
	spin_unlock(&process_tree_lock);
	if (t == NULL)
		return;
	mutex_lock(&t->lock);
	pgid = t->pgid;
	/* A pty's master side decides about its end; a real line is hung up for the next session. */
	if (!t->is_pty)
		kill_files(t);
	detached = detach(t);
	mutex_unlock(&t->lock);
	tell_foreground(pgid);
	if (detached)
		tty_put(t);
	tty_put(t);
}

/* ---- ioctls ---- */

static int get_pgrp(struct tty *t, u64 arg)
{
	struct job_view v = view_current();
	pid_t pgid;

	if (!t->is_pty && v.tty != t)
		return -ENOTTY;
	mutex_lock(&t->lock);
	pgid = t->pgid;
	mutex_unlock(&t->lock);
	return put_user(pgid, (pid_t __user *)arg);
}

static int set_pgrp(struct tty *t, u64 arg)
{
	struct job_view v = view_current();
	pid_t pgid;
	int err;

	if (get_user(pgid, (const pid_t __user *)arg))
		return -EFAULT;
	if (v.tty != t)
		return -ENOTTY;
	if (pgid < 0)
		return -EINVAL;
	mutex_lock(&t->lock);
	err = tty_check_job(t, SIGTTOU);
	if (!err && t->sid != v.sid)
		err = -ENOTTY;
	if (!err)
		err = pgrp_check_session(pgid, v.sid);
	if (!err)
		t->pgid = pgid;
	mutex_unlock(&t->lock);
	return err;
}

static int get_sid(struct tty *t, u64 arg)
{
	struct job_view v = view_current();
	pid_t sid;

	mutex_lock(&t->lock);
	sid = t->sid;
	mutex_unlock(&t->lock);
	if ((!t->is_pty && v.tty != t) || sid == 0)
		return -ENOTTY;
	return put_user(sid, (pid_t __user *)arg);
}

long tty_job_ioctl(struct tty *t, u32 cmd, u64 arg)
{
	switch (cmd) {
	case TIOCSCTTY:
		return set_controlling(t, arg);
	case TIOCNOTTY:
		return give_up_controlling(t);
	case TIOCGPGRP:
		return get_pgrp(t, arg);
	case TIOCSPGRP:
		return set_pgrp(t, arg);
	case TIOCGSID:
		return get_sid(t, arg);
	default:
		return -ENOTTY;
	}
}

void tty_describe(const struct tty *tty, dev_t *dev, pid_t *pgrp)
{
	pid_t pgid = READ_ONCE(tty->pgid);

	*dev = tty->dev;
	*pgrp = pgid ? pgid : -1;
}
