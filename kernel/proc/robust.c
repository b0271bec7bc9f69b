/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Robust futexes: at a thread's end the kernel walks the list of locks the program says it holds,
 * marks each FUTEX_OWNER_DIED and wakes one waiter. The list is user memory: every step may fault
 * or loop, so it is bounded and errors end the walk.
 */
#include "proc.h"
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <uapi/futex.h>

/* One lock word. 0 or -EFAULT. */
static int mark_dead(struct thread *t, u64 word_addr, bool is_pi, bool is_pending)
{
	u32 __user *word = (u32 __user *)word_addr;
	u32 old, prev;

	if (word_addr & 3)
		return -EFAULT;
	if (!user_range_ok(word, sizeof(*word)) || arch_user_load32(word, &old))
		return -EFAULT;
	/* Died between releasing in user space and waking: a waiter may sleep for ever. */
	if (is_pending && !is_pi && old == 0) {
		(void)sys_futex(word, FUTEX_WAKE, 1, 0, NULL, 0);
		return 0;
	}
	while ((old & FUTEX_TID_MASK) == (u32)t->tid) {
		if (arch_user_cmpxchg32(word, old, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &prev))
			return -EFAULT;
		if (prev == old) {
			if (!is_pi && (old & FUTEX_WAITERS))
				(void)sys_futex(word, FUTEX_WAKE, 1, 0, NULL, 0);
			break;
		}
		old = prev;
	}
	return 0;
}

void robust_list_exit(struct thread *t)
{
	u64 head_addr = t->robust_list, entry;
	struct robust_list_head head;
	unsigned limit = ROBUST_LIST_LIMIT;

	t->robust_list = 0;
	if (copy_from_user(&head, (const void __user *)head_addr, sizeof(head)))
		return;
	for (entry = head.next; (entry & ~1ull) != head_addr && limit; limit--) {
		u64 next;
		bool err = copy_from_user(&next, (const void __user *)(entry & ~1ull), sizeof(next));

		if (entry != head.list_op_pending &&
		    mark_dead(t, (entry & ~1ull) + (u64)head.futex_offset, entry & 1, false))
			return;
		if (err)
			return;
		entry = next;
	}
	if (head.list_op_pending & ~1ull)
		(void)mark_dead(t, (head.list_op_pending & ~1ull) + (u64)head.futex_offset,
				head.list_op_pending & 1, true);
}

long sys_set_robust_list(u64 head, size_t len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

long sys_get_robust_list(pid_t pid, u64 __user *head, size_t __user *len)
{
	struct thread *t = pid ? thread_find(pid) : thread_get(current);
	u64 list;

	if (!t)
		return -ESRCH;
	if (t->process != current_process()) {
		thread_put(t);
		return -EPERM;
	}
	list = t->robust_list;
	thread_put(t);
	if (put_user((size_t)sizeof(struct robust_list_head), len))
		return -EFAULT;
	return put_user(list, head);
}

long sys_set_tid_address(s32 __user *tidptr)
{
	current->clear_tid = (u64)tidptr;
	return current->tid;
}
