/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "aspace": threads of one process change and use mappings, each in a window of its own and all in
 * one they share under a lock, and move between CPUs. The model knows for each page whether it is
 * mapped, what is allowed and what stands in it; children check their copies. A translation that
 * a CPU should have forgotten shows as an access that works, or as a wrong value. In a further place all threads
 * meet without a lock: each has words of its own in the same pages, so faults of different threads meet in one entry.
 * Beside it lies a gate: pages that one thread takes away or protects, and looks at, while the others touch them.
 */
#include <kernel/aspace.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include <uapi/mman.h>
#include "calls.h"
#include "work.h"

#define WINDOWS 5u		/* 0 is shared */
#define PAGES 12u
#define BASE 0x10000000ull
#define STEP 0x1000000ull
#define OPS 50u
#define LOCK SHARED		/* u32 */
#define DOOR (SHARED + 8)	/* u32 */
#define TURN (SHARED + 16)	/* u32 */
#define MREMAP_FLAGS 3u		/* MAYMOVE | FIXED */
#define DONTNEED 4u
#define HUGEPAGE 14u
#define NOHUGEPAGE 15u
#define COLLAPSE 25u
#define LARGE_STEP 0x80000ull	/* four to a large page */

/* A model page is one page, or in some windows many, so that what is behind them can be large pages. */
struct window {
	u64 base, step;
	struct { bool mapped, read, write; u64 value; } page[PAGES];
};
static struct window windows[WINDOWS];
static unsigned threads, ops;
static u64 next_value;

/* Every second page has words of each thread; the others belong to one thread each, which may also forget them. */
static struct {
	u64 base, step;
	u64 word[WINDOWS][PAGES];
} meeting;

static u64 page_at(const struct window *w, unsigned i) { return w->base + i * w->step; }

/* Words at both ends of the page carry the value. */
static void check_page(const struct window *w, unsigned i, const char *who)
{
	u64 va = page_at(w, i), at = va + (maybe(2) ? 0 : w->step - 8), v;
	bool ok = sim_try_load(at, 8, &v), want = w->page[i].mapped && w->page[i].read;

	if (ok != want)
		sim_fail("aspace: %s may%s read page %#llx, it did%s", who, want ? "" : " not", (unsigned long long)va,
			 ok ? "" : " not");
	if (ok && v != w->page[i].value)
		sim_fail("aspace: %s finds %llu in page %#llx, want %llu", who, (unsigned long long)v,
			 (unsigned long long)va, (unsigned long long)w->page[i].value);
}

static void do_store(struct window *w, unsigned i)
{
	u64 va = page_at(w, i), value = ++next_value;
	bool want = w->page[i].mapped && w->page[i].write, ok;

	ok = sim_try_store(va, 8, value);
	if (ok != want)
		sim_fail("aspace: a store to page %#llx should%s work", (unsigned long long)va, want ? "" : " not");
	if (ok) {
		sim_store(va + w->step - 8, 8, value);
		w->page[i].value = value;
	}
}

static bool all_mapped(const struct window *w, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++)
		if (!w->page[i].mapped)
			return false;
	return true;
}

static void must(long got, long want, const char *what)
{
	if (got != want)
		sim_fail("aspace: %s gives %ld, want %ld", what, got, want);
}

static void set_prot(struct window *w, unsigned i, unsigned prot)
{
	w->page[i].read = prot != PROT_NONE;
	w->page[i].write = (prot & PROT_WRITE) != 0;
}

static const unsigned prots[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE };

