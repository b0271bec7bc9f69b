/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the CPU can do, and its set-up: protections, memory types, SYSCALL registers. The boot CPU's
 * features are everybody's; a started CPU that lacks one would fault in x86_cpu_setup.
 */
#include <arch/clock.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/thread.h>
#include <lib/format.h>
#include <lib/string.h>

#include "x86.h"

struct x86_features x86_features __ro_after_init;
u64 x86_pte_nx __ro_after_init;

struct smap_site {
	s32 site;
	u32 bytes;
};
extern const struct smap_site __smap_sites_start[], __smap_sites_end[];

static __init void detect_brand(struct x86_features *f)
{
	struct cpuid r = cpuid(0, 0);

	f->max_leaf = r.eax;
	memcpy(f->vendor, &r.ebx, 4);
	memcpy(f->vendor + 4, &r.edx, 4);
	memcpy(f->vendor + 8, &r.ecx, 4);
	f->max_ext_leaf = cpuid(0x80000000, 0).eax;
	if (f->max_ext_leaf < 0x80000004)
		return;
	for (unsigned i = 0; i < 3; i++) {
		r = cpuid(0x80000002 + i, 0);
		memcpy(f->brand + i * 16, &r, 16);
	}
}

static __init void detect_xsave(struct x86_features *f)
{
	struct cpuid r;

	f->xsave = f->leaf1_ecx & BIT(26) && f->max_leaf >= 0xd;
	if (!f->xsave)
		return;
	r = cpuid(0xd, 0);
	f->xcr0 = ((u64)r.edx << 32 | r.eax) & 7;	/* x87, SSE, AVX */
	f->leaf_xsave1_eax = cpuid(0xd, 1).eax;
	f->xsaveopt = f->leaf_xsave1_eax & 1;
	f->xsave_size = 576;
	if (f->xcr0 & 4) {
		r = cpuid(0xd, 2);			/* AVX part: size, offset */
		/* Anything but the architectural place would not fit struct arch_thread. */
		if (r.ebx + r.eax <= X86_FPU_SIZE)
			f->xsave_size = r.ebx + r.eax;
		else
			f->xcr0 &= ~4ull;
	}
}

__init void x86_features_detect(void)
{
	struct x86_features *f = &x86_features;
	struct cpuid r = cpuid(1, 0);

	detect_brand(f);
	f->leaf1_ecx = r.ecx;
	f->leaf1_edx = r.edx;
	if (f->max_leaf >= 7) {
		r = cpuid(7, 0);
		f->leaf7_ebx = r.ebx;
		f->leaf7_ecx = r.ecx;
		f->leaf7_edx = r.edx;
	}
	if (f->max_ext_leaf >= 0x80000001) {
		r = cpuid(0x80000001, 0);
		f->ext1_ecx = r.ecx;
		f->ext1_edx = r.edx;
	}
	f->phys_bits = 36;
	f->virt_bits = 48;
	if (f->max_ext_leaf >= 0x80000008) {
		r = cpuid(0x80000008, 0);
		f->phys_bits = r.eax & 0xff;
		f->virt_bits = r.eax >> 8 & 0xff;
	}
	f->invariant_tsc = f->max_ext_leaf >= 0x80000007 && cpuid(0x80000007, 0).edx & BIT(8);
	f->nx = f->ext1_edx & BIT(20);
	f->rdtscp = f->ext1_edx & BIT(27);
	f->smep = f->leaf7_ebx & BIT(7);
	f->smap = f->leaf7_ebx & BIT(20);
	f->umip = f->leaf7_ecx & BIT(2);
	f->rdseed = f->leaf7_ebx & BIT(18);
	f->rdrand = f->leaf1_ecx & BIT(30);
	f->tsc_deadline = f->leaf1_ecx & BIT(24);
	f->x2apic = f->leaf1_ecx & BIT(21);
	f->is_hypervisor = f->leaf1_ecx & BIT(31);
	if (f->is_hypervisor) {
		r = cpuid(0x40000000, 0);
		f->is_tcg = r.ebx == 0x54474354 && r.ecx == 0x43544743 && r.edx == 0x47435447;
	}
	detect_xsave(f);
	x86_pte_nx = f->nx ? X86_PTE_NX : 0;
}

/* STAC and CLAC exist only together with SMAP: until now their places held a long NOP. */
static __init void patch_smap_sites(void)
{
	for (const struct smap_site *s = __smap_sites_start; s < __smap_sites_end; s++)
		memcpy((char *)&s->site + s->site, &s->bytes, 3);
}

/*
 * PAT: entry 0 write-back, 1 (PWT) write-combining, 2 (PCD) uncached-, 3 (PWT|PCD) uncached;
 * the upper four the same. native/pte.h relies on it.
 */
#define PAT_VALUE 0x0007010600070106ull

