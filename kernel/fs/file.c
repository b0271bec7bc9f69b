/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files: the struct, its last reference, reading and writing through its operations. How a
 * path becomes a file is open.c's, how a number finds it fd.c's.
 */
#include "vfs.h"
#include "event/sigio.h"
#include <kernel/notify.h>
#include <kernel/process.h>
#include <uapi/capability.h>
#include <uapi/mount.h>
#include <uapi/statfs.h>

#define RW_MAX 0x7ffff000u	/* Linux's limit of one read or write */

static struct kmem_cache *file_cache __ro_after_init;
static struct super_block *anon_sb __ro_after_init;
static u64 anon_ino = 1;
u64 files_max = U64_MAX, files_open;

/* Linux's share of memory for open files: a tenth, at a KiB each. */
static u64 files_default(void)
{
	struct mm_stats m;

	mm_stats(&m);
	return max(m.total_pages * (PAGE_SIZE / 1024) / 10, 8192ull);
}

/* References 1, no operations yet; the opener's credentials. err_ptr: -ENOMEM, -ENFILE. */
struct file *file_alloc(u32 flags)
{
	struct file *f;

	if (unlikely(atomic_load(&files_open) >= READ_ONCE(files_max)) && !capable(CAP_SYS_ADMIN))
		return err_ptr(-ENFILE);
	f = kmem_cache_alloc(file_cache, 0);
	if (!f)
		return err_ptr(-ENOMEM);
	atomic_add(&files_open, 1u);
	memset(f, 0, sizeof(*f));
	ref_set(&f->refs, 1);
	f->flags = (flags & ~(u32)(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC)) | O_LARGEFILE;
	f->mode = flags & O_PATH ? FMODE_PATH :
		  (flags & O_ACCMODE) == O_RDONLY ? FMODE_READ :
		  (flags & O_ACCMODE) == O_WRONLY ? FMODE_WRITE :
		  (flags & O_ACCMODE) == O_RDWR ? FMODE_READ | FMODE_WRITE : 0;
	mutex_init(&f->pos_lock, "file-pos", LOCK_FILE_POS);
	f->cred = cred_get((struct cred *)cred_current());
	return f;
}

static void file_free_epoch(struct epoch_head *h)
{
	kmem_cache_free(file_cache, container_of(h, struct file, epoch));
}

/* Gives back what the struct holds besides its release. */
void file_free(struct file *f)
{
	if (f->cred)
		cred_put(f->cred);
	path_put(&f->path);
	atomic_sub(&files_open, 1u);
	epoch_defer(&f->epoch, file_free_epoch);
}

