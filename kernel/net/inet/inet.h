/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of AF_INET and AF_INET6, private to kernel/net/inet. One struct for all types: a stream has a connection, others an
 * endpoint of the netstack. Both pointers belong to net_lock; events come under it, so a socket's release, which
 * takes it to close them, is the last thing they see.
 *
 * Locks: sk.lock serialises senders and naming, receive_lock readers; one of the two at a time. Then net_lock, then
 * sk.queue_lock. Marks as in kernel/socket.h, [n] net_lock, [r] receive_lock.
 */
#ifndef KERNEL_NET_INET_INET_H
#define KERNEL_NET_INET_INET_H

#include <kernel/netstack.h>
#include <uapi/inet.h>

#define INET_MEMBERS 20u

struct inet_member {
	struct net_addr group;
	u32 ifindex;
	struct inet_member *next;
};
enum urgent_state { URGENT_NONE, URGENT_AHEAD, URGENT_THERE, URGENT_READ };
struct inet_sock {
	struct socket sk;
	struct net_conn *conn;		/* [n] stream; NULL: none any more */
	struct net_end *end;		/* [n] the others */
	struct mutex receive_lock;	/* LOCK_SOCKET */
	/* stream */
	u32 consumed;			/* [r] bytes read that the netstack was not told of */
	u32 window_step;		/* [a] it is told of so many at once */
	/* Urgent data (stream_urgent.c); places are bytes since the connection began. */
	u32 received;			/* queue_lock: bytes that came */
	u32 read_pos;			/* [r] of them taken by the program */
	u32 urgent;			/* enum urgent_state; queue_lock to change, [a] */
	u32 urgent_at;			/* queue_lock: the byte's place */
	bool urgent_hole;		/* queue_lock: an older one is next to be read, and passed over */
	bool peer_closed;		/* [a] the peer sends no more */
	bool is_writable;		/* [a] there was room when somebody last looked */
	bool was_connected;		/* [a] names are known */
	bool told_connected;		/* sk.lock: a connect that did not wait was told of its end */
	bool cork, nodelay;		/* [p] sk.lock */
	u32 keepidle_s, keepintvl_s, keepcnt;	/* [a] */
	u32 user_timeout_ms, maxseg;	/* [a] 0: the stack's own */
	u32 defer_accept_s;		/* [a] */
	struct net_addr local, peer;	/* [n] as last known */
	/* all */
	u32 uid;			/* [b] who made it */
	bool is_bound, v6only;		/* sk.lock */
	u8 ttl, tos, mcast_ttl;		/* [a] */
	s16 hops, mcast_hops;		/* [a] IPv6; -1: the default */
	bool mcast_loop, recv_pktinfo, recv_ttl, recv_tos, recv_pktinfo6, recv_hops, recv_tclass, hdrincl, recverr, recv_opts;	/* [a] */
	u32 mcast_ifindex, bound_ifindex;
	s32 mtu_discover;
	u16 cscov_send, cscov_receive;	/* [a] UDP-Lite */
	struct list errors;		/* queue_lock (errors.c) */
	u32 nr_errors;			/* queue_lock, read without */
	struct inet_member *members;	/* sk.lock */
	/* ICMP */
	u16 ping_id;			/* [n] 0: not a ping socket */
	u32 icmp_filter[8];		/* [a] set bits are kept out */
};
static inline struct inet_sock *inet_of(struct socket *sk) { return container_of(sk, struct inet_sock, sk); }
/* UDP-Lite (RFC 3828) is UDP but for what the checksum covers. */
static inline bool inet_is_udp(const struct inet_sock *s)
{
	return s->sk.type == SOCK_DGRAM && (s->sk.protocol == IPPROTO_UDP || s->sk.protocol == IPPROTO_UDPLITE);
}

extern const struct socket_ops inet_stream_ops, inet_dgram_ops;

/* addr.c: names in users' form. Length or -errno. */
int inet_addr_in(const struct inet_sock *s, const struct sockaddr_storage *name, u32 len, struct net_addr *out);
/* For bind: Linux takes AF_UNSPEC for IPv4's wildcard. */
int inet_bind_name_in(const struct inet_sock *s, const struct sockaddr_storage *name, u32 len, struct net_addr *out);
int inet_addr_out(const struct inet_sock *s, const struct net_addr *a, struct sockaddr_storage *out);

