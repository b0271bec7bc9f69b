/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt descriptors: from (domain, hardware line) to an irq number and its handlers.
 * Locks: irq_domain_lock guards the domain list and number space; irq_desc.lock the handler list and
 * the mask state. Dispatch walks the handler list without a lock; a release unlinks, then waits until
 * no dispatch is inside.
 */
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/lock.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <uapi/errno.h>

#define IRQ_NUMBERS 8192u
#define UNCLAIMED_MAX 1000u

struct irq_action {
	struct irq_action *next;	/* [a] */
	irq_handler_fn fn;
	void *arg;
	u32 flags;
	const char *name;
};
struct irq_desc {
	struct spinlock lock;
	struct irq_domain *domain;	/* [b] */
	u32 hwirq;			/* [b] */
	u32 irq;			/* [b] */
	u32 type;			/* lock */
	bool is_masked;			/* lock */
	unsigned cpu;			/* lock: takes its interrupts; controllers begin with the boot CPU */
	struct irq_action *actions;	/* [a] changed under lock */
	u32 inside;			/* [a] dispatches that walk the list */
	u32 unclaimed;			/* [a] in a row */
	u64 count[MAX_CPUS];		/* each CPU its own */
};

static struct spinlock irq_domain_lock = SPINLOCK_INIT("irq domains", LOCK_MISC);
static struct list irq_domains = LIST_INIT(irq_domains);
static u32 irq_next = 1;		/* irq_domain_lock; 0 is no interrupt */

int irq_domain_add(struct irq_domain *d)
{
	int err = 0;

	d->descs = kcalloc(d->nr_hwirq, sizeof(*d->descs), 0);
	if (d->descs == NULL)
		return -ENOSPC;
	spin_lock(&irq_domain_lock);
	if (d->nr_hwirq > IRQ_NUMBERS - irq_next) {
		err = -ENOSPC;
	} else {
		d->base = irq_next;
		irq_next += d->nr_hwirq;
		list_push_back(&irq_domains, &d->link);
	}
	spin_unlock(&irq_domain_lock);
	if (err) {
		kfree(d->descs);
		d->descs = NULL;
	}
	return err;
}

/* Domains live for ever, so the pointer stays good after the lock. */
static struct irq_domain *domain_find(bool (*match)(const struct irq_domain *d, u32 key), u32 key)
{
	struct irq_domain *d, *found = NULL;

	spin_lock(&irq_domain_lock);
	list_for_each(d, &irq_domains, link) {
		if (match(d, key)) {
			found = d;
			break;
		}
	}
	spin_unlock(&irq_domain_lock);
	return found;
}

static bool has_phandle(const struct irq_domain *d, u32 phandle)
{
	return d->phandle == phandle;
}

static bool has_gsi(const struct irq_domain *d, u32 gsi)
{
	return !d->is_msi && gsi >= d->gsi_base && gsi - d->gsi_base < d->nr_hwirq;
}

static bool does_msi(const struct irq_domain *d, u32 unused)
{
	return d->is_msi;
}

static bool has_number(const struct irq_domain *d, u32 irq)
{
	return irq >= d->base && irq - d->base < d->nr_hwirq;
}

struct irq_domain *irq_domain_by_phandle(u32 phandle)
{
	return phandle ? domain_find(has_phandle, phandle) : NULL;
}

struct irq_domain *irq_domain_by_gsi(u32 gsi)
{
	return domain_find(has_gsi, gsi);
}

struct irq_domain *irq_domain_msi(void)
{
	return domain_find(does_msi, 0);
}

static struct irq_desc *desc_find(u32 irq)
{
	struct irq_domain *d = irq ? domain_find(has_number, irq) : NULL;

	return d ? atomic_load_acquire(&d->descs[irq - d->base]) : NULL;	/* pairs with irq_map */
}

int irq_map(struct irq_domain *d, u32 hwirq, u32 type)
{
	struct irq_desc *desc, *old = NULL;
	int err;

	if (hwirq >= d->nr_hwirq)
		return -EINVAL;
	if (atomic_load_acquire(&d->descs[hwirq]))
		return (int)(d->base + hwirq);
	desc = kzalloc(sizeof(*desc), 0);
	if (desc == NULL)
		return -ENOMEM;
	spin_init(&desc->lock, "irq descriptor", LOCK_IRQ_DESC);
	desc->domain = d;
	desc->hwirq = hwirq;
	desc->irq = d->base + hwirq;
	desc->type = type;
	desc->is_masked = true;
	if (type && d->chip->set_type) {
		err = d->chip->set_type(d, hwirq, type);
		if (err) {
			kfree(desc);
			return err;
		}
	}
	if (!atomic_cmpxchg(&d->descs[hwirq], &old, desc))	/* release; pairs with dispatch */
		kfree(desc);	/* somebody mapped it meanwhile */
	return (int)(d->base + hwirq);
}

/* With desc->lock held: another CPU takes the line's interrupts. A CPU's own lines stay what they are. */
static void route(struct irq_desc *desc, unsigned cpu)
{
	const struct irq_chip *chip = desc->domain->chip;

	if (chip->set_affinity && chip->set_affinity(desc->domain, desc->hwirq, cpu) == 0)
		desc->cpu = cpu;
}

/* Lines of a CPU that is off or leaving find another one. */
static void route_to_active(struct irq_desc *desc)
{
	cpumask_t active = atomic_load(&cpu_active_mask);	/* 0 while the machine boots */

	if (active && !(active & cpu_mask(desc->cpu)))
		route(desc, ctz64(active));
}

