/* SPDX-License-Identifier: BSD-2-Clause */
/* The scripted other end (peer.h). Captured segments wait in a ring under net_lock, which the tap holds. */
#include <kernel/netdev.h>
#include <kernel/netstack.h>
#include <kernel/time.h>
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/string.h>
#include <stdarg.h>
#include <uapi/errno.h>
#include "calls.h"
#include "peer.h"
#include "wire.h"
#include "work.h"

#define ETH 14u
#define RING 256u
#define FRAME_ROOM 1600u
#define SOCK_STREAM 1
#define SOL_SOCKET 1
#define SO_REUSEADDR 2
#define SO_ERROR 4
#define NR_getsockopt 55
#define NR_accept4 288

struct peer peer;
static u32 written, been_read;		/* of the streams */
static u32 urgent_at;			/* the byte of the stream that reads do not give, plus one; 0: none */
static struct {
	struct segment ring[RING];
	u32 first, count;
	u32 data_bad;
} seen;				/* net_lock */

static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static u32 get32(const u8 *p) { return get16(p) << 16 | get16(p + 2); }
static void put16(u8 *p, u32 v) { p[0] = (u8)(v >> 8); p[1] = (u8)v; }
static void put32(u8 *p, u32 v) { put16(p, v >> 16); put16(p + 2, v & 0xffff); }
static u8 byte_at(u32 i) { return (u8)((i * 2654435761u) >> 21); }

void fail(const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	sim_fail("tcp: %s: %s", peer.script, text);
}

u64 now_ns(void)
{
	CALL2(clock_gettime, 1, scratch() + 128);
	return sim_load(scratch() + 128, 8) * 1000000000ull + sim_load(scratch() + 136, 8);
}

/* ---- what leaves the machine ------------------------------------------------------------------------- */
static void option_read(struct segment *s, const u8 *o, u32 len)
{
	switch (o[0]) {
	case 2: s->mss = get16(o + 2); break;
	case 3: s->scale = o[2] + 1u; break;
	case 4: s->sack_ok = true; break;
	case 5:
		for (u32 at = 2; at + 8 <= len && s->nr_sacks < 4; at += 8)
			s->sack[s->nr_sacks++] = (struct peer_sack){ get32(o + at) - peer.iss, get32(o + at + 4) - peer.iss };
		break;
	case 8:
		s->has_ts = true;
		s->ts_val = get32(o + 2);
		s->ts_ecr = get32(o + 6);
		break;
	default:
		break;
	}
}

static void options_read(struct segment *s, const u8 *o, u32 len)
{
	for (u32 at = 0; at < len && o[at];) {
		u32 n = o[at] == 1 ? 1 : at + 1 < len ? o[at + 1] : 0;

		if (!n || at + n > len)
			fail("the machine sends an option %u of %u bytes", o[at], n);
		if (o[at] != 1)
			option_read(s, o + at, n);
		at += n;
	}
}

static void tap(const u8 *f, u32 len)
{
	const u8 *ip = f + ETH, *t = ip + 20;
	u32 head = (u32)(t[12] >> 4) * 4;
	struct segment s = { .flags = t[13], .seq = get32(t + 4), .ack = get32(t + 8), .window = get16(t + 14) };

	if (s.flags & T_URG)
		s.urgent = get16(t + 18);
	if (get16(t) != peer.own_port || get16(t + 2) != peer.port)
		return;			/* of a script before */
	if (head < 20 || ETH + 20 + head > len || get16(ip + 2) + ETH != len)
		fail("the machine sends a header of %u bytes", head);
	s.len = len - ETH - 20 - head;
	s.at_ns = time_ns();
	options_read(&s, t + 20, head - 20);
	if (s.flags & T_SYN)
		peer.irs = s.seq;
	s.seq -= peer.irs;
	s.has_ack_of_nothing = s.ack == 0;
	s.ack -= peer.iss;
	if (s.has_ts)
		peer.echo = s.ts_val;
	for (u32 i = 0; i < s.len; i++)
		seen.data_bad += t[head + i] != byte_at(s.seq - 1 + i);
	if (seen.count == RING)
		fail("the machine sends too much");
	seen.ring[(seen.first + seen.count++) % RING] = s;
}

static void start(void *unused)
{
	peer.own_port = 2000;
	wire_start(WIRE_PLAIN_CARD);
	wire_weather(&(struct wire_weather){ .delay_ns = 1 });
	wire_tap(tap);
}

void peer_start(void) { sim_in_kernel(start, NULL); }

