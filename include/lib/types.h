/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Basic types. Numbers that must not mix have their own typedef; structs and
 * pointers never do.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u64 paddr_t;	/* physical address, bytes */
typedef u64 vaddr_t;	/* virtual address, bytes; user or kernel */
typedef u64 pfn_t;	/* physical address / 4096 */
typedef s64 ssize_t;
typedef s64 off_t;	/* file position, bytes */
typedef u32 dev_t;	/* (major << 8 & 0xfff00) | minor & 0xff | minor << 12 & 0xfff00000, as Linux's new encoding */
typedef u32 uid_t;
typedef u32 gid_t;
typedef s32 pid_t;
typedef u32 mode_t;
typedef u64 ino_t;
typedef u64 sector_t;	/* 512-byte units */

/* Little- and big-endian fields of on-disk and wire structures (sparse checks them). */
#ifdef __CHECKER__
#define __bitwise __attribute__((bitwise))
#define __force __attribute__((force))
#define __user __attribute__((noderef, address_space(1)))
#define __iomem __attribute__((noderef, address_space(2)))
#else
#define __bitwise
#define __force
#define __user
#define __iomem
#endif
typedef u16 __bitwise le16;
typedef u32 __bitwise le32;
typedef u64 __bitwise le64;
typedef u16 __bitwise be16;
typedef u32 __bitwise be32;
typedef u64 __bitwise be64;

#define U32_MAX 0xffffffffu
#define U64_MAX 0xffffffffffffffffull
#define S64_MAX 0x7fffffffffffffffll

#endif
