/* SPDX-License-Identifier: BSD-2-Clause */
/* ptrace(2): the beginnings of tracing, memory and registers, signals, calls, steps, the errors of requests. */
#include "ptrace.h"
#include <sys/mman.h>
#include <sys/prctl.h>

static volatile long word = 0x1122334455667788;

static void do_nothing(void) {}
static void exit_42(void) { _exit(42); }

static void test_traceme(void)
{
	pid_t pid = traced_child(exit_42);
	char letter = 0;

	check_equal(proc_status(pid, "TracerPid", &letter), getpid());
	check_equal(letter, 't');
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 42);
	check_errno(go(CONT, pid, 0), ESRCH);
}

static void traceme_again(void) { _exit(trace(TRACEME, 0, 0, NULL) == -1 && errno == EPERM ? 5 : 6); }
static void test_traceme_twice(void)
{
	pid_t pid = traced_child(traceme_again);

	check_ok(go(CONT, pid, 0));
	check_exit(pid, 5);
}

static void word_changed(void) { _exit(word == 77 ? 7 : 8); }
static void test_memory(void)
{
	pid_t pid = traced_child(word_changed);
	long got = 0;

	check_ok(trace(PEEKDATA, pid, (unsigned long)&word, &got));
	check_equal(got, word);
	check_errno(trace(PEEKDATA, pid, 8, &got), EIO);
	check_errno(trace(POKEDATA, pid, 8, (void *)1), EIO);
	check_errno(trace(PEEKDATA, pid, (unsigned long)&word, (void *)8), EFAULT);
	check_ok(trace(POKEDATA, pid, (unsigned long)&word, (void *)77));
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 7);
	check_equal(word, 0x1122334455667788);
}

__attribute__((noinline)) static void spot(void) { __asm__ volatile("nop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop\n\tnop"); }
static void run_spot(void) { spot(); _exit(3); }

/* A breakpoint in read-only text: its private copy is written to, the tracer's own stays. */
static void test_text(void)
{
	pid_t pid = traced_child(run_spot);
	unsigned long at = (unsigned long)spot & ~7ul;
	long was = 0, now;

	check_ok(trace(PEEKTEXT, pid, at, &was));
	check_equal(was, *(long *)at);
#if defined(__x86_64__)
	memset(&now, 0xcc, sizeof now);
#elif defined(__aarch64__)
	now = 0xd4200000d4200000;
#else
	now = 0x9002900290029002;
#endif
	check_ok(trace(POKETEXT, pid, at, (void *)now));
	check_ok(trace(POKETEXT, pid, at + 8, (void *)now));
	check(*(long *)at == was);
	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP);
	check_ok(go(KILLIT, pid, 0));
	check_killed(pid, SIGKILL);
}

static void sum_registers(void)
{
	register long v;

#if defined(__x86_64__)
	__asm__ volatile("mov $5, %%rbx\n\tint3\n\tmov %%rbx, %0" : "=r"(v) :: "rbx");
#elif defined(__aarch64__)
	__asm__ volatile("mov x20, #5\n\tbrk #0\n\tmov %0, x20" : "=r"(v) :: "x20");
#else
	__asm__ volatile(".option push\n\t.option norvc\n\tli s4, 5\n\tebreak\n\tmv %0, s4\n\t.option pop" : "=r"(v) :: "s4");
#endif
	_exit((int)v);
}
static void test_registers(void)
{
	pid_t pid = traced_child(sum_registers);
	struct regs r;
	struct iovec v = { &r, sizeof r - 4 };

	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP);
	regs_get(pid, &r);
	check_equal(SAVED_REG(r), 5);
	SAVED_REG(r) = 55;
#if !defined(__x86_64__)
	r.pc += 4;		/* x86 reports the address behind its breakpoint */
#endif
	regs_set(pid, &r);
	check_errno(trace(GETREGSET, pid, NT_PRSTATUS, &v), EINVAL);
	v.iov_len = 16;
	check_ok(trace(GETREGSET, pid, NT_PRSTATUS, &v));
	check_equal(v.iov_len, 16);
	v.iov_len = 4096;
	check_ok(trace(GETREGSET, pid, NT_PRSTATUS, &v));
	check_equal(v.iov_len, sizeof r);
	check_errno(trace(GETREGSET, pid, 0x7777, &v), EINVAL);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 55);
}

