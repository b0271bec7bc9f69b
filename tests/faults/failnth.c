/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * failnth [ITEM...]: for each operation makes the first, second, … allocation in the kernel fail (/proc/self/fail-nth)
 * until the operation runs through untouched. It must then have worked; before, it may have worked all the same
 * or failed with an errno that means no memory. All items run once to warm up; then again twice, and what the kernel has
 * in use afterwards must be what it was in between: nothing leaks on a way out. Prints `ok NAME failures`, or
 * `not ok NAME why`. Runs on Trivet's debug builds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define N_MAX 4000	/* no operation allocates so often */
#define PAGE 4096

enum {	/* exit codes of children */
	CHILD_WORKED = 40, CHILD_NO_MEMORY, CHILD_WRONG
};

struct item {
	const char *name;
	/* 0, or -1 with errno; anything it left behind is undone when it returns either way. */
	int (*run)(void);
};

static int nth_fd = -1;
static char why[200];
static char *self;

static int wrong(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof why, format, ap);
	va_end(ap);
	errno = EPROTO;	/* no call here gives that by itself */
	return -1;
}

static void arm(int n)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%d", n);

	/* Writing allocates as well, and so may meet the failure itself: then it is over. */
	if (pwrite(nth_fd, text, len, 0) != len && (errno != ENOMEM || pwrite(nth_fd, text, len, 0) != len)) {
		printf("not ok arm errno %d\n", errno);
		exit(1);
	}
}

/* How many were left until the failure: 0 when it struck. */
static int disarm(void)
{
	char text[16] = "";
	ssize_t len = pread(nth_fd, text, sizeof text - 1, 0);

	arm(0);
	return len > 0 ? atoi(text) : -1;
}

static bool is_no_memory(int err)
{
	return err == ENOMEM || err == EAGAIN || err == ENOBUFS || err == ENFILE || err == ENOLCK || err == ENOSPC;
}

/* ---- operations -------------------------------------------------------------------------------------- */

static int op_pipe(void)
{
	int p[2];
	char c = 'x';

	if (pipe2(p, O_CLOEXEC))
		return -1;
	int r = write(p[1], &c, 1) == 1 && read(p[0], &c, 1) == 1 ? 0 : -1, saved = errno;
	close(p[0]);
	close(p[1]);
	errno = saved;
	return r;
}

static int op_open(void)
{
	int fd = open("/tmp/failnth-open", O_RDWR | O_CREAT | O_EXCL, 0600), saved;

	if (fd < 0) {
		saved = errno;
		if (!access("/tmp/failnth-open", F_OK))
			return wrong("a failed open left its file");
		errno = saved;
		return -1;
	}
	int r = write(fd, "hello", 5) == 5 && ftruncate(fd, 100000) == 0 && pwrite(fd, "x", 1, 70000) == 1 ? 0 : -1;
	saved = errno;
	close(fd);
	unlink("/tmp/failnth-open");
	errno = saved;
	return r;
}

static int op_stat(void)
{
	struct stat st;

	/* Names that nobody has looked up yet. */
	static int n;
	char name[40];

	snprintf(name, sizeof name, "/tmp/nowhere-%d", n++);
	if (stat(name, &st) == 0)
		return wrong("a file that is not there");
	return errno == ENOENT ? stat("/usr/bin", &st) : -1;
}

static int op_mkdir(void)
{
	int saved;

	if (mkdir("/tmp/failnth-d", 0700))
		return -1;
	int r = 0;
	if (mkdir("/tmp/failnth-d/e", 0700) || rename("/tmp/failnth-d/e", "/tmp/failnth-d/f"))
		r = -1;
	saved = errno;
	for (int i = 0; i < 3; i++) {	/* undoing may meet the failure, too */
		rmdir("/tmp/failnth-d/e");
		rmdir("/tmp/failnth-d/f");
		if (!rmdir("/tmp/failnth-d"))
			break;
	}
	errno = saved;
	return r;
}

