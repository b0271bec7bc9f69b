/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a CPU of the simulation has beside its flow of control: interrupts, the timer and clock, entropy.
 * The interrupt controller is the simplest there can be: 32 edge-triggered lines, each with a mask and a CPU.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/random.h>
#include <arch/thread.h>
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <lib/format.h>
#include "host.h"
#include "sim.h"

#define HZ 1000000000u
#define LINES 32u

static const struct irq_root *irq_root;
static unsigned route[LINES];
static u32 masked = ~0u, pending;	/* pending: raised while masked */

/* One round of what is due on this CPU. Interrupts were on. */
void sim_irq_take(struct arch_regs *regs)
{
	struct sim_vcpu *v = sim_v;
	bool timer = sim_now >= v->deadline, ipi = v->ipi_due;
	u32 lines = v->lines_due;

	sim_irq_off = true;
	if (timer)
		v->deadline = U64_MAX;
	v->ipi_due = false;
	v->lines_due = 0;
	sim_trace(2, (u64)v->id << 48 ^ (u64)timer << 47 ^ (u64)ipi << 46 ^ (u64)lines << 8);
	irq_enter(regs);
	if (timer)
		timer_fire();
	if (ipi) {
		v->in_ipi = true;
		ipi_receive();
		v->in_ipi = false;
	}
	for (; lines; lines &= lines - 1)
		if (irq_root)
			irq_root->handle((unsigned long)__builtin_ctz(lines));
	irq_exit(regs);		/* another CPU perhaps from here on */
	sim_irq_off = false;
}

void sim_irq_raise(unsigned line)
{
	if (masked >> line & 1)
		pending |= 1u << line;
	else
		sim_vcpus[route[line]].lines_due |= 1u << line;
}

void sim_irq_route(unsigned line, unsigned cpu)
{
	route[line] = cpu < sim_nr_cpus && sim_vcpus[cpu].cpu ? cpu : 0;
}

void sim_irq_mask(unsigned line, bool is_masked)
{
	u32 bit = 1u << line;

	masked = is_masked ? masked | bit : masked & ~bit;
	if (!is_masked && (pending & bit)) {
		pending &= ~bit;
		sim_irq_raise(line);
	}
}

void arch_irq_set_root(const struct irq_root *root) { irq_root = root; }
void arch_cpu_early_init(void) { host_on_fault(sim_fault); }
void arch_cpu_init(struct cpu *cpu) {}
u64 arch_hwcap(void) { return 0; }
u64 arch_hwcap2(void) { return 0; }

/* Its protections are the host's. */
unsigned arch_cpu_audit(void) { return 0; }

int arch_cpu_describe(const struct cpu *cpu, char *buf, size_t size)
{
	return snprintf(buf, size, "processor\t: %u\nmodel name\t: Trivet simulation\n", cpu->id);
}

void arch_clock_init(void) {}
u64 arch_clock_hz(void) { return HZ; }
const char *arch_clock_name(void) { return "sim"; }
void arch_timer_arm(u64 deadline_ticks) { sim_v->deadline = deadline_ticks; }

size_t arch_random_bytes(void *buf, size_t n)
{
	u8 *p = buf;

	for (size_t i = 0; i < n; i++)
		p[i] = (u8)sim_random(SIM_TIME);
	return n;
}

const char *arch_random_name(void) { return "seed"; }
