/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls of signals. The work is in send.c and deliver.c. Lock: the signal lock for masks and actions. */
#include "../proc.h"
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

#define SIGSET_SIZE 8

static bool sig_valid(int sig) { return sig >= 1 && sig <= NSIG; }

/* POSIX: becoming ignored discards what is pending. The signal lock is held. */
static __noinline void discard_pending(struct process *p, int sig)
{
	struct thread *t;

	signal_flush(&p->sig.pending, sig_bit(sig));
	list_for_each(t, &p->threads, process_link)
		signal_flush(&t->sig_pending, sig_bit(sig));
}

static bool ignores(u64 handler, int sig)
{
	return handler == SIG_IGN || (handler == SIG_DFL && signal_default_action(sig) == SIGNAL_IGNORED);
}

static long tell_action(void __user *to, const struct sig_action *a)
{
	struct user_sigaction u = {
		.handler = a->handler, .flags = a->flags, .mask = a->mask,
#if ARCH_SIGACTION_RESTORER
		.restorer = a->restorer,
#endif
	};

	return copy_to_user(to, &u, sizeof(u));
}

long sys_rt_sigaction(int sig, const void __user *act, void __user *oldact, size_t setsize)
{
	struct process *p = current_process();
	struct sig_action *action, old;
	struct user_sigaction u;
	unsigned long flags;

	if (setsize != SIGSET_SIZE || !sig_valid(sig) || (act && (sig_bit(sig) & SIGNALS_UNMASKABLE)))
		return -EINVAL;
	if (act && copy_from_user(&u, act, sizeof(u)))
		return -EFAULT;
	flags = signal_lock(p);
	action = &p->sig.actions->action[sig - 1];
	if (oldact)
		old = *action;
	if (act) {
		*action = (struct sig_action){
			.handler = u.handler, .flags = u.flags & ~(u64)SA_UNSUPPORTED, .mask = u.mask & ~SIGNALS_UNMASKABLE,
#if ARCH_SIGACTION_RESTORER
			.restorer = u.restorer,
#endif
		};
		if (unlikely(ignores(u.handler, sig)))
			discard_pending(p, sig);
	}
	signal_unlock(p, flags);
	return oldact ? tell_action(oldact, &old) : 0;
}

long sys_rt_sigprocmask(int how, const u64 __user *set, u64 __user *oldset, size_t setsize)
{
	u64 old = current->sig_mask, new;

	if (setsize != SIGSET_SIZE)
		return -EINVAL;
	if (set) {
		if (get_user(new, set))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			new |= old;
			break;
		case SIG_UNBLOCK:
			new = old & ~new;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_mask(new);
	}
	return oldset ? put_user(old, oldset) : 0;
}

long sys_rt_sigpending(u64 __user *set, size_t setsize)
{
	struct thread *self = current;
	u64 pending;

	if (setsize > SIGSET_SIZE)
		return -EINVAL;
	pending = (self->sig_pending.set | self->process->sig.pending.set) & self->sig_mask;
	return copy_to_user(set, &pending, setsize);
}

void signal_set_temporary_mask(u64 mask)
{
	current->saved_sigmask = current->sig_mask;
	atomic_fetch_or(&current->exit_work, WORK_SIGMASK);
	signal_set_mask(mask);
}

/* Sleeps until there is a signal to look at. */
static long wait_for_signal(void)
{
	struct waitq nobody;

	waitq_init(&nobody);
	(void)waitq_wait_interruptible(&nobody, false);
	return -ERESTARTNOHAND;
}

long sys_rt_sigsuspend(const u64 __user *set, size_t setsize)
{
	u64 mask;

	if (setsize != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(mask, set))
		return -EFAULT;
	signal_set_temporary_mask(mask);
	return wait_for_signal();
}

long sys_pause(void) { return wait_for_signal(); }

u64 signal_pending_set(void) { return atomic_load(&current->sig_pending.set) | atomic_load(&current_process()->sig.pending.set); }

int signal_take_pending(u64 wanted, struct user_siginfo *info)
{
	struct process *p = current_process();
	unsigned long flags = signal_lock(p);
	int sig = signal_take(current, wanted, info);

	signal_update_work(current);
	signal_unlock(p, flags);
	return sig;
}

