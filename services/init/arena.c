/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of one unit's configuration: grows in chunks, goes away as a whole. */
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define CHUNK 228	/* with its header 236 bytes, a size that musl's malloc has */

void *arena_alloc(struct arena *a, size_t bytes)
{
	size_t need = (bytes + 7) & ~(size_t)7;
	char *out;

	if (!a->first || a->size - a->used < need) {
		size_t size = need > CHUNK ? need : CHUNK;
		struct arena_chunk *chunk = malloc(sizeof *chunk + size);

		if (!chunk)
			return NULL;
		chunk->next = a->first;
		a->first = chunk;
		a->used = 0;
		a->size = size;
	}
	out = a->first->data + a->used;
	a->used += need;
	return memset(out, 0, need);
}

char *arena_text(struct arena *a, const char *text, size_t length)
{
	char *out = arena_alloc(a, length + 1);

	return out ? memcpy(out, text, length) : NULL;
}

void arena_free(struct arena *a)
{
	while (a->first) {
		struct arena_chunk *next = a->first->next;

		free(a->first);
		a->first = next;
	}
	a->used = a->size = 0;
}
