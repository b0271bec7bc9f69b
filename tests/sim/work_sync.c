/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "sync": kernel threads on the core's own primitives, each with its model: who is inside a
 * mutex, that readers see whole updates, that each item of a ring arrives once and in order, that a wake-up
 * sent is a wake-up received, that what an epoch protects is not freed, that a cancelled timer is over. A lost wake-up ends the run
 * because nothing is left to do. Compiled like the core, so that other CPUs come in between.
 */
#include <kernel/epoch.h>
#include <kernel/lock.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "work.h"

#define THREADS_MAX 6
#define RING 4u
#define MAIL_MAX 64u
#define OPS 60u
#define LATE_NS (2 * NSEC_PER_SEC)	/* a deadline that comes later than this is a lost timer */
#define OBJECT_ALIVE 0xa11eull
#define ALARM_SET 0xa1a4ull

struct object {
	struct epoch_head epoch;
	u64 state, value;
};
static struct {
	struct mutex mutex;
	struct thread *inside;
	u64 counter, expected;
	struct rwlock rw;
	u64 a, b;
	struct spinlock ring_lock;
	struct waitq not_empty, not_full;
	u64 ring[RING], head, tail, sent, taken;
	u32 producers;
	struct object *object;
	struct spinlock object_lock;
	u64 freed, replaced;
	struct seqcount seq;
	struct spinlock seq_lock;
	u64 x, y;
	unsigned threads, ops;
} s;

struct alarm {			/* on the stack of who sets it */
	struct timer timer;
	u64 state, period;
	unsigned again;		/* so often it arms itself again */
};
struct mailbox {		/* of a server thread that sleeps by hand, without a wait queue */
	struct thread *thread;
	u64 letters;		/* [a] sent */
	u64 read;		/* own */
	bool is_closed;		/* [a] */
	struct completion *reply[MAIL_MAX];	/* [a] */
};
static struct mailbox box;

static void in_mutex(void)
{
	if (s.inside)
		sim_fail("sync: two threads are inside one mutex");
	s.inside = current;
	s.counter++;
	s.expected = s.counter;
	if (sim_chance(SIM_WORK, 4))
		sched_yield();
	if (s.inside != current || s.counter != s.expected)
		sim_fail("sync: another thread came into the mutex");
	s.inside = NULL;
}

static void do_mutex(void)
{
	if (sim_chance(SIM_WORK, 4)) {
		if (!mutex_trylock(&s.mutex))
			return;
	} else {
		mutex_lock(&s.mutex);
	}
	in_mutex();
	mutex_unlock(&s.mutex);
}

static void do_rwlock(void)
{
	if (sim_chance(SIM_WORK, 3)) {
		rwlock_write_lock(&s.rw);
		s.a++;
		if (sim_chance(SIM_WORK, 4))
			sched_yield();
		s.b++;
		if (s.a != s.b)
			sim_fail("sync: two writers in a reader-writer lock");
		rwlock_write_unlock(&s.rw);
		return;
	}
	rwlock_read_lock(&s.rw);
	if (s.a != s.b)
		sim_fail("sync: a reader sees half an update");
	if (sim_chance(SIM_WORK, 4))
		sched_yield();
	if (s.a != s.b)
		sim_fail("sync: a writer came beside a reader");
	rwlock_read_unlock(&s.rw);
}

static bool ring_put(u64 v)
{
	bool done = false;

	spin_lock(&s.ring_lock);
	if (s.head - s.tail < RING) {
		s.ring[s.head++ % RING] = v;
		done = true;
	}
	spin_unlock(&s.ring_lock);
	return done;
}

static bool ring_take(u64 *v)
{
	bool done = false;

	spin_lock(&s.ring_lock);
	if (s.head != s.tail) {
		*v = s.ring[s.tail++ % RING];
		if (*v != s.taken++)
			sim_fail("sync: item %llu of the ring is not the one that was sent", (unsigned long long)*v);
		done = true;
	}
	spin_unlock(&s.ring_lock);
	return done;
}

/* One sender at a time numbers its items under the mutex, so their order is known. */
static void do_send(void)
{
	mutex_lock(&s.mutex);
	(void)waitq_wait_until(&s.not_full, ring_put(s.sent), SLEEP_UNINTERRUPTIBLE, U64_MAX, true);
	s.sent++;
	mutex_unlock(&s.mutex);
	waitq_wake_one(&s.not_empty);
}

static void consumer(void *unused)
{
	bool done = false;

	while (!done) {
		u64 v;
		bool got = false;

		(void)waitq_wait_until(&s.not_empty, (got = ring_take(&v)) || atomic_load(&s.producers) == 0,
				       SLEEP_UNINTERRUPTIBLE, U64_MAX, true);
		if (got)
			waitq_wake_one(&s.not_full);
		else
			done = true;
	}
	waitq_wake_one(&s.not_empty);	/* the next consumer shall see the end, too */
}