static void double_it(void)
{
	volatile double d = 2.5;
	double twice;

#if defined(__x86_64__)
	double x = d;
	__asm__ volatile("movsd %1, %%xmm5\n\tint3\n\tmovsd %%xmm5, %0" : "=m"(twice) : "m"(x) : "xmm5");
#elif defined(__aarch64__)
	__asm__ volatile("ldr d5, [%1]\n\tbrk #0\n\tstr d5, [%0]" :: "r"(&twice), "r"(&d) : "d5", "memory");
#else
	__asm__ volatile(".option push\n\t.option norvc\n\tfld f5, 0(%1)\n\tebreak\n\tfsd f5, 0(%0)\n\t.option pop"
			 :: "r"(&twice), "r"(&d) : "ft5", "memory");
#endif
	_exit((int)(twice * 2));
}
static void test_fpu(void)
{
	pid_t pid = traced_child(double_it);
	unsigned char area[1024];
	struct iovec v = { area, sizeof area };
#if defined(__x86_64__)
	int at = 160 + 5 * 16;
#elif defined(__aarch64__)
	int at = 5 * 16;
#else
	int at = 5 * 8;
#endif
	double d;
	struct regs r;

	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP);
	check_ok(trace(GETREGSET, pid, NT_PRFPREG, &v));
	memcpy(&d, area + at, 8);
	check(d == 2.5);
	d = 10.5;
	memcpy(area + at, &d, 8);
	check_ok(trace(SETREGSET, pid, NT_PRFPREG, &v));
	memset(area, 0, sizeof area);
	check_ok(trace(GETREGSET, pid, NT_PRFPREG, &v));
	check(!memcmp(area + at, &d, 8));
#if !defined(__x86_64__)
	regs_get(pid, &r);
	r.pc += 4;
	regs_set(pid, &r);
#else
	(void)r;
#endif
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 21);
}

static volatile sig_atomic_t caught;
static void on_signal(int sig) { caught += sig; }
static void raise_usr1(void)
{
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	raise(SIGUSR1);
	_exit(caught);
}

/* What the tracer lets through is what arrives: the same, another, none. */
static void test_signals(void)
{
	static const int pass[] = { SIGUSR1, SIGUSR2, 0 };

	for (int i = 0; i < 3; i++) {
		pid_t pid = traced_child(raise_usr1);
		siginfo_t info;

		check_ok(go(CONT, pid, 0));
		check_stop(pid, SIGUSR1);
		check_ok(trace(GETSIGINFO, pid, 0, &info));
		check_equal(info.si_signo, SIGUSR1);
		check_equal(info.si_code, SI_TKILL);
		check_equal(info.si_pid, pid);
		check_errno(go(CONT, pid, 65), EIO);
		check_ok(go(CONT, pid, pass[i]));
		check_exit(pid, pass[i]);
	}
}

static int info_value;
static void on_info(int sig, siginfo_t *info, void *context) { info_value = info->si_value.sival_int; }
static void queue_value(void)
{
	struct sigaction a = { .sa_sigaction = on_info, .sa_flags = SA_SIGINFO };
	union sigval v = { .sival_int = 5 };

	sigaction(SIGRTMIN, &a, NULL);
	sigqueue(getpid(), SIGRTMIN, v);
	_exit(info_value);
}
static void test_siginfo(void)
{
	pid_t pid = traced_child(queue_value);
	siginfo_t info;

	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGRTMIN);
	check_ok(trace(GETSIGINFO, pid, 0, &info));
	check_equal(info.si_value.sival_int, 5);
	info.si_value.sival_int = 50;
	check_ok(trace(SETSIGINFO, pid, 0, &info));
	check_ok(go(CONT, pid, SIGRTMIN));
	check_exit(pid, 50);
}

