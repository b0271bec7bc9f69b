/* SPDX-License-Identifier: BSD-2-Clause */
/* Advice and queries about ranges: madvise, msync, mincore, populate. Locking is in mlock.c. */
#include <kernel/cred.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>
#include <uapi/fcntl.h>

#include "aspace_internal.h"
#include "huge.h"

/* Checks a range as the calls here all do. Length in whole pages through *bytes. */
static int check_range(vaddr_t addr, u64 len, u64 *bytes)
{
	*bytes = align_up(len, PAGE_SIZE);
	if (!is_aligned(addr, PAGE_SIZE) || *bytes < len)
		return -EINVAL;
	if (addr > arch_layout.user_end || *bytes > arch_layout.user_end - addr)
		return -ENOMEM;
	return 0;
}

int aspace_populate(struct aspace *as, vaddr_t addr, u64 len)
{
	int err = 0;

	for (vaddr_t at = addr; at < addr + len && !err; at += PAGE_SIZE) {
		struct vma *v;

		rwlock_read_lock(&as->lock);
		v = aspace_find(as, at);
		if (!v || v->start > at)
			err = -ENOMEM;
		else if (v->flags & (VMA_READ | VMA_WRITE | VMA_EXEC))
			err = fault_resolve(v, at, (v->flags & (VMA_WRITE | VMA_SHARED)) == VMA_WRITE ?
					    FAULT_WRITE : 0);
		rwlock_read_unlock(&as->lock);
		if (!err && signal_fatal_pending(current))
			err = -EINTR;
	}
	return err;
}

/* MADV_POPULATE_*: like aspace_populate, but says of each page why it cannot be had. */
static int advise_populate(struct aspace *as, vaddr_t addr, vaddr_t end, bool write)
{
	int err = 0;

	for (vaddr_t at = addr; at < end && !err; at += PAGE_SIZE) {
		struct vma *v;

		rwlock_read_lock(&as->lock);
		v = aspace_find(as, at);
		if (!v || v->start > at)
			err = -ENOMEM;
		else if (v->flags & VMA_SPECIAL || !(v->flags & (write ? VMA_WRITE : RIGHTS)))
			err = -EINVAL;
		else
			err = fault_resolve(v, at, write ? FAULT_WRITE : 0);
		rwlock_read_unlock(&as->lock);
		if (err == -EIO)
			err = -EFAULT;
		if (!err && signal_fatal_pending(current))
			err = -EINTR;
	}
	return err;
}

static void drop_pages(struct aspace *as, struct vma *v, vaddr_t start, vaddr_t end)
{
	struct tlb_batch b;

	tlb_batch_init(&b, as);
	zap_range(as, start, end, &b);
	tlb_batch_finish(&b);
}

/* Who may not write to the file may not make others read it again either: Linux's rule. */
static bool may_page_out(const struct vma *v)
{
	return v->file && (v->file->inode->uid == cred_current()->fsuid || capable(CAP_FOWNER) ||
			   !inode_permission(v->file->inode, MAY_WRITE));
}

/* The file's page that the entry shows, referenced; NULL: none. */
static struct page *shown_file_page(pte_t *e)
{
	struct page *p = NULL;
	pte_t now;

	if (!pte_present(pte_load(e)))
		return NULL;
	pt_lock(e);
	now = pte_load(e);
	if (pte_present(now) && !(pte_prot(now) & PGPROT_SPECIAL)) {
		p = phys_to_page(pte_paddr(now));
		p = p->flags & PAGE_ANON ? NULL : page_get(p);
	}
	pt_unlock(e);
	return p;
}

/* MADV_COLD, MADV_PAGEOUT: without swap these are the cached pages of files that v shows. */
static void cool_pages(struct vma *v, vaddr_t start, vaddr_t end, bool out)
{
	const struct page_mapping *m = vma_mapping(v);
	vaddr_t next;

	if (!m || m->keep || (out && !may_page_out(v)))
		return;
	for (vaddr_t va = start; va < end && !signal_fatal_pending(current); va = next) {
		pte_t *e = pgtable_chunk(v->aspace->root, va, end, &next);

		for (; e && va < next; va += PAGE_SIZE, e++) {
			struct page *p = shown_file_page(e);

			if (!p)
				continue;
			if (out)
				pagecache_page_out(p);
			else
				pagecache_make_old(p);
			page_put(p);
		}
	}
}

