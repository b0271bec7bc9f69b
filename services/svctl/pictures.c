/* SPDX-License-Identifier: BSD-2-Clause */
/* svctl graph (text and DOT), blame and bootchart (SVG). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../supervisor/supervisor.h"
#include "svctl.h"

static const struct {
	unsigned int bit;
	const char *word, *style;
} bits[] = {
	{ SUP_REQUIRES, "requires", "color=black" }, { SUP_WANTS, "wants", "color=gray50" },
	{ SUP_BINDS_TO, "binds-to", "color=black,penwidth=2" }, { SUP_PART_OF, "part-of", "color=blue" },
	{ SUP_CONFLICTS, "conflicts", "color=red" }, { SUP_AFTER, "after", "color=darkgreen,style=dashed" },
	{ SUP_BAD_VERSION, "bad-version", "color=red,style=dotted" },
};

int show_graph(int argc, char **argv)
{
	bool dot = argc > 1 && !strcmp(argv[1], "--dot");
	const char *words[] = { "graph", NULL };
	struct answer a;

	if (!ask(&a, words))
		return no_init();
	if (as_json) {
		json_records(a.records);
		return 0;
	}
	if (dot)
		printf("digraph units {\n\trankdir=LR;\n\tnode [shape=box,fontname=sans];\n");
	for (struct record *r = a.records; r; r = r->next)
		for (unsigned int i = 0; i < sizeof bits / sizeof *bits; i++) {
			if (!(number(r, "bits") & bits[i].bit))
				continue;
			if (dot)
				printf("\t\"%s\" -> \"%s\" [%s];\n", field(r, "from"), field(r, "to"), bits[i].style);
			else
				printf("%s %s %s\n", field(r, "from"), bits[i].word, field(r, "to"));
		}
	if (dot)
		printf("}\n");
	return a.status;
}

static int by_start(const void *a, const void *b)
{
	int64_t x = number(*(struct record *const *)a, "started"), y = number(*(struct record *const *)b, "started");

	return (x > y) - (x < y);
}

static int64_t span_of(const struct record *r)
{
	int64_t ready = number(r, "ready");

	return ready ? ready - number(r, "started") : -1;
}

static int by_span(const void *a, const void *b)
{
	int64_t x = span_of(*(struct record *const *)a), y = span_of(*(struct record *const *)b);

	return (x < y) - (x > y);
}

/* The units of a chart answer as an array in some order; the first record is init's own. */
static int collect(struct answer *a, struct record ***out, int (*order)(const void *, const void *))
{
	int count = 0;

	*out = NULL;
	for (struct record *r = a->records ? a->records->next : NULL; r; r = r->next) {
		struct record **more = realloc(*out, (count + 1) * sizeof *more);

		if (!more)
			break;
		*out = more;
		more[count++] = r;
	}
	if (count)
		qsort(*out, count, sizeof **out, order);
	return count;
}

int show_blame(int argc, char **argv)
{
	const char *words[] = { "chart", NULL };
	struct record **units;
	struct answer a;
	int count;

	if (!ask(&a, words))
		return no_init();
	if (as_json) {
		json_records(a.records ? a.records->next : NULL);
		return 0;
	}
	count = collect(&a, &units, by_span);
	for (int i = 0; i < count; i++)
		if (span_of(units[i]) >= 0)
			printf("%10.1f ms %s\n", span_of(units[i]) / 1e6, field(units[i], "name"));
	return a.status;
}

#define ROW	18
#define LEFT	220
#define WIDTH	700

int show_chart(int argc, char **argv)
{
	const char *words[] = { "chart", NULL };
	struct record **units;
	struct answer a;
	int64_t began, end;
	int count;

	if (!ask(&a, words))
		return no_init();
	if (!a.records)
		return failed(&a, "bootchart");
	began = number(a.records, "began");
	end = number(a.records, "booted");
	if (!end)
		end = number(a.records, "now");
	count = collect(&a, &units, by_start);
	for (int i = 0; i < count; i++)	/* what came after the boot is not the boot's */
		if (number(units[i], "started") > end)
			count = i;
	double scale = WIDTH / (double)(end - began > 0 ? end - began : 1);

	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n"
	       "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n", LEFT + WIDTH + 90, (count + 3) * ROW);
	for (int i = 0; i <= 10; i++)
		printf("<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"#ddd\"/>"
		       "<text x=\"%d\" y=\"12\" fill=\"#666\">%.0f ms</text>\n", LEFT + WIDTH * i / 10, LEFT + WIDTH * i / 10, ROW,
		       (count + 2) * ROW, LEFT + WIDTH * i / 10, (end - began) / 1e6 * i / 10);
	for (int i = 0; i < count; i++) {
		const struct record *r = units[i];
		int64_t queued = number(r, "queued"), started = number(r, "started"), ready = number(r, "ready");
		double x = LEFT + ((queued ? queued : started) - began) * scale, s = LEFT + (started - began) * scale;
		double e = LEFT + ((ready && ready < end ? ready : end) - began) * scale;
		int y = (i + 1) * ROW + 4;

		printf("<text x=\"4\" y=\"%d\">%s</text><rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"12\" fill=\"#e4e4e4\"/>"
		       "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"12\" fill=\"%s\"/><text x=\"%.1f\" y=\"%d\" fill=\"#333\">%.1f ms</text>\n",
		       y + 10, field(r, "name"), x, y, s > x ? s - x : 0, s, y, e - s > 1 ? e - s : 1, ready ? "#5b9" : "#c66",
		       e + 4, y + 10, ready ? (ready - started) / 1e6 : 0);
	}
	printf("</svg>\n");
	return 0;
}
