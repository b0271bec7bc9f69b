/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/fs: limits of open files and pipes (proc(5)); inotify adds its own. */
#include <kernel/fs.h>
#include <kernel/pipe.h>
#include <lib/string.h>
#include "virtual.h"

static int file_nr_show(struct text *t, void *arg)
{
	/* The middle number is always 0 on Linux too: unused files are not kept. */
	text_printf(t, "%llu\t0\t%llu\n", (unsigned long long)atomic_load(&files_open), (unsigned long long)READ_ONCE(files_max));
	return 0;
}

static int pipe_max_store(const char *text, size_t len, void *arg)
{
	const char *end;
	u64 v;

	if (parse_u64_prefix(text, 10, &v, &end) || (*end && *end != '\n' && *end != ' '))
		return -EINVAL;
	return pipe_set_max_size(v);
}

#define NUMBER(word, low, high) procfs_number_show, procfs_number_store, &(struct procfs_number){ &word, low, high, 1 }

static const struct virtual_file files[] = {
	{ "sys/fs/file-max", 0644, NUMBER(files_max, 0, S64_MAX) },
	{ "sys/fs/file-nr", 0444, file_nr_show },
	{ "sys/fs/mount-max", 0644, NUMBER(mount_max, 1, U32_MAX / 2) },
	{ "sys/fs/nr_open", 0644, NUMBER(fd_max, 64, FD_LIMIT) },
	{ "sys/fs/pipe-max-size", 0644, procfs_number_show, pipe_max_store, &(struct procfs_number){ .value = &pipe_max_size } },
	{ "sys/fs/pipe-user-pages-hard", 0644, NUMBER(pipe_user_pages_hard, 0, S64_MAX) },
	{ "sys/fs/pipe-user-pages-soft", 0644, NUMBER(pipe_user_pages_soft, 0, S64_MAX) },
};

void procfs_sysctl_fs_register(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("procfs: %s cannot be shown", files[i].path);
}
