/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor of kernel daemons (<kernel/daemon.h>): owns one engine, feeds it what happens to
 * the daemons' threads and does what it asks. A thread cannot be ended from outside: it is told to
 * end and does so after its round; one that hangs is left behind and another takes its place.
 * `daemons_lock` guards the engine and what is marked [l]. proc.c is what users see of it.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/procfs.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "daemons.h"

struct mutex daemons_lock;
struct sup daemons_sup;				/* [l] */
struct daemon_state *daemon_states;
static struct waitq jobs_wait = WAITQ_INIT(jobs_wait), supervisor_wait = WAITQ_INIT(supervisor_wait);
static struct thread *supervisor;		/* never ends */
static u64 supervisor_until;			/* [l] when the supervisor's thread will look by itself */
static u32 is_earlier;				/* [a] something is due before that */

/* ---- a daemon's thread -------------------------------------------------------------------------- */

/* It was told to end, or another thread has taken its place. */
static bool is_over(const struct daemon_state *s, u32 generation)
{
	return atomic_load(&s->ends) || atomic_load(&s->generation) != generation;
}

/* What a test asked for: a round that never ends. */
static void be_stuck(struct daemon_state *s, u32 generation, u32 how)
{
	(void)waitq_wait_until(&s->wait, atomic_load(&s->generation) != generation ||
			       (how == STUCK_STALLED && atomic_load(&s->ends)), SLEEP_INTERRUPTIBLE, U64_MAX, false);
}

static void run_rounds(struct daemon_state *s, u32 generation)
{
	u64 next = time_ns();

	while (1) {
		u32 how;

		(void)waitq_wait_until(&s->wait, is_over(s, generation) || atomic_load(&s->poked), SLEEP_INTERRUPTIBLE,
				       next, false);
		if (is_over(s, generation))
			return;
		atomic_store(&s->poked, 0u);
		atomic_store(&s->round_began, time_ns());
		how = atomic_xchg(&s->stuck, 0u);
		if (how)
			be_stuck(s, generation, how);
		next = s->d->round();
		next = next == DAEMON_POKED ? U64_MAX : time_ns() + next;
		if (atomic_load(&s->generation) == generation)
			atomic_store(&s->round_began, 0ull);
		atomic_add(&s->rounds, 1ull);
	}
}

static void daemon_main(void *arg)
{
	struct daemon_state *s = arg;
	u32 generation = atomic_load(&s->generation);

	daemons_post(s, SUP_EV_READY, 0);
	run_rounds(s, generation);
	mutex_lock(&daemons_lock);
	if (s->generation == generation)
		daemons_post_locked(s, SUP_EV_EXIT, s->was_killed ? SUP_SIGNAL : SUP_CLEAN);
	mutex_unlock(&daemons_lock);
}

void daemon_poke(const struct daemon *d)
{
	for (unsigned i = 0; daemon_states && i < daemon_table_len; i++)
		if (daemon_states[i].d == d) {
			atomic_store(&daemon_states[i].poked, 1u);
			waitq_wake_all(&daemon_states[i].wait);
		}
}

void daemon_beat(void)
{
	for (unsigned i = 0; daemon_states && i < daemon_table_len; i++)
		if (atomic_load(&daemon_states[i].thread) == current)
			atomic_store(&daemon_states[i].round_began, time_ns());
}

/* ---- what the engine asks, under daemons_lock ----------------------------------------------------- */

static void forget_thread(struct daemon_state *s)
{
	struct thread *t = s->thread;

	if (!t)
		return;
	s->runtime_before += sched_runtime_ns(t);
	atomic_store(&s->thread, NULL);
	thread_put(t);
}

static void begin(struct daemon_state *s)
{
	struct thread *t;

	forget_thread(s);
	atomic_store(&s->ends, 0u);
	atomic_store(&s->stuck, 0u);
	atomic_store(&s->round_began, 0ull);
	s->was_killed = false;
	atomic_store(&s->generation, s->generation + 1);
	t = thread_create(s->d->name, daemon_main, s, -1);
	if (!t) {
		daemons_post_locked(s, SUP_EV_EXIT, SUP_UNCLEAN);
		return;
	}
	atomic_store(&s->thread, t);	/* its own reference */
	thread_start(t);
}

static void tell_to_end(struct daemon_state *s)
{
	atomic_store(&s->ends, 1u);
	waitq_wake_all(&s->wait);
}

/* It did not end when told: from now on nobody waits for it, and what it does is no concern of ours. */
static void leave_behind(struct daemon_state *s)
{
	log_err("daemon %s: hangs, left behind", s->d->name);
	s->left_behind++;
	atomic_store(&s->generation, s->generation + 1);
	waitq_wake_all(&s->wait);
	daemons_post_locked(s, SUP_EV_EXIT, SUP_SIGNAL);
}

static void tell_change(struct daemon_state *s)
{
	const struct sup_unit *u = daemon_unit(s);

	if (u->state == SUP_FAILED)
		log_err("daemon %s: failed: %s", s->d->name, sup_result_name(u->result));
	else if (u->state == SUP_STARTING && u->is_waiting_restart)
		log_warn("daemon %s: %s, started again in %llu ms", s->d->name, sup_result_name(u->result),
			 (unsigned long long)((u->deadline - min(u->deadline, time_ns())) / NSEC_PER_MSEC));
}

