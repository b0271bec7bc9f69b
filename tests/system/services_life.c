/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of services under init: order, dependencies, restarts, readiness, watchdogs, timers; all
 * through processes, files and sockets.
 */
#include "services_act.h"

/* ---- what services do when this program is one -------------------------------------------------- */

__attribute__((noreturn)) static void act(char **argv)
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

/* Never more than two starts within the interval, whatever their number. */
static void start_limit_interval(void)
{
	begin();
	unit("a.service", "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=100ms\n[Service]\nRestart=always\nRestartSec=60ms\n"
	     "RestartMaxDelaySec=60ms\nExecStart=/bin/sh -c 'echo run >> @/x'\n");
	boot("a.service");
	wait_until(lines_of(in_home("x")) >= 6);
	end();
}

static void backoff(void)
{
	double at[5];
	char *rest;

	begin();
	unit("a.service", "[Unit]\nStartLimitBurst=0\n[Service]\nRestart=always\nRestartSec=300ms\nRestartMaxDelaySec=600ms\n"
	     "ExecStart=/bin/sh -c 'cat /proc/uptime >> @/x'\n");
	boot("a.service");
	wait_until(lines_of(in_home("x")) >= 5);
	rest = slurp(in_home("x"));
	for (int i = 0; i < 5; i++) {
		at[i] = strtod(rest, NULL);
		rest = strchr(rest, '\n') + 1;
	}
	/* 300, 600, 600, 600: never shorter; uptime has hundredths. Without the end it would be 2400. */
	check(at[1] - at[0] >= 0.28 && at[2] - at[1] >= 0.58 && at[3] - at[2] >= 0.58 && at[4] - at[3] >= 0.58);
	check(at[4] - at[3] < 2.3);
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

static const struct test table[] = {
	{ "order", order }, { "requires-and-wants", requires_and_wants },
	{ "bindsto-partof", bindsto_partof }, { "conflicts", conflicts },
	{ "cycle-named", cycle_named }, { "dependency-timeout", dependency_timeout },
	{ "kinds", kinds }, { "restart-policies", restart_policies },
	{ "start-limit", start_limit }, { "start-limit-interval", start_limit_interval }, { "back-off", backoff }, { "notify", notify_ready },
	{ "watchdog", watchdog }, { "timers", timers }, { "timers-late", timers_late }, { 0 },
};

int main(int argc, char **argv)
{
	find_self();
	if (argc > 2 && !strcmp(argv[1], "act"))
		act(argv + 2);
	return test_main(argc, argv, table);
}
