/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restartable sequences: rseq(2), the CPU number and the concurrency id in user memory and the abort of a section that a
 * switch, a migration or a signal cut. The switch only sets WORK_RSEQ (rseq_switch_in); all access to user
 * memory happens here, on the way back to user mode, where it may fault.
 * Lock: none; everything belongs to the current thread. The numbers and their notes in thread.rseq_cpu and rseq_cid are
 * taken with preemption off, so that a later migration differs from the notes and comes back here.
 */
#include "proc.h"
#include <kernel/rseq.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <uapi/auxv.h>

/* Linux's struct rseq as far as AT_RSEQ_FEATURE_SIZE says. */
struct rseq_area {
	u32 cpu_id_start;
	u32 cpu_id;
	u64 rseq_cs;
	u32 flags;
	u32 node_id;
	u32 mm_cid;
};
struct rseq_section {
	u32 version;
	u32 flags;
	u64 start_ip;
	u64 post_commit_offset;
	u64 abort_ip;
};
#define RSEQ_ORIG_SIZE 32u
#define RSEQ_FLAG_UNREGISTER 1
#define RSEQ_CPU_UNINITIALIZED 0xffffffffu
static_assert(offsetof(struct rseq_area, mm_cid) + sizeof(u32) == RSEQ_FEATURE_SIZE, "what the auxiliary vector says");

static struct rseq_area __user *area_of(const struct thread *t)
{
	return (struct rseq_area __user *)t->rseq;
}

/* The described section is one the kernel will act on. 0, -EINVAL. */
static int section_check(const struct rseq_section *s)
{
	u64 end = arch_layout.user_end;

	if (s->start_ip >= end || s->abort_ip >= end || s->post_commit_offset >= end - s->start_ip)
		return -EINVAL;
	if (s->version)
		return -EINVAL;
	/* An abort address inside the section would never let go. */
	return s->abort_ip - s->start_ip < s->post_commit_offset ? -EINVAL : 0;
}

/* The word before the abort handler must be what the program registered: no jump to anywhere else. */
static int signature_check(const struct thread *t, u64 abort_ip)
{
	u32 sig;

	if (abort_ip < sizeof(sig) ||
	    copy_from_user(&sig, (const void __user *)(abort_ip - sizeof(sig)), sizeof(sig)))
		return -EFAULT;
	return sig == t->rseq_sig ? 0 : -EINVAL;
}

/* Ends the section regs lies in, if any. 0, -EFAULT, -EINVAL. */
static int section_abort(struct thread *t, struct arch_regs *regs)
{
	struct rseq_section s;
	u64 at, ip = arch_regs_pc(regs);
	bool is_cut;
	u32 flags;
	int err;

	if (get_user(at, &area_of(t)->rseq_cs))
		return -EFAULT;
	if (likely(at == 0))
		return 0;
	if (copy_from_user(&s, (const void __user *)at, sizeof(s)) || get_user(flags, &area_of(t)->flags))
		return -EFAULT;
	err = section_check(&s);
	if (!err)
		err = signature_check(t, s.abort_ip);
	if (err)
		return err;
	is_cut = ip - s.start_ip < s.post_commit_offset;
	if (is_cut && (s.flags | flags))	/* those that kept from restarting are gone from Linux too */
		return -EINVAL;
	if (put_user((u64)0, &area_of(t)->rseq_cs))
		return -EFAULT;
	if (is_cut)
		arch_regs_set_pc(regs, s.abort_ip);
	return 0;
}

static int ids_write(struct thread *t)
{
	u32 cpus[2], rest[2] = { 0 };	/* node_id, mm_cid */

	preempt_disable();
	cpus[0] = cpus[1] = t->rseq_cpu = arch_cpu_self()->id;
	t->rseq_cid = t->cid;
	rest[1] = t->cid - 1;
	preempt_enable();
	if (copy_to_user(&area_of(t)->cpu_id_start, cpus, sizeof(cpus)) || copy_to_user(&area_of(t)->node_id, rest, sizeof(rest)))
		return -EFAULT;
	return 0;
}

void rseq_return_work(struct arch_regs *regs)
{
	struct thread *t = current;
	int err;

	atomic_fetch_and(&t->exit_work, ~(u32)WORK_RSEQ);
	if (!t->rseq)
		return;
	err = section_abort(t, regs);
	if (!err)
		err = ids_write(t);
	if (err)
		signal_fault(SIGSEGV, SI_KERNEL, 0);
}

int rseq_signal(struct arch_regs *regs)
{
	return current->rseq ? section_abort(current, regs) : 0;
}

static long unregister(struct thread *t, u64 area, u32 len, u32 sig)
{
	static const struct rseq_area fresh = { .cpu_id = RSEQ_CPU_UNINITIALIZED };
	static const u32 none[2];

	if (!t->rseq || t->rseq != area || t->rseq_len != len)
		return -EINVAL;
	if (t->rseq_sig != sig)
		return -EPERM;
	if (copy_to_user(&area_of(t)->cpu_id_start, &fresh, offsetof(struct rseq_area, rseq_cs)) ||
	    copy_to_user(&area_of(t)->node_id, none, sizeof(none)))
		return -EFAULT;
	rseq_forget();
	t->rseq_len = t->rseq_sig = 0;
	return 0;
}

long sys_rseq(u64 area, u32 len, int flags, u32 sig)
{
	struct thread *t = current;
	unsigned long irq;

	if (flags & RSEQ_FLAG_UNREGISTER)
		return flags & ~RSEQ_FLAG_UNREGISTER ? -EINVAL : unregister(t, area, len, sig);
	if (flags)
		return -EINVAL;
	if (t->rseq) {
		if (t->rseq != area || t->rseq_len != len)
			return -EINVAL;
		return t->rseq_sig != sig ? -EPERM : -EBUSY;
	}
	/* The area never straddles a page, so a fault in the middle of an update cannot be. */
	if (len < RSEQ_ORIG_SIZE || (area & (RSEQ_ORIG_SIZE - 1)))
		return -EINVAL;
	if (!area || !user_range_ok((const void __user *)area, len))
		return -EFAULT;
	t->rseq_len = len;
	t->rseq_sig = sig;
	t->rseq_cpu = RSEQ_CPU_NONE;
	irq = arch_irq_save();
	t->rseq = area;
	rseq_cid_take(t);
	arch_irq_restore(irq);
	atomic_fetch_or(&t->exit_work, WORK_RSEQ);
	return 0;
}
