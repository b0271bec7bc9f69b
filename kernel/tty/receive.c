/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the driver's interrupt to the line discipline: bytes go into the raw ring, and one kernel
 * thread ("tty") feeds them to input_byte, because that sends signals to process groups
 * and takes sleeping locks. Locks: raw_lock per terminal, worker_lock for the thread's list.
 */
#include "internal.h"
#include <kernel/log.h>

#define BATCH 64u

static struct spinlock worker_lock = SPINLOCK_INIT("tty worker", LOCK_TTY_INPUT);
static struct list worker_list = LIST_INIT(worker_list);	/* worker_lock */
static struct waitq worker_wait = WAITQ_INIT(worker_wait);

void tty_work(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&worker_lock);

	if (!t->is_queued) {
		t->is_queued = true;
		ref_get(&t->refs);	/* the list's */
		list_push_back(&worker_list, &t->work_link);
	}
	spin_unlock_irqrestore(&worker_lock, flags);
	waitq_wake_all(&worker_wait);
}

void tty_port_receive(struct tty_port *port, const u8 *data, size_t len, enum tty_flag flag)
{
	struct tty *t = port->tty;
	bool throttle;
	unsigned long flags;

	if (t == NULL || len == 0)
		return;
	flags = spin_lock_irqsave(&t->raw_lock);
	for (size_t i = 0; i < len && t->raw_head - t->raw_tail < RAW_SIZE; i++) {
		t->raw[t->raw_head % RAW_SIZE] = data[i];
		t->raw_flag[t->raw_head % RAW_SIZE] = (u8)flag;
		t->raw_head++;
	}
	throttle = !t->is_throttled && t->raw_head - t->raw_tail > RAW_SIZE / 4 * 3;
	if (throttle)
		t->is_throttled = true;
	spin_unlock_irqrestore(&t->raw_lock, flags);
	if (throttle && port->ops->throttle)
		port->ops->throttle(port, true);
	tty_work(t);
}

void tty_port_writable(struct tty_port *port)
{
	struct tty *t = port->tty;
	unsigned long flags;

	if (t == NULL)
		return;
	flags = spin_lock_irqsave(&t->raw_lock);
	t->needs_flush = true;
	spin_unlock_irqrestore(&t->raw_lock, flags);
	tty_work(t);
}

static unsigned raw_take(struct tty *t, u8 *bytes, u8 *kinds, bool *flush)
{
	unsigned long flags = spin_lock_irqsave(&t->raw_lock);
	unsigned n = 0;

	for (; n < BATCH && t->raw_tail != t->raw_head; n++, t->raw_tail++) {
		bytes[n] = t->raw[t->raw_tail % RAW_SIZE];
		kinds[n] = t->raw_flag[t->raw_tail % RAW_SIZE];
	}
	*flush = t->needs_flush;
	t->needs_flush = false;
	spin_unlock_irqrestore(&t->raw_lock, flags);
	return n;
}

/* Non-canonical input waits in the raw ring while readers lag; canonical input must go on (^C). */
static bool may_take(const struct tty *t)
{
	return has_flag(t->termios.c_lflag, ICANON) || line_room(t) > BATCH;
}

void tty_unthrottle(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&t->raw_lock);
	bool more = t->raw_head != t->raw_tail;

	spin_unlock_irqrestore(&t->raw_lock, flags);
	if (more)
		tty_work(t);
}

static void process_input(struct tty *t)
{
	u8 bytes[BATCH], kinds[BATCH];
	bool flush, open_again;
	unsigned n;
	unsigned long flags;

	do {
		mutex_lock(&t->lock);
		n = 0;
		flush = false;
		if (may_take(t))
			n = raw_take(t, bytes, kinds, &flush);
		for (unsigned i = 0; i < n; i++)
			input_byte(t, bytes[i], (enum tty_flag)kinds[i]);
		output_flush(t);
		if (flush || n)
			waitq_wake(&t->write_wait, ~0u, POLLOUT | POLLWRNORM);
		flags = spin_lock_irqsave(&t->raw_lock);
		open_again = t->is_throttled && t->raw_head - t->raw_tail < RAW_SIZE / 4;
		if (open_again)
			t->is_throttled = false;
		spin_unlock_irqrestore(&t->raw_lock, flags);
		if (open_again && t->port && t->port->ops->throttle)
			t->port->ops->throttle(t->port, false);
		mutex_unlock(&t->lock);
	} while (n == BATCH);
}

static struct tty *worker_next(void)
{
	unsigned long flags = spin_lock_irqsave(&worker_lock);
	struct list *l = list_pop_front(&worker_list);
	struct tty *t = l ? list_entry(l, struct tty, work_link) : NULL;

	if (t)
		t->is_queued = false;
	spin_unlock_irqrestore(&worker_lock, flags);
	return t;
}

static void worker(void *unused)
{
	while (true) {
		struct tty *t;

		waitq_wait(&worker_wait, !list_empty(&worker_list));
		while ((t = worker_next()) != NULL) {
			process_input(t);
			tty_put(t);
		}
	}
}

void receive_init(void)
{
	struct thread *t = thread_create("tty", worker, NULL, -1);

	if (t == NULL)
		panic("no memory for the terminals' thread");
	thread_start(t);
	thread_put(t);
}
