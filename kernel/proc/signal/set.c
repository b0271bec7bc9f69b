/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pure signal logic: what a signal does by default and which of several comes first. POSIX.1-2017
 * signal.h; Linux delivers synchronous faults before all others.
 */
#include "../proc.h"

enum signal_default signal_default_action(int sig)
{
	switch (sig) {
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
		return SIGNAL_IGNORED;
	case SIGCONT:
		return SIGNAL_CONTINUES;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return SIGNAL_STOPS;
	case SIGQUIT:
	case SIGILL:
	case SIGTRAP:
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGSEGV:
	case SIGXCPU:
	case SIGXFSZ:
	case SIGSYS:
		return SIGNAL_CORE;
	default:
		return SIGNAL_TERMINATES;
	}
}

int signal_choose(u64 deliverable)
{
	if (deliverable & sig_bit(SIGKILL))
		return SIGKILL;
	if (deliverable & SIGNALS_SYNCHRONOUS)
		deliverable &= SIGNALS_SYNCHRONOUS;
	return deliverable ? (int)ctz64(deliverable) + 1 : 0;
}
