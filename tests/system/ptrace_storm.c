/* SPDX-License-Identifier: BSD-2-Clause */
/* ptrace(2) under fire: tracers and tracees that end at any moment, threads that exec, many who want the same one. */
#include "ptrace.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#define ROUNDS 16

static unsigned long seed = 12345;
static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(seed >> 33) % n;
}

static void nap_us(unsigned us)
{
	struct timespec ts = { 0, us * 1000 };

	nanosleep(&ts, NULL);
}

static void busy(void)
{
	while (1) {
		syscall(SYS_getppid);
		sched_yield();
	}
}

/* Goes on with whatever stops, signals and all, until nothing is left. */
static void drive(long request)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0)
		if (WIFSTOPPED(status)) {
			int sig = WSTOPSIG(status) & 0x7f;

			go(request, pid, status >> 16 || sig == SIGTRAP || sig == SIGSTOP ? 0 : sig);
		}
}

static pid_t start_tracer(pid_t target, long options)
{
	int fd[2];
	char c;
	pid_t tracer;

	check_ok(pipe(fd));
	tracer = fork();
	if (!tracer) {
		close(fd[0]);
		if (trace(SEIZE, target, 0, (void *)options))
			_exit(1);
		close(fd[1]);
		go(INTERRUPT, target, 0);
		drive(SYSCALL);
		_exit(0);
	}
	close(fd[1]);
	check_equal(read(fd[0], &c, 1), 0);
	close(fd[0]);
	return tracer;
}

/* The tracer is killed in the midst of stops: the tracee lives on, free. */
static void test_tracer_dies(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t target = fork(), tracer;

		if (!target)
			busy();
		tracer = start_tracer(target, SYSGOOD);
		nap_us(rnd(3000));
		check_ok(kill(tracer, SIGKILL));
		check_killed(tracer, SIGKILL);
		check_equal(proc_status(target, "TracerPid", NULL), 0);
		check_equal(waitpid(target, NULL, WNOHANG), 0);
		check_ok(kill(target, SIGKILL));
		check_killed(target, SIGKILL);
	}
}

/* The tracee is killed while orders reach it: each works or finds nobody. */
static void test_tracee_dies(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t target = fork(), killer;
		int status;

		if (!target)
			busy();
		check_ok(trace(SEIZE, target, 0, (void *)(long)SYSGOOD));
		check_ok(go(INTERRUPT, target, 0));
		killer = fork();
		if (!killer) {
			seed += i;
			nap_us(rnd(3000));
			kill(target, SIGKILL);
			_exit(0);
		}
		do {
			struct regs r;
			struct iovec v = { &r, sizeof r };
			long word;

			check_equal(waitpid(target, &status, __WALL), target);
			if (!WIFSTOPPED(status))
				break;
			check(!trace(GETREGSET, target, NT_PRSTATUS, &v) || errno == ESRCH);
			check(!trace(PEEKDATA, target, (unsigned long)&seed, &word) || errno == ESRCH);
			check(!trace(SETREGSET, target, NT_PRSTATUS, &v) || errno == ESRCH);
		} while (!go(SYSCALL, target, 0) || errno == ESRCH);
		check_equal(status, SIGKILL);
		check_exit(killer, 0);
	}
}

static void *run_busy(void *arg)
{
	busy();
	return arg;
}
static void *run_exec(void *arg)
{
	char *argv[] = { "storm", "-exec", NULL }, *env[] = { NULL };

	nap_us((unsigned)(unsigned long)arg);
	execve("/proc/self/exe", argv, env);
	return NULL;
}
static void exec_among_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 4; i++)
		pthread_create(&t, NULL, run_busy, NULL);
	pthread_create(&t, NULL, run_exec, (void *)(unsigned long)rnd(2000));
	busy();
}

/* Threads come, stop at calls, one of them execs: the process ends as the new program says. */
static void test_exec(void)
{
	long options = SYSGOOD | OPTION(EVENT_CLONE) | OPTION(EVENT_EXEC) | OPTION(EVENT_EXIT);

	for (int i = 0; i < ROUNDS / 4; i++) {
		pid_t pid = traced_child(exec_among_threads), got;
		int status, result = -1;

		seed += (unsigned long)i;
		check_ok(trace(SETOPTIONS, pid, 0, (void *)options));
		check_ok(go(CONT, pid, 0));
		while ((got = waitpid(-1, &status, __WALL)) > 0) {
			if (got == pid && WIFEXITED(status))
				result = WEXITSTATUS(status);
			if (WIFSTOPPED(status))
				go(i % 2 ? SYSCALL : CONT, got, 0);
		}
		check_equal(result, 77);
	}
}

static void exit_among_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 5; i++)
		pthread_create(&t, NULL, run_busy, NULL);
	nap_us(rnd(2000));
	_exit(21);
}

