/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_NETLINK sockets: requests are answered at once, in the sender's context, into its own receive queue; members of groups
 * get copies of notifications. What requests mean is rtnetlink.c's.
 *
 * Lock: nl_lock guards the list of sockets, their port ids and groups.
 */
#include <kernel/mm.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <kernel/netlink.h>
#include "netlink.h"

#define PACKET_BYTES 3840u		/* fits the smallest buffer programs read with, 4 KiB */
#define REQUEST_MAX 65536u

struct nl_packet {
	struct socket_packet packet;
	u32 from_groups;
	u8 data[];
};
struct nl_sock {
	struct socket sk;
	struct list link;		/* nl_lock */
	u32 pid, groups;		/* nl_lock */
	struct mutex receive_lock;	/* LOCK_SOCKET */
};
static struct spinlock nl_lock = SPINLOCK_INIT("netlink", LOCK_SOCKET_TABLE);
static struct list sockets = LIST_INIT(sockets);

static struct nl_sock *nl_of(struct socket *sk) { return container_of(sk, struct nl_sock, sk); }
static void packet_free(struct socket_packet *p) { kfree(container_of(p, struct nl_packet, packet)); }

static struct nl_packet *packet_new(u32 room)
{
	struct nl_packet *p = kmalloc(sizeof(*p) + room, 0);

	if (!p)
		return NULL;
	p->packet = (struct socket_packet){ .free = packet_free };
	p->from_groups = 0;
	return p;
}

/* ---- building --------------------------------------------------------------------------------------- */
static void packet_send(struct nl_out *o)
{
	struct nl_packet *p = o->packet;

	o->packet = NULL;
	p->packet.charge = p->packet.len + (u32)sizeof(*p);
	if (!socket_queue_push(o->sk, &p->packet)) {
		o->failed = true;
		packet_free(&p->packet);
	}
}

/* Room for n more bytes, in a new packet if need be; an open message moves along. */
static u8 *reserve(struct nl_out *o, u32 n)
{
	struct nl_packet *p = o->packet, *fresh;

	if (o->failed)
		return NULL;
	if (p && p->packet.len + n <= PACKET_BYTES)
		return p->data + p->packet.len;
	fresh = packet_new(PACKET_BYTES);
	if (!fresh || n > PACKET_BYTES) {
		kfree(fresh);
		o->failed = true;
		return NULL;
	}
	if (p) {
		u32 open = p->packet.len - o->message;

		memcpy(fresh->data, p->data + o->message, open);
		fresh->packet.len = open;
		p->packet.len = o->message;
		if (p->packet.len && o->sk)
			packet_send(o);
		else
			packet_free(&p->packet);
	}
	o->message = 0;
	o->packet = fresh;
	return fresh->data + fresh->packet.len;
}

void *nl_begin(struct nl_out *o, u16 type, u32 n)
{
	u32 size = NL_ALIGN((u32)sizeof(struct user_nlmsghdr) + n);
	struct user_nlmsghdr *h;

	if (o->packet)
		o->message = o->packet->packet.len;
	h = (void *)reserve(o, size);
	if (!h)
		return NULL;
	memset(h, 0, size);
	*h = (struct user_nlmsghdr){ .type = type, .flags = o->flags, .seq = o->seq, .pid = o->pid };
	o->packet->packet.len += size;
	return h + 1;
}

void nl_attr(struct nl_out *o, u16 type, const void *data, u32 n)
{
	struct user_nlattr a = { .len = (u16)(sizeof(a) + n), .type = type };
	u8 *at = reserve(o, NL_ALIGN(a.len));

	if (!at)
		return;
	memset(at, 0, NL_ALIGN(a.len));
	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), data, n);
	o->packet->packet.len += NL_ALIGN(a.len);
}

void nl_attr_u32(struct nl_out *o, u16 type, u32 v) { nl_attr(o, type, &v, sizeof(v)); }
void nl_attr_string(struct nl_out *o, u16 type, const char *s) { nl_attr(o, type, s, (u32)strlen(s) + 1); }

