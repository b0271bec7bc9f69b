/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_NETLINK sockets: requests are answered at once, in the sender's context, into its own receive queue. A long dump is continued by whoever reads its last packet. What requests mean is the
 * protocol's: rtnetlink.c, sock_diag.c. Building messages: message.c. What comes unasked: deliver.c. Lock: nl_lock.
 */
#include <kernel/mm.h>
#include <kernel/process.h>
#include <lib/string.h>
#include "rtnetlink.h"
#include "sock.h"

#define REQUEST_MAX 65536u

/* A dump that goes on when what was sent of it has been read. */
struct nl_dump {
	u32 sent;			/* messages */
	struct user_nlmsghdr head;	/* the request, its body behind it */
};
/* ---- requests --------------------------------------------------------------------------------------- */
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

/* The protocol's answer to a request. */
static int ask(struct nl_sock *s, const struct user_nlmsghdr *h, struct nl_out *o)
{
	u32 body = h->len - (u32)sizeof(*h), n = s->protocol->fixed_size(h->type);
	u8 fixed[NL_FIXED_MAX] __aligned(8) = { 0 };
	struct nl_request r = { .head = h, .fixed = fixed };

	memcpy(fixed, h + 1, min(n, body));
	if (NL_ALIGN(n) < body) {
		r.attrs = (const u8 *)(h + 1) + NL_ALIGN(n);
		r.attrs_len = body - NL_ALIGN(n);
	}
	return s->protocol->request(&r, o);
}

/* Sends what is left in o. */
static void answer_end(struct nl_sock *s, struct nl_out *o)
{
	if (o->packet)
		nl_packet_send(o);
	if (o->failed)
		socket_set_error(&s->sk, ENOBUFS);
}

static void dump_end(struct nl_sock *s, struct nl_dump *d)
{
	kfree(d);
	spin_lock(&nl_lock);
	s->is_dumping = false;
	spin_unlock(&nl_lock);
}

/* The next part of a dump: d (taken over), or the first one of a request h. */
static void dump_run(struct nl_sock *s, const struct user_nlmsghdr *h, struct nl_dump *d)
{
	struct nl_out o = { .sk = &s->sk, .seq = h->seq, .pid = s->pid, .flags = NLM_F_MULTI, .skip = d ? d->sent : 0 };
	int err = ask(s, h, &o);
	void *done;

	if (o.is_full && !d) {
		d = kmalloc(sizeof(*d) + h->len, ALLOC_NOWARN);
		if (d) {
			d->sent = 0;
			memcpy(&d->head, h, h->len);
		}
		o.failed |= !d;
	}
	if (o.is_full && !o.failed) {
		d->sent += o.sent;
		answer_end(s, &o);
		spin_lock(&nl_lock);
		s->dump = d;
		spin_unlock(&nl_lock);
		return;
	}
	o.skip = 0;
	o.is_full = false;
	o.packets = 0;
	if (err) {
		answer_error(&o, h, err);
	} else {
		done = nl_begin(&o, NLMSG_DONE, 4);
		if (done)
			nl_end(&o);
	}
	answer_end(s, &o);
	dump_end(s, d);
}

/* Whoever left the queue empty makes the next part. */
static void dump_continue(struct nl_sock *s)
{
	struct nl_dump *d;

	while (atomic_load(&s->dump) && !atomic_load(&s->sk.queue_len)) {
		spin_lock(&nl_lock);
		d = s->dump;
		s->dump = NULL;
		spin_unlock(&nl_lock);
		if (d)
			dump_run(s, &d->head, d);
	}
}

static int dump_start(struct nl_sock *s, const struct user_nlmsghdr *h)
{
	bool was;

	spin_lock(&nl_lock);
	was = s->is_dumping;
	s->is_dumping = true;
	spin_unlock(&nl_lock);
	if (was)
		return -EBUSY;
	dump_run(s, h, NULL);
	dump_continue(s);
	return 0;
}

static void request_run(struct nl_sock *s, const struct user_nlmsghdr *h)
{
	struct nl_out o = { .sk = &s->sk, .seq = h->seq, .pid = s->pid };
	int err = 0;

	if ((h->flags & NLM_F_REQUEST) && h->type >= NLMSG_MIN_TYPE) {
		if (s->protocol->is_dump(h)) {
			err = dump_start(s, h);
			if (!err)
				return;
		} else {
			err = ask(s, h, &o);
		}
	}
	if (err || h->flags & NLM_F_ACK)
		answer_error(&o, h, err);
	answer_end(s, &o);
}

static bool pid_taken(const struct netlink_protocol *protocol, u32 pid)
{
	struct nl_sock *s;

	list_for_each(s, &nl_sockets, link)
		if (s->pid == pid && s->protocol == protocol)
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
		while (pid_taken(s->protocol, pid))
			pid = next--;
	} else if (pid_taken(s->protocol, pid) && s->pid != pid) {
		err = -EADDRINUSE;
	}
	if (!err)
		s->pid = pid;
	spin_unlock(&nl_lock);
	return err;
}

