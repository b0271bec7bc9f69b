/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way in which a call fills memory of the program, as a table: each entry makes its calls by their raw numbers (the
 * library's copies would hide holes) and leaves what the kernel wrote in a buffer. Programs look in it for what must not
 * be there: addresses of the kernel (fill_addresses.c), what lay in the kernel's memory before (fill_paint.c).
 */
#ifndef TESTS_SYSTEM_FILL_H
#define TESTS_SYSTEM_FILL_H

#include "test.h"
#include <arpa/inet.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <termios.h>
#include <ucontext.h>

#define FILL_BYTES 65536
#define FILL_BLANK 0x11

/* Fills b, FILL_BYTES of FILL_BLANK; how many bytes are worth a look, -1: not to be had here. */
struct fill {
	const char *name;
	int (*run)(char *b);
};
#define FILL(n) static int fill_##n(char *b)
#define CALL(...) syscall(__VA_ARGS__)
/* The call's result as bytes, or of the struct it filled when it succeeded. */
#define BYTES(...) ({ long r_ = syscall(__VA_ARGS__); r_ < 0 ? -1 : (int)r_; })
#define STRUCT(size, ...) (syscall(__VA_ARGS__) < 0 ? -1 : (size))

static int fill_file(void)
{
	int fd = open("filled", O_RDWR | O_CREAT, 0644);

	if (fd >= 0 && write(fd, "some text", 9) < 0)
		return -1;
	return fd;
}
static int closing(int fd, int n) { close(fd); return n; }

/* ---- files ---- */
FILL(fstat) { int fd = fill_file(); return closing(fd, STRUCT(256, SYS_fstat, fd, b)); }
FILL(fstatat) { return STRUCT(256, SYS_newfstatat, AT_FDCWD, "/proc/self/status", b, 0); }
FILL(fstatat_dir) { return STRUCT(256, SYS_newfstatat, AT_FDCWD, "/dev", b, 0); }
FILL(statx) { return STRUCT(512, SYS_statx, AT_FDCWD, "/", 0, 0xfff, b); }
FILL(statx_proc) { return STRUCT(512, SYS_statx, AT_FDCWD, "/proc/self/exe", 0, 0xfff, b); }
FILL(statfs) { return STRUCT(256, SYS_statfs, "/", b); }
FILL(statfs_proc) { return STRUCT(256, SYS_statfs, "/proc", b); }
FILL(fstatfs) { int fd = fill_file(); return closing(fd, STRUCT(256, SYS_fstatfs, fd, b)); }
static int list(const char *path, char *b)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY), n = 0, got;

	while (fd >= 0 && n < FILL_BYTES / 2 && (got = CALL(SYS_getdents64, fd, b + n, 4096)) > 0)
		n += got;
	return closing(fd, fd < 0 ? -1 : n);
}
FILL(dir_root) { return list("/", b); }
FILL(dir_proc) { return list("/proc", b); }
FILL(dir_self) { return list("/proc/self", b); }
FILL(dir_fd) { return list("/proc/self/fd", b); }
FILL(dir_sys) { return list("/sys", b); }
FILL(dir_dev) { return list("/dev", b); }
FILL(dir_here) { return list(".", b); }
#ifdef SYS_getdents
FILL(getdents) { int fd = open("/", O_RDONLY); return closing(fd, BYTES(SYS_getdents, fd, b, 8192)); }
#endif
FILL(readlink) { return BYTES(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", b, 4096); }
FILL(getcwd) { return BYTES(SYS_getcwd, b, 4096); }
FILL(xattr) { return setxattr("filled", "user.a", "v", 1, 0) ? -1 : (int)(CALL(SYS_getxattr, "filled", "user.a", b, 100) + CALL(SYS_listxattr, "filled", b + 128, 100)) + 128; }
FILL(fcntl_lock)
{
	struct flock l = { .l_type = F_WRLCK, .l_len = 10 };
	int fd = fill_file();

	memcpy(b, &l, sizeof l);
	return closing(fd, fcntl(fd, F_GETLK, b) ? -1 : (int)sizeof l);
}
FILL(hole)
{
	int fd = open("hole", O_RDWR | O_CREAT | O_TRUNC, 0644), n;

	if (pwrite(fd, "end", 3, 9000) != 3)
		return -1;
	n = pread(fd, b, 9003, 0);
	return closing(fd, n);
}
FILL(extended)		/* cut short, then longer again: what was cut off is gone */
{
	int fd = open("cut", O_RDWR | O_CREAT | O_TRUNC, 0644), n;

	if (write(fd, "0123456789", 10) != 10 || ftruncate(fd, 3) || ftruncate(fd, 6000))
		return -1;
	n = pread(fd, b, 6000, 0);
	return closing(fd, n);
}
FILL(mapped_tail)	/* the rest of the last page of a mapped file */
{
	int fd = fill_file();
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return closing(fd, -1);
	memcpy(b, p, 4096);
	munmap(p, 4096);
	return closing(fd, 4096);
}
FILL(fallocated)
{
	int fd = open("fa", O_RDWR | O_CREAT | O_TRUNC, 0644), n = -1;

	if (!CALL(SYS_fallocate, fd, 0, 0l, 20000l))
		n = pread(fd, b, 20000, 0);
	return closing(fd, n);
}
FILL(memfd)
{
	int fd = CALL(SYS_memfd_create, "m", 0), n;

	if (fd < 0 || ftruncate(fd, 9000) || pwrite(fd, "x", 1, 5000) != 1)
		return -1;
	n = pread(fd, b, 9000, 0);
	return closing(fd, n);
}
FILL(dev_shm)
{
	int fd = open("/dev/shm/filled", O_RDWR | O_CREAT | O_TRUNC, 0600), n;

	if (fd < 0 || pwrite(fd, "x", 1, 5000) != 1)
		return -1;
	n = pread(fd, b, 9000, 0);
	unlink("/dev/shm/filled");
	return closing(fd, n);
}
FILL(dev_zero) { int fd = open("/dev/zero", O_RDONLY); return closing(fd, BYTES(SYS_read, fd, b, 9000)); }
static int whole(const char *path, char *b)
{
	int fd = open(path, O_RDONLY), n = 0, got;

	while (fd >= 0 && n < FILL_BYTES - 4096 && (got = read(fd, b + n, 4096)) > 0)
		n += got;
	return closing(fd, fd < 0 ? -1 : n);
}
FILL(auxv) { return whole("/proc/self/auxv", b); }
FILL(environ) { return whole("/proc/self/environ", b); }
FILL(pagemap) { int fd = open("/proc/self/pagemap", O_RDONLY); return closing(fd, fd < 0 ? -1 : BYTES(SYS_pread64, fd, b, 4096, 0x400l * 8)); }

/* ---- memory ---- */
FILL(fresh_pages)
{
	char *p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 12; i++)
		p[i * 4096 + 7] = 1;
	memcpy(b, p, 12 * 4096);
	munmap(p, 16 * 4096);
	return 12 * 4096;
}
FILL(fresh_shared)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	p[5] = 1;
	memcpy(b, p, 8192);
	munmap(p, 8192);
	return 8192;
}
FILL(fresh_huge)
{
	char *p = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *block = (char *)(((uintptr_t)p + (2 << 20) - 1) & ~((2ul << 20) - 1));

	madvise(block, 2 << 20, MADV_HUGEPAGE);
	block[9] = 1;
	memcpy(b, block + (1 << 20), 32768);
	munmap(p, 4 << 20);
	return 32768;
}
FILL(fresh_brk)
{
	char *at = (char *)CALL(SYS_brk, 0);

	if ((char *)CALL(SYS_brk, at + 16384) != at + 16384)
		return -1;
	at[1] = 1;
	memcpy(b, at, 16384);
	CALL(SYS_brk, at);
	return 16384;
}
FILL(mincore) { return STRUCT(64, SYS_mincore, (uintptr_t)b & ~4095ul, 8 * 4096l, b); }
FILL(sysv_shm)
{
	int id = shmget(IPC_PRIVATE, 9000, 0600), n = -1;
	char *p = shmat(id, NULL, 0);

	if (id >= 0 && p != (char *)-1) {
		p[3] = 1;
		memcpy(b, p, 9000);
		n = 9000;
		shmdt(p);
	}
	shmctl(id, IPC_RMID, NULL);
	return n;
}
FILL(shmctl) { int id = shmget(IPC_PRIVATE, 100, 0600), n = STRUCT(256, SYS_shmctl, id, IPC_STAT, b); shmctl(id, IPC_RMID, NULL); return n; }
FILL(shm_info) { return STRUCT(256, SYS_shmctl, 0, 14, b); }
FILL(shm_limits) { return STRUCT(256, SYS_shmctl, 0, IPC_INFO, b); }
FILL(semctl) { int id = semget(IPC_PRIVATE, 2, 0600), n = STRUCT(256, SYS_semctl, id, 0, IPC_STAT, b); semctl(id, 0, IPC_RMID); return n; }
FILL(semctl_all) { int id = semget(IPC_PRIVATE, 3, 0600), n = STRUCT(64, SYS_semctl, id, 0, GETALL, b); semctl(id, 0, IPC_RMID); return n; }
FILL(sem_info) { return STRUCT(256, SYS_semctl, 0, 0, 19, b); }
FILL(msgctl) { int id = msgget(IPC_PRIVATE, 0600), n = STRUCT(256, SYS_msgctl, id, IPC_STAT, b); msgctl(id, IPC_RMID, NULL); return n; }
FILL(msg_info) { return STRUCT(256, SYS_msgctl, 0, 12, b); }
FILL(msgrcv)
{
	struct { long type; char text[11]; } m = { 1, "0123456789" };
	int id = msgget(IPC_PRIVATE, 0600), n = -1;

	if (!msgsnd(id, &m, 11, 0))
		n = BYTES(SYS_msgrcv, id, b, 100, 0, 0) + 24;
	msgctl(id, IPC_RMID, NULL);
	return n;
}
FILL(mq)
{
	struct mq_attr a = { .mq_maxmsg = 2, .mq_msgsize = 100 };
	mqd_t q = mq_open("/filled", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &a);
	int n = -1;

	if (q != (mqd_t)-1 && !mq_send(q, "hello", 5, 3)) {
		CALL(SYS_mq_getsetattr, q, NULL, b);
		CALL(SYS_mq_timedreceive, q, b + 512, 200l, b + 256, NULL);
		n = 1024;
	}
	close(q);
	mq_unlink("/filled");
	return n;
}

