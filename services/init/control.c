/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: one request line in, answer lines out, the last of them `ok` or `error NAME
 * text`. Several requests may follow each other on a connection. Who asks is the kernel's word
 * (SO_PEERCRED); what they may ask is verbs.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

#define ANSWER_MAX (1 << 20)

static struct client *clients[CLIENTS_MAX];

static void client_free(int i)
{
	struct client *c = clients[i];

	watch_remove(c->fd);
	close(c->fd);
	free(c->out);
	free(c->request);
	free((char *)c->balances);
	free(c);
	clients[i] = NULL;
}

/* ---- answers ------------------------------------------------------------------------------------ */

static void put_bytes(struct client *c, const char *text, size_t length)
{
	if (c->out_used + length > c->out_room) {
		size_t room = c->out_used + length + 1024;
		char *more = room > ANSWER_MAX ? NULL : realloc(c->out, room);

		if (!more) {
			c->is_closing = true;
			return;
		}
		c->out = more;
		c->out_room = room;
	}
	memcpy(c->out + c->out_used, text, length);
	c->out_used += length;
}

void client_put(struct client *c, const char *text)
{
	put_bytes(c, text, strlen(text));
}

void client_field(struct client *c, const char *key, const char *value)
{
	client_put(c, key);
	client_put(c, "=");
	for (; value && *value; value++) {
		char escaped[4];

		if (*value > ' ' && *value != '%' && *value != 127) {
			put_bytes(c, value, 1);
		} else {
			snprintf(escaped, sizeof escaped, "%%%02x", (unsigned char)*value);
			put_bytes(c, escaped, 3);
		}
	}
	client_put(c, " ");
}

void client_number(struct client *c, const char *key, int64_t value)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)value);
	client_field(c, key, text);
}

static void client_flush(struct client *c)
{
	while (c->out_sent < c->out_used) {
		ssize_t n = send(c->fd, c->out + c->out_sent, c->out_used - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n <= 0) {
			if (n < 0 && errno != EAGAIN && errno != EINTR)
				c->is_closing = true;
			break;
		}
		c->out_sent += n;
	}
	if (c->out_sent == c->out_used) {
		c->out_sent = c->out_used = 0;
		if (c->out_room > 4096) {
			free(c->out);
			c->out = NULL;
			c->out_room = 0;
		}
	}
	watch_change(c->fd, POLLIN | (c->out_used ? POLLOUT : 0));
}

void client_end(struct client *c, int error, const char *text)
{
	char line[600];

	if (error)
		snprintf(line, sizeof line, "error %s %s\n", sup_error_name(error), text ? text : "");
	else
		snprintf(line, sizeof line, "ok %s\n", text ? text : "");
	client_put(c, line);
	if (c->request)
		audit(c->uid, c->pid, c->request, error ? sup_error_name(error) : "ok");
	free(c->request);
	c->request = NULL;
	c->waits_for = SUP_NONE;
	client_flush(c);
}

/* ---- requests ----------------------------------------------------------------------------------- */

static bool is_question(const char *verb)
{
	static const char *const questions[] = { "list", "status", "discover", "instance", "graph", "chart", "keys" };

	for (unsigned int i = 0; i < sizeof questions / sizeof *questions; i++)
		if (!strcmp(verb, questions[i]))
			return true;
	return false;
}

static void run_line(struct client *c, char *line)
{
	char *words[REQUEST_WORDS];
	char *as_it_came = strdup(line);
	int count = request_split(line, words, REQUEST_WORDS);

	free(c->request);
	c->request = NULL;
	if (count > 0 && (is_question(words[0]) || c->balances || !strcmp(words[0], "backends")))
		free(as_it_came);	/* asking changes nothing: not audited */
	else
		c->request = as_it_came;
	if (count <= 0) {
		client_end(c, SUP_EINVALID, "not a request");
	} else if (!is_question(words[0]) && c->uid != 0 && c->uid != getuid()) {
		client_end(c, SUP_EDENIED, "only root may do that");
	} else if (count > 1 && kernel_is_name(words[1]) && !is_question(words[0]) && strcmp(words[0], "run")) {
		kernel_request(c, words[0], words[1]);
	} else {
		verb_run(c, count, words);
	}
	client_flush(c);
}

