/* SPDX-License-Identifier: BSD-2-Clause */
/* The sys file system: registered names only. Machinery: kernel/fs/proc/tree.c. */
#include <kernel/block.h>
#include <kernel/cpu.h>
#include <lib/format.h>
#include <lib/string.h>
#include "../proc/virtual.h"

#define SYSFS_MAGIC 0x62656572

struct virtual_tree sysfs_tree;

static int cpu_list_show(struct text *t, void *arg)
{
	cpumask_t mask = arg ? BIT(cpu_count - 1) * 2 - 1 : atomic_load(&cpu_online_mask);
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
	return 0;
}

static int disk_size_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (unsigned long long)((struct block_device *)arg)->sectors);
	return 0;
}

static int disk_ro_show(struct text *t, void *arg)
{
	text_printf(t, "%d\n", ((struct block_device *)arg)->is_read_only);
	return 0;
}

static int disk_dev_show(struct text *t, void *arg)
{
	struct block_device *d = arg;

	text_printf(t, "%u:%u\n", MAJOR(d->dev), MINOR(d->dev));
	return 0;
}

static const struct virtual_file cpu_files[] = {
	{ "devices/system/cpu/online", 0444, cpu_list_show, NULL, NULL },
	{ "devices/system/cpu/possible", 0444, cpu_list_show, NULL, (void *)1 },
	{ "devices/system/cpu/present", 0444, cpu_list_show, NULL, (void *)1 },
};

/* One file of a disk; path and object live as long as the disk, which is for ever. */
static void add_disk_file(struct block_device *d, const char *name, int (*show)(struct text *t, void *arg))
{
	struct virtual_file *f = kzalloc(sizeof(*f), 0);
	char path[64];

	if (!f)
		return;
	if (d->whole)
		snprintf(path, sizeof(path), "block/%s/%s/%s", d->whole->name, d->name, name);
	else
		snprintf(path, sizeof(path), "block/%s/%s", d->name, name);
	*f = (struct virtual_file){ .path = kstrdup(path, 0), .mode = 0444, .show = show, .arg = d };
	if (!f->path || sysfs_add(f))
		log_warn("sysfs: %s cannot be shown", path);
}

static int add_disk(struct block_device *d, void *arg)
{
	add_disk_file(d, "size", disk_size_show);
	add_disk_file(d, "ro", disk_ro_show);
	add_disk_file(d, "dev", disk_dev_show);
	return 0;
}

static int sysfs_mount(struct super_block *sb, const char *data)
{
	return virtual_mount(sb, &sysfs_tree, NULL, NULL, SYSFS_MAGIC);
}

static struct file_system sysfs_file_system = {
	.name = "sysfs", .flags = FS_VIRTUAL | FS_SINGLE, .mount = sysfs_mount,
};

void sysfs_init(void)
{
	fs_register(&sysfs_file_system);
	for (unsigned i = 0; i < ARRAY_LEN(cpu_files); i++)
		if (sysfs_add(&cpu_files[i]))
			log_warn("sysfs: %s cannot be shown", cpu_files[i].path);
	block_for_each(add_disk, NULL);
}
