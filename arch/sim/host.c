/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's side of the simulation: memory, faults, output, one process per run. The only file here that includes libc's headers. */
#define _GNU_SOURCE
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE 4096ul
#define ALT_STACK (256ul * 1024)	/* libFuzzer writes its report there */
#define RUN_SECONDS_MAX 300u		/* of the host: a run that hangs outside virtual time */

struct host_report *host_report;
int host_fail_by_abort, host_is_mute;
static int ram_fd = -1;
static unsigned long ram_size;
static int (*fault_handler)(unsigned long address);

/* Present when a sanitizer is linked in. */
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *p, size_t size) __attribute__((weak));

static void die(const char *what)
{
	perror(what);
	_exit(2);
}

static void *ram_map(int fd, void *at, int fixed)
{
	return mmap(at, ram_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | fixed, fd, 0);
}

void host_ram_create(unsigned long size)
{
	void *at = (void *)(SIM_LINEAR + SIM_RAM_PHYS);

	ram_size = size;
	ram_fd = memfd_create("trivet-ram", 0);
	if (ram_fd < 0 || ftruncate(ram_fd, (off_t)size))
		die("sim: memory");
	if (ram_map(ram_fd, at, MAP_FIXED_NOREPLACE) != at)
		die("sim: linear map");
}

