/* SPDX-License-Identifier: BSD-2-Clause */
/* How much free memory is broken up: /sys/kernel/debug/extfrag and /proc/pagetypeinfo follow what a program does to it. */
#include "test.h"
#include <sys/mman.h>
#include <sys/mount.h>

#define ORDERS 11
#define UNUSABLE "/sys/kernel/debug/extfrag/unusable_index"

static void mount_debugfs(void)
{
	check(!mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL) || errno == EBUSY);
}

/* The rows of the file, one of ORDERS numbers in thousandths for each zone. */
static int rows(const char *path, int v[4][ORDERS])
{
	FILE *f = fopen(path, "r");
	char line[400], zone[32];
	int n = 0;

	check(f);
	while (n < 4 && fgets(line, sizeof line, f)) {
		int node, at = 0, used;

		check(sscanf(line, "Node %d, zone %31s%n", &node, zone, &at) == 2);
		for (int o = 0; o < ORDERS; o++, at += used) {
			double d;

			check(sscanf(line + at, "%lf%n", &d, &used) == 1);
			v[n][o] = (int)(d * 1000 + (d < 0 ? -0.5 : 0.5));
		}
		n++;
	}
	fclose(f);
	return n;
}

static void unusable(void)
{
	int v[4][ORDERS], n;

	mount_debugfs();
	n = rows(UNUSABLE, v);
	check(n >= 1);
	for (int i = 0; i < n; i++)
		for (int o = 0; o < ORDERS; o++) {
			check(v[i][o] >= 0 && v[i][o] <= 1000);
			check(!o || v[i][o] >= v[i][o - 1]);
		}
}

static void index_of_requests(void)
{
	int v[4][ORDERS], u[4][ORDERS], n;

	mount_debugfs();
	n = rows("/sys/kernel/debug/extfrag/extfrag_index", v);
	check_equal(rows(UNUSABLE, u), n);
	for (int i = 0; i < n; i++) {
		/* A request of one page succeeds where anything is free. */
		check(v[i][0] == -1000 || u[i][0] == 1000 || v[i][0] == 0);
		for (int o = 0; o < ORDERS; o++)
			check(v[i][o] == -1000 || (v[i][o] >= 0 && v[i][o] <= 1000));
	}
}

/* The largest over the zones. */
static int worst(int order)
{
	int v[4][ORDERS], n = rows(UNUSABLE, v), most = 0;

	for (int i = 0; i < n; i++)
		most = v[i][order] > most ? v[i][order] : most;
	return most;
}

/* Every second page of much memory is given back: it is free, and no good for large blocks. */
static void rises(void)
{
	size_t size = 96 << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int before, after;

	mount_debugfs();
	check(p != MAP_FAILED);
	madvise(p, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	before = worst(4);
	for (size_t i = 0; i < size; i += 8192)
		check_ok(madvise(p + i, 4096, MADV_DONTNEED));
	after = worst(4);
	if (after < before + 100)
		test_fail(__LINE__, "unusable for 64 KiB: %d before, %d after", before, after);
}

static void blocks_by_kind(void)
{
	FILE *f = fopen("/proc/pagetypeinfo", "r");
	char line[400];
	bool has_free = false, has_blocks = false;
	unsigned long movable = 0;

	check(f);
	while (fgets(line, sizeof line, f)) {
		has_free |= !strncmp(line, "Free pages count per migrate type", 33);
		if (has_blocks && !strncmp(line, "Node 0, zone", 12)) {
			unsigned long a = 0, b = 0;

			check(sscanf(line + 21, "%lu %lu", &a, &b) == 2);
			movable += a + b;
		}
		has_blocks |= !strncmp(line, "Number of blocks type", 21);
	}
	check(has_free && has_blocks && movable > 10);
}

static void for_root_only(void)
{
	mount_debugfs();
	check_ok(setgid(65534));
	check_ok(setuid(65534));
	check_errno(open(UNUSABLE, O_RDONLY), EACCES);
	check_errno(open("/proc/pagetypeinfo", O_RDONLY), EACCES);
}

static const struct test tests[] = {
	{ "unusable", unusable }, { "index_of_requests", index_of_requests }, { "rises", rises }, { "blocks_by_kind", blocks_by_kind },
	{ "for_root_only", for_root_only }, {},
};
TEST_MAIN(tests)
