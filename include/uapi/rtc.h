/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/rtc of the Linux ABI. */
#ifndef UAPI_RTC_H
#define UAPI_RTC_H

#include <lib/types.h>

struct user_rtc_time {
	s32 sec, min, hour, mday, mon, year, wday, yday, isdst;		/* as struct tm */
};
struct user_rtc_wkalrm {
	u8 enabled, pending;
	struct user_rtc_time time;
};
_Static_assert(sizeof(struct user_rtc_wkalrm) == 40, "Linux's struct rtc_wkalrm");

#define RTC_AIE_ON 0x7001u
#define RTC_AIE_OFF 0x7002u
#define RTC_UIE_ON 0x7003u
#define RTC_UIE_OFF 0x7004u
#define RTC_PIE_ON 0x7005u
#define RTC_PIE_OFF 0x7006u
#define RTC_ALM_SET 0x40247007u
#define RTC_ALM_READ 0x80247008u
#define RTC_RD_TIME 0x80247009u
#define RTC_SET_TIME 0x4024700au
#define RTC_IRQP_READ 0x8008700bu
#define RTC_IRQP_SET 0x4008700cu
#define RTC_WKALM_SET 0x4028700fu
#define RTC_WKALM_RD 0x80287010u
/* The low byte of what a read gives; above it the number of interrupts. */
#define RTC_IRQF 0x80u
#define RTC_PF 0x40u
#define RTC_AF 0x20u
#define RTC_UF 0x10u

#endif
