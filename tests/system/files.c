/* SPDX-License-Identifier: BSD-2-Clause */
/* Regular files: open flags, read and write positions, holes, truncation, links, descriptors. */
#include "test.h"
#include <sys/syscall.h>
#include <sys/uio.h>

static int make(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	check_ok(fd);
	check_equal(write(fd, text, strlen(text)), strlen(text));
	check_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void open_flags(void)
{
	int fd = open("excl", O_RDWR | O_CREAT | O_EXCL, 0600);

	check_ok(fd);
	check_errno(open("excl", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	check_errno(open("none", O_RDONLY), ENOENT);
	check_errno(open("excl/x", O_RDONLY), ENOTDIR);
	check_errno(open("/", O_RDWR), EISDIR);
	check_errno(open("excl", O_RDONLY | O_DIRECTORY), ENOTDIR);
	check_errno(open("", O_RDONLY), ENOENT);
	check_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	check_equal(fcntl(fd, F_GETFD), 0);
	check_ok(close(fd));
	check_errno(close(fd), EBADF);
	fd = open("excl", O_RDONLY | O_CLOEXEC);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_errno(write(fd, "x", 1), EBADF);
	fd = open("excl", O_WRONLY);
	check_errno(read(fd, &fd, 1), EBADF);
}

static void name_too_long(void)
{
	char name[300];

	memset(name, 'n', sizeof name);
	name[255] = 0;
	check_ok(open(name, O_CREAT | O_RDWR, 0600));
	name[255] = 'n';
	name[256] = 0;
	check_errno(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
}

static void umask_applies(void)
{
	struct stat st;

	umask(027);
	check_ok(open("masked", O_CREAT | O_RDWR, 0777));
	check_ok(stat("masked", &st));
	check_equal(st.st_mode & 0777, 0750);
	check_equal(umask(022), 027);
}

static void append(void)
{
	char buf[16];
	int fd = make("append", "one"), other = open("append", O_WRONLY | O_APPEND);

	check_ok(other);
	check_equal(lseek(other, 0, SEEK_SET), 0);
	check_equal(write(other, "two", 3), 3);
	check_equal(read(fd, buf, sizeof buf), 6);
	check(!memcmp(buf, "onetwo", 6));
	check_equal(lseek(other, 0, SEEK_CUR), 6);
}

static void positions(void)
{
	char buf[4];
	int fd = make("pos", "0123456789");

	check_equal(lseek(fd, -3, SEEK_END), 7);
	check_equal(read(fd, buf, 4), 3);
	check_equal(read(fd, buf, 4), 0);
	check_equal(lseek(fd, 2, SEEK_SET), 2);
	check_equal(lseek(fd, 3, SEEK_CUR), 5);
	check_equal(pread(fd, buf, 2, 8), 2);
	check(buf[0] == '8' && lseek(fd, 0, SEEK_CUR) == 5);
	check_equal(pwrite(fd, "xy", 2, 0), 2);
	check_equal(lseek(fd, 0, SEEK_CUR), 5);
	check_errno(lseek(fd, -1, SEEK_SET), EINVAL);
	check_errno(lseek(fd, 0, 99), EINVAL);
	check_errno(pread(fd, buf, 1, -1), EINVAL);
	check_equal(lseek(fd, 100, SEEK_SET), 100);
	check_equal(read(fd, buf, 1), 0);
}

static void hole(void)
{
	static char buf[70000];
	struct stat st;
	int fd = make("hole", "begin");

	check_equal(pwrite(fd, "end", 3, 65536), 3);
	check_ok(fstat(fd, &st));
	check_equal(st.st_size, 65539);
	check_equal(pread(fd, buf, sizeof buf, 0), 65539);
	check(!memcmp(buf, "begin", 5) && !memcmp(buf + 65536, "end", 3));
	for (int i = 5; i < 65536; i++)
		check(buf[i] == 0);
}

static void truncation(void)
{
	char buf[16];
	struct stat st;
	int fd = make("trunc", "0123456789");

	check_ok(ftruncate(fd, 4));
	check_equal(pread(fd, buf, 16, 0), 4);
	check_ok(ftruncate(fd, 8));
	check_equal(pread(fd, buf, 16, 0), 8);
	check(!memcmp(buf, "0123\0\0\0\0", 8));
	check_ok(truncate("trunc", 0));
	check_ok(fstat(fd, &st));
	check_equal(st.st_size, 0);
	check_errno(truncate("none", 0), ENOENT);
	check_errno(ftruncate(fd, -1), EINVAL);
	check_errno(truncate("/", 0), EISDIR);
}

static void large_file(void)
{
	static unsigned char buf[65536], back[65536];
	int fd = open("large", O_RDWR | O_CREAT, 0600);

	for (int block = 0; block < 64; block++) {
		for (unsigned i = 0; i < sizeof buf; i++)
			buf[i] = block * 7 + i * 13 + (i >> 8);
		check_equal(write(fd, buf, sizeof buf), sizeof buf);
	}
	check_ok(fsync(fd));
	for (int block = 63; block >= 0; block--) {
		for (unsigned i = 0; i < sizeof buf; i++)
			buf[i] = block * 7 + i * 13 + (i >> 8);
		check_equal(pread(fd, back, sizeof back, block * (off_t)sizeof buf), sizeof back);
		check(!memcmp(buf, back, sizeof buf));
	}
	check_ok(close(fd));
	check_ok(unlink("large"));
}

static void vectors(void)
{
	char a[3], b[5];
	int fd = open("vec", O_RDWR | O_CREAT, 0600);
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cdefgh", 6 } }, in[2] = { { a, 3 }, { b, 5 } };

	check_equal(writev(fd, out, 3), 8);
	check_equal(lseek(fd, 0, SEEK_SET), 0);
	check_equal(readv(fd, in, 2), 8);
	check(!memcmp(a, "abc", 3) && !memcmp(b, "defgh", 5));
	check_errno(readv(fd, in, -1), EINVAL);
}

static void bad_pointers(void)
{
	int fd = make("bad", "text");

	check_errno(read(fd, (void *)8, 4), EFAULT);
	check_errno(write(fd, (void *)8, 4), EFAULT);
	check_errno(read(fd, (void *)-4096l, 4), EFAULT);
	check_errno(open((char *)8, O_RDONLY), EFAULT);
	check_errno(syscall(SYS_newfstatat, AT_FDCWD, "bad", 8, 0), EFAULT);
	check_errno(read(-1, &fd, 1), EBADF);
	check_errno(read(9999, &fd, 1), EBADF);
}

static void unlinked_but_open(void)
{
	char buf[5];
	struct stat st;
	int fd = make("gone", "still");

	check_ok(unlink("gone"));
	check_errno(open("gone", O_RDONLY), ENOENT);
	check_equal(read(fd, buf, 5), 5);
	check_ok(fstat(fd, &st));
	check_equal(st.st_nlink, 0);
	check_errno(unlink("gone"), ENOENT);
}

static void links(void)
{
	char buf[32];
	struct stat a, b;

	make("l1", "text");
	check_ok(link("l1", "l2"));
	check_ok(stat("l1", &a));
	check_ok(stat("l2", &b));
	check(a.st_ino == b.st_ino && a.st_nlink == 2 && a.st_dev == b.st_dev);
	check_errno(link("l1", "l2"), EEXIST);
	check_ok(mkdir("ldir", 0755));
	check_errno(link("ldir", "l2"), EEXIST);	/* the new name is looked at first */
	check_errno(link("ldir", "l9"), EPERM);
	check_ok(rmdir("ldir"));
	check_errno(link("none", "l3"), ENOENT);
	check_ok(symlink("l1", "s1"));
	check_equal(readlink("s1", buf, sizeof buf), 2);
	check_equal(readlink("s1", buf, 1), 1);
	check_ok(lstat("s1", &a));
	check(S_ISLNK(a.st_mode) && a.st_size == 2);
	check_ok(stat("s1", &a));
	check(a.st_ino == b.st_ino);
	check_errno(readlink("l1", buf, sizeof buf), EINVAL);
	check_ok(symlink("loop", "loop"));
	check_errno(open("loop", O_RDONLY), ELOOP);
	check_errno(open("s1", O_RDONLY | O_NOFOLLOW), ELOOP);
	check_ok(symlink("nowhere", "dangling"));
	check_errno(open("dangling", O_RDONLY), ENOENT);
	check_errno(open("dangling", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	check_ok(open("dangling", O_CREAT | O_RDWR, 0600));
	check_ok(stat("nowhere", &a));
}

static void long_symlink(void)
{
	char target[1500], back[1600];

	memset(target, 'x', sizeof target);
	for (int i = 50; i < 1500; i += 50)
		target[i] = '/';
	target[1499] = 0;
	check_ok(symlink(target, "long"));
	check_equal(readlink("long", back, sizeof back), 1499);
	check(!memcmp(back, target, 1499));
}

static void renames(void)
{
	char buf[8];
	struct stat a, b;

	make("r1", "first");
	make("r2", "second");
	check_ok(stat("r1", &a));
	check_ok(rename("r1", "r2"));
	check_errno(stat("r1", &b), ENOENT);
	check_ok(stat("r2", &b));
	check(a.st_ino == b.st_ino && b.st_size == 5);
	check_ok(rename("r2", "r2"));
	check_ok(mkdir("rd", 0755));
	check_errno(rename("r2", "rd"), EISDIR);
	check_errno(rename("rd", "r2"), ENOTDIR);
	check_ok(rename("r2", "rd/in"));
	check_equal(read(open("rd/in", O_RDONLY), buf, 8), 5);
	check_errno(rename("none", "x"), ENOENT);
	check_errno(rename("rd", "rd/sub"), EINVAL);
	check_errno(rename("rd/in", "rd"), ENOTEMPTY);	/* not EISDIR: the target holds the source */
}

static void duplicates(void)
{
	char c;
	int fd = make("dup", "abcdef"), other = dup(fd), third;

	check(other >= 0 && other != fd);
	check_equal(read(fd, &c, 1), 1);
	check_equal(read(other, &c, 1), 1);
	check_equal(c, 'b');
	third = fcntl(fd, F_DUPFD, 50);
	check_equal(third, 50);
	check_equal(fcntl(fd, F_DUPFD_CLOEXEC, 50), 51);
	check_equal(fcntl(51, F_GETFD), FD_CLOEXEC);
	check_equal(dup2(fd, 60), 60);
	check_equal(dup2(fd, fd), fd);
	check_errno(dup2(999, 5), EBADF);
	check_equal(dup3(fd, 61, O_CLOEXEC), 61);
	check_equal(fcntl(61, F_GETFD), FD_CLOEXEC);
	check_errno(dup3(fd, fd, 0), EINVAL);
	check_ok(fcntl(fd, F_SETFL, O_APPEND));
	check(fcntl(other, F_GETFL) & O_APPEND);
}

static void descriptor_is_lowest(void)
{
	int a = make("low", "x"), b = dup(a), c = dup(a);

	check(a < b && b < c);
	check_ok(close(b));
	check_equal(dup(a), b);
}

static void times_and_modes(void)
{
	struct timespec ts[2] = { { 1000000000, 5 }, { 1100000000, 123456789 } };
	struct stat st;

	make("tm", "x");
	check_ok(utimensat(AT_FDCWD, "tm", ts, 0));
	check_ok(stat("tm", &st));
	check(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec == 1100000000);
	check_equal(st.st_mtim.tv_nsec, 123456789);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	check_ok(utimensat(AT_FDCWD, "tm", ts, 0));
	check_ok(stat("tm", &st));
	check(st.st_atim.tv_sec == 1000000000 && st.st_mtim.tv_sec != 1100000000);
	check_ok(chmod("tm", 04711));
	check_ok(stat("tm", &st));
	check_equal(st.st_mode & 07777, 04711);
	check_equal(st.st_size, 1);
	check_equal(st.st_nlink, 1);
	check_errno(chmod("none", 0), ENOENT);
	check_ok(access("tm", R_OK | W_OK));
	check_errno(access("none", F_OK), ENOENT);
}

static void write_moves_mtime(void)
{
	struct stat a, b;
	int fd = make("mt", "x");

	check_ok(fstat(fd, &a));
	sleep_ms(30);
	check_equal(write(fd, "yy", 2), 2);
	check_ok(fstat(fd, &b));
	check(b.st_mtim.tv_sec > a.st_mtim.tv_sec || b.st_mtim.tv_nsec > a.st_mtim.tv_nsec);
}

static void special_files(void)
{
	char buf[64] = "x";
	struct stat st;
	int fd = open("/dev/zero", O_RDWR);

	check_equal(read(fd, buf, 64), 64);
	check(buf[0] == 0 && buf[63] == 0);
	check_equal(write(fd, buf, 64), 64);
	fd = open("/dev/null", O_RDWR);
	check_equal(read(fd, buf, 64), 0);
	check_equal(write(fd, buf, 64), 64);
	check_ok(fstat(fd, &st));
	check(S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
	fd = open("/dev/full", O_RDWR);
	check_errno(write(fd, "x", 1), ENOSPC);
	fd = open("/dev/urandom", O_RDONLY);
	check_equal(read(fd, buf, 64), 64);
	check_ok(mknod("fifo", S_IFIFO | 0600, 0));
	check_ok(stat("fifo", &st));
	check(S_ISFIFO(st.st_mode));
}

static void offset_shared_over_fork(void)
{
	char c;
	int fd = make("share", "abc");
	pid_t pid = fork();

	if (pid == 0)
		_exit(read(fd, &c, 1) == 1 && c == 'a' ? 0 : 1);
	check_equal(wait_for(pid), 0);
	check_equal(read(fd, &c, 1), 1);
	check_equal(c, 'b');
}

static const struct test table[] = {
	{ "open-flags", open_flags }, { "name-too-long", name_too_long }, { "umask", umask_applies },
	{ "append", append }, { "positions", positions }, { "hole", hole }, { "truncate", truncation },
	{ "large-file", large_file }, { "readv-writev", vectors }, { "bad-pointers", bad_pointers },
	{ "unlinked-but-open", unlinked_but_open }, { "links", links }, { "long-symlink", long_symlink },
	{ "rename", renames }, { "dup", duplicates }, { "lowest-descriptor", descriptor_is_lowest },
	{ "times-and-modes", times_and_modes }, { "write-moves-mtime", write_moves_mtime },
	{ "special-files", special_files }, { "offset-over-fork", offset_shared_over_fork },
	{ 0 },
};

TEST_MAIN(table)
