/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests: spinlocks, mutexes, reader-writer locks, wait queues, completions, alone and with one thread per CPU. */
#include <kernel/cpu.h>
#include <kernel/lock.h>
#include <kernel/sched.h>
#include <kernel/test.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <uapi/errno.h>

#define SOON (time_ns() + 5 * NSEC_PER_SEC)
#define ROUNDS 2000u

/* Runs fn(arg) in n threads spread over the CPUs and waits for all. */
static bool run_threads(unsigned n, void (*fn)(void *arg), void *arg)
{
	struct thread *t[16] = { NULL };
	bool ok = true;

	for (unsigned i = 0; i < n; i++) {
		t[i] = thread_create("sync test", fn, arg, (int)(i % cpu_count));
		if (t[i])
			thread_start(t[i]);
		else
			ok = false;
	}
	for (unsigned i = 0; i < n; i++)
		if (t[i])
			thread_join(t[i]);
	return ok;
}

static struct spinlock test_spin = SPINLOCK_INIT("test spin", LOCK_UNRANKED);
static u64 counter;

static void test_spin_basics(void)
{
	unsigned long flags;

	test_check(!spin_is_held(&test_spin));
	spin_lock(&test_spin);
	test_check(spin_is_held(&test_spin));
	test_check(!spin_trylock(&test_spin));
	spin_unlock(&test_spin);
	test_check(spin_trylock(&test_spin));
	spin_unlock(&test_spin);
	flags = spin_lock_irqsave(&test_spin);
	test_check(arch_irq_disabled());
	spin_unlock_irqrestore(&test_spin, flags);
	test_check(!arch_irq_disabled() && current->preempt_count == 0);
	spin_lock_irq(&test_spin);
	test_check(arch_irq_disabled());
	spin_unlock_irq(&test_spin);
	test_check(!arch_irq_disabled() && current->preempt_count == 0);
}

static void spin_counter(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i & 1) {
			unsigned long flags = spin_lock_irqsave(&test_spin);

			counter++;
			spin_unlock_irqrestore(&test_spin, flags);
		} else {
			spin_lock(&test_spin);
			counter++;
			spin_unlock(&test_spin);
		}
	}
}

static void test_spin_excludes(void)
{
	counter = 0;
	test_check(run_threads(8, spin_counter, NULL));
	test_equal(counter, 8 * ROUNDS);
}

static struct mutex test_mutex;

static void test_mutex_basics(void)
{
	mutex_init(&test_mutex, "test mutex", LOCK_UNRANKED);
	mutex_lock(&test_mutex);
	test_check(mutex_is_held(&test_mutex));
	test_check(!mutex_trylock(&test_mutex));
	mutex_unlock(&test_mutex);
	test_check(!mutex_is_held(&test_mutex));
	test_equal(mutex_lock_interruptible(&test_mutex), 0);
	mutex_unlock(&test_mutex);
	test_check(mutex_trylock(&test_mutex));
	mutex_unlock(&test_mutex);
}

static void mutex_counter(void *arg)
{
	for (unsigned i = 0; i < ROUNDS / 4; i++) {
		mutex_lock(&test_mutex);
		u64 v = counter;

		if (i % 16 == 0)
			sched_yield();	/* the critical section is left in the middle */
		counter = v + 1;
		mutex_unlock(&test_mutex);
	}
}

static void test_mutex_excludes(void)
{
	mutex_init(&test_mutex, "test mutex", LOCK_UNRANKED);
	counter = 0;
	test_check(run_threads(8, mutex_counter, NULL));
	test_equal(counter, 8 * (ROUNDS / 4));
	test_check(test_mutex.owner == NULL && list_empty(&test_mutex.waiters));
}

static u32 order[4], order_next;

static void order_taker(void *arg)
{
	mutex_lock(&test_mutex);
	order[order_next++] = (u32)(unsigned long)arg;
	mutex_unlock(&test_mutex);
}

