/* SPDX-License-Identifier: BSD-2-Clause */
/* NETLINK_SOCK_DIAG (sock_diag(7)): TCP, UDP and AF_UNIX sockets as iproute2's ss asks for them, filters, long dumps, bad requests. */
#include "inet.h"
#include "netlink.h"
#include <stddef.h>
#include <sys/resource.h>
#include <sys/un.h>

#define ESTABLISHED 1
#define CLOSE 7
#define LISTEN 10
#define ALL 0xffffffffu

#define SOCK_DIAG_BY_FAMILY 20
#define INET_DIAG_NOCOOKIE (~0u)
enum { INET_DIAG_REQ_BYTECODE = 1 };
enum { INET_DIAG_MEMINFO = 1, INET_DIAG_INFO, INET_DIAG_CONG = 4, INET_DIAG_TOS, INET_DIAG_SKMEMINFO = 7, INET_DIAG_SHUTDOWN, INET_DIAG_SKV6ONLY = 11 };
enum { BC_NOP, BC_JMP, BC_S_GE, BC_S_LE, BC_S_COND = 7, BC_D_COND };
enum { SHOW_NAME = 1, SHOW_VFS = 2, SHOW_PEER = 4, SHOW_ICONS = 8, SHOW_RQLEN = 16, SHOW_MEMINFO = 32, SHOW_UID = 64 };
enum { UNIX_DIAG_NAME, UNIX_DIAG_VFS, UNIX_DIAG_PEER, UNIX_DIAG_ICONS, UNIX_DIAG_RQLEN, UNIX_DIAG_MEMINFO, UNIX_DIAG_SHUTDOWN, UNIX_DIAG_UID };

struct inet_diag_id {
	uint16_t sport, dport;
	uint32_t src[4], dst[4], ifindex, cookie[2];
};
struct inet_diag_req {
	uint8_t family, protocol, ext, pad;
	uint32_t states;
	struct inet_diag_id id;
};
struct inet_diag_msg {
	uint8_t family, state, timer, retrans;
	struct inet_diag_id id;
	uint32_t expires, rqueue, wqueue, uid, inode;
};
struct bc_op {
	uint8_t code, yes;
	uint16_t no;
};
struct unix_diag_req {
	uint8_t family, protocol;
	uint16_t pad;
	uint32_t states, ino, show, cookie[2];
};
struct unix_diag_msg {
	uint8_t family, type, state, pad;
	uint32_t ino, cookie[2];
};

struct inet_request {
	struct nlmsghdr h;
	struct inet_diag_req q;
	struct rtattr filter;
	char code[64];
};

static struct inet_request inet_request(int family, int protocol, int flags, unsigned states)
{
	return (struct inet_request){
		.h = { sizeof(struct nlmsghdr) + sizeof(struct inet_diag_req), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | flags, NL_SEQ, 0 },
		.q = { .family = family, .protocol = protocol, .states = states, .id.cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } },
	};
}

static void with_filter(struct inet_request *r, const void *code, size_t n)
{
	r->filter = (struct rtattr){ sizeof r->filter + n, INET_DIAG_REQ_BYTECODE };
	memcpy(r->code, code, n);
	r->h.nlmsg_len = sizeof r->h + sizeof r->q + NL_ALIGN(r->filter.rta_len);
}

struct found {
	struct inet_diag_msg m;
	int sport, n;			/* wanted local port (0: any); how many there were */
	int ext;			/* attributes that were there, a bit each */
	char cong[16];
	struct tcp_info info;
	unsigned char shut;
};

static void note(const struct nlmsghdr *h, void *arg)
{
	const struct inet_diag_msg *m = NL_BODY(h);
	struct found *f = arg;
	const void *a;
	size_t n;

	if (f->sport && ntohs(m->id.sport) != f->sport)
		return;
	f->n++;
	f->m = *m;
	f->ext = 0;
	for (int i = 1; i < 30; i++)
		if (nl_attr(h, sizeof *m, i, &n))
			f->ext |= 1 << i;
	if ((a = nl_attr(h, sizeof *m, INET_DIAG_CONG, &n)))
		memcpy(f->cong, a, n < sizeof f->cong ? n : sizeof f->cong - 1);
	if ((a = nl_attr(h, sizeof *m, INET_DIAG_INFO, &n)))
		memcpy(&f->info, a, n < sizeof f->info ? n : sizeof f->info);
	if ((a = nl_attr(h, sizeof *m, INET_DIAG_SHUTDOWN, &n)))
		f->shut = *(const unsigned char *)a;
}

