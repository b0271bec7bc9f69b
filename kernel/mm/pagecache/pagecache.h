/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/mm/pagecache/ share. */
#ifndef MM_PAGECACHE_INTERNAL_H
#define MM_PAGECACHE_INTERNAL_H

#include <kernel/fs.h>
#include <kernel/log.h>
#include <kernel/pagecache.h>
#include <kernel/thread.h>
#include <lib/bits.h>
#include <lib/string.h>

void page_lock_init(void);

/* lru.c */
void pagecache_lru_add(struct page *p);
void pagecache_lru_remove(struct page *p);
void pagecache_lru_init(void);

/* cache.c: p is locked, its mapping's; takes it out of the tree and drops the tree's reference. */
void mapping_remove_page(struct page_mapping *m, struct page *p);
bool page_drop_locked(struct page *p);
void page_wait_unlocked(struct page *p);

/* writeback.c */
void writeback_mapping_dirtied(struct page_mapping *m);
void writeback_mapping_gone(struct page_mapping *m);
void writeback_throttle(struct page_mapping *m);
void writeback_init(void);
void page_dirty_cleared(struct page_mapping *m, struct page *p);

/* refault.c: a page was given back; a page is read that is not there: true if it was not long ago. */
void refault_note(const struct page_mapping *m, u64 index);
bool refault_look(const struct page_mapping *m, u64 index);
void refault_init(void);

#endif
