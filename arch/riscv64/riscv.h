/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of arch/riscv64 share: CSR bits and access, fix-ups, boot-time facts. */
#ifndef RISCV_H
#define RISCV_H

/* Control and status register bits (privileged specification 4.1). */
#define SSTATUS_SPIE 0x20
#define SSTATUS_SPP 0x100
#define SSTATUS_FS 0x6000
#define SSTATUS_FS_OFF 0
#define SSTATUS_FS_INITIAL 0x2000
#define SSTATUS_FS_CLEAN 0x4000
#define SSTATUS_FS_DIRTY 0x6000
#define SSTATUS_VS 0x600
#define SSTATUS_SUM 0x40000
#define SSTATUS_MXR 0x80000
#define SSTATUS_UXL_64 0x200000000

#define SIE_SOFT 0x2
#define SIE_TIMER 0x20
#define SIE_EXTERNAL 0x200

#define CAUSE_INTERRUPT (1ul << 63)
#define RISCV_CAUSE_NONE (~0ul)	/* in a frame: not, or no longer, a system call */

#define SATP_SV39 8ul
#define SATP_SV48 9ul
#define SATP_MODE_SHIFT 60
#define SATP_ASID_SHIFT 44
#define SATP_ASID_MASK (0xfffful << SATP_ASID_SHIFT)

#define RISCV_IMAGE_VIRT 0xffffffff80000000
#define RISCV_OVERFLOW_STACK_SIZE 8192

#ifndef __ASSEMBLER__

#include <arch/boot.h>
#include <arch/thread.h>

struct cpu;

#define csr_read(csr) ({ \
	u64 _v; \
	__asm__ volatile("csrr %0, " #csr : "=r"(_v) :: "memory"); \
	_v; })
#define csr_write(csr, v) \
	__asm__ volatile("csrw " #csr ", %0" :: "rK"((u64)(v)) : "memory")
#define csr_set(csr, v) \
	__asm__ volatile("csrs " #csr ", %0" :: "rK"((u64)(v)) : "memory")
#define csr_clear(csr, v) \
	__asm__ volatile("csrc " #csr ", %0" :: "rK"((u64)(v)) : "memory")

/* One fix-up: when the instruction at `insn` traps in kernel mode, go on at `landing`. */
#define FIXUP(insn, landing) \
	".pushsection .fixup_table, \"a\"\n\t" \
	".balign 8\n\t" \
	".8byte " #insn ", " #landing "\n\t" \
	".popsection\n\t"
struct fixup {
	u64 insn, landing;
};
/* Points regs at the landing; false when there is none. */
bool fixup_apply(struct arch_regs *regs);
/* Reads a word that may not be mapped; false if it is not. */
bool riscv_probe_read(vaddr_t addr, u64 *value);

/* boot/early.c */
u64 riscv_early_tables(paddr_t image, paddr_t fdt, unsigned levels);
u64 riscv_slide(paddr_t image, paddr_t fdt);
__noreturn void riscv_boot_main(u64 hartid, paddr_t fdt, u64 ticks, paddr_t image);

/* Page table of the secondary harts, set with the final kernel root. */
extern u64 riscv_kernel_satp;
extern struct cpu *riscv_starting_cpu;
u64 riscv_satp(paddr_t root);

/* trap/ */
extern char riscv_trap_entry[], riscv_user_return[], riscv_fork_return[], riscv_thread_start[];
void riscv_trap_user(struct arch_regs *regs);
void riscv_leave_kernel(struct arch_regs *regs);
void riscv_trap_kernel(struct arch_regs *regs);
extern u8 riscv_overflow_stack[];

/* Registers every hart has alike: trap vector, sstatus, user counters. */
void riscv_hart_init(void);
extern char riscv_secondary_entry[];
void riscv_secondary_main(struct cpu *cpu);
void riscv_irq_cpu_init(struct cpu *cpu);

/* fpu.S: registers f0..f31 and fcsr; FS must not be off. */
void riscv_fpu_store(struct riscv_fpu *f);
void riscv_fpu_load(const struct riscv_fpu *f);
/* First use: gives the current thread zeroed registers. Interrupts off. */
void riscv_fpu_begin(struct arch_regs *regs);
/* True if the boot hart has the F and D registers. */
bool riscv_has_fpu(void);

/* isa.c: facts from the device tree's riscv,isa; called once more when platform/ has filled it in. */
void riscv_isa_init(void);
bool riscv_isa_has(const char *extension);

/* clock.c */
void riscv_timer_interrupt(void);
void riscv_timer_cpu_init(void);

#endif
#endif
