/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of kernel/fs/ share; file systems program against <kernel/fs.h> only. */
#ifndef FS_VFS_H
#define FS_VFS_H

#include <kernel/fs.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/pipe.h>
#include <lib/format.h>
#include <lib/string.h>

/*
 * Guards the shape of the name tree as path_text sees it: mount parents and children, and dentry
 * names and parents while a rename moves them. Spin, LOCK_MOUNT_TREE.
 */
extern struct spinlock fs_tree_lock;

/* dcache.c */
void dcache_init(void);
struct dentry *dentry_alloc(struct dentry *parent, const char *name, u32 len);
struct dentry *dentry_find(struct dentry *parent, const char *name, u32 len);
struct dentry *dentry_insert(struct dentry *d);
void dentry_instantiate(struct dentry *d, struct inode *inode);
void dentry_unhash(struct dentry *d);
int dentry_move(struct dentry *d, struct dentry *parent, const char *name, u32 len);
int dentry_exchange(struct dentry *a, struct dentry *b);
struct dentry *dentry_parent(struct dentry *d);
u64 dcache_shrink(struct super_block *sb, u64 n);
/* True when child is dir or lies below it; the tree must not move (rename_lock). */
bool dentry_is_below(struct dentry *child, struct dentry *dir);

/* inode.c */
void inode_cache_init(void);
int inode_sync_all(struct super_block *sb, bool wait);
bool inode_sb_is_empty(struct super_block *sb);
bool inode_sb_has_writers(struct super_block *sb);
int inode_get_write(struct inode *i);
void inode_put_write(struct inode *i);
void inode_set_dir_rank(struct inode *i);
struct timespec64 inode_now(const struct inode *i);
mode_t mode_without_setid(mode_t mode);	/* attr.c */
void inode_touch_atime(struct inode *i, const struct mount *mnt);

/* super.c */
const struct file_system *fs_find(const char *name, size_t len);
struct super_block *super_mount(const char *fstype, const char *source, struct block_device *bdev, u32 flags, const char *data);
void super_init(void);
struct super_block *super_get(struct super_block *sb);
void super_put(struct super_block *sb);
void super_add_mount(struct super_block *sb);
void super_drop_mount(struct super_block *sb);
int super_sync(struct super_block *sb, bool wait);
void super_sync_dirty(void);
int super_remount(struct super_block *sb, u32 flags, const char *data);
int fs_for_each_type(int (*fn)(const struct file_system *fs, void *arg), void *arg);

/* mount.c, mount_ops.c, propagate.c */
struct virtual_event;
struct mount_ns;
struct process;
extern u64 mount_max;		/* plain word: mounts of one namespace, /proc/sys/fs/mount-max */
extern struct virtual_event mount_event;	/* raised after each change of the tree or of a mount's flags */
void mount_init(void);
static inline struct mount *mount_get(struct mount *m) { ref_get(&m->refs); return m; }
void mount_put(struct mount *m);
/* The mount on top of p (referenced) or NULL. */
struct mount *mount_on(const struct path *p);
/* From the root of a mount to the place it covers; false at the top. p's references move along. */
bool mount_up(struct path *p);
void fs_context_set_kernel_root(const struct path *p);	/* fs_context.c */
void fs_context_get_paths(struct fs_context *fc, struct path *cwd, struct path *root);
void fs_context_set_cwd(struct fs_context *fc, const struct path *p);
void fs_context_set_root(struct fs_context *fc, const struct path *p);
struct mount *mount_of_super(struct super_block *sb, u32 flags);
int mount_become_root(struct mount *m);
int mount_attach(struct mount *m, const struct path *where);
/*
 * recursive: with all mounts below it, but unbindable ones. -EINVAL: unbindable, or either place is of another namespace.
 * This and whatever else makes mounts: -ENOSPC, more than mount_max in a namespace.
 */
int mount_bind(const struct path *from, const struct path *where, bool recursive);
int mount_move(const struct path *from, const struct path *where);
/* type: MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. -EINVAL: not the root of a mount. */
int mount_change_type(const struct path *p, u32 type, bool recursive);
/* pivot_root(2): fresh becomes the root, the old root appears at put_old. -EBUSY, -EINVAL. */
int mount_pivot(const struct path *fresh, const struct path *put_old);
void fs_context_replace_all(const struct path *from, const struct path *to);	/* fs_context.c */
int mount_remount(const struct path *p, u32 flags, const char *data, bool bind_only);
int mount_wants_write(const struct path *p);	/* 0 or -EROFS */
/* Whether something is mounted on d as the current process sees it: d may not go then. */
bool mount_covers(struct dentry *d);
/* d has no name any more: what other namespaces have mounted there goes. No lock above LOCK_MOUNT held. */
void mount_leave(struct dentry *d);
/* Numbers of the peer groups, 0: none: its own, that it gets mounts from, and the nearest such that is seen from root. */
struct mount_peers { u32 shared, master, from; };
void mount_peers_get(const struct mount *m, const struct mount *root, struct mount_peers *out);	/* from mount_for_each's fn */
/* Mounts as seen from fc's root, in order of mounting; fn may sleep. */
int mount_for_each(struct fs_context *fc, int (*fn)(struct mount *m, void *arg), void *arg);

/* mount_ns.c */
struct mount_ns *mount_ns_get(struct mount_ns *ns);
void mount_ns_put(struct mount_ns *ns);
struct mount_ns *fs_context_ns_get(struct fs_context *fc);	/* fs_context.c: referenced */

