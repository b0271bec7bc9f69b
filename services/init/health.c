/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Health checks: X-HealthExec= (exit 0 is good), X-HealthTcp= (the connection succeeds) and
 * X-HealthHttp= (status 200 to 399), one at a time per service, with an interval and a time limit.
 * How many bad ones matter is the engine's.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

static void check(struct unit *u);

static void done(struct unit *u, bool is_good)
{
	if (u->health_fd >= 0) {
		watch_remove(u->health_fd);
		close(u->health_fd);
		u->health_fd = -1;
	}
	u->health_running = false;
	if (u->step != STEP_UP)
		return;
	timer_set(&u->health_timer, now_ns() + u->c->health->interval, check, u);
	if (!is_good)
		log_line(u, "health check failed");
	unit_post(u, SUP_EV_HEALTH, is_good);
}

static void overdue(struct unit *u)
{
	if (u->health_pid) {
		kill(u->health_pid, SIGKILL);	/* its end is the verdict */
		return;
	}
	done(u, false);
}

void health_child(struct unit *u, int status)
{
	u->health_pid = 0;
	timer_clear(&u->health_timer);
	done(u, WIFEXITED(status) && !WEXITSTATUS(status));
}

/* http://ADDRESS:PORT/path -> address and path */
static void split_url(const char *url, char *address, size_t size, const char **path)
{
	size_t n = strcspn(url += 7, "/");

	snprintf(address, size, "%.*s%s", (int)n, url, strchr(url, ':') ? "" : ":80");
	*path = url[n] ? url + n : "/";
}

static bool send_request(struct unit *u, int fd)
{
	char text[512], address[100];
	const char *path;
	int n;

	split_url(u->c->health->target, address, sizeof address, &path);
	n = snprintf(text, sizeof text, "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address);
	return n < (int)sizeof text && send(fd, text, n, MSG_NOSIGNAL) == n;
}

static void answered(int fd, unsigned int events, void *arg)
{
	struct unit *u = init.units[(uintptr_t)arg];
	char text[16] = "";
	int error = 0;
	socklen_t size = sizeof error;

	if (!u->health_sent) {
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) || error) {
			timer_clear(&u->health_timer);
			done(u, false);
		} else if (u->c->health->kind == HEALTH_TCP) {
			timer_clear(&u->health_timer);
			done(u, true);
		} else {
			u->health_sent = send_request(u, fd);
			if (u->health_sent)
				watch_change(fd, POLLIN);
			else
				done(u, false);
		}
		return;
	}
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	timer_clear(&u->health_timer);
	/* HTTP/1.x 200 */
	done(u, n >= 12 && !strncmp(text, "HTTP/1.", 7) && (text[9] == '2' || text[9] == '3'));
}

static void connect_out(struct unit *u)
{
	char address[100];
	const char *path, *target = u->c->health->target;
	struct sockaddr_storage to;
	unsigned int length = 0;
	int fd;

	if (u->c->health->kind == HEALTH_HTTP)
		split_url(target, address, sizeof address, &path);
	else
		snprintf(address, sizeof address, "%s", target);
	u->health_sent = 0;
	fd = address_fill(address, &to, &length) ? -1
		: socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&to, length) && errno != EINPROGRESS) ||
	    watch_add(fd, POLLOUT, answered, (void *)(uintptr_t)u->id)) {
		if (fd >= 0)
			close(fd);
		done(u, false);
		return;
	}
	u->health_fd = fd;
	u->health_running = true;
	timer_set(&u->health_timer, now_ns() + u->c->health->timeout, overdue, u);
}

static void check(struct unit *u)
{
	pid_t pid;

	if (u->step != STEP_UP || u->health_running)
		return;
	if (unit_state(u)->state == SUP_PAUSED) {	/* it cannot answer now */
		timer_set(&u->health_timer, now_ns() + u->c->health->interval, check, u);
		return;
	}
	if (u->c->health->kind != HEALTH_EXEC) {
		connect_out(u);
		return;
	}
	pid = spawn(u, u->c->health->command, SPAWN_MUTE);
	if (pid < 0) {
		done(u, false);
		return;
	}
	u->health_pid = pid;
	u->health_running = true;
	timer_set(&u->health_timer, now_ns() + u->c->health->timeout, overdue, u);
}

void health_start(struct unit *u)
{
	if (u->c->health->kind)
		timer_set(&u->health_timer, now_ns() + u->c->health->interval, check, u);
}

void health_stop(struct unit *u)
{
	timer_clear(&u->health_timer);
	if (u->health_fd >= 0) {
		watch_remove(u->health_fd);
		close(u->health_fd);
		u->health_fd = -1;
	}
	if (u->health_pid)
		kill(u->health_pid, SIGKILL);
	u->health_pid = 0;	/* its end says nothing of the next start */
	u->health_running = false;
}
