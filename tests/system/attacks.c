/* SPDX-License-Identifier: BSD-2-Clause */
/* A program tries what no program may: the kernel's memory, instructions and registers, others' memory, its own constants. */
#include "test.h"
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>

#define NOBODY 65534

static sigjmp_buf out;
static volatile int caught, caught_code;
static char alt_stack[65536];

static void on_fault(int sig, siginfo_t *si, void *context)
{
	caught = sig;
	caught_code = si->si_code;
	siglongjmp(out, 1);
}

static void catch_faults(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_sp = alt_stack, .ss_size = sizeof alt_stack };

	check_ok(sigaltstack(&ss, NULL));
	for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
		check_ok(sigaction(signals[i], &sa, NULL));
}

/* The signal that the statement ends in, 0: none. */
#define SIGNAL_OF(statement) ({ caught = 0; if (!sigsetjmp(out, 1)) { statement; } caught; })
#define check_dies(statement) check_equal(SIGNAL_OF(statement), SIGSEGV)

/* Halves of the kernel on the three, the ends of the user half, and what is no address at all. */
static const uint64_t not_ours[] = {
	0xffff800000000000, 0xffff888000000000, 0xffffc90000000000, 0xffffffff80000000, 0xffffffff81000000,
	0xffffffffa0000000, 0xffff000000000000, 0xffff000040200000, 0xffff800010000000, 0xfffffffffffff000,
	0xffffffc000000000, 0xffffffd600000000, 0xffffaf8000000000, 0xff60000000000000, 0xffffea0000000000,
	0x0000800000000000, 0x0001000000000000, 0x0040000000000000, 0x007ffffffffff000, 0x0080000000000000 | 0x7000,
	0xff00000000000000, 0xfff0000000001000, 0x8000800000000000, 0xfffff00000000000,
};
#define EACH(a) for (const uint64_t *a = not_ours; a < not_ours + sizeof not_ours / sizeof *not_ours; a++)

static void kernel_addresses(void)
{
	catch_faults();
	EACH(a) {
		check_dies((void)*(volatile char *)*a);
		check_dies(*(volatile char *)*a = 1);
		check_dies(((void (*)(void))*a)());
	}
}

/* A program cannot tell what is there: the code of the fault is one and the same for all of the kernel's half. */
static void kernel_half_looks_empty(void)
{
	static int first;

	catch_faults();
	for (uint64_t a = 0xffffffff80000000; a < 0xfffffffff0000000; a += 0x4000000) {
		check_dies((void)*(volatile char *)a);
		first = first ? first : caught_code;
		check_equal(caught_code, first);
	}
}

static void calls_with_kernel_addresses(void)
{
	int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY), fds[2];

	check_ok(zero);
	check_ok(null);
	check_ok(pipe(fds));
	EACH(a) {
		void *p = (void *)*a;
		struct iovec mine = { alt_stack, 8 }, iov = { p, 8 };

		check_errno(read(zero, p, 8), EFAULT);
		check_errno(write(fds[1], p, 8), EFAULT);
		check_errno(syscall(SYS_clock_gettime, CLOCK_REALTIME, p), EFAULT);
		check_errno(syscall(SYS_getrandom, p, 8, 0), EFAULT);
		check_errno(syscall(SYS_fstat, zero, p), EFAULT);
		check_errno(open(p, O_RDONLY), EFAULT);
		check_errno(syscall(SYS_futex, p, 0, 1, NULL), EFAULT);
		check_errno(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, p, 8), EFAULT);
		check_errno(syscall(SYS_getcwd, p, 100), EFAULT);
		check_errno(process_vm_readv(getpid(), &mine, 1, &iov, 1, 0), EFAULT);
		check_errno(process_vm_writev(getpid(), &mine, 1, &iov, 1, 0), EFAULT);
		check_errno(readv(zero, &iov, 1), EFAULT);
	}
}

