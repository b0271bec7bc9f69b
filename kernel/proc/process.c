/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct process: making, the tree of parents and children, process groups and sessions, usage
 * sums, limits. Life and death are fork.c's, exec.c's and exit.c's matter.
 * Lock: process_tree_lock for everything marked [t].
 */
#include "cpu_timer.h"
#include "proc.h"
#include <kernel/cpu_clock.h>
#include <kernel/timespec.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/time.h>

#define GROUP_BUCKETS 256
#define STACK_LIMIT (8ull << 20)	/* spec.md: 8 MiB user stack */
#define NOFILE_SOFT 1024
#define NOFILE_HARD 524288
#define MEMLOCK_LIMIT (8ull << 20)

struct spinlock process_tree_lock = SPINLOCK_INIT("process tree", LOCK_PROCESS_TREE);
struct process *process_init;

static struct kmem_cache *process_cache __ro_after_init;
static struct list all_processes = LIST_INIT(all_processes);
static struct list pgrp_table[GROUP_BUCKETS], session_table[GROUP_BUCKETS];
static u32 nr_processes;	/* [a] */
static u64 nr_forks;		/* [a] */

__init void process_init_tables(void)
{
	for (unsigned i = 0; i < GROUP_BUCKETS; i++) {
		list_init(&pgrp_table[i]);
		list_init(&session_table[i]);
	}
	sig_actions_init();
	process_cache = kmem_cache_create("process", sizeof(struct process), 64, NULL);
	pid_init();
	group_init();
	group_memory_init();
}

u32 process_count(void) { return atomic_load(&nr_processes); }
u64 process_forks(void) { return atomic_load(&nr_forks); }

static void limits_default(struct rlimit64 *l)
{
	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		l[i] = (struct rlimit64){ RLIM_INFINITY, RLIM_INFINITY };
	l[RLIMIT_STACK].rlim_cur = STACK_LIMIT;
	l[RLIMIT_CORE].rlim_cur = 0;
	l[RLIMIT_NPROC] = (struct rlimit64){ PID_DEFAULT / 2, PID_DEFAULT / 2 };
	l[RLIMIT_NOFILE] = (struct rlimit64){ NOFILE_SOFT, NOFILE_HARD };
	l[RLIMIT_MEMLOCK] = (struct rlimit64){ MEMLOCK_LIMIT, MEMLOCK_LIMIT };
	l[RLIMIT_SIGPENDING] = (struct rlimit64){ PID_DEFAULT / 2, PID_DEFAULT / 2 };
	l[RLIMIT_MSGQUEUE] = (struct rlimit64){ 819200, 819200 };
	l[RLIMIT_NICE] = l[RLIMIT_RTPRIO] = (struct rlimit64){ 0, 0 };
}

struct process *process_new(struct process *parent)
{
	struct process *p = kmem_cache_alloc(process_cache, ALLOC_ZERO);

	if (!p)
		return NULL;
	ref_set(&p->refs, 1);
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->tracees);
	list_init(&p->sibling);
	list_init(&p->pgrp_link);
	list_init(&p->session_link);
	list_init(&p->all_link);
	list_init(&p->sig.pending.queue);
	list_init(&p->posix_timers);
	list_init(&p->sem_undos);
	timer_init(&p->real_timer, itimer_fire);
	waitq_init(&p->sig.sigtimedwait_q);
	waitq_init(&p->child_wait);
	waitq_init(&p->end_wait);
	mutex_init(&p->exec_lock, "exec", LOCK_EXEC);
	p->sig.cont_reported = true;
	p->state = PROC_NEW;
	p->start_ns = time_boot_ns();
	p->dumpable = 1;
	if (parent) {
		p->maker_tid = current->tid;
		memcpy(p->limits, parent->limits, sizeof(p->limits));
		p->oom_score_adj = parent->oom_score_adj;
		p->personality = parent->personality;
		p->dumpable = parent->dumpable;
		p->has_subreaper = parent->has_subreaper || parent->is_subreaper;
		memcpy(p->cmd, parent->cmd, sizeof(p->cmd));
	} else {
		limits_default(p->limits);
	}
	cpu_timers_init(p);
	atomic_add(&nr_forks, 1);
	atomic_add(&nr_processes, 1);
	return p;
}

static void process_free(struct epoch_head *h)
{
	struct process *p = container_of(h, struct process, epoch);

	assert(list_empty(&p->threads) && list_empty(&p->children) && list_empty(&p->tracees));
	if (p->sig.actions && ref_put(&p->sig.actions->refs))
		sig_actions_free(&p->sig.actions->epoch);
	kmem_cache_free(process_cache, p);
}

void process_put(struct process *p)
{
	if (!ref_put(&p->refs))
		return;
	atomic_sub(&nr_processes, 1);
	epoch_defer(&p->epoch, process_free);
}

/* thread.on_free: a thread keeps its process for as long as anybody can reach it. */
void process_on_thread_free(struct thread *t)
{
	group_memory_thread_end(t);
	process_put(t->process);
}

void process_set_pgrp(struct process *p, pid_t pgid)
{
	list_remove(&p->pgrp_link);
	p->pgid = pgid;
	list_push_back(&pgrp_table[pgid % GROUP_BUCKETS], &p->pgrp_link);
}

void process_set_session(struct process *p, pid_t sid)
{
	list_remove(&p->session_link);
	p->sid = sid;
	list_push_back(&session_table[sid % GROUP_BUCKETS], &p->session_link);
}

