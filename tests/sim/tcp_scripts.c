/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timed scripts: what leaves, and when. Time-outs (RFC 6298), loss recovery (RFC 5681, 6582, 2018, 6675), timestamps (RFC 7323), windows (RFC 9293
 * 3.8.6), forged segments (RFC 5961), the ends of connections, keep-alive. Times in ms; lwIP's timers step by 40 and 80.
 */
#include <lib/bits.h>
#include <uapi/errno.h>
#include "calls.h"
#include "peer.h"
#include "work.h"

#define SOL_SOCKET_LEVEL 1
#define TCP_LEVEL 6
#define TCP_NODELAY 1
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6
#define TCP_DEFER_ACCEPT 9
#define TCP_USER_TIMEOUT 18
#define SO_KEEPALIVE 9
#define SO_RCVBUF 8
#define RTO_FROM 200u			/* a new connection's, whose round trip is some ms */
#define RTO_TO 420u
#define MSS 1000u			/* what the peer asks for where a script counts segments */
#define SACKING ((struct offer){ .mss = MSS, .sack = true })
#define PLAIN ((struct offer){ .mss = MSS })
#define TIMED ((struct offer){ .mss = MSS, .ts = true })

static struct segment data(u32 n) { return expect(T_ACK, 1 + n * MSS, MSS, 1, 300); }
static u32 at(u32 n) { return 1 + n * MSS; }

/* The connection; its listener is still there. */
static bool is_gone(void)
{
	u32 state = peer_state();

	return state == ST_LISTEN || state == ST_CLOSED;
}

/* n full segments leave at once, so the window is open for them: the first of them were acknowledged before. */
static void burst(u32 n)
{
	u32 sent = 0, acked = 0;

	do_write(n * MSS);
	while (sent < n) {
		struct segment s;

		if (!peer_next(&s, 300))
			fail("segment %u of %u does not leave", sent, n);
		if (s.seq != at(sent) || s.len != MSS)
			fail("sent %u(%u), expected segment %u", s.seq, s.len, sent);
		sent++;
		/* four leave at the start; each answer lets two follow */
		if (sent == 4 + 2 * acked && sent < n)
			put(T_ACK, 1, 0, at(++acked));
	}
	put(T_ACK, 1, 0, at(n));
	expect_silence(20);
}

/* A window of n segments whose first is number `from`, after a burst of that many. */
static void window(u32 from, u32 n)
{
	burst(from);
	do_write(n * MSS);
	for (u32 i = 0; i < n; i++)
		data(from + i);
}

/* ---- time-outs ---------------------------------------------------------------------------------------- */
static void rto_doubles(void)
{
	struct segment s;
	u32 wait = RTO_FROM;

	open_passive(PLAIN);
	do_write(100);
	s = expect(T_ACK, 1, 100, 1, 100);
	for (u32 i = 0; i < 5; i++, wait *= 2)
		s = expect_at(T_ACK, 1, 100, 1, s.at_ns, wait, 2 * wait + 20);
	put(T_ACK, 1, 0, 101);
	expect_silence(4000);
	do_write(50);			/* the doubling is over: RFC 6298 5.7 */
	s = expect(T_ACK, 101, 50, 1, 100);
	expect_at(T_ACK, 101, 50, 1, s.at_ns, RTO_FROM, RTO_TO);
}

static void rto_follows_round_trip(void)
{
	struct segment s, again;

	open_passive(TIMED);
	for (u32 i = 0; i < 8; i++) {
		do_write(100);
		s = expect(T_ACK, 1 + 100 * i, 100, 1, 100);
		sleep_ns(600000000);	/* before the first answers it is sent again */
		while (peer_next(&again, 0))
			;
		peer.echo = s.ts_val;	/* what is answered is what was sent first */
		put(T_ACK, 1, 0, 101 + 100 * i);
	}
	do_write(100);
	s = expect(T_ACK, 801, 100, 1, 100);
	expect_at(T_ACK, 801, 100, 1, s.at_ns, 800, 1900);
}