static void privileged_instructions(void)
{
	catch_faults();
#if defined(__x86_64__)
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) table = { 0, 0 };

	check_dies(__asm__ volatile("cli"));
	check_dies(__asm__ volatile("hlt"));
	check_dies(__asm__ volatile("mov %%cr0, %%rax" ::: "rax"));
	check_dies(__asm__ volatile("mov %%rax, %%cr4" ::: "memory"));
	check_dies(__asm__ volatile("mov %%cr3, %%rax" ::: "rax"));
	check_dies(__asm__ volatile("mov %%db7, %%rax" ::: "rax"));
	check_dies(__asm__ volatile("rdmsr" :: "c"(0xc0000082) : "rax", "rdx"));
	check_dies(__asm__ volatile("wrmsr" :: "c"(0xc0000082), "a"(0), "d"(0)));
	check_dies(__asm__ volatile("invlpg (%0)" :: "r"(alt_stack) : "memory"));
	check_dies(__asm__ volatile("lgdt %0" :: "m"(table)));
	check_dies(__asm__ volatile("lidt %0" :: "m"(table)));
	check_dies(__asm__ volatile("swapgs"));
	check_dies(__asm__ volatile("outb %%al, $0x80" :: "a"(0)));
	check_dies(__asm__ volatile("inb $0x71, %%al" ::: "rax"));
	check_dies(__asm__ volatile("int $0xe"));
	check_dies(__asm__ volatile("int $0x20"));
#elif defined(__aarch64__)
	uint64_t v;

	check_equal(SIGNAL_OF(__asm__ volatile("mrs %0, sctlr_el1" : "=r"(v))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("mrs %0, ttbr1_el1" : "=r"(v))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("mrs %0, vbar_el1" : "=r"(v))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("mrs %0, sp_el0" : "=r"(v))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("msr sctlr_el1, %0" :: "r"(0ul))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("msr ttbr0_el1, %0" :: "r"(0ul))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("msr daifset, #15")), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile(".inst 0xd500409f")), SIGILL);	/* msr pan, #0 */
	check_equal(SIGNAL_OF(__asm__ volatile("tlbi vmalle1")), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("eret")), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("hvc #0")), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("smc #0")), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("msr cntp_cval_el0, %0" :: "r"(0ul))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("dc isw, %0" :: "r"(0ul))), SIGILL);
#elif defined(__riscv)
	uint64_t v;

	check_equal(SIGNAL_OF(__asm__ volatile("csrr %0, sstatus" : "=r"(v))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("csrr %0, satp" : "=r"(v))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("csrr %0, stvec" : "=r"(v))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("csrr %0, sscratch" : "=r"(v))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("csrr %0, mstatus" : "=r"(v))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("csrw satp, %0" :: "r"(0ul))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("csrw stvec, %0" :: "r"(0ul))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("csrs sstatus, %0" :: "r"(0x40000ul))), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("sfence.vma")), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("sret")), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("mret")), SIGILL);
	check_equal(SIGNAL_OF(__asm__ volatile("wfi")), SIGILL);
#endif
}

/* Where tables of the kernel lie is not told: a signal (UMIP), or a made-up number as Linux gives. */
static void table_addresses(void)
{
#if defined(__x86_64__)
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) t = { 0, 0 };

	catch_faults();
	check(SIGNAL_OF(__asm__ volatile("sgdt %0" : "=m"(t))) == SIGSEGV || t.base == 0xfffffffffffe0000);
	check(SIGNAL_OF(__asm__ volatile("sidt %0" : "=m"(t))) == SIGSEGV || t.base == 0xffffffffffff0000);
#endif
}

static void lowest_pages(void)
{
	FILE *f = fopen("/proc/sys/vm/mmap_min_addr", "r");
	unsigned long lowest = 0;

	check(f);
	check_ok(setuid(NOBODY));
	check_errno(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EPERM);
	check_equal(fscanf(f, "%lu", &lowest), 1);
	check(lowest >= 4096);
	check_errno(mmap((void *)(lowest - 4096), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EPERM);
	check(mmap((void *)4096, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) >= (void *)lowest);
	catch_faults();
	check_dies(*(volatile int *)8 = 1);
}

static int nothing(void) { return 7; }
static const int constant[2000] = { 5 };
static char in_data[64] __attribute__((aligned(64))) = { 1 };

static void *code_at(void *at)
{
	memcpy(at, (void *)nothing, 32);
	__builtin___clear_cache(at, (char *)at + 32);
	return at;
}

static void own_constants(void)
{
	catch_faults();
	check_dies(*(volatile char *)nothing = 0);
	check_equal(caught_code, SEGV_ACCERR);
	check_dies(*(volatile int *)constant = 6);
	check_equal(*(volatile int *)constant, 5);
}

static void own_data_is_no_code(void)
{
	char on_stack[64] __attribute__((aligned(64)));
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *heap = (char *)syscall(SYS_brk, 0);

	check(page != MAP_FAILED && syscall(SYS_brk, heap + 8192) == (long)(heap + 8192));
	heap = (char *)(((uintptr_t)heap + 63) & ~63ul);
	catch_faults();
	check_dies(((int (*)(void))code_at(page))());
	check_equal(caught_code, SEGV_ACCERR);
	check_dies(((int (*)(void))code_at(heap))());
	check_dies(((int (*)(void))code_at(in_data))());
	check_dies(((int (*)(void))code_at(on_stack))());
	/* One after the other is how a compiler at run time does it. */
	check_ok(mprotect(page, 4096, PROT_READ | PROT_EXEC));
	check_equal(((int (*)(void))page)(), 7);
	check_dies(*(volatile char *)page = 1);
	check_equal(caught_code, SEGV_ACCERR);
	check_ok(mprotect(page, 4096, PROT_NONE));
	check_dies((void)*(volatile char *)page);
	check_dies(((int (*)(void))page)());
}

static void shared_constants(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), ro;
	char *p;

	check_ok(write(fd, "text", 4));
	check_ok(ro = open("f", O_RDONLY));
	check_errno(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, ro, 0), EACCES);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
	check(p != MAP_FAILED);
	check_errno(mprotect(p, 4096, PROT_READ | PROT_WRITE), EACCES);
	catch_faults();
	check_dies(*(volatile char *)p = 'T');
	check_equal(*p, 't');
}

