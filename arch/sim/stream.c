/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chance and settings of a run. One seed feeds a stream per purpose, so that one more draw for the disk
 * does not change the schedule. No locks: one host thread.
 */
#include <kernel/log.h>
#include <lib/format.h>
#include <lib/string.h>
#include "host.h"
#include "sim.h"

#define SETTINGS_MAX 32
#define TRACE_PRIME 0x100000001b3ull	/* FNV-1a */

struct setting {
	char name[16];
	char value[200];
};
static struct setting settings[SETTINGS_MAX];
static unsigned nr_settings;
static u64 streams[SIM_STREAMS];
u64 sim_seed;

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static u64 mix(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void sim_streams_init(u64 seed)
{
	sim_seed = seed;
	for (unsigned i = 0; i < SIM_STREAMS; i++)
		streams[i] = mix(seed ^ mix(i + 1));
	host_report->hash = 0xcbf29ce484222325ull;
}

u64 sim_random(enum sim_stream s) { return mix(streams[s] += 0x9e3779b97f4a7c15ull); }
u64 sim_below(enum sim_stream s, u64 n) { return (u64)((unsigned __int128)sim_random(s) * n >> 64); }

void sim_trace(u64 kind, u64 value)
{
	host_report->hash = (host_report->hash ^ mix(kind << 56 ^ value)) * TRACE_PRIME;
}

bool sim_settings_add(const char *word, size_t len)
{
	const char *eq = memchr(word, '=', len);
	size_t n = eq ? (size_t)(eq - word) : len, v = eq ? len - n - 1 : 0;
	struct setting *s = NULL;

	if (n >= sizeof(s->name) || v >= sizeof(s->value))
		return false;
	for (unsigned i = 0; i < nr_settings && !s; i++)
		if (!strncmp(settings[i].name, word, n) && !settings[i].name[n])
			s = &settings[i];
	if (!s) {
		if (nr_settings == SETTINGS_MAX)
			return false;
		s = &settings[nr_settings++];
	}
	memcpy(s->name, word, n);
	s->name[n] = 0;
	memcpy(s->value, eq ? eq + 1 : "", v);
	s->value[v] = 0;
	return true;
}

static const char *find(const char *name)
{
	for (unsigned i = 0; i < nr_settings; i++)
		if (!strcmp(settings[i].name, name))
			return settings[i].value;
	return NULL;
}

const char *sim_setting_text(const char *name) { return find(name); }

u64 sim_setting(const char *name, u64 fallback)
{
	const char *text = find(name);
	u64 v = 0;

	if (!text)
		return fallback;
	if (!*text)
		return 1;
	for (; *text >= '0' && *text <= '9'; text++)
		v = v * 10 + (u64)(*text - '0');
	return *text ? fallback : v;
}

bool sim_setting_is(const char *name, const char *value)
{
	const char *text = find(name);

	return text && !strcmp(text, value);
}

void sim_note(const char *text)
{
	snprintf(host_report->note, sizeof(host_report->note), "%s", text);
}

static __noreturn void end(int code)
{
	host_report->steps = sim_steps;
	host_report->now = sim_now;
	host_report->is_done = 1;
	host_exit(code);
}

void sim_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(host_report->text, sizeof(host_report->text), fmt, ap);
	va_end(ap);
	host_is_mute = 0;
	host_write("sim: FAIL: ", 11);
	host_write(host_report->text, strlen(host_report->text));
	host_write("\n", 1);
	end(1);
}

void sim_done(void) { end(0); }
