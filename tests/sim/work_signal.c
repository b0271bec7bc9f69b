/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "signal": a parent queues real-time signals to its children, who sleep, read, compute and wait in
 * all ways. The model: each queued signal arrives once, in order; sigsuspend misses none; a read
 * with SA_RESTART goes on; stops and continuations are reported, and no thread of a stopped child runs; every
 * child's end is seen once.
 */
#include <lib/string.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include "calls.h"
#include "work.h"

#define CHILDREN 4u
#define OPS 12u
#define SIG_FIRST 34		/* two real-time signals */
#define SIG_COUNT 2u
#define HELPERS 2u		/* other threads of a child, at most */
#define SIGUSR1 10
#define SIGTERM 15
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SA_SIGINFO 4u
#define SA_RESTART 0x10000000u
#define WUNTRACED 2u
#define WCONTINUED 8u
#define SI_QUEUE (-1)

static struct child {
	int pid, pipe[2];
	u32 sent[SIG_COUNT], got[SIG_COUNT];
	u32 usr1_sent, usr1_got;
	int beat[2];		/* a pipe: a byte for each round of its other threads */
	bool is_done;		/* SIGTERM came */
	bool restarts, is_known;	/* is_known: the parent took the first byte */
} children[CHILDREN];
static unsigned ops, sigchld;

static struct child *who(void)
{
	int pid = (int)CALL0(getpid);

	for (unsigned i = 0; i < CHILDREN; i++)
		if (children[i].pid == pid)
			return &children[i];
	sim_fail("signal: process %d is nobody's child", pid);
}

static void on_realtime(u64 sig)
{
	struct child *c = who();
	unsigned k = (unsigned)(sig - SIG_FIRST);
	u32 value = (u32)sim_load(sim_handler_siginfo() + 24, 4);

	if (value != c->got[k])
		sim_fail("signal: signal %llu number %u came when %u was due", (unsigned long long)sig, value,
			 c->got[k]);
	c->got[k]++;
}

static void on_usr1(u64 sig) { who()->usr1_got++; }
static void on_term(u64 sig) { who()->is_done = true; }
static void on_child(u64 sig) { sigchld++; }

static bool all_came(const struct child *c)
{
	return c->is_done && !memcmp(c->sent, c->got, sizeof(c->sent));
}

static void blocked_read(struct child *c)
{
	u64 at = scratch() + 0x100;
	long n = CALL3(read, c->pipe[0], at, 1);

	if (n == -EINTR && c->restarts)
		sim_fail("signal: a read was not restarted");
	if (n != 1 && n != -EINTR)
		sim_fail("signal: read gives %ld", n);
}

/* Blocks everything, looks, sleeps with all open: no signal can come between. */
static void suspend(struct child *c)
{
	u64 old = set_mask(~0ull), at = scratch() + 0x180;

	sim_store(at, 8, 0);
	if (!all_came(c) && CALL2(rt_sigsuspend, at, 8) != -EINTR)
		sim_fail("signal: sigsuspend ended without a signal");
	set_mask(old);
}

/* Takes no signal, but stops and ends with its process. */
static void helper(u64 me)
{
	struct child *c = &children[me];

	while (1) {
		CALL3(write, c->beat[1], scratch(), 1);
		switch (pick(3)) {
		case 0: sleep_ns(pick(30000)); break;
		case 1: sim_work((unsigned)pick(100)); break;
		default: wander(); break;
		}
	}
}

static void start_helpers(u64 me)
{
	u64 old = set_mask(~0ull);

	for (unsigned i = (unsigned)pick(HELPERS + 1); i > 0; i--)
		spawn_thread(helper, me, i);
	set_mask(old);
}

static void child_main(u64 me)
{
	struct child *c = &children[me];

	c->pid = (int)CALL0(getpid);
	c->restarts = maybe(2);
	for (int i = 0; i < (int)SIG_COUNT; i++)
		set_handler(SIG_FIRST + i, (u64)on_realtime, SA_SIGINFO | (c->restarts ? SA_RESTART : 0), 0);
	set_handler(SIGUSR1, (u64)on_usr1, c->restarts ? SA_RESTART : 0, 0);
	set_handler(SIGTERM, (u64)on_term, c->restarts ? SA_RESTART : 0, 0);
	start_helpers(me);
	sim_store(scratch() + 0x100, 1, 'r');
	CALL3(write, c->pipe[1], scratch() + 0x100, 1);	/* ready */
	while (!READ_ONCE(c->is_known))
		sleep_ns(1000);
	for (unsigned i = 0; i < ops && !all_came(c); i++) {
		switch (pick(5)) {
		case 4: blocked_read(c); break;
		case 0: sleep_ns(pick(100000)); break;
		case 1: sim_work((unsigned)pick(200)); break;
		case 2: set_mask(pick(2) ? 1ull << (SIG_FIRST - 1) : 0); break;
		default: wander(); break;
		}
	}
	set_mask(0);
	while (!all_came(c))
		suspend(c);
	if (c->usr1_got > c->usr1_sent || (c->usr1_sent && !c->usr1_got))
		sim_fail("signal: SIGUSR1 was sent %u times and came %u times", c->usr1_sent, c->usr1_got);
	CALL1(exit_group, me + 3);
}

