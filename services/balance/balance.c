/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balancer of a socket with X-Balance=: takes connections from the listening descriptors that
 * init passes and carries their bytes to one of the instances and back. Which instances there are,
 * which are sick and which are to be drained init says over its control socket. A connection for
 * which no instance answers is held for HOLD_MS and tried again.
 *
 * usage: balance CONTROL-SOCKET TEMPLATE round-robin|least-loaded      (LISTEN_FDS in the environment)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKENDS_MAX	64
#define PIPES_MAX	256
#define BUFFER		8192
#define HOLD_MS		10000
#define RETRY_MS	20

struct backend {
	char name[136], address[120];
	bool is_up, is_draining, was_told, is_listed;
	int active;
};

struct flow {			/* one direction */
	char bytes[BUFFER];
	int start, end;
	bool is_closed;		/* the source has ended, and the sink knows it */
	bool has_ended;		/* the source has ended */
};

struct pipe {
	int client, server;	/* -1: free; server -1: held */
	int backend;
	long long since;
	bool is_connecting;
	struct flow up, down;	/* client to server, server to client */
};

static struct backend backends[BACKENDS_MAX];
static struct pipe *pipes[PIPES_MAX];
static int control = -1, turn;
static bool by_load;
static char line[1024];
static int line_used;

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* ---- what init says ----------------------------------------------------------------------------- */

static bool field(const char *text, const char *key, char *out, size_t size)
{
	size_t n = strlen(key);

	for (const char *at = text; at; at = strchr(at, ' '), at = at ? at + 1 : NULL)
		if (!strncmp(at, key, n) && at[n] == '=') {
			snprintf(out, size, "%.*s", (int)strcspn(at + n + 1, " "), at + n + 1);
			return true;
		}
	return false;
}

static void tell_drained(void)
{
	for (int i = 0; i < BACKENDS_MAX; i++) {
		struct backend *b = &backends[i];

		if (b->is_draining && !b->active && !b->was_told) {
			b->was_told = true;
			dprintf(control, "drained %s\n", b->name);
		}
	}
}

static void heard_backend(const char *text)
{
	char name[136], address[120], state[16];
	int at = -1;

	if (!field(text, "name", name, sizeof name) || !field(text, "backend", address, sizeof address) ||
	    !field(text, "state", state, sizeof state))
		return;
	for (int i = BACKENDS_MAX - 1; i >= 0; i--)
		if (!strcmp(backends[i].name, name))
			at = i;
	for (int i = BACKENDS_MAX - 1; i >= 0 && at < 0; i--)
		if (!backends[i].name[0])
			at = i;
	if (at < 0)
		return;
	struct backend *b = &backends[at];

	strcpy(b->name, name);
	strcpy(b->address, address);
	b->is_listed = true;
	b->is_up = !strcmp(state, "up");
	b->is_draining = !strcmp(state, "drain");
	b->was_told &= b->is_draining;
}

/* One line; `ok` ends a list: what was not in it is gone. */
static void heard(const char *text)
{
	if (strncmp(text, "ok", 2)) {
		heard_backend(text);
		return;
	}
	for (int i = 0; i < BACKENDS_MAX; i++) {
		struct backend *b = &backends[i];

		if (!b->is_listed)
			b->is_up = b->is_draining = false;
		b->is_listed = false;
	}
	tell_drained();
}

static void read_control(void)
{
	int n = read(control, line + line_used, sizeof line - 1 - line_used);
	char *newline;

	if (n <= 0) {
		close(control);
		control = -1;
		return;
	}
	line_used += n;
	line[line_used] = 0;
	while ((newline = strchr(line, '\n'))) {
		*newline = 0;
		heard(line);
		line_used -= newline + 1 - line;
		memmove(line, newline + 1, line_used + 1);
	}
	if (line_used == sizeof line - 1)
		line_used = 0;
}

/* Again after init was away; until then the last list holds. */
static void open_control(const char *path, const char *template)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	line_used = 0;
	if (control >= 0 && (connect(control, (struct sockaddr *)&to, sizeof to) ||
			     dprintf(control, "backends %s\n", template) < 0)) {
		close(control);
		control = -1;
	}
}

/* ---- connections -------------------------------------------------------------------------------- */

static int address_fill(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_un *un = (void *)out;
	struct sockaddr_in *in = (void *)out;
	const char *colon = strrchr(text, ':');
	char host[64];

	memset(out, 0, sizeof *out);
	if (*text == '/') {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof un->sun_path, "%s", text);
		return sizeof *un;
	}
	snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - text) : 0, text);
	in->sin_family = AF_INET;
	in->sin_port = htons(atoi(colon ? colon + 1 : text));
	if (inet_pton(AF_INET, colon ? host : "127.0.0.1", &in->sin_addr) != 1)
		return -1;
	return sizeof *in;
}

/* The next instance by the policy that is not in TRIED; -1 for none. */
static int choose(unsigned long long tried)
{
	int best = -1;

	for (int k = 1; k <= BACKENDS_MAX; k++) {
		int i = (turn + k) % BACKENDS_MAX;

		if (!backends[i].is_up || (tried >> i & 1))
			continue;
		if (!by_load) {
			best = i;
			break;
		}
		if (best < 0 || backends[i].active < backends[best].active)
			best = i;
	}
	if (best >= 0)
		turn = best;
	return best;
}

