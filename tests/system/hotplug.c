/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs that go off and come back through /sys while programs run, sleep and wake each other on them. */
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define CPU_DIR "/sys/devices/system/cpu/"

static void text_of(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	check(n >= 0);
	buf[n < 0 ? 0 : n] = 0;
	close(fd);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int set_cpu1(bool on) { return write_text(CPU_DIR "cpu1/online", on ? "1" : "0"); }

static void lists(void)
{
	char buf[64];

	text_of(CPU_DIR "online", buf, sizeof buf);
	check(!strcmp(buf, "0-1\n"));
	check_equal(set_cpu1(false), 0);
	text_of(CPU_DIR "online", buf, sizeof buf);
	check(!strcmp(buf, "0\n"));
	text_of(CPU_DIR "offline", buf, sizeof buf);
	check(buf[0] == '1');		/* Linux may know of more than there are */
	text_of(CPU_DIR "cpu1/online", buf, sizeof buf);
	check(!strcmp(buf, "0\n"));
	check_equal(sysconf(_SC_NPROCESSORS_ONLN), 1);
	check_equal(set_cpu1(false), 0);
	check_equal(set_cpu1(true), 0);
	text_of(CPU_DIR "online", buf, sizeof buf);
	check(!strcmp(buf, "0-1\n"));
	check_equal(set_cpu1(true), 0);
}

static void errors(void)
{
	int err;

	check_equal(write_text(CPU_DIR "cpu1/online", "maybe"), -EINVAL);
	check_equal(write_text(CPU_DIR "cpu63/online", "1"), -ENOENT);
	check_equal(set_cpu1(false), 0);
	err = write_text(CPU_DIR "cpu0/online", "0");	/* the last one; where the first must stay it may have no file */
	check(err == -EBUSY || err == -ENOENT || err == -EACCES);
	check_equal(set_cpu1(true), 0);
	check_ok(setuid(1000));
	check_equal(write_text(CPU_DIR "cpu1/online", "0"), -EACCES);
}

static void affinity_to_offline(void)
{
	unsigned long one = 2, both = 3, got = 0;
	unsigned cpu = 9;

	check_ok(syscall(SYS_sched_setaffinity, 0, sizeof one, &one));
	check_equal(set_cpu1(false), 0);
	check_ok(syscall(SYS_getcpu, &cpu, NULL, NULL));
	check_equal(cpu, 0);
	check(syscall(SYS_sched_getaffinity, 0, sizeof got, &got) > 0);
	check_equal(got, 1);
	check_errno(syscall(SYS_sched_setaffinity, 0, sizeof one, &one), EINVAL);
	check_ok(syscall(SYS_sched_setaffinity, 0, sizeof both, &both));
	check_equal(set_cpu1(true), 0);
	check_ok(syscall(SYS_sched_setaffinity, 0, sizeof one, &one));
	check_ok(syscall(SYS_getcpu, &cpu, NULL, NULL));
	check_equal(cpu, 1);
}

#define HOPPERS 6
static atomic_ulong hops[HOPPERS];
static atomic_int stop;

struct link { int in, out, index; };

static void *hopper(void *arg)
{
	struct link *l = arg;
	unsigned long n;

	while (read(l->in, &n, sizeof n) == sizeof n) {
		atomic_fetch_add(&hops[l->index], 1);
		if (atomic_load(&stop)) {
			n = ~0ul;
			if (write(l->out, &n, sizeof n) != sizeof n)
				break;
			break;
		}
		n++;
		if (write(l->out, &n, sizeof n) != sizeof n)
			break;
	}
	return NULL;
}

static void *counter(void *arg)
{
	atomic_ulong *n = arg;

	while (!atomic_load(&stop))
		atomic_fetch_add(n, 1);
	return NULL;
}

/* Pieces go round a ring of threads, counters compute: all still do after each change. */
static void storm(void)
{
	static struct link links[HOPPERS];
	static atomic_ulong counts[2];
	int pipes[HOPPERS][2];
	pthread_t t[HOPPERS + 2];
	unsigned long seed = 0;

	for (int i = 0; i < HOPPERS; i++)
		check_ok(pipe(pipes[i]));
	for (int i = 0; i < HOPPERS; i++) {
		links[i] = (struct link){ pipes[i][0], pipes[(i + 1) % HOPPERS][1], i };
		check_equal(pthread_create(&t[i], NULL, hopper, &links[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		check_equal(pthread_create(&t[HOPPERS + i], NULL, counter, &counts[i]), 0);
	for (int i = 0; i < 3; i++)
		check(write(pipes[i * 2][1], &seed, sizeof seed) == sizeof seed);
	for (int round = 0; round < 10; round++) {
		unsigned long before[HOPPERS], work[2];
		bool all = false;

		check_equal(set_cpu1(round % 2), 0);
		for (int i = 0; i < HOPPERS; i++)
			before[i] = atomic_load(&hops[i]);
		work[0] = atomic_load(&counts[0]);
		work[1] = atomic_load(&counts[1]);
		for (int tries = 0; tries < 2000 && !all; tries++) {
			sleep_ms(5);
			all = atomic_load(&counts[0]) > work[0] && atomic_load(&counts[1]) > work[1];
			for (int i = 0; i < HOPPERS; i++)
				all = all && atomic_load(&hops[i]) > before[i];
		}
		check(all);
	}
	atomic_store(&stop, 1);
	for (int i = 0; i < HOPPERS; i++)	/* whoever waits for a piece gets one */
		check(write(pipes[i][1], &seed, sizeof seed) == sizeof seed);
	for (int i = 0; i < HOPPERS + 2; i++)
		check_equal(pthread_join(t[i], NULL), 0);
	check_equal(set_cpu1(true), 0);
}

/* Sleeps that began on a CPU which then goes off end all the same, not early. */
static void timers_move(void)
{
	unsigned long one = 2;
	int ready[2];
	pid_t pid;
	char c;

	check_ok(pipe(ready));
	pid = fork();
	if (!pid) {
		long long start;

		if (syscall(SYS_sched_setaffinity, 0, sizeof one, &one))
			_exit(2);
		start = now_ms();
		if (write(ready[1], "x", 1) != 1)
			_exit(3);
		sleep_ms(400);
		_exit(now_ms() - start < 400 ? 4 : 0);
	}
	check_equal(read(ready[0], &c, 1), 1);
	sleep_ms(20);
	check_equal(set_cpu1(false), 0);
	int status = wait_for(pid);

	check_equal(status, 0);
	check_equal(set_cpu1(true), 0);
}

/*
 * The first CPU goes, too, where it may: sleeps end, programs start, the other one serves them. Where it stays it has no
 * file to be told by.
 */
static void first_goes(void)
{
	unsigned cpu = 9;
	char buf[64];

	if (access(CPU_DIR "cpu0/online", F_OK)) {
		check_equal(errno, ENOENT);
		return;
	}
	check_equal(write_text(CPU_DIR "cpu0/online", "0"), 0);
	text_of(CPU_DIR "online", buf, sizeof buf);
	check(!strcmp(buf, "1\n"));
	check_ok(syscall(SYS_getcpu, &cpu, NULL, NULL));
	check_equal(cpu, 1);
	check_equal(set_cpu1(false), -EBUSY);
	for (int i = 0; i < 3; i++) {
		long long start = now_ms();
		pid_t pid = fork();
		int fd;

		if (!pid) {
			sleep_ms(20);
			_exit(7);
		}
		check_equal(wait_for(pid), 7 << 8);
		check(now_ms() - start >= 20);
		fd = open("/proc/self/exe", O_RDONLY);	/* from the disk, where its page is not cached */
		check(fd >= 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
		check(read(fd, buf, sizeof buf) == sizeof buf);
		close(fd);
	}
	check_equal(write_text(CPU_DIR "cpu0/online", "1"), 0);
	text_of(CPU_DIR "online", buf, sizeof buf);
	check(!strcmp(buf, "0-1\n"));
	check_equal(set_cpu1(false), 0);	/* and the way back of all that moved */
	sleep_ms(20);
	check_equal(set_cpu1(true), 0);
}

static void topology(void)
{
	char buf[64];

	text_of(CPU_DIR "cpu1/topology/core_id", buf, sizeof buf);
	check(buf[0] >= '0' && buf[0] <= '9');
	text_of(CPU_DIR "cpu1/topology/physical_package_id", buf, sizeof buf);
	check((buf[0] >= '0' && buf[0] <= '9') || !strcmp(buf, "-1\n"));
	text_of(CPU_DIR "cpu1/topology/thread_siblings_list", buf, sizeof buf);
	check(strchr(buf, '1') != NULL);
	text_of(CPU_DIR "cpu0/topology/core_siblings_list", buf, sizeof buf);
	check(buf[0] == '0');
}

static const struct test table[] = {
	{ "lists", lists }, { "errors", errors }, { "affinity-to-offline", affinity_to_offline }, { "storm", storm },
	{ "timers-move", timers_move }, { "first-goes", first_goes }, { "topology", topology },
	{ 0 },
};

TEST_MAIN(table)
