/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hung threads and locked-up CPUs.
 *
 * Each CPU has a beat, a timer of a second. It asks the running thread for a reschedule; if at the
 * next beats the same request is still unserved, preemption has been off all the time (soft lock-up).
 * It also looks whether the next CPU's beat still comes; if not, that CPU takes no interrupts (hard
 * lock-up). A thread looks now and then for programs that sleep uninterruptibly for too long.
 * Locks: none of its own; each beat's fields are its CPU's, read by the neighbour.
 */
#include <kernel/boot.h>
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/procfs.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/watchdog.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define BEATS_PER_LIMIT 10u

struct watchdog_reports watchdog_reports;
u64 watchdog_hung_ns = 120 * NSEC_PER_SEC;
u64 watchdog_lockup_ns = 10 * NSEC_PER_SEC;

struct beat {
	struct timer timer;
	struct cpu *cpu;
	u64 last_ns;			/* [a] 0: not beating */
	struct thread *asked;		/* was asked for a reschedule at asked_ns; only compared */
	u64 asked_ns;
	bool is_reported;		/* once per lock-up */
	bool neighbour_reported;
	const struct thread *soft_thread;	/* [a] the last thread reported here; only compared */
	u32 soft, hard;			/* [a] reports that this CPU does not switch, takes no interrupts */
};
static DEFINE_PERCPU(struct beat, beats);

static u64 period(void)
{
	return max(atomic_load(&watchdog_lockup_ns) / BEATS_PER_LIMIT, NSEC_PER_MSEC);
}

void watchdog_cpu_reports(struct cpu *cpu, struct watchdog_cpu_reports *out)
{
	struct beat *b = percpu_of(beats, cpu);

	out->soft = atomic_load(&b->soft);
	out->hard = atomic_load(&b->hard);
	out->soft_thread = atomic_load(&b->soft_thread);
}

/* The interrupted thread has not passed a point where it could be preempted since it was asked. */
static void look_at_this_cpu(struct beat *b, u64 now)
{
	struct thread *t = current;
	/* Others ask for reschedules too, maybe in this very interrupt: the bit is the watchdog's own. */
	bool is_pending = atomic_load(&t->exit_work) & WORK_BEAT;

	if (b->asked != t || !is_pending) {
		b->asked = t;
		b->asked_ns = now;
		b->is_reported = false;
	} else if (!b->is_reported && now - b->asked_ns >= atomic_load(&watchdog_lockup_ns)) {
		b->is_reported = true;
		atomic_store(&b->soft_thread, (const struct thread *)t);
		atomic_add(&b->soft, 1u);
		atomic_add(&watchdog_reports.soft, 1u);
		log_err("watchdog: cpu%u has run %s (%d) for %llu ms with preemption off", b->cpu->id, t->name,
			(int)t->tid, (unsigned long long)((now - b->asked_ns) / NSEC_PER_MSEC));
		backtrace_print(NULL);
	}
	if (t != b->cpu->idle)
		atomic_fetch_or(&t->exit_work, WORK_RESCHED | WORK_BEAT);
}

/* The online CPU after this one, in a circle; itself if it is alone. */
static struct cpu *neighbour(struct cpu *cpu)
{
	cpumask_t online = atomic_load(&cpu_online_mask), above = online & ~(cpu_mask(cpu->id) * 2 - 1);

	return cpu_table[ctz64(above ? above : online)];
}

static void look_at_neighbour(struct beat *b, u64 now)
{
	struct cpu *next = neighbour(b->cpu);
	u64 last = atomic_load(&percpu_of(beats, next)->last_ns);

	if (next == b->cpu || !last || now < last + atomic_load(&watchdog_lockup_ns)) {
		b->neighbour_reported = false;
		return;
	}
	if (b->neighbour_reported)
		return;
	b->neighbour_reported = true;
	atomic_add(&percpu_of(beats, next)->hard, 1u);
	atomic_add(&watchdog_reports.hard, 1u);
	log_err("watchdog: cpu%u has taken no timer interrupt for %llu ms; it runs %s", next->id,
		(unsigned long long)((now - last) / NSEC_PER_MSEC), next->running ? next->running->name : "?");
}

