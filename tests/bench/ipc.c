/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two or more that wait for each other: pipes, socket pairs, futexes, context switches, bandwidth.
 */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

#define CHUNK 65536
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129
#define RING_MAX 32

static int to[2], from[2], pair[2];
static char chunk[CHUNK];

/* ---- round trips ---------------------------------------------------------------------------------- */

static void echo(int in, int out)
{
	char c;

	while (read(in, &c, 1) == 1) {
		if (write(out, &c, 1) != 1)
			_exit(1);
	}
}

static void echo_pipe(void)
{
	close(to[1]);
	close(from[0]);
	echo(to[0], from[1]);
}

static void setup_pipe(void)
{
	must(pipe(to) == 0 && pipe(from) == 0);
	bench_partner(echo_pipe);
}

static void round_trip(int out, int in, long n)
{
	for (long i = 0; i < n; i++) {
		char sent = i, got;

		must(write(out, &sent, 1) == 1);
		must(read(in, &got, 1) == 1 && got == sent);
	}
}

static void pipe_trip(long n) { round_trip(to[1], from[0], n); }

static void echo_pair(void)
{
	close(pair[0]);
	echo(pair[1], pair[1]);
}

static void setup_pair(void)
{
	must_exist(socketpair(AF_UNIX, (int)bench_argument, 0, pair) == 0);
	bench_partner(echo_pair);
}

static void pair_trip(long n) { round_trip(pair[0], pair[0], n); }

static void echo_event(void)
{
	uint64_t value;

	while (read(to[0], &value, 8) == 8 && write(from[0], &value, 8) == 8)
		;
}

static void setup_event(void)
{
	must_exist((to[0] = eventfd(0, 0)) >= 0);
	must_exist((from[0] = eventfd(0, 0)) >= 0);
	bench_partner(echo_event);
}

static void event_trip(long n)
{
	for (long i = 0; i < n; i++) {
		uint64_t sent = i + 1, got;

		must(write(to[0], &sent, 8) == 8);
		must(read(from[0], &got, 8) == 8 && got == sent);
	}
}

/* ---- futex: two threads, each wakes the other and sleeps; a wake-to-run is half a round ------------- */

static int turn;

static long futex(int *word, int what, int value)
{
	return syscall(SYS_futex, word, what, value, 0, 0, 0);
}

static void futex_pass(int mine)
{
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != mine)
		futex(&turn, FUTEX_WAIT_PRIVATE, !mine);
	__atomic_store_n(&turn, !mine, __ATOMIC_RELEASE);
	must(futex(&turn, FUTEX_WAKE_PRIVATE, 1) >= 0);
}

static void *futex_partner(void *unused)
{
	while (turn >= 0)
		futex_pass(1);
	return 0;
}

static void setup_futex(void)
{
	pthread_t t;

	must(pthread_create(&t, 0, futex_partner, 0) == 0);
}

static void futex_trip(long n)
{
	for (long i = 0; i < n; i += 2)
		futex_pass(0);
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE))
		futex(&turn, FUTEX_WAIT_PRIVATE, 1);
}

static void futex_wake_none(long n)
{
	while (n--)
		must(futex(&turn, FUTEX_WAKE_PRIVATE, 1) == 0);
}

/* ---- context switches: a token round a ring of pipes; the cost of one hop without its read and write -- */

static int ring[RING_MAX][2];
static int ring_size;

static void ring_member(int at)
{
	echo(ring[at][0], ring[(at + 1) % ring_size][1]);
}

static void *ring_thread(void *at)
{
	ring_member((int)(intptr_t)at);
	return 0;
}

static void setup_ring(bool threads)
{
	ring_size = bench_argument;
	for (int i = 0; i < ring_size; i++)
		must(pipe(ring[i]) == 0);
	must(pipe(to) == 0);
	for (int i = 1; i < ring_size; i++) {
		pthread_t t;
		pid_t pid;

		if (threads) {
			must(pthread_create(&t, 0, ring_thread, (void *)(intptr_t)i) == 0);
			continue;
		}
		must((pid = fork()) >= 0);
		if (pid == 0) {
			ring_member(i);
			_exit(0);
		}
	}
}

static void setup_processes(void) { setup_ring(false); }
static void setup_threads(void) { setup_ring(true); }

static void ring_hops(long n)
{
	for (long i = 0; i < n; i += ring_size) {
		char sent = i, got;

		must(write(ring[1][1], &sent, 1) == 1);
		must(read(ring[0][0], &got, 1) == 1 && got == sent);
	}
}

static void ring_none(long n) { round_trip(to[1], to[0], n); }

static void *yielder(void *unused)
{
	while (sched_yield() == 0)
		;
	return 0;
}

static void setup_yield(void)
{
	pthread_t t;

	must(pthread_create(&t, 0, yielder, 0) == 0);
}

static void do_yield(long n)
{
	for (long i = 0; i < n; i += 2)
		must(sched_yield() == 0);
}

/* ---- bandwidth; n in KiB ---------------------------------------------------------------------------- */

static void pump(void)
{
	int out = to[1];

	memset(chunk, 'd', sizeof chunk);
	close(to[0]);
	while (write(out, chunk, CHUNK) > 0)
		;
}

static void setup_pump(void)
{
	must(pipe(to) == 0);
	bench_partner(pump);
	close(to[1]);
}

static void setup_pair_pump(void)
{
	must_exist(socketpair(AF_UNIX, SOCK_STREAM, 0, to) == 0);
	bench_partner(pump);
	close(to[1]);
}

static void drain(long n)
{
	long left = n * 1024;

	while (left > 0) {
		ssize_t got = read(to[0], chunk, left < CHUNK ? left : CHUNK);

		must(got > 0 && chunk[0] == 'd' && chunk[got - 1] == 'd');
		left -= got;
	}
}

const struct item items_ipc[] = {
	{ "pipe", 't', 1500, setup_pipe, pipe_trip, 0, 0, 0 },
	{ "unix", 't', 1000, setup_pair, pair_trip, 0, 0, SOCK_STREAM },
	{ "unix-dgram", 't', 1000, setup_pair, pair_trip, 0, 0, SOCK_DGRAM },
	{ "eventfd", 't', 1500, setup_event, event_trip, 0, 0, 0 },
	{ "futex-wake", 't', 3000, setup_futex, futex_trip, 0, 0, 0 },
	{ "futex-none", 't', 10000, 0, futex_wake_none, 0, 0, 0 },
	{ "switch-2-processes", 't', 3000, setup_processes, ring_hops, ring_none, 0, 2 },
	{ "switch-8-processes", 't', 4000, setup_processes, ring_hops, ring_none, 0, 8 },
	{ "switch-2-threads", 't', 3000, setup_threads, ring_hops, ring_none, 0, 2 },
	{ "switch-8-threads", 't', 4000, setup_threads, ring_hops, ring_none, 0, 8 },
	{ "yield", 't', 8000, setup_yield, do_yield, 0, 0, 0 },
	{ "pipe-bandwidth", 'b', 4096, setup_pump, drain, 0, 0, 0 },
	{ "unix-bandwidth", 'b', 4096, setup_pair_pump, drain, 0, 0, 0 },
	{ 0 },
};