static int op_links(void)
{
	char text[64];
	int r = -1, saved;

	if (symlink("/tmp", "/tmp/failnth-s"))
		return -1;
	if (readlink("/tmp/failnth-s", text, sizeof text) == 4 && mknod("/tmp/failnth-s/failnth-p", S_IFIFO | 0600, 0) == 0 &&
	    link("/tmp/failnth-p", "/tmp/failnth-q") == 0)
		r = 0;
	saved = errno;
	for (int i = 0; i < 2; i++) {
		unlink("/tmp/failnth-q");
		unlink("/tmp/failnth-p");
		unlink("/tmp/failnth-s");
	}
	errno = saved;
	return r;
}

static int op_list(void)
{
	char buf[2048];
	int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY), saved;
	long n;

	if (fd < 0)
		return -1;
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0)
		;
	saved = errno;
	close(fd);
	errno = saved;
	return n < 0 ? -1 : 0;
}

static int op_proc(void)
{
	static const char *const names[] = { "/proc/self/maps", "/proc/self/status", "/proc/meminfo", "/proc/self/mountinfo" };
	char buf[8192];

	for (unsigned i = 0; i < 4; i++) {
		int fd = open(names[i], O_RDONLY), saved;
		ssize_t n;

		if (fd < 0)
			return -1;
		n = read(fd, buf, sizeof buf);
		saved = errno;
		close(fd);
		errno = saved;
		if (n <= 0)
			return n ? -1 : wrong("%s is empty", names[i]);
	}
	return 0;
}

static int op_descriptors(void)
{
	int r = dup2(2, 700) == 700 ? 0 : -1, saved = errno;

	close(700);
	errno = saved;
	return r;
}

static int op_poll(void)
{
	struct pollfd fds[64];
	struct timeval no_time = { 0, 0 };
	fd_set set;
	int p[2], saved;

	if (pipe(p))
		return -1;
	for (int i = 0; i < 64; i++)
		fds[i] = (struct pollfd){ p[i & 1], POLLIN, 0 };
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	int r = poll(fds, 64, 1);
	if (!r)
		r = select(1000, &set, 0, 0, &no_time);
	saved = errno;
	close(p[0]);
	close(p[1]);
	errno = saved;
	return r;
}

static int op_locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	int fd = open("/tmp/failnth-l", O_RDWR | O_CREAT, 0600), saved, r = -1;

	if (fd < 0)
		return -1;
	if (!fcntl(fd, F_SETLK, &l)) {
		l.l_type = F_UNLCK;
		l.l_start = 14;
		l.l_len = 2;
		r = fcntl(fd, F_SETLK, &l);	/* splits */
	}
	saved = errno;
	close(fd);
	unlink("/tmp/failnth-l");
	errno = saved;
	return r;
}