/* ---- processes, time ---- */
FILL(uname) { return STRUCT(400, SYS_uname, b); }
FILL(sysinfo) { return STRUCT(128, SYS_sysinfo, b); }
FILL(times) { return CALL(SYS_times, b) < 0 ? -1 : 64; }
FILL(rusage) { return STRUCT(256, SYS_getrusage, RUSAGE_SELF, b); }
FILL(rusage_children) { return STRUCT(256, SYS_getrusage, RUSAGE_CHILDREN, b); }
FILL(rlimit) { return STRUCT(64, SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, b); }
FILL(itimer) { return STRUCT(64, SYS_getitimer, ITIMER_REAL, b); }
FILL(setitimer) { struct itimerval v = { 0 }; return STRUCT(64, SYS_setitimer, ITIMER_REAL, &v, b); }
FILL(clock) { return STRUCT(32, SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, b); }
FILL(clock_res) { return STRUCT(32, SYS_clock_getres, CLOCK_REALTIME, b); }
FILL(gettimeofday) { return STRUCT(128, SYS_gettimeofday, b, b + 64); }
FILL(adjtimex) { memset(b, 0, 256); return CALL(SYS_adjtimex, b) < 0 ? -1 : 256; }
FILL(clock_adjtime) { memset(b, 0, 256); return CALL(SYS_clock_adjtime, CLOCK_REALTIME, b) < 0 ? -1 : 256; }
FILL(timer)
{
	struct itimerspec v = { { 0, 0 }, { 100, 0 } };
	int id = 0, n = -1;

	if (!CALL(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id)) {
		memcpy(b + 256, &id, 4);
		CALL(SYS_timer_settime, id, 0, &v, b);
		CALL(SYS_timer_gettime, id, b + 128);
		CALL(SYS_timer_delete, id);
		n = 256;
	}
	return n;
}
FILL(timerfd)
{
	struct itimerspec v = { { 0, 1000000 }, { 0, 1 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), n;

	CALL(SYS_timerfd_settime, fd, 0, &v, b);
	CALL(SYS_timerfd_gettime, fd, b + 128);
	n = BYTES(SYS_read, fd, b + 256, 8);
	return closing(fd, n < 0 ? -1 : 264);
}
FILL(sigaction) { return STRUCT(64, SYS_rt_sigaction, SIGUSR1, NULL, b, 8); }
FILL(sigprocmask) { return STRUCT(32, SYS_rt_sigprocmask, SIG_BLOCK, NULL, b, 8); }
FILL(sigpending) { return STRUCT(32, SYS_rt_sigpending, b, 8); }
FILL(sigaltstack) { return STRUCT(64, SYS_sigaltstack, NULL, b); }
static int wait_signal(char *b, int how)
{
	uint64_t set = 1ull << (SIGUSR1 - 1) | 1ull << (SIGCHLD - 1), old;
	union sigval v = { .sival_int = 5 };
	struct timespec ts = { 5, 0 };
	int n;

	CALL(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 8);
	if (how == 0)
		kill(getpid(), SIGUSR1);
	else if (how == 1)
		sigqueue(getpid(), SIGUSR1, v);
	else if (how == 2)
		raise(SIGUSR1);
	else if (!fork())
		_exit(3);
	n = STRUCT(128, SYS_rt_sigtimedwait, &set, b, &ts, 8);
	while (how == 3 && waitpid(-1, NULL, 0) < 0 && errno == EINTR)
		;
	CALL(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
	return n;
}
FILL(siginfo_kill) { return wait_signal(b, 0); }
FILL(siginfo_queue) { return wait_signal(b, 1); }
FILL(siginfo_tkill) { return wait_signal(b, 2); }
FILL(siginfo_child) { return wait_signal(b, 3); }
static void do_nothing(int sig) { }
static void do_nothing_info(int sig, siginfo_t *si, void *context) { }
static int frame(char *b, bool with_info)
{
	static char stack[32768];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof stack }, off = { .ss_flags = SS_DISABLE };
	struct sigaction sa = { .sa_handler = do_nothing, .sa_flags = SA_ONSTACK };

	if (with_info) {
		sa.sa_sigaction = do_nothing_info;
		sa.sa_flags |= SA_SIGINFO;
	}
	memset(stack, FILL_BLANK, sizeof stack);
	if (sigaltstack(&ss, NULL) || sigaction(SIGUSR2, &sa, NULL) || raise(SIGUSR2))
		return -1;
	memcpy(b, stack, sizeof stack);
	sigaltstack(&off, NULL);
	return sizeof stack;
}
FILL(frame) { return frame(b, false); }
FILL(frame_info) { return frame(b, true); }
FILL(frame_float) { volatile double d = 1.5; d *= 2.5; return frame(b, true); }
static pid_t ended_child(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(9);
	return pid;
}
FILL(waitid) { return STRUCT(512, SYS_waitid, P_PID, ended_child(), b, WEXITED, b + 256); }
FILL(waitid_nothing) { pid_t pid = fork(); int n; if (!pid) for (;;) pause(); n = STRUCT(512, SYS_waitid, P_PID, pid, b, WEXITED | WNOHANG, b + 256); kill(pid, SIGKILL); waitpid(pid, NULL, 0); return n; }
FILL(wait4) { return CALL(SYS_wait4, ended_child(), b, 0, b + 128) < 0 ? -1 : 512; }
FILL(sched_param) { return STRUCT(32, SYS_sched_getparam, 0, b); }
FILL(sched_attr) { return STRUCT(128, SYS_sched_getattr, 0, b, 64, 0); }
FILL(affinity) { return BYTES(SYS_sched_getaffinity, 0, 128, b); }
FILL(rr_interval) { return STRUCT(32, SYS_sched_rr_get_interval, 0, b); }
FILL(getcpu) { return STRUCT(32, SYS_getcpu, b, b + 8, NULL); }
FILL(robust) { return STRUCT(32, SYS_get_robust_list, 0, b, b + 16); }
FILL(groups) { return CALL(SYS_getgroups, 32, b) < 0 ? -1 : 128; }
FILL(resuid) { return STRUCT(64, SYS_getresuid, b, b + 8, b + 16); }
FILL(resgid) { return STRUCT(64, SYS_getresgid, b, b + 8, b + 16); }
FILL(capget) { uint32_t head[2] = { 0x20080522, 0 }; return STRUCT(64, SYS_capget, head, b); }
FILL(prctl_name) { return STRUCT(32, SYS_prctl, PR_GET_NAME, b); }
FILL(prctl_words) { return (CALL(SYS_prctl, PR_GET_PDEATHSIG, b), CALL(SYS_prctl, PR_GET_CHILD_SUBREAPER, b + 16), CALL(SYS_prctl, 40, b + 32), 64); }
FILL(mempolicy) { return STRUCT(64, SYS_get_mempolicy, b, b + 16, 64, NULL, 0); }
FILL(syslog) { return BYTES(SYS_syslog, 3, b, 32768); }
FILL(nanosleep)
{
	struct itimerval v = { { 0, 0 }, { 0, 20000 } };
	struct timespec ts = { 5, 0 };

	signal(SIGALRM, do_nothing);
	setitimer(ITIMER_REAL, &v, NULL);
	return CALL(SYS_nanosleep, &ts, b) < 0 && errno == EINTR ? 32 : -1;
}

/* ---- descriptors that are waited for ---- */
FILL(poll) { struct pollfd p = { 0, POLLOUT, -1 }; memcpy(b, &p, 8); return CALL(SYS_ppoll, b, 1, NULL, NULL, 8) < 0 ? -1 : 16; }
FILL(select) { struct timespec ts = { 0, 0 }; memset(b, 0xff, 8); memset(b + 8, 0, 120); return CALL(SYS_pselect6, 1, NULL, b, NULL, &ts, NULL) < 0 ? -1 : 128; }
FILL(pipe)
{
	int fd[2], n;

	if (pipe(fd) || write(fd[1], "twelve bytes", 12) != 12)
		return -1;
	n = BYTES(SYS_read, fd[0], b, 100);
	close(fd[1]);
	return closing(fd[0], n);
}
FILL(pipe2) { int n = STRUCT(16, SYS_pipe2, b, 0), fd[2]; memcpy(fd, b, 8); if (n > 0) close(fd[0]), close(fd[1]); return n; }
FILL(epoll)
{
	int e = epoll_create1(0), v = eventfd(1, 0);
	struct epoll_event ev = { EPOLLIN, { .u64 = 0x123456789 } };
	int n = epoll_ctl(e, EPOLL_CTL_ADD, v, &ev) ? -1 : CALL(SYS_epoll_pwait, e, b, 8, 100, NULL, 8) == 1 ? 64 : -1;

	close(v);
	return closing(e, n);
}
FILL(eventfd) { int v = eventfd(7, 0); return closing(v, BYTES(SYS_read, v, b, 16)); }
FILL(signalfd)
{
	uint64_t set = 1ull << (SIGUSR1 - 1), old;
	int fd, n;

	CALL(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 8);
	fd = CALL(SYS_signalfd4, -1, &set, 8, 0);
	kill(getpid(), SIGUSR1);
	n = BYTES(SYS_read, fd, b, 1024);
	CALL(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 8);
	return closing(fd, n);
}
FILL(inotify)
{
	int fd = inotify_init1(IN_NONBLOCK), n;

	inotify_add_watch(fd, ".", IN_ALL_EVENTS);
	close(open("abc", O_CREAT | O_RDWR, 0600));
	unlink("abc");
	n = BYTES(SYS_read, fd, b, 4096);
	return closing(fd, n);
}
FILL(kmsg) { int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK); return fd < 0 ? -1 : closing(fd, BYTES(SYS_read, fd, b, 8192)); }

