/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V shared memory: segments are memory files without a name; each attach maps the segment's file through a file of its
 * own, whose areas count as attaches. A removed segment lives on until its last area goes: then its memory does, and the
 * identifier with the next look at it.
 * Lock: the table's, for attach counts too; areas come and go with the address space locked, so it ranks behind that.
 */
#include "sysv.h"
#include <kernel/aspace.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <lib/format.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>
#include <uapi/mman.h>

struct segment {
	struct sysv_object o;
	u64 size;		/* [b] bytes, as asked for */
	char name[24];		/* [b] as /proc shows it */
	struct file *file;	/* table lock: reference; NULL: removed, and the last attach is gone */
	u64 attaches;		/* table lock */
	s64 atime, dtime;	/* table lock */
	pid_t creator, last;	/* table lock */
};

static u64 pages_used;		/* [a] of all segments, as asked for */

static u64 pages_of(const struct segment *s) { return align_up(s->size, PAGE_SIZE) / PAGE_SIZE; }

static void segment_free(struct sysv_object *o)
{
	struct segment *s = container_of(o, struct segment, o);

	atomic_sub(&pages_used, pages_of(s));
	if (s->file)
		file_put(s->file);
	kfree(s);
}

static struct sysv_table table = SYSV_TABLE_INIT("shared memory", shmmni, segment_free);

static struct segment *segment_of(struct sysv_object *o) { return container_of(o, struct segment, o); }

/* ---- attaches: areas of files made by shmat ---- */

static struct segment *segment_of_area(struct vma *v) { return v->file->private; }

static void area_open(struct vma *v)
{
	struct segment *s = segment_of_area(v);

	spin_lock(&table.lock);
	s->attaches++;
	spin_unlock(&table.lock);
}

/* One attach less. The memory of a removed segment goes with the last: its areas' files still hold the inode. */
static void uncount(struct segment *s)
{
	struct file *dead = NULL;

	spin_lock(&table.lock);
	if (!--s->attaches && (s->o.mode & SHM_DEST)) {
		dead = s->file;
		s->file = NULL;
	}
	spin_unlock(&table.lock);
	if (dead)
		file_put(dead);
}

static void area_close(struct vma *v)
{
	struct segment *s = segment_of_area(v);

	spin_lock(&table.lock);
	s->dtime = sysv_now();
	s->last = current->process ? current_process()->pid : s->last;
	spin_unlock(&table.lock);
	uncount(s);
}

static struct vma_ops area_ops;		/* the page cache's, with our open and close; set once, always to the same */

static int attach_mmap(struct file *f, struct vma *v)
{
	int err = generic_file_mmap(f, v);

	if (err)
		return err;
	if (!area_ops.fault)
		area_ops = (struct vma_ops){ v->ops->fault, v->ops->page_mkwrite, area_open, area_close };
	v->ops = &area_ops;
	area_open(v);
	return 0;
}

static void attach_release(struct file *f)
{
	struct segment *s = f->private;

	sysv_put(&table, &s->o);
}

static const struct file_ops attach_ops = { .mmap = attach_mmap, .release = attach_release };

/* Lock held: 0; -EINVAL as for an identifier nobody has, -EIDRM. */
static int over(const struct segment *s) { return !s->file ? -EINVAL : s->o.is_gone ? -EIDRM : 0; }

/* A removed one whose last attach went is taken out of the table by whoever looks. */
static void reap(struct segment *s)
{
	bool was_in = false;

	spin_lock(&table.lock);
	if (!s->file && !s->o.is_gone) {
		sysv_remove(&table, &s->o);
		was_in = true;
	}
	spin_unlock(&table.lock);
	if (was_in)
		sysv_put(&table, &s->o);
}

/* ---- shmget ---- */

struct request {
	s32 key;
	u64 size;
	int flags;
};