static int op_mmap(void)
{
	char *p = mmap(0, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int saved, r;

	if (p == MAP_FAILED)
		return -1;
	r = mprotect(p + 8 * PAGE, PAGE, PROT_READ);		/* splits twice */
	if (!r)
		r = madvise(p + 16 * PAGE, 8 * PAGE, MADV_DONTNEED);
	if (!r)
		r = munmap(p + 32 * PAGE, PAGE);		/* splits */
	if (!r) {
		char *q = mremap(p + 40 * PAGE, 4 * PAGE, 128 * PAGE, MREMAP_MAYMOVE);

		r = q == MAP_FAILED ? -1 : munmap(q, 128 * PAGE);
	}
	saved = errno;
	if (munmap(p, 64 * PAGE))
		munmap(p, 64 * PAGE);
	errno = saved;
	return r;
}

/* Anonymous, copied, file and shared pages. */
static int op_fault(void)
{
	int fd = open(self, O_RDONLY), saved, r = -1;
	volatile char *p, *q, *s;

	if (fd < 0)
		return -1;
	p = mmap(0, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	s = mmap(0, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED && q != MAP_FAILED && s != MAP_FAILED) {
		for (int i = 0; i < 8; i++)
			p[i * PAGE] = i, s[i * PAGE] = i;
		r = q[1] == 'E' && q[2] == 'L' ? 0 : wrong("file page");
		q[1] = 'x';
		if (q[1] != 'x' || p[5 * PAGE] != 5 || s[6 * PAGE] != 6 || p[1] != 0)
			r = wrong("pages");
	}
	saved = errno;
	if (p != MAP_FAILED)
		munmap((void *)p, 8 * PAGE);
	if (q != MAP_FAILED)
		munmap((void *)q, 2 * PAGE);
	if (s != MAP_FAILED)
		munmap((void *)s, 8 * PAGE);
	close(fd);
	errno = saved;
	return r;
}

/* Large pages: made by a fault, split, formed again; or small ones all the way. */
static int op_large(void)
{
	const size_t block = 512 * PAGE;
	char *map = mmap(0, 3 * block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = (char *)(((uintptr_t)map + block - 1) & ~(block - 1));
	int saved, r;

	if (map == MAP_FAILED)
		return -1;
	r = madvise(p, 2 * block, MADV_HUGEPAGE);
	for (size_t at = 0; at < 2 * block && !r; at += 64 * PAGE)
		p[at] = 1;
	if (!r)
		r = madvise(p + PAGE, PAGE, MADV_DONTNEED);
	if (!r)
		r = madvise(p, 2 * block, 25);		/* MADV_COLLAPSE */
	if (!r && (p[0] != 1 || p[PAGE] || p[64 * PAGE] != 1 || p[block + 64 * PAGE] != 1))
		r = wrong("contents");
	saved = errno;
	munmap(map, 3 * block);
	errno = saved;
	return r;
}

/* What a child says of itself. */
static int child_result(pid_t pid)
{
	int status;

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR && !is_no_memory(errno))
			return wrong("waitpid: errno %d", errno);
	}
	if (WIFSIGNALED(status)) {
		/* An exec that failed when the old program was gone already. */
		errno = ENOMEM;
		return WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV ? -1 : wrong("signal %d", WTERMSIG(status));
	}
	if (WEXITSTATUS(status) == CHILD_WORKED)
		return 0;
	if (WEXITSTATUS(status) != CHILD_NO_MEMORY)
		return wrong("exit status %d", WEXITSTATUS(status));
	errno = ENOMEM;
	return -1;
}

static int op_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(CHILD_WORKED);
	return child_result(pid);
}

/* The failures are the child's here: exec happens in the thread that is armed. */
static int exec_n;
static int exec_left;

static int op_exec(void)
{
	static char *const words[] = { "failnth", "--child", "some", "more", "words", 0 };
	static char *const env[] = { "A=1", "B=2", 0 };
	int n = disarm(), p[2], r;
	pid_t pid;

	exec_n = n;
	exec_left = 0;
	if (pipe(p))
		return wrong("pipe");
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 9);
		close(nth_fd);
		nth_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
		arm(n);
		execve(self, words, env);
		_exit(is_no_memory(errno) || errno == E2BIG ? CHILD_NO_MEMORY : CHILD_WRONG);
	}
	close(p[1]);
	r = child_result(pid);
	if (read(p[0], &exec_left, sizeof exec_left) != sizeof exec_left)
		exec_left = 0;
	close(p[0]);
	/* It ran: what it says was left stands for ours. */
	arm(exec_left);
	if (exec_left == 0 && n)
		arm(0);
	return r;
}

static void *thread_body(void *arg)
{
	return arg;
}

static int op_thread(void)
{
	pthread_t t;
	int err = pthread_create(&t, 0, thread_body, 0);

	if (err) {
		errno = err;
		return -1;
	}
	pthread_join(t, 0);
	return 0;
}

