/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Areas of an address space: finding, splitting, merging, taking out. Everything that changes the
 * tree needs aspace.lock for writing; an area with a page cache behind it also hangs in the
 * mapping's list (vmas_lock), by which truncation and write-back find its entries (rmap.c).
 */
#include <kernel/thread.h>
#include <lib/string.h>

#include "aspace_internal.h"
#include "huge.h"

static struct kmem_cache *vma_cache __ro_after_init;

void vma_cache_init(void)
{
	vma_cache = kmem_cache_create("vma", sizeof(struct vma), 0, NULL);
}

struct vma *vma_alloc(struct aspace *as, vaddr_t start, vaddr_t end, u32 flags)
{
	struct vma *v = kmem_cache_alloc(vma_cache, ALLOC_ZERO);

	if (!v)
		return NULL;
	v->aspace = as;
	v->start = start;
	v->end = end;
	v->flags = flags;
	v->pgoff = start >> PAGE_SHIFT;
	list_init(&v->mapping_link);
	return v;
}

struct page_mapping *vma_mapping(const struct vma *v)
{
	if (v->ops == &anon_shared_ops)
		return &((struct anon_shared *)v->private)->mapping;
	return v->file && v->ops ? &v->file->inode->mapping : NULL;
}

unsigned vma_prot(const struct vma *v)
{
	unsigned prot = PGPROT_USER;

	if (v->flags & (VMA_READ | VMA_WRITE))
		prot |= PGPROT_READ;
	if (v->flags & VMA_WRITE)
		prot |= PGPROT_WRITE;
	if (v->flags & VMA_EXEC)
		prot |= PGPROT_EXEC;
	return prot;
}

struct vma *aspace_find(struct aspace *as, vaddr_t addr)
{
	struct vma *v = atomic_load(&as->last_hit);

	lock_assert_held(&as->lock);
	if (v && v->start <= addr && addr < v->end)
		return v;
	v = gap_vma(gap_find(&as->areas, addr));
	if (v && v->start <= addr)
		atomic_store(&as->last_hit, v);
	return v;
}

struct vma *vma_next(const struct vma *v) { return gap_vma(gap_next((const struct gap_node *)v)); }

void vma_account(struct vma *v, s64 sign)
{
	struct aspace *as = v->aspace;
	s64 n = sign * (s64)vma_pages(v);

	as->total_pages += n;
	as->total_peak = max(as->total_peak, as->total_pages);
	if ((v->flags & (VMA_EXEC | VMA_WRITE | VMA_STACK)) == VMA_EXEC)
		as->exec_pages += n;
	if ((v->flags & (VMA_WRITE | VMA_SHARED | VMA_STACK)) == VMA_WRITE)
		as->data_pages += n;
	if (v->flags & VMA_STACK)
		as->stack_pages += n;
	if (v->flags & VMA_LOCKED)
		as->locked_pages += n;
	if (v->flags & VMA_ACCOUNT)
		mm_count(MM_COMMITTED, n);
}

/* Shares a file's pages and may ever write to them? Such areas and a seal against writing exclude each other. */
static bool counts_as_writer(const struct vma *v)
{
	return (v->flags & (VMA_SHARED | VMA_MAYWRITE)) == (VMA_SHARED | VMA_MAYWRITE) && v->file && vma_mapping(v);
}

int vma_writer_add(struct vma *v)
{
	s32 *n = counts_as_writer(v) ? &vma_mapping(v)->writable : NULL, now = n ? atomic_load(n) : 0;

	while (n && now >= 0)
		if (atomic_cmpxchg(n, &now, now + 1))
			return 0;
	return n ? -EPERM : 0;
}

void vma_writer_drop(struct vma *v)
{
	if (counts_as_writer(v))
		atomic_sub(&vma_mapping(v)->writable, 1);
}

void vma_set_flags(struct vma *v, u32 flags)
{
	vma_account(v, -1);
	v->flags = flags;
	vma_account(v, 1);
}

void vma_insert(struct vma *v)
{
	struct page_mapping *m = vma_mapping(v);

	gap_insert(&v->aspace->areas, vma_gap(v));
	v->aspace->nr_areas++;
	vma_account(v, 1);
	if (m) {
		mutex_lock(&m->vmas_lock);
		list_push_back(&m->vmas, &v->mapping_link);
		mutex_unlock(&m->vmas_lock);
	}
}

void vma_remove(struct vma *v)
{
	struct page_mapping *m = vma_mapping(v);

	if (m) {
		mutex_lock(&m->vmas_lock);
		list_remove(&v->mapping_link);
		mutex_unlock(&m->vmas_lock);
	}
	if (v->aspace->last_hit == v)
		atomic_store(&v->aspace->last_hit, NULL);
	gap_remove(&v->aspace->areas, vma_gap(v));
	v->aspace->nr_areas--;
	vma_account(v, -1);
}

void vma_destroy(struct vma *v)
{
	vma_writer_drop(v);
	vma_free(v);
}

static void free_late(struct epoch_head *h) { kmem_cache_free(vma_cache, container_of(h, struct vma, epoch)); }

