/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures PID 1 from within: the last unit of a boot with 100 services. Prints `figure NAME VALUE`
 * lines on the console and powers off. As PID 1 it notes what the machine has used so far and becomes
 * /tests/init; as `figures victim FILE` it is the service that is killed.
 * ci/tools/service_figures.py makes the disk and reads the lines.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void nap(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static char *slurp(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY), n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	return text;
}

static long status_kib(const char *key)
{
	char *at = strstr(slurp("/proc/1/status"), key);

	return at ? atol(at + strlen(key)) : -1;
}

/* Nanoseconds of CPU that PID 1 has used. */
static double cpu_ns(void)
{
	char *at = strstr(slurp("/proc/1/sched"), "sum_exec_runtime");

	return at ? strtod(strchr(at, ':') + 1, NULL) * 1e6 : -1;
}

/* CPU time of all other processes together: what it took to get here, whoever waited for whom. COUNT: the sleepers. */
static double all_cpu_ns(int *count)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	double sum = 0;

	*count = 0;

	while (d && (entry = readdir(d))) {
		char path[300], *at;

		snprintf(path, sizeof path, "/proc/%s/sched", entry->d_name);
		if (!isdigit((unsigned char)entry->d_name[0]) || atoi(entry->d_name) == getpid())
			continue;
		at = slurp(path);
		if (strstr(at, "figures"))
			continue;
		*count += strstr(at, "sleep (") != NULL;
		at = strstr(at, "sum_exec_runtime");
		sum += at ? strtod(strchr(at, ':') + 1, NULL) * 1e6 : 0;
	}
	closedir(d);
	return sum;
}

/* Processes whose parent ends before them: PID 1's to reap. */
static void make_orphans(int count)
{
	while (count--) {
		pid_t child = fork();

		if (child == 0) {
			if (fork() == 0)
				nap(1);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
}

static int zombies(void)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (d && (entry = readdir(d))) {
		char path[300];

		snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
		if (isdigit((unsigned char)entry->d_name[0]))
			count += strstr(slurp(path), "State:\tZ") != NULL;
	}
	closedir(d);
	return count;
}

/* What follows is init's: the kernel's boot and this program are told apart from it. */
static int become_init(char **argv)
{
	int count;

	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	printf("\nfigure before_ns %.0f\n", all_cpu_ns(&count) + cpu_ns());
	fflush(stdout);
	argv[0] = "/tests/init";
	execv(argv[0], argv);
	return 1;
}

static int victim(const char *path)
{
	char text[64];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int n = snprintf(text, sizeof text, "%lld %d\n", now(), (int)getpid());

	if (write(fd, text, n) != n)
		return 1;
	close(fd);
	for (;;)
		pause();
}

/* Kills the victim and waits for the next one; from the kill to its first instruction. */
static long long restart_once(const char *path)
{
	long long at, killed;
	int pid = 0, next;

	sscanf(slurp(path), "%lld %d", &at, &pid);
	killed = now();
	kill(pid, SIGKILL);
	do {
		nap(1);
		next = 0;
		sscanf(slurp(path), "%lld %d", &at, &next);
	} while (!next || next == pid);
	return at - killed;
}

int main(int argc, char **argv)
{
	long long sum = 0;
	int restarts = argc > 2 ? atoi(argv[2]) : 0, count;
	double before;

	if (getpid() == 1)
		return become_init(argv);
	if (argc == 3 && !strcmp(argv[1], "victim"))
		return victim(argv[2]);
	nap(500);
	printf("\nfigure all_cpu_ns %.0f\n", all_cpu_ns(&count));
	printf("figure sleeping %d\n", count);
	if (argc > 2) {
		printf("figure rss_kib %ld\n", status_kib("VmRSS:"));
		before = cpu_ns();
		nap(60000);
		printf("figure idle_ns_per_minute %.0f\n", cpu_ns() - before);
		for (int i = 0; i < restarts; i++) {
			sum += restart_once(argv[1]);
			if (i == 9)	/* the code of a restart is resident by now */
				printf("figure rss_kib_after_10 %ld\n", status_kib("VmRSS:"));
		}
		printf("figure restart_ns %lld\n", restarts ? sum / restarts : 0);
		printf("figure rss_kib_after_restarts %ld\n", status_kib("VmRSS:"));
		make_orphans(restarts);
		nap(1000);
		printf("figure zombies %d\n", zombies());
		printf("figure rss_kib_after_orphans %ld\n", status_kib("VmRSS:"));
	}
	printf("figure end 0\n");
	fflush(stdout);
	nap(100);
	reboot(RB_POWER_OFF);
	return 0;
}
