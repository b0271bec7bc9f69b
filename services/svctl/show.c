/* SPDX-License-Identifier: BSD-2-Clause */
/* svctl list, status, top and logs: units for people, or as JSON. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "svctl.h"

static const char *colour(const char *state)
{
	if (!in_colour)
		return "";
	if (!strcmp(state, "running"))
		return "\033[32m";
	if (!strcmp(state, "failed"))
		return "\033[31m";
	return !strcmp(state, "starting") || !strcmp(state, "stopping") || !strcmp(state, "paused") ? "\033[33m" : "\033[2m";
}

static const char *plain(void)
{
	return in_colour ? "\033[0m" : "";
}

static const char *amount(int64_t bytes, char *out, size_t size)
{
	if (bytes < 0)
		snprintf(out, size, "-");
	else if (bytes < 1 << 20)
		snprintf(out, size, "%lldK", (long long)bytes >> 10);
	else
		snprintf(out, size, "%lld.%lldM", (long long)bytes >> 20, (long long)(bytes & 0xfffff) * 10 >> 20);
	return out;
}

/* CPU time of a group; where the kernel does not count it there is none. */
static const char *seconds(const struct record *r, char *out, size_t size)
{
	if (!*field(r, "cpu_us") || number(r, "cpu_us") < 0)
		snprintf(out, size, "-");
	else
		snprintf(out, size, "%.3f", number(r, "cpu_us") / 1e6);
	return out;
}

int show_list(int argc, char **argv)
{
	const char *words[] = { "list", argc > 1 ? argv[1] : NULL, NULL };
	struct answer a;

	if (!ask(&a, words))
		return no_init();
	if (as_json) {
		json_records(a.records);
		return a.status;
	}
	printf("%-28s %-9s %-18s %7s %8s  %s\n", "UNIT", "STATE", "RESULT", "PID", "RESTARTS", "DESCRIPTION");
	for (struct record *r = a.records; r; r = r->next)
		printf("%-28s %s%-9s%s %-18s %7s %8s  %s\n", field(r, "name"), colour(field(r, "state")), field(r, "state"),
		       plain(), field(r, "result"), number(r, "pid") ? field(r, "pid") : "-", field(r, "restarts"),
		       field(r, "description"));
	return failed(&a, "list");
}

/* The last COUNT lines of a log; where the next byte will be written. */
static long tail(const char *path, int count, const char *indent)
{
	FILE *f = fopen(path, "r");
	long starts[1000], at = 0;
	int lines = 0;
	char *line = NULL;
	size_t room = 0;

	if (!f)
		return 0;
	count = count > 999 ? 999 : count;
	while (getline(&line, &room, f) > 0) {
		starts[lines++ % 1000] = at;
		at = ftell(f);
	}
	if (lines)
		fseek(f, starts[(lines > count ? lines - count : 0) % 1000], SEEK_SET);
	while (getline(&line, &room, f) > 0)
		printf("%s%s", indent, line);
	free(line);
	at = ftell(f);
	fclose(f);
	return at;
}

/* Processes of a group, one line each. */
static void print_tree(const struct record *r)
{
	char path[300], name[64];
	FILE *f, *comm;
	int pid, next;

	snprintf(path, sizeof path, "%s/cgroup.procs", field(r, "group"));
	f = fopen(path, "r");
	if (!f && number(r, "pid")) {
		printf("  processes: %s\n", field(r, "pid"));
		return;
	}
	for (bool more = f && fscanf(f, "%d", &next) == 1; more;) {
		pid = next;
		more = fscanf(f, "%d", &next) == 1;
		snprintf(path, sizeof path, "/proc/%d/comm", pid);
		comm = fopen(path, "r");
		if (comm && fgets(name, sizeof name, comm))
			printf("  %s %s%d %s", more ? "├─" : "└─", pid == number(r, "pid") ? "main " : "", pid, name);
		if (comm)
			fclose(comm);
	}
	if (f)
		fclose(f);
}

static void print_unit(const struct record *r)
{
	char text[32], cpu[32];
	const char *state = field(r, "state");
	double since = (number(r, "now_ns") - number(r, "since_ns")) / 1e9;

	printf("%s●%s %s", colour(state), plain(), field(r, "name"));
	if (*field(r, "description"))
		printf(" - %s", field(r, "description"));
	printf("\n     file: %s (%s, kind %s)\n    state: %s%s%s (%s)", *field(r, "file") ? field(r, "file") : "-",
	       strcmp(field(r, "enabled"), "yes") ? "disabled" : "enabled", field(r, "kind"), colour(state), state, plain(),
	       field(r, "result"));
	if (number(r, "since_ns"))
		printf(" since %.1f s", since);
	printf("\n");
	if (strcmp(field(r, "health"), "-"))
		printf("   health: %s\n", field(r, "health"));
	if (number(r, "pid"))
		printf("      pid: %s\n", field(r, "pid"));
	if (*field(r, "memory"))
		printf("   memory: %s\n      cpu: %s\n    tasks: %s\n", amount(number(r, "memory"), text, sizeof text),
		       seconds(r, cpu, sizeof cpu), field(r, "tasks"));
	printf(" restarts: %s\n", field(r, "restarts"));
	if (*field(r, "text"))
		printf("   status: %s\n", field(r, "text"));
	if (*field(r, "error"))
		printf("    error: %s\n", field(r, "error"));
	print_tree(r);
	tail(field(r, "log"), 10, "  ");
}

