/* SPDX-License-Identifier: BSD-2-Clause */
/* Netlink for the kernel's own messages (kernel/net/netlink/socket.c). */
#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include <lib/compiler.h>

struct file;

/* Is f an AF_NETLINK socket? */
bool netlink_is(const struct file *f);
/* Puts n bytes, as one packet without a header, into f's receive queue; f is such a socket. Without room they are lost. May sleep. */
void netlink_push(struct file *f, const void *data, u32 n);

#endif
