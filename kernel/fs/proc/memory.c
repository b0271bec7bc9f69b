/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's memory in /proc: meminfo, vmstat, zoneinfo, buddyinfo, slabinfo, worded as Linux does (proc(5)). */
#include <kernel/mm.h>
#include <kernel/pagecache.h>
#include <kernel/pressure.h>
#include <lib/string.h>
#include "virtual.h"

typedef unsigned long long ull;

/* Caches whose objects the shrinkers can give back. */
static u64 reclaimable_slabs(void)
{
	struct slab_info s;
	u64 pages = 0;

	for (u32 i = 0; slab_cache_info(i, &s); i++)
		if (!strcmp(s.name, "dentry") || strstr(s.name, "inode"))
			pages += s.slabs * s.pages_per_slab;
	return pages;
}

static int pressure_memory_show(struct text *t, void *arg)
{
	pressure_show(t, &pressure_memory);
	return 0;
}

static int pressure_io_show(struct text *t, void *arg)
{
	pressure_show(t, &pressure_io);
	return 0;
}

static void kib_line(struct text *t, const char *name, u64 pages)
{
	text_printf(t, "%-15s %8llu kB\n", name, (ull)(pages << (PAGE_SHIFT - 10)));
}

static int meminfo_show(struct text *t, void *arg)
{
	u64 active, inactive, reclaimable = reclaimable_slabs(), droppable;
	struct mm_stats m;

	mm_stats(&m);
	pagecache_lru_counts(&active, &inactive);
	droppable = m.file_pages > m.dirty_pages + m.mapped_pages ? m.file_pages - m.dirty_pages - m.mapped_pages : 0;
	kib_line(t, "MemTotal:", m.total_pages);
	kib_line(t, "MemFree:", m.free_pages);
	kib_line(t, "MemAvailable:", m.free_pages + droppable + reclaimable / 2);
	kib_line(t, "Buffers:", 0);
	kib_line(t, "Cached:", m.file_pages + m.shmem_pages);
	kib_line(t, "SwapCached:", 0);
	kib_line(t, "Active:", active + m.anon_pages);
	kib_line(t, "Inactive:", inactive);
	kib_line(t, "Active(anon):", m.anon_pages);
	kib_line(t, "Inactive(anon):", 0);
	kib_line(t, "Active(file):", active);
	kib_line(t, "Inactive(file):", inactive);
	kib_line(t, "SwapTotal:", 0);
	kib_line(t, "SwapFree:", 0);
	kib_line(t, "Dirty:", m.dirty_pages);
	kib_line(t, "Writeback:", m.writeback_pages);
	kib_line(t, "AnonPages:", m.anon_pages);
	kib_line(t, "Mapped:", m.mapped_pages);
	kib_line(t, "Shmem:", m.shmem_pages);
	kib_line(t, "KReclaimable:", reclaimable);
	kib_line(t, "Slab:", m.slab_pages);
	kib_line(t, "SReclaimable:", reclaimable);
	kib_line(t, "SUnreclaim:", m.slab_pages > reclaimable ? m.slab_pages - reclaimable : 0);
	kib_line(t, "KernelStack:", m.kstack_pages);
	kib_line(t, "PageTables:", m.pagetable_pages);
	kib_line(t, "CommitLimit:", m.commit_limit_pages);
	kib_line(t, "Committed_AS:", m.committed_pages);
	kib_line(t, "AnonHugePages:", m.huge << 9);
	kib_line(t, "VmallocTotal:", (arch_layout.vmap_end - arch_layout.vmap_base) >> PAGE_SHIFT);
	kib_line(t, "HugePages_Total:", 0);
	kib_line(t, "Hugepagesize:", 512);
	return 0;
}

static int vmstat_show(struct text *t, void *arg)
{
	u64 active, inactive, reclaimable = reclaimable_slabs();
	struct mm_stats m;

	mm_stats(&m);
	pagecache_lru_counts(&active, &inactive);
	text_printf(t, "nr_free_pages %llu\nnr_inactive_file %llu\nnr_active_file %llu\nnr_slab_reclaimable %llu\n"
		    "nr_slab_unreclaimable %llu\n", (ull)m.free_pages, (ull)inactive, (ull)active, (ull)reclaimable,
		    (ull)(m.slab_pages - min(m.slab_pages, reclaimable)));
	text_printf(t, "nr_anon_pages %llu\nnr_mapped %llu\nnr_file_pages %llu\nnr_dirty %llu\nnr_writeback %llu\nnr_shmem %llu\n",
		    (ull)m.anon_pages, (ull)m.mapped_pages, (ull)(m.file_pages + m.shmem_pages), (ull)m.dirty_pages,
		    (ull)m.writeback_pages, (ull)m.shmem_pages);
	text_printf(t, "nr_kernel_stack %llu\nnr_page_table_pages %llu\npgalloc_normal %llu\npgfree %llu\npgfault %llu\n"
		    "pgmajfault %llu\npgsteal_file %llu\noom_kill %llu\n", (ull)(m.kstack_pages << (PAGE_SHIFT - 10)),
		    (ull)m.pagetable_pages, (ull)m.pgalloc, (ull)m.pgfree, (ull)m.faults, (ull)m.major_faults,
		    (ull)m.reclaimed, (ull)m.oom_kills);
	text_printf(t, "workingset_refault_file %llu\n", (ull)atomic_load(&pagecache_refaults));
	text_printf(t, "nr_anon_transparent_hugepages %llu\nthp_fault_alloc %llu\nthp_fault_fallback %llu\nthp_split_pmd %llu\n"
		    "thp_collapse_alloc %llu\nthp_collapse_alloc_failed %llu\n", (ull)m.huge, (ull)m.huge_alloc, (ull)m.huge_fallback,
		    (ull)m.huge_split, (ull)m.huge_collapsed, (ull)m.huge_collapse_failed);
	text_printf(t, "compact_migrate_scanned %llu\ncompact_free_scanned %llu\ncompact_isolated %llu\ncompact_stall %llu\n"
		    "compact_fail %llu\ncompact_success %llu\npgmigrate_success %llu\npgmigrate_fail %llu\n",
		    (ull)m.compact_scanned, (ull)m.compact_free_scanned, (ull)m.compact_isolated, (ull)m.compact_stall,
		    (ull)m.compact_fail, (ull)m.compact_success, (ull)m.migrated, (ull)m.migrate_failed);
	return 0;
}

