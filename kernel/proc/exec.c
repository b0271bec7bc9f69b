/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve: the new image is checked and built completely in an address space of its own; only then do the
 * other threads and the old image go. After that nothing can fail.
 * Lock: process.exec_lock, one exec at a time.
 */
#include "exec.h"
#include "proc.h"
#include "trace/trace.h"
#include <kernel/aspace.h>
#include <kernel/futex.h>
#include <kernel/mm.h>
#include <kernel/random.h>
#include <kernel/rseq.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/fcntl.h>
#include <uapi/futex.h>
#include <uapi/mman.h>
#include <uapi/mount.h>
#include <uapi/prctl.h>
#include <uapi/stat.h>

/* All of one execve. Too large for the stack of a system call. */
struct exec {
	struct exec_file program, interp;
	struct exec_layout layout;
	struct exec_ids ids;
	struct cred *cred;
	struct fd_table *files;		/* a private copy when the table is shared */
	bool set_id;			/* the file changes who we are */
	bool gains;			/* it may give rights */
	u8 head[EXEC_HEAD];
	char interp_path[PATH_MAX];
};

/* May it run at all? Keeps writers out while it is read. */
static int file_admit(struct exec_file *f)
{
	struct inode *inode = f->file->inode;
	struct mount *mnt = f->file->path.mnt;
	int err;

	if (!S_ISREG(inode->mode))
		return -EACCES;
	if (mnt && (mnt->flags & MS_NOEXEC))
		return -EACCES;
	err = inode_permission(inode, MAY_EXEC);
	if (err)
		return err;
	err = inode_deny_write(inode);
	if (!err)
		f->denied = true;
	return err;
}

static ssize_t read_head(struct exec *x, struct exec_file *f)
{
	memset(x->head, 0, sizeof(x->head));
	return file_read_kernel(f->file, x->head, sizeof(x->head), 0);
}

/*
 * #!INTERPRETER [ARGUMENT]: blanks around both, one argument with the rest of the line. The name must be
 * whole within the bytes read.
 */