/* v is in no tree. Where other threads may fault in the space, one may have found v without a lock. */
static void release_memory(struct vma *v)
{
	u32 users = ref_read(&v->aspace->users);

	if (users == 0 || (users == 1 && current->aspace == v->aspace))
		kmem_cache_free(vma_cache, v);
	else
		epoch_defer(&v->epoch, free_late);
}

/* What was never counted as a writer. */
void vma_free(struct vma *v)
{
	if (v->ops && v->ops->close)
		v->ops->close(v);
	if (v->file)
		file_put(v->file);
	release_memory(v);
}

void vma_list_destroy(struct list *dead)
{
	struct list *n;

	while ((n = list_pop_front(dead)))
		vma_destroy(list_entry(n, struct vma, mapping_link));
}

struct vma *vma_dup(const struct vma *v)
{
	struct vma *copy = kmem_cache_alloc(vma_cache, 0);

	if (!copy)
		return NULL;
	*copy = *v;
	list_init(&copy->mapping_link);
	if (copy->file)
		file_get(copy->file);
	if (copy->ops && copy->ops->open)
		copy->ops->open(copy);
	(void)vma_writer_add(copy);	/* there is one already */
	return copy;
}

void vma_resize(struct vma *v, vaddr_t start, vaddr_t end)
{
	struct page_mapping *m = vma_mapping(v);

	if (m)
		mutex_lock(&m->vmas_lock);
	vma_account(v, -1);
	v->pgoff += (s64)(start - v->start) >> PAGE_SHIFT;
	gap_resize(&v->aspace->areas, vma_gap(v), start, end);
	vma_account(v, 1);
	if (m)
		mutex_unlock(&m->vmas_lock);
}

int vma_split(struct vma *v, vaddr_t addr)
{
	struct vma *high;

	lock_assert_held(&v->aspace->lock);
	if (v->aspace->nr_areas >= VMA_COUNT_MAX)
		return -ENOMEM;
	high = vma_dup(v);
	if (!high)
		return -ENOMEM;
	/* A large entry lies in one area. */
	if (addr & (HUGE_SIZE - 1))
		huge_split(v->aspace, addr);
	high->pgoff = vma_pgoff(v, addr);
	high->start = addr;
	vma_resize(v, v->start, addr);
	vma_insert(high);
	return 0;
}

int vma_split_range(struct aspace *as, vaddr_t start, vaddr_t end)
{
	struct vma *v = aspace_find(as, start);
	int err = 0;

	if (v && v->start < start)
		err = vma_split(v, start);
	v = aspace_find(as, end);
	if (!err && v && v->start < end)
		err = vma_split(v, end);
	return err;
}

static bool can_merge(const struct vma *a, const struct vma *b)
{
	if (!a || !b || a->end != b->start || ((a->flags ^ b->flags) & ~VMA_COPIED) || a->ops != b->ops ||
	    a->file != b->file || a->private != b->private || a->name != b->name ||
	    a->policy != b->policy)
		return false;
	if (a->flags & (VMA_SPECIAL | VMA_STACK | VMA_GROWSDOWN))
		return false;
	return !a->ops || (a->file && vma_pgoff(a, a->end) == b->pgoff);
}

/* high melts into low. Nothing can fail; the file reference of high goes (low holds another). */
static void absorb(struct vma *low, struct vma *high)
{
	vaddr_t end = high->end;

	low->flags |= high->flags & VMA_COPIED;
	vma_remove(high);
	vma_resize(low, low->start, end);
	vma_writer_drop(high);
	if (high->ops && high->ops->close)
		high->ops->close(high);
	if (high->file)
		file_put(high->file);	/* never the last one */
	release_memory(high);
}

struct vma *vma_merge(struct vma *v)
{
	struct vma *prev = gap_vma(gap_prev(vma_gap(v))), *next = vma_next(v);

	if (can_merge(v, next))
		absorb(v, next);
	if (can_merge(prev, v)) {
		absorb(prev, v);
		v = prev;
	}
	return v;
}

int vma_unmap_range(struct aspace *as, vaddr_t start, vaddr_t end, struct list *dead)
{
	struct vma *v, *next, *below;
	vaddr_t floor, ceiling, last;
	struct tlb_batch b;
	int err = vma_split_range(as, start, end);

	if (err)
		return err;
	v = aspace_find(as, start);
	if (!v || v->start >= end)
		return 0;
	below = gap_vma(gap_prev(vma_gap(v)));
	floor = below ? below->end : 0;
	start = v->start;
	tlb_batch_init(&b, as);
	while (v && v->start < end) {
		next = vma_next(v);
		vma_remove(v);
		zap_range(as, v->start, v->end, &b);
		list_push_back(dead, &v->mapping_link);
		last = v->end;
		v = next;
		if (v && v->start < end && v->start - last < pt_span(1))
			continue;
		/* The tables of what lies together go at once: looking through the wide gaps would cost more than all else. */
		ceiling = v ? v->start : align_up(arch_layout.user_end, pt_span(arch_layout.pt_levels - 1));
		zap_tables(as, start, last, floor, ceiling, &b);
		start = v ? v->start : end;
	}
	tlb_batch_finish(&b);
	return 0;
}
