/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 16550 serial port and its kin, by memory or by x86 ports (National Semiconductor PC16550D data
 * sheet). reg-shift and reg-io-width as the device tree says.
 */
#include <drivers/uart.h>
#include <kernel/panic.h>
#include <lib/format.h>
#include <uapi/errno.h>

enum reg { REG_DATA, REG_IER, REG_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCRATCH, REG_IIR = REG_FCR };
#define IER_RX 1
#define IER_TX 2
#define IER_LINE 4
#define IIR_NONE 1
#define FCR_ENABLE_CLEAR 7
#define LCR_8N1 3
#define LCR_BREAK 0x40
#define LCR_DLAB 0x80
#define MCR_DTR_RTS_OUT2 0x0b
#define LSR_DATA 1
#define LSR_OVERRUN 2
#define LSR_PARITY 4
#define LSR_FRAME 8
#define LSR_BREAK 0x10
#define LSR_TX_EMPTY 0x20
#define FIFO_BYTES 16u
#define TTY_MAJOR 4u
#define TTYS_MINOR 64u
#define PORTS_MAX 8u

struct ns16550 {
	struct uart uart;
	u8 __iomem *regs;	/* NULL: by ports */
	int port;
	u32 shift, width;
	u8 ier;			/* uart.lock */
};
static u32 nr_ports;		/* under the device core's lock; ttyS numbers in order of probing */

static u8 reg_read(struct ns16550 *s, enum reg reg)
{
	if (!s->regs)
		return port_read8((u16)(s->port + reg));
	if (s->width == 4)
		return (u8)mmio_read32((u32 __iomem *)(s->regs + ((u32)reg << s->shift)));
	return mmio_read8(s->regs + ((u32)reg << s->shift));
}

static void reg_write(struct ns16550 *s, enum reg reg, u8 v)
{
	if (!s->regs)
		port_write8((u16)(s->port + reg), v);
	else if (s->width == 4)
		mmio_write32((u32 __iomem *)(s->regs + ((u32)reg << s->shift)), v);
	else
		mmio_write8(s->regs + ((u32)reg << s->shift), v);
}

static struct ns16550 *of(struct uart *u) { return container_of(u, struct ns16550, uart); }

static unsigned ns16550_tx_room(struct uart *u)
{
	return reg_read(of(u), REG_LSR) & LSR_TX_EMPTY ? FIFO_BYTES : 0;
}

static void ns16550_tx(struct uart *u, u8 c) { reg_write(of(u), REG_DATA, c); }

static void ns16550_tx_irq(struct uart *u, bool on)
{
	struct ns16550 *s = of(u);

	s->ier = (u8)(on ? s->ier | IER_TX : s->ier & ~IER_TX);
	reg_write(s, REG_IER, s->ier);
}

static bool ns16550_rx(struct uart *u, u8 *c, enum tty_flag *flag)
{
	u8 lsr = reg_read(of(u), REG_LSR);

	if (!(lsr & LSR_DATA) || lsr == 0xff)
		return false;	/* 0xff: nobody there */
	*c = reg_read(of(u), REG_DATA);
	*flag = lsr & LSR_BREAK ? TTY_BREAK : lsr & LSR_PARITY ? TTY_PARITY : lsr & LSR_FRAME ? TTY_FRAME :
		lsr & LSR_OVERRUN ? TTY_OVERRUN : TTY_NORMAL;
	return true;
}

static bool ns16550_irq(struct uart *u)
{
	return !(reg_read(of(u), REG_IIR) & IIR_NONE);	/* reading takes back a transmit interrupt */
}

static const struct uart_ops ns16550_ops = {
	.tx_room = ns16550_tx_room, .tx = ns16550_tx, .tx_irq = ns16550_tx_irq,
	.rx = ns16550_rx, .irq = ns16550_irq,
};

/* Is there a scratch register that keeps its value? An 8250 has none; nobody has those. */
static bool is_there(struct ns16550 *s)
{
	reg_write(s, REG_SCRATCH, 0x5a);
	if (reg_read(s, REG_SCRATCH) != 0x5a)
		return false;
	reg_write(s, REG_SCRATCH, 0xa5);
	return reg_read(s, REG_SCRATCH) == 0xa5;
}

static int ns16550_probe(struct device *dev)
{
	struct ns16550 *s = device_state(dev);
	const struct resource *mmio = device_resource(dev, RES_MMIO, 0);
	char name[16];
	int err;

	if (nr_ports == PORTS_MAX)
		return -ENOSPC;
	s->width = 1;
	device_prop_u32(dev, "reg-shift", &s->shift);
	device_prop_u32(dev, "reg-io-width", &s->width);
	if (s->shift > 4 || (s->width != 1 && s->width != 4))
		return -EINVAL;
	s->port = device_port(dev, 0);
	if (mmio && mmio->size < 8ull << s->shift)
		return -EINVAL;
	s->regs = mmio ? device_mmio(dev, 0) : NULL;
	if (!s->regs && s->port < 0)
		return -ENODEV;
	if (!is_there(s))
		return -ENODEV;
	s->uart.irq = device_irq(dev, 0);
	if (s->uart.irq == -EAGAIN)
		return -EAGAIN;
	s->uart.ops = &ns16550_ops;
	s->uart.dev = dev;
	/* Firmware has set the speed; a fresh virtual port does not care. */
	reg_write(s, REG_IER, 0);
	reg_write(s, REG_LCR, LCR_8N1);
	reg_write(s, REG_FCR, FCR_ENABLE_CLEAR);
	reg_write(s, REG_MCR, MCR_DTR_RTS_OUT2);
	snprintf(name, sizeof(name), "ttyS%u", nr_ports);
	err = uart_start(&s->uart, name, TTY_MAJOR << 8 | (TTYS_MINOR + nr_ports),
			 mmio ? mmio->base : (paddr_t)s->port);
	if (err)
		return err;
	nr_ports++;
	if (s->uart.irq >= 0) {
		s->ier |= IER_RX | IER_LINE;
		reg_write(s, REG_IER, s->ier);
	}
	return 0;
}

static void ns16550_quiesce(struct device *dev)
{
	reg_write(device_state(dev), REG_IER, 0);
}

static const struct driver_match ns16550_match[] = {
	{ .compatible = "ns16550a" },
	{ .compatible = "ns16550" },
	{ .compatible = "snps,dw-apb-uart" },
	{ .hid = "PNP0501" },
	{ .hid = "PNP0500" },
	{},
};
const struct driver driver_ns16550 = {
	.name = "ns16550", .match = ns16550_match, .bus = BUS_PLATFORM, .state_size = sizeof(struct ns16550),
	.probe = ns16550_probe, .quiesce = ns16550_quiesce, .level = 2,
};
