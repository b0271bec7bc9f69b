/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sockets and interfaces ask of a TCP/IP core, and what it tells them: the seam behind which lwIP lies
 * (kernel/net/lwip), and another could. Connections and endpoints are opaque; an owner pointer comes back with every event.
 *
 * Everything is called with net_lock held unless marked "no lock", every event comes with it held; nothing
 * sleeps. Errors are 0 or -errno.
 */
#ifndef KERNEL_NETSTACK_H
#define KERNEL_NETSTACK_H

#include <kernel/netdev.h>

struct net_conn;			/* a TCP connection or listener */
struct net_end;				/* a UDP or raw endpoint */
struct net_packet;			/* a datagram being built */

struct net_addr {
	u32 ip[4];			/* network order; IPv4 in word 0 */
	u16 family;			/* AF_INET, AF_INET6 */
	u16 port;			/* host order */
	u32 scope;			/* interface of a link-local address, 0: none */
};
static inline bool net_addr_is_any(const struct net_addr *a)
{
	return a->family == AF_INET ? a->ip[0] == 0 : !(a->ip[0] | a->ip[1] | a->ip[2] | a->ip[3]);
}

/* May two sockets have one port? */
enum net_share {
	NET_SHARE_NONE,
	NET_SHARE_REUSE,		/* SO_REUSEADDR: as long as neither listens */
	NET_SHARE_SPREAD,		/* SO_REUSEPORT: and what comes is spread over them */
};

struct net_conn_events {
	void (*connected)(void *owner);
	/* In-order data, taken over; NULL: the peer sends no more. */
	void (*received)(void *owner, struct netbuf *chain, u32 len);
	void (*sent)(void *owner);			/* the peer took some: room for more */
	void (*failed)(void *owner, int err);		/* positive errno; the connection is gone already */
	/* A listener's new connection: its owner, or NULL to refuse it. */
	void *(*accepted)(void *owner, struct net_conn *conn);
	/* The byte that comes behind so many that were not handed over yet is urgent. */
	void (*urgent)(void *owner, u32 ahead);
	enum net_share (*share)(void *owner, void *other);
};
/* What ICMP says about a datagram of ours. */
struct net_error {
	int err;			/* positive errno */
	bool is_hard;			/* told to connected sockets without being asked */
	u8 origin, type, code;		/* SO_EE_ORIGIN_*, ICMP's */
	u32 info;			/* the MTU that fits, 0: none */
	struct net_addr to, offender;	/* where it went; who says so */
	const u8 *data;			/* what is quoted of it, behind UDP's header, from the ICMP header on for raw ends */
	u32 len;
};
struct net_end_events {
	/* A datagram (origin set, chain behind next), taken over. */
	void (*received)(void *owner, struct netbuf *chain, u32 len);
	void (*failed)(void *owner, const struct net_error *e);
	enum net_share (*share)(void *owner, void *other);
};