static void do_map(struct window *w, unsigned from, unsigned n)
{
	unsigned prot = prots[n == PAGES ? 0 : pick(ARRAY_LEN(prots))];

	must(CALL6(mmap, page_at(w, from), n * w->step, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	     (long)page_at(w, from), "mmap");
	if (w->step > PAGE_SIZE && maybe(2))
		must(CALL3(madvise, page_at(w, from), n * w->step, maybe(8) ? NOHUGEPAGE : HUGEPAGE), 0, "madvise");
	for (unsigned i = from; i < from + n; i++) {
		w->page[i].mapped = true;
		w->page[i].value = 0;
		set_prot(w, i, prot);
	}
}

static void do_unmap(struct window *w, unsigned from, unsigned n)
{
	must(CALL2(munmap, page_at(w, from), n * w->step), 0, "munmap");
	for (unsigned i = from; i < from + n; i++)
		w->page[i].mapped = false;
}

static void do_protect(struct window *w, unsigned from, unsigned n)
{
	unsigned prot = prots[pick(ARRAY_LEN(prots))];

	if (!all_mapped(w, from, n))
		return;
	must(CALL3(mprotect, page_at(w, from), n * w->step, prot), 0, "mprotect");
	for (unsigned i = from; i < from + n; i++)
		set_prot(w, i, prot);
}

static void do_forget(struct window *w, unsigned from, unsigned n)
{
	if (!all_mapped(w, from, n))
		return;
	must(CALL3(madvise, page_at(w, from), n * w->step, DONTNEED), 0, "madvise");
	for (unsigned i = from; i < from + n; i++)
		w->page[i].value = 0;
}

static void do_move(struct window *w, unsigned from)
{
	unsigned to = (unsigned)pick(PAGES);

	if (!w->page[from].mapped || to == from)
		return;
	must(sim_call(NR_mremap, page_at(w, from), w->step, w->step, MREMAP_FLAGS, page_at(w, to), 0),
	     (long)page_at(w, to), "mremap");
	w->page[to] = w->page[from];
	w->page[from].mapped = false;
}

/* The child's copy is what the window was when it was made; what parent or child write later stays their own. */
static void child(u64 arg)
{
	struct window *mine = (struct window *)arg;

	for (unsigned i = 0; i < PAGES; i++)
		check_page(mine, i, "a child");
	if (maybe(2))
		CALL0(sched_yield);
	for (unsigned i = 0; i < 4; i++)
		do_store(mine, (unsigned)pick(PAGES));
	for (unsigned i = 0; i < PAGES; i++)
		check_page(mine, i, "a child that wrote");
}

static struct window snapshots[WINDOWS];

static void do_fork(struct window *w)
{
	struct window *copy = &snapshots[w - windows];
	int pid;

	*copy = *w;
	pid = spawn(child, (u64)copy);
	for (unsigned i = 0; i < 4; i++)
		do_store(w, (unsigned)pick(PAGES));
	if (wait_child(pid, NULL) != pid)
		sim_fail("aspace: the child is gone without a word");
	for (unsigned i = 0; i < PAGES; i++)
		check_page(w, i, "a parent");
}

static void one_op(struct window *w)
{
	unsigned from = (unsigned)pick(PAGES), n = 1 + (unsigned)pick(PAGES - from);

	if (w->step > PAGE_SIZE && maybe(3)) {	/* whole blocks, not only parts of them */
		from = 0;
		n = PAGES;
	}
	switch (pick(16)) {
	case 0: case 1: do_map(w, from, n); break;
	case 2: do_unmap(w, from, n); break;
	case 3: case 4: do_protect(w, from, n); break;
	case 5: do_forget(w, from, n); break;
	case 6: do_move(w, from); break;
	case 7: if (maybe(3)) do_fork(w); break;
	case 8: wander(); break;
	case 9: case 10: case 11: do_store(w, from); break;
	default: check_page(w, from, "a thread"); break;
	}
}

static bool may_use(u64 me, unsigned i) { return i % 2 == 0 || i / 2 % threads == me; }

static u64 meeting_word(u64 me, unsigned i, bool at_end)
{
	return meeting.base + i * meeting.step + (at_end ? meeting.step - 8 * WINDOWS : 0) + 8 * me;
}

static void check_word(u64 me, unsigned i, const char *who)
{
	u64 va = meeting_word(me, i, maybe(2)), want = meeting.word[me][i], v;

	if (!sim_try_load(va, 8, &v) || v != want)
		sim_fail("aspace: %s, thread %llu, finds %llu at %#llx, want %llu", who, (unsigned long long)me,
			 (unsigned long long)v, (unsigned long long)va, (unsigned long long)want);
}

/* By process_vm_writev: the kernel holds a reference of the page while it copies, and no lock. */
static bool store_by_reference(u64 va, u64 value)
{
	u64 at = scratch();

	sim_store(at, 8, value);
	sim_store(at + 16, 8, at);
	sim_store(at + 24, 8, 8);
	sim_store(at + 32, 8, va);
	sim_store(at + 40, 8, 8);
	return sim_call(NR_process_vm_writev, (u64)CALL0(getpid), at + 16, 1, at + 32, 1, 0) == 8;
}

static void store_word(u64 me, unsigned i)
{
	u64 value = ++next_value, first = meeting_word(me, i, false);

	if (!(maybe(3) ? store_by_reference(first, value) : sim_try_store(first, 8, value)) ||
	    !sim_try_store(meeting_word(me, i, true), 8, value))
		sim_fail("aspace: a store where all meet does not work");
	meeting.word[me][i] = value;
}

static void check_words(u64 me)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (may_use(me, i))
			check_word(me, i, "a child of those who meet");
}

static void compact(void *unused) { compact_all(); }

static void meet(u64 me)
{
	unsigned i = (unsigned)pick(PAGES);

	if (!may_use(me, i))
		i--;
	switch (pick(10)) {
	case 0:
		if (i % 2) {
			must(CALL3(madvise, meeting.base + i * meeting.step, meeting.step, DONTNEED), 0, "madvise");
			meeting.word[me][i] = 0;
		}
		break;
	case 1:
		must(CALL3(madvise, meeting.base, PAGES * meeting.step, maybe(2) ? NOHUGEPAGE : HUGEPAGE), 0, "madvise");
		break;
	case 2:
		/* What it says depends on the others; what it may not do is change anything. */
		(void)CALL3(madvise, meeting.base, PAGES * meeting.step, COLLAPSE);
		if (maybe(8)) {
			int pid = spawn(check_words, me);

			if (wait_child(pid, NULL) != pid)
				sim_fail("aspace: the child is gone without a word");
		}
		break;
	case 3:
		/* Pages move to other frames; no program sees it. */
		if (maybe(3))
			sim_in_kernel(compact, NULL);
		break;
	case 4: case 5: check_word(me, i, "who meets others"); break;
	default: store_word(me, i); break;
	}
}

