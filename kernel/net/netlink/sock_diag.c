/* SPDX-License-Identifier: BSD-2-Clause */
/* NETLINK_SOCK_DIAG: which family is asked about its sockets (iproute2's ss). The answers are the family's (socket_family.diag). */
#include <kernel/netlink.h>
#include <uapi/sock_diag.h>

static u32 fixed_size(u16 type)
{
	static_assert(sizeof(struct user_inet_diag_req) <= NL_FIXED_MAX, "a request fits");
	return sizeof(struct user_inet_diag_req);
}

static bool is_dump(const struct user_nlmsghdr *h) { return h->type == SOCK_DIAG_BY_FAMILY && (h->flags & NLM_F_DUMP); }

static int request(const struct nl_request *r, struct nl_out *o)
{
	const struct socket_family *f;
	u8 family = *(const u8 *)r->fixed;

	if (r->head->type != SOCK_DIAG_BY_FAMILY || r->head->len < sizeof(*r->head) + 2 || family >= AF_MAX)
		return -EINVAL;
	f = socket_family_find(family);
	return f && f->diag ? f->diag(r, o) : -ENOENT;
}

const struct netlink_protocol netlink_sock_diag = {
	.number = NETLINK_SOCK_DIAG, .fixed_size = fixed_size, .is_dump = is_dump, .request = request,
};
