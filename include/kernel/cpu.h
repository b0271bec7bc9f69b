/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs and per-CPU data. A per-CPU variable is defined with DEFINE_PERCPU and reached
 * with percpu(var) (preemption off, asserted in debug builds) or percpu_of(var, cpu).
 * The image holds the template, which is CPU 0's own copy.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <arch/cpu.h>
#include <lib/atomic.h>
#include <lib/bits.h>

#define MAX_CPUS 64
typedef u64 cpumask_t;

/*
 * The first fields are read by assembly (generated offsets). [c] written by its own CPU only,
 * [b] set at boot, [a] atomic.
 */
struct cpu {
	struct thread *running;		/* [c] the current thread; x86 keeps it here, elsewhere a register holds it */
	struct cpu *self;		/* [b] */
	u64 scratch[4];			/* [c] the architecture's entry code */
	u64 canary;			/* [c] stack canary of current, where the compiler reads it from here */
	vaddr_t percpu_offset;		/* [b] add to a template address */
	unsigned id;			/* [b] index */
	u64 hwid;			/* [b] APIC id, MPIDR affinity, hart id */
	u32 irq_depth;			/* [c] nesting of hard interrupts */
	bool irq_from_user;		/* [c] what the outermost one interrupted */
	u32 ipi_pending;		/* [a] IPI_* bits, see kernel/irq.h */
	bool is_online;			/* [a] */
	struct thread *idle;		/* [b] */
	struct thread *fpu_owner;	/* [c] whose user FPU state the registers hold */
	struct thread *debug_owner;	/* [c] whose breakpoints and steps its debug registers hold */
	struct aspace *active_space;	/* [c] whose tables the CPU uses; lazily kept under kernel threads */
	struct arch_cpu arch;
} __cacheline_aligned;

extern struct cpu cpu_boot;		/* the boot CPU's block, running = boot_thread from the image on */
extern struct cpu *cpu_table[MAX_CPUS];	/* NULL where absent; index = id */
extern unsigned cpu_count;		/* discovered (after maxcpus=) */
extern cpumask_t cpu_online_mask;	/* [a] */
extern cpumask_t cpu_active_mask;	/* [a] online and not leaving: where threads and device interrupts may go */

/* Discovery: announces a CPU; the boot CPU is known by boot_info.boot_hwid and becomes id 0. Extra ones are logged and left. */
void cpu_register(u64 hwid);
/* Where a CPU stands, by firmware's words; without them each is a core of one package. Numbers are firmware's. */
struct cpu_topology {
	u32 package, cluster, core, thread;
};
void cpu_set_topology(u64 hwid, const struct cpu_topology *t);	/* of an announced CPU; else nothing */
const struct cpu_topology *cpu_topology(unsigned id);
/* Starts the others and waits for them; logs those that do not come within 1 s. */
void cpu_start_all(void);

static inline cpumask_t cpu_mask(unsigned id) { return BIT(id); }
#define cpu_for_each(cpu, mask) \
	for (cpumask_t _m = (mask); _m && ((cpu) = cpu_table[ctz64(_m)], true); _m &= _m - 1)

#define DEFINE_PERCPU(type, name) __section(".percpu") type name
#define DECLARE_PERCPU(type, name) extern type name
#define percpu_of(var, cpu) \
	((__typeof__(&(var)))((vaddr_t)&(var) + (cpu)->percpu_offset))
#if CONFIG_DEBUG
void percpu_assert(void);		/* preemption or interrupts off */
#else
static inline void percpu_assert(void) {}
#endif
#define percpu(var) ({ percpu_assert(); percpu_of(var, arch_cpu_self()); })

#endif
