/* SPDX-License-Identifier: BSD-2-Clause */
/* What the architecture calls in the portable core. */
#ifndef ARCH_UPCALL_H
#define ARCH_UPCALL_H

#include <lib/compiler.h>

struct arch_regs;
struct cpu;
struct thread;

/* From the boot code, boot_info filled, on the boot thread's stack (boot_thread of kernel/sched/smp.c is current). */
__noreturn void kernel_main(void);
/*
 * Address-space randomisation of the kernel (kernel/slide.c). Before kernel_main, on the boot CPU at the link address,
 * boot_thread current, everything mapped writable: the boot code fills in what it knows, asks how far to go,
 * maps the image there too, has its words moved, and goes on there.
 */
struct slide_facts {
	const char *words;	/* the command line, not necessarily ended; NULL: none */
	size_t words_len;
	u64 seed;		/* with has_seed: unguessable */
	bool has_seed;
};
/* What a device tree says (/chosen: bootargs, kaslr-seed or rng-seed); nothing if it is none or damaged. */
void slide_facts_from_tree(const void *tree, struct slide_facts *facts);
/* Bytes: 0, or one of `slots` distances first, first + 2 MiB … */
u64 slide_choose(const struct slide_facts *facts, u64 first, u64 slots);
/* Makes every absolute address in the image point `slide` bytes higher. Once. */
void slide_apply(u64 slide);
/* The command line has that word, bare and before "--". */
bool slide_word(const char *words, size_t len, const char *word);

/* From a started CPU, on cpu->idle's stack, current = cpu->idle, interrupts off. */
__noreturn void kernel_secondary_main(struct cpu *cpu);
/* First code of a new thread, before fn or user return: finishes the switch (lock, previous thread) and turns interrupts on. */
void thread_first_run(struct thread *prev);

#define FAULT_WRITE 1u
#define FAULT_EXEC 2u
#define FAULT_USER 4u		/* from user mode */
#define FAULT_FORCE 16u		/* a debugger: what mprotect might allow is allowed; writes go to a private copy */
#define FAULT_PRESENT 8u	/* a translation existed but forbade it (where the CPU tells) */
/*
 * A page fault at addr. Interrupts as they were at the fault. True: resolved, or (user mode) a
 * signal is pending. False: kernel mode, nothing to resolve: the caller applies its fix-up table
 * or panics.
 */
bool trap_page_fault(struct arch_regs *regs, vaddr_t addr, unsigned flags);
/* Any other exception from user mode: becomes signal signo with si_code and address. Interrupts on. */
void trap_user_fault(struct arch_regs *regs, int signo, int si_code, vaddr_t addr);
/* Around every interrupt. irq_exit may switch threads (kernel preemption) before it returns. */
void irq_enter(struct arch_regs *regs);
void irq_exit(struct arch_regs *regs);
/* The local timer reached its deadline. Interrupt context. */
void timer_fire(void);
/* An inter-processor interrupt arrived. Interrupt context. */
void ipi_receive(void);
/* A system call, interrupts on. */
void syscall_dispatch(struct arch_regs *regs);
/* Before return to user, interrupts off on entry and exit, may sleep between: signals, reschedule, FPU. */
void user_return_work(struct arch_regs *regs);

/* Our own broken promise. Prints reason, registers (if regs), symbolised backtrace; stops the machine as panic= says. */
__noreturn void panic_regs(const struct arch_regs *regs, const char *fmt, ...) __printf(2, 3);
__noreturn void panic(const char *fmt, ...) __printf(1, 2);

#endif