/* ---- sockets ---- */
FILL(name_inet) { int s = socket(AF_INET, SOCK_DGRAM, 0); *(uint32_t *)(b + 256) = 200; return closing(s, STRUCT(200, SYS_getsockname, s, b, b + 256)); }
FILL(name_inet6) { int s = socket(AF_INET6, SOCK_DGRAM, 0); *(uint32_t *)(b + 256) = 200; return s < 0 ? -1 : closing(s, STRUCT(200, SYS_getsockname, s, b, b + 256)); }
FILL(name_unix) { int s = socket(AF_UNIX, SOCK_DGRAM, 0); *(uint32_t *)(b + 256) = 200; return closing(s, STRUCT(200, SYS_getsockname, s, b, b + 256)); }
FILL(name_netlink) { int s = socket(AF_NETLINK, SOCK_RAW, 0); *(uint32_t *)(b + 256) = 200; return closing(s, STRUCT(200, SYS_getsockname, s, b, b + 256)); }
FILL(name_packet) { int s = socket(17, SOCK_RAW, 0); *(uint32_t *)(b + 256) = 200; return s < 0 ? -1 : closing(s, STRUCT(200, SYS_getsockname, s, b, b + 256)); }
FILL(socketpair) { int n = STRUCT(16, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, b), fd[2]; memcpy(fd, b, 8); if (n > 0) close(fd[0]), close(fd[1]); return n; }
FILL(unix_names)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s, n = -1;

	unlink("sock");
	*(uint32_t *)(b + 400) = *(uint32_t *)(b + 404) = *(uint32_t *)(b + 408) = 128;
	if (!bind(l, (void *)&a, sizeof a) && !listen(l, 1) && !connect(c, (void *)&a, sizeof a)) {
		s = CALL(SYS_accept, l, b, b + 400);
		CALL(SYS_getpeername, c, b + 128, b + 404);
		CALL(SYS_getsockname, s, b + 256, b + 408);
		n = closing(s, 412);
	}
	close(c);
	return closing(l, n);
}
/* A datagram with a name and control messages. */
static int datagram(char *b, int family, const int (*options)[2])
{
	union { struct sockaddr a; struct sockaddr_in in; struct sockaddr_in6 in6; char room[128]; } a = { 0 };
	socklen_t len = family == AF_INET ? sizeof a.in : sizeof a.in6;
	int s = socket(family, SOCK_DGRAM, 0), one = 1, n = -1;
	struct iovec iov = { b + 1024, 512 };
	struct msghdr m = { .msg_name = b, .msg_namelen = 128, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = b + 256, .msg_controllen = 512 };

	a.a.sa_family = family;
	if (family == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.in6.sin6_addr = in6addr_loopback;
	for (; (*options)[0] >= 0; options++)
		setsockopt(s, (*options)[0], (*options)[1], &one, 4);
	if (s >= 0 && !bind(s, &a.a, len) && !getsockname(s, &a.a, &len) && sendto(s, "datagram", 8, 0, &a.a, len) == 8 &&
	    CALL(SYS_recvmsg, s, &m, 0) == 8)
		n = 1024 + 16;
	return closing(s, n);
}
FILL(datagram) { static const int o[][2] = { { SOL_SOCKET, 29 }, { IPPROTO_IP, 8 }, { IPPROTO_IP, 12 }, { IPPROTO_IP, 13 }, { -1, 0 } }; return datagram(b, AF_INET, o); }
FILL(datagram_ns) { static const int o[][2] = { { SOL_SOCKET, 35 }, { IPPROTO_IP, 20 }, { -1, 0 } }; return datagram(b, AF_INET, o); }
FILL(datagram6) { static const int o[][2] = { { IPPROTO_IPV6, 49 }, { IPPROTO_IPV6, 51 }, { IPPROTO_IPV6, 66 }, { -1, 0 } }; return datagram(b, AF_INET6, o); }
FILL(rights)
{
	int sv[2], one = 1, n = -1, passed = 0;
	char control[CMSG_SPACE(4)] = { 0 };
	struct iovec iov = { "x", 1 }, in = { b + 512, 16 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct msghdr r = { .msg_name = b, .msg_namelen = 128, .msg_iov = &in, .msg_iovlen = 1, .msg_control = b + 128, .msg_controllen = 256 };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv))
		return -1;
	setsockopt(sv[1], SOL_SOCKET, 16, &one, 4);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(4);
	memcpy(CMSG_DATA(c), &passed, 4);
	if (CALL(SYS_sendmsg, sv[0], &m, 0) == 1 && CALL(SYS_recvmsg, sv[1], &r, 0) == 1) {
		n = 528;
		for (c = CMSG_FIRSTHDR(&r); c; c = CMSG_NXTHDR(&r, c))
			if (c->cmsg_type == SCM_RIGHTS)
				close(*(int *)CMSG_DATA(c));
	}
	close(sv[0]);
	return closing(sv[1], n);
}
static int options(char *b, int s, int level)
{
	int n = 0;

	for (int o = 0; o < 80; o++) {
		*(uint32_t *)(b + n) = 248;
		if (!CALL(SYS_getsockopt, s, level, o, b + n + 8, b + n))
			n += 8 + 248;
	}
	return closing(s, n);
}
FILL(options_socket) { return options(b, socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET); }
FILL(options_unix) { return options(b, socket(AF_UNIX, SOCK_STREAM, 0), SOL_SOCKET); }
FILL(options_ip) { return options(b, socket(AF_INET, SOCK_DGRAM, 0), IPPROTO_IP); }
FILL(options_ip6) { return options(b, socket(AF_INET6, SOCK_DGRAM, 0), IPPROTO_IPV6); }
FILL(options_tcp) { return options(b, socket(AF_INET, SOCK_STREAM, 0), IPPROTO_TCP); }
FILL(options_raw) { return options(b, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), 255); }
static int interface(char *b, int cmd)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	memset(b, 0, 16);
	strcpy(b, "lo");
	memset(b + 16, FILL_BLANK, 24);
	return closing(s, STRUCT(64, SYS_ioctl, s, cmd, b));
}
FILL(if_flags) { return interface(b, 0x8913); }
FILL(if_addr) { return interface(b, 0x8915); }
FILL(if_netmask) { return interface(b, 0x891b); }
FILL(if_hwaddr) { return interface(b, 0x8927); }
FILL(if_mtu) { return interface(b, 0x8921); }
FILL(if_index) { return interface(b, 0x8933); }
FILL(if_metric) { return interface(b, 0x891d); }
FILL(if_map) { return interface(b, 0x8970); }
FILL(if_txqlen) { return interface(b, 0x8942); }
FILL(if_conf)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifconf c = { .ifc_len = 4096, .ifc_buf = b };

	return closing(s, CALL(SYS_ioctl, s, 0x8912, &c) ? -1 : c.ifc_len);
}
static int dump(char *b, int type)
{
	struct { uint32_t len; uint16_t type, flags; uint32_t seq, pid; char family, pad[15]; } q = { 32, type, 0x301, 1, 0, 0, { 0 } };
	int s = socket(AF_NETLINK, SOCK_RAW, 0), n = 0, got;

	if (s < 0 || write(s, &q, 32) != 32)
		return closing(s, -1);
	while (n < FILL_BYTES / 2 && (got = recv(s, b + n, 16384, MSG_DONTWAIT)) > 0)
		n += got;
	return closing(s, n);
}
FILL(nl_links) { return dump(b, 18); }
FILL(nl_addresses) { return dump(b, 22); }
FILL(nl_routes) { return dump(b, 26); }
FILL(nl_neighbours) { return dump(b, 30); }
FILL(nl_nonsense) { return dump(b, 99); }

