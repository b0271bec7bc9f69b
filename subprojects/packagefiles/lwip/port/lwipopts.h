/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the kernel configures lwIP; docs/net.md has the reason of each value that is a choice.
 * Everything runs under one lock of ours (kernel/net/lwip/core.c), so lwIP is told that there is no system.
 */
#ifndef LWIP_PORT_OPTS_H
#define LWIP_PORT_OPTS_H

/* What calls in, and memory: all from the kernel's heap. */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_TIMERS 1
#define LWIP_TIMERS_CUSTOM 1		/* kernel/net/lwip/timers.c */
#define MEM_CUSTOM_ALLOCATOR 1
#define MEMP_MEM_MALLOC 1
#define MEM_CUSTOM_MALLOC lwip_port_malloc
#define MEM_CUSTOM_CALLOC lwip_port_calloc
#define MEM_CUSTOM_FREE lwip_port_free
#define MEM_ALIGNMENT 8
#define MEMP_NUM_SYS_TIMEOUT 32
#define PBUF_POOL_FREE_OOSEQ 0
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1	/* they count pools that do not exist here */

/* Link layer. ETH_PAD_SIZE: the IP header is aligned. */
#define ETH_PAD_SIZE 2
#define LWIP_ARP 1
#define ARP_TABLE_SIZE 64
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 16
#define ETHARP_SUPPORT_STATIC_ENTRIES 1
#define ETHARP_TABLE_MATCH_NETIF 1
#define LWIP_NETIF_HWADDRHINT 1
#define LWIP_NETIF_LOOPBACK 0
#define LWIP_HAVE_LOOPIF 0
#define LWIP_NETIF_EXT_STATUS_CALLBACK 1
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHKSUM lwip_port_checksum
#define LWIP_CHECKSUM_ON_COPY 0

/* Network layer. */
#define IP_DEFAULT_TTL 64
#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_ICMP 1
#define LWIP_IGMP 1
#define LWIP_RAW 1
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_ACD 0
#define LWIP_DNS 0
#define IP_FORWARD 0
#define IP_REASSEMBLY 1
#define IP_REASS_MAX_PBUFS 128
#define IP_FRAG 1
#define IP_SOF_BROADCAST 1
#define IP_SOF_BROADCAST_RECV 0
#define LWIP_MULTICAST_TX_OPTIONS 1
#define LWIP_MULTICAST_PING 0
#define LWIP_BROADCAST_PING 0
#define LWIP_IPV6_MLD 1
#define LWIP_IPV6_AUTOCONFIG 1
#define LWIP_IPV6_FORWARD 0
#define LWIP_IPV6_REASS 1
#define IPV6_FRAG_COPYHEADER 1
#define LWIP_IPV6_FRAG 1
#define LWIP_IPV6_NUM_ADDRESSES 6
#define LWIP_IPV6_DHCP6 0
#define LWIP_ND6_NUM_NEIGHBORS 32
#define LWIP_ND6_NUM_DESTINATIONS 64
#define LWIP_ND6_QUEUEING 1
#define MEMP_NUM_ND6_QUEUE 64
#define LWIP_ND6_DELAY_FIRST_PROBE_TIME 5000
#define LWIP_ND6_ALLOW_RA_UPDATES 1

/* Transport layer. */
#define LWIP_UDP 1
#define LWIP_UDPLITE 1
#define LWIP_TCP 1
#define SO_REUSE 1
#define SO_REUSE_RXTOALL 1
#define LWIP_NETBUF_RECVINFO 0
#define LWIP_TCP_KEEPALIVE 1
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_TIMESTAMPS 1		/* but not over loopback: lwip_hook_tcp_timestamps */
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 4
#define TCP_MSS 65472		/* what a block of the kernel holds (kernel/net/netbuf.c) */
#define TCP_WND 524288
/* A quarter of the connection's own window: a peer without window scaling gets 64 KiB only. */
#define TCP_WND_UPDATE_THRESHOLD (TCP_WND_MAX(pcb) / 4)
#define TCP_SND_BUF 524288
#define TCP_SND_QUEUELEN 8192
#define TCP_SNDLOWAT 1
#define TCP_OVERSIZE 1460
#define TCP_QUEUE_OOSEQ 1
#define TCP_OOSEQ_MAX_BYTES 524288
#define TCP_LISTEN_BACKLOG 1
#define TCP_CALCULATE_EFF_SEND_MSS 1
#define TCP_MSL 30000
#define TCP_MAXRTX 15
/* Delayed answers after 40 ms at most, retransmission in steps of 80 ms from 200 ms on. */
#define TCP_TMR_INTERVAL 40
#define TCP_MSS_LEAST 48		/* no peer gets smaller segments, whatever it asks for: Linux's tcp_min_snd_mss */
#define LWIP_TCP_RTO_TIME 1000		/* RFC 6298 2.1 */
#define TCP_SYNMAXRTX 6
#define TCP_DEFAULT_LISTEN_BACKLOG 128

/* Counters for /proc/net/snmp and per interface. */
#define LWIP_STATS 1
#define LWIP_STATS_LARGE 1
#define LWIP_STATS_DISPLAY 0
#define MIB2_STATS 1
#define MEM_STATS 0
#define MEMP_STATS 0
#define SYS_STATS 0

/* Where lwIP asks us: kernel/net/lwip/hooks.c; declared in lwip_hooks.h. */
#define LWIP_HOOK_FILENAME "lwip_hooks.h"
/* The routing table and our own addresses; NULL: lwIP's own choice. */
#define LWIP_HOOK_IP4_ROUTE_SRC(src, dest) lwip_hook_route4(src, dest)
#define LWIP_HOOK_IP6_ROUTE(src, dest) lwip_hook_route6(src, dest)
#define LWIP_HOOK_ETHARP_GET_GW(netif, dest) lwip_hook_gateway4(netif, dest)
#define LWIP_HOOK_ND6_GET_GW(netif, dest) lwip_hook_gateway6(netif, dest)
/* RFC 6528: a keyed hash of the connection plus a clock. */
#define LWIP_HOOK_TCP_ISN(lip, lport, rip, rport) lwip_hook_isn(lip, lport, rip, rport)

#define LWIP_DEBUG 0
#endif
