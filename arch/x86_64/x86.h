/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of arch/x86_64 share: registers, selectors, vectors, features, internal functions. */
#ifndef X86_H
#define X86_H

/* GDT selectors; the same numbers as Linux, since signal frames show them. */
#define SEL_KERNEL_CS 0x10
#define SEL_KERNEL_DS 0x18
#define SEL_USER_DS 0x2b
#define SEL_USER_CS 0x33
#define SEL_TSS 0x40
#define SEL_CPU_NUMBER 0x78	/* as on Linux; <native/vdso.h> repeats it */
/* SYSRET takes CS from this + 16 and SS from this + 8 (Intel SDM, SYSRET). */
#define SEL_SYSRET_BASE 0x23

#define RFLAGS_FIXED 0x2
#define RFLAGS_TF 0x100
#define RFLAGS_IF 0x200
#define RFLAGS_DF 0x400
#define RFLAGS_IOPL 0x3000
#define RFLAGS_NT 0x4000
#define RFLAGS_RF 0x10000
#define RFLAGS_AC 0x40000
/* CF PF AF ZF SF DF OF AC ID: what user mode may carry across an entry. TF is not among them. */
#define RFLAGS_USER 0x240cd5

#define CR0_WP 0x10000
#define CR0_AM 0x40000
#define CR0_NE 0x20
#define CR0_MP 0x2
#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR0_PE 0x1
#define CR0_PG 0x80000000
#define CR4_VME 0x1
#define CR4_PVI 0x2
#define CR4_DE 0x8
#define CR4_PAE 0x20
#define CR4_PGE 0x80
#define CR4_PCE 0x100
#define CR4_OSFXSR 0x200
#define CR4_OSXMMEXCPT 0x400
#define CR4_UMIP 0x800
#define CR4_OSXSAVE 0x40000
#define CR4_FSGSBASE 0x10000
#define CR4_SMEP 0x100000
#define CR4_SMAP 0x200000
#define CR4_PKE 0x400000

#define MSR_APIC_BASE 0x1b
#define MSR_PAT 0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC 0x800
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX 0xc0000103
#define EFER_SCE 0x1
#define EFER_LME 0x100
#define EFER_NXE 0x800

/* Exceptions that run on their own stack. */
#define IST_DF 1
#define IST_NMI 2
#define IST_MC 3
#define IST_DB 4
#define IST_STACK_SIZE 4096

#define VECTOR_DB 1
#define VECTOR_NMI 2
#define VECTOR_BP 3
#define VECTOR_UD 6
#define VECTOR_DF 8
#define VECTOR_GP 13
#define VECTOR_PF 14
#define VECTOR_MC 18
/* 0x20-0x2f: where a stray 8259 interrupt lands; 0x30-0xef: devices, through the irq root. */
#define VECTOR_PIC 0x20
#define VECTOR_DEVICE_FIRST 0x30
#define VECTOR_DEVICE_LAST 0xef
#define VECTOR_TIMER 0xf0
#define VECTOR_IPI 0xf1
#define VECTOR_TLB 0xf2
#define VECTOR_APIC_ERROR 0xfe
#define VECTOR_SPURIOUS 0xff

#define KERNEL_VIRT_BASE 0xffffffff80000000
#define LINEAR_BASE 0xffff800000000000

#ifdef __ASSEMBLER__

.macro EXTABLE insn, target
	.pushsection .extable, "a"
	.balign 4
	.long \insn - ., \target - .
	.popsection
.endm
/* Three bytes of nothing that cpu.c turns into STAC or CLAC when the CPU has SMAP. */
.macro USER_ACCESS_BEGIN
770:	.byte 0x0f, 0x1f, 0x00
	.pushsection .init.smap_sites, "a"
	.balign 4
	.long 770b - ., 0xcb010f
	.popsection
.endm
.macro USER_ACCESS_END
770:	.byte 0x0f, 0x1f, 0x00
	.pushsection .init.smap_sites, "a"
	.balign 4
	.long 770b - ., 0xca010f
	.popsection
.endm

#else

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/thread.h>

/* In C, the same as the macros above. */
#define X86_EXTABLE(insn, target) \
	".pushsection .extable, \"a\"\n.balign 4\n.long " insn " - ., " target " - .\n.popsection\n"
#define X86_SMAP_SITE(bytes) \
	"770: .byte 0x0f, 0x1f, 0x00\n.pushsection .init.smap_sites, \"a\"\n.balign 4\n" \
	".long 770b - ., " bytes "\n.popsection\n"
#define X86_STAC X86_SMAP_SITE("0xcb010f")
#define X86_CLAC X86_SMAP_SITE("0xca010f")

