/* SPDX-License-Identifier: BSD-2-Clause */
/* What a clock's driver gives (its ops) and gets (the wall clock set at boot, /dev/rtcN with Linux's ioctls: rtc.c). */
#ifndef RTC_RTC_H
#define RTC_RTC_H

#include <lib/types.h>

/* Both with rtc.c's lock held, interrupts off: they do not sleep. Seconds since 1970, UTC. */
struct rtc_ops {
	int (*read)(void *state, s64 *seconds);		/* 0; -EIO, -EINVAL: the clock shows no time */
	int (*set)(void *state, s64 seconds);		/* 0; -ERANGE: it cannot show that, -EIO */
};

/* Sets the wall clock from it and makes its device. name: static. 0, -ENOMEM, or what read says. Sleeps. */
int rtc_register(const char *name, const struct rtc_ops *ops, void *state);

#endif
