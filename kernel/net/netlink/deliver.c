/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages that nobody asked for: notices of the kernel to the members of a group, what one program sends to others, and
 * the events of devices. Each receiver gets a copy if its filter wants it; without room it is told by ENOBUFS, as on Linux.
 */
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/uevent.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include "../bpf.h"
#include "rtnetlink.h"
#include "sock.h"

struct spinlock nl_lock = SPINLOCK_INIT("netlink", LOCK_SOCKET_TABLE);
struct list nl_sockets = LIST_INIT(nl_sockets);

struct message {
	const void *data;
	u32 len;
	u32 from_pid, group;		/* group: its number; 0: to one */
	struct user_ucred ids;		/* of the sender; zero: the kernel's */
};

/* nl_lock held. */
static void deliver(struct nl_sock *s, const struct message *m)
{
	u32 len = s->filter ? min(bpf_run(s->filter, m->data, m->len, 0), m->len) : m->len;
	struct nl_packet *p;

	if (!len)
		return;
	p = kmalloc(sizeof(*p) + len, ALLOC_ATOMIC | ALLOC_NOWARN);
	if (p) {
		p->packet = (struct socket_packet){ .len = len, .charge = len + (u32)sizeof(*p), .free = nl_packet_free };
		p->from_pid = m->from_pid;
		p->from_group = m->group;
		p->ids = m->ids;
		memcpy(p->data, m->data, len);
		if (socket_queue_push(&s->sk, &p->packet))
			return;
		kfree(p);
	}
	socket_set_error(&s->sk, ENOBUFS);
}

static void deliver_to_group(const struct netlink_protocol *protocol, const struct message *m, const struct nl_sock *but)
{
	struct nl_sock *s;

	spin_lock(&nl_lock);
	list_for_each(s, &nl_sockets, link)
		if (s != but && s->protocol == protocol && s->groups & 1u << (m->group - 1))
			deliver(s, m);
	spin_unlock(&nl_lock);
}

void nl_notify(struct nl_out *o, u32 group)
{
	struct nl_packet *p = o->packet;

	o->packet = NULL;
	if (!p)
		return;
	deliver_to_group(&netlink_route, &(struct message){ .data = p->data, .len = p->packet.len, .group = group }, NULL);
	nl_packet_free(&p->packet);
}

void nl_notify_lost(void)
{
	struct nl_sock *s;

	spin_lock(&nl_lock);
	list_for_each(s, &nl_sockets, link)
		if (s->protocol == &netlink_route && s->groups)
			socket_set_error(&s->sk, ENOBUFS);
	spin_unlock(&nl_lock);
}

ssize_t nl_send_to_users(struct nl_sock *s, const void *data, u32 n, u32 pid, u32 groups)
{
	const struct cred *c = cred_current();
	struct message m = {
		.data = data, .len = n, .from_pid = s->pid, .group = groups ? (u32)ctz64(groups) + 1 : 0,
		.ids = { .pid = current_process()->pid, .uid = c->euid, .gid = c->egid },
	};
	bool found = !pid;
	struct nl_sock *to;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (m.group)
		deliver_to_group(s->protocol, &m, s);
	m.group = 0;
	spin_lock(&nl_lock);
	list_for_each(to, &nl_sockets, link)
		if (pid && to->protocol == s->protocol && to->pid == pid) {
			deliver(to, &m);
			found = true;
		}
	spin_unlock(&nl_lock);
	return found ? (ssize_t)n : -ECONNREFUSED;
}

/* ---- filters and control data ------------------------------------------------------------------------ */
static int filter_exchange(struct nl_sock *s, struct bpf_program *p)
{
	struct bpf_program *old;

	spin_lock(&nl_lock);
	old = s->filter;
	s->filter = p;
	spin_unlock(&nl_lock);
	kfree(old);
	return old ? 0 : -ENOENT;
}

int nl_filter_set(struct nl_sock *s, const void __user *val, u32 len)
{
	struct bpf_program *p;
	int err = bpf_load_option(val, len, &p);

	if (!err)
		(void)filter_exchange(s, p);
	return err;
}

int nl_filter_drop(struct nl_sock *s) { return filter_exchange(s, NULL); }

int nl_control_put(struct nl_sock *s, const struct nl_packet *p, struct socket_msg *msg)
{
	int err = 0;

	if (atomic_load(&s->wants_group))
		err = socket_cmsg_put(msg, SOL_NETLINK, NETLINK_PKTINFO, &p->from_group, sizeof(p->from_group));
	if (!err && socket_option(&s->sk, SOCKET_PASSCRED))
		err = socket_cmsg_put(msg, SOL_SOCKET, SCM_CREDENTIALS, &p->ids, sizeof(p->ids));
	return err;
}

/* ---- for the rest of the kernel ---------------------------------------------------------------------- */
bool netlink_is(const struct file *f)
{
	struct socket *sk = socket_of_file(f);

	return sk && sk->family == AF_NETLINK;
}

void netlink_push(struct file *f, const void *data, u32 n)
{
	spin_lock(&nl_lock);
	deliver(nl_of(socket_of_file(f)), &(struct message){ .data = data, .len = n });
	spin_unlock(&nl_lock);
}

/* NETLINK_KOBJECT_UEVENT: the kernel takes no requests, it only tells. */
const struct netlink_protocol netlink_uevent = { .number = NETLINK_KOBJECT_UEVENT };

void uevent_broadcast(const char *message, u32 len)
{
	deliver_to_group(&netlink_uevent, &(struct message){ .data = message, .len = len, .group = UEVENT_GROUP_KERNEL }, NULL);
}
