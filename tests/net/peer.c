/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two machines exchange bytes and check every one: `peer serve PORT CONNECTIONS` on one, `peer send ADDRESS%SCOPE PORT
 * MEGABYTES` on the other. The bytes are those of a generator that both know; each side sends the same amount, first the
 * caller, then the server. Prints one line `ok ...` or `not ok ...` and, by the caller, MB/s.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIECE 65536

static uint64_t state;
static uint64_t made[PIECE / 8];
static char got[PIECE];

static int fail(const char *what)
{
	printf("not ok %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The next PIECE bytes of the stream (xorshift64*). */
static void make(void)
{
	for (size_t i = 0; i < PIECE / 8; i++) {
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		made[i] = state * 0x2545f4914f6cdd1dull;
	}
}

static void send_stream(int s, uint64_t pieces, uint64_t seed)
{
	state = seed;
	for (uint64_t p = 0; p < pieces; p++) {
		size_t done = 0;

		make();
		while (done < PIECE) {
			ssize_t n = write(s, (char *)made + done, PIECE - done);

			if (n <= 0)
				fail("write");
			done += n;
		}
	}
}

static void receive_stream(int s, uint64_t pieces, uint64_t seed)
{
	state = seed;
	for (uint64_t p = 0; p < pieces; p++) {
		size_t done = 0;

		make();
		while (done < PIECE) {
			ssize_t n = read(s, got + done, PIECE - done);

			if (n <= 0)
				fail(n ? "read" : "early end of the stream");
			done += n;
		}
		if (memcmp(got, made, PIECE)) {
			size_t at = 0;

			while (got[at] == ((char *)made)[at])
				at++;
			printf("not ok byte %llu differs\n", (unsigned long long)(p * PIECE + at));
			exit(1);
		}
	}
}

static void serve_one(int s)
{
	uint64_t pieces;
	char end;

	if (recv(s, &pieces, sizeof pieces, MSG_WAITALL) != sizeof pieces)
		fail("the number of pieces");
	receive_stream(s, pieces, 1);
	send_stream(s, pieces, 2);
	shutdown(s, SHUT_WR);
	if (read(s, &end, 1) != 0)
		fail("more than was promised");
	close(s);
	printf("ok served %llu pieces\n", (unsigned long long)pieces);
	fflush(stdout);
}

static int serve(int port, int connections)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int l = socket(AF_INET6, SOCK_STREAM, 0), one = 1;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (l < 0 || bind(l, (void *)&a, sizeof a) || listen(l, 8))
		fail("listen");
	while (connections--) {
		int s = accept(l, 0, 0);

		if (s < 0)
			fail("accept");
		serve_one(s);
	}
	return 0;
}

/* The server may not be there yet: a refused connection is tried again for a while. */
static int dial(const char *address, const char *port)
{
	struct addrinfo hint = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *a;
	time_t until = time(0) + 60;

	if (getaddrinfo(address, port, &hint, &a)) {
		printf("not ok address %s\n", address);
		exit(1);
	}
	while (1) {
		int s = socket(a->ai_family, SOCK_STREAM, 0);

		if (s < 0)
			fail("socket");
		if (connect(s, a->ai_addr, a->ai_addrlen) == 0)
			return s;
		if (time(0) > until || (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ETIMEDOUT))
			fail("connect");
		close(s);
		usleep(200000);
	}
}

static int exchange(const char *address, const char *port, uint64_t megabytes)
{
	uint64_t pieces = megabytes * 1000000 / PIECE + 1;
	struct timespec t0, t1;
	int s = dial(address, port);
	double seconds;
	char end;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	if (write(s, &pieces, sizeof pieces) != sizeof pieces)
		fail("write");
	send_stream(s, pieces, 1);
	receive_stream(s, pieces, 2);
	if (read(s, &end, 1) != 0)
		fail("the end of the stream");
	clock_gettime(CLOCK_MONOTONIC, &t1);
	close(s);
	seconds = (t1.tv_sec - t0.tv_sec) + (t1.tv_nsec - t0.tv_nsec) / 1e9;
	printf("ok exchanged %llu MB with %s, %.1f MB/s\n", (unsigned long long)(2 * pieces * PIECE / 1000000), address,
	       2.0 * pieces * PIECE / 1e6 / seconds);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]), atoi(argv[3]));
	if (argc == 5 && !strcmp(argv[1], "send"))
		return exchange(argv[2], argv[3], strtoull(argv[4], 0, 10));
	fprintf(stderr, "usage: peer serve PORT CONNECTIONS | peer send ADDRESS PORT MEGABYTES\n");
	return 2;
}
