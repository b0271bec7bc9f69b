/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system of message queues: one flat directory, the same in every mount; mq_open and mq_unlink work on its
 * kernel mount by the ordinary paths, so rights, owners and the sticky bit are those of files. A queue can be made by
 * open(2), too, with the default limits; read(2) shows its state as text. Names keep their inodes.
 */
#include "mqueue.h"
#include <kernel/ipc.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/procfs.h>
#include <kernel/syscall.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/dirent.h>
#include <uapi/statfs.h>

#define MQUEUE_MAGIC 0x19800202
#define NAME_SIZE 20u			/* what a name adds to the directory's size */
#define FILE_SIZE 80u			/* what a queue shows as its size: room for the text */
#define MESSAGES_HARD 65536
#define SIZE_HARD (16 << 20)
#define MESSAGE_COST 104u		/* beside its bytes, on 64-bit machines: getrlimit(2), RLIMIT_MSGQUEUE */

/* /proc/sys/fs/mqueue; plain words. msg_max and size_max do not bind CAP_SYS_RESOURCE. */
static u64 queues_max = 256, msg_max = 10, msg_default = 10, size_max = 8192, size_default = 8192;

static struct list names = LIST_INIT(names);	/* the directory's inode lock, as the next two */
static u64 nr_queues;
static u64 next_cookie = 2;
static struct kmem_cache *cache __ro_after_init;
static struct mount *own_mount __ro_after_init;

/* What mq_open wants of a queue that its open makes; others' opens find another maker. */
static struct {
	struct mutex lock;
	struct thread *maker;		/* [a] */
	const struct mq_attr_user *attr;
} wish;

static struct inode *alloc_inode(struct super_block *sb)
{
	struct mqueue *q = kmem_cache_alloc(cache, 0);

	if (!q)
		return NULL;
	memset(q, 0, sizeof(*q));
	list_init(&q->link);
	list_init(&q->messages);
	spin_init(&q->lock, "message queue", LOCK_SYSV);
	waitq_init(&q->wait);
	return &q->inode;
}

static void free_inode(struct inode *i)
{
	kfree(mqueue_of(i)->name);
	kmem_cache_free(cache, mqueue_of(i));
}

static void evict(struct inode *i)
{
	struct mqueue *q = mqueue_of(i);

	mqueue_drop_messages(q);
	mqueue_notify_forget(q);
	if (!q->user)
		return;
	(void)user_add(q->user, USER_MQUEUE_BYTES, -(s64)q->cost);
	user_put(q->user);
}

/* ---- a queue ---- */

static u32 mq_poll(struct file *f, struct poll_table *t)
{
	struct mqueue *q = mqueue_of(f->inode);
	u32 events;

	poll_wait(t, f, &q->wait);
	spin_lock(&q->lock);
	events = (q->count ? POLLIN | POLLRDNORM : 0) | (q->count < q->max_count ? POLLOUT | POLLWRNORM : 0);
	spin_unlock(&q->lock);
	return events;
}

/* Each close: the process that wanted to be notified no longer does. */
static int mq_flush(struct file *f)
{
	if (current->process)
		mqueue_notify_end(mqueue_of(f->inode), current_process());
	return 0;
}

static ssize_t mq_read(struct file *f, struct uio *to, off_t *pos)
{
	struct mqueue *q = mqueue_of(f->inode);
	char text[FILE_SIZE + 1];
	size_t len, n;

	spin_lock(&q->lock);
	len = (size_t)scnprintf(text, sizeof(text), "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
				(unsigned long long)q->bytes, q->notify.who ? q->notify.event.notify : 0,
				q->notify.who && q->notify.event.notify == SIGEV_SIGNAL ? q->notify.event.signo : 0,
				q->notify.who ? q->notify.who->pid : 0);
	spin_unlock(&q->lock);
	if (*pos < 0 || (u64)*pos >= len)
		return 0;
	n = min(len - (size_t)*pos, to->count);
	if (uio_copy_out(to, text + *pos, n) != n)
		return -EFAULT;
	*pos += (off_t)n;
	return (ssize_t)n;
}

static const struct file_ops queue_fops = { .poll = mq_poll, .flush = mq_flush, .read = mq_read, .seek = generic_file_seek };
static const struct inode_ops queue_ops = { 0 };

struct file *mqueue_file(int fd, u32 mode)
{
	struct file *f = fd_get(fd);

	if (f && (f->ops != &queue_fops || (f->mode & mode) != mode)) {
		file_put(f);
		f = NULL;
	}
	return f ? f : err_ptr(-EBADF);
}

