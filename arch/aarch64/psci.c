/* SPDX-License-Identifier: BSD-2-Clause */
/* Power State Coordination Interface 1.x (Arm DEN0022): CPU start, power off, reset. */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <uapi/errno.h>
#include "arch_local.h"

#define PSCI_CPU_OFF 0x84000002u
#define PSCI_CPU_ON 0xc4000003u
#define PSCI_AFFINITY_INFO 0xc4000004u
#define PSCI_AFFINITY_OFF 1
#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

/* SMC calling convention 1.0: x0-x3 and, before 1.1, x4-x17 may change. */
static s64 psci_call(u32 function, u64 a, u64 b, u64 c)
{
	register u64 x0 __asm__("x0") = function;
	register u64 x1 __asm__("x1") = a;
	register u64 x2 __asm__("x2") = b;
	register u64 x3 __asm__("x3") = c;

#define CLOBBERS "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", \
	"x17", "memory"
	if (boot_info.psci == PSCI_HVC)
		__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) :: CLOBBERS);
	else if (boot_info.psci == PSCI_SMC)
		__asm__ volatile(".inst 0xd4000003" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) :: CLOBBERS);
	else
		return -1;		/* NOT_SUPPORTED */
	return (s64)x0;
}

int arch_cpu_start(struct cpu *cpu)
{
	s64 ret;

	if (boot_info.psci == PSCI_NONE)
		return -ENODEV;
	dsb(sy);
	ret = psci_call(PSCI_CPU_ON, cpu->hwid, image_to_phys(secondary_entry), (u64)cpu);
	if (ret == 0)
		return 0;
	log_warn("cpu %u: PSCI refuses to start it: %lld", cpu->id, (long long)ret);
	return -EIO;
}

void arch_cpu_off(void)
{
	psci_call(PSCI_CPU_OFF, 0, 0, 0);
	arch_cpu_stop();	/* refused: it stays in wfi and cannot come back */
}

bool arch_cpu_is_off(const struct cpu *cpu)
{
	return psci_call(PSCI_AFFINITY_INFO, cpu->hwid, 0, 0) == PSCI_AFFINITY_OFF;
}

void arch_machine_off(void)
{
	psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	arch_cpu_stop();
}
void arch_machine_reset(void)
{
	psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	arch_cpu_stop();
}
