/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `idle CONNECTIONS MIB`: so many TCP connections over loopback, open and idle, both ends on this machine; what the kernel took
 * for them (MemFree, before and with them) must not exceed MIB. Each pair of ends costs two sockets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long free_kib(void)
{
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");
	long kib = -1;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemFree: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static int fail(const char *what)
{
	printf("not ok idle: %s: %s\n", what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 10000, limit = argc > 2 ? atoi(argv[2]) : 40;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7001) };
	struct rlimit files = { 2 * n + 16, 2 * n + 16 };
	int l = socket(AF_INET, SOCK_STREAM, 0);
	int *fd = calloc(2 * n, sizeof *fd);
	struct timespec t0, t1;
	long before, with;

	memset(fd, 0xff, 2 * n * sizeof *fd);	/* the pages are there before it is measured */
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (setrlimit(RLIMIT_NOFILE, &files))
		fail("setrlimit");
	if (bind(l, (void *)&a, sizeof a) || listen(l, 100))
		fail("listen");
	before = free_kib();
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (int i = 0; i < n; i++) {
		fd[2 * i] = socket(AF_INET, SOCK_STREAM, 0);
		if (fd[2 * i] < 0 || connect(fd[2 * i], (void *)&a, sizeof a))
			fail("connect");
		fd[2 * i + 1] = accept(l, 0, 0);
		if (fd[2 * i + 1] < 0)
			fail("accept");
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	with = free_kib();
	for (int i = 0; i < n; i += 97) {	/* they are alive */
		char c = i, got;

		if (write(fd[2 * i], &c, 1) != 1 || read(fd[2 * i + 1], &got, 1) != 1 || got != c)
			fail("a connection does not carry a byte");
	}
	printf("%sok idle: %d connections (%d sockets) take %.1f MiB, %.1f us each to make\n", before - with > limit * 1024L ? "not " : "",
	       n, 2 * n, (before - with) / 1024.0, ((t1.tv_sec - t0.tv_sec) * 1e9 + t1.tv_nsec - t0.tv_nsec) / 1e3 / n);
	return before - with > limit * 1024L;
}
