/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and versions that uname, /proc/version and the banner show. */
#ifndef KERNEL_VERSION_H
#define KERNEL_VERSION_H

/*
 * Programs and the C library test the release for features, so it names the Linux version whose
 * system calls the kernel follows, with our own version behind it.
 */
#define KERNEL_NAME "Linux"
#define KERNEL_RELEASE "6.12.0-trivet-0.1.0"
#define KERNEL_BUILD "#1 SMP PREEMPT"

#endif
