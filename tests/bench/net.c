/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP and UDP over the loopback interface.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#define CHUNK 65536

static int listener = -1, talk = -1;
static struct sockaddr_in where;
static char chunk[CHUNK];

void bench_loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	must_exist(s >= 0);
	if (ioctl(s, SIOCGIFFLAGS, &request) == 0) {
		request.ifr_flags |= IFF_UP;
		ioctl(s, SIOCSIFFLAGS, &request);
	}
	close(s);
}

static void serve(int type)
{
	socklen_t length = sizeof where;

	bench_loopback_up();
	must_exist((listener = socket(AF_INET, type, 0)) >= 0);
	where.sin_family = AF_INET;
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must_exist(bind(listener, (struct sockaddr *)&where, sizeof where) == 0);
	must(type == SOCK_DGRAM || listen(listener, 16) == 0);
	must(getsockname(listener, (struct sockaddr *)&where, &length) == 0);
}

static int dial(int type)
{
	int s = socket(AF_INET, type, 0), one = 1;

	must(s >= 0);
	if (type == SOCK_STREAM)
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	must(connect(s, (struct sockaddr *)&where, sizeof where) == 0);
	return s;
}

static void echo_tcp(void)
{
	int s = accept(listener, 0, 0), one = 1;
	char c;

	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	while (read(s, &c, 1) == 1 && write(s, &c, 1) == 1)
		;
}

static void setup_tcp(void)
{
	serve(SOCK_STREAM);
	bench_partner(echo_tcp);
	talk = dial(SOCK_STREAM);
}

static void echo_udp(void)
{
	struct sockaddr_in peer;
	socklen_t length = sizeof peer;
	char c;

	while (recvfrom(listener, &c, 1, 0, (struct sockaddr *)&peer, &length) == 1) {
		if (sendto(listener, &c, 1, 0, (struct sockaddr *)&peer, length) != 1)
			_exit(1);
	}
}

static void setup_udp(void)
{
	serve(SOCK_DGRAM);
	bench_partner(echo_udp);
	talk = dial(SOCK_DGRAM);
}

static void trip(long n)
{
	for (long i = 0; i < n; i++) {
		char sent = i, got;

		must(write(talk, &sent, 1) == 1);
		must(read(talk, &got, 1) == 1 && got == sent);
	}
}

/* The other side takes a connection, reads to its end and closes, which the caller waits for. */
static void accept_all(void)
{
	char c;

	for (;;) {
		int s = accept(listener, 0, 0);

		if (s < 0)
			_exit(1);
		while (read(s, &c, 1) == 1)
			;
		close(s);
	}
}

static void setup_connect(void)
{
	serve(SOCK_STREAM);
	bench_partner(accept_all);
}

static void do_connect(long n)
{
	while (n--) {
		int s = dial(SOCK_STREAM);
		char c;

		must(shutdown(s, SHUT_WR) == 0 && read(s, &c, 1) == 0);
		must(close(s) == 0);
	}
}

static void pump(void)
{
	int s = accept(listener, 0, 0);

	memset(chunk, 'd', sizeof chunk);
	while (write(s, chunk, CHUNK) > 0)
		;
}

static void setup_pump(void)
{
	serve(SOCK_STREAM);
	bench_partner(pump);
	talk = dial(SOCK_STREAM);
}

static void drain(long n)
{
	long left = n * 1024;

	while (left > 0) {
		ssize_t got = read(talk, chunk, left < CHUNK ? left : CHUNK);

		must(got > 0 && chunk[0] == 'd' && chunk[got - 1] == 'd');
		left -= got;
	}
}

const struct item items_net[] = {
	{ "tcp", 't', 500, setup_tcp, trip, 0, 0, 0 },
	{ "udp", 't', 500, setup_udp, trip, 0, 0, 0 },
	{ "tcp-connect", 't', 200, setup_connect, do_connect, 0, 0, 0 },
	{ "tcp-bandwidth", 'b', 4096, setup_pump, drain, 0, 0, 0 },
	{ 0 },
};
