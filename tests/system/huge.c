/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transparent large pages: they come when asked for, and whatever is done to a part of one behaves as if all pages
 * were small. No case depends on a large page being there, but the one that asks how many there are.
 */
#include "huge.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#ifndef PR_SET_THP_DISABLE
#define PR_SET_THP_DISABLE 41
#define PR_GET_THP_DISABLE 42
#endif

static void asked_for(void)
{
	unsigned long before = stat_of("/proc/vmstat", "thp_fault_alloc"), all = stat_of("/proc/meminfo", "AnonHugePages");
	char *p = blocks(4);

	fill(p, 4 * LARGE, 1);
	check_equal(large_kib(p, 4 * LARGE), 4 * LARGE >> 10);
	check(stat_of("/proc/vmstat", "thp_fault_alloc") >= before + 4);
	check(stat_of("/proc/meminfo", "AnonHugePages") >= all + (4 * LARGE >> 10));
	check(is_filled(p, 0, 4 * LARGE, 1));
	check_ok(munmap(p, 4 * LARGE));
}

static void refused(void)
{
	char *p = blocks(3);

	check_ok(madvise(p, 3 * LARGE, MADV_NOHUGEPAGE));
	fill(p, 3 * LARGE, 2);
	check_equal(large_kib(p, 3 * LARGE), 0);
	check_equal(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
	check_ok(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	check_equal(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
	p = blocks(3);
	fill(p, 3 * LARGE, 2);
	check_equal(large_kib(p, 3 * LARGE), 0);
	if (!fork())	/* a child inherits it */
		_exit(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	int status;
	check_ok(wait(&status));
	check_equal(WEXITSTATUS(status), 1);
	check_errno(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
	check_errno(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0), EINVAL);
	check_ok(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	p = blocks(2);
	fill(p, 2 * LARGE, 2);
	check_equal(large_kib(p, 2 * LARGE), 2 * LARGE >> 10);
}

/* Holes of odd sizes, one at each end and one across the border of two blocks. */
static void unmapped_in_part(void)
{
	char *p = blocks(2);
	static const struct { size_t from, to; } holes[] = {
		{ 0, PAGE }, { 100 * PAGE, 103 * PAGE }, { LARGE - 5 * PAGE, LARGE + 7 * PAGE }, { 2 * LARGE - PAGE, 2 * LARGE },
	};
	size_t at = 0;

	fill(p, 2 * LARGE, 3);
	for (unsigned i = 0; i < 4; i++)
		check_ok(munmap(p + holes[i].from, holes[i].to - holes[i].from));
	for (unsigned i = 0; i < 4; i++) {
		unsigned char vec;

		check(is_filled(p, at, holes[i].from, 3));
		check_errno(mincore(p + holes[i].from, PAGE, &vec), ENOMEM);
		at = holes[i].to;
	}
	check_equal(large_kib(p, 2 * LARGE), 0);
}

static void dropped_in_part(void)
{
	char *p = blocks(2);

	fill(p, 2 * LARGE, 4);
	check_ok(madvise(p + 7 * PAGE, 9 * PAGE, MADV_DONTNEED));
	check(is_filled(p, 0, 7 * PAGE, 4) && is_filled(p, 16 * PAGE, 2 * LARGE, 4));
	for (size_t at = 7 * PAGE; at < 16 * PAGE; at += 8)
		check_equal(*(unsigned long *)(p + at), 0);
	check_ok(madvise(p, 2 * LARGE, MADV_DONTNEED));
	for (size_t at = 0; at < 2 * LARGE; at += PAGE - 8)
		check_equal(*(unsigned long *)(p + (at & ~7ul)), 0);
	fill(p, 2 * LARGE, 5);
	check(is_filled(p, 0, 2 * LARGE, 5));
}

static volatile sig_atomic_t faults;

static void skip_page(int signal, siginfo_t *info, void *context)
{
	faults++;
	mprotect((void *)((uintptr_t)info->si_addr & ~(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE);
}

static void protected_in_part(void)
{
	struct sigaction action = { .sa_sigaction = skip_page, .sa_flags = SA_SIGINFO };
	char *p = blocks(2);

	check_ok(sigaction(SIGSEGV, &action, NULL));
	fill(p, 2 * LARGE, 6);
	check_ok(mprotect(p + 50 * PAGE, 3 * PAGE, PROT_READ));
	check_ok(mprotect(p + LARGE, LARGE, PROT_NONE));
	check(is_filled(p, 0, LARGE, 6));
	fill(p, LARGE, 7);
	check_equal(faults, 3);
	check(is_filled(p, 0, LARGE, 7));
	*(volatile char *)(p + LARGE + 20 * PAGE);
	check_equal(faults, 4);
	check_ok(mprotect(p + LARGE, LARGE, PROT_READ));
	check(is_filled(p, LARGE, 2 * LARGE, 6));
	check_ok(mprotect(p + LARGE, LARGE, PROT_READ | PROT_WRITE));
	fill(p, 2 * LARGE, 8);
	check_equal(faults, 4);
}

/* Parent and child write into each other's copies of neither; the parent goes on alone afterwards. */
static void forked(void)
{
	char *p = blocks(3);

	fill(p, 3 * LARGE, 9);
	for (int round = 0; round < 3; round++) {
		int in[2], status;
		char c;
		pid_t pid;

		check_ok(pipe(in));
		pid = fork();
		check_ok(pid);
		if (!pid) {
			bool ok = read(in[0], &c, 1) == 1 && is_filled(p, 0, 3 * LARGE, 9 + round);

			fill(p + LARGE, LARGE, 1000);
			p[5] = 1;
			_exit(!ok || !is_filled(p + LARGE, 0, LARGE, 1000) || !is_filled(p, 2 * LARGE, 3 * LARGE, 9 + round));
		}
		p[2 * LARGE + 17 * PAGE]++;
		fill(p, 3 * LARGE, 10 + round);
		check_equal(write(in[1], "x", 1), 1);
		check_equal(waitpid(pid, &status, 0), pid);
		check_equal(status, 0);
		check(is_filled(p, 0, 3 * LARGE, 10 + round));
		close(in[0]);
		close(in[1]);
	}
}

static void moved(void)
{
	char *p = blocks(2), *to = mmap(NULL, 2 * LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(to != MAP_FAILED);
	fill(p, 2 * LARGE, 11);
	check(mremap(p + 3 * PAGE, LARGE, LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE) == to + PAGE);
	check(is_filled(p, 0, 3 * PAGE, 11) && is_filled(p, LARGE + 3 * PAGE, 2 * LARGE, 11));
	check(is_filled(to - 2 * PAGE, 3 * PAGE, LARGE + 3 * PAGE, 11));
	p = blocks(2);
	fill(p, 2 * LARGE, 12);
	check(mremap(p, 2 * LARGE, 5 * PAGE, 0) == p);
	check(is_filled(p, 0, 5 * PAGE, 12));
}

/* The kernel's own reads and writes of such memory, and those of another process's. */
static void by_the_kernel(void)
{
	char *p = blocks(2), *q = malloc(6 * PAGE);
	struct iovec local = { q, 6 * PAGE }, remote = { p + LARGE - 3 * PAGE, 6 * PAGE };
	unsigned char vec[16];
	int fd[2];

	fill(p, 2 * LARGE, 13);
	check_ok(pipe(fd));
	check_equal(write(fd[1], p + LARGE - 3 * PAGE, 6 * PAGE), (long)(6 * PAGE));
	check_equal(read(fd[0], p + 77, 6 * PAGE), (long)(6 * PAGE));
	check(!memcmp(p + 77, p + LARGE - 3 * PAGE, 6 * PAGE));
	fill(p, 2 * LARGE, 13);
	check_equal(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), (long)(6 * PAGE));
	check(!memcmp(q, p + LARGE - 3 * PAGE, 6 * PAGE));
	check_ok(mincore(p + LARGE - 8 * PAGE, 16 * PAGE, vec));
	for (int i = 0; i < 16; i++)
		check_equal(vec[i] & 1, 1);
	check_ok(mlock(p + 5 * PAGE, PAGE));
	check_ok(munlock(p + 5 * PAGE, PAGE));
	check_ok(madvise(p + 9 * PAGE, PAGE, MADV_DONTFORK));
	check_ok(madvise(p + 9 * PAGE, PAGE, MADV_DOFORK));
	check(is_filled(p, 0, 2 * LARGE, 13));
}

static char *shared_block;
static pthread_barrier_t gate;

static void *touch_some(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	pthread_barrier_wait(&gate);
	for (size_t at = me * PAGE; at < 4 * LARGE; at += 4 * PAGE)
		shared_block[at] = (char)(at / PAGE % 251 + 1);
	return NULL;
}

/* Four threads meet in the same blocks, while a fifth takes pages out of others. */
static void threads_meet(void)
{
	for (int round = 0; round < 8; round++) {
		pthread_t t[4];
		char *other = blocks(1);

		shared_block = blocks(4);
		pthread_barrier_init(&gate, NULL, 5);
		for (uintptr_t i = 0; i < 4; i++)
			check_equal(pthread_create(&t[i], NULL, touch_some, (void *)i), 0);
		pthread_barrier_wait(&gate);
		for (int i = 0; i < 64; i++) {
			other[i * PAGE] = 1;
			check_ok(madvise(other + i * PAGE, PAGE, MADV_DONTNEED));
			check_equal(other[i * PAGE], 0);
		}
		for (int i = 0; i < 4; i++)
			check_equal(pthread_join(t[i], NULL), 0);
		for (size_t at = 0; at < 4 * LARGE; at += PAGE)
			check_equal(shared_block[at], (char)(at / PAGE % 251 + 1));
		check_ok(munmap(shared_block, 4 * LARGE));
		check_ok(munmap(other, LARGE));
	}
}

static void switches(void)
{
	char was[64] = { 0 }, now[64] = { 0 }, *open_at, *p;
	int fd = open(ENABLED, O_RDONLY);

	(void)blocks(1);
	check_ok(fd);
	check(read(fd, was, sizeof was - 1) > 0);
	close(fd);
	open_at = strchr(was, '[');
	check(open_at && strchr(open_at, ']') && strstr(was, "always") && strstr(was, "madvise") && strstr(was, "never"));
	set_mode("perhaps", EINVAL);
	set_mode("never\n", 0);
	p = blocks(2);
	fill(p, 2 * LARGE, 14);
	check_equal(large_kib(p, 2 * LARGE), 0);
	set_mode("madvise", 0);
	p = blocks(2);
	fill(p, 2 * LARGE, 15);
	check_equal(large_kib(p, 2 * LARGE), 2 * LARGE >> 10);
	p = blocks(2);
	check_ok(madvise(p, 2 * LARGE, MADV_NOHUGEPAGE));
	fill(p, 2 * LARGE, 16);
	check_equal(large_kib(p, 2 * LARGE), 0);
	*strchr(open_at, ']') = 0;
	set_mode(open_at + 1, 0);
	fd = open(ENABLED, O_RDONLY);
	check(read(fd, now, sizeof now - 1) > 0);
	close(fd);
	check(strstr(now, open_at));
}

/* Areas of half a block, and blocks that lie across two areas, have none. */
static void not_in_pieces(void)
{
	char *p = blocks(2);

	check_ok(mprotect(p + LARGE - PAGE, 2 * PAGE, PROT_READ));
	for (size_t at = 0; at < LARGE - PAGE; at += PAGE)
		p[at] = 1;
	for (size_t at = LARGE + PAGE; at < 2 * LARGE; at += PAGE)
		p[at] = 1;
	check_equal(large_kib(p, 2 * LARGE), 0);
}

static const struct test table[] = {
	{ "asked-for", asked_for }, { "refused", refused }, { "unmapped-in-part", unmapped_in_part },
	{ "dropped-in-part", dropped_in_part }, { "protected-in-part", protected_in_part }, { "forked", forked },
	{ "moved", moved }, { "by-the-kernel", by_the_kernel }, { "threads-meet", threads_meet }, { "switches", switches },
	{ "not-in-pieces", not_in_pieces },
	{ 0 },
};

TEST_MAIN(table)
