/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's own files in /proc: CPUs, times, devices (memory: memory.c). Formats as proc(5) gives them. */
#include <kernel/block.h>
#include <kernel/boot.h>
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/uts.h>
#include <kernel/version.h>
#include "virtual.h"

#define NS_PER_TICK (NSEC_PER_SEC / 100)
typedef unsigned long long ull;

static int cpuinfo_show(struct text *t, void *arg)
{
	char *page = kmalloc(PAGE_SIZE, 0);
	struct cpu *cpu;

	if (!page)
		return -ENOMEM;
	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		int n = arch_cpu_describe(cpu, page, PAGE_SIZE);

		text_append(t, page, (size_t)min(n, (int)PAGE_SIZE - 1));
		text_append(t, "\n", 1);
	}
	kfree(page);
	return 0;
}

static void cpu_line(struct text *t, const char *name, const struct sched_cpu_stats *s)
{
	text_printf(t, "%s %llu %llu %llu %llu %llu %llu 0 0 0 0\n", name, (ull)(s->user_ns / NS_PER_TICK),
		    (ull)(s->nice_ns / NS_PER_TICK), (ull)(s->system_ns / NS_PER_TICK), (ull)(s->idle_ns / NS_PER_TICK),
		    (ull)(s->iowait_ns / NS_PER_TICK), (ull)(s->irq_ns / NS_PER_TICK));
}

static void stats_add(struct sched_cpu_stats *to, const struct sched_cpu_stats *from)
{
	to->user_ns += from->user_ns;
	to->nice_ns += from->nice_ns;
	to->system_ns += from->system_ns;
	to->idle_ns += from->idle_ns;
	to->iowait_ns += from->iowait_ns;
	to->irq_ns += from->irq_ns;
	to->switches += from->switches;
	to->runnable += from->runnable;
}

static void stats_sum(struct sched_cpu_stats *sum)
{
	struct sched_cpu_stats s;
	struct cpu *cpu;

	*sum = (struct sched_cpu_stats){};
	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		sched_cpu_stats(cpu->id, &s);
		stats_add(sum, &s);
	}
}

static u64 interrupts_total(void)
{
	struct irq_stat st;
	u64 sum = 0;

	for (u32 irq = 0; irq_stat_get(irq, &st); irq++)
		for (unsigned c = 0; c < cpu_count; c++)
			sum += st.count[c];
	return sum;
}

static int stat_show(struct text *t, void *arg)
{
	struct sched_cpu_stats s;
	struct cpu *cpu;
	char name[8];

	stats_sum(&s);
	cpu_line(t, "cpu ", &s);
	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		struct sched_cpu_stats one;

		sched_cpu_stats(cpu->id, &one);
		scnprintf(name, sizeof(name), "cpu%u", cpu->id);
		cpu_line(t, name, &one);
	}
	text_printf(t, "intr %llu\nctxt %llu\nbtime %lld\nprocesses %llu\nprocs_running %llu\nprocs_blocked 0\n",
		    (ull)interrupts_total(), (ull)s.switches,
		    (long long)((time_wall_ns() - (s64)time_boot_ns()) / (s64)NSEC_PER_SEC), (ull)process_forks(),
		    (ull)max(s.runnable, 1ull));
	return 0;
}

static int uptime_show(struct text *t, void *arg)
{
	struct sched_cpu_stats s;
	u64 up = time_boot_ns();

	stats_sum(&s);
	text_printf(t, "%llu.%02llu %llu.%02llu\n", (ull)(up / NSEC_PER_SEC), (ull)(up % NSEC_PER_SEC / 10000000),
		    (ull)(s.idle_ns / NSEC_PER_SEC), (ull)(s.idle_ns % NSEC_PER_SEC / 10000000));
	return 0;
}

static int loadavg_show(struct text *t, void *arg)
{
	struct sched_cpu_stats s;
	u64 load[3];

	sched_loadavg(load);
	stats_sum(&s);
	for (unsigned i = 0; i < 3; i++)
		text_printf(t, "%llu.%02llu ", (ull)(load[i] >> 11), (ull)((load[i] & 2047) * 100 >> 11));
	text_printf(t, "%llu/%u %d\n", (ull)s.runnable, process_count(), current->tid);
	return 0;
}

