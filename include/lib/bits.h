/* SPDX-License-Identifier: BSD-2-Clause */
/* Bit operations, byte order, bitmaps. Bitmaps are arrays of u64, bit i in word i / 64. */
#ifndef LIB_BITS_H
#define LIB_BITS_H

#include <lib/compiler.h>

#define BIT(n) (1ull << (n))
#define BITMAP_WORDS(n) (((n) + 63) / 64)

/* Index of the highest / lowest set bit; v != 0. */
static inline unsigned log2_floor(u64 v) { return 63 - (unsigned)__builtin_clzll(v); }
static inline unsigned log2_ceil(u64 v) { return v <= 1 ? 0 : log2_floor(v - 1) + 1; }
static inline unsigned ctz64(u64 v) { return (unsigned)__builtin_ctzll(v); }
/* Number of set bits; spelled out, since the compiler would call libgcc without a bit-count instruction. */
static inline unsigned popcount64(u64 v)
{
	v -= v >> 1 & 0x5555555555555555ull;
	v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (unsigned)((v * 0x0101010101010101ull) >> 56);
}
static inline bool is_pow2(u64 v) { return v && !(v & (v - 1)); }

static inline bool bitmap_test(const u64 *map, size_t i) { return map[i / 64] >> (i % 64) & 1; }
static inline void bitmap_set(u64 *map, size_t i) { map[i / 64] |= BIT(i % 64); }
static inline void bitmap_clear(u64 *map, size_t i) { map[i / 64] &= ~BIT(i % 64); }
/* First clear / set bit at or after from, or nbits if there is none. */
size_t bitmap_find_clear(const u64 *map, size_t nbits, size_t from);
size_t bitmap_find_set(const u64 *map, size_t nbits, size_t from);

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "all four architectures are little-endian");
static inline u16 le16_to_cpu(le16 v) { return (__force u16)v; }
static inline u32 le32_to_cpu(le32 v) { return (__force u32)v; }
static inline u64 le64_to_cpu(le64 v) { return (__force u64)v; }
static inline le16 cpu_to_le16(u16 v) { return (__force le16)v; }
static inline le32 cpu_to_le32(u32 v) { return (__force le32)v; }
static inline le64 cpu_to_le64(u64 v) { return (__force le64)v; }
static inline u16 be16_to_cpu(be16 v) { return __builtin_bswap16((__force u16)v); }
static inline u32 be32_to_cpu(be32 v) { return __builtin_bswap32((__force u32)v); }
static inline u64 be64_to_cpu(be64 v) { return __builtin_bswap64((__force u64)v); }
static inline be16 cpu_to_be16(u16 v) { return (__force be16)__builtin_bswap16(v); }
static inline be32 cpu_to_be32(u32 v) { return (__force be32)__builtin_bswap32(v); }
static inline be64 cpu_to_be64(u64 v) { return (__force be64)__builtin_bswap64(v); }
/* Unaligned reads from untrusted buffers. */
static inline u16 get_le16(const void *p) { u16 v; __builtin_memcpy(&v, p, 2); return v; }
static inline u32 get_le32(const void *p) { u32 v; __builtin_memcpy(&v, p, 4); return v; }
static inline u64 get_le64(const void *p) { u64 v; __builtin_memcpy(&v, p, 8); return v; }
static inline u32 get_be32(const void *p) { return __builtin_bswap32(get_le32(p)); }
static inline u64 get_be64(const void *p) { return __builtin_bswap64(get_le64(p)); }

#endif
