/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What procfs and sysfs share: a tree of registered names (tree.c), files whose text is made at
 * open (file.c), and for procfs the per-process directories (pid*.c).
 */
#ifndef FS_VIRTUAL_H
#define FS_VIRTUAL_H

#include <kernel/fs.h>
#include <kernel/procfs.h>
#include "../vfs.h"

struct process;
struct virtual_inode;

/* A registered name. [t] virtual_tree_lock; never freed unless removed, then after an epoch. */
struct virtual_node {
	const char *name;
	u32 name_len;
	ino_t ino;
	struct virtual_node *parent;
	struct list children, sibling;		/* [t] */
	const struct virtual_file *file;	/* NULL: directory or link */
	const char *target;			/* link */
};

/* An entry of a process's directory. */
struct pid_entry {
	const char *name;
	mode_t mode;				/* with type */
	int (*show)(struct text *t, struct process *p, struct thread *th);
	int (*store)(const char *text, size_t len, struct process *p);
	int (*follow)(struct process *p, struct path *out);	/* magic links */
	const struct inode_ops *ops;		/* directories */
	const struct file_ops *fops;
	struct virtual_event *event;		/* as virtual_file's */
	bool is_private;			/* only the same user or root may look */
};

struct virtual_inode {
	struct inode inode;
	struct virtual_node *node;		/* registered names */
	const struct pid_entry *entry;		/* per process: NULL for the process's own directory */
	pid_t pid, tid;				/* tid 0: the process */
	int fd;					/* entries of fd and fdinfo; -1 */
};
static inline struct virtual_inode *virtual_i(struct inode *i) { return container_of(i, struct virtual_inode, inode); }

struct virtual_tree {
	struct virtual_node root;
};

extern struct virtual_tree procfs_tree, sysfs_tree;

/* tree.c */
int virtual_tree_add(struct virtual_tree *t, const char *path, const struct virtual_file *file, const char *target);
void virtual_tree_remove(struct virtual_tree *t, const char *path);
int virtual_mount(struct super_block *sb, struct virtual_tree *t, const struct inode_ops *root_ops,
		  const struct file_ops *root_fops, u64 magic);
/* A new inode of this file system; NULL without memory. */
struct inode *virtual_inode_new(struct super_block *sb, mode_t mode, ino_t ino);
int virtual_lookup(struct inode *dir, const char *name, u32 len, struct inode **out);
/* Emits ".", ".." and registered names; false: buffer full. Positions up to VIRTUAL_POS_END. */
bool virtual_emit(struct inode *dir, struct dir_context *ctx);
#define VIRTUAL_POS_END 0x100000
extern const struct file_ops virtual_dir_fops, virtual_file_fops, virtual_event_fops;
extern const struct inode_ops virtual_link_ops;
/* setattr of file systems whose attributes do not change. */
int virtual_setattr(struct inode *inode, const struct iattr *attr);

/* pid.c */
int pid_lookup_name(struct inode *root, const char *name, u32 len, struct inode **out);
bool pid_emit_all(struct inode *root, struct dir_context *ctx);
struct process *pid_process(struct inode *inode);	/* referenced; NULL: gone */
int pid_show(struct inode *inode, struct text *t);
int pid_store(struct inode *inode, const char *text, size_t len);
bool pid_revalidate(struct inode *inode);
/* Text of a magic link: the path of what it leads to, as the caller sees it. */
ssize_t virtual_follow_text(struct inode *inode, int (*follow)(struct inode *inode, struct path *out), char *buf, size_t size);
struct inode *pid_inode_new(struct super_block *sb, struct process *p, pid_t tid, const struct pid_entry *e, int fd);
extern const struct pid_entry pid_entries[];
extern const unsigned pid_entries_len;

/* pid_ns.c */
extern const struct inode_ops pid_ns_dir_ops;
extern const struct file_ops pid_ns_dir_fops;

/* pid_fd.c */
extern const struct inode_ops pid_fd_dir_ops, pid_fdinfo_dir_ops;
extern const struct file_ops pid_fd_dir_fops, pid_fdinfo_dir_fops;
int pid_fdinfo_show(struct text *t, struct process *p, int fd);

/* pid_stat.c, pid_mem.c: texts */
int pid_stat_show(struct text *t, struct process *p, struct thread *th);
int pid_status_show(struct text *t, struct process *p, struct thread *th);
int pid_statm_show(struct text *t, struct process *p, struct thread *th);
int pid_io_show(struct text *t, struct process *p, struct thread *th);
int pid_limits_show(struct text *t, struct process *p, struct thread *th);
int pid_schedstat_show(struct text *t, struct process *p, struct thread *th);
int pid_sched_show(struct text *t, struct process *p, struct thread *th);
int pid_maps_show(struct text *t, struct process *p, struct thread *th);
int pid_smaps_show(struct text *t, struct process *p, struct thread *th);
int pid_smaps_rollup_show(struct text *t, struct process *p, struct thread *th);
extern const struct file_ops pid_pagemap_fops;
int pid_cmdline_show(struct text *t, struct process *p, struct thread *th);
int pid_environ_show(struct text *t, struct process *p, struct thread *th);
int pid_auxv_show(struct text *t, struct process *p, struct thread *th);
int pid_mountinfo_show(struct text *t, struct process *p, struct thread *th);
int pid_mountstats_show(struct text *t, struct process *p, struct thread *th);
int pid_mounts_show(struct text *t, struct process *p, struct thread *th);

/* pid_debug.c */
extern const struct file_ops pid_memory_fops;
int pid_syscall_show(struct text *t, struct process *p, struct thread *th);
int pid_personality_show(struct text *t, struct process *p, struct thread *th);

/* system.c, sysctl.c: registration of the machine's own files */
void procfs_system_register(void);
void procfs_sysctl_register(void);
void procfs_sched_register(void);
void procfs_sysctl_vm_register(void);
void procfs_sysctl_fs_register(void);
void procfs_debug_register(void);
void procfs_memory_register(void);
void sysfs_system_register(void);
void procfs_init(void);
void sysfs_init(void);
void cgroupfs_init(void);		/* kernel/fs/cgroup */

#endif
