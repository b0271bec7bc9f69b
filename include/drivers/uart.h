/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What serial drivers share (drivers/serial/uart.c): a transmit ring fed by the terminal, interrupt-driven
 * receive, a log console that polls. A driver gives the register accesses in struct uart_ops.
 * Lock: uart.lock for the ring and the registers.
 */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include <kernel/device.h>
#include <kernel/log.h>
#include <kernel/tty.h>

#define UART_RING 4096u		/* power of two */

struct uart;
struct uart_ops {
	/* How many bytes the transmitter takes now. */
	unsigned (*tx_room)(struct uart *u);
	void (*tx)(struct uart *u, u8 c);
	void (*tx_irq)(struct uart *u, bool on);	/* "room again" interrupt */
	/* Takes a received byte and its state; false: none. */
	bool (*rx)(struct uart *u, u8 *c, enum tty_flag *flag);
	/* Was the interrupt ours? Acknowledges it. */
	bool (*irq)(struct uart *u);
	void (*set_termios)(struct uart *u, const struct ktermios *t);	/* NULL ok */
};
struct uart {
	const struct uart_ops *ops;
	struct device *dev;
	struct tty_port port;
	struct log_console console;
	char name[16];
	int irq;			/* negative: polled output only, no input */
	struct spinlock lock;
	u8 ring[UART_RING];		/* [lock] */
	u32 head, tail;			/* [lock] put at head, sent from tail; free-running */
	bool tx_irq_on;			/* [lock] */
	bool starved;			/* [lock] the terminal waits for room */
};

/*
 * Ready hardware becomes terminal and, if it is the one the user or firmware chose, log console:
 * name "ttyS0", device number, base that firmware's stdout-path may name. 0 or -errno of irq_request
 * and tty_register.
 */
int uart_start(struct uart *u, const char *name, dev_t number, paddr_t base);

#endif
