/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine's boot: main() makes the RAM, fills boot_info from the command line's words
 * and enters kernel_main on the boot thread's stack. Neighbours: vcpu.c, memory.c, user.c, host.c.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <arch/random.h>
#include <arch/upcall.h>
#include <kernel/thread.h>
#include <lib/format.h>
#include <lib/string.h>
#include "host.h"
#include "sim.h"

#define RAM_MIB 96u	/* enough for large pages (kernel/mm/huge.c) */
#define TREE_ROOM (64ull << 10)
#define INITRD_ROOM (512ull << 10)
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

__noreturn void arch_machine_off(void) { sim_done(); }
__noreturn void arch_machine_reset(void) { host_exit(3); }

/* Words that begin with "sim." set up the simulation, the others are the kernel's. */
static void read_words(int argc, char **argv, char *bootargs, size_t size)
{
	size_t n = 0;

	bootargs[0] = 0;
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "sim.", 4)) {
			if (!sim_settings_add(argv[i] + 4, strlen(argv[i] + 4)))
				sim_fail("the setting %s is too long", argv[i]);
			continue;
		}
		if (n + strlen(argv[i]) + 2 > size)
			sim_fail("the command line is too long");
		n += (size_t)snprintf(bootargs + n, size - n, n ? " %s" : "%s", argv[i]);
	}
}

/* Device tree and initial RAM disk lie at the end of the RAM, the "image" is its first page. */
static void fill_boot_info(const char *bootargs, u64 ram_size)
{
	u64 tree = SIM_RAM_PHYS + ram_size - TREE_ROOM, initrd = tree - INITRD_ROOM;
	u64 initrd_size = strstr(bootargs, "ktest") ? 0 : sim_initrd(phys_to_virt(initrd), INITRD_ROOM);

	boot_info.fdt = tree;
	boot_info.fdt_size = sim_devicetree(phys_to_virt(tree), TREE_ROOM, bootargs, SIM_RAM_PHYS, ram_size, initrd,
					    initrd_size);
	boot_info.image_base = SIM_RAM_PHYS;
	boot_info.image_size = PAGE_SIZE;
	boot_info.protocol = "sim";
	boot_info.seed_len = (u32)arch_random_bytes(boot_info.seed, sizeof(boot_info.seed));
}

static void load_disk(void)
{
	const char *path = sim_setting_text("disk");
	unsigned long size;
	const void *image = path ? host_load(path, &size) : NULL;

	if (image)
		sim_disk_load(image, size);
}

const void *sim_host_load(const char *path, u64 *size) { return host_load(path, size); }
void sim_mute(bool on) { host_is_mute = on; }
void *sim_host_alloc(u64 size) { return host_alloc(size); }
int sim_host_check_disk(const void *image, u64 size) { return host_check_disk(image, size); }

static void start(void)
{
	host_switch_end();
	sim_hold = false;
	kernel_main();
}

int main(int argc, char **argv)
{
	static char bootargs[BOOT_CMDLINE_MAX];
	u64 ram_size;

	arch_layout = (struct arch_layout){
		.linear_base = SIM_LINEAR, .linear_size = 1ull << 40, .vmemmap_base = SIM_VMEMMAP,
		.vmap_base = SIM_VMAP, .vmap_end = SIM_VMAP_END,
		.image_offset = (u64)__image_start - SIM_RAM_PHYS, .user_end = 1ull << 46, .pt_levels = 4,
	};
	host_init();
	host_stack_reset(__percpu_start, (u64)(__percpu_end - __percpu_start));	/* copied as a whole, clang's red zones too */
	read_words(argc, argv, bootargs, sizeof(bootargs));
	sim_streams_init(sim_setting("seed", 1));
	sim_nr_cpus = (unsigned)clamp(sim_setting("cpus", 1), (u64)1, (u64)SIM_CPUS_MAX);
	ram_size = clamp(sim_setting("ram", RAM_MIB), (u64)8, (u64)1024) << 20;
	host_ram_create(ram_size);
	boot_thread.kstack_top = (vaddr_t)boot_stack + sizeof(boot_stack);
	boot_thread.kstack = boot_stack + sizeof(boot_stack) - KSTACK_SIZE;
	sim_vcpu_boot(&boot_thread, &cpu_boot);
	fill_boot_info(bootargs, ram_size);
	load_disk();
	host_switch_begin(boot_thread.kstack, KSTACK_SIZE);
	sim_enter(boot_thread.kstack_top, start);
}
