/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of services under init: order, dependencies, restarts, readiness, watchdogs, sockets,
 * timers, health, pausing, errors, crashes of init itself; all through processes, files and sockets.
 */
#include "services.h"

#include <poll.h>
#include <dirent.h>
#include <sys/wait.h>

/* ---- what services do when this program is one --------------------------------------------------- */

static void notify(const char *text)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", getenv("NOTIFY_SOCKET") ? getenv("NOTIFY_SOCKET") : "/nowhere");
	sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to);
	close(fd);
}

static void serve_streams(void)
{
	char text[100];

	for (;;) {
		int fd = accept(3, NULL, NULL);

		if (fd < 0)
			_exit(4);
		snprintf(text, sizeof text, "%s pid %d fds %s", getenv("UNIT"),
			 getenv("LISTEN_PID") && atoi(getenv("LISTEN_PID")) == getpid(), getenv("LISTEN_FDS"));
		if (write(fd, text, strlen(text)) < 0)
			_exit(5);
		close(fd);
	}
}

/* What a balanced instance does: listens at a path of its own and says who it is. */
static void serve_path(const char *path, int wait_ms)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	unlink(path);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 10))
		_exit(3);
	notify("READY=1");
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fork() == 0) {
			sleep_ms(wait_ms);
			dprintf(fd, "%s", getenv("UNIT"));
			_exit(0);
		}
		close(fd);
	}
}

