/* SPDX-License-Identifier: BSD-2-Clause */
/* The generated table: names, letters, the numbers that programs rely on. */
#include <kernel/syscall.h>
#include <kernel/test.h>
#include <lib/string.h>

static unsigned number_of(const char *name)
{
	for (unsigned i = 0; i < syscall_table_len; i++)
		if (syscall_table[i].name && !strcmp(syscall_table[i].name, name))
			return i;
	return ~0u;
}

static void test_entries_are_named(void)
{
	for (unsigned i = 0; i < syscall_table_len; i++) {
		const struct syscall_entry *e = &syscall_table[i];

		test_check(!e->fn || (e->name && e->args));
		test_check(!e->args || strlen(e->args) <= 6);
		test_check(!e->name || number_of(e->name) == i);
	}
}

static void test_numbers_beyond_424_are_common(void)
{
	test_equal(number_of("pidfd_send_signal"), 424);
	test_equal(number_of("clone3"), 435);
	test_equal(number_of("fchmodat2"), 452);
	test_check(syscall_restart_nr < syscall_table_len);
	test_check(!strcmp(syscall_table[syscall_restart_nr].name, "restart_syscall"));
}

static void test_letters(void)
{
	test_check(!strcmp(syscall_table[number_of("openat")].args, "DsOo"));
	test_check(!strcmp(syscall_table[number_of("read")].args, "fpu"));
	test_check(!strcmp(syscall_table[number_of("kill")].args, "dS"));
	test_check(!strcmp(syscall_table[number_of("getpid")].args, ""));
}

static void test_names(void)
{
	test_check(!strcmp(errno_name(2), "ENOENT"));
	test_check(!errno_name(0) && !errno_name(-1) && !errno_name(100000));
	test_check(!strcmp(signal_name(17), "SIGCHLD"));
	test_check(!signal_name(0) && !signal_name(64) && !signal_name(-3));
}

const struct test_suite test_suite_syscall = {
	"syscall",
	(const struct test_case[]){
		TEST_CASE(test_entries_are_named),
		TEST_CASE(test_numbers_beyond_424_are_common),
		TEST_CASE(test_letters),
		TEST_CASE(test_names),
		{},
	},
};