static void syn_doubles(void)
{
	struct segment s;

	if (start_connect() != -EINPROGRESS)
		fail("connect");
	s = expect(T_SYN, 0, 0, 0, 100);
	s = expect_at(T_SYN, 0, 0, 0, s.at_ns, 800, 1200);
	s = expect_at(T_SYN, 0, 0, 0, s.at_ns, 1900, 2300);
	expect_at(T_SYN, 0, 0, 0, s.at_ns, 3900, 4300);
}

static void syn_gives_up(void)
{
	struct segment s;
	u32 n = 0;

	if (start_connect() != -EINPROGRESS)
		fail("connect");
	while (peer_next(&s, 70000))
		n++;
	if (n != 7 || error_of() != ETIMEDOUT || peer_state() != ST_CLOSED)
		fail("%u requests, state %u", n, peer_state());
}

static void syn_ack_again(void)
{
	struct segment syn = { .flags = T_SYN, .window = PEER_WINDOW, .mss = 1460 };

	open_listener();
	peer_send(&syn);
	expect(T_SYN | T_ACK, 0, 0, 1, 100);
	peer_send(&syn);		/* heard twice, answered twice, one connection */
	expect(T_SYN | T_ACK, 0, 0, 1, 100);
	expect(T_SYN | T_ACK, 0, 0, 1, 1500);
	put(T_ACK, 1, 0, 1);
	if ((peer.fd = try_accept()) < 0 || try_accept() != -EAGAIN)
		fail("not one connection");
}

static void user_timeout(void)
{
	struct segment s;

	open_passive(PLAIN);
	do_option(TCP_LEVEL, TCP_USER_TIMEOUT, 3000);
	do_write(10);
	while (peer_next(&s, 2500))
		;
	sleep_ns(2000000000);
	if (error_of() != ETIMEDOUT)
		fail("it lives on");
}

/* ---- answers ------------------------------------------------------------------------------------------- */
static void ack_delayed(void)
{
	u64 before;

	open_passive(PLAIN);
	before = now_ns();
	put(T_ACK, 1, 100, 1);
	expect_at(T_ACK, 1, 0, 101, before, 0, 60);
	expect_silence(300);
}

static void ack_each_second(void)
{
	struct segment s;

	open_passive(PLAIN);
	for (u32 i = 0; i < 10; i += 2) {
		bool alone;

		put(T_ACK, at(i), MSS, 1);
		alone = peer_next(&s, 0);	/* the timer's turn came just now */
		put(T_ACK, at(i + 1), MSS, 1);
		expect(T_ACK, 1, 0, at(i + 2), alone ? 60 : 15);
	}
	do_read(10 * MSS);
}

static void ack_out_of_order(void)
{
	struct segment s;

	open_passive(SACKING);
	put(T_ACK, at(1), MSS, 1);
	s = expect(T_ACK, 1, 0, 1, 15);
	if (s.nr_sacks != 1 || s.sack[0].left != at(1) || s.sack[0].right != at(2))
		fail("%u blocks, %u to %u", s.nr_sacks, s.sack[0].left, s.sack[0].right);
	put(T_ACK, at(3), MSS, 1);
	s = expect(T_ACK, 1, 0, 1, 15);
	if (s.nr_sacks != 2 || s.sack[0].left != at(3) || s.sack[1].left != at(1))
		fail("the newest block is not the first");
	put(T_ACK, at(0), MSS, 1);
	s = expect(T_ACK, 1, 0, at(2), 15);
	if (s.nr_sacks != 1 || s.sack[0].left != at(3))
		fail("%u blocks afterwards", s.nr_sacks);
	put(T_ACK, at(2), MSS, 1);
	s = expect(T_ACK, 1, 0, at(4), 60);
	if (s.nr_sacks)
		fail("blocks without a hole");
	do_read(4 * MSS);
}

static void no_sack_unasked(void)
{
	open_passive(PLAIN);
	put(T_ACK, at(1), MSS, 1);
	if (expect(T_ACK, 1, 0, 1, 15).nr_sacks)
		fail("blocks for a peer that knows none");
}