/* The hand-made sleep of docs/locking.md. */
static void postman(void *unused)
{
	while (1) {
		thread_prepare_sleep(SLEEP_UNINTERRUPTIBLE);
		/* Half asleep for a while: its turn may end, another CPU may want it, and letters come. */
		if (sim_chance(SIM_WORK, 4))
			sim_busy(sim_below(SIM_WORK, 3000000));
		if (atomic_load(&box.letters) == box.read && !atomic_load(&box.is_closed))
			(void)thread_sleep(SLEEP_UNINTERRUPTIBLE, U64_MAX);
		else
			atomic_store(&current->state, (u32)THREAD_RUNNABLE);
		while (atomic_load_acquire(&box.letters) != box.read) {
			struct completion **slot = &box.reply[box.read % MAIL_MAX];
			struct completion *c;

			while (!(c = atomic_xchg(slot, NULL)))
				arch_cpu_relax();	/* numbered, about to be put there */
			box.read++;
			completion_signal(c);
		}
		if (atomic_load(&box.is_closed))
			return;
	}
}

static void do_letter(void)
{
	struct completion c;
	u64 n;

	completion_init(&c);
	preempt_disable();		/* the postman spins between number and letter */
	n = atomic_fetch_add_acq_rel(&box.letters, 1);
	atomic_store_release(&box.reply[n % MAIL_MAX], &c);
	preempt_enable();
	thread_wake(box.thread, BIT(THREAD_BLOCKED));
	if (sim_chance(SIM_WORK, 2)) {
		completion_wait(&c);
	} else {
		while (completion_wait_deadline(&c, time_ns() + 1 + sim_below(SIM_WORK, 100000)))
			;
	}
}

static void do_sleep(void)
{
	u64 until = time_ns() + sim_below(SIM_WORK, 200000), now;

	(void)sleep_until(until, false);
	now = time_ns();
	if (now < until)
		sim_fail("sync: a sleep ended %llu ns early", (unsigned long long)(until - now));
	if (now - until > LATE_NS)
		sim_fail("sync: a sleep ended %llu ms late", (unsigned long long)(now - until) / 1000000);
}

/* Interrupt context, on the CPU that armed it. */
static void ring(struct timer *t)
{
	struct alarm *a = container_of(t, struct alarm, timer);

	for (unsigned i = 0; i < 6; i++) {
		if (READ_ONCE(a->state) != ALARM_SET)
			sim_fail("sync: a timer's callback runs when timer_cancel_sync has come back");
		arch_cpu_relax();
	}
	if (a->again && a->again--)
		timer_arm(t, time_ns() + a->period, 0);
}

/* Cancels a timer at about the moment when it fires, often from another CPU than the one that armed it. */
static void do_alarm(void)
{
	struct alarm a = { .state = ALARM_SET, .period = sim_below(SIM_WORK, 5000), .again = (unsigned)sim_below(SIM_WORK, 6) };
	u64 at = time_ns() + sim_below(SIM_WORK, 40000), until = at + sim_below(SIM_WORK, 2000);

	timer_init(&a.timer, ring);
	timer_arm(&a.timer, at, 0);
	if (sim_chance(SIM_WORK, 2))
		(void)sched_set_affinity(current, cpu_mask((unsigned)sim_below(SIM_WORK, cpu_count)));
	while (time_ns() < until)
		arch_cpu_relax();
	(void)timer_cancel_sync(&a.timer);
	WRITE_ONCE(a.state, 0);
	if (timer_cancel(&a.timer))
		sim_fail("sync: a timer is armed when timer_cancel_sync has come back");
	(void)sched_set_affinity(current, ~0ull);
}

static void object_free(struct epoch_head *h)
{
	struct object *o = container_of(h, struct object, epoch);

	o->state = 0;
	atomic_add(&s.freed, 1);
	kfree(o);
}

static void do_replace(void)
{
	struct object *o = kmalloc(sizeof(*o), 0), *old;

	if (!o)
		return;
	o->state = OBJECT_ALIVE;
	spin_lock(&s.object_lock);
	old = s.object;
	o->value = old->value + 1;
	atomic_store_release(&s.object, o);	/* pairs with do_look */
	s.replaced++;
	spin_unlock(&s.object_lock);
	if (sim_chance(SIM_WORK, 2)) {
		epoch_wait();
		object_free(&old->epoch);
	} else {
		epoch_defer(&old->epoch, object_free);
	}
}

static void do_look(void)
{
	struct object *o;

	epoch_enter();
	o = atomic_load_acquire(&s.object);
	/* Now and then longer than a grace period is patient. */
	if (sim_chance(SIM_WORK, 8))
		sim_busy(sim_below(SIM_WORK, 4000000));
	for (unsigned i = 0; i < 8; i++) {
		if (READ_ONCE(o->state) != OBJECT_ALIVE)
			sim_fail("sync: an object was freed under an epoch section");
		arch_cpu_relax();
	}
	epoch_exit();
}

