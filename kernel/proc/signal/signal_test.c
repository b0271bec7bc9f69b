/* SPDX-License-Identifier: BSD-2-Clause */
/* Pure signal logic: defaults, order. */
#include "../proc.h"
#include <kernel/test.h>

static void test_defaults(void)
{
	test_equal(signal_default_action(SIGTERM), SIGNAL_TERMINATES);
	test_equal(signal_default_action(SIGKILL), SIGNAL_TERMINATES);
	test_equal(signal_default_action(SIGSEGV), SIGNAL_CORE);
	test_equal(signal_default_action(SIGCHLD), SIGNAL_IGNORED);
	test_equal(signal_default_action(SIGTSTP), SIGNAL_STOPS);
	test_equal(signal_default_action(SIGCONT), SIGNAL_CONTINUES);
	test_equal(signal_default_action(SIGRTMIN), SIGNAL_TERMINATES);
	test_equal(signal_default_action(NSIG), SIGNAL_TERMINATES);
}

static void test_order(void)
{
	test_equal(signal_choose(0), 0);
	test_equal(signal_choose(sig_bit(NSIG)), NSIG);
	test_equal(signal_choose(sig_bit(SIGHUP) | sig_bit(SIGKILL)), SIGKILL);
	test_equal(signal_choose(sig_bit(SIGHUP) | sig_bit(SIGSEGV)), SIGSEGV);
	test_equal(signal_choose(sig_bit(SIGTERM) | sig_bit(40)), SIGTERM);
	test_equal(signal_choose(sig_bit(41) | sig_bit(40)), 40);
}

static void test_sets(void)
{
	for (int s = 1; s <= NSIG; s++)
		test_equal(!!(SIGNALS_STOP & sig_bit(s)), signal_default_action(s) == SIGNAL_STOPS);
	test_check(!(SIGNALS_SYNCHRONOUS & SIGNALS_UNMASKABLE));
}

const struct test_suite test_suite_signal = {
	"signal",
	(const struct test_case[]){ TEST_CASE(test_defaults), TEST_CASE(test_order), TEST_CASE(test_sets), {} },
};
