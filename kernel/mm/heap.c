/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmalloc and its family: size classes over slab.c up to 8 KiB, whole pages above. Power-of-two
 * sizes up to 4096 are aligned to their size because their slots are.
 */
#include <kernel/panic.h>
#include <lib/string.h>

#include "mm_internal.h"
#include "slab.h"

static const struct {
	u16 size;
	const char *name;
} classes[] = {
	{ 16, "kmalloc-16" },	  { 32, "kmalloc-32" },	    { 48, "kmalloc-48" },
	{ 64, "kmalloc-64" },	  { 96, "kmalloc-96" },	    { 128, "kmalloc-128" },
	{ 192, "kmalloc-192" },	  { 256, "kmalloc-256" },   { 384, "kmalloc-384" },
	{ 448, "kmalloc-448" },	  { 512, "kmalloc-512" },   { 576, "kmalloc-576" },	/* 448, 576: a TCP connection, its socket */
	{ 768, "kmalloc-768" },	  { 1024, "kmalloc-1k" },
	{ 2048, "kmalloc-2k" },	  { 4096, "kmalloc-4k" },   { 8192, "kmalloc-8k" },
};
static struct kmem_cache *class_cache[ARRAY_LEN(classes)] __ro_after_init;
#define KMALLOC_SLAB_MAX 8192

/* Class of each size in steps of 16 up to 1024; above by power of two. */
static u8 small_class[1024 / 16 + 1] __ro_after_init;

static struct kmem_cache *cache_for(size_t size)
{
	if (size <= 1024)
		return class_cache[small_class[(size + 15) / 16]];
	return class_cache[ARRAY_LEN(classes) - 3 + log2_ceil(size) - 11];
}

void *kmalloc(size_t size, u32 flags)
{
	struct page *p;
	unsigned order;

	if (unlikely(size == 0))
		size = 1;
	if (likely(size <= KMALLOC_SLAB_MAX))
		return kmem_cache_alloc(cache_for(size), flags);
	if (size > PAGE_SIZE << PAGE_ORDER_MAX)
		return NULL;
	order = log2_ceil(div_round_up(size, PAGE_SIZE));
	p = page_alloc(order, flags & ~ALLOC_USER);
	return p ? page_to_virt(p) : NULL;
}

void *kzalloc(size_t size, u32 flags) { return kmalloc(size, flags | ALLOC_ZERO); }

void *kcalloc(size_t n, size_t size, u32 flags)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kmalloc(bytes, flags | ALLOC_ZERO);
}

void kfree(const void *p)
{
	struct page *page;
	struct kmem_cache *c;

	if (!p)
		return;
	if (unlikely((vaddr_t)p - arch_layout.linear_base >= arch_layout.linear_size))
		panic("kfree of %p, which kmalloc never gave", p);
	page = virt_to_page(p);
	c = slab_page_cache(page);
	if (c)
		kmem_cache_free(c, (void *)p);
	else if (is_aligned((vaddr_t)p, PAGE_SIZE))
		page_free(page, page->order);
	else
		panic("kfree of %p, which kmalloc never gave", p);
}

size_t ksize(const void *p)
{
	struct page *page = virt_to_page(p);
	struct kmem_cache *c = slab_page_cache(page);

	return c ? slab_object_size(c) : PAGE_SIZE << page->order;
}

void *krealloc(void *p, size_t size, u32 flags)
{
	void *q;
	size_t old;

	if (!p)
		return kmalloc(size, flags);
	old = ksize(p);
	if (size <= old && size > old / 4)
		return p;
	q = kmalloc(size, flags);
	if (!q)
		return NULL;
	memcpy(q, p, min(old, size));
	kfree(p);
	return q;
}

char *kstrdup(const char *s, u32 flags)
{
	size_t n = strlen(s) + 1;
	char *copy = kmalloc(n, flags);

	return copy ? memcpy(copy, s, n) : NULL;
}

void heap_init(void)
{
	unsigned class = 0;

	for (unsigned i = 0; i < ARRAY_LEN(classes); i++) {
		size_t size = classes[i].size, align = is_pow2(size) ? min(size, (size_t)PAGE_SIZE) : 16;

		class_cache[i] = kmem_cache_create(classes[i].name, size, align, NULL);
	}
	for (unsigned i = 0; i < ARRAY_LEN(small_class); i++) {
		if (i * 16 > classes[class].size)
			class++;
		small_class[i] = class;
	}
}
