/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts: times of retransmission (RFC 6298), giving up, keep-alive (RFC 1122 4.2.3.6). */
#include "tcp_scripts.h"

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

/* ---- keep-alive --------------------------------------------------------------------------------------- */
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

const struct script timeout_scripts[] = {
	SCRIPT(after_rest), SCRIPT(rto_doubles), SCRIPT(rto_follows_round_trip), SCRIPT(syn_doubles),
	SCRIPT(syn_gives_up), SCRIPT(syn_ack_again), SCRIPT(user_timeout), SCRIPT(keepalive),
	{},
};
