/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes: fork, exec, wait, exit status, sessions and groups, limits. */
#include "test.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

extern char **environ;

static pid_t child_exit(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	check(pid > 0);
	return pid;
}

static void exit_status(void)
{
	for (int code = 0; code < 256; code += 51)
		check_equal(wait_for(child_exit(code)), code << 8);
	check_equal(wait_for(child_exit(0x1234)), 0x3400);
}

static void killed_status(void)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE };

	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				pause();
		check_ok(kill(pid, signals[i]));
		int status = wait_for(pid);

		check(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
	}
}

static void wait_errors(void)
{
	int status;

	check_errno(waitpid(-1, &status, 0), ECHILD);
	check_errno(waitpid(1, &status, 0), ECHILD);
	check_errno(waitpid(-1, &status, 0x1000000), EINVAL);
	pid_t pid = child_exit(1);

	check_errno(waitpid(pid + 1000, &status, 0), ECHILD);
	check_equal(waitpid(pid, &status, 0), pid);
	check_errno(waitpid(pid, &status, 0), ECHILD);
}

static void wait_any_and_nohang(void)
{
	int fd[2], status;
	char c;

	check_ok(pipe(fd));
	pid_t pid = fork();

	if (pid == 0) {
		check_equal(read(fd[0], &c, 1), 1);
		_exit(7);
	}
	check_equal(waitpid(-1, &status, WNOHANG), 0);
	check_equal(write(fd[1], "x", 1), 1);
	check_equal(wait(&status), pid);
	check_equal(WEXITSTATUS(status), 7);
}

static void wait_by_group(void)
{
	int status;
	pid_t a = fork();

	if (a == 0) {
		setpgid(0, 0);
		_exit(3);
	}
	setpgid(a, a);
	pid_t b = child_exit(4);

	check_equal(waitpid(-a, &status, 0), a);
	check_equal(WEXITSTATUS(status), 3);
	check_equal(waitpid(0, &status, 0), b);
}

