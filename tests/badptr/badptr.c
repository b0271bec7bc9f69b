/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every pointer argument of every call gets twelve bad addresses, one at a time, all other arguments being good. A line per
 * cell: call, argument, address, and the errno, `ok`, or what signal it ended in. ci/suites/badptr.py makes the table of calls from
 * kernel/syscall/syscalls.tbl and compares with Linux.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of an argument: a number, or what it is made of. */
enum { NUMBER, BUFFER, LENGTH, INPUT, PATH, NEW_PATH, PROGRAM, FILE_FD, DIR_FD, SOCKET_FD, PIPE_FD, EPOLL_FD, SELF };
struct argument {
	int kind;
	long value;
};
struct call {
	const char *name;
	long nr;
	int n;
	struct argument args[6];
};
#include "calls.h"

#define ADDRESSES 12
#define KERNEL_IMAGE 0xffffffff80200000

static char *pages;		/* readable and writable, unmapped, read-only, none */
static char good[6][8192];

static long address(int which)
{
	switch (which) {
	case 0: return 0;
	case 1: return 1;
	case 2: return 4095;
	case 3: return (long)(pages + 4096);		/* nothing mapped */
	case 4: return (long)(pages + 3 * 4096);	/* PROT_NONE */
	case 5: return (long)(pages + 2 * 4096);	/* read-only */
	case 6: return (long)(pages + 4095);		/* one good byte */
	case 7: return (long)KERNEL_IMAGE;
	case 8: return (long)0xffff888000000000;
	case 9: return (long)0x0001000000000000;	/* no address */
	case 10: return -1;
	default: return (long)0xfffffffffffff000 - 4;
	}
}

/* A path or a string is good at the read-only page, and so is any other input. */
static int is_bad(int kind, int which)
{
	return which != 5 || kind == BUFFER || kind == LENGTH;
}

static long prepare(const struct argument *a, int i)
{
	int fds[2];

	switch (a->kind) {
	case PATH: return (long)"file";
	case NEW_PATH: return (long)"new";
	case PROGRAM: return (long)"/proc/self/exe";
	case FILE_FD: return open("file", O_RDWR);
	case DIR_FD: return open(".", O_RDONLY | O_DIRECTORY);
	case SOCKET_FD: return socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) || write(fds[1], "datagram", 8) < 0 ? -1 : fds[0];
	case PIPE_FD: return pipe(fds) || write(fds[1], "12345678", 8) < 0 ? -1 : fds[0];
	case EPOLL_FD: return epoll_create1(0);
	case SELF: return getpid();
	case LENGTH:
		*(int *)good[i] = 16;
		return (long)good[i];
	case BUFFER: case INPUT: return (long)good[i];
	default: return a->value;
	}
}

static void one(const struct call *c, int bad, int which, volatile long *result)
{
	long v[6] = { 0 };
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (write(fd, good, 64) != 64)
		_exit(7);
	close(fd);
	memset(good, 0, sizeof good);
	for (int i = 0; i < c->n; i++)
		v[i] = i == bad ? address(which) : prepare(&c->args[i], i);
	alarm(2);
	errno = 0;
	*result = syscall(c->nr, v[0], v[1], v[2], v[3], v[4], v[5]) < 0 ? -errno : 0;
	alarm(0);
}

static void arg(const struct call *c, int bad, volatile long *results)
{
	for (int which = 0; which < ADDRESSES;) {
		volatile long *at = results + ADDRESSES;	/* the address at work */
		int status;
		pid_t pid;

		*at = which;
		pid = fork();
		if (!pid) {
			int null = open("/dev/null", O_RDWR);

			dup2(null, 0);
			dup2(null, 1);
			dup2(null, 2);
			for (int w = which; w < ADDRESSES; w++) {
				*at = w;
				if (is_bad(c->args[bad].kind, w))
					one(c, bad, w, &results[w]);
				else
					results[w] = 1;
			}
			*at = ADDRESSES;
			_exit(0);
		}
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		which = (int)*at;
		if (which < ADDRESSES)
			results[which++] = WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : 2000 + WEXITSTATUS(status);
	}
	for (int w = 0; w < ADDRESSES; w++)
		if (results[w] != 1)
			printf("cell %s %d %d %ld\n", c->name, bad, w, results[w]);
}

int main(int argc, char **argv)
{
	long *results = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char dir[] = "/tmp/badptr-XXXXXX";

	if (argc < 2)
		return 99;		/* what a successful execve runs */
	pages = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!mkdtemp(dir) || chdir(dir) || pages == MAP_FAILED || munmap(pages + 4096, 4096) || mprotect(pages + 2 * 4096, 4096, PROT_READ) ||
	    mprotect(pages + 3 * 4096, 4096, PROT_NONE) || munmap(pages + 4 * 4096, 4096))
		return 1;
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	for (const struct call *c = calls; c->name; c++)
		for (int i = 0; i < c->n; i++)
			if (c->args[i].kind >= BUFFER && c->args[i].kind <= PROGRAM)
				arg(c, i, results);
	printf("end\n");
	fflush(stdout);
	return 0;
}