static int script_parse(char *head, char **interp, char **arg)
{
	char *end = memchr(head, '\n', EXEC_HEAD), *p = head + 2;

	if (!end) {
		/* No line end: the name is complete only if a blank or the file's end follows it. */
		end = head + EXEC_HEAD - 1;
		if (memchr(head, 0, EXEC_HEAD) == NULL) {
			while (*p == ' ' || *p == '\t')
				p++;
			while (p < end && *p != ' ' && *p != '\t')
				p++;
			if (p == end)
				return -ENOEXEC;
		}
	}
	*end = 0;
	while (end > head + 2 && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
	for (p = head + 2; *p == ' ' || *p == '\t'; p++)
		;
	if (!*p)
		return -ENOEXEC;
	*interp = p;
	while (*p && *p != ' ' && *p != '\t')
		p++;
	*arg = NULL;
	if (*p) {
		*p++ = 0;
		while (*p == ' ' || *p == '\t')
			p++;
		*arg = *p ? p : NULL;
	}
	return 0;
}

/* One #! step: arguments change, the program becomes the interpreter. */
static int script_step(struct exec *x, struct exec_args *args, const char *path)
{
	char *interp, *arg;
	int err = script_parse((char *)x->head, &interp, &arg);

	if (err)
		return err;
	exec_args_drop_first(args);
	err = exec_args_push_front(args, path);
	if (!err && arg)
		err = exec_args_push_front(args, arg);
	if (!err)
		err = exec_args_push_front(args, interp);
	if (err)
		return err;
	strlcpy(x->interp_path, interp, sizeof(x->interp_path));
	exec_file_free(&x->program);
	x->program.file = file_open_at(NULL, x->interp_path, O_RDONLY, 0);
	if (is_err(x->program.file)) {
		err = (int)ptr_err(x->program.file);
		x->program.file = NULL;
	}
	return err;
}

/* Follows #! lines to an ELF file and checks it. */
static int find_program(struct exec *x, struct exec_args *args, const char *path)
{
	for (unsigned depth = 0;; depth++) {
		int err = file_admit(&x->program);
		ssize_t n = err ? err : read_head(x, &x->program);

		if (n < 0)
			return (int)n;
		if (n < 2 || x->head[0] != '#' || x->head[1] != '!')
			return exec_file_check(&x->program, x->head, (size_t)n, x->program.file->inode->size);
		if (depth == EXEC_SCRIPT_DEPTH)
			return -ELOOP;
		err = script_step(x, args, depth ? x->interp_path : path);
		if (err)
			return err;
	}
}

static int find_interp(struct exec *x)
{
	const struct elf_image *e = &x->program.image;
	ssize_t n;
	int err;

	if (!e->interp_size)
		return 0;
	n = file_read_kernel(x->program.file, x->interp_path, e->interp_size, (off_t)e->interp_offset);
	if (n < 0)
		return (int)n;
	if (n != e->interp_size || x->interp_path[n - 1])
		return -ENOEXEC;
	x->interp.file = file_open_at(NULL, x->interp_path, O_RDONLY, 0);
	if (is_err(x->interp.file)) {
		err = (int)ptr_err(x->interp.file);
		x->interp.file = NULL;
		return err;
	}
	err = file_admit(&x->interp);
	n = err ? err : read_head(x, &x->interp);
	if (n < 0)
		return (int)n;
	err = exec_file_check(&x->interp, x->head, (size_t)n, x->interp.file->inode->size);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

/* capabilities(7): what root and set-id programs have after exec. */
static void cap_transform(struct cred *c, bool set_id)
{
	bool root_rules = !(c->securebits & SECBIT_NOROOT);
	bool is_root = root_rules && (c->uid == 0 || c->euid == 0);

	if (set_id)
		c->cap_ambient = 0;
	c->cap_permitted = c->cap_ambient;
	if (is_root)
		c->cap_permitted |= c->cap_inheritable | c->cap_bounding;
	c->cap_effective = root_rules && c->euid == 0 ? c->cap_permitted : c->cap_ambient;
	c->securebits &= ~SECBIT_KEEP_CAPS;
}

/*
 * A tracer without CAP_SYS_PTRACE must not come to command rights that it lacks: its tracee gets none. Until the exec is
 * over nobody else of that kind attaches.
 */
static void limit_gain(struct exec *x, struct cred *c, const struct cred *old)
{
	struct process *p = current_process();
	bool may_gain;

	x->gains = c->euid != old->euid || c->egid != old->egid || (c->cap_permitted & ~old->cap_permitted);
	if (likely(!x->gains))
		return;
	spin_lock(&process_tree_lock);
	p->execs_set_id = true;
	may_gain = trace_allows_set_id();
	spin_unlock(&process_tree_lock);
	if (may_gain)
		return;
	if (!cred_capable(old, CAP_SETUID)) {
		c->euid = c->uid;
		c->egid = c->gid;
	}
	c->cap_permitted &= old->cap_permitted;
	c->cap_effective &= c->cap_permitted;
}

static int make_cred(struct exec *x)
{
	const struct inode *inode = x->program.file->inode;
	const struct mount *mnt = x->program.file->path.mnt;
	const struct cred *old = cred_current();
	struct cred *c = cred_copy(old, old->nr_groups);

	if (!c)
		return -ENOMEM;
	x->cred = c;
	if (!(mnt && (mnt->flags & MS_NOSUID)) && !c->no_new_privs) {
		if (inode->mode & S_ISUID)
			c->euid = inode->uid;
		if ((inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			c->egid = inode->gid;
	}
	cap_transform(c, c->euid != old->euid || c->egid != old->egid);
	limit_gain(x, c, old);
	x->set_id = c->euid != old->euid || c->egid != old->egid;
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	x->ids = (struct exec_ids){ c->uid, c->euid, c->gid, c->egid, c->uid != c->euid || c->gid != c->egid };
	return 0;
}

/* The vDSO's code, and the clocks' page right below it, where the code looks for it. */
static int map_vdso(struct aspace *as)
{
	size_t bytes = (size_t)(arch_vdso_end - arch_vdso_start);
	u32 n = (u32)(align_up(bytes, PAGE_SIZE) / PAGE_SIZE);
	struct page *pages[8], *clock = phys_to_page(image_to_phys(clock_user_page()));
	s64 at, data;

	if (n > ARRAY_LEN(pages))
		return -ENOMEM;
	for (u32 i = 0; i < n; i++)
		pages[i] = phys_to_page(image_to_phys(arch_vdso_start + i * PAGE_SIZE));
	at = aspace_map_special(as, 0, pages, n, VMA_READ | VMA_EXEC | VMA_MAYREAD | VMA_MAYEXEC, "[vdso]");
	if (at < 0)
		return (int)at;
	data = aspace_map_special(as, (vaddr_t)at - PAGE_SIZE, &clock, 1, VMA_READ | VMA_MAYREAD, "[vvar]");
	if (data != at - (s64)PAGE_SIZE)
		return data < 0 ? (int)data : -ENOMEM;
	as->vdso = (vaddr_t)at;
	return 0;
}

/* A twelfth of the address space's pages at random, and 2^28 pages at most, as Linux on x86_64. */
static u64 random_span(void)
{
	u64 pages = arch_layout.user_end / PAGE_SIZE / 16;

	if ((current_process()->personality & ADDR_NO_RANDOMIZE) || !READ_ONCE(vm_settings.randomize_va_space))
		return 0;
	return min(pages, 1ull << 28);
}

static int build_image(struct exec *x, struct exec_args *args, const char *path, u64 *sp)
{
	struct exec_layout *l = &x->layout;
	int err;

	l->as = aspace_create();
	if (!l->as)
		return -ENOMEM;
	l->random_pages = random_span();
	random_bytes(&l->random, sizeof(l->random));
	l->stack_exec = x->program.image.stack_exec;
	err = exec_stack_map(l, args, path);
	if (!err)
		err = map_vdso(l->as);
	if (!err)
		err = exec_load(l, &x->program, x->interp.file ? &x->interp : NULL);
	if (!err)
		err = exec_stack(l, args, &x->program, path, &x->ids, sp);
	if (err)
		return err;
	/* Writers stay out for as long as the space lives; tear-down and fork in kernel/mm count along. */
	err = inode_deny_write(x->program.file->inode);
	if (!err)
		l->as->exe = file_get(x->program.file);
	return err;
}

static bool others_gone(const struct process *p) { return atomic_load(&p->nr_threads) == 1; }

/* The exec'ing thread takes the leader's number; the dead leader goes. */
static void become_leader(struct process *p)
{
	struct thread *self = current, *old = p->leader;
	pid_t tid = self->tid;
	unsigned long flags;

	/* It counts as gone but may still be on its way through thread_exit. */
	while (atomic_load(&old->state) != THREAD_DEAD)
		(void)sleep_until(time_ns() + NSEC_PER_MSEC, false);
	spin_lock(&process_tree_lock);
	trace_forget(old);
	spin_unlock(&process_tree_lock);
	pid_withdraw_thread(old);
	pid_withdraw_thread(self);
	flags = signal_lock(p);
	list_remove(&old->process_link);
	self->tid = p->pid;
	p->leader = self;
	signal_unlock(p, flags);
	/* Cannot fail: both slots were just emptied, their nodes exist or are re-made from the reserve. */
	while (pid_publish_thread(self))
		(void)sleep_until(time_ns() + NSEC_PER_MSEC, false);
	pid_free(tid);
	thread_put(old);
}

/* Ends all other threads. 0, or -EINTR when this one is to die itself. */
static int kill_others(struct process *p)
{
	unsigned long flags = signal_lock(p);
	struct thread *t;
	int err = 0;

	if (p->group_exit) {
		signal_unlock(p, flags);
		return -EINTR;
	}
	p->exec_thread = current;
	list_for_each(t, &p->threads, process_link) {
		if (t == current || t->exiting)
			continue;
		atomic_store(&t->sig_exit_pending, true);
		thread_notify(t, WORK_SIGNAL);
		thread_wake(t, BIT(THREAD_SLEEPING) | BIT(THREAD_BLOCKED) | BIT(THREAD_STOPPED));
		trace_wake_to_die(t);
	}
	signal_unlock(p, flags);
	if (!others_gone(p))
		err = waitq_wait_until(&p->child_wait, others_gone(p), SLEEP_KILLABLE, U64_MAX, false);
	if (!err && p->leader != current)
		become_leader(p);
	p->exec_thread = NULL;
	return err;
}

static void set_name(struct process *p, const char *path)
{
	const char *slash = strrchr(path, '/');

	strlcpy(current->name, slash ? slash + 1 : path, THREAD_NAME_MAX);
	strlcpy(p->cmd, current->name, sizeof(p->cmd));
}

/* The old memory is about to be left: what it promised others happens now. */
static void leave_memory(struct thread *self)
{
	struct completion *vfork_done = self->vfork_done;

	if (self->robust_list)
		robust_list_exit(self);
	futex_pi_abandon(self);
	futex_pi_begin(self);
	if (self->clear_tid && self->aspace && ref_read(&self->aspace->users) > 1) {
		u32 __user *word = (u32 __user *)self->clear_tid;

		if (!put_user(0u, word))
			(void)sys_futex(word, FUTEX_WAKE, 1, 0, NULL, 0);
	}
	rseq_forget();
	self->robust_list = self->clear_tid = 0;
	self->vfork_done = NULL;
	self->restart.fn = NULL;
	if (vfork_done)
		completion_signal(vfork_done);
}

/* Behind the point of no return. */
static void switch_image(struct exec *x, const char *path, u64 sp)
{
	struct thread *self = current;
	struct process *p = self->process;
	struct arch_regs *regs = arch_user_regs(self);
	unsigned long flags;

	leave_memory(self);
	aspace_install(x->layout.as);
	x->layout.as = NULL;
	if (x->files) {
		struct fd_table *old = p->files;

		flags = signal_lock(p);
		p->files = x->files;
		signal_unlock(p, flags);
		x->files = NULL;
		fd_table_put(old);
	}
	fd_table_close_on_exec(p->files);
	signal_exec();
	posix_timers_delete(p);
	if (x->set_id)
		p->pdeath_signal = 0;
	p->dumpable = x->ids.secure ? 0 : 1;
	cred_install(x->cred);
	x->cred = NULL;
	p->did_exec = true;
	p->exit_signal = SIGCHLD;
	set_name(p, path);
	strace_update();
	arch_fpu_reset(self);
	arch_thread_set_tls(self, 0);
	arch_user_start(regs, x->layout.entry, sp);
}

static void exec_free(struct exec *x)
{
	exec_file_free(&x->program);
	exec_file_free(&x->interp);
	if (x->layout.as)
		aspace_put_user(x->layout.as);
	if (x->cred)
		cred_put(x->cred);
	if (x->files)
		fd_table_put(x->files);
	kfree(x);
}

int process_exec(struct file *exe, const char *path, struct exec_args *args)
{
	struct process *p = current_process();
	struct exec *x = kzalloc(sizeof(*x), 0);
	u64 sp = 0;
	int err;

	if (!x) {
		file_put(exe);
		return -ENOMEM;
	}
	x->program.file = exe;
	err = find_program(x, args, path);
	if (!err)
		err = find_interp(x);
	if (!err)
		err = make_cred(x);
	if (!err)
		err = build_image(x, args, path, &sp);
	if (!err)
		err = signal_unshare_actions();
	if (!err && ref_read(&p->files->refs) > 1) {
		x->files = fd_table_copy(p->files);
		err = x->files ? 0 : -ENOMEM;
	}
	if (!err)
		err = kill_others(p);
	if (!err)
		switch_image(x, path, sp);
	if (x->gains) {
		spin_lock(&process_tree_lock);
		p->execs_set_id = false;
		spin_unlock(&process_tree_lock);
	}
	exec_free(x);
	return err;
}

/* The common part of execve and execveat: the file is open. */
static long exec_user(struct file *exe, const char *path, const void __user *argv, const void __user *envp)
{
	struct process *p = current_process();
	struct exec_args args;
	pid_t tid = current->tid;
	int err = exec_args_init(&args);

	if (!err)
		err = exec_args_read(&args, argv, envp);
	if (err) {
		file_put(exe);
	} else {
		mutex_lock(&p->exec_lock);
		err = process_exec(exe, path, &args);
		mutex_unlock(&p->exec_lock);
	}
	exec_args_free(&args);
	if (!err)
		trace_exec(tid);
	return err;
}

long sys_execve(const char __user *upath, const void __user *argv, const void __user *envp)
{
	char *path = kmalloc(PATH_MAX, 0);
	struct file *exe;
	ssize_t len;
	long err;

	if (!path)
		return -ENOMEM;
	len = copy_string_from_user(path, upath, PATH_MAX);
	if (len < 0) {
		err = len;
	} else {
		exe = len ? file_open_at(NULL, path, O_RDONLY, 0) : err_ptr(-ENOENT);
		err = is_err(exe) ? ptr_err(exe) : exec_user(exe, path, argv, envp);
	}
	kfree(path);
	return err;
}

long sys_execveat(int dirfd, const char __user *upath, const void __user *argv, const void __user *envp, int flags)
{
	char *path = kmalloc(PATH_MAX, 0);
	struct path where;
	struct file *exe;
	ssize_t len;
	long err;

	if (!path)
		return -ENOMEM;
	err = (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) ? -EINVAL : 0;
	len = err ? err : copy_string_from_user(path, upath, PATH_MAX);
	if (len < 0) {
		err = len;
		goto out;
	}
	if (!len)
		strlcpy(path, "/dev/fd/?", PATH_MAX);	/* what AT_EXECFN says of a file without a name */
	err = path_lookup_user(dirfd, upath, ((flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0) |
			       ((flags & AT_SYMLINK_NOFOLLOW) ? 0 : LOOKUP_FOLLOW), &where);
	if (err)
		goto out;
	if ((flags & AT_SYMLINK_NOFOLLOW) && where.dentry->inode && S_ISLNK(where.dentry->inode->mode))
		exe = err_ptr(-ELOOP);
	else
		exe = file_open_path(&where, O_RDONLY, cred_current());
	path_put(&where);
	err = is_err(exe) ? ptr_err(exe) : exec_user(exe, path, argv, envp);
out:
	kfree(path);
	return err;
}
