/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_PACKET: frames as they are, for DHCP clients and sniffers. A socket hears one interface or all, one EtherType or all; a
 * classic BPF filter may choose (run here, checked when attached). SOCK_DGRAM leaves the Ethernet header away.
 *
 * Lock: net_lock for the list of sockets and what they listen to.
 */
#include <kernel/mm.h>
#include <kernel/netstack.h>
#include <kernel/process.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/inet.h>
#include <uapi/ioctl.h>
#include <uapi/netlink.h>
#include "bpf.h"
#include "packet.h"

#define ETH_HEADER 14u
#define FRAME_MAX 65535u

struct packet_sock {
	struct socket sk;
	struct list link;		/* net_lock */
	u32 ifindex;			/* net_lock; 0: all */
	u16 protocol;			/* net_lock; host order, 0: none */
	struct bpf_program *filter;	/* net_lock; NULL: everything */
	struct mutex receive_lock;	/* LOCK_SOCKET */
};
u32 packet_taps;
static struct list sockets = LIST_INIT(sockets);

static struct packet_sock *packet_of(struct socket *sk) { return container_of(sk, struct packet_sock, sk); }

/* ---- frames come and go: net_lock held ------------------------------------------------------------------ */
static u8 kind_of(const struct netdev *dev, const u8 *to, bool out)
{
	static const u8 all[6] = { 255, 255, 255, 255, 255, 255 };

	if (out)
		return PACKET_OUTGOING;
	if (!dev->ops || !memcmp(to, dev->mac, 6))
		return PACKET_HOST;
	return !memcmp(to, all, 6) ? PACKET_BROADCAST : to[0] & 1 ? PACKET_MULTICAST : PACKET_OTHERHOST;
}

/* Where a frame came from is kept in the origin's words until it is read: kind, type, sender. */
static void give(struct packet_sock *s, struct netdev *dev, const struct netbuf *frame, u16 type, bool out)
{
	u32 skip = s->sk.type == SOCK_DGRAM ? ETH_HEADER : 0, len = frame->len - skip, take;
	struct netbuf *b;

	take = s->filter ? bpf_run(s->filter, frame->data + skip, len, type) : len;
	if (!take)
		return;
	b = netbuf_alloc(len);
	if (!b) {
		atomic_add(&s->sk.drops, 1u);
		return;
	}
	memcpy(b->data, frame->data + skip, len);
	b->len = min(take, len);
	b->origin = (struct net_origin){ .ifindex = dev->index, .from_port = type, .ttl = kind_of(dev, frame->data, out) };
	memcpy(b->origin.from, frame->data + 6, 6);
	b->packet.len = b->len;
	b->packet.charge = b->size;
	if (!socket_queue_push(&s->sk, &b->packet))
		netbuf_free(b);
}

void packet_tap(struct netdev *dev, struct netbuf *frame, bool out)
{
	struct packet_sock *s;
	u16 type;

	if (frame->len >= ETH_HEADER) {
		type = (u16)(frame->data[12] << 8 | frame->data[13]);
		list_for_each(s, &sockets, link)
			if (s->protocol && (!s->ifindex || s->ifindex == dev->index) &&
			    (s->protocol == ETH_P_ALL || (s->protocol == type && !out)))
				give(s, dev, frame, type, out);
	}
	netbuf_free_chain(frame);
}

/* ---- the socket ----------------------------------------------------------------------------------------- */
static void listen_to(struct packet_sock *s, u16 protocol)
{
	packet_taps += (protocol != 0) - (s->protocol != 0);
	s->protocol = protocol;
}

static int packet_bind(struct socket *sk, const struct sockaddr_storage *name, u32 len)
{
	const struct sockaddr_ll *a = (const void *)name;
	struct packet_sock *s = packet_of(sk);
	int err = 0;

	if (len < sizeof(*a) || a->family != AF_PACKET)
		return -EINVAL;
	net_lock();
	if (a->ifindex && !netdev_by_index((u32)a->ifindex)) {
		err = -ENODEV;
	} else {
		s->ifindex = (u32)a->ifindex;
		if (a->protocol)
			listen_to(s, __builtin_bswap16(a->protocol));
	}
	net_unlock();
	return err;
}