static void doubles_answered(void)
{
	open_passive(PLAIN);
	put(T_ACK, 1, MSS, 1);
	expect(T_ACK, 1, 0, at(1), 60);
	put(T_ACK, 1, MSS, 1);
	expect(T_ACK, 1, 0, at(1), 15);
	put(T_ACK, 1 + MSS / 2, MSS, 1);	/* half of it is new */
	expect(T_ACK, 1, 0, 1 + MSS + MSS / 2, 60);
	do_read(MSS + MSS / 2);
}

/* ---- loss ---------------------------------------------------------------------------------------------- */
static void fast_retransmit(void)
{
	open_passive(PLAIN);
	window(10, 6);
	put(T_ACK, 1, 0, at(10));
	put(T_ACK, 1, 0, at(10));
	expect_silence(20);		/* two are no loss yet */
	put(T_ACK, 1, 0, at(10));
	expect(T_ACK, at(10), MSS, 1, 15);
	put(T_ACK, 1, 0, at(10));
	put(T_ACK, 1, 0, at(10));
	expect_silence(20);		/* once only */
	put(T_ACK, 1, 0, at(16));
	expect_silence(500);
}

/* RFC 6582: an answer to a part of the window shows the next hole. */
static void partial_answers(void)
{
	open_passive(PLAIN);
	window(10, 8);
	for (u32 i = 0; i < 3; i++)
		put(T_ACK, 1, 0, at(10));
	expect(T_ACK, at(10), MSS, 1, 15);
	put(T_ACK, 1, 0, at(13));
	expect(T_ACK, at(13), MSS, 1, 15);
	put(T_ACK, 1, 0, at(15));
	expect(T_ACK, at(15), MSS, 1, 15);
	put(T_ACK, 1, 0, at(18));
	expect_silence(500);
}

static void sack_fills_holes(void)
{
	struct peer_sack b[3];

	open_passive(SACKING);
	window(12, 10);			/* 12 and 15 are lost */
	b[0] = (struct peer_sack){ at(13), at(14) };
	put_sack(1, at(12), 1, b);
	b[0].right = at(15);
	put_sack(1, at(12), 1, b);
	expect_silence(20);
	b[1] = b[0];
	b[0] = (struct peer_sack){ at(16), at(17) };
	put_sack(1, at(12), 2, b);
	expect(T_ACK, at(12), MSS, 1, 15);
	b[0].right = at(18);
	put_sack(1, at(12), 2, b);
	expect_silence(20);		/* two behind the second hole */
	b[0].right = at(19);
	put_sack(1, at(12), 2, b);
	expect(T_ACK, at(15), MSS, 1, 15);
	b[0].right = at(22);
	put_sack(1, at(12), 2, b);
	expect_silence(20);
	put_sack(1, at(15), 1, b);
	expect_silence(20);
	put(T_ACK, 1, 0, at(22));
	expect_silence(600);
}

/* One answer that shows three segments beyond a hole is enough: a card may have merged them. */
static void sack_in_one(void)
{
	struct peer_sack b = { at(11), at(15) };

	open_passive(SACKING);
	window(10, 5);
	put_sack(1, at(10), 1, &b);
	expect(T_ACK, at(10), MSS, 1, 15);
	put(T_ACK, 1, 0, at(15));
	expect_silence(500);
}

/* RFC 2018 8 and 5.1 of RFC 6675: after a time-out what was sacked is not sent. */
static void sack_over_timeout(void)
{
	struct peer_sack b = { at(12), at(14) };

	open_passive(SACKING);
	window(10, 4);			/* 10, 11 are lost */
	put_sack(1, at(10), 1, &b);
	expect(T_ACK, at(10), MSS, 1, 900);
	put_sack(1, at(11), 1, &b);
	expect(T_ACK, at(11), MSS, 1, 900);
	put(T_ACK, 1, 0, at(14));
	expect_silence(1500);
}