static unsigned inode_of(int fd)
{
	struct stat st;

	check_ok(fstat(fd, &st));
	return st.st_ino;
}

/* A connection to l: the client's end, and the server's in *server. */
static int connection(int l, const union name *n, int *server)
{
	int c = socket(n->a.sa_family, SOCK_STREAM, 0);

	check_ok(connect(c, &n->a, name_len(n)));
	*server = accept(l, NULL, NULL);
	check(*server >= 0);
	return c;
}

static void tcp_family(int family)
{
	struct inet_request r = inet_request(family, IPPROTO_TCP, NLM_F_DUMP, 1 << LISTEN);
	struct found f = { 0 };
	union name n;
	int s = nl_socket(NETLINK_SOCK_DIAG), l, c, a;

	l = listener(family, &n);
	f.sport = name_port(&n);
	check_equal(nl_ask(s, &r, note, &f), 0);
	check_equal(f.n, 1);
	check_equal(f.m.family, family);
	check_equal(f.m.state, LISTEN);
	check_equal(f.m.inode, inode_of(l));
	check_equal(f.m.uid, getuid());
	check_equal(f.m.id.dport, 0);
	check_equal(f.m.rqueue, 0);
	check_equal(f.m.wqueue, 8);	/* its backlog */
	check(f.ext & 1 << INET_DIAG_SHUTDOWN);
	check_equal(!!(f.ext & 1 << INET_DIAG_SKV6ONLY), family == AF_INET6);
	check_equal(f.ext & (1 << INET_DIAG_INFO | 1 << INET_DIAG_CONG | 1 << INET_DIAG_SKMEMINFO), 0);
	c = connection(l, &n, &a);
	check_equal(send(c, "hello", 5, 0), 5);
	r.q.states = 1 << ESTABLISHED;
	r.q.ext = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1) | 1 << (INET_DIAG_SKMEMINFO - 1) | 1 << (INET_DIAG_MEMINFO - 1) |
			1 << (INET_DIAG_TOS - 1);
	f.n = 0;
	check_equal(nl_ask(s, &r, note, &f), 0);
	check_equal(f.n, 1);			/* the server's end; the client's has another port */
	check_equal(f.m.inode, inode_of(a));
	check_equal(f.m.rqueue, 5);
	check_equal(f.m.state, ESTABLISHED);
	check(f.ext & 1 << INET_DIAG_INFO && f.ext & 1 << INET_DIAG_CONG && f.ext & 1 << INET_DIAG_SKMEMINFO &&
	      f.ext & 1 << INET_DIAG_MEMINFO && f.ext & 1 << INET_DIAG_TOS);
	check(f.cong[0]);
	check_equal(f.info.tcpi_state, ESTABLISHED);
	check(f.info.tcpi_snd_mss && f.info.tcpi_snd_cwnd && f.info.tcpi_rto);
	check_ok(shutdown(a, SHUT_WR));
	r.q.states = ALL;
	check_equal(nl_ask(s, &r, note, &f), 0);
	check(f.n >= 2);
	close(a);
	close(c);
}

static void tcp(void) { lo_up(); tcp_family(AF_INET); }
static void tcp6(void) { lo_up(); tcp_family(AF_INET6); }

static void one_connection(void)
{
	struct inet_request r = inet_request(AF_INET, IPPROTO_TCP, 0, ALL);
	union name n, me;
	socklen_t len = sizeof me;
	int s, l, c, a;
	struct found f = { 0 };

	lo_up();
	s = nl_socket(NETLINK_SOCK_DIAG);
	l = listener(AF_INET, &n);
	c = connection(l, &n, &a);
	check_ok(getsockname(c, &me.a, &len));
	r.q.id.sport = me.in.sin_port;
	r.q.id.dport = n.in.sin_port;
	r.q.id.src[0] = r.q.id.dst[0] = htonl(INADDR_LOOPBACK);
	check_equal(nl_ask(s, &r, note, &f), 0);
	check_equal(f.m.inode, inode_of(c));
	memcpy(r.q.id.cookie, f.m.id.cookie, sizeof r.q.id.cookie);
	check_equal(nl_ask(s, &r, note, &f), 0);
	r.q.id.cookie[0]++;
	check_equal(nl_ask(s, &r, note, &f), ENOENT);	/* another socket by that name */
	r.q.id.cookie[0]--;
	r.q.id.dport = htons(1);
	check_equal(nl_ask(s, &r, note, &f), ENOENT);
}