long sys_rt_sigtimedwait(const u64 __user *set, void __user *uinfo, const struct timespec64 __user *timeout,
			 size_t setsize)
{
	struct process *p = current_process();
	struct user_siginfo info;
	struct timespec64 ts;
	u64 wanted, deadline = U64_MAX;
	int sig = 0, err;

	if (setsize != SIGSET_SIZE)
		return -EINVAL;
	if (get_user(wanted, set))
		return -EFAULT;
	if (timeout) {
		if (get_user(ts, timeout))
			return -EFAULT;
		if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
			return -EINVAL;
		if (ts.tv_sec < (s64)(S64_MAX / (s64)NSEC_PER_SEC / 2))
			deadline = time_ns() + (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
	}
	wanted &= ~SIGNALS_UNMASKABLE;
	err = waitq_wait_until(&p->sig.sigtimedwait_q, (sig = signal_take_pending(wanted, &info)) != 0,
			       SLEEP_INTERRUPTIBLE, deadline, false);
	if (err)
		return err == -ETIMEDOUT ? -EAGAIN : err;
	if (uinfo && copy_to_user(uinfo, &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

static struct user_siginfo info_from_me(int sig, int code)
{
	struct user_siginfo info = { .signo = sig, .code = code };

	info.rt.pid = current_process()->pid;
	info.rt.uid = cred_current()->uid;
	return info;
}

static int kill_one(struct process *p, int sig, const struct user_siginfo *info)
{
	if (!process_may_signal(p, sig))
		return -EPERM;
	return sig ? signal_send_process(p, sig, info) : 0;
}

/* Everybody but PID 1 and the caller (pgid 0), or a process group. */
static long kill_many(pid_t pgid, int sig, const struct user_siginfo *info)
{
	long result = -ESRCH;
	struct process *p;

	for (pid_t from = 2; (p = process_next(from)); process_put(p)) {
		int err;

		from = p->pid + 1;
		if (p->is_zombie ? pgid == 0 : false)
			continue;
		if (pgid ? p->pgid != pgid : p == current_process())
			continue;
		err = kill_one(p, sig, info);
		if (!err || result == -ESRCH)
			result = err;
	}
	/* PID 1 is in its own group; process_next starts behind it. */
	if (pgid && process_init && process_init->pgid == pgid) {
		int err = kill_one(process_init, sig, info);

		if (!err || result == -ESRCH)
			result = err;
	}
	return result;
}

long signal_kill_group(pid_t pgid, int sig, const struct user_siginfo *info) { return kill_many(pgid, sig, info); }

long sys_kill(pid_t pid, int sig)
{
	struct user_siginfo info = info_from_me(sig, SI_USER);
	struct process *p;
	long err;

	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	if (pid == -1)
		return kill_many(0, sig, &info);
	if (pid == (pid_t)0x80000000)
		return -ESRCH;
	if (pid <= 0)
		return kill_many(pid ? -pid : current_process()->pgid, sig, &info);
	p = process_find(pid);
	if (!p)
		return -ESRCH;
	err = kill_one(p, sig, &info);
	process_put(p);
	return err;
}

/* tgid 0: any. */
static long kill_thread(pid_t tgid, pid_t tid, int sig, const struct user_siginfo *info)
{
	struct thread *t;
	long err = -ESRCH;

	if (tid <= 0 || sig < 0 || sig > NSIG)
		return -EINVAL;
	t = thread_find(tid);
	if (!t)
		return -ESRCH;
	if (t->process && (!tgid || t->process->pid == tgid) && !t->exiting) {
		err = process_may_signal(t->process, sig) ? 0 : -EPERM;
		if (!err && sig)
			err = signal_send_thread(t, sig, info);
	}
	thread_put(t);
	return err;
}

long sys_tkill(pid_t tid, int sig)
{
	struct user_siginfo info = info_from_me(sig, SI_TKILL);

	return kill_thread(0, tid, sig, &info);
}

long sys_tgkill(pid_t tgid, pid_t tid, int sig)
{
	struct user_siginfo info = info_from_me(sig, SI_TKILL);

	return tgid <= 0 ? -EINVAL : kill_thread(tgid, tid, sig, &info);
}

/* A program may not forge what the kernel says (code >= 0) to others. */
static long read_info(struct user_siginfo *info, const void __user *uinfo, pid_t target, int sig)
{
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	if ((info->code >= 0 || info->code == SI_TKILL) && target != current_process()->pid)
		return -EPERM;
	info->signo = sig;
	return 0;
}

long sys_rt_sigqueueinfo(pid_t pid, int sig, const void __user *uinfo)
{
	struct user_siginfo info;
	struct process *p;
	long err = read_info(&info, uinfo, pid, sig);

	if (err)
		return err;
	if (sig < 0 || sig > NSIG)
		return -EINVAL;
	p = process_find(pid);
	if (!p)
		return -ESRCH;
	err = kill_one(p, sig, &info);
	process_put(p);
	return err;
}

long sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int sig, const void __user *uinfo)
{
	struct user_siginfo info;
	long err = read_info(&info, uinfo, tgid, sig);

	if (err)
		return err;
	return tgid <= 0 ? -EINVAL : kill_thread(tgid, tid, sig, &info);
}

static bool on_altstack(const struct thread *t)
{
	u64 sp = arch_regs_sp(arch_user_regs(t));

	return t->altstack_size && !(t->altstack_flags & SS_AUTODISARM) && sp > t->altstack_sp &&
	       sp - t->altstack_sp <= t->altstack_size;
}

/* Checks and sets; the caller is not on the stack it changes. */
static long set_altstack(struct thread *t, const struct user_stack *s)
{
	u32 mode = (u32)s->flags & ~SS_AUTODISARM;

	if (mode & ~(u32)(SS_DISABLE | SS_ONSTACK) || mode == (SS_DISABLE | SS_ONSTACK))
		return -EINVAL;
	if (mode & SS_DISABLE) {
		t->altstack_sp = t->altstack_size = t->altstack_flags = 0;
		return 0;
	}
	if (s->size < MINSIGSTKSZ)
		return -ENOMEM;
	t->altstack_sp = s->sp;
	t->altstack_size = s->size;
	t->altstack_flags = (u32)s->flags & SS_AUTODISARM;
	return 0;
}

long sys_sigaltstack(const void __user *stack, void __user *uold)
{
	struct thread *self = current;
	struct user_stack new, old = { .sp = self->altstack_sp, .size = self->altstack_size };
	long err;

	old.flags = (s32)(self->altstack_flags & SS_AUTODISARM);
	old.flags |= !self->altstack_size ? SS_DISABLE : on_altstack(self) ? SS_ONSTACK : 0;
	if (stack) {
		if (copy_from_user(&new, stack, sizeof(new)))
			return -EFAULT;
		if (on_altstack(self))
			return -EPERM;
		err = set_altstack(self, &new);
		if (err)
			return err;
	}
	return uold ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

long sys_rt_sigreturn(void)
{
	struct arch_regs *regs = arch_user_regs(current);
	struct user_stack alt;
	u64 mask;

	if (arch_signal_pop(regs, &mask, &alt)) {
		signal_fault(SIGSEGV, SI_KERNEL, arch_regs_sp(regs));
		return 0;
	}
	arch_user_forget_call(regs);
	signal_set_mask(mask);
	(void)set_altstack(current, &alt);	/* a frame the program spoilt keeps the present stack */
	return arch_user_get_result(regs);
}

long sys_restart_syscall(void)
{
	struct restart_block *r = &current->restart;

	return r->fn ? r->fn(r) : -EINTR;
}

void signal_sets(struct process *p, u64 *ignored, u64 *caught)
{
	unsigned long flags = signal_lock(p);

	*ignored = *caught = 0;
	for (int sig = 1; sig <= 64 && p->sig.actions; sig++) {
		u64 handler = p->sig.actions->action[sig - 1].handler;

		if (handler == SIG_IGN)
			*ignored |= sig_bit(sig);
		else if (handler != SIG_DFL)
			*caught |= sig_bit(sig);
	}
	signal_unlock(p, flags);
}
