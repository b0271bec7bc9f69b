/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs that go and come back while threads run. Leaving, step by step, each making the next safe:
 *   1. not in cpu_active_mask: nobody chooses it any more; deadline threads are admitted elsewhere
 *   2. every thread is told; those waiting there are sent away, the running one leaves at its next switch
 *   3. an epoch later nobody is left who chose it before 1.; its device interrupts go elsewhere
 *   4. its idle loop, with nothing queued, takes it out of cpu_online_mask and then only serves interrupts
 *   5. an epoch later nobody waits for an answer to an interrupt he sent when it was still online
 *   6. it powers itself off; its timers go to the CPU that asked
 * The boot CPU stays where a controller of interrupts knows no other one (x86_64, where Linux does not let it go
 * either). Coming back is the way of the boot, with the same idle thread on a fresh stack.
 * Lock: sched_admin_lock throughout. Neighbours: smp.c, idle.c, irq/desc.c.
 */
#include "runq.h"
#include <arch/clock.h>
#include <kernel/aspace.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/watchdog.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#define STEP_NS NSEC_PER_MSEC
#define OFF_TIMEOUT_NS NSEC_PER_SEC

/* runq.leave_stage; the controlling thread sets ASKED and GO, the CPU the others. */
enum { STAGE_IN, STAGE_ASKED, STAGE_OUT, STAGE_GO, STAGE_DOWN };

struct readmission {
	unsigned from;
	int err;
};

/* A deadline thread of the CPU that leaves: another one must have room for it. Those that moved stay moved. */
static int readmit(struct thread *t, void *arg)
{
	struct readmission *r = arg;
	int cpu;

	if (t->sched_class != SCHED_DEADLINE || !t->deadline.bandwidth || t->deadline.cpu != r->from)
		return 0;
	cpu = deadline_admit(t, t->deadline.runtime_ns, t->deadline.relative_ns,
			     t->affinity & atomic_load(&cpu_active_mask));
	r->err = min(cpu, 0);
	return r->err;
}

static void set_stage(struct runq *rq, u32 stage)
{
	atomic_store(&rq->leave_stage, stage);
	ipi_send(rq->cpu, IPI_RESCHED);
}

static void wait_for_stage(struct runq *rq, u32 stage)
{
	while (atomic_load_acquire(&rq->leave_stage) != stage)		/* pairs with cpu_idle_leave */
		(void)sleep_until(time_ns() + STEP_NS, false);
}

/* 0, or -EBUSY with everything as before. */
static int empty(struct runq *rq)
{
	struct readmission r = { .from = rq->cpu->id };

	atomic_fetch_and(&cpu_active_mask, ~cpu_mask(r.from));
	(void)thread_for_each(readmit, &r);
	if (r.err) {
		atomic_fetch_or(&cpu_active_mask, cpu_mask(r.from));
		sched_refresh_all();
		return r.err;
	}
	sched_refresh_all();
	epoch_wait();
	sched_refresh_all();	/* threads that were being born */
	irq_leave_cpu(r.from);
	return 0;
}

static void take_down(struct runq *rq)
{
	u64 give_up;

	set_stage(rq, STAGE_ASKED);
	wait_for_stage(rq, STAGE_OUT);
	epoch_wait();
	set_stage(rq, STAGE_GO);
	wait_for_stage(rq, STAGE_DOWN);
	give_up = time_ns() + OFF_TIMEOUT_NS;
	while (!arch_cpu_is_off(rq->cpu) && time_ns() < give_up)
		arch_cpu_relax();
	if (!arch_cpu_is_off(rq->cpu))
		log_err("cpu%u: firmware does not say that it is off", rq->cpu->id);
	timer_adopt(rq->cpu);
}

bool cpu_may_leave(unsigned id) { return cpu_table[id] != &cpu_boot || irq_lines_move(); }

int cpu_offline(unsigned id)
{
	struct cpu *cpu = id < MAX_CPUS ? cpu_table[id] : NULL;
	int err = 0;

	if (!cpu)
		return -ENODEV;
	mutex_lock(&sched_admin_lock);
	if (cpu->is_online && (!cpu_may_leave(id) || !(atomic_load(&cpu_active_mask) & ~cpu_mask(id))))
		err = -EBUSY;
	else if (cpu->is_online)
		err = empty(runq_of(cpu));
	if (!err && cpu->is_online) {
		take_down(runq_of(cpu));
		log_info("cpu%u is off", id);
	}
	mutex_unlock(&sched_admin_lock);
	return err;
}

/* From the idle loop, interrupts off, when leave_stage is not STAGE_IN. Comes back if there is still work. */
void cpu_idle_leave(struct runq *rq)
{
	struct cpu *cpu = rq->cpu;

	if (atomic_load(&rq->leave_stage) != STAGE_ASKED || atomic_load(&rq->wake_list) || atomic_load(&rq->nr_running))
		return;
	atomic_fetch_and(&sched_idle_mask, ~cpu_mask(cpu->id));
	aspace_leave_cpu();
	cpu->fpu_owner = NULL;
	timer_cpu_leave();
	atomic_store(&cpu->is_online, false);
	atomic_fetch_and(&cpu_online_mask, ~cpu_mask(cpu->id));
	atomic_store_release(&rq->leave_stage, (u32)STAGE_OUT);		/* pairs with wait_for_stage */
	while (atomic_load(&rq->leave_stage) != STAGE_GO)
		arch_cpu_wait();	/* answers those who sent an interrupt before */
	atomic_store_release(&rq->leave_stage, (u32)STAGE_DOWN);
	arch_cpu_off();
}

/* Everything of it as when it was announced. Nobody else looks at it: it is off. */
static void prepare_again(struct cpu *cpu)
{
	struct thread *idle = cpu->idle;

	idle->preempt_count = 0;
	idle->exit_work = 0;
	idle->state = THREAD_RUNNABLE;
	idle->on_cpu = 1;
#if CONFIG_DEBUG
	idle->nr_held = 0;
#endif
	cpu->running = idle;
	cpu->irq_depth = 0;
	cpu->ipi_pending = 0;
	timer_cpu_return(cpu);
	atomic_store(&runq_of(cpu)->leave_stage, (u32)STAGE_IN);
}

int cpu_online(unsigned id)
{
	struct cpu *cpu = id < MAX_CPUS ? cpu_table[id] : NULL;
	int err = 0;

	if (!cpu)
		return -ENODEV;
	mutex_lock(&sched_admin_lock);
	if (!cpu->is_online) {
		prepare_again(cpu);
		err = cpu_start(id);
		if (!err) {
			sched_refresh_all();
			watchdog_restart();
		}
	}
	mutex_unlock(&sched_admin_lock);
	return err;
}
