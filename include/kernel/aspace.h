/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User address spaces: areas (VMAs), their faults and page tables.
 * Lock: aspace.lock (rwlock) guards the area tree, read side for faults, of which those of several threads do without
 * where nothing changes; entries are guarded by a lock in each table (LOCK_PT, pt_lock).
 */
#ifndef KERNEL_ASPACE_H
#define KERNEL_ASPACE_H

#include <kernel/epoch.h>
#include <kernel/lock.h>
#include <kernel/mm.h>
#include <lib/rbtree.h>

struct file;
struct inode;
struct vma;

struct vma_ops {
	/* File or device mapping. Gives the page for that page offset, referenced and up to date; 0, -EFAULT, -EIO (SIGBUS), -ENOMEM. may sleep. */
	int (*fault)(struct vma *v, u64 pgoff, unsigned fault_flags, struct page **page);
	/* A read-only shared page is about to be written; file system may allocate blocks. 0 or -errno (SIGBUS). */
	int (*page_mkwrite)(struct vma *v, struct page *page);
	void (*open)(struct vma *v);	/* a copy was made (fork, split) */
	void (*close)(struct vma *v);
};

#define VMA_READ BIT(0)
#define VMA_WRITE BIT(1)
#define VMA_EXEC BIT(2)
#define VMA_SHARED BIT(3)
#define VMA_GROWSDOWN BIT(4)
#define VMA_LOCKED BIT(5)
#define VMA_DONTFORK BIT(6)
#define VMA_STACK BIT(7)
#define VMA_SPECIAL BIT(8)	/* fixed frames without struct page or not to be counted (vDSO, device) */
#define VMA_MAYREAD BIT(9)	/* what mprotect may ask for */
#define VMA_MAYWRITE BIT(10)
#define VMA_MAYEXEC BIT(11)
#define VMA_NORESERVE BIT(12)
#define VMA_WIPEONFORK BIT(13)
#define VMA_DONTDUMP BIT(14)
#define VMA_LOCKONFAULT BIT(16)	/* with VMA_LOCKED: pages are locked as they come */
#define VMA_ACCOUNT BIT(17)	/* counts towards the promised memory (commit.c) */
#define VMA_HUGE BIT(18)		/* MADV_HUGEPAGE */
#define VMA_NOHUGE BIT(19)	/* MADV_NOHUGEPAGE */
#define VMA_COPIED BIT(15)	/* [a] a private file area that holds anonymous pages: fork must copy entries */

struct vma {
	/* The first four are a struct gap_node of kernel/mm/gaptree.h; aspace.lock, and faults look without it (fault.c). */
	struct rb_node node;
	vaddr_t start, end;		/* page-aligned; change under the mapping's vmas_lock as well */
	union {
		struct {
			u64 gap;	/* free bytes below */
			u64 max_gap;	/* augmented: largest gap in the subtree */
		};
		struct epoch_head epoch;	/* out of the tree, waits to be freed */
	};
	u32 flags;			/* VMA_* */
	u32 policy;			/* mbind: kernel/mm/policy.c; 0: none */
	struct aspace *aspace;
	struct file *file;		/* reference; NULL: anonymous */
	u64 pgoff;			/* of start in the file, pages; no meaning when ops is NULL (anonymous) */
	const struct vma_ops *ops;
	void *private;
	struct list mapping_link;	/* page_mapping.vmas, its vmas_lock */
	const char *name;		/* "[heap]", "[vdso]"; NULL */
};

/* Pages in memory, by what they are. Two of them, each on a cache line of its own: threads on two CPUs count in different ones. */
struct rss_counts {
	s64 anon, file, shmem;		/* [a]; one alone may be negative */
};

