/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the machine: devices are quiesced, the other CPUs stopped, then the registered ways are
 * tried from the highest priority down, last the architecture's own.
 * Lock: power_lock guards the handler list while drivers register; the end walks it without, alone.
 */
#include <arch/boot.h>
#include <kernel/device.h>
#include <kernel/irq.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/power.h>

static struct spinlock power_lock = SPINLOCK_INIT("power handlers", LOCK_MISC);
static struct list handlers = LIST_INIT(handlers);

void power_handler_register(struct power_handler *h)
{
	struct power_handler *other;
	struct list *before = &handlers;

	spin_lock(&power_lock);
	list_for_each(other, &handlers, link) {
		if (other->priority < h->priority) {
			before = &other->link;
			break;
		}
	}
	list_push_back(before, &h->link);	/* in front of the first lower one */
	spin_unlock(&power_lock);
}

static void quiet_machine(const char *what)
{
	log_notice("power: %s", what);
	device_quiesce_all();
	arch_irq_disable();
	ipi_stop_others();
}

void power_off(void)
{
	struct power_handler *h;

	quiet_machine("off");
	list_for_each(h, &handlers, link)
		if (h->off)
			h->off(h);
	arch_machine_off();
}

void power_reset(void)
{
	struct power_handler *h;

	quiet_machine("restarting");
	list_for_each(h, &handlers, link)
		if (h->reset)
			h->reset(h);
	arch_machine_reset();
}

void power_halt(void)
{
	quiet_machine("halted");
	arch_cpu_stop();
}
