/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs: current thread, per-CPU block, features, start, waiting, stop, IPIs.
 * <native/cpu.h> defines the inline primitives
 *	struct thread *arch_current(void)	sp_el0 / tp / gs:0 / host TLS
 *	struct cpu *arch_cpu_self(void)		preemption off, or the answer may be stale
 *	void arch_cpu_relax(void)		pause / yield / pause; every spin loop has one
 *	struct arch_cpu				the architecture's part of struct cpu
 * and this header the rest.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <lib/compiler.h>

struct thread;
struct cpu;

#include <native/cpu.h>

/* Boot CPU, first thing in kernel_main: traps, feature bits, protections (SMEP SMAP UMIP / PAN / SUM=0). */
void arch_cpu_early_init(void);
/*
 * Every CPU, boot CPU included, on the CPU itself, interrupts off, after memory and (boot
 * CPU) platform_early_init: timer and local interrupt controller part, per-CPU registers.
 */
void arch_cpu_init(struct cpu *cpu);
/*
 * Starts CPU `cpu` (hwid from discovery); it runs on cpu->idle's stack and calls
 * kernel_secondary_main(cpu) with the kernel root active. 0 once firmware accepted,
 * -ENODEV no method, -EIO refused. Sleeps not.
 */
int arch_cpu_start(struct cpu *cpu);
/*
 * Called with interrupts off. Enables them and waits for one without a gap between
 * (sti;hlt / wfi with DAIF set / wfi); returns with interrupts off again.
 */
void arch_cpu_wait(void);
/* Stops this CPU for good (panic elsewhere, power off). Interrupts off. */
__noreturn void arch_cpu_stop(void);
/*
 * Powers this CPU off, so that arch_cpu_start can start it anew. Interrupts off, nothing is queued or armed
 * here. arch_cpu_is_off, on another one, tells when it is.
 */
__noreturn void arch_cpu_off(void);
bool arch_cpu_is_off(const struct cpu *cpu);
/*
 * How many of this CPU's protections are not as they must be after arch_cpu_init (each is logged): no execution of and no
 * access to programs' memory, no writes through read-only entries, no instructions that tell programs of the kernel.
 * Interrupts or preemption off.
 */
unsigned arch_cpu_audit(void);
/* Raises the inter-processor interrupt on that CPU; ipi_receive() runs there. */
void arch_ipi_send(struct cpu *cpu);
/* One line per call for /proc/cpuinfo, as Linux words it; returns the length (as snprintf). */
int arch_cpu_describe(const struct cpu *cpu, char *buf, size_t size);
/* AT_HWCAP, AT_HWCAP2 and AT_PLATFORM (NULL: none) for programs. */
u64 arch_hwcap(void);
u64 arch_hwcap2(void);
extern const char arch_platform[];	/* "x86_64", "aarch64", "riscv64": uname's machine */

#endif
