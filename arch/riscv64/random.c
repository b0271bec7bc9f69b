/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Zkr entropy source. Whether S-mode may read the seed register is the firmware's choice,
 * so the first read finds out (it traps to a fix-up where it may not). Each 16-bit seed is
 * promised 128 bits of entropy per 256 (cryptography extensions 4.2), which kernel/random credits.
 */
#include <arch/cpu.h>
#include <arch/random.h>

#include "riscv.h"

enum seed_state { SEED_UNKNOWN, SEED_ABSENT, SEED_PRESENT };
static enum seed_state seed_state;

/* Bits 31:30 of the register. */
enum seed_status { SEED_BIST, SEED_WAIT, SEED_ES16, SEED_DEAD };
#define SEED_TRIES 100

/* The register is CSR 0x015 and must be written to be read. False: it trapped. */
static bool seed_read(u32 *value)
{
	u64 v = 0, ok = 1;

	__asm__ volatile(
		"1:\tcsrrw %0, 0x015, zero\n\t"
		"j 3f\n"
		"2:\tli %1, 0\n"
		"3:\n\t"
		FIXUP(1b, 2b)
		: "+r"(v), "+r"(ok) :: "memory");
	*value = (u32)v;	/* sign-extended on 64-bit harts */
	return ok != 0;
}

/* Two good bytes, or false. */
static bool seed_get(u16 *out)
{
	u32 v;

	for (unsigned i = 0; i < SEED_TRIES && seed_state != SEED_ABSENT; i++) {
		if (!seed_read(&v)) {
			seed_state = SEED_ABSENT;
			return false;
		}
		seed_state = SEED_PRESENT;
		switch ((enum seed_status)(v >> 30)) {
		case SEED_ES16:
			*out = (u16)v;
			return true;
		case SEED_DEAD:
			seed_state = SEED_ABSENT;
			return false;
		case SEED_BIST:
		case SEED_WAIT:
			arch_cpu_relax();
		}
	}
	return false;
}

size_t arch_random_bytes(void *buf, size_t n)
{
	u8 *p = buf;
	size_t done = 0;
	u16 seed;

	while (done < n && seed_get(&seed)) {
		p[done++] = (u8)seed;
		if (done < n)
			p[done++] = (u8)(seed >> 8);
	}
	return done;
}

const char *arch_random_name(void)
{
	u16 seed;

	if (seed_state == SEED_UNKNOWN)
		seed_get(&seed);
	return seed_state == SEED_PRESENT ? "zkr" : NULL;
}