static void lock(void)
{
	while (!sim_cas32(LOCK, 0, 1))
		(void)futex_wait(LOCK, 1, 0);
}

static void unlock(void)
{
	sim_store(LOCK, 4, 0);
	futex_wake(LOCK, 1);
}

#define GATE_PAGES 4u

static u64 gate_page(u64 i) { return meeting.base + PAGES * meeting.step + i * PAGE_SIZE; }

static void open_gate(void)
{
	must(CALL6(mmap, gate_page(0), GATE_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	     (long)gate_page(0), "mmap");
}

/* Whoever shuts it must find it shut, though faults of others were under way. */
static void shut_gate(bool is_gone)
{
	u64 v;

	if (is_gone)
		must(CALL2(munmap, gate_page(0), GATE_PAGES * PAGE_SIZE), 0, "munmap");
	else
		must(CALL3(mprotect, gate_page(0), GATE_PAGES * PAGE_SIZE, PROT_READ), 0, "mprotect");
	for (unsigned i = 0; i < GATE_PAGES; i++)
		if (is_gone ? sim_try_load(gate_page(i), 8, &v) : sim_try_store(gate_page(i), 8, 1))
			sim_fail("aspace: page %u of the gate is %s", i, is_gone ? "there, but unmapped" : "written to, but protected");
	open_gate();
}

static void pass_gate(u64 me)
{
	u64 va = gate_page(pick(GATE_PAGES)), v;

	if (maybe(4)) {
		lock();
		shut_gate(maybe(2));
		unlock();
	} else if (maybe(2)) {
		(void)sim_try_store(va + 8 * me, 8, me);
	} else {
		(void)sim_try_load(va, 8, &v);
	}
}

static void worker(u64 me)
{
	struct window *mine = &windows[me + 1], *shared = &windows[0];

	for (unsigned i = 0; i < ops; i++) {
		for (u64 n = pick(8); n; n--)
			meet(me);
		for (u64 n = pick(4); n; n--)
			pass_gate(me);
		if (maybe(2)) {
			one_op(mine);
			continue;
		}
		lock();
		one_op(shared);
		for (unsigned k = 0; k < 3; k++)	/* so that this CPU knows a few translations */
			check_page(shared, (unsigned)pick(PAGES), "a sharer");
		unlock();
	}
	for (unsigned i = 0; i < PAGES; i++)
		check_page(mine, i, "a thread at its end");
	check_words(me);
	sim_add32(DOOR, 1);
	futex_wake(DOOR, 100);
}

/* The windows go; what the process holds of memory must go with them. */
static void tidy(void)
{
	for (unsigned w = 0; w < WINDOWS; w++)
		do_unmap(&windows[w], 0, PAGES);
	must(CALL2(munmap, meeting.base, PAGES * meeting.step), 0, "munmap");
	must(CALL2(munmap, gate_page(0), GATE_PAGES * PAGE_SIZE), 0, "munmap");
}

void work_aspace(void)
{
	memset(windows, 0, sizeof(windows));
	for (unsigned w = 0; w < WINDOWS; w++) {
		windows[w].base = BASE + w * STEP + pick(2) * (0x200000 - PAGES / 2 * PAGE_SIZE);	/* or across two tables */
		windows[w].step = PAGE_SIZE;
		if (maybe(2)) {
			windows[w].base = BASE + w * STEP + pick(4) * LARGE_STEP;
			windows[w].step = LARGE_STEP;
		}
	}
	memset(&meeting, 0, sizeof(meeting));
	meeting.base = BASE + WINDOWS * STEP + pick(4) * LARGE_STEP;
	meeting.step = maybe(3) ? PAGE_SIZE : LARGE_STEP;
	must(CALL6(mmap, meeting.base, PAGES * meeting.step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	     (long)meeting.base, "mmap");
	open_gate();
	ops = (unsigned)sim_setting("ops", OPS);
	threads = 1 + (unsigned)pick(WINDOWS - 1);
	sim_store(DOOR, 4, 0);
	set_handler(11, (u64)sim_user_fault_handler, 0, 0);
	for (unsigned i = 1; i < threads; i++)
		spawn_thread(worker, i, i);
	worker(0);
	while (sim_load(DOOR, 4) != threads)
		(void)futex_wait(DOOR, (u32)sim_load(DOOR, 4), 0);
	tidy();
}