struct cpuid {
	u32 eax, ebx, ecx, edx;
};
/* random.c: a word of the CPU's generator before its features are known; false: none. */
bool x86_random_early(u64 *v);
static inline struct cpuid cpuid(u32 leaf, u32 sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(sub));
	return r;
}
static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" :: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static inline u64 read_cr0(void) { u64 v; __asm__ volatile("mov %%cr0, %0" : "=r"(v) :: "memory"); return v; }
static inline u64 read_cr2(void) { u64 v; __asm__ volatile("mov %%cr2, %0" : "=r"(v) :: "memory"); return v; }
static inline u64 read_cr3(void) { u64 v; __asm__ volatile("mov %%cr3, %0" : "=r"(v) :: "memory"); return v; }
static inline u64 read_cr4(void) { u64 v; __asm__ volatile("mov %%cr4, %0" : "=r"(v) :: "memory"); return v; }
static inline void write_cr0(u64 v) { __asm__ volatile("mov %0, %%cr0" :: "r"(v) : "memory"); }
static inline void write_cr3(u64 v) { __asm__ volatile("mov %0, %%cr3" :: "r"(v) : "memory"); }
static inline void write_cr4(u64 v) { __asm__ volatile("mov %0, %%cr4" :: "r"(v) : "memory"); }

/* What the CPU has and the kernel uses; the boot CPU's answers, all CPUs must match. cpu.c */
struct x86_features {
	u32 leaf1_ecx, leaf1_edx, leaf7_ebx, leaf7_ecx, leaf7_edx, ext1_ecx, ext1_edx, leaf_xsave1_eax;
	bool nx, smep, smap, umip, xsave, xsaveopt, tsc_deadline, x2apic, rdrand, rdseed, rdtscp;
	bool invariant_tsc, is_hypervisor, is_tcg;
	u64 xcr0;
	u32 xsave_size;
	u32 max_leaf, max_ext_leaf;
	u32 phys_bits, virt_bits;
	char vendor[13], brand[49];
};
extern struct x86_features x86_features;
void x86_features_detect(void);
/* Control registers, PAT, syscall MSRs, FPU of this CPU. */
void x86_cpu_setup(struct cpu *cpu);

/* descriptors.c */
void x86_descriptors_init(void);			/* IDT contents, once */
void x86_descriptors_load(struct cpu *cpu);		/* GDT, TSS, IDT of this CPU; keeps GS base */

/* trap.c, trap_entry.S */
extern char x86_trap_stubs[];				/* 256 stubs, 16 bytes apart */
extern char x86_syscall_entry[], x86_syscall_entry32[];
extern char x86_kernel_thread_start[], x86_fork_return[];
__noreturn void x86_enter_user(struct arch_regs *regs);
void x86_user_return(struct arch_regs *regs);

/* apic.c */
void x86_apic_map(void);				/* boot CPU, once, registers reachable afterwards */
void x86_apic_cpu_init(void);
void x86_apic_eoi(void);
void x86_apic_send(u32 apic_id, u32 vector);
void x86_apic_send_init(u32 apic_id);
void x86_apic_send_startup(u32 apic_id, u8 page);
u32 x86_apic_timer_count(void);
void x86_apic_timer_set(u32 count);			/* masked one-shot count-down from count */
void x86_timer_interrupt(void);
extern u64 x86_apic_timer_hz;

/* mmu.c */
void x86_tlb_interrupt(void);
extern paddr_t x86_kernel_root;				/* 0 until mm made it */
/* Registers at pa, before or after mm is up; kept for ever. */
void __iomem *x86_mmio(paddr_t pa, size_t size);

/* trap.c: the irq root, NULL before a controller driver came. */
extern const struct irq_root *x86_irq_root;

/* boot.c, smp.c */
/*
 * fw_cfg.c, for machines without ACPI tables. x86_fw_cfg_tree copies the device tree to where `place`
 * says (NULL: nowhere) and returns its bytes, 0: none. x86_fw_cfg_cpus: how many CPUs, 0: unknown.
 */
u64 x86_fw_cfg_tree(void *(*place)(u64 bytes));
unsigned x86_fw_cfg_cpus(void);

extern paddr_t x86_trampoline_page;			/* below 1 MiB, 0: none */
extern u64 x86_boot_pml4[512];

/* fpu.c */
void x86_fpu_cpu_init(void);
void *x86_fpu_area(const struct thread *t);
/* Brings t's area up to date if the registers hold t's state; t is current. */
void x86_fpu_sync(struct thread *t);
/* t's area becomes its state, to be changed by hand: loaded before user mode; t is current. */
void x86_fpu_release(struct thread *t);
/*
 * XSAVE of the registers to user address to, a multiple of 64, whose header the caller has cleared. -EFAULT: they do not
 * hold the current thread's state, or the memory is not there just now.
 */
int x86_fpu_save_to_user(u64 to);
/* Start values for a signal handler; what the area showed before may stay in it, marked as not valid. t is current. */
void x86_fpu_begin_handler(struct thread *t);

/* trace.c: what a debug exception was about, as its signal's code; interrupts off. */
int x86_debug_take(struct thread *t);

/* thread.c */
void x86_load_bases(const struct thread *t);
void x86_switch_user_state(struct thread *prev, struct thread *next);

#endif
#endif
