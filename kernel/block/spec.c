/* SPDX-License-Identifier: BSD-2-Clause */
/* root= words: /dev/NAME, MAJ:MIN, PARTUUID=, and UUID= and LABEL= of ext2/3/4 file systems. */
#include "block_internal.h"
#include <kernel/fs.h>
#include <lib/bits.h>
#include <lib/format.h>
#include <lib/string.h>

struct want {
	const char *text;
	bool by_label;
	struct block_device *found;
};

static bool same_text(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a, y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;

		if (x != y)
			return false;
	}
	return *a == *b;
}

static int match_partuuid(struct block_device *dev, void *arg)
{
	struct want *w = arg;

	if (*dev->partuuid && same_text(dev->partuuid, w->text))
		w->found = dev;
	return w->found != NULL;
}

/* ext4 super block at byte 1024: magic at 56, UUID at 104, label at 120. */
static int match_ext(struct block_device *dev, void *arg)
{
	struct want *w = arg;
	u8 *sb = kmalloc(1024, 0);
	char text[40];

	if (!sb)
		return 0;
	if (dev->sectors >= 4 && !block_rw(dev, BIO_READ, 2, sb, 1024) && get_le16(sb + 56) == 0xef53) {
		const u8 *u = sb + 104;

		if (w->by_label)
			snprintf(text, sizeof(text), "%.16s", (const char *)sb + 120);
		else
			snprintf(text, sizeof(text), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
				 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
		if (w->by_label ? !strcmp(text, w->text) : same_text(text, w->text))
			w->found = dev;
	}
	kfree(sb);
	return w->found != NULL;
}

static struct block_device *by_number(const char *spec)
{
	const char *end;
	u64 major, minor;

	if (parse_u64_prefix(spec, 10, &major, &end) || *end != ':' || parse_u64(end + 1, 10, &minor))
		return NULL;
	return block_by_dev(MKDEV(major, minor));
}

struct block_device *block_by_spec(const char *spec)
{
	struct want w = { 0 };

	if (str_starts(spec, "/dev/"))
		return block_by_name(spec + 5);
	if (str_starts(spec, "PARTUUID=")) {
		w.text = spec + 9;
		(void)block_for_each(match_partuuid, &w);
	} else if (str_starts(spec, "UUID=")) {
		w.text = spec + 5;
		(void)block_for_each(match_ext, &w);
	} else if (str_starts(spec, "LABEL=")) {
		w.text = spec + 6;
		w.by_label = true;
		(void)block_for_each(match_ext, &w);
	} else {
		return by_number(spec);
	}
	return w.found;
}
