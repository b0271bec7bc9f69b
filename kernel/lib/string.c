/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions. memcpy and friends move words when both sides allow it; the page
 * sized cases are the architecture's (arch_page_copy). No state, no locks.
 */
#define LIB_STRING_DEFINITIONS
#include <lib/compiler.h>
#include <lib/string.h>

typedef u64 __attribute__((may_alias)) word;

#define WORD sizeof(word)

/* Four words; all are read before one is written. */
static __always_inline void copy_words(u8 *d, const u8 *s)
{
	word a = ((const word *)s)[0], b = ((const word *)s)[1], c = ((const word *)s)[2], e = ((const word *)s)[3];

	((word *)d)[0] = a;
	((word *)d)[1] = b;
	((word *)d)[2] = c;
	((word *)d)[3] = e;
}

/*
 * Words from a source that is not aligned as d is: read aligned, joined by shifts (little endian). Never reads a word
 * of which no byte is wanted; the other bytes of the first and last one are why the sanitizer is told to look away.
 */
__attribute__((no_sanitize("address")))
static size_t copy_shifted(u8 *d, const u8 *s, size_t n)
{
	unsigned off = (uintptr_t)s & (WORD - 1), shift = off * 8;
	const word *w = (const word *)(s - off);
	size_t done = 0;
	word low = *w++;

	for (; n - done >= WORD; done += WORD) {
		word high = *w++;

		*(word *)(d + done) = low >> shift | high << (64 - shift);
		low = high;
	}
	return done;
}

/*
 * Upwards; dst may lie below src and overlap it, so nothing here may promise the compiler that the
 * two are apart: it would load a word after its place was written.
 */
static __always_inline void copy_up(u8 *d, const u8 *s, size_t n)
{
	if (n >= 4 * WORD && (((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1))) {
		size_t done;

		for (; (uintptr_t)d & (WORD - 1); n--)
			*d++ = *s++;
		done = copy_shifted(d, s, n);
		d += done;
		s += done;
		n -= done;
	} else if (n >= WORD && (((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
		for (; (uintptr_t)d & (WORD - 1); n--)
			*d++ = *s++;
		for (; n >= 8 * WORD; n -= 8 * WORD, d += 8 * WORD, s += 8 * WORD) {
			copy_words(d, s);
			copy_words(d + 4 * WORD, s + 4 * WORD);
		}
		for (; n >= WORD; n -= WORD, d += WORD, s += WORD)
			*(word *)d = *(const word *)s;
	}
	while (n--)
		*d++ = *s++;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	copy_up(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	if ((uintptr_t)d - (uintptr_t)s >= n) {	/* dst is not inside [src, src + n) */
		copy_up(d, s, n);
		return dst;
	}
	if ((((uintptr_t)d ^ (uintptr_t)s) & (WORD - 1)) == 0) {
		for (; n && ((uintptr_t)(d + n) & (WORD - 1)); n--)
			d[n - 1] = s[n - 1];
		for (; n >= WORD; n -= WORD)
			*(word *)(d + n - WORD) = *(const word *)(s + n - WORD);
	}
	while (n--)
		d[n] = s[n];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	u8 *d = dst;
	word w = 0x0101010101010101ull * (u8)c;

	for (; n && ((uintptr_t)d & (WORD - 1)); n--)
		*d++ = (u8)c;
	for (; n >= 4 * WORD; n -= 4 * WORD, d += 4 * WORD) {
		((word *)d)[0] = w;
		((word *)d)[1] = w;
		((word *)d)[2] = w;
		((word *)d)[3] = w;
	}
	for (; n >= WORD; n -= WORD, d += WORD)
		*(word *)d = w;
	while (n--)
		*d++ = (u8)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n; n--, p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}

char *strstr(const char *s, const char *needle)
{
	size_t n = strlen(needle);

	for (; strlen(s) >= n; s++)
		if (memcmp(s, needle, n) == 0)
			return (char *)s;
	return NULL;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src), k = min(n, size - 1);

	memcpy(dst, src, k);
	dst[k] = '\0';
	return n;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}
