/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: thread groups with an address space, files, signals, limits, and their tree.
 *
 * Marks: [s] sig.lock, [t] process_tree_lock (spin), [a] atomic, [b] set at creation,
 * [l] limits under sig.lock.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <kernel/fs.h>
#include <kernel/signal.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <uapi/resource.h>

struct tty;
struct session;

/* The public states of spec.md; the table of allowed steps is in kernel/proc/state.c. */
enum process_state { PROC_NEW, PROC_READY, PROC_RUNNING, PROC_BLOCKED, PROC_SUSPENDED, PROC_TERMINATED, PROC_ZOMBIE, PROC_DEFUNCT };

struct process_usage {		/* of dead threads, and of waited-for children */
	u64 user_ns, system_ns, min_faults, maj_faults, voluntary, involuntary;
	u64 read_bytes, write_bytes, read_ops, write_ops, max_rss_pages;
};

struct process {
	struct refcount refs;
	struct epoch_head epoch;
	pid_t pid;			/* [b] */
	struct thread *leader;		/* [s] the thread whose tid is pid */
	struct list threads;		/* [s] thread.process_link */
	u32 nr_threads;			/* [s] not yet exited */
	struct process *parent;		/* [t] */
	pid_t ppid;			/* [t] its number, 0 none; read without */
	struct list children, sibling;	/* [t] */
	struct list tracees;		/* [t] threads that those of this process trace */
	pid_t maker_tid;		/* [b] the thread that forked it */
	u32 nr_traced;			/* [s] its threads that are traced */
	u32 nr_dead_traced;		/* [t] … that ended and wait for their tracer */
	bool execs_set_id;		/* [t] an exec that gives rights is under way: nobody attaches */
	pid_t pgid, sid;		/* [t] */
	struct list pgrp_link, session_link;	/* [t] members lists */
	struct tty *tty;		/* [t] controlling terminal of the session */
	struct list all_link;		/* [t] */

	struct signal_state sig;	/* own lock */
	struct fd_table *files;		/* shared by CLONE_FILES */
	struct fs_context *fs;
	struct rlimit64 limits[RLIM_NLIMITS];	/* [l] */

	u32 state;			/* [s] enum process_state */
	u32 exit_status;		/* [s] wait status word */
	bool group_exit;		/* [s] all threads are to go */
	bool is_zombie;			/* [t] */
	bool is_subreaper, has_subreaper;	/* [t] */
	bool did_exec;
	bool keep_caps;
	u32 exit_signal;		/* [b] to the parent, SIGCHLD mostly */
	u32 pdeath_signal;
	struct waitq child_wait;	/* parents sleep here in wait4 */
	bool has_ended;			/* [a] all threads are gone: pidfds tell it */
	struct waitq end_wait;		/* woken then, and for each thread */
	struct thread *exec_thread;	/* [s] execve kills the others */
	struct mutex exec_lock;		/* LOCK_EXEC: one exec or ptrace attach at a time */
	s32 oom_score_adj;
	u32 dumpable, personality;
	u64 start_ns;			/* [b] boot time */
	struct process_usage dead_threads, children_usage;	/* [s] */
	u64 signals_received, signals_handled;	/* [s] */
	struct timer real_timer;	/* ITIMER_REAL */
	u64 real_interval_ns;
	struct list posix_timers;	/* [s] timer_create */
	struct cpu_itimer { u64 deadline_ns, interval_ns; } itimer_virtual, itimer_prof;	/* [s] deadline 0: off */
	struct list cpu_timers;		/* [s] deadlines on CPU time (kernel/proc/cpu_timer.c) */
	struct timer cpu_check;		/* looks at them */
	u64 cpu_check_total;		/* [s] CPU time at the last look */
	bool cpu_parked;		/* [s] no look until it runs again */
	s32 next_timer_id;		/* [s] */
	struct list sem_undos;		/* kernel/ipc/sysv_sem.c's lock: what SEM_UNDO will take back */
	char cmd[THREAD_NAME_MAX];
};
extern struct spinlock process_tree_lock;
extern struct process *process_init;	/* PID 1 */