void host_init(void)
{
	host_report = mmap(NULL, sizeof(*host_report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (host_report == MAP_FAILED)
		die("sim: report");
}

void *host_alloc(unsigned long size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("sim: host memory");
	return p;
}

const void *host_load(const char *path, unsigned long *size)
{
	int fd = open(path, O_RDONLY);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	void *p;

	if (end <= 0)
		die(path);
	p = mmap(NULL, (size_t)end, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		die(path);
	close(fd);
	*size = (unsigned long)end;
	return p;
}

int host_check_disk(const void *image, unsigned long size)
{
	char path[] = "/tmp/trivet-disk-XXXXXX", command[128];
	int fd = mkstemp(path), status;

	if (fd < 0 || write(fd, image, size) != (ssize_t)size)
		die("sim: writing the disk out");
	close(fd);
	snprintf(command, sizeof(command), "PATH=$PATH:/sbin:/usr/sbin e2fsck -fn %s >&2", path);
	status = system(command);
	if (!getenv("TRIVET_KEEP_DISK"))
		unlink(path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void host_map(unsigned long va, unsigned long pa, int writable)
{
	int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;

	if (mmap((void *)va, PAGE, prot, MAP_SHARED | MAP_FIXED, ram_fd, (off_t)(pa - SIM_RAM_PHYS)) == MAP_FAILED)
		die("sim: mapping a page");
}

void host_unmap(unsigned long va, unsigned long end)
{
	if (munmap((void *)va, end - va))
		die("sim: unmapping");
}

/* Where it happened, for the report: the frame pointers from there on, as far as they rise. */
static void crashed(unsigned long address, ucontext_t *context)
{
	const unsigned long *fp = (const unsigned long *)context->uc_mcontext.gregs[REG_RBP];
	char *at = host_report->text, *end = at + sizeof(host_report->text);

	at += snprintf(at, (size_t)(end - at), "access to %#lx at %#llx", address,
		       (unsigned long long)context->uc_mcontext.gregs[REG_RIP]);
	for (int i = 0; i < 12 && (unsigned long)fp > 4096 && (unsigned long)fp % 8 == 0 && end - at > 24; i++) {
		at += snprintf(at, (size_t)(end - at), " < %#lx", fp[1]);
		if (fp[0] <= (unsigned long)fp || fp[0] - (unsigned long)fp > 16384)
			break;
		fp = (const unsigned long *)fp[0];
	}
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	if (fault_handler((unsigned long)info->si_addr))
		return;
	crashed((unsigned long)info->si_addr, context);
	if (host_fail_by_abort) {
		dprintf(2, "%s\n", host_report->text);
		abort();
	}
	signal(sig, SIG_DFL);	/* the access is tried again and ends the process */
}

void host_on_fault(int (*handler)(unsigned long address))
{
	stack_t alt = { .ss_size = ALT_STACK };
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	if (fault_handler)
		return;
	fault_handler = handler;
	alt.ss_sp = mmap(NULL, ALT_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (alt.ss_sp == MAP_FAILED || sigaltstack(&alt, NULL) || sigaction(SIGSEGV, &sa, NULL) ||
	    sigaction(SIGBUS, &sa, NULL))
		die("sim: signal set-up");
}

void host_write(const char *text, unsigned long len)
{
	while (len && !host_is_mute) {
		ssize_t n = write(1, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (unsigned long)n;
	}
}

void host_exit(int code)
{
	if (code && host_fail_by_abort)
		abort();
	_exit(code);
}

/* A copy of the RAM for this process alone, at the same place. Pages that nobody touched stay holes. */
static void ram_copy(void)
{
	void *at = (void *)(SIM_LINEAR + SIM_RAM_PHYS);
	int fd = memfd_create("trivet-ram", 0);
	off_t from = 0, to;
	char *copy;

	if (fd < 0 || ftruncate(fd, (off_t)ram_size))
		die("sim: memory");
	copy = ram_map(fd, NULL, 0);
	if (copy == MAP_FAILED)
		die("sim: linear map");
	while ((from = lseek(ram_fd, from, SEEK_DATA)) >= 0) {
		to = lseek(ram_fd, from, SEEK_HOLE);
		if (to < 0)
			die("sim: copying memory");
		if (pread(ram_fd, copy + from, (size_t)(to - from), from) != to - from)
			die("sim: copying memory");
		from = to;
	}
	if (errno != ENXIO || munmap(copy, ram_size))
		die("sim: copying memory");
	close(ram_fd);
	ram_fd = fd;
	if (ram_map(ram_fd, at, MAP_FIXED) != at)
		die("sim: linear map");
	host_unmap(SIM_VMEMMAP, SIM_VMAP_END);	/* shown again at the first touch */
}

/* The child's part: its output is dropped unless the line asks for it. */
static void child_prepare(const char *line)
{
	if (!strstr(line, "verbose")) {
		int null = open("/dev/null", O_RDWR);

		if (null < 0 || dup2(null, 1) < 0)
			die("sim: output");
		if (!strstr(line, "stderr") && dup2(null, 2) < 0)
			die("sim: output");
		close(null);
	}
	alarm(RUN_SECONDS_MAX);
	ram_copy();
}

static void print_result(const char *line, int status)
{
	const char *text = host_report->text;
	char why[64] = "";

	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "%s", WTERMSIG(status) == SIGALRM ? "hangs: real-time limit" :
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) || !host_report->is_done)
		snprintf(why, sizeof(why), "exit status %d", WEXITSTATUS(status));
	printf("%s|%s|%s|%016lx|%lu|%lu|%s\n", line, host_report->note, *why ? "fail" : "ok", host_report->hash, host_report->steps,
	       host_report->now, !*why ? "" : *text ? text : why);	/* what the run said is better than its signal */
	fflush(stdout);
}

void host_serve(void (*run)(char *line))
{
	char line[512];

	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		pid_t pid;
		int status;

		line[strcspn(line, "\n")] = 0;
		memset(host_report, 0, sizeof(*host_report));
		pid = fork();
		if (pid < 0)
			die("sim: fork");
		if (!pid) {
			child_prepare(line);
			run(line);
			return;
		}
		while (waitpid(pid, &status, 0) < 0)
			if (errno != EINTR)
				die("sim: waiting");
		print_result(line, status);
	}
	_exit(0);
}

void host_stack_reset(void *stack, unsigned long size)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(stack, size);
}

void host_switch_begin(void *stack, unsigned long size)
{
	if (__sanitizer_start_switch_fiber)
		__sanitizer_start_switch_fiber(NULL, stack, size);
}

void host_switch_end(void)
{
	if (__sanitizer_finish_switch_fiber)
		__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
}