static void ignored_and_blocked(void)
{
	sigset_t set;

	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);			/* seen by the tracer, and goes away */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR2);			/* not seen before it is let in */
	raise(SIGWINCH);
	_exit(4);
}
static void test_ignored(void)
{
	pid_t pid = traced_child(ignored_and_blocked);
	struct { unsigned long off; unsigned flags; int nr; } args = { 0, 0, 3 };
	siginfo_t list[3];
	unsigned long mask = 0;

	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGUSR1);
	check_ok(go(CONT, pid, SIGUSR1));
	check_stop(pid, SIGWINCH);
	check_equal(trace(PEEKSIGINFO, pid, (unsigned long)&args, list), 1);
	check_equal(list[0].si_signo, SIGUSR2);
	args.nr = -1;
	check_errno(trace(PEEKSIGINFO, pid, (unsigned long)&args, list), EINVAL);
	check_errno(trace(GETSIGMASK, pid, 4, &mask), EINVAL);
	check_ok(trace(GETSIGMASK, pid, 8, &mask));
	check_equal(mask, 1ul << (SIGUSR2 - 1));
	mask = 0;
	check_ok(trace(SETSIGMASK, pid, 8, &mask));
	check_ok(go(CONT, pid, SIGWINCH));
	check_stop(pid, SIGUSR2);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 4);
}

static void write_calls(void)
{
	syscall(SYS_getppid);
	syscall(SYS_close, 12345);
	_exit(9);
}
/* Entry and exit by turns, what GET_SYSCALL_INFO says of them, a result that is changed. */
static void test_calls(void)
{
	pid_t pid = traced_child(write_calls);
	struct call_info i = { 0 };
	unsigned long message = 0;
	struct regs r;

	check_ok(trace(SETOPTIONS, pid, 0, (void *)SYSGOOD));
	check_equal(trace(GET_SYSCALL_INFO, pid, sizeof i, &i), 24);
	check_equal(i.op, 0);
	do {
		check_ok(go(SYSCALL, pid, 0));
		check_stop(pid, SIGTRAP | 0x80);
		check_equal(trace(GET_SYSCALL_INFO, pid, sizeof i, &i), 80);
		if (i.entry.nr == SYS_getppid)
			break;
		check_ok(go(SYSCALL, pid, 0));
		check_stop(pid, SIGTRAP | 0x80);
	} while (1);
	check_equal(i.op, 1);
	check_ok(trace(GETEVENTMSG, pid, 0, &message));
	check_equal(message, 1);
	check_ok(go(SYSCALL, pid, 0));
	check_stop(pid, SIGTRAP | 0x80);
	check_equal(trace(GET_SYSCALL_INFO, pid, 16, &i), 33);
	check_equal(trace(GET_SYSCALL_INFO, pid, sizeof i, &i), 33);
	check_equal(i.op, 2);
	check_equal(i.exit.rval, getpid());
	check_equal(i.exit.is_error, 0);
	regs_get(pid, &r);
	check_equal(REG_RESULT(r), getpid());
	check_equal(r.pc, i.pc);
	check_equal(r.sp, i.sp);
	check_ok(go(SYSCALL, pid, 0));
	check_stop(pid, SIGTRAP | 0x80);
	check_equal(trace(GET_SYSCALL_INFO, pid, sizeof i, &i), 80);
	check_equal(i.entry.nr, SYS_close);
	check_equal(i.entry.args[0], 12345);
	check_ok(go(SYSCALL, pid, 0));
	check_stop(pid, SIGTRAP | 0x80);
	check_equal(trace(GET_SYSCALL_INFO, pid, sizeof i, &i), 33);
	check_equal(i.exit.rval, -EBADF);
	check_equal(i.exit.is_error, 1);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 9);
}

static void exit_by_ppid(void) { _exit((int)syscall(SYS_getppid)); }
/* Without TRACESYSGOOD a call looks like a trap; the exit's result is the tracer's. */
static void test_result(void)
{
	pid_t pid = traced_child(exit_by_ppid);
	siginfo_t info;
	struct regs r;

	for (int i = 0; ; i++) {
		check_ok(go(SYSCALL, pid, 0));
		check_stop(pid, SIGTRAP);
		check_ok(trace(GETSIGINFO, pid, 0, &info));
		check_equal(info.si_signo, SIGTRAP);
		check_equal(info.si_code, SIGTRAP);
		regs_get(pid, &r);
		if (i % 2 && REG_RESULT(r) == (unsigned long)getpid())
			break;
	}
	REG_RESULT(r) = 33;
	regs_set(pid, &r);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 33);
}

