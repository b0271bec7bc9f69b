/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inter-processor interrupts. A sender ors its kind into cpu->ipi_pending and raises the interrupt
 * only when the word was empty: one that is on its way takes the new kind along.
 * Calls: each CPU has a lock-free list of call nodes; the nodes belong to the caller's CPU, which
 * waits with preemption off and interrupts on, so that two CPUs can call each other.
 */
#include <kernel/cpu.h>
#include <kernel/event.h>
#include <kernel/irq.h>
#include <kernel/sched.h>

struct ipi_call {
	void (*fn)(void *arg);
	void *arg;
	u32 pending;			/* [a] CPUs that have not run it */
};
struct ipi_node {
	struct ipi_node *next;
	struct ipi_call *call;
};
/* One node per target, in the caller's area: free again when its call is over. */
static DEFINE_PERCPU(struct ipi_node, ipi_nodes[MAX_CPUS]);
static DEFINE_PERCPU(struct ipi_node *, ipi_queue);	/* [a] calls to run, newest first */
static u32 is_stopping;					/* [a] ipi_stop_others was called */

void ipi_send(struct cpu *cpu, u32 kinds)
{
	/* Release: what the receiver shall see was written before; pairs with ipi_receive. */
	if (atomic_fetch_or(&cpu->ipi_pending, kinds) == 0) {
		event_count(EVENT_IPI);
		arch_ipi_send(cpu);
	}
}

static void run_calls(struct cpu *cpu)
{
	struct ipi_node *n = atomic_xchg(percpu_of(ipi_queue, cpu), NULL);	/* acquire: pairs with queue_call */

	while (n) {
		struct ipi_node *next = n->next;	/* n is the caller's again once pending drops */
		struct ipi_call *call = n->call;

		call->fn(call->arg);
		__atomic_fetch_sub(&call->pending, 1u, __ATOMIC_RELEASE);	/* pairs with ipi_call's wait */
		n = next;
	}
}

void ipi_receive(void)
{
	struct cpu *cpu = arch_cpu_self();
	u32 kinds = atomic_xchg(&cpu->ipi_pending, 0u);	/* acquire: pairs with ipi_send */

	if (kinds & IPI_STOP)
		arch_cpu_stop();
	if (kinds & IPI_CALL)
		run_calls(cpu);
	if (kinds & IPI_RESCHED)
		sched_ipi();
}

static void queue_call(struct cpu *to, struct ipi_node *n)
{
	struct ipi_node **queue = percpu_of(ipi_queue, to);
	struct ipi_node *head = atomic_load(queue);

	do {
		n->next = head;
	} while (!atomic_cmpxchg(queue, &head, n));
	ipi_send(to, IPI_CALL);
}

void ipi_call(cpumask_t cpus, void (*fn)(void *arg), void *arg)
{
	struct ipi_call call = { .fn = fn, .arg = arg };
	struct ipi_node *nodes;
	struct cpu *self, *cpu;
	unsigned long flags;
	cpumask_t others;

	preempt_disable();
	self = arch_cpu_self();
	others = cpus & atomic_load(&cpu_online_mask) & ~cpu_mask(self->id);
	assert(others == 0 || !arch_irq_disabled());
	nodes = *percpu_of(ipi_nodes, self);
	call.pending = popcount64(others);
	cpu_for_each(cpu, others) {
		nodes[cpu->id].call = &call;
		queue_call(cpu, &nodes[cpu->id]);
	}
	if (cpus & cpu_mask(self->id)) {
		flags = arch_irq_save();
		fn(arg);
		arch_irq_restore(flags);
	}
	while (atomic_load_acquire(&call.pending))	/* pairs with run_calls */
		arch_cpu_relax();
	preempt_enable();
}

void ipi_stop_others(void)
{
	struct cpu *cpu;

	if (atomic_xchg(&is_stopping, 1u))
		return;
	cpu_for_each(cpu, atomic_load(&cpu_online_mask))
		if (cpu != arch_cpu_self())
			ipi_send(cpu, IPI_STOP);
}