static void take(void *arg)
{
	struct segment *s = arg;

	net_lock();
	s->at_ns = 0;
	if (seen.count) {
		*s = seen.ring[seen.first % RING];
		seen.first++;
		seen.count--;
	}
	net_unlock();
}

bool peer_next(struct segment *s, u32 wait_ms)
{
	u64 until = now_ns() + wait_ms * 1000000ull;

	while (1) {
		sim_in_kernel(take, s);
		if (s->at_ns)
			break;
		if (now_ns() >= until)
			return false;
		sleep_ns(wait_ms < 100 ? 1000000 : wait_ms < 20000 ? 10000000 : 250000000);	/* what left says itself when */
	}
	if (seen.data_bad)
		fail("%u wrong bytes were sent", seen.data_bad);
	return true;
}

static void describe(char *to, size_t size, const struct segment *s)
{
	snprintf(to, size, "%s%s%s%s %u(%u) ack %u win %u", s->flags & T_SYN ? "S" : "", s->flags & T_FIN ? "F" : "", s->flags & T_RST ? "R" : "",
		 s->flags & T_ACK ? "." : "", s->seq, s->len, s->ack, s->window);
}

struct segment expect(u32 flags, u32 seq, u32 len, u32 ack, u32 wait_ms)
{
	struct segment s;
	char text[96];

	if (!peer_next(&s, wait_ms))
		fail("nothing leaves within %u ms, expected flags %x %u(%u) ack %u", wait_ms, flags, seq, len, ack);
	describe(text, sizeof(text), &s);
	if ((s.flags & ~T_PSH) != flags || s.seq != seq || s.len != len || ((flags & T_ACK) && !(flags & T_RST) && s.ack != ack))
		fail("sent %s, expected flags %x %u(%u) ack %u", text, flags, seq, len, ack);
	return s;
}

struct segment expect_at(u32 flags, u32 seq, u32 len, u32 ack, u64 since_ns, u32 from_ms, u32 to_ms)
{
	struct segment s = expect(flags, seq, len, ack, to_ms + 1000);
	u64 after = (s.at_ns - since_ns) / 1000000;

	if (after < from_ms || after > to_ms)
		fail("%u(%u) leaves after %llu ms, not within %u to %u", seq, len, (unsigned long long)after, from_ms, to_ms);
	return s;
}

void expect_silence(u32 ms)
{
	struct segment s;
	char text[96];

	if (!peer_next(&s, ms))
		return;
	describe(text, sizeof(text), &s);
	fail("sent %s, expected nothing for %u ms", text, ms);
}

/* ---- what comes --------------------------------------------------------------------------------------- */
static u32 options_write(u8 *o, const struct segment *s)
{
	u32 n = 0;

	if (s->mss) {
		memcpy(o, "\2\4", 2);
		put16(o + 2, s->mss);
		n = 4;
	}
	if (s->scale) {
		memcpy(o + n, "\1\3\3", 3);
		o[n + 3] = (u8)(s->scale - 1);
		n += 4;
	}
	if (s->sack_ok) {
		memcpy(o + n, "\1\1\4\2", 4);
		n += 4;
	}
	if (s->has_ts) {
		memcpy(o + n, "\1\1\x08\x0a", 4);
		put32(o + n + 4, s->ts_val);
		put32(o + n + 8, s->ts_ecr);
		n += 12;
	}
	if (s->nr_sacks) {
		memcpy(o + n, "\1\1\5", 3);
		o[n + 3] = (u8)(2 + 8 * s->nr_sacks);
		for (u32 i = 0; i < s->nr_sacks; i++) {
			put32(o + n + 4 + 8 * i, s->sack[i].left + peer.irs);
			put32(o + n + 8 + 8 * i, s->sack[i].right + peer.irs);
		}
		n += 4 + 8 * s->nr_sacks;
	}
	return n;
}

static void frame_put(void *arg)
{
	static const u8 head[ETH + 20] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, [ETH + 8] = 64, 6, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1 };
	static u8 f[FRAME_ROOM];
	const struct segment *s = arg;
	u8 *t = f + ETH + 20;
	u32 n;

	memset(f, 0, sizeof(f));
	memcpy(f, head, sizeof(head));
	n = 20 + options_write(t + 20, s);
	put16(t, peer.port);
	put16(t + 2, peer.own_port);
	put32(t + 4, s->seq + peer.iss);
	put32(t + 8, s->flags & T_ACK ? s->ack + peer.irs : 0);
	t[12] = (u8)(n / 4 << 4);
	t[13] = (u8)s->flags;
	put16(t + 14, s->window);
	put16(t + 18, s->urgent);
	for (u32 i = 0; i < s->len; i++)
		t[n + i] = byte_at(s->seq - 1 + i);
	put16(f + ETH + 2, 20 + n + s->len);
	wire_seal(f, ETH + 20 + n + s->len);
	wire_put(f, ETH + 20 + n + s->len);
	wire_drain();
}

