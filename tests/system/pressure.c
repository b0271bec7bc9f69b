/* SPDX-License-Identifier: BSD-2-Clause */
/* Pressure files: their sums rise with what programs wait for, and triggers tell of it. */
#include "test.h"
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>

#define MB (1l << 20)
#define GROUPS "/sys/fs/cgroup"

static int trigger(const char *file, const char *text)
{
	int fd = open(file, O_RDWR | O_NONBLOCK);

	check_ok(fd);
	if (write(fd, text, strlen(text) + 1) < 0) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

static int polled(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };

	return poll(&p, 1, ms) < 0 ? -1 : p.revents;
}

static unsigned long long total_of(const char *file)
{
	char text[512], *at;
	int fd = open(file, O_RDONLY), n;

	check_ok(fd);
	n = read(fd, text, sizeof text - 1);
	check(n > 0);
	text[n] = 0;
	close(fd);
	at = strstr(text, "total=");
	check(!strncmp(text, "some avg10=", 11) && at && strstr(text, "\nfull avg10="));
	return strtoull(at + 6, NULL, 10);
}

static void files(void)
{
	total_of("/proc/pressure/cpu");
	total_of("/proc/pressure/memory");
	total_of("/proc/pressure/io");
}

static void bad_words(void)
{
	static const char *const bad[] = {
		"", "some", "some 1", "most 100000 1000000", "some 100000 20000000", "some 0 1000000",
		"some 1000001 1000000", "some x 1000000", "100000 1000000", "some -1 1000000",
	};
	static const char *const names[] = { "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io" };

	for (unsigned f = 0; f < 3; f++)
		for (unsigned i = 1; i < sizeof bad / sizeof *bad; i++)
			check_errno(trigger(names[f], bad[i]), EINVAL);
}

static void one_for_each_file(void)
{
	int fd = trigger("/proc/pressure/memory", "some 150000 1000000"), plain = open("/proc/pressure/memory", O_RDWR);

	check_ok(fd);
	check_errno(write(fd, "some 150000 1000000", 20), EBUSY);
	check_equal(polled(plain, 0), POLLPRI | POLLERR);
	check_equal(polled(fd, 100), 0);		/* nobody waits for memory here */
	close(fd);
	check_ok(fd = trigger("/proc/pressure/memory", "full 100000 10000000"));
	close(fd);
}

static void nobody(void)
{
	check_ok(setgid(65534));
	check_ok(setuid(65534));
	check_errno(trigger("/proc/pressure/cpu", "some 150000 1000000"), EINVAL);
	check_ok(trigger("/proc/pressure/cpu", "some 150000 2000000"));
}

static void cpu(void)
{
	int quiet = trigger("/proc/pressure/cpu", "some 900000 1000000"), fd = trigger("/proc/pressure/cpu", "some 100000 1000000");
	unsigned long long before = total_of("/proc/pressure/cpu");
	pid_t pid[6];

	check_ok(quiet);
	check_ok(fd);
	for (int i = 0; i < 6; i++)
		if (!(pid[i] = fork()))
			for (;;)
				;
	check_equal(polled(fd, 15000), POLLPRI);
	/* Once per window. */
	check_equal(polled(fd, 0), 0);
	check_equal(polled(fd, 15000), POLLPRI);
	for (int i = 0; i < 6; i++)
		kill(pid[i], SIGKILL);
	check(total_of("/proc/pressure/cpu") > before + 100000);
}

static void group_write(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);

	check_ok(fd);
	check_ok(write(fd, text, strlen(text)));
	close(fd);
}

static void make_group(const char *name)
{
	alarm(120);		/* what waits for a disk waits long on a busy host */
	check(!mount("cgroup2", GROUPS, "cgroup2", 0, NULL) || errno == EBUSY);
	check_ok(chdir(GROUPS));
	group_write("cgroup.subtree_control", "+memory");
	check(!mkdir(name, 0755) || errno == EEXIST);
	check_ok(chdir(name));
}

/* Held back above memory.high: the group's trigger and the machine's tell. */
static void memory(void)
{
	int group, machine, status;
	pid_t pid;

	make_group("pressed");
	group_write("memory.high", "4M");
	check_ok(group = trigger("memory.pressure", "some 50000 1000000"));
	check_ok(machine = trigger("/proc/pressure/memory", "some 50000 1000000"));
	pid = fork();
	if (!pid) {
		group_write("cgroup.procs", "0");
		for (char *p = mmap(NULL, 64 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *end = p + 64 * MB; p < end; p += 4096)
			*p = 1;
		for (;;)
			pause();
	}
	check_equal(polled(group, 15000) & (POLLPRI | POLLERR), POLLPRI);
	check_equal(polled(machine, 5000) & POLLPRI, POLLPRI);
	kill(pid, SIGKILL);
	status = wait_for(pid);
	check(WIFSIGNALED(status));
	check(total_of("memory.pressure") > 50000);
}

/* A file that is read again and again and does not fit: waiting for its pages is waiting for memory. */
static void refaults(void)
{
	static char block[65536];
	unsigned long long before;
	int fd = open("/root/refault", O_RDWR | O_CREAT | O_TRUNC, 0600), status;
	pid_t pid;

	check_ok(fd);
	for (int i = 0; i < 256; i++)
		check_equal(write(fd, block, sizeof block), sizeof block);
	check_ok(fsync(fd));
	check_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	make_group("reread");
	group_write("memory.max", "8M");
	before = total_of("memory.pressure");
	pid = fork();
	if (!pid) {
		group_write("cgroup.procs", "0");
		for (int round = 0; round < 6; round++)
			for (long at = 0; at < 16 * MB; at += sizeof block)
				if (pread(fd, block, sizeof block, at) != sizeof block)
					_exit(1);
		_exit(0);
	}
	status = wait_for(pid);
	unlink("/root/refault");
	check_equal(status, 0);
	check(total_of("memory.pressure") > before);
}

static void io(void)
{
	static char block[65536];
	unsigned long long before;
	int fd = open("/root/io", O_RDWR | O_CREAT | O_TRUNC, 0600);

	check_ok(fd);
	for (int i = 0; i < 128; i++)
		check_equal(write(fd, block, sizeof block), sizeof block);
	check_ok(fsync(fd));
	check_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	before = total_of("/proc/pressure/io");
	for (int i = 0; i < 128; i++)
		check_equal(pread(fd, block, sizeof block, i * (long)sizeof block), sizeof block);
	for (int i = 0; i < 10; i++) {
		check_equal(pwrite(fd, block, sizeof block, 0), sizeof block);
		check_ok(fsync(fd));
	}
	unlink("/root/io");
	check(total_of("/proc/pressure/io") > before);
}

static const struct test tests[] = {
	{ "files", files }, { "bad_words", bad_words }, { "one_for_each_file", one_for_each_file }, { "nobody", nobody },
	{ "cpu", cpu }, { "memory", memory }, { "refaults", refaults }, { "io", io }, {},
};
TEST_MAIN(tests)
