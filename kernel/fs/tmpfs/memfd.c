/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory files without a name: memfd_create with its seals, and shared anonymous mappings. */
#include "tmpfs.h"

static struct super_block *memfd_sb;

void memfd_init(void)
{
	memfd_sb = super_mount("tmpfs", "memfd", NULL, 0, NULL);
	if (is_err(memfd_sb))
		panic("no file system for memory files");
	((struct tmpfs_super *)memfd_sb->private)->max_pages = 0;
}

/* A file of the given size, open for reading and writing; name as /proc shows it. 0 or -ENOMEM. */
int tmpfs_file_create(const char *name, u64 size, struct file **out)
{
	struct inode *i = tmpfs_inode_new(memfd_sb, NULL, S_IFREG | 0777, 0);
	struct file *f;

	if (!i)
		return -ENOMEM;
	i->nlink = 0;
	i->size = size;
	tmpfs_i(i)->seals = F_SEAL_SEAL;
	f = file_anon_inode(i, name, &tmpfs_file_ops, NULL, O_RDWR);
	if (is_err(f))
		return (int)ptr_err(f);
	*out = f;
	return 0;
}

/* add -1: the seals; else adds them. -EINVAL: no memory file; -EPERM: sealed against sealing. */
int tmpfs_seals(struct file *f, int add)
{
	struct tmpfs_inode *t;
	s32 none = 0;
	int r = 0;

	if (f->ops != &tmpfs_file_ops || f->inode->sb != memfd_sb)
		return -EINVAL;
	t = tmpfs_i(f->inode);
	if (add == -1)
		return (int)t->seals;
	if (add & ~(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EINVAL;
	rwlock_write_lock(&f->inode->lock);
	if (t->seals & F_SEAL_SEAL || !(f->mode & FMODE_WRITE))
		r = -EPERM;
	else if (add & F_SEAL_WRITE && !(t->seals & F_SEAL_WRITE) &&
		 !atomic_cmpxchg(&f->inode->mapping.writable, &none, -1))
		r = -EBUSY;	/* somebody has it mapped and may write */
	else
		t->seals |= (u32)add;
	rwlock_write_unlock(&f->inode->lock);
	return r;
}

/* memfd_create with MFD_ALLOW_SEALING. */
void tmpfs_allow_seals(struct file *f) { tmpfs_i(f->inode)->seals = 0; }