static void udp(void)
{
	struct inet_request r = inet_request(AF_INET, IPPROTO_UDP, NLM_F_DUMP, 1 << CLOSE);
	struct found f = { 0 };
	union name n;
	int s, u, other;

	lo_up();
	s = nl_socket(NETLINK_SOCK_DIAG);
	u = bound(AF_INET, SOCK_DGRAM, &n);
	f.sport = name_port(&n);
	check_equal(nl_ask(s, &r, note, &f), 0);
	check_equal(f.n, 1);
	check_equal(f.m.state, CLOSE);
	check_equal(f.m.inode, inode_of(u));
	other = socket(AF_INET, SOCK_DGRAM, 0);
	check_ok(connect(other, &n.a, name_len(&n)));
	r.q.states = 1 << ESTABLISHED;
	f.sport = f.n = 0;
	check_equal(nl_ask(s, &r, note, &f), 0);
	check_equal(f.n, 1);
	check_equal(ntohs(f.m.id.dport), name_port(&n));
	check_equal(f.m.inode, inode_of(other));
}

/* sport = :PORT, as ss writes it. */
static void filters(void)
{
	struct inet_request r = inet_request(AF_INET, IPPROTO_TCP, NLM_F_DUMP, ALL);
	struct { struct bc_op op[4]; } code = { .op = {
		{ BC_S_GE, 8, 20 }, { 0, 0, 0 }, { BC_S_LE, 8, 12 }, { 0, 0, 0 },
	} };
	struct { struct bc_op op; struct { uint8_t family, prefix_len; int port; } c; unsigned addr; } host = {
		.op = { BC_D_COND, sizeof host, sizeof host + 4 },
		.c = { .family = AF_INET, .prefix_len = 8, .port = -1 }, .addr = htonl(0x7f000000),
	};
	struct found f = { 0 };
	union name n, m;
	int s, l, a;

	lo_up();
	s = nl_socket(NETLINK_SOCK_DIAG);
	l = listener(AF_INET, &n);
	listener(AF_INET, &m);
	code.op[1].no = code.op[3].no = name_port(&n);
	with_filter(&r, &code, sizeof code);
	check_equal(nl_ask(s, &r, note, &f), 0);
	check_equal(f.n, 1);
	check_equal(ntohs(f.m.id.sport), name_port(&n));
	/* The address of the other end. */
	connection(l, &n, &a);
	r = inet_request(AF_INET, IPPROTO_TCP, NLM_F_DUMP, 1 << ESTABLISHED);
	with_filter(&r, &host, sizeof host);
	f.n = 0;
	check_equal(nl_ask(s, &r, note, &f), 0);
	check_equal(f.n, 2);
	host.addr = htonl(0x0a000000);
	with_filter(&r, &host, sizeof host);
	f.n = 0;
	check_equal(nl_ask(s, &r, note, &f), 0);
	check_equal(f.n, 0);
	/* The source port by the request itself. */
	r = inet_request(AF_INET, IPPROTO_TCP, NLM_F_DUMP, 1 << LISTEN);
	r.q.id.sport = m.in.sin_port;
	check_equal(nl_ask(s, &r, note, &f), 0);
	check_equal(f.n, 1);
}

static void bad_filters(void)
{
	static const struct bc_op bad[][2] = {
		{ { BC_S_GE, 8, 9 }, { 0, 0, 0 } },		/* not a multiple */
		{ { BC_S_GE, 4, 12 }, { 0, 0, 0 } },		/* into its own operand */
		{ { BC_S_GE, 0, 12 }, { 0, 0, 0 } },		/* no step */
		{ { BC_S_GE, 8, 16 }, { 0, 0, 0 } },		/* too far */
		{ { BC_S_GE, 16, 12 }, { 0, 0, 0 } },
		{ { 99, 4, 8 }, { BC_NOP, 4, 0 } },
		{ { BC_S_COND, 8, 12 }, { AF_INET, 0, 0 } },	/* cut off */
		{ { BC_JMP, 4, 4 }, { BC_S_LE, 4, 8 } },
	};
	struct inet_request r = inet_request(AF_INET, IPPROTO_TCP, NLM_F_DUMP, ALL);
	struct found f = { 0 };
	int s = nl_socket(NETLINK_SOCK_DIAG);

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		with_filter(&r, bad[i], sizeof bad[i]);
		if (nl_ask(s, &r, note, &f) != EINVAL)
			test_fail(__LINE__, "filter %u was taken", i);
	}
}

