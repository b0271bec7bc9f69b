/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timed scripts: what leaves, and when. Here is what they share; tcp_timeouts.c has time-outs, tcp_loss.c answers and loss, tcp_windows.c windows,
 * sizes, timestamps, tcp_ends.c beginnings, ends and forged segments.
 */
#include "tcp_scripts.h"

struct segment data(u32 n) { return expect(T_ACK, 1 + n * MSS, MSS, 1, 300); }

bool is_gone(void)
{
	u32 state = peer_state();

	return state == ST_LISTEN || state == ST_CLOSED;
}

void burst(u32 n)
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

void window(u32 from, u32 n)
{
	burst(from);
	do_write(n * MSS);
	for (u32 i = 0; i < n; i++)
		data(from + i);
}

static void run(const struct script *s)
{
	for (; s->name; s++) {
		peer_reset(s->name);
		if (s->wants_listener)
			open_listener();
		s->run();
	}
}

void scripts_run(void)
{
	run(timeout_scripts);
	run(loss_scripts);
	run(window_scripts);
	run(end_scripts);
}