void nl_end(struct nl_out *o)
{
	if (!o->failed)
		((struct user_nlmsghdr *)(void *)(o->packet->data + o->message))->len = o->packet->packet.len - o->message;
}

void nl_notify(struct nl_out *o, u32 group)
{
	struct nl_packet *p = o->packet, *copy;
	struct nl_sock *s;

	o->packet = NULL;
	if (!p)
		return;
	spin_lock(&nl_lock);
	list_for_each(s, &sockets, link) {
		if (!(s->groups & (1u << (group - 1))))
			continue;
		copy = kmalloc(sizeof(*copy) + p->packet.len, ALLOC_ATOMIC | ALLOC_NOWARN);
		if (!copy)
			continue;
		memcpy(copy, p, sizeof(*p) + p->packet.len);
		copy->from_groups = 1u << (group - 1);
		copy->packet.charge = p->packet.len + (u32)sizeof(*p);
		if (!socket_queue_push(&s->sk, &copy->packet))
			kfree(copy);
	}
	spin_unlock(&nl_lock);
	packet_free(&p->packet);
}

/* ---- requests --------------------------------------------------------------------------------------- */
const void *nl_find(const struct nl_request *r, u16 type, u32 min, u32 *len)
{
	u32 at = 0;

	while (at + sizeof(struct user_nlattr) <= r->attrs_len) {
		const struct user_nlattr *a = (const void *)(r->attrs + at);

		if (a->len < sizeof(*a) || a->len > r->attrs_len - at)
			return NULL;
		if ((a->type & 0x3fff) == type) {
			if (len)
				*len = a->len - (u32)sizeof(*a);
			return a->len - sizeof(*a) >= min ? a + 1 : NULL;
		}
		at += NL_ALIGN(a->len);
	}
	return NULL;
}

static void answer_error(struct nl_out *o, const struct user_nlmsghdr *h, int err)
{
	u8 *at;

	o->flags = 0;
	at = nl_begin(o, NLMSG_ERROR, 4 + sizeof(*h));
	if (!at)
		return;
	memcpy(at, &err, 4);
	memcpy(at + 4, h, sizeof(*h));
	nl_end(o);
}

static void request_run(struct socket *sk, const struct user_nlmsghdr *h)
{
	bool dump = (h->flags & NLM_F_DUMP) == NLM_F_DUMP && (h->type & 3) == 2;
	struct nl_out o = { .sk = sk, .seq = h->seq, .pid = nl_of(sk)->pid, .flags = dump ? NLM_F_MULTI : 0 };
	u32 body = h->len - (u32)sizeof(*h), n = rtnl_fixed_size(h->type);
	u8 fixed[32] = { 0 };
	struct nl_request r = { .head = h, .fixed = fixed };
	int err;

	memcpy(fixed, h + 1, min(n, body));
	if (NL_ALIGN(n) < body) {
		r.attrs = (const u8 *)(h + 1) + NL_ALIGN(n);
		r.attrs_len = body - NL_ALIGN(n);
	}
	err = rtnl_request(&r, &o);
	if (err || (h->flags & NLM_F_ACK && !dump)) {
		answer_error(&o, h, err);
	} else if (dump) {
		void *done = nl_begin(&o, NLMSG_DONE, 4);

		if (done)
			nl_end(&o);
	}
	if (o.packet)
		packet_send(&o);
	if (o.failed)
		socket_set_error(sk, ENOBUFS);
}