/* 0, -EINVAL; -EMFILE: RLIMIT_MSGQUEUE; -ENOMEM. The queue pays from then on. */
static int queue_set_limits(struct mqueue *q, const struct mq_attr_user *a)
{
	bool is_free = capable(CAP_SYS_RESOURCE);

	if (a->maxmsg <= 0 || a->msgsize <= 0)
		return -EINVAL;
	if ((u64)a->maxmsg > (is_free ? MESSAGES_HARD : READ_ONCE(msg_max)) || (u64)a->msgsize > (is_free ? SIZE_HARD : READ_ONCE(size_max)))
		return -EINVAL;
	q->max_count = a->maxmsg;
	q->max_size = a->msgsize;
	q->cost = (u64)a->maxmsg * ((u64)a->msgsize + MESSAGE_COST);
	q->user = user_get(cred_current()->uid);
	if (!q->user)
		return -ENOMEM;
	if (user_add_limited(q->user, USER_MQUEUE_BYTES, q->cost, rlimit(RLIMIT_MSGQUEUE)))
		return 0;
	user_put(q->user);
	q->user = NULL;
	return -EMFILE;
}

/* A node of this file system. NULL without memory. */
static struct inode *node_new(struct super_block *sb, mode_t mode)
{
	static ino_t last;	/* the directory's inode lock; the root comes first */
	struct inode *i = inode_new(sb);

	if (!i)
		return NULL;
	i->ino = ++last;
	i->mode = mode;
	i->uid = cred_current()->fsuid;
	i->gid = cred_current()->fsgid;
	i->nlink = 1;
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	i->btime = i->mtime;
	return i;
}

/* ---- the directory ---- */

static int root_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	struct mqueue *q;

	*out = NULL;
	list_for_each(q, &names, link)
		if (strlen(q->name) == len && !memcmp(q->name, name, len)) {
			*out = inode_get(&q->inode);
			break;
		}
	return 0;
}

static int queue_new(struct inode *dir, const char *name, u32 len, mode_t mode, struct inode **out)
{
	const struct mq_attr_user defaults = {
		.maxmsg = (s64)min(READ_ONCE(msg_max), READ_ONCE(msg_default)), .msgsize = (s64)min(READ_ONCE(size_max), READ_ONCE(size_default)),
	};
	bool is_wished = atomic_load(&wish.maker) == current;
	struct inode *i = node_new(dir->sb, mode);
	struct mqueue *q;
	int err;

	if (!i)
		return -ENOMEM;
	q = mqueue_of(i);
	i->size = FILE_SIZE;
	i->ops = &queue_ops;
	i->fops = &queue_fops;
	q->name = kmalloc(len + 1, 0);
	err = q->name ? queue_set_limits(q, is_wished ? wish.attr : &defaults) : -ENOMEM;
	if (err) {
		inode_put(i);
		return err;
	}
	memcpy(q->name, name, len);
	q->name[len] = 0;
	*out = i;
	return 0;
}