void file_put(struct file *f)
{
	if (!f || !ref_put(&f->refs))
		return;
	if (!(f->mode & FMODE_PATH)) {
		notify_file(f, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
		if (atomic_load(&f->watchers))
			epoll_file_gone(f);
		if (unlikely(f->owner))
			sigio_file_gone(f);
		locks_file_closed(f);
		if (f->ops && f->ops->release)
			f->ops->release(f);
		if (f->mode & FMODE_WRITE && f->inode && S_ISREG(f->inode->mode))
			inode_put_write(f->inode);
	}
	file_free(f);
}

/* An inode without a name in the file system of anonymous files. */
struct inode *anon_inode_new(mode_t mode)
{
	struct inode *i = inode_new(anon_sb);

	if (!i)
		return NULL;
	i->ino = atomic_fetch_add(&anon_ino, 1ull);
	i->mode = mode;
	i->uid = cred_current()->fsuid;
	i->gid = cred_current()->fsgid;
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	return i;
}

/* A file around inode (reference taken over, also on failure) whose shown name is given. */
struct file *file_anon_inode(struct inode *inode, const char *name, const struct file_ops *ops, void *private, u32 flags)
{
	struct file *f = file_alloc(flags);
	struct dentry *d;

	if (is_err(f)) {
		inode_put(inode);
		return f;
	}
	d = dentry_alloc(NULL, name, (u32)strlen(name));
	if (!d) {
		file_free(f);
		inode_put(inode);
		return err_ptr(-ENOMEM);
	}
	d->sb = inode->sb;
	d->inode = inode;
	f->path.dentry = d;
	f->inode = inode;
	f->ops = ops;
	f->private = private;
	if (f->mode & FMODE_WRITE && S_ISREG(inode->mode))
		(void)inode_get_write(inode);	/* nobody can have denied it yet */
	return f;
}

struct file *file_anon(const char *name, const struct file_ops *ops, void *private, u32 flags, mode_t mode)
{
	struct inode *i = anon_inode_new(mode);
	struct file *f;

	if (!i)
		return err_ptr(-ENOMEM);
	f = file_anon_inode(i, name, ops, private, flags);
	if (!is_err(f) && !ops->seek && !S_ISREG(mode))
		f->mode |= FMODE_NOSEEK;
	return f;
}

static void account(struct file *f, ssize_t n, bool write)
{
	struct thread *t = current;

	if (write) {
		t->io_write_ops++;
		t->io_write_bytes += n > 0 ? (u64)n : 0;
	} else {
		t->io_read_ops++;
		t->io_read_bytes += n > 0 ? (u64)n : 0;
	}
}

ssize_t file_read(struct file *f, struct uio *to, off_t *pos)
{
	ssize_t n;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->ops->read)
		return f->inode && S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	if (*pos < 0 && !(f->mode & FMODE_NOSEEK))
		return -EINVAL;
	if (to->count > RW_MAX)
		to->count = RW_MAX;
	n = f->ops->read(f, to, pos);
	account(f, n, false);
	if (n > 0)
		notify_file(f, IN_ACCESS);
	return n;
}

ssize_t file_write(struct file *f, struct uio *from, off_t *pos)
{
	ssize_t n;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	if (*pos < 0 && !(f->mode & FMODE_NOSEEK))
		return -EINVAL;
	if (from->count > RW_MAX)
		from->count = RW_MAX;
	n = f->ops->write(f, from, pos);
	account(f, n, true);
	if (unlikely(f->flags & O_ASYNC) && (n == -EAGAIN || from->count))
		sigio_no_room(f);
	sigio_run();
	if (n > 0)
		notify_file(f, IN_MODIFY);
	return n;
}

ssize_t file_read_kernel(struct file *f, void *buf, size_t len, off_t pos)
{
	struct uio to;

	uio_init_kernel(&to, buf, len);
	return file_read(f, &to, &pos);
}

ssize_t file_write_kernel(struct file *f, const void *buf, size_t len, off_t pos)
{
	struct uio from;

	uio_init_kernel(&from, (void *)buf, len);
	return file_write(f, &from, &pos);
}

/* Regular files and what has no poll are always ready. */
u32 file_poll(struct file *f, struct poll_table *t)
{
	if (f->ops->poll)
		return f->ops->poll(f, t);
	return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

static int anon_mount(struct super_block *sb, const char *data)
{
	struct inode *i;

	sb->magic = ANON_INODE_FS_MAGIC;
	i = inode_new(sb);
	if (!i)
		return -ENOMEM;
	i->mode = S_IFDIR | 0700;
	sb->root = dentry_make_root(i);
	if (sb->root)
		return 0;
	inode_put(i);
	return -ENOMEM;
}
static struct file_system anon_fs = { .name = "anon_inodefs", .flags = FS_VIRTUAL, .mount = anon_mount };

void file_init(void)
{
	files_max = files_default();
	file_cache = kmem_cache_create("file", sizeof(struct file), 0, NULL);
	fs_register(&anon_fs);
	epoll_init();
	sigio_init();
	anon_sb = super_mount("anon_inodefs", "anon_inodefs", NULL, 0, NULL);
	if (is_err(anon_sb))
		panic("no file system for anonymous files: error %ld", ptr_err(anon_sb));
}
