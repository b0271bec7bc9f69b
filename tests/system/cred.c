/* SPDX-License-Identifier: BSD-2-Clause */
/* Users and groups: changing ids, what permission bits allow whom, set-user-id programs. */
#include "test.h"
#include <grp.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static void starts_as_root(void)
{
	uid_t r, e, s;

	check_equal(getuid(), 0);
	check_equal(geteuid(), 0);
	check_equal(getgid(), 0);
	check_ok(getresuid(&r, &e, &s));
	check(r == 0 && e == 0 && s == 0);
}

static void drop_for_good(void)
{
	uid_t r, e, s;

	check_ok(setgid(1001));
	check_ok(setuid(1000));
	check_ok(getresuid(&r, &e, &s));
	check(r == 1000 && e == 1000 && s == 1000);
	check_errno(setuid(0), EPERM);
	check_errno(setgid(0), EPERM);
	check_errno(setgroups(0, 0), EPERM);
	check_ok(setuid(1000));
}

static void drop_and_return(void)
{
	check_ok(seteuid(1000));
	check_equal(geteuid(), 1000);
	check_equal(getuid(), 0);
	check_errno(open("/root/x", O_CREAT | O_RDWR, 0600), EACCES);
	check_ok(seteuid(0));
	check_ok(open("/root/x", O_CREAT | O_RDWR, 0600));
	check_ok(unlink("/root/x"));
	check_ok(setresuid(1, 2, 3));
	check_ok(setresuid(-1, 3, -1));
	check_ok(setresuid(3, -1, 1));
	check_errno(setresuid(9, -1, -1), EPERM);
}

static void supplementary_groups(void)
{
	gid_t groups[3] = { 5, 6, 7 }, back[10];

	check_ok(setgroups(3, groups));
	check_equal(getgroups(0, 0), 3);
	check_equal(getgroups(10, back), 3);
	check(back[0] == 5 && back[2] == 7);
	check_errno(getgroups(2, back), EINVAL);
}

/* Which of read, write, execute may the caller do? */
static int may(const char *name)
{
	return (access(name, R_OK) ? 0 : 4) | (access(name, W_OK) ? 0 : 2) | (access(name, X_OK) ? 0 : 1);
}

static void permission_bits(void)
{
	gid_t extra[1] = { 77 };

	check_ok(chmod(".", 0755));
	for (int mode = 0; mode < 01000; mode += 0111 & 073) {
		int fd = open("perm", O_CREAT | O_RDWR, 0600);

		check_ok(fd);
		close(fd);
		check_ok(chown("perm", 1000, 77));
		check_ok(chmod("perm", mode));
		check_equal(may("perm"), 6 | !!(mode & 0111));
		for (int who = 0; who < 3; who++) {
			pid_t pid = fork();

			if (pid == 0) {
				int want = mode >> (6 - 3 * who) & 7;

				check_ok(setgroups(who == 1, extra));
				check_ok(setgid(500));
				check_ok(setuid(who == 0 ? 1000 : 2000));
				check_equal(may("perm"), want);
				fd = open("perm", O_RDONLY);
				check_equal(fd >= 0, !!(want & 4));
				fd = open("perm", O_WRONLY);
				check_equal(fd >= 0, !!(want & 2));
				_exit(0);
			}
			check_equal(wait_for(pid), 0);
		}
		check_ok(unlink("perm"));
	}
}

static void directories_need_search(void)
{
	check_ok(chmod(".", 0755));
	check_ok(mkdir("closed", 0700));
	check_ok(open("closed/f", O_CREAT | O_RDWR, 0666));
	check_ok(mkdir("sticky", 0777));
	check_ok(chmod("sticky", 01777));
	check_ok(open("sticky/roots", O_CREAT | O_RDWR, 0666));
	check_ok(setuid(1000));
	check_errno(open("closed/f", O_RDONLY), EACCES);
	check_errno(open("closed", O_RDONLY), EACCES);
	check_errno(open("new", O_CREAT | O_RDWR, 0600), EACCES);
	check_errno(mkdir("d", 0755), EACCES);
	check_errno(unlink("sticky/roots"), EPERM);
	check_errno(rename("sticky/roots", "sticky/mine"), EPERM);
	check_ok(open("sticky/own", O_CREAT | O_RDWR, 0600));
	check_ok(unlink("sticky/own"));
}