static void do_seq(void)
{
	u64 x, y;
	u32 v;

	if (sim_chance(SIM_WORK, 3)) {
		spin_lock(&s.seq_lock);
		seq_write_begin(&s.seq);
		s.x++;
		arch_cpu_relax();
		s.y += 3;
		seq_write_end(&s.seq);
		spin_unlock(&s.seq_lock);
		return;
	}
	preempt_disable();
	do {
		v = seq_read_begin(&s.seq);
		x = READ_ONCE(s.x);
		y = READ_ONCE(s.y);
	} while (seq_read_retry(&s.seq, v));
	preempt_enable();
	if (y != x * 3)
		sim_fail("sync: a sequence-locked read is torn: %llu and %llu", (unsigned long long)x,
			 (unsigned long long)y);
}

static void little_thread(void *arg)
{
	u64 *p = arg;

	*p += 1;
}

static void do_thread(void)
{
	u64 ran = 0;
	struct thread *t = thread_create("little", little_thread, &ran, -1);

	if (!t)
		return;
	thread_start(t);
	(void)thread_join(t);
	if (ran != 1)
		sim_fail("sync: a joined thread ran %llu times", (unsigned long long)ran);
}

static void do_move(void)
{
	cpumask_t mask = 1 + sim_below(SIM_WORK, (1ull << cpu_count) - 1);

	if (sched_set_affinity(current, mask))
		return;
	preempt_disable();
	if (!(mask & cpu_mask(arch_cpu_self()->id)))
		sim_fail("sync: a thread runs on CPU %u outside its mask %#llx", arch_cpu_self()->id,
			 (unsigned long long)mask);
	preempt_enable();
	(void)sched_set_affinity(current, ~0ull);
}

static void worker(void *unused)
{
	static void (*const actions[])(void) = {
		do_mutex, do_mutex, do_rwlock, do_send, do_send, do_letter, do_letter, do_sleep, do_replace, do_look,
		do_look, do_seq, do_seq, do_thread, do_move, do_alarm,
	};

	for (unsigned i = 0; i < s.ops; i++)
		actions[sim_below(SIM_WORK, ARRAY_LEN(actions))]();
	if (__atomic_fetch_sub(&s.producers, 1, __ATOMIC_ACQ_REL) == 1)
		waitq_wake_all(&s.not_empty);
}

static struct thread *start(const char *name, void (*fn)(void *))
{
	struct thread *t = thread_create(name, fn, NULL, -1);

	if (!t)
		sim_fail("sync: no memory for a thread");
	thread_start(t);
	return t;
}

static void set_up(void)
{
	memset(&s, 0, sizeof(s));
	memset(&box, 0, sizeof(box));
	mutex_init(&s.mutex, "sync mutex", LOCK_UNRANKED);
	rwlock_init(&s.rw, "sync rw", LOCK_UNRANKED);
	spin_init(&s.ring_lock, "sync ring", LOCK_UNRANKED);
	spin_init(&s.object_lock, "sync object", LOCK_UNRANKED);
	spin_init(&s.seq_lock, "sync seq", LOCK_UNRANKED);
	waitq_init(&s.not_empty);
	waitq_init(&s.not_full);
	s.object = kzalloc(sizeof(*s.object), 0);
	if (!s.object)
		sim_fail("sync: no memory");
	s.object->state = OBJECT_ALIVE;
	s.threads = 1 + (unsigned)sim_below(SIM_WORK, THREADS_MAX);
	s.ops = (unsigned)sim_setting("ops", OPS);
	s.producers = s.threads;
}

static void run(void *unused)
{
	struct thread *workers[THREADS_MAX], *consumers[2];

	set_up();
	box.thread = start("postman", postman);
	for (unsigned i = 0; i < 2; i++)
		consumers[i] = start("consumer", consumer);
	for (unsigned i = 0; i < s.threads; i++)
		workers[i] = start("worker", worker);
	for (unsigned i = 0; i < s.threads; i++)
		(void)thread_join(workers[i]);
	for (unsigned i = 0; i < 2; i++)
		(void)thread_join(consumers[i]);
	atomic_store(&box.is_closed, true);
	thread_wake(box.thread, BIT(THREAD_BLOCKED));
	(void)thread_join(box.thread);
	if (s.sent != s.taken || box.letters != box.read)
		sim_fail("sync: %llu items sent, %llu taken", (unsigned long long)s.sent, (unsigned long long)s.taken);
	epoch_wait();
	epoch_wait();
	if (s.freed != s.replaced)
		sim_fail("sync: %llu objects replaced, %llu freed", (unsigned long long)s.replaced,
			 (unsigned long long)s.freed);
	kfree(s.object);
}

void work_sync(void) { sim_in_kernel(run, NULL); }
