/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RISC-V platform-level interrupt controller (RISC-V PLIC specification 1.0.0). Each hart has
 * a context per privilege mode; interrupts-extended says in what order, so the S-mode ones are
 * found there and firmware's are never touched. A line is enabled in one context at a time.
 * Lock: plic.lock guards the enable registers and struct plic_line.
 */
#include <kernel/device.h>
#include <kernel/log.h>
#include <kernel/lock.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <lib/bits.h>
#include <uapi/errno.h>

#define PLIC_PRIORITY(line) (4ull * (line))
#define PLIC_ENABLE(context, word) (0x2000ull + 0x80ull * (context) + 4ull * (word))
#define PLIC_THRESHOLD(context) (0x200000ull + 0x1000ull * (context))
#define PLIC_CLAIM(context) (PLIC_THRESHOLD(context) + 4)
#define PLIC_LINES_MAX 1024u
#define PLIC_CONTEXTS_MAX 15872u
#define NO_CONTEXT ~0u
#define INTERRUPT_S_EXTERNAL 9		/* in a hart's own interrupt controller */

struct plic {
	u8 __iomem *regs;
	u64 size;
	u32 nr_lines;			/* line 0 does not exist */
	u32 context[MAX_CPUS];		/* by CPU index; NO_CONTEXT */
	struct spinlock lock;
	struct plic_line {
		u8 cpu;			/* [lock] index of the CPU that takes it */
		bool on;		/* [lock] */
	} *lines;
	struct device *dev;
	struct irq_domain domain;
};
static struct plic *plic;		/* one root */

static void enable_set(struct plic *p, unsigned cpu, u32 line, bool on)
{
	u32 __iomem *word;
	u32 v;

	if (p->context[cpu] == NO_CONTEXT)
		return;
	word = (u32 __iomem *)(p->regs + PLIC_ENABLE(p->context[cpu], line / 32));
	v = mmio_read32(word) & ~(1u << line % 32);
	mmio_write32(word, v | (u32)on << line % 32);
}

static void line_switch(struct plic *p, u32 line, bool on)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);

	p->lines[line].on = on;
	enable_set(p, p->lines[line].cpu, line, on);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void plic_mask(struct irq_domain *d, u32 line)
{
	line_switch(d->data, line, false);
}

static void plic_unmask(struct irq_domain *d, u32 line)
{
	struct plic *p = d->data;

	mmio_write32((u32 __iomem *)(p->regs + PLIC_PRIORITY(line)), 1);
	line_switch(p, line, true);
}