static int op_socketpair(void)
{
	int sv[2], saved, r = -1, got[2];
	char c = 'x', control[CMSG_SPACE(sizeof got)];
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		return -1;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &sv[0], sizeof(int));
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	if (sendmsg(sv[0], &m, 0) == 1) {
		m.msg_controllen = sizeof control;
		if (recvmsg(sv[1], &m, MSG_DONTWAIT) == 1) {
			h = CMSG_FIRSTHDR(&m);
			r = 0;
			if (h && h->cmsg_type == SCM_RIGHTS) {
				memcpy(got, CMSG_DATA(h), sizeof(int));
				close(got[0]);
			}
		}
	}
	saved = errno;
	close(sv[0]);
	close(sv[1]);
	errno = saved;
	return r;
}

static int op_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/tmp/failnth-u" };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = -1, s = -1, r = -1, saved;

	if (l < 0)
		return -1;
	if (bind(l, (struct sockaddr *)&a, sizeof a) == 0 && listen(l, 4) == 0 && (c = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0 &&
	    connect(c, (struct sockaddr *)&a, sizeof a) == 0 && (s = accept(l, 0, 0)) >= 0 && write(c, "hello", 5) == 5)
		r = 0;
	saved = errno;
	close(l);
	if (c >= 0)
		close(c);
	if (s >= 0)
		close(s);
	unlink("/tmp/failnth-u");
	unlink("/tmp/failnth-u");
	errno = saved;
	return r;
}

static int op_udp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int s = socket(AF_INET, SOCK_DGRAM, 0), r = -1, saved;

	if (s < 0)
		return -1;
	if (bind(s, (struct sockaddr *)&a, sizeof a) == 0 && getsockname(s, (struct sockaddr *)&a, &len) == 0 &&
	    sendto(s, "hello", 5, 0, (struct sockaddr *)&a, sizeof a) == 5)
		r = 0;
	saved = errno;
	close(s);
	errno = saved;
	return r;
}

static int op_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger hard = { 1, 0 };
	socklen_t len = sizeof a;
	int l = socket(AF_INET, SOCK_STREAM, 0), r = -1, saved;

	if (l < 0)
		return -1;
	if (setsockopt(l, SOL_SOCKET, SO_LINGER, &hard, sizeof hard) == 0 && bind(l, (struct sockaddr *)&a, sizeof a) == 0 &&
	    listen(l, 4) == 0 && getsockname(l, (struct sockaddr *)&a, &len) == 0)
		r = 0;
	saved = errno;
	close(l);
	errno = saved;
	return r;
}

static int op_mount(void)
{
	int r, saved;

	if (mount("none", "/mnt", "tmpfs", 0, "size=1M"))
		return -1;
	r = open("/mnt/file", O_CREAT | O_WRONLY, 0600);
	saved = errno;
	if (r >= 0)
		close(r);
	r = r < 0 ? -1 : 0;
	if (!r && (r = mount("/tmp", "/mnt", 0, MS_BIND, 0)) == 0 && umount("/mnt"))
		umount("/mnt");
	if (r)
		saved = errno;
	if (umount("/mnt") && umount("/mnt"))
		return wrong("umount: errno %d", errno);
	errno = saved;
	return r;
}

static int op_signal(void)
{
	union sigval v = { .sival_int = 7 };
	struct timespec no_time = { 0, 0 };
	siginfo_t info;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &set, 0);
	r = sigqueue(getpid(), SIGRTMIN + 3, v);
	if (!r && (sigtimedwait(&set, &info, &no_time) != SIGRTMIN + 3 || info.si_value.sival_int != 7))
		r = wrong("the queued signal");
	return r;
}

static int op_timer(void)
{
	struct itimerspec soon = { .it_value = { 100, 0 } };
	struct sigevent e = { .sigev_notify = SIGEV_NONE };
	timer_t t;
	int r;

	if (timer_create(CLOCK_MONOTONIC, &e, &t))
		return -1;
	r = timer_settime(t, 0, &soon, 0);
	timer_delete(t);
	return r;
}

