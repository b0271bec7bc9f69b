/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot order, in two tables: what happens on the boot CPU's first stack before threads exist, and
 * what the init thread does after. Each row says in words what has become true. Durations are
 * kept for /proc/bootchart (kernel/bootchart.c). What the rows do is in the folders they name.
 */
#include <arch/boot.h>
#include <arch/clock.h>
#include <kernel/attack.h>
#include <kernel/audit.h>
#include <kernel/boot.h>
#include <kernel/cmdline.h>
#include <kernel/daemon.h>
#include <kernel/device.h>
#include <kernel/epoch.h>
#include <kernel/init.h>
#include <kernel/ipc.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/netdev.h>
#include <kernel/panic.h>
#include <kernel/plant.h>
#include <kernel/platform.h>
#include <kernel/power.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/socket.h>
#include <kernel/test.h>
#include <kernel/time.h>
#include <kernel/tty.h>
#include <kernel/version.h>
#include <kernel/watchdog.h>
#include <lib/string.h>

struct boot_info boot_info;

struct boot_step {
	const char *name;
	void (*fn)(void);
	const char *now_true;
};

bool boot_range_add(paddr_t base, u64 size, enum boot_range_type type)
{
	if (!size)
		return true;
	if (boot_info.nr_ranges == BOOT_RANGES_MAX) {
		log_warn("boot: more than %d memory ranges, 0x%llx+0x%llx ignored", BOOT_RANGES_MAX,
			 (unsigned long long)base, (unsigned long long)size);
		return false;
	}
	boot_info.ranges[boot_info.nr_ranges++] = (struct boot_range){ base, size, type };
	return true;
}

static void apply_log_words(void)
{
	if (cmdline_has("quiet"))
		log_set_console_level(4);
	if (cmdline_has("debug"))
		log_set_console_level(8);
	if (cmdline_has("loglevel"))
		log_set_console_level((unsigned)cmdline_u64("loglevel", 7));
	log_notice("Trivet %s (%s) %s via %s", KERNEL_RELEASE, arch_platform, KERNEL_BUILD, boot_info.protocol);
	log_info("command line: %s", boot_info.cmdline);
	slide_report();
}

static void boot_cpu_init(void) { arch_cpu_init(&cpu_boot); }

static void probe_early(void)
{
	device_probe_level(0);
	device_probe_level(1);
}

/* Interrupts off, one CPU, no threads: nothing may sleep. */
static const struct boot_step early_steps[] = {
	{ "cpu-early", arch_cpu_early_init, "traps are caught, protections are on" },
	{ "platform-early", platform_early_init, "memory, initrd, command line and CPUs are known" },
	{ "command-line", cmdline_init, "words can be asked for" },
	{ "banner", apply_log_words, "the console shows what the user wants" },
	{ "memory", mm_init, "pages, heap and the final kernel map exist" },
	{ "clock", arch_clock_init, "the counter's frequency is known" },
	{ "time", time_init, "time_ns runs" },
	{ "random", random_init, "the generator holds what firmware and CPU gave" },
	{ "scheduler", sched_init, "threads can be created" },
	{ "cpu", boot_cpu_init, "this CPU's timer and interrupts work" },
};

static void ipc_init(void)
{
	sysv_init();
	mqueue_init();
}

static void free_boot_memory(void) { mm_free_init(); }

/* In a thread, interrupts on: everything may sleep. */
static const struct boot_step thread_steps[] = {
	{ "epoch", epoch_init, "deferred objects are freed" },
	{ "files", fs_init, "a root directory in memory, /dev nodes can be made" },
	{ "ext4", ext4_register, "disks of that format can be mounted" },
	{ "processes", process_init_tables, "pids, groups and signals exist" },
	{ "sockets", socket_init, "socket families can be used" },
	{ "terminals", tty_init, "/dev/tty, /dev/console and /dev/ptmx exist" },
	{ "discover", platform_discover, "every device firmware tells of is in the tree" },
	{ "probe-early", probe_early, "interrupt controllers and buses are driven" },
	{ "smp", cpu_start_all, "all CPUs run threads" },
	{ "network", net_init, "loopback is up, interfaces can be registered" },
	{ "probe", device_probe_all, "devices are driven" },
	{ "network-config", net_configure, "ip= is done" },
	{ "virtual-files", virtual_files_init, "/proc and /sys show the system" },
	{ "ipc", ipc_init, "message queues can be opened, System V objects are listed" },
	{ "daemons", daemons_init, "write-back, reclaim, log and entropy run, supervised" },
	{ "watchdog", watchdog_init, "what hangs is reported" },
	{ "initramfs", initramfs_unpack, "the initial file tree is in memory" },
	{ "free-init", free_boot_memory, "boot code is gone, boot-time constants are read-only" },
	{ "audit", audit_boot, "debug builds: the kernel's page tables keep what they promise" },
	{ "plant", plant_if_asked, "builds with tests: a fault was committed if plant= names one" },
	{ "attack", attack_if_asked, "builds with tests: with the word attack, every defence was tried" },
};

static void run_steps(const struct boot_step *steps, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		log_debug("boot: %s", steps[i].name);
		steps[i].fn();
		if (current->preempt_count)
			panic("boot step %s left preemption off: %#x", steps[i].name, current->preempt_count);
		bootchart_mark(steps[i].name);
	}
}

/* ktest on the command line: runs the suites instead of init, then powers off. */
static void run_tests_if_asked(void)
{
	if (!cmdline_has("ktest"))
		return;
	test_run(cmdline_get("ktest"));
	power_off();
}

static void init_thread(void *unused)
{
	run_steps(thread_steps, ARRAY_LEN(thread_steps));
	run_tests_if_asked();
	if (!initramfs_has_init())
		fs_mount_root();
	bootchart_mark("root");
	process_start_init();
}

void kernel_main(void)
{
	struct thread *t;

	run_steps(early_steps, ARRAY_LEN(early_steps));
	t = thread_create("init", init_thread, NULL, -1);
	if (!t)
		panic("no memory for the first thread");
	thread_start(t);
	thread_put(t);
	arch_irq_enable();
	sched_idle_loop();
}

void kernel_secondary_main(struct cpu *cpu)
{
	arch_cpu_early_init();
	sched_cpu_init(cpu);
	arch_cpu_init(cpu);
	audit_cpu();
	arch_irq_enable();
	sched_idle_loop();
}