/* The flag an advice sets (positive) or clears, 0: none. */
static u32 advice_flag(int advice, bool *set)
{
	*set = advice == MADV_DONTFORK || advice == MADV_WIPEONFORK || advice == MADV_DONTDUMP || advice == MADV_HUGEPAGE ||
	       advice == MADV_NOHUGEPAGE;
	switch (advice) {
	case MADV_DONTFORK:
	case MADV_DOFORK:
		return VMA_DONTFORK;
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
		return VMA_WIPEONFORK;
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		return VMA_DONTDUMP;
	case MADV_HUGEPAGE:
		return VMA_HUGE;
	case MADV_NOHUGEPAGE:
		return VMA_NOHUGE;
	}
	return 0;
}

/* A hole is told, but what lies around it is done all the same. */
static int advise_flags(struct aspace *as, vaddr_t addr, vaddr_t end, int advice)
{
	vaddr_t at = addr;
	bool set;
	u32 flag = advice_flag(advice, &set);
	int err, hole = 0;

	aspace_lock(as);
	err = vma_split_range(as, addr, end);
	for (struct vma *v = aspace_find(as, addr); !err && at < end; v = vma_next(v)) {
		if (!v || v->start > at)
			hole = -ENOMEM;
		if (!v || v->start >= end)
			break;
		if ((flag == VMA_WIPEONFORK && !vma_is_anon(v)) || (advice == MADV_DOFORK && v->flags & VMA_SPECIAL)) {
			err = -EINVAL;
			break;
		}
		at = v->end;
		if (flag & (VMA_HUGE | VMA_NOHUGE))	/* each takes the other back */
			vma_set_flags(v, v->flags & ~(VMA_HUGE | VMA_NOHUGE));
		vma_set_flags(v, set ? v->flags | flag : v->flags & ~flag);
		v = vma_merge(v);
	}
	aspace_unlock(as);
	return err ? err : hole;
}

/* Can the advice be followed for this area? Hints always can, save where pages must stay. */
static int check_advice(const struct vma *v, int advice)
{
	bool is_fixed = v->flags & (VMA_SPECIAL | VMA_LOCKED);

	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
		return 0;
	case MADV_DONTNEED:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return is_fixed ? -EINVAL : 0;
	case MADV_FREE:
		return is_fixed || !vma_is_anon(v) ? -EINVAL : 0;
	case MADV_REMOVE:
		if (is_fixed || !(v->flags & VMA_SHARED) || !vma_mapping(v))
			return -EINVAL;
		return v->flags & VMA_WRITE ? 0 : -EACCES;
	}
	return -EINVAL;
}

/* MADV_REMOVE: a hole in what is behind [start, end) of v. Drops aspace.lock, which was held for reading. */
static int remove_backing(struct aspace *as, struct vma *v, vaddr_t start, vaddr_t end)
{
	u64 from = vma_pgoff(v, start), n = (end - start) >> PAGE_SHIFT;
	struct file *f = v->ops == &anon_shared_ops ? NULL : file_get(v->file);
	struct anon_shared *s = f ? NULL : v->private;
	int err = 0;

	if (s)
		ref_get(&s->refs);
	rwlock_read_unlock(&as->lock);
	if (s) {
		mapping_punch(&s->mapping, from, from + n - 1);
		anon_shared_put(s);
		return 0;
	}
	err = f->ops->fallocate ? f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
						    (off_t)(from << PAGE_SHIFT), (off_t)(n << PAGE_SHIFT)) : -EINVAL;
	file_put(f);
	return err == -EOPNOTSUPP ? -EINVAL : err;
}

/* One area's part of [at, end); *at moves on. -ENOMEM: a hole lies before it or behind. */
static int advise_next(struct aspace *as, vaddr_t *at, vaddr_t end, int advice)
{
	struct vma *v;
	vaddr_t start, last;
	int err, hole = 0;

	rwlock_read_lock(&as->lock);
	v = aspace_find(as, *at);
	if (!v || v->start > *at)
		hole = -ENOMEM;
	if (!v || v->start >= end) {
		*at = end;
		rwlock_read_unlock(&as->lock);
		return hole;
	}
	start = max(v->start, *at);
	*at = last = min(v->end, end);
	err = check_advice(v, advice);
	if (err)
		*at = end;
	if (!err && advice == MADV_REMOVE) {
		err = remove_backing(as, v, start, last);
		return err ? err : hole;
	}
	if (!err && (advice == MADV_DONTNEED || advice == MADV_FREE))
		drop_pages(as, v, start, last);
	if (!err && (advice == MADV_COLD || advice == MADV_PAGEOUT))
		cool_pages(v, start, last, advice == MADV_PAGEOUT);
	rwlock_read_unlock(&as->lock);
	return err ? err : hole;
}