/* Moves an enabled line; a disabled one only remembers where it will go. */
static int plic_set_affinity(struct irq_domain *d, u32 line, unsigned cpu)
{
	struct plic *p = d->data;
	unsigned long flags;

	if (cpu >= MAX_CPUS || p->context[cpu] == NO_CONTEXT)
		return -EINVAL;
	flags = spin_lock_irqsave(&p->lock);
	if (p->lines[line].on) {
		enable_set(p, p->lines[line].cpu, line, false);
		enable_set(p, cpu, line, true);
	}
	p->lines[line].cpu = (u8)cpu;
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static int plic_translate(struct irq_domain *d, const u32 *cells, unsigned n, u32 *line, u32 *type)
{
	if (n < 1 || cells[0] == 0 || cells[0] >= d->nr_hwirq)
		return -EINVAL;
	*line = cells[0];
	*type = IRQ_LEVEL;	/* the gateway hides the difference */
	return 0;
}

/*
 * After the handlers. A completion for a line that is not enabled here is ignored and would
 * leave the gateway shut, so a line that was masked meanwhile is opened for that moment.
 */
static void plic_complete(struct plic *p, unsigned cpu, u32 line)
{
	u32 __iomem *claim = (u32 __iomem *)(p->regs + PLIC_CLAIM(p->context[cpu]));
	unsigned long flags = spin_lock_irqsave(&p->lock);
	bool open = p->lines[line].on && p->lines[line].cpu == cpu;

	if (!open)
		enable_set(p, cpu, line, true);
	mmio_write32(claim, line);
	if (!open)
		enable_set(p, cpu, line, false);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void plic_handle(unsigned long cause)
{
	struct plic *p = plic;
	unsigned cpu = arch_cpu_self()->id;
	u32 line;

	if (p->context[cpu] == NO_CONTEXT)
		return;
	while ((line = mmio_read32((u32 __iomem *)(p->regs + PLIC_CLAIM(p->context[cpu])))) != 0) {
		if (line >= p->nr_lines)
			break;		/* the device tree promised fewer */
		irq_dispatch(&p->domain, line);
		plic_complete(p, cpu, line);
	}
}

/* The S-mode context of that hart, from interrupts-extended: pairs (hart's controller, cause). */
static u32 context_of(struct plic *p, u64 hartid)
{
	u32 phandle, cause, reg;

	for (u32 i = 0; i < PLIC_CONTEXTS_MAX; i++) {
		struct device *intc;

		if (device_prop_u32_at(p->dev, "interrupts-extended", 2 * i, &phandle) ||
		    device_prop_u32_at(p->dev, "interrupts-extended", 2 * i + 1, &cause))
			break;
		if (cause != INTERRUPT_S_EXTERNAL)
			continue;
		intc = device_by_phandle(phandle);
		/* Only the low cell of a 64-bit id: the high one is 0 on every board there is. */
		if (!intc || !intc->parent || device_prop_u32(intc->parent, "reg", &reg))
			continue;
		if (reg == hartid)
			return PLIC_THRESHOLD(i + 1) <= p->size ? i : NO_CONTEXT;
	}
	return NO_CONTEXT;
}

static void plic_cpu_init(struct cpu *cpu)
{
	struct plic *p = plic;
	u32 context = context_of(p, cpu->hwid);

	if (context == NO_CONTEXT) {
		log_warn("plic: hart %llu has no S-mode context, takes no device interrupts",
			 (unsigned long long)cpu->hwid);
		return;
	}
	for (u32 word = 0; word <= (p->nr_lines - 1) / 32; word++)
		mmio_write32((u32 __iomem *)(p->regs + PLIC_ENABLE(context, word)), 0);
	mmio_write32((u32 __iomem *)(p->regs + PLIC_THRESHOLD(context)), 0);
	p->context[cpu->id] = context;
}

static const struct irq_chip plic_chip = {
	.name = "plic", .mask = plic_mask, .unmask = plic_unmask,
	.set_affinity = plic_set_affinity, .translate = plic_translate,
};
static const struct irq_root plic_root = { .handle = plic_handle, .cpu_init = plic_cpu_init };

static int plic_probe(struct device *dev)
{
	struct plic *p = device_state(dev);
	const struct resource *res = device_resource(dev, RES_MMIO, 0);
	u32 sources;
	int err;

	if (plic)
		return -EBUSY;		/* a second one would hang below the first */
	p->regs = device_mmio(dev, 0);
	if (!p->regs || !res || device_prop_u32(dev, "riscv,ndev", &sources))
		return -EINVAL;
	if (sources == 0 || sources >= PLIC_LINES_MAX)
		return -EINVAL;
	p->size = res->size;
	p->nr_lines = sources + 1;
	p->dev = dev;
	spin_init(&p->lock, "plic", LOCK_IRQ_CHIP);
	for (unsigned i = 0; i < MAX_CPUS; i++)
		p->context[i] = NO_CONTEXT;
	p->lines = kcalloc(p->nr_lines, sizeof(*p->lines), 0);
	if (!p->lines)
		return -ENOMEM;
	p->domain = (struct irq_domain){
		.chip = &plic_chip, .data = p, .nr_hwirq = p->nr_lines, .phandle = dev->phandle,
		/* ACPI numbers do not lead here. */
		.gsi_base = ~0u,
	};
	err = irq_domain_add(&p->domain);
	if (err) {
		kfree(p->lines);
		return err;
	}
	plic = p;
	arch_irq_set_root(&plic_root);
	if (p->context[arch_cpu_self()->id] == NO_CONTEXT)
		log_err("plic: the boot hart has no context");
	return 0;
}

static const struct driver_match plic_match[] = {
	{ .compatible = "sifive,plic-1.0.0" },
	{ .compatible = "riscv,plic0" },
	{},
};
const struct driver driver_plic = {
	.name = "plic", .match = plic_match, .bus = BUS_PLATFORM,
	.state_size = sizeof(struct plic), .probe = plic_probe, .level = 0,
};
