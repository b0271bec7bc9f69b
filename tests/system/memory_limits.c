/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process may have: RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK and the overcommit modes. */
#include "memory.h"

static void limit(int which, unsigned long value)
{
	struct rlimit l = { value, RLIM_INFINITY };

	check_ok(setrlimit(which, &l));
}

static void address_limit(void)
{
	char *p = anon(64 * PAGE);

	limit(RLIMIT_AS, 256ul << 20);
	check(mmap(0, 512ul << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	check(mremap(p, 64 * PAGE, 512ul << 20, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
	limit(RLIMIT_AS, RLIM_INFINITY);
	p = mmap(0, 512ul << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	limit(RLIMIT_AS, 1);
	check_ok(munmap(p, 512ul << 20));
	check(mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
}

static void data_limit(void)
{
	char *start = (char *)syscall(SYS_brk, 0);

	limit(RLIMIT_DATA, 8ul << 20);
	check((char *)syscall(SYS_brk, start + (64l << 20)) == start);
	check(mmap(0, 64ul << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
	      && errno == ENOMEM);
	check(mmap(0, 64ul << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	check(mmap(0, 64ul << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static int deep(int n)
{
	volatile char block[16384];

	block[n & 1023] = n;
	return n == 0 ? 0 : deep(n - 1) + block[n & 1023];
}

static void stack_limit(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		limit(RLIMIT_STACK, 512 << 10);
		deep(100);	/* 1.6 MiB */
		_exit(0);
	}
	check_equal(wait_for(pid) & 127, SIGSEGV);
	pid = fork();
	if (pid == 0) {
		limit(RLIMIT_STACK, 4 << 20);
		deep(100);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	check_ok(fd);
	check_equal(write(fd, text, strlen(text)), (long)strlen(text));
	close(fd);
}

static void overcommit(void)
{
	const char *mode = "/proc/sys/vm/overcommit_memory";
	unsigned long total = field("/proc/meminfo", "MemTotal") * 1024, big = total * 2;
	char *p;

	/* Guessing: only what can never be there is refused. */
	write_file(mode, "0\n");
	check(mmap(0, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	p = mmap(0, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	check(p != MAP_FAILED);
	munmap(p, big);
	write_file(mode, "1\n");
	p = mmap(0, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	munmap(p, big);
	/* Strict: sums count, too, and what may become written counts when it becomes so. */
	write_file("/proc/sys/vm/overcommit_ratio", "50\n");
	write_file(mode, "2\n");
	check(field("/proc/meminfo", "CommitLimit") * 1024ul <= total / 2 + PAGE);
	p = mmap(0, total / 4 * 3, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	check_errno(mprotect(p, total / 4 * 3, PROT_READ | PROT_WRITE), ENOMEM);
	check(mmap(0, total / 4 * 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED);
	p = mmap(0, total / 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	check(field("/proc/meminfo", "Committed_AS") * 1024ul >= total / 3 - PAGE);
	check(mmap(0, total / 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	check(fork() == -1 && errno == ENOMEM);
	munmap(p, total / 3);
	p = mmap(0, total / 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	munmap(p, total / 3);
	write_file(mode, "0\n");
	check(open(mode, O_WRONLY) >= 0 && write(open(mode, O_WRONLY), "7\n", 2) == -1 && errno == EINVAL);
}

static const struct test table[] = {
	{ "address-limit", address_limit }, { "data-limit", data_limit }, { "stack-limit", stack_limit },
	{ "overcommit", overcommit },
	{ 0 },
};

TEST_MAIN(table)
