/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /sys/devices/system/node, with the one node that there is, and /sys/devices/system/cpu: which CPUs there are, how they are grouped in cores and packages, and the
 * switch that takes one out of use. kernel/sched/hotplug.c does it; firmware's cpu-map or CPUID said the topology.
 */
#include <kernel/cpu.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <lib/format.h>
#include <lib/string.h>
#include "sysfs_local.h"

static cpumask_t all_cpus(void) { return BIT(cpu_count - 1) * 2 - 1; }

/* "0-2,5" */
static void list_print(struct text *t, cpumask_t mask)
{
	bool first = true;

	while (mask) {
		unsigned from = ctz64(mask), to = from;

		while (to + 1 < MAX_CPUS && mask & BIT(to + 1))
			to++;
		text_printf(t, to > from ? "%s%u-%u" : "%s%u", first ? "" : ",", from, to);
		mask &= to == MAX_CPUS - 1 ? 0 : ~(BIT(to + 1) - 1);
		first = false;
	}
	text_printf(t, "\n");
}

static void mask_print(struct text *t, cpumask_t mask)
{
	if (mask >> 32)
		text_printf(t, "%x,%08x\n", (unsigned)(mask >> 32), (unsigned)mask);
	else
		text_printf(t, "%x\n", (unsigned)mask);
}

static int present_show(struct text *t, void *arg)
{
	list_print(t, all_cpus());
	return 0;
}

static int online_show(struct text *t, void *arg)
{
	list_print(t, atomic_load(&cpu_online_mask));
	return 0;
}

static int offline_show(struct text *t, void *arg)
{
	list_print(t, all_cpus() & ~atomic_load(&cpu_online_mask));
	return 0;
}

static int kernel_max_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", MAX_CPUS - 1);
	return 0;
}

/* The only node, number 0. */
static int node_show(struct text *t, void *arg)
{
	text_printf(t, "0\n");
	return 0;
}

static int node_cpumap_show(struct text *t, void *arg)
{
	mask_print(t, atomic_load(&cpu_online_mask));
	return 0;
}

static int node_distance_show(struct text *t, void *arg)
{
	text_printf(t, "10\n");		/* to itself, by ACPI's measure */
	return 0;
}

static int node_meminfo_show(struct text *t, void *arg)
{
	struct mm_stats s;

	mm_stats(&s);
	text_printf(t, "Node 0 MemTotal:       %8llu kB\nNode 0 MemFree:        %8llu kB\nNode 0 MemUsed:        %8llu kB\n",
		    (unsigned long long)s.total_pages * 4, (unsigned long long)s.free_pages * 4,
		    (unsigned long long)(s.total_pages - s.free_pages) * 4);
	return 0;
}

static const struct virtual_file files[] = {
	{ "devices/system/node/online", 0444, node_show, NULL, NULL },
	{ "devices/system/node/possible", 0444, node_show, NULL, NULL },
	{ "devices/system/node/has_cpu", 0444, node_show, NULL, NULL },
	{ "devices/system/node/has_memory", 0444, node_show, NULL, NULL },
	{ "devices/system/node/has_normal_memory", 0444, node_show, NULL, NULL },
	{ "devices/system/node/node0/cpumap", 0444, node_cpumap_show, NULL, NULL },
	{ "devices/system/node/node0/cpulist", 0444, online_show, NULL, NULL },
	{ "devices/system/node/node0/distance", 0444, node_distance_show, NULL, NULL },
	{ "devices/system/node/node0/meminfo", 0444, node_meminfo_show, NULL, NULL },
	{ "devices/system/cpu/online", 0444, online_show, NULL, NULL },
	{ "devices/system/cpu/offline", 0444, offline_show, NULL, NULL },
	{ "devices/system/cpu/possible", 0444, present_show, NULL, NULL },
	{ "devices/system/cpu/present", 0444, present_show, NULL, NULL },
	{ "devices/system/cpu/kernel_max", 0444, kernel_max_show, NULL, NULL },
};

static unsigned id_of(void *arg) { return (unsigned)(uintptr_t)arg; }

static int is_online_show(struct text *t, void *arg)
{
	text_printf(t, "%d\n", (atomic_load(&cpu_online_mask) & cpu_mask(id_of(arg))) != 0);
	return 0;
}

