/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP wants to know of compiler and kernel. */
#ifndef LWIP_PORT_CC_H
#define LWIP_PORT_CC_H

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_UNISTD_H 1
#define SSIZE_MAX __LONG_MAX__
#define X8_F "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "lu"
#ifndef INT_MAX
#define INT_MAX __INT_MAX__
#endif
#define BYTE_ORDER LITTLE_ENDIAN

#define PACK_STRUCT_STRUCT __attribute__((packed))

#include <stddef.h>
#include <stdint.h>

typedef int64_t ssize_t;		/* as the kernel has it */

/* kernel/net/lwip/port.c */
void *lwip_port_malloc(size_t size);
void *lwip_port_calloc(size_t n, size_t size);
void lwip_port_free(void *p);
uint32_t lwip_port_random(void);
uint16_t lwip_port_checksum(const void *data, int len);
void lwip_port_assert(const char *what, const char *file, int line) __attribute__((noreturn));

#define LWIP_RAND() lwip_port_random()
#define LWIP_PLATFORM_DIAG(x) do { } while (0)
#define LWIP_PLATFORM_ASSERT(x) lwip_port_assert(x, __FILE__, __LINE__)

#endif
