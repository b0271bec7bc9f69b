/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions: every change of metadata happens between txn_begin and txn_end. There is no
 * journal engine yet, so a transaction orders nothing: changed blocks are marked dirty in the
 * block device's page cache and reach the disk by write-back, sync and fsync.
 */
#include <kernel/thread.h>
#include "ext4.h"

int txn_begin(struct txn *t, struct ext4_sb *fs)
{
	might_sleep();
	if (fs->was_error)
		return -EROFS;
	t->fs = fs;
	t->outer = current->fs_private;
	t->depth = t->outer ? t->outer->depth + 1 : 0;
	current->fs_private = t;
	/* What was changed cannot be taken back, so nothing may fail for want of memory; nor may its reclaim come back here. */
	t->outer_context = current->alloc_context;
	current->alloc_context |= ALLOC_NO_FS | ALLOC_NO_FAIL;
	return 0;
}

void txn_end(struct txn *t)
{
	assert(current->fs_private == t);
	current->fs_private = t->outer;
	current->alloc_context = t->outer_context;
}

void txn_dirty(struct txn *t, struct meta_buf *b)
{
	assert(current->fs_private == t);
	/* Not the whole page: its other blocks may be some file's. */
	block_page_dirty(b->page, (u32)(b->data - (u8 *)page_to_virt(b->page)), t->fs->block_size);
}
