/* SPDX-License-Identifier: BSD-2-Clause */
/* What the simulation asks of the host, in plain C types: host.c sees libc's headers, everybody else the kernel's. */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#define SIM_RAM_PHYS 0x80000000ul	/* where the machine's RAM begins */
#define SIM_LINEAR 0x500000000000ul	/* the host address of physical 0 */
#define SIM_VMEMMAP 0x510000000000ul
#define SIM_VMAP 0x520000000000ul
#define SIM_VMAP_END 0x520100000000ul

void host_init(void);			/* before anything else here */
void host_ram_create(unsigned long size);	/* at SIM_LINEAR + SIM_RAM_PHYS */
/* Shows the frame at physical pa at the virtual address va; pages of 4 KiB. */
void host_map(unsigned long va, unsigned long pa, int writable);
void host_unmap(unsigned long va, unsigned long end);
/* handler(address): 1 if the access may be tried again. */
void host_on_fault(int (*handler)(unsigned long address));
void host_write(const char *text, unsigned long len);
void host_exit(int code) __attribute__((noreturn));
/* Zeroed host memory outside the machine's RAM, for the simulation's own state; copied by host_serve's fork. */
void *host_alloc(unsigned long size);
const void *host_load(const char *path, unsigned long *size);	/* a whole file */
int host_check_disk(const void *image, unsigned long size);	/* e2fsck -fn: its exit status */

/* How a run ended; lies in memory that the process that forked it sees. */
struct host_report {
	unsigned long hash, steps, now;
	int is_done;
	char note[32];		/* what ran */
	char text[512];		/* what failed */
};
extern struct host_report *host_report;
/*
 * Reads lines from the standard input; forks for each a process that has its own copy of the RAM, in which
 * run(line) is called and which goes on where it returns. In the parent this never returns: it
 * prints one result line per run and exits at the end of its input. Not on a stack in the machine's RAM.
 */
void host_serve(void (*run)(char *line));

/* Calls run_one for each input that libFuzzer makes, from this stack; does not return. */
void host_fuzz(void (*run_one)(const unsigned char *data, unsigned long size));
void host_guard(const void *p, unsigned long size, int on);	/* on: the sanitizer reports accesses there */
extern int host_fail_by_abort;		/* a failed run ends by SIGABRT, so that the fuzzer keeps the input */
extern int host_is_mute;		/* host_write drops what it is given */

/* The sanitizer's view of stacks, nothing without one. */
void host_stack_reset(void *stack, unsigned long size);
void host_switch_begin(void *stack, unsigned long size);
void host_switch_end(void);

#endif
