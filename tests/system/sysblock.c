/* SPDX-License-Identifier: BSD-2-Clause */
/* The root disk in /sys, by name and by number, as lsblk and libblkid read it; /proc/swaps. */
#include "test.h"
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

static char text[4096];

static const char *text_of(const char *format, ...)
{
	char path[128];
	va_list ap;
	int fd, n;

	va_start(ap, format);
	vsnprintf(path, sizeof path, format, ap);
	va_end(ap);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		test_fail(__LINE__, "%s: errno %d", path, errno);
	n = read(fd, text, sizeof text - 1);
	check(n >= 0);
	text[n] = 0;
	close(fd);
	return text;
}

static unsigned numbers(void)
{
	unsigned major_number, minor_number;

	check_equal(sscanf(text_of("/sys/block/vda/dev"), "%u:%u", &major_number, &minor_number), 2);
	return makedev(major_number, minor_number);
}

static void by_number(void)
{
	unsigned dev = numbers();
	unsigned long long sectors, bytes;
	int fd = open("/dev/vda", O_RDONLY);
	struct stat st, a, b;

	check_ok(fd);
	check_ok(fstat(fd, &st));
	check_equal(st.st_rdev, dev);
	check_equal(sscanf(text_of("/sys/dev/block/%u:%u/size", major(dev), minor(dev)), "%llu", &sectors), 1);
	check_ok(ioctl(fd, BLKGETSIZE64, &bytes));
	check_equal(sectors * 512, bytes);
	check_ok(stat("/sys/block/vda", &a));
	check_ok(stat("/sys/class/block/vda", &b));
	check_equal(a.st_ino, b.st_ino);
	check_errno(access("/sys/block/vda/partition", F_OK), ENOENT);
}

static void queue(void)
{
	int fd = open("/dev/vda", O_RDONLY), size;

	check_ok(ioctl(fd, BLKSSZGET, &size));
	check_equal(atoi(text_of("/sys/block/vda/queue/logical_block_size")), size);
	check_equal(atoi(text_of("/sys/block/vda/queue/hw_sector_size")), size);
	check(atoi(text_of("/sys/block/vda/queue/physical_block_size")) >= size);
	check(atoi(text_of("/sys/block/vda/queue/max_sectors_kb")) > 0);
	check(!strcmp(text_of("/sys/block/vda/removable"), "0\n"));
	check(!strcmp(text_of("/sys/block/vda/ro"), "0\n"));
	check(!strncmp(text_of("/sys/block/vda/queue/write_cache"), "write ", 6));
	check(strchr(text_of("/sys/block/vda/queue/scheduler"), '['));
}

static unsigned long long stat_word(int n)
{
	char *at = (char *)text_of("/sys/block/vda/stat");

	while (n--)
		strtoull(at, &at, 10);
	return strtoull(at, 0, 10);
}

/* Reading the disk past the cache counts. */
static void statistics(void)
{
	unsigned long long reads = stat_word(0), sectors = stat_word(2);
	static char buf[8192] __attribute__((aligned(4096)));
	int fd = open("/dev/vda", O_RDONLY);

	check(reads > 0 && sectors > 0);
	check_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	for (int i = 0; i < 64; i++)
		check_equal(pread(fd, buf, sizeof buf, (100 + 17 * i) * 65536ll % (64 << 20)), sizeof buf);
	check(stat_word(0) > reads);
	check(stat_word(2) > sectors);
	int fields = 0;

	text_of("/sys/block/vda/stat");
	for (char *w = strtok(text, " \n"); w; w = strtok(0, " \n"))
		fields++;
	check_equal(fields, 17);
}

static void swaps(void)
{
	check(!strcmp(text_of("/proc/swaps"), "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"));
}

static const struct test table[] = {
	{ "by-number", by_number }, { "queue", queue }, { "statistics", statistics }, { "swaps", swaps },
	{ 0 },
};

TEST_MAIN(table)