/* options.c */
int inet_setsockopt(struct socket *sk, int level, int opt, const void __user *val, u32 len);
int inet_getsockopt(struct socket *sk, int level, int opt, void __user *val, u32 *len);
void inet_option_changed(struct socket *sk, int opt);
#define INET_HOPS_DEFAULT 64
static inline u32 inet_or_default(u32 v, const u32 *setting) { return v ? v : atomic_load(setting); }
void inet_options_apply(struct inet_sock *s);		/* to a new connection or endpoint; net_lock */
enum net_share inet_share(void *owner, void *other);	/* an event of both kinds; net_lock */
void inet_options_changed(struct inet_sock *s);		/* gives all words to the stack; takes net_lock */
/* options_group.c: setsockopt's argument of each. 0 or -errno. */
void inet_members_drop(struct inet_sock *s);		/* net_lock */
int inet_set_membership(struct inet_sock *s, int opt, const void __user *val, u32 len);
int inet_set_membership6(struct inet_sock *s, int opt, const void __user *val, u32 len);
int inet_set_group_req(struct inet_sock *s, int opt, const void __user *val, u32 len);
int inet_set_multicast_if(struct inet_sock *s, const void __user *val, u32 len);
/* dgram_send.c, dgram_receive.c */
ssize_t dgram_sendmsg(struct socket *sk, struct socket_msg *msg);
ssize_t dgram_recvmsg(struct socket *sk, struct socket_msg *msg);
/* stream_send.c, stream_receive.c; the first of each two is an event, net_lock held */
void stream_sent(void *owner);
ssize_t stream_sendmsg(struct socket *sk, struct socket_msg *msg);
void stream_received(void *owner, struct netbuf *b, u32 len);
ssize_t stream_recvmsg(struct socket *sk, struct socket_msg *msg);
/* errors.c */
void inet_error(void *owner, const struct net_error *e);	/* event */
void inet_error_too_long(struct inet_sock *s, const struct net_addr *to, u32 mtu);
ssize_t inet_error_receive(struct inet_sock *s, struct socket_msg *msg);	/* MSG_ERRQUEUE: -EAGAIN nothing there */
void inet_errors_drop(struct inet_sock *s);

/* stream_urgent.c */
void stream_urgent(void *owner, u32 ahead);		/* event */
bool stream_urgent_came(struct inet_sock *s);		/* the byte is there now, the first time; queue_lock held */
bool stream_urgent_next(const struct inet_sock *s);	/* the mark is where reading goes on */
/* With a mark or hole: cuts *want off before it, or says how many bytes (1) to pass over first. receive_lock held. */
u32 stream_urgent_limit(struct inet_sock *s, bool has_some, size_t *want);
void stream_urgent_passed(struct inet_sock *s);		/* read_pos has moved; receive_lock held */
ssize_t stream_urgent_receive(struct inet_sock *s, struct socket_msg *msg);	/* MSG_OOB */
s32 stream_urgent_bytes(struct inet_sock *s);		/* for FIONREAD */
/* Option words of streams that stream.c owns. */
int stream_set_option(struct inet_sock *s, int opt, s32 v);

/* For TCP_INFO and its like; all zero but the state without a connection. net_lock held. */
void inet_tcp_info(const struct inet_sock *s, struct user_tcp_info *out);
#define INET_CONGESTION "reno"

/* rows.c: all sockets of a kind. */
enum inet_table { INET_TABLE_TCP, INET_TABLE_UDP, INET_TABLE_UDPLITE, INET_TABLE_RAW };
struct inet_row {
	struct net_row r;
	u16 family;			/* of the socket */
	ino_t ino;			/* 0: no file */
	u32 uid, rx, drops;
};
bool inet_row_next(enum inet_table table, void **at, struct net_row *r);	/* net_lock; *at starts NULL */
u16 inet_row_family(const struct net_row *r);	/* net_lock */
void inet_row_fill(struct inet_row *row);	/* all but row->r; net_lock */
/* Up to max rows of a family from the *index-th of all on; *index moves. How many; 0 at the end. Takes net_lock. */
u32 inet_rows_take(enum inet_table table, u16 family, u32 *index, struct inet_row *rows, u32 max);

/* diag.c */
int inet_diag(const struct nl_request *r, struct nl_out *o);

/* proc.c */
void inet_proc_init(void);

/* ifioctl.c */
long inet_dev_ioctl(struct socket *sk, u32 cmd, u64 arg);

#endif
