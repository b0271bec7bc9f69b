/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmap, munmap, mprotect, brk and special mappings: checks first, then changes (POSIX mmap, Linux
 * mmap(2)). Faults bring the pages (fault.c).
 */
#include <kernel/cred.h>
#include <uapi/mount.h>

#include "aspace_internal.h"

/* RLIMIT_AS, RLIMIT_DATA and sizes that can never be backed (Linux's overcommit heuristic). */
static int check_room(struct aspace *as, u64 pages, u32 vma_flags)
{
	bool is_private_data = (vma_flags & (VMA_WRITE | VMA_SHARED | VMA_STACK)) == VMA_WRITE;

	if (as->total_pages + pages > rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return -ENOMEM;
	if (is_private_data && as->data_pages + pages > rlimit(RLIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	if ((vma_flags & VMA_ACCOUNT) && commit_check(pages))
		return -ENOMEM;
	if (as->nr_areas >= VMA_COUNT_MAX)
		return -ENOMEM;
	return 0;
}

/* Does such an area promise memory? MAP_NORESERVE is not heard under strict accounting. */
static bool is_accountable(u32 vma_flags, const struct file *file)
{
	if ((vma_flags & VMA_NORESERVE) && READ_ONCE(vm_settings.overcommit_memory) != 2)
		return false;
	return vma_flags & VMA_SHARED ? !file : vma_flags & VMA_WRITE;
}

static u32 flags_from_prot(u32 prot)
{
	return (prot & PROT_READ ? VMA_READ : 0) | (prot & PROT_WRITE ? VMA_WRITE : 0) |
	       (prot & PROT_EXEC ? VMA_EXEC : 0);
}

/* Every flag there is: MAP_SHARED_VALIDATE promises to refuse others. */
#define MAP_KNOWN (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | \
		   MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_FIXED_NOREPLACE)

/* Rights, kind and what mprotect may later ask for. Flags or -errno. */
static s64 decode_flags(u32 prot, u32 flags, const struct file *file)
{
	u32 v = flags_from_prot(prot) | VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC, type = flags & MAP_TYPE;

	if (type != MAP_SHARED && type != MAP_PRIVATE && (type != MAP_SHARED_VALIDATE || !file))
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & ~MAP_KNOWN))
		return -EOPNOTSUPP;
	if (flags & MAP_HUGETLB)	/* there is no pool of large pages */
		return file ? -EINVAL : -ENOMEM;
	if (type != MAP_PRIVATE)
		v |= VMA_SHARED;
	v |= flags & MAP_GROWSDOWN ? VMA_GROWSDOWN | VMA_STACK : 0;
	v |= flags & MAP_NORESERVE ? VMA_NORESERVE : 0;
	v |= flags & MAP_LOCKED ? VMA_LOCKED : 0;
	if (is_accountable(v, file))
		v |= VMA_ACCOUNT;
	if (!file)
		return v;
	if (!(file->mode & FMODE_READ))
		return -EACCES;
	if ((v & VMA_SHARED) && !(file->mode & FMODE_WRITE)) {
		if (v & VMA_WRITE)
			return -EACCES;
		v &= ~VMA_MAYWRITE;
	}
	if (file->path.mnt && (file->path.mnt->flags & MS_NOEXEC)) {
		if (v & VMA_EXEC)
			return -EPERM;
		v &= ~VMA_MAYEXEC;
	}
	if (!file->ops->mmap)
		return -ENODEV;
	return v & VMA_GROWSDOWN ? -EINVAL : (s64)v;
}

static bool is_free(struct aspace *as, vaddr_t addr, u64 len)
{
	struct vma *v = aspace_find(as, addr);

	return !v || addr + len + (v->flags & VMA_GROWSDOWN ? STACK_GAP : 0) <= v->start;
}

/* Where the new area goes; lock held for writing. Address or -errno. */
static s64 choose_address(struct aspace *as, vaddr_t addr, u64 len, u32 flags)
{
	vaddr_t end = arch_layout.user_end, at;

	if (len > end - MMAP_MIN_ADDR)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (!is_aligned(addr, PAGE_SIZE))
			return -EINVAL;
		if (addr > end - len)
			return -ENOMEM;
		if (addr < MMAP_MIN_ADDR)
			return -EPERM;
		if (!(flags & MAP_FIXED) && aspace_find(as, addr) && aspace_find(as, addr)->start < addr + len)
			return -EEXIST;
		return (s64)addr;
	}
	addr = align_down(addr, PAGE_SIZE);
	if (addr >= MMAP_MIN_ADDR && addr <= end - len && is_free(as, addr, len))
		return (s64)addr;
	at = gap_find_high(&as->areas, MMAP_MIN_ADDR,
			   flags & MAP_32BIT ? min(as->mmap_base, 1ull << 31) : as->mmap_base, len);
	if (!at)	/* below mmap_base all is taken: try the rest */
		at = gap_find_high(&as->areas, MMAP_MIN_ADDR, flags & MAP_32BIT ? 1ull << 31 : end, len);
	return at ? (s64)at : -ENOMEM;
}

