/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket units under init: descriptors that are there before their service, one service per
 * connection, several instances behind one socket.
 */
#include "services_act.h"

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

__attribute__((noreturn)) static void act(char **argv)
{
	const char *what = argv[0];

	if (!strcmp(what, "streams")) {
		serve_streams();
	} else if (!strcmp(what, "datagram")) {
		char text[100] = "";
		int n = recv(3, text, sizeof text - 1, 0);

		write_text(argv[1], "%.*s", n > 0 ? n : 0, text);
	} else if (!strcmp(what, "path")) {
		serve_path(argv[1], atoi(argv[2]));
	}
	for (;;)
		pause();
}

/* ---- sockets ------------------------------------------------------------------------------------ */

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

/* ---- several instances behind one socket -------------------------------------------------------- */

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

/* Connects and leaves it at that; the instance has it when this returns. */
static void hear_nothing(const char *path)
{
	check(connect_to(path) >= 0);
	sleep_ms(300);
}

/* A connection that never ends is not waited for longer than X-DrainSec= says, 10 s without it. */
static void balance_drain_limit(void)
{
	begin();
	unit("w.socket", "[Socket]\nListenStream=@/front\nService=w@.service\nX-Balance=round-robin\n");
	unit_self("w@.service", "[Service]\nType=notify\nExecStart=SELF path @/back-%i 60000\nX-Backend=@/back-%i\nX-DrainSec=500ms\n");
	boot("w.socket");
	wait_until(is_state("w@1.service", "running"));
	hear_nothing(in_home("front"));
	long long from = now_ms();

	svctl("stop w@1.service");
	check(now_ms() - from >= 490 && now_ms() - from < 9000);
	check(is_state("w@1.service", "stopped"));
	end();
}

static const struct test table[] = {
	{ "socket-activation", socket_activation }, { "socket-datagram", socket_datagram },
	{ "socket-accept", socket_accept }, { "socket-backlog", socket_backlog },
	{ "balance-round-robin", balance_round_robin },
	{ "balance-least-loaded", balance_least_loaded }, { "balance-drains", balance_drains }, { "balance-drain-limit", balance_drain_limit },
	{ 0 },
};

int main(int argc, char **argv)
{
	find_self();
	if (argc > 2 && !strcmp(argv[1], "act"))
		act(argv + 2);
	return test_main(argc, argv, table);
}
