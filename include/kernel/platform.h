/* SPDX-License-Identifier: BSD-2-Clause */
/* What platform/ (and arch/sim) offers the core: firmware's description of the machine. */
#ifndef KERNEL_PLATFORM_H
#define KERNEL_PLATFORM_H

/* First thing in kernel_main: fills boot_info from the device tree / ACPI (memory, initrd, cmdline, seed, CPUs). Panics with a clear line when there is no usable memory description. */
void platform_early_init(void);
/* After mm and threads: creates all struct devices. */
void platform_discover(void);

#endif
