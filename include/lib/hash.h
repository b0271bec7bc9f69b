/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums and hashes: CRC32C (ext4), a keyed string hash for tables (SipHash-2-4). */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <lib/types.h>

/* CRC-32C (Castagnoli), bit-reflected, no final inversion: as ext4 uses it with seed ~0. */
u32 crc32c(u32 crc, const void *data, size_t len);
/* CRC-16 of ANSI (poly 0xa001 reflected), as ext4 group descriptors without metadata_csum use it. */
u16 crc16(u16 crc, const void *data, size_t len);
struct siphash_key {
	u64 k0, k1;
};
/*
 * Quick keyed hash of short names for tables in memory: a multiplication folded per eight bytes. Who does not know the
 * key cannot aim at a bucket; who can watch times for long might, so nothing that leaves the kernel may use it.
 */
u64 name_hash64(u64 key, const void *data, size_t len);
u64 siphash(const struct siphash_key *key, const void *data, size_t len);

#endif
