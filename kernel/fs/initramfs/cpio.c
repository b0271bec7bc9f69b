/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio "newc" (070701, 070702): a 110-byte header of hexadecimal numbers, the name, the data, each padded
 * to 4 bytes. Names and sizes are checked against what is there before they are used.
 */
#include "cpio.h"
#include <lib/compiler.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define HEADER 110u
#define FIELDS 13u
#define NAME_LIMIT 4096u

void cpio_init(struct cpio *c, const u8 *base, size_t size)
{
	*c = (struct cpio){ .base = base, .size = size };
}

static int fail(struct cpio *c, const char *what)
{
	c->error = what;
	return -EINVAL;
}

static bool hex8(const u8 *p, u32 *value)
{
	u32 v = 0;

	for (unsigned i = 0; i < 8; i++) {
		u8 ch = p[i];
		u32 d;

		if (ch >= '0' && ch <= '9')
			d = ch - '0';
		else if (ch >= 'a' && ch <= 'f')
			d = ch - 'a' + 10u;
		else if (ch >= 'A' && ch <= 'F')
			d = ch - 'A' + 10u;
		else
			return false;
		v = v << 4 | d;
	}
	*value = v;
	return true;
}

int cpio_next(struct cpio *c, struct cpio_entry *e)
{
	const u8 *h = c->base + c->at;
	size_t left = c->size - c->at, name_end, data_end;
	u32 f[FIELDS];

	if (left < HEADER)
		return fail(c, "cut header");
	if (memcmp(h, "070701", 6) && memcmp(h, "070702", 6))
		return fail(c, "no cpio magic");
	for (unsigned i = 0; i < FIELDS; i++)
		if (!hex8(h + 6 + 8 * i, &f[i]))
			return fail(c, "header is not hexadecimal");
	/* Fields: ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check */
	*e = (struct cpio_entry){
		.ino = f[0], .mode = f[1], .uid = f[2], .gid = f[3], .nlink = f[4], .mtime = f[5], .size = f[6],
		.dev_major = f[7], .dev_minor = f[8], .rdev_major = f[9], .rdev_minor = f[10],
	};
	if (f[11] == 0 || f[11] > NAME_LIMIT || f[11] > left - HEADER)
		return fail(c, "bad name length");
	e->name = (const char *)h + HEADER;
	if (e->name[f[11] - 1] || strnlen(e->name, f[11]) != f[11] - 1)
		return fail(c, "bad name");
	name_end = c->at + align_up((size_t)HEADER + f[11], (size_t)4);
	if (name_end > c->size) {
		if (strcmp(e->name, "TRAILER!!!"))
			return fail(c, "cut after the name");
		name_end = c->size;
	}
	if (e->size > c->size - name_end)
		return fail(c, "data longer than the archive");
	e->data = c->base + name_end;
	data_end = name_end + align_up((size_t)e->size, (size_t)4);
	c->at = min(data_end, c->size);
	return strcmp(e->name, "TRAILER!!!") ? 1 : 0;
}
