/* SPDX-License-Identifier: BSD-2-Clause */
/* ARM PrimeCell PL011 serial port (ARM DDI 0183). */
#include <drivers/uart.h>
#include <lib/format.h>
#include <uapi/errno.h>

#define UARTDR 0x00
#define UARTFR 0x18
#define UARTLCR_H 0x2c
#define UARTCR 0x30
#define UARTIFLS 0x34
#define UARTIMSC 0x38
#define UARTMIS 0x40
#define UARTICR 0x44
#define UARTPERIPHID0 0xfe0
#define DR_FRAME 0x100
#define DR_PARITY 0x200
#define DR_BREAK 0x400
#define DR_OVERRUN 0x800
#define FR_RX_EMPTY 0x10
#define FR_TX_FULL 0x20
#define LCR_FIFO 0x10
#define LCR_8BIT 0x60
#define CR_ENABLE 0x301		/* UARTEN, TXE, RXE */
#define CR_DTR_RTS 0xc00
#define INT_RX 0x010
#define INT_TX 0x020
#define INT_RX_TIMEOUT 0x040
#define INT_ALL 0x7ff
#define SIZE 0x1000u
#define TTYAMA_MAJOR 204u
#define TTYAMA_MINOR 64u
#define PORTS_MAX 14u

struct pl011 {
	struct uart uart;
	u8 __iomem *regs;
	u32 imsc;			/* uart.lock */
};
static u32 nr_ports;			/* under the device core's lock */

static u32 reg_read(struct uart *u, u32 reg)
{
	return mmio_read32((u32 __iomem *)(container_of(u, struct pl011, uart)->regs + reg));
}

static void reg_write(struct uart *u, u32 reg, u32 v)
{
	mmio_write32((u32 __iomem *)(container_of(u, struct pl011, uart)->regs + reg), v);
}

static unsigned pl011_tx_room(struct uart *u) { return !(reg_read(u, UARTFR) & FR_TX_FULL); }
static void pl011_tx(struct uart *u, u8 c) { reg_write(u, UARTDR, c); }

static void pl011_tx_irq(struct uart *u, bool on)
{
	struct pl011 *p = container_of(u, struct pl011, uart);

	p->imsc = on ? p->imsc | INT_TX : p->imsc & ~(u32)INT_TX;
	reg_write(u, UARTIMSC, p->imsc);
}

static bool pl011_rx(struct uart *u, u8 *c, enum tty_flag *flag)
{
	u32 v;

	if (reg_read(u, UARTFR) & FR_RX_EMPTY)
		return false;
	v = reg_read(u, UARTDR);
	*c = (u8)v;
	*flag = v & DR_BREAK ? TTY_BREAK : v & DR_PARITY ? TTY_PARITY : v & DR_FRAME ? TTY_FRAME :
		v & DR_OVERRUN ? TTY_OVERRUN : TTY_NORMAL;
	return true;
}

static bool pl011_irq(struct uart *u)
{
	u32 pending = reg_read(u, UARTMIS);

	/* The receive interrupts stay up until the FIFO is read. */
	reg_write(u, UARTICR, pending & ~(u32)(INT_RX | INT_RX_TIMEOUT));
	return pending != 0;
}

static const struct uart_ops pl011_ops = {
	.tx_room = pl011_tx_room, .tx = pl011_tx, .tx_irq = pl011_tx_irq, .rx = pl011_rx, .irq = pl011_irq,
};

static int pl011_probe(struct device *dev)
{
	struct pl011 *p = device_state(dev);
	const struct resource *res = device_resource(dev, RES_MMIO, 0);
	struct uart *u = &p->uart;
	char name[16];
	int err;

	if (nr_ports == PORTS_MAX)
		return -ENOSPC;
	if (!res || res->size < SIZE)
		return -EINVAL;
	p->regs = device_mmio(dev, 0);
	if (!p->regs)
		return -ENOMEM;
	if ((reg_read(u, UARTPERIPHID0) & 0xff) != 0x11)
		return -ENODEV;
	u->irq = device_irq(dev, 0);
	if (u->irq == -EAGAIN)
		return -EAGAIN;
	u->ops = &pl011_ops;
	u->dev = dev;
	/* Firmware has set the speed. */
	reg_write(u, UARTIMSC, 0);
	reg_write(u, UARTICR, INT_ALL);
	reg_write(u, UARTLCR_H, LCR_8BIT | LCR_FIFO);
	reg_write(u, UARTIFLS, 0);
	reg_write(u, UARTCR, CR_ENABLE | CR_DTR_RTS);
	snprintf(name, sizeof(name), "ttyAMA%u", nr_ports);
	err = uart_start(u, name, TTYAMA_MAJOR << 8 | (TTYAMA_MINOR + nr_ports), res->base);
	if (err)
		return err;
	nr_ports++;
	if (u->irq >= 0) {
		p->imsc |= INT_RX | INT_RX_TIMEOUT;
		reg_write(u, UARTIMSC, p->imsc);
	}
	return 0;
}

static void pl011_quiesce(struct device *dev)
{
	struct pl011 *p = device_state(dev);

	reg_write(&p->uart, UARTIMSC, 0);
}

static const struct driver_match pl011_match[] = {
	{ .compatible = "arm,pl011" },
	{ .hid = "ARMH0011" },
	{},
};
const struct driver driver_pl011 = {
	.name = "pl011", .match = pl011_match, .bus = BUS_PLATFORM, .state_size = sizeof(struct pl011),
	.probe = pl011_probe, .quiesce = pl011_quiesce, .level = 2,
};