static void three_nops(void)
{
	BREAKPOINT;
	spot();
	syscall(SYS_getppid);
	_exit(2);
}
static void test_step(void)
{
	pid_t pid = traced_child(three_nops);
	struct regs before, after;
	siginfo_t info;
	int steps = 0, same = 0;

	check_ok(go(CONT, pid, 0));
	check_stop(pid, SIGTRAP);
	regs_get(pid, &before);
#if !defined(__x86_64__)
	before.pc += 4;
	regs_set(pid, &before);
#endif
	if (!HAS_STEP) {
		check_errno(go(SINGLESTEP, pid, 0), EIO);
		check_ok(go(KILLIT, pid, 0));
		check_killed(pid, SIGKILL);
		return;
	}
	for (steps = 0; steps < 60; steps++) {
		int status;

		check_ok(go(SINGLESTEP, pid, 0));
		status = next_status(pid);
		if (WIFEXITED(status)) {
			check_equal(status, 2 << 8);
			break;
		}
		check_equal(status, SIGTRAP << 8 | 0x7f);
		check_ok(trace(GETSIGINFO, pid, 0, &info));
		check_equal(info.si_signo, SIGTRAP);
		regs_get(pid, &after);
		same += after.pc == before.pc;
#if defined(__aarch64__)
		check_equal(after.pc % 4, 0);
#elif defined(__x86_64__)
		check(!(after.flags & 0x100));
#endif
		before = after;
	}
	check(steps > 12);
	check(same <= 2);		/* a call and the trap behind it may be told apart */
	if (steps == 60) {
		check_ok(go(CONT, pid, 0));
		check_exit(pid, 2);
	}
}

static void test_errors(void)
{
	pid_t pid = fork(), other;
	unsigned long message;

	if (!pid) {
		pause();
		_exit(0);
	}
	check_errno(go(CONT, pid, 0), ESRCH);
	check_errno(trace(PEEKDATA, pid, (unsigned long)&word, &message), ESRCH);
	check_errno(go(CONT, 999999, 0), ESRCH);
	check_errno(go(ATTACH, 999999, 0), ESRCH);
	check_errno(go(ATTACH, getpid(), 0), EPERM);
	check_errno(trace(SEIZE, pid, 1, NULL), EIO);
	check_errno(trace(SEIZE, pid, 0, (void *)0x40000000), EIO);
	check_ok(trace(SEIZE, pid, 0, NULL));
	check_errno(trace(SEIZE, pid, 0, NULL), EPERM);
	check_errno(go(CONT, pid, 0), ESRCH);
	other = fork();
	if (!other)
		_exit(go(ATTACH, pid, 0) == -1 && errno == EPERM ? 1 : 2);
	check_exit(other, 1);
	check_ok(go(INTERRUPT, pid, 0));
	check_stop(pid, SIGTRAP | EVENT_STOP << 8);
	check_errno(trace(SETOPTIONS, pid, 0, (void *)0x40000000), EINVAL);
	check_errno(trace(0x4321, pid, 0, NULL), EIO);
	check_errno(go(DETACH, pid, 99), EIO);
	check_errno(go(LISTEN, other, 0), ESRCH);
#if !defined(__x86_64__)
	check_errno(trace(PEEKUSR, pid, 0, &message), EIO);
#endif
	check_ok(go(DETACH, pid, SIGKILL));	/* no stop for a signal: none is passed */
	check_equal(kill(pid, 0), 0);
	check_equal(proc_status(pid, "TracerPid", NULL), 0);
	check_ok(kill(pid, SIGKILL));
	check_killed(pid, SIGKILL);
}

/* A matter of Yama, which some kernels have. */
static void test_set_ptracer(void)
{
	if (access("/proc/sys/kernel/yama", F_OK))
		check_errno(prctl(0x59616d61, 1, 0, 0, 0), EINVAL);
}

static void test_rseq(void)
{
	pid_t pid = traced_child(do_nothing);
	struct { unsigned long at; unsigned size, signature, flags, pad; } c;

	check_equal(trace(GET_RSEQ, pid, sizeof c, &c), sizeof c);
	check_equal(c.at, 0);		/* musl registers none */
	check_equal(trace(GET_RSEQ, pid, 8, &c), sizeof c);
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 0);
}

