/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every state of a TCP connection meets every kind of segment (RFC 9293 3.10.7, with RFC 5961 3 to 5 and RFC 1337): the state
 * afterwards and what is answered. 11 states, 10 segments. A cell: the next state's letter, then the answers: A an acknowledgement, R a reset,
 * S a request that acknowledges, Y a request.
 */
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include "calls.h"
#include "peer.h"
#include "work.h"

enum event { SYN, SYN_ACK, ACK, DATA, FIN, RST, RST_NEAR, ACK_AHEAD, DATA_FAR, DATA_NO_ACK, EVENTS };
static const char *const event_names[EVENTS] = {
	"SYN", "SYN-ACK", "ACK", "data", "FIN", "RST", "RST in the window", "ACK of what was not sent", "data beyond the window", "data without ACK",
};

/* Letters: c closed, l listen, s SYN-SENT, r SYN-RECEIVED, e established, 1 FIN-WAIT-1, 2 FIN-WAIT-2, w CLOSE-WAIT, g closing, k LAST-ACK, t TIME-WAIT. */
static const struct row {
	u32 state;
	const char *name;
	const char *cells[EVENTS];
} rows[] = {
	/*                            SYN   SYN-ACK  ACK  data   FIN   RST  near  ahead   far  no ACK */
	{ ST_CLOSED, "CLOSED",		{ "cR", "cR", "cR", "cR", "cR", "c", "c", "cR", "cR", "cR" } },
	{ ST_LISTEN, "LISTEN",		{ "rS", "lR", "lR", "lR", "lR", "l", "l", "lR", "lR", "l" } },
	{ ST_SYN_SENT, "SYN-SENT",	{ "rS", "eA", "s", "s", "s", "c", "c", "sRY", "s", "s" } },
	{ ST_SYN_RCVD, "SYN-RECEIVED",	{ "r", "r", "e", "eA", "wA", "l", "rA", "rR", "rA", "r" } },
	{ ST_ESTABLISHED, "ESTABLISHED", { "eA", "eA", "e", "eA", "wA", "c", "eA", "eA", "eA", "e" } },
	{ ST_FIN_WAIT_1, "FIN-WAIT-1",	{ "1A", "1A", "2", "2A", "tA", "c", "1A", "1A", "1A", "1" } },
	{ ST_FIN_WAIT_2, "FIN-WAIT-2",	{ "2A", "2A", "2", "2A", "tA", "c", "2A", "2A", "2A", "2" } },
	{ ST_CLOSE_WAIT, "CLOSE-WAIT",	{ "wA", "wA", "w", "w", "w", "c", "wA", "wA", "wA", "w" } },
	{ ST_CLOSING, "CLOSING",	{ "gA", "gA", "t", "t", "t", "c", "gA", "gA", "gA", "g" } },
	{ ST_LAST_ACK, "LAST-ACK",	{ "kA", "kA", "c", "c", "c", "c", "kA", "kA", "kA", "k" } },
	{ ST_TIME_WAIT, "TIME-WAIT",	{ "tA", "tA", "t", "tA", "tA", "t", "t", "t", "tA", "t" } },
};

static u32 snd, rcv;			/* the peer's next number; what it has of the machine's */

/* From a connection that stands there. */
static void go_on(u32 state)
{
	if (state == ST_CLOSE_WAIT || state == ST_LAST_ACK) {
		put(T_FIN | T_ACK, snd++, 0, rcv);
		expect(T_ACK, rcv, 0, snd, 200);
	}
	if (state == ST_ESTABLISHED || state == ST_CLOSE_WAIT)
		return;
	do_shutdown();
	expect(T_FIN | T_ACK, rcv++, 0, snd, 200);
	if (state == ST_CLOSING) {
		put(T_FIN | T_ACK, snd++, 0, rcv - 1);
		expect(T_ACK, rcv, 0, snd, 200);
	}
	if (state == ST_FIN_WAIT_2 || state == ST_TIME_WAIT)
		put(T_ACK, snd, 0, rcv);
	if (state == ST_TIME_WAIT) {
		put(T_FIN | T_ACK, snd++, 0, rcv);
		expect(T_ACK, rcv, 0, snd, 200);
	}
}

