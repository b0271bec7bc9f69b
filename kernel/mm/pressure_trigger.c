/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Triggers on pressure (<kernel/pressure.h>; Linux, Documentation/accounting/psi): each has a timer that looks ten times per
 * window how much the sum has risen since the window began, and tells of it at most once per window. Sliding as Linux's: of the
 * window before as much counts as the present one still lacks. The timer alone changes the numbers; `is_due` is atomic.
 */
#include <kernel/cred.h>
#include <kernel/fs.h>
#include <kernel/pressure.h>
#include <kernel/procfs.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/errno.h>

#define LOOKS 10u			/* per window */
#define LOOK_MIN_NS NSEC_PER_MSEC
#define WINDOW_MAX_US 10000000u
#define WINDOW_STEP_US 2000000u		/* for programs without CAP_SYS_RESOURCE */

struct trigger {
	struct timer timer;
	struct waitq wait;
	struct pressure_source from;
	unsigned kind;
	u64 threshold_ns, window_ns;
	u64 start_ns, start_total, previous;	/* the present window's; growth in the one before */
	u64 told_ns;
	u32 is_due;				/* [a] not told to a poll yet */
};

/* How much the sum has grown within one window up to now. */
static u64 growth(struct trigger *t, u64 now)
{
	u64 total = t->from.total_ns(t->from.arg, t->kind), passed = now - t->start_ns, grown;

	grown = total > t->start_total ? total - t->start_total : 0;
	if (passed > t->window_ns) {
		t->start_ns = now;
		t->start_total = total;
		t->previous = grown;
		return grown;
	}
	return grown + (t->previous >> 10) * ((t->window_ns - passed) >> 10) / max(t->window_ns >> 10, 1ull) * 1024;
}

static void look(struct timer *timer)
{
	struct trigger *t = container_of(timer, struct trigger, timer);
	u64 now = time_ns();

	if (growth(t, now) >= t->threshold_ns && now >= t->told_ns + t->window_ns) {
		t->told_ns = now;
		atomic_store(&t->is_due, 1u);
		waitq_wake(&t->wait, ~0u, POLLPRI);
	}
	timer_arm(timer, now + max(t->window_ns / LOOKS, LOOK_MIN_NS), 0);
}

/* "some 150000 1000000": microseconds. */
static int parse(const char *text, struct trigger *t)
{
	u64 threshold, window;
	const char *end;

	if (!strncmp(text, "some ", 5))
		t->kind = PRESSURE_SOME;
	else if (!strncmp(text, "full ", 5))
		t->kind = PRESSURE_FULL;
	else
		return -EINVAL;
	if (parse_u64_prefix(text + 5, 10, &threshold, &end) || *end != ' ' || parse_u64_prefix(end + 1, 10, &window, &end))
		return -EINVAL;
	if (!window || window > WINDOW_MAX_US || !threshold || threshold > window)
		return -EINVAL;
	if (window % WINDOW_STEP_US && !capable(CAP_SYS_RESOURCE))
		return -EINVAL;
	t->threshold_ns = threshold * NSEC_PER_USEC;
	t->window_ns = window * NSEC_PER_USEC;
	return 0;
}

int pressure_trigger_store(void **state, const char *text, const struct pressure_source *from)
{
	struct trigger *t;
	int err;

	if (*state)
		return -EBUSY;
	t = kzalloc(sizeof(*t), 0);
	if (!t)
		return -ENOMEM;
	err = parse(text, t);
	if (err) {
		kfree(t);
		return err;
	}
	waitq_init(&t->wait);
	timer_init(&t->timer, look);
	t->from = *from;
	t->start_ns = time_ns();
	t->start_total = from->total_ns(from->arg, t->kind);
	timer_arm(&t->timer, t->start_ns + max(t->window_ns / LOOKS, LOOK_MIN_NS), 0);
	atomic_store_release(state, (void *)t);		/* pairs with the poll's load */
	return 0;
}

/* Without a trigger there is nothing to wait for: an error, as Linux says it. */
u32 pressure_trigger_poll(void *state, struct file *file, struct poll_table *table)
{
	u32 ready = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	struct trigger *t = state;

	if (!t)
		return ready | POLLERR | POLLPRI;
	poll_wait(table, file, &t->wait);
	return atomic_xchg(&t->is_due, 0u) ? ready | POLLPRI : ready;
}

void pressure_trigger_release(void *state)
{
	struct trigger *t = state;

	(void)timer_cancel_sync(&t->timer);
	kfree(t);
}
