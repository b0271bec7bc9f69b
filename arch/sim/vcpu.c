/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual CPUs: coroutines of one host thread. A CPU goes on where it was left, in the middle of any
 * function of the core: compiled code counts its edges and atomic operations (native/points.h), and
 * when the budget is used up sim_step lets schedule.c choose who runs next. Time is one for all.
 */
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <kernel/thread.h>
#include "host.h"
#include "sim.h"

#define SPIN_NS 100u
#define UNLIMITED 0x7fffffff	/* steps */

u64 sim_now, sim_steps;
u32 sim_step_ns = 1;
u64 sim_steps_max = U64_MAX, sim_time_max = U64_MAX;
bool sim_irq_off = true, sim_hold = true;	/* until the machine starts */
int sim_budget = 64;
static int issued = 64;
struct sim_vcpu sim_vcpus[SIM_CPUS_MAX];
struct sim_vcpu *sim_v = &sim_vcpus[0];
struct cpu *sim_cpu = &cpu_boot;
struct thread *sim_current = &boot_thread;
unsigned sim_nr_cpus = 1;
static struct arch_regs kernel_regs;	/* says "not from user mode" */

/* What the compiler puts at every edge of the core's flow graph. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	if (unlikely(--sim_budget <= 0))
		sim_step();
}

void sim_vcpu_boot(struct thread *boot, struct cpu *cpu)
{
	for (unsigned i = 0; i < SIM_CPUS_MAX; i++)
		sim_vcpus[i] = (struct sim_vcpu){ .id = i, .irq_off = true, .deadline = U64_MAX };
	sim_v->cpu = cpu;
	sim_v->thread = boot;
	sim_schedule_init();
}

bool sim_irq_due(const struct sim_vcpu *v)
{
	return v->ipi_due || v->lines_due || sim_now >= v->deadline;
}

static void switch_to(struct sim_vcpu *to)
{
	struct sim_vcpu *from = sim_v;

	if (to == from)
		return;
	sim_storebuf_switch(from->id, to->id);
	from->thread = sim_current;
	from->irq_off = sim_irq_off;
	sim_v = to;
	sim_cpu = to->cpu;
	sim_current = to->thread;
	sim_irq_off = to->irq_off;
	sim_trace(1, (u64)to->id << 48 ^ sim_now);
	host_switch_begin(sim_current->kstack, KSTACK_SIZE);
	sim_switch(&from->sp, to->sp);
	host_switch_end();
}

static void account(void)
{
	u64 used = (u64)(issued - sim_budget);

	sim_steps += used;
	sim_now += used * sim_step_ns;
	if (unlikely(sim_steps > sim_steps_max || sim_now > sim_time_max))
		sim_fail("no end in sight after %llu steps and %llu ms", (unsigned long long)sim_steps,
			 (unsigned long long)sim_now / 1000000);
}

/* Another CPU may run; this one can go on. */
static void let_others(void)
{
	account();
	sim_budget = issued = 64;
	if (sim_hold)
		return;
	sim_events_run();
	switch_to(sim_schedule_pick(sim_v));
	sim_v->is_spinning = false;
	sim_budget = issued = sim_schedule_budget();
}

void sim_step(void)
{
	let_others();
	if (!sim_irq_off && !sim_hold)
		sim_irq_poll();
}

/* As sim_step for a program: what is due waits for sim_user_point. */
void sim_yield(void) { let_others(); }

void sim_relax(void)
{
	sim_now += SPIN_NS;
	sim_v->is_spinning = true;
	sim_step();
}

/* Takes due interrupts as the hardware would: off during the handler, on again behind it. */
void sim_irq_poll(void)
{
	while (!sim_irq_off && sim_irq_due(sim_v))
		sim_irq_take(&kernel_regs);
}

/* The core's code as an instrument of the machine: nobody comes in between, no time passes. */
static void look(void)
{
	bool irq_off = sim_irq_off, hold = sim_hold;
	int budget = sim_budget;

	sim_hold = sim_irq_off = true;
	sim_budget = UNLIMITED;
	sim_watch_waiting();
	sim_budget = budget;
	sim_irq_off = irq_off;
	sim_hold = hold;
}

/* All CPUs wait: time jumps to what comes next. */
static void jump(void)
{
	u64 next = sim_event_next();

	for (unsigned i = 0; i < sim_nr_cpus; i++)
		if (sim_vcpus[i].cpu && !sim_vcpus[i].is_stopped)
			next = min(next, min(sim_vcpus[i].deadline, sim_vcpus[i].is_waiting ?
					     sim_vcpus[i].busy_until : U64_MAX));
	if (next == U64_MAX)
		sim_fail("all CPUs wait and nothing will wake them");
	look();
	sim_now = max(sim_now, next);
	sim_events_run();
}

static void wait_until(u64 busy_until)
{
	account();
	sim_budget = issued = 64;
	sim_store_drain();
	sim_v->is_waiting = true;
	sim_v->busy_until = busy_until;
	while (1) {
		struct sim_vcpu *next;

		sim_events_run();
		next = sim_schedule_pick(sim_v);
		if (next) {
			switch_to(next);
			break;
		}
		if (sim_now > sim_time_max)
			sim_fail("no end in sight after %llu ms", (unsigned long long)sim_now / 1000000);
		jump();
	}
	sim_v->is_waiting = false;
	sim_budget = issued = sim_schedule_budget();
}

void sim_wait(void) { wait_until(U64_MAX); }

/* The thread may be preempted meanwhile: what another one used of the CPU counts as its own. */
void sim_busy(u64 ns)
{
	u64 end = sim_now + ns;

	while (sim_now < end) {
		if (!sim_irq_due(sim_v))
			wait_until(end);
		if (!sim_irq_off)
			sim_irq_poll();
	}
}

static void secondary_main(void)
{
	host_switch_end();
	sim_budget = issued = sim_schedule_budget();
	kernel_secondary_main(sim_cpu);
}

/* Its first switch returns into secondary_main. */
int arch_cpu_start(struct cpu *cpu)
{
	struct sim_vcpu *v = &sim_vcpus[cpu->hwid];
	u64 *sp = (u64 *)align_down((u64)arch_user_regs(cpu->idle), 16ull);

	*--sp = 0;
	*--sp = (u64)secondary_main;
	for (unsigned i = 0; i < 6; i++)
		*--sp = 0;
	v->sp = (u64)sp;
	v->cpu = cpu;
	v->thread = cpu->idle;
	v->irq_off = true;
	v->is_waiting = v->ipi_due = false;
	v->deadline = U64_MAX;
	return 0;
}

void arch_cpu_off(void)
{
	sim_store_drain();
	sim_v->cpu = NULL;
	sim_wait();
	sim_fail("a CPU that is off ran");
}

bool arch_cpu_is_off(const struct cpu *cpu) { return !sim_vcpus[cpu->hwid].cpu; }

void arch_ipi_send(struct cpu *cpu)
{
	sim_store_drain();
	sim_vcpus[cpu->hwid].ipi_due = true;
}

void arch_cpu_wait(void)
{
	if (!sim_irq_due(sim_v))
		sim_wait();
	sim_irq_off = false;
	sim_irq_poll();
	sim_irq_off = true;
}

/* From an interrupt: another CPU panics or powers off and goes on. Otherwise the end of the machine. */
void arch_cpu_stop(void)
{
	if (!sim_v->in_ipi)
		sim_fail("the machine stopped (see the log)");
	sim_v->is_stopped = true;
	sim_wait();
	sim_fail("a stopped CPU ran");
}