/* nsfs.c */
void nsfs_init(void);
int nsfs_open_mount(struct process *p, struct path *out);	/* /proc/PID/ns/mnt, referenced. -ENOENT, -ENOMEM */

/* walk.c */
enum last_type { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_NONE };
struct walk {
	struct path cur;	/* referenced */
	struct path root;	/* referenced */
	const char *rest;	/* what is still to be walked */
	char *owned;		/* text made of a symlink and its rest, or NULL */
	u32 nr_links;
	u32 resolve;		/* RESOLVE_*: where the walk must not go */
	enum last_type type;	/* after walk_parent */
	const char *last;
	u32 last_len;
	bool last_slash;
};
int walk_begin(struct walk *w, const struct path *dir, const char *name);
/* The same with openat2's restrictions. -EXDEV: an absolute path that must stay beneath dir. Nothing to end then. */
int walk_begin_resolve(struct walk *w, const struct path *dir, const char *name, u32 resolve);
void walk_end(struct walk *w);
/* path_lookup with RESOLVE_*. */
int path_lookup_resolve(const struct path *dir, const char *name, u32 flags, u32 resolve, struct path *out);
int walk_parent(struct walk *w);
/* Name in the directory w->cur, mounts crossed; *out referenced, may be negative. */
int walk_step(struct walk *w, const char *name, u32 len, struct path *out);
int walk_step_cached(struct walk *w, const char *name, u32 len, struct path *out);	/* -EAGAIN: only the file system knows */
int walk_up(struct walk *w);			/* -EXDEV: restricted */
/* Continues at a symlink's target. Takes over link. */
int walk_symlink(struct walk *w, struct path *link);
bool walk_is_symlink(const struct dentry *d);
/* Name in dir; directory's lock held (any side). */
struct dentry *dir_lookup_locked(struct dentry *dir, const char *name, u32 len);
struct dentry *dir_lookup(struct dentry *dir, const char *name, u32 len);

/* names.c: parent directory + one name of len bytes */
int dir_mknod(const struct path *dir, const char *name, u32 len, mode_t mode, dev_t dev);
int dir_mkdir(const struct path *dir, const char *name, u32 len, mode_t mode);
int dir_symlink(const struct path *dir, const char *name, u32 len, const char *target);
int dir_link(const struct path *old, const struct path *dir, const char *name, u32 len);
int dir_unlink(const struct path *dir, const char *name, u32 len);
int dir_rmdir(const struct path *dir, const char *name, u32 len);
int dir_rename(const struct path *from_dir, const char *from, u32 from_len,
	       const struct path *to_dir, const char *to, u32 to_len, u32 flags);
int dir_may_create(struct inode *dir);
int dir_create_locked(const struct path *dir, struct dentry *d, mode_t mode);
mode_t mode_umask(mode_t mode);

/* file.c */
void file_init(void);
struct file *file_alloc(u32 flags);	/* err_ptr: -ENOMEM, -ENFILE */
void file_free(struct file *f);		/* one that was never handed out */
struct file *file_open_checked(struct file *f, const struct path *p, u32 flags, const struct cred *cred, bool is_new);

int file_check_wb_error(struct file *f);	/* generic.c */

/* fd.c: the same on a given table */
int fd_table_reserve(struct fd_table *t, u32 from, u32 limit, bool cloexec);
void fd_table_publish(struct fd_table *t, int fd, struct file *f);
void fd_table_unreserve(struct fd_table *t, int fd);
int fd_table_close(struct fd_table *t, int fd);
int fd_table_replace(struct fd_table *t, u32 fd, u32 limit, struct file *f, bool cloexec);
int fd_table_cloexec(struct fd_table *t, int fd, int set);
int fd_table_next(struct fd_table *t, u32 from);
/* Nobody but the caller's thread can close what is in the current process's table, for as long as this call lasts. */
bool fd_table_is_ours(void);

/* chardev.c */
void chardev_init(void);
int chardev_open(struct inode *inode, struct file *file);
/* In the order of registration; fn returns nonzero to stop, which is the result. */
int chardev_for_each(int (*fn)(const char *class, const char *name, mode_t mode, dev_t dev, void *arg), void *arg);

/* locks.c */
void locks_file_closed(struct file *f);			/* last reference: flock, OFD locks */
void locks_fd_closed(struct file *f, void *owner);	/* any close: POSIX locks of the process */
void locks_inode_free(struct inode *i);
int locks_flock(struct file *f, int operation);
struct user_flock;
int locks_posix(struct file *f, int cmd, struct user_flock *fl);

/* tmpfs, devtmpfs */
void tmpfs_init(void);
void devtmpfs_init(void);
void devtmpfs_mount_on(const struct path *root);
void memdev_init(void);
void kmsg_init(void);
void epoll_init(void);
void inotify_init(void);
int tmpfs_seals(struct file *f, int add);
void tmpfs_allow_seals(struct file *f);
void memfd_init(void);

/* User paths. */
struct user_path {
	char *name;
	char small[128];
};
int user_path_get(struct user_path *up, const char __user *name);
void user_path_put(struct user_path *up);
/* *at calls: directory of dirfd, referenced into *dir and *dirp set, or *dirp NULL for AT_FDCWD and absolute names. */
int at_dir_get(int dirfd, const char *name, struct path *dir, const struct path **dirp);

#endif
