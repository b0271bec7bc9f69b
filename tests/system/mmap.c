/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory: anonymous and file mappings, protection, copy-on-write, brk, what faults and how. */
#include "test.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE 4096

static sigjmp_buf jump;
static volatile int fault_signal, fault_code;
static void *volatile fault_address;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	fault_signal = signo;
	fault_code = info->si_code;
	fault_address = info->si_addr;
	siglongjmp(jump, 1);
}

static void catch_faults(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	check_ok(sigaction(SIGSEGV, &sa, 0));
	check_ok(sigaction(SIGBUS, &sa, 0));
}

/* The signal that touching the byte raises, 0 if none. */
static int touch(volatile char *p, bool store)
{
	fault_signal = 0;
	if (!sigsetjmp(jump, 1)) {
		if (store)
			*p = 1;
		else
			(void)*p;
	}
	return fault_signal;
}

static char *anon(size_t n, int prot)
{
	char *p = mmap(0, n, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(p != MAP_FAILED);
	return p;
}

static void anonymous(void)
{
	char *p = anon(64 * PAGE, PROT_READ | PROT_WRITE);

	for (int i = 0; i < 64 * PAGE; i++)
		check(p[i] == 0);
	memset(p, 7, 64 * PAGE);
	check(p[63 * PAGE] == 7);
	check_ok(munmap(p, 64 * PAGE));
	catch_faults();
	check_equal(touch(p, false), SIGSEGV);
	check_equal(fault_code, SEGV_MAPERR);
	check(fault_address == p);
}

static void bad_arguments(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	check(mmap(0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
	check(mmap(0, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
	check(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
	check(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 100) == -1 && errno == EINVAL);
	check(mmap((void *)100, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED
	      && errno == EINVAL);
	fd = open("f", O_RDONLY);
	check(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES);
	fd = open("f", O_WRONLY);
	check(mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EACCES);
	check_errno(munmap((void *)100, PAGE), EINVAL);
	check_errno(mprotect((void *)(1ul << 40), PAGE, PROT_READ), ENOMEM);
	check(mmap(0, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
}

static void protection(void)
{
	char *p = anon(3 * PAGE, PROT_READ | PROT_WRITE);

	memset(p, 5, 3 * PAGE);
	catch_faults();
	check_ok(mprotect(p + PAGE, PAGE, PROT_READ));
	check_equal(touch(p + PAGE, false), 0);
	check_equal(touch(p + PAGE, true), SIGSEGV);
	check_equal(fault_code, SEGV_ACCERR);
	check_equal(touch(p, true), 0);
	check_equal(touch(p + 2 * PAGE, true), 0);
	check_ok(mprotect(p + PAGE, PAGE, PROT_NONE));
	check_equal(touch(p + PAGE, false), SIGSEGV);
	check_ok(mprotect(p, 3 * PAGE, PROT_READ | PROT_WRITE));
	check_equal(p[PAGE + 1], 5);
	check_equal(touch(p + PAGE, true), 0);
	/* System calls see the same protection. */
	check_ok(mprotect(p, PAGE, PROT_READ));
	check_errno(read(open("/dev/zero", O_RDONLY), p, 10), EFAULT);
	check_ok(mprotect(p, PAGE, PROT_NONE));
	check_errno(write(open("file", O_CREAT | O_RDWR, 0600), p, 10), EFAULT);
}

static void not_executable(void)
{
	void (*volatile code)(void) = (void (*)(void))anon(PAGE, PROT_READ | PROT_WRITE);

	catch_faults();
	fault_signal = 0;
	if (!sigsetjmp(jump, 1))
		code();
	check_equal(fault_signal, SIGSEGV);
	check(fault_address == (void *)code);
}

static void holes_in_mappings(void)
{
	char *p = anon(5 * PAGE, PROT_READ | PROT_WRITE);

	memset(p, 1, 5 * PAGE);
	check_ok(munmap(p + 2 * PAGE, PAGE));
	catch_faults();
	check_equal(touch(p + 2 * PAGE, false), SIGSEGV);
	check_equal(touch(p + PAGE, false), 0);
	check_equal(touch(p + 3 * PAGE, false), 0);
	check(mmap(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
	      == p + 2 * PAGE);
	check_equal(p[2 * PAGE], 0);
	check(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED
	      && errno == EEXIST);
}

static void copy_on_write(void)
{
	char *p = anon(16 * PAGE, PROT_READ | PROT_WRITE);
	pid_t pid;

	memset(p, 'p', 16 * PAGE);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 16; i++)
			if (p[i * PAGE] != 'p')
				_exit(1);
		memset(p, 'c', 16 * PAGE);
		_exit(p[0] == 'c' ? 0 : 2);
	}
	check_equal(wait_for(pid), 0);
	for (int i = 0; i < 16; i++)
		check(p[i * PAGE] == 'p' && p[i * PAGE + 4095] == 'p');
	p[0] = 'x';
	check_equal(p[0], 'x');
}

static void shared_anonymous(void)
{
	volatile int *p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	check(p != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		p[3] = 42;
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_equal(p[3], 42);
}

static void file_private(void)
{
	char buf[8], *p;
	int fd = open("private", O_CREAT | O_RDWR, 0600);

	check_equal(write(fd, "original", 8), 8);
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check(p != MAP_FAILED && !memcmp(p, "original", 8));
	check_equal(p[8], 0);
	check_equal(p[4095], 0);
	p[0] = 'X';
	check_equal(pread(fd, buf, 8, 0), 8);
	check_equal(buf[0], 'o');
	check_ok(close(fd));
	check(!memcmp(p, "Xriginal", 8));
}

static void file_shared(void)
{
	char buf[8], *p, *q;
	int fd = open("shared", O_CREAT | O_RDWR, 0600);

	check_ok(ftruncate(fd, 3 * PAGE));
	p = mmap(0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	check(p != MAP_FAILED && q != MAP_FAILED);
	memcpy(p + PAGE, "written", 7);
	check(!memcmp(q, "written", 7));
	check_equal(pread(fd, buf, 7, PAGE), 7);
	check(!memcmp(buf, "written", 7));
	check_equal(pwrite(fd, "WRI", 3, PAGE), 3);
	check(!memcmp(p + PAGE, "WRItten", 7));
	check_ok(msync(p, 3 * PAGE, MS_SYNC));
	check_ok(munmap(p, 3 * PAGE));
	check_equal(pread(fd, buf, 7, PAGE), 7);
	check(!memcmp(buf, "WRItten", 7));
}

static void beyond_end_of_file(void)
{
	char *p;
	int fd = open("short", O_CREAT | O_RDWR, 0600);

	check_ok(ftruncate(fd, PAGE + 10));
	p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	catch_faults();
	check_equal(touch(p + PAGE + 100, true), 0);
	check_equal(touch(p + 2 * PAGE, false), SIGBUS);
	check_equal(fault_code, BUS_ADRERR);
	check_ok(ftruncate(fd, 3 * PAGE));
	check_equal(touch(p + 2 * PAGE, false), 0);
	check_ok(ftruncate(fd, 0));
	check_equal(touch(p, false), SIGBUS);
}

static void program_break(void)
{
	char *start = (char *)syscall(SYS_brk, 0), *end;

	end = (char *)syscall(SYS_brk, start + 100000);
	check(end == start + 100000);
	memset(start, 1, 100000);
	check((char *)syscall(SYS_brk, start + 10) == start + 10);
	check((char *)syscall(SYS_brk, start + 50000) == start + 50000);
	check_equal(start[20000], 0);
	check((char *)syscall(SYS_brk, 8) == start + 50000);
}

static void remap(void)
{
	char *p = anon(2 * PAGE, PROT_READ | PROT_WRITE), *q;

	strcpy(p, "keep");
	strcpy(p + PAGE, "keep too");
	q = mremap(p, 2 * PAGE, 200 * PAGE, MREMAP_MAYMOVE);
	check(q != MAP_FAILED && !strcmp(q, "keep") && !strcmp(q + PAGE, "keep too"));
	q[199 * PAGE] = 1;
	check(mremap(q, 200 * PAGE, PAGE, 0) == q);
	catch_faults();
	check_equal(touch(q + PAGE, false), SIGSEGV);
	check(!strcmp(q, "keep"));
}

static void advice(void)
{
	char *p = anon(4 * PAGE, PROT_READ | PROT_WRITE);

	memset(p, 9, 4 * PAGE);
	check_ok(madvise(p, 4 * PAGE, MADV_DONTNEED));
	check_equal(p[0], 0);
	check_equal(p[3 * PAGE], 0);
	check_errno(madvise(p, PAGE, 9999), EINVAL);
	check_errno(madvise(p + 1, PAGE, MADV_NORMAL), EINVAL);
}

static void stack_grows(void)
{
	char block[1 << 20];

	memset(block, 3, sizeof block);
	check(block[12345] == 3);
}

static int deep(int n)
{
	volatile char block[65536];

	block[n & 1023] = n;
	return n < 0 ? 0 : deep(n + 1) + block[n & 1023];
}

static void stack_overflow(void)
{
	static char alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof alt };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	check_ok(sigaltstack(&ss, 0));
	check_ok(sigaction(SIGSEGV, &sa, 0));
	if (!sigsetjmp(jump, 1))
		check_equal(deep(0), 1);
	check_equal(fault_signal, SIGSEGV);
}

static void kernel_addresses(void)
{
	catch_faults();
	check_equal(touch((char *)0xffffffff80000000ul, false), SIGSEGV);
	check_equal(touch((char *)0xffff800000000000ul, true), SIGSEGV);
	check_equal(touch((char *)0x0, false), SIGSEGV);
	check_equal(touch((char *)0xffffffffffffffffull, false), SIGSEGV);
}

static void many_mappings(void)
{
	static char *p[500];

	for (int i = 0; i < 500; i++) {
		p[i] = anon(PAGE * (1 + i % 3), i % 2 ? PROT_READ | PROT_WRITE : PROT_READ);
		if (i % 2)
			p[i][0] = i;
	}
	for (int i = 0; i < 500; i++)
		check_equal(p[i][0], (char)(i % 2 ? i : 0));
	for (int i = 0; i < 500; i += 3)
		check_ok(munmap(p[i], PAGE * (1 + i % 3)));
	for (int i = 1; i < 500; i += 3)
		check_equal(p[i][0], (char)(i % 2 ? i : 0));
}

static const struct test table[] = {
	{ "anonymous", anonymous }, { "bad-arguments", bad_arguments }, { "protection", protection },
	{ "not-executable", not_executable }, { "holes", holes_in_mappings }, { "copy-on-write", copy_on_write },
	{ "shared-anonymous", shared_anonymous }, { "file-private", file_private }, { "file-shared", file_shared },
	{ "beyond-end-of-file", beyond_end_of_file }, { "brk", program_break }, { "mremap", remap },
	{ "madvise", advice }, { "stack-grows", stack_grows }, { "stack-overflow", stack_overflow },
	{ "kernel-addresses", kernel_addresses }, { "many-mappings", many_mappings },
	{ 0 },
};

TEST_MAIN(table)