static ssize_t nl_sendmsg(struct socket *sk, struct socket_msg *msg)
{
	const struct sockaddr_nl *to = (const void *)msg->name;
	size_t n = msg->data->count, at = 0;
	u8 *buf;

	if (to && (msg->name_len < sizeof(*to) || to->family != AF_NETLINK))
		return -EINVAL;
	if (to && (to->pid || to->groups))
		return to->groups ? -EPERM : -ECONNREFUSED;
	if (n > REQUEST_MAX)
		return -EMSGSIZE;
	buf = kmalloc(n + 1, 0);
	if (!buf)
		return -ENOBUFS;
	if (uio_copy_in(msg->data, buf, n) != n) {
		kfree(buf);
		return -EFAULT;
	}
	while (n - at >= sizeof(struct user_nlmsghdr)) {
		const struct user_nlmsghdr *h = (const void *)(buf + at);

		if (h->len < sizeof(*h) || h->len > n - at)
			break;
		if ((h->flags & NLM_F_REQUEST) && h->type >= NLMSG_MIN_TYPE)
			request_run(sk, h);
		else if (h->flags & NLM_F_ACK)
			answer_error(&(struct nl_out){ .sk = sk, .seq = h->seq, .pid = nl_of(sk)->pid }, h, 0);
		at += min((size_t)NL_ALIGN(h->len), n - at);
	}
	kfree(buf);
	return (ssize_t)n;
}

/* ---- the socket ------------------------------------------------------------------------------------- */
static bool pid_taken(u32 pid)
{
	struct nl_sock *s;

	list_for_each(s, &sockets, link)
		if (s->pid == pid)
			return true;
	return false;
}

static int set_pid(struct nl_sock *s, u32 pid)
{
	static u32 next = 0xffffefff;
	int err = 0;

	spin_lock(&nl_lock);
	if (!pid) {
		pid = current_process() ? (u32)current_process()->pid : 1;
		while (pid_taken(pid))
			pid = next--;
	} else if (pid_taken(pid) && s->pid != pid) {
		err = -EADDRINUSE;
	}
	if (!err)
		s->pid = pid;
	spin_unlock(&nl_lock);
	return err;
}

static int nl_bind(struct socket *sk, const struct sockaddr_storage *name, u32 len)
{
	const struct sockaddr_nl *a = (const void *)name;
	struct nl_sock *s = nl_of(sk);
	int err;

	if (len < sizeof(*a) || a->family != AF_NETLINK)
		return -EINVAL;
	if (s->pid && a->pid && a->pid != s->pid)
		return -EINVAL;
	err = s->pid ? 0 : set_pid(s, a->pid);
	spin_lock(&nl_lock);
	if (!err)
		s->groups = a->groups;
	spin_unlock(&nl_lock);
	return err;
}

static int nl_connect(struct socket *sk, const struct sockaddr_storage *name, u32 len, bool nonblock)
{
	const struct sockaddr_nl *a = (const void *)name;

	if (len < sizeof(*a) || a->family != AF_NETLINK)
		return -EINVAL;
	return a->pid || a->groups ? -ECONNREFUSED : nl_of(sk)->pid ? 0 : set_pid(nl_of(sk), 0);
}

static int nl_getname(struct socket *sk, struct sockaddr_storage *out, bool peer)
{
	struct nl_sock *s = nl_of(sk);
	struct sockaddr_nl a = { .family = AF_NETLINK, .pid = peer ? 0 : s->pid, .groups = peer ? 0 : s->groups };

	memcpy(out, &a, sizeof(a));
	return sizeof(a);
}

static ssize_t receive_now(struct nl_sock *s, struct socket_msg *msg)
{
	struct socket_packet *p;
	struct nl_packet *np;
	ssize_t n = 0;
	size_t take;

	mutex_lock(&s->receive_lock);
	p = socket_queue_pop(&s->sk);
	if (!p) {
		mutex_unlock(&s->receive_lock);
		return -EAGAIN;
	}
	np = container_of(p, struct nl_packet, packet);
	take = min((size_t)p->len, msg->data->count);
	if (uio_copy_out(msg->data, np->data, take) != take)
		n = -EFAULT;
	else
		n = msg->flags & MSG_TRUNC ? (ssize_t)p->len : (ssize_t)take;
	if (take < p->len)
		msg->out_flags |= MSG_TRUNC;
	if (msg->name) {
		struct sockaddr_nl from = { .family = AF_NETLINK, .groups = np->from_groups };

		memcpy(msg->name, &from, sizeof(from));
		msg->name_len = sizeof(from);
	}
	if (msg->flags & MSG_PEEK) {
		spin_lock(&s->sk.queue_lock);
		list_push_front(&s->sk.queue, &p->link);
		atomic_store(&s->sk.queue_len, s->sk.queue_len + 1);
		atomic_store(&s->sk.queue_bytes, s->sk.queue_bytes + p->len);
		s->sk.receive_used += p->charge;
		spin_unlock(&s->sk.queue_lock);
	} else {
		packet_free(p);
	}
	mutex_unlock(&s->receive_lock);
	return n;
}

