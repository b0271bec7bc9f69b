/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to diag.c and diag_filter.c. */
#ifndef KERNEL_NET_INET_DIAG_H
#define KERNEL_NET_INET_DIAG_H

#include <lib/types.h>
#include <uapi/sock_diag.h>

/* What a filter may look at. Addresses as users see them, ports in host order. */
struct diag_entry {
	u8 family;
	bool is_auto;			/* nobody chose its port */
	u16 sport, dport;
	u32 src[4], dst[4];
	u32 ifindex, mark;
};
/* 0; -EINVAL: not a program that ends; -EPERM. */
int diag_filter_check(const u8 *code, s32 len);
/* code was checked. */
bool diag_filter_matches(const u8 *code, s32 len, const struct diag_entry *e);

#endif
