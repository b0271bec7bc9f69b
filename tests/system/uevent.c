/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of devices: what /sys says of a device, what writing to its uevent sends, and how programs tell each other on that protocol. */
#include "test.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NETLINK_KOBJECT_UEVENT 15
#define SOL_NETLINK 270
#define NETLINK_ADD_MEMBERSHIP 1
#define NETLINK_PKTINFO 3
#define NETLINK_LIST_MEMBERSHIPS 9
struct sockaddr_nl {
	unsigned short nl_family, pad;
	unsigned nl_pid, nl_groups;
};
struct sock_filter {
	unsigned short code;
	unsigned char jt, jf;
	unsigned k;
};
struct sock_fprog {
	unsigned short len;
	struct sock_filter *filter;
};
#define LOAD_BYTE 0x30	/* BPF_LD | BPF_B | BPF_ABS */
#define JUMP_EQUAL 0x15	/* BPF_JMP | BPF_JEQ | BPF_K */
#define RETURN 0x06	/* BPF_RET | BPF_K */

#define NODE "/sys/class/mem/null"

static int listener(unsigned groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT), on = 1;

	check(fd >= 0);
	check_ok(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
	check_ok(bind(fd, (struct sockaddr *)&a, sizeof a));
	return fd;
}

static unsigned id_of(int fd)
{
	struct sockaddr_nl a;
	socklen_t n = sizeof a;

	check_ok(getsockname(fd, (struct sockaddr *)&a, &n));
	return a.nl_pid;
}

static ssize_t write_word(const char *file, const char *word)
{
	int fd = open(file, O_WRONLY);
	ssize_t n;

	check(fd >= 0);
	n = write(fd, word, strlen(word));
	close(fd);
	return n;
}

struct got {
	char text[4096];
	ssize_t n;
	struct sockaddr_nl from;
	struct ucred ids;
	bool has_ids;
	unsigned group;
};

static void take(int fd, struct got *g)
{
	struct iovec v = { g->text, sizeof g->text - 1 };
	char control[256];
	struct msghdr m = {
		.msg_name = &g->from, .msg_namelen = sizeof g->from, .msg_iov = &v, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof control,
	};
	struct pollfd p = { fd, POLLIN, 0 };

	memset(g, 0, sizeof *g);
	check_equal(poll(&p, 1, 5000), 1);
	g->n = recvmsg(fd, &m, 0);
	check(g->n > 0);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&g->ids, CMSG_DATA(c), sizeof g->ids);
			g->has_ids = true;
		} else if (c->cmsg_level == SOL_NETLINK && c->cmsg_type == NETLINK_PKTINFO) {
			memcpy(&g->group, CMSG_DATA(c), sizeof g->group);
		}
	}
}

static bool has(const struct got *g, const char *word)
{
	for (const char *at = g->text; at < g->text + g->n; at += strlen(at) + 1)
		if (!strcmp(at, word))
			return true;
	return false;
}

static bool is_quiet(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 50) == 0;
}

static void asked_for(void)
{
	int fd = listener(1), deaf = listener(0), on = 1;
	char path[200], words[300];
	struct got g;
	ssize_t n;

	check_ok(setsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &on, sizeof on));
	check((n = readlink(NODE, path, sizeof path - 1)) > 0);
	path[n] = 0;
	check(!strncmp(path, "../../devices/", 14));
	check_equal(write_word(NODE "/uevent", "change"), 6);
	take(fd, &g);
	snprintf(words, sizeof words, "change@/%s", path + 6);
	check(!strcmp(g.text, words));
	snprintf(words, sizeof words, "DEVPATH=/%s", path + 6);
	check(has(&g, words));
	check(has(&g, "ACTION=change") && has(&g, "SUBSYSTEM=mem") && has(&g, "MAJOR=1") && has(&g, "MINOR=3"));
	check(has(&g, "DEVNAME=null") && has(&g, "DEVMODE=0666") && has(&g, "SYNTH_UUID=0"));
	check(g.from.nl_pid == 0 && g.from.nl_groups == 1);
	check(g.has_ids && g.ids.pid == 0 && g.ids.uid == 0 && g.ids.gid == 0);
	check_equal(g.group, 1);
	check(is_quiet(deaf));
}

