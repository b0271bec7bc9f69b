/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device trees: what boot reads of one, the devices made of it, their interrupts and properties. The glue is
 * compiled in here a second time, over a boot_info and a set of devices of its own.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <kernel/cpu.h>
#include <kernel/device.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <libfdt.h>
#include <native/sim.h>
#include <uapi/errno.h>
#include "../../platform/fdt/fdt_local.h"
#include "../../platform/platform_local.h"
#include "fuzz.h"

#define DEVICES_MAX 64u
#define ORDER 5u		/* room for 128 KiB */

static struct boot_info info;
static struct device devices[DEVICES_MAX];
static unsigned nr_devices;
static struct page *room;

static struct device *new_device(struct device *parent, const char *name, enum device_bus bus)
{
	struct device *d = &devices[nr_devices];

	fuzz_check(name && strlen(name) < PAGE_SIZE * 32);
	if (nr_devices == DEVICES_MAX)
		return NULL;
	nr_devices++;
	memset(d, 0, sizeof(*d));
	strlcpy(d->name, name, sizeof(d->name));
	d->parent = parent;
	d->bus = bus;
	return d;
}

static int new_resource(struct device *d, enum resource_kind kind, u64 base, u64 size, const char *name)
{
	fuzz_check(!name || strlen(name) < PAGE_SIZE * 32);
	d->nr_res++;
	return 0;
}

static struct device *by_phandle(u32 phandle)
{
	for (unsigned i = 0; i < nr_devices; i++)
		if (devices[i].phandle == phandle)
			return &devices[i];
	return NULL;
}

static bool new_range(paddr_t base, u64 size, enum boot_range_type type)
{
	fuzz_check(size != 0 || type != BOOT_RAM);
	return true;
}

static int translate(struct irq_domain *d, const u32 *cells, unsigned n, u32 *line, u32 *type)
{
	*line = 0;
	*type = 0;
	for (unsigned i = 0; i < n; i++)
		*line ^= cells[i];
	return n > 3 ? -EINVAL : 0;
}

static const struct irq_chip chip = { .name = "fuzz", .translate = translate };
static struct irq_domain the_domain = { .chip = &chip };

static void new_cpu(u64 hwid) {}

#define boot_info info
#define boot_range_add new_range
#define cpu_register new_cpu
#define device_alloc new_device
#define device_add_resource new_resource
#define device_register(d) ((void)(d))
#define device_by_phandle by_phandle
#define words_have(base) ((base) == 0x1000)
#define irq_domain_by_phandle(p) ((p) & 1 ? &the_domain : NULL)
#define irq_map(d, line, type) 1
#define fdt_early_init fuzz_early_init
#define fdt_discover fuzz_discover
#define fdt_device_prop fuzz_device_prop
#define fdt_device_irq fuzz_device_irq
#define fdt_device_irq_route fuzz_device_irq_route
const char *fdt_early_init(void);
void fdt_discover(void);
const void *fdt_device_prop(struct device *dev, const char *name, u32 *len);
int fdt_device_irq(struct device *dev, unsigned n);
int fdt_device_irq_route(struct device *bus, const u32 *addr, unsigned nr_addr, u32 pin);
#include "../../platform/fdt/early.c"
#include "../../platform/fdt/device.c"
#include "../../platform/fdt/interrupt.c"

static void ask(struct device *d)
{
	static const u32 address[3] = { 0x800, 0, 0 };
	u32 len;

	for (u32 n = 0; n < d->compatible_len; n += (u32)strnlen(d->compatible + n, d->compatible_len - n) + 1)
		;
	for (unsigned n = 0; n < 3; n++)
		(void)fdt_device_irq(d, n);
	for (u32 pin = 1; pin < 3; pin++)
		(void)fdt_device_irq_route(d, address, 3, pin);
	(void)fdt_device_prop(d, "reg", &len);
}

static void run(const u8 *data, size_t size)
{
	size_t end = align_up(size, (size_t)8), all = PAGE_SIZE << ORDER;
	u8 *blob;

	if (!room)
		room = page_alloc(ORDER, 0);
	fuzz_check(room);
	if (end > all)
		return;
	blob = page_to_virt(room);
	memset(&info, 0, sizeof(info));
	nr_devices = 0;
	memset(blob, 0, end);
	memcpy(blob, data, size);
	if (size < sizeof(struct fdt_header) || fdt_totalsize(blob) > end)
		return;		/* the loader's word for how much there is */
	info.fdt = page_to_phys(room);
	sim_fuzz_guard(blob + end, all - end, true);
	if (!fdt_early_init()) {
		fuzz_check(info.fdt_size <= end);
		fdt_discover();
		for (unsigned i = 0; i < nr_devices; i++)
			ask(&devices[i]);
	}
	sim_fuzz_guard(blob + end, all - end, false);
}

const struct fuzz_target fuzz_fdt = { .name = "fdt", .run_in_kernel = run };
