/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree and its drivers. platform/ turns device tree or ACPI into struct device;
 * drivers are const objects named in their folder's meson.build (driver_NAME) and never ask
 * who described the device. Lock: device_lock (spin, kernel/device/) for the links; a device's fields are constant
 * after registration except where marked.
 */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H

#include <kernel/irq.h>
#include <kernel/lock.h>

enum resource_kind { RES_MMIO, RES_PORT, RES_IRQ };
struct resource {
	enum resource_kind kind;
	u64 base;		/* address, port, or irq number (mapped) */
	u64 size;		/* bytes; IRQ: IRQ_* type flags */
	const char *name;	/* reg-names / interrupt-names entry or NULL */
	void __iomem *mapped;	/* [a] by device_mmio */
};
struct device_prop {
	const char *name;
	const void *data;	/* raw; device-tree cells big-endian */
	u32 len;
	struct device_prop *next;
};

struct device;
/* What platform/ answers later about a device it described; NULL members: nothing. */
struct device_firmware {
	/* Irq number of the n-th interrupt; -ENXIO: none; -EAGAIN: its controller is not driven yet. */
	int (*irq)(struct device *dev, unsigned n);
	/* Irq number of pin 1.. of the bus child at that address (device-tree cells); errors as above. */
	int (*irq_route)(struct device *bus, const u32 *addr, unsigned nr_addr, u32 pin);
	/* A property that is not in device.props. */
	const void *(*prop)(struct device *dev, const char *name, u32 *len);
};

enum device_bus { BUS_PLATFORM, BUS_PCI, BUS_VIRTIO };
struct driver_match {
	const char *compatible;	/* device tree */
	const char *hid;	/* ACPI */
	u16 pci_vendor, pci_device;	/* 0xffff: any */
	u32 pci_class, pci_class_mask;
	u32 virtio_id;
};
struct driver {
	const char *name;
	const struct driver_match *match;	/* ends with an empty entry */
	enum device_bus bus;
	size_t state_size;	/* zeroed memory, device_state(dev), owned by the core */
	/* 0 ok; -ENODEV not mine; -EAGAIN a supplier is not there yet (tried again later); other: broken, logged. */
	int (*probe)(struct device *dev);
	void (*remove)(struct device *dev);
	void (*quiesce)(struct device *dev);	/* before power off, reset, kexec: stop DMA and interrupts */
	u32 level;		/* 0: interrupt controllers, 1: buses, 2: everything else */
};
extern const struct driver *const driver_table[];
extern const unsigned driver_table_len;

struct device {
	char name[48];
	struct device *parent;
	struct list children, sibling;	/* device_lock */
	enum device_bus bus;
	const char *compatible;		/* NUL-separated list */
	u32 compatible_len;
	const char *hid, *uid;		/* ACPI ids or NULL */
	u32 phandle;
	struct resource *res;
	u32 nr_res;
	struct device_prop *props;
	const void *bus_data;		/* struct pci_function / struct virtio_device of that bus */
	u16 pci_vendor, pci_device;	/* what driver_match looks at; set by the bus before registration */
	u32 pci_class;			/* class << 16 | subclass << 8 | interface */
	u32 virtio_id;
	const struct device_firmware *firmware;	/* NULL: what is above is all */
	u64 firmware_node;		/* its own handle */
	struct list all_link;		/* device_lock; registration order */
	const struct driver *driver;	/* device_lock; NULL: none bound */
	void *state;
	int probe_error;		/* last answer of a probe */
	u32 probed_levels;		/* drivers of levels below this were asked */
	bool is_disabled;		/* status = "disabled" */
};
extern struct device device_root;

struct device *device_alloc(struct device *parent, const char *name, enum device_bus bus);
int device_add_resource(struct device *dev, enum resource_kind kind, u64 base, u64 size, const char *name);
int device_add_prop(struct device *dev, const char *name, const void *data, u32 len);	/* data is not copied */
void device_register(struct device *dev);	/* visible; bound at once if drivers are up */
/* Binds drivers to devices level by level, retries -EAGAIN until nothing moves, logs the rest. */
void device_probe_all(void);
void device_probe_level(u32 level);
void device_quiesce_all(void);
static inline void *device_state(struct device *dev) { return dev->state; }

/* n-th register block, mapped (kept, shared by later calls); NULL: absent or unmappable. */
void __iomem *device_mmio(struct device *dev, unsigned n);
const struct resource *device_resource(struct device *dev, enum resource_kind kind, unsigned n);
int device_irq(struct device *dev, unsigned n);		/* irq number, -ENXIO, -EAGAIN (return it from probe) */
/* Legacy interrupt of a bus child, see struct device_firmware. PCI: addr = { devfn << 8 | bus << 16, 0, 0 }. */
int device_irq_route(struct device *bus, const u32 *addr, unsigned nr_addr, u32 pin);
int device_port(struct device *dev, unsigned n);	/* first port or -ENXIO */
bool device_prop_bool(struct device *dev, const char *name);
int device_prop_u32(struct device *dev, const char *name, u32 *value);	/* 0 or -ENOENT/-EINVAL */
int device_prop_u32_at(struct device *dev, const char *name, unsigned index, u32 *value);
const char *device_prop_str(struct device *dev, const char *name);
const void *device_prop(struct device *dev, const char *name, u32 *len);
bool device_is_compatible(struct device *dev, const char *compatible);
struct device *device_by_phandle(u32 phandle);
/* Walk in registration order; fn returns nonzero to stop. */
int device_for_each(int (*fn)(struct device *dev, void *arg), void *arg);

/* Register access: little-endian devices, ordered against each other. */
static inline u8 mmio_read8(const void __iomem *p) { return *(const volatile u8 __force *)p; }
static inline u16 mmio_read16(const void __iomem *p) { return *(const volatile u16 __force *)p; }
static inline u32 mmio_read32(const void __iomem *p) { return *(const volatile u32 __force *)p; }
static inline u64 mmio_read64(const void __iomem *p) { return *(const volatile u64 __force *)p; }
static inline void mmio_write8(void __iomem *p, u8 v) { *(volatile u8 __force *)p = v; }
static inline void mmio_write16(void __iomem *p, u16 v) { *(volatile u16 __force *)p = v; }
static inline void mmio_write32(void __iomem *p, u32 v) { *(volatile u32 __force *)p = v; }
static inline void mmio_write64(void __iomem *p, u64 v) { *(volatile u64 __force *)p = v; }
/* <arch/io.h> gives port_read8/16/32, port_write8/16/32 (architectures without ports: -1 / nothing, and
 * ARCH_HAS_PORTS 0) and dma_wmb(), dma_rmb(), dma_mb(): ordering of memory against a device. */
#include <arch/io.h>

#endif