/* The peer threw away what it had: after a time-out all goes out again. */
static void sack_taken_back(void)
{
	struct peer_sack b = { at(11), at(14) };

	open_passive(SACKING);
	window(10, 4);
	put_sack(1, at(10), 1, &b);
	expect(T_ACK, at(10), MSS, 1, 900);
	put(T_ACK, 1, 0, at(11));	/* it has the first, and no more says that it has others */
	expect(T_ACK, at(11), MSS, 1, 1500);
	put(T_ACK, 1, 0, at(12));
	expect(T_ACK, at(12), MSS, 1, 15);
	expect(T_ACK, at(13), MSS, 1, 15);
	put(T_ACK, 1, 0, at(14));
	expect_silence(1500);
}

static void sack_nonsense(void)
{
	struct peer_sack b[4] = { { at(50), at(60) }, { 1, at(3) }, { at(13), at(11) }, { at(10), at(14) } };
	struct segment s;

	open_passive(SACKING);
	window(10, 4);
	s.at_ns = now_ns();
	for (u32 i = 0; i < 2; i++)
		put_sack(1, at(10), 4, b);
	expect_silence(20);
	expect_at(T_ACK, at(10), MSS, 1, s.at_ns, 100, 700);
	put(T_ACK, 1, 0, at(14));
	expect_silence(1000);
}

/* ---- timestamps ------------------------------------------------------------------------------------------ */
static void timestamps_echoed(void)
{
	struct segment s;

	open_passive(TIMED);
	peer.clock += 10;
	put(T_ACK, 1, 100, 1);
	s = expect(T_ACK, 1, 0, 101, 60);
	if (!s.has_ts || s.ts_ecr != peer.clock)
		fail("echo %u, not %u", s.ts_ecr, peer.clock);
	peer.clock += 10;
	put(T_ACK, 301, 100, 1);	/* out of order: the echo stays (RFC 7323 4.3) */
	s = expect(T_ACK, 1, 0, 101, 15);
	if (s.ts_ecr != peer.clock - 10)
		fail("echo of a segment out of order");
	do_write(10);
	if (!expect(T_ACK, 1, 10, 101, 15).has_ts)
		fail("data without a timestamp");
}

/* With two segments for one answer the echo is the first's. */
static void timestamps_first_counts(void)
{
	struct segment s;
	u32 first;

	open_passive(TIMED);
	first = ++peer.clock;
	put(T_ACK, 1, 100, 1);
	peer.clock += 7;
	put(T_ACK, 101, 100, 1);
	s = expect(T_ACK, 1, 0, 201, 60);
	if (s.ts_ecr != first)
		fail("echo %u, not %u", s.ts_ecr, first);
}

static void timestamps_old(void)
{
	open_passive(TIMED);
	peer.clock += 100;
	put(T_ACK, 1, 100, 1);
	expect(T_ACK, 1, 0, 101, 60);
	peer.clock -= 50;
	put(T_ACK, 101, 100, 1);	/* RFC 7323 5.3: old */
	expect(T_ACK, 1, 0, 101, 15);
	peer.clock += 50;
	put(T_ACK, 101, 50, 1);
	expect(T_ACK, 1, 0, 151, 60);
	do_read(150);
}

static void timestamps_unasked(void)
{
	struct segment s;

	open_passive(PLAIN);
	do_write(10);
	s = expect(T_ACK, 1, 10, 1, 15);
	if (s.has_ts)
		fail("timestamps for a peer that has none");
	put(T_ACK, 1, 0, 11);
}

static void timestamps_reset_without(void)
{
	struct segment rst = { .flags = T_RST, .seq = 1 };

	open_passive(TIMED);
	peer_send(&rst);
	if (!is_gone() || error_of() != ECONNRESET)
		fail("a reset needs no timestamp");
}

static void timestamps_differ(void)
{
	u32 first;

	open_passive(TIMED);
	first = peer.echo - (u32)(now_ns() / 1000000);
	if (first + 1000 < 2000)
		fail("the clock tells how long the machine is up");
}

