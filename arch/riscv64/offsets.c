/* SPDX-License-Identifier: BSD-2-Clause */
/* Structure offsets for the assembly files; compiled to assembly and read by gen_offsets.py. */
#include <kernel/thread.h>

static_assert(offsetof(struct thread, canary) == 8, "-mstack-protector-guard-offset of meson.build");

#define VALUE(name, v) __asm__ volatile("\n->" #name " %0" :: "i"(v))

void offsets(void);
void offsets(void)
{
	VALUE(THREAD_KSTACK_TOP, offsetof(struct thread, kstack_top));
	VALUE(THREAD_SCRATCH, offsetof(struct thread, scratch));
	VALUE(THREAD_ARCH, offsetof(struct thread, arch));
	VALUE(ARCH_SP, offsetof(struct arch_thread, sp));
	VALUE(ARCH_RA, offsetof(struct arch_thread, ra));
	VALUE(ARCH_S, offsetof(struct arch_thread, s));
	VALUE(FPU_FCSR, offsetof(struct riscv_fpu, fcsr));
	VALUE(CPU_IDLE, offsetof(struct cpu, idle));
	VALUE(THREAD_KSTACK, offsetof(struct thread, kstack));
	VALUE(KSTACK_BYTES, KSTACK_SIZE);
	VALUE(KSTACK_SHIFT, __builtin_ctz(KSTACK_SIZE));
	VALUE(REGS_SIZE, sizeof(struct arch_regs));
	VALUE(REGS_STATUS, offsetof(struct arch_regs, status));
	VALUE(REGS_TVAL, offsetof(struct arch_regs, tval));
	VALUE(REGS_CAUSE, offsetof(struct arch_regs, cause));
}
