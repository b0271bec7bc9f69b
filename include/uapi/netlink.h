/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_NETLINK with NETLINK_ROUTE, and AF_PACKET, of the Linux ABI. */
#ifndef UAPI_NETLINK_H
#define UAPI_NETLINK_H

#include <lib/types.h>

#define NETLINK_ROUTE 0
#define NETLINK_SOCK_DIAG 4
#define NETLINK_KOBJECT_UEVENT 15
#define UEVENT_GROUP_KERNEL 1		/* what the kernel tells; group 2 is udev's */
struct sockaddr_nl {
	u16 family, pad;
	u32 pid, groups;
};
struct user_nlmsghdr {
	u32 len;
	u16 type, flags;
	u32 seq, pid;
};
struct user_nlattr {
	u16 len, type;
};
#define NL_ALIGN(n) (((n) + 3) & ~3u)
#define NLM_F_REQUEST 1
#define NLM_F_MULTI 2
#define NLM_F_ACK 4
#define NLM_F_ROOT 0x100
#define NLM_F_MATCH 0x200
#define NLM_F_DUMP (NLM_F_ROOT | NLM_F_MATCH)
#define NLM_F_REPLACE 0x100
#define NLM_F_EXCL 0x200
#define NLM_F_CREATE 0x400
#define NLMSG_NOOP 1
#define NLMSG_ERROR 2
#define NLMSG_DONE 3
#define NLMSG_MIN_TYPE 16
#define SOL_NETLINK 270
#define NETLINK_ADD_MEMBERSHIP 1
#define NETLINK_DROP_MEMBERSHIP 2
#define NETLINK_PKTINFO 3
#define NETLINK_LIST_MEMBERSHIPS 9
#define NETLINK_CAP_ACK 10
#define NETLINK_EXT_ACK 11
#define NETLINK_GET_STRICT_CHK 12

#define RTM_NEWLINK 16
#define RTM_DELLINK 17
#define RTM_GETLINK 18
#define RTM_SETLINK 19
#define RTM_NEWADDR 20
#define RTM_DELADDR 21
#define RTM_GETADDR 22
#define RTM_NEWROUTE 24
#define RTM_DELROUTE 25
#define RTM_GETROUTE 26
#define RTM_NEWNEIGH 28
#define RTM_DELNEIGH 29
#define RTM_GETNEIGH 30

#define RTM_NEWRULE 32
#define RTM_GETRULE 34

#define RTNLGRP_LINK 1
#define RTNLGRP_NEIGH 3
#define RTNLGRP_IPV4_IFADDR 5
#define RTNLGRP_IPV4_ROUTE 7
#define RTNLGRP_IPV6_IFADDR 9
#define RTNLGRP_IPV6_ROUTE 11

struct user_ifinfomsg {
	u8 family, pad;
	u16 type;
	s32 index;
	u32 flags, change;
};
#define IFLA_ADDRESS 1
#define IFLA_BROADCAST 2
#define IFLA_IFNAME 3
#define IFLA_MTU 4
#define IFLA_QDISC 6
#define IFLA_STATS 7
#define IFLA_TXQLEN 13
#define IFLA_OPERSTATE 16
#define IFLA_LINKMODE 17
#define IFLA_LINKINFO 18
#define IFLA_STATS64 23
#define IFLA_GROUP 27
#define IFLA_NUM_TX_QUEUES 31
#define IFLA_NUM_RX_QUEUES 32
#define IFLA_CARRIER 33
struct user_link_stats64 {
	u64 rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped, multicast, collisions;
	u64 rest[15];
};
struct user_link_stats {
	u32 rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped, multicast, collisions;
	u32 rest[14];
};
struct user_ifaddrmsg {
	u8 family, prefix_len, flags, scope;
	u32 index;
};
#define IFA_ADDRESS 1
#define IFA_LOCAL 2
#define IFA_LABEL 3
#define IFA_BROADCAST 4
#define IFA_CACHEINFO 6
#define IFA_FLAGS 8
#define IFA_F_SECONDARY 0x01
#define IFA_F_TENTATIVE 0x40
#define IFA_F_PERMANENT 0x80
struct user_rtmsg {
	u8 family, dst_len, src_len, tos, table, protocol, scope, type;
	u32 flags;
};
#define RTA_DST 1
#define RTA_OIF 4
#define RTA_GATEWAY 5
#define RTA_PRIORITY 6
#define RTA_PREFSRC 7
#define RTA_TABLE 15
#define RT_TABLE_DEFAULT 253
#define RT_TABLE_MAIN 254
#define RT_TABLE_LOCAL 255
#define RTM_F_CLONED 0x200
struct user_ndmsg {
	u8 family, pad1;
	u16 pad2;
	s32 ifindex;
	u16 state;
	u8 flags, type;
};
#define NDA_DST 1
#define NDA_LLADDR 2
#define NDA_CACHEINFO 3

struct user_rulemsg {
	u8 family, dst_len, src_len, tos, table, res1, res2, action;
	u32 flags;
};
#define FRA_PRIORITY 6
#define FRA_SUPPRESS_PREFIXLEN 14
#define FRA_TABLE 15
#define FRA_PROTOCOL 21
#define FR_ACT_TO_TBL 1
#define RTPROT_KERNEL 2

struct sockaddr_ll {
	u16 family;
	u16 protocol;		/* network order */
	s32 ifindex;
	u16 hatype;
	u8 pkttype, halen, addr[8];
};
#define SOL_PACKET 263
#define PACKET_ADD_MEMBERSHIP 1
#define PACKET_DROP_MEMBERSHIP 2
#define PACKET_STATISTICS 6
#define PACKET_AUXDATA 8
#define PACKET_HOST 0
#define PACKET_BROADCAST 1
#define PACKET_MULTICAST 2
#define PACKET_OTHERHOST 3
#define PACKET_OUTGOING 4
#define ETH_P_ALL 3

struct user_sock_filter {
	u16 code;
	u8 jt, jf;
	u32 k;
};
struct user_sock_fprog {
	u16 len, pad[3];
	u64 filter;
};

#endif