/* ---- windows -------------------------------------------------------------------------------------------- */
static void window_zero(void)
{
	struct segment s = { .flags = T_ACK, .seq = 1, .ack = 101 };
	u64 since;
	u32 n = 0;

	open_passive(PLAIN);
	do_write(100);
	expect(T_ACK, 1, 100, 1, 15);
	peer_send(&s);			/* taken, and the window is shut */
	do_write(100);
	since = now_ns();
	while (now_ns() - since < 20000000000ull) {
		struct segment probe;

		if (!peer_next(&probe, 5000))
			break;
		if (probe.len > 1 || probe.seq != 101)
			fail("a probe of %u bytes at %u", probe.len, probe.seq);
		peer_send(&s);
		n++;
	}
	if (n < 3)
		fail("%u probes in 20 s", n);
	put(T_ACK, 1, 0, 101);		/* open */
	do {
		if (!peer_next(&s, 1000))
			fail("nothing follows the window");
	} while (s.len < 99);
	put(T_ACK, 1, 0, 201);
}

static void window_own(void)
{
	struct segment s;

	do_option(SOL_SOCKET_LEVEL, SO_RCVBUF, 16384);	/* of the listener */
	open_passive(PLAIN);
	for (u32 i = 0; i < 8; i++)
		put(T_ACK, at(i), MSS, 1);
	do {
		if (!peer_next(&s, 60))
			break;
	} while (s.ack != at(8));
	if (s.window > 9 * MSS)
		fail("%u bytes of window with 8,000 unread", s.window);
	do_read(8 * MSS);
	while (peer_next(&s, 60))
		;
	if (s.window < 12 * MSS)
		fail("the window stays at %u", s.window);
}

/* Of a connection: a smaller window comes with what is read, since what was announced is kept; a larger one at once. */
static void window_changed(void)
{
	struct segment s = { .window = 65535 };
	u32 edge = 1 + 65535, n;

	open_passive(PLAIN);
	do_option(SOL_SOCKET_LEVEL, SO_RCVBUF, 8192);
	for (n = 0; n < 100; n++) {
		put(T_ACK, at(n), MSS, 1);
		do_read(MSS);
		while (peer_next(&s, n < 99 ? 0 : 60)) {
			if (s.ack + s.window - edge > 0x80000000)
				fail("the window's edge goes back from %u to %u", edge, s.ack + s.window);
			edge = s.ack + s.window;
		}
	}
	if (s.window > 8192 || s.window < 4 * MSS)
		fail("window %u, wanted 8192", s.window);
	do_option(SOL_SOCKET_LEVEL, SO_RCVBUF, 60000);
	s = expect(T_ACK, 1, 0, at(n), 15);
	if (s.window < 50000)
		fail("window %u, wanted 60000", s.window);
}

static void window_scaled(void)
{
	struct segment s;

	open_passive((struct offer){ .mss = MSS, .scale = true });
	put(T_ACK, 1, 100, 1);
	s = expect(T_ACK, 1, 0, 101, 60);
	if (s.window << 4 < 400000)
		fail("window %u with scale 4", s.window);
}

static void mss_kept(void)
{
	open_passive((struct offer){ .mss = 536 });
	do_write(1500);
	expect(T_ACK, 1, 536, 1, 15);
	expect(T_ACK, 537, 536, 1, 15);
	put(T_ACK, 1, 0, 1073);
	expect(T_ACK, 1073, 428, 1, 15);
}

static void mss_tiny(void)
{
	struct segment s, tiny = { .flags = T_ACK, .seq = 1, .ack = 1, .window = PEER_WINDOW, .mss = 5 };

	open_passive((struct offer){ .mss = 1, .ts = true });
	peer_send(&tiny);		/* no request: not heard */
	do_write(1000);
	if (!peer_next(&s, 100) || s.len < 24)
		fail("segments of %u bytes", s.len);
}

static void nagle(void)
{
	open_passive(PLAIN);
	do_write(10);
	expect(T_ACK, 1, 10, 1, 15);
	do_write(10);
	do_write(10);
	expect_silence(100);
	put(T_ACK, 1, 0, 11);
	expect(T_ACK, 11, 20, 1, 15);
	put(T_ACK, 1, 0, 31);
	do_option(TCP_LEVEL, TCP_NODELAY, 1);
	do_write(5);
	expect(T_ACK, 31, 5, 1, 15);
	do_write(5);
	expect(T_ACK, 36, 5, 1, 15);
}

