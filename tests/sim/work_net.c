/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "net": two processes exchange a stream over the wire and its mirror (wire.h) in bad weather: loss, doubles, late and
 * damaged frames. The model: every byte arrives, right and in order, or the call says that the connection is lost, and
 * only when frames were. Some seeds first throw frames at the machine that it did not ask for: every prefix of the
 * frames of seeds_net.c and mutations of them, or a flood of connection requests; then the exchange must still work in
 * good weather, and the flood must not have cost more than FLOOD_BYTES.
 */
#include <kernel/mm.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "calls.h"
#include "seeds_net.h"
#include "wire.h"
#include "work.h"

#define PORT 7000u
#define STREAM_MAX 120000u
#define PIECE 0x180u
#define FLOOD 20000u
#define FLOODED 2			/* of the four kinds of runs */
#define FLOOD_BYTES (8u << 20)
#define RECOVERY_NS 5000000000ull
#define SIGPIPE 13
#define SOL_SOCKET 1
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define AF_INET 2u
#define AF_INET6 10u

static struct {
	bool is_v6, by_wire, bad;	/* by_wire: else over loopback; bad: the weather is */
	bool may_vanish;		/* the card may lose its carrier */
	int listener;
	u32 bytes, errors;
	u32 call_max;			/* of one read or write */
	u64 free_before;
} run;

static u8 byte_at(u32 i, u32 direction) { return (u8)((i * 2654435761u + direction * 77u) >> 13); }

static long name_make(u64 at, bool is_any)
{
	u8 a[28] = { 0 };

	a[0] = (u8)(run.is_v6 ? AF_INET6 : AF_INET);
	a[2] = PORT >> 8;
	a[3] = PORT & 255;
	if (!is_any && run.is_v6) {
		a[8] = run.by_wire ? 0xfd : 0;
		a[9] = run.by_wire ? 9 : 0;
		a[23] = run.by_wire ? 2 : 1;
	} else if (!is_any) {
		memcpy(a + 4, run.by_wire ? "\x0a\x09\x00\x02" : "\x7f\x00\x00\x01", 4);
	}
	sim_copy_in(at, a, sizeof(a));
	return run.is_v6 ? 28 : 16;
}

/* The call failed: allowed if frames were lost or the other end gave up. */
static void gave_up(const char *what, long err)
{
	if (!run.bad || (err == -EAGAIN && !run.errors && !run.may_vanish) ||
	    (err != -ETIMEDOUT && !(run.may_vanish && err == -ENETUNREACH) && err != -ECONNRESET && err != -EPIPE && err != -EAGAIN && err != -ECONNREFUSED))
		sim_fail("net: %s gives %ld", what, err);
	run.errors++;
	CALL1(exit_group, 0);
}

static void patience(long fd, u64 seconds)
{
	sim_store(scratch(), 8, seconds);
	sim_store(scratch() + 8, 8, 0);
	CALL6(setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, scratch(), 16, 0);
	CALL6(setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, scratch(), 16, 0);
}

/* Bytes at to at + n of the stream into the program's memory, or what is there compared with them. */
static void bytes_put(u32 at, u32 n, u32 direction)
{
	u8 piece[PIECE];

	for (u32 i = 0; i < n; i += PIECE) {
		u32 part = min(PIECE, n - i);

		for (u32 k = 0; k < part; k++)
			piece[k] = byte_at(at + i + k, direction);
		sim_copy_in(SHARED + i, piece, part);
	}
}

static void bytes_check(u32 at, u32 n, u32 direction)
{
	u8 piece[PIECE];

	for (u32 i = 0; i < n; i += PIECE) {
		u32 part = min(PIECE, n - i);

		sim_copy_out(piece, SHARED + i, part);
		for (u32 k = 0; k < part; k++)
			if (at + i + k >= run.bytes || piece[k] != byte_at(at + i + k, direction))
				sim_fail("net: byte %u of %u is wrong", at + i + k, run.bytes);
	}
}

static void send_all(long fd, u32 direction)
{
	u32 at = 0;

	while (at < run.bytes) {
		u32 n = min((u32)(1 + pick(run.call_max)), run.bytes - at);
		long done;

		bytes_put(at, n, direction);
		done = CALL3(write, fd, SHARED, n);
		if (done <= 0)
			gave_up("write", done);
		at += (u32)done;
	}
}

