/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "tcp": the machine's TCP against a peer that is played segment by segment, in virtual time: the table of states and
 * segments (tcp_table.c), or the timed scripts (tcp_scripts.c), by the seed's choice.
 */
#include "calls.h"
#include "peer.h"
#include "work.h"

void work_tcp(void)
{
	set_handler(13, 1, 0, 0);	/* SIGPIPE */
	peer_start();
	if (maybe(2))
		table_run();
	else
		scripts_run();
	peer_reset("the end");
}
