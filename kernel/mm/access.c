/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of another address space, for ptrace and /proc/PID: page by page, faulted in like an
 * access of its own and copied through the linear map.
 */
#include <arch/upcall.h>
#include <lib/string.h>

#include "aspace_internal.h"
#include "huge.h"

enum access { ACCESS_WRITE = 1, ACCESS_FORCED = 2 };

/* May that be done through this entry? pt_lock held. A forced write needs a page that is nobody else's. */
static bool entry_allows(pte_t v, enum access how)
{
	unsigned prot = pte_prot(v);
	struct page *p;

	if (!pte_present(v))
		return false;
	if (!(how & ACCESS_WRITE))
		return (how & ACCESS_FORCED) || (prot & PGPROT_READ);
	if (prot & PGPROT_WRITE)
		return true;
	if (!(how & ACCESS_FORCED) || (prot & PGPROT_SPECIAL))
		return false;
	p = phys_to_page(pte_paddr(v));
	return (atomic_load(&p->flags) & PAGE_ANON) && ref_read(&p->refs) == 1;
}

/* The page at va with a reference of ours, ready for the access; NULL: not to be had. *is_code: it is executable there. */
static struct page *get_page(struct aspace *as, vaddr_t va, enum access how, bool *is_code)
{
	unsigned fault = (how & ACCESS_WRITE ? FAULT_WRITE : 0) | (how & ACCESS_FORCED ? FAULT_FORCE : 0);

	for (unsigned tries = 0; tries < 8; tries++) {
		struct page *p = NULL;
		pte_t *e, v;

		rwlock_read_lock(&as->lock);
		e = huge_lock_page(as, va, &v);
		if (e && entry_allows(v, how))
			p = phys_to_page(pte_paddr(v));
		*is_code = e && pte_prot(v) & PGPROT_EXEC;
		/* Special frames live for ever and are not counted, but the caller drops one. */
		if (p)
			page_get(p);
		if (e)
			pt_unlock(e);
		rwlock_read_unlock(&as->lock);
		if (p)
			return p;
		if (aspace_fault(as, va, fault))
			return NULL;
	}
	return NULL;
}

/* buf NULL: zeros are written. */
static size_t access(struct aspace *as, vaddr_t addr, void *buf, size_t len, enum access how)
{
	size_t done = 0;

	while (done < len && addr + done < arch_layout.user_end) {
		vaddr_t at = addr + done;
		size_t n = min(len - done, (size_t)(PAGE_SIZE - at % PAGE_SIZE));
		bool is_code = false;
		struct page *p = get_page(as, align_down(at, PAGE_SIZE), how, &is_code);
		char *mem;

		if (!p)
			break;
		mem = (char *)page_to_virt(p) + at % PAGE_SIZE;
		if (how & ACCESS_WRITE) {
			if (buf)
				memcpy(mem, (char *)buf + done, n);
			else
				memset(mem, 0, n);
			if (is_code)	/* a debugger's breakpoint; costly on some machines, so only then */
				arch_icache_sync(mem, n);
		} else {
			memcpy((char *)buf + done, mem, n);
		}
		page_put(p);
		done += n;
	}
	return done;
}

size_t aspace_access(struct aspace *as, vaddr_t addr, void *buf, size_t len, bool write)
{
	return access(as, addr, buf, len, write ? ACCESS_WRITE : 0);
}

size_t aspace_access_forced(struct aspace *as, vaddr_t addr, void *buf, size_t len, bool write)
{
	return access(as, addr, buf, len, ACCESS_FORCED | (write ? ACCESS_WRITE : 0));
}

size_t aspace_clear(struct aspace *as, vaddr_t addr, size_t len) { return access(as, addr, NULL, len, ACCESS_WRITE); }
