/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripts: when answers leave (RFC 5681 4.2), what repairs a loss (RFC 5681, 6582, 2018, 6675). */
#include "tcp_scripts.h"

/* ---- answers ------------------------------------------------------------------------------------------ */
static void ack_delayed(void)
{
	u64 before;

	open_passive(PLAIN);
	before = now_ns();
	put(T_ACK, 1, 100, 1);
	expect_at(T_ACK, 1, 0, 101, before, 0, 60);
	expect_silence(300);
}

/*
 * RFC 5681 4.2: every second full segment is answered at once. A segment alone comes first: its answer shows that the timer has just had its
 * turn, so that it cannot answer the first of the pair by itself.
 */
static void ack_each_second(void)
{
	open_passive(PLAIN);
	for (u32 i = 0; i < 15; i += 3) {
		put(T_ACK, at(i), MSS, 1);
		expect(T_ACK, 1, 0, at(i + 1), 60);
		put(T_ACK, at(i + 1), MSS, 1);
		put(T_ACK, at(i + 2), MSS, 1);
		expect(T_ACK, 1, 0, at(i + 3), 15);
	}
	do_read(15 * MSS);
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

/* ---- loss --------------------------------------------------------------------------------------------- */
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

/* What was acknowledged before is no sign of a loss (RFC 5681 2), however often it comes. */
static void ack_old(void)
{
	open_passive(PLAIN);
	window(10, 4);
	for (u32 i = 0; i < 5; i++)
		put(T_ACK, 1, 0, at(9));
	expect_silence(20);
	put(T_ACK, 1, 0, at(14));
	expect_silence(1000);
}

/* Nor is an answer whose window differs (RFC 5681 2): the peer's program reads. */
static void window_update_is_no_double(void)
{
	struct segment s = { .flags = T_ACK, .seq = 1, .ack = at(11), .window = 20000 };

	open_passive(PLAIN);
	window(10, 4);
	for (u32 i = 0; i < 5; i++) {
		peer_send(&s);
		s.window += 1000;
	}
	expect_silence(20);
	put(T_ACK, 1, 0, at(14));
	expect_silence(1000);
}

/* RFC 5681 3.1: after a time-out one segment, then as many more as are answered, up to the threshold. */
static void timeout_begins_slowly(void)
{
	struct segment s;
	u32 n = 0;

	open_passive(PLAIN);
	window(10, 8);
	expect(T_ACK, at(10), MSS, 1, 900);
	expect_silence(100);
	put(T_ACK, 1, 0, at(11));
	expect(T_ACK, at(11), MSS, 1, 15);
	expect(T_ACK, at(12), MSS, 1, 15);
	expect_silence(20);
	put(T_ACK, 1, 0, at(13));
	while (peer_next(&s, 20))
		n++;
	if (n < 2 || n > 3)
		fail("%u segments after two that were answered", n);
	put(T_ACK, 1, 0, at(18));
	expect_silence(1000);
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

const struct script loss_scripts[] = {
	SCRIPT(ack_delayed), SCRIPT(ack_each_second), SCRIPT(ack_out_of_order), SCRIPT(no_sack_unasked),
	SCRIPT(doubles_answered), SCRIPT(fast_retransmit), SCRIPT(partial_answers), SCRIPT(sack_fills_holes),
	SCRIPT(sack_in_one), SCRIPT(sack_over_timeout), SCRIPT(sack_taken_back), SCRIPT(ack_old),
	SCRIPT(window_update_is_no_double), SCRIPT(timeout_begins_slowly), SCRIPT(sack_nonsense),
	{},
};
