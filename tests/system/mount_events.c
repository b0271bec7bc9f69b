/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc files that tell who polls them of changes: mounts (proc(5)), swaps, the host's name; and the options they show. */
#include "test.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define CHANGED (POLLERR | POLLPRI)

static int revents(int fd, int timeout)
{
	struct pollfd p = { fd, POLLPRI, 0 };

	return poll(&p, 1, timeout) < 0 ? -1 : p.revents;
}

static void mounts(void)
{
	static const char *const names[] = { "/proc/self/mountinfo", "/proc/self/mounts", "/proc/mounts" };

	check(!mkdir("/tmp/m", 0755) || errno == EEXIST);
	for (int i = 0; i < 3; i++) {
		int fd = open(names[i], O_RDONLY);

		check(fd >= 0);
		check_equal(revents(fd, 0), 0);
		check_ok(mount("none", "/tmp/m", "tmpfs", 0, 0));
		check_equal(revents(fd, 0), CHANGED);
		check_equal(revents(fd, 0), 0);		/* told once */
		check_ok(mount(0, "/tmp/m", 0, MS_REMOUNT | MS_BIND | MS_NOSUID, 0));
		check_ok(umount("/tmp/m"));
		check_equal(revents(fd, 0), CHANGED);
		close(fd);
	}
}

/* A waiter wakes; epoll takes the file, edge-triggered, as libmount does. */
static void waiting(void)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY), ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN | EPOLLET }, got;
	pid_t pid;

	check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	check_equal(epoll_wait(ep, &got, 1, 0), 1);	/* always readable */
	check_equal(got.events, EPOLLIN);
	check_equal(epoll_wait(ep, &got, 1, 0), 0);
	pid = fork();
	if (pid == 0) {
		sleep_ms(100);
		_exit(mount("none", "/tmp/m", "tmpfs", 0, 0) ? 1 : 0);
	}
	check_equal(epoll_wait(ep, &got, 1, 10000), 1);
	check(got.events & EPOLLERR);
	check_equal(wait_for(pid), 0);
	check_ok(umount("/tmp/m"));
}

static void swaps(void)
{
	int fd = open("/proc/swaps", O_RDONLY), ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLPRI }, got;

	check_equal(revents(fd, 0), 0);
	check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	check_equal(epoll_wait(ep, &got, 1, 0), 0);
}

static void host_name(void)
{
	int fd = open("/proc/sys/kernel/hostname", O_RDONLY);
	struct utsname was;
	char c[100];

	check_ok(uname(&was));
	check(read(fd, c, sizeof c) > 0);
	check_equal(revents(fd, 0), 0);
	check_ok(sethostname("another", 7));
	check_equal(revents(fd, 0), CHANGED);
	check_equal(lseek(fd, 0, SEEK_SET), 0);
	check_equal(read(fd, c, sizeof c), 8);
	check_ok(sethostname(was.nodename, strlen(was.nodename)));
}

/* Files of a process that tell of no changes cannot be watched; others can, and are always ready. */
static void unwatched(void)
{
	struct epoll_event e = { .events = EPOLLIN }, got;
	int ep = epoll_create1(0);

	check_errno(epoll_ctl(ep, EPOLL_CTL_ADD, open("/proc/self/status", O_RDONLY), &e), EPERM);
	check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, open("/proc/meminfo", O_RDONLY), &e));
	check_equal(epoll_wait(ep, &got, 1, 0), 1);
	check_equal(got.events, EPOLLIN);
}

static bool shows(const char *file, const char *words)
{
	static char text[1 << 16];
	int fd = open(file, O_RDONLY);
	ssize_t n = 0, more;

	while ((more = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0)
		n += more;
	text[n] = 0;
	close(fd);
	return strstr(text, words) != 0;
}

/* The file system's own options follow in both files. */
static void options(void)
{
	check_ok(mount("here", "/tmp/m", "tmpfs", MS_NOSUID | MS_NODEV, "size=256k,mode=750,nr_inodes=100"));
	check(shows("/proc/self/mounts", "here /tmp/m tmpfs rw,nosuid,nodev,relatime,size=256k,nr_inodes=100,mode=750"));
	check(shows("/proc/self/mountinfo", "/ /tmp/m rw,nosuid,nodev,relatime - tmpfs here rw,size=256k,nr_inodes=100,mode=750"));
	check_ok(umount("/tmp/m"));
}

static const struct test table[] = {
	{ "mounts", mounts }, { "waiting", waiting }, { "swaps", swaps }, { "host-name", host_name }, { "unwatched", unwatched },
	{ "options", options }, { 0 },
};

TEST_MAIN(table)
