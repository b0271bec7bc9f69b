/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts: beginnings and ends of connections (RFC 9293 3.5, 3.6, RFC 1337), forged segments (RFC 5961). */
#include "tcp_scripts.h"

/* ---- beginnings --------------------------------------------------------------------------------------- */
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

/* A request's data waits: it is not acknowledged with the request, and taken when it comes again. */
static void request_with_data(void)
{
	struct segment syn = SYN_PLAIN;

	syn.len = 100;
	open_listener();
	peer_send(&syn);
	expect(T_SYN | T_ACK, 0, 0, 1, 15);
	put(T_ACK, 1, 100, 1);
	expect(T_ACK, 1, 0, 101, 60);
	peer.fd = try_accept();
	if (peer.fd < 0)
		fail("accept gives %ld", peer.fd);
	do_read(100);
}

/* The peer has forgotten the connection (RFC 9293 3.5.1): its request is asked about (RFC 5961 4), its reset ends the old one, and it may begin anew. */
static void forgotten(void)
{
	struct segment syn = SYN_PLAIN, s, rst = { .flags = T_RST };

	open_passive(PLAIN);
	do_write(10);
	expect(T_ACK, 1, 10, 1, 15);
	put(T_ACK, 1, 0, 11);
	syn.seq = 500000;
	peer_send(&syn);
	s = expect(T_ACK, 11, 0, 1, 15);
	rst.seq = s.ack;
	peer_send(&rst);
	if (!is_gone() || error_of() != ECONNRESET)
		fail("state %u", peer_state());
	peer_send(&syn);
	if (!peer_next(&s, 100) || s.flags != (T_SYN | T_ACK) || s.ack != 500001)
		fail("no answer to the new request");
}

/* RFC 6528: the number of a later connection between the same ports lies ahead by the clock of 4 us. */
static void numbers_grow(void)
{
	struct segment rst = { .flags = T_RST, .seq = 1 };
	u32 first, ahead;
	u64 since;

	open_passive(PLAIN);
	first = peer.irs;
	since = now_ns();
	peer_send(&rst);
	if (!is_gone())
		fail("state %u", peer_state());
	CALL1(close, peer.fd);
	sleep_ns(1000000000);
	since = (now_ns() - since) / 4000;
	open_passive(PLAIN);
	ahead = peer.irs - first;
	if (ahead < since || ahead > since + 25000)
		fail("the number is %u ahead, the clock %llu", ahead, (unsigned long long)since);
}

/* A request that cannot arrive ends the attempt, as Linux does it; a message about another number is forged (RFC 5927 4.1). */
static void unreachable_request(void)
{
	static const struct { u32 code, err; } told[] = { { 0, ENETUNREACH }, { 1, EHOSTUNREACH }, { 3, ECONNREFUSED } };

	for (u32 i = 0; i < ARRAY_LEN(told); i++) {
		if (start_connect() != -EINPROGRESS)
			fail("connect");
		expect(T_SYN, 0, 0, 0, 100);
		put_unreachable(told[i].code, 5000);
		put_unreachable(4, 0);	/* too big: not for a request of 40 bytes */
		if (peer_state() != ST_SYN_SENT)
			fail("a forged message ends the attempt");
		put_unreachable(told[i].code, 0);
		if (peer_state() != ST_CLOSED || error_of() != told[i].err)
			fail("code %u: state %u", told[i].code, peer_state());
		do_close();
		peer.own_port++;
	}
}

/* A connection outlives such messages (RFC 1122 4.2.3.9). */
static void unreachable_later(void)
{
	open_passive(PLAIN);
	do_write(10);
	expect(T_ACK, 1, 10, 1, 15);
	for (u32 code = 0; code < 16; code++)
		put_unreachable(code, 1);
	if (error_of() || peer_state() != ST_ESTABLISHED)
		fail("state %u", peer_state());
	put(T_ACK, 1, 5, 11);
	expect(T_ACK, 11, 0, 6, 60);
	do_read(5);
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

/* ---- ends --------------------------------------------------------------------------------------------- */
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

/* Both ends close at once, and each one's end comes with its last data (RFC 9293 3.6, figure 13). */
static void both_close(void)
{
	open_passive(PLAIN);
	do_write(100);
	expect(T_ACK, 1, 100, 1, 15);
	do_shutdown();
	expect(T_FIN | T_ACK, 101, 0, 1, 15);
	put(T_FIN | T_ACK, 1, 50, 1);
	expect(T_ACK, 102, 0, 52, 60);
	if (peer_state() != ST_CLOSING)
		fail("state %u", peer_state());
	put(T_ACK, 52, 0, 102);
	if (peer_state() != ST_TIME_WAIT)
		fail("state %u", peer_state());
	do_read(50);
	if (try_read() != 0)
		fail("no end of the stream");
}

/* The peer's end comes before data that was lost on the way. */
static void fin_before_data(void)
{
	open_passive(PLAIN);
	put(T_FIN | T_ACK, 101, 50, 1);
	expect(T_ACK, 1, 0, 1, 15);
	if (peer_state() != ST_ESTABLISHED || try_read() != -EAGAIN)
		fail("an end before the data");
	put(T_ACK, 1, 100, 1);
	expect(T_ACK, 1, 0, 152, 60);
	if (peer_state() != ST_CLOSE_WAIT)
		fail("state %u", peer_state());
	do_read(150);
	if (try_read() != 0)
		fail("no end of the stream");
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

/* ---- forged segments (RFC 5961) ----------------------------------------------------------------------- */
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

const struct script end_scripts[] = {
	SCRIPT(both_open), SCRIPT(request_with_data), SCRIPT(forgotten), SCRIPT(numbers_grow),
	SCRIPT(unreachable_request), SCRIPT(unreachable_later), SCRIPT(refused), SCRIPT(active_opens), SCRIPT(deferred), SCRIPT(deferred_long),
	SCRIPT(time_wait_lasts), SCRIPT(time_wait_new_request), SCRIPT(both_close), SCRIPT(fin_before_data), SCRIPT(last_ack_repeats), SCRIPT(half_closed),
	SCRIPT(closed_gets_data), SCRIPT(close_with_unread), SCRIPT(orphan_ends), SCRIPT(fin_repeats_behind_data),
	SCRIPT(forged_reset), SCRIPT(forged_data),
	{},
};