static int buddyinfo_show(struct text *t, void *arg)
{
	struct zone_info z;

	for (unsigned i = 0; zone_info_get(i, &z); i++) {
		if (!z.present)
			continue;
		text_printf(t, "Node 0, zone %8s ", z.name);
		for (unsigned o = 0; o <= PAGE_ORDER_MAX; o++)
			text_printf(t, "%6llu ", (ull)z.blocks[o]);
		text_append(t, "\n", 1);
	}
	return 0;
}

static int pagetypeinfo_show(struct text *t, void *arg)
{
	static const char *const names[PAGE_KINDS] = { [PAGES_MOVABLE] = "Movable", [PAGES_UNMOVABLE] = "Unmovable" };
	struct zone_info z;

	text_printf(t, "Page block order: %d\nPages per block:  %d\n\nFree pages count per migrate type at order ", PAGE_ORDER_MAX,
		    1 << PAGE_ORDER_MAX);
	for (unsigned o = 0; o <= PAGE_ORDER_MAX; o++)
		text_printf(t, "%6u ", o);
	text_printf(t, "\n");
	for (unsigned i = 0; zone_info_get(i, &z); i++)
		for (unsigned kind = 0; z.present && kind < PAGE_KINDS; kind++) {
			u64 blocks[PAGE_ORDER_MAX + 1];

			zone_kind_counts(i, (enum page_kind)kind, blocks);
			text_printf(t, "Node    0, zone %8s, type %12s ", z.name, names[kind]);
			for (unsigned o = 0; o <= PAGE_ORDER_MAX; o++)
				text_printf(t, "%6llu ", (ull)blocks[o]);
			text_printf(t, "\n");
		}
	text_printf(t, "\nNumber of blocks type      Movable    Unmovable \n");
	for (unsigned i = 0; zone_info_get(i, &z); i++) {
		u64 blocks[PAGE_KINDS];

		if (!z.present)
			continue;
		zone_block_counts(i, blocks);
		text_printf(t, "Node 0, zone %8s %12llu %12llu \n", z.name, (ull)blocks[PAGES_MOVABLE], (ull)blocks[PAGES_UNMOVABLE]);
	}
	return 0;
}

static int zoneinfo_show(struct text *t, void *arg)
{
	bool is_first = true;
	u64 active, inactive;
	struct zone_info z;
	struct mm_stats m;

	mm_stats(&m);
	pagecache_lru_counts(&active, &inactive);
	for (unsigned i = 0; zone_info_get(i, &z); i++) {
		if (!z.present)
			continue;
		text_printf(t, "Node 0, zone %8s\n", z.name);
		if (is_first)
			text_printf(t, "  per-node stats\n      nr_inactive_file %llu\n      nr_active_file %llu\n"
				    "      nr_anon_pages %llu\n      nr_mapped    %llu\n      nr_file_pages %llu\n"
				    "      nr_dirty     %llu\n      nr_writeback %llu\n      nr_shmem     %llu\n", (ull)inactive,
				    (ull)active, (ull)m.anon_pages, (ull)m.mapped_pages,
				    (ull)(m.file_pages + m.shmem_pages), (ull)m.dirty_pages, (ull)m.writeback_pages,
				    (ull)m.shmem_pages);
		is_first = false;
		text_printf(t, "  pages free     %llu\n        min      %llu\n        low      %llu\n        high     %llu\n"
			    "        spanned  %llu\n        present  %llu\n        managed  %llu\n", (ull)z.free, (ull)z.min,
			    (ull)z.low, (ull)z.high, (ull)z.spanned, (ull)z.present, (ull)z.managed);
		text_printf(t, "  start_pfn:           %llu\n", (ull)z.start_pfn);
	}
	return 0;
}

static int slabinfo_show(struct text *t, void *arg)
{
	struct slab_info s;

	text_printf(t, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> "
		    "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> "
		    "<sharedavail>\n");
	for (u32 i = 0; slab_cache_info(i, &s); i++)
		text_printf(t, "%-17s %6llu %6llu %6zu %4u %4u : tunables %4u %4u %4u : slabdata %6llu %6llu %6u\n", s.name,
			    (ull)s.used, (ull)(s.slabs * s.per_slab), s.slot_size, s.per_slab, s.pages_per_slab, 0, 0, 0,
			    (ull)s.slabs, (ull)s.slabs, 0);
	return 0;
}

static const struct virtual_file files[] = {
	{ "pressure/memory", 0666, pressure_memory_show, NULL, (void *)&pressure_memory_source, .watch = &pressure_watch },
	{ "pressure/io", 0666, pressure_io_show, NULL, (void *)&pressure_io_source, .watch = &pressure_watch },
	{ "meminfo", 0444, meminfo_show }, { "vmstat", 0444, vmstat_show }, { "buddyinfo", 0444, buddyinfo_show },
	{ "zoneinfo", 0444, zoneinfo_show }, { "pagetypeinfo", 0400, pagetypeinfo_show }, { "slabinfo", 0400, slabinfo_show },
};

void procfs_memory_register(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("procfs: %s cannot be shown", files[i].path);
}