struct aspace {
	struct rwlock lock;
	u32 changes;			/* [a] odd while lock is held for writing (aspace_lock) */
	struct rb_tree areas;		/* lock */
	struct vma *last_hit;		/* [a] hint, cleared under lock */
	u32 nr_areas;			/* lock */
	u32 lock_future;		/* lock: mlockall(MCL_FUTURE): VMA_LOCKED and VMA_LOCKONFAULT of new areas */
	struct epoch_head epoch;
	struct aspace *dead_next;	/* waits to be freed outside the switch */
	struct list link;		/* the list of all that threads run in; its lock (aspace.c) */
	u64 serial;			/* larger than those of all older spaces */
	u64 family;			/* the serial of the oldest space it descends from by forks */
	struct rss_counts rss_even;	/* counted on CPUs with even numbers */
	paddr_t root;			/* top page table */
	bool no_huge;			/* [a] PR_SET_THP_DISABLE */
	bool is_reaped;			/* [a] its memory was taken away: faults fail */
	struct refcount users;		/* threads that run in it */
	struct refcount refs;		/* users count as one; lazy CPUs and /proc hold others */
	cpumask_t cpus;			/* [a] CPUs where it may have TLB entries */
	u64 asid;			/* [a] kernel/mm/asid.c */
	cpumask_t stale;		/* [a] CPUs that must drop its translations before they load it */
	u32 membarrier;			/* [a] registered MEMBARRIER_CMD_ bits */
	u64 cids;			/* [a] concurrency ids in use, a bit each: kernel/rseq.h */
	vaddr_t mmap_base;		/* allocations go below */
	vaddr_t brk_start, brk;		/* lock */
	vaddr_t stack_top, arg_start, arg_end, env_start, env_end;
	vaddr_t code_start, code_end, data_start, data_end;
	vaddr_t vdso;
	u64 total_pages, total_peak, locked_pages, data_pages, stack_pages, exec_pages;	/* lock */
	u64 rss_peak;			/* [a] before pages went; aspace_rss_peak has the present, too */
	u64 pt_pages;			/* [a] */
	struct file *exe;		/* reference */
	u64 auxv[48];			/* for /proc/PID/auxv */
	struct rss_counts rss_odd;
};

static inline u64 rss_sum(const s64 *even, const s64 *odd) { return (u64)max(atomic_load(even) + atomic_load(odd), 0ll); }
static inline u64 aspace_anon(const struct aspace *as) { return rss_sum(&as->rss_even.anon, &as->rss_odd.anon); }
static inline u64 aspace_file(const struct aspace *as) { return rss_sum(&as->rss_even.file, &as->rss_odd.file); }
static inline u64 aspace_shmem(const struct aspace *as) { return rss_sum(&as->rss_even.shmem, &as->rss_odd.shmem); }
static inline u64 aspace_rss(const struct aspace *as) { return aspace_anon(as) + aspace_file(as) + aspace_shmem(as); }
static inline u64 aspace_rss_peak(const struct aspace *as) { return max(atomic_load(&as->rss_peak), aspace_rss(as)); }

/* The id its translations have while it is loaded; 0 where there are none. */
u32 aspace_id(const struct aspace *as);

struct aspace *aspace_create(void);			/* NULL without memory; users 1, refs 1 */
/* Copy for fork (copy-on-write). err_ptr(-ENOMEM). Takes src->lock. */
struct aspace *aspace_fork(struct aspace *src);
static inline void aspace_get_user(struct aspace *as) { ref_get(&as->users); }
void aspace_put_user(struct aspace *as);		/* last: unmaps everything */
static inline void aspace_get(struct aspace *as) { ref_get(&as->refs); }
void aspace_put(struct aspace *as);			/* last: frees the struct and root */
/* Makes as the current thread's space (exec); takes over the caller's user reference, drops the old. */
void aspace_install(struct aspace *as);
/* This CPU lets go of the tables it kept lazily; interrupts off, a kernel thread runs. */
void aspace_leave_cpu(void);
/* From the switch: next's tables in, lazily for kernel threads. Run queue lock held. */
void aspace_switch(struct thread *prev, struct thread *next);