static ssize_t nl_recvmsg(struct socket *sk, struct socket_msg *msg)
{
	u64 deadline = socket_receive_deadline(sk, msg->flags);
	ssize_t n;

	msg->name_len = 0;
	while (1) {
		n = socket_take_error(sk);
		if (!n)
			n = receive_now(nl_of(sk), msg);
		if (n != -EAGAIN)
			return n;
		n = socket_wait(sk, atomic_load(&sk->queue_len) || atomic_load(&sk->error), SOCKET_READABLE, deadline);
		if (n)
			return n;
	}
}

static u32 nl_poll(struct socket *sk)
{
	return SOCKET_WRITABLE | (atomic_load(&sk->queue_len) ? SOCKET_READABLE : 0) | (atomic_load(&sk->error) ? POLLERR : 0);
}

static int nl_setsockopt(struct socket *sk, int level, int opt, const void __user *val, u32 len)
{
	struct nl_sock *s = nl_of(sk);
	s32 v;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (len < sizeof(v) || get_user(v, (const s32 __user *)val))
		return len < sizeof(v) ? -EINVAL : -EFAULT;
	switch (opt) {
	case NETLINK_ADD_MEMBERSHIP:
	case NETLINK_DROP_MEMBERSHIP:
		if (v < 1 || v > 32)
			return -EINVAL;
		spin_lock(&nl_lock);
		if (opt == NETLINK_ADD_MEMBERSHIP)
			s->groups |= 1u << (v - 1);
		else
			s->groups &= ~(1u << (v - 1));
		spin_unlock(&nl_lock);
		return 0;
	case NETLINK_CAP_ACK:		/* answers never carry more than the header */
	case NETLINK_EXT_ACK:		/* nor words */
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static void nl_release(struct socket *sk)
{
	spin_lock(&nl_lock);
	list_remove(&nl_of(sk)->link);
	spin_unlock(&nl_lock);
	socket_queue_purge(sk);
}

static const struct socket_ops netlink_ops = {
	.bind = nl_bind, .connect = nl_connect, .getname = nl_getname, .sendmsg = nl_sendmsg, .recvmsg = nl_recvmsg,
	.poll = nl_poll, .setsockopt = nl_setsockopt, .release = nl_release,
};

static int nl_create(struct socket *sk, int protocol)
{
	struct nl_sock *s = nl_of(sk);

	if (sk->type != SOCK_RAW && sk->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE)
		return -EPROTONOSUPPORT;
	sk->ops = &netlink_ops;
	sk->protocol = protocol;
	mutex_init(&s->receive_lock, "netlink-receive", LOCK_SOCKET);
	spin_lock(&nl_lock);
	list_push_back(&sockets, &s->link);
	spin_unlock(&nl_lock);
	return 0;
}

const struct socket_family socket_family_netlink = {
	.family = AF_NETLINK, .name = "netlink", .size = sizeof(struct nl_sock), .create = nl_create,
};

/* ---- for the rest of the kernel ---------------------------------------------------------------------- */
bool netlink_is(const struct file *f)
{
	struct socket *sk = socket_of_file(f);

	return sk && sk->family == AF_NETLINK;
}

void netlink_push(struct file *f, const void *data, u32 n)
{
	struct nl_packet *p = packet_new(n);

	if (!p)
		return;
	memcpy(p->data, data, n);
	p->packet.len = n;
	p->packet.charge = n + (u32)sizeof(*p);
	if (!socket_queue_push(socket_of_file(f), &p->packet))
		packet_free(&p->packet);
}
