/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual file system: super blocks, inodes, names (dentries), mounts, open files.
 *
 * Marks: [i] inode.lock (rwlock: readers share, name changes and writes exclude), [d] dentry lock,
 * [h] hash lock, [m] mount lock, [a] atomic, [b] set at creation.
 */
#ifndef KERNEL_FS_H
#define KERNEL_FS_H

#include <kernel/cred.h>
#include <kernel/epoch.h>
#include <kernel/lock.h>
#include <kernel/pagecache.h>
#include <kernel/usercopy.h>
#include <kernel/waitq.h>
#include <uapi/fcntl.h>
#include <uapi/poll.h>
#include <uapi/stat.h>
#include <uapi/time.h>

struct block_device;
struct dentry;
struct epoll_item;
struct file;
struct inode;
struct inotify_watch;
struct file_locks;
struct file_owner;
struct mount;
struct pipe;
struct process;
struct super_block;
struct vma;

#define NAME_MAX 255
#define PATH_MAX 4096
#define SYMLINK_MAX_FOLLOW 40

struct path {			/* both referenced when stored */
	struct mount *mnt;
	struct dentry *dentry;
};

struct file_system {		/* static object, fs_register */
	const char *name;
	u32 flags;
#define FS_NEEDS_DEVICE BIT(0)
#define FS_VIRTUAL BIT(1)	/* "nodev" in /proc/filesystems */
#define FS_SINGLE BIT(2)	/* every mount shows the one instance */
	/* Fills sb->root, sb->ops; on error leaves no inode or dentry behind. dev is opened or NULL; data: mount option string or NULL. 0 or -errno after one log line with the reason. */
	int (*mount)(struct super_block *sb, const char *data);
	struct list link;
};
void fs_register(struct file_system *fs);

struct kstat {
	u64 dev, rdev, ino, size, blocks;	/* blocks: 512-byte units */
	u32 mode, nlink, uid, gid, block_size;
	u32 attributes;				/* STATX_ATTR_* */
	struct timespec64 atime, mtime, ctime, btime;
};
struct statfs_kernel {
	u64 type, block_size, blocks, blocks_free, blocks_avail, files, files_free, name_len, flags;
	u32 fsid[2];
};
struct super_ops {
	struct inode *(*alloc_inode)(struct super_block *sb);	/* NULL: plain struct inode */
	void (*free_inode)(struct inode *inode);		/* after an epoch */
	int (*write_inode)(struct inode *inode, bool wait);	/* metadata to disk */
	void (*evict)(struct inode *inode);	/* last reference gone; nlink 0: free blocks. Pages already truncated */
	int (*statfs)(struct super_block *sb, struct statfs_kernel *st);
	int (*sync)(struct super_block *sb, bool wait);
	int (*remount)(struct super_block *sb, u32 flags, const char *data);
	/* Last mount gone, every inode evicted. Free sb->private; only free_inode may still be called. */
	void (*unmount)(struct super_block *sb);
	int (*show_options)(struct super_block *sb, char *buf, size_t size);
};
struct super_block {
	const struct file_system *fs;
	const struct super_ops *ops;
	struct block_device *bdev;
	dev_t dev;			/* st_dev */
	u32 flags;			/* MS_RDONLY … of the super block */
	u32 block_size;
	u64 max_bytes;
	u64 magic;
	u32 time_gran_ns;
	struct dentry *root;
	void *private;
	struct mutex rename_lock;	/* LOCK_RENAME */
	struct list inodes;		/* h */
	struct list link;
	struct refcount refs;		/* mounts, and inodes whose memory is about to go */
	u32 id;
	u32 nr_mounts;			/* super_lock; 0: being mounted or unmounted */
	bool has_dirty;			/* [a] an inode was marked dirty since the last sync */
	char source[64];
};

/* Positions a directory read: emit returns false when the buffer is full. */
struct dir_context {
	bool (*emit)(struct dir_context *ctx, const char *name, u32 len, ino_t ino, u32 type, off_t next_pos);
	off_t pos;			/* of the next entry */
};
struct iattr {
	u32 valid;
#define ATTR_MODE BIT(0)
#define ATTR_UID BIT(1)
#define ATTR_GID BIT(2)
#define ATTR_SIZE BIT(3)
#define ATTR_ATIME BIT(4)
#define ATTR_MTIME BIT(5)
#define ATTR_CTIME BIT(6)
	mode_t mode;
	uid_t uid;
	gid_t gid;
	u64 size;
	struct timespec64 atime, mtime, ctime;
};

