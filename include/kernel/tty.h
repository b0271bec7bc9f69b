/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals: a tty joins a port (serial line, console, pty) with a line discipline, termios, a
 * session and a foreground group. Lock: tty.lock (mutex, LOCK_TTY) for termios and job control;
 * the input buffer has its own spinlock so that interrupts can feed it.
 */
#ifndef KERNEL_TTY_H
#define KERNEL_TTY_H

#include <kernel/fs.h>
#include <uapi/termios.h>

struct tty;
struct tty_port;
/* What a port may want to know of its terminal. Several at once. */
#define TTY_EVENT_FLUSHED_INPUT BIT(0)
#define TTY_EVENT_FLUSHED_OUTPUT BIT(1)
#define TTY_EVENT_STOPPED BIT(2)
#define TTY_EVENT_STARTED BIT(3)
#define TTY_EVENT_TERMIOS BIT(4)
#define TTY_EVENT_ROOM BIT(5)		/* input was read */
struct tty_port_ops {
	/* Takes up to len bytes to send; returns how many it took (0: full, tty_port_writable comes later). Any context. */
	size_t (*write)(struct tty_port *port, const u8 *data, size_t len);
	size_t (*write_room)(struct tty_port *port);
	void (*set_termios)(struct tty_port *port, const struct ktermios *t);	/* NULL ok */
	void (*throttle)(struct tty_port *port, bool stop_input);		/* NULL ok */
	void (*drain)(struct tty_port *port);	/* waits until all is sent; NULL ok */
	int (*open)(struct tty_port *port);	/* first open; NULL ok */
	void (*close)(struct tty_port *port);	/* last close; NULL ok */
	void (*event)(struct tty_port *port, u32 events);	/* TTY_EVENT_*, tty.lock held; NULL ok */
};
struct tty_port {		/* embedded in the driver's state */
	const struct tty_port_ops *ops;
	void *data;
	struct tty *tty;	/* set by tty_register */
};
void tty_init(void);	/* boot step, after fs_init: the thread, /dev/tty, /dev/console, /dev/ptmx */
/* Creates /dev/NAME (dev number) for a port. 0, -ENOMEM, -EEXIST. */
int tty_register(struct tty_port *port, const char *name, dev_t dev);
void tty_unregister(struct tty_port *port);
/* From the driver, any context: received bytes; flag TTY_* per call. */
enum tty_flag { TTY_NORMAL, TTY_BREAK, TTY_PARITY, TTY_FRAME, TTY_OVERRUN };
void tty_port_receive(struct tty_port *port, const u8 *data, size_t len, enum tty_flag flag);
void tty_port_writable(struct tty_port *port);	/* room again */
void tty_port_hangup(struct tty_port *port);
/* /dev/console: the last console= that exists, else stdout-path's / the first port. NULL: none yet. */
struct tty *tty_console(void);
/* The name and number of what tty_console answers; false: there is none. */
bool tty_console_name(char *name, size_t size, dev_t *dev);
void tty_console_prefer(const char *name);	/* console= */
/* Number and foreground group (-1: none), for /proc. Any context that holds the process tree lock. */
void tty_describe(const struct tty *tty, dev_t *dev, pid_t *pgrp);
/* Process exit of a session leader: hang up, disassociate. */
void tty_session_end(struct process *leader);

#endif
