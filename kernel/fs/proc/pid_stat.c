/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of a process or thread: stat, status, statm, io, limits, sched, as Linux words them (proc(5)). */
#include <kernel/aspace.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/tty.h>
#include <uapi/sched.h>
#include "virtual.h"

#define TICKS_PER_SEC 100u		/* USER_HZ */
#define NS_PER_TICK (NSEC_PER_SEC / TICKS_PER_SEC)

struct memory {
	u64 size, size_peak, exec, rss, anon, file, shmem, data, stack, code, locked, page_tables, peak;	/* pages */
	vaddr_t code_start, code_end, data_start, data_end, stack_top, brk_start, arg_start, arg_end, env_start, env_end;
};

static void memory_of(struct process *p, struct memory *m)
{
	struct aspace *as = process_aspace_get(p);

	*m = (struct memory){};
	if (!as)
		return;
	m->anon = aspace_anon(as);
	m->file = aspace_file(as);
	m->shmem = aspace_shmem(as);
	m->rss = m->anon + m->file + m->shmem;
	m->peak = aspace_rss_peak(as);
	m->page_tables = atomic_load(&as->pt_pages);
	rwlock_read_lock(&as->lock);
	m->size = as->total_pages;
	m->size_peak = as->total_peak;
	m->exec = as->exec_pages;
	m->data = as->data_pages;
	m->stack = as->stack_pages;
	m->locked = as->locked_pages;
	m->code_start = as->code_start;
	m->code_end = as->code_end;
	m->data_start = as->data_start;
	m->data_end = as->data_end;
	m->stack_top = as->stack_top;
	m->brk_start = as->brk_start;
	m->arg_start = as->arg_start;
	m->arg_end = as->arg_end;
	m->env_start = as->env_start;
	m->env_end = as->env_end;
	rwlock_read_unlock(&as->lock);
	m->code = (align_up(m->code_end, PAGE_SIZE) - align_down(m->code_start, PAGE_SIZE)) >> PAGE_SHIFT;
	aspace_put(as);
}

struct family {
	pid_t ppid, pgid, sid;
	bool is_zombie;
	dev_t tty;
	pid_t tty_pgrp;
};

static void family_of(struct process *p, struct family *f)
{
	spin_lock(&process_tree_lock);
	f->ppid = p->parent ? p->parent->pid : 0;
	f->pgid = p->pgid;
	f->sid = p->sid;
	f->is_zombie = p->is_zombie;
	f->tty = 0;
	f->tty_pgrp = -1;
	if (p->tty)
		tty_describe(p->tty, &f->tty, &f->tty_pgrp);
	spin_unlock(&process_tree_lock);
}

static char state_of(struct process *p, struct thread *th, bool is_zombie)
{
	return is_zombie && th == p->leader ? 'Z' : thread_state_letter(th);
}

int pid_stat_show(struct text *t, struct process *p, struct thread *th)
{
	struct process_usage u;
	struct family f;
	struct memory m;
	u64 pending = READ_ONCE(th->sig_pending.set) | READ_ONCE(p->sig.pending.set), caught = 0, ignored = 0;

	memory_of(p, &m);
	family_of(p, &f);
	process_usage(p, &u);
	signal_sets(p, &ignored, &caught);
	text_printf(t, "%d (%s) %c %d %d %d %d %d 0 %llu %llu %llu %llu ", th->tid, th->name,
		    state_of(p, th, f.is_zombie), f.ppid, f.pgid, f.sid, (int)f.tty, f.tty_pgrp,
		    (unsigned long long)u.min_faults, (unsigned long long)p->children_usage.min_faults,
		    (unsigned long long)u.maj_faults, (unsigned long long)p->children_usage.maj_faults);
	text_printf(t, "%llu %llu %llu %llu %d %d %u 0 %llu %llu %llu %llu ",
		    (unsigned long long)(u.user_ns / NS_PER_TICK), (unsigned long long)(u.system_ns / NS_PER_TICK),
		    (unsigned long long)(p->children_usage.user_ns / NS_PER_TICK),
		    (unsigned long long)(p->children_usage.system_ns / NS_PER_TICK),
		    th->rt_priority ? -1 - (int)th->rt_priority : 20 + th->nice, th->nice, p->nr_threads,
		    (unsigned long long)(p->start_ns / NS_PER_TICK), (unsigned long long)(m.size << PAGE_SHIFT),
		    (unsigned long long)m.rss, (unsigned long long)p->limits[RLIMIT_RSS].rlim_cur);
	text_printf(t, "%llu %llu %llu 0 0 %llu %llu %llu %llu 0 0 0 %d %u %u %u 0 0 0 ",
		    (unsigned long long)m.code_start, (unsigned long long)m.code_end, (unsigned long long)m.stack_top,
		    (unsigned long long)pending, (unsigned long long)th->sig_mask, (unsigned long long)ignored,
		    (unsigned long long)caught, (int)p->exit_signal, th->cpu ? th->cpu->id : 0, th->rt_priority,
		    th->sched_class);
	text_printf(t, "%llu %llu %llu %llu %llu %llu %llu %u\n", (unsigned long long)m.data_start,
		    (unsigned long long)m.data_end, (unsigned long long)m.brk_start, (unsigned long long)m.arg_start,
		    (unsigned long long)m.arg_end, (unsigned long long)m.env_start, (unsigned long long)m.env_end,
		    p->exit_status);
	return 0;
}

