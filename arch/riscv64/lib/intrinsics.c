/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What GCC and clang call for want of instructions on rv64ima: bit counting, byte swaps, wide
 * shifts, atomics on bytes and half-words. Debian's libgcc is built for another float ABI.
 * Written without the builtins that would call back here.
 */
#include <lib/compiler.h>

int __clzdi2(u64 v);
int __clzsi2(u32 v);
int __ctzdi2(u64 v);
int __ctzsi2(u32 v);
int __ffsdi2(u64 v);
int __popcountdi2(u64 v);
int __popcountsi2(u32 v);
int __paritydi2(u64 v);
u64 __bswapdi2(u64 v);
u32 __bswapsi2(u32 v);

int __clzdi2(u64 v)
{
	int n = 0;

	for (unsigned step = 32; step; step /= 2) {
		if (!(v >> (64 - step))) {
			n += (int)step;
			v <<= step;
		}
	}
	return n;
}

int __clzsi2(u32 v) { return __clzdi2(v) - 32; }

/* The lowest bit times a de Bruijn sequence has another pattern at the top for each place of the bit. */
int __ctzdi2(u64 v)
{
	static const u8 place[64] = {
		0, 1, 48, 2, 57, 49, 28, 3, 61, 58, 50, 42, 38, 29, 17, 4,
		62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12, 5,
		63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11,
		46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9, 13, 8, 7, 6,
	};

	return place[(v & -v) * 0x03f79d71b4cb0a89 >> 58];
}

int __ctzsi2(u32 v) { return __ctzdi2(v); }
int __ffsdi2(u64 v) { return v ? __ctzdi2(v) + 1 : 0; }

int __popcountdi2(u64 v)
{
	v -= v >> 1 & 0x5555555555555555;
	v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (int)(v * 0x0101010101010101 >> 56);
}

int __popcountsi2(u32 v) { return __popcountdi2(v); }
int __paritydi2(u64 v) { return __popcountdi2(v) & 1; }

u64 __bswapdi2(u64 v)
{
	v = (v & 0x00ff00ff00ff00ff) << 8 | (v >> 8 & 0x00ff00ff00ff00ff);
	v = (v & 0x0000ffff0000ffff) << 16 | (v >> 16 & 0x0000ffff0000ffff);
	return v << 32 | v >> 32;
}

u32 __bswapsi2(u32 v) { return (u32)(__bswapdi2(v) >> 32); }

/* 128-bit shifts and division. */
__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 s128;
union wide {
	u128 v;
	struct {
		u64 lo, hi;
	};
};
u128 __ashlti3(u128 v, int n);
u128 __lshrti3(u128 v, int n);
s128 __ashrti3(s128 v, int n);
u128 __udivti3(u128 n, u128 d);
u128 __umodti3(u128 n, u128 d);

u128 __ashlti3(u128 v, int n)
{
	union wide w = { .v = v };

	if (n >= 64)
		return (union wide){ .lo = 0, .hi = w.lo << (n - 64) }.v;
	if (n == 0)
		return v;
	return (union wide){ .lo = w.lo << n, .hi = w.hi << n | w.lo >> (64 - n) }.v;
}

u128 __lshrti3(u128 v, int n)
{
	union wide w = { .v = v };

	if (n >= 64)
		return (union wide){ .lo = w.hi >> (n - 64), .hi = 0 }.v;
	if (n == 0)
		return v;
	return (union wide){ .lo = w.lo >> n | w.hi << (64 - n), .hi = w.hi >> n }.v;
}

s128 __ashrti3(s128 v, int n)
{
	union wide w = { .v = (u128)v };
	s64 hi = (s64)w.hi;

	if (n >= 64)
		return (s128)(union wide){ .lo = (u64)(hi >> (n - 64)), .hi = (u64)(hi >> 63) }.v;
	if (n == 0)
		return v;
	return (s128)(union wide){ .lo = w.lo >> n | w.hi << (64 - n), .hi = (u64)(hi >> n) }.v;
}

