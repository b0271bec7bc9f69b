/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a program's parts lie, many times: executes itself as often as told and writes a line per run for ci/suites/hidden.py. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct layout {
	uint64_t program, stack, mapping, brk, vdso, random;
};

static void tell(void)
{
	struct layout l = {
		.program = (uintptr_t)tell, .stack = (uintptr_t)__builtin_frame_address(0),
		.mapping = (uintptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		.brk = (uint64_t)syscall(SYS_brk, 0), .vdso = getauxval(AT_SYSINFO_EHDR),
	};

	memcpy(&l.random, (void *)getauxval(AT_RANDOM), sizeof l.random);
	if (write(3, &l, sizeof l) != sizeof l)
		_exit(1);
}

int main(int argc, char **argv)
{
	struct layout l;
	int fd[2];

	if (argc < 2) {
		tell();
		return 0;
	}
	if (pipe(fd))
		return 1;
	for (int i = atoi(argv[1]); i > 0; i--) {
		char *args[] = { argv[0], NULL };
		int status = 1;
		pid_t pid = vfork();

		if (!pid) {
			dup2(fd[1], 3);
			execv(argv[0], args);
			_exit(1);
		}
		if (waitpid(pid, &status, 0) != pid || status || read(fd[0], &l, sizeof l) != sizeof l)
			return 1;
		printf("%llx %llx %llx %llx %llx %llx\n", (unsigned long long)l.program, (unsigned long long)l.stack,
		       (unsigned long long)l.mapping, (unsigned long long)l.brk, (unsigned long long)l.vdso, (unsigned long long)l.random);
	}
	return 0;
}
