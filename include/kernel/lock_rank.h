/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every lock's rank. A thread takes locks in rising rank only; two locks of one rank only in the
 * order their own comment gives. Debug builds check it. Sleeping locks come first: nothing that
 * sleeps is taken under a spinlock.
 */
#ifndef KERNEL_LOCK_RANK_H
#define KERNEL_LOCK_RANK_H

enum lock_rank {
	LOCK_UNRANKED = 0,	/* tests only */
	/* sleeping */
	LOCK_EXEC,		/* process.exec_lock */
	LOCK_EPOLL_LOOP,	/* one insertion of an epoll into an epoll at a time */
	LOCK_EPOLL,		/* epoll.lock, an outer one before those in it: poll operations run under it */
	LOCK_FILE_POS,		/* file.pos_lock: held across a read or write, so above the inode */
	LOCK_SOCKET,		/* socket.lock: AF_UNIX makes names in directories under it */
	LOCK_SOCKET_READ,	/* readers of one AF_UNIX socket take turns */
	LOCK_MQ_OPEN,		/* mq_open makes names under it */
	LOCK_SIGIO,		/* signals of files with O_ASYNC are sent, after a write */
	LOCK_VIRTUAL_FILE,	/* the text of an open file of /proc or /sys: made under it, perhaps from the tree of mounts */
	LOCK_MOUNT,		/* changes of the mount tree */
	LOCK_RENAME,		/* directory renames of one file system */
	LOCK_INODE_DIR,		/* inode.lock of directories, parent before child */
	LOCK_INODE,		/* inode.lock of files */
	LOCK_GROUP_FILE,	/* the text of an open group file */
	LOCK_GROUP_TREE,	/* shape and controllers of the group tree */
	LOCK_SCHED_ADMIN,	/* scheduling policies and admission, CPUs on and off */
	LOCK_TTY,
	LOCK_PIPE,
	LOCK_DAEMON,		/* the supervisor of kernel daemons */
	LOCK_ASPACE,		/* aspace.lock; page faults take it, so user copies happen above it */
	LOCK_MAPPING_INVALIDATE,
	LOCK_TXN,		/* ext4 transaction */
	LOCK_FS,		/* a file system's own */
	LOCK_FS_GROUP,
	LOCK_PAGE,		/* page lock bit */
	LOCK_SUPER,
	LOCK_DEVICE,
	LOCK_KMAP,
	/* spin, interrupts may be on */
	LOCK_SPIN_FIRST,
	LOCK_PROCESS_TREE,	/* parent/child lists, process groups, sessions */
	LOCK_FILES,		/* descriptor table */
	LOCK_FS_CONTEXT,	/* cwd, root, umask */
	LOCK_MOUNT_TREE,	/* looking at the mount tree */
	LOCK_NET,		/* the protocol core; its events take socket queues' locks */
	LOCK_SOCKET_TABLE,	/* a family's names and lists */
	LOCK_SOCKET_QUEUE,	/* socket.queue_lock */
	LOCK_DENTRY_HASH,
	LOCK_DENTRY,
	LOCK_INODE_HASH,
	LOCK_INODE_STATE,	/* file locks, FIFO of one inode */
	LOCK_MAPPING,		/* page-cache tree of one file */
	LOCK_PT,		/* page table pages */
	LOCK_RMAP,
	LOCK_LRU,
	LOCK_FUTEX,
	LOCK_FUTEX_PI,		/* a waiter's bucket, then the PI locks */
	LOCK_SYSV,		/* each kind of System V IPC; areas are counted under their space's lock */
	LOCK_GROUP,
	LOCK_MISC,
	/* spin, taken with interrupts off */
	LOCK_IRQ_FIRST,
	LOCK_TTY_INPUT,
	LOCK_SIGNAL,		/* process.sig.actions->lock: timers send signals */
	LOCK_PRESSURE,		/* stall accounting; arms its timer */
	LOCK_NET_WORK,		/* a network thread's list of devices to poll */
	LOCK_BLOCK_QUEUE,
	LOCK_VIRTQUEUE,
	LOCK_SLAB,
	LOCK_VMAP,
	LOCK_ZONE,		/* buddy allocator */
	LOCK_EPOCH,
	LOCK_RANDOM,
	LOCK_IRQ_DESC,
	LOCK_IRQ_CHIP,		/* registers of an interrupt controller */
	LOCK_TIMERFD,		/* timerfd.lock: the timer's interrupt takes it */
	LOCK_CLOCK,		/* adjtimex */
	LOCK_TIMER,
	LOCK_WAITQ,		/* a source's before that of the epoll which watches it */
	LOCK_THREAD,		/* thread.wake_lock */
	LOCK_RUNQ,
	LOCK_LOG,
	LOCK_CONSOLE,
	LOCK_UART,		/* serial registers: the log is written below everything else */
};

#endif