/* Bit by bit: rare (clock calibration). d != 0. */
static u128 divide(u128 n, u128 d, u128 *rest)
{
	union wide num = { .v = n }, q = { .v = 0 };
	u128 r = 0;

	for (int i = 127; i >= 0; i--) {
		r = r + r + (i >= 64 ? num.hi >> (i - 64) & 1 : num.lo >> i & 1);
		if (r >= d) {
			r -= d;
			if (i >= 64)
				q.hi |= 1ul << (i - 64);
			else
				q.lo |= 1ul << i;
		}
	}
	*rest = r;
	return q.v;
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

/*
 * Atomics narrower than a word, by a loop on the aligned word around them. Always as strong as
 * the strongest order, whatever was asked for.
 */
#define WORD_OF(p) ((u32 *)((u64)(p) & ~3ull))
#define SHIFT_OF(p) ((unsigned)((u64)(p) & 3) * 8)

static u32 narrow_update(void *p, u32 mask, u32 operand, u32 (*op)(u32 old, u32 operand))
{
	u32 *word = WORD_OF(p), old = __atomic_load_n(word, __ATOMIC_RELAXED), new;
	unsigned shift = SHIFT_OF(p);

	do {
		new = (old & ~(mask << shift)) | (op(old >> shift & mask, operand) & mask) << shift;
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	return old >> shift & mask;
}

static bool narrow_cmpxchg(void *p, u32 mask, u32 *expected, u32 desired)
{
	u32 *word = WORD_OF(p), old = __atomic_load_n(word, __ATOMIC_RELAXED), new;
	unsigned shift = SHIFT_OF(p);

	do {
		if ((old >> shift & mask) != *expected) {
			*expected = old >> shift & mask;
			return false;
		}
		new = (old & ~(mask << shift)) | desired << shift;
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	return true;
}

static u32 op_add(u32 old, u32 v) { return old + v; }
static u32 op_sub(u32 old, u32 v) { return old - v; }
static u32 op_and(u32 old, u32 v) { return old & v; }
static u32 op_or(u32 old, u32 v) { return old | v; }
static u32 op_xor(u32 old, u32 v) { return old ^ v; }
static u32 op_set(u32 old, u32 v) { return v; }

/* The compiler knows these names with types of its own; ours go in by their assembler names. */
#define NARROW(bits, size) \
	u##bits narrow_add_##size(u##bits *p, u##bits v, int order) __asm__("__atomic_fetch_add_" #size); \
	u##bits narrow_sub_##size(u##bits *p, u##bits v, int order) __asm__("__atomic_fetch_sub_" #size); \
	u##bits narrow_and_##size(u##bits *p, u##bits v, int order) __asm__("__atomic_fetch_and_" #size); \
	u##bits narrow_or_##size(u##bits *p, u##bits v, int order) __asm__("__atomic_fetch_or_" #size); \
	u##bits narrow_xor_##size(u##bits *p, u##bits v, int order) __asm__("__atomic_fetch_xor_" #size); \
	u##bits narrow_xchg_##size(u##bits *p, u##bits v, int order) __asm__("__atomic_exchange_" #size); \
	bool narrow_cas_##size(u##bits *p, u##bits *old, u##bits v, int ok, int fail) \
		__asm__("__atomic_compare_exchange_" #size); \
	u##bits narrow_add_##size(u##bits *p, u##bits v, int order) \
	{ return (u##bits)narrow_update(p, (u##bits)-1, v, op_add); } \
	u##bits narrow_sub_##size(u##bits *p, u##bits v, int order) \
	{ return (u##bits)narrow_update(p, (u##bits)-1, v, op_sub); } \
	u##bits narrow_and_##size(u##bits *p, u##bits v, int order) \
	{ return (u##bits)narrow_update(p, (u##bits)-1, v, op_and); } \
	u##bits narrow_or_##size(u##bits *p, u##bits v, int order) \
	{ return (u##bits)narrow_update(p, (u##bits)-1, v, op_or); } \
	u##bits narrow_xor_##size(u##bits *p, u##bits v, int order) \
	{ return (u##bits)narrow_update(p, (u##bits)-1, v, op_xor); } \
	u##bits narrow_xchg_##size(u##bits *p, u##bits v, int order) \
	{ return (u##bits)narrow_update(p, (u##bits)-1, v, op_set); } \
	bool narrow_cas_##size(u##bits *p, u##bits *old, u##bits v, int ok, int fail) \
	{ \
		u32 expected = *old; \
		bool done = narrow_cmpxchg(p, (u##bits)-1, &expected, v); \
		*old = (u##bits)expected; \
		return done; \
	}

NARROW(8, 1)
NARROW(16, 2)