/*
 * Directory calls: dir->lock held for writing (create … rename) or reading (lookup; two may run side by
 * side). link, unlink, rmdir: target->lock for writing too. rename: both directories' locks and
 * sb->rename_lock, neither the moved inode's nor the victim's. setattr: inode->lock for writing; it
 * does everything, the times included, and uses inode_setattr_copy for the fields. The mode given to create …
 * has its type bits and the umask applied.
 */
struct inode_ops {
	/* Finds name; *out = inode (referenced) or NULL when absent (negative). 0 or -errno. */
	int (*lookup)(struct inode *dir, const char *name, u32 len, struct inode **out);
	int (*create)(struct inode *dir, const char *name, u32 len, mode_t mode, struct inode **out);
	int (*mkdir)(struct inode *dir, const char *name, u32 len, mode_t mode, struct inode **out);
	int (*mknod)(struct inode *dir, const char *name, u32 len, mode_t mode, dev_t dev, struct inode **out);
	int (*symlink)(struct inode *dir, const char *name, u32 len, const char *target, struct inode **out);
	int (*link)(struct inode *dir, const char *name, u32 len, struct inode *target);
	int (*unlink)(struct inode *dir, const char *name, u32 len, struct inode *target);
	int (*rmdir)(struct inode *dir, const char *name, u32 len, struct inode *target);
	/* flags: RENAME_NOREPLACE/EXCHANGE; victim may be NULL. */
	int (*rename)(struct inode *from_dir, const char *from, u32 from_len, struct inode *inode,
		      struct inode *to_dir, const char *to, u32 to_len, struct inode *victim, u32 flags);
	int (*tmpfile)(struct inode *dir, mode_t mode, struct inode **out);
	/* Symlink text into buf (size bytes, NUL-ended if room); length or -errno. May sleep. */
	ssize_t (*readlink)(struct inode *inode, char *buf, size_t size);
	/* Magic links (/proc/PID/exe, fd/N): the place itself, referenced. -ENOENT… */
	int (*follow)(struct inode *inode, struct path *out);
	int (*setattr)(struct inode *inode, const struct iattr *attr);	/* NULL: generic, in memory */
	int (*getattr)(struct inode *inode, struct kstat *st);		/* NULL: generic */
	int (*permission)(struct inode *inode, u32 mask);		/* NULL: mode bits */
	int (*getxattr)(struct inode *inode, const char *name, void *buf, size_t size);
	int (*setxattr)(struct inode *inode, const char *name, const void *buf, size_t size, int flags);
	int (*listxattr)(struct inode *inode, char *buf, size_t size);
	int (*removexattr)(struct inode *inode, const char *name);
	/* Dynamic directories (proc): is the cached name still right? NULL: always. */
	bool (*revalidate)(struct inode *inode);
};

struct inode {
	struct super_block *sb;		/* [b] */
	const struct inode_ops *ops;	/* [b] */
	const struct file_ops *fops;	/* [b] what open installs */
	ino_t ino;
	mode_t mode;			/* [i] */
	uid_t uid;
	gid_t gid;
	u32 nlink;			/* [i] */
	dev_t rdev;
	u64 size;			/* [i], read atomically */
	u64 blocks;			/* 512-byte units */
	struct timespec64 atime, mtime, ctime, btime;	/* [i] */
	u64 version;			/* [i] changes with the contents */
	u32 flags;			/* [a] INODE_* */
#define INODE_DIRTY BIT(0)
#define INODE_DYING BIT(1)
#define INODE_NEW BIT(2)
#define INODE_BAD BIT(3)
#define INODE_IMMUTABLE BIT(4)
#define INODE_APPEND BIT(5)
#define INODE_VOLATILE BIT(6)		/* directory whose names come and go by themselves (proc): absent names are not remembered */
	struct refcount refs;
	struct rwlock lock;		/* LOCK_INODE; LOCK_INODE_DIR from the moment a name for a directory appears */
	struct page_mapping mapping;
	struct list sb_link;		/* h */
	struct list hash_link;		/* h */
	struct epoch_head epoch;
	void *private;			/* file system, or char device's state */
	struct pipe *pipe;		/* FIFOs */
	struct file_locks *locks;	/* [a] flock and record locks; NULL until the first */
	struct inotify_watch *watches;	/* inotify_lock, see <kernel/notify.h> */
	s32 writers;			/* [a] > 0: open for writing (execve gives ETXTBSY); < 0: inode_deny_write */
};

