/* SPDX-License-Identifier: BSD-2-Clause */
/* printf-style formatting; what is understood stands in include/lib/format.h. No state, any context. */
#include <lib/format.h>
#include <lib/string.h>

struct out {
	char *buf;
	size_t size, len;
};

struct spec {
	bool left, plus, blank, alt, zero;
	int width, precision;		/* precision -1: not given */
	int length;			/* bytes of the integer argument */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_text(struct out *o, const struct spec *sp, const char *s)
{
	int n = (int)strnlen(s, sp->precision < 0 ? (size_t)0x7fffffff : (size_t)sp->precision);

	if (!sp->left)
		pad(o, ' ', sp->width - n);
	for (int i = 0; i < n; i++)
		put(o, s[i]);
	if (sp->left)
		pad(o, ' ', sp->width - n);
}

static void put_number(struct out *o, const struct spec *sp, u64 v, unsigned base, bool upper,
		       const char *prefix)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24];
	int n = 0, zeros, total, prefix_len = (int)strlen(prefix);

	for (; v; v /= base)
		tmp[n++] = digits[v % base];
	zeros = sp->precision < 0 ? (n == 0) : max(sp->precision - n, 0);
	total = prefix_len + zeros + n;
	if (sp->zero && !sp->left && sp->precision < 0 && sp->width > total) {
		zeros += sp->width - total;
		total = sp->width;
	}
	if (!sp->left)
		pad(o, ' ', sp->width - total);
	while (*prefix)
		put(o, *prefix++);
	pad(o, '0', zeros);
	while (n)
		put(o, tmp[--n]);
	if (sp->left)
		pad(o, ' ', sp->width - total);
}

static const char *parse_spec(const char *f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = -1, .length = sizeof(int) };
	for (;; f++) {
		if (*f == '-')
			sp->left = true;
		else if (*f == '+')
			sp->plus = true;
		else if (*f == ' ')
			sp->blank = true;
		else if (*f == '#')
			sp->alt = true;
		else if (*f == '0')
			sp->zero = true;
		else
			break;
	}
	if (*f == '*') {
		sp->width = va_arg(*ap, int);
		if (sp->width < 0) {
			sp->left = true;
			sp->width = -sp->width;
		}
		f++;
	} else {
		for (; *f >= '0' && *f <= '9'; f++)
			sp->width = sp->width * 10 + (*f - '0');
	}
	if (*f == '.') {
		sp->precision = 0;
		if (*++f == '*') {
			sp->precision = va_arg(*ap, int);
			f++;
		} else {
			for (; *f >= '0' && *f <= '9'; f++)
				sp->precision = sp->precision * 10 + (*f - '0');
		}
	}
	if (*f == 'h') {
		sp->length = *++f == 'h' ? (f++, 1) : 2;
	} else if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't') {
		sp->length = 8;
		f += f[0] == 'l' && f[1] == 'l' ? 2 : 1;
	}
	return f;
}

static u64 fetch_unsigned(const struct spec *sp, va_list *ap)
{
	u64 v = sp->length == 8 ? va_arg(*ap, u64) : va_arg(*ap, unsigned);

	return sp->length == 1 ? (u8)v : sp->length == 2 ? (u16)v : v;
}

static s64 fetch_signed(const struct spec *sp, va_list *ap)
{
	s64 v = sp->length == 8 ? va_arg(*ap, s64) : va_arg(*ap, int);

	return sp->length == 1 ? (s8)v : sp->length == 2 ? (s16)v : v;
}

static void put_signed(struct out *o, const struct spec *sp, s64 v)
{
	put_number(o, sp, v < 0 ? -(u64)v : (u64)v, 10, false,
		   v < 0 ? "-" : sp->plus ? "+" : sp->blank ? " " : "");
}

/* One conversion; false for a letter that is not known, which is then copied. */
static bool convert(struct out *o, struct spec *sp, char c, va_list *ap)
{
	char ch[2] = { 0, 0 };
	const char *s;
	u64 v;

	switch (c) {
	case 'd':
	case 'i':
		put_signed(o, sp, fetch_signed(sp, ap));
		return true;
	case 'u':
		put_number(o, sp, fetch_unsigned(sp, ap), 10, false, "");
		return true;
	case 'o':
		v = fetch_unsigned(sp, ap);
		put_number(o, sp, v, 8, false, sp->alt && v ? "0" : "");
		return true;
	case 'x':
	case 'X':
		v = fetch_unsigned(sp, ap);
		put_number(o, sp, v, 16, c == 'X', sp->alt && v ? (c == 'X' ? "0X" : "0x") : "");
		return true;
	case 'p':
		put_number(o, sp, (u64)va_arg(*ap, void *), 16, false, "0x");
		return true;
	case 'c':
		ch[0] = (char)va_arg(*ap, int);
		if (!ch[0]) {
			put(o, '\0');
			return true;
		}
		sp->precision = 1;
		put_text(o, sp, ch);
		return true;
	case 's':
		s = va_arg(*ap, const char *);
		put_text(o, sp, s ? s : "(null)");
		return true;
	case '%':
		put(o, '%');
		return true;
	}
	return false;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { buf, size, 0 };
	struct spec sp;
	va_list ap;

	va_copy(ap, args);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &sp, &ap);
		if (!*fmt)
			break;
		if (!convert(&o, &sp, *fmt, &ap))
			put(&o, *fmt);
	}
	va_end(ap);
	if (size)
		buf[min(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return size == 0 ? 0 : min(n, (int)size - 1);
}
