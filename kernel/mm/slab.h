/* SPDX-License-Identifier: BSD-2-Clause */
/* A slab cache from inside; shared by slab.c, heap.c and the tests. */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include <kernel/lock.h>
#include <kernel/mm.h>

#define SLAB_CACHES_MAX 80

/* [c] set at creation, [l] lock. */
struct kmem_cache {
	const char *name;		/* [c] */
	void (*ctor)(void *obj);	/* [c] */
	size_t object_size, slot_size;	/* [c] bytes */
	size_t link_offset;		/* [c] of the free-list link in a free object */
	size_t redzone_offset;		/* [c] debug; 0: none */
	u32 id, order, per_slab, magazine_size;	/* [c] */
	struct spinlock lock;		/* LOCK_SLAB, irq */
	struct list partial;		/* [l] slabs with a free object */
	u64 nr_slabs, nr_empty, nr_used;	/* [l] used: outside the slabs, magazines included */
};
size_t slab_object_size(const struct kmem_cache *c);
/* Bytes of the object that p, in a slab of c, points into, from p on; 0: between objects. */
size_t slab_bytes_after(const struct kmem_cache *c, const void *p);

#endif
