/* SPDX-License-Identifier: BSD-2-Clause */
/* svctl: the command line. Verbs that change something are requests to init, answered when done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../init/config.h"
#include "svctl.h"

bool as_json, in_colour;
const char *run_dir = "/run/init";

static const char usage[] =
	"usage: svctl [--json] [--run DIR] VERB ...\n"
	"  list [PATTERN] | status [UNIT...] | logs [-f] [-n N] UNIT | top [-n N]\n"
	"  start | stop | restart | reload | pause | resume | enable | disable | reset-failed  UNIT...\n"
	"  kill UNIT [SIGNAL] | run NAME.service KEY=VALUE... | forget UNIT\n"
	"  is-active UNIT | is-failed UNIT | discover PATTERN | instance NAME\n"
	"  blame | graph [--dot] | bootchart | verify FILE... | keys | completion\n"
	"  daemon-reload | poweroff | reboot | halt\n";

static bool has_pattern(const char *name)
{
	return strpbrk(name, "*?[");
}

const char *unit_named(const char *name)
{
	static const char *const suffixes[] = { ".service", ".target", ".socket", ".timer", ".kernel" };
	const char *dot = strrchr(name, '.');
	char *full;

	for (unsigned int i = 0; dot && i < sizeof suffixes / sizeof *suffixes; i++)
		if (!strcmp(dot, suffixes[i]))
			return name;
	if (!*name || has_pattern(name) || asprintf(&full, "%s.service", name) < 0)
		return name;
	return full;
}

static int request(const char *verb, const char *name, const char *more)
{
	const char *words[] = { verb, name, more, NULL };
	struct answer a;

	if (!ask(&a, words))
		return no_init();
	if (as_json) {
		printf("{\"verb\":\"%s\",\"unit\":", verb);
		json_text(name ? name : "");
		printf(",\"error\":\"%s\",\"text\":", a.error);
		json_text(a.text);
		printf("}\n");
		return a.status;
	}
	return failed(&a, name ? name : verb);
}

/* All that match, one after the other: a restart of `web@*` leaves the others running. */
static int request_matching(const char *verb, const char *pattern)
{
	const char *words[] = { "list", pattern, NULL };
	struct answer a;
	int status = 0, found = 0;

	if (!ask(&a, words))
		return no_init();
	for (struct record *r = a.records; r; r = r->next, found++) {
		int one = request(verb, field(r, "name"), NULL);

		status = one ? one : status;
	}
	return found ? status : 5;
}

