/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What init sees of a service from outside: health checks by program, connection and page, what an
 * unhealthy one means to others; and the terminal a service is given.
 */
#include "services.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

/* ---- what services do when this program is one ----------------------------------------------------- */

static int listen_at(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 10))
		_exit(3);
	return fd;
}

/* Answers each request with the status line that FILE holds, and notes the request in FILE.asked. */
static void serve_pages(int port, const char *file)
{
	char text[600], path[300];
	int listener = listen_at(port);

	snprintf(path, sizeof path, "%s.asked", file);
	for (;;) {
		int fd = accept(listener, NULL, NULL), n = read(fd, text, sizeof text - 1);

		text[n > 0 ? n : 0] = 0;
		write_text(path, "%s", text);
		dprintf(fd, "HTTP/1.0 %s\r\nContent-Length: 2\r\n\r\nhi", slurp(file));
		close(fd);
	}
}

/* Listens as long as there is FILE. */
static void serve_while(int port, const char *file)
{
	int listener = listen_at(port);

	while (!access(file, F_OK))
		sleep_ms(20);
	close(listener);
	for (;;)
		pause();
}

/* ---- health ------------------------------------------------------------------------------------------ */

static void health_exec(void)
{
	begin();
	unit("a.service", "[Service]\nRestart=always\nExecStart=/bin/sleep 100\nX-HealthExec=/bin/sh -c 'echo >> @/checks; test ! -e @/sick'\n"
	     "X-HealthIntervalSec=100ms\nX-HealthThreshold=3\nX-HealthTimeoutSec=5\n");
	unit("hang.service", "[Service]\nExecStart=/bin/sleep 100\nX-HealthExec=/bin/sleep 100\nX-HealthIntervalSec=50ms\n"
	     "X-HealthTimeoutSec=100ms\nX-HealthThreshold=1\n");
	boot("a.service hang.service");
	int pid = main_pid("a.service");

	wait_until(lines_of(in_home("checks")) >= 4);
	check_equal(main_pid("a.service"), pid);
	wait_until(is_state("hang.service", "failed"));
	check(!strcmp(get("hang.service", "result"), "health-check"));
	write_text(in_home("sick"), "x");
	int before = lines_of(in_home("checks"));

	wait_until(atoi(get("a.service", "restarts")) >= 1);
	check(lines_of(in_home("checks")) - before >= 3);
	unlink(in_home("sick"));
	wait_until(is_state("a.service", "running") && !strcmp(get("a.service", "health"), "healthy"));
	end();
}

/* The other's check hangs as long, but is given the usual 5 s: it began earlier and is not over. */
static void health_timeout(void)
{
	begin();
	unit("slow.service", "[Service]\nExecStart=/bin/sleep 100\nX-HealthExec=/bin/sleep 100\nX-HealthIntervalSec=50ms\nX-HealthThreshold=1\n");
	unit("hang.service", "[Unit]\nAfter=slow.service\n[Service]\nExecStart=/bin/sleep 100\nX-HealthExec=/bin/sleep 100\n"
	     "X-HealthIntervalSec=100ms\nX-HealthTimeoutSec=100ms\nX-HealthThreshold=1\n");
	boot("slow.service hang.service");
	wait_until(is_state("hang.service", "failed"));
	check(is_state("slow.service", "running"));
	end();
}

/* It ends with the sixth failure, and nothing asks any longer. */
static void health_threshold(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\nX-HealthExec=/bin/sh -c 'echo >> @/checks; exit 1'\n"
	     "X-HealthIntervalSec=30ms\nX-HealthThreshold=6\n");
	boot("a.service");
	wait_until(is_state("a.service", "failed"));
	check_equal(lines_of(in_home("checks")), 6);
	end();
}

static void unhealthy_dependency(void)
{
	begin();
	unit("base.service", "[Service]\nExecStart=/bin/sleep 100\nX-HealthExec=/bin/sh -c 'test ! -e @/sick'\n"
	     "X-HealthIntervalSec=100ms\nX-HealthThreshold=2\nX-HealthKeep=yes\n");
	unit("r.service", "[Unit]\nWants=base.service\nX-OnDependencyUnhealthy=restart\n[Service]\nExecStart=/bin/sleep 100\n");
	unit("s.service", "[Unit]\nWants=base.service\nX-OnDependencyUnhealthy=stop\n[Service]\nExecStart=/bin/sleep 100\n");
	unit("i.service", "[Unit]\nWants=base.service\n[Service]\nExecStart=/bin/sleep 100\n");
	boot("base.service r.service s.service i.service");
	int base = main_pid("base.service"), r = main_pid("r.service"), i = main_pid("i.service");

	write_text(in_home("sick"), "x");
	wait_until(is_state("s.service", "stopped"));
	wait_until(is_another("r.service", r));
	check_equal(main_pid("i.service"), i);
	check_equal(main_pid("base.service"), base);	/* X-HealthKeep */
	check(!strcmp(get("base.service", "health"), "unhealthy"));
	check_equal((svctl("discover base.service"), svctl_status), 13);
	end();
}