static int op_vectors(void)
{
	struct iovec v[40];
	char buf[40];
	int fd = open("/dev/null", O_WRONLY), saved;

	if (fd < 0)
		return -1;
	for (int i = 0; i < 40; i++)
		v[i] = (struct iovec){ buf + i, 1 };
	int r = writev(fd, v, 40) == 40 ? 0 : -1;
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static int op_memfd(void)
{
	int fd = memfd_create("failnth", MFD_ALLOW_SEALING), saved, r = -1;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, 10 * PAGE) == 0 && pwrite(fd, "x", 1, 9 * PAGE) == 1)
		r = fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static int op_terminal(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), n, unlock = 0, s = -1, saved, r = -1;
	char name[32];

	if (m < 0)
		return -1;
	if (ioctl(m, TIOCGPTN, &n) == 0 && ioctl(m, TIOCSPTLCK, &unlock) == 0) {
		snprintf(name, sizeof name, "/dev/pts/%d", n);
		s = open(name, O_RDWR | O_NOCTTY);
		r = s < 0 ? -1 : write(m, "x\n", 2) == 2 ? 0 : -1;
	}
	saved = errno;
	if (s >= 0)
		close(s);
	close(m);
	errno = saved;
	return r;
}

static int op_cwd(void)
{
	struct statfs sf;
	char name[256];

	if (syscall(SYS_getcwd, name, sizeof name) < 0 || statfs("/tmp", &sf))
		return -1;
	return readlink("/proc/self/exe", name, sizeof name) > 0 ? chdir("/tmp") : -1;
}

/* The root's file system: a disk. */
static int op_disk(void)
{
	int fd = open("/root/failnth-disk", O_RDWR | O_CREAT, 0600), saved, r = -1;
	static char block[64 * 1024];

	if (fd < 0)
		return -1;
	errno = 0;
	if (write(fd, block, sizeof block) == sizeof block && fsync(fd) == 0)
		r = 0;
	saved = errno ? errno : ENOMEM;		/* a part was written: the rest found no memory */
	close(fd);
	if (unlink("/root/failnth-disk") && unlink("/root/failnth-disk"))
		return wrong("unlink: errno %d", errno);
	errno = saved;
	return r;
}

/* Forgets a descriptor when the second allocation fails: what the walk must notice. */
static int op_planted(void)
{
	int fd = open("/dev/null", O_RDONLY), other;

	if (fd < 0)
		return -1;
	other = open("/dev/zero", O_RDONLY);
	if (other < 0)
		return -1;
	close(other);
	close(fd);
	return 0;
}

static const struct item planted = { "planted", op_planted };

static const struct item items[] = {
	{ "pipe", op_pipe }, { "open", op_open }, { "stat", op_stat }, { "mkdir", op_mkdir }, { "links", op_links },
	{ "list", op_list }, { "proc", op_proc }, { "descriptors", op_descriptors }, { "poll", op_poll },
	{ "locks", op_locks }, { "mmap", op_mmap }, { "fault", op_fault }, { "large", op_large }, { "fork", op_fork }, { "exec", op_exec },
	{ "thread", op_thread }, { "socketpair", op_socketpair }, { "unix", op_unix }, { "udp", op_udp },
	{ "tcp", op_tcp }, { "mount", op_mount }, { "signal", op_signal }, { "timer", op_timer },
	{ "vectors", op_vectors }, { "memfd", op_memfd }, { "terminal", op_terminal }, { "cwd", op_cwd },
	{ "disk", op_disk },
};
#define ITEMS (sizeof items / sizeof items[0])

/* ---- walking ----------------------------------------------------------------------------------------- */

/* How many times a failure struck, or -1 with why. */
static int walk(const struct item *it)
{
	for (int n = 1; n < N_MAX; n++) {
		int r, saved, left;

		why[0] = 0;
		arm(n);
		errno = 0;
		r = it->run();
		saved = errno;
		left = disarm();
		if (r && saved == EPROTO && why[0])
			return -1;
		if (r && left == 0 && !is_no_memory(saved)) {
			snprintf(why, sizeof why, "allocation %d failed: errno %d (%s)", n, saved, strerror(saved));
			return -1;
		}
		if (left == 0)
			continue;
		if (r == 0)
			return n - 1;
		snprintf(why, sizeof why, "no failure, yet errno %d (%s)", saved, strerror(saved));
		return -1;
	}
	snprintf(why, sizeof why, "never without a failure");
	return -1;
}

