/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals instead of waiting (O_ASYNC): who owns a socket and gets SIGIO when something happens to it. Owners are
 * processes, not groups. Lock: socket.async_lock, under which the signal is sent.
 */
#include <kernel/process.h>
#include <kernel/signal.h>
#include "net.h"

static struct socket *socket_in(const struct file *f) { return f->private; }

void socket_async_notify(struct socket *sk)
{
	spin_lock(&sk->async_lock);
	if (sk->is_async && sk->async_owner)
		(void)signal_send_process(sk->async_owner, SIGIO, NULL);
	spin_unlock(&sk->async_lock);
}

void socket_set_async(struct file *f, bool on)
{
	struct socket *sk = socket_in(f);

	spin_lock(&sk->async_lock);
	atomic_store(&sk->is_async, on);
	spin_unlock(&sk->async_lock);
}

static void owner_store(struct socket *sk, struct process *p)
{
	struct process *old;

	spin_lock(&sk->async_lock);
	old = sk->async_owner;
	sk->async_owner = p;
	spin_unlock(&sk->async_lock);
	if (old)
		process_put(old);
}

void socket_async_end(struct socket *sk) { owner_store(sk, NULL); }

/* fcntl F_SETOWN. 0, -ESRCH, -EPERM, -EINVAL for a group. */
int socket_set_owner(struct file *f, pid_t pid)
{
	struct process *p = NULL;

	if (pid < 0)
		return -EINVAL;
	if (pid) {
		p = process_find(pid);
		if (!p)
			return -ESRCH;
		/* Linux asks at each signal; who may now may later, and the process is this one for good. */
		if (!process_may_signal(p, SIGIO)) {
			process_put(p);
			return -EPERM;
		}
	}
	owner_store(socket_in(f), p);
	return 0;
}

pid_t socket_get_owner(struct file *f)
{
	struct socket *sk = socket_in(f);
	pid_t pid;

	spin_lock(&sk->async_lock);
	pid = sk->async_owner ? sk->async_owner->pid : 0;
	spin_unlock(&sk->async_lock);
	return pid;
}