/* ---- devices ---- */
FILL(termios) { int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY); return fd < 0 ? -1 : closing(fd, STRUCT(128, SYS_ioctl, fd, 0x5401, b)); }
FILL(winsize) { int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY); return fd < 0 ? -1 : closing(fd, STRUCT(32, SYS_ioctl, fd, 0x5413, b)); }
FILL(ptn) { int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY); return fd < 0 ? -1 : closing(fd, STRUCT(16, SYS_ioctl, fd, 0x80045430, b)); }
FILL(rtc) { int fd = open("/dev/rtc0", O_RDONLY); return fd < 0 ? -1 : closing(fd, STRUCT(64, SYS_ioctl, fd, 0x80247009, b)); }
FILL(disk_size) { int fd = open("/dev/vda", O_RDONLY); return fd < 0 ? -1 : closing(fd, STRUCT(16, SYS_ioctl, fd, 0x80081272, b)); }
FILL(disk_geometry) { int fd = open("/dev/vda", O_RDONLY); return fd < 0 ? -1 : closing(fd, STRUCT(64, SYS_ioctl, fd, 0x301, b)); }
FILL(unread) { int fd = fill_file(); return closing(fd, STRUCT(16, SYS_ioctl, fd, 0x541b, b)); }
FILL(process_vm) { static char mine[64]; struct iovec to = { b, 64 }, from = { mine, 64 }; return BYTES(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0); }

