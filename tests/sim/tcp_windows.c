/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts: windows (RFC 9293 3.8.6), sizes of segments, timestamps (RFC 7323). */
#include "tcp_scripts.h"

/* ---- windows ------------------------------------------------------------------------------------------ */
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

/* RFC 9293 3.8.6.1: as long as probes are answered the connection stays, however long that is. */
static void window_zero_for_long(void)
{
	struct segment probe, s = { .flags = T_ACK, .seq = 1, .ack = 101 };
	u64 last = 0;
	u32 n;

	open_passive(PLAIN);
	do_write(100);
	expect(T_ACK, 1, 100, 1, 15);
	peer_send(&s);
	do_write(100);
	for (n = 0; n < 30; n++) {
		if (!peer_next(&probe, 70000))
			fail("no probe %u", n);
		if (n > 12 && probe.at_ns - last < 5000000000ull)
			fail("after %u probes they still come every %llu ms", n, (unsigned long long)(probe.at_ns - last) / 1000000);
		last = probe.at_ns;
		peer_send(&s);
	}
	if (peer_state() != ST_ESTABLISHED)
		fail("state %u", peer_state());
	put(T_ACK, 1, 0, 101);
	do {
		if (!peer_next(&probe, 1000))
			fail("nothing follows the window");
	} while (probe.len < 99);
	put(T_ACK, 1, 0, 201);
	expect_silence(1000);
}

/* RFC 9293 3.8.6.2.1: a window that opens by some bytes is not filled with them at once. */
static void window_opens_little(void)
{
	struct segment s = { .flags = T_ACK, .seq = 1, .ack = at(1) };

	open_passive(PLAIN);
	do_write(MSS);
	data(0);
	peer_send(&s);
	do_write(2 * MSS);
	expect_silence(20);
	s.window = 50;
	peer_send(&s);
	expect_silence(100);
	if (!peer_next(&s, 2000) || s.seq != at(1) || s.len > 50)
		fail("%u bytes into a window of 50", s.len);
	put(T_ACK, 1, 0, at(1) + s.len);
	for (u32 got = s.len; got < 2 * MSS; got += s.len) {
		if (!peer_next(&s, 1000) || s.seq != at(1) + got)
			fail("nothing after %u bytes", got);
		put(T_ACK, 1, 0, s.seq + s.len);
	}
	expect_silence(1000);
}

/* RFC 9293 3.8.6: a peer that takes its window back must not, but is lived with. */
static void window_taken_back(void)
{
	struct segment s = { .flags = T_ACK, .seq = 1, .ack = at(10), .window = 300 };
	u32 got = at(10);

	open_passive(PLAIN);
	window(10, 4);
	s.ack = at(11);
	got = at(11);
	peer_send(&s);
	expect_silence(20);
	while (got < at(14)) {
		if (!peer_next(&s, 5000))
			fail("nothing for 5 s after %u", got);
		if (s.seq == got)
			got += s.len;
		s = (struct segment){ .flags = T_ACK, .seq = 1, .ack = got, .window = got < at(12) ? 300 : PEER_WINDOW };
		peer_send(&s);
	}
	do_write(MSS);
	while (got < at(15)) {
		if (!peer_next(&s, 5000))
			fail("nothing new after %u", got);
		if (s.seq == got)
			got += s.len;
		put(T_ACK, 1, 0, got);
	}
	expect_silence(1000);
}

/* What does not fit is not taken, a probe is answered, and the window's opening is told at once. */
static void window_own_shut(void)
{
	struct segment s = { .window = MSS };
	u32 sent = 0, n;

	do_option(SOL_SOCKET_LEVEL, SO_RCVBUF, 16384);
	open_passive(PLAIN);
	while (s.window && sent < 30000) {
		n = min(s.window, MSS);
		put(T_ACK, 1 + sent, n, 1);
		sent += n;
		do {
			if (!peer_next(&s, 100))
				fail("%u bytes are not answered", sent);
		} while (s.ack != 1 + sent);
	}
	if (s.window || sent > SHARED_SIZE)
		fail("window %u after %u bytes", s.window, sent);
	put(T_ACK, 1 + sent, 1, 1);
	s = expect(T_ACK, 1, 0, 1 + sent, 15);
	if (s.window)
		fail("window %u, and nothing was read", s.window);
	do_read(sent);
	s = expect(T_ACK, 1, 0, 1 + sent, 15);
	if (s.window < sent / 2)
		fail("window %u after all was read", s.window);
	put(T_ACK, 1 + sent, 1, 1);
	expect(T_ACK, 1, 0, 2 + sent, 60);
	do_read(1);
}

static void urgent_sent(void)
{
	struct segment s;

	open_passive(PLAIN);
	do_write(10);
	expect(T_ACK, 1, 10, 1, 15);
	put(T_ACK, 1, 0, 11);
	do_write_urgent();
	s = expect(T_ACK | T_URG, 11, 1, 1, 15);
	if (s.urgent != 1)
		fail("the pointer is %u (RFC 6093: behind the byte)", s.urgent);
	put(T_ACK, 1, 0, 12);
	do_write(10);
	expect(T_ACK, 12, 10, 1, 15);
}

static void urgent_received(void)
{
	struct segment s = { .flags = T_ACK | T_URG, .seq = 1, .ack = 1, .len = 10, .window = PEER_WINDOW, .urgent = 4 };

	open_passive(PLAIN);
	peer_send(&s);
	expect(T_ACK, 1, 0, 11, 60);
	do_read_urgent(3);
	do_read(3);			/* up to the mark */
	do_read(6);
	s = (struct segment){ .flags = T_ACK | T_URG, .seq = 11, .ack = 1, .len = 1, .window = PEER_WINDOW, .urgent = 60000 };
	peer_send(&s);			/* far ahead: what comes before is there */
	expect(T_ACK, 1, 0, 12, 60);
	do_read(1);
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

/* ---- timestamps --------------------------------------------------------------------------------------- */
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

const struct script window_scripts[] = {
	SCRIPT(window_zero), SCRIPT(window_zero_for_long), SCRIPT(window_opens_little),
	SCRIPT(window_taken_back), { "window_own", window_own, true }, { "window_own_shut", window_own_shut, true }, SCRIPT(urgent_sent),
	SCRIPT(urgent_received), SCRIPT(window_changed), SCRIPT(window_scaled),
	SCRIPT(mss_kept), SCRIPT(mss_tiny), SCRIPT(nagle), SCRIPT(nagle_full), SCRIPT(timestamps_echoed),
	SCRIPT(timestamps_first_counts), SCRIPT(timestamps_old), SCRIPT(timestamps_unasked),
	SCRIPT(timestamps_reset_without), SCRIPT(timestamps_differ),
	{},
};
