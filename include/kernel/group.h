/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource groups: a tree, seen by users only as cgroup v2 (kernel/fs/cgroup/). Every thread, page
 * and bio names its group from the start. What a group limits is a controller's matter
 * (struct group_controller): pids and cpu live here, memory and io with their owners.
 */
#ifndef KERNEL_GROUP_H
#define KERNEL_GROUP_H

#include <kernel/epoch.h>
#include <kernel/lock.h>
#include <kernel/time.h>
#include <kernel/waitq.h>
#include <lib/list.h>

struct process;
struct text;
struct text_watch;
struct thread;

#define GROUP_NAME_MAX 255u
#define GROUP_CONTROLLERS_MAX 8u
#define GROUP_DEPTH_MAX 64u		/* bounds every walk to the root, and group_put's recursion */

/* On one CPU; [q] of its run queue. */
struct group_load {
	u32 sum;			/* 100 per runnable thread of the group itself, its weight per child with runnable ones */
	u32 weight;			/* what the group counts for in its parent's sum, while its own is not 0 */
};

/* CPU time of a group: kernel/sched/group.c. [l] lock, [a] atomic, [b] set at creation. */
struct group_cpu {
	struct group_load *load;	/* [b] one per CPU; NULL: root */
	struct group *limit;		/* [a] the nearest at or above with a quota; NULL */
	u64 user_ticks, system_ticks;	/* [a] used by its own threads and by removed children */
	struct spinlock lock;		/* raw; inside run queues' locks */
	u64 quota_ns, period_ns, burst_ns;	/* [l] quota U64_MAX: none */
	s64 left_ns;			/* [l] of the period that began at */
	u64 period_start_ns;		/* [l] */
	bool is_throttled;		/* [l] read atomically: nothing left */
	u64 nr_periods, nr_throttled, throttled_ns, throttled_since_ns;	/* [l] */
	struct timer refill;		/* armed while somebody waits */
	struct waitq waiters;		/* its threads that stopped on their way to user mode */
};
struct group_bandwidth {
	u64 quota_ns, period_ns, burst_ns, nr_periods, nr_throttled, throttled_ns;
};

/* Marks: [b] set at creation, [a] atomic, [g] group_lock, [m] changed under group_tree_lock (mutex), read atomically. */
struct group {
	struct group *parent;		/* [b] NULL: root */
	struct refcount refs;
	struct epoch_head epoch;
	u64 id;				/* [b] 1 root; inode number; never used twice */
	u32 depth;			/* [b] 0 root */
	char *name;			/* [b] */
	u64 name_hash;			/* [b] name_hash64(0, name); quick to compare with many siblings */
	uid_t uid;			/* [b] who made it owns its files */
	gid_t gid;
	struct list children, sibling;	/* [m] oldest first */
	u32 nr_children;		/* [m] */
	u32 max_depth, max_descendants;	/* [a] below this group; U32_MAX none */
	u32 nr_descendants, nr_dying;	/* [a] living ones; removed ones that something still refers to */
	bool is_dead;			/* [a] removed: nothing enters, its files say ENODEV */
	u32 enabled;			/* [m] controllers its children have: bit = controller.index */

	/* charged along the path to the root; all [a] */
	u64 pages, pages_max;		/* 4 KiB units; max U64_MAX: none; the root's are not counted */
	u64 pages_high, pages_peak;	/* threads that charge above it are held back; most there ever were */
	u64 pages_peak_lately;		/* since memory.peak was written last: never more than pages_peak */
	u32 tasks, tasks_max;		/* threads in the subtree, living ones */
	u32 tasks_peak;
	u64 tasks_refused;		/* forks that this group's limit refused */
	u32 cpu_weight;			/* 1..10000, 100 */
	struct group_cpu cpu;

	/* freezing; freeze.c */
	bool freeze_wanted;		/* [m] cgroup.freeze */
	bool is_freezing;		/* [a] this or an ancestor wants it */
	u32 nr_frozen;			/* [a] threads of the subtree that stand still */
	struct waitq thaw;		/* frozen threads sleep here */
	u64 events;			/* [a] changes of cgroup.events, for poll */
	struct waitq events_changed;

	struct list attrs;		/* [g] owners and modes that users changed, kernel/fs/cgroup */
	void *controller[GROUP_CONTROLLERS_MAX];	/* [b] each controller's own */
};
extern struct group group_root;

/* A file of a controller, or (controller NULL) of every group. */
struct group_file {
	const char *name;		/* "pids.max" */
	u32 flags;
#define GROUP_FILE_NOT_ROOT BIT(0)	/* the root group does not have it */
#define GROUP_FILE_PRIVATE BIT(1)	/* mode 0200: write only */
	int (*show)(struct text *t, struct group *g);		/* may sleep; NULL: not readable */
	/* Whole write, NUL-ended, at most 4095 bytes. 0 or -errno. NULL: not writable. May sleep. */
	int (*store)(struct group *g, const char *text, size_t len);
	u64 *(*events)(struct group *g, struct waitq **q);	/* poll: a counter and who is woken when it rises; NULL */
	const struct text_watch *watch;	/* <kernel/procfs.h>: takes writes and polls instead; NULL */
};

/*
 * A controller: files that appear in the children of a group that lists it in
 * cgroup.subtree_control, and state per group. Registered before the first mount, for ever.
 */