enum net_conn_option {
	NET_TCP_USER_TIMEOUT, NET_TCP_MAXSEG,		/* ms, bytes; 0: none */
	NET_TCP_DEFER_ACCEPT,				/* a listener's: s until connections without data count, too; 0: at once */
	NET_TCP_NODELAY, NET_TCP_KEEPALIVE, NET_TCP_KEEPIDLE, NET_TCP_KEEPINTVL, NET_TCP_KEEPCNT,	/* ms, ms, count */
	NET_TTL, NET_TOS, NET_REUSEADDR, NET_REUSEPORT, NET_V6ONLY, NET_BROADCAST, NET_IFINDEX,
	NET_MULTICAST_TTL, NET_MULTICAST_LOOP, NET_MULTICAST_IF, NET_HDRINCL,
	NET_TCP_URGENT,			/* the last byte queued is */
	NET_CSCOV_SEND, NET_CSCOV_RECEIVE,	/* UDP-Lite: bytes that the checksum covers; 0: all */
	NET_RCVBUF,			/* the largest window; 0: the stack's own, of a connection: as before */
};
struct net_tcp_info {
	u32 state;			/* Linux's TCP_ESTABLISHED 1 … */
	u32 rto_us, rtt_us, rttvar_us, mss, cwnd, ssthresh, rcv_wnd, snd_wnd, unacked, notsent, retransmits;
	u32 snd_scale, rcv_scale, rx_queue;
};
/* A row of /proc/net/tcp and friends. */
struct net_row {
	struct net_addr local, remote;
	u32 state, tx_queue, rx_queue;
	void *owner;			/* NULL: none any more; of a half-open connection its listener */
	struct net_conn *conn;		/* TCP */
};
struct net_route {
	u16 family;
	u8 prefix_len;
	u8 table_type;			/* RTN_UNICAST, RTN_LOCAL … */
	u32 dest[4], gateway[4], source[4];	/* gateway 0: on link */
	u32 ifindex, metric;
	u8 protocol, scope;		/* RTPROT_*, RT_SCOPE_* */
};
struct net_ifaddr {
	u16 family;
	u8 prefix_len, scope, flags;	/* IFA_F_* */
	u32 ip[4], broadcast[4];
	u32 ifindex;
};
struct net_neighbour {
	u16 family;
	u16 state;			/* NUD_* */
	u32 ip[4];
	u8 mac[6];
	u32 ifindex;
};

struct netstack_ops {
	const char *name;
	void (*init)(void);				/* no lock, boot */
	/* Deliver what was sent to ourselves; called before net_lock is dropped. */
	void (*run_pending)(void);

	/* interfaces */
	int (*attach)(struct netdev *dev);
	void (*receive)(struct netdev *dev, struct netbuf *frame);	/* taken over */
	void (*sent)(void *token);
	void (*tx_ready)(struct netdev *dev);				/* room in the device again */
	void (*carrier_changed)(struct netdev *dev);
	int (*set_up)(struct netdev *dev, bool up);
	int (*set_mtu)(struct netdev *dev, u32 mtu);
	int (*set_mac)(struct netdev *dev, const u8 mac[6]);
	/* A ready-made frame (AF_PACKET). */
	int (*send_frame)(struct netdev *dev, struct net_packet *p);
	int (*address_add)(const struct net_ifaddr *a);		/* -EEXIST, -ENOSPC */
	int (*address_remove)(const struct net_ifaddr *a);	/* -EADDRNOTAVAIL */
	/* *at starts at 0; false at the end. */
	bool (*address_next)(u32 *at, struct net_ifaddr *out);
	bool (*neighbour_next)(u32 *at, struct net_neighbour *out);
	int (*neighbour_set)(const struct net_neighbour *n, bool remove);
	int (*route_find)(const struct net_addr *to, struct net_route *out, struct net_addr *source);
	/* Routes by hand and those that addresses bring. Walk as address_next. */
	int (*route_set)(const struct net_route *r, bool remove);	/* -EEXIST, -ESRCH, -ENETUNREACH, -ENOSPC */
	bool (*route_next)(u32 *at, struct net_route *out);
	int (*dhcp)(struct netdev *dev, bool on);
	bool (*dhcp_done)(struct netdev *dev);