static void beat_fire(struct timer *timer)
{
	struct beat *b = container_of(timer, struct beat, timer);
	u64 now = time_ns();

	if (b->cpu != arch_cpu_self()) {	/* its CPU went offline and the timer moved: no more beats */
		atomic_store(&b->last_ns, 0ull);
		return;
	}
	atomic_store(&b->last_ns, now);
	if (atomic_load(&watchdog_lockup_ns)) {
		look_at_this_cpu(b, now);
		look_at_neighbour(b, now);
	}
	timer_arm(timer, now + period(), period() / 8);
}

/* On each CPU, interrupts off. */
static void beat_start(void *unused)
{
	struct beat *b = percpu_of(beats, arch_cpu_self());

	(void)timer_cancel(&b->timer);
	b->cpu = arch_cpu_self();
	atomic_store(&b->last_ns, time_ns());
	timer_arm(&b->timer, time_ns() + period(), 0);
}

void watchdog_restart(void)
{
	ipi_call(~0ull, beat_start, NULL);
}

static int look_at_thread(struct thread *t, void *arg)
{
	u64 switches = t->voluntary_switches + t->involuntary_switches, now = time_ns();

	if (!t->is_user && !*(bool *)arg)
		return 0;
	if (atomic_load(&t->state) != THREAD_BLOCKED || t->hung_switches != switches) {
		t->hung_switches = switches;
		t->hung_since_ns = now;
	} else if (t->hung_since_ns && now - t->hung_since_ns >= atomic_load(&watchdog_hung_ns)) {
		atomic_add(&watchdog_reports.hung, 1u);
		log_err("watchdog: %s (%d) sleeps uninterruptibly for more than %llu s, in system call %u", t->name,
			(int)t->tid, (unsigned long long)((now - t->hung_since_ns) / NSEC_PER_SEC), t->syscall_nr);
		t->hung_since_ns = 0;	/* once per sleep */
	}
	return 0;
}

void watchdog_scan(bool kernel_threads)
{
	(void)thread_for_each(look_at_thread, &kernel_threads);
}

static void watchdog_thread(void *unused)
{
	while (true) {
		u64 limit = atomic_load(&watchdog_hung_ns);

		(void)sleep_until(time_ns() + (limit ? max(limit / 4, NSEC_PER_SEC) : 30 * NSEC_PER_SEC), false);
		if (limit)
			watchdog_scan(false);
	}
}

static int seconds_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (unsigned long long)(atomic_load((u64 *)arg) / NSEC_PER_SEC));
	return 0;
}

static int seconds_store(const char *text, size_t len, void *arg)
{
	const char *end;
	u64 v;

	if (parse_u64_prefix(text, 10, &v, &end) || (*end && *end != '\n') || v > 86400)
		return -EINVAL;
	atomic_store((u64 *)arg, v * NSEC_PER_SEC);
	watchdog_restart();
	return 0;
}

static const struct virtual_file files[] = {
	{ "sys/kernel/hung_task_timeout_secs", 0644, seconds_show, seconds_store, &watchdog_hung_ns },
	{ "sys/kernel/watchdog_thresh", 0644, seconds_show, seconds_store, &watchdog_lockup_ns },
};

void watchdog_init(void)
{
	struct cpu *cpu;
	struct thread *t = thread_create("watchdog", watchdog_thread, NULL, -1);

	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		(void)procfs_add(&files[i]);
	cpu_for_each(cpu, atomic_load(&cpu_online_mask))
		timer_init(&percpu_of(beats, cpu)->timer, beat_fire);
	watchdog_restart();
	if (!t) {
		log_err("watchdog: no memory for its thread");
		return;
	}
	thread_start(t);
	thread_put(t);
}