static ssize_t nl_sendmsg(struct socket *sk, struct socket_msg *msg)
{
	const struct sockaddr_nl *to = (const void *)msg->name;
	size_t n = msg->data->count, at = 0;
	ssize_t sent;
	u8 *buf;

	if (to && (msg->name_len < sizeof(*to) || to->family != AF_NETLINK))
		return -EINVAL;
	if (n > REQUEST_MAX)
		return -EMSGSIZE;
	buf = kmalloc(n + 1, 0);
	if (!buf)
		return -ENOBUFS;
	if (uio_copy_in(msg->data, buf, n) != n) {
		kfree(buf);
		return -EFAULT;
	}
	if (to && (to->pid || to->groups)) {
		sent = nl_of(sk)->pid ? 0 : set_pid(nl_of(sk), 0);
		if (!sent)
			sent = nl_send_to_users(nl_of(sk), buf, (u32)n, to->pid, to->groups);
		kfree(buf);
		return sent;
	}
	while (nl_of(sk)->protocol->request && n - at >= sizeof(struct user_nlmsghdr)) {
		const struct user_nlmsghdr *h = (const void *)(buf + at);

		if (h->len < sizeof(*h) || h->len > n - at)
			break;
		request_run(nl_of(sk), h);
		at += min((size_t)NL_ALIGN(h->len), n - at);
	}
	kfree(buf);
	return (ssize_t)n;
}

/* ---- the socket ------------------------------------------------------------------------------------- */
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
		struct sockaddr_nl from = {
			.family = AF_NETLINK, .pid = np->from_pid, .groups = np->from_group ? 1u << (np->from_group - 1) : 0,
		};


		memcpy(msg->name, &from, sizeof(from));
		msg->name_len = sizeof(from);
	}
	if (n >= 0 && nl_control_put(s, np, msg))
		n = -EFAULT;
	if (msg->flags & MSG_PEEK) {
		spin_lock(&s->sk.queue_lock);
		list_push_front(&s->sk.queue, &p->link);
		atomic_store(&s->sk.queue_len, s->sk.queue_len + 1);
		atomic_store(&s->sk.queue_bytes, s->sk.queue_bytes + p->len);
		s->sk.receive_used += p->charge;
		spin_unlock(&s->sk.queue_lock);
	} else {
		nl_packet_free(p);
	}
	mutex_unlock(&s->receive_lock);
	dump_continue(s);
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

	if (level == SOL_SOCKET && opt == SO_ATTACH_FILTER)
		return nl_filter_set(s, val, len);
	if (level == SOL_SOCKET && opt == SO_DETACH_FILTER)
		return nl_filter_drop(s);
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
	case NETLINK_GET_STRICT_CHK:	/* requests are always read strictly */
		return 0;
	case NETLINK_PKTINFO:
		atomic_store(&s->wants_group, v != 0);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* NETLINK_LIST_MEMBERSHIPS: as many words of the bit map as there is room for; the length says how long it is. */
static int nl_getsockopt(struct socket *sk, int level, int opt, void __user *val, u32 *len)
{
	struct nl_sock *s = nl_of(sk);
	u32 groups = s->groups;

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	switch (opt) {
	case NETLINK_LIST_MEMBERSHIPS:
		if (*len >= sizeof(groups) && put_user(groups, (u32 __user *)val))
			return -EFAULT;
		*len = sizeof(groups);
		return 0;
	case NETLINK_PKTINFO:
		return *len < sizeof(s32) ? -EINVAL : socket_opt_put_int(val, len, atomic_load(&s->wants_group));
	default:
		return -ENOPROTOOPT;
	}
}

static void nl_release(struct socket *sk)
{
	spin_lock(&nl_lock);
	list_remove(&nl_of(sk)->link);
	spin_unlock(&nl_lock);
	kfree(nl_of(sk)->dump);
	kfree(nl_of(sk)->filter);
	socket_queue_purge(sk);
}

static const struct socket_ops netlink_ops = {
	.bind = nl_bind, .connect = nl_connect, .getname = nl_getname, .sendmsg = nl_sendmsg, .recvmsg = nl_recvmsg,
	.poll = nl_poll, .setsockopt = nl_setsockopt, .getsockopt = nl_getsockopt, .release = nl_release,
};

static const struct netlink_protocol *protocol_find(int number)
{
	static const struct netlink_protocol *const all[] = { &netlink_route, &netlink_sock_diag, &netlink_uevent };

	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		if (all[i]->number == number)
			return all[i];
	return NULL;
}

static int nl_create(struct socket *sk, int protocol)
{
	struct nl_sock *s = nl_of(sk);

	if (sk->type != SOCK_RAW && sk->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	s->protocol = protocol_find(protocol);
	if (!s->protocol)
		return -EPROTONOSUPPORT;
	sk->ops = &netlink_ops;
	sk->protocol = protocol;
	mutex_init(&s->receive_lock, "netlink-receive", LOCK_SOCKET);
	spin_lock(&nl_lock);
	list_push_back(&nl_sockets, &s->link);
	spin_unlock(&nl_lock);
	return 0;
}

const struct socket_family socket_family_netlink = {
	.family = AF_NETLINK, .name = "netlink", .size = sizeof(struct nl_sock), .create = nl_create, .init = rtnl_init,
};
