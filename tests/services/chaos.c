/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kills the example appliance's services at random while it asks them for pages and answers:
 * `chaos SECONDS SEED`, as root, on a machine that init runs. Prints one line per service, then
 * `ok` or `not ok WHY`, and powers off. Right is: each kill is one restart (and each failed health check of init's), and requests fail for no
 * longer than the slowest restart took. ci/suites/appliance.py runs it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLACK_MS 1500	/* beside the request that failed and the one that did not, each as slow as the slowest */
#define PATIENCE_MS 60000

static const char *const targets[] = { "web@1.service", "web@2.service", "web.socket", "redis.service" };
#define TARGETS (sizeof targets / sizeof *targets)

static struct client {		/* shared with the child that asks */
	const char *name, *request, *answer;
	int port;
	volatile long good, bad, longest_ms;	/* the longest time without an answer */
	volatile long slowest_ms;		/* a good request: how slow the machine itself is */
	volatile bool is_over;
} *clients;

static struct target {
	long kills, restarts_before, sick_before, slowest_ms;
} target[TARGETS];

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void nap(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

__attribute__((noreturn, format(printf, 1, 2)))
static void finish(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	fflush(stdout);
	nap(200);
	execl("/bin/svctl", "svctl", "poweroff", NULL);
	_exit(1);
}

/* ---- asking --------------------------------------------------------------------------------------- */

static bool ask(const struct client *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(c->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { 10, 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), n = 0, got;
	char text[2000];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (!connect(fd, (struct sockaddr *)&to, sizeof to) &&
	    send(fd, c->request, strlen(c->request), MSG_NOSIGNAL) == (ssize_t)strlen(c->request))
		while (n < (int)sizeof text - 1 && (got = recv(fd, text + n, sizeof text - 1 - n, 0)) > 0) {
			text[n += got] = 0;
			if (strstr(text, c->answer))
				break;
		}
	close(fd);
	text[n] = 0;
	return strstr(text, c->answer);
}

/* For ever: the longest time without any answer is from the last good one's end to the next one's. */
static void keep_asking(struct client *c)
{
	long failed_since = 0;

	while (!c->is_over) {
		long began = now_ms();

		if (ask(c)) {
			c->good++;
			if (now_ms() - began > c->slowest_ms)
				c->slowest_ms = now_ms() - began;
			if (failed_since && now_ms() - failed_since > c->longest_ms)
				c->longest_ms = now_ms() - failed_since;
			failed_since = 0;
		} else {
			c->bad++;
			if (!failed_since)
				failed_since = began;
		}
		nap(30);
	}
	_exit(0);
}

/* ---- init's word ---------------------------------------------------------------------------------- */

/* One field of a unit's status; -1 when init does not answer or there is none. `state` is 1 for running. */
static long status(const char *unit, const char *field)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/run/init/control" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), n = 0, got;
	char text[4096] = "", pattern[40], *at;
	long value = -1;

	if (!connect(fd, (struct sockaddr *)&to, sizeof to) && dprintf(fd, "status %s\n", unit) > 0)
		while (n < (int)sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0) {
			text[n += got] = 0;
			if (strstr(text, "\nok") || !strncmp(text, "error", 5))
				break;
		}
	close(fd);
	snprintf(pattern, sizeof pattern, " %s=", field);
	at = strstr(text, pattern);
	if (at)
		value = !strcmp(field, "state") ? !strncmp(at + 7, "running ", 8) : atol(at + strlen(pattern));
	return value;
}

static void wait_running(const char *unit, long other_than)
{
	long end = now_ms() + PATIENCE_MS;

	while (status(unit, "state") != 1 || status(unit, "pid") <= 0 || status(unit, "pid") == other_than) {
		if (now_ms() > end)
			finish("not ok %s does not come back\n", unit);
		nap(20);
	}
}

static void kill_one(unsigned int i)
{
	long pid = status(targets[i], "pid"), began = now_ms(), took;

	if (status(targets[i], "state") != 1 || pid <= 1 || kill(pid, SIGKILL))
		return;
	target[i].kills++;
	wait_running(targets[i], pid);
	took = now_ms() - began;
	if (took > target[i].slowest_ms)
		target[i].slowest_ms = took;
}

/* How often init restarted it because its health checks failed: right, too, on a machine that stood still. */
static long sick(const char *unit)
{
	char path[60], line[600], begin[80];
	long count = 0;

	snprintf(begin, sizeof begin, "AGAIN ] %s ", unit);
	for (int i = 0; i < 4; i++) {
		FILE *f;

		snprintf(path, sizeof path, i ? "/var/log/units/init.log.%d" : "/var/log/units/init.log", i);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof line, f))
			count += strstr(line, begin) && strstr(line, ": health-check,");
		if (f)
			fclose(f);
	}
	return count;
}

static void judge(void)
{
	long slowest = 0;

	for (unsigned int i = 0; i < TARGETS; i++) {
		long restarts = status(targets[i], "restarts") - target[i].restarts_before;

		long ill = sick(targets[i]) - target[i].sick_before;

		printf("chaos %s: %ld kills, %ld restarts, %ld for its health, slowest %ld ms\n", targets[i], target[i].kills,
		       restarts, ill, target[i].slowest_ms);
		if (restarts != target[i].kills + ill)
			finish("not ok %s was killed %ld times and restarted %ld times\n", targets[i], target[i].kills, restarts);
		slowest = target[i].slowest_ms > slowest ? target[i].slowest_ms : slowest;
	}
	for (int i = 0; i < 2; i++)
		printf("chaos %s: %ld good, %ld bad, longest without an answer %ld ms, slowest answer %ld ms\n", clients[i].name,
		       clients[i].good, clients[i].bad, clients[i].longest_ms, clients[i].slowest_ms);
	for (int i = 0; i < 2; i++)
		if (!clients[i].good || clients[i].longest_ms > slowest + 2 * clients[i].slowest_ms + SLACK_MS)
			finish("not ok %s: %ld ms without an answer, the slowest restart took %ld\n", clients[i].name,
			       clients[i].longest_ms, slowest);
}

int main(int argc, char **argv)
{
	long end;

	if (argc != 3)
		return 2;
	srandom(atoi(argv[2]));
	clients = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	clients[0] = (struct client){ .name = "page", .request = "GET / HTTP/1.0\r\n\r\n", .answer = "It works", .port = 80 };
	clients[1] = (struct client){ .name = "redis", .request = "PING\r\n", .answer = "+PONG", .port = 6379 };
	for (unsigned int i = 0; i < TARGETS; i++) {
		wait_running(targets[i], 0);
		target[i].restarts_before = status(targets[i], "restarts");
		target[i].sick_before = sick(targets[i]);
	}
	for (int i = 0; i < 2; i++) {
		end = now_ms() + PATIENCE_MS;
		while (!ask(&clients[i])) {
			if (now_ms() > end)
				finish("not ok %s: no first answer\n", clients[i].name);
			nap(50);
		}
	}
	printf("chaos: everything answers\n");
	fflush(stdout);
	for (int i = 0; i < 2; i++)
		if (!fork())
			keep_asking(&clients[i]);
	end = now_ms() + atol(argv[1]) * 1000;
	while (now_ms() < end) {
		nap(random() % 1500);
		kill_one(random() % TARGETS);
	}
	nap(3000);
	for (int i = 0; i < 2; i++)
		clients[i].is_over = true;
	while (wait(NULL) > 0)
		;
	judge();
	finish("ok\n");
}
