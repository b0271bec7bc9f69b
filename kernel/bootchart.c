/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When each step of boot ended, counted from the kernel's first instruction; shown as
 * /proc/bootchart. Written by one thread at a time during boot, read-only afterwards.
 */
#include <arch/boot.h>
#include <arch/clock.h>
#include <kernel/boot.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/procfs.h>
#include <kernel/time.h>
#include <uapi/errno.h>

#define MARKS_MAX 64u

static struct mark {
	const char *name;
	u64 ticks;		/* since entry */
} marks[MARKS_MAX];
static unsigned nr_marks;
static bool is_finished;

void bootchart_mark(const char *name)
{
	if (is_finished || nr_marks == MARKS_MAX)
		return;
	marks[nr_marks++] = (struct mark){ name, arch_clock_read() - boot_info.entry_ticks };
}

static u64 ticks_to_us(u64 ticks)
{
	return (u64)((unsigned __int128)ticks * 1000000 / arch_clock_hz());
}

void bootchart_finish(void)
{
	if (is_finished)
		return;
	bootchart_mark("user");
	is_finished = true;
	log_info("boot: first user instruction after %llu us",
		 (unsigned long long)ticks_to_us(marks[nr_marks - 1].ticks));
}

static int bootchart_show(struct text *t, void *arg)
{
	u64 before = 0;

	text_printf(t, "%10s %10s step\n", "end_us", "took_us");
	for (unsigned i = 0; i < nr_marks; i++) {
		u64 us = ticks_to_us(marks[i].ticks);

		text_printf(t, "%10llu %10llu %s\n", (unsigned long long)us,
			    (unsigned long long)(us - before), marks[i].name);
		before = us;
	}
	return 0;
}

static const struct virtual_file bootchart_file = {
	.path = "bootchart", .mode = 0444, .show = bootchart_show,
};

int bootchart_register(void) { return procfs_add(&bootchart_file); }