/* Binds v to what backs it. The area has no pages yet and is in no tree. */
static int attach_backing(struct vma *v, struct file *file, u64 pgoff)
{
	int err;

	if (file) {
		v->pgoff = pgoff;
		v->file = file_get(file);
		err = file->ops->mmap(file, v);
		return err ? err : vma_writer_add(v);
	}
	return v->flags & VMA_SHARED ? vma_make_shared_anon(v) : 0;
}

static s64 map_locked(struct aspace *as, vaddr_t addr, u64 len, u32 vma_flags, u32 flags,
		      struct file *file, u64 pgoff, struct list *dead)
{
	s64 at = choose_address(as, addr, len, flags);
	struct vma *v;
	int err;

	if (at < 0)
		return at;
	err = check_room(as, len >> PAGE_SHIFT, vma_flags);
	if (!err && (vma_flags & VMA_LOCKED))
		err = lock_check(as, len >> PAGE_SHIFT);
	if (err)
		return err;
	v = vma_alloc(as, (vaddr_t)at, (vaddr_t)at + len, vma_flags);
	if (!v)
		return -ENOMEM;
	err = attach_backing(v, file, pgoff);
	if (err) {
		vma_free(v);
		return err;
	}
	if (flags & MAP_FIXED)
		err = vma_unmap_range(as, v->start, v->end, dead);
	if (err) {
		list_push_back(dead, &v->mapping_link);
		return err;
	}
	vma_insert(v);
	vma_merge(v);
	return at;
}

