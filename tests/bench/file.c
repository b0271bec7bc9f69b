/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and contents of files in the root, which is a tmpfs (the initramfs).
 */
#include "bench.h"

#include <dirent.h>

#define NAMES 100

static int fd = -1;
static long made;
static char block[65536];

static const char *name_of(long i)
{
	static char name[24];

	snprintf(name, sizeof name, "f%ld", i);
	return name;
}

static void create(long n)
{
	for (long i = 0; i < n; i++) {
		int f = open(name_of(made++), O_WRONLY | O_CREAT | O_EXCL, 0644);

		must(f >= 0 && close(f) == 0);
	}
}

static void naming(long n)
{
	for (long i = 0; i < n; i++)
		must(name_of(i)[0] == 'f');
}

/* What was created is there; goes through getdents, and leaves the folder empty. */
static void after_create(void)
{
	struct stat st;

	for (long i = 0; i < made; i++) {
		must(stat(name_of(i), &st) == 0 && st.st_size == 0);
		must(unlink(name_of(i)) == 0);
	}
}

static long made_before;

static void setup_delete(void)
{
	made = 0;
	create(5 * 500 + 64);
	made_before = made;
}

static void delete(long n)
{
	for (long i = 0; i < n; i++)
		must(unlink(name_of(--made)) == 0);
}

static void after_delete(void)
{
	struct stat st;

	must(made < made_before && stat(name_of(made), &st) == -1 && errno == ENOENT);
	while (made > 0)
		delete(1);
}

static void make_directory(long n)
{
	while (n--)
		must(mkdir("directory", 0755) == 0 && rmdir("directory") == 0);
}

static void setup_rename(void)
{
	must((fd = open("a", O_WRONLY | O_CREAT, 0644)) >= 0);
}

static void do_rename(long n)
{
	for (long i = 0; i < n; i += 2)
		must(rename("a", "b") == 0 && rename("b", "a") == 0);
}

static void setup_link(void)
{
	unlink("link");
	must(symlink("/tmp/bench", "link") == 0);
}

static void do_readlink(long n)
{
	char target[64];

	while (n--)
		must(readlink("link", target, sizeof target) == 10);
}

static void setup_names(void)
{
	must(mkdir("names", 0755) == 0 || errno == EEXIST);
	must(chdir("names") == 0);
	made = 0;
	create(NAMES);
}

/* Opens a folder of 100 names, reads it to the end. */
static void list_directory(long n)
{
	while (n--) {
		DIR *d = opendir(".");
		int count = 0;

		must(d);
		while (readdir(d))
			count++;
		must(count == NAMES + 2 && closedir(d) == 0);
	}
}

static void after_names(void)
{
	after_create();
	must(chdir("..") == 0 && rmdir("names") == 0);
}

static void setup_content(void)
{
	must((fd = open("content", O_RDWR | O_CREAT | O_TRUNC, 0644)) >= 0);
	memset(block, 'c', sizeof block);
	for (int i = 0; i < 32; i++)
		must(write(fd, block, sizeof block) == sizeof block);
}

static void reread(long n)
{
	long at = 0;

	for (; n > 0; n -= 64, at = (at + sizeof block) % (2l << 20)) {
		block[0] = 0;
		must(pread(fd, block, sizeof block, at) == sizeof block && block[0] == 'c');
	}
}

static void rewrite(long n)
{
	long at = 0;

	for (; n > 0; n -= 64, at = (at + sizeof block) % (2l << 20))
		must(pwrite(fd, block, sizeof block, at) == sizeof block);
}

const struct item items_file[] = {
	{ "create", 't', 500, 0, create, naming, after_create, 0 },
	{ "delete", 't', 500, setup_delete, delete, naming, after_delete, 0 },
	{ "mkdir-rmdir", 't', 500, 0, make_directory, 0, 0, 0 },
	{ "rename", 't', 1000, setup_rename, do_rename, 0, 0, 0 },
	{ "readlink", 't', 3000, setup_link, do_readlink, 0, 0, 0 },
	{ "list-100", 't', 100, setup_names, list_directory, 0, after_names, 0 },
	{ "reread", 'b', 8192, setup_content, reread, 0, 0, 0 },
	{ "rewrite", 'b', 8192, setup_content, rewrite, 0, 0, 0 },
	{ 0 },
};
