/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads constants out of AML (ACPI 6.4 ch. 20) without an interpreter: devices whose _HID and _CRS are plain data,
 * and \_S5. It looks for the encodings and believes one only if lengths and names fit, so that garbage
 * yields nothing; what firmware computes in methods stays unseen. Pure: bytes in, callbacks out.
 */
#include "acpi_local.h"

#include <kernel/irq.h>
#include <lib/format.h>
#include <lib/string.h>

#define OP_NAME 0x08
#define OP_BYTE 0x0a
#define OP_WORD 0x0b
#define OP_DWORD 0x0c
#define OP_STRING 0x0d
#define OP_QWORD 0x0e
#define OP_BUFFER 0x11
#define OP_PACKAGE 0x12
#define OP_EXT 0x5b
#define OP_EXT_DEVICE 0x82
#define OP_ONES 0xff

/* PkgLength at p: the whole length it states and how many bytes it takes. False: does not fit into len. */
static bool pkg_length(const u8 *p, size_t len, u32 *total, u32 *bytes)
{
	u32 extra, n;

	if (len == 0)
		return false;
	extra = p[0] >> 6;
	if (len < 1 + extra)
		return false;
	n = extra ? p[0] & 0x0f : p[0] & 0x3f;
	for (u32 i = 0; i < extra; i++)
		n |= (u32)p[1 + i] << (4 + 8 * i);
	*total = n;
	*bytes = 1 + extra;
	return n >= 1 + extra && n <= len;
}

/* A constant integer; bytes it takes, 0: none. */
static u32 integer(const u8 *p, size_t len, u64 *v)
{
	if (len == 0)
		return 0;
	switch (p[0]) {
	case 0: case 1: *v = p[0]; return 1;
	case OP_ONES: *v = U64_MAX; return 1;
	case OP_BYTE: if (len < 2) return 0; *v = p[1]; return 2;
	case OP_WORD: if (len < 3) return 0; *v = get_le16(p + 1); return 3;
	case OP_DWORD: if (len < 5) return 0; *v = get_le32(p + 1); return 5;
	case OP_QWORD: if (len < 9) return 0; *v = get_le64(p + 1); return 9;
	default: return 0;
	}
}

static bool name_seg_ok(const u8 *p)
{
	for (unsigned i = 0; i < 4; i++) {
		bool letter = (p[i] >= 'A' && p[i] <= 'Z') || p[i] == '_';

		if (!letter && !(i && p[i] >= '0' && p[i] <= '9'))
			return false;
	}
	return true;
}

/* Device (Name) { … } at p: its body, or false. Names with a path are not what firmware gives devices. */
static bool device_at(const u8 *p, size_t len, char name[5], const u8 **body, u32 *body_len)
{
	u32 total, bytes;

	if (len < 8 || p[0] != OP_EXT || p[1] != OP_EXT_DEVICE || !pkg_length(p + 2, len - 2, &total, &bytes))
		return false;
	if (total < bytes + 4 || !name_seg_ok(p + 2 + bytes))
		return false;
	memcpy(name, p + 2 + bytes, 4);
	name[4] = '\0';
	*body = p + 2 + bytes + 4;
	*body_len = total - bytes - 4;
	return true;
}

/* What follows Name (name, …) in the body. */
static const u8 *find_name(const u8 *body, u32 len, const char *name, u32 *left)
{
	for (u32 i = 0; i + 5 < len; i++) {
		if (body[i] == OP_NAME && memcmp(body + i + 1, name, 4) == 0) {
			*left = len - i - 5;
			return body + i + 5;
		}
	}
	return NULL;
}

/* EISA id (ACPI 6.4 §19.3.4): three letters by five bits and four hexadecimal digits, big-endian. */
static void eisa_id(u32 raw, char out[16])
{
	u32 v = __builtin_bswap32(raw);

	snprintf(out, 16, "%c%c%c%04X", (int)('@' + (v >> 26 & 31)), (int)('@' + (v >> 21 & 31)),
		 (int)('@' + (v >> 16 & 31)), v & 0xffff);
}

static bool read_hid(const u8 *p, u32 len, char out[16])
{
	u64 v;

	if (len && p[0] == OP_STRING) {
		u32 n = 0;

		while (n < 15 && 1 + n < len && p[1 + n] > ' ' && p[1 + n] <= '~')
			n++;
		if (n == 0 || 1 + n >= len || p[1 + n] != 0)
			return false;
		memcpy(out, p + 1, n);
		out[n] = '\0';
		return true;
	}
	if (integer(p, len, &v) != 5)
		return false;
	eisa_id((u32)v, out);
	return true;
}

static void read_crs(const u8 *p, u32 len, struct aml_device *d)
{
	u32 total, bytes, n;
	u64 size;

	if (len < 2 || p[0] != OP_BUFFER || !pkg_length(p + 1, len - 1, &total, &bytes))
		return;
	n = integer(p + 1 + bytes, total - bytes, &size);
	if (n == 0 || size > total - bytes - n)
		return;
	d->crs = p + 1 + bytes + n;
	d->crs_len = (u32)size;
}

