/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to kernel/net/lwip: how the parts of the netstack made of lwIP see each other. Everything runs under
 * net_lock; lwIP itself has no lock and no thread.
 */
#ifndef KERNEL_NET_LWIP_GLUE_H
#define KERNEL_NET_LWIP_GLUE_H

#include <kernel/netstack.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/ip_addr.h>

/* A pbuf is made of a netbuf by laying lwIP's header into its first words, and back. */
static_assert(sizeof(struct pbuf_custom) <= sizeof(((struct netbuf *)0)->stack), "a pbuf fits");
struct pbuf *netbuf_to_pbuf(struct netbuf *b);		/* b is the pbuf's from now on */
/* The data of p (freed) as buffers of ours, without copying where it lies in such already. NULL: no memory. */
struct netbuf *pbuf_to_netbuf(struct pbuf *p);
bool pbuf_is_netbuf(const struct pbuf *p);		/* not lwIP's own, nor a fragment of its making */
/* A copy, p stays. Data lies in one piece. */
struct netbuf *pbuf_copy_to_netbuf(const struct pbuf *p);

/* Error numbers. */
int lwip_errno(err_t err);				/* 0 or -errno */
void addr_to_lwip(ip_addr_t *out, const struct net_addr *a);
void addr_from_lwip(struct net_addr *out, const ip_addr_t *a, u16 port);

/* netif.c */
int lwip_attach(struct netdev *dev);
void lwip_receive(struct netdev *dev, struct netbuf *frame);	/* further pieces behind next */
void lwip_sent(void *token);
void lwip_tx_ready(struct netdev *dev);
void lwip_carrier_changed(struct netdev *dev);
int lwip_set_up(struct netdev *dev, bool up);
int lwip_set_mtu(struct netdev *dev, u32 mtu);
int lwip_set_mac(struct netdev *dev, const u8 mac[6]);
int lwip_send_frame(struct netdev *dev, struct net_packet *p);
void lwip_reclaim(void);				/* frames that devices have sent */
void lwip_bursts_end(void);				/* sends what was gathered */
struct netif *netif_of_index(u32 index);		/* NULL: none */
static inline struct netdev *netdev_of(const struct netif *n) { return n->state; }
extern struct netif *netif_loopback;

/* loop.c */
#define CHECKS (NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP)
err_t loop_init(struct netif *n);			/* of the loopback interface, for netif_add */
err_t loop_output(struct netif *netif, struct pbuf *p);	/* p, which stays the caller's, comes in again by netif */
void lwip_run_pending(void);
bool netif_owns4(const ip4_addr_t *a);
bool netif_owns6(const ip6_addr_t *a);

/* addr.c */
int lwip_address_add(const struct net_ifaddr *a);
int lwip_address_remove(const struct net_ifaddr *a);
bool lwip_address_next(u32 *at, struct net_ifaddr *out);
bool lwip_neighbour_next(u32 *at, struct net_neighbour *out);
void lwip_neighbours_forget(const struct netif *n);
int lwip_neighbour_set(const struct net_neighbour *n, bool remove);
int lwip_route_find(const struct net_addr *to, struct net_route *out, struct net_addr *source);
int lwip_route_set(const struct net_route *r, bool remove);
bool lwip_route_next(u32 *at, struct net_route *out);
int lwip_dhcp(struct netdev *dev, bool on);
bool lwip_dhcp_done(struct netdev *dev);
void lwip_changes_init(void);
bool lwip_is_local(const struct net_addr *a);

/* secondary.c: an interface's IPv4 addresses beyond the first; network order */
bool secondary_any(void);
int secondary_add(struct netif *n, u32 ip, u32 mask);		/* -EEXIST, -ENOSPC */
bool secondary_remove(struct netif *n, u32 ip, u32 *mask, bool *was_first);	/* was_first: of its network */
bool secondary_take(struct netif *n, u32 net, u32 *ip, u32 *mask);	/* out of the table: the first in net; 0: any */
bool secondary_at(struct netif *n, u32 nr, u32 *ip, u32 *mask, bool *is_secondary);	/* the nr-th */
struct netif *secondary_network(u32 ip);			/* whose network it is in; NULL */
u32 secondary_source(const struct netif *n, u32 to);		/* the address to reach it from, when not the first; 0 */

/* table.c */
void connection_table_init(void);
u32 lwip_spread_hash(const ip_addr_t *remote, u16 remote_port);	/* keyed: for SO_REUSEPORT */

/* timers.c */
void lwip_timers_start(void);
void lwip_timers_others(bool needed);			/* an interface other than loopback is up */

/* tcp.c */
int lwip_tcp_new(u16 family, void *owner, const struct net_conn_events *ev, struct net_conn **out);
int lwip_tcp_bind(struct net_conn *c, const struct net_addr *a);
int lwip_tcp_connect(struct net_conn *c, const struct net_addr *a);
int lwip_tcp_listen(struct net_conn **c, u32 backlog);
void lwip_tcp_accepted(struct net_conn *c);
void lwip_tcp_adopt(struct net_conn *c, void *owner);
u32 lwip_tcp_room(struct net_conn *c);
int lwip_tcp_write(struct net_conn *c, const void *data, u32 len, struct netblock *block, bool more);
void lwip_tcp_push(struct net_conn *c);
void lwip_tcp_consumed(struct net_conn *c, u32 len);
u32 lwip_tcp_window(struct net_conn *c);
void lwip_tcp_shutdown(struct net_conn *c, bool receive, bool send);
void lwip_tcp_close(struct net_conn *c, bool abort);
void lwip_tcp_names(struct net_conn *c, struct net_addr *local, struct net_addr *peer);
int lwip_tcp_set(struct net_conn *c, enum net_conn_option opt, u32 v);
void lwip_tcp_info(struct net_conn *c, struct net_tcp_info *out);
u32 lwip_tcp_unsent(struct net_conn *c);
bool lwip_tcp_next(void **at, struct net_row *out);
/*
 * ICMP says that the segment with that number cannot arrive. It ends an attempt to connect with err, as on Linux; a connection that stands
 * takes no notice (RFC 1122 4.2.3.9), and of a number that was not sent nobody does (RFC 5927 4.1).
 */
void lwip_tcp_unreachable(const struct net_addr *local, const struct net_addr *remote, u32 seq, int err);

/* ends.c */
int lwip_end_new(u16 family, u8 protocol, bool raw, void *owner, const struct net_end_events *ev, struct net_end **out);
int lwip_end_bind(struct net_end *e, const struct net_addr *a);
int lwip_end_connect(struct net_end *e, const struct net_addr *a);
void lwip_end_names(struct net_end *e, struct net_addr *local, struct net_addr *peer);
int lwip_end_send(struct net_end *e, struct net_packet *p, const struct net_addr *to, const struct net_addr *from);
int lwip_end_set(struct net_end *e, enum net_conn_option opt, u32 v);
int lwip_end_member(struct net_end *e, const struct net_addr *group, u32 ifindex, bool join);
void lwip_end_close(struct net_end *e);
bool lwip_end_next(void **at, bool raw, struct net_row *out);
struct net_packet *lwip_packet_new(u32 len, void **data);
void lwip_packet_free(struct net_packet *p);
void ends_init(void);

#endif
