/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of devices: making and linking them, resources and properties. Binding drivers is bind.c.
 * device_lock guards the links; before registration a device belongs to its maker. Devices live
 * for ever.
 */
#include <kernel/device.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "device_local.h"

struct spinlock device_lock = SPINLOCK_INIT("devices", LOCK_MISC);
static struct list all_devices = LIST_INIT(all_devices);
struct device device_root = {
	.name = "devices",
	.children = LIST_INIT(device_root.children),
	.sibling = LIST_INIT(device_root.sibling),
};

struct device *device_alloc(struct device *parent, const char *name, enum device_bus bus)
{
	struct device *dev = kzalloc(sizeof(*dev), 0);

	if (!dev)
		return NULL;
	strlcpy(dev->name, name, sizeof(dev->name));
	dev->parent = parent ? parent : &device_root;
	dev->bus = bus;
	list_init(&dev->children);
	list_init(&dev->sibling);
	list_init(&dev->all_link);
	return dev;
}

int device_add_resource(struct device *dev, enum resource_kind kind, u64 base, u64 size, const char *name)
{
	struct resource *res = krealloc(dev->res, (dev->nr_res + 1) * sizeof(*res), 0);

	if (!res)
		return -ENOMEM;
	res[dev->nr_res] = (struct resource){ .kind = kind, .base = base, .size = size, .name = name };
	dev->res = res;
	dev->nr_res++;
	return 0;
}

int device_add_prop(struct device *dev, const char *name, const void *data, u32 len)
{
	struct device_prop *p = kmalloc(sizeof(*p), 0);

	if (!p)
		return -ENOMEM;
	*p = (struct device_prop){ .name = name, .data = data, .len = len, .next = dev->props };
	dev->props = p;
	return 0;
}

void device_register(struct device *dev)
{
	spin_lock(&device_lock);
	list_push_back(&dev->parent->children, &dev->sibling);
	list_push_back(&all_devices, &dev->all_link);
	spin_unlock(&device_lock);
	device_bind_new(dev);
}

struct device *device_next(struct device *dev)
{
	struct list *next;

	spin_lock(&device_lock);
	next = dev ? dev->all_link.next : all_devices.next;
	spin_unlock(&device_lock);
	return next == &all_devices ? NULL : list_entry(next, struct device, all_link);
}
struct device *device_prev(struct device *dev)
{
	struct list *prev;

	spin_lock(&device_lock);
	prev = dev ? dev->all_link.prev : all_devices.prev;
	spin_unlock(&device_lock);
	return prev == &all_devices ? NULL : list_entry(prev, struct device, all_link);
}

int device_for_each(int (*fn)(struct device *dev, void *arg), void *arg)
{
	int ret = 0;

	for (struct device *dev = device_next(NULL); dev && !ret; dev = device_next(dev))
		ret = fn(dev, arg);
	return ret;
}

struct device *device_by_phandle(u32 phandle)
{
	struct device *dev;

	if (!phandle)
		return NULL;
	for (dev = device_next(NULL); dev; dev = device_next(dev))
		if (dev->phandle == phandle)
			break;
	return dev;
}

const struct resource *device_resource(struct device *dev, enum resource_kind kind, unsigned n)
{
	for (u32 i = 0; i < dev->nr_res; i++)
		if (dev->res[i].kind == kind && n-- == 0)
			return &dev->res[i];
	return NULL;
}

void __iomem *device_mmio(struct device *dev, unsigned n)
{
	struct resource *res = (struct resource *)device_resource(dev, RES_MMIO, n);
	void __iomem *mapped, *old = NULL;

	if (!res || !res->size)
		return NULL;
	mapped = atomic_load_acquire(&res->mapped);
	if (mapped)
		return mapped;
	mapped = mmio_map(res->base, res->size);
	if (mapped && !atomic_cmpxchg(&res->mapped, &old, mapped)) {
		mmio_unmap(mapped);
		mapped = old;
	}
	return mapped;
}

int device_irq(struct device *dev, unsigned n)
{
	const struct resource *res = device_resource(dev, RES_IRQ, n);

	if (res)
		return (int)res->base;
	return dev->firmware && dev->firmware->irq ? dev->firmware->irq(dev, n) : -ENXIO;
}

int device_irq_route(struct device *bus, const u32 *addr, unsigned nr_addr, u32 pin)
{
	if (!bus->firmware || !bus->firmware->irq_route)
		return -ENXIO;
	return bus->firmware->irq_route(bus, addr, nr_addr, pin);
}

int device_port(struct device *dev, unsigned n)
{
	const struct resource *res = device_resource(dev, RES_PORT, n);

	return res ? (int)res->base : -ENXIO;
}

const void *device_prop(struct device *dev, const char *name, u32 *len)
{
	for (struct device_prop *p = dev->props; p; p = p->next)
		if (!strcmp(p->name, name)) {
			*len = p->len;
			return p->data;
		}
	return dev->firmware && dev->firmware->prop ? dev->firmware->prop(dev, name, len) : NULL;
}

bool device_prop_bool(struct device *dev, const char *name)
{
	u32 len;

	return device_prop(dev, name, &len) != NULL;
}

int device_prop_u32_at(struct device *dev, const char *name, unsigned index, u32 *value)
{
	u32 len;
	const u8 *data = device_prop(dev, name, &len);

	if (!data)
		return -ENOENT;
	if (len % 4 || index >= len / 4)
		return -EINVAL;
	*value = get_be32(data + 4 * (size_t)index);
	return 0;
}
int device_prop_u32(struct device *dev, const char *name, u32 *value)
{
	return device_prop_u32_at(dev, name, 0, value);
}

/* A property without its NUL is no string. */
const char *device_prop_str(struct device *dev, const char *name)
{
	u32 len;
	const char *s = device_prop(dev, name, &len);

	return s && len && !s[len - 1] ? s : NULL;
}

int device_compatible_index(const struct device *dev, const char *compatible)
{
	u32 at = 0;

	for (int i = 0; at < dev->compatible_len; i++) {
		size_t n = strnlen(dev->compatible + at, dev->compatible_len - at);

		if (at + n < dev->compatible_len && !strcmp(dev->compatible + at, compatible))
			return i;
		at += (u32)n + 1;
	}
	return -1;
}
bool device_is_compatible(struct device *dev, const char *compatible)
{
	return device_compatible_index(dev, compatible) >= 0;
}
