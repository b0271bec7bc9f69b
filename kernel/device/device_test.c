/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties, resources and compatible lists, well-formed and not. */
#include <kernel/device.h>
#include <kernel/mm.h>
#include <kernel/test.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "device_local.h"

static void test_compatible(void)
{
	static const char list[] = "vendor,exact\0vendor,generic";
	struct device dev = { .compatible = list, .compatible_len = sizeof(list) };

	test_equal(device_compatible_index(&dev, "vendor,exact"), 0);
	test_equal(device_compatible_index(&dev, "vendor,generic"), 1);
	test_equal(device_compatible_index(&dev, "vendor,gen"), -1);
	test_equal(device_compatible_index(&dev, ""), -1);
	dev.compatible_len = sizeof(list) - 1;	/* the last entry lacks its NUL */
	test_equal(device_compatible_index(&dev, "vendor,exact"), 0);
	test_equal(device_compatible_index(&dev, "vendor,generic"), -1);
	dev.compatible_len = 0;
	test_check(!device_is_compatible(&dev, "vendor,exact"));
}

static void test_props(void)
{
	static const u8 cells[] = { 0, 0, 1, 2, 0xff, 0, 0, 0 };
	struct device *dev = device_alloc(NULL, "a name that is far longer than the forty-eight bytes of room",
					  BUS_PLATFORM);
	u32 v = 0, len = 0;

	test_check(dev != NULL);
	test_equal(strlen(dev->name), sizeof(dev->name) - 1);
	test_equal(device_add_prop(dev, "cells", cells, sizeof(cells)), 0);
	test_equal(device_add_prop(dev, "odd", cells, 3), 0);
	test_equal(device_add_prop(dev, "empty", cells, 0), 0);
	test_equal(device_add_prop(dev, "text", "abc", 4), 0);
	test_equal(device_add_prop(dev, "unfinished", "abc", 3), 0);
	test_equal(device_prop_u32(dev, "cells", &v), 0);
	test_equal(v, 0x102);
	test_equal(device_prop_u32_at(dev, "cells", 1, &v), 0);
	test_equal(v, 0xff000000);
	test_equal(device_prop_u32_at(dev, "cells", 2, &v), -EINVAL);
	test_equal(device_prop_u32(dev, "odd", &v), -EINVAL);
	test_equal(device_prop_u32(dev, "empty", &v), -EINVAL);
	test_equal(device_prop_u32(dev, "absent", &v), -ENOENT);
	test_check(device_prop_bool(dev, "empty") && !device_prop_bool(dev, "absent"));
	test_check(!strcmp(device_prop_str(dev, "text"), "abc"));
	test_check(!device_prop_str(dev, "unfinished") && !device_prop_str(dev, "empty"));
	test_check(device_prop(dev, "odd", &len) == cells && len == 3);
	while (dev->props) {
		struct device_prop *p = dev->props;

		dev->props = p->next;
		kfree(p);
	}
	kfree(dev);
}

static void test_resources(void)
{
	struct device *dev = device_alloc(NULL, "dev", BUS_PLATFORM);

	test_check(dev && dev->parent == &device_root);
	test_equal(device_add_resource(dev, RES_MMIO, 0x1000, 0x100, NULL), 0);
	test_equal(device_add_resource(dev, RES_IRQ, 33, 0, NULL), 0);
	test_equal(device_add_resource(dev, RES_MMIO, 0x2000, 0x200, "second"), 0);
	test_equal(device_add_resource(dev, RES_PORT, 0x3f8, 8, NULL), 0);
	test_equal(device_resource(dev, RES_MMIO, 1)->base, 0x2000);
	test_check(!device_resource(dev, RES_MMIO, 2));
	test_check(!device_mmio(dev, 2));
	test_equal(device_irq(dev, 0), 33);
	test_equal(device_irq(dev, 1), -ENXIO);
	test_equal(device_irq_route(dev, NULL, 0, 1), -ENXIO);
	test_equal(device_port(dev, 0), 0x3f8);
	test_equal(device_port(dev, 1), -ENXIO);
	kfree(dev->res);
	kfree(dev);
}

static const struct test_case cases[] = {
	TEST_CASE(test_compatible),
	TEST_CASE(test_props),
	TEST_CASE(test_resources),
	{},
};
const struct test_suite test_suite_device = { "device", cases };
