/* SPDX-License-Identifier: BSD-2-Clause */
/* Multicast groups a socket is in, and by which interface it sends to them. The list belongs to sk.lock. */
#include <kernel/mm.h>
#include <lib/string.h>
#include "inet.h"

static int member_add(struct inet_sock *s, const struct net_addr *group, u32 ifindex)
{
	struct inet_member *m;
	unsigned n = 0;
	int err;

	for (m = s->members; m; m = m->next, n++)
		if (m->ifindex == ifindex && !memcmp(m->group.ip, group->ip, 16))
			return -EADDRINUSE;
	if (n >= INET_MEMBERS)
		return -ENOBUFS;
	m = kmalloc(sizeof(*m), 0);
	if (!m)
		return -ENOBUFS;
	net_lock();
	err = netstack->end_member(s->end, group, ifindex, true);
	net_unlock();
	if (err) {
		kfree(m);
		return err;
	}
	*m = (struct inet_member){ .group = *group, .ifindex = ifindex, .next = s->members };
	s->members = m;
	return 0;
}

static int member_remove(struct inet_sock *s, const struct net_addr *group, u32 ifindex)
{
	struct inet_member **at = &s->members, *m;

	for (; (m = *at); at = &m->next)
		if (!memcmp(m->group.ip, group->ip, 16) && (!ifindex || m->ifindex == ifindex))
			break;
	if (!m)
		return -EADDRNOTAVAIL;
	*at = m->next;
	net_lock();
	(void)netstack->end_member(s->end, &m->group, m->ifindex, false);
	net_unlock();
	kfree(m);
	return 0;
}

void inet_members_drop(struct inet_sock *s)
{
	struct inet_member *m;

	while ((m = s->members)) {
		s->members = m->next;
		(void)netstack->end_member(s->end, &m->group, m->ifindex, false);
		kfree(m);
	}
}

static int member_change(struct inet_sock *s, const struct net_addr *group, u32 ifindex, bool join)
{
	int err;

	if (!s->end)
		return -EPROTO;
	mutex_lock(&s->sk.lock);
	err = join ? member_add(s, group, ifindex) : member_remove(s, group, ifindex);
	mutex_unlock(&s->sk.lock);
	return err;
}

/* The interface that has an IPv4 address; 0: none. */
static u32 ifindex_of_address(u32 ip)
{
	struct net_ifaddr a;
	u32 at = 0, found = 0;

	net_lock();
	while (ip && !found && netstack->address_next(&at, &a))
		if (a.family == AF_INET && a.ip[0] == ip)
			found = a.ifindex;
	net_unlock();
	return found;
}

int inet_set_membership(struct inet_sock *s, int opt, const void __user *val, u32 len)
{
	struct user_ip_mreqn r = { 0 };
	struct net_addr group = { .family = AF_INET };
	bool has_index = len >= sizeof(r);

	if (len < sizeof(struct user_ip_mreq))
		return -EINVAL;
	if (copy_from_user(&r, val, min(len, (u32)sizeof(r))))
		return -EFAULT;
	group.ip[0] = r.group;
	if (!has_index || !r.ifindex)
		r.ifindex = (s32)ifindex_of_address(r.address);
	if (!r.ifindex && r.address)
		return -ENODEV;
	return member_change(s, &group, (u32)r.ifindex, opt == IP_ADD_MEMBERSHIP);
}

int inet_set_membership6(struct inet_sock *s, int opt, const void __user *val, u32 len)
{
	struct user_ipv6_mreq r;
	struct net_addr group = { .family = AF_INET6 };

	if (len < sizeof(r))
		return -EINVAL;
	if (copy_from_user(&r, val, sizeof(r)))
		return -EFAULT;
	memcpy(group.ip, r.group, 16);
	group.scope = (u32)r.ifindex;
	return member_change(s, &group, (u32)r.ifindex, opt == IPV6_ADD_MEMBERSHIP);
}

int inet_set_group_req(struct inet_sock *s, int opt, const void __user *val, u32 len)
{
	struct user_group_req r;
	struct net_addr group;
	int err;

	if (len < sizeof(r))
		return -EINVAL;
	if (copy_from_user(&r, val, sizeof(r)))
		return -EFAULT;
	err = inet_addr_in(s, &r.group, sizeof(r.group), &group);
	return err ? err : member_change(s, &group, r.ifindex, opt == MCAST_JOIN_GROUP);
}

int inet_set_multicast_if(struct inet_sock *s, const void __user *val, u32 len)
{
	struct user_ip_mreqn r = { 0 };

	if (len < 4)
		return -EINVAL;
	if (len < sizeof(struct user_ip_mreq) ? copy_from_user(&r.address, val, 4) : copy_from_user(&r, val, min(len, (u32)sizeof(r))))
		return -EFAULT;
	if (!r.ifindex && r.address) {
		r.ifindex = (s32)ifindex_of_address(r.address);
		if (!r.ifindex)
			return -EADDRNOTAVAIL;
	}
	s->mcast_ifindex = (u32)r.ifindex;
	inet_options_changed(s);
	return 0;
}
