/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware's console as hvc0 (RISC-V SBI 2.0 chapter 12, DBCN; without it the legacy calls): for
 * boards whose serial port has no driver, or by console=hvc0. It has no interrupt: while the terminal
 * is open a timer asks for input.
 */
#include <arch/boot.h>
#include <arch/sbi.h>
#include <kernel/boot.h>
#include <kernel/device.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/time.h>
#include <kernel/tty.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define HVC_MAJOR 229u
#define POLL_NS (20 * NSEC_PER_MSEC)
#define BATCH 64u

struct sbi_console {
	struct tty_port port;
	struct log_console console;
	struct timer poll;
	bool has_dbcn;
	bool is_open;			/* [a] */
};
static struct spinlock lock = SPINLOCK_INIT("sbi console", LOCK_UART);
static u8 bounce[BATCH];		/* lock; in the image, so physically contiguous */

static void put_batch(struct sbi_console *c, const u8 *data, size_t n)
{
	size_t sent = 0;

	if (!c->has_dbcn) {
		for (size_t i = 0; i < n; i++)
			sbi_call(SBI_EXT_LEGACY_PUTCHAR, 0, data[i], 0, 0, 0);
		return;
	}
	memcpy(bounce, data, n);
	while (sent < n) {
		struct sbi_ret r = sbi_call(SBI_EXT_DBCN, SBI_DBCN_WRITE, n - sent, image_to_phys(bounce + sent), 0, 0);

		/* It may take less than asked for; an error loses the rest. */
		if (r.error || r.value < 0 || (size_t)r.value > n - sent)
			return;
		sent += (size_t)r.value;
	}
}

static size_t hvc_write(struct tty_port *port, const u8 *data, size_t len)
{
	unsigned long flags = spin_lock_irqsave(&lock);

	for (size_t at = 0; at < len; at += BATCH)
		put_batch(port->data, data + at, min(len - at, (size_t)BATCH));
	spin_unlock_irqrestore(&lock, flags);
	return len;
}

static size_t hvc_write_room(struct tty_port *port) { return 4096; }	/* firmware waits */

static void hvc_log(struct log_console *con, const char *text, size_t len)
{
	struct sbi_console *c = container_of(con, struct sbi_console, console);

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			hvc_write(&c->port, (const u8 *)"\r", 1);
		hvc_write(&c->port, (const u8 *)&text[i], 1);
	}
}

/* Up to BATCH bytes of input. */
static size_t get_batch(struct sbi_console *c, u8 *buf)
{
	size_t n = 0;

	if (c->has_dbcn) {
		unsigned long flags = spin_lock_irqsave(&lock);
		struct sbi_ret r = sbi_call(SBI_EXT_DBCN, SBI_DBCN_READ, BATCH, image_to_phys(bounce), 0, 0);

		n = r.error || r.value < 0 ? 0 : min((size_t)r.value, (size_t)BATCH);
		memcpy(buf, bounce, n);
		spin_unlock_irqrestore(&lock, flags);
		return n;
	}
	while (n < BATCH) {
		long ch = sbi_call(SBI_EXT_LEGACY_GETCHAR, 0, 0, 0, 0, 0).error;	/* -1: none */

		if (ch < 0)
			break;
		buf[n++] = (u8)ch;
	}
	return n;
}

static void hvc_poll(struct timer *t)
{
	struct sbi_console *c = container_of(t, struct sbi_console, poll);
	u8 buf[BATCH];
	size_t n;

	while ((n = get_batch(c, buf)) != 0)
		tty_port_receive(&c->port, buf, n, TTY_NORMAL);
	if (atomic_load(&c->is_open))
		timer_arm(&c->poll, time_ns() + POLL_NS, NSEC_PER_MSEC);
}

static int hvc_open(struct tty_port *port)
{
	struct sbi_console *c = port->data;

	atomic_store(&c->is_open, true);
	timer_arm(&c->poll, time_ns() + POLL_NS, NSEC_PER_MSEC);
	return 0;
}

static void hvc_close(struct tty_port *port)
{
	struct sbi_console *c = port->data;

	atomic_store(&c->is_open, false);
	timer_cancel_sync(&c->poll);
}

static const struct tty_port_ops hvc_ops = {
	.write = hvc_write, .write_room = hvc_write_room, .open = hvc_open, .close = hvc_close,
};

/* console=hvc0 anywhere; without any console= only when firmware names no serial port. */
static bool is_log_console(void)
{
	const char *word;
	unsigned n = 0;

	for (; (word = cmdline_get_nth("console", n)) != NULL; n++)
		if (strcmp(word, "hvc0") == 0)
			return true;
	return n == 0 && !boot_info.uart_base;
}

static int sbi_console_probe(struct device *dev)
{
	struct sbi_console *c = device_state(dev);
	int err;

	c->has_dbcn = sbi_probe(SBI_EXT_DBCN);
	c->port.ops = &hvc_ops;
	c->port.data = c;
	c->console.name = "hvc0";
	c->console.write = hvc_log;
	timer_init(&c->poll, hvc_poll);
	err = tty_register(&c->port, "hvc0", HVC_MAJOR << 8);
	if (err)
		return err;
	if (is_log_console())
		log_console_register(&c->console);
	return 0;
}

static const struct driver_match sbi_console_match[] = {
	{ .compatible = "riscv,sbi" },
	{},
};
const struct driver driver_sbi_console = {
	.name = "sbi-console", .match = sbi_console_match, .bus = BUS_PLATFORM,
	.state_size = sizeof(struct sbi_console), .probe = sbi_console_probe, .level = 2,
};