/* A name in a directory. Negative: inode NULL. Freed by epoch. */
struct dentry {
	struct refcount refs;
	struct spinlock lock;
	struct dentry *parent;		/* [d] own lock; root: itself */
	struct inode *inode;		/* [d] reference; NULL: negative */
	struct super_block *sb;
	struct list hash_link;		/* h */
	struct list lru_link;
	struct epoch_head epoch;
	u32 flags;
#define DENTRY_MOUNTED BIT(0)		/* something is mounted here */
#define DENTRY_UNHASHED BIT(1)		/* removed or root */
#define DENTRY_DEAD BIT(2)		/* being freed */
	u32 hash, name_len;
	u32 nr_mounts;			/* fs_tree_lock: in all namespaces */
	char *name;			/* points to short_name or allocated */
	char short_name[32];
};

/* [m]: changed under mount_lock and fs_tree_lock, so either is enough to look; [l]: mount_lock (kernel/fs/mount.h) */
struct mount {
	struct super_block *sb;
	struct dentry *root;		/* of this mount (bind mounts: any directory) */
	struct mount *parent;		/* [m] */
	struct dentry *mountpoint;	/* [m] */
	struct path left;		/* [l] what it covered, until the references are dropped */
	struct list children, sibling;	/* [m] */
	struct list hash_link, place_link;	/* [m] by parent and place, by place alone */
	struct mount_ns *ns;		/* [m] NULL: not attached, or the kernel's own */
	struct list ns_link;		/* [m] */
	struct peer_group *group;	/* [l] with whom it shares mounts, or from whom it gets them; NULL: private */
	struct list peer_link;		/* [l] */
	struct list work_link;		/* [l] of the operation under way */
	struct mount *copy;		/* [l] the twin that copying a tree just made */
	struct refcount refs;
	u32 flags;			/* MS_RDONLY NOSUID NODEV NOEXEC … of this mount */
	u32 id;
	bool is_unbindable, is_marked, is_candidate;	/* [l] */
	char source[64];		/* [b] as mount(2) was told */
};

struct poll_table;
struct file_ops {
	int (*open)(struct inode *inode, struct file *file);
	void (*release)(struct file *file);		/* last reference */
	int (*flush)(struct file *file);		/* each close() */
	/* Bytes or -errno. *pos is the position to use and to advance (pread passes its own). */
	ssize_t (*read)(struct file *file, struct uio *to, off_t *pos);
	ssize_t (*write)(struct file *file, struct uio *from, off_t *pos);
	off_t (*seek)(struct file *file, off_t off, int whence);	/* NULL: generic by size */
	int (*iterate)(struct file *file, struct dir_context *ctx);	/* directories; dir lock held for reading */
	/* POLL* bits that hold now; registers with table (NULL: only look). */
	u32 (*poll)(struct file *file, struct poll_table *table);
	long (*ioctl)(struct file *file, u32 cmd, u64 arg);		/* -ENOTTY: unknown */
	int (*mmap)(struct file *file, struct vma *v);			/* sets v->ops */
	int (*fsync)(struct file *file, u64 start, u64 end, bool data_only);
	int (*fallocate)(struct file *file, int mode, off_t off, off_t len);
	/* /proc/PID/fdinfo extra text; NULL none */
	int (*show_fdinfo)(struct file *file, char *buf, size_t size);
};

