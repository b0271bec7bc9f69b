/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated CPU: virtual time, its timer, interrupt delivery. Time moves as code runs, when somebody
 * looks at the clock, spins or waits; an idle CPU jumps to its next deadline.
 */
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/random.h>
#include <arch/thread.h>
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <lib/format.h>
#include <uapi/errno.h>
#include "host.h"
#include "sim.h"

#define SPIN_NS 200u
#define HZ 1000000000u

u64 sim_now;
bool sim_irq_off = true;
struct cpu *sim_cpu = &cpu_boot;
static u64 deadline = U64_MAX;
static bool ipi_due;

#define no_coverage __attribute__((no_sanitize_coverage))
#define EDGES_PER_STEP 64u
#define STEP_NS 64u

/*
 * Compiled code calls this at every edge of its flow graph: time passes while a thread computes,
 * and an interrupt may come between any two blocks.
 */
void __sanitizer_cov_trace_pc(void);
no_coverage void __sanitizer_cov_trace_pc(void)
{
	static u32 edges;

	if (sim_irq_off || ++edges % EDGES_PER_STEP)
		return;
	sim_now += STEP_NS;
	sim_irq_poll();
}

/* Takes due interrupts as the hardware would: off during the handler, on again behind it. */
no_coverage void sim_irq_poll(void)
{
	static struct arch_regs kernel_regs;	/* says "not from user mode" */

	while (!sim_irq_off && (sim_now >= deadline || ipi_due)) {
		bool timer = sim_now >= deadline, ipi = ipi_due;

		sim_irq_off = true;
		if (timer)
			deadline = U64_MAX;
		ipi_due = false;
		irq_enter(&kernel_regs);
		if (timer)
			timer_fire();
		if (ipi)
			ipi_receive();
		irq_exit(&kernel_regs);
		sim_irq_off = false;
	}
}

void sim_relax(void)
{
	sim_now += SPIN_NS;
	sim_irq_poll();
}

void arch_cpu_wait(void)
{
	if (!ipi_due && deadline == U64_MAX)
		panic("the only CPU waits and nothing will wake it");
	if (!ipi_due && sim_now < deadline)
		sim_now = deadline;
	sim_irq_off = false;
	sim_irq_poll();
	sim_irq_off = true;
}

__noreturn void arch_cpu_stop(void) { host_exit(1); }
int arch_cpu_start(struct cpu *cpu) { return -ENODEV; }	/* one virtual CPU so far */
void arch_ipi_send(struct cpu *cpu) { ipi_due = true; }
void arch_cpu_early_init(void) { host_on_fault(sim_fault); }
void arch_cpu_init(struct cpu *cpu) {}
void arch_irq_set_root(const struct irq_root *root) {}	/* no devices, no controller */
u64 arch_hwcap(void) { return 0; }
u64 arch_hwcap2(void) { return 0; }

int arch_cpu_describe(const struct cpu *cpu, char *buf, size_t size)
{
	return snprintf(buf, size, "processor\t: %u\nmodel name\t: Trivet simulation\n", cpu->id);
}

void arch_clock_init(void) {}
u64 arch_clock_hz(void) { return HZ; }
const char *arch_clock_name(void) { return "sim"; }

void arch_timer_arm(u64 deadline_ticks)
{
	deadline = deadline_ticks;
}

size_t arch_random_bytes(void *buf, size_t n)
{
	u8 bounce[256];

	n = min(n, sizeof(bounce));
	host_random(bounce, n);
	__builtin_memcpy(buf, bounce, n);
	return n;
}

const char *arch_random_name(void) { return "host"; }
