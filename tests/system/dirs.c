/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories: making, removing, reading, the *at calls, paths, the working directory. */
#include "test.h"
#include <dirent.h>
#include <sys/statfs.h>

static void touch(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR, 0644);

	check_ok(fd);
	check_ok(close(fd));
}

static void make_and_remove(void)
{
	struct stat st;

	check_ok(mkdir("d", 0750));
	check_ok(stat("d", &st));
	check(S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0750);
	check_errno(mkdir("d", 0755), EEXIST);
	check_errno(mkdir("none/d", 0755), ENOENT);
	check_errno(rmdir("none"), ENOENT);
	touch("d/f");
	check_errno(rmdir("d"), ENOTEMPTY);
	check_errno(rmdir("d/f"), ENOTDIR);
	check_errno(unlink("d"), EISDIR);
	check_errno(mkdir("d/f/x", 0755), ENOTDIR);
	check_ok(unlink("d/f"));
	check_ok(rmdir("d/"));
	check_errno(stat("d", &st), ENOENT);
	check_errno(rmdir("."), EINVAL);
}

static void link_counts(void)
{
	struct stat st;

	check_ok(mkdir("lc", 0755));
	check_ok(mkdir("lc/a", 0755));
	check_ok(mkdir("lc/b", 0755));
	check_ok(stat("lc", &st));
	check_equal(st.st_nlink, 4);
	check_ok(rmdir("lc/a"));
	check_ok(stat("lc", &st));
	check_equal(st.st_nlink, 3);
}

static int count(const char *name, bool check_names)
{
	DIR *dir = opendir(name);
	struct dirent *e;
	int n = 0, dots = 0;
	static char seen[4096];

	check(dir);
	memset(seen, 0, sizeof seen);
	while ((e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) {
			dots++;
			continue;
		}
		if (check_names) {
			int i = atoi(e->d_name + 4);

			check(!strncmp(e->d_name, "name", 4) && i < 4096 && !seen[i]);
			check(e->d_type == DT_REG || e->d_type == DT_UNKNOWN);
			seen[i] = 1;
		}
		n++;
	}
	check_equal(dots, 2);
	closedir(dir);
	return n;
}

static void many_entries(void)
{
	char name[64];

	check_ok(mkdir("many", 0755));
	for (int i = 0; i < 1200; i++) {
		snprintf(name, sizeof name, "many/name%d", i);
		touch(name);
	}
	check_equal(count("many", true), 1200);
	for (int i = 0; i < 1200; i += 2) {
		snprintf(name, sizeof name, "many/name%d", i);
		check_ok(unlink(name));
	}
	check_equal(count("many", true), 600);
	for (int i = 1; i < 1200; i += 2) {
		struct stat st;

		snprintf(name, sizeof name, "many/name%d", i);
		check_ok(stat(name, &st));
		check_ok(unlink(name));
	}
	check_equal(count("many", true), 0);
	check_ok(rmdir("many"));
}

static void rewind_and_seek(void)
{
	DIR *dir;
	struct dirent *e;
	char first[256];
	long at;

	check_ok(mkdir("seek", 0755));
	touch("seek/a");
	touch("seek/b");
	dir = opendir("seek");
	check(dir && readdir(dir) && readdir(dir));
	at = telldir(dir);
	e = readdir(dir);
	check(e);
	strcpy(first, e->d_name);
	seekdir(dir, at);
	e = readdir(dir);
	check(e && !strcmp(first, e->d_name));
	rewinddir(dir);
	at = 0;
	while (readdir(dir))
		at++;
	check_equal(at, 4);
}

static void read_is_refused(void)
{
	char c;
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	check_ok(fd);
	check_errno(read(fd, &c, 1), EISDIR);
	check_errno(open(".", O_WRONLY), EISDIR);
	fd = open("/dev/null", O_RDONLY);
	check_errno(lseek(fd, 0, 77), EINVAL);
}

static void working_directory(void)
{
	char here[256], there[256];

	check_ok(mkdir("wd", 0755));
	check(getcwd(here, sizeof here));
	check_ok(chdir("wd"));
	check(getcwd(there, sizeof there));
	check(!strncmp(here, there, strlen(here)) && !strcmp(there + strlen(here), "/wd"));
	check_ok(chdir(".."));
	check(getcwd(there, sizeof there) && !strcmp(here, there));
	check_errno(chdir("none"), ENOENT);
	check_errno(chdir("/dev/null"), ENOTDIR);
	errno = 0;
	check(!getcwd(there, 2) && errno == ERANGE);
	int fd = open("wd", O_RDONLY | O_DIRECTORY);

	check_ok(fchdir(fd));
	check_ok(chdir("../../.."));
	check_ok(chdir("/.."));
	check(getcwd(there, sizeof there) && !strcmp(there, "/"));
}

