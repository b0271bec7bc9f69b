/* SPDX-License-Identifier: BSD-2-Clause */
/* sysinfo(2). */
#ifndef UAPI_SYSINFO_H
#define UAPI_SYSINFO_H

#include <lib/types.h>

#define SYSINFO_LOAD_SHIFT 16
struct sysinfo_abi {
	s64 uptime;
	u64 loads[3];
	u64 totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u64 totalhigh, freehigh;
	u32 mem_unit;
};
_Static_assert(sizeof(struct sysinfo_abi) == 112, "struct sysinfo");

#endif