static void reach(u32 state)
{
	snd = rcv = 1;
	switch (state) {
	case ST_CLOSED:
		snd = 0;
		return;
	case ST_LISTEN:
		open_listener();
		snd = 0;
		return;
	case ST_SYN_SENT:
		if (start_connect() != -EINPROGRESS)
			fail("connect does not begin");
		expect(T_SYN, 0, 0, 0, 200);
		snd = 0;
		return;
	case ST_SYN_RCVD: {
		struct segment syn = { .flags = T_SYN, .window = PEER_WINDOW, .mss = 1460 };

		open_listener();
		peer_send(&syn);
		expect(T_SYN | T_ACK, 0, 0, 1, 200);
		return;
	}
	default:
		open_passive((struct offer){ 0 });
		go_on(state);
	}
}

static void meet(enum event e)
{
	switch (e) {
	case SYN: put(T_SYN, snd, 0, 0); break;
	case SYN_ACK: put(T_SYN | T_ACK, snd, 0, rcv); break;
	case ACK: put(T_ACK, snd, 0, rcv); break;
	case DATA: put(T_ACK | T_PSH, snd, 10, rcv); break;
	case FIN: put(T_FIN | T_ACK, snd, 0, rcv); break;
	case RST: put(T_RST | T_ACK, snd, 0, rcv); break;
	case RST_NEAR: put(T_RST | T_ACK, snd + 100, 0, rcv); break;
	case ACK_AHEAD: put(T_ACK, snd, 0, rcv + 1000); break;
	case DATA_FAR: put(T_ACK, snd + 2000000, 10, rcv); break;
	default: put(0, snd, 10, 0); break;
	}
}

static u32 state_of(char letter)
{
	static const char letters[] = "?esr12tcwklg";

	return (u32)(strchr(letters, letter) - letters);
}

static char letter_of(const struct segment *s)
{
	if (s->flags & T_RST)
		return 'R';
	if (s->flags & T_SYN)
		return s->flags & T_ACK ? 'S' : 'Y';
	return s->flags & T_FIN ? 'F' : s->len ? 'D' : s->flags & T_ACK ? 'A' : '?';
}

/* RFC 9293 3.5.2: a reset takes its number from what it answers, or acknowledges it. */
static void reset_check(const struct segment *s, enum event e)
{
	u32 len = e == SYN || e == SYN_ACK || e == FIN ? 1 : e == DATA || e == DATA_FAR || e == DATA_NO_ACK ? 10 : 0;
	u32 at = snd + (e == DATA_FAR ? 2000000 : 0);
	bool acked = e != SYN && e != DATA_NO_ACK;

	if (s->seq + peer.irs != (acked ? peer.irs + rcv + (e == ACK_AHEAD ? 1000 : 0) : 0))
		fail("the reset has number %u", s->seq);
	if (!acked && (!(s->flags & T_ACK) || s->ack != at + len))
		fail("the reset acknowledges %u", s->ack);
}

/* A cell. What goes on in a second: none of it may be a time-out of what was to be answered, whose states have nothing to send again. */
static void cell(const struct row *r, enum event e)
{
	char got[8] = "", text[80];
	const char *wanted = r->cells[e];
	struct segment s;
	u32 n = 0, state;

	snprintf(text, sizeof(text), "%s meets %s", r->name, event_names[e]);
	peer_reset(text);
	reach(r->state);
	meet(e);
	while (n < sizeof(got) - 1 && peer_next(&s, n < strlen(wanted + 1) ? 150 : 20)) {
		got[n++] = letter_of(&s);
		got[n] = 0;
		if (s.flags & T_RST)
			reset_check(&s, e);
		else if ((s.flags & T_ACK) && !(s.flags & T_SYN) && s.seq != rcv)
			fail("the answer has number %u, not %u", s.seq, rcv);
	}
	state = peer_state();
	if (state == ST_LISTEN && *wanted == 'c')
		state = ST_CLOSED;	/* the connection is gone, its listener is not */
	if (strcmp(got, wanted + 1) || state != state_of(*wanted))
		fail("answered \"%s\", state %u; expected \"%s\", state %u", got, state, wanted + 1, state_of(*wanted));
}

void table_run(void)
{
	for (u32 r = 0; r < ARRAY_LEN(rows); r++)
		for (u32 e = 0; e < EVENTS; e++)
			cell(&rows[r], (enum event)e);
}
