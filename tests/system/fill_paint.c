/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing that lay in the kernel's memory before reaches a program. Debug builds of Trivet paint memory that they hand out
 * without clearing it, and the stack below each call (/proc/sys/kernel/paint): each call of fill.h is made with two paints,
 * and a byte that is the first in one answer and the second in the other is stale. Elsewhere only the calls are made.
 */
#include "fill.h"

static int paint_fd;

static void paint(int byte)
{
	char text[8];

	if (paint_fd >= 0) {
		snprintf(text, sizeof text, "%d", byte);
		check_ok(pwrite(paint_fd, text, strlen(text), 0));
	}
}

static char first[FILL_BYTES], second[FILL_BYTES];

static int with_paint(const struct fill *f, char *b, int byte)
{
	int n;

	memset(b, FILL_BLANK, FILL_BYTES);
	paint(byte);
	n = f->run(b);
	paint(0);
	return n;
}

/* The first stale byte's place, -1: none. */
static int stale_byte(const struct fill *f)
{
	int n = with_paint(f, first, 0xc5), m = with_paint(f, second, 0x3b);

	for (int i = 0; i < n && i < m; i++)
		if (first[i] == (char)0xc5 && second[i] == 0x3b)
			return i;
	return -1;
}

static const struct fill *chosen;

static void look(void)
{
	int at;

	alarm(60);
	paint_fd = open("/proc/sys/kernel/paint", O_RDWR);
	at = stale_byte(chosen);
	if (at >= 0)	/* times and random numbers may be anything, but not twice */
		check_equal(stale_byte(chosen) == at ? at : -1, -1);
	check(paint_fd >= 0 || errno);
}

int main(int argc, char **argv)
{
	struct test table[2] = { { NULL, look } };

	if (fill_is_child(argc, argv))
		return 0;
	for (chosen = fills; chosen->name; chosen++) {
		table[0].name = chosen->name;
		test_main(argc, argv, table);
	}
	return 0;
}
