/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to kernel/net/netlink: a socket, and messages that others put into its queue (deliver.c). */
#ifndef KERNEL_NET_NETLINK_SOCK_H
#define KERNEL_NET_NETLINK_SOCK_H

#include "message.h"

struct bpf_program;
struct nl_dump;

struct nl_sock {
	struct socket sk;
	struct list link;		/* nl_lock */
	u32 pid, groups;		/* nl_lock */
	const struct netlink_protocol *protocol;	/* [b] */
	struct nl_dump *dump;		/* nl_lock; NULL none, or somebody is at it */
	bool is_dumping;		/* nl_lock */
	bool wants_group;		/* [a] NETLINK_PKTINFO: with each message */
	struct bpf_program *filter;	/* nl_lock; SO_ATTACH_FILTER, NULL: all is wanted */
	struct mutex receive_lock;	/* LOCK_SOCKET */
};
/* Guards the list of sockets, and of each its port id, groups, filter and dump. */
extern struct spinlock nl_lock;
extern struct list nl_sockets;		/* nl_lock */

static inline struct nl_sock *nl_of(struct socket *sk) { return container_of(sk, struct nl_sock, sk); }

/* From s to another socket of the protocol, or the members of groups. Bytes; -EPERM, -ECONNREFUSED: nobody has that id. */
ssize_t nl_send_to_users(struct nl_sock *s, const void *data, u32 n, u32 pid, u32 groups);
/* SO_ATTACH_FILTER, SO_DETACH_FILTER. 0, -EINVAL, -EFAULT, -ENOMEM, -ENOENT. */
int nl_filter_set(struct nl_sock *s, const void __user *val, u32 len);
int nl_filter_drop(struct nl_sock *s);
/* Who sent a packet, for recvmsg: SCM_CREDENTIALS and NETLINK_PKTINFO as far as they are asked for. 0 or -EFAULT. */
int nl_control_put(struct nl_sock *s, const struct nl_packet *p, struct socket_msg *msg);

#endif