static int version_show(struct text *t, void *arg)
{
	text_printf(t, "%s version %s (Trivet) (gcc) %s\n", KERNEL_NAME, KERNEL_RELEASE, KERNEL_BUILD);
	return 0;
}

static int cmdline_show(struct text *t, void *arg)
{
	text_printf(t, "%s\n", cmdline_raw());
	return 0;
}

static int add_type(const struct file_system *fs, void *arg)
{
	text_printf(arg, "%s\t%s\n", fs->flags & FS_NEEDS_DEVICE ? "" : "nodev", fs->name);
	return 0;
}

static int filesystems_show(struct text *t, void *arg)
{
	fs_for_each_type(add_type, t);
	return 0;
}

static int add_partition(struct block_device *dev, void *arg)
{
	text_printf(arg, "%4u %8u %10llu %s\n", MAJOR(dev->dev), MINOR(dev->dev), (ull)(dev->sectors / 2), dev->name);
	return 0;
}

static int partitions_show(struct text *t, void *arg)
{
	text_printf(t, "major minor  #blocks  name\n\n");
	block_for_each(add_partition, t);
	return 0;
}

static int add_disk(struct block_device *d, void *arg)
{
	const struct block_stats *s = &d->stats;

	text_printf(arg, "%4u %7u %s %llu 0 %llu %llu %llu 0 %llu %llu %llu %llu %llu 0 0 0 0 %llu %llu\n", MAJOR(d->dev),
		    MINOR(d->dev), d->name, (ull)s->ios[0], (ull)s->sectors[0], (ull)(s->ns[0] / NSEC_PER_MSEC),
		    (ull)s->ios[1], (ull)s->sectors[1], (ull)(s->ns[1] / NSEC_PER_MSEC), (ull)s->in_flight,
		    (ull)((s->ns[0] + s->ns[1]) / NSEC_PER_MSEC), (ull)((s->ns[0] + s->ns[1]) / NSEC_PER_MSEC),
		    (ull)s->ios[2], (ull)(s->ns[2] / NSEC_PER_MSEC));
	return 0;
}

static int diskstats_show(struct text *t, void *arg)
{
	block_for_each(add_disk, t);
	return 0;
}

static int interrupts_show(struct text *t, void *arg)
{
	struct irq_stat st;

	text_printf(t, "     ");
	for (unsigned c = 0; c < cpu_count; c++)
		text_printf(t, "       CPU%u", c);
	text_printf(t, "\n");
	for (u32 irq = 0; irq_stat_get(irq, &st); irq++) {
		if (!st.name)
			continue;
		text_printf(t, "%3u: ", st.irq);
		for (unsigned c = 0; c < cpu_count; c++)
			text_printf(t, "%10llu ", (ull)st.count[c]);
		text_printf(t, " %s  %s\n", st.chip ? st.chip : "", st.name);
	}
	return 0;
}

static int swaps_show(struct text *t, void *arg)
{
	text_printf(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");	/* tabs: libmount knows the line by them */
	return 0;
}

static struct virtual_event swaps_event = VIRTUAL_EVENT_INIT(swaps_event);	/* there is no swap: never raised */

static const struct virtual_file files[] = {
	{ "cpuinfo", 0444, cpuinfo_show },
	{ "stat", 0444, stat_show }, { "uptime", 0444, uptime_show }, { "loadavg", 0444, loadavg_show },
	{ "version", 0444, version_show }, { "cmdline", 0444, cmdline_show },
	{ "filesystems", 0444, filesystems_show }, { "partitions", 0444, partitions_show },
	{ "diskstats", 0444, diskstats_show }, { "interrupts", 0444, interrupts_show },
	{ "swaps", 0444, swaps_show, .event = &swaps_event },
};

void procfs_system_register(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("procfs: %s cannot be shown", files[i].path);
	virtual_tree_add(&procfs_tree, "mounts", NULL, "self/mounts");
}
