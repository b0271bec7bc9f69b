/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Self-checking user programs: a table of named cases, each run in a child of its own with a time
 * limit, so that one crash or hang costs one case. Prints `ok NAME` or `not ok NAME why`.
 */
#ifndef TESTS_SYSTEM_TEST_H
#define TESTS_SYSTEM_TEST_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASE_SECONDS 20

struct test {
	const char *name;
	void (*run)(void);
};

static int test_report;	/* the child's end of the pipe on which it says why */

__attribute__((noreturn, format(printf, 2, 3)))
static void test_fail(int line, const char *format, ...)
{
	char text[300];
	va_list ap;
	int n = snprintf(text, sizeof text, "line %d: ", line);

	va_start(ap, format);
	n += vsnprintf(text + n, sizeof text - n, format, ap);
	va_end(ap);
	if (n > (int)sizeof text - 1)
		n = sizeof text - 1;
	if (write(test_report, text, n) != n)
		_exit(3);
	_exit(1);
}

/* The condition holds. */
#define check(c) do { if (!(c)) test_fail(__LINE__, "%s (errno %d)", #c, errno); } while (0)
/* Both integers are equal. */
#define check_equal(a, b) do { \
	long long a_ = (long long)(a), b_ = (long long)(b); \
	if (a_ != b_) \
		test_fail(__LINE__, "%s is %lld, want %s = %lld (errno %d)", #a, a_, #b, b_, errno); \
} while (0)
/* The call fails with that errno. */
#define check_errno(call, e) do { \
	errno = 0; \
	long r_ = (long)(call); \
	if (r_ != -1 || errno != (e)) \
		test_fail(__LINE__, "%s gives %ld, errno %d, want -1 and %s", #call, r_, errno, #e); \
} while (0)
/* The call succeeds. */
#define check_ok(call) do { \
	if ((long)(call) == -1) \
		test_fail(__LINE__, "%s: errno %d", #call, errno); \
} while (0)

/* CLOCK_MONOTONIC in milliseconds. */
static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static inline void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Waits for the child; its wait status. */
static inline int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void test_one(const struct test *t)
{
	char why[400];
	int n = 0, got, status, fd[2];
	pid_t pid;

	if (pipe(fd)) {
		printf("not ok %s no pipe\n", t->name);
		return;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		close(fd[0]);
		test_report = fd[1];
		fcntl(fd[1], F_SETFD, FD_CLOEXEC);
		alarm(CASE_SECONDS);
		t->run();
		_exit(0);
	}
	close(fd[1]);
	status = pid < 0 ? -1 : wait_for(pid);
	/* A grandchild that was left behind would keep the pipe and our output open. */
	if (pid > 0)
		kill(-pid, SIGKILL);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	while (n < (int)sizeof why - 1 && (got = read(fd[0], why + n, sizeof why - 1 - n)) > 0)
		n += got;
	why[n] = 0;
	close(fd[0]);
	if (pid < 0)
		printf("not ok %s no fork, errno %d\n", t->name, errno);
	else if (WIFSIGNALED(status))
		printf("not ok %s signal %d %s\n", t->name, WTERMSIG(status), why);
	else if (WEXITSTATUS(status))
		printf("not ok %s %s\n", t->name, n ? why : "left by exit");
	else
		printf("ok %s\n", t->name);
	fflush(stdout);
}

/* Runs the table (ends with an empty entry); with arguments only the cases named by them. */
static int test_main(int argc, char **argv, const struct test *table)
{
	char dir[] = "/tmp/system-XXXXXX";

	if (!mkdtemp(dir) || chdir(dir)) {
		printf("not ok setup no directory in /tmp\n");
		return 1;
	}
	for (const struct test *t = table; t->name; t++) {
		bool wanted = argc < 2;

		for (int i = 1; i < argc; i++)
			wanted |= !strcmp(argv[i], t->name);
		if (wanted)
			test_one(t);
	}
	if (chdir("/"))
		return 1;
	return 0;
}

#define TEST_MAIN(table) \
	int main(int argc, char **argv) \
	{ \
		return test_main(argc, argv, table); \
	}

#endif