static void receive_all(long fd, u32 direction)
{
	u32 at = 0;

	while (1) {
		long n = CALL3(read, fd, SHARED, 1 + pick(run.call_max));

		if (n < 0)
			gave_up("read", n);
		bytes_check(at, (u32)n, direction);
		at += (u32)n;
		if (at == run.bytes || !n)
			break;
	}
	if (at != run.bytes)
		sim_fail("net: the stream ends in order after %u of %u bytes", at, run.bytes);
}

static void expect_end(long fd)
{
	long n = CALL3(read, fd, scratch(), 1);

	if (n < 0)
		gave_up("read at the end", n);
	if (n)
		sim_fail("net: more than was sent");
}

static void server(u64 unused)
{
	long fd;

	patience(run.listener, 900);
	fd = CALL3(accept, run.listener, 0, 0);
	if (fd < 0)
		gave_up("accept", fd);
	patience(fd, 900);
	receive_all(fd, 1);
	send_all(fd, 2);
	CALL2(shutdown, fd, 1);
	expect_end(fd);
}

static void client(u64 unused)
{
	long fd = CALL3(socket, run.is_v6 ? AF_INET6 : AF_INET, 1, 0), err;

	if (fd < 0)
		sim_fail("net: socket gives %ld", fd);
	patience(fd, 900);
	err = CALL3(connect, fd, scratch(), name_make(scratch(), false));
	if (err)
		gave_up("connect", err);
	send_all(fd, 1);
	receive_all(fd, 2);
	CALL2(shutdown, fd, 1);
	expect_end(fd);
}

static void exchange(bool is_v6, bool by_wire, u32 bytes)
{
	long err;

	run.is_v6 = is_v6;
	run.by_wire = by_wire;
	run.bytes = bytes;
	run.errors = 0;
	run.call_max = maybe(2) ? PIECE : SHARED_SIZE;
	run.listener = (int)CALL3(socket, is_v6 ? AF_INET6 : AF_INET, 1, 0);
	sim_store(scratch() + 64, 4, 1);
	CALL6(setsockopt, run.listener, SOL_SOCKET, 2, scratch() + 64, 4, 0);	/* SO_REUSEADDR: pairs in TIME_WAIT */
	err = CALL3(bind, run.listener, scratch(), name_make(scratch(), true));
	if (err || (err = CALL2(listen, run.listener, 8)))
		sim_fail("net: bind or listen gives %ld", err);
	spawn(server, 0);
	spawn(client, 0);
	wait_child(-1, NULL);
	wait_child(-1, NULL);
	CALL1(close, run.listener);
}

/* ---- in the kernel ---------------------------------------------------------------------------------- */
static void fair(void) { wire_weather(&(struct wire_weather){ .delay_ns = 1000000 }); }

static void foul(void *unused)
{
	struct wire_weather w = { .delay_ns = 2000000 };

	w.lose = (u32)pick(100);
	w.twice = (u32)pick(100);
	w.late = (u32)pick(100);
	w.damage = (u32)pick(100);
	run.bad = true;
	wire_weather(&w);
}

static void clear(void *unused)
{
	run.bad = false;
	fair();
}

static void start(void *unused)
{
	wire_start(WIRE_OWN_CARD);
	fair();
}

static void start_virtio(void *unused)
{
	wire_start(WIRE_VIRTIO_CARD);
	fair();
}

static void prefixes(void *unused)
{
	u8 frame[SEED_MAX];

	for (unsigned i = 0; i < seed_count(); i++) {
		u32 len = seed_make(i, frame);

		for (u32 n = 0; n <= len; n++)
			wire_put(frame, n);
	}
	wire_drain();
}

static void mutants(void *unused)
{
	u64 count = sim_setting("ops", 64) * 32;
	u8 frame[SEED_MAX + 64];

	for (u64 i = 0; i < count; i++) {
		u32 len = seed_make((unsigned)pick(seed_count()), frame);

		for (u64 k = 1 + pick(6); k; k--)
			frame[pick(len)] = (u8)(maybe(3) ? pick(256) : maybe(2) ? 0 : 255);
		if (maybe(4))
			len = 1 + (u32)pick(len);
		if (!maybe(4))
			wire_seal(frame, len);
		wire_put(frame, len);
	}
	wire_drain();
}

/* A connection request from somewhere, where nobody answers. */
static u32 request_make(u8 *frame)
{
	u32 len = seed_make(SEED_SYN, frame);

	frame[27] = (u8)(1 + pick(254));	/* source 10.x.y.z */
	frame[28] = (u8)pick(256);
	frame[29] = (u8)(3 + pick(250));
	frame[34] = (u8)(4 + pick(250));	/* its port */
	frame[36] = PORT >> 8;
	frame[37] = PORT & 255;
	wire_seal(frame, len);
	return len;
}