s64 aspace_mmap(struct aspace *as, vaddr_t addr, u64 len, u32 prot, u32 flags, struct file *file, u64 offset)
{
	struct list dead = LIST_INIT(dead);
	s64 vma_flags = decode_flags(prot, flags, file), at;
	u64 bytes = align_up(len, PAGE_SIZE);

	if (len == 0 || !is_aligned(offset, PAGE_SIZE))
		return -EINVAL;
	if (bytes < len)
		return -ENOMEM;
	if (offset + bytes < offset)
		return -EOVERFLOW;
	if (vma_flags < 0)
		return vma_flags;
	aspace_lock(as);
	vma_flags |= as->lock_future;
	at = map_locked(as, addr, bytes, (u32)vma_flags, flags, file, offset >> PAGE_SHIFT, &dead);
	aspace_unlock(as);
	vma_list_destroy(&dead);
	if (at > 0 && ((flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ||
	    (vma_flags & (VMA_LOCKED | VMA_LOCKONFAULT)) == VMA_LOCKED))
		(void)aspace_populate(as, (vaddr_t)at, bytes);
	return at;
}

int aspace_munmap(struct aspace *as, vaddr_t addr, u64 len)
{
	struct list dead = LIST_INIT(dead);
	int err;

	len = align_up(len, PAGE_SIZE);
	if (!is_aligned(addr, PAGE_SIZE) || len == 0 || addr > arch_layout.user_end ||
	    len > arch_layout.user_end - addr)
		return -EINVAL;
	aspace_lock(as);
	err = vma_unmap_range(as, addr, addr + len, &dead);
	aspace_unlock(as);
	vma_list_destroy(&dead);
	return err;
}

/* Every page of the range lies in an area that allows the new rights. */
static int check_protect(struct aspace *as, vaddr_t addr, vaddr_t end, u32 rights)
{
	struct vma *v = aspace_find(as, addr);

	for (vaddr_t at = addr; at < end; at = v->end, v = vma_next(v)) {
		if (!v || v->start > at)
			return -ENOMEM;
		if (rights & ~(v->flags / VMA_MAYREAD))
			return -EACCES;
		if (at == addr && v->end >= end)
			break;
		if (v->end >= end)
			break;
	}
	return 0;
}
static_assert(VMA_MAYREAD / VMA_MAYREAD == VMA_READ && VMA_MAYWRITE / VMA_MAYREAD == VMA_WRITE &&
	      VMA_MAYEXEC / VMA_MAYREAD == VMA_EXEC, "rights and what may be asked for lie alike");

/* A private area that becomes writable is memory from then on. */
static bool becomes_promise(const struct vma *v, u32 rights)
{
	return (rights & VMA_WRITE) && !(v->flags & (VMA_SHARED | VMA_ACCOUNT)) && is_accountable(v->flags | VMA_WRITE, NULL);
}

static int check_promises(struct aspace *as, vaddr_t addr, vaddr_t end, u32 rights)
{
	u64 pages = 0, data = 0;

	for (struct vma *v = aspace_find(as, addr); v && v->start < end; v = vma_next(v)) {
		u64 n = (min(v->end, end) - max(v->start, addr)) >> PAGE_SHIFT;

		pages += becomes_promise(v, rights) ? n : 0;
		if ((rights & VMA_WRITE) && !(v->flags & (VMA_WRITE | VMA_SHARED | VMA_STACK)))
			data += n;
	}
	if (data && as->data_pages + data > rlimit(RLIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	return pages ? commit_check(pages) : 0;
}

static int protect_locked(struct aspace *as, vaddr_t addr, vaddr_t end, u32 rights)
{
	struct vma *v;
	int err = check_protect(as, addr, end, rights & RIGHTS);

	if (!err)
		err = check_promises(as, addr, end, rights);
	if (!err)
		err = vma_split_range(as, addr, end);
	if (err)
		return err;
	for (v = aspace_find(as, addr); v && v->start < end; v = vma_next(v)) {
		vma_set_flags(v, (v->flags & ~RIGHTS) | rights | (becomes_promise(v, rights) ? VMA_ACCOUNT : 0));
		protect_range(v, v->start, v->end);
		v = vma_merge(v);
	}
	return 0;
}

int aspace_mprotect(struct aspace *as, vaddr_t addr, u64 len, u32 prot)
{
	u64 bytes = align_up(len, PAGE_SIZE);
	struct vma *v;
	int err = 0;

	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (!is_aligned(addr, PAGE_SIZE) || (prot & PROT_GROWSUP))
		return -EINVAL;
	if (bytes < len || addr > arch_layout.user_end || bytes > arch_layout.user_end - addr)
		return -ENOMEM;
	if (bytes == 0)
		return 0;
	aspace_lock(as);
	v = aspace_find(as, addr);
	if (prot & PROT_GROWSDOWN) {
		if (!v || v->start > addr || !(v->flags & VMA_GROWSDOWN))
			err = -EINVAL;
		else {
			bytes += addr - v->start;
			addr = v->start;
		}
	}
	if (!err)
		err = protect_locked(as, addr, addr + bytes, flags_from_prot(prot));
	aspace_unlock(as);
	return err;
}

static int brk_grow(struct aspace *as, vaddr_t from, vaddr_t to)
{
	u32 flags = VMA_READ | VMA_WRITE | VMA_MAYREAD | VMA_MAYWRITE | VMA_MAYEXEC | VMA_ACCOUNT | as->lock_future;
	struct vma *v;
	int err = check_room(as, (to - from) >> PAGE_SHIFT, flags);

	if (!err && (flags & VMA_LOCKED))
		err = lock_check(as, (to - from) >> PAGE_SHIFT);

	if (err)
		return err;
	if (!is_free(as, from, to - from))
		return -ENOMEM;
	v = vma_alloc(as, from, to, flags);
	if (!v)
		return -ENOMEM;
	v->name = "[heap]";
	vma_insert(v);
	vma_merge(v);
	return 0;
}

vaddr_t aspace_brk(struct aspace *as, vaddr_t new_brk)
{
	struct list dead = LIST_INIT(dead);
	vaddr_t old_end, new_end, result;
	bool populate;
	int err = 0;

	aspace_lock(as);
	old_end = align_up(as->brk, PAGE_SIZE);
	new_end = align_up(new_brk, PAGE_SIZE);
	if (new_brk < as->brk_start || new_brk > arch_layout.user_end - PAGE_SIZE ||
	    new_brk - as->brk_start > rlimit(RLIMIT_DATA))
		err = -ENOMEM;
	else if (new_end > old_end)
		err = brk_grow(as, old_end, new_end);
	else if (new_end < old_end)
		err = vma_unmap_range(as, new_end, old_end, &dead);
	if (!err)
		as->brk = new_brk;
	result = as->brk;
	populate = (as->lock_future & (VMA_LOCKED | VMA_LOCKONFAULT)) == VMA_LOCKED && !err && new_end > old_end;
	aspace_unlock(as);
	vma_list_destroy(&dead);
	if (populate)
		(void)aspace_populate(as, old_end, new_end - old_end);
	return result;
}

s64 aspace_map_special(struct aspace *as, vaddr_t hint, struct page **pages, u32 n, u32 vma_flags, const char *name)
{
	u64 len = (u64)n << PAGE_SHIFT;
	struct list dead = LIST_INIT(dead);
	struct vma *v;
	s64 at;

	if (n == 0)
		return -EINVAL;
	aspace_lock(as);
	at = choose_address(as, hint, len, 0);
	v = at > 0 ? vma_alloc(as, (vaddr_t)at, (vaddr_t)at + len, vma_flags | VMA_SPECIAL) : NULL;
	if (at > 0 && !v)
		at = -ENOMEM;
	for (u32 i = 0; at > 0 && i < n; i++) {
		pte_t *e = aspace_pte(as, v->start + i * PAGE_SIZE);

		if (e)
			pte_store(e, pte_make_leaf(page_to_phys(pages[i]), vma_prot(v) | PGPROT_SPECIAL, 0));
		else
			at = -ENOMEM;
	}
	pte_sync();
	if (v) {
		v->name = name;
		vma_insert(v);
		if (at < 0)
			(void)vma_unmap_range(as, v->start, v->end, &dead);
	}
	aspace_unlock(as);
	vma_list_destroy(&dead);
	return at;
}
