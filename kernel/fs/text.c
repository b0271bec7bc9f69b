/* SPDX-License-Identifier: BSD-2-Clause */
/* The growing text buffer that files of /proc and /sys are made in. The owner's lock guards it. */
#include <kernel/mm.h>
#include <kernel/procfs.h>
#include <lib/format.h>
#include <lib/string.h>

#define TEXT_SIZE_MIN 512u
#define TEXT_SIZE_MAX (8u << 20)

static bool make_room(struct text *t, size_t need)
{
	size_t size = max(t->size, (size_t)TEXT_SIZE_MIN);
	char *buf;

	while (size < need)
		size *= 2;
	if (t->failed || size > TEXT_SIZE_MAX) {
		t->failed = true;
		return false;
	}
	if (size == t->size)
		return true;
	buf = krealloc(t->buf, size, 0);
	if (!buf) {
		t->failed = true;
		return false;
	}
	t->buf = buf;
	t->size = size;
	return true;
}

void text_append(struct text *t, const char *s, size_t n)
{
	if (!make_room(t, t->len + n + 1))
		return;
	memcpy(t->buf + t->len, s, n);
	t->len += n;
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!make_room(t, t->len + 128))
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if ((size_t)n >= t->size - t->len) {
		if (!make_room(t, t->len + (size_t)n + 1))
			return;
		va_start(ap, fmt);
		n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
		va_end(ap);
	}
	t->len += (size_t)n;
}
