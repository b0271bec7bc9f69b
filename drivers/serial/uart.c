/* SPDX-License-Identifier: BSD-2-Clause */
/* The common part of serial drivers; see include/drivers/uart.h. */
#include <arch/boot.h>
#include <drivers/uart.h>
#include <kernel/boot.h>
#include <kernel/time.h>
#include <lib/string.h>

#define RX_BATCH 64u
#define TX_POLLS 100000u	/* a transmitter that never empties loses bytes, not the machine */

static u32 ring_used(const struct uart *u) { return u->head - u->tail; }

/* Moves bytes from the ring into the transmitter. */
static void tx_push(struct uart *u)
{
	lock_assert_held(&u->lock);
	while (ring_used(u)) {
		unsigned room = u->ops->tx_room(u);

		if (!room)
			break;
		for (; room && ring_used(u); room--)
			u->ops->tx(u, u->ring[u->tail++ % UART_RING]);
	}
	if (u->irq >= 0 && u->tx_irq_on != (ring_used(u) != 0)) {
		u->tx_irq_on = !u->tx_irq_on;
		u->ops->tx_irq(u, u->tx_irq_on);
	}
}

/* Sends one byte now; gives up on dead hardware. */
static void tx_poll(struct uart *u, u8 c)
{
	for (unsigned i = 0; i < TX_POLLS; i++) {
		if (u->ops->tx_room(u)) {
			u->ops->tx(u, c);
			return;
		}
		arch_cpu_relax();
	}
}

static size_t uart_write(struct tty_port *port, const u8 *data, size_t len)
{
	struct uart *u = port->data;
	unsigned long flags = spin_lock_irqsave(&u->lock);
	size_t n = 0;

	if (u->irq < 0) {
		for (; n < len; n++)
			tx_poll(u, data[n]);
	}
	while (n < len && ring_used(u) < UART_RING)
		u->ring[u->head++ % UART_RING] = data[n++];
	u->starved |= n < len;
	tx_push(u);
	spin_unlock_irqrestore(&u->lock, flags);
	return n;
}

static size_t uart_write_room(struct tty_port *port)
{
	struct uart *u = port->data;
	unsigned long flags = spin_lock_irqsave(&u->lock);
	size_t room = UART_RING - ring_used(u);

	u->starved |= room == 0;
	spin_unlock_irqrestore(&u->lock, flags);
	return room;
}

static void uart_set_termios(struct tty_port *port, const struct ktermios *t)
{
	struct uart *u = port->data;
	unsigned long flags;

	if (!u->ops->set_termios)
		return;
	flags = spin_lock_irqsave(&u->lock);
	u->ops->set_termios(u, t);
	spin_unlock_irqrestore(&u->lock, flags);
}

/* Sleeps by the timer: a line at 9600 baud needs four seconds for a full ring. */
static void uart_drain(struct tty_port *port)
{
	struct uart *u = port->data;

	while (u->irq >= 0 && atomic_load(&u->head) != atomic_load(&u->tail))
		if (sleep_until(time_ns() + NSEC_PER_MSEC, true))
			return;
}

static const struct tty_port_ops uart_port_ops = {
	.write = uart_write, .write_room = uart_write_room, .set_termios = uart_set_termios, .drain = uart_drain,
};

/* Fills buf with received bytes of one kind; *flag tells which. Returns how many. */
static unsigned rx_take(struct uart *u, u8 *buf, enum tty_flag *flag)
{
	unsigned n = 0;
	enum tty_flag f;

	while (n < RX_BATCH && u->ops->rx(u, &buf[n], &f)) {
		n++;
		*flag = f;
		if (f != TTY_NORMAL)
			break;		/* the caller splits it off */
	}
	return n;
}

static bool uart_irq(void *arg)
{
	struct uart *u = arg;
	enum tty_flag flag = TTY_NORMAL;
	u8 buf[RX_BATCH];
	unsigned n;
	bool room;

	if (!u->ops->irq(u))
		return false;
	do {
		spin_lock(&u->lock);
		n = rx_take(u, buf, &flag);
		tx_push(u);
		room = u->starved && ring_used(u) < UART_RING / 2;
		if (room)
			u->starved = false;
		spin_unlock(&u->lock);
		if (n && flag != TTY_NORMAL) {
			tty_port_receive(&u->port, buf, n - 1, TTY_NORMAL);
			tty_port_receive(&u->port, buf + n - 1, 1, flag);
			flag = TTY_NORMAL;
		} else if (n) {
			tty_port_receive(&u->port, buf, n, TTY_NORMAL);
		}
		if (room)
			tty_port_writable(&u->port);
	} while (n);
	return true;
}

/*
 * The log. A CPU that was stopped may hold the lock when we panic: after some time the registers
 * are used without it.
 */
static void uart_console_write(struct log_console *con, const char *text, size_t len)
{
	struct uart *u = container_of(con, struct uart, console);
	bool locked = false;

	for (unsigned i = 0; i < TX_POLLS && !(locked = spin_trylock(&u->lock)); i++)
		arch_cpu_relax();
	/* What programs wrote before goes out first. */
	while (locked && ring_used(u))
		tx_poll(u, u->ring[u->tail++ % UART_RING]);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			tx_poll(u, '\r');
		tx_poll(u, (u8)text[i]);
	}
	if (locked)
		spin_unlock(&u->lock);
}

/* console=NAME[,options] in any place; without such a word the one firmware names. */
static bool is_log_console(const struct uart *u, paddr_t base)
{
	size_t len = strlen(u->name);
	const char *word;
	unsigned n = 0;

	for (; (word = cmdline_get_nth("console", n)) != NULL; n++)
		if (strncmp(word, u->name, len) == 0 && (word[len] == '\0' || word[len] == ','))
			return true;
	return n == 0 && (!boot_info.uart_base || boot_info.uart_base == base);
}

int uart_start(struct uart *u, const char *name, dev_t number, paddr_t base)
{
	int err;

	strlcpy(u->name, name, sizeof(u->name));
	spin_init(&u->lock, "uart", LOCK_UART);
	u->port.ops = &uart_port_ops;
	u->port.data = u;
	u->console.name = u->name;
	u->console.write = uart_console_write;
	err = tty_register(&u->port, u->name, number);
	if (err)
		return err;
	if (u->irq >= 0) {
		err = irq_request((u32)u->irq, uart_irq, u, IRQ_SHARED, u->name);
		if (err) {
			tty_unregister(&u->port);
			return err;
		}
	}
	if (is_log_console(u, base))
		log_console_register(&u->console);
	log_info("%s: %s at 0x%llx, irq %d", u->name, u->dev->name, (unsigned long long)base, u->irq);
	return 0;
}
