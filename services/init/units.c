/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registry: which units there are, from which files, and the engine's edges between them. A
 * unit once known keeps its number until init ends, so numbers may be kept anywhere.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"


struct sup_unit *unit_state(const struct unit *u)
{
	return &init.sup.unit[u->id];
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 16777619u;
	return h;
}

#define BUCKETS 128
static struct unit *buckets[BUCKETS];

struct unit *unit_find(const char *name)
{
	uint32_t hash = hash_of(name);

	for (struct unit *u = buckets[hash % BUCKETS]; u; u = u->same_bucket)
		if (u->hash == hash && !strcmp(u->name, name))
			return u;
	return NULL;
}

static bool make_room(void)
{
	uint32_t room = init.room + (init.room < 128 ? 16 : init.room / 8);
	void *units, *states, *list;

	if (init.sup.units < init.room)
		return true;
	if (room > UNITS_MAX)
		room = UNITS_MAX;
	if (init.room >= room)
		return false;
	units = realloc(init.units, room * sizeof *init.units);
	init.units = units ? units : init.units;
	states = realloc(init.sup.unit, room * sizeof *init.sup.unit);
	init.sup.unit = states ? states : init.sup.unit;
	list = realloc(init.sup.list, (3 * room + 1) * sizeof *init.sup.list);
	init.sup.list = list ? list : init.sup.list;
	if (!units || !states || !list)
		return false;
	init.room = room;
	return true;
}

static struct unit *unit_new(const char *name)
{
	struct unit *u;

	if (unit_name_type(name) < 0 || !make_room())
		return NULL;
	u = calloc(1, sizeof *u + strlen(name) + 1);
	if (!u)
		return NULL;
	strcpy(u->name, name);
	u->c = &config_empty;
	u->id = init.sup.units;
	u->hash = hash_of(name);
	u->type = unit_name_type(name);
	init.has_timers |= u->type == UNIT_TIMER;
	u->is_missing = true;
	u->connection = u->health_fd = -1;
	sup_unit_init(&init.sup.unit[u->id]);
	init.sup.unit[u->id].flags = SUP_F_MISSING;
	u->same_bucket = buckets[u->hash % BUCKETS];
	buckets[u->hash % BUCKETS] = u;
	init.units[init.sup.units++] = u;
	init.needs_link = true;
	return u;
}

bool unit_listen_room(struct unit *u)
{
	if (!u->listen_fd)
		u->listen_fd = calloc(LISTEN_MAX, sizeof *u->listen_fd);
	return u->listen_fd;
}

/* ---- configuration ------------------------------------------------------------------------------ */

/* An unlimited number of starts for system services, else 5 per interval; ring kept if it fits. */
static void set_limit(struct sup_unit *s, const struct config *c)
{
	uint16_t burst = c->rare->limit_burst != NOT_SET ? c->rare->limit_burst : c->kind == KIND_SYSTEM ? 0 : 5;

	s->limit_interval = c->rare->limit_interval;
	if (burst == s->limit_burst)
		return;
	free(s->starts);
	s->starts = burst ? calloc(burst, sizeof *s->starts) : NULL;
	s->limit_burst = s->starts ? burst : 0;
	s->starts_at = s->starts_used = 0;
}

static void apply_config(struct unit *u)
{
	struct sup_unit *s = unit_state(u);
	const struct config *c = u->c;

	s->flags = u->is_missing ? SUP_F_MISSING : u->is_broken ? SUP_F_BROKEN : 0;
	if (u->is_missing || u->is_broken)
		return;
	if (u->type == UNIT_SERVICE && c->service_type == TYPE_ONESHOT)
		s->flags |= SUP_F_ONESHOT | (c->remain ? SUP_F_REMAIN : 0);
	if (c->kind == KIND_MONITORING)
		s->flags |= SUP_F_EARLY;
	if (c->kind == KIND_SYSTEM)
		s->flags |= SUP_F_LATE;
	if (c->health->keep)
		s->flags |= SUP_F_KEEP;
	s->timeout_start = c->timeout_start;
	s->timeout_stop = c->timeout_stop + (c->rare->backend ? c->rare->drain : 0);
	s->timeout_dependency = c->rare->timeout_dependency;
	s->watchdog = c->watchdog;
	s->restart = u->type == UNIT_SOCKET && c->socket->balance ? SUP_ALWAYS : c->restart;
	s->restart_delay = c->restart_delay;
	s->restart_delay_max = c->rare->restart_delay_max;
	if (u->type == UNIT_SOCKET)	/* nobody gets an answer while its balancer is away */
		s->restart_delay_max = s->restart_delay;
	s->health_threshold = c->health->kind ? c->health->threshold : 0;
	s->on_dependency_unhealthy = c->on_dependency_unhealthy;
	set_limit(s, c);
}

