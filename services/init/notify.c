/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sd_notify(3): the datagram socket on which services say READY=1, STATUS=, WATCHDOG=1, STOPPING=1,
 * RELOADING=1 and MAINPID=. Who sent is known from the kernel's credentials, not from the text.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "init.h"

static void handle(struct unit *u, char *text, pid_t sender)
{
	char *line, *rest = text;
	bool is_ready = false;

	if (!u->c->notify_all && sender != u->main_pid && sender != u->control_pid)
		return;
	while ((line = strsep(&rest, "\n"))) {
		if (!strcmp(line, "READY=1")) {
			is_ready = true;
		} else if (!strcmp(line, "WATCHDOG=1")) {
			unit_post(u, SUP_EV_PING, 0);
		} else if (!strncmp(line, "STATUS=", 7)) {
			free(u->notify_text);
			u->notify_text = strndup(line + 7, 200);
		} else if (!strcmp(line, "STOPPING=1") || !strcmp(line, "RELOADING=1")) {
			free(u->notify_text);
			u->notify_text = strdup(line[0] == 'S' ? "stopping" : "reloading");
		} else if (!strncmp(line, "MAINPID=", 8)) {
			pid_t pid = atoi(line + 8);

			/* Only a process of the unit's own group can take over. */
			if (pid > 1 && !kill(pid, 0) && group_has_pid(u, pid)) {
				u->main_pid = pid;
				state_save(u);
			}
		}
	}
	if (is_ready)
		service_ready(u);
}

static void readable(int fd, unsigned int events, void *arg)
{
	char text[2048];
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { text, sizeof text - 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof control };
	struct ucred from = { 0 };
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct unit *u;

	if (n < 0)
		return;
	text[n] = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&from, CMSG_DATA(c), sizeof from);
		} else if (c->cmsg_type == SCM_RIGHTS) {	/* not asked for: do not keep them */
			int fds[16], count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			memcpy(fds, CMSG_DATA(c), count * sizeof(int));
			while (count--)
				close(fds[count]);
		}
	}
	u = from.pid > 0 ? unit_of_pid(from.pid) : NULL;
	if (u)
		handle(u, text, from.pid);
}

int notify_init(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", init.run_dir);
	unlink(address.sun_path);
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) ||
	    bind(fd, (struct sockaddr *)&address, sizeof address)) {
		int error = -errno;

		close(fd);
		return error;
	}
	chmod(address.sun_path, 0666);
	return watch_add(fd, POLLIN, readable, NULL);
}