/* Runs what is complete, one request at a time: the next waits for the answer to this one. */
static void run_lines(struct client *c)
{
	char *newline;

	while (c->waits_for == SUP_NONE && !c->child && !c->is_closing &&
	       (newline = memchr(c->in, '\n', c->in_used))) {
		size_t length = newline - c->in + 1;
		char line[REQUEST_MAX];

		memcpy(line, c->in, length);
		line[length - 1] = 0;
		memmove(c->in, c->in + length, c->in_used - length);
		c->in_used -= length;
		run_line(c, line);
	}
}

static void client_event(int fd, unsigned int events, void *arg)
{
	int i = (int)(intptr_t)arg;
	struct client *c = clients[i];
	ssize_t n;

	if (!c)
		return;
	if (events & POLLOUT)
		client_flush(c);
	if (events & (POLLIN | POLLHUP | POLLERR)) {
		if (c->in_used == sizeof c->in) {
			client_end(c, SUP_EINVALID, "a request longer than 4096 bytes");
			client_free(i);
			return;
		}
		n = recv(fd, c->in + c->in_used, sizeof c->in - c->in_used, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			client_free(i);
			return;
		}
		c->in_used += n > 0 ? n : 0;
		run_lines(c);
	}
	if (c->is_closing)
		client_free(i);
}

/*
 * A place for a client of that user. Half of the places are root's: others, who may only ask, cannot keep
 * it from saying anything. CLIENTS_MAX: none.
 */
static int free_place(uid_t uid)
{
	int others = 0, place = CLIENTS_MAX;

	for (int i = CLIENTS_MAX - 1; i >= 0; i--) {
		if (!clients[i])
			place = i;
		else
			others += clients[i]->uid != 0;
	}
	return uid != 0 && others >= CLIENTS_MAX / 2 ? CLIENTS_MAX : place;
}

static void accept_client(int fd, unsigned int events, void *arg)
{
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer = { 0 };
	socklen_t size = sizeof peer;
	struct client *c = NULL;
	int i;

	if (connection < 0)
		return;
	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size)) {
		close(connection);
		return;
	}
	i = free_place(peer.uid);
	if (i < CLIENTS_MAX)
		c = calloc(1, sizeof *c);
	if (!c) {
		close(connection);
		return;
	}
	c->fd = connection;
	c->uid = peer.uid;
	c->pid = peer.pid;
	c->waits_for = SUP_NONE;
	clients[i] = c;
	if (watch_add(connection, POLLIN, client_event, (void *)(intptr_t)i))
		client_free(i);
}

/* ---- what others tell us ------------------------------------------------------------------------ */

void control_job_done(struct unit *u)
{
	const struct sup_unit *s = unit_state(u);

	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = clients[i];

		if (!c || c->waits_for != u->id)
			continue;
		if (s->job_result == SUP_R_OK || s->job_result == SUP_R_SKIPPED)
			client_end(c, 0, s->job_result ? "condition" : NULL);
		else
			client_end(c, s->job_result == SUP_R_DEPENDENCY || s->job_result == SUP_R_DEPENDENCY_TIMEOUT
				   ? SUP_EDEPENDENCY : s->job_result == SUP_R_HEALTH ? SUP_EHEALTH : SUP_EFAILED,
				   sup_result_name(s->job_result));
		run_lines(c);
	}
}

bool control_child(pid_t pid, int status)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = clients[i];

		if (!c || c->child != pid)
			continue;
		kernel_answered(c, status);
		run_lines(c);
		return true;
	}
	return false;
}

void control_backends(void)
{
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (clients[i] && clients[i]->balances) {
			verb_backends(clients[i]);
			client_flush(clients[i]);
		}
}

int control_init(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/control", init.run_dir);
	unlink(address.sun_path);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 32)) {
		int error = -errno;

		close(fd);
		return error;
	}
	chmod(address.sun_path, 0666);
	return watch_add(fd, POLLIN, accept_client, NULL);
}