static void wait_id(void)
{
	siginfo_t info;
	pid_t pid = child_exit(9);

	memset(&info, 0, sizeof info);
	check_ok(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	check(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 9);
	check_ok(waitid(P_ALL, 0, &info, WEXITED));
	check_equal(info.si_pid, pid);
	check_errno(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	check_errno(waitid(P_PID, pid, &info, 0), EINVAL);
}

static void stop_and_continue(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	check_ok(kill(pid, SIGSTOP));
	check_equal(waitpid(pid, &status, WUNTRACED), pid);
	check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	check_equal(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	check_ok(kill(pid, SIGCONT));
	check_equal(waitpid(pid, &status, WCONTINUED), pid);
	check(WIFCONTINUED(status));
	check_ok(kill(pid, SIGSTOP));
	check_equal(waitpid(pid, &status, WUNTRACED), pid);
	check_ok(kill(pid, SIGKILL));
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(WTERMSIG(status), SIGKILL);
}

static void many_children(void)
{
	int sum = 0, status;

	for (int i = 0; i < 100; i++)
		child_exit(i);
	for (int i = 0; i < 100; i++) {
		check(wait(&status) > 0 && WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	check_equal(sum, 4950);
	check_errno(wait(&status), ECHILD);
}

static void orphans_go_to_init(void)
{
	int fd[2];
	pid_t seen, pid;

	check_ok(pipe(fd));
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			while (getppid() != 1)
				sleep_ms(5);
			seen = getppid();
			_exit(write(fd[1], &seen, sizeof seen) != sizeof seen);
		}
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_equal(read(fd[0], &seen, sizeof seen), sizeof seen);
	check_equal(seen, 1);
}

static void ids(void)
{
	pid_t self = getpid(), pid;

	check(self > 1 && getppid() > 0);
	check_equal(syscall(SYS_gettid), self);
	pid = fork();
	if (pid == 0)
		_exit(getppid() == self && getpid() != self ? 0 : 1);
	check_equal(wait_for(pid), 0);
}

static void groups_and_sessions(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		check_ok(setsid());
		check(getpgrp() == getpid() && getsid(0) == getpid());
		check_errno(setsid(), EPERM);
		check_errno(setpgid(0, 0), EPERM);
		pid_t inner = fork();

		if (inner == 0) {
			check_equal(getpgrp(), getppid());
			check_ok(setpgid(0, 0));
			_exit(getpgrp() != getpid());
		}
		check_equal(wait_for(inner), 0);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_errno(setpgid(0, 999999), EPERM);
	check_errno(setpgid(999999, 0), ESRCH);
	check_errno(setpgid(0, -1), EINVAL);
	check_errno(getsid(999999), ESRCH);
}

static void exec_passes_words(void)
{
	char *argv[] = { "sh", "-c", "test \"$1-$V\" = 'a b-env' && exit 11", "sh", "a b", 0 };
	char *env[] = { "V=env", 0 };
	pid_t pid = fork();

	if (pid == 0) {
		execve("/bin/sh", argv, env);
		_exit(1);
	}
	check_equal(wait_for(pid), 11 << 8);
}

static void write_script(const char *name, const char *text, int mode)
{
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0700);

	check_equal(write(fd, text, strlen(text)), strlen(text));
	check_ok(fchmod(fd, mode));
	check_ok(close(fd));
}

static void exec_script(void)
{
	char *argv[] = { "script", "x", 0 };
	pid_t pid;

	write_script("script", "#!/bin/sh -e\ntest \"$1\" = x || exit 1\nexit 12\n", 0700);
	pid = fork();
	if (pid == 0) {
		execve("script", argv, environ);
		_exit(1);
	}
	check_equal(wait_for(pid), 12 << 8);
}

static void exec_errors(void)
{
	char *argv[] = { "x", 0 };
	char *big[3] = { "x", 0, 0 };

	check_errno(execve("none", argv, environ), ENOENT);
	write_script("plain", "echo hi\n", 0600);
	check_errno(execve("plain", argv, environ), EACCES);
	check_errno(execve("/tmp", argv, environ), EACCES);
	write_script("text", "no magic here\n", 0700);
	check_errno(execve("text", argv, environ), ENOEXEC);
	write_script("empty", "", 0700);
	check_errno(execve("empty", argv, environ), ENOEXEC);
	write_script("elf", "\177ELF\2\1\1 and then nonsense, which is not a header at all, but long enough for one", 0700);
	check_errno(execve("elf", argv, environ), ENOEXEC);
	write_script("bad-interpreter", "#!/none/here\n", 0700);
	check_errno(execve("bad-interpreter", argv, environ), ENOENT);
	big[1] = malloc(300000);
	check(big[1]);
	memset(big[1], 'a', 299999);
	big[1][299999] = 0;
	check_errno(execve("/bin/true", big, environ), E2BIG);
	check_errno(execve((char *)8, argv, environ), EFAULT);
}

static void exec_resets(void)
{
	char *argv[] = { "sh", "-c", "test ! -e /proc/self/fd/40 && test -e /proc/self/fd/41 && kill -USR1 $$; exit 13", 0 };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		check_equal(dup2(0, 41), 41);
		check_equal(dup3(0, 40, O_CLOEXEC), 40);
		signal(SIGUSR1, SIG_IGN);
		execve("/bin/sh", argv, environ);
		_exit(1);
	}
	check_equal(wait_for(pid), 13 << 8);	/* ignored signals stay ignored */
	pid = fork();
	if (pid == 0) {
		struct sigaction sa = { .sa_handler = (void (*)(int))exit };

		check_ok(sigaction(SIGUSR1, &sa, 0));
		check_equal(dup2(0, 41), 41);
		execve("/bin/sh", argv, environ);
		_exit(1);
	}
	status = wait_for(pid);			/* caught ones go back to their default */
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

static void vfork_shares_until_exec(void)
{
	volatile int shared = 1;
	pid_t pid = vfork();

	if (pid == 0) {
		shared = 2;
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_equal(shared, 2);
}

static int clone_child(void *arg)
{
	*(volatile int *)arg = 5;
	return 6;
}

static void clone_shares_memory(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	volatile int shared = 0;
	pid_t pid = clone(clone_child, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)&shared);

	check(pid > 0);
	check_equal(wait_for(pid), 6 << 8);
	check_equal(shared, 5);
}

static void limits(void)
{
	struct rlimit lim;
	int fd, last = -1;

	check_ok(getrlimit(RLIMIT_NOFILE, &lim));
	lim.rlim_cur = 20;
	check_ok(setrlimit(RLIMIT_NOFILE, &lim));
	while ((fd = dup(0)) >= 0)
		last = fd;
	check(errno == EMFILE && last == 19);
	lim.rlim_cur = lim.rlim_max + 1;
	check_errno(setrlimit(RLIMIT_NOFILE, &lim), lim.rlim_max == RLIM_INFINITY ? 0 : EINVAL);
	check_errno(getrlimit(99, &lim), EINVAL);
	check_ok(getrlimit(RLIMIT_STACK, &lim));
	check_equal(lim.rlim_cur, 8 << 20);
}

static void file_size_limit(void)
{
	struct rlimit lim = { 1000, 1000 };
	char buf[600] = "";
	int fd = open("fsize", O_CREAT | O_RDWR, 0600);

	check_ok(setrlimit(RLIMIT_FSIZE, &lim));
	signal(SIGXFSZ, SIG_IGN);
	check_equal(write(fd, buf, 600), 600);
	check_equal(write(fd, buf, 600), 400);
	check_errno(write(fd, buf, 600), EFBIG);
}

static void usage(void)
{
	struct rusage ru;
	long long until = now_ms() + 100;

	while (now_ms() < until)
		;
	check_ok(getrusage(RUSAGE_SELF, &ru));
	check(ru.ru_utime.tv_sec * 1000 + ru.ru_utime.tv_usec / 1000
	      + ru.ru_stime.tv_sec * 1000 + ru.ru_stime.tv_usec / 1000 >= 30);
	pid_t pid = fork();

	if (pid == 0) {
		until = now_ms() + 100;
		while (now_ms() < until)
			;
		_exit(0);
	}
	check_equal(wait4(pid, 0, 0, &ru), pid);
	check(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec > 0 || ru.ru_utime.tv_sec > 0);
}

static void names(void)
{
	struct utsname u;
	char name[17] = "";

	check_ok(uname(&u));
	check(!strcmp(u.sysname, "Linux") && u.release[0] && u.machine[0]);
	check_errno(uname((void *)8), EFAULT);
	check_ok(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	check_ok(prctl(PR_GET_NAME, name));
	check(!strcmp(name, "a-name-that-is-"));
}

static void affinity(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	check_ok(sched_getaffinity(0, sizeof set, &set));
	check(CPU_ISSET(0, &set) && CPU_COUNT(&set) == sysconf(_SC_NPROCESSORS_ONLN));
	check_ok(sched_yield());
}

static void unknown_call(void)
{
	check_errno(syscall(4000), ENOSYS);
	check_errno(syscall(-1l), ENOSYS);
}

static void deep_fork(void)
{
	pid_t pid;
	int depth = 0;

	while (depth < 20 && (pid = fork()) == 0)
		depth++;
	if (depth == 20)
		_exit(20);
	int status = wait_for(pid);

	if (depth > 0)
		_exit(WEXITSTATUS(status));
	check_equal(status, 20 << 8);
}

static const struct test table[] = {
	{ "exit-status", exit_status }, { "killed-status", killed_status }, { "wait-errors", wait_errors },
	{ "wait-any-nohang", wait_any_and_nohang }, { "wait-group", wait_by_group }, { "waitid", wait_id },
	{ "stop-continue", stop_and_continue }, { "many-children", many_children },
	{ "orphans", orphans_go_to_init }, { "ids", ids }, { "groups-sessions", groups_and_sessions },
	{ "exec-words", exec_passes_words }, { "exec-script", exec_script }, { "exec-errors", exec_errors },
	{ "exec-resets", exec_resets }, { "vfork", vfork_shares_until_exec }, { "clone-vm", clone_shares_memory },
	{ "limits", limits }, { "file-size-limit", file_size_limit }, { "usage", usage }, { "names", names },
	{ "affinity", affinity }, { "unknown-call", unknown_call }, { "deep-fork", deep_fork },
	{ 0 },
};

TEST_MAIN(table)