/* A program's first stack: what lies above its stack pointer when it starts, and the rest of its data's last page. */
FILL(first_stack)
{
	char *argv[] = { "/proc/self/exe", "--stack", NULL }, *envp[] = { "A=b", NULL };
	int fd[2], n = 0, got;
	pid_t pid;

	if (pipe(fd))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(fd[1], 1);
		execve(argv[0], argv, envp);
		_exit(1);
	}
	close(fd[1]);
	while (n < FILL_BYTES && (got = read(fd[0], b + n, FILL_BYTES - n)) > 0)
		n += got;
	waitpid(pid, NULL, 0);
	return closing(fd[0], n ? n : -1);
}
/* In main, first: true if this was the program that first_stack starts. */
static bool fill_is_child(int argc, char **argv)
{
	extern char _end[];
	uintptr_t from = (uintptr_t)(argv - 1), end = ((uintptr_t)_end + 4095) & ~4095ul;

	if (argc != 2 || strcmp(argv[1], "--stack"))
		return false;
	/* The strings are the last; the page they are in is the stack's last. */
	if (write(1, (char *)from, (((uintptr_t)argv[1] + 4095) & ~4095ul) - from) < 0 ||
	    write(1, _end, end - (uintptr_t)_end) < 0)
		_exit(1);
	return true;
}

