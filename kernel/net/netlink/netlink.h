/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to kernel/net/netlink: messages being built and read, and who answers which. */
#ifndef KERNEL_NET_NETLINK_NETLINK_H
#define KERNEL_NET_NETLINK_NETLINK_H

#include <kernel/netstack.h>
#include <uapi/netlink.h>

/* Answers to one request: packets of whole messages. */
struct nl_out {
	struct socket *sk;		/* who asked; NULL: a notification */
	u32 seq, pid;
	u16 flags;			/* NLM_F_MULTI of a dump */
	struct nl_packet *packet;	/* being filled; NULL none */
	u32 message;			/* offset of the open message */
	bool failed;			/* no memory: the rest is dropped, the asker gets -ENOBUFS */
};
/* A message with its fixed part (n bytes, may be NULL: zeroed); attributes follow; then nl_end. */
void *nl_begin(struct nl_out *o, u16 type, u32 n);
void nl_attr(struct nl_out *o, u16 type, const void *data, u32 n);
void nl_attr_u32(struct nl_out *o, u16 type, u32 v);
void nl_attr_string(struct nl_out *o, u16 type, const char *s);
void nl_end(struct nl_out *o);

/* A request's attribute of a type, at least min bytes; NULL. */
struct nl_request {
	const struct user_nlmsghdr *head;
	const void *fixed;		/* behind the header; fixed_len bytes, zero-filled up to what the type has */
	const u8 *attrs;
	u32 attrs_len;
};
const void *nl_find(const struct nl_request *r, u16 type, u32 min, u32 *len);
/* One of rtnetlink's: 0 or -errno; answers go to o. */
int rtnl_request(const struct nl_request *r, struct nl_out *o);
u32 rtnl_fixed_size(u16 type);
/* Tells the members of a group (RTNLGRP_*). o was filled with sk NULL. */
void nl_notify(struct nl_out *o, u32 group);

#endif
