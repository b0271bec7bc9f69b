/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of TCP connections, played by the workload segment by segment: 10.9.0.2 behind the wire. Sequence numbers are
 * given relative to each side's first (its SYN is 0, its first byte 1). In a program; one connection at a time.
 */
#ifndef TESTS_SIM_PEER_H
#define TESTS_SIM_PEER_H

#include <lib/types.h>

#define T_FIN 1u
#define T_SYN 2u
#define T_RST 4u
#define T_PSH 8u
#define T_ACK 16u
#define T_URG 32u
#define PEER_WINDOW 60000u
#define TICK_MS 80u			/* of lwIP's slow timer */

struct peer_sack { u32 left, right; };
/* One segment. Either way: seq and ack are relative. */
struct segment {
	u32 flags, seq, ack, len, window;
	u32 urgent;			/* with T_URG: behind the urgent byte, from seq on */
	bool has_ack_of_nothing;	/* out: ack is absolute 0 */
	u32 mss;			/* 0: no such option */
	u32 scale;			/* plus one; 0: none */
	bool sack_ok;
	u32 nr_sacks;
	struct peer_sack sack[4];
	bool has_ts;
	u32 ts_val, ts_ecr;
	u64 at_ns;			/* in: when it left */
};
/* What the peer offers in its SYN. */
struct offer { u32 mss; bool sack, ts, scale; };

enum tcp_state_number {		/* as /proc/net/tcp has them */
	ST_ESTABLISHED = 1, ST_SYN_SENT, ST_SYN_RCVD, ST_FIN_WAIT_1, ST_FIN_WAIT_2, ST_TIME_WAIT, ST_CLOSED, ST_CLOSE_WAIT,
	ST_LAST_ACK, ST_LISTEN, ST_CLOSING,
};

extern struct peer {
	u16 port, own_port;		/* the peer's, the machine's */
	u32 iss, irs;			/* the peer's, the machine's */
	long listener, fd;		/* -1: none */
	struct offer offer;
	u32 clock;			/* ts_val of what it sends */
	u32 echo;			/* the machine's last ts_val */
	const char *script;		/* for messages */
} peer;

void peer_start(void);			/* once: the card, the tap */
/* New ports and numbers, descriptors closed, frames that were not asked for forgotten. */
void peer_reset(const char *script);
void peer_send(const struct segment *s);
/* The next segment that left, waiting up to wait_ms; false: none. */
bool peer_next(struct segment *s, u32 wait_ms);
/* The same; fails the run unless it has exactly these flags (but PSH), seq and length, and this ack if it acknowledges. */
struct segment expect(u32 flags, u32 seq, u32 len, u32 ack, u32 wait_ms);
/* And unless it leaves between so many ms after since_ns. */
struct segment expect_at(u32 flags, u32 seq, u32 len, u32 ack, u64 since_ns, u32 from_ms, u32 to_ms);
void expect_silence(u32 ms);
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
u64 now_ns(void);
/* Of the connection between both ports; ST_CLOSED: there is none. */
u32 peer_state(void);

/* Sends: flags with ACK, a byte pattern; shorthand for peer_send. */
void put(u32 flags, u32 seq, u32 len, u32 ack);
void put_sack(u32 seq, u32 ack, u32 n, const struct peer_sack *blocks);
/* "Destination unreachable" about a segment of the machine's with that number. */
void put_unreachable(u32 code, u32 seq);
/* Opens: passive (a listener of the machine's accepts), active (the machine connects). The descriptor is non-blocking. */
void open_listener(void);
void open_passive(struct offer o);
void open_active(struct offer o);
long start_connect(void);		/* the call's answer; the SYN is still to be expected */
/* The program's calls: all must do what is asked. */
void do_write(u32 len);
void do_read(u32 len);			/* exactly so many bytes are there, right ones */
long try_read(void);
void do_write_urgent(void);		/* one byte */
void do_read_urgent(u32 behind);	/* the right one, which lies so many behind what was read; the stream passes it over afterwards */
void do_shutdown(void);
void do_close(void);
long try_accept(void);
void do_option(int level, int name, u32 value);
u32 error_of(void);			/* SO_ERROR */

void table_run(void);			/* tcp_table.c: every state meets every segment; this run's share of it */
void scripts_run(void);			/* tcp_scripts.c */

#endif