#if defined(__x86_64__)
static volatile long watched;
static void write_watched(void)
{
	watched = 1;
	watched = 2;
	_exit(6);
}
#define DEBUGREG(n) (848 + 8 * (n))
static void test_native(void)
{
	pid_t pid = traced_child(write_watched);
	struct regs r, again;
	long value = 0;

	regs_get(pid, &r);
	check_ok(trace(GETREGS, pid, 0, &again));
	check(!memcmp(&r, &again, sizeof r));
	check_ok(trace(PEEKUSR, pid, offsetof(struct regs, pc), &value));
	check_equal(value, r.pc);
	check_errno(trace(PEEKUSR, pid, 4, &value), EIO);
	check_errno(trace(PEEKUSR, pid, 928, &value), EIO);
	check_ok(trace(POKEUSR, pid, offsetof(struct regs, r15), (void *)99));
	check_ok(trace(PEEKUSR, pid, offsetof(struct regs, r15), &value));
	check_equal(value, 99);
	r.cs = 0;
	check_errno(trace(SETREGS, pid, 0, &r), EIO);
	check_ok(trace(POKEUSR, pid, DEBUGREG(0), (void *)&watched));
	check_ok(trace(POKEUSR, pid, DEBUGREG(7), (void *)(1l | 1 << 16 | 2 << 18)));	/* 8 bytes, writes */
	for (int i = 1; i <= 2; i++) {
		siginfo_t info;

		check_ok(go(CONT, pid, 0));
		check_stop(pid, SIGTRAP);
		check_ok(trace(GETSIGINFO, pid, 0, &info));
		check_equal(info.si_code, 4);
		check_ok(trace(PEEKUSR, pid, DEBUGREG(6), &value));
		check_equal(value & 15, 1);
		check_ok(trace(PEEKDATA, pid, (unsigned long)&watched, &value));
		check_equal(value, i);
	}
	check_ok(trace(POKEUSR, pid, DEBUGREG(7), (void *)0));
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 6);
}
#elif defined(__aarch64__)
static volatile long watched;
static void write_watched(void)
{
	watched = 1;
	_exit(6);
}
static void test_native(void)
{
	pid_t pid = traced_child(write_watched);
	struct { unsigned info, pad; struct { unsigned long at; unsigned control, pad; } slot[16]; } d;
	struct iovec v = { &d, sizeof d };
	siginfo_t info;
	unsigned n;
	int status;

	check_ok(trace(GETREGSET, pid, 0x403, &v));
	n = d.info & 0xff;
	check(n >= 2);
	memset(d.slot, 0, sizeof d.slot);
	d.slot[0].at = (unsigned long)&watched;
	d.slot[0].control = 0xff << 5 | 2 << 3 | 2 << 1 | 1;
	v.iov_len = 8 + 16 * n;
	check_ok(trace(SETREGSET, pid, 0x403, &v));
	v.iov_len = sizeof d;
	memset(d.slot, 0, sizeof d.slot);
	check_ok(trace(GETREGSET, pid, 0x403, &v));
	check_equal(d.slot[0].at, (unsigned long)&watched);
	check_equal(d.slot[0].control & 1, 1);
	check_ok(go(CONT, pid, 0));
	status = next_status(pid);
	if (status == 6 << 8) {		/* Debian's Linux does so on QEMU's CPU */
		check(!is_trivet());
		return;
	}
	check_equal(status, SIGTRAP << 8 | 0x7f);
	check_ok(trace(GETSIGINFO, pid, 0, &info));
	check_equal(info.si_code, 4);
	check((unsigned long)info.si_addr == (unsigned long)&watched);
	d.slot[0].control = 0;
	v.iov_len = 8 + 16 * n;
	check_ok(trace(SETREGSET, pid, 0x403, &v));
	check_ok(go(CONT, pid, 0));
	check_exit(pid, 6);
}
#else
static void test_native(void) { check_errno(go(31, getpid(), 0), ESRCH); }
#endif

static const struct test table[] = {
	{ "traceme", test_traceme }, { "traceme_twice", test_traceme_twice }, { "memory", test_memory }, { "text", test_text },
	{ "registers", test_registers }, { "fpu", test_fpu }, { "signals", test_signals }, { "siginfo", test_siginfo },
	{ "ignored", test_ignored }, { "calls", test_calls }, { "result", test_result }, { "step", test_step },
	{ "errors", test_errors }, { "set_ptracer", test_set_ptracer }, { "rseq", test_rseq }, { "native", test_native },
	{ NULL, NULL },
};
TEST_MAIN(table)