static void owner_only(void)
{
	check_ok(chmod(".", 0777));
	check_ok(open("roots", O_CREAT | O_RDWR, 0644));
	check_ok(setgid(1000));
	check_ok(setuid(1000));
	check_errno(chmod("roots", 0777), EPERM);
	check_errno(chown("roots", 1000, 1000), EPERM);
	check_ok(open("mine", O_CREAT | O_RDWR, 0644));
	check_ok(chmod("mine", 0600));
	check_errno(chown("mine", 0, -1), EPERM);
	check_errno(chown("mine", -1, 0), EPERM);
	check_ok(chown("mine", -1, 1000));
	struct stat st;

	check_ok(stat("mine", &st));
	check(st.st_uid == 1000 && st.st_gid == 1000);
}

static void chown_clears_set_id(void)
{
	struct stat st;

	check_ok(open("suid", O_CREAT | O_RDWR, 0700));
	check_ok(chmod("suid", 06711));
	check_ok(chown("suid", 5, 6));
	check_ok(stat("suid", &st));
	check_equal(st.st_mode & 07777, 0711);
}

static void set_user_id_program(void)
{
	char self[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	int in, out;
	char buf[4096];

	check(n > 0);
	self[n] = 0;
	in = open(self, O_RDONLY);
	out = open("suid-program", O_CREAT | O_WRONLY, 0755);
	while ((n = read(in, buf, sizeof buf)) > 0)
		check_equal(write(out, buf, n), n);
	check_ok(close(out));
	check_ok(chown("suid-program", 123, 456));
	check_ok(chmod("suid-program", 06755));
	check_ok(chmod(".", 0755));
	pid_t pid = fork();

	if (pid == 0) {
		check_ok(setgid(1000));
		check_ok(setuid(1000));
		execl("./suid-program", "suid-program", "--ids", (char *)0);
		_exit(1);
	}
	check_equal(wait_for(pid), 42 << 8);
}

static void needs_root(void)
{
	check_ok(setuid(1000));
	check_errno(mknod("/tmp/node", S_IFCHR | 0666, 0x103), EPERM);
	check_errno(mount("none", "/mnt", "tmpfs", 0, ""), EPERM);
	check_errno(chroot("/"), EPERM);
	check_errno(sethostname("x", 1), EPERM);
	check_errno(setpriority(0, 0, -5), EACCES);
	struct timespec ts = { 1, 0 };

	check_errno(clock_settime(CLOCK_REALTIME, &ts), EPERM);
	check_errno(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0), EPERM);
}

static void change_root(void)
{
	struct stat st;

	check_ok(mkdir("jail", 0755));
	check_ok(mkdir("jail/only", 0755));
	check_ok(chroot("jail"));
	check_ok(chdir("/"));
	check_ok(stat("/only", &st));
	check_ok(stat("/../../only", &st));
	check_errno(stat("/bin", &st), ENOENT);
}

static const struct test table[] = {
	{ "starts-as-root", starts_as_root }, { "drop-for-good", drop_for_good }, { "drop-and-return", drop_and_return },
	{ "groups", supplementary_groups }, { "permission-bits", permission_bits },
	{ "directory-search", directories_need_search }, { "owner-only", owner_only },
	{ "chown-clears-set-id", chown_clears_set_id }, { "set-user-id", set_user_id_program },
	{ "needs-root", needs_root }, { "chroot", change_root },
	{ 0 },
};

int main(int argc, char **argv)
{
	/* The copy that set_user_id_program made: who does it run as? */
	if (argc == 2 && !strcmp(argv[1], "--ids"))
		return getuid() == 1000 && geteuid() == 123 && getgid() == 1000 && getegid() == 456 ? 42 : 1;
	return test_main(argc, argv, table);
}
