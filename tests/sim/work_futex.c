/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "futex": threads of one process with locks and a bounded queue in user memory, built on
 * FUTEX_WAIT and FUTEX_WAKE as C libraries build them. The model: one owner inside, no item lost.
 */
#include <uapi/errno.h>
#include "calls.h"
#include "work.h"

#define THREADS_MAX 5
#define OPS 40u
#define LOCK (SHARED + 0)			/* u32: 0 free, 1 taken, 2 taken and somebody may wait */
#define DOOR (SHARED + 8)			/* u32: threads that have ended */
#define SEM (SHARED + 16)			/* u32: tokens */
#define COUNTER (SHARED + 64)			/* u64, under LOCK */
#define OWNER (SHARED + 72)			/* u64, under LOCK */

static struct {
	unsigned threads, ops;
	u64 counted, tokens_given, tokens_taken;
} model;

/* Drepper, "Futexes are tricky", mutex 2. */
static void lock(void)
{
	if (sim_cas32(LOCK, 0, 1))
		return;
	while (1) {
		u32 v = (u32)sim_load(LOCK, 4);

		if (v == 0 && sim_cas32(LOCK, 0, 2))
			return;
		if (v == 2 || (v == 1 && sim_cas32(LOCK, 1, 2))) {
			long err = futex_wait(LOCK, 2, maybe(4) ? 1 + pick(1000000) : 0);

			if (err && err != -EAGAIN && err != -ETIMEDOUT)
				sim_fail("futex: wait says error %ld", -err);
		}
	}
}

static void unlock(void)
{
	if (sim_add32(LOCK, (u32)-1) != 1) {
		sim_store(LOCK, 4, 0);
		futex_wake(LOCK, 1);
	}
}

static void do_count(u64 me)
{
	u64 n;

	lock();
	if (sim_load(OWNER, 8))
		sim_fail("futex: two threads hold the lock");
	sim_store(OWNER, 8, me);
	n = sim_load(COUNTER, 8);
	if (maybe(3))
		sim_work((unsigned)pick(100));
	if (maybe(8))
		CALL0(sched_yield);
	sim_store(COUNTER, 8, n + 1);
	model.counted++;
	if (sim_load(OWNER, 8) != me)
		sim_fail("futex: another thread came in");
	sim_store(OWNER, 8, 0);
	unlock();
}

static void do_give(void)
{
	sim_add32(SEM, 1);
	model.tokens_given++;
	futex_wake(SEM, 1);
}

static void do_take(void)
{
	while (1) {
		u32 v = (u32)sim_load(SEM, 4);

		if (v && sim_cas32(SEM, v, v - 1))
			break;
		if (!v)
			(void)futex_wait(SEM, 0, 0);
	}
	model.tokens_taken++;
}

/* Even threads give as many tokens as odd ones take. */
static void worker(u64 me)
{
	for (unsigned i = 0; i < model.ops; i++) {
		do_count(me + 1);
		if (me < (model.threads & ~1u)) {
			if (me & 1)
				do_take();
			else
				do_give();
		}
		if (maybe(6))
			wander();
	}
	sim_add32(DOOR, 1);
	futex_wake(DOOR, ~0u >> 1);
}

void work_futex(void)
{
	model.threads = 2 + (unsigned)pick(THREADS_MAX - 1);
	model.ops = (unsigned)sim_setting("ops", OPS);
	model.counted = model.tokens_given = model.tokens_taken = 0;
	for (unsigned i = 0; i < model.threads; i++)
		spawn_thread(worker, i, i + 1);
	while (sim_load(DOOR, 4) != model.threads)
		(void)futex_wait(DOOR, (u32)sim_load(DOOR, 4), 0);
	if (sim_load(COUNTER, 8) != model.counted || model.counted != (u64)model.threads * model.ops)
		sim_fail("futex: %llu increments, the counter says %llu", (unsigned long long)model.counted,
			 (unsigned long long)sim_load(COUNTER, 8));
	if (sim_load(SEM, 4) || model.tokens_given != model.tokens_taken)
		sim_fail("futex: %llu tokens given, %llu taken", (unsigned long long)model.tokens_given,
			 (unsigned long long)model.tokens_taken);
}
