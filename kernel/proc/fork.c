/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clone and its relatives: a new thread, in this process or in a new one. Everything that can fail
 * is done before anybody can see the child. Locks: the tree lock to enter the tree, the signal
 * lock to enter the thread list.
 */
#include "cpu_timer.h"
#include "pidfd.h"
#include "trace/trace.h"
#include <arch/trace.h>
#include <kernel/aspace.h>
#include <kernel/mm.h>
#include <kernel/rseq.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/native.h>
#include <uapi/ptrace.h>
#include <uapi/sched.h>

#define CLONE_KNOWN (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | CLONE_PARENT | \
		     CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | \
		     CLONE_PIDFD | CLONE_DETACHED | CLONE_UNTRACED | CLONE_CHILD_SETTID | CLONE_IO | CLONE_CLEAR_SIGHAND | CLONE_PTRACE | \
		     CLONE_INTO_CGROUP | CLONE_NEWNS)

/* Combinations the ABI forbids, and those that need what does not exist (namespaces but those of mounts). */
static int flags_check(u64 flags, u32 exit_signal)
{
	if (flags & ~(u64)CLONE_KNOWN)
		return -EINVAL;
	if ((flags & CLONE_NEWNS) && (flags & CLONE_FS))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	/* Descriptors and directories belong to the process here: threads share them. */
	if ((flags & CLONE_THREAD) && (~flags & (CLONE_SIGHAND | CLONE_FILES | CLONE_FS)))
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & CLONE_DETACHED))
		return -EINVAL;
	if (exit_signal > NSIG)
		return -EINVAL;
	if ((flags & CLONE_PARENT) && current_process() == process_init)
		return -EINVAL;
	return 0;
}

static u32 count_of_uid(uid_t uid)
{
	struct process *p;
	u32 n = 0;

	for (pid_t from = 1; (p = process_next(from)); process_put(p)) {
		from = p->pid + 1;
		epoch_enter();
		if (p->leader && p->leader->cred && p->leader->cred->uid == uid)
			n += p->nr_threads;
		epoch_exit();
	}
	return n;
}