static unsigned mutex_waiters(void)
{
	unsigned long flags = spin_lock_irqsave(&test_mutex.wait_lock);
	unsigned n = 0;
	struct list *l;

	for (l = test_mutex.waiters.next; l != &test_mutex.waiters; l = l->next)
		n++;
	spin_unlock_irqrestore(&test_mutex.wait_lock, flags);
	return n;
}

/* Who waits first gets it first. */
static void test_mutex_fifo(void)
{
	struct thread *t[4];

	mutex_init(&test_mutex, "test mutex", LOCK_UNRANKED);
	order_next = 0;
	mutex_lock(&test_mutex);
	for (unsigned i = 0; i < 4; i++) {
		u64 give_up = SOON;

		t[i] = thread_create("order", order_taker, (void *)(unsigned long)i, 0);
		test_check(t[i] != NULL);
		thread_start(t[i]);
		while (mutex_waiters() <= i && time_ns() < give_up)
			sleep_until(time_ns() + 100000, false);
		test_equal(mutex_waiters(), i + 1);
	}
	mutex_unlock(&test_mutex);
	for (unsigned i = 0; i < 4; i++)
		thread_join(t[i]);
	for (unsigned i = 0; i < 4; i++)
		test_equal(order[i], i);
}

static struct rwlock test_rw;
static u64 rw_a, rw_b;
static u32 rw_torn;

static void rw_user(void *arg)
{
	for (unsigned i = 0; i < ROUNDS / 8; i++) {
		if (i % 4 == 0) {
			rwlock_write_lock(&test_rw);
			rw_a++;
			if (i % 32 == 0)
				sched_yield();
			rw_b++;
			rwlock_write_unlock(&test_rw);
		} else {
			rwlock_read_lock(&test_rw);
			if (atomic_load(&rw_a) != atomic_load(&rw_b))
				atomic_add(&rw_torn, 1u);
			rwlock_read_unlock(&test_rw);
		}
	}
}

static void test_rwlock(void)
{
	rwlock_init(&test_rw, "test rwlock", LOCK_UNRANKED);
	rwlock_read_lock(&test_rw);
	test_check(rwlock_read_trylock(&test_rw));
	test_equal(test_rw.state, 2);
	rwlock_read_unlock(&test_rw);
	rwlock_read_unlock(&test_rw);
	rwlock_write_lock(&test_rw);
	test_check(!rwlock_read_trylock(&test_rw));
	rwlock_write_unlock(&test_rw);
	rw_a = rw_b = rw_torn = 0;
	test_check(run_threads(8, rw_user, NULL));
	test_equal(rw_torn, 0);
	test_equal(rw_a, 8 * (ROUNDS / 8 / 4 + (ROUNDS / 8 % 4 != 0)));
	test_equal(test_rw.state, 0);
	test_check(list_empty(&test_rw.waiters) && test_rw.state == 0);
}

static struct waitq test_q;
static u32 tokens, taken;

static void token_taker(void *arg)
{
	waitq_wait_until(&test_q, ({
		u32 n = atomic_load(&tokens);

		n > 0 && atomic_cmpxchg(&tokens, &n, n - 1);
	}), SLEEP_UNINTERRUPTIBLE, U64_MAX, true);
	atomic_add(&taken, 1u);
}

/* Exclusive waiters: one token, one wake-up each; nobody sleeps for ever. */
static void test_waitq_exclusive(void)
{
	struct thread *t[8];

	waitq_init(&test_q);
	tokens = taken = 0;
	for (unsigned i = 0; i < 8; i++) {
		t[i] = thread_create("taker", token_taker, NULL, (int)(i % cpu_count));
		test_check(t[i] != NULL);
		thread_start(t[i]);
	}
	for (unsigned i = 0; i < 8; i++) {
		atomic_fetch_add_acq_rel(&tokens, 1u);
		waitq_wake_one(&test_q);
		if (i % 3 == 0)
			sleep_until(time_ns() + 50000, false);
	}
	for (unsigned i = 0; i < 8; i++)
		thread_join(t[i]);
	test_equal(taken, 8);
	test_equal(tokens, 0);
	test_check(waitq_is_empty(&test_q));
}

