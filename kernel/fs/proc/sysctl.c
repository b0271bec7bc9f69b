/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys: settings and facts that programs ask for by name. Subsystems add their own. */
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/uts.h>
#include <kernel/version.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include "virtual.h"

int procfs_number_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (unsigned long long)READ_ONCE(*((struct procfs_number *)arg)->value));
	return 0;
}

int procfs_number_store(const char *text, size_t len, void *arg)
{
	const struct procfs_number *s = arg;
	const char *end;
	u64 v;

	if (parse_u64_prefix(text, 10, &v, &end) || (*end && *end != '\n' && *end != ' ') || v < s->min || v > s->max)
		return -EINVAL;
	WRITE_ONCE(*s->value, v / s->unit * s->unit);
	return 0;
}

static int uts_show(struct text *t, void *arg)
{
	char name[UTS_NAME_MAX + 1];

	uts_get((enum uts_name)(uintptr_t)arg, name);
	text_printf(t, "%s\n", name);
	return 0;
}

static int uts_store(const char *text, size_t len, void *arg)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len && text[len - 1] == '\n')
		len--;
	return uts_set((enum uts_name)(uintptr_t)arg, text, len);
}

static int string_show(struct text *t, void *arg)
{
	text_printf(t, "%s\n", (const char *)arg);
	return 0;
}

static int uuid_show(struct text *t, void *arg)
{
	static u8 boot_id[16];
	static bool has_boot_id;
	u8 fresh[16], *id = arg ? boot_id : fresh;

	if (!arg || !has_boot_id)
		random_bytes(id, 16);
	has_boot_id |= arg != NULL;
	id[6] = (u8)((id[6] & 0x0f) | 0x40);	/* version 4, RFC 9562 */
	id[8] = (u8)((id[8] & 0x3f) | 0x80);
	for (unsigned i = 0; i < 16; i++)
		text_printf(t, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
	text_printf(t, "\n");
	return 0;
}

static int entropy_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", random_entropy_bits());
	return 0;
}

static int pid_max_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", atomic_load(&pid_max));
	return 0;
}

static int pid_max_store(const char *text, size_t len, void *arg)
{
	const char *end;
	u64 v;

	if (parse_u64_prefix(text, 10, &v, &end) || (*end && *end != '\n'))
		return -EINVAL;
	return pid_max_set(v);
}

static const struct virtual_file files[] = {
	{ "sys/kernel/hostname", 0644, uts_show, uts_store, (void *)UTS_HOST, &uts_events[UTS_HOST] },
	{ "sys/kernel/domainname", 0644, uts_show, uts_store, (void *)UTS_DOMAIN, &uts_events[UTS_DOMAIN] },
	{ "sys/kernel/ostype", 0444, string_show, NULL, (void *)KERNEL_NAME },
	{ "sys/kernel/osrelease", 0444, string_show, NULL, (void *)KERNEL_RELEASE },
	{ "sys/kernel/version", 0444, string_show, NULL, (void *)KERNEL_BUILD },
	{ "sys/kernel/pid_max", 0644, pid_max_show, pid_max_store },
	{ "sys/kernel/ngroups_max", 0444, string_show, NULL, (void *)"65536" },
	{ "sys/kernel/cap_last_cap", 0444, string_show, NULL, (void *)"40" },
	{ "sys/kernel/random/boot_id", 0444, uuid_show, NULL, (void *)1 },
	{ "sys/kernel/random/uuid", 0444, uuid_show },
	{ "sys/kernel/random/entropy_avail", 0444, entropy_show },
	{ "sys/kernel/random/poolsize", 0444, string_show, NULL, (void *)"256" },
};

void procfs_sysctl_register(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("procfs: %s cannot be shown", files[i].path);
}
