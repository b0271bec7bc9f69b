/* SPDX-License-Identifier: BSD-2-Clause */
/* svctl's end of the control protocol: a request line out, records and a verdict in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../supervisor/supervisor.h"
#include "svctl.h"

static int connection = -1;

static bool open_connection(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (connection >= 0)
		return true;
	snprintf(address.sun_path, sizeof address.sun_path, "%s/control", run_dir);
	connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection >= 0 && !connect(connection, (struct sockaddr *)&address, sizeof address))
		return true;
	if (connection >= 0)
		close(connection);
	connection = -1;
	return false;
}

static size_t escape(char *out, size_t room, const char *text)
{
	size_t n = 0;

	for (; *text && n + 4 < room; text++)
		if (*text > ' ' && *text != '%' && *text != 127)
			out[n++] = *text;
		else
			n += snprintf(out + n, room - n, "%%%02x", (unsigned char)*text);
	return n;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static char *unescape(char *text)
{
	char *out = text;

	for (char *in = text; *in; in++)
		if (*in == '%' && in[1] && in[2]) {
			*out++ = hex(in[1]) << 4 | hex(in[2]);
			in += 2;
		} else {
			*out++ = *in;
		}
	*out = 0;
	return text;
}

static struct record *read_record(char *line)
{
	struct record *r = calloc(1, sizeof *r);
	char *word;

	while (r && (word = strsep(&line, " "))) {
		char *equals = strchr(word, '=');

		if (!*word || r->count == 32)
			continue;
		if (equals)
			*equals = 0;
		r->keys[r->count] = strdup(word);
		r->values[r->count++] = strdup(equals ? unescape(equals + 1) : "");
	}
	return r;
}

static void verdict(struct answer *a, char *line)
{
	char *word = strsep(&line, " ");

	a->status = 0;
	if (!strcmp(word, "error")) {
		snprintf(a->error, sizeof a->error, "%s", strsep(&line, " "));
		a->status = 1;
		for (unsigned int i = 0; i < SUP_ERRORS; i++)
			if (!strcmp(sup_error_name(i), a->error))
				a->status = sup_error_exit(i);
	}
	snprintf(a->text, sizeof a->text, "%s", line ? line : "");
}

bool ask(struct answer *a, const char *const *words)
{
	char request[4000];
	size_t n = 0;
	struct record **tail = &a->records;
	static FILE *in;
	static char *line;
	static size_t room;

	*a = (struct answer){ .status = 1 };
	if (!open_connection())
		return false;
	for (int i = 0; words[i]; i++) {
		if (i)
			request[n++] = ' ';
		n += escape(request + n, sizeof request - n - 8, words[i]);
	}
	request[n++] = '\n';
	if (send(connection, request, n, MSG_NOSIGNAL) != (ssize_t)n)
		return false;
	if (!in)
		in = fdopen(connection, "r");
	while (in && getline(&line, &room, in) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "ok", 2) || !strncmp(line, "error ", 6)) {
			verdict(a, line);
			return true;
		}
		*tail = read_record(line);
		if (*tail)
			tail = &(*tail)->next;
	}
	return false;
}

const char *field(const struct record *r, const char *key)
{
	for (int i = 0; i < r->count; i++)
		if (!strcmp(r->keys[i], key))
			return r->values[i];
	return "";
}

int64_t number(const struct record *r, const char *key)
{
	return strtoll(field(r, key), NULL, 10);
}

void json_text(const char *text)
{
	putchar('"');
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < ' ')
			printf("\\u%04x", *text);
		else
			putchar(*text);
	putchar('"');
}

static bool is_number(const char *text)
{
	size_t digits = strspn(text + (*text == '-'), "0123456789");

	return digits && digits < 18 && !text[(*text == '-') + digits] && (digits == 1 || text[*text == '-'] != '0');
}

void json_records(const struct record *r)
{
	printf("[");
	for (; r; r = r->next) {
		printf("{");
		for (int i = 0; i < r->count; i++) {
			json_text(r->keys[i]);
			printf(":");
			if (is_number(r->values[i]))
				printf("%s", r->values[i]);
			else
				json_text(r->values[i]);
			printf(i + 1 < r->count ? "," : "");
		}
		printf(r->next ? "},\n" : "}");
	}
	printf("]\n");
}

int no_init(void)
{
	fprintf(stderr, "svctl: init does not answer on %s/control\n", run_dir);
	return 1;
}

int failed(const struct answer *a, const char *what)
{
	if (a->error[0])
		fprintf(stderr, "svctl: %s: %s%s%s\n", what, a->error, a->text[0] ? ": " : "", a->text);
	return a->status;
}
