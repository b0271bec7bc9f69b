/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Harts: set-up, start by SBI HSM, waiting, stopping, inter-processor interrupts, description.
 */
#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/upcall.h>
#include <arch/sbi.h>
#include <kernel/event.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <lib/format.h>
#include <uapi/errno.h>

#include "riscv.h"

const char arch_platform[] = "riscv64";

void riscv_hart_init(void)
{
	csr_write(sscratch, 0);
	csr_write(stvec, (u64)riscv_trap_entry);
	csr_write(sie, 0);
	/* User pages are never reachable by the kernel, executable ones never readable. */
	csr_clear(sstatus, SSTATUS_SUM | SSTATUS_MXR | SSTATUS_FS | SSTATUS_VS);
	csr_write(scounteren, 2);	/* programs may read time, not cycle and instret */
}

unsigned arch_cpu_audit(void)
{
	u64 status = csr_read(sstatus);
	const struct {
		bool ok;
		const char *what;
	} rules[] = {
		{ !(status & SSTATUS_SUM), "SUM: the kernel reaches programs' pages" },
		{ !(status & SSTATUS_MXR), "MXR: what may only be executed can be read" },
		{ csr_read(satp) >> SATP_MODE_SHIFT == (arch_layout.pt_levels == 4 ? SATP_SV48 : SATP_SV39), "satp" },
		{ csr_read(stvec) == (u64)riscv_trap_entry, "stvec" },
		{ csr_read(sscratch) == 0, "sscratch" },
		{ csr_read(scounteren) == 2, "scounteren" },
	};
	unsigned bad = 0;

	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		if (!rules[i].ok) {
			log_err("cpu%u: %s is not as it must be", arch_cpu_self()->id, rules[i].what);
			bad++;
		}
	return bad;
}

void arch_cpu_early_init(void)
{
	riscv_hart_init();
	riscv_isa_init();
}

void arch_cpu_init(struct cpu *cpu)
{
	riscv_isa_init();
	riscv_irq_cpu_init(cpu);
	riscv_timer_cpu_init();
}

void riscv_secondary_main(struct cpu *cpu)
{
	riscv_hart_init();
	kernel_secondary_main(cpu);
}

/* The CPU that firmware was last asked to start; one at a time. */
struct cpu *riscv_starting_cpu;

int arch_cpu_start(struct cpu *cpu)
{
	struct sbi_ret r;

	if (!sbi_probe(SBI_EXT_HSM))
		return -ENODEV;
	atomic_store(&riscv_starting_cpu, cpu);
	atomic_fence_full();		/* the started hart reads it, see boot/head.S */
	r = sbi_call(SBI_EXT_HSM, SBI_HSM_START, cpu->hwid, image_to_phys(riscv_secondary_entry), (u64)cpu, 0);
	return r.error == SBI_SUCCESS ? 0 : -EIO;
}

void arch_cpu_wait(void)
{
	/* wfi ends for a pending interrupt even while sstatus.SIE is 0: no gap to miss one in. */
	__asm__ volatile("wfi\n\tcsrsi sstatus, 2\n\tnop\n\tcsrci sstatus, 2" ::: "memory");
}

void arch_cpu_stop(void)
{
	csr_write(sie, 0);
	for (;;)
		__asm__ volatile("wfi" ::: "memory");
}

void arch_cpu_off(void)
{
	sbi_call(SBI_EXT_HSM, SBI_HSM_STOP, 0, 0, 0, 0);
	arch_cpu_stop();	/* refused: it stays in wfi and cannot come back */
}

bool arch_cpu_is_off(const struct cpu *cpu)
{
	struct sbi_ret r = sbi_call(SBI_EXT_HSM, SBI_HSM_STATUS, cpu->hwid, 0, 0, 0);

	return r.error == SBI_SUCCESS && r.value == SBI_HSM_STOPPED;
}

void arch_ipi_send(struct cpu *cpu)
{
	event_count(EVENT_FIRMWARE_CALL);
	sbi_call(SBI_EXT_IPI, 0, 1, cpu->hwid, 0, 0);
}

int arch_cpu_describe(const struct cpu *cpu, char *buf, size_t size)
{
	return snprintf(buf, size, "processor\t: %u\nhart\t\t: %llu\nisa\t\t: %s\nmmu\t\t: sv%u\n"
			"mvendorid\t: 0x%lx\nmarchid\t\t: 0x%lx\nmimpid\t\t: 0x%lx\n\n",
			cpu->id, (unsigned long long)cpu->hwid, boot_info.isa[0] ? boot_info.isa : "rv64ima",
			arch_layout.pt_levels * 9 + 12,
			sbi_call(SBI_EXT_BASE, SBI_BASE_MVENDORID, 0, 0, 0, 0).value,
			sbi_call(SBI_EXT_BASE, SBI_BASE_MARCHID, 0, 0, 0, 0).value,
			sbi_call(SBI_EXT_BASE, SBI_BASE_MIMPID, 0, 0, 0, 0).value);
}