static int nproc_check(void)
{
	u64 limit = rlimit(RLIMIT_NPROC);

	if (process_count() < limit || !cred_current()->uid || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
		return 0;
	return count_of_uid(cred_current()->uid) < limit ? 0 : -EAGAIN;
}

/* The parts of a new process that CLONE_ flags share or copy. */
static int process_fill(struct process *child, const struct process *parent, u64 flags)
{
	if (flags & CLONE_SIGHAND) {
		ref_get(&parent->sig.actions->refs);
		child->sig.actions = parent->sig.actions;
	} else {
		child->sig.actions = sig_actions_copy(parent->sig.actions);
		if (!child->sig.actions)
			return -ENOMEM;
		if (flags & CLONE_CLEAR_SIGHAND)
			for (unsigned i = 0; i < NSIG; i++)
				if (child->sig.actions->action[i].handler != SIG_IGN)
					child->sig.actions->action[i].handler = SIG_DFL;
	}
	if (flags & CLONE_FILES) {
		ref_get(&parent->files->refs);
		child->files = parent->files;
	} else {
		child->files = fd_table_copy(parent->files);
		if (!child->files)
			return -ENOMEM;
	}
	if (flags & CLONE_FS) {
		child->fs = fs_context_share(parent->fs);
	} else {
		child->fs = fs_context_copy(parent->fs);
		if (!child->fs)
			return -ENOMEM;
	}
	return flags & CLONE_NEWNS ? fs_context_new_ns(child->fs) : 0;
}

/* Undoes process_fill and process_new of a process nobody saw. */
static void process_discard(struct process *p)
{
	if (p->files)
		fd_table_put(p->files);
	fs_context_leave(p->fs);
	process_put(p);
}

static int aspace_share(struct thread *t, u64 flags)
{
	struct aspace *mine = current->aspace;

	if (flags & CLONE_VM) {
		aspace_get_user(mine);
		t->aspace = mine;
		return 0;
	}
	t->aspace = aspace_fork(mine);
	if (is_err(t->aspace)) {
		int err = (int)ptr_err(t->aspace);

		t->aspace = NULL;
		return err;
	}
	return 0;
}

static void thread_fill(struct thread *t, struct process *p, const struct fork_args *a)
{
	struct thread *self = current;

	t->is_user = true;
	t->sampled_user = self->sampled_user;
	t->slack_ns = t->default_slack_ns = current->slack_ns;
	t->process = process_get(p);
	t->on_free = process_on_thread_free;
	t->trace_calls = self->trace_calls & TRACE_CALLS_LOG;
	t->ioprio = self->ioprio;
	t->sig_mask = self->sig_mask;
	t->mempolicy = self->mempolicy;
	if (!(a->flags & CLONE_VM) || (a->flags & CLONE_VFORK)) {
		t->altstack_sp = self->altstack_sp;
		t->altstack_size = self->altstack_size;
		t->altstack_flags = self->altstack_flags;
	}
	if (!(a->flags & CLONE_VM)) {	/* the registration lies in the copied memory */
		t->rseq = self->rseq;
		t->rseq_len = self->rseq_len;
		t->rseq_sig = self->rseq_sig;
		t->rseq_cpu = RSEQ_CPU_NONE;
	}
	t->clear_tid = (a->flags & CLONE_CHILD_CLEARTID) ? (u64)a->child_tid : 0;
	arch_thread_fork(t, arch_user_regs(self), a->stack);
	if (unlikely(self->trace_calls & TRACE_CALLS_STEP))
		arch_step_disable(t);
	if (a->flags & CLONE_SETTLS)
		arch_thread_set_tls(t, a->tls);
	sched_fork(t);
}

/* The child's number in its memory: its own copy if it has one. */
static void child_tid_store(struct thread *t, const struct fork_args *a)
{
	s32 tid = t->tid;

	if (!(a->flags & CLONE_CHILD_SETTID))
		return;
	/* Linux ignores a bad address too: the child finds out. */
	if (a->flags & CLONE_VM) {
		if (put_user(tid, a->child_tid))
			return;
	} else {
		(void)aspace_access(t->aspace, (vaddr_t)a->child_tid, &tid, sizeof(tid), true);
	}
}

/* Enters thread list and tree. -ERESTARTNOINTR: a fatal signal or stop came first. */
static int make_visible(struct process *p, struct thread *t, const struct fork_args *a, struct tracee **tracee)
{
	struct process *me = current_process(), *parent = me;
	bool is_new = p != me;
	unsigned long flags;
	int err = 0;

	spin_lock(&process_tree_lock);
	if (!a->into)
		group_fork_settle(t);
	if (is_new) {
		if (a->flags & CLONE_PARENT)
			parent = me->parent;
		process_tree_add(p, parent);
	}
	flags = signal_lock(me);
	if (current->sig_exit_pending || me->group_exit)
		err = -ERESTARTNOINTR;
	else if (!is_new) {
		thread_get(t);
		list_push_back(&p->threads, &t->process_link);
		p->nr_threads++;
		if (p->sig.job == JOB_STOPPING)
			p->sig.nr_to_stop++;
		if (unlikely(*tracee))
			trace_child(t, tracee);
		signal_update_work(t);
	}
	signal_unlock(me, flags);
	if (!err && is_new) {
		flags = signal_lock(p);
		thread_get(t);
		list_push_back(&p->threads, &t->process_link);
		p->nr_threads = 1;
		process_state_set(p, PROC_READY);
		cpu_timers_start(p);
		if (unlikely(*tracee))
			trace_child(t, tracee);
		signal_unlock(p, flags);
	}
	if (err && is_new)
		process_tree_remove(p);
	spin_unlock(&process_tree_lock);
	return err;
}

static void thread_discard(struct thread *t)
{
	pid_free(t->tid);
	aspace_put_user(t->aspace);
	t->aspace = NULL;
	group_uncharge_task(t);
	thread_put(t);
}

/* A thread of this process or of a new one, all but visible. */
static struct thread *thread_build(struct process *p, const struct fork_args *a, int *err)
{
	struct thread *t = thread_alloc(current->name);
	pid_t tid;

	*err = -ENOMEM;
	if (!t)
		return NULL;
	*err = a->into ? group_charge_task_in(t, a->into) : group_charge_task(t);
	if (*err)
		goto put;
	*err = aspace_share(t, a->flags);
	if (*err)
		goto uncharge;
	tid = a->set_tid;
	if (tid)
		*err = pid_alloc_exact(tid);
	else
		tid = pid_alloc();
	if (*err || tid < 0) {
		*err = *err ? *err : tid;
		goto drop_space;
	}
	t->tid = tid;
	thread_fill(t, p, a);
	*err = group_memory_thread_begin(t, p != current_process());
	if (likely(!*err))
		return t;
	thread_discard(t);
	return NULL;
drop_space:
	aspace_put_user(t->aspace);
	t->aspace = NULL;
uncharge:
	group_uncharge_task(t);
put:
	thread_put(t);
	return NULL;
}

static int publish(struct process *p, struct thread *t, bool is_new, const struct fork_args *a, struct tracee **tracee)
{
	int err = pid_publish_thread(t);

	if (err)
		return err;
	if (is_new) {
		p->pid = t->tid;
		p->exit_signal = a->exit_signal;
		p->leader = t;		/* whoever finds the number may look at it */
		err = pid_publish_process(p);
		if (err)
			goto withdraw;
	}
	child_tid_store(t, a);
	err = make_visible(p, t, a, tracee);
	if (!err)
		return 0;
	if (is_new)
		pid_withdraw_process(p);
withdraw:
	if (is_new)
		p->leader = NULL;
	pid_withdraw_thread(t);
	return err;
}

/* CLONE_PIDFD: the descriptor's number is told before the child is seen. 0 or -errno; *file NULL: none wanted. */
static int pidfd_prepare(struct process *p, struct thread *t, const struct fork_args *a, struct file **file, int *fd)
{
	struct file *f;
	int err = 0;

	*file = NULL;
	if (!(a->flags & CLONE_PIDFD))
		return 0;
	*fd = fd_reserve(0, true);
	if (*fd < 0)
		return *fd;
	f = pidfd_file(p, a->flags & CLONE_THREAD ? t : NULL, 0);
	if (is_err(f))
		err = (int)ptr_err(f);
	else if (put_user((s32)*fd, a->pidfd))
		err = -EFAULT;
	if (!err) {
		*file = f;
		return 0;
	}
	if (!is_err(f))
		file_put(f);
	fd_unreserve(*fd);
	return err;
}

/* The event a traced thread reports of this call; 0: none. Its child comes under the same tracer then. */
static unsigned event_of(const struct fork_args *a)
{
	if (likely(!current->tracee) || (a->flags & CLONE_UNTRACED))
		return 0;
	return a->flags & CLONE_VFORK ? PTRACE_EVENT_VFORK :
	       a->exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE : PTRACE_EVENT_FORK;
}

static void vfork_wait(struct completion *done)
{
	/* The child signals on exec or exit; it borrows our memory, so only it can end this. */
	completion_wait(done);
}

long process_fork(const struct fork_args *a)
{
	struct process *me = current_process(), *p = me;
	bool is_new = !(a->flags & CLONE_THREAD);
	unsigned event = event_of(a);
	struct tracee *tracee = NULL;
	struct completion done;
	struct file *pidfd;
	struct thread *t;
	pid_t tid;
	int fd;
	int err = flags_check(a->flags, a->exit_signal);

	if (err)
		return err;
	err = sched_may_fork();
	if (!err)
		err = nproc_check();
	if (err)
		return err;
	if (is_new) {
		p = process_new(me);
		if (!p)
			return -ENOMEM;
		err = process_fill(p, me, a->flags);
		if (err)
			goto discard;
	}
	if (unlikely(current->tracee) && ((event && trace_wants(event)) || (a->flags & CLONE_PTRACE))) {
		tracee = tracee_new();
		err = tracee ? 0 : -ENOMEM;
		if (err)
			goto discard;
	}
	t = thread_build(p, a, &err);
	if (!t)
		goto discard;
	tid = t->tid;
	if (a->flags & CLONE_VFORK) {
		completion_init(&done);
		t->vfork_done = &done;
	}
	err = pidfd_prepare(p, t, a, &pidfd, &fd);
	if (!err) {
		err = publish(p, t, is_new, a, &tracee);
		if (err && pidfd) {
			fd_unreserve(fd);
			file_put(pidfd);
		}
	}
	if (err) {
		thread_discard(t);
		goto discard;
	}
	if (pidfd)
		fd_publish(fd, pidfd);
	group_fork_done(t);
	if ((a->flags & CLONE_PARENT_SETTID) && put_user((s32)tid, a->parent_tid))
		err = 0;	/* Linux ignores it: the child exists */
	thread_start(t);
	thread_put(t);
	kfree(tracee);
	if (unlikely(event))
		trace_event(event, (u64)tid);
	if (a->flags & CLONE_VFORK) {
		vfork_wait(&done);
		trace_event(PTRACE_EVENT_VFORK_DONE, (u64)tid);
	}
	return tid;
discard:
	kfree(tracee);
	if (is_new)
		process_discard(p);
	return err;
}

long sys_clone(u64 clone_flags, u64 stack, s32 __user *parent_tid, u64 a3, u64 a4)
{
	struct fork_args a = {
		.flags = (u32)clone_flags & ~(u64)CSIGNAL,
		.exit_signal = (u32)clone_flags & CSIGNAL,
		.stack = stack,
		.parent_tid = parent_tid,
		.pidfd = parent_tid,
		.child_tid = (s32 __user *)(ARCH_CLONE_TLS_LAST ? a3 : a4),
		.tls = ARCH_CLONE_TLS_LAST ? a4 : a3,
	};

	if ((clone_flags & CLONE_PIDFD) && (clone_flags & CLONE_PARENT_SETTID))
		return -EINVAL;		/* both want the one argument */
	return process_fork(&a);
}

long sys_fork(void)
{
	struct fork_args a = { .exit_signal = SIGCHLD };

	return process_fork(&a);
}

long sys_vfork(void)
{
	struct fork_args a = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };

	return process_fork(&a);
}

