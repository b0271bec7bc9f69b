/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal's on-disk format (jbd2), as laid down in the Linux kernel's documentation "ext4 Data
 * Structures and Algorithms", section "Journal (jbd2)". Everything is big-endian and untrusted.
 */
#ifndef EXT4_JOURNAL_H
#define EXT4_JOURNAL_H

#include <lib/bits.h>

#define JOURNAL_MAGIC 0xc03b3998u
enum journal_block_type { JOURNAL_DESCRIPTOR = 1, JOURNAL_COMMIT, JOURNAL_SUPER_V1, JOURNAL_SUPER_V2, JOURNAL_REVOKE };

#define JOURNAL_INCOMPAT_REVOKE 0x01u
#define JOURNAL_INCOMPAT_64BIT 0x02u
#define JOURNAL_INCOMPAT_ASYNC_COMMIT 0x04u
#define JOURNAL_INCOMPAT_CSUM_V2 0x08u
#define JOURNAL_INCOMPAT_CSUM_V3 0x10u

struct journal_header {
	be32 magic, type, sequence;
} __packed;

struct journal_super {
	struct journal_header h;
	be32 block_size, max_len, first;
	be32 sequence, start;		/* of the log's first transaction; start 0: the log is empty */
	be32 error;
	/* from here on version 2 only */
	be32 compat, incompat, ro_compat;
	u8 uuid[16];
	be32 users, dynamic_super, max_transaction, max_transaction_data;
	u8 checksum_type, padding1[3];
	be32 fast_blocks, head;
	u8 padding2[0xfc - 0x5c];
	be32 checksum;
	u8 user_ids[768];
} __packed;
static_assert(sizeof(struct journal_super) == 1024 && offsetof(struct journal_super, checksum) == 0xfc, "layout");

#define JOURNAL_TAG_ESCAPED 1u		/* the block began with the magic number, zeroed in the log */
#define JOURNAL_TAG_SAME_UUID 2u	/* no 16 bytes of UUID follow */
#define JOURNAL_TAG_DELETED 4u
#define JOURNAL_TAG_LAST 8u
struct journal_tag {			/* block_hi only with 64BIT; two unused bytes behind it with CSUM_V2 */
	be32 block;
	be16 checksum, flags;
	be32 block_hi;
} __packed;
struct journal_tag3 {			/* with CSUM_V3 */
	be32 block, flags, block_hi, checksum;
} __packed;

struct journal_commit {
	struct journal_header h;
	u8 checksum_type, checksum_size, padding[2];
	be32 checksum[8];
	be64 seconds;
	be32 nanoseconds;
} __packed;

struct journal_revoke {
	struct journal_header h;
	be32 bytes;			/* in use in this block, with these 16 */
} __packed;

struct journal_tail {			/* end of descriptor and revoke blocks, with CSUM_V2 or V3 */
	be32 checksum;
} __packed;

#endif
