/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting other CPUs: INIT, STARTUP, STARTUP (Intel SDM 3A §8.4.4). One at a time: the arguments lie in the
 * trampoline page, and the started CPU says when it has read them. Caller: cpu_start_all.
 */
#include <arch/clock.h>
#include <arch/upcall.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/pgtable.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "x86.h"

struct trampoline_args {	/* as in entry.S */
	u64 cr3, efer, cpu, stack, entry;
};
extern char x86_trampoline_start[], x86_trampoline_end[], x86_trampoline_args[];
extern char x86_ap_entry[];
extern u64 boot_efer;
__noreturn void x86_ap_main(struct cpu *cpu);

static void wait_us(u64 us)
{
	u64 end = arch_clock_read() + arch_clock_hz() / 1000000 * us;

	while (arch_clock_read() < end)
		arch_cpu_relax();
}

static bool wait_started(struct cpu *cpu, u64 us)
{
	for (u64 i = 0; i < us / 10; i++) {
		if (atomic_load_acquire(&cpu->arch.started))	/* pairs with x86_ap_main */
			return true;
		wait_us(10);
	}
	return false;
}

int arch_cpu_start(struct cpu *cpu)
{
	static char *page;	/* reserved, so outside the linear map */
	size_t size = (size_t)(x86_trampoline_end - x86_trampoline_start);
	struct trampoline_args *args;

	if (!page && x86_trampoline_page)
		page = (char __force *)x86_mmio(x86_trampoline_page, PAGE_SIZE);
	if (!page)
		return -ENODEV;
	memcpy(page, x86_trampoline_start, size);
	args = (struct trampoline_args *)(page + (x86_trampoline_args - x86_trampoline_start));
	args->cr3 = image_to_phys(x86_boot_pml4);
	args->efer = boot_efer;
	args->cpu = (u64)cpu;
	args->stack = cpu->idle->kstack_top;
	args->entry = (u64)x86_ap_entry;
	cpu->self = cpu;
	cpu->running = cpu->idle;
	cpu->arch.apic_id = (u32)cpu->hwid;
	atomic_store_release(&cpu->arch.started, false);

	x86_apic_send_init(cpu->arch.apic_id);
	wait_us(200);	/* QEMU and CPUs since the P6 need no 10 ms */
	for (unsigned i = 0; i < 2; i++) {
		x86_apic_send_startup(cpu->arch.apic_id, (u8)(x86_trampoline_page >> PAGE_SHIFT));
		if (wait_started(cpu, i == 0 ? 10000 : 500000))
			return 0;
	}
	return -EIO;
}

/* From x86_ap_entry, on idle's stack, under the kernel root. */
__noreturn void x86_ap_main(struct cpu *cpu)
{
	x86_cpu_setup(cpu);
	x86_descriptors_load(cpu);
	atomic_store_release(&cpu->arch.started, true);		/* pairs with wait_started */
	kernel_secondary_main(cpu);
}

/* Parked: halted with interrupts off, until an INIT takes it back to the trampoline. */
__noreturn void arch_cpu_off(void)
{
	__asm__ volatile("wbinvd" ::: "memory");
	atomic_store_release(&arch_cpu_self()->arch.started, false);	/* pairs with arch_cpu_is_off */
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

bool arch_cpu_is_off(const struct cpu *cpu)
{
	return !atomic_load_acquire(&cpu->arch.started);	/* pairs with arch_cpu_off */
}
