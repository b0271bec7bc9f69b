/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys/kernel/mm/transparent_hugepage: whether the kernel makes large pages (kernel/mm/huge.c), worded as Linux does. */
#include <kernel/mm.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "sysfs_local.h"

static const char *const modes[] = { [HUGE_ALWAYS] = "always", [HUGE_MADVISE] = "madvise", [HUGE_NEVER] = "never" };

static int enabled_show(struct text *t, void *arg)
{
	enum huge_mode now = atomic_load(&huge_mode);

	for (unsigned i = 0; i < ARRAY_LEN(modes); i++)
		text_printf(t, i == now ? "%s[%s]" : "%s%s", i ? " " : "", modes[i]);
	text_printf(t, "\n");
	return 0;
}

static int enabled_store(const char *text, size_t len, void *arg)
{
	size_t n = len && text[len - 1] == '\n' ? len - 1 : len;

	for (unsigned i = 0; i < ARRAY_LEN(modes); i++)
		if (n == strlen(modes[i]) && !memcmp(text, modes[i], n)) {
			atomic_store(&huge_mode, (enum huge_mode)i);
			return 0;
		}
	return -EINVAL;
}

static int size_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", 512 * PAGE_SIZE);
	return 0;
}

static const struct virtual_file files[] = {
	{ "kernel/mm/transparent_hugepage/enabled", 0644, enabled_show, enabled_store },
	{ "kernel/mm/transparent_hugepage/hpage_pmd_size", 0444, size_show },
};

void sysfs_memory_add(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (sysfs_add(&files[i]))
			log_warn("sysfs: %s cannot be shown", files[i].path);
}
