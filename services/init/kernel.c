/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own daemons as units NAME.kernel: what /proc/daemons says of them, and requests to
 * it. A request waits until it is done, so a child makes it. Where there is no such file (Linux)
 * there are no such units.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"

#define SUFFIX ".kernel"

static const char path[] = "/proc/daemons";

bool kernel_is_name(const char *name)
{
	size_t n = strlen(name), suffix = sizeof SUFFIX - 1;

	return n > suffix && !strcmp(name + n - suffix, SUFFIX);
}

/* The file's text with an end; false when there is none. */
static bool read_all(char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0)
		return false;
	while (used < size - 1 && (n = read(fd, text + used, size - 1 - used)) > 0)
		used += n;
	close(fd);
	text[used] = 0;
	return n >= 0;
}

/* One line of the file as a record; `description=` is the last field and may have blanks. */
static void put_line(struct client *c, char *line, const char *name)
{
	char *word;

	client_field(c, "name", name);
	client_field(c, "type", "kernel");
	client_field(c, "kind", "system");
	while ((word = strsep(&line, " "))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = 0;
		if (!strcmp(word, "description") && line)
			line[-1] = ' ';	/* the rest belongs to it */
		if (strcmp(word, "name"))
			client_field(c, word, value);
		if (!strcmp(word, "description"))
			break;
	}
	client_number(c, "now_ns", now_ns());
	client_number(c, "pid", 0);
	client_number(c, "tasks", 1);
	client_number(c, "memory", -1);
	client_field(c, "job", "-");
	client_field(c, "health", "-");
	client_field(c, "enabled", "yes");
	client_field(c, "file", path);
	client_put(c, "\n");
}

int kernel_list(struct client *c, const char *pattern)
{
	char text[4096], *line, *rest = text;
	int found = 0;

	if (!read_all(text, sizeof text))
		return 0;
	while ((line = strsep(&rest, "\n"))) {
		char name[80];

		if (strncmp(line, "name=", 5))
			continue;
		snprintf(name, sizeof name, "%.*s" SUFFIX, (int)strcspn(line + 5, " "), line + 5);
		if (!name_matches(pattern, name))
			continue;
		put_line(c, line, name);
		found++;
	}
	return found;
}

static int error_of(int error)
{
	switch (error) {
	case 0:
		return SUP_OK;
	case ENOENT:
		return SUP_ENOTFOUND;
	case EBUSY:
		return SUP_ENOTRUNNING;
	case EINVAL:
		return SUP_EINVALID;
	default:
		return SUP_EFAILED;
	}
}

static void tell(const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(errno);
	_exit(0);
}

void kernel_request(struct client *c, const char *verb, const char *name)
{
	static const char *const verbs[] = { "start", "stop", "restart", "kill" };
	bool is_known = false;
	char text[200];

	for (unsigned int i = 0; i < sizeof verbs / sizeof *verbs; i++)
		is_known |= !strcmp(verb, verbs[i]);
	if (access(path, F_OK)) {
		client_end(c, SUP_ENOTFOUND, name);
		return;
	}
	if (!is_known) {
		client_end(c, SUP_EINVALID, "the kernel's daemons know start, stop, restart and kill");
		return;
	}
	snprintf(text, sizeof text, "%s %.*s", verb, (int)(strlen(name) - (sizeof SUFFIX - 1)), name);
	c->child = fork();
	if (!c->child)
		tell(text);
	if (c->child < 0) {
		c->child = 0;
		client_end(c, SUP_EFAILED, strerror(errno));
	}
}

void kernel_answered(struct client *c, int status)
{
	int error = WIFEXITED(status) ? error_of(WEXITSTATUS(status)) : SUP_EFAILED;

	c->child = 0;
	client_end(c, error, NULL);
}