void process_tree_add(struct process *p, struct process *parent)
{
	p->parent = parent;
	p->ppid = parent ? parent->pid : 0;
	if (parent) {
		list_push_back(&parent->children, &p->sibling);
		p->tty = parent->tty;
	}
	process_set_pgrp(p, parent ? parent->pgid : p->pid);
	process_set_session(p, parent ? parent->sid : p->pid);
	list_push_back(&all_processes, &p->all_link);
}

void process_tree_remove(struct process *p)
{
	lock_assert_held(&process_tree_lock);
	list_remove(&p->sibling);
	list_remove(&p->pgrp_link);
	list_remove(&p->session_link);
	list_remove(&p->all_link);
}

/* The first member at or after link `from` of a bucket, NULL at its end. */
static struct process *pgrp_scan(struct list *head, struct list *from, pid_t pgid)
{
	for (struct list *l = from; l != head; l = l->next) {
		struct process *p = list_entry(l, struct process, pgrp_link);

		if (p->pgid == pgid)
			return p;
	}
	return NULL;
}

struct process *pgrp_first(pid_t pgid)
{
	struct list *head = &pgrp_table[pgid % GROUP_BUCKETS];

	return pgrp_scan(head, head->next, pgid);
}

struct process *pgrp_next(struct process *p)
{
	return pgrp_scan(&pgrp_table[p->pgid % GROUP_BUCKETS], p->pgrp_link.next, p->pgid);
}

bool pgrp_used(pid_t id)
{
	struct process *p;

	if (pgrp_first(id))
		return true;
	list_for_each(p, &session_table[id % GROUP_BUCKETS], session_link)
		if (p->sid == id)
			return true;
	return false;
}

int pgrp_check_session(pid_t pgid, pid_t sid)
{
	int err = -ESRCH;

	if (pgid <= 0)
		return -ESRCH;
	spin_lock(&process_tree_lock);
	for (struct process *p = pgrp_first(pgid); p && err; p = pgrp_next(p))
		err = p->sid == sid ? 0 : -EPERM;
	spin_unlock(&process_tree_lock);
	return err;
}

bool pgrp_is_orphaned(pid_t pgid)
{
	bool orphaned = true;

	spin_lock(&process_tree_lock);
	for (struct process *p = pgrp_first(pgid); p && orphaned; p = pgrp_next(p)) {
		if (p->is_zombie || !p->parent || p->parent == process_init)
			continue;
		orphaned = p->parent->pgid == pgid || p->parent->sid != p->sid;
	}
	spin_unlock(&process_tree_lock);
	return orphaned;
}

void session_set_tty(pid_t sid, struct tty *tty)
{
	struct process *p;

	spin_lock(&process_tree_lock);
	list_for_each(p, &session_table[sid % GROUP_BUCKETS], session_link)
		if (p->sid == sid)
			p->tty = tty;
	spin_unlock(&process_tree_lock);
}

void usage_add(struct process_usage *to, const struct process_usage *from)
{
	to->user_ns += from->user_ns;
	to->system_ns += from->system_ns;
	to->min_faults += from->min_faults;
	to->maj_faults += from->maj_faults;
	to->voluntary += from->voluntary;
	to->involuntary += from->involuntary;
	to->read_bytes += from->read_bytes;
	to->write_bytes += from->write_bytes;
	to->read_ops += from->read_ops;
	to->write_ops += from->write_ops;
	to->max_rss_pages = max(to->max_rss_pages, from->max_rss_pages);
}

void thread_usage_add(struct thread *t, struct process_usage *u)
{
	struct cpu_time cpu;
	struct process_usage mine;

	cpu_time_of_thread(t, &cpu);
	mine = (struct process_usage){
		.user_ns = cpu.user_ns, .system_ns = cpu.system_ns,
		.min_faults = t->min_faults, .maj_faults = t->maj_faults,
		.voluntary = t->voluntary_switches, .involuntary = t->involuntary_switches,
		.read_bytes = t->io_read_bytes, .write_bytes = t->io_write_bytes,
		.read_ops = t->io_read_ops, .write_ops = t->io_write_ops,
	};

	usage_add(u, &mine);
}

void process_usage(struct process *p, struct process_usage *out)
{
	unsigned long flags = signal_lock(p);
	struct thread *t;

	*out = p->dead_threads;
	list_for_each(t, &p->threads, process_link)
		if (!t->exiting)
			thread_usage_add(t, out);
	signal_unlock(p, flags);
}

void usage_to_rusage(const struct process_usage *u, struct rusage *out)
{
	memset(out, 0, sizeof(*out));
	out->ru_utime = timeval_of(u->user_ns);
	out->ru_stime = timeval_of(u->system_ns);
	out->ru_maxrss = (s64)(u->max_rss_pages * (PAGE_SIZE / 1024));
	out->ru_minflt = (s64)u->min_faults;
	out->ru_majflt = (s64)u->maj_faults;
	out->ru_inblock = (s64)(u->read_bytes / 512);
	out->ru_oublock = (s64)(u->write_bytes / 512);
	out->ru_nvcsw = (s64)u->voluntary;
	out->ru_nivcsw = (s64)u->involuntary;
}

u64 rlimit(unsigned which)
{
	struct process *p = current->process;

	return p ? atomic_load(&p->limits[which].rlim_cur) : RLIM_INFINITY;
}

struct process *process_of(pid_t pid)
{
	return pid == 0 ? process_get(current_process()) : process_find(pid);
}