static int packet_getname(struct socket *sk, struct sockaddr_storage *out, bool peer)
{
	struct packet_sock *s = packet_of(sk);
	struct sockaddr_ll a = { .family = AF_PACKET, .halen = 6 };
	struct netdev *dev;

	if (peer)
		return -EOPNOTSUPP;
	net_lock();
	a.protocol = __builtin_bswap16(s->protocol);
	a.ifindex = (s32)s->ifindex;
	dev = s->ifindex ? netdev_by_index(s->ifindex) : NULL;
	if (dev) {
		a.hatype = dev->ops ? ARPHRD_ETHER : ARPHRD_LOOPBACK;
		memcpy(a.addr, dev->mac, 6);
	}
	net_unlock();
	memcpy(out, &a, sizeof(a));
	return sizeof(a);
}

/* SOCK_DGRAM: the header that the name describes. */
static int header_make(struct packet_sock *s, const struct sockaddr_ll *to, u8 *frame)
{
	struct netdev *dev;

	if (!to || to->halen < 6)
		return -EINVAL;
	dev = netdev_by_index((u32)to->ifindex);
	if (!dev)
		return -ENXIO;
	memcpy(frame, to->addr, 6);
	memcpy(frame + 6, dev->mac, 6);
	memcpy(frame + 12, &to->protocol, 2);
	return 0;
}

static ssize_t packet_sendmsg(struct socket *sk, struct socket_msg *msg)
{
	struct packet_sock *s = packet_of(sk);
	const struct sockaddr_ll *to = (const void *)msg->name;
	u32 head = sk->type == SOCK_DGRAM ? ETH_HEADER : 0;
	size_t n = msg->data->count;
	struct net_packet *p;
	struct netdev *dev;
	void *data;
	int err = 0;

	if (to && (msg->name_len < offsetof(struct sockaddr_ll, addr) || to->family != AF_PACKET))
		return -EINVAL;
	if (n + head < ETH_HEADER)
		return -EINVAL;
	if (n + head > FRAME_MAX)
		return -EMSGSIZE;
	p = netstack->packet_new((u32)n + head, &data);
	if (!p)
		return -ENOBUFS;
	if (uio_copy_in(msg->data, (u8 *)data + head, n) != n) {
		netstack->packet_free(p);
		return -EFAULT;
	}
	net_lock();
	dev = netdev_by_index(to ? (u32)to->ifindex : s->ifindex);
	if (!dev)
		err = -ENXIO;
	else if (!(atomic_load(&dev->flags) & IFF_UP))
		err = -ENETDOWN;
	else if (n + head > dev->mtu + ETH_HEADER)
		err = -EMSGSIZE;
	else if (head)
		err = header_make(s, to, data);
	if (err)
		netstack->packet_free(p);
	else
		err = netstack->send_frame(dev, p);
	net_unlock();
	return err ? err : (ssize_t)n;
}

static void name_out(const struct netbuf *b, struct socket_msg *msg)
{
	struct sockaddr_ll a = {
		.family = AF_PACKET, .protocol = __builtin_bswap16(b->origin.from_port), .ifindex = (s32)b->origin.ifindex,
		.hatype = b->origin.ifindex == 1 ? ARPHRD_LOOPBACK : ARPHRD_ETHER, .pkttype = b->origin.ttl, .halen = 6,
	};

	memcpy(a.addr, b->origin.from, 6);
	memcpy(msg->name, &a, sizeof(a));
	msg->name_len = sizeof(a);
}

