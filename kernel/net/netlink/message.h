/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to kernel/net/netlink: packets between the builder and the socket. */
#ifndef KERNEL_NET_NETLINK_MESSAGE_H
#define KERNEL_NET_NETLINK_MESSAGE_H

#include <kernel/netlink.h>

struct nl_packet {
	struct socket_packet packet;
	u32 from_pid, from_group;	/* group: its number; 0: to one */
	struct user_ucred ids;		/* of the sender; zero: the kernel */
	u8 data[];
};
struct nl_packet *nl_packet_new(u32 room);	/* NULL without memory */
/* socket_packet.free of a packet. */
void nl_packet_free(struct socket_packet *p);
/* What was built goes into the asker's queue; without room there o has failed. */
void nl_packet_send(struct nl_out *o);

#endif
