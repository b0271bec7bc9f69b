/* SPDX-License-Identifier: BSD-2-Clause */
/* What a tracer reads and changes of a held tracee: siginfo, masks, register sets, the call it stopped at. */
#include "trace_local.h"
#include <arch/trace.h>
#include <arch/user.h>
#include <kernel/mm.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/native.h>
#include <uapi/ptrace.h>

#define ERRNO_MAX 4095

long trace_get_siginfo(struct tracee *tr, void __user *to)
{
	return tr->info ? copy_to_user(to, tr->info, sizeof(*tr->info)) : -EINVAL;
}

long trace_set_siginfo(struct tracee *tr, const void __user *from)
{
	struct user_siginfo info;

	if (copy_from_user(&info, from, sizeof(info)))
		return -EFAULT;
	if (!tr->info)
		return -EINVAL;
	*tr->info = info;
	return 0;
}

/* The at-th queued signal of the set. */
static bool queued_at(struct process *p, struct sig_pending *pending, u64 at, struct user_siginfo *out)
{
	unsigned long flags = signal_lock(p);
	struct sig_info *i;
	bool found = false;

	list_for_each(i, &pending->queue, link)
		if (!at--) {
			*out = i->info;
			found = true;
			break;
		}
	signal_unlock(p, flags);
	return found;
}

long trace_peek_siginfo(struct tracee *tr, const void __user *args, void __user *to)
{
	struct ptrace_peeksiginfo_args a;
	struct process *p = tr->thread->process;
	struct sig_pending *pending;
	struct user_siginfo info;
	s32 n;

	if (copy_from_user(&a, args, sizeof(a)))
		return -EFAULT;
	if (a.nr < 0 || (a.flags & ~PTRACE_PEEKSIGINFO_SHARED))
		return -EINVAL;
	pending = a.flags & PTRACE_PEEKSIGINFO_SHARED ? &p->sig.pending : &tr->thread->sig_pending;
	for (n = 0; n < a.nr && queued_at(p, pending, a.off + (u64)n, &info); n++) {
		if (copy_to_user((u8 __user *)to + (u64)n * sizeof(info), &info, sizeof(info)))
			return n ? n : -EFAULT;
		if (signal_pending(current))
			return n + 1;
	}
	return n;
}

long trace_get_sigmask(struct tracee *tr, u64 size, u64 __user *to)
{
	struct thread *t = tr->thread;

	if (size != sizeof(u64))
		return -EINVAL;
	return put_user(atomic_load(&t->exit_work) & WORK_SIGMASK ? t->saved_sigmask : t->sig_mask, to);
}

long trace_set_sigmask(struct tracee *tr, u64 size, const u64 __user *from)
{
	struct thread *t = tr->thread;
	unsigned long flags;
	u64 mask;

	if (size != sizeof(u64))
		return -EINVAL;
	if (get_user(mask, from))
		return -EFAULT;
	flags = signal_lock(t->process);
	t->sig_mask = mask & ~SIGNALS_UNMASKABLE;
	atomic_fetch_and(&t->exit_work, ~(u32)WORK_SIGMASK);
	signal_unlock(t->process, flags);
	return 0;		/* what that lets in is seen when the tracee goes on */
}

static long regset_transfer(struct thread *t, u32 note, struct iovec_kernel *v, u8 *buf, bool is_set)
{
	u32 unit;
	int size = arch_regset_get(t, note, buf, &unit);

	if (size < 0)
		return size;
	if (v->len % unit)
		return -EINVAL;
	v->len = min(v->len, (size_t)size);
	if (!is_set)
		return copy_to_user((void __user *)v->base, buf, v->len);
	if (copy_from_user(buf, (const void __user *)v->base, v->len))
		return -EFAULT;
	t->fpu_cpu = NULL;	/* no CPU's registers are newer than what is written now */
	return arch_regset_set(t, note, buf, (u32)size);
}

long trace_regset(struct tracee *tr, u32 note, void __user *uiov, bool is_set)
{
	struct iovec_kernel v;		/* as the program's: base, length */
	u8 *buf;
	long err;

	if (copy_from_user(&v, uiov, sizeof(v)))
		return -EFAULT;
	buf = kmalloc(ARCH_REGSET_MAX, 0);
	if (!buf)
		return -ENOMEM;
	err = regset_transfer(tr->thread, note, &v, buf, is_set);
	kfree(buf);
	if (!err)
		err = put_user((u64)v.len, (u64 __user *)uiov + 1);
	return err;
}

/* What the stop is about decides how much of *i counts: that many bytes. */
static u64 fill_call(const struct tracee *tr, const struct arch_regs *regs, struct ptrace_syscall_info *i)
{
	s64 result = arch_user_get_result(regs);

	if (!tr->info || tr->info->code != (SIGTRAP | 0x80))
		return offsetof(struct ptrace_syscall_info, entry);
	if (tr->message == PTRACE_EVENTMSG_SYSCALL_ENTRY) {
		i->op = PTRACE_SYSCALL_INFO_ENTRY;
		arch_user_get_call(regs, &i->entry.nr, i->entry.args);
		return sizeof(*i);
	}
	i->op = PTRACE_SYSCALL_INFO_EXIT;
	i->exit.rval = result;
	i->exit.is_error = result < 0 && result >= -ERRNO_MAX;
	return offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
}

long trace_syscall_info(struct tracee *tr, u64 size, void __user *to)
{
	const struct arch_regs *regs = arch_user_regs(tr->thread);
	struct ptrace_syscall_info i = {
		.arch = ARCH_ELF_MACHINE | AUDIT_ARCH_64BIT | AUDIT_ARCH_LE,
		.instruction_pointer = arch_regs_pc(regs),
		.stack_pointer = arch_regs_sp(regs),
	};
	u64 n = fill_call(tr, regs, &i);

	return copy_to_user(to, &i, min(size, n)) ? -EFAULT : (long)n;
}

long trace_rseq_info(struct tracee *tr, u64 size, void __user *to)
{
	const struct thread *t = tr->thread;
	struct ptrace_rseq_configuration c = {
		.rseq_abi_pointer = t->rseq,
		.rseq_abi_size = t->rseq_len,
		.signature = t->rseq_sig,
	};

	return copy_to_user(to, &c, min(size, (u64)sizeof(c))) ? -EFAULT : (long)sizeof(c);
}