static void complain(void *arg, unsigned int line, const char *text)
{
	struct unit *u = arg;
	char message[400];

	snprintf(message, sizeof message, "%s:%u: %s", u->path ? u->path : u->name, line, text);
	say("%s", message);
	if (!u->why_broken)
		u->why_broken = strdup(message);
}

static void config_free(const struct config *c)
{
	struct arena arena = c->arena;

	if (c == &config_empty)
		return;
	arena_free(&arena);
	free((void *)c);
}

/* Gives the unit a configuration from TEXT; false when it was refused. */
static bool configure(struct unit *u, const char *text, size_t length)
{
	struct report r = { complain, u, 0, 0 };
	struct config *c = calloc(1, sizeof *c);

	free(u->why_broken);
	u->why_broken = NULL;
	u->is_missing = false;
	u->is_broken = !c || config_parse(c, u->name, text, length, &r);
	if (u->is_broken && c) {
		arena_free(&c->arena);
		free(c);
	}
	if (!u->is_broken) {
		config_free(u->c);
		u->c = c;
		u->command = NULL;	/* of the old one */
	}
	apply_config(u);
	return !u->is_broken;
}

static bool read_file(const char *path, char *text, size_t size, size_t *length)
{
	int fd = file_open(path, O_RDONLY, 0);
	ssize_t n = 0;

	if (fd < 0)
		return false;
	*length = 0;
	while (*length < size && (n = read(fd, text + *length, size - *length)) > 0)
		*length += n;
	close(fd);
	return n >= 0;
}

/* The file of a unit: its own, else its template's; the first directory wins. */
static bool find_file(const char *name, char *path, size_t size)
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	for (int t = 0; t < (at && at[1] != '.' ? 2 : 1); t++)
		for (int d = 0; init.unit_dirs[d]; d++) {
			if (t)
				snprintf(path, size, "%s/%.*s@%s", init.unit_dirs[d], (int)(at - name), name, dot);
			else
				snprintf(path, size, "%s/%s", init.unit_dirs[d], name);
			if (!access(path, F_OK))
				return true;
		}
	return false;
}

/* Busy with commands of its old configuration: that stays until it rests, unit_refresh() is told. */
static bool is_between(const struct unit *u)
{
	return (u->step != STEP_IDLE && u->step != STEP_UP) || u->reload_running;
}

/* Reads the unit's file; true unless it was refused. */
static bool load_file(struct unit *u)
{
	static char text[CONFIG_FILE_MAX + 1];
	char path[400];
	size_t length;

	u->is_stale = is_between(u);
	if (u->is_stale)
		return true;
	if (!find_file(u->name, path, sizeof path)) {
		/* A target that is only named holds whatever wants to belong to it. */
		u->is_missing = true;
		if (!sup_is_active(unit_state(u)))
			apply_config(u);
		return true;
	}
	if (!u->path || strcmp(u->path, path)) {
		free(u->path);
		u->path = strdup(path);
	}
	u->is_transient = !strncmp(path, init.transient_dir, strlen(init.transient_dir));
	if (!read_file(path, text, sizeof text, &length))
		length = 0;
	return configure(u, text, length);
}

void unit_refresh(struct unit *u)
{
	if (!u->is_stale)
		return;
	load_file(u);
	init.needs_link = true;
}

struct unit *unit_get(const char *name)
{
	struct unit *u = unit_find(name);

	if (u && !u->is_missing)
		return u;
	if (!u)
		u = unit_new(name);
	if (u)
		load_file(u);
	return u;
}

struct unit *unit_known(const char *name)
{
	struct unit *u = unit_find(name);
	char path[400];

	if (u)
		return u->is_missing ? unit_get(name) : u;
	return unit_name_type(name) >= 0 && find_file(name, path, sizeof path) ? unit_get(name) : NULL;
}

/* ---- edges -------------------------------------------------------------------------------------- */

