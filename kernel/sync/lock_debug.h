/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock checker's door, for the files of this folder. Release builds: nothing.
 */
#ifndef SYNC_LOCK_DEBUG_H
#define SYNC_LOCK_DEBUG_H

#include <kernel/lock.h>

#if CONFIG_DEBUG
/* Before waiting for a lock: rank order, seen order, interrupts off for interrupt ranks. */
void lock_debug_check(const void *lock, const char *name, enum lock_rank rank);
/* After getting it. */
void lock_debug_acquired(const void *lock, const char *name, enum lock_rank rank);
void lock_debug_released(const void *lock);
bool lock_debug_holds(const void *lock);
#define LOCK_CHECK(l) lock_debug_check((l), (l)->name, (l)->rank)
#define LOCK_ACQUIRED(l) lock_debug_acquired((l), (l)->name, (l)->rank)
#define LOCK_RELEASED(l) lock_debug_released(l)
#define LOCK_NAME(l, nm, rk) ((l)->name = (nm), (l)->rank = (rk))
/* For a lock whose first member is a spinlock of its own: known by another member's address. */
#define LOCK_CHECK_AS(key, l) lock_debug_check((key), (l)->name, (l)->rank)
#define LOCK_ACQUIRED_AS(key, l) lock_debug_acquired((key), (l)->name, (l)->rank)
#else
#define LOCK_CHECK(l) ((void)0)
#define LOCK_ACQUIRED(l) ((void)0)
#define LOCK_RELEASED(l) ((void)0)
#define LOCK_CHECK_AS(key, l) ((void)0)
#define LOCK_ACQUIRED_AS(key, l) ((void)0)
#define LOCK_NAME(l, nm, rk) ((void)(nm), (void)(rk))
#endif

#endif