struct file {
	struct refcount refs;
	const struct file_ops *ops;
	struct path path;		/* references; may be empty for pipes and anonymous files' mnt */
	struct inode *inode;		/* == path.dentry->inode, held by it */
	u32 flags;			/* O_* status flags; fcntl F_SETFL */
	u32 mode;			/* FMODE_* */
#define FMODE_READ BIT(0)
#define FMODE_WRITE BIT(1)
#define FMODE_EXEC BIT(2)
#define FMODE_PATH BIT(3)	/* O_PATH: no I/O */
#define FMODE_NOSEEK BIT(4)	/* stream: ESPIPE */
#define FMODE_APPEND_ONLY BIT(5)
	struct mutex pos_lock;		/* LOCK_FILE_POS; taken when the file may be shared */
	off_t pos;
	struct cred *cred;		/* opener's */
	u64 ra_next, ra_size;		/* read-ahead state */
	u32 wb_seq;			/* errors already told */
	struct epoll_item *watchers;	/* epoll_items_lock: epoll items on this file */
	struct file_owner *owner;	/* [a] F_SETOWN and O_ASYNC (event/sigio.c); NULL: nobody ever */
	void *private;
	struct epoch_head epoch;
};

static inline struct file *file_get(struct file *f) { ref_get(&f->refs); return f; }
void file_put(struct file *f);		/* last: release, may sleep */
/* A file without a name (pipe, epoll, memfd…): inode from the anonymous file system. err_ptr. */
struct file *file_anon(const char *name, const struct file_ops *ops, void *private, u32 flags, mode_t mode);
/* The same around an inode (reference taken over, also on failure); the inode alone, references 1, NULL without memory. */
struct file *file_anon_inode(struct inode *inode, const char *name, const struct file_ops *ops, void *private, u32 flags);
struct inode *anon_inode_new(mode_t mode);
/* A memory file of that size without a name, open for reading and writing; name as /proc shows it. 0 or -ENOMEM. */
int tmpfs_file_create(const char *name, u64 size, struct file **out);
/* Opens a path for the kernel or sys_open. dir NULL: cwd. err_ptr. */
struct file *file_open_at(const struct path *dir, const char *path, u32 flags, mode_t mode);
/* openat2: resolve is RESOLVE_*. */
struct file *file_open_resolve(const struct path *dir, const char *path, u32 flags, mode_t mode, u32 resolve);
struct file *file_open_path(const struct path *p, u32 flags, const struct cred *cred);
ssize_t file_read(struct file *f, struct uio *to, off_t *pos);	/* checks mode, limits; accounts */
ssize_t file_write(struct file *f, struct uio *from, off_t *pos);
ssize_t file_read_kernel(struct file *f, void *buf, size_t len, off_t pos);
ssize_t file_write_kernel(struct file *f, const void *buf, size_t len, off_t pos);
u32 file_poll(struct file *f, struct poll_table *t);

void epoll_file_gone(struct file *f);		/* last reference: leaves every epoll */

/*
 * Signals of files with O_ASYNC. sigio_run, after a write and without locks above LOCK_FILE_POS: those it caused are sent
 * before the caller goes on. sigio_no_room: a write to f was refused; the next room is told.
 */
extern struct file_owner *sigio_pending;	/* [a] */
void sigio_flush(void);
static inline void sigio_run(void)
{
	if (unlikely(atomic_load(&sigio_pending)))
		sigio_flush();
}
void sigio_no_room(struct file *f);

/* poll: fn is called for each wait queue the file would wake. */
struct poll_table {
	u32 want;			/* wake-ups for none of these may be left out; 0: all matter */
	void (*queue)(struct poll_table *t, struct file *f, struct waitq *q);
};
static inline void poll_wait(struct poll_table *t, struct file *f, struct waitq *q)
{
	if (t)
		t->queue(t, f, q);
}