/* MADV_COLLAPSE, area by area; the first that cannot ends it. */
static int advise_collapse(struct aspace *as, vaddr_t addr, vaddr_t end)
{
	int err = 0, hole = 0;

	while (addr < end && !err) {
		vaddr_t start, last;
		struct vma *v;

		rwlock_read_lock(&as->lock);
		v = aspace_find(as, addr);
		if (!v || v->start > addr)
			hole = -ENOMEM;
		start = v ? max(v->start, addr) : end;
		last = v ? min(v->end, end) : end;
		if (start < end && !vma_can_be_huge(v))
			err = -EINVAL;
		rwlock_read_unlock(&as->lock);
		if (!err && start < end)
			err = huge_collapse_range(as, start, last);
		addr = last;
	}
	return err ? err : hole;
}

static bool is_advice(int advice)
{
	return advice == MADV_COLLAPSE || (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) || (advice >= MADV_FREE && advice <= MADV_POPULATE_WRITE);
}

int aspace_madvise(struct aspace *as, vaddr_t addr, u64 len, int advice)
{
	bool unused;
	vaddr_t end;
	u64 bytes;
	int err = check_range(addr, len, &bytes), hole = 0;

	if (err || !is_advice(advice))
		return -EINVAL;
	end = addr + bytes;
	if (bytes == 0)
		return 0;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return advise_populate(as, addr, end, advice == MADV_POPULATE_WRITE);
	if (advice == MADV_COLLAPSE)
		return advise_collapse(as, addr, end);
	if (advice_flag(advice, &unused))
		return advise_flags(as, addr, end, advice);
	while (addr < end) {
		err = advise_next(as, &addr, end, advice);
		if (err && err != -ENOMEM)
			return err;
		hole = err ? err : hole;
	}
	return hole;
}

int aspace_msync(struct aspace *as, vaddr_t addr, u64 len, int flags)
{
	u64 bytes;
	vaddr_t end;
	int err = check_range(addr, len, &bytes), hole = 0;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	end = addr + bytes;
	while (!err && addr < end) {
		struct file *f = NULL;
		u64 from = 0, to = 0;
		struct vma *v;

		rwlock_read_lock(&as->lock);
		v = aspace_find(as, addr);
		if (!v || v->start > addr)
			hole = -ENOMEM;
		if (v && v->start < end) {
			vaddr_t last = min(v->end, end);

			addr = max(addr, v->start);
			if ((flags & MS_SYNC) && v->file && (v->flags & VMA_SHARED) && v->file->ops->fsync) {
				f = file_get(v->file);
				from = vma_pgoff(v, addr) << PAGE_SHIFT;
				to = from + (last - addr) - 1;
			}
			addr = last;
		} else {
			addr = end;
		}
		rwlock_read_unlock(&as->lock);
		if (f) {
			err = f->ops->fsync(f, from, to, true);
			file_put(f);
		}
	}
	return err ? err : hole;
}

static bool is_resident(struct aspace *as, struct vma *area, vaddr_t va)
{
	struct page_mapping *m = vma_mapping(area);
	struct page *p;
	pte_t v, *e = huge_lock_page(as, va, &v);

	if (e)
		pt_unlock(e);
	if (e && pte_present(v))
		return true;
	p = m ? mapping_find(m, vma_pgoff(area, va)) : NULL;
	if (!p)
		return false;
	page_put(p);
	return true;
}

int aspace_mincore(struct aspace *as, vaddr_t addr, u64 len, u8 __user *vec)
{
	u64 bytes, done = 0;
	int err = check_range(addr, len, &bytes);

	if (err && is_aligned(addr, PAGE_SIZE))
		err = -ENOMEM;	/* no such range, however it wraps */

	while (!err && done < bytes) {
		u8 part[128];
		u64 n = min((bytes - done) >> PAGE_SHIFT, (u64)sizeof(part));

		rwlock_read_lock(&as->lock);
		for (u64 i = 0; i < n && !err; i++) {
			vaddr_t va = addr + done + i * PAGE_SIZE;
			struct vma *v = aspace_find(as, va);

			if (!v || v->start > va)
				err = -ENOMEM;
			else
				part[i] = is_resident(as, v, va);
		}
		rwlock_read_unlock(&as->lock);
		if (!err)
			err = copy_to_user(vec + (done >> PAGE_SHIFT), part, n);
		done += n << PAGE_SHIFT;
	}
	return err;
}