static inline struct process *current_process(void) { return current->process; }
static inline struct process *process_get(struct process *p) { ref_get(&p->refs); return p; }
void process_put(struct process *p);
/* Referenced, or NULL. */
struct process *process_find(pid_t pid);
struct thread *thread_find(pid_t tid);
/* Walk of all processes by rising pid: the first with pid >= from, referenced. */
struct process *process_next(pid_t from);
pid_t pid_alloc(void);			/* or -EAGAIN */
/* kernel.pid_max: numbers given are below it; 301..4194304, else -EINVAL. Those given before stay. */
extern u32 pid_max;			/* [a] */
int pid_max_set(u64 max);
void pid_free(pid_t pid);
u64 rlimit(unsigned which);		/* soft limit of the current process; RLIM_INFINITY for kernel threads */

/* A file for p or its thread t (NULL: p), which get references; flags: O_NONBLOCK or 0. err_ptr: -ENOMEM, -ENFILE. */
struct file *pidfd_file(struct process *p, struct thread *t, u32 flags);

/* Members of a process group, of a session. Take process_tree_lock. */
/* 0 if a member of the group lives in that session; -ESRCH no such group, -EPERM it is another session's. */
int pgrp_check_session(pid_t pgid, pid_t sid);
bool pgrp_is_orphaned(pid_t pgid);		/* POSIX: nobody in it has a parent elsewhere in the session */
void session_set_tty(pid_t sid, struct tty *tty);	/* controlling terminal of every member; NULL: none */
/* Sum over living and dead threads. */
void process_usage(struct process *p, struct process_usage *out);
u32 process_count(void);
u64 process_forks(void);			/* since boot, for /proc/stat */

/* Starts PID 1: runs the first program that exists (init=, rdinit=, /sbin/init, /etc/init, /bin/init, /bin/sh). Panics with the reason if none. */
void process_start_init(void);
/*
 * execve on the current thread; takes over exe. Strings are in kernel pages (struct exec_args of
 * kernel/proc/exec.h) and stay the caller's. 0: the frame is the new program's.
 */
struct exec_args;
int process_exec(struct file *exe, const char *path, struct exec_args *args);
__noreturn void process_exit_thread(int code);			/* exit(2) */
__noreturn void process_exit_group(u32 wait_status);		/* exit_group, fatal signals: status word */
bool process_may_signal(const struct process *target, int sig);
/*
 * Memory is out, in the group `within` (NULL: the machine): kills by badness, sparing PID 1 and oom_score_adj -1000, with
 * one log line. True also when somebody that was killed before has not gone yet. False: nobody to kill. Sleeps.
 */
bool oom_kill(u64 needed_pages, struct group *within);
/* Whoever was killed, or ends, and has not gone in a while has its memory taken away. */
void oom_reap(struct group *within);
extern u64 oom_kills;
extern u64 exit_stuck_pid;	/* debug builds: this process keeps its memory and cannot be killed once it ends */			/* [a] processes killed so far */
/* What /proc/PID/oom_score shows: 0..2000, by share of memory and oom_score_adj. */
unsigned oom_score(struct process *p);
/* Parts of a process that may be exiting, referenced; NULL: gone. Put back with aspace_put, fs_context_put, fd_table_put. */
struct aspace *process_aspace_get(struct process *p);
struct fs_context *process_fs_get(struct process *p);
struct fd_table *process_files_get(struct process *p);
/*
 * ptrace(2), "Ptrace access mode checking": may the caller look into p, or (ACCESS_ATTACH) change it? By its real ids or
 * those for files; t: whose credentials count, NULL: the leader's. 0 or -EPERM.
 */
#define ACCESS_READ 0u
#define ACCESS_ATTACH 1u
#define ACCESS_REAL 2u			/* real ids and permitted capabilities; else the file system's and effective ones */
int process_access(struct process *p, const struct thread *t, unsigned how);
/* The process that traces t; 0: none. */
pid_t thread_tracer(struct thread *t);

#endif