/* Inodes. */
struct inode *inode_new(struct super_block *sb);		/* refs 1, not hashed */
/* Hashed by (sb, ino): existing, or new with INODE_NEW set and lock held for writing: fill, then inode_unlock_new. err_ptr. */
struct inode *inode_get_locked(struct super_block *sb, ino_t ino);
void inode_unlock_new(struct inode *inode);
void inode_fail_new(struct inode *inode);			/* reading failed: bad and dropped */
static inline struct inode *inode_get(struct inode *i) { ref_get(&i->refs); return i; }
void inode_put(struct inode *i);
void inode_mark_dirty(struct inode *i);
void inode_touch(struct inode *i, u32 attr_times);		/* ATTR_ATIME | MTIME | CTIME to now, rounded to sb granularity */
int inode_permission(struct inode *i, u32 mask);		/* MAY_* */
#define MAY_EXEC 1u
#define MAY_WRITE 2u
#define MAY_READ 4u
int inode_permission_cred(struct inode *i, u32 mask, const struct cred *cred);
/* Checks of chmod/chown/truncate/utimes by POSIX, then ops->setattr or the generic. inode lock not held. */
int inode_setattr(struct inode *i, struct iattr *attr);
void inode_setattr_copy(struct inode *i, const struct iattr *attr);	/* for fs setattr */
int inode_getattr(struct inode *i, struct kstat *st);
int inode_deny_write(struct inode *i);		/* exec: -ETXTBSY */
void inode_allow_write(struct inode *i);
/* Generic file operations over the page cache, and helpers for virtual files. */
ssize_t generic_file_read(struct file *f, struct uio *to, off_t *pos);
ssize_t generic_file_write(struct file *f, struct uio *from, off_t *pos);	/* O_APPEND, RLIMIT_FSIZE, setuid clearing, times */
int generic_file_mmap(struct file *f, struct vma *v);
int generic_file_fsync(struct file *f, u64 start, u64 end, bool data_only);
off_t generic_file_seek(struct file *f, off_t off, int whence);

/* Names. */
static inline struct dentry *dentry_get(struct dentry *d) { ref_get(&d->refs); return d; }
void dentry_put(struct dentry *d);
struct dentry *dentry_make_root(struct inode *inode);		/* takes the reference; NULL without memory */
/* File systems that create names by themselves (devtmpfs, initramfs through the usual calls). */
static inline void path_get(const struct path *p);
void path_put(const struct path *p);
#define LOOKUP_FOLLOW BIT(0)		/* follow a final symlink */
#define LOOKUP_DIRECTORY BIT(1)
#define LOOKUP_PARENT BIT(2)
#define LOOKUP_EMPTY BIT(3)		/* AT_EMPTY_PATH */
/* dir NULL: cwd (absolute paths: the process's root). 0 or -errno; *out referenced. May sleep. */
int path_lookup(const struct path *dir, const char *name, u32 flags, struct path *out);
int path_lookup_user(int dirfd, const char __user *name, u32 flags, struct path *out);
/* Absolute path text of p as seen from root, into the end of buf; start of the text, err_ptr(-ENAMETOOLONG); " (deleted)" appended when unlinked. */
char *path_text(const struct path *p, const struct path *root, char *buf, size_t size);

/* Name operations for the kernel (initramfs, devtmpfs, boot) and the system calls: dir path + name. */
int vfs_mkdir(const struct path *dir, const char *name, mode_t mode);
int vfs_mknod(const struct path *dir, const char *name, mode_t mode, dev_t dev);
/* By a path in kernel memory from the current directory; *out is the new name, referenced. -EEXIST also for dangling links. */
int vfs_mknod_path(const char *path, mode_t mode, dev_t dev, struct path *out);
int vfs_symlink(const struct path *dir, const char *name, const char *target);
int vfs_link(const struct path *old, const struct path *dir, const char *name);
int vfs_unlink(const struct path *dir, const char *name);
int vfs_rmdir(const struct path *dir, const char *name);
int vfs_rename(const struct path *from_dir, const char *from, const struct path *to_dir, const char *to, u32 flags);

/* Mounts. */
int vfs_mount(const char *source, const struct path *where, const char *fstype, u32 flags, const char *data);
int vfs_umount(const struct path *where, u32 flags);
int vfs_mount_root(const char *spec, const char *fstype, u32 flags, const char *data);	/* boot: root= */
struct mount *fs_kern_mount(const char *fstype, const char *data);	/* not attached; err_ptr */
void vfs_sync(bool wait);
/* proc(5), /proc/sys/fs: how many files are open and may be (root may have more); the highest descriptor of anybody + 1. */
extern u64 files_max, files_open;	/* plain word; [a] */
#define FD_LIMIT (1u << 20)
extern u64 fd_max;			/* plain word, at most FD_LIMIT */
extern struct path fs_root;		/* the first process's root */