static void bad_requests(void)
{
	struct inet_request r = inet_request(AF_INET, IPPROTO_TCP, NLM_F_DUMP, ALL);
	struct found f = { 0 };
	int s = nl_socket(NETLINK_SOCK_DIAG);

	r.q.family = 99;
	check_equal(nl_ask(s, &r, note, &f), EINVAL);
	r.q.family = AF_INET;
	r.h.nlmsg_len = sizeof r.h + 4;
	check_equal(nl_ask(s, &r, note, &f), EINVAL);
	r.h.nlmsg_len = sizeof r.h + 1;
	check_equal(nl_ask(s, &r, note, &f), EINVAL);
	r = inet_request(AF_INET, IPPROTO_TCP, 0, ALL);
	r.h.nlmsg_type = 23;
	check_equal(nl_ask(s, &r, note, &f), EINVAL);
	check_errno(socket(AF_NETLINK, SOCK_RAW, 99), EPROTONOSUPPORT);
	check_errno(socket(AF_NETLINK, SOCK_STREAM, NETLINK_SOCK_DIAG), ESOCKTNOSUPPORT);
}

/* ---- AF_UNIX ------------------------------------------------------------------------------------- */
struct unix_request {
	struct nlmsghdr h;
	struct unix_diag_req q;
};

static struct unix_request unix_request(int flags, unsigned states, unsigned ino, unsigned show)
{
	return (struct unix_request){
		.h = { sizeof(struct unix_request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | flags, 77, 0 },
		.q = { .family = AF_UNIX, .states = states, .ino = ino, .show = show, .cookie = { ~0u, ~0u } },
	};
}

struct unix_found {
	struct unix_diag_msg m;
	unsigned ino;
	int n;
	char name[108];
	size_t name_len;
	unsigned peer, uid, vfs[2], queues[2], waiting[4], nr_waiting;
	unsigned char shut;
};

static void note_unix(const struct nlmsghdr *h, void *arg)
{
	const struct unix_diag_msg *m = NL_BODY(h);
	struct unix_found *f = arg;
	const void *a;
	size_t n;

	if (f->ino && m->ino != f->ino)
		return;
	f->n++;
	f->m = *m;
	if ((a = nl_attr(h, sizeof *m, UNIX_DIAG_NAME, &f->name_len)))
		memcpy(f->name, a, f->name_len);
	if ((a = nl_attr(h, sizeof *m, UNIX_DIAG_PEER, &n)))
		memcpy(&f->peer, a, 4);
	if ((a = nl_attr(h, sizeof *m, UNIX_DIAG_VFS, &n)))
		memcpy(f->vfs, a, 8);
	if ((a = nl_attr(h, sizeof *m, UNIX_DIAG_RQLEN, &n)))
		memcpy(f->queues, a, 8);
	if ((a = nl_attr(h, sizeof *m, UNIX_DIAG_UID, &n)))
		memcpy(&f->uid, a, 4);
	if ((a = nl_attr(h, sizeof *m, UNIX_DIAG_SHUTDOWN, &n)))
		f->shut = *(const unsigned char *)a;
	if ((a = nl_attr(h, sizeof *m, UNIX_DIAG_ICONS, &n))) {
		f->nr_waiting = n / 4;
		memcpy(f->waiting, a, n < sizeof f->waiting ? n : sizeof f->waiting);
	}
}

static void unix_sockets(void)
{
	unsigned show = SHOW_NAME | SHOW_VFS | SHOW_PEER | SHOW_ICONS | SHOW_RQLEN | SHOW_MEMINFO |
			SHOW_UID;
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "diag.sock" };
	struct unix_request r = unix_request(NLM_F_DUMP, 1 << LISTEN, 0, show);
	struct unix_found f = { 0 };
	int s = nl_socket(NETLINK_SOCK_DIAG), l = socket(AF_UNIX, SOCK_STREAM, 0), c, p[2];
	struct stat st;

