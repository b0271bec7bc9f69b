/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine's boot: main() makes the RAM, fills boot_info from the command line's words
 * and enters kernel_main on the boot thread's stack. Neighbours: memory.c, cpu.c, thread.c, host.c.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <arch/upcall.h>
#include <kernel/thread.h>
#include <lib/string.h>
#include "host.h"
#include "sim.h"

#define RAM_SIZE (64ull << 20)
#define BOOT_STACK (64u * 1024)

struct arch_layout arch_layout;
const char arch_platform[] = "sim";
static u8 boot_stack[BOOT_STACK] __aligned(4096);

void arch_early_putc(char c)
{
	static char line[256];		/* host calls must not meet pages that only the simulation knows */
	static unsigned n;

	line[n++] = c;
	if (c == '\n' || n == sizeof(line)) {
		host_write(line, n);
		n = 0;
	}
}

__noreturn void arch_machine_off(void) { host_exit(0); }
__noreturn void arch_machine_reset(void) { host_exit(3); }

static void fill_boot_info(int argc, char **argv)
{
	size_t n = 0;

	for (int i = 1; i < argc; i++) {
		n += strlcpy(boot_info.cmdline + n, argv[i], sizeof(boot_info.cmdline) - n);
		if (n + 1 >= sizeof(boot_info.cmdline)) {
			boot_info.cmdline_cut = true;
			break;
		}
		if (i + 1 < argc)
			boot_info.cmdline[n++] = ' ';
	}
	boot_info.ranges[0] = (struct boot_range){ SIM_RAM_PHYS, RAM_SIZE, BOOT_RAM };
	boot_info.nr_ranges = 1;
	boot_info.image_base = SIM_RAM_PHYS;
	boot_info.image_size = PAGE_SIZE;
	boot_info.protocol = "sim";
	host_random(boot_info.seed, sizeof(boot_info.seed));
	boot_info.seed_len = sizeof(boot_info.seed);
}

static void start(void)
{
	host_switch_end();
	kernel_main();
}

int main(int argc, char **argv)
{
	arch_layout = (struct arch_layout){
		.linear_base = SIM_LINEAR, .linear_size = 1ull << 40, .vmemmap_base = SIM_VMEMMAP,
		.vmap_base = SIM_VMAP, .vmap_end = SIM_VMAP_END,
		.image_offset = (u64)__image_start - SIM_RAM_PHYS, .user_end = 1ull << 46, .pt_levels = 4,
	};
	host_ram_create(RAM_SIZE);
	fill_boot_info(argc, argv);
	boot_thread.kstack_top = (vaddr_t)boot_stack + sizeof(boot_stack);
	boot_thread.kstack = boot_stack;
	host_switch_begin(boot_stack, sizeof(boot_stack));
	sim_enter(boot_thread.kstack_top, start);
}
