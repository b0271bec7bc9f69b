/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults of user spaces: demand paging, copy-on-write, accessed and dirty bits, stack growth.
 *
 * aspace.lock is held for reading, so areas stay; several threads may resolve the same address,
 * and whoever finds the entry changed under its table's lock lets its own work go and returns: the access
 * is tried again. Where several threads run in a space, a fresh anonymous page in a table that is there comes without
 * aspace.lock, whose word all CPUs would have to write to (fault_unlocked). An entry whose frame changes goes through "empty" and a flush first, which is
 * right on every architecture and demanded by some. File pages are mapped under their page lock,
 * so truncation either sees the entry or keeps it from being made.
 */
#include <arch/upcall.h>
#include <kernel/event.h>
#include <kernel/fault.h>
#include <kernel/thread.h>
#include <uapi/signal.h>

#include "aspace_internal.h"
#include "group_memory.h"
#include "huge.h"

#define TREE_DEPTH 48		/* more than any tree of areas has */
#define FAULT_AROUND 16		/* pages, a power of two: mapped together if they are in the cache */

static struct page *zero __ro_after_init;

void fault_init(void)
{
	zero = page_alloc(0, ALLOC_ZERO);
	if (!zero)
		panic("no memory for the zero page");
}

struct page *zero_page(void) { return zero; }

#define MAP_OLD BIT(31)		/* with fault flags: mapped along, nobody has used it */

static pte_t touched(pte_t p, unsigned flags)
{
	if (PTE_HW_ACCESSED && (flags & MAP_OLD))
		return pte_clear_accessed(p);
	p = pte_mark_accessed(p);
	return flags & FAULT_WRITE ? pte_mark_dirty(p) : p;
}

/* A present entry got more rights or bits: only this CPU must forget what it knew; others refault. */
void flush_here(struct aspace *as, vaddr_t va, unsigned level)
{
	if (PTE_HW_DIRTY)
		return;	/* such CPUs walk again before they fault on rights */
	preempt_disable();
	va = align_down(va, pt_span(level));
	arch_tlb_flush_range(as, cpu_mask(arch_cpu_self()->id), va, va + pt_span(level), pt_shift(level), false);
	preempt_enable();
}

static void sync_icache(struct page *p, unsigned prot)
{
	if (!(prot & PGPROT_EXEC) || (atomic_load(&p->flags) & PAGE_ICACHE_CLEAN))
		return;
	arch_icache_sync(page_to_virt(p), PAGE_SIZE);
	atomic_fetch_or(&p->flags, PAGE_ICACHE_CLEAN);
}

/* e's table locked. The reference of p goes to the entry. */
static void set_entry(struct aspace *as, pte_t *e, struct page *p, pte_t v)
{
	struct rss_delta delta = {};

	pt_assert_locked(e);
	page_mapped(&delta, p);
	rss_apply(as, &delta);
	pte_store(e, v);
}

/* e's table locked: nothing is there yet, and nothing was taken away from the whole space (reap.c). */
static bool is_fillable(const struct aspace *as, pte_t *e)
{
	return !pte_present(pte_load(e)) && likely(!atomic_load(&as->is_reaped));
}

/* Puts p at e if nothing is there yet; takes p's reference in any case. */
static void map_page(struct aspace *as, pte_t *e, struct page *p, unsigned prot, unsigned flags)
{
	bool done;

	sync_icache(p, prot);
	pt_lock(e);
	done = is_fillable(as, e);
	if (done)
		set_entry(as, e, p, touched(pte_make_leaf(page_to_phys(p), prot, 0), flags));
	pt_unlock(e);
	pte_sync();
	if (!done)
		page_put(p);
}

static struct page *anon_page_alloc(const struct aspace *as, vaddr_t va, u32 flags)
{
	struct page *p = page_alloc(0, ALLOC_USER | ALLOC_NOWARN | flags);

	if (!p)
		return NULL;
	p->flags |= PAGE_ANON | PAGE_UPTODATE;
	page_note_place(p, as, va);
	group_memory_count(p->group, GM_ANON, 1);
	return p;
}

static pte_t zero_leaf(unsigned prot)
{
	return pte_mark_accessed(pte_make_leaf(page_to_phys(zero), (prot & ~PGPROT_WRITE) | PGPROT_SPECIAL, 0));
}