static const struct fill fills[] = {
#define F(n) { #n, fill_##n }
	F(fstat), F(fstatat), F(fstatat_dir), F(statx), F(statx_proc), F(statfs), F(statfs_proc), F(fstatfs), F(dir_root), F(dir_proc),
	F(dir_self), F(dir_fd), F(dir_sys), F(dir_dev), F(dir_here),
#ifdef SYS_getdents
	F(getdents),
#endif
	F(readlink), F(getcwd), F(xattr), F(fcntl_lock), F(hole), F(extended), F(mapped_tail), F(fallocated), F(memfd), F(dev_shm),
	F(dev_zero), F(auxv), F(environ), F(pagemap),
	F(fresh_pages), F(fresh_shared), F(fresh_huge), F(fresh_brk), F(mincore), F(sysv_shm), F(shmctl), F(shm_info), F(shm_limits),
	F(semctl), F(semctl_all), F(sem_info), F(msgctl), F(msg_info), F(msgrcv), F(mq),
	F(uname), F(sysinfo), F(times), F(rusage), F(rusage_children), F(rlimit), F(itimer), F(setitimer), F(clock), F(clock_res),
	F(gettimeofday), F(adjtimex), F(clock_adjtime), F(timer), F(timerfd), F(sigaction), F(sigprocmask), F(sigpending), F(sigaltstack),
	F(siginfo_kill), F(siginfo_queue), F(siginfo_tkill), F(siginfo_child), F(frame), F(frame_info), F(frame_float), F(waitid),
	F(waitid_nothing), F(wait4), F(sched_param), F(sched_attr), F(affinity), F(rr_interval), F(getcpu), F(robust), F(groups), F(resuid),
	F(resgid), F(capget), F(prctl_name), F(prctl_words), F(mempolicy), F(syslog), F(nanosleep),
	F(poll), F(select), F(pipe), F(pipe2), F(epoll), F(eventfd), F(signalfd), F(inotify), F(kmsg),
	F(name_inet), F(name_inet6), F(name_unix), F(name_netlink), F(name_packet), F(socketpair), F(unix_names), F(datagram), F(datagram_ns),
	F(datagram6), F(rights), F(options_socket), F(options_unix), F(options_ip), F(options_ip6), F(options_tcp), F(options_raw), F(if_flags),
	F(if_addr), F(if_netmask), F(if_hwaddr), F(if_mtu), F(if_index), F(if_metric), F(if_map), F(if_txqlen), F(if_conf), F(nl_links),
	F(nl_addresses), F(nl_routes), F(nl_neighbours), F(nl_nonsense),
	F(termios), F(winsize), F(ptn), F(rtc), F(disk_size), F(disk_geometry), F(unread), F(process_vm), F(first_stack),
	{},
};

#endif