/* A full segment does not wait, with timestamps neither, which take 12 of its bytes. */
static void nagle_full(void)
{
	open_passive(TIMED);
	do_write(10);
	expect(T_ACK, 1, 10, 1, 15);
	do_write(MSS - 12);
	expect(T_ACK, 11, MSS - 12, 1, 15);
}

/* ---- forged segments (RFC 5961) ---------------------------------------------------------------------------- */
static void forged_reset(void)
{
	struct segment rst = { .flags = T_RST, .seq = 5000 };

	open_passive(PLAIN);
	peer_send(&rst);
	expect(T_ACK, 1, 0, 1, 15);
	rst.seq = 3000000;		/* outside: not even answered */
	peer_send(&rst);
	expect_silence(20);
	do_write(3);
	expect(T_ACK, 1, 3, 1, 15);
}

static void forged_data(void)
{
	open_passive(PLAIN);
	put(T_ACK, 1, 100, 0x70000000);
	expect(T_ACK, 1, 0, 1, 15);
	put(T_ACK, 1, 100, 1 - 200000u);
	expect(T_ACK, 1, 0, 1, 15);
	if (try_read() != -EAGAIN)
		fail("forged bytes arrived");
}

/* ---- ends --------------------------------------------------------------------------------------------------- */
static void to_time_wait(void)
{
	open_passive(PLAIN);
	do_close();
	expect(T_FIN | T_ACK, 1, 0, 1, 15);
	put(T_FIN | T_ACK, 1, 0, 2);
	expect(T_ACK, 2, 0, 2, 15);
}

static void time_wait_lasts(void)
{
	to_time_wait();
	sleep_ns(55000000000ull);
	if (peer_state() != ST_TIME_WAIT)
		fail("it ends before a minute");
	put(T_FIN | T_ACK, 1, 0, 2);	/* again: a minute from now */
	expect(T_ACK, 2, 0, 2, 15);
	sleep_ns(50000000000ull);
	if (peer_state() != ST_TIME_WAIT)
		fail("a repeated FIN does not begin it anew");
	sleep_ns(15000000000ull);
	if (peer_state() == ST_TIME_WAIT)
		fail("it does not end");
}

static void time_wait_new_request(void)
{
	struct segment syn = { .flags = T_SYN, .seq = 1, .window = PEER_WINDOW, .mss = 1460 };

	to_time_wait();
	peer_send(&syn);		/* an old one */
	expect(T_ACK, 2, 0, 2, 15);
	syn.seq = 100000;
	peer_send(&syn);
	if (!peer_next(&syn, 100) || syn.flags != (T_SYN | T_ACK) || syn.ack != 100001)
		fail("no answer to a new request");
}

static void last_ack_repeats(void)
{
	struct segment s;

	open_passive(PLAIN);
	put(T_FIN | T_ACK, 1, 0, 1);
	expect(T_ACK, 1, 0, 2, 15);
	if (try_read() != 0)
		fail("no end of the stream");
	do_close();
	s = expect(T_FIN | T_ACK, 1, 0, 2, 15);
	expect_at(T_FIN | T_ACK, 1, 0, 2, s.at_ns, RTO_FROM, RTO_TO);
	put(T_ACK, 2, 0, 2);
	if (!is_gone())
		fail("state %u", peer_state());
}

static void half_closed(void)
{
	open_passive(PLAIN);
	do_shutdown();
	expect(T_FIN | T_ACK, 1, 0, 1, 15);
	put(T_ACK, 1, 0, 2);
	put(T_ACK, 1, 500, 2);
	expect(T_ACK, 2, 0, 501, 60);
	do_read(500);
	sleep_ns(70000000000ull);
	if (peer_state() != ST_FIN_WAIT_2)
		fail("a half-closed connection ends by itself");
	put(T_FIN | T_ACK, 501, 0, 2);
	expect(T_ACK, 2, 0, 502, 15);
}

static void closed_gets_data(void)
{
	open_passive(PLAIN);
	do_close();
	expect(T_FIN | T_ACK, 1, 0, 1, 15);
	put(T_ACK, 1, 100, 2);		/* RFC 1122 4.2.2.13: nobody reads it */
	expect(T_RST | T_ACK, 2, 0, 101, 60);
}

