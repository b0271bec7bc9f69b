/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What svctl asks and shows, who may ask, and PID 1's own duties: orphans, the kernel's daemons,
 * reloading, its own crash.
 */
#include "services_act.h"

#include <dirent.h>
#include <poll.h>

/* ---- what services do when this program is one -------------------------------------------------- */

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

__attribute__((noreturn)) static void act(char **argv)
{
	const char *what = argv[0];

	if (!strcmp(what, "ready")) {
		sleep_ms(atoi(argv[1]));
		notify("READY=1\nSTATUS=all is well");
	} else if (!strcmp(what, "streams")) {
		serve_streams();
	} else if (!strcmp(what, "orphans")) {
		make_orphans(atoi(argv[1]));
	}
	for (;;)
		pause();
}

/* ---- svctl -------------------------------------------------------------------------------------- */

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
	check(strstr(svctl("status a"), "a.service"));		/* the short name */
	check_equal((svctl("restart a"), svctl_status), 0);
	check_equal((svctl("restart a.b"), svctl_status), 5);
	check_equal((svctl("verify"), svctl_status), 2);
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

/* Starts init with a heartbeat five times a second. */
static void launch_with_heartbeat(void)
{
	init_pid = fork();
	if (!init_pid) {
		execl(init_bin(), init_bin(), "--units", in_home("u"), "--run", in_home("run"), "--log", in_home("log"), "--group",
		      group_root, "--no-mounts", "--quiet", "--heartbeat", "200ms", NULL);
		_exit(9);
	}
	wait_until(!access(in_home("run/control"), F_OK));
}

static void heartbeat(void)
{
	begin();
	unit("default.target", "[Unit]\n");
	launch_with_heartbeat();
	wait_until(strstr(slurp(in_home("log/init.log")), "heartbeat: 1 running, 0 failed"));
	end();
}

/* Asks for names that are not there, all at once, and hears all answers. */
static void ask_hundred(int fd, int first)
{
	char text[8192];
	int n = 0, lines = 0;

	for (int i = first; i < first + 100; i++)
		n += snprintf(text + n, sizeof text - n, i % 2 ? "status n%d.service\n" : "status t@%d.service\n", i);
	if (write(fd, text, n) != n)
		_exit(8);
	while (lines < 100) {
		n = read(fd, text, sizeof text);
		if (n <= 0 || memmem(text, n, "ok", 2))
			_exit(7);
		for (int i = 0; i < n; i++)
			lines += text[i] == '\n';
	}
}

/* What anybody may do must not fill init: neither names that are asked for nor connections. */
static void strangers(void)
{
	begin();
	unit("a.service", "[Service]\nExecStart=/bin/sleep 100\n");
	unit("t@.service", "[Service]\nExecStart=/bin/sleep 100\n");
	unit("default.target", "[Unit]\nWants=a.service\n");
	launch_with_heartbeat();
	wait_until(is_state("default.target", "running"));
	pid_t child = fork();

	if (child == 0) {
		int fd;

		if (setgid(65534) || setuid(65534))
			_exit(9);
		fd = connect_to(in_home("run/control"));
		for (int i = 0; i < 300; i += 100)
			ask_hundred(fd, i);
		for (int i = 0; i < 80; i++)
			connect_to(in_home("run/control"));
		svctl("list");
		write_text(in_home("full"), "%d", svctl_status);
		pause();
	}
	wait_until(!access(in_home("full"), F_OK));
	check(is_state("a.service", "running"));	/* root is heard */
	check_equal((svctl("run t.service ExecStart=/bin/sleep\\ 100"), svctl_status), 0);
	check_equal((svctl("start t@1.service"), svctl_status), 0);
	check_ok(kill(child, SIGKILL));
	wait_for(child);
	/* It counts all that it knows: none of the names. */
	write_text(in_home("log/init.log"), "%s", "");	/* emptied; init goes on in it */
	wait_until(strstr(slurp(in_home("log/init.log")), "heartbeat: "));
	check(atoi(strstr(slurp(in_home("log/init.log")), "failed, ") + 8) < 10);
	end();
}

/* A new file counts from the next start on, also when the unit was busy as it was read. */
static void reload_while_busy(void)
{
	begin();
	unit("a.service", "[Service]\nType=oneshot\nExecStartPre=/bin/sh -c 'while ! test -e @/go; do sleep 0.02; done'\n"
	     "ExecStart=/bin/sh -c 'echo old >> @/x'\n");
	unit("default.target", "[Unit]\n");
	launch(NULL);
	svctl("start a.service > /dev/null 2>&1 & true");
	wait_until(is_state("a.service", "starting"));
	unit("a.service", "[Unit]\nDescription=new\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo new >> @/x'\n");
	check_equal((svctl("daemon-reload"), svctl_status), 0);
	write_text(in_home("go"), "x");
	wait_until(!strcmp(slurp(in_home("x")), "old\n") && is_state("a.service", "stopped"));
	svctl("start a.service");
	check(!strcmp(slurp(in_home("x")), "old\nnew\n"));
	check(!strcmp(get("a.service", "description"), "new"));
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

/* ---- PID 1's own duties ------------------------------------------------------------------------- */

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

static const struct test table[] = {
	{ "pause-resume", pause_resume }, { "enable-disable", enable_disable },
	{ "run-kill-errors", run_kill_errors }, { "instances", instances },
	{ "pictures", pictures }, { "peer-credentials", peer_credentials },
	{ "strangers", strangers }, { "reload-while-busy", reload_while_busy },
	{ "garbage-on-the-control-socket", garbage_on_the_control_socket },
	{ "orphans-reaped", orphans_reaped }, { "crash-of-init", crash_of_init },
	{ "kernel-daemons", kernel_daemons }, { "daemon-reload", daemon_reload },
	{ "heartbeat", heartbeat }, { 0 },
};

int main(int argc, char **argv)
{
	find_self();
	if (argc > 2 && !strcmp(argv[1], "act"))
		act(argv + 2);
	return test_main(argc, argv, table);
}