	unlink(a.sun_path);
	check_ok(bind(l, (void *)&a, sizeof a));
	check_ok(stat(a.sun_path, &st));
	check_ok(listen(l, 3));
	f.ino = inode_of(l);
	check_equal(nl_ask(s, &r, note_unix, &f), 0);
	check_equal(f.n, 1);
	check_equal(f.m.state, LISTEN);
	check_equal(f.m.type, SOCK_STREAM);
	check_equal(f.name_len, strlen(a.sun_path) + 1);
	check(!strcmp(f.name, a.sun_path));
	check_equal(f.vfs[0], (unsigned)st.st_ino);
	check_equal(f.uid, getuid());
	check_equal(f.queues[0], 0);
	check_equal(f.queues[1], 3);
	check_equal(f.nr_waiting, 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	check_ok(connect(c, (void *)&a, sizeof a));
	r = unix_request(0, 0, f.ino, show);
	check_equal(nl_ask(s, &r, note_unix, &f), 0);
	check_equal(f.queues[0], 1);
	check_equal(f.nr_waiting, 1);
	check_equal(f.waiting[0], inode_of(c));
	unlink(a.sun_path);
	/* A pair. */
	check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	check_equal(send(p[0], "abc", 3, 0), 3);
	check_ok(shutdown(p[1], SHUT_WR));
	memset(&f, 0, sizeof f);
	r = unix_request(0, 0, inode_of(p[1]), show);
	check_equal(nl_ask(s, &r, note_unix, &f), 0);
	check_equal(f.m.state, ESTABLISHED);
	check_equal(f.peer, inode_of(p[0]));
	check_equal(f.queues[0], 3);
	check_equal(f.shut, 2);
	check_equal(f.name_len, 0);
	/* States. */
	r = unix_request(NLM_F_DUMP, 1 << LISTEN, 0, 0);
	f = (struct unix_found){ .ino = inode_of(p[0]) };
	check_equal(nl_ask(s, &r, note_unix, &f), 0);
	check_equal(f.n, 0);
	r.q.states = ALL;
	check_equal(nl_ask(s, &r, note_unix, &f), 0);
	check_equal(f.n, 1);
	/* Errors. */
	r = unix_request(0, 0, 0, 0);
	check_equal(nl_ask(s, &r, note_unix, &f), EINVAL);
	r = unix_request(0, 0, 0x7ffffff0, 0);
	check_equal(nl_ask(s, &r, note_unix, &f), ENOENT);
	r = unix_request(0, 0, inode_of(p[0]), 0);
	r.q.cookie[0] = 0x1234567;
	check_equal(nl_ask(s, &r, note_unix, &f), ESTALE);
	r.h.nlmsg_len = sizeof r.h + 8;
	check_equal(nl_ask(s, &r, note_unix, &f), EINVAL);
}

/* More than fits into a receive buffer comes in parts, as it is read. */
static void long_dump(void)
{
	enum { MANY = 900 };
	struct unix_request r = unix_request(NLM_F_DUMP, ALL, 0, SHOW_NAME | SHOW_PEER | SHOW_RQLEN);
	struct unix_found f = { 0 };
	struct rlimit lim = { 4096, 4096 };
	int s = nl_socket(NETLINK_SOCK_DIAG), small = 1, p[2];

	(void)setrlimit(RLIMIT_NOFILE, &lim);
	check_ok(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &small, sizeof small));
	check_equal(nl_ask(s, &r, note_unix, &f), 0);
	int before = f.n;

	for (int i = 0; i < MANY / 2; i++)
		check_ok(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	f.n = 0;
	check_equal(nl_ask(s, &r, note_unix, &f), 0);
	check(f.n >= before + MANY && f.n < before + MANY + 50);
}

static const struct test table[] = {
	{ "tcp", tcp }, { "tcp6", tcp6 }, { "one-connection", one_connection }, { "udp", udp }, { "filters", filters },
	{ "bad-filters", bad_filters }, { "bad-requests", bad_requests }, { "unix", unix_sockets }, { "long-dump", long_dump }, { NULL, NULL },
};
TEST_MAIN(table)
