/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of AF_NETLINK: reading a request, building answers and notices. kernel/net/netlink/socket.c moves them; who
 * answers a protocol's requests is a struct netlink_protocol: rtnetlink.c, sock_diag.c.
 */
#ifndef KERNEL_NETLINK_H
#define KERNEL_NETLINK_H

#include <kernel/socket.h>
#include <uapi/netlink.h>

/* Answers to one request: packets of whole messages. */
struct nl_out {
	struct socket *sk;		/* who asked; NULL: a notification */
	u32 seq, pid;
	u16 flags;			/* NLM_F_MULTI of a dump */
	struct nl_packet *packet;	/* being filled; NULL none */
	u32 message;			/* offset of the open message */
	bool failed;			/* no memory: the rest is dropped, the asker gets -ENOBUFS */
	/* A long dump is made in parts, as the asker reads: the handler runs again and what it was sent is passed over. */
	u32 skip, sent;			/* messages to pass over; built so far */
	u32 packets;			/* queued by this run */
	bool is_full;			/* enough for now: nothing more is built */
};
/* A message with its fixed part (n bytes, may be NULL: zeroed); attributes follow; then nl_end. NULL: leave it out. */
void *nl_begin(struct nl_out *o, u16 type, u32 n);
void nl_attr(struct nl_out *o, u16 type, const void *data, u32 n);
void nl_attr_u8(struct nl_out *o, u16 type, u8 v);
void nl_attr_u32(struct nl_out *o, u16 type, u32 v);
void nl_attr_string(struct nl_out *o, u16 type, const char *s);
void nl_end(struct nl_out *o);
static inline bool nl_is_dump(const struct nl_out *o) { return o->flags & NLM_F_MULTI; }

/* A request's attribute of a type, at least min bytes; NULL. */
struct nl_request {
	const struct user_nlmsghdr *head;
	const void *fixed;		/* behind the header; zero-filled up to what the type has */
	const u8 *attrs;
	u32 attrs_len;
};
const void *nl_find(const struct nl_request *r, u16 type, u32 min, u32 *len);

struct netlink_protocol {
	s32 number;			/* NETLINK_* */
	u32 (*fixed_size)(u16 type);	/* of the part behind the header, at most NL_FIXED_MAX */
	bool (*is_dump)(const struct user_nlmsghdr *h);
	/* 0 or -errno; answers go to o; NULL, with the two above: the kernel takes no requests. A dump's messages come in the same order each time. May sleep. */
	int (*request)(const struct nl_request *r, struct nl_out *o);
};
#define NL_FIXED_MAX 64u
extern const struct netlink_protocol netlink_route, netlink_sock_diag, netlink_uevent;

/* Tells the members of a group (RTNLGRP_*). o was filled with sk NULL. */
void nl_notify(struct nl_out *o, u32 group);

/* ---- the kernel's own messages (mq_notify) ----------------------------------------------------------- */
/* Is f an AF_NETLINK socket? */
bool netlink_is(const struct file *f);
/* Puts n bytes, as one packet without a header, into f's receive queue; f is such a socket. Without room they are lost. May sleep. */
void netlink_push(struct file *f, const void *data, u32 n);

#endif
