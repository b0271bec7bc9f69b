/* SPDX-License-Identifier: BSD-2-Clause */
/* Structure offsets for assembly; never linked (ci/tools/gen_offsets.py reads the `->` lines). */
#include <arch/mmu.h>
#include <kernel/thread.h>

static_assert(offsetof(struct thread, canary) == 8, "-mstack-protector-guard-offset of meson.build");

#define OFFSET(name, type, member) \
	__asm__ volatile("\n->" #name " %0" :: "i"(offsetof(type, member)))
#define VALUE(name, value) __asm__ volatile("\n->" #name " %0" :: "i"(value))

void offsets(void);
void offsets(void)
{
	static_assert(offsetof(struct thread, cpu) == ARCH_THREAD_CPU_OFFSET, "native/cpu.h");
	static_assert(sizeof(struct arch_regs) % 16 == 0, "the stack pointer stays aligned");
	OFFSET(THREAD_KSTACK_TOP, struct thread, kstack_top);
	OFFSET(THREAD_KSTACK, struct thread, kstack);
	OFFSET(THREAD_X19, struct thread, arch.x19_x28);
	OFFSET(THREAD_FP, struct thread, arch.fp);
	OFFSET(THREAD_LR, struct thread, arch.lr);
	OFFSET(THREAD_TLS, struct thread, arch.tls);
	OFFSET(CPU_IDLE, struct cpu, idle);
	VALUE(REGS_SIZE, sizeof(struct arch_regs));
	OFFSET(LAYOUT_IMAGE_OFFSET, struct arch_layout, image_offset);
	OFFSET(REGS_SP, struct arch_regs, sp);
	OFFSET(REGS_PC, struct arch_regs, pc);
	OFFSET(REGS_CALL_NR, struct arch_regs, call_nr);
	OFFSET(REGS_RECORD, struct arch_regs, frame_record);
}