static void queue(struct child *c)
{
	unsigned k = (unsigned)pick(SIG_COUNT);
	u64 at = scratch() + 0x100, words[16] = { 0 };
	long err;

	words[0] = (u64)(u32)(SIG_FIRST + (int)k);
	words[1] = (u32)SI_QUEUE;
	words[2] = (u64)(u32)CALL0(getpid);
	words[3] = c->sent[k];
	sim_copy_in(at, words, sizeof(words));
	c->sent[k]++;			/* before: it may arrive at once */
	err = CALL3(rt_sigqueueinfo, c->pid, SIG_FIRST + (int)k, at);
	if (err)
		sim_fail("signal: rt_sigqueueinfo gives %ld", err);
}

static void stop_and_go(struct child *c)
{
	u64 at = scratch() + 0x100;
	long got;

	CALL2(kill, c->pid, SIGSTOP);
	while ((got = CALL4(wait4, c->pid, at, WUNTRACED, 0)) == -EINTR)
		;
	if (got != c->pid || (sim_load(at, 4) & 0xff) != 0x7f)
		sim_fail("signal: a stopped child was not reported: %ld", got);
	while (CALL3(read, c->beat[0], at, 0x100) > 0)
		;
	if (maybe(2))
		queue(c);
	if (maybe(2))
		sleep_ns(pick(100000));
	if (CALL3(read, c->beat[0], at, 1) != -EAGAIN)
		sim_fail("signal: a thread of a stopped child runs");
	CALL2(kill, c->pid, SIGCONT);
	while ((got = CALL4(wait4, c->pid, at, WCONTINUED, 0)) == -EINTR)
		;
	if (got != c->pid || sim_load(at, 4) != 0xffff)
		sim_fail("signal: a continued child was not reported: %ld", got);
}

/* A child that ends at once, perhaps as another program, perhaps leaving an orphan to us. */
static void orphan(u64 arg) { sleep_ns(pick(20000)); }
static void brief(u64 arg)
{
	if (arg & 1) {
		u64 path = put_string(scratch(), "/bin/true");

		CALL3(execve, path, 0, 0);
		sim_fail("signal: execve did not work");
	}
	if (arg & 2)
		spawn(orphan, 0);
}

static unsigned nr_brief;	/* ends that wait_all must see beside the children's */

static void do_brief(void)
{
	u64 kind = pick(4);

	spawn(brief, kind);
	nr_brief += kind == 2 ? 2 : 1;
}

static void wait_all(void)
{
	bool seen[CHILDREN] = { false };
	unsigned left = CHILDREN + nr_brief;

	while (left) {
		int status, pid = wait_child(-1, &status);

		if (pid < 0)
			sim_fail("signal: wait4 gives %d, %u children are left", pid, left);
		left--;
		for (unsigned i = 0; i < CHILDREN; i++) {
			if (children[i].pid != pid)
				continue;
			if (seen[i] || status != (int)(i + 3) << 8)
				sim_fail("signal: child %u ended with %#x", i, status);
			seen[i] = true;
			status = 0;
		}
		if (status)
			sim_fail("signal: a brief child ended with %#x", status);
	}
	if (wait_child(-1, NULL) != -ECHILD)
		sim_fail("signal: there are children that nobody made");
}

static void new_pipe(int fd[2], u64 flags)
{
	if (CALL2(pipe2, scratch(), flags))
		sim_fail("signal: no pipe");
	fd[0] = (int)sim_load(scratch(), 4);
	fd[1] = (int)sim_load(scratch() + 4, 4);
}

void work_signal(void)
{
	memset(children, 0, sizeof(children));
	nr_brief = sigchld = 0;
	ops = (unsigned)sim_setting("ops", OPS);
	set_handler(SIGCHLD, (u64)on_child, SA_RESTART, 0);
	for (unsigned i = 0; i < CHILDREN; i++) {
		struct child *c = &children[i];

		new_pipe(c->pipe, 0);
		new_pipe(c->beat, O_NONBLOCK);
		c->pid = spawn(child_main, i);
		while (CALL3(read, c->pipe[0], scratch() + 0x100, 1) == -EINTR)
			;
		c->is_known = true;
	}
	for (unsigned i = 0; i < ops * CHILDREN; i++) {
		struct child *c = &children[pick(CHILDREN)];

		switch (pick(8)) {
		case 0: c->usr1_sent++; CALL2(kill, c->pid, SIGUSR1); break;
		case 1: if (maybe(2)) stop_and_go(c); break;
		case 2: do_brief(); break;
		case 3: wander(); break;
		default: queue(c); break;
		}
	}
	for (unsigned i = 0; i < CHILDREN; i++) {
		CALL3(write, children[i].pipe[1], scratch(), min(ops, 0x300u));	/* for every blocked_read */
		CALL2(kill, children[i].pid, SIGTERM);
	}
	wait_all();
	for (unsigned i = 0; i < CHILDREN; i++) {
		CALL1(close, children[i].pipe[0]);
		CALL1(close, children[i].pipe[1]);
		CALL1(close, children[i].beat[0]);
		CALL1(close, children[i].beat[1]);
	}
}