static bool dial(struct pipe *p, unsigned long long *tried)
{
	int i;

	while ((i = choose(*tried)) >= 0) {
		struct sockaddr_storage to;
		int length = address_fill(backends[i].address, &to);
		int fd = length < 0 ? -1 : socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		*tried |= 1ull << i;
		if (fd < 0)
			continue;
		if (connect(fd, (struct sockaddr *)&to, length) && errno != EINPROGRESS) {
			close(fd);
			continue;
		}
		p->is_connecting = true;
		p->server = fd;
		p->backend = i;
		backends[i].active++;
		return true;
	}
	return false;
}

static void hang_up(int n)
{
	struct pipe *p = pipes[n];

	close(p->client);
	if (p->server >= 0) {
		close(p->server);
		backends[p->backend].active--;
	}
	free(p);
	pipes[n] = NULL;
	tell_drained();
}

static void take_connection(int listener)
{
	int n, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	unsigned long long tried = 0;

	if (fd < 0)
		return;
	for (n = 0; n < PIPES_MAX && pipes[n]; n++)
		;
	if (n == PIPES_MAX || !(pipes[n] = calloc(1, sizeof **pipes))) {
		close(fd);
		return;
	}
	pipes[n]->client = fd;
	pipes[n]->server = -1;
	pipes[n]->since = now_ms();
	dial(pipes[n], &tried);
}

/* Bytes from one side to the other, as far as both allow; false when the connection broke. */
static bool move(struct flow *f, int from, int to, bool readable)
{
	if (readable && !f->has_ended && f->end < BUFFER) {
		ssize_t n = recv(from, f->bytes + f->end, BUFFER - f->end, MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		f->has_ended = n == 0;
		f->end += n > 0 ? n : 0;
	}
	if (f->end > f->start) {
		ssize_t n = send(to, f->bytes + f->start, f->end - f->start, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		f->start += n > 0 ? n : 0;
	}
	if (f->start == f->end) {
		f->start = f->end = 0;
		if (f->has_ended && !f->is_closed) {
			shutdown(to, SHUT_WR);
			f->is_closed = true;
		}
	}
	return true;
}

/* The connection to the instance is there, or another one is tried. */
static void connected(struct pipe *p)
{
	int error = 0;
	socklen_t size = sizeof error;

	p->is_connecting = false;
	if (!getsockopt(p->server, SOL_SOCKET, SO_ERROR, &error, &size) && !error)
		return;
	close(p->server);
	p->server = -1;
	backends[p->backend].active--;
	unsigned long long tried = 1ull << p->backend;

	dial(p, &tried);
}

static void serve(int n, int client_events, int server_events)
{
	struct pipe *p = pipes[n];

	if (p->server < 0) {
		unsigned long long tried = 0;

		if (!dial(p, &tried) && now_ms() - p->since > HOLD_MS)
			hang_up(n);
		return;
	}
	if (p->is_connecting) {
		if (server_events)
			connected(p);
		return;
	}
	if (!move(&p->up, p->client, p->server, client_events & (POLLIN | POLLHUP | POLLERR)) ||
	    !move(&p->down, p->server, p->client, server_events & (POLLIN | POLLHUP | POLLERR)) ||
	    (p->down.is_closed && (p->up.is_closed || p->up.has_ended || (client_events & POLLHUP))) ||
	    (p->down.is_closed && p->down.has_ended))
		hang_up(n);
}

static short wants(const struct flow *in, const struct flow *out)
{
	return (!in->has_ended && in->end < BUFFER ? POLLIN : 0) | (out->end > out->start ? POLLOUT : 0);
}

int main(int argc, char **argv)
{
	int listeners = getenv("LISTEN_FDS") ? atoi(getenv("LISTEN_FDS")) : 0;
	static struct pollfd set[1 + 16 + 2 * PIPES_MAX];
	static int owner[1 + 16 + 2 * PIPES_MAX];

	if (argc != 4 || listeners < 1 || listeners > 16)
		return 2;
	by_load = !strcmp(argv[3], "least-loaded");
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < listeners; i++)
		fcntl(3 + i, F_SETFL, fcntl(3 + i, F_GETFL) | O_NONBLOCK);
	for (;;) {
		int count = 0, held = 0;

		if (control < 0)
			open_control(argv[1], argv[2]);
		set[count++] = (struct pollfd){ control, POLLIN, 0 };
		for (int i = 0; i < listeners; i++)
			set[count++] = (struct pollfd){ 3 + i, POLLIN, 0 };
		for (int n = 0; n < PIPES_MAX; n++) {
			struct pipe *p = pipes[n];

			if (!p)
				continue;
			held += p->server < 0;
			owner[count] = n;
			set[count++] = (struct pollfd){ p->client, p->server < 0 || p->is_connecting ? 0 : wants(&p->up, &p->down), 0 };
			owner[count] = n;
			set[count++] = (struct pollfd){ p->server, p->is_connecting ? POLLOUT : wants(&p->down, &p->up), 0 };
		}
		poll(set, count, held || control < 0 ? RETRY_MS : -1);
		if (control >= 0 && set[0].revents)
			read_control();
		for (int i = 1 + listeners; i < count; i += 2)
			if (pipes[owner[i]] && (set[i].revents || set[i + 1].revents || pipes[owner[i]]->server < 0))
				serve(owner[i], set[i].revents, set[i + 1].revents);
		for (int i = 0; i < listeners; i++)
			if (set[1 + i].revents)
				take_connection(3 + i);
	}
}