void peer_send(const struct segment *s) { sim_in_kernel(frame_put, (void *)(unsigned long)s); }

void put(u32 flags, u32 seq, u32 len, u32 ack)
{
	struct segment s = { .flags = flags, .seq = seq, .len = len, .ack = ack, .window = PEER_WINDOW };

	if (peer.offer.ts) {
		s.has_ts = true;
		s.ts_val = peer.clock;
		s.ts_ecr = peer.echo;
	}
	peer_send(&s);
}

void put_sack(u32 seq, u32 ack, u32 n, const struct peer_sack *blocks)
{
	struct segment s = { .flags = T_ACK, .seq = seq, .ack = ack, .window = PEER_WINDOW, .nr_sacks = n };

	memcpy(s.sack, blocks, n * sizeof(*blocks));
	peer_send(&s);
}

static void unreachable_put(void *arg)
{
	static const u8 head[ETH + 20] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, [ETH + 3] = 56, [ETH + 8] = 64, 1, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1 };
	static const u8 quoted[20] = { 0x45, 0, 0, 40, [8] = 63, 6, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2 };
	static u8 f[ETH + 56];
	const struct segment *s = arg;
	u8 *icmp = f + ETH + 20, *t = icmp + 28;

	memset(f, 0, sizeof(f));
	memcpy(f, head, sizeof(head));
	icmp[0] = 3;
	icmp[1] = (u8)s->flags;
	memcpy(icmp + 8, quoted, sizeof(quoted));
	put16(t, peer.own_port);
	put16(t + 2, peer.port);
	put32(t + 4, s->seq + peer.irs);
	wire_seal(f, sizeof(f));
	wire_put(f, sizeof(f));
	wire_drain();
}

void put_unreachable(u32 code, u32 seq)
{
	struct segment s = { .flags = code, .seq = seq };

	sim_in_kernel(unreachable_put, &s);
}

static void state_find(void *arg)
{
	u32 *state = arg;
	struct net_row row;
	void *at = NULL;

	*state = ST_CLOSED;
	net_lock();
	while (netstack->tcp_next(&at, &row))
		if (row.local.port == peer.own_port && (row.state == ST_LISTEN || row.remote.port == peer.port) &&
		    (*state == ST_CLOSED || row.state != ST_LISTEN))
			*state = row.state;
	net_unlock();
}

u32 peer_state(void)
{
	u32 state;

	sim_in_kernel(state_find, &state);
	return state;
}

/* ---- the program's side ------------------------------------------------------------------------------- */
static void forget(void *unused)
{
	net_lock();
	seen.count = 0;
	peer.port = (u16)(1024 + sim_below(SIM_WORK, 60000));
	peer.own_port++;
	/* now and then the numbers go round soon */
	peer.iss = sim_below(SIM_WORK, 4) ? (u32)sim_below(SIM_WORK, 1ull << 32) : 0xffffff00u + (u32)sim_below(SIM_WORK, 256);
	peer.irs = 0;
	peer.clock = (u32)sim_below(SIM_WORK, 1ull << 32);
	peer.echo = 0;
	net_unlock();
}

void peer_reset(const char *script)
{
	if (peer.script && peer.fd >= 0)
		CALL1(close, peer.fd);
	if (peer.script && peer.listener >= 0)
		CALL1(close, peer.listener);
	peer.fd = peer.listener = -1;
	peer.script = script;
	peer.offer = (struct offer){ 0 };
	written = been_read = urgent_at = 0;
	sim_in_kernel(forget, NULL);
}

static void name_make(u64 at, u32 ip, u32 port)
{
	u8 a[16] = { 2 };

	put16(a + 2, port);
	put32(a + 4, ip);
	sim_copy_in(at, a, sizeof(a));
}

void do_option(int level, int name, u32 value)
{
	long err;

	sim_store(scratch() + 64, 4, value);
	err = CALL6(setsockopt, peer.fd >= 0 ? peer.fd : peer.listener, level, name, scratch() + 64, 4, 0);
	if (err)
		fail("setsockopt %d %d gives %ld", level, name, err);
}

u32 error_of(void)
{
	sim_store(scratch() + 72, 4, 4);
	if (sim_call(NR_getsockopt, (u64)peer.fd, SOL_SOCKET, SO_ERROR, scratch() + 64, scratch() + 72, 0))
		fail("no SO_ERROR");
	return (u32)sim_load(scratch() + 64, 4);
}

