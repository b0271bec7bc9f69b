/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/daemons: a line of `key=value` fields per kernel daemon; what is written to it are commands. */
#include <kernel/procfs.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "daemons.h"

typedef unsigned long long ull;

static int daemons_show(struct text *t, void *arg)
{
	mutex_lock(&daemons_lock);
	for (unsigned i = 0; i < daemon_table_len; i++) {
		const struct daemon_state *s = &daemon_states[i];
		const struct sup_unit *u = daemon_unit(s);
		u64 ran = s->runtime_before + (s->thread ? sched_runtime_ns(s->thread) : 0);

		text_printf(t, "name=%s state=%s result=%s restarts=%u waiting=%s rounds=%llu left_behind=%u cpu_us=%llu "
			    "since_ns=%llu watchdog_ms=%llu description=%s\n", s->d->name, sup_state_name(u->state),
			    sup_result_name(u->result), u->restarts, u->is_waiting_restart ? "yes" : "no",
			    (ull)atomic_load(&s->rounds), s->left_behind, (ull)(ran / 1000), (ull)u->since,
			    (ull)(u->watchdog / NSEC_PER_MSEC), s->d->description);
	}
	mutex_unlock(&daemons_lock);
	return 0;
}

/* ---- commands ----------------------------------------------------------------------------------- */

static int errno_of(int error)
{
	switch (error) {
	case SUP_OK:
		return 0;
	case SUP_EINVALID:
		return -EINVAL;
	case SUP_EFAILED:
		return -EIO;
	default:
		return -EBUSY;
	}
}

/* start, stop, restart: the engine's jobs. */
static int job(struct daemon_state *s, u8 event)
{
	int err = errno_of(daemons_post(s, event, 0));

	return err ? err : daemon_wait_job(s);
}

static bool is_up(const struct daemon_state *s)
{
	const struct sup_unit *u = daemon_unit(s);

	return u->state == SUP_RUNNING && !u->job;
}

static int kill_it(struct daemon_state *s)
{
	int err = -EBUSY;

	mutex_lock(&daemons_lock);
	if (is_up(s)) {
		s->was_killed = true;
		atomic_store(&s->ends, 1u);
		waitq_wake_all(&s->wait);
		err = 0;
	}
	mutex_unlock(&daemons_lock);
	return err;
}

static int make_stuck(struct daemon_state *s, u32 how)
{
	int err = -EBUSY;

	mutex_lock(&daemons_lock);
	if (is_up(s)) {
		atomic_store(&s->stuck, how);
		err = 0;
	}
	mutex_unlock(&daemons_lock);
	if (!err)
		daemon_poke(s->d);
	return err;
}

static int set_watchdog(struct daemon_state *s, u64 ms)
{
	if (!ms || ms > 3600 * 1000)
		return -EINVAL;
	mutex_lock(&daemons_lock);
	daemon_unit(s)->watchdog = ms * NSEC_PER_MSEC;
	mutex_unlock(&daemons_lock);
	return errno_of(daemons_post(s, SUP_EV_PING, 0));
}

static struct daemon_state *find(const char *name, size_t len)
{
	for (unsigned i = 0; i < daemon_table_len; i++)
		if (strlen(daemon_table[i]->name) == len && !memcmp(daemon_table[i]->name, name, len))
			return &daemon_states[i];
	return NULL;
}

static size_t word_len(const char *text)
{
	size_t n = 0;

	while (text[n] && text[n] != ' ' && text[n] != '\n')
		n++;
	return n;
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(text, word, len);
}

int daemons_command(const char *text)
{
	size_t verb = word_len(text), name;
	const char *at = text + verb, *end;
	struct daemon_state *s;
	u64 ms = 0;

	if (*at++ != ' ')
		return -EINVAL;
	name = word_len(at);
	s = find(at, name);
	end = at + name;
	if (is_word(text, verb, "watchdog") && (*end != ' ' || parse_u64_prefix(end + 1, 10, &ms, &end)))
		return -EINVAL;
	if (*end && (*end != '\n' || end[1]))
		return -EINVAL;
	if (!s)
		return -ENOENT;
	if (is_word(text, verb, "start"))
		return job(s, SUP_EV_START);
	if (is_word(text, verb, "stop"))
		return job(s, SUP_EV_STOP);
	if (is_word(text, verb, "restart"))
		return job(s, SUP_EV_RESTART);
	if (is_word(text, verb, "kill"))
		return kill_it(s);
	if (is_word(text, verb, "stall"))
		return make_stuck(s, STUCK_STALLED);
	if (is_word(text, verb, "hang"))
		return make_stuck(s, STUCK_HANGING);
	return is_word(text, verb, "watchdog") ? set_watchdog(s, ms) : -EINVAL;
}

static int daemons_store(const char *text, size_t len, void *arg)
{
	return daemons_command(text);
}

int daemons_proc_register(void)
{
	static const struct virtual_file file = { "daemons", 0644, daemons_show, daemons_store };

	return procfs_add(&file);
}