static void make_orphans(int count)
{
	while (count--) {
		pid_t child = fork();

		if (child == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		wait_for(child);
	}
}

static int act(char **argv)
{
	const char *what = argv[0];

	if (!strcmp(what, "ready")) {
		sleep_ms(atoi(argv[1]));
		notify("READY=1\nSTATUS=all is well");
	} else if (!strcmp(what, "pings")) {
		notify("READY=1");
		for (int i = 0; i < atoi(argv[1]); i++) {
			sleep_ms(50);
			notify("WATCHDOG=1");
		}
	} else if (!strcmp(what, "states")) {
		notify("READY=1");
		sleep_ms(300);
		notify("RELOADING=1");
		sleep_ms(300);
		notify("STOPPING=1");
	} else if (!strcmp(what, "mainpid")) {
		char text[40];
		pid_t child = fork();

		if (child == 0) {
			pause();
			_exit(0);
		}
		snprintf(text, sizeof text, "MAINPID=%d\nREADY=1", (int)child);
		notify(text);
	} else if (!strcmp(what, "childready")) {
		pid_t child = fork();

		if (child == 0) {
			notify("READY=1");
			sleep_ms(1000);	/* a dead sender belongs to no group any longer */
			_exit(0);
		}
		wait_for(child);
	} else if (!strcmp(what, "streams")) {
		serve_streams();
	} else if (!strcmp(what, "datagram")) {
		char text[100] = "";
		int n = recv(3, text, sizeof text - 1, 0);

		write_text(argv[1], "%.*s", n > 0 ? n : 0, text);
	} else if (!strcmp(what, "path")) {
		serve_path(argv[1], atoi(argv[2]));
	} else if (!strcmp(what, "orphans")) {
		make_orphans(atoi(argv[1]));
	}
	for (;;)
		pause();
}

/* ---- order and dependencies ----------------------------------------------------------------------- */

static void order(void)
{
	begin();
	unit_self("a.service", "[Unit]\nBefore=b.service\n[Service]\nType=notify\nExecStart=SELF ready 300\n"
		  "ExecStartPost=/bin/sh -c 'echo a >> @/x'\nExecStop=/bin/sh -c 'echo -a >> @/x'\n");
	unit("b.service", "[Service]\nExecStartPre=/bin/sh -c 'echo b >> @/x'\nExecStart=/bin/sleep 100\nExecStop=/bin/sh -c 'echo -b >> @/x'\n");
	unit("c.service", "[Unit]\nRequires=b.service\nAfter=b.service\n[Service]\nExecStartPre=/bin/sh -c 'echo c >> @/x'\n"
	     "ExecStart=/bin/sleep 100\nExecStop=/bin/sh -c 'echo -c >> @/x'\n");
	boot("c.service a.service");
	check(!strcmp(slurp(in_home("x")), "a\nb\nc\n"));
	end();
	check(!strcmp(slurp(in_home("x")), "a\nb\nc\n-c\n-b\n-a\n"));
}

static void requires_and_wants(void)
{
	begin();
	unit("bad.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
	unit("needs.service", "[Unit]\nRequires=bad.service\nAfter=bad.service\n[Service]\nExecStart=/bin/sleep 100\n");
	unit("wants.service", "[Unit]\nWants=bad.service\nAfter=bad.service\n[Service]\nExecStart=/bin/sleep 100\n");
	boot("wants.service");
	check(is_state("wants.service", "running") && is_state("bad.service", "failed"));
	svctl("start needs.service");
	check_equal(svctl_status, 12);
	check(!strcmp(get("needs.service", "result"), "dependency"));
	end();
}

static void bindsto_partof(void)
{
	begin();
	unit("base.service", "[Service]\nExecStart=/bin/sleep 100\n");
	unit("bound.service", "[Unit]\nBindsTo=base.service\nAfter=base.service\n[Service]\nExecStart=/bin/sleep 100\n");
	unit("part.service", "[Unit]\nPartOf=base.service\n[Service]\nExecStart=/bin/sleep 100\n");
	unit("free.service", "[Unit]\nWants=base.service\n[Service]\nExecStart=/bin/sleep 100\n");
	boot("bound.service part.service free.service");
	check_ok(kill(main_pid("base.service"), SIGKILL));
	wait_until(is_state("bound.service", "stopped"));
	check(is_state("part.service", "running"));
	svctl("start base.service");
	svctl("stop base.service");
	wait_until(is_state("part.service", "stopped"));	/* nothing orders it before the end of base */
	check(is_state("free.service", "running"));
	end();
}

static void conflicts(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\n");
	unit("b.service", "[Unit]\nConflicts=a.service\n[Service]\nExecStart=/bin/sleep 100\n");
	unit("c.target", "[Unit]\nRequires=a.service b.service\n");
	boot("a.service");
	svctl("start b.service");
	check(is_state("a.service", "stopped") && is_state("b.service", "running"));
	svctl("start a.service");
	check(is_state("a.service", "running") && is_state("b.service", "stopped"));
	check_equal((svctl("start c.target"), svctl_status), 17);
	end();
}

static void cycle_named(void)
{
	begin();
	unit("a.service", "[Unit]\nRequires=b.service\nAfter=b.service\n[Service]\nExecStart=/bin/sleep 100\n");
	unit("b.service", "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\nExecStart=/bin/sleep 100\n");
	boot("");
	char *said = svctl("start a.service");

	check_equal(svctl_status, 16);
	check(strstr(said, "a.service -> b.service -> a.service") || strstr(said, "b.service -> a.service -> b.service"));
	end();
}

static void dependency_timeout(void)
{
	begin();
	unit("slow.service", "[Service]\nType=notify\nExecStart=/bin/sleep 100\n");
	unit("a.service", "[Unit]\nRequires=slow.service\nAfter=slow.service\nX-DependencyTimeoutSec=300ms\n"
	     "[Service]\nExecStart=/bin/sleep 100\n");
	boot("");
	svctl("start a.service");
	check_equal(svctl_status, 12);
	check(!strcmp(get("a.service", "result"), "dependency-timeout"));
	svctl("stop slow.service");
	end();
}

static void kinds(void)
{
	begin();	/* monitoring before everybody, system after everybody */
	unit_self("mon.service", "[Unit]\nX-Kind=monitoring\n[Service]\nType=notify\nExecStart=SELF ready 200\n"
		  "ExecStartPost=/bin/sh -c 'echo mon >> @/x'\n");
	unit("sys.service", "[Unit]\nX-Kind=system\n[Service]\nExecStart=/bin/sleep 100\nExecStop=/bin/sh -c 'echo -sys >> @/x'\n");
	unit("a.service", "[Service]\nExecStartPre=/bin/sh -c 'echo a >> @/x'\nExecStart=/bin/sleep 100\n"
	     "ExecStop=/bin/sh -c 'sleep 0.3; echo -a >> @/x'\n");
	boot("a.service sys.service mon.service");
	end();
	check(!strcmp(slurp(in_home("x")), "mon\na\n-a\n-sys\n"));
}

/* ---- restarts ------------------------------------------------------------------------------------- */

static const char *const policies[] = { "no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog" };
/* systemd.service(5): clean, unclean, signal, time-out, watchdog. */
static const char restarts[7][6] = { "-----", "RRRRR", "R----", "-RRRR", "--RRR", "--R--", "----R" };

static void restart_policies(void)
{
	static const char *const ends[] = {
		"ExecStart=/bin/true\n", "ExecStart=/bin/false\n", "ExecStart=/bin/sh -c 'kill -SEGV $$'\n",
		"Type=notify\nTimeoutStartSec=100ms\nExecStart=/bin/sleep 100\n",
		"Type=notify\nWatchdogSec=100ms\nExecStart=SELF pings 0\n",
	};
	char name[40], text[400];

	begin();
	for (int p = 0; p < 7; p++)
		for (int e = 0; e < 5; e++) {
			snprintf(name, sizeof name, "u%d-%d.service", p, e);
			snprintf(text, sizeof text, "[Service]\nRestart=%s\nRestartSec=100\n%s", policies[p], ends[e]);
			unit_self(name, text);
		}
	unit("default.target", "[Unit]\n");
	launch(NULL);
	for (int p = 0; p < 7; p++)
		for (int e = 0; e < 5; e++)
			svctl("start u%d-%d.service > /dev/null 2>&1 & true", p, e);
	for (int p = 0; p < 7; p++)
		for (int e = 0; e < 5; e++) {
			bool again = restarts[p][e] == 'R';

			snprintf(name, sizeof name, "u%d-%d.service", p, e);
			if (again)
				wait_until(!strcmp(get(name, "waiting"), "yes"));
			else
				wait_until(is_state(name, e ? "failed" : "stopped"));
		}
	end();
}

static void start_limit(void)
{
	begin();
	unit("a.service", "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=100\n[Service]\nRestart=always\nRestartSec=1ms\n"
	     "ExecStart=/bin/sh -c 'echo run >> @/x'\n");
	unit("s.service", "[Unit]\nX-Kind=system\n[Service]\nRestart=always\nRestartSec=1ms\nRestartMaxDelaySec=1ms\n"
	     "ExecStart=/bin/sh -c 'echo run >> @/s'\n");
	boot("a.service s.service");
	wait_until(is_state("a.service", "failed"));
	check(!strcmp(get("a.service", "result"), "start-limit-hit"));
	check_equal(lines_of(in_home("x")), 3);
	svctl("start a.service");
	check_equal(lines_of(in_home("x")), 3);
	svctl("reset-failed a.service");
	svctl("start a.service");
	wait_until(lines_of(in_home("x")) == 6);
	wait_until(lines_of(in_home("s")) > 8);	/* system services have no limit */
	end();
}

static void backoff(void)
{
	double at[6];
	char *rest;

	begin();
	unit("a.service", "[Unit]\nStartLimitBurst=0\n[Service]\nRestart=always\nRestartSec=100ms\nRestartMaxDelaySec=400ms\n"
	     "ExecStart=/bin/sh -c 'cat /proc/uptime >> @/x'\n");
	boot("a.service");
	wait_until(lines_of(in_home("x")) >= 6);
	rest = slurp(in_home("x"));
	for (int i = 0; i < 6; i++) {
		at[i] = strtod(rest, NULL);
		rest = strchr(rest, '\n') + 1;
	}
	/* 100, 200, 400, 400: never shorter; uptime has hundredths. */
	check(at[1] - at[0] >= 0.08 && at[2] - at[1] >= 0.18 && at[3] - at[2] >= 0.38 && at[4] - at[3] >= 0.38);
	check(at[5] - at[4] < 2);
	end();
}

/* ---- readiness and watchdog -------------------------------------------------------------------------- */

static void notify_ready(void)
{
	begin();
	unit_self("a.service", "[Service]\nType=notify\nExecStart=SELF ready 300\n");
	unit("b.service", "[Unit]\nAfter=a.service\n[Service]\nExecStart=/bin/touch @/b\n");
	unit_self("c.service", "[Service]\nType=notify\nTimeoutStartSec=500ms\nExecStart=SELF childready\n");
	unit_self("d.service", "[Service]\nType=notify\nNotifyAccess=all\nExecStart=SELF childready\n");
	unit_self("e.service", "[Service]\nType=notify\nNotifyAccess=all\nExecStart=SELF mainpid\n");
	unit_self("f.service", "[Service]\nType=notify\nExecStart=SELF states\n");
	unit("default.target", "[Unit]\nWants=a.service b.service c.service d.service e.service f.service\n");
	launch(NULL);
	wait_until(is_state("f.service", "running"));
	wait_until(!strcmp(get("f.service", "text"), "reloading"));
	wait_until(!strcmp(get("f.service", "text"), "stopping"));
	wait_until(!access(in_home("b"), F_OK));
	check(is_state("a.service", "running"));
	check(!strcmp(get("a.service", "text"), "all is well"));
	wait_until(is_state("c.service", "failed"));	/* a child's word does not count */
	check(is_state("d.service", "running"));	/* NotifyAccess=all: it does */
	check(is_state("e.service", "running"));
	end();
}

static void watchdog(void)
{
	begin();
	unit_self("a.service", "[Service]\nType=notify\nWatchdogSec=300ms\nExecStart=SELF pings 10\n");
	boot("a.service");
	check(is_state("a.service", "running"));
	long long from = now_ms();

	wait_until(is_state("a.service", "failed"));
	check(now_ms() - from >= 300);
	check(!strcmp(get("a.service", "result"), "watchdog"));
	check(strstr(slurp(in_home("log/a.service.log")), "watchdog"));
	end();
}

/* ---- sockets ---------------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&to, sizeof to)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What is said on a connection until it ends. */
static char *hear(const char *path)
{
	static char text[200];
	int fd = connect_to(path), n = 0, got;

	while (fd >= 0 && n < 199 && (got = read(fd, text + n, 199 - n)) > 0)
		n += got;
	text[n] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

static void socket_activation(void)
{
	struct stat st;

	begin();
	unit("a.socket", "[Socket]\nListenStream=@/sock\nListenStream=@/sock2\nSocketMode=0600\n");
	unit_self("a.service", "[Service]\nExecStart=SELF streams\n");
	boot("a.socket");
	check(is_state("a.service", "stopped"));
	check_ok(stat(in_home("sock"), &st));
	check_equal(st.st_mode & 07777, 0600);
	check(!strcmp(hear(in_home("sock")), "a.service pid 1 fds 2"));
	int pid = main_pid("a.service");

	check(pid > 0);
	check_ok(kill(pid, SIGKILL));
	wait_until(is_state("a.service", "failed"));
	check(!strcmp(hear(in_home("sock")), "a.service pid 1 fds 2"));	/* the socket outlives it */
	check(main_pid("a.service") != pid);
	svctl("stop a.service a.socket");
	check(access(in_home("sock"), F_OK));
	end();
}

static void socket_datagram(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	begin();
	unit("a.socket", "[Socket]\nListenDatagram=@/sock\nService=other.service\n");
	unit_self("other.service", "[Service]\nExecStart=SELF datagram @/got\n");
	boot("a.socket");
	snprintf(to.sun_path, sizeof to.sun_path, "%s", in_home("sock"));
	check_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof to), 5);
	wait_until(!strcmp(slurp(in_home("got")), "hello"));
	end();
}

static void socket_accept(void)
{
	begin();
	unit("echo.socket", "[Socket]\nListenStream=@/sock\nAccept=yes\n");
	unit("echo@.service", "[Service]\nStandardInput=socket\nExecStart=/bin/sh -c 'read x; echo $x $UNIT'\n");
	boot("echo.socket");
	for (int i = 0; i < 12; i++) {
		char text[64] = "";
		int fd = connect_to(in_home("sock"));

		check(fd >= 0 && write(fd, "hi\n", 3) == 3);
		check(read(fd, text, 63) > 0);
		check(!strncmp(text, "hi echo@", 8));
		close(fd);
	}
	end();
}

static void socket_backlog(void)
{
	int held = 0;

	begin();	/* nobody accepts: the queue fills */
	unit("a.socket", "[Socket]\nListenStream=@/sock\nBacklog=3\n");
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\n");
	boot("a.socket");
	for (; held < 20; held++) {
		struct sockaddr_un to = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

		snprintf(to.sun_path, sizeof to.sun_path, "%s", in_home("sock"));
		if (connect(fd, (struct sockaddr *)&to, sizeof to))
			break;
	}
	check(held >= 3 && held <= 5);
	end();
}

/* ---- several instances behind one socket -------------------------------------------------------------- */

static void write_balanced(const char *policy, int answer_ms)
{
	char text[600];

	snprintf(text, sizeof text, "[Socket]\nListenStream=@/front\nService=w@.service\nX-Balance=%s\nX-Instances=2\n", policy);
	unit("w.socket", text);
	snprintf(text, sizeof text, "[Service]\nType=notify\nRestart=always\nRestartSec=200ms\nExecStart=SELF path @/back-%%i %d\n"
		 "X-Backend=@/back-%%i\nX-DrainSec=3\n", answer_ms);
	unit_self("w@.service", text);
}

static void balance_round_robin(void)
{
	int ones = 0, twos = 0, pid;

	begin();
	write_balanced("round-robin", 0);
	boot("w.socket");
	wait_until(is_state("w@1.service", "running") && is_state("w@2.service", "running"));
	hear(in_home("front"));
	for (int i = 0; i < 20; i++) {
		const char *who = hear(in_home("front"));

		ones += !strcmp(who, "w@1.service");
		twos += !strcmp(who, "w@2.service");
	}
	check_equal(ones, 10);
	check_equal(twos, 10);
	/* One is killed: every request is answered all the same. */
	pid = main_pid("w@1.service");
	check_ok(kill(pid, SIGKILL));
	wait_until(main_pid("w@1.service") != pid);
	for (int i = 0; i < 20; i++)
		check(!strncmp(hear(in_home("front")), "w@", 2));
	wait_until(is_state("w@1.service", "running"));
	/* Both are killed: requests wait for the restart. */
	pid = main_pid("w@1.service");
	int second = main_pid("w@2.service");

	check_ok(kill(pid, SIGKILL));
	check_ok(kill(second, SIGKILL));
	wait_until(main_pid("w@1.service") != pid && main_pid("w@2.service") != second);
	check(!strncmp(hear(in_home("front")), "w@", 2));
	/* The balancer itself is killed: it is started again, the socket stays. */
	pid = main_pid("w.socket");
	check_ok(kill(pid, SIGKILL));
	wait_until(is_another("w.socket", pid));
	check(!strncmp(hear(in_home("front")), "w@", 2));
	check(is_another("w.socket", pid));
	end();
}

static void balance_least_loaded(void)
{
	int busy[3], others = 0;
	char text[100] = "";

	begin();	/* answers take 600 ms: whoever is busy is not asked */
	write_balanced("least-loaded", 600);
	boot("w.socket");
	wait_until(is_state("w@1.service", "running") && is_state("w@2.service", "running"));
	for (int i = 0; i < 2; i++)
		check((busy[i] = connect_to(in_home("front"))) >= 0);
	for (int i = 0; i < 2; i++) {
		check(read(busy[i], text, 99) > 0);
		others += text[2] - '0';
	}
	check_equal(others, 3);		/* one each */
	end();
}

static void balance_drains(void)
{
	char text[100] = "";
	int fd;

	begin();
	write_balanced("round-robin", 700);
	boot("w.socket");
	wait_until(is_state("w@1.service", "running") && is_state("w@2.service", "running"));
	for (int i = 1; i <= 2; i++) {	/* a request is under way at the one that stops */
		fd = connect_to(in_home("front"));
		sleep_ms(150);
		svctl("restart w@%d.service", i);
		check_equal(svctl_status, 0);
		check(read(fd, text, 99) > 0);
		check(!strncmp(text, "w@", 2));
		close(fd);
	}
	long long from = now_ms();

	svctl("restart 'w@*'");		/* idle ones do not wait for X-DrainSec */
	check(now_ms() - from < 3000);
	check(!strncmp(hear(in_home("front")), "w@", 2));
	end();
}

/* ---- timers ----------------------------------------------------------------------------------------- */

static void timers(void)
{
	begin();
	unit("a.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo >> @/a'\n");
	unit("a.timer", "[Timer]\nOnActiveSec=300ms\n");
	unit("b.service", "[Unit]\nStartLimitBurst=0\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo >> @/b'\n");
	unit("every.timer", "[Timer]\nUnit=b.service\nOnActiveSec=100ms\nOnUnitInactiveSec=200ms\n");
	unit("c.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo >> @/c'\n");
	unit("c.timer", "[Timer]\nOnCalendar=*:*:*\n");
	unit("e.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo >> @/e'\n");
	unit("e.timer", "[Timer]\nOnBootSec=1ms\n");
	long long from = now_ms();

	boot("a.timer every.timer c.timer e.timer");
	wait_until(lines_of(in_home("a")) == 1);
	check(now_ms() - from >= 300);
	wait_until(lines_of(in_home("b")) >= 3);
	wait_until(lines_of(in_home("c")) >= 2);
	wait_until(lines_of(in_home("e")) == 1);
	svctl("stop every.timer");
	wait_until(is_state("b.service", "stopped"));
	int before = lines_of(in_home("b"));

	sleep_ms(600);
	check_equal(lines_of(in_home("b")), before);
	check_equal(lines_of(in_home("e")), 1);
	check_equal(lines_of(in_home("a")), 1);
	end();
}

/* What a slow machine makes of timers: times that have passed when they are looked at, others that change all the time. */
static void timers_late(void)
{
	begin();
	unit("a.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo >> @/a'\n");
	unit("a.timer", "[Timer]\nOnActiveSec=1us\n");
	unit("d.service", "[Unit]\nStartLimitBurst=0\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo >> @/d; sleep 0.3'\n");
	unit("d.timer", "[Timer]\nOnActiveSec=1us\nOnUnitActiveSec=200ms\n");
	unit("noise.service", "[Unit]\nStartLimitBurst=0\n[Service]\nExecStart=/bin/sleep 0.02\nRestart=always\nRestartSec=20ms\n"
	     "RestartMaxDelaySec=20ms\n");
	unit("n.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo >> @/n'\n");
	unit("n.timer", "[Timer]\nOnUnitActiveSec=1ms\n");
	boot("a.timer d.timer n.timer noise.service");
	wait_until(lines_of(in_home("a")) == 1);
	wait_until(lines_of(in_home("d")) >= 4);
	check(!*slurp(in_home("n")));		/* never ran: nothing to count from */
	svctl("start n.service");
	wait_until(lines_of(in_home("n")) >= 3);
	check_equal(lines_of(in_home("a")), 1);
	svctl("crash");				/* a time that has been is not again */
	wait_until(strstr(slurp(in_home("log/init.log")), "back after crash 1"));
	int before = lines_of(in_home("d"));

	wait_until(lines_of(in_home("d")) >= before + 2);
	check_equal(lines_of(in_home("a")), 1);
	end();
}

/* ---- svctl ------------------------------------------------------------------------------------------- */

static void pause_resume(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sh -c 'while :; do echo >> @/x; sleep 0.02; done'\n");
	boot("a.service");
	wait_until(lines_of(in_home("x")) > 3);
	svctl("pause a.service");
	check_equal(svctl_status, 0);
	check(is_state("a.service", "paused"));
	check_equal((svctl("is-active a.service"), svctl_status), 3);
	sleep_ms(50);
	int before = lines_of(in_home("x"));

	sleep_ms(300);
	check_equal(lines_of(in_home("x")), before);
	check_equal((svctl("start a.service"), svctl_status), 11);
	svctl("resume a.service");
	wait_until(lines_of(in_home("x")) > before + 3);
	check_equal((svctl("resume a.service"), svctl_status), 7);
	svctl("pause a.service");
	end();	/* a paused service stops like any other */
}

static void enable_disable(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\n[Install]\nWantedBy=default.target\n");
	unit("b.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n[Install]\nRequiredBy=need.target\n");
	unit("need.target", "[Unit]\n");
	boot("");
	check(is_state("a.service", "disabled"));
	check_equal((svctl("enable a.service"), svctl_status), 0);
	check_equal((svctl("enable b.service"), svctl_status), 0);
	check(is_state("a.service", "stopped"));
	check(!access(in_home("u/default.target.wants/a.service"), F_OK));
	check_equal((svctl("start need.target"), svctl_status), 12);
	svctl("disable b.service");
	svctl("reset-failed need.target");
	check_equal((svctl("start need.target"), svctl_status), 0);
	end();
	launch(NULL);
	wait_until(is_state("a.service", "running"));	/* enabled is for the next boot */
	svctl("disable a.service");
	check(access(in_home("u/default.target.wants/a.service"), F_OK));
	check(is_state("a.service", "running"));
	svctl("stop a.service");
	check(is_state("a.service", "disabled"));
	end();
}

static void run_kill_errors(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\n");
	boot("a.service");
	check_equal((svctl("start nothing.service"), svctl_status), 5);
	check_equal((svctl("status nothing.service"), svctl_status), 4);
	check_equal((svctl("frob"), svctl_status), 2);
	check_equal((svctl("run t.service ExecStart=/bin/sleep\\ 100 Nice=3"), svctl_status), 0);
	check(is_state("t.service", "running"));
	check_equal((svctl("run t.service ExecStart=/bin/true"), svctl_status), 10);
	check_equal((svctl("run v.service ExecStart=nope"), svctl_status), 6);
	check_equal((svctl("forget t.service"), svctl_status), 11);
	check_equal((svctl("kill t.service KILL"), svctl_status), 0);
	wait_until(is_state("t.service", "failed"));
	check_equal((svctl("kill t.service"), svctl_status), 7);
	check_equal((svctl("forget t.service"), svctl_status), 0);
	check_equal((svctl("start t.service"), svctl_status), 5);
	check_equal((svctl("discover none*"), svctl_status), 13);
	check_equal((svctl("instance none"), svctl_status), 14);
	check(strstr(slurp(in_home("log/audit.log")), "uid=0") && strstr(slurp(in_home("log/audit.log")), "run t.service"));
	check(strstr(slurp(in_home("log/audit.log")), "start nothing.service: not-found"));
	end();
}

static void instances(void)
{
	int ones = 0, twos = 0;

	begin();
	unit("w@.service", "[Service]\nExecStart=/bin/sleep 100\nEnvironment=N=%i\n");
	boot("w@1.service w@2.service");
	svctl("discover 'w@*'");
	check_equal(svctl_status, 0);
	for (int i = 0; i < 6; i++) {
		char *said = svctl("instance w");

		ones += !strcmp(said, "w@1.service\n");
		twos += !strcmp(said, "w@2.service\n");
	}
	check_equal(ones, 3);
	check_equal(twos, 3);
	svctl("stop w@1.service");
	check(!strcmp(svctl("instance w@.service"), "w@2.service\n"));
	check_equal((svctl("start w@7.service"), svctl_status), 0);
	end();
}

static void pictures(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\n");
	boot("a.service");
	check(strstr(svctl("graph"), "default.target wants a.service\n"));
	check(strstr(svctl("graph --dot"), "\"default.target\" -> \"a.service\""));
	check(strstr(svctl("blame"), "ms a.service\n"));
	check(strstr(svctl("bootchart"), "a.service</text>") && strstr(svctl("bootchart"), "</svg>"));
	check(strstr(svctl("list"), "a.service"));
	check(strstr(svctl("status a.service"), "running"));
	check(strstr(svctl("top -n 1"), "a.service"));
	check(strstr(svctl("completion"), "complete -F"));
	end();
}

/* Only root controls; everybody may look. */
static void peer_credentials(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\n");
	boot("a.service");
	pid_t child = fork();

	if (child == 0) {
		if (setgid(65534) || setuid(65534))
			_exit(9);
		if (!strstr(svctl("list"), "a.service"))
			_exit(8);
		svctl("stop a.service");
		if (svctl_status != 4)
			_exit(7);
		svctl("poweroff");
		_exit(svctl_status == 4 ? 0 : 6);
	}
	check_equal(wait_for(child), 0);
	check(is_state("a.service", "running"));
	check(strstr(slurp(in_home("log/audit.log")), "uid=65534") && strstr(slurp(in_home("log/audit.log")), "permission-denied"));
	end();
}

static void garbage_on_the_control_socket(void)
{
	static char junk[9000];
	unsigned int seed = 1;

	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\n");
	boot("a.service");
	for (int i = 0; i < 60; i++) {
		int fd = connect_to(in_home("run/control")), n = i % 3 ? 300 : (int)sizeof junk;

		check(fd >= 0);
		for (int k = 0; k < n; k++)
			junk[k] = (seed = seed * 1103515245 + 12345) >> 16;
		if (send(fd, junk, n, MSG_NOSIGNAL) < 0)
			errno = 0;
		if (i % 2)
			shutdown(fd, SHUT_WR);
		close(fd);
	}
	int fd = connect_to(in_home("run/control"));

	check_equal(write(fd, "stat", 4), 4);	/* one that never finishes its line */
	check(is_state("a.service", "running"));
	end();
}

/* ---- PID 1's own duties -------------------------------------------------------------------------------- */

static int zombies_of(pid_t parent)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(d))) {
		char path[300], *text, *ppid;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof path, "/proc/%s/status", entry->d_name);
		text = slurp(path);
		ppid = strstr(text, "PPid:");
		count += ppid && atoi(ppid + 5) == parent && strstr(text, "State:\tZ");
	}
	closedir(d);
	return count;
}

