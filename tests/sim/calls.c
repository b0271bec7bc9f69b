/* SPDX-License-Identifier: BSD-2-Clause */
/* Helpers of simulated programs over the system-call interface. */
#include <lib/string.h>
#include <uapi/errno.h>
#include "calls.h"

#define SLOT_ARGS 0x300u	/* this file's part of a slot's scratch */
#define STACKS (SIM_USER_DATA + 0x8000)
#define STACK_SIZE 0x1000u
#define FUTEX_WAIT_PRIVATE 128u
#define FUTEX_WAKE_PRIVATE 129u
#define SA_RESTORER 0x04000000u
#define NS 1000000000ull

static u64 args(void) { return scratch() + SLOT_ARGS; }

u64 pick(u64 n) { return sim_below(SIM_WORK, n); }

u64 put_string(u64 at, const char *s)
{
	sim_copy_in(at, s, strlen(s) + 1);
	return at;
}

int spawn(void (*fn)(u64 arg), u64 arg)
{
	long pid = sim_clone(S_CHLD, 0, fn, arg, sim_tag());

	if (pid <= 0)
		sim_fail("fork: error %ld", -pid);
	return (int)pid;
}

int spawn_thread(void (*fn)(u64 arg), u64 arg, unsigned slot)
{
	long tid = sim_clone(C_THREAD_FLAGS, STACKS + (slot + 1) * STACK_SIZE, fn, arg, slot);

	if (tid <= 0)
		sim_fail("clone: error %ld", -tid);
	return (int)tid;
}

int wait_child(int pid, int *status)
{
	u64 at = args();
	long got;
	int word;

	do
		got = CALL4(wait4, pid, at, 0, 0);
	while (got == -EINTR);
	if (got < 0)
		return (int)got;
	word = (int)sim_load(at, 4);
	if (status)
		*status = word;
	else if (word)
		sim_fail("child %ld ended with status %#x", got, word);
	return (int)got;
}

void set_handler(int sig, u64 handler, u64 flags, u64 mask)
{
	u64 act[4] = { handler, flags | SA_RESTORER, 0, mask }, at = args();
	long err;

	sim_copy_in(at, act, sizeof(act));
	err = CALL4(rt_sigaction, sig, at, 0, 8);
	if (err)
		sim_fail("rt_sigaction: error %ld", -err);
}

u64 set_mask(u64 mask)
{
	u64 at = args();
	long err;

	sim_store(at, 8, mask);
	err = CALL4(rt_sigprocmask, 2, at, at + 8, 8);
	if (err)
		sim_fail("rt_sigprocmask: error %ld", -err);
	return sim_load(at + 8, 8);
}

long futex_wait(u64 va, u32 value, u64 timeout_ns)
{
	u64 at = args();

	if (timeout_ns) {
		sim_store(at, 8, timeout_ns / NS);
		sim_store(at + 8, 8, timeout_ns % NS);
	}
	return CALL4(futex, va, FUTEX_WAIT_PRIVATE, value, timeout_ns ? at : 0);
}

long futex_wake(u64 va, u32 n) { return CALL3(futex, va, FUTEX_WAKE_PRIVATE, n); }

void mount_work(bool on_disk)
{
	u64 from = put_string(SHARED, on_disk ? "/dev/sda" : "none"), to = put_string(SHARED + 0x40, "/mnt");
	long err = CALL6(mount, from, to, put_string(SHARED + 0x80, on_disk ? "ext4" : "tmpfs"), 0, 0, 0);

	if (err)
		sim_fail("mount: error %ld", -err);
}

void unmount_work(void)
{
	long err = CALL2(umount2, put_string(SHARED, "/mnt"), 0);

	if (err)
		sim_fail("unmount: error %ld", -err);
}

void sleep_ns(u64 ns)
{
	u64 at = args();

	sim_store(at, 8, ns / NS);
	sim_store(at + 8, 8, ns % NS);
	while (CALL2(nanosleep, at, at) == -EINTR)
		;
}

void pin_to(u64 cpumask)
{
	u64 at = args();

	sim_store(at, 8, cpumask);
	(void)CALL3(sched_setaffinity, 0, 8, at);	/* EINVAL: no such CPU here */
}

void wander(void)
{
	if (maybe(4))
		pin_to(1ull << pick(8));
	else if (maybe(8))
		pin_to(~0ull);
}