static void close_with_unread(void)
{
	open_passive(PLAIN);
	put(T_ACK, 1, 100, 1);
	expect(T_ACK, 1, 0, 101, 60);
	do_close();
	expect(T_RST | T_ACK, 1, 0, 101, 15);
}

static void orphan_ends(void)
{
	open_passive(PLAIN);
	do_close();
	expect(T_FIN | T_ACK, 1, 0, 1, 15);
	put(T_ACK, 1, 0, 2);
	if (peer_state() != ST_FIN_WAIT_2)
		fail("state %u", peer_state());
	sleep_ns(70000000000ull);
	if (peer_state() == ST_FIN_WAIT_2)
		fail("it waits for ever");
}

static void fin_repeats_behind_data(void)
{
	struct segment s;

	open_passive(PLAIN);
	do_write(100);
	s = expect(T_ACK, 1, 100, 1, 15);
	do_shutdown();
	expect(T_FIN | T_ACK, 101, 0, 1, 15);
	expect_at(T_ACK, 1, 100, 1, s.at_ns, RTO_FROM, RTO_TO);
	put(T_ACK, 1, 0, 101);
	expect(T_FIN | T_ACK, 101, 0, 1, 900);
	put(T_ACK, 1, 0, 102);
	expect_silence(1000);
}

/* ---- beginnings ---------------------------------------------------------------------------------------------- */
static void both_open(void)
{
	struct segment syn = { .flags = T_SYN, .window = PEER_WINDOW, .mss = 1460 };

	if (start_connect() != -EINPROGRESS)
		fail("connect");
	expect(T_SYN, 0, 0, 0, 100);
	peer_send(&syn);
	expect(T_SYN | T_ACK, 0, 0, 1, 15);
	put(T_SYN | T_ACK, 0, 0, 1);
	expect(T_ACK, 1, 0, 1, 15);
	if (peer_state() != ST_ESTABLISHED)
		fail("state %u", peer_state());
	do_write(10);
	expect(T_ACK, 1, 10, 1, 15);
	put(T_ACK, 1, 20, 11);
	expect(T_ACK, 11, 0, 21, 60);
	do_read(20);
}

static void refused(void)
{
	if (start_connect() != -EINPROGRESS)
		fail("connect");
	expect(T_SYN, 0, 0, 0, 100);
	put(T_RST | T_ACK, 0, 0, 1);
	if (error_of() != ECONNREFUSED)
		fail("not refused");
}

static void active_opens(void)
{
	open_active((struct offer){ .mss = MSS, .sack = true, .ts = true, .scale = true });
	do_write(MSS - 12);
	if (!expect(T_ACK, 1, MSS - 12, 1, 15).has_ts)
		fail("no timestamp");
}

static void deferred(void)
{
	struct segment syn = { .flags = T_SYN, .window = PEER_WINDOW, .mss = 1460 };

	open_listener();
	do_option(TCP_LEVEL, TCP_DEFER_ACCEPT, 5);
	peer_send(&syn);
	expect(T_SYN | T_ACK, 0, 0, 1, 15);
	put(T_ACK, 1, 0, 1);
	if (try_accept() != -EAGAIN)
		fail("accepted without data");
	put(T_ACK, 1, 10, 1);
	if ((peer.fd = try_accept()) < 0)
		fail("not accepted with data");
	do_read(10);
}

static void deferred_long(void)
{
	struct segment syn = { .flags = T_SYN, .window = PEER_WINDOW, .mss = 1460 }, s;
	u32 n = 0;

	open_listener();
	do_option(TCP_LEVEL, TCP_DEFER_ACCEPT, 2);
	peer_send(&syn);
	expect(T_SYN | T_ACK, 0, 0, 1, 15);
	put(T_ACK, 1, 0, 1);
	while ((peer.fd = try_accept()) < 0 && n++ < 20)
		if (peer_next(&s, 1000))
			put(T_ACK, 1, 0, 1);
	if (peer.fd < 0)
		fail("never accepted");
}

