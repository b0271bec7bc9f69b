/* SPDX-License-Identifier: BSD-2-Clause */
/* Areas: moving them, kinds of mappings, hostile ranges, policies of one node; truncation against faults. */
#include "memory.h"
#include <pthread.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static void remap_keep(void)
{
	char *p = anon(4 * PAGE), *q;

	memset(p, 'x', 4 * PAGE);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	check(q != MAP_FAILED && q != p);
	check(q[0] == 'x' && q[4 * PAGE - 1] == 'x');
	catch_faults();
	check_equal(touch(p, false), 0);
	check_equal(p[0], 0);
	p[5] = 3;
	check_equal(q[5], 'x');
	check(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_DONTUNMAP) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP) == MAP_FAILED && errno == EINVAL);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, q);
	check(q != MAP_FAILED && q[5] == 3);
}

static void remap_second_view(void)
{
	char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED), *q;

	p[PAGE] = 'a';
	q = mremap(p + PAGE, 0, PAGE, MREMAP_MAYMOVE);
	check(q != MAP_FAILED && q != p + PAGE && q[0] == 'a');
	q[1] = 'b';
	check_equal(p[PAGE + 1], 'b');
	check_ok(munmap(p, 4 * PAGE));
	check_equal(q[0], 'a');
	p = anon(PAGE);
	check(mremap(p, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
}

static void remap_bad(void)
{
	char *p = anon(8 * PAGE), *q;

	check(mremap(p + 1, PAGE, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, 0, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, PAGE, 64) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 4 * PAGE) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * PAGE + 1) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, 1ul << 60, MREMAP_MAYMOVE) == MAP_FAILED && (errno == EINVAL || errno == ENOMEM));
	check_ok(munmap(p + 4 * PAGE, PAGE));
	check(mremap(p + 4 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
	check(mremap(p + 3 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
	/* No room to grow in place. */
	check(mremap(p, PAGE, 2 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
	/* Into the hole it may grow. */
	q = mremap(p + 3 * PAGE, PAGE, 2 * PAGE, 0);
	check(q == p + 3 * PAGE);
}

static void shared_zero(void)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *q;
	pid_t pid;

	check(p != MAP_FAILED);
	q = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check(q != MAP_FAILED);
	q[3] = 1;
	pid = fork();
	if (pid == 0) {
		p[PAGE] = 'z';
		q[3] = 9;
		_exit(p[0] || q[4]);
	}
	check_equal(wait_for(pid), 0);
	check_equal(p[PAGE], 'z');
	check_equal(q[3], 1);
	/* Another mapping is other memory. */
	check_equal(((char *)mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0))[PAGE], 0);
}

static void grows_down(void)
{
	char *room = map(600 * PAGE, PROT_NONE, MAP_PRIVATE), *p;

	check_ok(munmap(room, 600 * PAGE));
	p = mmap(room + 590 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	check(p == room + 590 * PAGE);
	catch_faults();
	check_equal(touch(p - 10 * PAGE, true), 0);
	check_equal(p[-5 * PAGE], 0);
	check_equal(touch(room + 580 * PAGE, true), 0);
}

static void validated_flags(void)
{
	int fd = open("v", O_CREAT | O_RDWR, 0600);

	check_ok(ftruncate(fd, PAGE));
	check(mmap(0, PAGE, PROT_READ, MAP_SHARED_VALIDATE, fd, 0) != MAP_FAILED);
	check(mmap(0, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x800000, fd, 0) == MAP_FAILED && errno == EOPNOTSUPP);
	check(mmap(0, PAGE, PROT_READ, MAP_SHARED | 0x800000, fd, 0) != MAP_FAILED);
}

static void hostile_ranges(void)
{
	static const unsigned long lengths[] = { 0, 1, PAGE, -1ul, -PAGE, 1ul << 63, 1ul << 47, (1ul << 63) + PAGE };
	static const unsigned long starts[] = { 0, 1, PAGE, -PAGE, -1ul, 1ul << 47, 1ul << 63, 0x7ffffffff000ul };

	for (unsigned i = 0; i < 8; i++)
		for (unsigned j = 0; j < 8; j++) {
			void *at = (void *)starts[i];
			unsigned long n = lengths[j];
			unsigned char vec[16];

			/* Nothing is mapped there: an error, or nothing to do. */
			if (starts[i] < PAGE || starts[i] >= 1ul << 47) {
				if (n > 0 && n <= PAGE) {
					check(syscall(SYS_mprotect, at, n, PROT_READ) == -1);
					check(madvise(at, n, MADV_DONTNEED) == -1);
					check(mlock(at, n) == -1);
					check(msync(at, n, MS_SYNC) == -1);
					check(mincore(at, n, vec) == -1);
				}
			}
			if (n > 1ul << 62) {
				check(mmap(at, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
				check(mremap(at, n, n, MREMAP_MAYMOVE) == MAP_FAILED);
				check(syscall(SYS_mprotect, 0x8000, n, PROT_READ) == -1);	/* below any program */
			}
		}
	check(mmap((void *)-PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
	check_equal(errno, ENOMEM);
	check_errno(munmap((void *)PAGE, -PAGE), EINVAL);
	check_errno(munmap(0, -1ul), EINVAL);
	check_errno(msync(anon(PAGE), PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	check_errno(msync(anon(PAGE) + 1, PAGE, MS_SYNC), EINVAL);
	check_errno(msync(anon(PAGE), PAGE, 64), EINVAL);
}

static void policies(void)
{
	unsigned long mask = 1, far = 2, got = 0;
	char *p = anon(4 * PAGE);
	int mode = -1;

	check_ok(syscall(SYS_get_mempolicy, &mode, &got, 64, 0, 0));
	check_equal(mode, 0);
	check_equal(got, 0);
	check_ok(syscall(SYS_set_mempolicy, 2, &mask, 64));	/* MPOL_BIND */
	check_ok(syscall(SYS_get_mempolicy, &mode, &got, 64, 0, 0));
	check_equal(mode, 2);
	check_equal(got, 1);
	check_errno(syscall(SYS_set_mempolicy, 2, &far, 64), EINVAL);
	check_errno(syscall(SYS_set_mempolicy, 2, 0, 0), EINVAL);
	check_errno(syscall(SYS_set_mempolicy, 99, &mask, 64), EINVAL);
	check_errno(syscall(SYS_set_mempolicy, 0, &mask, 64), EINVAL);
	check_errno(syscall(SYS_set_mempolicy, 2, 8, 64), EFAULT);
	check_ok(syscall(SYS_set_mempolicy, 0, 0, 0));
	check_ok(syscall(SYS_mbind, p, 4 * PAGE, 2, &mask, 64, 0));
	check_errno(syscall(SYS_mbind, p, 4 * PAGE, 2, &far, 64, 0), EINVAL);
	check_errno(syscall(SYS_mbind, p + 1, PAGE, 2, &mask, 64, 0), EINVAL);
	check_errno(syscall(SYS_mbind, p, PAGE, 2, &mask, 64, 128), EINVAL);
	check_ok(syscall(SYS_get_mempolicy, &mode, 0, 0, p, 2));	/* MPOL_F_ADDR */
	check_equal(mode, 2);
	p[0] = 1;
	check_ok(syscall(SYS_get_mempolicy, &mode, 0, 0, p, 3));	/* MPOL_F_NODE: where it is */
	check_equal(mode, 0);
	check_ok(syscall(SYS_get_mempolicy, 0, &got, 64, 0, 4));	/* MPOL_F_MEMS_ALLOWED */
	check_equal(got, 1);
	check_errno(syscall(SYS_get_mempolicy, &mode, 0, 0, 8, 2), EFAULT);
	check_errno(syscall(SYS_get_mempolicy, (int *)8, 0, 0, 0, 0), EFAULT);
}

static volatile char *raced;
static volatile bool race_over;
static __thread sigjmp_buf race_jump;

static void race_signal(int signo) { siglongjmp(race_jump, 1); }

static void *race_toucher(void *unused)
{
	while (!race_over)
		if (!sigsetjmp(race_jump, 1))
			(void)raced[PAGE];
	return 0;
}

static void truncate_race(void)
{
	int fd = open("raced", O_CREAT | O_RDWR, 0600);
	pthread_t t[2];
	char c = 1;

	check_ok(ftruncate(fd, 2 * PAGE));
	raced = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(signal(SIGBUS, race_signal) != SIG_ERR);
	for (int i = 0; i < 2; i++)
		check(!pthread_create(&t[i], 0, race_toucher, 0));
	/* Each round interrupts the other CPU several times, which is slow where virtual CPUs share a real one. */
	for (int i = 0; i < 120; i++) {
		char now = 'A' + i % 26;

		check_equal(pwrite(fd, &now, 1, PAGE), 1);
		check_ok(ftruncate(fd, PAGE));
		check_ok(ftruncate(fd, 2 * PAGE));
		check_equal(pread(fd, &c, 1, PAGE), 1);
		check_equal(c, 0);
		check_equal(raced[PAGE], 0);
		check_equal(pwrite(fd, &now, 1, PAGE), 1);
		check_equal(raced[PAGE], now);	/* one page, not an orphan beside it */
	}
	race_over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], 0);
}

static void major_faults(void)
{
	struct rusage a, b;
	int fd = open("/bin/busybox", O_RDONLY);
	volatile char *p;

	check_ok(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	check_ok(getrusage(RUSAGE_SELF, &a));
	p = anon(64 * PAGE);
	for (int i = 0; i < 64; i++)
		p[i * PAGE] = 1;
	check_ok(getrusage(RUSAGE_SELF, &b));
	check(b.ru_minflt - a.ru_minflt >= 60);
	check_equal(b.ru_majflt, a.ru_majflt);
}

static const struct test table[] = {
	{ "remap-keep", remap_keep }, { "remap-second-view", remap_second_view }, { "remap-bad", remap_bad },
	{ "shared-zero", shared_zero }, { "grows-down", grows_down }, { "validated-flags", validated_flags },
	{ "hostile-ranges", hostile_ranges }, { "policies", policies }, { "truncate-race", truncate_race },
	{ "major-faults", major_faults },
	{ 0 },
};

TEST_MAIN(table)