	/* TCP */
	int (*tcp_new)(u16 family, void *owner, const struct net_conn_events *ev, struct net_conn **out);
	int (*tcp_bind)(struct net_conn *c, const struct net_addr *a);	/* port 0: one is chosen */
	int (*tcp_connect)(struct net_conn *c, const struct net_addr *a);
	int (*tcp_listen)(struct net_conn **c, u32 backlog);
	void (*tcp_accepted)(struct net_conn *c);		/* the program has it: the backlog has room again */
	void (*tcp_adopt)(struct net_conn *c, void *owner);
	u32 (*tcp_room)(struct net_conn *c);			/* bytes that may be queued now */
	/* Queues len <= room bytes. block NULL: copied; else they lie in it and stay as they are. -ENOMEM: later. */
	int (*tcp_write)(struct net_conn *c, const void *data, u32 len, struct netblock *block, bool more);
	void (*tcp_push)(struct net_conn *c);
	void (*tcp_consumed)(struct net_conn *c, u32 len);	/* the program took so much: opens the window */
	u32 (*tcp_window)(struct net_conn *c);			/* the largest the peer may be given */
	void (*tcp_shutdown)(struct net_conn *c, bool receive, bool send);
	void (*tcp_close)(struct net_conn *c, bool abort);	/* no more events; what is queued still goes out */
	void (*tcp_names)(struct net_conn *c, struct net_addr *local, struct net_addr *peer);
	int (*tcp_set)(struct net_conn *c, enum net_conn_option opt, u32 v);
	void (*tcp_info)(struct net_conn *c, struct net_tcp_info *out);
	u32 (*tcp_unsent)(struct net_conn *c);			/* bytes the peer has not acknowledged */
	bool (*tcp_next)(void **at, struct net_row *out);	/* walks all; *at starts NULL */

	/* UDP (protocol 17), UDP-Lite (136) and raw */
	int (*end_new)(u16 family, u8 protocol, bool raw, void *owner, const struct net_end_events *ev, struct net_end **out);
	int (*end_bind)(struct net_end *e, const struct net_addr *a);
	int (*end_connect)(struct net_end *e, const struct net_addr *a);	/* NULL: no longer */
	void (*end_names)(struct net_end *e, struct net_addr *local, struct net_addr *peer);
	int (*end_send)(struct net_end *e, struct net_packet *p, const struct net_addr *to, const struct net_addr *from);
	int (*end_set)(struct net_end *e, enum net_conn_option opt, u32 v);
	int (*end_member)(struct net_end *e, const struct net_addr *group, u32 ifindex, bool join);
	void (*end_close)(struct net_end *e);
	bool (*end_next)(void **at, bool raw, struct net_row *out);
	/* No lock: room for len bytes and every header. NULL. The data is at *data. Taken over by a send, even a failed one. */
	struct net_packet *(*packet_new)(u32 len, void **data);
	void (*packet_free)(struct net_packet *p);

	void (*snmp)(u64 *values);				/* NET_SNMP_* */
	bool (*is_local)(const struct net_addr *a);		/* 0.0.0.0 and ours */
};
extern const struct netstack_ops *const netstack;

enum {
	NET_SNMP_IP_IN, NET_SNMP_IP_OUT, NET_SNMP_IP_DROP, NET_SNMP_IP_ERR, NET_SNMP_IP_NOROUTE, NET_SNMP_IP_DELIVERED,
	NET_SNMP_REASM_OK, NET_SNMP_REASM_FAIL, NET_SNMP_FRAG_OK, NET_SNMP_FRAG_FAIL, NET_SNMP_FRAGS,
	NET_SNMP_ICMP_IN, NET_SNMP_ICMP_IN_ERR, NET_SNMP_ICMP_OUT, NET_SNMP_ICMP_IN_ECHO, NET_SNMP_ICMP_IN_REPLY,
	NET_SNMP_ICMP_OUT_ECHO, NET_SNMP_ICMP_OUT_REPLY, NET_SNMP_ICMP_IN_UNREACH, NET_SNMP_ICMP_OUT_UNREACH,
	NET_SNMP_TCP_ACTIVE, NET_SNMP_TCP_PASSIVE, NET_SNMP_TCP_FAILS, NET_SNMP_TCP_RESETS, NET_SNMP_TCP_ESTAB,
	NET_SNMP_TCP_IN, NET_SNMP_TCP_OUT, NET_SNMP_TCP_RETRANS, NET_SNMP_TCP_IN_ERR, NET_SNMP_TCP_OUT_RST,
	NET_SNMP_UDP_IN, NET_SNMP_UDP_NOPORT, NET_SNMP_UDP_IN_ERR, NET_SNMP_UDP_OUT, NET_SNMP_MAX,
};

#endif