static int root_create(struct inode *dir, const char *name, u32 len, mode_t mode, struct inode **out)
{
	int err;

	if (nr_queues >= READ_ONCE(queues_max) && !capable(CAP_SYS_RESOURCE))
		return -ENOSPC;
	err = queue_new(dir, name, len, mode, out);
	if (err)
		return err;
	mqueue_of(*out)->cookie = next_cookie++;
	list_push_back(&names, &mqueue_of(inode_get(*out))->link);
	nr_queues++;
	dir->size += NAME_SIZE;
	inode_touch(dir, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static int root_unlink(struct inode *dir, const char *name, u32 len, struct inode *target)
{
	list_remove(&mqueue_of(target)->link);
	nr_queues--;
	dir->size -= NAME_SIZE;
	inode_touch(dir, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	target->nlink--;
	inode_put(target);	/* not the last: the caller's dentry has one */
	return 0;
}

/* Positions: ".", "..", then the cookies, which only grow. */
static int root_iterate(struct file *f, struct dir_context *ctx)
{
	struct mqueue *q;

	if (ctx->pos == 0 && !ctx->emit(ctx, ".", 1, f->inode->ino, DT_DIR, 1))
		return 0;
	if (ctx->pos <= 1 && !ctx->emit(ctx, "..", 2, f->inode->ino, DT_DIR, 2))
		return 0;
	list_for_each(q, &names, link)
		if (q->cookie >= (u64)ctx->pos &&
		    !ctx->emit(ctx, q->name, (u32)strlen(q->name), q->inode.ino, DT_REG, (off_t)q->cookie + 1))
			return 0;
	return 0;
}

static const struct inode_ops root_ops = { .lookup = root_lookup, .create = root_create, .unlink = root_unlink };
static const struct file_ops root_fops = { .iterate = root_iterate, .seek = generic_file_seek };

/* ---- the file system ---- */

static int mq_statfs(struct super_block *sb, struct statfs_kernel *st)
{
	st->type = sb->magic;
	st->block_size = PAGE_SIZE;
	st->name_len = NAME_MAX;
	return 0;
}

static const struct super_ops super_ops = {
	.alloc_inode = alloc_inode, .free_inode = free_inode, .evict = evict, .statfs = mq_statfs,
};

static int mq_mount(struct super_block *sb, const char *data)
{
	struct inode *root;

	sb->ops = &super_ops;
	sb->block_size = PAGE_SIZE;
	sb->max_bytes = (u64)S64_MAX;
	sb->magic = MQUEUE_MAGIC;
	sb->time_gran_ns = 1;
	root = node_new(sb, S_IFDIR | 01777);
	if (!root)
		return -ENOMEM;
	root->nlink = 2;
	root->size = 2 * NAME_SIZE;
	root->ops = &root_ops;
	root->fops = &root_fops;
	sb->root = dentry_make_root(root);
	if (!sb->root) {
		inode_put(root);
		return -ENOMEM;
	}
	return 0;
}

static struct file_system mqueue = { .name = "mqueue", .flags = FS_VIRTUAL | FS_SINGLE, .mount = mq_mount };

/* ---- mq_open, mq_unlink ---- */

/*
 * The name without its slash, which the C library takes off. 0, -EFAULT, -ENOENT (empty), -ENAMETOOLONG,
 * -EACCES (not a plain one).
 */
static int read_name(char *name, const char __user *uname)
{
	ssize_t len = copy_string_from_user(name, uname, NAME_MAX + 1);

	if (len < 0)
		return (int)len;
	if (!len)
		return -ENOENT;
	return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

static struct file *open_wished(const char *name, u32 oflags, mode_t mode, const struct mq_attr_user *a)
{
	const struct path root = { own_mount, own_mount->root };
	struct file *f;

	if (!a || !(oflags & O_CREAT))
		return file_open_at(&root, name, oflags, mode);
	mutex_lock(&wish.lock);
	wish.attr = a;
	atomic_store(&wish.maker, current);
	f = file_open_at(&root, name, oflags, mode);
	atomic_store(&wish.maker, NULL);
	mutex_unlock(&wish.lock);
	return f;
}

long sys_mq_open(const char __user *uname, int oflags, mode_t mode, void __user *uattr)
{
	struct mq_attr_user a;
	char name[NAME_MAX + 1];
	struct file *f;
	int err, fd;

	if (uattr && copy_from_user(&a, uattr, sizeof(a)))
		return -EFAULT;
	err = read_name(name, uname);
	if (err)
		return err;
	if ((oflags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	f = open_wished(name, (u32)oflags & (O_ACCMODE | O_NONBLOCK | O_CREAT | O_EXCL), mode, uattr ? &a : NULL);
	if (is_err(f))
		return ptr_err(f);
	fd = fd_install(f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_mq_unlink(const char __user *uname)
{
	const struct path root = { own_mount, own_mount->root };
	char name[NAME_MAX + 1];
	int err = read_name(name, uname);

	return err ? err : vfs_unlink(&root, name);
}

/* ---- /proc/sys/fs/mqueue ---- */

#define NUMBER(word, low, high) procfs_number_show, procfs_number_store, &(struct procfs_number){ &word, low, high, 1 }

static const struct virtual_file files[] = {
	{ "sys/fs/mqueue/queues_max", 0644, NUMBER(queues_max, 0, 0x7fffffff) },
	{ "sys/fs/mqueue/msg_max", 0644, NUMBER(msg_max, 1, MESSAGES_HARD) },
	{ "sys/fs/mqueue/msg_default", 0644, NUMBER(msg_default, 1, MESSAGES_HARD) },
	{ "sys/fs/mqueue/msgsize_max", 0644, NUMBER(size_max, 128, SIZE_HARD) },
	{ "sys/fs/mqueue/msgsize_default", 0644, NUMBER(size_default, 128, SIZE_HARD) },
};

void mqueue_init(void)
{
	cache = kmem_cache_create("mqueue-inode", sizeof(struct mqueue), 0, NULL);
	mutex_init(&wish.lock, "mq_open", LOCK_MQ_OPEN);
	fs_register(&mqueue);
	own_mount = fs_kern_mount("mqueue", NULL);
	if (is_err(own_mount))
		panic("the file system of message queues cannot be made (error %ld)", ptr_err(own_mount));
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("procfs: %s cannot be shown", files[i].path);
}
