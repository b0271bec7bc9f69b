/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU features, what programs are told of them, per-CPU start, waiting. Starting CPUs is psci.c. */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/upcall.h>
#include <arch/clock.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <lib/format.h>
#include "arch_local.h"

bool cpu_has_pan __ro_after_init;
bool cpu_has_rng __ro_after_init;
static u64 hwcap[2] __ro_after_init;
const char arch_platform[] = "aarch64";

enum id_register { ISAR0, ISAR1, PFR0, PFR1, MMFR2, NR_ID };

/* Feature bits of Linux's arm64 ABI for which user mode needs nothing from the kernel but FP state. */
struct feature {
	const char *name;	/* as in /proc/cpuinfo */
	u8 word, bit;		/* AT_HWCAP (0) or AT_HWCAP2 (1) */
	u8 reg, shift, min;	/* field of the ID register, smallest value that has it */
};
static const struct feature features[] = {
	{ "fp", 0, 0, PFR0, 16, 0 }, { "asimd", 0, 1, PFR0, 20, 0 },
	{ "aes", 0, 3, ISAR0, 4, 1 }, { "pmull", 0, 4, ISAR0, 4, 2 },
	{ "sha1", 0, 5, ISAR0, 8, 1 }, { "sha2", 0, 6, ISAR0, 12, 1 },
	{ "crc32", 0, 7, ISAR0, 16, 1 }, { "atomics", 0, 8, ISAR0, 20, 2 },
	{ "fphp", 0, 9, PFR0, 16, 1 }, { "asimdhp", 0, 10, PFR0, 20, 1 },
	{ "asimdrdm", 0, 12, ISAR0, 28, 1 }, { "jscvt", 0, 13, ISAR1, 12, 1 },
	{ "fcma", 0, 14, ISAR1, 16, 1 }, { "lrcpc", 0, 15, ISAR1, 20, 1 },
	{ "dcpop", 0, 16, ISAR1, 0, 1 }, { "sha3", 0, 17, ISAR0, 32, 1 },
	{ "sm3", 0, 18, ISAR0, 36, 1 }, { "sm4", 0, 19, ISAR0, 40, 1 },
	{ "asimddp", 0, 20, ISAR0, 44, 1 }, { "sha512", 0, 21, ISAR0, 12, 2 },
	{ "asimdfhm", 0, 23, ISAR0, 48, 1 }, { "dit", 0, 24, PFR0, 48, 1 },
	{ "uscat", 0, 25, MMFR2, 32, 1 }, { "ilrcpc", 0, 26, ISAR1, 20, 2 },
	{ "flagm", 0, 27, ISAR0, 52, 1 }, { "ssbs", 0, 28, PFR1, 4, 2 },
	{ "sb", 0, 29, ISAR1, 36, 1 }, { "dcpodp", 1, 0, ISAR1, 0, 2 },
	{ "flagm2", 1, 7, ISAR0, 52, 2 }, { "frint", 1, 8, ISAR1, 32, 1 },
	{ "i8mm", 1, 13, ISAR1, 52, 1 }, { "bf16", 1, 14, ISAR1, 44, 1 },
	{ "dgh", 1, 15, ISAR1, 48, 1 }, { "rng", 1, 16, ISAR0, 60, 1 },
};

static bool feature_present(const struct feature *f, const u64 id[NR_ID])
{
	unsigned v = id_field(id[f->reg], f->shift);

	/* The two floating-point fields are signed: 0xf is "none". */
	if (f->reg == PFR0 && f->shift <= 20)
		return v != 0xf && v >= f->min;
	return v >= f->min;
}

static void features_find(void)
{
	u64 id[NR_ID] = {
		[ISAR0] = sysreg_read(id_aa64isar0_el1), [ISAR1] = sysreg_read(id_aa64isar1_el1),
		[PFR0] = sysreg_read(id_aa64pfr0_el1), [PFR1] = sysreg_read(id_aa64pfr1_el1),
		[MMFR2] = sysreg_read(S3_0_C0_C7_2),
	};

	for (unsigned i = 0; i < ARRAY_LEN(features); i++)
		if (feature_present(&features[i], id))
			hwcap[features[i].word] |= BIT(features[i].bit);
	cpu_has_rng = id_field(id[ISAR0], 60) >= 1;
	cpu_has_pan = id_field(sysreg_read(id_aa64mmfr1_el1), 20) >= 1;
}

