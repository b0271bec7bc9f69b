/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket names between users' structs and the netstack's; IPv4 on an IPv6 socket is ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
#include <lib/bits.h>
#include <lib/string.h>
#include "inet.h"

#define MAPPED_WORD __builtin_bswap32(0x0000ffff)

static int addr_in6(const struct inet_sock *s, const struct sockaddr_in6 *a, u32 len, struct net_addr *out)
{
	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	out->port = be16_to_cpu(a->port);
	if (!a->addr[0] && !a->addr[1] && a->addr[2] == MAPPED_WORD) {
		if (s->v6only)
			return -ENETUNREACH;
		out->family = AF_INET;
		out->ip[0] = a->addr[3];
		return 0;
	}
	out->family = AF_INET6;
	memcpy(out->ip, a->addr, 16);
	out->scope = len >= sizeof(*a) ? a->scope_id : 0;
	if (!out->scope)
		out->scope = s->bound_ifindex;
	return 0;
}

int inet_addr_in(const struct inet_sock *s, const struct sockaddr_storage *name, u32 len, struct net_addr *out)
{
	const struct sockaddr_in *in = (const void *)name;

	memset(out, 0, sizeof(*out));
	if (len < sizeof(u16))
		return -EINVAL;
	if (name->family == AF_INET6 && s->sk.family == AF_INET6)
		return addr_in6(s, (const void *)name, len, out);
	if (name->family != AF_INET || s->sk.family != AF_INET)
		return len < sizeof(*in) ? -EINVAL : -EAFNOSUPPORT;
	if (len < sizeof(*in))
		return -EINVAL;
	out->family = AF_INET;
	out->port = be16_to_cpu(in->port);
	out->ip[0] = in->addr;
	return 0;
}

int inet_bind_name_in(const struct inet_sock *s, const struct sockaddr_storage *name, u32 len, struct net_addr *out)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)name;
	int err = inet_addr_in(s, name, len, out);

	if (err != -EAFNOSUPPORT || s->sk.family != AF_INET || name->family != AF_UNSPEC || in->addr)
		return err;
	*out = (struct net_addr){ .family = AF_INET, .port = be16_to_cpu(in->port) };
	return 0;
}

int inet_addr_out(const struct inet_sock *s, const struct net_addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (void *)out;
	struct sockaddr_in *in = (void *)out;

	if (s->sk.family == AF_INET) {
		*in = (struct sockaddr_in){ .family = AF_INET, .port = cpu_to_be16(a->port), .addr = a->ip[0] };
		return sizeof(*in);
	}
	*in6 = (struct sockaddr_in6){ .family = AF_INET6, .port = cpu_to_be16(a->port) };
	if (a->family == AF_INET && a->ip[0]) {
		in6->addr[2] = MAPPED_WORD;
		in6->addr[3] = a->ip[0];
	} else if (a->family == AF_INET6) {
		memcpy(in6->addr, a->ip, 16);
		in6->scope_id = a->scope;
	}
	return sizeof(*in6);
}
