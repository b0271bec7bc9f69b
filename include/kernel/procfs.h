/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text files in /proc and /sys. An owner registers a path and a show function; the text is made
 * afresh at each open-read from position 0 and kept until the file is closed.
 */
#ifndef KERNEL_PROCFS_H
#define KERNEL_PROCFS_H

#include <kernel/waitq.h>
#include <lib/compiler.h>

/* Growing text buffer; out of memory is remembered and becomes the read's -ENOMEM. */
struct text {
	char *buf;
	size_t len, size;
	bool failed;
};
void text_printf(struct text *t, const char *fmt, ...) __printf(2, 3);
void text_append(struct text *t, const char *s, size_t n);

/* What a file's text tells of has changed: who polls it gets POLLERR | POLLPRI once (proc(5), /proc/self/mounts). */
struct virtual_event {
	u32 count;		/* [a] */
	struct waitq wait;
};
#define VIRTUAL_EVENT_INIT(e) { .wait = WAITQ_INIT((e).wait) }
void virtual_event_raise(struct virtual_event *e);	/* not in interrupts */

struct file;
struct poll_table;
/*
 * What a program asks of a file by writing to it and is told of by poll, until it closes it: *state is the open file's own,
 * NULL at first. `of`: virtual_file.arg, or the group. store: the whole write, NUL-ended; 0 or -errno. One store at a time.
 */
struct text_watch {
	int (*store)(void **state, const char *text, void *of);
	u32 (*poll)(void *state, struct file *file, struct poll_table *table);	/* state may be NULL; poll NULL: never tells of changes */
	void (*release)(void *state);
	int (*show)(struct text *t, void *state);	/* once there is a state; NULL: as without. Groups' files only */
};

struct virtual_file {
	const char *path;	/* "meminfo", "sys/kernel/hostname"; directories appear by themselves */
	u32 mode;		/* permission bits */
	int (*show)(struct text *t, void *arg);
	/* Whole write at position 0, NUL-ended, at most 4095 bytes; 0 or -errno. NULL: not writable. */
	int (*store)(const char *text, size_t len, void *arg);
	void *arg;
	struct virtual_event *event;	/* NULL: polls never tell of changes */
	const struct text_watch *watch;	/* takes writes and polls in place of store and event; NULL */
};
int procfs_add(const struct virtual_file *f);	/* const object, kept by reference; 0, -EEXIST, -ENOMEM */
/* A number that may be changed, as a file's arg: these two show and store it. */
struct procfs_number {
	u64 *value;		/* plain word */
	u64 min, max;		/* outside: -EINVAL */
	u64 unit;		/* written numbers are rounded down to a multiple */
};
int procfs_number_show(struct text *t, void *arg);
int procfs_number_store(const char *text, size_t len, void *arg);
int sysfs_add(const struct virtual_file *f);
int sysfs_add_link(const char *path, const char *target);
void sysfs_remove(const char *path);

#endif
