/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The OOM killer's victim does not go: debug builds of Trivet hold it at its end (/proc/sys/kernel/exit_stuck_pid). Its
 * memory comes back all the same, and who needs more than that meets the next choice. Linux has no such switch; there nothing is
 * asked.
 */
#include "test.h"
#include <sys/mman.h>

#define PAGE 4096
#define MB (1l << 20)

static void touch(long bytes)
{
	char *p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (long i = 0; p != MAP_FAILED && i < bytes; i += PAGE)
		p[i] = 1;
}

/* A process with so much memory; it goes on taking if asked. */
static pid_t taker(long bytes, const char *adj, bool goes_on)
{
	int fds[2], fd;
	char c;
	pid_t pid;

	check_ok(pipe(fds));
	pid = fork();
	if (pid == 0) {
		fd = open("/proc/self/oom_score_adj", O_WRONLY);
		if (write(fd, adj, strlen(adj)) < 0)
			_exit(98);
		touch(bytes);
		(void)!write(fds[1], "x", 1);
		for (;;) {
			if (goes_on)
				touch(4 * MB);
			else
				pause();
		}
	}
	close(fds[1]);
	check_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	return pid;
}

static bool alive(pid_t pid) { return waitpid(pid, NULL, WNOHANG) == 0; }

static void next_victim(void)
{
	int fd = open("/proc/sys/kernel/exit_stuck_pid", O_WRONLY);
	pid_t stuck, small, big;
	char text[16];

	alarm(60);
	if (fd < 0) {
		check_equal(errno, ENOENT);
		return;
	}
	stuck = taker(8 * MB, "1000", false);
	small = taker(MB, "-500", false);
	snprintf(text, sizeof text, "%d", stuck);
	check_ok(pwrite(fd, text, strlen(text), 0));
	big = taker(MB, "0", true);
	check_equal(wait_for(big), SIGKILL);		/* the second choice */
	check(alive(stuck) && alive(small));		/* killed, and not gone */
	touch(4 * MB);
	check_ok(pwrite(fd, "0", 1, 0));
	check_equal(wait_for(stuck), SIGKILL);
	kill(small, SIGKILL);
	check_equal(wait_for(small), SIGKILL);
}

static const struct test table[] = { { "next-victim", next_victim }, { 0 } };
TEST_MAIN(table)
