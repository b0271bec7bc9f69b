/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/block/ share. */
#ifndef BLOCK_INTERNAL_H
#define BLOCK_INTERNAL_H

#include <kernel/block.h>

/* partition.c: where the table's bytes come from, so that tests can give their own. */
struct partition_source {
	int (*read)(struct partition_source *s, u64 block, void *buf, u32 count);	/* logical blocks */
	u64 blocks;		/* of the disk */
	u32 block_size;
};
struct partition {
	u64 start, count;	/* logical blocks */
	u32 number;		/* from 1 */
	char uuid[40];
};
/* Fills up to max; how many, 0 without a table, -errno when the disk cannot be read. *error: what is wrong with a table, or NULL. */
int partition_scan(struct partition_source *s, struct partition *out, u32 max, const char **error);

/* blockdev.c */
int blockdev_mapping_create(struct block_device *dev);

#endif