static unsigned long long number_of(const struct got *g)
{
	for (const char *at = g->text; at < g->text + g->n; at += strlen(at) + 1)
		if (!strncmp(at, "SEQNUM=", 7))
			return strtoull(at + 7, 0, 10);
	return 0;
}

static void words(void)
{
	static const char *const actions[] = { "add", "remove", "change", "move", "online", "offline", "bind", "unbind" };
	int fd = listener(1);
	unsigned long long last = 0;
	struct got g;
	char line[64];

	for (unsigned i = 0; i < sizeof actions / sizeof *actions; i++) {
		snprintf(line, sizeof line, "%s\n", actions[i]);
		check_equal(write_word(NODE "/uevent", line), (ssize_t)strlen(line));
		take(fd, &g);
		snprintf(line, sizeof line, "ACTION=%s", actions[i]);
		check(has(&g, line));
		check(number_of(&g) > last);
		last = number_of(&g);
	}
	check(write_word(NODE "/uevent", "add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A=1 BC=two words") < 0);
	check_equal(errno, EINVAL);
	check_equal(write_word(NODE "/uevent", "add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A=1 BC=two"), 51);
	take(fd, &g);
	check(has(&g, "SYNTH_UUID=fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed") && has(&g, "SYNTH_ARG_A=1") && has(&g, "SYNTH_ARG_BC=two"));
	check(write_word(NODE "/uevent", "nonsense") < 0);
	check_equal(errno, EINVAL);
	static const char *const bad[] = {
		"add not-a-uuid", "add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eeg", "add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A",
		"add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed =1", "add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A.B=1",
		"add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A=1=2",
	};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		check(write_word(NODE "/uevent", bad[i]) < 0);
		check_equal(errno, EINVAL);
	}
	check(is_quiet(fd));
}

/* The directory of a device, and the ways to it. */
static void directory(void)
{
	struct stat a, b;
	char line[100];
	int fd;
	ssize_t n;

	check_ok(stat(NODE, &a));
	check_ok(stat("/sys/dev/char/1:3", &b));
	check(a.st_ino == b.st_ino);
	check_ok(stat(NODE "/subsystem", &a));
	check_ok(stat("/sys/class/mem", &b));
	check(a.st_ino == b.st_ino);
	check((fd = open(NODE "/uevent", O_RDONLY)) >= 0);
	check((n = read(fd, line, sizeof line - 1)) > 0);
	line[n] = 0;
	check(!strcmp(line, "MAJOR=1\nMINOR=3\nDEVNAME=null\nDEVMODE=0666\n"));
	close(fd);
	check((fd = open(NODE "/dev", O_RDONLY)) >= 0);
	check_equal(read(fd, line, sizeof line), 4);
	check(!memcmp(line, "1:3\n", 4));
	close(fd);
	check_ok(stat("/sys/class/net/lo/uevent", &a));
	check((fd = open("/sys/class/net/lo/uevent", O_RDONLY)) >= 0);
	check((n = read(fd, line, sizeof line - 1)) > 0);
	line[n] = 0;
	check(!strcmp(line, "INTERFACE=lo\nIFINDEX=1\n"));
	close(fd);
	check_ok(stat("/sys/class/tty/console/active", &a));
	check((fd = open("/sys/class/tty/console/active", O_RDONLY)) >= 0);
	check((n = read(fd, line, sizeof line - 1)) > 4);
	line[n - 1] = 0;
	char path[150];

	snprintf(path, sizeof path, "/sys/class/tty/%s/uevent", line);	/* a terminal that there is */
	check_ok(stat(path, &a));
	close(fd);
}

