/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Run queues, private to kernel/sched. Each CPU puts threads into its own queue only; other CPUs
 * hand threads over on its lock-free wake list. Others take the lock to take threads
 * out (stealing) or to change a queued thread's numbers. Interrupts are off under the lock, which
 * stays held across the switch, so it is taken raw.
 */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include <kernel/sched.h>
#include <kernel/time.h>

extern const struct sched_policy sched_policy_deadline, sched_policy_fixed, sched_policy_background;
/* What sched= may choose; the first is the default. */
extern const struct sched_policy sched_policy_mlfq, sched_policy_round_robin, sched_policy_priority, sched_policy_fair;
extern const struct sched_policy *const sched_system_policies[];
extern const unsigned sched_system_policies_len;

#define SLOT_DATA_SIZE 2048	/* what the largest policy needs, and a power of two; checked by sched_cpu_init */
#define NICE_COUNT 40u

/* Marks: [q] lock, [c] own CPU only, interrupts off, [a] atomic, [b] set at boot. */
struct runq {
	struct spinlock lock;
	u32 nr_running;			/* [q] runnable threads, the running one included, idle and parked ones not */
	struct cpu *cpu;		/* [b] */
	struct thread *running;		/* [q] */
	struct thread *idle;		/* [b] */
	struct thread *wake_list;	/* [a] threads handed over by others, newest first */
	u32 is_polling;			/* [a] idle and watching wake_list: needs no IPI */
	u32 queued_mask;		/* [q] bit slot: queued[slot] > 0 */
	u32 queued[SLOT_COUNT];		/* [q] waiting threads that may run */
	u32 policy_seq[SLOT_COUNT];	/* [q] which policy, counted over all changes */
	const struct sched_policy *policy[SLOT_COUNT];	/* [q] */
	u64 now_ns;			/* [q] when the lock was last taken by a caller of the policies or who changes nr_running */
	u64 event_ns;			/* [c] armed moment: end of a turn, budget or period; U64_MAX none */
	u64 sample_ns;			/* [c] when it looks next in which mode its thread is, unless it is idle */
	u64 release_ns;			/* [q] a parked deadline thread's time comes; U64_MAX none */
	u64 rt_period_ns;		/* [q] begin of the guard's period */
	u64 rt_used_ns;			/* [q] by SLOT_FIXED and SLOT_DEADLINE since then */
	bool rt_throttled;		/* [q] */
	bool is_rescuing;		/* [q] the running thread is one of overdue.c's */
	struct list waiting;		/* [q] threads of SLOT_SYSTEM and SLOT_BACKGROUND, who waits longest first */
	u64 overdue_ns;			/* [q] no earlier does the first become overdue, or the turn of an overdue one end */
	u64 rescue_next_ns;		/* [q] no earlier has the next one its turn */
	u32 leave_stage;		/* [a] not 0: going offline, takes no threads; hotplug.c */
	struct thread *moving;		/* [c] switched-out thread that must go to another CPU */
	u64 balance_next_ns;		/* [c] */
	struct sched_cpu_stats stats;	/* [c] written by its CPU; read by all */
	u64 waiting_ns, waiting_since_ns;	/* [q] somebody waited for so long, and does since; 0: nobody */
	u64 user_ticks, nice_ticks, system_ticks;	/* [q] see stats_settle */
	u8 data[SLOT_COUNT][SLOT_DATA_SIZE] __aligned(16);	/* [q] the policies' parts */
};
DECLARE_PERCPU(struct runq, sched_runq);
extern cpumask_t sched_idle_mask;	/* [a] CPUs that look for work */
extern struct mutex sched_admin_lock;	/* policies, admission, CPUs on and off */

