/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink and sock_diag as Linux's headers have them (netlink(7), sock_diag(7)); the C library brings none. Sending a
 * request and reading its answers.
 */
#ifndef TESTS_SYSTEM_NETLINK_H
#define TESTS_SYSTEM_NETLINK_H

#include "test.h"
#include <sys/socket.h>

#define NETLINK_ROUTE 0
#define NETLINK_SOCK_DIAG 4

struct sockaddr_nl {
	uint16_t nl_family, nl_pad;
	uint32_t nl_pid, nl_groups;
};
struct nlmsghdr {
	uint32_t nlmsg_len;
	uint16_t nlmsg_type, nlmsg_flags;
	uint32_t nlmsg_seq, nlmsg_pid;
};
struct nlmsgerr {
	int error;
	struct nlmsghdr msg;
};
struct rtattr {
	uint16_t rta_len, rta_type;
};
#define NLM_F_REQUEST 1
#define NLM_F_MULTI 2
#define NLM_F_ACK 4
#define NLM_F_DUMP 0x300
#define NLM_F_EXCL 0x200
#define NLM_F_CREATE 0x400
#define NLMSG_ERROR 2
#define NLMSG_DONE 3
#define NL_ALIGN(n) (((n) + 3u) & ~3u)
#define NL_BODY(h) ((void *)((char *)(h) + sizeof(struct nlmsghdr)))
#define NL_SEQ 77

/* A request being built: fixed part, then attributes. */
struct nl_message {
	struct nlmsghdr h;
	char body[2048] __attribute__((aligned(8)));
};

static inline void *nl_start(struct nl_message *m, int type, int flags, const void *fixed, size_t n)
{
	memset(m, 0, sizeof *m);
	m->h = (struct nlmsghdr){ sizeof m->h + NL_ALIGN(n), type, NLM_F_REQUEST | flags, NL_SEQ, 0 };
	memcpy(m->body, fixed, n);
	return m->body;
}

static inline void nl_put(struct nl_message *m, int type, const void *data, size_t n)
{
	struct rtattr *a = (void *)((char *)m + m->h.nlmsg_len);

	*a = (struct rtattr){ sizeof *a + n, type };
	memcpy(a + 1, data, n);
	m->h.nlmsg_len += NL_ALIGN(sizeof *a + n);
}

/* The attribute of a type behind an answer's fixed part; NULL. */
static inline const void *nl_attr(const struct nlmsghdr *h, size_t fixed, int type, size_t *n)
{
	size_t at = sizeof *h + NL_ALIGN(fixed);

	while (at + sizeof(struct rtattr) <= h->nlmsg_len) {
		const struct rtattr *a = (const void *)((const char *)h + at);

		check(a->rta_len >= sizeof *a && a->rta_len <= h->nlmsg_len - at);
		if ((a->rta_type & 0x3fff) == type) {
			*n = a->rta_len - sizeof *a;
			return a + 1;
		}
		at += NL_ALIGN(a->rta_len);
	}
	return NULL;
}

static inline int nl_socket(int protocol)
{
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	check(s >= 0);
	return s;
}

/*
 * Sends a request and hands each message to fn (NULL: there is none). 0 at the end of a dump, after the one answer or an
 * acknowledgement, or the error.
 */
static inline int nl_ask(int s, const void *request, void (*fn)(const struct nlmsghdr *h, void *arg), void *arg)
{
	const struct nlmsghdr *q = request;
	char buf[32768] __attribute__((aligned(8)));
	bool dump = q->nlmsg_flags & NLM_F_DUMP && !(q->nlmsg_flags & NLM_F_CREATE);

	check_equal(send(s, q, q->nlmsg_len, 0), (ssize_t)q->nlmsg_len);
	while (1) {
		ssize_t got = recv(s, buf, sizeof buf, 0);
		struct nlmsghdr *h = (void *)buf;

		check(got >= (ssize_t)sizeof *h);
		for (; got >= (ssize_t)sizeof *h && h->nlmsg_len <= (size_t)got; got -= NL_ALIGN(h->nlmsg_len), h = (void *)((char *)h + NL_ALIGN(h->nlmsg_len))) {
			check_equal(h->nlmsg_seq, q->nlmsg_seq);
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return -((struct nlmsgerr *)NL_BODY(h))->error;
			if (dump)
				check(h->nlmsg_flags & NLM_F_MULTI);
			fn(h, arg);
			if (!dump && !(q->nlmsg_flags & NLM_F_ACK))
				return 0;
		}
	}
}

#endif
