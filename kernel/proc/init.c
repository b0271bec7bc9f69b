/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PID 1: the boot thread becomes a process and runs the first program there is. No lock: nobody else
 * knows the process yet.
 */
#include "exec.h"
#include "proc.h"
#include <kernel/boot.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <lib/string.h>
#include <uapi/fcntl.h>

static void must(int err, const char *what)
{
	if (err)
		panic("PID 1: %s: error %d", what, err);
}

/* The current kernel thread becomes the only thread of process 1. */
static void become_process(void)
{
	struct thread *self = current;
	struct process *p = process_new(NULL);
	unsigned long flags;

	if (!p)
		panic("PID 1: no memory");
	p->pid = self->tid = pid_alloc();
	assert(p->pid == 1);
	p->sig.actions = sig_actions_copy(NULL);
	p->files = fd_table_new();
	p->fs = fs_context_copy(fs_context_current());
	if (!p->sig.actions || !p->files || !p->fs)
		panic("PID 1: no memory");
	p->leader = self;
	p->exit_signal = SIGCHLD;
	must(pid_publish_thread(self), "pid table");
	must(pid_publish_process(p), "pid table");
	if (!self->cred)
		self->cred = cred_get(&cred_init);
	if (!self->group)
		self->group = group_get(&group_root);
	must(group_charge_task(self), "group");
	self->process = process_get(p);
	self->on_free = process_on_thread_free;
	self->is_user = self->sampled_user = true;
	self->slack_ns = self->default_slack_ns = 50 * NSEC_PER_USEC;	/* as Linux */
	thread_get(self);
	spin_lock(&process_tree_lock);
	process_init = p;
	process_tree_add(p, NULL);
	flags = signal_lock(p);
	list_push_back(&p->threads, &self->process_link);
	p->nr_threads = 1;
	process_state_set(p, PROC_READY);
	signal_unlock(p, flags);
	spin_unlock(&process_tree_lock);
}

static void open_console(void)
{
	struct file *f = file_open_at(NULL, "/dev/console", O_RDWR, 0);

	if (is_err(f)) {
		log_warn("PID 1: cannot open /dev/console (%s), it starts without descriptors",
			 errno_name((int)-ptr_err(f)));
		return;
	}
	for (int fd = 0; fd < 3; fd++)
		if (fd_install(file_get(f), 0, false) < 0)
			file_put(f);
	file_put(f);
}

static int add_all(struct exec_args *a, const char *path)
{
	unsigned nr_args, nr_env;
	const char *const *args = cmdline_init_args(&nr_args), *const *env = cmdline_init_env(&nr_env);
	int err = exec_args_add(a, path);

	for (unsigned i = 0; !err && i < nr_args; i++)
		err = exec_args_add(a, args[i]);
	exec_args_end_argv(a);
	if (!err)
		err = exec_args_add(a, "HOME=/");
	if (!err)
		err = exec_args_add(a, "TERM=linux");
	for (unsigned i = 0; !err && i < nr_env; i++)
		err = exec_args_add(a, env[i]);
	return err;
}

/* Does not return if the program runs; else the reason. */
static int try_program(const char *path)
{
	struct exec_args args;
	struct file *exe = file_open_at(NULL, path, O_RDONLY, 0);
	int err;

	if (is_err(exe))
		return (int)ptr_err(exe);
	err = exec_args_init(&args);
	if (!err)
		err = add_all(&args, path);
	if (err)
		file_put(exe);
	else
		err = process_exec(exe, path, &args);
	exec_args_free(&args);
	if (err)
		return err;
	log_info("PID 1: %s", path);
	bootchart_finish();
	arch_user_enter(arch_user_regs(current));
}

static void try_with_line(const char *path)
{
	int err = try_program(path);

	if (err != -ENOENT)
		log_err("PID 1: %s cannot run: %s", path, errno_name(-err));
}

void process_start_init(void)
{
	static const char *const programs[] = { "/sbin/init", "/etc/init", "/bin/init", "/bin/sh" };
	const char *wanted = cmdline_get("init"), *early = cmdline_get("rdinit");
	int err;

	if (cmdline_get("strace"))
		strace_set(cmdline_get("strace"));
	become_process();
	open_console();
	if (initramfs_has_init()) {
		early = early && *early ? early : "/init";
		err = try_program(early);
		log_err("PID 1: %s cannot run: %s", early, errno_name(-err));
	}
	if (wanted && *wanted) {
		err = try_program(wanted);
		panic("init=%s cannot run: %s", wanted, errno_name(-err));
	}
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		try_with_line(programs[i]);
	panic("no program for PID 1: tried %s/sbin/init, /etc/init, /bin/init, /bin/sh; give init=",
	      initramfs_has_init() ? "the initramfs, " : "");
}