/* The stack ends before what lies below it: at least a page stays free. */
static void stack_keeps_off(void)
{
	char here, *below, *at;

	catch_faults();
	below = (char *)(((uintptr_t)&here & ~4095ul) - (3 << 20));
	check_equal(mmap(below, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), below);
	*below = 'b';
	at = (char *)((uintptr_t)&here & ~4095ul);
	caught = 0;
	if (!sigsetjmp(out, 1))
		for (; at > below; at -= 4096)
			*(volatile char *)at = 1;
	check_equal(caught, SIGSEGV);
	check(at >= below + 2 * 4096);
	check_equal(*below, 'b');
}

static void vdso(void)
{
	char *image = (char *)getauxval(AT_SYSINFO_EHDR);
	int status;
	pid_t pid;

	check(image && image[1] == 'E');
	catch_faults();
	check_dies(*(volatile char *)image = 0);
	check_dies(*(volatile char *)(image - 4096) = 0);
	/* Whoever may write to its own copy changes nobody else's. */
	pid = fork();
	if (!pid) {
		if (!mprotect(image, 4096, PROT_READ | PROT_WRITE))
			image[1] = 'X';
		_exit(0);
	}
	status = wait_for(pid);
	check_equal(status, 0);
	check_equal(image[1], 'E');
	pid = fork();
	if (!pid)
		_exit(image[1] != 'E');
	check_equal(wait_for(pid), 0);
}

static void other_memory(void)
{
	char buf[16] = "x";
	struct iovec mine = { buf, sizeof buf }, theirs = { buf, sizeof buf };
	int fd = open("/proc/self/mem", O_RDWR);
	pid_t pid = fork();

	check(fd >= 0 || errno == ENOENT);
	if (!pid) {		/* root's */
		for (;;)
			pause();
	}
	EACH(a) {
		check(pwrite(fd, buf, 1, (off_t)*a) == -1);
		check(pread(fd, buf, 1, (off_t)*a) <= 0);
	}
	check_ok(setgid(NOBODY));
	check_ok(setuid(NOBODY));
	snprintf(buf, sizeof buf, "/proc/%d/mem", pid);
	check(open(buf, O_RDWR) == -1 && (errno == EACCES || errno == ENOENT));
	check(open(buf, O_RDONLY) == -1 && (errno == EACCES || errno == ENOENT));
	check(open("/proc/1/mem", O_RDWR) == -1 && (errno == EACCES || errno == ENOENT));
	check_errno(process_vm_readv(pid, &mine, 1, &theirs, 1, 0), EPERM);
	check_errno(process_vm_writev(pid, &mine, 1, &theirs, 1, 0), EPERM);
	check_errno(process_vm_writev(1, &mine, 1, &theirs, 1, 0), EPERM);
	check_errno(kill(pid, 0), EPERM);
}

static void devices_of_memory(void)
{
	static const char *const names[] = { "/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", "/proc/kpageflags" };

	check_ok(setgid(NOBODY));
	check_ok(setuid(NOBODY));
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		check(open(names[i], O_RDWR) < 0 && (errno == ENOENT || errno == EACCES || errno == EPERM));
		check(open(names[i], O_RDONLY) < 0 && (errno == ENOENT || errno == EACCES || errno == EPERM));
	}
#if defined(__x86_64__)
	check(syscall(SYS_iopl, 3) < 0 && (errno == EPERM || errno == ENOSYS));
	check(syscall(SYS_ioperm, 0x80, 1, 1) < 0 && (errno == EPERM || errno == ENOSYS));