static inline struct runq *this_runq(void) { return percpu_of(sched_runq, arch_cpu_self()); }
static inline struct runq *runq_of(const struct cpu *cpu) { return percpu_of(sched_runq, cpu); }
static inline const struct sched_policy *runq_policy(const struct runq *rq, const struct thread *t)
{
	return rq->policy[t->sched_slot];
}
static inline void *runq_data(struct runq *rq, const struct thread *t) { return rq->data[t->sched_slot]; }
static inline void runq_count_more(struct runq *rq, unsigned slot)
{
	rq->queued[slot]++;
	rq->queued_mask |= 1u << slot;
}
static inline void runq_count_less(struct runq *rq, unsigned slot)
{
	if (--rq->queued[slot] == 0)
		rq->queued_mask &= ~(1u << slot);
}
/* A thread came into or left its policy's queue; overdue.c. It waits since rq->now_ns. */
static inline void runq_wait_begin(struct runq *rq, struct thread *t)
{
	if (t->sched_slot >= SLOT_SYSTEM)
		list_push_back(&rq->waiting, &t->wait_link);
}
static inline void runq_wait_end(struct thread *t)
{
	if (t->sched_slot >= SLOT_SYSTEM)
		list_remove(&t->wait_link);
}
/* At rq->now_ns. Where somebody begins or ceases to wait, pressure.c's times do. */
static inline void runq_set_running(struct runq *rq, u32 n)
{
	u64 now = rq->now_ns, since = rq->waiting_since_ns;
	u32 before = rq->nr_running;

	atomic_store(&rq->nr_running, n);
	if ((before > 1) == (n > 1))
		return;
	if (since && now > since)
		atomic_store(&rq->waiting_ns, rq->waiting_ns + (now - since));
	atomic_store(&rq->waiting_since_ns, n > 1 ? now : 0ull);
}

/* core.c; all with rq->lock held. */
void runq_set_turn(struct runq *rq, struct thread *t);	/* turn_share and turn_ns, from its nice value and its group */
/* Puts a thread in: counted, with its numbers made fit for the policy. False: parked. Own CPU. */
bool runq_insert(struct runq *rq, struct thread *t, u32 flags);
/* If t's numbers are another policy's, it starts anew. */
void runq_meet(struct runq *rq, struct thread *t);
/* … and decides whether it preempts. Own CPU. */
void runq_enqueue(struct runq *rq, struct thread *t, u32 flags);
void runq_account_current(struct runq *rq, u64 now_ns);
/* Takes a queued (not running) thread out for good: on_rq becomes 0. Any CPU. */
void runq_take_out(struct runq *rq, struct thread *t);
/* Locks the queue that t belongs to; t->wake_lock held or t known to be queued. */
struct runq *runq_lock_of(struct thread *t);
void runq_kick(struct runq *rq);	/* its CPU looks again who should run */

/* class.c: where threads of that class queue. */
u32 sched_slot_of(u32 sched_class);

/* wake.c */
void runq_drain(struct runq *rq);	/* takes the wake list in; own CPU, interrupts off, lock not held */
/*
 * Hands t (RUNNABLE, on_rq 0, on_cpu 0) to a CPU it may run on. Interrupts off, t->wake_lock held: who
 * changes class or CPUs of a thread on its way holds it too, and then finds it queued or not yet placed.
 */
void runq_send(struct thread *t, struct cpu *to);
/* The same for who does not hold wake_lock; to another CPU if `to` is NULL or no longer allowed. */
void runq_forward(struct thread *t, struct cpu *to);
struct cpu *sched_place(const struct thread *t);
#define HANDOFF_MAX 8u
#define HANDOFF_NS (50 * NSEC_PER_USEC)	/* that soon after waking somebody it sleeps of its own will: it handed over */
static inline void thread_note_handoff(struct thread *t, u64 ran_ns)
{
	t->has_woken = false;
	if (ran_ns > HANDOFF_NS)
		t->handoffs /= 2;
	else if (t->handoffs < HANDOFF_MAX)
		t->handoffs++;
}

/* balance.c; interrupts off. */
bool runq_pull(struct runq *rq);	/* idle: true when a thread came */
void runq_push_excess(struct runq *rq, u64 now_ns);