/* mmap flags as in uapi/mman.h. Address or -errno. file may be NULL. offset bytes, page-aligned. */
s64 aspace_mmap(struct aspace *as, vaddr_t addr, u64 len, u32 prot, u32 flags, struct file *file, u64 offset);
int aspace_munmap(struct aspace *as, vaddr_t addr, u64 len);
int aspace_mprotect(struct aspace *as, vaddr_t addr, u64 len, u32 prot);
s64 aspace_mremap(struct aspace *as, vaddr_t old, u64 old_len, u64 new_len, u32 flags, vaddr_t new_addr);
int aspace_madvise(struct aspace *as, vaddr_t addr, u64 len, int advice);
int aspace_msync(struct aspace *as, vaddr_t addr, u64 len, int flags);
int aspace_mincore(struct aspace *as, vaddr_t addr, u64 len, u8 __user *vec);
vaddr_t aspace_brk(struct aspace *as, vaddr_t new_brk);	/* the resulting break */
/* Maps kernel-owned frames (vDSO); page array, special area. Address or -errno. */
s64 aspace_map_special(struct aspace *as, vaddr_t hint, struct page **pages, u32 n, u32 vma_flags, const char *name);
/* Faults in what the range allows, stopping at the first error, which it returns. Lock not held. */
int aspace_populate(struct aspace *as, vaddr_t addr, u64 len);
/* Sets the lock flags (0: unlocks) of a range, faults it in unless VMA_LOCKONFAULT. -ENOMEM: holes, RLIMIT_MEMLOCK; -EPERM: none allowed. */
int aspace_mlock(struct aspace *as, vaddr_t addr, u64 len, u32 lock_flags);
/* The same for all there is (now) and all to come (future). -ENOMEM, -EPERM. */
int aspace_mlock_all(struct aspace *as, bool now, u32 now_flags, u32 future_flags);
/* A device's mapping becomes shared memory without a file (/dev/zero). From file_ops.mmap. 0 or -ENOMEM. */
int vma_make_shared_anon(struct vma *v);
/* The area that contains addr or the next above; lock held. */
struct vma *aspace_find(struct aspace *as, vaddr_t addr);
struct vma *vma_next(const struct vma *v);
/* Resolves a fault: 0, -EFAULT (SIGSEGV MAPERR), -EACCES (SIGSEGV ACCERR), -EIO (SIGBUS), -ENOMEM (OOM). Takes the lock. */
int aspace_fault(struct aspace *as, vaddr_t addr, unsigned fault_flags);
/* Takes the private memory of a killed process away; *pages: how many. False: the lock is busy, or is the caller's. */
bool aspace_reap(struct aspace *as, u64 *pages);
/* Counts a resolved fault of the current thread, whose maj_faults was `before`. */
void fault_count(u64 before);
/* Copies memory of another space (ptrace, process_vm_readv, /proc/PID/mem, cmdline); bytes copied. */
size_t aspace_access(struct aspace *as, vaddr_t addr, void *buf, size_t len, bool write);
/* The same for debuggers: unreadable pages are read, and a write to a private area that is read-only makes a copy. */
size_t aspace_access_forced(struct aspace *as, vaddr_t addr, void *buf, size_t len, bool write);
/* What the pages of an area come to, bytes; shared ones by their share in pss. */
struct vma_usage {
	u64 size, rss, pss, pss_dirty, pss_anon, pss_file, pss_shmem;
	u64 shared_clean, shared_dirty, private_clean, private_dirty, referenced, anonymous, huge, locked;
};
void vma_usage_add(struct vma *v, struct vma_usage *u);	/* lock held */
/* Could a large page come there, were it wide enough? By its kind alone; and by what /sys and madvise say. */
bool vma_can_be_huge(const struct vma *v);
bool vma_may_be_huge(const struct vma *v);
/* A word for each of n pages as /proc/PID/pagemap has it. */
void aspace_pagemap(struct aspace *as, vaddr_t addr, u64 *words, unsigned n, bool show_frames);
/* Writes zeros likewise; bytes cleared. */
size_t aspace_clear(struct aspace *as, vaddr_t addr, size_t len);
/* Unmaps [first, last] pages of a file from all spaces that map it (truncate, invalidate). */
void mapping_unmap_range(struct page_mapping *m, u64 first, u64 last);
/* Reclaim, p locked and its mapping's; neither waits for a lock. Was it used through an entry lately (or may not go)? */
bool mapping_page_referenced(struct page_mapping *m, struct page *page);
/* Takes p out of all spaces; false: it stays in some (locked area, or its locks are busy). Dirty entries make it dirty. */
bool mapping_page_unmap(struct page_mapping *m, struct page *page);
/* Write-protects (and collects dirty bits of) one file page in all spaces; true if any entry was dirty. */
bool mapping_page_clean(struct page_mapping *m, struct page *page);

#endif
