/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's side of the simulation: memory, faults, output. The only file here that includes libc's headers. */
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr
#undef strlcpy
#undef snprintf
#undef vsnprintf
#define _GNU_SOURCE
#include "host.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define PAGE 4096ul
#define ALT_STACK (256ul * 1024)

static int ram_fd = -1;
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

void host_ram_create(unsigned long size)
{
	void *at = (void *)(SIM_LINEAR + SIM_RAM_PHYS);

	ram_fd = memfd_create("trivet-ram", 0);
	if (ram_fd < 0 || ftruncate(ram_fd, (off_t)size))
		die("sim: memory");
	if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, ram_fd, 0) != at)
		die("sim: linear map");
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

static void on_signal(int sig, siginfo_t *info, void *context)
{
	if (fault_handler((unsigned long)info->si_addr))
		return;
	signal(sig, SIG_DFL);	/* the access is tried again and ends the process */
}

void host_on_fault(int (*handler)(unsigned long address))
{
	stack_t alt = { .ss_size = ALT_STACK };
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	fault_handler = handler;
	alt.ss_sp = mmap(NULL, ALT_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (alt.ss_sp == MAP_FAILED || sigaltstack(&alt, NULL) || sigaction(SIGSEGV, &sa, NULL) ||
	    sigaction(SIGBUS, &sa, NULL))
		die("sim: signal set-up");
}

void host_write(const char *text, unsigned long len)
{
	while (len) {
		ssize_t n = write(1, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (unsigned long)n;
	}
}

void host_exit(int code) { _exit(code); }

void host_random(void *buf, unsigned long n)
{
	if (getrandom(buf, n, 0) != (ssize_t)n)
		die("sim: getrandom");
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
