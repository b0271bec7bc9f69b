/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls for simulated programs, by x86_64's numbers, and the little that takes structures in user
 * memory. Each process (and each thread, by its slot) has scratch memory for arguments.
 */
#ifndef TESTS_SIM_CALLS_H
#define TESTS_SIM_CALLS_H

#include <native/sim.h>

enum {
	NR_read = 0, NR_write = 1, NR_open = 2, NR_close = 3, NR_stat = 4, NR_fstat = 5, NR_lstat = 6, NR_poll = 7,
	NR_lseek = 8, NR_mmap = 9, NR_mprotect = 10, NR_munmap = 11, NR_brk = 12, NR_rt_sigaction = 13,
	NR_rt_sigprocmask = 14, NR_pread64 = 17, NR_pwrite64 = 18, NR_pipe = 22, NR_sched_yield = 24, NR_mremap = 25,
	NR_msync = 26, NR_madvise = 28, NR_dup = 32, NR_dup2 = 33, NR_pause = 34, NR_nanosleep = 35, NR_getpid = 39,
	NR_clone = 56, NR_fork = 57, NR_execve = 59, NR_exit = 60, NR_wait4 = 61, NR_kill = 62, NR_fcntl = 72,
	NR_fsync = 74, NR_fdatasync = 75, NR_truncate = 76, NR_ftruncate = 77, NR_getdents = 78, NR_chdir = 80,
	NR_rename = 82, NR_mkdir = 83, NR_rmdir = 84, NR_creat = 85, NR_link = 86, NR_unlink = 87, NR_symlink = 88,
	NR_readlink = 89, NR_chmod = 90, NR_getppid = 110, NR_socket = 41, NR_connect = 42, NR_accept = 43, NR_sendto = 44, NR_recvfrom = 45, NR_shutdown = 48, NR_bind = 49, NR_listen = 50,
	NR_setsockopt = 54, NR_rt_sigpending = 127, NR_rt_sigtimedwait = 128,
	NR_rt_sigqueueinfo = 129, NR_rt_sigsuspend = 130, NR_sync = 162, NR_mount = 165, NR_umount2 = 166,
	NR_gettid = 186, NR_tkill = 200, NR_futex = 202, NR_sched_setaffinity = 203, NR_getdents64 = 217,
	NR_clock_settime = 227, NR_clock_gettime = 228, NR_exit_group = 231, NR_tgkill = 234, NR_waitid = 247, NR_pipe2 = 293,
	NR_process_vm_writev = 311,
};

/* clone flags */
#define C_VM 0x100u
#define C_FS 0x200u
#define C_FILES 0x400u
#define C_SIGHAND 0x800u
#define C_THREAD 0x10000u
#define C_SYSVSEM 0x40000u
#define C_THREAD_FLAGS (C_VM | C_FS | C_FILES | C_SIGHAND | C_THREAD | C_SYSVSEM)
#define S_CHLD 17u

#define CALL0(n) sim_call(NR_##n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a) sim_call(NR_##n, (u64)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) sim_call(NR_##n, (u64)(a), (u64)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) sim_call(NR_##n, (u64)(a), (u64)(b), (u64)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d) sim_call(NR_##n, (u64)(a), (u64)(b), (u64)(c), (u64)(d), 0, 0)
#define CALL6(n, a, b, c, d, e, f) sim_call(NR_##n, (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e), (u64)(f))

/* The data segment: 1 KiB of scratch per thread slot, 16 KiB to share, a stack (for signal frames) per slot. */
#define SCRATCH_SIZE 0x400u
#define SHARED (SIM_USER_DATA + 0x4000)
#define SHARED_SIZE 0x4000u
#define SLOTS 8u
static inline u64 scratch(void) { return SIM_USER_DATA + sim_tag() * SCRATCH_SIZE; }

/* Copies a string to user memory and returns its address. */
u64 put_string(u64 at, const char *s);
/* A child process; it exits with 0 when fn returns. The pid; fails the run if that is not possible. */
int spawn(void (*fn)(u64 arg), u64 arg);
/* A thread of this process; slot (1 .. SLOTS - 1, the first thread has 0) chooses its scratch memory and stack. */
int spawn_thread(void (*fn)(u64 arg), u64 arg, unsigned slot);
/* Waits for that child (-1: any); fails the run unless it exited with 0 (status NULL). Its pid or -errno. */
int wait_child(int pid, int *status);
/* rt_sigaction; handler 0 default, 1 ignore, else a host function. */
void set_handler(int sig, u64 handler, u64 flags, u64 mask);
u64 set_mask(u64 mask);				/* the old one */
long futex_wait(u64 va, u32 value, u64 timeout_ns);	/* timeout 0: none */
long futex_wake(u64 va, u32 n);
void sleep_ns(u64 ns);
void pin_to(u64 cpumask);
/* Moves to a CPU by chance, now and then. */
void wander(void);
/* Mounts ext4 on the disk, or a fresh tmpfs, on /mnt; takes it off again. Both fail the run if that is not possible. */
void mount_work(bool on_disk);
void unmount_work(void);
u64 pick(u64 n);				/* 0 .. n-1 from the workload's stream */
static inline bool maybe(u64 one_in) { return pick(one_in) == 0; }

#endif
