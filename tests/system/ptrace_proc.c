/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes with tracing: /proc/PID/mem, syscall and personality; kcmp; I/O priorities. */
#include "ptrace.h"
#include <sys/mman.h>

static volatile long word = 4711;
static const long constant = 12;
static void by_word(void) { _exit((int)(word + *(volatile const long *)&constant)); }

static int open_mem(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	return open(path, O_RDWR);
}

static void test_mem(void)
{
	pid_t pid = traced_child(by_word);
	int fd = open_mem(pid);
	long value = 0;

	check(fd >= 0);
	check_equal(pread(fd, &value, 8, (off_t)&word), 8);
	check_equal(value, 4711);
	value = 30;
	check_equal(pwrite(fd, &value, 8, (off_t)&word), 8);
	value = 3;
	check_equal(pwrite(fd, &value, 8, (off_t)&constant), 8);	/* read-only there: a copy of its own */
	check_equal(lseek(fd, (off_t)&word, SEEK_SET), (off_t)&word);
	check_equal(read(fd, &value, 8), 8);
	check_equal(value, 30);
	check_errno(pread(fd, &value, 8, 16), EIO);
	check_errno(lseek(fd, 0, SEEK_END), EINVAL);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 33);
	check_equal(pread(fd, &value, 8, (off_t)&word), 0);	/* it is gone */
	close(fd);
	check_equal(constant, 12);
}

static void test_mem_access(void)
{
	pid_t pid = fork(), other;

	if (!pid)
		while (1)
			pause();
	other = fork();
	if (!other) {
		if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
			_exit(1);
		_exit(open_mem(pid) == -1 && errno == EACCES ? 0 : 2);
	}
	check_exit(other, 0);
	kill(pid, SIGKILL);
}

static int read_file(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	int fd, n;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY);
	check(fd >= 0);
	n = (int)read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n;
}

static void test_syscall(void)
{
	struct timespec ts = { 1000, 0 };
	char text[256];
	long nr = 0;
	pid_t pid = fork();

	if (!pid)
		_exit((int)syscall(SYS_nanosleep, &ts, (void *)0x1234));
	for (int i = 0; i < 100; i++) {
		check(read_file(pid, "syscall", text, sizeof text) > 0);
		if (sscanf(text, "%ld", &nr) == 1 && nr == SYS_nanosleep)
			break;
		sleep_ms(10);
	}
	check_equal(nr, SYS_nanosleep);
	check(strstr(text, " 0x1234 "));
	check(read_file(getpid(), "syscall", text, sizeof text) > 8);
	check_equal(atol(text), SYS_read);
	check(read_file(pid, "personality", text, sizeof text) > 0);
	check(!strcmp(text, "00000000\n"));
	kill(pid, SIGKILL);
}

static void test_kcmp(void)
{
	pid_t me = getpid(), pid = fork();
	int fd = open("/dev/null", O_RDONLY), again = dup(fd), other = open("/dev/null", O_RDONLY);

	if (!pid)
		while (1)
			pause();
	check_equal(syscall(SYS_kcmp, me, me, 0, fd, again), 0);
	check(syscall(SYS_kcmp, me, me, 0, fd, other) > 0);
	check_equal(syscall(SYS_kcmp, me, pid, 0, 0, 0), 0);
	check(syscall(SYS_kcmp, me, pid, 1, 0, 0) > 0);
	check(syscall(SYS_kcmp, me, pid, 2, 0, 0) > 0);
	check_equal(syscall(SYS_kcmp, me, me, 1, 0, 0), 0);
	check_equal(syscall(SYS_kcmp, me, pid, 1, 0, 0) + syscall(SYS_kcmp, pid, me, 1, 0, 0), 3);
	check_errno(syscall(SYS_kcmp, me, me, 0, 999, fd), EBADF);
	check_errno(syscall(SYS_kcmp, me, me, 99, 0, 0), EINVAL);
	check_errno(syscall(SYS_kcmp, me, 999999, 1, 0, 0), ESRCH);
	kill(pid, SIGKILL);
}

static void test_ioprio(void)
{
	pid_t pid;

	check_equal(syscall(SYS_ioprio_get, 1, 0), 0);
	check_ok(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
	check_equal(syscall(SYS_ioprio_get, 1, 0), 2 << 13 | 6);
	check_equal(syscall(SYS_ioprio_get, 2, 0), 2 << 13 | 6);
	pid = fork();
	if (!pid)
		_exit(syscall(SYS_ioprio_get, 1, 0) == (2 << 13 | 6) ? 0 : 1);
	check_exit(pid, 0);
	check_ok(syscall(SYS_ioprio_set, 1, 0, 3 << 13));
	check_ok(syscall(SYS_ioprio_set, 1, getpid(), 1 << 13 | 2));
	check_equal(syscall(SYS_ioprio_get, 1, getpid()), 1 << 13 | 2);
	check_errno(syscall(SYS_ioprio_set, 1, 0, 1), EINVAL);
	check_errno(syscall(SYS_ioprio_set, 1, 0, 5 << 13), EINVAL);
	check_errno(syscall(SYS_ioprio_set, 4, 0, 2 << 13), EINVAL);
	check_errno(syscall(SYS_ioprio_get, 0, 0), EINVAL);
	check_errno(syscall(SYS_ioprio_get, 1, 999999), ESRCH);
	check_errno(syscall(SYS_ioprio_set, 2, 999999, 2 << 13), ESRCH);
	if (setresuid(1000, 1000, 1000))
		return;
	check_errno(syscall(SYS_ioprio_set, 1, 0, 1 << 13), EPERM);
	check_errno(syscall(SYS_ioprio_set, 1, 1, 2 << 13), EPERM);
	check_ok(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7));
}

static const struct test table[] = {
	{ "mem", test_mem }, { "mem_access", test_mem_access }, { "syscall", test_syscall }, { "kcmp", test_kcmp },
	{ "ioprio", test_ioprio }, { NULL, NULL },
};
TEST_MAIN(table)