static void edge_put(uint32_t from, uint32_t to, uint8_t bits)
{
	if (init.sup.edges == init.edge_room) {
		uint32_t room = init.edge_room + (init.edge_room < 1024 ? 128 : init.edge_room / 8);
		void *edge = realloc(init.sup.edge, room * sizeof *init.sup.edge);
		void *in;

		if (!edge)
			return;
		init.sup.edge = edge;
		in = realloc(init.sup.in_edge, room * sizeof *init.sup.in_edge);
		if (!in)
			return;
		init.sup.in_edge = in;
		init.edge_room = room;
	}
	init.sup.edge[init.sup.edges++] = (struct sup_edge){ from, to, bits };
}

static void edge_named(struct unit *u, const char *name, uint8_t bits, bool is_reverse)
{
	/* unit_get() may move nothing but the arrays: units themselves stay where they are. */
	struct unit *other = unit_get(name);

	if (!other || other == u)
		return;
	edge_put(is_reverse ? other->id : u->id, is_reverse ? u->id : other->id, bits);
}

/* `NAME.wants/` and `NAME.requires/`: links that [Install] made. */
static void read_links(const char *dir, const char *folder, const char *target, uint8_t bits)
{
	char path[300];
	struct dirent *entry;
	struct unit *t;
	DIR *d;

	snprintf(path, sizeof path, "%s/%s", dir, folder);
	d = opendir(path);
	if (!d)
		return;
	t = unit_get(target);
	while (t && (entry = readdir(d)))
		if (unit_name_type(entry->d_name) >= 0)
			edge_named(t, entry->d_name, bits | (t->type == UNIT_TARGET ? SUP_AFTER : 0), false);
	closedir(d);
}

static void links_of_directory(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d))) {
		char *dot = strrchr(entry->d_name, '.');
		bool wants = dot && !strcmp(dot, ".wants");
		char target[CONFIG_NAME_MAX + 1];

		if (!wants && !(dot && !strcmp(dot, ".requires")))
			continue;
		snprintf(target, sizeof target, "%.*s", (int)(dot - entry->d_name), entry->d_name);
		if (unit_name_type(target) >= 0)
			read_links(dir, entry->d_name, target, wants ? SUP_WANTS : SUP_REQUIRES);
	}
	if (d)
		closedir(d);
}

static void version_edges(struct unit *u)
{
	for (const struct version_need *need = u->c->rare->versions; need; need = need->next) {
		struct unit *other = unit_get(need->name);

		if (other && !sup_version_satisfies(other->c->rare->version ? other->c->rare->version : "", need->relation,
						    need->want))
			edge_put(u->id, other->id, SUP_BAD_VERSION);
	}
}

/* "web@.service", 2 -> web@2.service */
static void instance_name(const char *template, int64_t number, char *out, size_t size)
{
	const char *at = strchr(template, '@');

	snprintf(out, size, "%.*s@%lld%s", (int)(at - template), template, (long long)number, at + 1);
}

static void own_edges(struct unit *u)
{
	char name[CONFIG_NAME_MAX + 24];

	for_each_dep(d, other, u->c->deps) {
		/* A target is reached when its members are. */
		uint8_t group = u->type == UNIT_TARGET && (d->bits & (SUP_REQUIRES | SUP_WANTS)) ? SUP_AFTER : 0;

		edge_named(u, other, d->bits | group, d->is_reverse);
	}
	version_edges(u);
	if (u->type != UNIT_SOCKET || u->is_missing)
		return;
	for (int64_t i = 1; u->c->socket->balance && i <= u->c->socket->instances; i++) {
		instance_name(u->c->activates, i, name, sizeof name);
		edge_named(u, name, SUP_WANTS, false);
	}
	/* The socket is there before its service is. */
	if (!u->c->socket->balance && !u->c->socket->accept) {
		if (u->c->activates)
			snprintf(name, sizeof name, "%s", u->c->activates);
		else
			snprintf(name, sizeof name, "%.*s.service", (int)(strlen(u->name) - 7), u->name);
		edge_named(u, name, SUP_AFTER, true);
		struct unit *service = unit_find(name);

		if (service)
			service->socket = u;
	}
}

static bool has_install_link(const struct unit *u)
{
	for_each_dep(d, target, u->c->installs) {
		char path[400];

		for (int i = 0; init.unit_dirs[i]; i++) {
			snprintf(path, sizeof path, "%s/%s.%s/%s", init.unit_dirs[i], target,
				 d->bits & SUP_REQUIRES ? "requires" : "wants", u->name);
			struct stat st;

			if (!lstat(path, &st))
				return true;
		}
	}
	return !u->c->installs;
}