static void act(struct daemon_state *s, unsigned int bit)
{
	switch (bit) {
	case SUP_DO_START:
		begin(s);
		break;
	case SUP_DO_STOP_IT:
	case SUP_DO_ABORT:
		tell_to_end(s);
		break;
	case SUP_DO_KILL:
		leave_behind(s);
		break;
	case SUP_DO_CHANGED:
		tell_change(s);
		break;
	case SUP_DO_JOB_DONE:
		waitq_wake_all(&jobs_wait);
		break;
	}
}

static bool is_well(const struct daemon_state *s, u64 now)
{
	u64 began = atomic_load(&s->round_began);

	return !began || now - began < daemon_unit(s)->watchdog;
}

/* The earliest time at which a daemon that is well would be overdue. */
static u64 first_overdue(u64 now)
{
	u64 first = U64_MAX;

	for (unsigned i = 0; i < daemon_table_len; i++)
		if (daemons_sup.unit[i].watchdog_at && is_well(&daemon_states[i], now))
			first = min(first, daemons_sup.unit[i].watchdog_at);
	return first;
}

/*
 * The engine wants to hear of a daemon once per watchdog interval; one that sleeps is well and says
 * nothing. So its pings are made up here before the engine sees the time: each round of them at the
 * last moment at which none is overdue, for the engine's time must not run back.
 */
static void ping_for_all(u64 now)
{
	u64 first;

	while ((first = first_overdue(now)) <= now)
		for (unsigned i = 0; i < daemon_table_len; i++)
			if (daemons_sup.unit[i].watchdog_at && is_well(&daemon_states[i], now))
				(void)sup_step(&daemons_sup, &(struct sup_event){ first - 1, i, SUP_EV_PING, 0 });
}

int daemons_post_locked(struct daemon_state *s, u8 kind, u8 arg)
{
	static bool is_draining;	/* [l] actions may post */
	struct sup_event event = { time_ns(), s ? (u32)(s - daemon_states) : SUP_NONE, kind, arg };
	unsigned int bit;
	u32 unit;
	int error;

	lock_assert_held(&daemons_lock);
	ping_for_all(event.now);
	error = sup_step(&daemons_sup, &event);
	if (is_draining)
		return error;
	is_draining = true;
	while ((bit = sup_next(&daemons_sup, &unit)))
		act(&daemon_states[unit], bit);
	is_draining = false;
	if (sup_deadline(&daemons_sup) < supervisor_until) {
		atomic_store(&is_earlier, 1u);
		waitq_wake_all(&supervisor_wait);
	}
	return error;
}

int daemons_post(struct daemon_state *s, u8 kind, u8 arg)
{
	int error;

	mutex_lock(&daemons_lock);
	error = daemons_post_locked(s, kind, arg);
	mutex_unlock(&daemons_lock);
	return error;
}

int daemon_wait_job(struct daemon_state *s)
{
	int err = waitq_wait_until(&jobs_wait, atomic_load(&daemon_unit(s)->job) == SUP_JOB_NONE, SLEEP_INTERRUPTIBLE,
				   U64_MAX, false);

	if (err)
		return err;
	return daemon_unit(s)->job_result == SUP_R_OK ? 0 : -EIO;
}

/* ---- the supervisor's own thread ------------------------------------------------------------------ */

u64 daemons_supervisor_ns(void) { return sched_runtime_ns(supervisor); }

static void supervise(void *arg)
{
	while (1) {
		u64 until;

		mutex_lock(&daemons_lock);
		(void)daemons_post_locked(NULL, SUP_EV_TICK, 0);
		atomic_store(&is_earlier, 0u);
		until = supervisor_until = sup_deadline(&daemons_sup);
		mutex_unlock(&daemons_lock);
		(void)waitq_wait_until(&supervisor_wait, atomic_load(&is_earlier), SLEEP_INTERRUPTIBLE, until, false);
	}
}

/* ---- the beginning ------------------------------------------------------------------------------- */

#define STARTS_MAX 5u	/* within 10 s, as for services */

static bool make_room(void)
{
	unsigned n = daemon_table_len;
	u64 *starts = kzalloc(n * STARTS_MAX * sizeof(*starts), 0);
	struct daemon_state *states = kzalloc(n * sizeof(*states), 0);

	daemons_sup = (struct sup){ .units = n, .unit = kzalloc(n * sizeof(struct sup_unit), 0),
		.list = kzalloc((3 * n + 1) * sizeof(u32), 0) };
	if (!starts || !states || !daemons_sup.unit || !daemons_sup.list)
		return false;
	for (unsigned i = 0; i < n; i++) {
		struct sup_unit *u = &daemons_sup.unit[i];

		sup_unit_init(u);
		u->restart = SUP_ALWAYS;
		u->timeout_stop = 2 * NSEC_PER_SEC;
		u->restart_delay_max = 500 * NSEC_PER_MSEC;
		u->watchdog = daemon_table[i]->watchdog_ns;
		u->starts = starts + i * STARTS_MAX;
		u->limit_burst = STARTS_MAX;
		states[i].d = daemon_table[i];
		waitq_init(&states[i].wait);
	}
	sup_link(&daemons_sup);
	atomic_store_release(&daemon_states, states);
	return true;
}

void daemons_init(void)
{
	mutex_init(&daemons_lock, "daemons", LOCK_DAEMON);
	supervisor = make_room() ? thread_create("daemons", supervise, NULL, -1) : NULL;
	if (!supervisor)
		panic("no memory for the kernel's daemons");
	thread_start(supervisor);
	for (unsigned i = 0; i < daemon_table_len; i++)
		(void)daemons_post(&daemon_states[i], SUP_EV_START, 0);
	if (daemons_proc_register())
		log_warn("daemons: /proc/daemons cannot be shown");
}
