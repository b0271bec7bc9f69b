/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel log: a ring of records (level, time, CPU, text) and the consoles that print
 * it. Any context; consoles are written outside run-queue and timer locks. Lines need
 * no newline at the end.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <lib/compiler.h>
#include <lib/list.h>

struct waitq;

enum log_level { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

void log_write(enum log_level level, const char *fmt, ...) __printf(2, 3);
#define log_err(...) log_write(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/* A place the log is printed to. write: any context, interrupts off, polls; len bytes of text. */
struct log_console {
	struct list link;
	const char *name;	/* "ttyS0" as console= names it */
	void (*write)(struct log_console *con, const char *text, size_t len);
};
/* Prints every new record; what came before, too, unless the early output has shown it (first console). */
void log_console_register(struct log_console *con);
void log_console_unregister(struct log_console *con);
/* Records with a level below this go to the consoles (quiet: 4, loglevel=, default 7). */
void log_set_console_level(unsigned level);
unsigned log_console_level(void);
/* On panic: break the console lock, print everything from now on at once. */
void log_panic_mode(void);
/*
 * Copies records from sequence number *seq on as "<level>[sec.usec] text\n"; advances *seq.
 * Returns bytes; 0: none newer. For syslog(2), /dev/kmsg, /proc/kmsg. Records that were
 * overwritten are skipped.
 */
size_t log_read(u64 *seq, char *buf, size_t size);
u64 log_seq_first(void);
u64 log_seq_next(void);
/* Until there is a record of that number or later, at most 100 ms late: 0 or -EINTR. */
int log_wait(u64 seq);
/* Woken after a new record; for poll: added to the table first, then again asked for. */
struct waitq *log_readers(void);

#endif
