/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that neither block nor make anything: entry and exit, descriptors, names, signals.
 */
#include "bench.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define MANY 100

static int fd = -1, other = -1, many[2 * MANY], many_count;
static char byte, block[65536];

/* The calls go straight to the kernel, without the library's cancellation points. */
static long call_read(int f, void *to, size_t n) { return syscall(SYS_read, f, to, n); }
static long call_write(int f, const void *from, size_t n) { return syscall(SYS_write, f, from, n); }

static void null_call(long n)
{
	long parent = getppid();

	while (n--)
		must(syscall(SYS_getppid) == parent);
}

static void setup_zero(void) { must((fd = open("/dev/zero", O_RDONLY)) >= 0); }
static void setup_null(void) { must((fd = open("/dev/null", O_WRONLY)) >= 0); }

static void read_zero(long n)
{
	byte = 1;
	while (n--)
		must(call_read(fd, &byte, 1) == 1);
	must(byte == 0);
}

static void write_null(long n)
{
	while (n--)
		must(call_write(fd, &byte, 1) == 1);
}

static void setup_file(void)
{
	memset(block, 'x', sizeof block);
	must((fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644)) >= 0);
	must(write(fd, block, sizeof block) == sizeof block);
}

static void do_stat(long n)
{
	struct stat st;

	while (n--) {
		must(stat("/tmp/bench/file", &st) == 0);
		must(st.st_size == sizeof block);
	}
}

static void do_fstat(long n)
{
	struct stat st;

	while (n--) {
		must(fstat(fd, &st) == 0);
		must(st.st_size == sizeof block);
	}
}

static void open_close(long n)
{
	while (n--) {
		int f = open("/tmp/bench/file", O_RDONLY);

		must(f >= 0);
		must(close(f) == 0);
	}
}

static void do_access(long n)
{
	while (n--)
		must(access("/tmp/bench/file", R_OK) == 0);
}

static void no_entry(long n)
{
	struct stat st;

	while (n--)
		must(stat("/tmp/bench/none", &st) == -1 && errno == ENOENT);
}

static void dup_close(long n)
{
	while (n--) {
		int f = dup(fd);

		must(f > fd);
		must(close(f) == 0);
	}
}

static void do_lseek(long n)
{
	while (n--)
		must(lseek(fd, n & 63, SEEK_SET) == (n & 63));
}

static void pread_block(long n)
{
	block[4095] = 0;
	while (n--)
		must(syscall(SYS_pread64, fd, block, 4096, (n & 15) * 4096) == 4096);
	must(block[4095] == 'x');
}

static void do_fcntl(long n)
{
	while (n--)
		must(fcntl(fd, F_GETFL) >= 0);
}

/* ---- waiting for many --------------------------------------------------------------------------- */

static void setup_pipes(void)
{
	for (int i = 0; i < MANY; i += 2)
		must(pipe(many + i) == 0);
	many_count = MANY;
	must(write(many[MANY - 1], "x", 1) == 1);
}

/* 100 accepted ends of one listening socket, as a server has them. */
static void setup_tcp(void)
{
	unsigned char name[16] = { AF_INET, 0, 0, 0, 127, 0, 0, 1 };
	socklen_t length = sizeof name;
	int listener;

	bench_loopback_up();
	listener = socket(AF_INET, SOCK_STREAM, 0);
	must_exist(listener >= 0);
	must_exist(bind(listener, (void *)name, sizeof name) == 0);
	must(listen(listener, 8) == 0);
	must(getsockname(listener, (void *)name, &length) == 0);
	for (int i = 0; i < MANY; i++) {
		int f = socket(AF_INET, SOCK_STREAM, 0);

		must(f >= 0 && connect(f, (void *)name, sizeof name) == 0);
		must((many[i] = accept(listener, 0, 0)) >= 0);
		other = f;
	}
	many_count = MANY;
	must(write(other, "x", 1) == 1);
}

static void do_select(long n)
{
	fd_set start, set;
	int top = 0;

	FD_ZERO(&start);
	for (int i = 0; i < many_count; i++) {
		FD_SET(many[i], &start);
		top = many[i] > top ? many[i] : top;
	}
	/* Pipes: the write ends never count as readable; the last read end does. */
	while (n--) {
		struct timeval none = { 0, 0 };

		set = start;
		must(select(top + 1, &set, 0, 0, &none) == 1);
	}
}