/* The first fragment of a packet whose others never come. */
static u32 fragment_make(u8 *frame)
{
	bool v6 = maybe(2);
	u32 len = seed_make(v6 ? SEED_FRAGMENT6 : SEED_FRAGMENT4, frame);

	if (frame[v6 ? 54 : 20] != (v6 ? 17 : 0x20))
		sim_fail("net: that is no first fragment");
	frame[v6 ? 36 : 28] = (u8)pick(256);
	frame[v6 ? 37 : 29] = (u8)(3 + pick(250));
	frame[v6 ? 60 : 18] = (u8)pick(256);
	frame[v6 ? 61 : 19] = (u8)pick(256);
	wire_seal(frame, len);
	return len;
}

/* Connection requests or fragments from everywhere. */
static void flood(void *unused)
{
	u64 count = sim_setting("ops", 64) * (FLOOD / 64), lowest = U64_MAX;
	bool fragments = maybe(2);
	u8 frame[SEED_MAX];

	run.free_before = mm_free_pages();
	for (u64 i = 0; i < count; i++) {
		wire_put(frame, fragments ? fragment_make(frame) : request_make(frame));
		if (i % 64 == 0)
			lowest = min(lowest, mm_free_pages());
	}
	wire_drain();
	if (lowest + FLOOD_BYTES / PAGE_SIZE < run.free_before)
		sim_fail("net: the flood took %llu KiB", (unsigned long long)(run.free_before - lowest) * PAGE_SIZE / 1024);
}

/* While it lasts and right after it a program that listens still gets its connections. */
static void under_flood(void)
{
	u64 before;

	run.is_v6 = false;
	run.listener = (int)CALL3(socket, AF_INET, 1, 0);
	if (CALL3(bind, run.listener, scratch(), name_make(scratch(), true)) || CALL2(listen, run.listener, 64))
		sim_fail("net: bind or listen fails");
	sim_in_kernel(flood, NULL);
	run.by_wire = true;
	run.bytes = 1000;
	run.call_max = PIECE;
	before = time_ns();
	spawn(server, 0);
	spawn(client, 0);
	wait_child(-1, NULL);
	wait_child(-1, NULL);
	if (time_ns() - before > RECOVERY_NS)
		sim_fail("net: after the flood a connection took %llu ms", (unsigned long long)(time_ns() - before) / 1000000);
	CALL1(close, run.listener);
}

static void start_lying(void *unused)
{
	wire_start(WIRE_LYING_CARD);
	fair();
}

static void check_card(void *unused) { vcard_check(); }

/* A card that lies: calls may fail, nothing else may, and the rest of the machine goes on. */
static void with_liar(u32 bytes)
{
	sim_in_kernel(start_lying, NULL);
	run.bad = run.may_vanish = true;
	sim_in_kernel(mutants, NULL);
	exchange(maybe(2), true, 1 + (u32)pick(bytes));
	sim_in_kernel(mutants, NULL);
	run.bad = false;
	exchange(maybe(2), false, 1 + (u32)pick(bytes));
	sim_in_kernel(check_card, NULL);
}

void work_net(void)
{
	u32 bytes = (u32)(sim_setting("ops", 64) * STREAM_MAX / 64);
	u64 what;

	memset(&run, 0, sizeof(run));
	set_handler(SIGPIPE, 1, 0, 0);
	if (!pick(4)) {
		with_liar(bytes);
		return;
	}
	what = pick(4);
	sim_in_kernel(what == FLOODED || maybe(2) ? start : start_virtio, NULL);	/* 20,000 frames through rings take too long */
	switch (what) {
	case 0:
		sim_in_kernel(prefixes, NULL);
		/* fall through */
	case 1:
		sim_in_kernel(mutants, NULL);
		break;
	case FLOODED:
		under_flood();
		break;
	default:
		sim_in_kernel(foul, NULL);
		exchange(maybe(2), true, 1 + (u32)pick(bytes));
		sim_in_kernel(clear, NULL);
	}
	exchange(false, true, 1 + (u32)pick(bytes));
	exchange(true, true, 3000);
	exchange(maybe(2), false, 1 + (u32)pick(bytes));
	sim_in_kernel(check_card, NULL);
}
