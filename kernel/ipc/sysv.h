/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the three kinds of System V IPC objects share: identifiers, keys, rights (sysv.c). An identifier is a slot
 * number and a sequence number, so that one of an object that is gone is not taken for another's.
 */
#ifndef IPC_SYSV_H
#define IPC_SYSV_H

#include <kernel/process.h>
#include <kernel/procfs.h>
#include <lib/bits.h>
#include <lib/radix.h>
#include <uapi/errno.h>
#include <uapi/ipc.h>

#define SYSV_SLOTS 32768u

/* First member of each object. [t] table lock. */
struct sysv_object {
	struct refcount refs;		/* the table's, and one of each call or attach that uses it */
	s32 key;			/* [t] IPC_PRIVATE: found by nobody */
	s32 id;
	u32 uid, gid, cuid, cgid;	/* [t] */
	u32 mode;			/* [t] */
	bool is_gone;			/* [t] out of the table */
	s64 ctime;			/* [t] seconds */
};
struct sysv_table {
	struct spinlock lock;
	struct radix slots;		/* lock */
	u64 map[BITMAP_WORDS(SYSV_SLOTS)];	/* lock: slots taken */
	u32 used;			/* lock */
	const u64 *limit;		/* [b] one of sysv_limits */
	u32 seq;			/* lock */
	void (*free)(struct sysv_object *o);	/* the last reference went; may sleep */
};
#define SYSV_TABLE_INIT(name, max, free_fn) { \
	.lock = SPINLOCK_INIT(name, LOCK_SYSV), .slots = { .alloc_flags = ALLOC_ATOMIC }, .limit = &sysv_limits.max, .free = (free_fn) }

/* /proc/sys/kernel: plain words. Bytes of a segment, pages of all segments, segments; bytes of a message, of a queue that is made, queues; … */
struct sysv_limits {
	u64 shmmax, shmall, shmmni;
	u64 msgmax, msgmnb, msgmni;
	u64 semmsl, semmns, semopm, semmni;	/* counters of a set, of all sets, operations of a call, sets */
};
extern struct sysv_limits sysv_limits;

/*
 * The get calls. Found under the key: check (table lock held) may refuse; the result is its id. Otherwise new, made by the caller
 * beforehand, goes into the table (taken over; freed by put if it was not needed). -EEXIST -ENOENT -EACCES -ENOSPC -ENOMEM or check's.
 */
long sysv_get(struct sysv_table *t, s32 key, int flags, struct sysv_object *(*make)(void *arg),
	      int (*check)(struct sysv_object *o, void *arg), void *arg);
/* By id, referenced. err_ptr: -EINVAL no such, -EIDRM. */
struct sysv_object *sysv_find(struct sysv_table *t, s32 id);
/* By slot number (the STAT calls of ipcs). err_ptr: -EINVAL. */
struct sysv_object *sysv_find_slot(struct sysv_table *t, s32 slot);
void sysv_put(struct sysv_table *t, struct sysv_object *o);
/* Table lock held: out of the table; the caller drops the table's reference with sysv_put after unlocking. */
void sysv_remove(struct sysv_table *t, struct sysv_object *o);
/* Table lock held. May the caller do what the bits (0444, 0222) ask? 0 or -EACCES. */
int sysv_may(const struct sysv_object *o, u32 bits);
/* Owner, creator or CAP_SYS_ADMIN. 0 or -EPERM. */
int sysv_may_control(const struct sysv_object *o);
void sysv_show(const struct sysv_object *o, struct ipc64_perm *out);
void sysv_set_rights(struct sysv_object *o, const struct ipc64_perm *from);	/* IPC_SET */
/* From slot *at on: the next object, referenced, with its slot in *at; NULL. */
struct sysv_object *sysv_next(struct sysv_table *t, u64 *at);
/* Rows of /proc/sysvipc, with their heading. */
int sysv_shm_list(struct text *t, void *arg);
int sysv_msg_list(struct text *t, void *arg);
int sysv_sem_list(struct text *t, void *arg);
/* The highest slot in use, for the INFO calls. */
s32 sysv_highest(struct sysv_table *t);
static inline s64 sysv_now(void) { return time_wall_ns() / (s64)NSEC_PER_SEC; }

#endif
