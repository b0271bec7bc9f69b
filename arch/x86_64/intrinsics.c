/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the compilers call for want of instructions on baseline x86-64: bit counting and 128-bit division.
 * The compiler's own library is built with a red zone, which interrupts would overwrite.
 */
#include <lib/compiler.h>

int __popcountdi2(u64 v);
int __popcountsi2(u32 v);
unsigned __int128 __udivti3(unsigned __int128 a, unsigned __int128 b);
unsigned __int128 __umodti3(unsigned __int128 a, unsigned __int128 b);

int __popcountdi2(u64 v)
{
	v -= v >> 1 & 0x5555555555555555;
	v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (int)(v * 0x0101010101010101 >> 56);
}

int __popcountsi2(u32 v) { return __popcountdi2(v); }

/* hi < b: the quotient fits. */
static u64 div128by64(u64 hi, u64 lo, u64 b, u64 *rest)
{
	u64 q;

	__asm__("divq %4" : "=a"(q), "=d"(*rest) : "0"(lo), "1"(hi), "rm"(b) : "cc");
	return q;
}

static unsigned __int128 divide(unsigned __int128 a, unsigned __int128 b, unsigned __int128 *rest)
{
	u64 hi = (u64)(a >> 64), r;

	if (b >> 64 == 0) {
		u64 d = (u64)b, q_hi = hi / d, q_lo;

		q_lo = div128by64(hi % d, (u64)a, d, &r);
		*rest = r;
		return (unsigned __int128)q_hi << 64 | q_lo;
	}
	/* A divisor of more than 64 bits: the quotient has fewer than 64, by shifts and subtractions. */
	unsigned __int128 q = 0, bit = 1;

	while (b < a && !(b >> 127)) {
		b <<= 1;
		bit <<= 1;
	}
	for (; bit; bit >>= 1, b >>= 1) {
		if (a >= b) {
			a -= b;
			q |= bit;
		}
	}
	*rest = a;
	return q;
}

unsigned __int128 __udivti3(unsigned __int128 a, unsigned __int128 b)
{
	unsigned __int128 rest;

	return divide(a, b, &rest);
}

unsigned __int128 __umodti3(unsigned __int128 a, unsigned __int128 b)
{
	unsigned __int128 rest;

	divide(a, b, &rest);
	return rest;
}