/* The numbers wanted in each pid namespace, the innermost first: there is one. 0 or -errno. */
static int set_tid_read(const struct clone_args *c, pid_t *tid)
{
	s32 wanted;

	*tid = 0;
	if (!c->set_tid != !c->set_tid_size || c->set_tid_size > 1)
		return -EINVAL;
	if (!c->set_tid)
		return 0;
	if (get_user(wanted, (const s32 __user *)c->set_tid))
		return -EFAULT;
	if (wanted < 1 || (u32)wanted >= atomic_load(&pid_max))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	*tid = wanted;
	return 0;
}

long sys_clone3(const void __user *args, size_t size)
{
	struct clone_args c;
	struct fork_args a;
	pid_t set_tid;
	long err;

	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&c, sizeof(c), args, size);
	if (err)
		return err;
	if ((c.flags & (CLONE_DETACHED | CSIGNAL)) || c.exit_signal > NSIG)
		return -EINVAL;
	if (!c.stack != !c.stack_size || c.stack + c.stack_size < c.stack ||
	    c.stack + c.stack_size > arch_layout.user_end)
		return -EINVAL;
	if ((c.flags & (CLONE_THREAD | CLONE_PARENT)) && c.exit_signal)
		return -EINVAL;
	err = set_tid_read(&c, &set_tid);
	if (err)
		return err;
	a = (struct fork_args){
		.flags = c.flags,
		.exit_signal = (u32)c.exit_signal,
		.stack = c.stack + c.stack_size,
		.tls = c.tls,
		.parent_tid = (s32 __user *)c.parent_tid,
		.child_tid = (s32 __user *)c.child_tid,
		.pidfd = (s32 __user *)c.pidfd,
		.set_tid = set_tid,
	};
	if (c.flags & CLONE_INTO_CGROUP) {
		if (size < CLONE_ARGS_SIZE_VER2 || c.cgroup > 0x7fffffff)
			return -EINVAL;
		a.into = cgroup_for_fork((int)c.cgroup);
		if (is_err(a.into))
			return ptr_err(a.into);
		/* Threads of one process share its group. */
		if ((c.flags & CLONE_THREAD) && a.into != current->group)
			err = -EOPNOTSUPP;
	}
	if (!err)
		err = process_fork(&a);
	if (a.into)
		group_put(a.into);
	return err;
}