struct usage {
	char name[32];
	long used;
};
#define KINDS 200

static int measure(struct usage *u)
{
	char line[300];
	FILE *f;
	int n = 0, fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	sync();
	for (int i = 0; i < 3; i++) {
		usleep(20000);
		if (write(fd, "3", 1) != 1)
			printf("not ok drop_caches errno %d\n", errno);
	}
	close(fd);
	f = fopen("/proc/events", "r");
	while (f && n < KINDS && fgets(line, sizeof line, f))
		if (sscanf(line, "in_use %31s %ld", u[n].name, &u[n].used) == 2)
			n++;
	if (f)
		fclose(f);
	return n;
}

static bool is_chosen(const char *name, char **words)
{
	if (!words[0])
		return true;
	for (; *words; words++)
		if (!strcmp(*words, name))
			return true;
	return false;
}

static int as_child(void)
{
	int left;

	nth_fd = open("/proc/self/fail-nth", O_RDWR);
	left = nth_fd < 0 ? -1 : disarm();
	if (left < 0 || write(9, &left, sizeof left) != sizeof left)
		return CHILD_NO_MEMORY;
	return CHILD_WORKED;
}

/* Walks an item twice more; what was in use grew between the two measurements: a leak. */
static bool leaks(const struct item *it)
{
	static struct usage before[KINDS], after[KINDS];
	int n = measure(before), m;
	bool found = false;

	if (n < 20) {
		snprintf(why, sizeof why, "/proc/events tells of %d kinds in use", n);
		return true;
	}

	for (int tries = 0; tries < 5; tries++) {
		if (walk(it) < 0)
			return true;
		m = measure(after);
		found = false;
		for (int i = 0; i < n && i < m; i++)
			if (after[i].used > before[i].used) {
				snprintf(why, sizeof why, "leak: %.31s %ld, before %ld", after[i].name, after[i].used, before[i].used);
				found = true;
			}
		if (!found)
			return false;
		/* Perhaps a cache that grew once: the next round decides. */
		memcpy(before, after, sizeof before);
		n = m;
	}
	return found;
}

int main(int argc, char **argv)
{
	int bad = 0;

	self = "/proc/self/exe";
	if (argc > 1 && !strcmp(argv[1], "--child"))
		return as_child();
	self = argv[0];
	setvbuf(stdout, 0, _IOLBF, 256);
	chdir("/tmp");
	nth_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0) {
		printf("not ok fail-nth errno %d\n", errno);
		return 1;
	}
	if (argc > 1 && !strcmp(argv[1], "--planted")) {
		/* Once without a failure, so that the pages of its strings are there: where the kernel reads a
		 * path from a page never touched, no memory for that page is EFAULT. Which pages come with
		 * their neighbours depends on where the program was loaded. */
		arm(0);
		planted.run();
		bad = walk(&planted) > 0 && leaks(&planted) && !strncmp(why, "leak: file", 10);
		printf(bad ? "ok planted 1\n" : "not ok planted: the leak was not noticed (%s)\n", why);
		return !bad;
	}
	for (unsigned i = 0; i < ITEMS; i++) {
		int n;

		if (!is_chosen(items[i].name, argv + 1))
			continue;
		arm(0);
		errno = 0;
		if (items[i].run() && (errno == ENOSYS || errno == EAFNOSUPPORT)) {
			printf("missing %s errno %d\n", items[i].name, errno);
			continue;
		}
		n = walk(&items[i]);
		if (n < 0 || leaks(&items[i])) {
			printf("not ok %s %s\n", items[i].name, why);
			bad++;
		} else {
			printf("ok %s %d\n", items[i].name, n);
		}
	}
	return bad > 0;
}
