/* SPDX-License-Identifier: BSD-2-Clause */
/* Text to number. The other direction is format.c. */
#include <lib/compiler.h>
#include <lib/string.h>
#include <uapi/errno.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return 99;
}

int parse_u64_prefix(const char *s, unsigned base, u64 *value, const char **end)
{
	const char *start;
	u64 v = 0;

	if (base == 0) {
		base = s[0] != '0' ? 10 : (s[1] | 0x20) == 'x' ? 16 : 8;
		if (base == 16 && digit_value(s[2]) >= 16)
			base = 8;	/* "0x" alone: the number 0, then an x */
	}
	if (base == 16 && s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16)
		s += 2;
	for (start = s; (unsigned)digit_value(*s) < base; s++)
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)digit_value(*s), &v))
			return -ERANGE;
	if (s == start)
		return -EINVAL;
	*value = v;
	*end = s;
	return 0;
}

int parse_u64(const char *s, unsigned base, u64 *value)
{
	const char *end;
	u64 v;
	int err = parse_u64_prefix(s, base, &v, &end);

	if (err)
		return err;
	if (*end)
		return -EINVAL;
	*value = v;
	return 0;
}
