/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the compiler calls for want of general-register instructions: counting bits and dividing
 * 128-bit numbers. Libgcc's own may use vector registers, which are the programs'.
 */
#include <lib/bits.h>

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 s128;

int __popcountdi2(u64 v);
int __popcountsi2(u32 v);
u128 __udivti3(u128 n, u128 d);
u128 __umodti3(u128 n, u128 d);
s128 __divti3(s128 n, s128 d);
s128 __modti3(s128 n, s128 d);

int __popcountdi2(u64 v)
{
	v -= v >> 1 & 0x5555555555555555;
	v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (int)(v * 0x0101010101010101 >> 56);
}
int __popcountsi2(u32 v) { return __popcountdi2(v); }

/* One 32-bit digit of (high:next) / d, d with its top bit set, high < d (Knuth 4.3.1 D). */
static u64 digit(u64 *high, u32 next, u64 d)
{
	u64 q = *high / (d >> 32), r = *high % (d >> 32);

	while (q >> 32 || q * (u32)d > (r << 32 | next)) {
		q--;
		r += d >> 32;
		if (r >> 32)
			break;
	}
	*high = (*high << 32 | next) - q * d;
	return q;
}
/* high < d: the quotient fits into 64 bits. */
static u64 divide_narrow(u64 high, u64 low, u64 d, u64 *rest)
{
	unsigned shift = (unsigned)__builtin_clzll(d);
	u64 q;

	d <<= shift;
	if (shift)
		high = high << shift | low >> (64 - shift);
	low <<= shift;
	q = digit(&high, (u32)(low >> 32), d) << 32;
	q |= digit(&high, (u32)low, d);
	*rest = high >> shift;
	return q;
}

static u128 divide(u128 n, u128 d, u128 *rest)
{
	u64 high = (u64)(n >> 64), d_low = (u64)d, q_high, r;
	u128 q = 0;

	if (!(d >> 64)) {
		q_high = high / d_low;
		q = (u128)q_high << 64 | divide_narrow(high % d_low, (u64)n, d_low, &r);
		*rest = r;
		return q;
	}
	/* The quotient has at most 64 bits: one at a time. */
	for (int shift = __builtin_clzll((u64)(d >> 64)); shift >= 0; shift--) {
		q <<= 1;
		if (n >= d << shift) {
			n -= d << shift;
			q |= 1;
		}
	}
	*rest = n;
	return q;
}

u128 __udivti3(u128 n, u128 d)
{
	u128 rest;

	return divide(n, d, &rest);
}
u128 __umodti3(u128 n, u128 d)
{
	u128 rest;

	divide(n, d, &rest);
	return rest;
}
static u128 magnitude(s128 v) { return v < 0 ? -(u128)v : (u128)v; }
s128 __divti3(s128 n, s128 d)
{
	u128 q = __udivti3(magnitude(n), magnitude(d));

	return (s128)((n < 0) != (d < 0) ? -q : q);
}
s128 __modti3(s128 n, s128 d)
{
	u128 rest = __umodti3(magnitude(n), magnitude(d));

	return (s128)(n < 0 ? -rest : rest);
}