#endif
}

/* ---- what a signal frame may not bring back ------------------------------------------------------- */

static int forged;

static void forge(int sig, siginfo_t *si, void *context)
{
	ucontext_t *u = context;
	static const uint64_t bad[] = { 0xffffffff80100000, 0xffff888000001000, 0x0000800000000000, 0x0040000000000000, 0xffff800010000000 };
	uint64_t a = bad[forged % 5];
#if defined(__x86_64__)
	switch (forged / 5) {
	case 0: u->uc_mcontext.gregs[REG_RIP] = (long long)a; break;
	case 1: u->uc_mcontext.gregs[REG_RSP] = (long long)a; u->uc_mcontext.gregs[REG_RIP] = (long long)0x10; break;
	case 2: u->uc_mcontext.gregs[REG_CSGSFS] = 0x10; u->uc_mcontext.gregs[REG_RIP] = (long long)a; break;
	default: u->uc_mcontext.gregs[REG_EFL] |= 0x3000; u->uc_mcontext.gregs[REG_RIP] = (long long)a; break;
	}
#elif defined(__aarch64__)
	switch (forged / 5) {
	case 0: u->uc_mcontext.pc = a; break;
	case 1: u->uc_mcontext.sp = a; u->uc_mcontext.pc = 0x10; break;
	case 2: u->uc_mcontext.pstate = 0x5; break;	/* EL1h */
	default: u->uc_mcontext.pstate = 0x3c9; u->uc_mcontext.pc = a; break;
	}
#elif defined(__riscv)
	switch (forged / 5) {
	case 0: case 2: u->uc_mcontext.__gregs[0] = a; break;
	default: u->uc_mcontext.__gregs[2] = a; u->uc_mcontext.__gregs[0] = 0x10; break;
	}
#endif
}

static void forged_frames(void)
{
	struct sigaction sa = { .sa_sigaction = forge, .sa_flags = SA_SIGINFO };

	for (forged = 0; forged < 20; forged++) {
		pid_t pid = fork();

		if (!pid) {
			check_ok(sigaction(SIGUSR1, &sa, NULL));
			raise(SIGUSR1);
			_exit(0);
		}
		int status = wait_for(pid);

		check(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS || WTERMSIG(status) == SIGILL));
	}
}

/* Programs' canaries and addresses are not those of the last. */
static void random_bytes_differ(void)
{
	const unsigned char *r = (const unsigned char *)getauxval(AT_RANDOM);
	unsigned sum = 0;

	check(r);
	for (int i = 0; i < 16; i++)
		sum |= r[i];
	check(sum);
}

/* The bounds of what may be looked at by others follow the identity. */
static void not_dumpable(void)
{
	char path[40];
	pid_t pid;
	int fds[2];
	char c;

	check_ok(pipe(fds));
	pid = fork();
	if (!pid) {
		check_ok(setgid(NOBODY));
		check_ok(setuid(NOBODY));
		check_ok(prctl(PR_SET_DUMPABLE, 0));
		check_ok(write(fds[1], "x", 1));
		for (;;)
			pause();
	}
	check_equal(read(fds[0], &c, 1), 1);
	check_ok(setgid(NOBODY));
	check_ok(setuid(NOBODY));
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	check(open(path, O_RDONLY) == -1 && (errno == EACCES || errno == ENOENT));
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	fds[0] = open(path, O_RDONLY);		/* may be refused now or at the read */
	check(fds[0] < 0 || read(fds[0], &c, 1) < 0);
	check_equal(errno, EACCES);
}

static const struct test tests[] = {
	{ "kernel_addresses", kernel_addresses },
	{ "kernel_half_looks_empty", kernel_half_looks_empty },
	{ "calls_with_kernel_addresses", calls_with_kernel_addresses },
	{ "privileged_instructions", privileged_instructions },
	{ "table_addresses", table_addresses },
	{ "lowest_pages", lowest_pages },
	{ "own_constants", own_constants },
	{ "own_data_is_no_code", own_data_is_no_code },
	{ "shared_constants", shared_constants },
	{ "stack_keeps_off", stack_keeps_off },
	{ "vdso", vdso },
	{ "other_memory", other_memory },
	{ "devices_of_memory", devices_of_memory },
	{ "forged_frames", forged_frames },
	{ "random_bytes", random_bytes_differ },
	{ "not_dumpable", not_dumpable },
	{},
};
TEST_MAIN(tests)
