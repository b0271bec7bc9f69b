/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory without user mappings: the portable page-table walk that RISC-V (whose SUM bit stays
 * 0) and the simulation use. Each page is looked up inside an epoch section, so tables cannot go
 * away, and held by a reference while it is copied through the linear map. What the entry does not
 * allow is faulted in as the program's own access would be.
 */
#include <arch/upcall.h>
#include <kernel/epoch.h>
#include <kernel/pgtable.h>
#include <kernel/thread.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

struct user_page {
	char *mem;		/* of the address asked for */
	struct page *page;	/* reference, or NULL for frames that are not counted */
};

/* Inside an epoch section. False: must be faulted in. */
static bool page_lookup(struct aspace *as, vaddr_t va, bool write, struct user_page *out)
{
	unsigned level, need = PGPROT_USER | (write ? PGPROT_WRITE : PGPROT_READ);
	pte_t *e = pgtable_lookup(as->root, va, &level), v;

	if (!e)
		return false;
	v = pte_load(e);
	if (level != 0 || !pte_present(v) || (pte_prot(v) & need) != need)
		return false;
	if (write && !pte_dirty(v)) {
		if (!pte_cmpxchg(e, v, pte_mark_dirty(pte_mark_accessed(v))))
			return false;
		v = pte_mark_dirty(pte_mark_accessed(v));
	}
	out->mem = (char *)phys_to_virt(pte_paddr(v)) + va % PAGE_SIZE;
	out->page = NULL;
	if (pte_prot(v) & PGPROT_SPECIAL)
		return true;
	out->page = phys_to_page(pte_paddr(v));
	if (!ref_get_not_zero(&out->page->refs))
		return false;
	/* Still mapped after the reference was taken: then it is the page, not its successor. */
	if (likely(pte_paddr(pte_load(e)) == pte_paddr(v) && pte_present(pte_load(e))))
		return true;
	page_put(out->page);
	return false;
}

/* The page under va for reading or writing; false: the access faults for good. */
static bool page_get_user(vaddr_t va, bool write, struct user_page *out)
{
	struct aspace *as = current->aspace;

	if (unlikely(!as))
		return false;
	while (true) {
		u64 majors = current->maj_faults;
		bool found;

		epoch_enter();
		found = page_lookup(as, va, write, out);
		epoch_exit();
		if (likely(found))
			return true;
		if (current->fault_disabled || !preemptible() ||
		    aspace_fault(as, va, write ? FAULT_WRITE : 0))
			return false;
		fault_count(majors);
	}
}

static void page_put_user(struct user_page *u)
{
	if (u->page)
		page_put(u->page);
}

static size_t chunk(vaddr_t va, size_t n) { return min(n, (size_t)(PAGE_SIZE - va % PAGE_SIZE)); }

size_t user_walk_copy_from(void *dst, const void __user *src, size_t n)
{
	vaddr_t va = (vaddr_t)src;
	struct user_page u;

	while (n) {
		size_t len = chunk(va, n);

		if (!page_get_user(va, false, &u))
			break;
		memcpy(dst, u.mem, len);
		page_put_user(&u);
		dst = (char *)dst + len;
		va += len;
		n -= len;
	}
	return n;
}

size_t user_walk_copy_to(void __user *dst, const void *src, size_t n)
{
	vaddr_t va = (vaddr_t)dst;
	struct user_page u;

	while (n) {
		size_t len = chunk(va, n);

		if (!page_get_user(va, true, &u))
			break;
		memcpy(u.mem, src, len);
		page_put_user(&u);
		src = (const char *)src + len;
		va += len;
		n -= len;
	}
	return n;
}

size_t user_walk_clear(void __user *dst, size_t n)
{
	vaddr_t va = (vaddr_t)dst;
	struct user_page u;

	while (n) {
		size_t len = chunk(va, n);

		if (!page_get_user(va, true, &u))
			break;
		memset(u.mem, 0, len);
		page_put_user(&u);
		va += len;
		n -= len;
	}
	return n;
}

ssize_t user_walk_copy_string(char *dst, const char __user *src, size_t max)
{
	vaddr_t va = (vaddr_t)src;
	struct user_page u;
	size_t done = 0;

	while (done < max) {
		size_t len = chunk(va, max - done), used;

		if (!page_get_user(va, false, &u))
			return -EFAULT;
		used = strnlen(u.mem, len);
		memcpy(dst + done, u.mem, used < len ? used + 1 : len);
		page_put_user(&u);
		done += used;
		if (used < len)
			return (ssize_t)done;
		va += len;
	}
	return (ssize_t)max;
}

int user_walk_load32(const u32 __user *src, u32 *value)
{
	struct user_page u;

	if (!page_get_user((vaddr_t)src, false, &u))
		return -EFAULT;
	*value = atomic_load((u32 *)u.mem);
	page_put_user(&u);
	return 0;
}

int user_walk_cmpxchg32(u32 __user *dst, u32 old, u32 new, u32 *prev)
{
	struct user_page u;

	if (!page_get_user((vaddr_t)dst, true, &u))
		return -EFAULT;
	*prev = old;
	(void)atomic_cmpxchg((u32 *)u.mem, prev, new);
	page_put_user(&u);
	return 0;
}
