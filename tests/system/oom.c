/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All memory is taken (Trivet runs it with 48 MiB): the worst process goes, weighted by oom_score_adj, others stay,
 * the log says who, and what it had is there again.
 */
#include "test.h"
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#define PAGE 4096
#define MB (1l << 20)

static void adjust(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (write(fd, value, strlen(value)) < 0)
		_exit(98);
	close(fd);
}

static void touch(long bytes)
{
	char *p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (long i = 0; p != MAP_FAILED && i < bytes; i += PAGE)
		p[i] = 1;
}

static pid_t sitter(long bytes, const char *adj)
{
	int fds[2];
	char c;
	pid_t pid;

	check_ok(pipe(fds));
	pid = fork();
	if (pid == 0) {
		adjust(adj);
		touch(bytes);
		(void)!write(fds[1], "x", 1);
		while (1)
			pause();
	}
	close(fds[1]);
	check_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	return pid;
}

static pid_t hog(const char *adj)
{
	pid_t pid = fork();

	if (pid == 0) {
		adjust(adj);
		while (1)
			touch(4 * MB);
	}
	return pid;
}

static bool alive(pid_t pid) { return waitpid(pid, NULL, WNOHANG) == 0; }

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	check_equal(wait_for(pid), SIGKILL);
}

static void biggest_goes(void)
{
	pid_t small = sitter(2 * MB, "0"), big = hog("0");

	check_equal(wait_for(big), SIGKILL);
	check(alive(small));
	end(small);
	/* What it had can be had again. */
	touch(16 * MB);
}

static void score_decides(void)
{
	pid_t wanted = sitter(4 * MB, "1000"), kept = sitter(4 * MB, "-1000"), big = hog("0");

	check_equal(wait_for(wanted), SIGKILL);
	check_equal(wait_for(big), SIGKILL);
	check(alive(kept));
	end(kept);
}

static void log_tells(void)
{
	static char text[1 << 18];
	int n = klogctl(3, text, sizeof text - 1);

	check(n > 0);
	text[n] = 0;
	check(strcasestr(text, "out of memory"));
	check(strstr(text, "oom_score_adj"));
}

/* Files keep what they had. */
static void files_survive(void)
{
	static char block[65536], back[65536];
	int fd = open("/root/kept", O_RDWR | O_CREAT | O_TRUNC, 0600);

	check_ok(fd);
	for (unsigned i = 0; i < sizeof block; i++)
		block[i] = (char)(i * 31 >> 3);
	for (int i = 0; i < 64; i++)
		check_equal(write(fd, block, sizeof block), sizeof block);
	check_equal(wait_for(hog("0")), SIGKILL);
	lseek(fd, 0, SEEK_SET);
	for (int i = 0; i < 64; i++) {
		check_equal(read(fd, back, sizeof back), sizeof back);
		check(!memcmp(block, back, sizeof back));
	}
	close(fd);
	unlink("/root/kept");
}

static const struct test table[] = {
	{ "biggest-goes", biggest_goes }, { "score-decides", score_decides }, { "log-tells", log_tells },
	{ "files-survive", files_survive }, { 0 },
};

TEST_MAIN(table)