static void do_poll(long n)
{
	struct pollfd p[MANY];

	for (int i = 0; i < many_count; i++)
		p[i] = (struct pollfd){ .fd = many[i], .events = POLLIN };
	while (n--)
		must(poll(p, many_count, 0) == 1);
}

static void setup_epoll(void)
{
	setup_pipes();
	must_exist((fd = epoll_create1(0)) >= 0);
	for (int i = 0; i < many_count; i += 2) {
		struct epoll_event e = { .events = EPOLLIN, .data.fd = many[i] };

		must(epoll_ctl(fd, EPOLL_CTL_ADD, many[i], &e) == 0);
	}
}

static void do_epoll(long n)
{
	struct epoll_event e[8];

	while (n--)
		must(epoll_wait(fd, e, 8, 0) == 1 && e[0].data.fd == many[MANY - 2]);
}

/* ---- signals ------------------------------------------------------------------------------------- */

static volatile long caught;

static void on_signal(int number)
{
	caught++;
}

static void signal_install(long n)
{
	struct sigaction act = { .sa_handler = on_signal };

	while (n--)
		must(sigaction(SIGUSR1, &act, 0) == 0);
}

static void setup_signal(void)
{
	signal_install(1);
}

static void signal_catch(long n)
{
	pid_t self = getpid();

	caught = 0;
	for (long i = 0; i < n; i++)
		must(kill(self, SIGUSR1) == 0);
	must(caught == n);
}

static void signal_mask(long n)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	while (n--)
		must(sigprocmask(n & 1 ? SIG_BLOCK : SIG_UNBLOCK, &set, 0) == 0);
}

static void protection_fault(int number, siginfo_t *info, void *context)
{
	caught++;
	mprotect((void *)((uintptr_t)info->si_addr & -4096ul), 4096, PROT_READ | PROT_WRITE);
}

static char *guarded;

static void setup_protection(void)
{
	struct sigaction act = { .sa_sigaction = protection_fault, .sa_flags = SA_SIGINFO };

	must(sigaction(SIGSEGV, &act, 0) == 0);
	guarded = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(guarded != MAP_FAILED);
	*guarded = 1;
}

static void do_protection(long n)
{
	caught = 0;
	for (long i = 0; i < n; i++) {
		must(mprotect(guarded, 4096, PROT_READ) == 0);
		*(volatile char *)guarded = 2;
	}
	must(caught == n);
}

const struct item items_syscall[] = {
	{ "null", 't', 40000, 0, null_call, 0, 0, 0 },
	{ "read", 't', 20000, setup_zero, read_zero, 0, 0, 0 },
	{ "write", 't', 20000, setup_null, write_null, 0, 0, 0 },
	{ "stat", 't', 5000, setup_file, do_stat, 0, 0, 0 },
	{ "fstat", 't', 10000, setup_file, do_fstat, 0, 0, 0 },
	{ "open-close", 't', 4000, setup_file, open_close, 0, 0, 0 },
	{ "access", 't', 5000, setup_file, do_access, 0, 0, 0 },
	{ "stat-none", 't', 5000, setup_file, no_entry, 0, 0, 0 },
	{ "dup-close", 't', 8000, setup_file, dup_close, 0, 0, 0 },
	{ "lseek", 't', 20000, setup_file, do_lseek, 0, 0, 0 },
	{ "fcntl", 't', 20000, setup_file, do_fcntl, 0, 0, 0 },
	{ "pread-4k", 't', 5000, setup_file, pread_block, 0, 0, 0 },
	{ "select-100-pipe", 't', 500, setup_pipes, do_select, 0, 0, 0 },
	{ "select-100-tcp", 't', 500, setup_tcp, do_select, 0, 0, 0 },
	{ "poll-100-pipe", 't', 500, setup_pipes, do_poll, 0, 0, 0 },
	{ "epoll-wait", 't', 5000, setup_epoll, do_epoll, 0, 0, 0 },
	{ "signal-install", 't', 20000, 0, signal_install, 0, 0, 0 },
	{ "signal-catch", 't', 4000, setup_signal, signal_catch, 0, 0, 0 },
	{ "signal-mask", 't', 20000, 0, signal_mask, 0, 0, 0 },
	{ "protection-fault", 't', 2000, setup_protection, do_protection, 0, 0, 0 },
	{ 0 },
};