static int fault_anon(struct vma *v, vaddr_t va, pte_t *e, unsigned flags)
{
	struct aspace *as = v->aspace;
	unsigned prot = vma_prot(v);
	struct page *p;

	if (!(flags & FAULT_WRITE)) {
		pt_lock(e);
		if (is_fillable(as, e))
			pte_store(e, zero_leaf(prot));
		pt_unlock(e);
		pte_sync();
		return 0;
	}
	p = anon_page_alloc(as, va, ALLOC_ZERO);
	if (!p)
		return -ENOMEM;
	map_page(as, e, p, prot, flags);
	return 0;
}

/* Still part of its file? Page locked. Pages without a cache behind them always are. */
static bool page_is_current(const struct vma *v, const struct page *p)
{
	struct page_mapping *m = vma_mapping(v);

	return !m || v->flags & VMA_SPECIAL || p->mapping == m;
}

/* Neighbours of addr that are in the cache already get their entries too, without waiting. */
static void fault_around(struct vma *v, vaddr_t addr, unsigned prot)
{
	struct aspace *as = v->aspace;
	vaddr_t start = max(align_down(addr, FAULT_AROUND * PAGE_SIZE), v->start);
	vaddr_t end = min(align_down(addr, FAULT_AROUND * PAGE_SIZE) + FAULT_AROUND * PAGE_SIZE, v->end);
	struct page_mapping *m = vma_mapping(v);
	vaddr_t next;
	pte_t *e = pgtable_chunk(as->root, start, end, &next);	/* never crosses a table */

	for (vaddr_t va = start; e && va < end; va += PAGE_SIZE, e++) {
		struct page *p;

		if (va == addr || pte_present(pte_load(e)))
			continue;
		p = mapping_find(m, vma_pgoff(v, va));
		if (!p)
			continue;
		if ((atomic_load(&p->flags) & (PAGE_UPTODATE | PAGE_ERROR)) != PAGE_UPTODATE ||
		    !page_trylock(p)) {
			page_put(p);
			continue;
		}
		if (page_is_current(v, p)) {
			page_get(p);
			map_page(as, e, p, prot, MAP_OLD);
		}
		page_unlock(p);
		page_put(p);
	}
}

/* A private area is written to where the file's page would be: it gets its own copy. */
static int fault_file_copy(struct vma *v, vaddr_t va, pte_t *e, struct page *from, unsigned flags)
{
	struct page *p = anon_page_alloc(v->aspace, va, 0);

	atomic_fetch_or(&v->flags, VMA_COPIED);
	if (p) {
		arch_page_copy(page_to_virt(p), page_to_virt(from));
		map_page(v->aspace, e, p, vma_prot(v), flags);
	}
	page_put(from);
	return p ? 0 : -ENOMEM;
}

/* Before a shared page becomes writable. May sleep. Whatever the file system says, the program sees SIGBUS. */
static int make_shared_writable(struct vma *v, struct page *p)
{
	int err = v->ops->page_mkwrite ? v->ops->page_mkwrite(v, p) : 0;

	return err && err != -ENOMEM ? -EIO : err;
}

static int fault_file(struct vma *v, vaddr_t addr, pte_t *e, unsigned flags)
{
	bool is_write = flags & FAULT_WRITE, is_shared = v->flags & VMA_SHARED;
	unsigned prot = vma_prot(v);
	struct page *p = NULL;
	int err = v->ops->fault ? v->ops->fault(v, vma_pgoff(v, addr), flags, &p) : -EIO;

	if (err)
		return err;
	if (is_write && !is_shared)
		return fault_file_copy(v, addr, e, p, flags);
	if (is_write)
		err = make_shared_writable(v, p);
	if (err) {
		page_put(p);
		return err;
	}
	page_lock(p);
	if (!page_is_current(v, p)) {
		page_unlock(p);
		page_put(p);
		return 0;	/* truncated meanwhile: the next try tells */
	}
	if (is_write) {
		atomic_fetch_and(&p->flags, ~PAGE_ICACHE_CLEAN);
		if (p->mapping)
			page_mark_dirty(p);
	} else {
		prot &= ~PGPROT_WRITE;	/* private: copy first; shared: the file is told first */
	}
	page_get(p);
	map_page(v->aspace, e, p, prot, flags);
	page_unlock(p);
	page_put(p);
	if (!is_write && v->ops == &pagecache_vma_ops)
		fault_around(v, addr, prot);
	return 0;
}

