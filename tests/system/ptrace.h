/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of ptrace share: raw requests, waiting for stops, registers by their role. */
#ifndef TESTS_SYSTEM_PTRACE_H
#define TESTS_SYSTEM_PTRACE_H

#include "test.h"
#include <elf.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum {
	TRACEME = 0, PEEKTEXT = 1, PEEKDATA = 2, PEEKUSR = 3, POKETEXT = 4, POKEDATA = 5, POKEUSR = 6, CONT = 7, KILLIT = 8,
	SINGLESTEP = 9, GETREGS = 12, SETREGS = 13, ATTACH = 16, DETACH = 17, SYSCALL = 24, SETOPTIONS = 0x4200, GETEVENTMSG,
	GETSIGINFO, SETSIGINFO, GETREGSET, SETREGSET, SEIZE, INTERRUPT, LISTEN, PEEKSIGINFO, GETSIGMASK, SETSIGMASK,
	GET_SYSCALL_INFO = 0x420e, GET_RSEQ = 0x420f,
};
enum { EVENT_FORK = 1, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_VFORK_DONE, EVENT_EXIT, EVENT_STOP = 128 };
#define OPTION(event) (1 << (event))
#define SYSGOOD 1
#define EXITKILL (1 << 20)
#ifndef __WALL
#define __WALL 0x40000000
#endif

/* The system call itself: peeks go to *data. */
static inline long trace(long request, pid_t pid, unsigned long addr, const void *data)
{
	return syscall(SYS_ptrace, request, (long)pid, addr, data);
}
static inline long go(long request, pid_t pid, int sig) { return trace(request, pid, 0, (void *)(long)sig); }

/* The next wait status of pid; fails unless the wait names it. */
#define next_status(p) ({ \
	int st_ = -1; \
	pid_t got_; \
	while ((got_ = waitpid((p), &st_, __WALL)) < 0 && errno == EINTR) \
		; \
	check_equal(got_, (p)); \
	st_; })
/* The next stop of pid is this: signal, and event << 8. */
#define check_stop(p, code) check_equal(next_status(p), ((code) << 8) | 0x7f)
#define check_exit(p, code) check_equal(next_status(p), (code) << 8)
#define check_killed(p, sig) check_equal(next_status(p) & ~0x80, (sig))

struct regs {
#if defined(__x86_64__)
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig, pc, cs, flags, sp, ss, fs, gs, d, e, f, g;
#elif defined(__aarch64__)
	unsigned long x[31], sp, pc, flags;
#else
	unsigned long pc, ra, sp, gp, tp, t0, t1, t2, s0, s1, a[8], s[10], t3, t4, t5, t6;
#endif
};
#if defined(__x86_64__)
#define REG_RESULT(r) ((r).ax)
#define REG_ARG1(r) ((r).di)
#define SAVED_REG(r) ((r).bx)
#define HAS_STEP 1
#define BREAKPOINT __asm__ volatile("int3")
#elif defined(__aarch64__)
#define REG_RESULT(r) ((r).x[0])
#define REG_ARG1(r) ((r).x[0])
#define SAVED_REG(r) ((r).x[20])
#define HAS_STEP 1
#define BREAKPOINT __asm__ volatile("brk #0")
#else
#define REG_RESULT(r) ((r).a[0])
#define REG_ARG1(r) ((r).a[0])
#define SAVED_REG(r) ((r).s[2])
#define HAS_STEP 0
#define BREAKPOINT __asm__ volatile("ebreak")
#endif

static inline void regs_get(pid_t pid, struct regs *r)
{
	struct iovec v = { r, sizeof *r };

	check_equal(trace(GETREGSET, pid, NT_PRSTATUS, &v), 0);
	check_equal(v.iov_len, sizeof *r);
}
static inline void regs_set(pid_t pid, struct regs *r)
{
	struct iovec v = { r, sizeof *r };

	check_equal(trace(SETREGSET, pid, NT_PRSTATUS, &v), 0);
}

struct call_info {
	unsigned char op, pad[3];
	unsigned arch;
	unsigned long pc, sp;
	union {
		struct { unsigned long nr, args[6]; } entry;
		struct { long rval; unsigned char is_error; } exit;
	};
};

/* A child that asks to be traced, stops, and then runs the function. Returns it stopped. */
static inline pid_t traced_child(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		if (trace(TRACEME, 0, 0, NULL))
			_exit(99);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	check(pid > 0);
	check_stop(pid, SIGSTOP);
	return pid;
}

static inline bool is_trivet(void)
{
	char text[256] = "";
	FILE *f = fopen("/proc/version", "r");

	if (f) {
		(void)!fgets(text, sizeof text, f);
		fclose(f);
	}
	return strstr(text, "Trivet");
}

/* The letter of State: in /proc/PID/status, and another line's number. */
static inline int proc_status(pid_t pid, const char *key, char *letter)
{
	char path[64], line[256];
	int value = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	f = fopen(path, "r");
	check(f);
	while (fgets(line, sizeof line, f)) {
		if (letter && !strncmp(line, "State:\t", 7))
			*letter = line[7];
		if (key && !strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			value = atoi(line + strlen(key) + 1);
	}
	fclose(f);
	return value;
}

#endif