void x86_cpu_setup(struct cpu *cpu)
{
	const struct x86_features *f = &x86_features;
	u64 cr4 = CR4_PAE | CR4_PGE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	write_cr0(CR0_PE | CR0_MP | CR0_NE | CR0_WP | CR0_PG);
	if (f->smep)
		cr4 |= CR4_SMEP;
	if (f->smap)
		cr4 |= CR4_SMAP;
	if (f->umip)
		cr4 |= CR4_UMIP;
	if (f->xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (f->nx ? EFER_NXE : 0));
	wrmsr(MSR_PAT, PAT_VALUE);
	wrmsr(MSR_STAR, (u64)SEL_SYSRET_BASE << 48 | (u64)SEL_KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)x86_syscall_entry);
	wrmsr(MSR_CSTAR, (u64)x86_syscall_entry32);
	wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_AC | RFLAGS_RF);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
	cpu->arch.fs_base = cpu->arch.gs_base = 0;
	cpu->arch.timer_deadline = U64_MAX;
	if (f->rdtscp)
		wrmsr(MSR_TSC_AUX, cpu->id);
	x86_fpu_cpu_init();
}

unsigned arch_cpu_audit(void)
{
	const struct x86_features *f = &x86_features;
	u64 cr0 = read_cr0(), cr4 = read_cr4(), efer = rdmsr(MSR_EFER), flags = arch_irq_flags();
	const struct {
		bool ok;
		const char *what;
	} rules[] = {
		{ cr0 & CR0_WP, "CR0.WP: the kernel writes through read-only entries" },
		{ cr0 & CR0_PG && cr4 & CR4_PAE, "paging" },
		{ !f->smep || cr4 & CR4_SMEP, "SMEP" },
		{ !f->smap || (cr4 & CR4_SMAP && !(flags & RFLAGS_AC)), "SMAP" },
		{ !f->umip || cr4 & CR4_UMIP, "UMIP" },
		{ !f->nx || efer & EFER_NXE, "EFER.NXE" },
		{ !(cr4 & (CR4_PCE | CR4_FSGSBASE | CR4_PKE | CR4_PVI | CR4_VME)), "a feature of CR4 that is for nobody" },
		{ !(flags & RFLAGS_IOPL), "IOPL" },
		{ arch_cpu_self()->arch.tss.iomap_base >= sizeof(struct arch_tss), "the TSS's map of ports" },
		{ rdmsr(MSR_LSTAR) == (u64)x86_syscall_entry && rdmsr(MSR_CSTAR) == (u64)x86_syscall_entry32, "SYSCALL's entry" },
		{ (rdmsr(MSR_SFMASK) & (RFLAGS_AC | RFLAGS_IF | RFLAGS_DF)) == (RFLAGS_AC | RFLAGS_IF | RFLAGS_DF), "SYSCALL's mask" },
	};
	unsigned bad = 0;

	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		if (!rules[i].ok) {
			log_err("cpu%u: %s is not as it must be", arch_cpu_self()->id, rules[i].what);
			bad++;
		}
	return bad;
}

static __init void boot_cpu_init(void)
{
	x86_features_detect();
	x86_descriptors_init();
	x86_descriptors_load(&cpu_boot);
	if (x86_features.smap)
		patch_smap_sites();
	x86_cpu_setup(&cpu_boot);
	log_info("cpu: %s, nx%s smep%s smap%s umip%s", x86_features.vendor, x86_features.nx ? "+" : "-",
		 x86_features.smep ? "+" : "-", x86_features.smap ? "+" : "-", x86_features.umip ? "+" : "-");
}

/* Other CPUs did their part in x86_ap_main, before any C that could fault. */
void arch_cpu_early_init(void)
{
	if (arch_cpu_self() == &cpu_boot)
		boot_cpu_init();
}

