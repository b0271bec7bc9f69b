/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated machine as its programs, devices and workloads (tests/sim/) see it: seeded streams,
 * virtual time, user memory through the modelled TLB, system calls, events of devices.
 */
#ifndef NATIVE_SIM_H
#define NATIVE_SIM_H

#include <lib/compiler.h>

/* ---- chance: one 64-bit seed, streams that do not disturb each other ---- */
enum sim_stream {
	SIM_SCHEDULE,		/* which CPU goes on, for how long, when stores become visible */
	SIM_DISK,
	SIM_ALLOC,
	SIM_TIME,		/* clock jitter, entropy */
	SIM_WORK,
	SIM_STREAMS
};
u64 sim_random(enum sim_stream s);
u64 sim_below(enum sim_stream s, u64 n);			/* 0 .. n-1, n > 0 */
static inline bool sim_chance(enum sim_stream s, u64 one_in) { return sim_below(s, one_in) == 0; }
extern u64 sim_seed;
/* Mixes a fact into the trace hash. */
void sim_trace(u64 kind, u64 value);
/* The run failed: text is kept for the report, the process ends. */
__noreturn void sim_fail(const char *fmt, ...) __printf(1, 2);
__noreturn void sim_done(void);
/* Settings: words `name=value` of the command line (as sim.name=value) and of the server's line. */
u64 sim_setting(const char *name, u64 fallback);
const char *sim_setting_text(const char *name);	/* NULL: not given */
bool sim_setting_is(const char *name, const char *value);

/* For the report: what this run was. */
void sim_note(const char *text);
/* This CPU computes for that long: time passes, interrupts come (kernel threads and the like; programs have sim_work). */
void sim_busy(u64 ns);

/* The core's allocators fail for programs other than process 1, one call in n (0: none); how often they did. */
void sim_alloc_fail(u64 one_in);
u64 sim_alloc_failed(void);

/* The frame at that address is about to be given back: fails the run if a program's CPU still translates to it. */
void sim_frame_freed(u64 pa);

/* ---- devices: what the hardware does at a time of its own ---- */
extern u64 sim_now;					/* virtual nanoseconds */
/* fn(arg) at that time or soon after, outside of any CPU: it may touch RAM and raise lines, not call the core. */
void sim_event_add(u64 at, void (*fn)(void *arg), void *arg);
void sim_irq_raise(unsigned line);			/* 0..31; edge, to the CPU of sim_irq_route */
void sim_irq_route(unsigned line, unsigned cpu);
void sim_irq_mask(unsigned line, bool is_masked);

/* The disk of tests/sim/disk.c gets its first contents from the file of sim.disk=. */
void sim_disk_load(const void *image, u64 size);
/* The host's services for them: zeroed memory beside the RAM; e2fsck's exit status. */
void *sim_host_alloc(u64 size);
int sim_host_check_disk(const void *image, u64 size);

/* ---- programs ---- */
struct sim_program {
	const char *name;				/* becomes /bin/NAME; the first one is /init */
	void (*main)(void);				/* its return is exit(0) */
};
extern const struct sim_program sim_programs[];
extern const unsigned sim_nr_programs;
/* User memory that each program has from the start, private, zeroed. */
#define SIM_USER_DATA 0x600000ull
#define SIM_USER_DATA_SIZE 0x10000ull

long sim_call(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
/* A new process (flags as clone's) that begins with fn(arg) and exits when it returns; tag: a word of the thread's own. Its pid or -errno. */
long sim_clone(u64 flags, u64 stack, void (*fn)(u64 arg), u64 arg, u64 tag);
u64 sim_tag(void);
/* Runs fn in the kernel, as a system call of this program's would. */
void sim_in_kernel(void (*fn)(void *arg), void *arg);
/* One access of 1, 2, 4 or 8 bytes, naturally aligned. False: it faulted and sim_user_fault_handler is installed. */
bool sim_try_load(u64 va, unsigned size, u64 *value);
bool sim_try_store(u64 va, unsigned size, u64 value);
/* As above; a fault that is not resolved is the program's end by SIGSEGV. */
u64 sim_load(u64 va, unsigned size);
void sim_store(u64 va, unsigned size, u64 value);
u64 sim_swap(u64 va, u64 value);			/* atomic exchange of 8 bytes */
u64 sim_add(u64 va, u64 value);				/* atomic add to 8 bytes; the old value */
u32 sim_add32(u64 va, u32 value);
bool sim_cas32(u64 va, u32 old, u32 value);
void sim_copy_in(u64 va, const void *from, size_t n);	/* host to user memory, byte by byte */
void sim_copy_out(void *to, u64 va, size_t n);
void sim_work(unsigned steps);				/* computes: time passes, interrupts come */
/* A handler for SIGSEGV and SIGBUS: makes sim_try_* return false. */
void sim_user_fault_handler(u64 signo);
u64 sim_handler_siginfo(void);				/* inside a handler: user address of its siginfo */

/* ---- forking one process per run, from the init program ---- */
void sim_serve(void);					/* returns in each run's own process; at once without sim.serve */

/* ---- fuzzing (builds with -Dfuzz=true) ---- */
void sim_fuzz_next(const u8 **data, size_t *size);	/* from the init program: the next input */
void sim_fuzz_guard(const void *p, size_t size, bool on);	/* reads of [p, p + size) are errors */
void sim_mute(bool on);					/* drops the kernel's log */
const void *sim_host_load(const char *path, u64 *size);	/* a whole file of the host, read-only */

#endif