void open_listener(void)
{
	peer.listener = CALL3(socket, 2, SOCK_STREAM | O_NONBLOCK, 0);
	do_option(SOL_SOCKET, SO_REUSEADDR, 1);
	name_make(scratch(), 0, peer.own_port);
	if (peer.listener < 0 || CALL3(bind, peer.listener, scratch(), 16) || CALL2(listen, peer.listener, 8))
		fail("no listener");
}

static struct segment syn_of(struct offer o, u32 flags, u32 ack)
{
	return (struct segment){ .flags = flags, .ack = ack, .window = PEER_WINDOW, .mss = o.mss ? o.mss : 1460, .sack_ok = o.sack, .has_ts = o.ts,
		.ts_val = peer.clock, .ts_ecr = flags & T_ACK ? peer.echo : 0, .scale = o.scale ? 8 : 0 };
}

long try_accept(void) { return sim_call(NR_accept4, (u64)peer.listener, 0, 0, O_NONBLOCK, 0, 0); }

void open_passive(struct offer o)
{
	struct segment syn = syn_of(o, T_SYN, 0);

	peer.offer = o;
	if (peer.listener < 0)
		open_listener();
	peer_send(&syn);
	expect(T_SYN | T_ACK, 0, 0, 1, 200);
	put(T_ACK, 1, 0, 1);
	peer.fd = try_accept();
	if (peer.fd < 0)
		fail("accept gives %ld", peer.fd);
}

long start_connect(void)
{
	peer.fd = CALL3(socket, 2, SOCK_STREAM | O_NONBLOCK, 0);
	name_make(scratch(), 0, peer.own_port);
	if (peer.fd < 0 || CALL3(bind, peer.fd, scratch(), 16))
		fail("no socket");
	name_make(scratch(), 0x0a090002, peer.port);
	return CALL3(connect, peer.fd, scratch(), 16);
}

void open_active(struct offer o)
{
	struct segment answer;
	long err = start_connect();

	if (err != -EINPROGRESS)
		fail("connect gives %ld", err);
	expect(T_SYN, 0, 0, 0, 200);
	peer.offer = o;
	answer = syn_of(o, T_SYN | T_ACK, 1);
	peer_send(&answer);
	expect(T_ACK, 1, 0, 1, 200);
}

void do_write(u32 len)
{
	u8 piece[0x180];
	u32 at = written;
	long n;

	for (u32 i = 0; i < len; i += sizeof(piece)) {
		u32 part = min(len - i, (u32)sizeof(piece));

		for (u32 k = 0; k < part; k++)
			piece[k] = byte_at(at + i + k);
		sim_copy_in(SHARED + i, piece, part);
	}
	n = CALL3(write, peer.fd, SHARED, len);
	if (n != (long)len)
		fail("write of %u gives %ld", len, n);
	written += len;
}

void do_read(u32 len)
{
	u8 piece[0x180];
	long n = CALL3(read, peer.fd, SHARED, len);

	if (n != (long)len)
		fail("read of %u gives %ld", len, n);
	if (urgent_at == been_read + 1)
		been_read++;
	for (u32 i = 0; i < len; i += sizeof(piece)) {
		u32 part = min(len - i, (u32)sizeof(piece));

		sim_copy_out(piece, SHARED + i, part);
		for (u32 k = 0; k < part; k++)
			if (piece[k] != byte_at(been_read + i + k))
				fail("byte %u that was read is wrong", been_read + i + k);
	}
	been_read += len;
}

void do_write_urgent(void)
{
	u8 byte = byte_at(written++);
	long n;

	sim_copy_in(SHARED, &byte, 1);
	n = CALL6(sendto, peer.fd, SHARED, 1, MSG_OOB, 0, 0);
	if (n != 1)
		fail("an urgent byte's send gives %ld", n);
}

void do_read_urgent(u32 behind)
{
	long n = CALL6(recvfrom, peer.fd, SHARED, 1, MSG_OOB, 0, 0);
	u8 byte = 0;

	if (n != 1)
		fail("an urgent byte's recv gives %ld", n);
	sim_copy_out(&byte, SHARED, 1);
	if (byte != byte_at(been_read + behind))
		fail("the urgent byte is not number %u", been_read + behind);
	urgent_at = been_read + behind + 1;
}

long try_read(void) { return CALL3(read, peer.fd, SHARED, 1); }

void do_shutdown(void)
{
	long err = CALL2(shutdown, peer.fd, 1);

	if (err)
		fail("shutdown gives %ld", err);
}

void do_close(void)
{
	CALL1(close, peer.fd);
	peer.fd = -1;
}