void aml_devices(const u8 *aml, size_t len, void (*fn)(const struct aml_device *d, void *arg), void *arg)
{
	for (size_t i = 0; i + 8 < len; i++) {
		struct aml_device d = { .name = "" };
		const u8 *body, *p, *nested_body;
		u32 body_len, own, left, nested_len;
		char nested[5];
		u64 sta;

		if (!device_at(aml + i, len - i, d.name, &body, &body_len))
			continue;
		/* What belongs to a device inside it is not its own. */
		for (own = 0; own < body_len; own++)
			if (device_at(body + own, body_len - own, nested, &nested_body, &nested_len))
				break;
		p = find_name(body, own, "_HID", &left);
		if (!p || !read_hid(p, left, d.hid))
			continue;
		p = find_name(body, own, "_STA", &left);
		if (p && integer(p, left, &sta) && !(sta & 1))
			continue;
		p = find_name(body, own, "_UID", &left);
		if (p)
			integer(p, left, &d.uid);
		p = find_name(body, own, "_CRS", &left);
		if (p)
			read_crs(p, left, &d);
		fn(&d, arg);
	}
}

bool aml_find_s5(const u8 *aml, size_t len, u8 types[2])
{
	for (size_t i = 0; i + 8 < len; i++) {
		const u8 *p = aml + i + 5;
		size_t left = len - i - 5;
		u32 total, bytes, n;
		u64 a, b;

		if (aml[i] != OP_NAME || memcmp(aml + i + 1, "_S5_", 4) || p[0] != OP_PACKAGE)
			continue;
		if (!pkg_length(p + 1, left - 1, &total, &bytes) || total < bytes + 2)
			continue;
		p += 1 + bytes + 1;		/* past the element count */
		left = total - bytes - 1;
		n = integer(p, left, &a);
		if (n == 0 || a > 7)
			continue;
		if (!integer(p + n, left - n, &b) || b > 7)
			b = a;			/* the second is for PM1b, which may not be there */
		types[0] = (u8)a;
		types[1] = (u8)b;
		return true;
	}
	return false;
}

static bool small_resource(u8 tag, const u8 *p, u32 len, struct aml_resource *r)
{
	switch (tag >> 3) {
	case 4:	/* IRQ: mask, then flags if there */
		if (len < 2 || get_le16(p) == 0)
			return false;
		r->kind = AML_ISA_IRQ;
		r->base = ctz64(get_le16(p));
		r->size = len >= 3 && !(p[2] & 1) ? IRQ_LEVEL : IRQ_EDGE;
		if (len >= 3 && p[2] & 8)
			r->size |= IRQ_ACTIVE_LOW;
		return true;
	case 8:	/* I/O port: info, min, max, alignment, length */
		if (len < 7 || p[6] == 0)
			return false;
		*r = (struct aml_resource){ AML_PORT, get_le16(p + 1), p[6] };
		return true;
	case 9:	/* fixed I/O port */
		if (len < 3 || p[2] == 0)
			return false;
		*r = (struct aml_resource){ AML_PORT, get_le16(p), p[2] };
		return true;
	default:
		return false;
	}
}

static bool large_resource(u8 tag, const u8 *p, u32 len, struct aml_resource *r)
{
	switch (tag & 0x7f) {
	case 0x05:	/* Memory32: info, min, max, alignment, length */
		if (len < 17)
			return false;
		*r = (struct aml_resource){ AML_MEMORY, get_le32(p + 1), get_le32(p + 13) };
		return r->size != 0;
	case 0x06:	/* Memory32Fixed: info, base, length */
		if (len < 9)
			return false;
		*r = (struct aml_resource){ AML_MEMORY, get_le32(p + 1), get_le32(p + 5) };
		return r->size != 0;
	case 0x07:	/* DWord address space: type, flags, flags, granularity, min, max, translation, length */
		if (len < 23 || p[0] != 0)
			return false;
		*r = (struct aml_resource){ AML_WINDOW, get_le32(p + 7), get_le32(p + 19) };
		return r->size != 0;
	case 0x0a:	/* QWord address space */
		if (len < 43 || p[0] != 0)
			return false;
		*r = (struct aml_resource){ AML_WINDOW, get_le64(p + 11), get_le64(p + 35) };
		return r->size != 0 && r->base + r->size > r->base;
	case 0x09:	/* extended interrupt: flags, count, numbers */
		if (len < 6 || p[1] == 0)
			return false;
		r->kind = AML_GSI;
		r->base = get_le32(p + 2);
		r->size = p[0] & 2 ? IRQ_EDGE : IRQ_LEVEL;
		if (p[0] & 4)
			r->size |= IRQ_ACTIVE_LOW;
		return true;
	default:
		return false;
	}
}

bool aml_resource_next(const u8 *crs, u32 len, u32 *at, struct aml_resource *r)
{
	while (*at < len) {
		u8 tag = crs[*at];
		u32 head = tag & 0x80 ? 3 : 1, n;
		const u8 *p;

		if (*at + head > len)
			return false;
		n = tag & 0x80 ? get_le16(crs + *at + 1) : tag & 7u;
		if (n > len - *at - head || tag >> 3 == 0x0f)	/* cut short, or the end tag */
			return false;
		p = crs + *at + head;
		*at += head + n;
		if (tag & 0x80 ? large_resource(tag, p, n, r) : small_resource(tag, p, n, r))
			return true;
	}
	return false;
}
