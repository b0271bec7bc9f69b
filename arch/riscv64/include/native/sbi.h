/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls into the SBI firmware (RISC-V SBI specification 2.0). */
#ifndef NATIVE_SBI_H
#define NATIVE_SBI_H

#include <lib/compiler.h>

#define SBI_EXT_LEGACY_PUTCHAR 0x01ul
#define SBI_EXT_LEGACY_GETCHAR 0x02ul
#define SBI_EXT_LEGACY_SHUTDOWN 0x08ul
#define SBI_EXT_BASE 0x10ul
#define SBI_EXT_TIME 0x54494d45ul
#define SBI_EXT_IPI 0x735049ul
#define SBI_EXT_RFENCE 0x52464e43ul
#define SBI_EXT_HSM 0x48534dul
#define SBI_EXT_SRST 0x53525354ul
#define SBI_EXT_DBCN 0x4442434eul

#define SBI_BASE_SPEC_VERSION 0
#define SBI_BASE_IMPL_ID 1
#define SBI_BASE_IMPL_VERSION 2
#define SBI_BASE_PROBE 3
#define SBI_BASE_MVENDORID 4
#define SBI_BASE_MARCHID 5
#define SBI_BASE_MIMPID 6
#define SBI_RFENCE_I 0
#define SBI_RFENCE_VMA 1
#define SBI_HSM_START 0
#define SBI_HSM_STOP 1
#define SBI_HSM_STATUS 2
#define SBI_HSM_STOPPED 1
#define SBI_SRST_RESET 0
#define SBI_DBCN_WRITE 0
#define SBI_DBCN_READ 1
#define SBI_DBCN_WRITE_BYTE 2

#define SBI_SUCCESS 0
#define SBI_ERR_NOT_SUPPORTED -2
#define SBI_ERR_ALREADY_AVAILABLE -6

struct sbi_ret {
	long error;
	long value;
};
struct sbi_ret sbi_call(u64 ext, u64 fid, u64 a0, u64 a1, u64 a2, u64 a3);
/* True if the firmware has that extension. */
bool sbi_probe(u64 ext);

#endif