static void orphans_reaped(void)
{
	begin();
	unit_self("a.service", "[Service]\nExecStart=SELF orphans 500\n");
	boot("a.service");
	wait_until(strstr(svctl("list"), "running"));
	sleep_ms(300);
	wait_until(zombies_of(init_pid) == 0);
	check(is_state("a.service", "running"));
	end();
}

static void crash_of_init(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sh -c 'while :; do echo tick; sleep 0.1; done'\n");
	unit_self("n.service", "[Service]\nType=notify\nExecStart=SELF ready 0\n");
	unit("s.socket", "[Socket]\nListenStream=@/sock\n");
	unit_self("s.service", "[Service]\nExecStart=SELF streams\n");
	boot("a.service n.service s.socket");
	svctl("run t.service ExecStart=/bin/sleep\\ 100");
	int a = main_pid("a.service"), n = main_pid("n.service"), t = main_pid("t.service");

	svctl("crash");
	wait_until(strstr(slurp(in_home("log/init.log")), "back after crash 1"));
	wait_until(is_state("a.service", "running"));
	check_equal(main_pid("a.service"), a);
	check_equal(main_pid("n.service"), n);
	check_equal(main_pid("t.service"), t);
	check_equal(atoi(get("a.service", "restarts")), 0);
	check(!strcmp(hear(in_home("sock")), "s.service pid 1 fds 1"));
	int lines = lines_of(in_home("log/a.service.log"));

	wait_until(lines_of(in_home("log/a.service.log")) > lines + 2);	/* its pipe still has a reader */
	check_ok(kill(n, SIGKILL));
	wait_until(is_state("n.service", "failed"));
	end();
}