void arch_cpu_wait(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

void arch_cpu_stop(void)
{
	while (1)
		__asm__ volatile("cli; hlt");
}

u64 arch_hwcap(void) { return x86_features.leaf1_edx; }	/* AT_HWCAP is CPUID.1:EDX */
u64 arch_hwcap2(void) { return 0; }			/* no ring-3 MWAIT, no FSGSBASE */

/* Linux's names in /proc/cpuinfo, in its order of words. */
struct flag_name {
	u8 word, bit;
	char name[19];
};
enum { W_1_EDX, W_EXT_EDX, W_1_ECX, W_EXT_ECX, W_7_EBX, W_XSAVE, W_7_ECX };
static const struct flag_name flag_names[] = {
	{ W_1_EDX, 0, "fpu" }, { W_1_EDX, 1, "vme" }, { W_1_EDX, 2, "de" }, { W_1_EDX, 3, "pse" },
	{ W_1_EDX, 4, "tsc" }, { W_1_EDX, 5, "msr" }, { W_1_EDX, 6, "pae" }, { W_1_EDX, 7, "mce" },
	{ W_1_EDX, 8, "cx8" }, { W_1_EDX, 9, "apic" }, { W_1_EDX, 11, "sep" }, { W_1_EDX, 12, "mtrr" },
	{ W_1_EDX, 13, "pge" }, { W_1_EDX, 14, "mca" }, { W_1_EDX, 15, "cmov" }, { W_1_EDX, 16, "pat" },
	{ W_1_EDX, 17, "pse36" }, { W_1_EDX, 19, "clflush" }, { W_1_EDX, 23, "mmx" },
	{ W_1_EDX, 24, "fxsr" }, { W_1_EDX, 25, "sse" }, { W_1_EDX, 26, "sse2" }, { W_1_EDX, 28, "ht" },
	{ W_EXT_EDX, 11, "syscall" }, { W_EXT_EDX, 20, "nx" }, { W_EXT_EDX, 26, "pdpe1gb" },
	{ W_EXT_EDX, 27, "rdtscp" }, { W_EXT_EDX, 29, "lm" },
	{ W_1_ECX, 0, "pni" }, { W_1_ECX, 1, "pclmulqdq" }, { W_1_ECX, 9, "ssse3" }, { W_1_ECX, 12, "fma" },
	{ W_1_ECX, 13, "cx16" }, { W_1_ECX, 19, "sse4_1" }, { W_1_ECX, 20, "sse4_2" }, { W_1_ECX, 21, "x2apic" },
	{ W_1_ECX, 22, "movbe" }, { W_1_ECX, 23, "popcnt" }, { W_1_ECX, 24, "tsc_deadline_timer" },
	{ W_1_ECX, 25, "aes" }, { W_1_ECX, 26, "xsave" }, { W_1_ECX, 28, "avx" }, { W_1_ECX, 29, "f16c" },
	{ W_1_ECX, 30, "rdrand" }, { W_1_ECX, 31, "hypervisor" },
	{ W_EXT_ECX, 0, "lahf_lm" }, { W_EXT_ECX, 5, "abm" }, { W_EXT_ECX, 6, "sse4a" },
	{ W_EXT_ECX, 8, "3dnowprefetch" },
	{ W_7_EBX, 3, "bmi1" }, { W_7_EBX, 5, "avx2" }, { W_7_EBX, 7, "smep" }, { W_7_EBX, 8, "bmi2" },
	{ W_7_EBX, 9, "erms" }, { W_7_EBX, 18, "rdseed" }, { W_7_EBX, 19, "adx" }, { W_7_EBX, 20, "smap" },
	{ W_7_EBX, 23, "clflushopt" }, { W_7_EBX, 24, "clwb" }, { W_7_EBX, 29, "sha_ni" },
	{ W_XSAVE, 0, "xsaveopt" }, { W_XSAVE, 1, "xsavec" }, { W_XSAVE, 2, "xgetbv1" },
	{ W_7_ECX, 2, "umip" },
};

int arch_cpu_describe(const struct cpu *cpu, char *buf, size_t size)
{
	const struct x86_features *f = &x86_features;
	const u32 words[] = { f->leaf1_edx, f->ext1_edx, f->leaf1_ecx, f->ext1_ecx, f->leaf7_ebx,
			      f->leaf_xsave1_eax, f->leaf7_ecx };
	struct cpuid r = cpuid(1, 0);
	unsigned family = r.eax >> 8 & 15, model = r.eax >> 4 & 15;
	u64 khz = arch_clock_hz() / 1000;
	const char *brand = f->brand;
	size_t n;

	if (family == 6 || family == 15)
		model |= r.eax >> 12 & 0xf0;
	if (family == 15)
		family += r.eax >> 20 & 0xff;
	while (*brand == ' ')
		brand++;
#define PUT(...) n += (size_t)snprintf(n < size ? buf + n : NULL, n < size ? size - n : 0, __VA_ARGS__)
	n = 0;
	PUT("processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n",
	    cpu->id, f->vendor, family, model, brand);
	PUT("stepping\t: %u\ncpu MHz\t\t: %lu.%03lu\nphysical id\t: %u\nsiblings\t: 1\ncore id\t\t: 0\n",
	    r.eax & 15, khz / 1000, khz % 1000, cpu->id);
	PUT("cpu cores\t: 1\napicid\t\t: %lu\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:",
	    cpu->hwid, f->max_leaf);
	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
		if (words[flag_names[i].word] & BIT(flag_names[i].bit))
			PUT(" %s", flag_names[i].name);
	PUT("\nbogomips\t: %lu.%02lu\nclflush size\t: 64\ncache_alignment\t: 64\n"
	    "address sizes\t: %u bits physical, %u bits virtual\n",
	    khz / 500, khz / 5 % 100, f->phys_bits, f->virt_bits);
#undef PUT
	return (int)n;
}