/* exit_group among traced threads: every one is told of, the leader last. */
static void test_group_exit(void)
{
	long options = SYSGOOD | OPTION(EVENT_CLONE) | OPTION(EVENT_EXIT);

	for (int i = 0; i < ROUNDS / 2; i++) {
		pid_t pid = traced_child(exit_among_threads), got, last = 0;
		int status, ended = 0;

		seed += (unsigned long)i;
		check_ok(trace(SETOPTIONS, pid, 0, (void *)options));
		check_ok(go(CONT, pid, 0));
		while ((got = waitpid(-1, &status, __WALL)) > 0) {
			if (WIFSTOPPED(status)) {
				go(i % 2 ? SYSCALL : CONT, got, 0);
				continue;
			}
			check_equal(status, 21 << 8);
			last = got;
			ended++;
		}
		check_equal(ended, 6);
		check_equal(last, pid);
	}
}

static void spread(void)
{
	for (int i = 0; i < 4; i++)
		if (!fork())
			nap_us(rnd(1000));
	busy();
}

/* Children upon children come under the tracer, which dies: so do they all. */
static void test_exitkill(void)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		int fd[2];
		char c;
		pid_t tracer;

		check_ok(pipe(fd));
		tracer = fork();
		if (!tracer) {
			pid_t pid;

			close(fd[0]);
			pid = fork();
			if (!pid) {
				trace(TRACEME, 0, 0, NULL);
				raise(SIGSTOP);
				spread();
			}
			waitpid(pid, NULL, 0);
			trace(SETOPTIONS, pid, 0, (void *)(long)(EXITKILL | SYSGOOD | OPTION(EVENT_FORK)));
			go(SYSCALL, pid, 0);
			ualarm(300000, 0);
			drive(SYSCALL);
			_exit(1);
		}
		close(fd[1]);
		check_killed(tracer, SIGALRM);
		/* The pipe's other ends go with the last of them. */
		check_equal(read(fd[0], &c, 1), 0);
		close(fd[0]);
	}
}

/* Ten who want to trace one: it has one tracer at a time. */
static void test_crowd(void)
{
	volatile int *holders = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t target = fork(), one[10];

	if (!target)
		busy();
	for (int i = 0; i < 10; i++) {
		one[i] = fork();
		if (one[i])
			continue;
		for (int n = 0; n < 20; n++) {
			int status;

			if (go(ATTACH, target, 0)) {
				if (errno != EPERM)
					_exit(1);
				sched_yield();
				continue;
			}
			if (__atomic_add_fetch(holders, 1, __ATOMIC_SEQ_CST) != 1)
				_exit(2);
			if (waitpid(target, &status, __WALL) != target || !WIFSTOPPED(status))
				_exit(3);
			__atomic_sub_fetch(holders, 1, __ATOMIC_SEQ_CST);
			if (go(DETACH, target, 0))
				_exit(4);
		}
		_exit(0);
	}
	for (int i = 0; i < 10; i++)
		check_exit(one[i], 0);
	check_ok(kill(target, SIGKILL));
	check_killed(target, SIGKILL);
}

/* Stop, continue, interrupt and listen at random: it can always be killed, and nothing hangs. */
static void test_stops(void)
{
	for (int i = 0; i < ROUNDS / 2; i++) {
		pid_t target = fork(), sender;
		int status = 0;

		if (!target)
			busy();
		check_ok(trace(SEIZE, target, 0, NULL));
		sender = fork();
		if (!sender) {
			static const int sigs[] = { SIGSTOP, SIGCONT, SIGTSTP, SIGCONT, SIGWINCH };

			seed += (unsigned long)i;
			for (int n = 0; n < 60; n++) {
				kill(target, sigs[rnd(5)]);
				nap_us(rnd(100));
			}
			kill(target, SIGKILL);
			_exit(0);
		}
		while (waitpid(target, &status, __WALL) == target && WIFSTOPPED(status)) {
			int sig = WSTOPSIG(status), event = status >> 16;

			if (event && sig != SIGTRAP && rnd(2))
				go(LISTEN, target, 0);
			else
				go(CONT, target, event ? 0 : sig);
			if (!rnd(4))
				go(INTERRUPT, target, 0);
		}
		check_equal(status, SIGKILL);
		check_exit(sender, 0);
	}
}

static const struct test table[] = {
	{ "tracer_dies", test_tracer_dies }, { "tracee_dies", test_tracee_dies }, { "exec", test_exec },
	{ "group_exit", test_group_exit }, { "exitkill", test_exitkill }, { "crowd", test_crowd }, { "stops", test_stops },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "-exec"))
		return 77;
	return test_main(argc, argv, table);
}