/* ---- keep-alive ------------------------------------------------------------------------------------------------ */
static void keepalive(void)
{
	struct segment s;
	u64 since;

	open_passive(TIMED);
	do_option(TCP_LEVEL, TCP_KEEPIDLE, 10);
	do_option(TCP_LEVEL, TCP_KEEPINTVL, 3);
	do_option(TCP_LEVEL, TCP_KEEPCNT, 3);
	do_option(SOL_SOCKET_LEVEL, SO_KEEPALIVE, 1);
	since = now_ns();
	s = expect_at(T_ACK, 0, 0, 1, since, 9000, 11500);
	if (!s.has_ts)
		fail("a probe without timestamp");
	put(T_ACK, 1, 0, 1);
	since = now_ns();
	s = expect_at(T_ACK, 0, 0, 1, since, 9000, 11500);
	s = expect_at(T_ACK, 0, 0, 1, s.at_ns, 2000, 4500);
	expect_at(T_ACK, 0, 0, 1, s.at_ns, 2000, 4500);
	if (!peer_next(&s, 5000) || !(s.flags & T_RST) || error_of() != ETIMEDOUT)
		fail("it lives on");
}

/* The first script, so that no connection before keeps the clock running: a new one after a long rest is not an old one. */
static void after_rest(void)
{
	struct segment syn = { .flags = T_SYN, .window = PEER_WINDOW, .mss = 1460 };

	open_passive(PLAIN);
	do_write(10);
	expect(T_ACK, 1, 10, 1, 15);
	put(T_RST | T_ACK, 1, 0, 11);
	sleep_ns(90000000000ull);
	peer.port++;
	peer_send(&syn);
	expect(T_SYN | T_ACK, 0, 0, 1, 15);
	sleep_ns(300000000);
	if (peer_state() != ST_SYN_RCVD)
		fail("state %u after 0.3 s", peer_state());
}

#define SCRIPT(f) { #f, f }
static const struct script {
	const char *name;
	void (*run)(void);
	bool wants_listener;		/* before it begins */
} scripts[] = {
	SCRIPT(after_rest), SCRIPT(rto_doubles), SCRIPT(rto_follows_round_trip), SCRIPT(syn_doubles), SCRIPT(syn_gives_up), SCRIPT(syn_ack_again),
	SCRIPT(user_timeout), SCRIPT(ack_delayed), SCRIPT(ack_each_second), SCRIPT(ack_out_of_order), SCRIPT(no_sack_unasked),
	SCRIPT(doubles_answered), SCRIPT(fast_retransmit), SCRIPT(partial_answers), SCRIPT(sack_fills_holes), SCRIPT(sack_in_one),
	SCRIPT(sack_over_timeout), SCRIPT(sack_taken_back), SCRIPT(sack_nonsense), SCRIPT(timestamps_echoed),
	SCRIPT(timestamps_first_counts), SCRIPT(timestamps_old), SCRIPT(timestamps_unasked), SCRIPT(timestamps_reset_without),
	SCRIPT(timestamps_differ), SCRIPT(window_zero), { "window_own", window_own, true }, SCRIPT(window_changed), SCRIPT(window_scaled), SCRIPT(mss_kept),
	SCRIPT(mss_tiny), SCRIPT(nagle), SCRIPT(nagle_full), SCRIPT(forged_reset), SCRIPT(forged_data), SCRIPT(time_wait_lasts),
	SCRIPT(time_wait_new_request), SCRIPT(last_ack_repeats), SCRIPT(half_closed), SCRIPT(closed_gets_data), SCRIPT(close_with_unread),
	SCRIPT(orphan_ends), SCRIPT(fin_repeats_behind_data), SCRIPT(both_open), SCRIPT(refused), SCRIPT(active_opens), SCRIPT(deferred),
	SCRIPT(deferred_long), SCRIPT(keepalive),
};

void scripts_run(void)
{
	for (u32 i = 0; i < ARRAY_LEN(scripts); i++) {
		peer_reset(scripts[i].name);
		if (scripts[i].wants_listener)
			open_listener();
		scripts[i].run();
	}
}