/* -ENOSPC: the limit of all segments. */
static int pages_take(u64 n)
{
	u64 seen = atomic_load(&pages_used);

	do {
		if (n > READ_ONCE(sysv_limits.shmall) - min(seen, READ_ONCE(sysv_limits.shmall)))
			return -ENOSPC;
	} while (!atomic_cmpxchg(&pages_used, &seen, seen + n));
	return 0;
}

static struct sysv_object *segment_make(void *arg)
{
	const struct request *r = arg;
	struct segment *s;
	int err;

	if (!r->size || r->size > READ_ONCE(sysv_limits.shmmax))
		return err_ptr(-EINVAL);
	if (r->flags & SHM_HUGETLB)
		return err_ptr(-ENOMEM);	/* there is no pool of large pages */
	s = kzalloc(sizeof(*s), 0);
	if (!s)
		return err_ptr(-ENOMEM);
	snprintf(s->name, sizeof(s->name), "/SYSV%08x (deleted)", (u32)r->key);
	s->size = r->size;
	err = pages_take(pages_of(s));
	if (!err) {
		err = tmpfs_file_create(s->name, align_up(r->size, PAGE_SIZE), &s->file);
		if (err)
			atomic_sub(&pages_used, pages_of(s));
	}
	if (err) {
		kfree(s);
		return err_ptr(err);
	}
	s->creator = current_process()->pid;
	return &s->o;
}

static int segment_check(struct sysv_object *o, void *arg)
{
	return ((struct request *)arg)->size > segment_of(o)->size ? -EINVAL : 0;
}

long sys_shmget(int key, size_t size, int flags)
{
	struct request r = { key, size, flags };

	return sysv_get(&table, key, flags, segment_make, segment_check, &r);
}

/* ---- shmat, shmdt ---- */

/* A file to map s by, counted as an attach until the mapping counts itself. err_ptr: -EIDRM, -EACCES, -ENOMEM. */
static struct file *attach_file(struct segment *s, int flags)
{
	u32 bits = flags & SHM_RDONLY ? 0444 : 0666;
	struct inode *inode = NULL;
	struct file *f;
	int err;

	if (flags & SHM_EXEC)
		bits |= 0111;
	spin_lock(&table.lock);
	err = over(s);
	if (!err)
		err = sysv_may(&s->o, bits);
	if (!err) {
		inode = inode_get(s->file->inode);
		s->attaches++;
		s->atime = sysv_now();
		s->last = current_process()->pid;
		ref_get(&s->o.refs);
	}
	spin_unlock(&table.lock);
	if (err)
		return err_ptr(err);
	f = file_anon_inode(inode, s->name, &attach_ops, s, flags & SHM_RDONLY ? O_RDONLY : O_RDWR);
	if (is_err(f)) {
		uncount(s);
		sysv_put(&table, &s->o);
	}
	return f;
}

