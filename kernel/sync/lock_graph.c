/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order in which locks are taken, as it was seen (debug builds). Ranks say which order is meant; this finds what
 * ranks leave open: cycles among locks of one rank and among unranked ones, also when the threads
 * that would have to meet never did. A class is all locks of one name and rank; an edge A -> B says that B was waited
 * for while A was held, and keeps the stack of the first time. Locks of one class under each other
 * make no edge: their order is their own comment's matter. Nothing is ever removed.
 * Lock: graph_lock, raw and with interrupts off, for writing; classes and bits are read without.
 */
#include "lock_graph.h"
#include <kernel/thread.h>

#if CONFIG_DEBUG

#define EDGES_MAX 1024u
#define WORDS (LOCK_CLASSES_MAX / 64)

struct lock_class {
	const char *name;	/* [a] set last; NULL: free */
	u32 rank;
};
static struct lock_class classes[LOCK_CLASSES_MAX];	/* open addressing; slot 0 stays empty */

static u64 after[LOCK_CLASSES_MAX][WORDS];	/* [a] bit j of i: j was taken under i */
static struct edge {
	u16 from, to;
	u32 frames;
	vaddr_t pcs[LOCK_EDGE_FRAMES];
} edges[EDGES_MAX];
static u32 nr_edges;				/* [a] */
static struct spinlock graph_lock = SPINLOCK_INIT("lock graph", LOCK_UNRANKED);

static unsigned slot_of(const char *name, enum lock_rank rank)
{
	u64 h = ((u64)(uintptr_t)name ^ (u64)rank << 56) * 0x9e3779b97f4a7c15ull;

	return (unsigned)(h >> 56) % LOCK_CLASSES_MAX;
}

u16 lock_class_of(const char *name, enum lock_rank rank)
{
	unsigned start = slot_of(name, rank), i = start;
	unsigned long irq;
	u16 found = LOCK_CLASS_NONE;

	if (!name)
		return LOCK_CLASS_NONE;
	do {
		const char *there = i ? atomic_load_acquire(&classes[i].name) : NULL;	/* pairs with the release below */

		if (there == name && classes[i].rank == rank)
			return (u16)i;
		if (i && !there)
			break;
		i = (i + 1) % LOCK_CLASSES_MAX;
	} while (i != start);

	irq = arch_irq_save();
	spin_lock_raw(&graph_lock);
	for (unsigned n = 0; n < LOCK_CLASSES_MAX && !found; n++, i = (i + 1) % LOCK_CLASSES_MAX) {
		if (i == 0)
			continue;
		if (!classes[i].name) {
			classes[i].rank = rank;
			atomic_store_release(&classes[i].name, name);
		}
		if (classes[i].name == name && classes[i].rank == rank)
			found = (u16)i;
	}
	spin_unlock_raw(&graph_lock);
	arch_irq_restore(irq);
	return found;
}

const char *lock_class_name(u16 class) { return class && classes[class].name ? classes[class].name : "?"; }

static bool is_after(unsigned from, unsigned to)
{
	return atomic_load(&after[from][to / 64]) & BIT(to % 64);
}

/* graph_lock held. Breadth first, so the way found is a shortest one. */
static unsigned find_path(u16 wanted, u16 held, u16 *path, unsigned max)
{
	static u16 queue[LOCK_CLASSES_MAX], parent[LOCK_CLASSES_MAX];
	unsigned head = 0, tail = 0, len = 0;

	for (unsigned i = 0; i < LOCK_CLASSES_MAX; i++)
		parent[i] = 0;
	queue[tail++] = wanted;
	parent[wanted] = wanted;
	while (head < tail && !parent[held]) {
		u16 at = queue[head++];

		for (unsigned w = 0; w < WORDS; w++)
			for (u64 bits = atomic_load(&after[at][w]); bits; bits &= bits - 1) {
				unsigned next = w * 64 + ctz64(bits);

				if (parent[next])
					continue;
				parent[next] = at;
				queue[tail++] = (u16)next;
			}
	}
	if (!parent[held])
		return 0;
	for (u16 at = held;; at = parent[at]) {
		len++;
		if (at == wanted)
			break;
	}
	/* From its end: parents lead backwards. */
	for (u16 at = held, i = (u16)len; i-- > 0; at = parent[at])
		if (i < max)
			path[i] = at;
	return len;
}

unsigned lock_graph_path(u16 wanted, u16 held, u16 *path, unsigned max)
{
	unsigned long irq = arch_irq_save();
	unsigned n;

	spin_lock_raw(&graph_lock);
	n = find_path(wanted, held, path, max);
	spin_unlock_raw(&graph_lock);
	arch_irq_restore(irq);
	return n;
}

bool lock_graph_add(u16 held, u16 wanted)
{
	u16 none[1];
	unsigned long irq;
	bool is_sound = true;

	if (held == wanted || !held || !wanted || is_after(held, wanted))
		return true;
	irq = arch_irq_save();
	spin_lock_raw(&graph_lock);
	if (is_after(held, wanted)) {
		;	/* another CPU was quicker */
	} else if (find_path(wanted, held, none, 0)) {
		is_sound = false;
	} else {
		if (nr_edges < EDGES_MAX) {
			struct edge *e = &edges[nr_edges];

			e->from = held;
			e->to = wanted;
			e->frames = arch_backtrace(NULL, e->pcs, LOCK_EDGE_FRAMES);
			atomic_store_release(&nr_edges, nr_edges + 1);	/* pairs with lock_graph_stack */
		}
		atomic_fetch_or(&after[held][wanted / 64], BIT(wanted % 64));
	}
	spin_unlock_raw(&graph_lock);
	arch_irq_restore(irq);
	return is_sound;
}

unsigned lock_graph_stack(u16 from, u16 to, vaddr_t pcs[LOCK_EDGE_FRAMES])
{
	u32 n = atomic_load_acquire(&nr_edges);		/* pairs with lock_graph_add */

	for (u32 i = 0; i < n; i++) {
		if (edges[i].from != from || edges[i].to != to)
			continue;
		for (u32 f = 0; f < edges[i].frames; f++)
			pcs[f] = edges[i].pcs[f];
		return edges[i].frames;
	}
	return 0;
}

#endif