/* Replaces the frame behind e, which held `old`, by p. False: it was no longer old. */
static bool replace_entry(struct vma *v, vaddr_t va, pte_t *e, pte_t old, struct page *p)
{
	struct aspace *as = v->aspace;
	struct tlb_batch b;

	tlb_batch_init(&b, as);
	pt_lock(e);
	if (!pte_present(pte_load(e)) || pte_paddr(pte_load(e)) != pte_paddr(old) ||
	    (pte_prot(pte_load(e)) & PGPROT_WRITE)) {
		pt_unlock(e);
		return false;
	}
	pte_exchange(e, PTE_EMPTY);
	tlb_batch_add(&b, va, 0);
	if (!(pte_prot(old) & PGPROT_SPECIAL)) {
		struct page *gone = phys_to_page(pte_paddr(old));
		struct rss_delta delta = {};

		page_unmapped(&delta, gone);
		rss_apply(as, &delta);
		tlb_batch_page(&b, gone);
	}
	tlb_batch_finish(&b);
	set_entry(as, e, p, touched(pte_make_leaf(page_to_phys(p), vma_prot(v), 0), FAULT_WRITE));
	pt_unlock(e);
	pte_sync();
	return true;
}

/* Write to a private page that is mapped without the right. */
static int fault_cow(struct vma *v, vaddr_t va, pte_t *e)
{
	struct aspace *as = v->aspace;
	struct page *old = NULL, *p;
	pte_t was;

	pt_lock(e);
	was = pte_load(e);
	if (!pte_present(was) || (pte_prot(was) & PGPROT_WRITE)) {
		pt_unlock(e);
		return 0;
	}
	if (!(pte_prot(was) & PGPROT_SPECIAL)) {
		old = phys_to_page(pte_paddr(was));
		if ((old->flags & PAGE_ANON) && ref_read(&old->refs) == 1) {
			/* Nobody else has it: no copy. */
			while (!pte_cmpxchg(e, was, touched(pte_with_prot(was, vma_prot(v), 0), FAULT_WRITE)))
				was = pte_load(e);
			pt_unlock(e);
			pte_sync();
			flush_here(as, va, 0);
			return 0;
		}
		page_get(old);
	} else if (pte_paddr(was) != page_to_phys(zero)) {
		pt_unlock(e);
		return -EACCES;
	}
	pt_unlock(e);
	if (v->ops)
		atomic_fetch_or(&v->flags, VMA_COPIED);
	p = anon_page_alloc(as, va, old ? 0 : ALLOC_ZERO);
	if (p && old)
		arch_page_copy(page_to_virt(p), page_to_virt(old));
	if (p) {
		sync_icache(p, vma_prot(v));
		if (!replace_entry(v, va, e, was, p))
			page_put(p);
	}
	if (old)
		page_put(old);
	return p ? 0 : -ENOMEM;
}

/* Write to a shared page that is mapped read-only to notice the first write. */
static int fault_shared_write(struct vma *v, vaddr_t va, pte_t *e)
{
	struct aspace *as = v->aspace;
	struct page *p = NULL;
	pte_t was;
	int err;

	pt_lock(e);
	was = pte_load(e);
	if (pte_present(was) && !(pte_prot(was) & (PGPROT_WRITE | PGPROT_SPECIAL)))
		p = page_get(phys_to_page(pte_paddr(was)));
	pt_unlock(e);
	if (!p)
		return pte_prot(was) & PGPROT_SPECIAL ? -EACCES : 0;
	err = make_shared_writable(v, p);
	if (err) {
		page_put(p);
		return err;
	}
	page_lock(p);
	if (page_is_current(v, p)) {
		atomic_fetch_and(&p->flags, ~PAGE_ICACHE_CLEAN);
		if (p->mapping)
			page_mark_dirty(p);
		pt_lock(e);
		was = pte_load(e);
		while (pte_present(was) && pte_paddr(was) == page_to_phys(p) &&
		       !pte_cmpxchg(e, was, touched(pte_with_prot(was, vma_prot(v), 0), FAULT_WRITE)))
			was = pte_load(e);
		pt_unlock(e);
		pte_sync();
		flush_here(as, va, 0);
	}
	page_unlock(p);
	page_put(p);
	return 0;
}

