/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svctl: talks to init over its control socket and shows what it says. Records are lines of
 * `key=value` fields (services/init/control.c); this header is between svctl's own files.
 */
#ifndef SERVICES_SVCTL_SVCTL_H
#define SERVICES_SVCTL_SVCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record {
	struct record *next;
	char *keys[32], *values[32];
	int count;
};

struct answer {
	struct record *records;
	char error[64];		/* "" for ok */
	char text[512];
	int status;		/* exit status that goes with it */
};

extern bool as_json, in_colour;
extern const char *run_dir;

/* Sends one request made of words; false when nobody answers. Records live until exit. */
bool ask(struct answer *a, const char *const *words);
const char *field(const struct record *r, const char *key);	/* "" when absent */
int64_t number(const struct record *r, const char *key);

/* Prints records as a JSON array. */
void json_records(const struct record *r);
void json_text(const char *text);

/* The whole name: "nginx" stands for nginx.service. */
const char *unit_named(const char *name);

/* Exit status 1 and a message for init being away. */
int no_init(void);
int failed(const struct answer *a, const char *what);

int show_list(int argc, char **argv);
int show_status(int argc, char **argv);
int show_top(int argc, char **argv);
int show_logs(int argc, char **argv);
int show_graph(int argc, char **argv);
int show_blame(int argc, char **argv);
int show_chart(int argc, char **argv);
int verify_files(int argc, char **argv);
int print_completion(int argc, char **argv);

#endif
