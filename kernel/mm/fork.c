/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copy of an address space for fork. Areas are duplicated; of the page tables only what faults
 * could not bring back: private anonymous pages, which become read-only in both spaces. File and
 * shared pages come by faults, so a fork followed by exec copies little.
 */
#include "aspace_internal.h"
#include "huge.h"

/*
 * The table of src locked, dst is not yet visible to anybody. The entries of [va, end), which lie in one table
 * of each space. Writable ones lose the right in both.
 */
static void copy_entries(struct aspace *dst, pte_t *from, pte_t *to, vaddr_t va, vaddr_t end, struct tlb_batch *b)
{
	struct rss_delta delta = {};

	for (; va < end; va += PAGE_SIZE, from++, to++) {
		pte_t old = pte_load(from), new;
		struct page *p;

		if (!pte_present(old))
			continue;
		if (pte_prot(old) & PGPROT_SPECIAL) {
			pte_store(to, old);
			continue;
		}
		p = phys_to_page(pte_paddr(old));
		if (!(p->flags & PAGE_ANON))
			continue;
		if (pte_prot(old) & PGPROT_WRITE) {
			while (!pte_cmpxchg(from, old, new = pte_with_prot(old, pte_prot(old) & ~PGPROT_WRITE, 0)))
				old = pte_load(from);
			tlb_batch_add_page(b, va);
			old = new;
		}
		page_get(p);
		page_mapped(&delta, p);
		pte_store(to, old);
	}
	rss_apply(dst, &delta);
}

/* The first of n entries that is not empty, n: none. Locked: one whose page is just moved (compact.c) is empty for a moment. */
static u64 first_present(const pte_t *e, u64 n)
{
	u64 i = 0;

	pt_lock(e);
	while (i < n && !pte_present(pte_load((pte_t *)e + i)))
		i++;
	pt_unlock(e);
	return i;
}

static int copy_range(struct aspace *dst, struct aspace *src, vaddr_t start, vaddr_t end, struct tlb_batch *b)
{
	vaddr_t next;

	for (vaddr_t va = start; va < end; va = next) {
		pte_t *from = pgtable_chunk(src->root, va, end, &next), *to;
		int err = from ? 0 : huge_fork(dst, src, va, b);
		u64 skip;

		if (err)
			return err;
		if (!from)
			continue;
		skip = first_present(from, (next - va) >> PAGE_SHIFT);
		va += skip << PAGE_SHIFT;
		if (va == next)
			continue;
		to = aspace_pte(dst, va);
		if (!to)
			return -ENOMEM;
		from += skip;
		pt_lock(from);
		copy_entries(dst, from, to, va, next, b);
		pt_unlock(from);
	}
	return 0;
}

static int copy_area(struct aspace *dst, struct vma *v, struct tlb_batch *b)
{
	struct vma *copy;

	if ((v->flags & VMA_ACCOUNT) && commit_check(vma_pages(v)))
		return -ENOMEM;
	copy = vma_dup(v);
	if (!copy)
		return -ENOMEM;
	copy->aspace = dst;
	copy->flags &= ~(VMA_LOCKED | VMA_LOCKONFAULT);
	vma_insert(copy);
	if ((v->flags & VMA_SHARED && !(v->flags & VMA_SPECIAL)) || v->flags & VMA_WIPEONFORK)
		return 0;
	if (v->ops && !(v->flags & (VMA_COPIED | VMA_SPECIAL)))
		return 0;
	return copy_range(dst, v->aspace, v->start, v->end, b);
}

static void copy_bounds(struct aspace *dst, const struct aspace *src)
{
	dst->mmap_base = src->mmap_base;
	dst->brk_start = src->brk_start;
	dst->brk = src->brk;
	dst->stack_top = src->stack_top;
	dst->arg_start = src->arg_start;
	dst->arg_end = src->arg_end;
	dst->env_start = src->env_start;
	dst->env_end = src->env_end;
	dst->code_start = src->code_start;
	dst->code_end = src->code_end;
	dst->data_start = src->data_start;
	dst->data_end = src->data_end;
	dst->vdso = src->vdso;
	dst->no_huge = src->no_huge;
	dst->family = src->family;
	dst->membarrier = atomic_load(&src->membarrier);
	__builtin_memcpy(dst->auxv, src->auxv, sizeof(dst->auxv));
	if (src->exe && !inode_deny_write(src->exe->inode))	/* denied already: cannot fail */
		dst->exe = file_get(src->exe);
}

struct aspace *aspace_fork(struct aspace *src)
{
	struct aspace *dst = aspace_create();
	struct tlb_batch b;
	int err = 0;

	if (!dst)
		return err_ptr(-ENOMEM);
	tlb_batch_init(&b, src);
	aspace_lock(src);
	copy_bounds(dst, src);
	for (struct gap_node *g = src->areas.root ? gap_find(&src->areas, 0) : NULL; g && !err; g = gap_next(g))
		if (!(gap_vma(g)->flags & VMA_DONTFORK))
			err = copy_area(dst, gap_vma(g), &b);
	/* Before the lock goes: afterwards the parent may write only through faults. */
	tlb_batch_finish(&b);
	aspace_unlock(src);
	pte_sync();
	if (!err)
		return dst;
	aspace_put_user(dst);
	return err_ptr(err);
}