static const char *state_word(char letter)
{
	switch (letter) {
	case 'R': return "running";
	case 'S': return "sleeping";
	case 'D': return "disk sleep";
	case 'T': return "stopped";
	case 't': return "tracing stop";
	case 'Z': return "zombie";
	case 'X': return "dead";
	}
	return "idle";
}

static void kib(struct text *t, const char *name, u64 pages)
{
	text_printf(t, "%s:\t%8llu kB\n", name, (unsigned long long)(pages << (PAGE_SHIFT - 10)));
}

static void credentials(struct text *t, struct thread *th)
{
	const struct cred *c;
	char line[256];
	u64 caps[5] = {};
	bool no_new_privs = false;

	line[0] = '\0';
	epoch_enter();
	c = READ_ONCE(th->cred);
	if (c) {
		scnprintf(line, sizeof(line), "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid,
			  c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
		caps[0] = c->cap_inheritable;
		caps[1] = c->cap_permitted;
		caps[2] = c->cap_effective;
		caps[3] = c->cap_bounding;
		caps[4] = c->cap_ambient;
		no_new_privs = c->no_new_privs;
	}
	epoch_exit();
	text_printf(t, "%s", line);
	text_printf(t, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\nNoNewPrivs:\t%d\n",
		    (unsigned long long)caps[0], (unsigned long long)caps[1], (unsigned long long)caps[2],
		    (unsigned long long)caps[3], (unsigned long long)caps[4], no_new_privs);
}

/* "0-3,5": the CPUs of a mask. */
static void cpu_ranges(struct text *t, cpumask_t mask)
{
	const char *comma = "";

	for (unsigned int cpu = 0; cpu < 64; cpu++) {
		unsigned int first = cpu;

		if (!(mask >> cpu & 1))
			continue;
		while (cpu < 63 && (mask >> (cpu + 1) & 1))
			cpu++;
		text_printf(t, first == cpu ? "%s%u" : "%s%u-%u", comma, first, cpu);
		comma = ",";
	}
}

int pid_status_show(struct text *t, struct process *p, struct thread *th)
{
	u64 ignored = 0, caught = 0;
	struct family f;
	struct memory m;
	char letter;

	family_of(p, &f);
	memory_of(p, &m);
	signal_sets(p, &ignored, &caught);
	letter = state_of(p, th, f.is_zombie);
	text_printf(t, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
		    th->name, p->fs ? READ_ONCE(p->fs->umask) : 0, letter, state_word(letter), p->pid, th->tid, f.ppid,
		    thread_tracer(th));
	credentials(t, th);
	if (m.size) {
		kib(t, "VmPeak", m.size_peak);
		kib(t, "VmSize", m.size);
		kib(t, "VmLck", m.locked);
		kib(t, "VmPin", 0);
		kib(t, "VmHWM", m.peak);
		kib(t, "VmRSS", m.rss);
		kib(t, "RssAnon", m.anon);
		kib(t, "RssFile", m.file);
		kib(t, "RssShmem", m.shmem);
		kib(t, "VmData", m.data);
		kib(t, "VmStk", m.stack);
		kib(t, "VmExe", m.code);
		kib(t, "VmLib", m.exec > m.code ? m.exec - m.code : 0);
		kib(t, "VmPTE", m.page_tables);
		kib(t, "VmSwap", 0);
		kib(t, "HugetlbPages", 0);
	}
	text_printf(t, "Threads:\t%u\nSigQ:\t%u/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
		    p->nr_threads, p->sig.nr_queued, (unsigned long long)p->limits[RLIMIT_SIGPENDING].rlim_cur,
		    (unsigned long long)READ_ONCE(th->sig_pending.set), (unsigned long long)READ_ONCE(p->sig.pending.set),
		    (unsigned long long)th->sig_mask, (unsigned long long)ignored, (unsigned long long)caught);
	text_printf(t, "Cpus_allowed:\t%llx\nCpus_allowed_list:\t", (unsigned long long)th->affinity);
	cpu_ranges(t, th->affinity);
	text_printf(t, "\nvoluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		    (unsigned long long)th->voluntary_switches, (unsigned long long)th->involuntary_switches);
	return 0;
}

int pid_statm_show(struct text *t, struct process *p, struct thread *th)
{
	struct memory m;

	memory_of(p, &m);
	text_printf(t, "%llu %llu %llu %llu 0 %llu 0\n", (unsigned long long)m.size, (unsigned long long)m.rss,
		    (unsigned long long)(m.file + m.shmem), (unsigned long long)m.code,
		    (unsigned long long)(m.data + m.stack));
	return 0;
}

int pid_io_show(struct text *t, struct process *p, struct thread *th)
{
	struct process_usage u;

	process_usage(p, &u);
	text_printf(t, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\n", (unsigned long long)u.read_bytes,
		    (unsigned long long)u.write_bytes, (unsigned long long)u.read_ops, (unsigned long long)u.write_ops);
	return 0;
}

int pid_sched_show(struct text *t, struct process *p, struct thread *th)
{
	u64 ns = sched_runtime_ns(th);

	text_printf(t, "%s (%d, #threads: %u)\n", th->name, th->tid, p->nr_threads);
	text_printf(t, "%-45s:%21llu.%06llu\n", "se.sum_exec_runtime", (unsigned long long)(ns / 1000000),
		    (unsigned long long)(ns % 1000000));
	text_printf(t, "%-45s:%21llu\n", "nr_switches",
		    (unsigned long long)(th->voluntary_switches + th->involuntary_switches));
	text_printf(t, "%-45s:%21llu\n", "nr_voluntary_switches", (unsigned long long)th->voluntary_switches);
	text_printf(t, "%-45s:%21llu\n", "nr_involuntary_switches", (unsigned long long)th->involuntary_switches);
	text_printf(t, "%-45s:%21llu\n", "nr_wakeups", (unsigned long long)th->wakeups);
	text_printf(t, "%-45s:%21llu\n", "se.nr_migrations", (unsigned long long)th->migrations);
	text_printf(t, "%-45s:%21llu.%06llu\n", "wait_sum", (unsigned long long)(th->waited_ns / 1000000),
		    (unsigned long long)(th->waited_ns % 1000000));
	text_printf(t, "%-45s:%21llu.%06llu\n", "wait_max", (unsigned long long)(th->wait_max_ns / 1000000),
		    (unsigned long long)(th->wait_max_ns % 1000000));
	text_printf(t, "%-45s:%21u\n", "policy", th->sched_class);
	text_printf(t, "%-45s:%21d\n", "prio", th->sched_class == SCHED_DEADLINE ? -1 :
		    th->rt_priority ? 99 - (int)th->rt_priority : 120 + th->nice);
	text_printf(t, "%-45s:%21s\n", "ordered_by", sched_policy_name(th));
	text_printf(t, "%-45s:%21u\n", "level", th->level);
	if (th->sched_class == SCHED_DEADLINE) {
		text_printf(t, "%-45s:%21llu\n", "dl.runtime", (unsigned long long)th->deadline.runtime_ns);
		text_printf(t, "%-45s:%21llu\n", "dl.deadline", (unsigned long long)th->deadline.relative_ns);
		text_printf(t, "%-45s:%21llu\n", "dl.period", (unsigned long long)th->deadline.period_ns);
		text_printf(t, "%-45s:%21u\n", "dl.cpu", th->deadline.cpu);
		text_printf(t, "%-45s:%21llu\n", "dl.overruns", (unsigned long long)th->deadline.overruns);
		text_printf(t, "%-45s:%21llu\n", "dl.misses", (unsigned long long)th->deadline.misses);
	}
	return 0;
}

/* Time on the CPU, time waiting for it (ns), turns: Linux's /proc/PID/schedstat. */
int pid_schedstat_show(struct text *t, struct process *p, struct thread *th)
{
	text_printf(t, "%llu %llu %llu\n", (unsigned long long)sched_runtime_ns(th), (unsigned long long)th->waited_ns,
		    (unsigned long long)(th->voluntary_switches + th->involuntary_switches));
	return 0;
}

static void limit_value(struct text *t, u64 v)
{
	if (v == RLIM_INFINITY)
		text_printf(t, "%-21s", "unlimited");
	else
		text_printf(t, "%-21llu", (unsigned long long)v);
}

int pid_limits_show(struct text *t, struct process *p, struct thread *th)
{
	static const struct {
		unsigned which;
		const char *name, *unit;
	} rows[] = {
		{ RLIMIT_CPU, "Max cpu time", "seconds" }, { RLIMIT_FSIZE, "Max file size", "bytes" },
		{ RLIMIT_DATA, "Max data size", "bytes" }, { RLIMIT_STACK, "Max stack size", "bytes" },
		{ RLIMIT_CORE, "Max core file size", "bytes" }, { RLIMIT_RSS, "Max resident set", "bytes" },
		{ RLIMIT_NPROC, "Max processes", "processes" }, { RLIMIT_NOFILE, "Max open files", "files" },
		{ RLIMIT_MEMLOCK, "Max locked memory", "bytes" }, { RLIMIT_AS, "Max address space", "bytes" },
		{ RLIMIT_LOCKS, "Max file locks", "locks" }, { RLIMIT_SIGPENDING, "Max pending signals", "signals" },
		{ RLIMIT_MSGQUEUE, "Max msgqueue size", "bytes" }, { RLIMIT_NICE, "Max nice priority", "" },
		{ RLIMIT_RTPRIO, "Max realtime priority", "" }, { RLIMIT_RTTIME, "Max realtime timeout", "us" },
	};

	text_printf(t, "%-26s%-21s%-21s%-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units     ");
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		text_printf(t, "%-26s", rows[i].name);
		limit_value(t, p->limits[rows[i].which].rlim_cur);
		limit_value(t, p->limits[rows[i].which].rlim_max);
		text_printf(t, "%-10s\n", rows[i].unit);
	}
	return 0;
}