struct group_controller {
	const char *name;		/* "memory" */
	const struct group_file *files;	/* ends with an empty name */
	/* A new group, not yet visible: 0 or -errno. May put its state into g->controller[index]. NULL ok. */
	int (*create)(struct group *g);
	/* g lost the controller: limits back to none. NULL ok. */
	void (*reset)(struct group *g);
	/* The last reference is gone; may sleep. NULL ok. */
	void (*destroy)(struct group *g);
	/* t, living, moves; under the tree and signal locks: may not sleep. NULL ok. */
	void (*move)(struct thread *t, struct group *from, struct group *to);
	bool is_domain;			/* cannot share between a group's own processes and its children (memory, io) */
	unsigned index;			/* set by registration */
};
void group_controller_register(struct group_controller *c);
struct group_controller *group_controller_at(unsigned index);	/* NULL past the end */
void group_init(void);			/* the controllers of this folder; boot step */

struct group *group_get(struct group *g);
void group_put(struct group *g);
/* t's group with a reference; t may be another thread that moves meanwhile. */
struct group *group_of_thread(struct thread *t);
struct group *group_of_process(struct process *p);	/* referenced; NULL: it has ended */
/* Does g have controller c (its parent lists it)? The root has all. */
bool group_has_controller(const struct group *g, const struct group_controller *c);

extern struct mutex group_tree_lock;	/* LOCK_GROUP_TREE: shape, enabled controllers, freezing */
/* New child, one reference for the caller and one for the tree. -EEXIST, -ENOMEM, -EAGAIN (limits), -ENOENT parent removed. */
int group_create(struct group *parent, const char *name, size_t len, uid_t uid, gid_t gid, struct group **out);
/* 0, -EBUSY: threads or children. */
int group_remove(struct group *g);
struct group *group_find_child(struct group *g, const char *name, size_t len);	/* referenced */
/* The first child with id >= from, referenced; NULL. */
struct group *group_next_child(struct group *g, u64 from);
/* Path from the root, "/" or "/a/b", into buf; length as snprintf, -ENAMETOOLONG. */
int group_path(const struct group *g, char *buf, size_t size);
bool group_may_hold_processes(struct group *g);	/* group_tree_lock held: no competition with children's members */
/* Turns controllers on and off for the children of g. -EBUSY: processes in g, or children's children use it. -ENOENT parent lacks it. */
int group_enable(struct group *g, u32 on, u32 off);
/* All groups of g's subtree, parents first; group_tree_lock held. NULL: end. */
struct group *group_next_below(struct group *top, struct group *g);

/*
 * Charges n pages to g and its ancestors. 0; 1: done, and some pages_high is exceeded; -ENOMEM: nothing is
 * charged, *over is the group whose pages_max stands against it.
 */
int group_charge_pages(struct group *g, u64 n, struct group **over);
void group_charge_forced(struct group *g, u64 n);	/* whatever the limits */
void group_uncharge_pages(struct group *g, u64 n);
int group_charge_task(struct thread *t);	/* counts t in its group and the ancestors; 0 or -EAGAIN */
/* The same for a thread nobody sees yet, whose group becomes `to`: also -EBUSY and -ENODEV as group_move_process. Sleeps. */
int group_charge_task_in(struct thread *t, struct group *to);
void group_uncharge_task(struct thread *t);	/* exit, or a fork that failed */

/* Moves all threads of p. 0, -ESRCH it is exiting, -EBUSY `to` hands its controllers to children, -ENODEV removed. */
int group_move_process(struct process *p, struct group *to);
/*
 * clone3's CLONE_INTO_CGROUP (kernel/fs/cgroup/files.c): the group whose directory descriptor fd is, referenced. -EBADF no
 * such directory, -ENOENT removed, -EACCES the caller may not put members there.
 */
struct group *cgroup_for_fork(int fd);
/* process_fork, tree lock held, just before t becomes visible: follows its parent if that moved meanwhile. */
void group_fork_settle(struct thread *t);
void group_fork_done(struct thread *t);		/* t is visible, not yet started: stands still if its group does */
/* Processes (threads) of g itself by rising number: the first >= from; 0 none. */
pid_t group_next_process(struct group *g, pid_t from);
int group_kill(struct group *g);		/* SIGKILL to every process of the subtree */
int group_freeze(struct group *g, bool wanted);
int group_cpu_stat_show(struct text *t, struct group *g);	/* cpu.stat, which every group has */
bool group_is_frozen(struct group *g);		/* all of its threads stand still */
bool group_oom_together(const struct group *g);	/* memory.oom.group */
/* For memory.events: a process of g was killed by the OOM killer; all of g were. */
void group_oom_event(struct group *g, bool is_whole);
/* user_return_work, interrupts on, WORK_THROTTLE: stands still as long as the group wants. */
void group_park(void);
/* The same for a thread with memory_over_high: makes room, or waits in proportion. kernel/mm. */
void group_memory_throttle(void);
/*
 * The kernel memory of a new thread, all but visible: its stack, for the first of a process that one's objects. Charged to its group
 * until the thread's memory goes (group_memory_thread_end). 0 or -ENOMEM. Sleeps.
 */
int group_memory_thread_begin(struct thread *t, bool is_process);
void group_memory_thread_end(struct thread *t);
void group_memory_init(void);		/* the memory controller; after group_init */
void group_events_changed(struct group *g);	/* g and its ancestors */
/* A decimal number with white space around it; 0, -EINVAL, -ERANGE. For stores. */
int group_parse_u64(const char *text, u64 *value);

#endif
