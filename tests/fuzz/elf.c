/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF files: the checks as a pure function against what they promise, then a real exec of the file in a child
 * process, which ends by an errno of execve's or, as its code is none, by SIGILL or SIGSEGV.
 */
#include "../../kernel/proc/elf.h"
#include <lib/string.h>
#include <native/sim.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include <uapi/native.h>
#include "../sim/calls.h"
#include "fuzz.h"

#define BUF (SHARED + 0x800)
#define PIECE 8192u

static const struct elf_limits limits = { .user_end = 1ull << 46, .machine = ARCH_ELF_MACHINE };

static void promises(const u8 *data, size_t size)
{
	struct elf_image out;
	int err = elf_check(data, size, &limits, &out);

	fuzz_check(err == 0 || err == -ENOEXEC || err == -ENOMEM);
	if (err)
		return;
	fuzz_check(out.loads && out.low < out.high && out.high <= limits.user_end && out.entry < limits.user_end);
	fuzz_check(out.low % 4096 == 0 && out.high % 4096 == 0);
	fuzz_check(out.align >= 4096 && (out.align & (out.align - 1)) == 0);
	fuzz_check(out.interp_size <= size && out.interp_offset <= size - out.interp_size);
}

static void child(u64 unused)
{
	static const long allowed[] = {
		ENOEXEC, EINVAL, ENOMEM, E2BIG, ENOENT, EACCES, ENOTDIR, ENAMETOOLONG, ELOOP, EISDIR, ELIBBAD, EPERM,
	};
	long err;

	put_string(SHARED, "/tmp/x");
	sim_store(SHARED + 0x100, 8, SHARED);
	sim_store(SHARED + 0x108, 8, 0);
	err = CALL3(execve, SHARED, SHARED + 0x100, SHARED + 0x108);
	for (unsigned i = 0; i < ARRAY_LEN(allowed); i++)
		if (err == -allowed[i])
			return;
	sim_fail("execve answers %ld", err);
}

static void run(const u8 *data, size_t size)
{
	long fd;
	int status;

	promises(data, size);
	fd = CALL3(open, put_string(SHARED, "/tmp/x"), O_CREAT | O_TRUNC | O_WRONLY, 0755);
	fuzz_check(fd >= 0);
	for (size_t at = 0, n; at < size; at += n) {
		n = min(size - at, (size_t)PIECE);
		sim_copy_in(BUF, data + at, n);
		fuzz_check(CALL3(write, fd, BUF, n) == (long)n);
	}
	CALL1(close, fd);
	spawn(child, 0);
	wait_child(-1, &status);
	status &= 0x7f;
	fuzz_check(status == 0 || status == 4 || status == 7 || status == 9 || status == 11);
}

const struct fuzz_target fuzz_elf = { .name = "elf", .run = run };