/* A port nobody else of this machine's tests uses. */
static int own_port(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ioctl(fd, SIOCSIFFLAGS, &lo);	/* Linux starts with it down */
	close(fd);
	return 20000 + getpid() % 20000;
}

static void health_tcp(void)
{
	char text[600];
	int port = own_port(), pid;

	begin();
	write_text(in_home("well"), "x");
	snprintf(text, sizeof text, "[Service]\nRestart=always\nRestartSec=50ms\nExecStart=SELF while %d @/well\nX-HealthTcp=127.0.0.1:%d\n"
		 "X-HealthIntervalSec=100ms\nX-HealthThreshold=2\n", port, port);
	unit_self("a.service", text);
	boot("a.service");
	pid = main_pid("a.service");
	sleep_ms(600);
	check_equal(main_pid("a.service"), pid);
	check(!strcmp(get("a.service", "health"), "healthy"));
	unlink(in_home("well"));	/* it runs on, but nobody can connect */
	wait_until(atoi(get("a.service", "restarts")) >= 1);
	check(strstr(slurp(in_home("log/a.service.log")), "health check failed"));
	write_text(in_home("well"), "x");
	wait_until(is_state("a.service", "running") && is_another("a.service", pid) &&
		   !strcmp(get("a.service", "health"), "healthy"));
	end();
}

static void health_http(void)
{
	char text[600];
	int port = own_port(), pid;

	begin();
	write_text(in_home("status"), "204 Fine");
	snprintf(text, sizeof text, "[Service]\nExecStart=SELF pages %d @/status\nX-HealthHttp=http://127.0.0.1:%d/are/you?well=1\n"
		 "X-HealthIntervalSec=100ms\nX-HealthThreshold=2\nX-HealthKeep=yes\n", port, port);
	unit_self("a.service", text);
	boot("a.service");
	pid = main_pid("a.service");
	wait_until(!access(in_home("status.asked"), F_OK));
	snprintf(text, sizeof text, "GET /are/you?well=1 HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n", port);
	wait_until(strstr(slurp(in_home("status.asked")), text));
	sleep_ms(400);
	check(!strcmp(get("a.service", "health"), "healthy"));
	write_text(in_home("status"), "503 Not now");
	wait_until(!strcmp(get("a.service", "health"), "unhealthy"));
	write_text(in_home("status"), "302 Elsewhere");
	wait_until(!strcmp(get("a.service", "health"), "healthy"));
	write_text(in_home("status"), "400 What");
	wait_until(!strcmp(get("a.service", "health"), "unhealthy"));
	check_equal(main_pid("a.service"), pid);
	end();
}

/* ---- terminals ---------------------------------------------------------------------------------------- */

static void terminal(void)
{
	char text[600] = "", unit_text[300];
	int master, n = 0, got;

	mkdir("/dev/pts", 0755);
	if (access("/dev/pts/ptmx", F_OK))	/* where devpts is a file system it has to be there */
		mount("devpts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666");
	master = posix_openpt(O_RDWR | O_NOCTTY);
	check(master >= 0);
	check_ok(unlockpt(master));
	begin();
	snprintf(unit_text, sizeof unit_text, "[Service]\nStandardInput=tty\nTTYPath=%s\n"
		 "ExecStart=/bin/sh -c 'tty; echo mine > /dev/tty; read x; echo heard $x; sleep 100'\n", ptsname(master));
	unit("a.service", unit_text);
	boot("a.service");
	check_equal(write(master, "word\n", 5), 5);
	while (!strstr(text, "heard word") && (got = read(master, text + n, sizeof text - 1 - n)) > 0)
		text[n += got] = 0;
	check(strstr(text, ptsname(master)));
	check(strstr(text, "mine"));		/* it is the controlling terminal */
	check(strstr(text, "heard word"));
	check(!*slurp(in_home("log/a.service.log")));
	end();
}

static int act(char **argv)
{
	if (!strcmp(argv[0], "pages"))
		serve_pages(atoi(argv[1]), argv[2]);
	else if (!strcmp(argv[0], "while"))
		serve_while(atoi(argv[1]), argv[2]);
	return 1;
}

static const struct test table[] = {
	{ "health-exec", health_exec }, { "health-timeout", health_timeout }, { "health-threshold", health_threshold }, { "unhealthy-dependency", unhealthy_dependency }, { "health-tcp", health_tcp },
	{ "health-http", health_http }, { "terminal", terminal }, { 0 },
};

int main(int argc, char **argv)
{
	find_self();
	if (argc > 2 && !strcmp(argv[1], "act"))
		return act(argv + 2);
	return test_main(argc, argv, table);
}
