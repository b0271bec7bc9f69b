/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock discipline: what adjtimex and clock_adjtime do (kernel/time/ntp.c). */
#ifndef KERNEL_NTP_H
#define KERNEL_NTP_H

#include <uapi/timex.h>

void ntp_init(void);		/* from time_init */
/* 0, -EINVAL, -EPERM (may_set: the caller may set the clock). */
int ntp_check(const struct timex *tx, bool may_set);
/* After ntp_check: applies modes but ADJ_SETOFFSET, which is the caller's, and fills the rest. TIME_*. Interrupts on. */
int ntp_adjust(struct timex *tx);
void ntp_clear(void);		/* the clock was set: no phase, not synchronised */

#endif