/* systemctl's: 0 running, 3 not, 4 unknown. */
int show_status(int argc, char **argv)
{
	int status = 0;

	if (argc < 2)
		return show_list(1, argv);
	for (int i = 1; i < argc; i++) {
		const char *words[] = { "status", unit_named(argv[i]), NULL };
		struct answer a;

		if (!ask(&a, words))
			return no_init();
		if (!a.records) {
			failed(&a, argv[i]);
			return 4;
		}
		if (as_json)
			json_records(a.records);
		else
			print_unit(a.records);
		if (strcmp(field(a.records, "state"), "running"))
			status = 3;
	}
	return status;
}

int show_logs(int argc, char **argv)
{
	bool follow = false;
	int count = 20;
	const char *name = NULL;
	struct answer a;
	long at;

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "-f"))
			follow = true;
		else if (!strcmp(argv[i], "-n") && argv[i + 1])
			count = atoi(argv[++i]);
		else
			name = unit_named(argv[i]);
	if (!name) {
		fprintf(stderr, "svctl: logs [-f] [-n LINES] UNIT\n");
		return 2;
	}
	const char *words[] = { "status", name, NULL };

	if (!ask(&a, words))
		return no_init();
	if (!a.records)
		return failed(&a, name);
	at = tail(field(a.records, "log"), count, "");
	while (follow) {
		FILE *f = fopen(field(a.records, "log"), "r");
		char text[4096];
		struct stat st;
		size_t n;

		fflush(stdout);
		if (f && !fstat(fileno(f), &st) && st.st_size < at)
			at = 0;		/* rotated */
		if (f && !fseek(f, at, SEEK_SET))
			while ((n = fread(text, 1, sizeof text, f)) > 0) {
				fwrite(text, 1, n, stdout);
				at += n;
			}
		if (f)
			fclose(f);
		usleep(200000);
	}
	return 0;
}

/* ---- top ---------------------------------------------------------------------------------------- */

struct process {
	int pid;
	char name[32], state;
	long ticks, pages;
};

static int read_process(int pid, struct process *p)
{
	char path[64], text[1024], *end;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	end = fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
	fclose(f);
	if (!end)
		return -1;
	*end = 0;
	snprintf(p->name, sizeof p->name, "%s", strchr(text, '(') + 1);
	p->pid = pid;
	long user = 0, system = 0;

	sscanf(end + 2, "%c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %ld %*s %*s %*s %*s %*s %*s %*s %*s %ld", &p->state,
	       &user, &system, &p->pages);
	p->ticks = user + system;
	return 0;
}

static int by_ticks(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->ticks < y->ticks) - (x->ticks > y->ticks);
}

static void print_processes(void)
{
	static struct process all[1024];
	int count = 0;
	DIR *d = opendir("/proc");
	struct dirent *entry;

	while (d && (entry = readdir(d)) && count < 1024)
		if (isdigit((unsigned char)entry->d_name[0]) && !read_process(atoi(entry->d_name), &all[count]))
			count++;
	if (d)
		closedir(d);
	qsort(all, count, sizeof *all, by_ticks);
	printf("%7s %1s %9s %8s %s\n", "PID", "S", "CPU(s)", "RSS", "PROCESS");
	for (int i = 0; i < count && i < 12; i++)
		printf("%7d %c %9.2f %7ldK %s\n", all[i].pid, all[i].state, all[i].ticks / (double)sysconf(_SC_CLK_TCK),
		       all[i].pages * 4, all[i].name);
}

/* Live: once a second until interrupted, or `-n COUNT` times. */
int show_top(int argc, char **argv)
{
	int times = argc > 2 && !strcmp(argv[1], "-n") ? atoi(argv[2]) : isatty(1) ? 1 << 30 : 1;

	while (times-- > 0) {
		const char *words[] = { "list", "*.[sk]er*", NULL };	/* services and the kernel's daemons */
		struct answer a;
		char text[32], cpu[32];

		if (!ask(&a, words))
			return no_init();
		if (isatty(1))
			printf("\033[H\033[2J");
		printf("%-28s %-9s %8s %9s %6s %8s\n", "SERVICE", "STATE", "MEMORY", "CPU(s)", "TASKS", "RESTARTS");
		for (struct record *r = a.records; r; r = r->next)
			if (!strcmp(field(r, "state"), "running") || !strcmp(field(r, "state"), "paused"))
				printf("%-28s %-9s %8s %9s %6s %8s\n", field(r, "name"), field(r, "state"),
				       amount(*field(r, "memory") ? number(r, "memory") : -1, text, sizeof text),
				       seconds(r, cpu, sizeof cpu), field(r, "tasks"), field(r, "restarts"));
		printf("\n");
		print_processes();
		fflush(stdout);
		if (times > 0)
			sleep(1);
	}
	return 0;
}
