/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for the log's next record. Records come from any context, also from within a wake-up, so
 * log.c wakes nobody: the log daemon looks ten times a second while somebody waits.
 */
#include <kernel/daemon.h>
#include <kernel/log.h>
#include <kernel/time.h>
#include <kernel/waitq.h>

#define LOOK_NS (100 * NSEC_PER_MSEC)

extern const struct daemon daemon_log;
static struct waitq readers = WAITQ_INIT(readers);
static u32 waiting;		/* [a] those in log_wait */

int log_wait(u64 seq)
{
	int err;

	atomic_add(&waiting, 1u);
	daemon_poke(&daemon_log);
	err = waitq_wait_interruptible(&readers, log_seq_next() > seq);
	atomic_sub(&waiting, 1u);
	return err;
}

struct waitq *log_readers(void)
{
	daemon_poke(&daemon_log);
	return &readers;
}

static u64 log_round(void)
{
	static u64 told;	/* [a] */
	u64 next = log_seq_next();

	if (atomic_load(&told) != next) {
		atomic_store(&told, next);
		waitq_wake_all(&readers);
	}
	return atomic_load(&waiting) || !waitq_is_empty(&readers) ? LOOK_NS : DAEMON_POKED;
}

const struct daemon daemon_log = {
	.name = "log", .description = "wakes the readers of the kernel's log",
	.round = log_round, .watchdog_ns = 10 * NSEC_PER_SEC,
};
