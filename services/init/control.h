/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the protocol's files: control.c (connections), verbs.c (what they may ask). */
#ifndef SERVICES_INIT_CONTROL_H
#define SERVICES_INIT_CONTROL_H

#include "init.h"

#define REQUEST_MAX	4096
#define REQUEST_WORDS	16

struct client {
	int fd;			/* -1: free */
	uid_t uid;
	pid_t pid;
	char *request;		/* as it came; freed when answered */
	char in[REQUEST_MAX];
	size_t in_used;
	char *out;
	size_t out_used, out_sent, out_room;
	uint32_t waits_for;	/* unit whose job it waits for, SUP_NONE */
	pid_t child;		/* that does what it asked for, or 0 */
	const char *balances;	/* template of the instances this balancer serves */
	bool is_closing;
};

/* Adds to the answer. Values are escaped so that a line stays a line and a field a field. */
void client_put(struct client *c, const char *text);
void client_field(struct client *c, const char *key, const char *value);
void client_number(struct client *c, const char *key, int64_t value);

/* Ends the answer: `ok` or `error NAME text`. */
void client_end(struct client *c, int error, const char *text);

/* Runs one request, split into words. */
void verb_run(struct client *c, int count, char **words);

/* The instances a balancer must know, one line each. */
void verb_backends(struct client *c);

/* kernel.c: the kernel's daemons, NAME.kernel. The number shown; requests are answered by kernel_answered(). */
bool kernel_is_name(const char *name);
int kernel_list(struct client *c, const char *pattern);
void kernel_request(struct client *c, const char *verb, const char *name);
void kernel_answered(struct client *c, int status);

/* Splits a request at blanks; %XX is a byte. Count or -EINVAL. Pure. */
int request_split(char *line, char **words, int max);

#endif