/* The kernel's own daemons: on Linux there are none under that name. */
static void kernel_daemons(void)
{
	static const char *const names[] = { "writeback", "reclaim", "log", "entropy" };
	char name[40];

	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\n");
	boot("a.service");
	if (access("/proc/daemons", F_OK)) {
		check_equal((svctl("status writeback.kernel"), svctl_status), 4);
		check_equal((svctl("restart writeback.kernel"), svctl_status), 5);
		end();
		return;
	}
	for (int i = 0; i < 4; i++) {
		int before;

		snprintf(name, sizeof name, "%s.kernel", names[i]);
		check(strstr(svctl("list"), name));
		check_equal((svctl("is-active %s", name), svctl_status), 0);
		before = atoi(get(name, "restarts"));
		check_equal((svctl("kill %s", name), svctl_status), 0);
		wait_until(atoi(get(name, "restarts")) == before + 1 && is_state(name, "running"));
		write_text("/proc/daemons", "watchdog %s 100", names[i]);
		write_text("/proc/daemons", "stall %s", names[i]);
		wait_until(atoi(get(name, "restarts")) == before + 2 && is_state(name, "running"));
		write_text("/proc/daemons", "watchdog %s 10000", names[i]);
	}
	check_equal((svctl("stop entropy.kernel"), svctl_status), 0);
	check(is_state("entropy.kernel", "stopped"));
	check_equal((svctl("kill entropy.kernel"), svctl_status), 7);
	check_equal((svctl("start entropy.kernel"), svctl_status), 0);
	check(is_state("entropy.kernel", "running"));
	check_equal((svctl("restart nobody.kernel"), svctl_status), 5);
	check_equal((svctl("pause log.kernel"), svctl_status), 2);
	check(strstr(slurp(in_home("log/audit.log")), "kill writeback.kernel: ok"));
	check(strstr(svctl("top -n 1"), "writeback.kernel"));

	/* They do their work: a changed page reaches the disk, a reader of the log is woken. */
	int fd = open("/root/dirty", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	check(fd >= 0 && write(fd, home, sizeof home) == sizeof home);
	close(fd);
	wait_until(strstr(slurp("/proc/vmstat"), "nr_dirty 0\n"));
	fd = open("/dev/kmsg", O_RDONLY);
	check(fd >= 0 && lseek(fd, 0, SEEK_END) == 0);
	pid_t child = fork();

	if (child == 0) {
		char text[600];

		_exit(read(fd, text, sizeof text) > 0 ? 0 : 1);
	}
	struct pollfd p = { .fd = open("/dev/kmsg", O_RDONLY), .events = POLLIN };

	check_ok(lseek(p.fd, 0, SEEK_END));
	check_equal(poll(&p, 1, 0), 0);
	sleep_ms(200);
	write_text("/dev/kmsg", "a record");
	check_equal(wait_for(child), 0);
	check_equal(poll(&p, 1, 5000), 1);
	unlink("/root/dirty");
	end();
}

static void daemon_reload(void)
{
	begin();
	unit("a.service", "[Unit]\nDescription=old\n[Service]\nExecStart=/bin/sleep 100\n");
	boot("a.service");
	int pid = main_pid("a.service");

	unit("a.service", "[Unit]\nDescription=new\n[Service]\nExecStart=/bin/sleep 200\n");
	unit("b.service", "[Unit]\nRequires=a.service\n[Service]\nExecStart=/bin/sleep 100\n");
	check_equal((svctl("daemon-reload"), svctl_status), 0);
	check(!strcmp(get("a.service", "description"), "new"));
	check_equal(main_pid("a.service"), pid);
	check_equal((svctl("start b.service"), svctl_status), 0);
	svctl("stop a.service");
	wait_until(is_state("b.service", "stopped"));
	unit("a.service", "[Service]\nOops\n");
	check_equal((svctl("daemon-reload"), svctl_status), 6);
	end();
}

static void heartbeat(void)
{
	begin();
	unit("default.target", "[Unit]\n");
	init_pid = fork();
	if (!init_pid) {
		execl(init_bin(), init_bin(), "--units", in_home("u"), "--run", in_home("run"), "--log", in_home("log"), "--group",
		      group_root, "--no-mounts", "--quiet", "--heartbeat", "200ms", NULL);
		_exit(9);
	}
	wait_until(strstr(slurp(in_home("log/init.log")), "heartbeat: 1 running, 0 failed"));
	end();
}

static const struct test table[] = {
	{ "order", order }, { "requires-and-wants", requires_and_wants }, { "bindsto-partof", bindsto_partof },
	{ "conflicts", conflicts }, { "cycle-named", cycle_named }, { "dependency-timeout", dependency_timeout },
	{ "kinds", kinds }, { "restart-policies", restart_policies }, { "start-limit", start_limit }, { "back-off", backoff },
	{ "notify", notify_ready }, { "watchdog", watchdog }, { "socket-activation", socket_activation },
	{ "socket-datagram", socket_datagram }, { "socket-accept", socket_accept }, { "socket-backlog", socket_backlog },
	{ "balance-round-robin", balance_round_robin },
	{ "balance-least-loaded", balance_least_loaded }, { "balance-drains", balance_drains }, { "timers", timers }, { "timers-late", timers_late },
	{ "pause-resume", pause_resume }, { "enable-disable", enable_disable }, { "run-kill-errors", run_kill_errors },
	{ "instances", instances }, { "pictures", pictures }, { "peer-credentials", peer_credentials },
	{ "garbage-on-the-control-socket", garbage_on_the_control_socket }, { "orphans-reaped", orphans_reaped },
	{ "crash-of-init", crash_of_init }, { "kernel-daemons", kernel_daemons }, { "daemon-reload", daemon_reload }, { "heartbeat", heartbeat }, { 0 },
};

int main(int argc, char **argv)
{
	find_self();
	if (argc > 2 && !strcmp(argv[1], "act"))
		return act(argv + 2);
	return test_main(argc, argv, table);
}