static int requests(int argc, char **argv)
{
	int status = 0;

	if (argc < 2) {
		fputs(usage, stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		int one = has_pattern(argv[i]) ? request_matching(argv[0], argv[i])
			: request(argv[0], unit_named(argv[i]), NULL);

		status = one ? one : status;
	}
	return status;
}

static int kill_unit(int argc, char **argv)
{
	if (argc < 2 || argc > 3)
		return 2;
	return request("kill", unit_named(argv[1]), argc > 2 ? argv[2] : NULL);
}

static int bare(int argc, char **argv)
{
	return argc == 1 ? request(argv[0], NULL, NULL) : 2;
}

static int run(int argc, char **argv)
{
	const char *words[18] = { "run" };
	struct answer a;

	if (argc < 3 || argc > 16) {
		fprintf(stderr, "svctl: run NAME.service KEY=VALUE...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		words[i] = argv[i];
	if (!ask(&a, words))
		return no_init();
	return failed(&a, argv[1]);
}

static int is_state(int argc, char **argv)
{
	const char *words[] = { "status", argc > 1 ? unit_named(argv[1]) : "", NULL };
	const char *want = !strcmp(argv[0], "is-failed") ? "failed" : "running";
	struct answer a;

	if (argc != 2)
		return 2;
	if (!ask(&a, words))
		return no_init();
	printf("%s\n", a.records ? field(a.records, "state") : "unknown");
	return !a.records ? 4 : !strcmp(field(a.records, "state"), want) ? 0 : want[0] == 'f' ? 1 : 3;
}

static int find(int argc, char **argv)
{
	const char *words[] = { argv[0], argc > 1 ? argv[1] : "", NULL };
	struct answer a;

	if (argc != 2)
		return 2;
	if (!ask(&a, words))
		return no_init();
	if (as_json)
		json_records(a.records);
	else
		for (struct record *r = a.records; r; r = r->next)
			printf("%s%s%s\n", field(r, "name"), *field(r, "backend") ? " " : "", field(r, "backend"));
	return failed(&a, argv[1]);
}

/* ---- without init ------------------------------------------------------------------------------- */

static void print_problem(void *arg, unsigned int line, const char *text)
{
	printf("%s:%u: %s\n", (const char *)arg, line, text);
}

/* Each file by itself: what init would refuse, with its line. */
int verify_files(int argc, char **argv)
{
	static char text[CONFIG_FILE_MAX + 2];
	int bad = 0;

	if (argc < 2) {
		fprintf(stderr, "svctl: verify FILE...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		const char *name = strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i];
		struct report r = { print_problem, argv[i], 0, 0 };
		struct config c = { 0 };
		FILE *f = fopen(argv[i], "r");
		size_t n = f ? fread(text, 1, sizeof text, f) : 0;

		if (!f)
			perror(argv[i]);
		bad += !f || config_parse(&c, name, text, n, &r);
		arena_free(&c.arena);
		if (f)
			fclose(f);
	}
	return bad ? 6 : 0;
}

static int print_keys(int argc, char **argv)
{
	const char *key;

	for (unsigned int i = 0; (key = config_key(i)); i++)
		printf("%s\n", key);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "list", show_list }, { "status", show_status }, { "logs", show_logs }, { "top", show_top },
	{ "start", requests }, { "stop", requests }, { "restart", requests }, { "reload", requests },
	{ "pause", requests }, { "resume", requests }, { "enable", requests }, { "disable", requests },
	{ "reset-failed", requests }, { "forget", requests }, { "kill", kill_unit }, { "run", run },
	{ "is-active", is_state }, { "is-failed", is_state }, { "discover", find }, { "instance", find },
	{ "blame", show_blame }, { "graph", show_graph }, { "bootchart", show_chart },
	{ "verify", verify_files }, { "keys", print_keys }, { "completion", print_completion },
	{ "daemon-reload", bare }, { "poweroff", bare }, { "reboot", bare }, { "halt", bare }, { "crash", bare },
};

/* For bash: eval "$(svctl completion)". */
int print_completion(int argc, char **argv)
{
	printf("_svctl() { local w=\"${COMP_WORDS[COMP_CWORD]}\"; if [ $COMP_CWORD = 1 ]; then COMPREPLY=($(compgen -W '");
	for (unsigned int i = 0; i < sizeof verbs / sizeof *verbs; i++)
		printf("%s%s", i ? " " : "", verbs[i].name);
	printf("' -- \"$w\")); else COMPREPLY=($(compgen -W \"$(svctl list | sed 1d | cut -d' ' -f1)\" -- \"$w\")); fi; }\n"
	       "complete -F _svctl svctl\n");
	return 0;
}

int main(int argc, char **argv)
{
	in_colour = isatty(1);
	if (getenv("INIT_RUN"))
		run_dir = getenv("INIT_RUN");
	for (argc--, argv++; argc && argv[0][0] == '-'; argc--, argv++)
		if (!strcmp(*argv, "--json"))
			as_json = true;
		else if (!strcmp(*argv, "--run") && argc > 1)
			run_dir = (argc--, *++argv);
		else
			break;
	for (unsigned int i = 0; argc && i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(verbs[i].name, *argv))
			return verbs[i].run(argc, argv);
	if (argc && strcmp(*argv, "help"))
		fprintf(stderr, "svctl: %s is not a verb\n", *argv);
	fputs(usage, stderr);
	return 2;
}
