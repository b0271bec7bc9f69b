/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts that lie over the working directory or the root: umount takes the topmost, also of "." and "/". */
#include "test.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static void alone(void)
{
	check_ok(unshare(CLONE_NEWNS));
	check_ok(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* pivot_root(".", ".") puts the old root over the new one, where "." is enough to take it away. */
static void old_root_over_new(void)
{
	alone();
	check_ok(mkdir("root", 0755));
	check_ok(mount("fresh", "root", "tmpfs", 0, NULL));
	check_ok(mkdir("root/mine", 0755));
	check_ok(chdir("root"));
	check_ok(syscall(SYS_pivot_root, ".", "."));
	check_ok(umount2(".", MNT_DETACH));
	check_ok(access("/mine", F_OK));
	check_ok(access("mine", F_OK));
	check_errno(access("/tests", F_OK), ENOENT);
	check_errno(access("/proc/self", F_OK), ENOENT);
	check_ok(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL));
	check_ok(chdir("/"));
	check_ok(access("mine", F_OK));
}

static void over_the_working_directory(void)
{
	alone();
	check_ok(mkdir("dir", 0755));
	check_ok(mount("low", "dir", "tmpfs", 0, NULL));
	check_ok(mkdir("dir/low", 0755));
	check_ok(chdir("dir"));
	check_ok(mount("middle", "../dir", "tmpfs", 0, NULL));
	check_ok(mkdir("../dir/middle", 0755));
	check_ok(mount("high", "../dir", "tmpfs", 0, NULL));
	check_ok(access("low", F_OK));	/* where we are is where we were */
	check_errno(access("../dir/middle", F_OK), ENOENT);
	check_ok(umount2(".", 0));
	check_ok(access("../dir/middle", F_OK));
	check_ok(umount2(".", 0));
	check_ok(access("../dir/low", F_OK));
	check_errno(umount2(".", 0), EBUSY);	/* we are in it */
	check_ok(chdir(".."));
	check_ok(umount2("dir", 0));
	check_errno(umount2("dir", 0), EINVAL);
}

static const struct test tests[] = {
	{ "old-root-over-new", old_root_over_new }, { "over-the-working-directory", over_the_working_directory }, { 0 },
};

TEST_MAIN(tests)
