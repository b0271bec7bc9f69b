/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that the command line names: virtio_mmio.device=SIZE@BASE:IRQ[:ID], as on Linux. They come
 * before those of any table, so that disks get the same names as there; a table that describes the
 * same place again (microvm's device tree) is not heard. Called once, in a thread.
 */
#include <kernel/boot.h>
#include <kernel/device.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "platform_local.h"

/* SIZE@BASE:IRQ[:ID]; SIZE may end in K. False: not of that form. */
static bool virtio_word(const char *word, u64 *size, u64 *base, u64 *irq)
{
	const char *end;

	if (parse_u64_prefix(word, 0, size, &end))
		return false;
	if (*end == 'K' || *end == 'k') {
		*size <<= 10;
		end++;
	}
	if (*end++ != '@' || parse_u64_prefix(end, 0, base, &end) || *end++ != ':')
		return false;
	if (parse_u64_prefix(end, 0, irq, &end) || (*end && *end != ':'))
		return false;
	return *size >= 0x100 && *size <= 0x100000 && *base && *irq < 1024;
}

/* The interrupt is a global number; its controller may be found later than the device. */
static int word_irq(struct device *dev, unsigned n)
{
	u32 gsi = (u32)dev->firmware_node;
	struct irq_domain *d = irq_domain_by_gsi(gsi);

	if (n)
		return -ENXIO;
	return d ? irq_map(d, gsi - d->gsi_base, IRQ_LEVEL) : -EAGAIN;
}
static const struct device_firmware word_firmware = { .irq = word_irq };

static void add_word(const char *word)
{
	static const char compatible[] = "virtio,mmio";
	u64 size, base, line;
	struct device *dev;
	char name[48];

	if (!virtio_word(word, &size, &base, &line)) {
		log_err("virtio_mmio.device=%s: not SIZE@BASE:IRQ, ignored", word);
		return;
	}
	snprintf(name, sizeof(name), "virtio-mmio@%lx", base);
	dev = device_alloc(&device_root, name, BUS_PLATFORM);
	if (!dev) {
		log_err("virtio_mmio.device=%s: no memory", word);
		return;
	}
	dev->compatible = compatible;
	dev->compatible_len = sizeof(compatible);
	dev->firmware = &word_firmware;
	dev->firmware_node = line;
	device_add_resource(dev, RES_MMIO, base, size, NULL);
	device_register(dev);
}

void words_discover(void)
{
	const char *word;

	for (unsigned n = 0; (word = cmdline_get_nth("virtio_mmio.device", n)); n++)
		add_word(word);
}

static int has_base(struct device *dev, void *arg)
{
	const struct resource *r = device_resource(dev, RES_MMIO, 0);

	return dev->firmware == &word_firmware && r && r->base == *(const u64 *)arg;
}

bool words_have(u64 base)
{
	return device_for_each(has_base, &base);
}