/* smp.c, hotplug.c */
void cpu_mark_online(struct cpu *cpu);	/* from the idle loop's start */
void cpu_idle_leave(struct runq *rq);	/* in the idle loop when leave_stage is set: does not return if it goes */
int cpu_start(unsigned id);		/* has firmware start it and waits: 0, -ENODEV, -EIO */

void sched_refresh_all(void);		/* cpu_active_mask has changed */

/* class.c */
void sched_refresh_allowed(struct thread *t);	/* after a change of what is active; moves t if it must */
void thread_update_allowed(struct thread *t);	/* wake_lock and its queue's lock held, or t unseen by others */

/* deadline.c */
bool deadline_is_rm(void);
void deadline_begin(struct runq *rq, struct thread *t);	/* a first job, released now */
u64 deadline_release_due(struct runq *rq);	/* queues those whose time has come; when the next one's comes */
int deadline_admit(struct thread *t, u64 runtime_ns, u64 period_ns, cpumask_t cpus);	/* CPU or -EBUSY; sched_admin_lock */
void deadline_withdraw(struct thread *t);	/* sched_admin_lock held */
u64 deadline_bandwidth(unsigned cpu);	/* admitted there, 20 fraction bits */

/* overdue.c; all with rq->lock held. */
void overdue_init(struct runq *rq);
void overdue_wait_on(struct runq *rq, struct thread *t);	/* runq_wait_begin for one that waits since t->wait_start_ns */
void overdue_look(struct runq *rq);		/* overdue_ns has come: the running thread gives way if somebody is overdue */
struct thread *overdue_take(struct runq *rq);	/* … that one, out of its policy's queue; NULL: nobody is */

/* guard.c */
bool guard_account(struct runq *rq, u64 ran_ns);	/* a real-time thread used time; true: it must give way */
u64 guard_event_ns(const struct runq *rq);		/* when the guard wants to look again; U64_MAX */
void guard_refresh(struct runq *rq);			/* a new period has begun? */

/* stack_mark.c */
#if CONFIG_DEBUG
void stack_paint(void *stack);
void stack_note(const struct thread *t);	/* its last user ends */
#else
static inline void stack_paint(void *stack) {}
static inline void stack_note(const struct thread *t) {}
#endif

/* stats.c */
/*
 * Counts what t ran up to that tick as its mode's, and adds what it used since the last time to the queue's sums. Lock of rq,
 * on which t runs.
 */
void stats_settle(struct runq *rq, struct thread *t, u64 ticks);
void stats_settle_to(struct runq *rq, struct thread *t, u64 ticks, struct group *g);	/* … as g's */
void stats_sample(struct runq *rq);	/* from an interrupt */
void stats_end_idle(struct runq *rq);
void loadavg_update(u64 now_ns);

/* pressure.c */
void pressure_update(u64 now_ns);	/* ends a window if one is over */

/* trace.c; interrupts off. */
extern bool sched_trace_on;		/* [a] ask before calling these */
void trace_switch(u64 ns, const struct thread *left, const struct thread *came);
void trace_wake(const struct thread *t, const struct cpu *to);
void trace_policy(const char *name);

/* settings.c */
void settings_read_cmdline(void);
void settings_install(struct runq *rq);	/* the policies of a CPU that comes up */
u64 quantum_of_nice(s32 nice);		/* ns; spec.md: 5 ms idle … 20 normal … 40 critical */
u64 sched_weight(const struct thread *t);	/* nice 0: 1024; a step is a tenth of the CPU between two */

/* group.c; all with rq->lock held. */
#define SHARE_ONE 1024u
void group_load_add(struct runq *rq, struct thread *t);	/* t, of a group below the root, is queued here */
void group_load_remove(struct runq *rq, struct thread *t);	/* t, with a load_group, leaves */
u32 group_share(const struct runq *rq, const struct thread *t);	/* t has a load_group */
void bandwidth_charge(struct thread *t, u64 now, u64 ran);	/* t is in a limited group; it may have to stop */
u64 bandwidth_event_ns(const struct thread *t, u64 now);

/* Threads of a queue that a thief looks at before it gives up. */
#define STEAL_LOOK 32u

#endif
