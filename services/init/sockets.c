/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * .socket units: listening descriptors that exist before their service does, and start it when
 * somebody comes; with Accept=yes one instance per connection. Addresses are paths, @abstract
 * names, ports and numeric addresses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "init.h"

static int fill_unix(const char *text, struct sockaddr_un *un, unsigned int *length)
{
	size_t n = strlen(text);

	if (n >= sizeof un->sun_path)
		return -EINVAL;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, text, n);
	if (*text == '@')
		un->sun_path[0] = 0;
	*length = offsetof(struct sockaddr_un, sun_path) + n + (*text != '@');
	return 0;
}

/* "80", "10.0.0.1:80", "[::]:80"; 0 or -EINVAL. OUT is a sockaddr_storage. */
int address_fill(const char *text, void *out, unsigned int *length)
{
	char host[64] = "0.0.0.0";
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	struct sockaddr_in *in = out;
	struct sockaddr_in6 *in6 = out;
	int64_t number;

	memset(out, 0, sizeof(struct sockaddr_storage));
	if (*text == '/' || *text == '@')
		return fill_unix(text, out, length);
	if (parse_number(port, 0, 65535, &number))
		return -EINVAL;
	if (colon) {
		bool is_v6 = text[0] == '[' && colon > text && colon[-1] == ']';
		size_t n = colon - text - 2 * is_v6;

		if (n >= sizeof host)
			return -EINVAL;
		memcpy(host, text + is_v6, n);
		host[n] = 0;
		if (is_v6) {
			in6->sin6_family = AF_INET6;
			in6->sin6_port = htons(number);
			*length = sizeof *in6;
			return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
		}
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(number);
	*length = sizeof *in;
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

static int listen_one(struct unit *u, const struct listen *l)
{
	struct sockaddr_storage address;
	unsigned int length = 0;
	int fd, on = 1, error = address_fill(l->address, &address, &length);

	if (error)
		return error;
	/* Services get blocking sockets; init itself accepts only with Accept=yes. */
	fd = socket(address.ss_family, l->type | SOCK_CLOEXEC | (u->c->socket->accept ? SOCK_NONBLOCK : 0), 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (*l->address == '/') {
		unlink(l->address);
	}
	if (bind(fd, (struct sockaddr *)&address, length) ||
	    (l->type == SOCK_STREAM && listen(fd, u->c->socket->backlog))) {
		error = -errno;
		close(fd);
		return error;
	}
	if (*l->address == '/')
		chmod(l->address, u->c->socket->mode);
	return fd;
}

int socket_open(struct unit *u)
{
	if (u->listen_count)
		return 0;	/* kept over a crash of init */
	if (!unit_listen_room(u))
		return -ENOMEM;
	for (const struct listen *l = u->c->socket->listens; l; l = l->next) {
		int fd = u->listen_count < LISTEN_MAX ? listen_one(u, l) : -EINVAL;

		if (fd < 0) {
			socket_close(u);
			return fd;
		}
		u->listen_fd[u->listen_count++] = fd;
	}
	return 0;
}

void socket_close(struct unit *u)
{
	for (unsigned int i = 0; i < u->listen_count; i++) {
		watch_remove(u->listen_fd[i]);
		close(u->listen_fd[i]);
	}
	u->listen_count = 0;
	for (const struct listen *l = u->c->socket->listens; l; l = l->next)
		if (*l->address == '/')
			unlink(l->address);
}

static void service_name(const struct unit *u, char *name, size_t size)
{
	if (u->c->activates)
		snprintf(name, size, "%s", u->c->activates);
	else
		snprintf(name, size, "%.*s%s.service", (int)(strlen(u->name) - 7), u->name, u->c->socket->accept ? "@" : "");
}

/* One connection, one instance: echo@17.service gets the connected socket. */
static void accept_one(struct unit *u, int fd)
{
	char template[CONFIG_NAME_MAX + 8], name[CONFIG_NAME_MAX + 32];
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	struct unit *instance = NULL;
	const char *at;

	if (connection < 0)
		return;
	service_name(u, template, sizeof template);
	at = strchr(template, '@');
	/* Numbers of ended instances are used again, so that the registry does not grow. */
	for (int i = 0; i < 256 && at; i++) {
		snprintf(name, sizeof name, "%.*s@%d%s", (int)(at - template), template, i, at + 1);
		instance = unit_get(name);
		if (!instance || (!sup_is_active(unit_state(instance)) && !unit_state(instance)->job))
			break;
		instance = NULL;
	}
	if (!instance || instance->is_missing || instance->is_broken) {
		close(connection);
		return;
	}
	unit_post(instance, SUP_EV_RESET, 0);	/* each connection is a start of its own */
	instance->connection = connection;
	if (unit_post(instance, SUP_EV_START, 0)) {
		close(connection);
		instance->connection = -1;
	}
}

static void somebody_came(int fd, unsigned int events, void *arg)
{
	struct unit *u = init.units[(uintptr_t)arg];
	char name[CONFIG_NAME_MAX + 8];
	struct unit *service;
	int error;

	if (u->c->socket->accept) {
		accept_one(u, fd);
		return;
	}
	service_name(u, name, sizeof name);
	service = unit_find(name);
	error = service ? unit_post(service, SUP_EV_START, 0) : SUP_ENOTFOUND;
	/* Until the service is gone again its descriptors are its own; a broken one must not spin. */
	socket_watch(u, false);
	if (error)
		say("%s: cannot start %s: %s", u->name, name, sup_error_name(error));
}

void socket_watch(struct unit *u, bool on)
{
	if (u->c->socket->balance)
		return;
	for (unsigned int i = 0; i < u->listen_count; i++) {
		watch_remove(u->listen_fd[i]);
		if (on)
			watch_add(u->listen_fd[i], POLLIN, somebody_came, (void *)(uintptr_t)u->id);
	}
}
