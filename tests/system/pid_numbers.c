/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel.pid_max from its least to its most, and processes and threads with high numbers in all that names them. */
#include "test.h"
#include <dirent.h>
#include <sys/syscall.h>

#define MOST 4194304

struct args3 {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static void put_max(const char *text, int error)
{
	int fd = open("/proc/sys/kernel/pid_max", O_WRONLY);

	check(fd >= 0);
	if (error)
		check_errno(write(fd, text, strlen(text)), error);
	else
		check_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static long get_max(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/kernel/pid_max", O_RDONLY);

	check(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	close(fd);
	return atol(text);
}

/* Forks the process that is to have that number; it waits on the pipe's end. */
static long fork_as(int32_t number, int end)
{
	struct args3 a = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1 };
	long pid = syscall(SYS_clone3, &a, sizeof a);
	char c;

	if (pid == 0) {
		while (read(end, &c, 1) > 0)
			;
		_exit(getpid() == number && gettid() == number ? 0 : 1);
	}
	return pid;
}

static void limits(void)
{
	put_max("4194304", 0);
	check_equal(get_max(), MOST);
	put_max("4194305", EINVAL);
	put_max("-1", EINVAL);
	put_max("x", EINVAL);
	check_equal(get_max(), MOST);
	put_max("65537\n", 0);
	check_equal(get_max(), 65537);
	put_max("0", EINVAL);
	put_max("32768", 0);
}

static bool is_listed(const char *dir, long number)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	check(d);
	while ((e = readdir(d)))
		found |= atol(e->d_name) == number;
	closedir(d);
	return found;
}

static void the_highest(void)
{
	const long number = MOST - 1;
	struct stat st, task;
	char text[64];
	int end[2], fd;
	long pid;

	check_ok(pipe(end));
	put_max("32768", 0);
	check_errno(fork_as(number, end[0]), EINVAL);
	put_max("4194304", 0);
	check_errno(fork_as(MOST, end[0]), EINVAL);
	pid = fork_as(number, end[0]);
	check_equal(pid, number);
	check_errno(fork_as(number, end[0]), EEXIST);
	put_max("32768", 0);	/* who has a number keeps it */
	check_ok(kill(number, 0));
	check_ok(setpgid(number, number));
	check_equal(getpgid(number), number);
	check_ok(kill(-number, 0));
	check(is_listed("/proc", number) && is_listed("/proc/4194303/task", number));
	check_ok(stat("/proc/4194303", &st));
	check_ok(stat("/proc/4194303/task/4194303", &task));
	check(st.st_ino != task.st_ino);
	check((fd = open("/proc/4194303/stat", O_RDONLY)) >= 0 && read(fd, text, sizeof text) > 8);
	check(!memcmp(text, "4194303 ", 8));
	check((fd = syscall(SYS_pidfd_open, number, 0)) >= 0);
	check_ok(syscall(SYS_pidfd_send_signal, fd, SIGKILL, 0, 0));
	check_equal(wait_for(number), SIGKILL);
	check_errno(kill(number, 0), ESRCH);
	check_errno(open("/proc/4194303/stat", O_RDONLY), ENOENT);
}

/* Numbers of the same place in different pieces of whatever remembers them are different. */
static void many_apart(void)
{
	static const int numbers[] = { 32767, 32768, 65535, 65536, 98304, 131071, 131072, 1 << 20, (1 << 20) + 32768, 3999999 };
	const int count = sizeof numbers / sizeof numbers[0];
	int end[2], i;

	check_ok(pipe(end));
	put_max("4194304", 0);
	for (i = 0; i < count; i++)
		check_equal(fork_as(numbers[i], end[0]), numbers[i]);
	for (i = 0; i < count; i++) {
		check_errno(kill(numbers[i] + 2, 0), ESRCH);
		check_errno(fork_as(numbers[i], end[0]), EEXIST);
	}
	for (i = 0; i < count; i++) {
		check_ok(kill(numbers[i], SIGKILL));
		check_equal(wait_for(numbers[i]), SIGKILL);
		check_equal(fork_as(numbers[i], end[0]), numbers[i]);
	}
	close(end[1]);
	for (i = 0; i < count; i++) {
		check_ok(kill(numbers[i], SIGKILL));
		check_equal(wait_for(numbers[i]), SIGKILL);
	}
	put_max("32768", 0);
}

/* With few numbers they come round, from 300 on; a number in use, or a group's, is passed over. */
static void round_and_round(void)
{
	char text[16];
	long low = getpid() < 340 ? 400 : getpid() + 60, last = 0, rounds = 0;
	int end[2];

	check_ok(pipe(end));
	put_max("4194304", 0);
	check_equal(fork_as(low - 10, end[0]), low - 10);
	snprintf(text, sizeof text, "%ld", low);
	put_max(text, 0);
	for (int i = 0; i < 400; i++) {
		long pid = fork();

		if (pid == 0)
			_exit(0);
		check(pid >= 300 ? pid < low && pid != low - 10 : rounds == 0);
		if (pid < last) {
			check(pid < 1000 && last > low - 20);
			rounds++;
		}
		last = pid;
		check_equal(wait_for(pid), 0);
	}
	check(rounds >= 1);
	check_ok(kill(low - 10, SIGKILL));
	check_equal(wait_for(low - 10), SIGKILL);
	put_max("32768", 0);
}

static const struct test tests[] = {
	{ "limits", limits },
	{ "the-highest", the_highest },
	{ "many-apart", many_apart },
	{ "round-and-round", round_and_round },
	{ 0 },
};

TEST_MAIN(tests)