static int is_online_store(const char *text, size_t len, void *arg)
{
	if (!strcmp(text, "0") || !strcmp(text, "0\n"))
		return cpu_offline(id_of(arg));
	if (!strcmp(text, "1") || !strcmp(text, "1\n"))
		return cpu_online(id_of(arg));
	return -EINVAL;
}

static bool same_package(const struct cpu_topology *a, const struct cpu_topology *b) { return a->package == b->package; }

static bool same_cluster(const struct cpu_topology *a, const struct cpu_topology *b)
{
	return same_package(a, b) && a->cluster == b->cluster;
}

static bool same_core(const struct cpu_topology *a, const struct cpu_topology *b)
{
	return same_cluster(a, b) && a->core == b->core;
}

/* The online CPUs that share something with this one, itself included. */
static cpumask_t mates(unsigned id, bool (*shares)(const struct cpu_topology *a, const struct cpu_topology *b))
{
	cpumask_t mask = 0;
	struct cpu *cpu;

	cpu_for_each(cpu, atomic_load(&cpu_online_mask))
		if (shares(cpu_topology(id), cpu_topology(cpu->id)))
			mask |= cpu_mask(cpu->id);
	return mask;
}

static int package_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", cpu_topology(id_of(arg))->package);
	return 0;
}

static int cluster_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", cpu_topology(id_of(arg))->cluster);
	return 0;
}

static int core_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", cpu_topology(id_of(arg))->core);
	return 0;
}

static int threads_show(struct text *t, void *arg)
{
	mask_print(t, mates(id_of(arg), same_core));
	return 0;
}

static int threads_list_show(struct text *t, void *arg)
{
	list_print(t, mates(id_of(arg), same_core));
	return 0;
}

static int clusters_list_show(struct text *t, void *arg)
{
	list_print(t, mates(id_of(arg), same_cluster));
	return 0;
}

static int cores_show(struct text *t, void *arg)
{
	mask_print(t, mates(id_of(arg), same_package));
	return 0;
}

static int cores_list_show(struct text *t, void *arg)
{
	list_print(t, mates(id_of(arg), same_package));
	return 0;
}

/* Of each CPU, the first of those that may leave only; Linux has old and new names for the same thing. */
static const struct virtual_file cpu_files[] = {
	{ "online", 0644, is_online_show, is_online_store, NULL },
	{ "topology/physical_package_id", 0444, package_show, NULL, NULL },
	{ "topology/cluster_id", 0444, cluster_show, NULL, NULL },
	{ "topology/core_id", 0444, core_show, NULL, NULL },
	{ "topology/thread_siblings", 0444, threads_show, NULL, NULL },
	{ "topology/thread_siblings_list", 0444, threads_list_show, NULL, NULL },
	{ "topology/core_cpus", 0444, threads_show, NULL, NULL },
	{ "topology/core_cpus_list", 0444, threads_list_show, NULL, NULL },
	{ "topology/cluster_cpus_list", 0444, clusters_list_show, NULL, NULL },
	{ "topology/core_siblings", 0444, cores_show, NULL, NULL },
	{ "topology/core_siblings_list", 0444, cores_list_show, NULL, NULL },
	{ "topology/package_cpus", 0444, cores_show, NULL, NULL },
	{ "topology/package_cpus_list", 0444, cores_list_show, NULL, NULL },
};

/* Path and object live for ever. */
static void add_one(unsigned id, const struct virtual_file *model)
{
	struct virtual_file *f = kzalloc(sizeof(*f), 0);
	char path[96];

	if (!f)
		return;
	snprintf(path, sizeof(path), "devices/system/cpu/cpu%u/%s", id, model->path);
	*f = *model;
	f->path = kstrdup(path, 0);
	f->arg = (void *)(uintptr_t)id;
	if (!f->path || sysfs_add(f))
		log_warn("sysfs: %s cannot be shown", path);
}

void sysfs_cpus_add(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (sysfs_add(&files[i]))
			log_warn("sysfs: %s cannot be shown", files[i].path);
	for (unsigned id = 0; id < cpu_count; id++)
		for (unsigned i = cpu_may_leave(id) ? 0 : 1; i < ARRAY_LEN(cpu_files); i++)
			add_one(id, &cpu_files[i]);
}
