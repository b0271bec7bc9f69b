/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel spends and whether it gets it back, read from /proc/meminfo; ci/suites/memory.py knows the limits.
 *	figures processes N	kernel bytes for each of N processes that only wait, without their page tables
 *	figures threads N	the same for threads
 *	figures storm N		N rounds of fork, exec, exit, mmap and faults; pages that are missing afterwards
 * Prints `figure NAME VALUE`, or `failed WHY`. Runs on Linux, too, where the figures are Linux's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define MAX 4096

struct memory {
	long free, anon, cached, stacks, tables, slab;	/* KiB */
};

static void die(const char *why)
{
	printf("failed %s\n", why);
	exit(1);
}

static long field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? atol(at + strlen(name)) : 0;
}

/* What is only kept for speed goes first. No stdio: its buffers are memory, too. */
static struct memory look(void)
{
	static char text[8192];
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	ssize_t n;

	if (fd < 0 || write(fd, "3", 1) != 1)
		die("drop_caches");
	close(fd);
	memset(text, 1, sizeof text);	/* all its pages are there from the first time on */
	fd = open("/proc/meminfo", O_RDONLY);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		die("meminfo");
	text[n] = 0;
	return (struct memory){ field(text, "\nMemFree:"), field(text, "\nAnonPages:"), field(text, "\nCached:"),
				 field(text, "\nKernelStack:"), field(text, "\nPageTables:"), field(text, "\nSlab:") };
}

/* KiB that neither programs nor files have. */
static long kernel_kib(struct memory a, struct memory b)
{
	return a.free - b.free - (b.anon - a.anon) - (b.cached - a.cached);
}

static void tell(const char *what, struct memory a, struct memory b, int n)
{
	printf("figure %s %ld\n", what, (kernel_kib(a, b) - (b.tables - a.tables)) * 1024 / n);
	printf("of them stacks %ld tables %ld objects %ld\n", (b.stacks - a.stacks) * 1024 / n, (b.tables - a.tables) * 1024 / n,
	       (b.slab - a.slab) * 1024 / n);
}

static void processes(int n)
{
	static pid_t pids[MAX];
	struct memory a, b;
	int ready[2];
	char c;

	(void)look();
	if (pipe(ready) || write(ready[1], "x", 1) != 1 || read(ready[0], &c, 1) != 1)	/* now it has its page */
		die("pipe");
	a = look();
	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork");
		if (!pids[i]) {
			if (write(ready[1], "x", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
	}
	for (int i = 0; i < n; i++)
		if (read(ready[0], &c, 1) != 1)
			die("a child");
	usleep(300000);
	b = look();
	tell("process", a, b, n);
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static int here;	/* atomic */

static void *wait_at_gate(void *unused)
{
	__atomic_fetch_add(&here, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return unused;
}

static void threads(int n)
{
	static pthread_t t[MAX];
	pthread_attr_t attr;
	struct memory a, b;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	pthread_mutex_lock(&gate);
	(void)look();
	a = look();
	for (int i = 0; i < n; i++)
		if (pthread_create(&t[i], &attr, wait_at_gate, NULL))
			die("pthread_create");
	while (__atomic_load_n(&here, __ATOMIC_RELAXED) < n)
		usleep(1000);
	usleep(300000);
	b = look();
	tell("thread", a, b, n);
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

static void touch(size_t len, int advice)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	madvise(p, len, advice);
	for (size_t at = 0; at < len; at += 37 * PAGE)
		p[at] = 1;
	if (munmap(p + len / 4, len / 2) || munmap(p, len / 4) || munmap(p + len / 4 * 3, len / 4))
		die("munmap");
}

static void storm_round(int i)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		if (i % 3 == 0)
			execl("/proc/self/exe", "figures", "nothing", (char *)NULL);
		if (i % 16 == 1)
			touch(8 << 20, MADV_HUGEPAGE);
		touch(64 * PAGE, MADV_NORMAL);
		_exit(0);
	}
	touch(64 * PAGE, MADV_NORMAL);
	if (waitpid(pid, &status, 0) != pid || status)
		die("a child of the storm");
}

/* Objects in use, of all caches together. */
static long objects(void)
{
	static char text[16384];
	int fd = open("/proc/slabinfo", O_RDONLY);
	ssize_t n;
	long sum = 0;

	memset(text, 1, sizeof text);
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		die("slabinfo");
	text[n] = 0;
	for (char *line = text; (line = strchr(line, '\n')); )
		if (*++line && *line != '#' && strchr(line, ' '))
			sum += atol(strchr(line, ' '));
	return sum;
}

/* KiB that are free or that the kernel knows the use of: the sum stays the same for ever. */
static long known(struct memory m) { return m.free + m.slab + m.stacks + m.cached + m.tables + m.anon; }
/* KiB that only processes can have; our own and the shell's may have become a page or two larger. */
static long used(struct memory m) { return m.stacks + m.tables + m.anon; }

static void storm(int n)
{
	struct memory a, b;
	long before, after;

	for (int i = 0; i < 200; i++)
		storm_round(i);
	usleep(300000);
	before = objects();	/* and it has its buffer */
	a = look();
	for (int i = 0; i < n; i++)
		storm_round(i);
	/* What waits for other CPUs to pass by is free a moment later. */
	for (int i = 0; i < 40; i++) {
		usleep(100000);
		b = look();
		after = objects();
		if (known(b) >= known(a) && used(b) <= used(a) && after <= before)
			break;
	}
	printf("figure storm %ld\nfigure used %ld\n", (known(a) - known(b)) / 4, (used(b) - used(a)) / 4);
	printf("figure objects %ld\n", after - before);
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? atoi(argv[2]) : 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc == 2 && !strcmp(argv[1], "nothing"))
		return 0;
	if (n < 1 || n > (!strcmp(argv[1], "storm") ? 1000000 : MAX))
		die("usage: figures processes|threads|storm N");
	if (!strcmp(argv[1], "processes"))
		processes(n);
	else if (!strcmp(argv[1], "threads"))
		threads(n);
	else if (!strcmp(argv[1], "storm"))
		storm(n);
	else
		die("no such figure");
	return 0;
}
