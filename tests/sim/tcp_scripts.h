/* SPDX-License-Identifier: BSD-2-Clause */
/* What the timed scripts share (tcp_scripts.c runs them). Times in ms; lwIP's timers step by 40 and 80. */
#ifndef TESTS_SIM_TCP_SCRIPTS_H
#define TESTS_SIM_TCP_SCRIPTS_H

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
#define SYN_PLAIN ((struct segment){ .flags = T_SYN, .window = PEER_WINDOW, .mss = 1460 })

struct script {
	const char *name;		/* NULL: the end of a table */
	void (*run)(void);
	bool wants_listener;		/* before it begins */
};
#define SCRIPT(f) { #f, f }
/* tcp_timeouts.c, tcp_loss.c, tcp_windows.c, tcp_ends.c. The very first: no connection before keeps the clock running. */
extern const struct script timeout_scripts[], loss_scripts[], window_scripts[], end_scripts[];

static inline u32 at(u32 n) { return 1 + n * MSS; }
struct segment data(u32 n);		/* segment n leaves now */
bool is_gone(void);			/* the connection; its listener is still there */
/* n full segments leave at once, so the window is open for them: the first of them were acknowledged before. */
void burst(u32 n);
/* A window of n segments whose first is number `from`, after a burst of that many. */
void window(u32 from, u32 n);

#endif