static void at_calls(void)
{
	struct stat st;
	int dir, fd;

	check_ok(mkdir("at", 0755));
	dir = open("at", O_RDONLY | O_DIRECTORY);
	check_ok(dir);
	fd = openat(dir, "f", O_CREAT | O_RDWR, 0600);
	check_ok(fd);
	check_ok(stat("at/f", &st));
	check_ok(fstatat(dir, "f", &st, 0));
	check_ok(mkdirat(dir, "sub", 0755));
	check_ok(symlinkat("f", dir, "s"));
	check_ok(fstatat(dir, "s", &st, AT_SYMLINK_NOFOLLOW));
	check(S_ISLNK(st.st_mode));
	check_ok(linkat(dir, "f", dir, "g", 0));
	check_ok(renameat(dir, "g", AT_FDCWD, "moved"));
	check_ok(faccessat(AT_FDCWD, "moved", R_OK, 0));
	check_ok(fchmodat(dir, "f", 0640, 0));
	check_errno(unlinkat(dir, "sub", 0), EISDIR);
	check_ok(unlinkat(dir, "sub", AT_REMOVEDIR));
	check_errno(openat(fd, "x", O_RDONLY), ENOTDIR);
	check_errno(openat(999, "x", O_RDONLY), EBADF);
	check_ok(fstatat(fd, "", &st, AT_EMPTY_PATH));
	check(S_ISREG(st.st_mode));
}

static void path_walk(void)
{
	struct stat a, b;
	char name[5000];

	check_ok(mkdir("p", 0755));
	check_ok(mkdir("p/q", 0755));
	touch("p/q/f");
	check_ok(stat("p//q/./../q///f", &a));
	check_ok(stat("p/q/f", &b));
	check(a.st_ino == b.st_ino);
	check_errno(stat("p/q/f/", &a), ENOTDIR);
	check_ok(stat("/../..//tmp", &a));
	check_ok(symlink("q", "p/link"));
	check_ok(stat("p/link/f", &b));
	check_ok(stat("p/link/../q/f", &b));
	memset(name, '/', sizeof name);
	name[4998] = '.';
	name[4999] = 0;
	check_errno(stat(name, &a), ENAMETOOLONG);
	check_ok(stat(name + 1000, &a));
}

static void rename_directory(void)
{
	struct stat st;

	check_ok(mkdir("rn1", 0755));
	check_ok(mkdir("rn2", 0755));
	check_ok(mkdir("rn1/in", 0755));
	touch("rn1/in/f");
	check_ok(rename("rn1/in", "rn2/moved"));
	check_ok(stat("rn2/moved/f", &st));
	check_ok(stat("rn2/moved/..", &st));
	ino_t parent = st.st_ino;

	check_ok(stat("rn2", &st));
	check_equal(st.st_ino, parent);
	check_equal(st.st_nlink, 3);
	check_errno(rename("rn1", "rn2"), ENOTEMPTY);
	check_ok(rename("rn2/moved", "rn1"));
	check_ok(stat("rn1/f", &st));
}

static void removed_directory(void)
{
	char c[64];

	check_ok(mkdir("gone", 0755));
	check_ok(chdir("gone"));
	check_ok(rmdir("../gone"));
	check_errno(open("x", O_CREAT | O_RDWR, 0600), ENOENT);
	errno = 0;
	check(!getcwd(c, sizeof c) && errno == ENOENT);
}

static void file_system_facts(void)
{
	struct statfs fs;

	check_ok(statfs("/", &fs));
	check(fs.f_bsize >= 512 && fs.f_namelen == 255);
	check_ok(statfs("/proc", &fs));
	check_equal(fs.f_type, 0x9fa0);
	check_errno(statfs("/none", &fs), ENOENT);
}

static void sticky_and_setgid(void)
{
	struct stat st;

	check_ok(mkdir("sg", 0755));
	check_ok(chown("sg", 0, 77));
	check_ok(chmod("sg", 02775));
	check_ok(mkdir("sg/in", 0755));
	check_ok(stat("sg/in", &st));
	check(st.st_gid == 77 && (st.st_mode & 02000));
	touch("sg/f");
	check_ok(stat("sg/f", &st));
	check_equal(st.st_gid, 77);
}

static const struct test table[] = {
	{ "make-and-remove", make_and_remove }, { "link-counts", link_counts }, { "many-entries", many_entries },
	{ "rewind-and-seek", rewind_and_seek }, { "read-is-refused", read_is_refused },
	{ "working-directory", working_directory }, { "at-calls", at_calls }, { "path-walk", path_walk },
	{ "rename-directory", rename_directory }, { "removed-directory", removed_directory },
	{ "statfs", file_system_facts }, { "setgid-directory", sticky_and_setgid },
	{ 0 },
};

TEST_MAIN(table)