/* The entry allows the access: note the bits the CPU does not set, drop what it remembers. */
static void fault_bits(struct vma *v, vaddr_t va, pte_t *e, unsigned flags)
{
	pte_t was, now;

	do {
		was = pte_load(e);
		now = touched(was, flags);
	} while (pte_present(was) && was != now && !pte_cmpxchg(e, was, now));
	pte_sync();
	flush_here(v->aspace, va, 0);
}

int fault_resolve(struct vma *v, vaddr_t addr, unsigned flags)
{
	vaddr_t va = align_down(addr, PAGE_SIZE);
	struct aspace *as = v->aspace;
	vaddr_t next;
	pte_t *e = pgtable_chunk(as->root, va, va + PAGE_SIZE, &next), p;

	if (unlikely(!e)) {
		if (!v->ops && !huge_fault(v, va, flags))
			return 0;
		e = aspace_pte(as, va);
	}
	if (unlikely(!e))	/* or another thread made it large just now */
		return huge_is_covered(as, va) ? 0 : -ENOMEM;
	p = pte_load(e);
	if (!pte_present(p)) {
		if (v->flags & VMA_SPECIAL && !v->ops)
			return -EIO;
		return v->ops ? fault_file(v, va, e, flags) : fault_anon(v, va, e, flags);
	}
	if (!(flags & FAULT_WRITE) || (pte_prot(p) & PGPROT_WRITE)) {
		fault_bits(v, va, e, flags);
		return 0;
	}
	return v->flags & VMA_SHARED ? fault_shared_write(v, va, e) : fault_cow(v, va, e);
}

/* addr lies below a stack: may it grow down there? Takes the lock for writing. */
static int grow_stack(struct aspace *as, vaddr_t addr)
{
	struct vma *v, *below;
	vaddr_t start = align_down(addr, PAGE_SIZE);
	int err = -EFAULT;

	aspace_lock(as);
	v = aspace_find(as, addr);
	if (v && v->start <= addr) {
		err = 0;	/* another thread was faster */
	} else if (v && (v->flags & VMA_GROWSDOWN) && start >= MMAP_MIN_ADDR) {
		below = gap_vma(gap_prev(vma_gap(v)));
		if (v->end - start <= rlimit(RLIMIT_STACK) &&
		    (!below || (below->flags & VMA_GROWSDOWN) || below->end + STACK_GAP <= start)) {
			vma_resize(v, start, v->end);
			err = 0;
		}
	}
	aspace_unlock(as);
	return err;
}

static bool access_ok(const struct vma *v, unsigned flags)
{
	if (unlikely(flags & FAULT_FORCE) && (flags & FAULT_WRITE) && !(v->flags & VMA_WRITE))
		return (v->flags & (VMA_SHARED | VMA_MAYWRITE)) == VMA_MAYWRITE;
	if (flags & FAULT_WRITE)
		return v->flags & VMA_WRITE;
	if (flags & FAULT_EXEC)
		return v->flags & VMA_EXEC;
	return v->flags & (VMA_READ | VMA_WRITE | VMA_EXEC);
}

/*
 * In an epoch section: the area at addr, though it may change or go at any moment. NULL: none, or it was missed, since the tree
 * may be turned meanwhile (which also bounds the walk).
 */
static const struct vma *find_unlocked(struct aspace *as, vaddr_t addr)
{
	const struct vma *v = atomic_load(&as->last_hit);
	struct rb_node *n = READ_ONCE(as->areas.root);

	if (v && READ_ONCE(v->start) <= addr && addr < READ_ONCE(v->end))
		return v;
	for (unsigned depth = 0; n && depth < TREE_DEPTH; depth++) {
		v = rb_entry(n, struct vma, node);
		if (addr < READ_ONCE(v->start))
			n = READ_ONCE(n->left);
		else if (addr >= READ_ONCE(v->end))
			n = READ_ONCE(n->right);
		else
			return v;
	}
	return NULL;
}

/*
 * A fresh page of an anonymous area, in a table that is there. False: nothing was done. What was read of the area counts only if
 * under the table's lock nobody has begun to change areas since: who does so looks into each table of his range afterwards, and
 * finds the new entry or has it kept out.
 */