static ssize_t receive_now(struct packet_sock *s, struct socket_msg *msg)
{
	struct socket_packet *p;
	struct netbuf *b;
	ssize_t n = 0;
	size_t take;

	mutex_lock(&s->receive_lock);
	p = socket_queue_pop(&s->sk);
	mutex_unlock(&s->receive_lock);
	if (!p)
		return -EAGAIN;
	b = container_of(p, struct netbuf, packet);
	take = min((size_t)b->len, msg->data->count);
	if (uio_copy_out(msg->data, b->data, take) != take)
		n = -EFAULT;
	else
		n = msg->flags & MSG_TRUNC ? (ssize_t)b->len : (ssize_t)take;
	if (take < b->len)
		msg->out_flags |= MSG_TRUNC;
	if (msg->name)
		name_out(b, msg);
	p->free(p);
	return n;
}

static ssize_t packet_recvmsg(struct socket *sk, struct socket_msg *msg)
{
	u64 deadline = socket_receive_deadline(sk, msg->flags);
	ssize_t n;

	msg->name_len = 0;
	if (msg->flags & MSG_PEEK)
		return -EOPNOTSUPP;
	while (1) {
		n = receive_now(packet_of(sk), msg);
		if (n != -EAGAIN)
			return n;
		n = socket_wait(sk, atomic_load(&sk->queue_len), SOCKET_READABLE, deadline);
		if (n)
			return n;
	}
}

static u32 packet_poll(struct socket *sk) { return SOCKET_WRITABLE | (atomic_load(&sk->queue_len) ? SOCKET_READABLE : 0); }

static int filter_set(struct packet_sock *s, const void __user *val, u32 len)
{
	struct bpf_program *p = NULL, *old;
	int err = bpf_load_option(val, len, &p);

	if (err)
		return err;
	net_lock();
	old = s->filter;
	s->filter = p;
	net_unlock();
	kfree(old);
	return 0;
}

static int packet_setsockopt(struct socket *sk, int level, int opt, const void __user *val, u32 len)
{
	struct packet_sock *s = packet_of(sk);
	struct bpf_program *old;

	if (level == SOL_SOCKET && opt == SO_ATTACH_FILTER)
		return filter_set(s, val, len);
	if (level == SOL_SOCKET && opt == SO_DETACH_FILTER) {
		net_lock();
		old = s->filter;
		s->filter = NULL;
		net_unlock();
		kfree(old);
		return old ? 0 : -ENOENT;
	}
	/* Every frame that arrives is heard already. */
	if (level == SOL_PACKET && (opt == PACKET_ADD_MEMBERSHIP || opt == PACKET_DROP_MEMBERSHIP))
		return 0;
	return -ENOPROTOOPT;
}

static void packet_release(struct socket *sk)
{
	struct packet_sock *s = packet_of(sk);

	net_lock();
	listen_to(s, 0);
	list_remove(&s->link);
	net_unlock();
	kfree(s->filter);
	socket_queue_purge(sk);
}

static const struct socket_ops packet_ops = {
	.bind = packet_bind, .getname = packet_getname, .sendmsg = packet_sendmsg, .recvmsg = packet_recvmsg,
	.poll = packet_poll, .setsockopt = packet_setsockopt, .release = packet_release,
};

static int packet_create(struct socket *sk, int protocol)
{
	struct packet_sock *s = packet_of(sk);

	if (!capable(CAP_NET_RAW))
		return -EPERM;
	if (sk->type != SOCK_RAW && sk->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	sk->ops = &packet_ops;
	sk->protocol = protocol;
	mutex_init(&s->receive_lock, "packet-receive", LOCK_SOCKET);
	net_lock();
	list_push_back(&sockets, &s->link);
	listen_to(s, __builtin_bswap16((u16)protocol));
	net_unlock();
	return 0;
}

const struct socket_family socket_family_packet = {
	.family = AF_PACKET, .name = "packet", .size = sizeof(struct packet_sock), .create = packet_create,
};