/* Registers that every CPU sets the same way. */
static void cpu_protect(void)
{
	sysreg_write(cpacr_el1, 3u << 20);	/* FP and SIMD for everybody; SVE and SME trap */
	sysreg_write(oslar_el1, 0);		/* debug exceptions are possible */
	sysreg_write(mdscr_el1, 0);
	sysreg_write(cntkctl_el1, 2);		/* user mode may read the virtual counter */
	sysreg_write(cntv_ctl_el0, 0);
	sysreg_write(tpidr_el0, 0);
	sysreg_write(tpidrro_el0, 0);
	if (cpu_has_pan) {
		sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) & ~(u64)SCTLR_SPAN);
		__asm__ volatile(".inst 0xd500419f" ::: "memory");	/* msr pan, #1 */
	}
	if (id_field(sysreg_read(id_aa64dfr0_el1), 8))
		sysreg_write(pmuserenr_el0, 0);
	isb();
}

/* WXN stays off: native/sysreg.h says why. */
unsigned arch_cpu_audit(void)
{
	u64 sctlr = sysreg_read(sctlr_el1), tcr = sysreg_read(tcr_el1);
	const struct {
		bool ok;
		const char *what;
	} rules[] = {
		{ (sysreg_read(CurrentEL) >> 2 & 3) == 1, "the exception level" },
		{ (sctlr & (SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA | SCTLR_SA0)) ==
		  (SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA | SCTLR_SA0), "SCTLR" },
		{ !(sctlr & SCTLR_UMA), "SCTLR.UMA: programs mask interrupts" },
		{ !cpu_has_pan || !(sctlr & SCTLR_SPAN), "SCTLR.SPAN" },
		{ !cpu_has_pan || sysreg_read(S3_0_C4_C2_3) & PSR_PAN, "PSTATE.PAN" },
		{ (tcr & ~(7ull << TCR_IPS_SHIFT)) == TCR_VALUE, "TCR" },
		{ sysreg_read(mdscr_el1) == 0, "MDSCR" },
		{ sysreg_read(cntkctl_el1) == 2, "CNTKCTL: programs reach timers" },
		{ sysreg_read(cpacr_el1) == 3u << 20, "CPACR" },
		{ !id_field(sysreg_read(id_aa64dfr0_el1), 8) || sysreg_read(pmuserenr_el0) == 0, "PMUSERENR" },
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
	if (hwcap[0]) {		/* a later CPU, or the first one again */
		cpu_protect();
		return;
	}
	features_find();
	cpu_protect();
	log_info("cpu: MIDR %08llx, PAN %s, RNDR %s", (unsigned long long)sysreg_read(midr_el1),
		 cpu_has_pan ? "on" : "missing: the kernel can be tricked into reading user memory",
		 cpu_has_rng ? "yes" : "no");
}

void arch_cpu_init(struct cpu *cpu)
{
	const struct irq_root *root = irq_root_get();

	cpu->arch.midr = sysreg_read(midr_el1);
	if (root && root->cpu_init)
		root->cpu_init(cpu);
}

void secondary_main(struct cpu *cpu)
{
	kernel_secondary_main(cpu);
}

void arch_cpu_wait(void)
{
	dsb(sy);
	__asm__ volatile("wfi" ::: "memory");	/* a masked interrupt ends it too */
	arch_irq_enable();
	isb();
	arch_irq_disable();
}

void arch_cpu_stop(void)
{
	arch_irq_disable();
	for (;;)
		__asm__ volatile("wfi");
}

void arch_ipi_send(struct cpu *cpu)
{
	const struct irq_root *root = irq_root_get();

	if (root && root->ipi_send)
		root->ipi_send(cpu);
}

int arch_cpu_describe(const struct cpu *cpu, char *buf, size_t size)
{
	char list[320];
	int n = 0;
	u64 midr = cpu->arch.midr;

	for (unsigned i = 0; i < ARRAY_LEN(features); i++)
		if (hwcap[features[i].word] & BIT(features[i].bit))
			n += scnprintf(list + n, sizeof(list) - n, " %s", features[i].name);
	list[n] = 0;
	return snprintf(buf, size,
			"processor\t: %u\nBogoMIPS\t: %llu.%02llu\nFeatures\t:%s\n"
			"CPU implementer\t: 0x%02x\nCPU architecture: 8\nCPU variant\t: 0x%x\n"
			"CPU part\t: 0x%03x\nCPU revision\t: %u\n",
			cpu->id, (unsigned long long)(arch_clock_hz() / 500000),
			(unsigned long long)(arch_clock_hz() / 5000 % 100), list, (unsigned)(midr >> 24 & 0xff),
			(unsigned)(midr >> 20 & 0xf), (unsigned)(midr >> 4 & 0xfff), (unsigned)(midr & 0xf));
}
u64 arch_hwcap(void) { return hwcap[0]; }
u64 arch_hwcap2(void) { return hwcap[1]; }