static void test_waitq_timeout(void)
{
	u64 before = time_ns();
	bool no = false;

	waitq_init(&test_q);
	test_equal(waitq_wait_deadline(&test_q, no, before + NSEC_PER_MSEC), -ETIMEDOUT);
	test_check(time_ns() >= before + NSEC_PER_MSEC);
	test_equal(waitq_wait_deadline(&test_q, no, 0), -ETIMEDOUT);
	test_equal(waitq_wait_deadline(&test_q, true, 0), 0);	/* the condition goes first */
	test_check(waitq_is_empty(&test_q));
	test_equal(current->state, THREAD_RUNNABLE);
}

static void interrupted_sleeper(void *arg)
{
	bool no = false;

	*(int *)arg = waitq_wait_interruptible(&test_q, no);
	atomic_fetch_and(&current->exit_work, ~WORK_SIGNAL);
}

static void test_waitq_interrupted(void)
{
	struct thread *t;
	int result = 1;

	waitq_init(&test_q);
	t = thread_create("interrupted", interrupted_sleeper, &result, -1);
	test_check(t != NULL);
	thread_start(t);
	sleep_until(time_ns() + 200000, false);
	thread_notify(t, WORK_SIGNAL);
	thread_wake(t, BIT(THREAD_SLEEPING));
	thread_join(t);
	test_equal(result, -EINTR);
	test_check(waitq_is_empty(&test_q));
}

struct ping {
	struct waitq q;
	u32 turn, rounds;
};

static void pong(void *arg)
{
	struct ping *p = arg;

	for (unsigned i = 0; i < p->rounds; i++) {
		waitq_wait(&p->q, atomic_load(&p->turn) == 1);
		atomic_store(&p->turn, 0u);
		waitq_wake_all(&p->q);
	}
}

/* Two threads hand a turn to and fro, on one CPU and on two: every lost wake-up hangs here. */
static void test_waitq_ping_pong(void)
{
	for (unsigned cpu = 0; cpu < min(cpu_count, 2u); cpu++) {
		/* Across CPUs each turn costs a real inter-processor interrupt. */
		struct ping p = { .rounds = cpu == 0 ? ROUNDS : ROUNDS / 10 };
		struct thread *t = thread_create("pong", pong, &p, (int)cpu);

		test_check(t != NULL);
		waitq_init(&p.q);
		thread_start(t);
		for (unsigned i = 0; i < p.rounds; i++) {
			atomic_store(&p.turn, 1u);
			waitq_wake_all(&p.q);
			waitq_wait(&p.q, atomic_load(&p.turn) == 0);
		}
		thread_join(t);
	}
}

static void complete_it(void *arg)
{
	completion_signal(arg);
}

/* The completion lies on a stack that is gone at once: the signaller must not touch it after. */
static void test_completion_on_stack(void)
{
	for (unsigned i = 0; i < 50; i++) {
		struct completion c;
		struct thread *t;

		completion_init(&c);
		t = thread_create("complete", complete_it, &c, (int)(i % cpu_count));
		test_check(t != NULL);
		thread_start(t);
		completion_wait(&c);
		__builtin_memset(&c, 0xee, sizeof(c));
		thread_join(t);
	}
}

static void test_completion_timeout(void)
{
	struct completion c;

	completion_init(&c);
	test_equal(completion_wait_deadline(&c, time_ns() + 100000), -ETIMEDOUT);
	completion_signal(&c);
	completion_signal(&c);
	test_equal(completion_wait_deadline(&c, 0), 0);
	completion_wait(&c);
}

const struct test_suite test_suite_sync = {
	"sync",
	(const struct test_case[]){
		TEST_CASE(test_spin_basics), TEST_CASE(test_spin_excludes),
		TEST_CASE(test_mutex_basics), TEST_CASE(test_mutex_excludes), TEST_CASE(test_mutex_fifo),
		TEST_CASE(test_rwlock), TEST_CASE(test_waitq_exclusive), TEST_CASE(test_waitq_timeout),
		TEST_CASE(test_waitq_interrupted), TEST_CASE(test_waitq_ping_pong),
		TEST_CASE(test_completion_on_stack), TEST_CASE(test_completion_timeout), {} },
};