static bool fault_unlocked(struct aspace *as, vaddr_t addr, unsigned flags)
{
	u32 changes = atomic_load_acquire(&as->changes);	/* pairs with aspace_unlock */
	vaddr_t va = align_down(addr, PAGE_SIZE), next;
	struct page *p = NULL;
	const struct vma *v;
	bool done = false;
	unsigned prot;
	pte_t *e;

	if (changes & 1)
		return false;
	epoch_enter();
	v = find_unlocked(as, addr);
	e = v && vma_is_anon(v) && access_ok(v, flags) ? pgtable_chunk(as->root, va, va + PAGE_SIZE, &next) : NULL;
	if (!e || pte_present(pte_load(e)))
		goto out;
	prot = vma_prot(v);
	if (flags & FAULT_WRITE) {
		p = anon_page_alloc(as, va, ALLOC_ZERO | ALLOC_TRY);
		if (!p)
			goto out;
		sync_icache(p, prot);
	}
	pt_lock(e);
	atomic_fence_acquire();	/* the area was read before; pairs with the fence in aspace_lock */
	done = is_fillable(as, e) && atomic_load(&as->changes) == changes;
	if (done && p)
		set_entry(as, e, p, touched(pte_make_leaf(page_to_phys(p), prot, 0), flags));
	else if (done)
		pte_store(e, zero_leaf(prot));
	pt_unlock(e);
	pte_sync();
	if (!done && p)
		page_put(p);
out:
	epoch_exit();
	return done;
}

int aspace_fault(struct aspace *as, vaddr_t addr, unsigned flags)
{
	struct vma *v;
	int err;

	mm_count(MM_FAULTS, 1);
	if (ref_read(&as->users) > 1 && as == current->aspace && fault_unlocked(as, addr, flags))
		return 0;
	while (true) {
		rwlock_read_lock(&as->lock);
		v = aspace_find(as, addr);
		if (v && v->start <= addr)
			break;
		err = v && (v->flags & VMA_GROWSDOWN) ? -EAGAIN : -EFAULT;
		rwlock_read_unlock(&as->lock);
		if (err == -EAGAIN)
			err = grow_stack(as, addr);
		if (err)
			return err;
	}
	err = access_ok(v, flags) ? fault_resolve(v, addr, flags) : -EACCES;
	if (unlikely(atomic_load(&as->is_reaped)))
		err = -EFAULT;
	rwlock_read_unlock(&as->lock);
	return err;
}

static void post_signal(int err, vaddr_t addr)
{
	switch (err) {
	case -EACCES:
		signal_fault(SIGSEGV, SEGV_ACCERR, addr);
		break;
	case -EIO:
		signal_fault(SIGBUS, BUS_ADRERR, addr);
		break;
	case -ENOMEM:
		if (!signal_fatal_pending(current))
			signal_send_process(current->process, SIGKILL, NULL);
		break;
	default:
		signal_fault(SIGSEGV, SEGV_MAPERR, addr);
	}
}

/* A fault was resolved; maj_faults was `before`. File mappings raise it when they go to the disk. */
void fault_count(u64 before)
{
	if (unlikely(current->group != &group_root)) {
		group_memory_count(current->group, GM_FAULTS, 1);
		group_memory_count(current->group, GM_MAJOR_FAULTS, current->maj_faults != before);
	}
	if (likely(current->maj_faults == before))
		current->min_faults++;
	else
		mm_count(MM_MAJOR_FAULTS, (s64)(current->maj_faults - before));
}

bool __hot trap_page_fault(struct arch_regs *regs, vaddr_t addr, unsigned flags)
{
	struct aspace *as = current->aspace;
	bool is_user = flags & FAULT_USER;
	u64 majors = current->maj_faults;
	u32 mark = fault_mark();
	int err = -EFAULT;

	(void)regs;
	event_count(EVENT_EXCEPTION);
	if (!is_user && (!as || addr >= arch_layout.user_end || current->fault_disabled || !preemptible()))
		return false;
	if (as && addr < arch_layout.user_end)
		err = aspace_fault(as, addr, flags);
	if (!err) {
		fault_count(majors);
		return true;
	}
	if (!is_user)
		return false;
	if (err == -ENOMEM && fault_struck(mark))
		return true;		/* the program tries again */
	post_signal(err, addr);
	return true;
}