void units_link(void)
{
	init.is_linking = true;
	init.sup.edges = 0;
	for (uint32_t i = 0; i < init.sup.units; i++)
		init.units[i]->socket = NULL;
	for (int d = 0; init.unit_dirs[d]; d++)
		links_of_directory(init.unit_dirs[d]);
	for (uint32_t i = 0; i < init.sup.units; i++)	/* the loop reaches units loaded on the way */
		own_edges(init.units[i]);
	sup_link(&init.sup);
	init.needs_link = init.is_linking = false;
	for (uint32_t i = 0; i < init.sup.units; i++) {
		bool enabled = has_install_link(init.units[i]);

		if (init.sup.unit[i].enabled != enabled)
			unit_post(init.units[i], enabled ? SUP_EV_ENABLE : SUP_EV_DISABLE, 0);
	}
}

static void name_cycles(void)
{
	char text[400] = "";
	uint32_t n = sup_find_cycle(&init.sup);

	if (!n)
		return;
	for (uint32_t i = 0; i <= n && strlen(text) < sizeof text - CONFIG_NAME_MAX - 8; i++) {
		strcat(text, i ? " -> " : "");
		strcat(text, init.units[init.sup.cycle[i % n]]->name);
	}
	say("init: circular order, refused when started: %s", text);
}

int units_load(void)
{
	int refused = 0;

	for (int d = 0; init.unit_dirs[d]; d++) {
		DIR *dir = opendir(init.unit_dirs[d]);
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			const char *at = strchr(entry->d_name, '@');

			if (unit_name_type(entry->d_name) < 0 || (at && at[1] == '.'))
				continue;
			if (!unit_find(entry->d_name))
				unit_new(entry->d_name);
		}
		if (dir)
			closedir(dir);
	}
	for (uint32_t i = 0; i < init.sup.units; i++)
		refused += !load_file(init.units[i]);
	units_link();
	name_cycles();
	return refused;
}

/* ---- changes at run time ------------------------------------------------------------------------ */

/* The file makes it outlive a crash of init; it goes with unit_forget() or the next boot. */
static bool write_transient(const char *name, const char *text, char *path, size_t size)
{
	int fd;
	bool is_written;

	mkdir(init.transient_dir, 0755);
	snprintf(path, size, "%s/%s", init.transient_dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return is_written;
}

int unit_add_text(const char *name, const char *text, struct unit **out)
{
	struct unit *u = unit_find(name);
	char path[400];

	if (u && (!u->is_missing || sup_is_active(unit_state(u))))
		return SUP_EEXISTS;
	if (unit_name_type(name) < 0)
		return SUP_EINVALID;
	if (!write_transient(name, text, path, sizeof path))
		return SUP_EFAILED;
	u = unit_get(name);
	if (!u || u->is_broken) {
		unlink(path);
		if (u) {
			u->is_missing = true;
			u->is_broken = false;
			apply_config(u);
		}
		return u ? SUP_ECONFIG : SUP_EINVALID;
	}
	units_link();
	*out = u;
	return SUP_OK;
}

int unit_forget(struct unit *u)
{
	if (sup_is_active(unit_state(u)) || unit_state(u)->job)
		return SUP_ENOTSTOPPED;
	if (!u->is_transient)
		return SUP_EINVALID;
	unlink(u->path);
	u->is_transient = false;
	u->is_missing = true;
	unit_post(u, SUP_EV_RESET, 0);
	config_free(u->c);
	u->c = &config_empty;
	apply_config(u);
	units_link();
	return SUP_OK;
}

int unit_enable(struct unit *u, bool enable)
{
	if (u->is_missing)
		return SUP_ENOTFOUND;
	if (u->is_broken || !u->c->installs || !u->path)
		return SUP_ECONFIG;
	for_each_dep(d, target, u->c->installs) {
		char path[400];
		int n = snprintf(path, sizeof path, "%s/%s.%s", init.unit_dirs[0], target,
				 d->bits & SUP_REQUIRES ? "requires" : "wants");

		if (enable)
			mkdir(path, 0755);
		snprintf(path + n, sizeof path - n, "/%s", u->name);
		if (enable ? symlink(u->path, path) && errno != EEXIST : unlink(path) && errno != ENOENT)
			return SUP_EFAILED;
	}
	units_link();
	return SUP_OK;
}