/* Per-process: cwd, root, umask (shared by CLONE_FS). */
struct fs_context {
	struct refcount refs;
	u32 users;			/* [a] processes; others that look at it have references only */
	struct spinlock lock;		/* LOCK_FS_CONTEXT */
	struct path cwd, root;
	struct mount_ns *ns;		/* reference: what these processes see mounted */
	mode_t umask;
};
/* ns of fc, which nobody else knows yet, becomes a copy of itself, cwd and root lie in it. -EPERM, -ENOMEM. */
int fs_context_new_ns(struct fs_context *fc);
struct fs_context *fs_context_copy(struct fs_context *fc);	/* NULL without memory */
void fs_context_put(struct fs_context *fc);
struct fs_context *fs_context_share(struct fs_context *fc);	/* for another process */
void fs_context_leave(struct fs_context *fc);			/* a process is done with it; NULL: nothing */
/*
 * The caller's processes see what the namespace of that file (nsfs), or of that process has mounted, and stand at its top.
 * -EINVAL: no such file, or fc is shared; -EPERM, -ESRCH.
 */
int fs_context_enter_ns_file(struct fs_context *fc, struct file *f);
int fs_context_enter_ns_of(struct fs_context *fc, struct process *p);
bool file_is_ns(struct file *f);
struct fs_context *fs_context_current(void);

/* Descriptor tables (shared by CLONE_FILES). */
struct fd_table {
	struct refcount refs;
	struct spinlock lock;		/* LOCK_FILES; readers in an epoch section */
	struct file **files;		/* capacity entries, published by release */
	u64 *close_on_exec, *open;	/* bitmaps */
	u32 capacity, next_free;
	struct epoch_head epoch;
};
struct fd_table *fd_table_new(void);
struct fd_table *fd_table_copy(struct fd_table *t);
void fd_table_put(struct fd_table *t);		/* last: closes all */
void fd_table_close_on_exec(struct fd_table *t);
struct file *fd_table_get(struct fd_table *t, int fd);	/* referenced; NULL: none, or O_PATH as fd_get_any tells */
/* Lowest free descriptor >= from with the file (reference taken over on success). fd or -EMFILE, -ENOMEM. */
int fd_install(struct file *f, u32 from, bool cloexec);
/* Reserve first, publish later (open, pipe2: nothing to undo once published). */
int fd_reserve(u32 from, bool cloexec);
void fd_publish(int fd, struct file *f);
void fd_unreserve(int fd);
struct file *fd_get(int fd);			/* referenced; NULL: EBADF (also for O_PATH) */
struct file *fd_get_any(int fd);		/* O_PATH too */
/*
 * fd_get for the length of a call that neither closes descriptors nor makes threads. Without a reference (*borrowed)
 * when the table and the process are this thread's alone, so that nobody can close the file. End with fd_return.
 */
struct file *fd_borrow(int fd, bool *borrowed);
struct file *fd_borrow_any(int fd, bool *borrowed);	/* O_PATH too */
static inline void fd_return(struct file *f, bool borrowed)
{
	if (!borrowed)
		file_put(f);
}
int fd_close(int fd);
/* dup2/dup3 at exactly newfd. */
int fd_replace(int newfd, struct file *f, bool cloexec);

/* Character devices: /dev nodes by number. */
int chardev_register(dev_t dev, const char *class, const char *name, mode_t mode, const struct file_ops *ops, void *private);
/* devtmpfs node for a block device or any other. */
int dev_node_add(const char *name, mode_t mode, dev_t dev);
void dev_node_remove(const char *name);
extern const struct file_ops blockdev_file_ops;	/* kernel/block */

#define MKDEV(ma, mi) ((dev_t)((((ma) & 0xfff) << 8) | ((mi) & 0xff) | (((mi) & 0xfff00) << 12)))
#define MAJOR(d) (((d) >> 8) & 0xfff)
#define MINOR(d) (((d) & 0xff) | (((d) >> 12) & 0xfff00))

static inline void path_get(const struct path *p)
{
	if (p->mnt)
		ref_get(&p->mnt->refs);
	if (p->dentry)
		ref_get(&p->dentry->refs);
}

#endif
