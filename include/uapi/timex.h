/* SPDX-License-Identifier: BSD-2-Clause */
/* adjtimex(2): struct timex, modes, status bits. */
#ifndef UAPI_TIMEX_H
#define UAPI_TIMEX_H

#include <uapi/time.h>

struct timex {
	u32 modes;
	s64 offset;		/* us, with STA_NANO ns */
	s64 freq;		/* ppm with 16 fraction bits */
	s64 maxerror, esterror;	/* us */
	s32 status;
	s64 constant;
	s64 precision, tolerance;
	struct timeval64 time;
	s64 tick;		/* us per USER_HZ tick */
	s64 ppsfreq, jitter;
	s32 shift;
	s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
	s32 tai;
	s32 reserved[11];
};
static_assert(sizeof(struct timex) == 208, "Linux's layout");

#define ADJ_OFFSET 0x0001
#define ADJ_FREQUENCY 0x0002
#define ADJ_MAXERROR 0x0004
#define ADJ_ESTERROR 0x0008
#define ADJ_STATUS 0x0010
#define ADJ_TIMECONST 0x0020
#define ADJ_TAI 0x0080
#define ADJ_SETOFFSET 0x0100
#define ADJ_MICRO 0x1000
#define ADJ_NANO 0x2000
#define ADJ_TICK 0x4000
#define ADJ_ADJTIME 0x8000
#define ADJ_OFFSET_SINGLESHOT 0x8001
#define ADJ_OFFSET_READONLY 0x2000
#define ADJ_OFFSET_SS_READ 0xa001

#define STA_PLL 0x0001
#define STA_FLL 0x0008
#define STA_INS 0x0010
#define STA_DEL 0x0020
#define STA_UNSYNC 0x0040
#define STA_FREQHOLD 0x0080
#define STA_NANO 0x2000
#define STA_MODE 0x4000
#define STA_CLK 0x8000
#define STA_RONLY (0x0100 | 0x0200 | 0x0400 | 0x0800 | 0x1000 | STA_NANO | STA_MODE | STA_CLK)

#define TIME_OK 0
#define TIME_INS 1
#define TIME_DEL 2
#define TIME_OOP 3
#define TIME_WAIT 4
#define TIME_ERROR 5

#endif
