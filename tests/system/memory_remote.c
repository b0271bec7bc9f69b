/* SPDX-License-Identifier: BSD-2-Clause */
/* Another process's memory: process_vm_readv and process_vm_writev. */
#include "memory.h"
#include <sys/uio.h>

static long vm_read(pid_t pid, void *to, void *from, size_t n)
{
	struct iovec l = { to, n }, r = { from, n };

	return process_vm_readv(pid, &l, 1, &r, 1, 0);
}

static long vm_write(pid_t pid, void *from, void *to, size_t n)
{
	struct iovec l = { from, n }, r = { to, n };

	return process_vm_writev(pid, &l, 1, &r, 1, 0);
}

static void process_vm(void)
{
	char *mine = anon(4 * PAGE), *theirs = anon(4 * PAGE), small[10];
	int ready[2], go[2];
	pid_t pid;

	check_ok(pipe(ready));
	check_ok(pipe(go));
	pid = fork();
	if (pid == 0) {
		memset(theirs, 'c', 4 * PAGE);
		munmap(theirs + 2 * PAGE, PAGE);
		mprotect(theirs + 3 * PAGE, PAGE, PROT_READ);
		(void)!write(ready[1], "r", 1);
		(void)!read(go[0], small, 1);
		_exit(theirs[10] == 'p' && theirs[11] == 'c' ? 0 : 1);
	}
	check_equal(read(ready[0], small, 1), 1);
	check_equal(vm_read(pid, mine, theirs, 2 * PAGE), 2 * PAGE);
	check(mine[0] == 'c' && mine[2 * PAGE - 1] == 'c' && mine[2 * PAGE] == 0);
	check_equal(theirs[0], 0);
	/* Up to the hole. */
	check_equal(vm_read(pid, mine, theirs + PAGE + 100, PAGE), PAGE - 100);
	check_errno(vm_read(pid, mine, theirs + 2 * PAGE, 8), EFAULT);
	check_errno(vm_read(pid, (void *)8, theirs, 8), EFAULT);
	small[0] = 'p';
	check_equal(vm_write(pid, small, theirs + 10, 1), 1);
	check_errno(vm_write(pid, small, theirs + 3 * PAGE, 1), EFAULT);
	check_errno(vm_write(pid, small, (void *)-4096l, 1), EFAULT);
	check_ok(write(go[1], "g", 1));
	check_equal(wait_for(pid), 0);
	check_errno(vm_read(pid, mine, theirs, 8), ESRCH);
}

static void process_vm_vectors(void)
{
	char a[4], b[8], from[] = "abcdefghij";
	struct iovec l[2] = { { a, 4 }, { b, 8 } }, r[3] = { { from, 1 }, { 0, 0 }, { from + 4, 6 } }, many[1025] = { 0 };

	check_equal(process_vm_readv(getpid(), l, 2, r, 3, 0), 7);
	check(!memcmp(a, "aefg", 4) && !memcmp(b, "hij", 3));
	check_equal(process_vm_readv(getpid(), l, 0, r, 3, 0), 0);
	check_equal(process_vm_readv(getpid(), l, 2, r, 0, 0), 0);
	check_errno(process_vm_readv(getpid(), l, 2, r, 3, 1), EINVAL);
	check_errno(process_vm_readv(getpid(), many, 1025, r, 1, 0), EINVAL);
	check_errno(process_vm_readv(getpid(), l, 1, many, 1025, 0), EINVAL);
	check_errno(process_vm_readv(getpid(), (void *)16, 1, r, 1, 0), EFAULT);
	check_errno(process_vm_readv(getpid(), l, 1, (void *)16, 1, 0), EFAULT);
	r[0].iov_len = -1;
	check_errno(process_vm_readv(getpid(), l, 1, r, 1, 0), EINVAL);
	check_errno(process_vm_readv(0x3ffffff, l, 1, r + 2, 1, 0), ESRCH);
	/* A process of another user. */
	drop_root();
	check_errno(process_vm_readv(1, l, 1, r + 2, 1, 0), EPERM);
}

static const struct test table[] = {
	{ "process-vm", process_vm }, { "process-vm-vectors", process_vm_vectors },
	{ 0 },
};

TEST_MAIN(table)