/* As udev does: from one process to all of a group, or to one by its id. */
static void programs(void)
{
	int from = listener(0), group = listener(2), one = listener(0), both = listener(3);
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 2 };
	struct got g;

	check_equal(sendto(from, "hello group", 11, 0, (struct sockaddr *)&to, sizeof to), 11);
	take(group, &g);
	check(g.n == 11 && !memcmp(g.text, "hello group", 11) && g.from.nl_pid == id_of(from) && g.from.nl_groups == 2);
	check(g.has_ids && g.ids.pid == getpid() && g.ids.uid == 0);
	take(both, &g);
	check_equal(g.n, 11);
	check(is_quiet(one) && is_quiet(from));
	to = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = id_of(one) };
	check_equal(sendto(from, "hello you", 9, 0, (struct sockaddr *)&to, sizeof to), 9);
	take(one, &g);
	check(g.n == 9 && g.from.nl_pid == id_of(from) && g.from.nl_groups == 0);
	check(is_quiet(group) && is_quiet(both));
	to.nl_pid = 0x7ffffff1;
	check_errno(sendto(from, "x", 1, 0, (struct sockaddr *)&to, sizeof to), ECONNREFUSED);
	pid_t pid = fork();

	if (pid == 0) {
		check_ok(setuid(65534));
		to.nl_pid = id_of(one);
		check_errno(sendto(from, "x", 1, 0, (struct sockaddr *)&to, sizeof to), EPERM);
		to = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_groups = 2 };
		check_errno(sendto(from, "x", 1, 0, (struct sockaddr *)&to, sizeof to), EPERM);
		check(listener(1) >= 0);	/* anybody may hear */
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check(is_quiet(one) && is_quiet(group));
}

/* A filter decides what is queued, and how much of it. */
static void filtered(void)
{
	struct sock_filter first_is_y[] = {	/* 5 bytes of what begins with y, nothing of others */
		{ LOAD_BYTE, 0, 0, 0 }, { JUMP_EQUAL, 0, 1, 'y' },
		{ RETURN, 0, 0, 5 }, { RETURN, 0, 0, 0 },
	};
	struct sock_fprog f = { 4, first_is_y }, bad = { 4, 0 };
	int from = listener(0), to = listener(2);
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 2 };
	struct got g;

	check_errno(setsockopt(to, SOL_SOCKET, SO_DETACH_FILTER, &bad, sizeof(int)), ENOENT);
	check(setsockopt(to, SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof bad) < 0);
	check_ok(setsockopt(to, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof f));
	check_equal(sendto(from, "no, not this", 12, 0, (struct sockaddr *)&a, sizeof a), 12);
	check_equal(sendto(from, "yes, this one", 13, 0, (struct sockaddr *)&a, sizeof a), 13);
	take(to, &g);
	check(g.n == 5 && !memcmp(g.text, "yes, ", 5));
	check(is_quiet(to));
	check_ok(setsockopt(to, SOL_SOCKET, SO_DETACH_FILTER, &f, sizeof f));
	check_equal(sendto(from, "no", 2, 0, (struct sockaddr *)&a, sizeof a), 2);
	take(to, &g);
	check_equal(g.n, 2);
}

static void memberships(void)
{
	unsigned words[4] = { 0 };
	socklen_t n = sizeof words;
	int fd = listener(1), group = 3, out, protocol = -1;

	check_ok(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group));
	check_ok(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, words, &n));
	check_equal(n, 4);
	check_equal(words[0], 5);
	n = sizeof protocol;
	check_ok(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &n));
	check_equal(protocol, NETLINK_KOBJECT_UEVENT);
	n = sizeof out;
	check_ok(getsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &out, &n));
	check_equal(out, 0);
	out = 1;
	check_ok(setsockopt(fd, SOL_SOCKET, SO_PASSSEC, &out, sizeof out));
	n = sizeof out;
	check_ok(getsockopt(fd, SOL_SOCKET, SO_PASSSEC, &out, &n));
	check_equal(out, 1);
}

static const struct test table[] = {
	{ "asked-for", asked_for }, { "words", words }, { "directory", directory }, { "programs", programs }, { "filtered", filtered },
	{ "memberships", memberships }, { 0 },
};

TEST_MAIN(table)
