/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sys/net: what is written there holds for what comes after; bounds; who may. */
#include "inet.h"

static int file(const char *name, const char *value)
{
	char path[100];
	int fd, n;

	snprintf(path, sizeof path, "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	n = write(fd, value, strlen(value));
	close(fd);
	return n;
}

static long value_of(const char *name)
{
	char path[100], text[100] = "";
	int fd;

	snprintf(path, sizeof path, "/proc/sys/net/%s", name);
	fd = open(path, O_RDONLY);
	check(fd >= 0);
	check(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	return atol(text);
}

static int option(int s, int level, int opt)
{
	int v = -1;
	socklen_t len = sizeof v;

	check_ok(getsockopt(s, level, opt, &v, &len));
	return v;
}

static void buffers(void)
{
	int s, v = 1 << 20;

	check_equal(file("core/rmem_max", "400000\n"), 7);
	check_equal(value_of("core/rmem_max"), 400000);
	check_ok(file("core/wmem_max", "300000"));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	check_ok(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, sizeof v));
	check_equal(option(s, SOL_SOCKET, SO_RCVBUF), 800000);
	check_ok(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &v, sizeof v));
	check_equal(option(s, SOL_SOCKET, SO_SNDBUF), 600000);
	check_ok(file("core/rmem_default", "100000"));
	check_ok(file("core/wmem_default", "90000"));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	check_equal(option(s, SOL_SOCKET, SO_RCVBUF), 100000);
	check_equal(option(s, SOL_SOCKET, SO_SNDBUF), 90000);
	check_errno(file("core/rmem_max", "10"), EINVAL);
	check_errno(file("core/rmem_max", "many"), EINVAL);
	check_ok(file("core/rmem_max", "212992"));
	check_ok(file("core/wmem_max", "212992"));
	check_ok(file("core/rmem_default", "212992"));
	check_ok(file("core/wmem_default", "212992"));
}

static void ports(void)
{
	int s[12], fails = 0;
	union name n;

	lo_up();
	check_ok(file("ipv4/ip_local_port_range", "45000 45007\n"));
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		fails = 0;
		for (int i = 0; i < 12; i++) {
			socklen_t len = sizeof n;

			n = loopback(AF_INET, 0);
			s[i] = socket(AF_INET, type, 0);
			if (bind(s[i], &n.a, name_len(&n))) {
				check_equal(errno, EADDRINUSE);
				fails++;
				continue;
			}
			check_ok(getsockname(s[i], &n.a, &len));
			check(name_port(&n) >= 45000 && name_port(&n) <= 45007);
		}
		check_equal(fails, 4);
		for (int i = 0; i < 12; i++)
			close(s[i]);
	}
	check_errno(file("ipv4/ip_local_port_range", "5000 4000"), EINVAL);
	check_errno(file("ipv4/ip_local_port_range", "0 70000"), EINVAL);
	check_ok(file("ipv4/ip_local_port_range", "32768 60999"));
}

static void backlog(void)
{
	struct tcp_info i;
	socklen_t len = sizeof i;
	union name n;
	int l;

	lo_up();
	check_ok(file("core/somaxconn", "7"));
	l = bound(AF_INET, SOCK_STREAM, &n);
	check_ok(listen(l, 100));
	check_ok(getsockopt(l, IPPROTO_TCP, TCP_INFO, &i, &len));
	check_equal(i.tcpi_sacked, 7);		/* a listener's backlog */
	check_ok(file("core/somaxconn", "4096"));
}

static void defaults(void)
{
	int s, one = 1;
	union name n, from;
	socklen_t len = sizeof from;
	int u;
	char c;
	union { char b[64]; struct cmsghdr h; } control;
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };

	lo_up();
	check_ok(file("ipv4/ip_default_ttl", "77"));
	s = socket(AF_INET, SOCK_DGRAM, 0);
	check_equal(option(s, IPPROTO_IP, IP_TTL), 77);
	u = bound(AF_INET, SOCK_DGRAM, &n);
	check_ok(setsockopt(u, IPPROTO_IP, IP_RECVTTL, &one, sizeof one));
	check_equal(sendto(s, "x", 1, 0, &n.a, name_len(&n)), 1);
	check_equal(recvmsg(u, &m, 0), 1);
	check(CMSG_FIRSTHDR(&m) && *(int *)(void *)CMSG_DATA(CMSG_FIRSTHDR(&m)) == 77);
	(void)len;
	check_ok(file("ipv4/ip_default_ttl", "64"));
	check_errno(file("ipv4/ip_default_ttl", "0"), EINVAL);
	check_ok(file("ipv4/tcp_keepalive_time", "600"));
	check_ok(file("ipv4/tcp_keepalive_intvl", "30"));
	check_ok(file("ipv4/tcp_keepalive_probes", "4"));
	s = socket(AF_INET, SOCK_STREAM, 0);
	check_equal(option(s, IPPROTO_TCP, TCP_KEEPIDLE), 600);
	check_equal(option(s, IPPROTO_TCP, TCP_KEEPINTVL), 30);
	check_equal(option(s, IPPROTO_TCP, TCP_KEEPCNT), 4);
	check_ok(file("ipv4/tcp_keepalive_time", "7200"));
	check_ok(file("ipv4/tcp_keepalive_intvl", "75"));
	check_ok(file("ipv4/tcp_keepalive_probes", "9"));
	check_ok(file("ipv6/bindv6only", "1"));
	check_equal(option(socket(AF_INET6, SOCK_STREAM, 0), IPPROTO_IPV6, IPV6_V6ONLY), 1);
	check_ok(file("ipv6/bindv6only", "0"));
	check_equal(option(socket(AF_INET6, SOCK_STREAM, 0), IPPROTO_IPV6, IPV6_V6ONLY), 0);
	check_ok(file("ipv4/ip_forward", "0"));
}

static void rights(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(setuid(1000) ? 2 : file("core/somaxconn", "5") >= 0 ? 1 : errno == EACCES ? 0 : 3);
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(status, 0);
}

static const struct test table[] = {
	{ "buffers", buffers }, { "ports", ports }, { "backlog", backlog }, { "defaults", defaults }, { "rights", rights }, { NULL, NULL },
};
TEST_MAIN(table)
