/* SPDX-License-Identifier: BSD-2-Clause */
/* Power off and reset: drivers register ways, best first; the architecture's own way is the last resort. */
#ifndef KERNEL_POWER_H
#define KERNEL_POWER_H

#include <lib/list.h>

struct power_handler {
	struct list link;
	const char *name;
	int priority;			/* higher first */
	void (*off)(struct power_handler *h);	/* returns if it failed; NULL: cannot */
	void (*reset)(struct power_handler *h);
	void *data;
};
void power_handler_register(struct power_handler *h);
/* Syncs nothing: the caller did. Quiesces devices, stops CPUs. */
void power_off(void) __attribute__((noreturn));
void power_reset(void) __attribute__((noreturn));
void power_halt(void) __attribute__((noreturn));

#endif