/* 0 and the address to ask for, with MAP_ flags; -EINVAL. */
static int place(u64 *addr, int flags, u32 *map_flags)
{
	*map_flags = MAP_SHARED;
	if (*addr & (PAGE_SIZE - 1)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr = align_down(*addr, PAGE_SIZE);
	}
	if (!*addr)
		return flags & SHM_REMAP ? -EINVAL : 0;
	*map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

static long attach(struct segment *s, u64 addr, int flags)
{
	u32 map_flags, prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
	struct file *f;
	s64 at;
	int err = place(&addr, flags, &map_flags);

	if (err)
		return err;
	f = attach_file(s, flags);
	if (is_err(f)) {
		return ptr_err(f);
	}
	at = aspace_mmap(current->aspace, addr, s->size, prot, map_flags, f, 0);
	file_put(f);
	uncount(s);
	return at == -EEXIST ? -EINVAL : at;
}

long sys_shmat(int id, u64 addr, int flags)
{
	struct sysv_object *o = sysv_find(&table, id);
	long result;

	if (is_err(o))
		return ptr_err(o);
	result = attach(segment_of(o), addr, flags);
	reap(segment_of(o));
	sysv_put(&table, o);
	return result;
}

static bool is_attach(const struct vma *v, u64 addr)
{
	return v->file && v->file->ops == &attach_ops && v->start - v->pgoff * PAGE_SIZE == addr;
}

/* The first area at or after from that belongs to the attach at addr (of that file, if not NULL). Its file is referenced. */
static bool find_area(u64 addr, u64 from, struct file **file, u64 *start, u64 *end)
{
	struct aspace *as = current->aspace;
	struct vma *v;
	bool found = false;

	rwlock_read_lock(&as->lock);
	for (v = aspace_find(as, from); v && !found; v = vma_next(v)) {
		if (*file && v->start >= addr + align_up((*file)->inode->size, PAGE_SIZE))
			break;
		if (v->start < from || !is_attach(v, addr) || (*file && v->file != *file)) {
			if (!*file && v->start > addr + (1ull << 46))
				break;
			continue;
		}
		if (!*file)
			*file = file_get(v->file);
		*start = v->start;
		*end = v->end;
		found = true;
	}
	rwlock_read_unlock(&as->lock);
	return found;
}

long sys_shmdt(u64 addr)
{
	struct file *f = NULL;
	u64 from = addr, start, end;
	long err = 0;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	/* What is left of it: parts may have been unmapped or mapped over. */
	while (!err && find_area(addr, from, &f, &start, &end)) {
		err = aspace_munmap(current->aspace, start, end - start);
		from = end;
	}
	if (!f)
		return -EINVAL;
	reap(f->private);
	file_put(f);
	return err;
}

/* ---- shmctl ---- */

/* 0 or -errno as for IPC_STAT. */
static long state(struct segment *s, struct shmid64_ds *ds, bool any_may)
{
	long err;

	*ds = (struct shmid64_ds){};
	spin_lock(&table.lock);
	err = over(s);
	if (!err && !any_may)
		err = sysv_may(&s->o, 0444);
	sysv_show(&s->o, &ds->perm);
	ds->segsz = s->size;
	ds->atime = s->atime;
	ds->dtime = s->dtime;
	ds->ctime = s->o.ctime;
	ds->cpid = s->creator;
	ds->lpid = s->last;
	ds->nattch = s->attaches;
	spin_unlock(&table.lock);
	return err;
}

/* Bytes in memory. */
static u64 resident(struct segment *s)
{
	u64 pages;

	spin_lock(&table.lock);
	pages = s->file ? s->file->inode->mapping.pages.count : 0;
	spin_unlock(&table.lock);
	return pages * PAGE_SIZE;
}

int sysv_shm_list(struct text *t, void *arg)
{
	struct sysv_object *o;

	text_printf(t, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime"
		       "      ctime                   rss                  swap\n");
	for (u64 at = 0; (o = sysv_next(&table, &at)); at++) {
		struct segment *s = segment_of(o);
		struct shmid64_ds ds;

		if (!state(s, &ds, true))
			text_printf(t, "%10d %10d  %4o %21llu %5u %5u  %5llu %5u %5u %5u %5u %10lld %10lld %10lld %21llu %21llu\n",
				    ds.perm.key, o->id, ds.perm.mode, (unsigned long long)ds.segsz, ds.cpid, ds.lpid,
				    (unsigned long long)ds.nattch, ds.perm.uid, ds.perm.gid, ds.perm.cuid, ds.perm.cgid,
				    (long long)ds.atime, (long long)ds.dtime, (long long)ds.ctime, (unsigned long long)resident(s), 0ull);
		sysv_put(&table, o);
	}
	return 0;
}

static long show(struct segment *s, void __user *out, bool any_may)
{
	struct shmid64_ds ds;
	long err = state(s, &ds, any_may);

	return err ? err : copy_to_user(out, &ds, sizeof(ds));
}

static long set_rights(struct segment *s, const void __user *in)
{
	struct shmid64_ds ds;
	long err;

	if (copy_from_user(&ds, in, sizeof(ds)))
		return -EFAULT;
	spin_lock(&table.lock);
	err = over(s);
	if (!err)
		err = sysv_may_control(&s->o);
	if (!err)
		sysv_set_rights(&s->o, &ds.perm);
	spin_unlock(&table.lock);
	return err;
}

static long remove_segment(struct segment *s)
{
	struct file *dead = NULL;
	long err;

	spin_lock(&table.lock);
	err = over(s);
	if (!err)
		err = sysv_may_control(&s->o);
	if (!err) {
		s->o.mode |= SHM_DEST;
		s->o.key = IPC_PRIVATE;		/* nobody finds it any more; by its id it can still be attached, as on Linux */
		if (!s->attaches) {
			dead = s->file;
			s->file = NULL;
		}
	}
	spin_unlock(&table.lock);
	if (dead)
		file_put(dead);
	return err;
}

/* SHM_LOCK keeps pages in memory: there is no swap, so they stay anyway; who may, and that it shows, is as on Linux. */
static long lock_pages(struct segment *s, bool on)
{
	const struct cred *c = cred_current();
	long err;

	spin_lock(&table.lock);
	err = over(s);
	if (!err && !capable(CAP_IPC_LOCK)) {
		if (c->euid != s->o.uid && c->euid != s->o.cuid)
			err = -EPERM;
		else if (on && !rlimit(RLIMIT_MEMLOCK))
			err = -EPERM;
	}
	if (!err)
		s->o.mode = on ? s->o.mode | SHM_LOCKED : s->o.mode & ~(u32)SHM_LOCKED;
	spin_unlock(&table.lock);
	return err;
}

static long limits(void __user *out)
{
	struct shminfo64 i = {
		.shmmin = 1, .shmmax = READ_ONCE(sysv_limits.shmmax), .shmmni = READ_ONCE(sysv_limits.shmmni),
		.shmseg = READ_ONCE(sysv_limits.shmmni), .shmall = READ_ONCE(sysv_limits.shmall),
	};

	return copy_to_user(out, &i, sizeof(i)) ? -EFAULT : sysv_highest(&table);
}

static long usage(void __user *out)
{
	struct shm_info i = {};
	struct sysv_object *o;

	spin_lock(&table.lock);
	i.used_ids = (s32)table.used;
	for (u64 n = 0; (o = radix_next(&table.slots, &n)); n++) {
		struct segment *s = segment_of(o);

		i.shm_tot += pages_of(s);
		i.shm_rss += s->file ? s->file->inode->mapping.pages.count : 0;
	}
	spin_unlock(&table.lock);
	return copy_to_user(out, &i, sizeof(i)) ? -EFAULT : sysv_highest(&table);
}

static long control(struct segment *s, int cmd, void __user *buf)
{
	switch (cmd) {
	case IPC_RMID:
		return remove_segment(s);
	case IPC_SET:
		return set_rights(s, buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return show(s, buf, cmd == SHM_STAT_ANY);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return lock_pages(s, cmd == SHM_LOCK);
	default:
		return -EINVAL;
	}
}

long sys_shmctl(int id, int cmd, void __user *buf)
{
	bool by_slot = cmd == SHM_STAT || cmd == SHM_STAT_ANY;
	struct sysv_object *o;
	long result;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	if (cmd == IPC_INFO)
		return limits(buf);
	if (cmd == SHM_INFO)
		return usage(buf);
	o = by_slot ? sysv_find_slot(&table, id) : sysv_find(&table, id);
	if (is_err(o))
		return ptr_err(o);
	result = control(segment_of(o), cmd, buf);
	if (!result && by_slot)
		result = o->id;
	reap(segment_of(o));
	sysv_put(&table, o);
	return result;
}