static void leave_domain(struct irq_domain *d, unsigned cpu)
{
	for (u32 i = 0; i < d->nr_hwirq; i++) {
		struct irq_desc *desc = atomic_load_acquire(&d->descs[i]);	/* pairs with irq_map */
		unsigned long flags;

		if (!desc)
			continue;
		flags = spin_lock_irqsave(&desc->lock);
		if (desc->cpu == cpu)
			route_to_active(desc);
		spin_unlock_irqrestore(&desc->lock, flags);
	}
}

/* The domains' list only grows at its end, so it is walked without its lock. */
void irq_leave_cpu(unsigned cpu)
{
	struct irq_domain *d;

	list_for_each(d, &irq_domains, link)
		leave_domain(d, cpu);
}

bool irq_lines_move(void)
{
	struct irq_domain *d;

	list_for_each(d, &irq_domains, link)
		if (!d->chip->set_affinity)
			return false;
	return true;
}

int irq_request(u32 irq, irq_handler_fn fn, void *arg, u32 flags, const char *name)
{
	struct irq_desc *desc = desc_find(irq);
	struct irq_action *a, **link;
	unsigned long irq_flags;
	int err = 0;

	if (desc == NULL || fn == NULL)
		return -EINVAL;
	a = kmalloc(sizeof(*a), 0);
	if (a == NULL)
		return -ENOSPC;
	*a = (struct irq_action){ .fn = fn, .arg = arg, .flags = flags, .name = name };
	irq_flags = spin_lock_irqsave(&desc->lock);
	if (desc->actions && !(flags & desc->actions->flags & IRQ_SHARED)) {
		err = -EBUSY;
	} else {
		for (link = &desc->actions; *link; link = &(*link)->next)
			;
		atomic_store_release(link, a);	/* pairs with irq_dispatch */
		if (desc->is_masked) {
			desc->is_masked = false;
			atomic_store(&desc->unclaimed, 0u);
			route_to_active(desc);
			desc->domain->chip->unmask(desc->domain, desc->hwirq);
		}
	}
	spin_unlock_irqrestore(&desc->lock, irq_flags);
	if (err)
		kfree(a);
	return err;
}

void irq_release(u32 irq, void *arg)
{
	struct irq_desc *desc = desc_find(irq);
	struct irq_action *a = NULL, **link;
	unsigned long flags;

	if (desc == NULL)
		return;
	flags = spin_lock_irqsave(&desc->lock);
	for (link = &desc->actions; *link; link = &(*link)->next) {
		if ((*link)->arg == arg) {
			a = *link;
			atomic_store(link, a->next);
			break;
		}
	}
	if (desc->actions == NULL && !desc->is_masked) {
		desc->is_masked = true;
		desc->domain->chip->mask(desc->domain, desc->hwirq);
	}
	spin_unlock_irqrestore(&desc->lock, flags);
	atomic_fence_full();	/* pairs with irq_dispatch: unlinked before inside is read */
	while (atomic_load_acquire(&desc->inside))
		arch_cpu_relax();
	kfree(a);
}

static void mask_unclaimed(struct irq_desc *desc)
{
	spin_lock(&desc->lock);
	if (!desc->is_masked) {
		desc->is_masked = true;
		desc->domain->chip->mask(desc->domain, desc->hwirq);
	}
	spin_unlock(&desc->lock);
	log_err("irq %u (%s %u): nobody claimed %u interrupts, masked", desc->irq, desc->domain->chip->name,
		desc->hwirq, UNCLAIMED_MAX);
}

void __hot irq_dispatch(struct irq_domain *d, u32 hwirq)
{
	struct irq_desc *desc = hwirq < d->nr_hwirq ? atomic_load_acquire(&d->descs[hwirq]) : NULL;
	struct irq_action *a;
	bool claimed = false;

	if (unlikely(desc == NULL)) {
		d->chip->mask(d, hwirq);
		if (d->chip->eoi)
			d->chip->eoi(d, hwirq);
		return;
	}
	desc->count[arch_cpu_self()->id]++;
	atomic_add(&desc->inside, 1u);
	atomic_fence_full();	/* pairs with irq_release */
	for (a = atomic_load_acquire(&desc->actions); a; a = atomic_load_acquire(&a->next))
		claimed |= a->fn(a->arg);
	__atomic_fetch_sub(&desc->inside, 1u, __ATOMIC_RELEASE);	/* pairs with irq_release */
	if (likely(claimed))
		atomic_store(&desc->unclaimed, 0u);
	else if (atomic_fetch_add(&desc->unclaimed, 1u) + 1 == UNCLAIMED_MAX)
		mask_unclaimed(desc);
	if (d->chip->eoi)
		d->chip->eoi(d, hwirq);
}

/* irq counts from 0 over all mapped descriptors' numbers; unmapped ones read as empty names. */
bool irq_stat_get(u32 irq, struct irq_stat *out)
{
	struct irq_desc *desc;
	unsigned long flags;
	bool exists;

	spin_lock(&irq_domain_lock);
	exists = irq < irq_next;
	spin_unlock(&irq_domain_lock);
	if (!exists)
		return false;
	*out = (struct irq_stat){ .irq = irq, .chip = "", .name = NULL };
	desc = desc_find(irq);
	if (desc == NULL)
		return true;
	out->chip = desc->domain->chip->name;
	for (unsigned i = 0; i < MAX_CPUS; i++)
		out->count[i] = atomic_load(&desc->count[i]);
	flags = spin_lock_irqsave(&desc->lock);
	out->name = desc->actions ? desc->actions->name : NULL;	/* names are constants of drivers */
	spin_unlock_irqrestore(&desc->lock, flags);
	return true;
}
