/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_INET and AF_INET6 of the Linux ABI: addresses, options, interface requests. */
#ifndef UAPI_INET_H
#define UAPI_INET_H

#include <lib/compiler.h>
#include <uapi/socket.h>

struct sockaddr_in {
	u16 family;
	be16 port;
	u32 addr;			/* network order */
	u8 zero[8];
};
struct sockaddr_in6 {
	u16 family;
	be16 port;
	u32 flowinfo;
	u32 addr[4];			/* network order */
	u32 scope_id;
};
#define SIN6_LEN_RFC2133 24u		/* without scope_id */

#define IPPROTO_IP 0
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
#define IPPROTO_ICMPV6 58
#define IPPROTO_UDPLITE 136
#define IPPROTO_RAW 255
#define IPPROTO_MAX 256

#define IP_TOS 1
#define IP_TTL 2
#define IP_HDRINCL 3
#define IP_OPTIONS 4
#define IP_PKTINFO 8
#define IP_MTU_DISCOVER 10
#define IP_RETOPTS 7
#define IP_RECVERR 11
#define IP_RECVTTL 12
#define IP_RECVTOS 13
#define IP_MTU 14
#define IP_FREEBIND 15
#define IP_BIND_ADDRESS_NO_PORT 24
#define IP_MULTICAST_IF 32
#define IP_MULTICAST_TTL 33
#define IP_MULTICAST_LOOP 34
#define IP_ADD_MEMBERSHIP 35
#define IP_DROP_MEMBERSHIP 36
#define MCAST_JOIN_GROUP 42
#define MCAST_LEAVE_GROUP 45
#define IP_MULTICAST_ALL 49
#define IP_LOCAL_PORT_RANGE 51
#define IPV6_UNICAST_HOPS 16
#define IPV6_MULTICAST_IF 17
#define IPV6_MULTICAST_HOPS 18
#define IPV6_MULTICAST_LOOP 19
#define IPV6_ADD_MEMBERSHIP 20
#define IPV6_DROP_MEMBERSHIP 21
#define IPV6_MTU_DISCOVER 23
#define IPV6_MTU 24
#define IPV6_RECVERR 25
#define IPV6_V6ONLY 26
#define IPV6_RECVPKTINFO 49
#define IPV6_PKTINFO 50
#define IPV6_RECVHOPLIMIT 51
#define IPV6_HOPLIMIT 52
#define IPV6_RECVTCLASS 66
#define IPV6_TCLASS 67

#define TCP_NODELAY 1
#define TCP_MAXSEG 2
#define TCP_CORK 3
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6
#define TCP_SYNCNT 7
#define TCP_LINGER2 8
#define TCP_DEFER_ACCEPT 9
#define TCP_WINDOW_CLAMP 10
#define TCP_INFO 11
#define TCP_QUICKACK 12
#define TCP_CONGESTION 13
#define TCP_USER_TIMEOUT 18
#define TCP_NOTSENT_LOWAT 25

#define UDPLITE_SEND_CSCOV 10
#define UDPLITE_RECV_CSCOV 11

#define SOL_RAW 255
#define ICMP_FILTER 1
#define ICMPV6_FILTER 1

struct user_ip_mreq {
	u32 group, interface;		/* network order */
};
struct user_ip_mreqn {
	u32 group, address;
	s32 ifindex;
};
struct user_ipv6_mreq {
	u32 group[4];
	s32 ifindex;
};
struct user_group_req {
	u32 ifindex, pad;
	struct sockaddr_storage group;
};
/* IP_RECVERR, IPV6_RECVERR: struct sock_extended_err; the offender's name follows. */
struct user_sock_ee {
	u32 err;
	u8 origin, type, code, pad;
	u32 info, data;
};
#define SO_EE_ORIGIN_LOCAL 1
#define SO_EE_ORIGIN_ICMP 2
#define SO_EE_ORIGIN_ICMP6 3
#define IP_PMTUDISC_WANT 1
#define IP_PMTUDISC_DO 2
#define IP_PMTUDISC_PROBE 3
struct user_in_pktinfo {
	s32 ifindex;
	u32 spec_dst, addr;
};
struct user_in6_pktinfo {
	u32 addr[4];
	s32 ifindex;
};
/* struct tcp_info up to what is filled. */
struct user_tcp_info {
	u8 state, ca_state, retransmits, probes, backoff, options, wscale, flags;
	u32 rto, ato, snd_mss, rcv_mss;
	u32 unacked, sacked, lost, retrans, fackets;
	u32 last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
	u32 pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	u32 rcv_rtt, rcv_space, total_retrans;
	u64 pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	u32 segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	u64 delivery_rate;
};

#define IFNAMSIZ 16
struct user_ifreq {
	char name[IFNAMSIZ];
	union {
		struct sockaddr addr;
		struct sockaddr_in in;
		s16 flags;
		s32 value;
		u64 data;
		char newname[IFNAMSIZ];
		struct {
			u64 mem_start, mem_end;
			u16 base_addr;
			u8 irq, dma, port;
		} map;
	};
};
static_assert(sizeof(struct user_ifreq) == 40, "as Linux");
struct user_ifconf {
	s32 len, pad;
	u64 buf;
};
struct user_in6_ifreq {
	u32 addr[4];
	u32 prefix_len;
	s32 ifindex;
};
struct user_rtentry {
	u64 pad1;
	struct sockaddr dst, gateway, genmask;
	u16 flags;
	s16 pad2;
	u64 pad3;
	u8 tos, class;
	s16 pad4[3];
	s16 metric;
	u64 dev;
	u64 mtu, window;
	u16 irtt;
};
struct user_in6_rtmsg {
	u32 dst[4], src[4], gateway[4];
	u32 type;
	u16 dst_len, src_len;
	u32 metric;
	u64 info;
	u32 flags;
	s32 ifindex;
};
struct user_arpreq {
	struct sockaddr pa, ha;
	s32 flags;
	struct sockaddr netmask;
	char dev[16];
};
#define RTF_UP 1
#define RTF_GATEWAY 2
#define RTF_HOST 4

#define SIOCADDRT 0x890b
#define SIOCDELRT 0x890c
#define SIOCGIFNAME 0x8910
#define SIOCGIFCONF 0x8912
#define SIOCGIFFLAGS 0x8913
#define SIOCSIFFLAGS 0x8914
#define SIOCGIFADDR 0x8915
#define SIOCSIFADDR 0x8916
#define SIOCGIFDSTADDR 0x8917
#define SIOCGIFBRDADDR 0x8919
#define SIOCSIFBRDADDR 0x891a
#define SIOCGIFNETMASK 0x891b
#define SIOCSIFNETMASK 0x891c
#define SIOCGIFMETRIC 0x891d
#define SIOCGIFMTU 0x8921
#define SIOCSIFMTU 0x8922
#define SIOCSIFHWADDR 0x8924
#define SIOCGIFHWADDR 0x8927
#define SIOCGIFINDEX 0x8933
#define SIOCDIFADDR 0x8936
#define SIOCGIFCOUNT 0x8938
#define SIOCGIFTXQLEN 0x8942
#define SIOCSIFTXQLEN 0x8943
#define SIOCGIFMAP 0x8970
#define SIOCDARP 0x8953
#define SIOCGARP 0x8954
#define SIOCSARP 0x8955
#define ARPHRD_ETHER 1
#define ARPHRD_LOOPBACK 772

#endif
