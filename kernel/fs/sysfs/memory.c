/* SPDX-License-Identifier: BSD-2-Clause */
/* /sys/kernel/mm/transparent_hugepage: when the kernel makes large pages (kernel/mm/huge.c, collapse.c), worded as Linux does. */
#include <kernel/mm.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "sysfs_local.h"

#define DIR "kernel/mm/transparent_hugepage/"

/* A file that shows several words, the one that holds in brackets. */
struct choice {
	const char *words[5];
	u32 *value;
};
static_assert(sizeof(huge_mode) == sizeof(u32) && sizeof(huge_defrag) == sizeof(u32), "choices are words");

static struct choice enabled = { { [HUGE_ALWAYS] = "always", [HUGE_MADVISE] = "madvise", [HUGE_NEVER] = "never" }, (u32 *)&huge_mode };
static struct choice defrag = {
	{ [DEFRAG_ALWAYS] = "always", [DEFRAG_DEFER] = "defer", [DEFRAG_DEFER_MADVISE] = "defer+madvise",
	  [DEFRAG_MADVISE] = "madvise", [DEFRAG_NEVER] = "never" }, (u32 *)&huge_defrag
};

static int choice_show(struct text *t, void *arg)
{
	const struct choice *c = arg;
	u32 now = atomic_load(c->value);

	for (unsigned i = 0; i < ARRAY_LEN(c->words) && c->words[i]; i++)
		text_printf(t, i == now ? "%s[%s]" : "%s%s", i ? " " : "", c->words[i]);
	text_printf(t, "\n");
	return 0;
}

static int choice_store(const char *text, size_t len, void *arg)
{
	const struct choice *c = arg;
	size_t n = len && text[len - 1] == '\n' ? len - 1 : len;

	for (unsigned i = 0; i < ARRAY_LEN(c->words) && c->words[i]; i++)
		if (n == strlen(c->words[i]) && !memcmp(text, c->words[i], n)) {
			atomic_store(c->value, i);
			huge_collector_poke();
			return 0;
		}
	return -EINVAL;
}

static int size_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", 512 * PAGE_SIZE);
	return 0;
}

/* A number of the collector's; those without a largest value are only shown. */
struct number {
	u64 *value, least, most;
};

static int number_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (unsigned long long)atomic_load(((struct number *)arg)->value));
	return 0;
}

static int number_store(const char *text, size_t len, void *arg)
{
	const struct number *n = arg;
	const char *end;
	u64 v;

	if (parse_u64_prefix(text, 10, &v, &end) || v < n->least || v > n->most)
		return -EINVAL;
	atomic_store(n->value, v);
	huge_collector_poke();
	return 0;
}

static int flag_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", atomic_load((bool *)arg));
	return 0;
}

static int flag_store(const char *text, size_t len, void *arg)
{
	const char *end;
	u64 v;

	if (parse_u64_prefix(text, 10, &v, &end) || v > 1)
		return -EINVAL;
	atomic_store((bool *)arg, v != 0);
	return 0;
}

#define NUMBER(name, field, least, most) \
	{ DIR "khugepaged/" name, 0644, number_show, number_store, &(struct number){ &huge_collector.field, least, most } }
#define COUNTER(name, field) { DIR "khugepaged/" name, 0444, number_show, NULL, &(struct number){ &huge_collector.field, 0, 0 } }

static const struct virtual_file files[] = {
	{ DIR "enabled", 0644, choice_show, choice_store, &enabled },
	{ DIR "defrag", 0644, choice_show, choice_store, &defrag },
	{ DIR "hpage_pmd_size", 0444, size_show },
	{ DIR "khugepaged/defrag", 0644, flag_show, flag_store, &huge_collector.defrag },
	NUMBER("alloc_sleep_millisecs", alloc_sleep_ms, 0, 0xffffffffull),
	NUMBER("scan_sleep_millisecs", scan_sleep_ms, 0, 0xffffffffull),
	NUMBER("pages_to_scan", pages_to_scan, 1, 0xffffffffull),
	NUMBER("max_ptes_none", max_none, 0, 511),
	NUMBER("max_ptes_shared", max_shared, 0, 511),
	NUMBER("max_ptes_swap", max_swap, 0, 511),
	COUNTER("pages_collapsed", pages_collapsed),
	COUNTER("full_scans", full_scans),
};

void sysfs_memory_add(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (sysfs_add(&files[i]))
			log_warn("sysfs: %s cannot be shown", files[i].path);
}
