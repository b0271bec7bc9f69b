/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The unit-file parser on the host: what is refused and at which line, what values become, calendar
 * times against a walk second by second, and mutated files that must neither crash nor leak.
 */
#include <fnmatch.h>

#include "../supervisor/host_test.h"
#include "config.h"
#include "control.h"

struct told {
	unsigned int line, count;
	char text[256];
};

static void tell(void *arg, unsigned int line, const char *text)
{
	struct told *t = arg;

	if (!t->count++) {
		t->line = line;
		snprintf(t->text, sizeof t->text, "%s", text);
	}
}

static int parse(struct config *c, const char *name, const char *text, struct told *t)
{
	struct report r = { tell, t, 0, 0 };

	memset(c, 0, sizeof *c);
	memset(t, 0, sizeof *t);
	return config_parse(c, name, text, strlen(text), &r);
}

#define OK "[Service]\nExecStart=/bin/true\n"

static void test_refused_with_line(void)
{
	static const struct { const char *name, *text; unsigned int line; const char *word; } rows[] = {
		{ "a.service", "", 0, "no ExecStart" },
		{ "a.service", OK "Foo=bar\n", 3, "unknown key Foo=" },
		{ "a.service", OK "[Foo]\n", 3, "unknown section" },
		{ "a.service", OK "[Socket]\n", 3, "unknown section" },
		{ "a.service", "ExecStart=/bin/true\n", 1, "before any section" },
		{ "a.service", "[Service]\nExecStart=true\n", 2, "absolute path" },
		{ "a.service", "[Service]\nExecStart=/bin/true \"x\n", 2, "quote" },
		{ "a.service", "# c\n\n[Service]\nExecStart=/bin/a \\\n b\nNice=50\n", 6, "range" },
		{ "a.service", OK "Restart=maybe\n", 3, "words" },
		{ "a.service", OK "RestartSec=5 bananas\n", 3, "span" },
		{ "a.service", OK "MemoryMax=-5\n", 3, "size" },
		{ "a.service", OK "KillSignal=SIGFOO\n", 3, "signal" },
		{ "a.service", OK "CPUAffinity=3-1\n", 3, "CPUs" },
		{ "a.service", OK "LimitNOFILE=10:5\n", 3, "soft" },
		{ "a.service", OK "User=\n", 3, "no value" },
		{ "a.service", OK "Environment=A\n", 3, "NAME=value" },
		{ "a.service", OK "WatchdogSec=1\n", 3, "notify" },
		{ "a.service", OK "WorkingDirectory=%q\n", 3, "specifier" },
		{ "a.service", OK "StandardOutput=file:x\n", 3, "append" },
		{ "a.service", OK "CPUQuota=50\n", 3, "percentage" },
		{ "a.service", OK "X-HealthTcp=80\n", 3, "ADDRESS:PORT" },
		{ "a.service", OK "[Unit]\nAfter=foo\n", 4, "name of a unit" },
		{ "a.service", OK "[Unit]\nX-Version=b.service=>1\n", 4, "version" },
		{ "a.service", OK "[Unit]\nX-Kind=none\n", 4, "words" },
		{ "a.service", "[Service]\nType=oneshot\nRestart=always\nExecStart=/x\n", 4, "oneshot" },
		{ "a.service", "[Service]\nExecStart=/x\nExecStart=/y\n", 3, "more than one" },
		{ "a.socket", "[Socket]\nListenStream=here\n", 2, "path, port" },
		{ "a.socket", "[Socket]\nBacklog=5\n", 2, "no ListenStream" },
		{ "a.timer", "[Timer]\nUnit=b.service\n", 2, "without a time" },
		{ "a.timer", "[Timer]\nOnCalendar=noon\n", 2, "calendar" },
		{ "a.txt", "", 0, "not a name" }, { "../a.service", "", 0, "not a name" },
	};

	for (unsigned int i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct config c;
		struct told t;

		CHECK_EQ(parse(&c, rows[i].name, rows[i].text, &t), -22);
		if (t.line != rows[i].line || !strstr(t.text, rows[i].word)) {
			printf("row %u: line %u: %s\n", i, t.line, t.text);
			CHECK(!"the expected complaint");
		}
		arena_free(&c.arena);
	}
}

static void test_values_arrive(void)
{
	struct config c;
	struct told t;

	CHECK_EQ(parse(&c, "web@7.service", "\xef\xbb\xbf"[0] ? "; c\n[Unit]\nDescription=%p of %i\nAfter=x.target y.service\n"
		"Requires=y.service\nX-CommentAnything=1\nX-Version=y.service>=1.10\nX-Version=3\n[Service]\n"
		"ExecStart=-/bin/echo 'a b' \"c\\nd\" %i \\\n  last\nEnvironment=A=1 \"B=2 3\"\nMemoryMax=64M\n"
		"RestartSec=1min 500ms\nLimitNOFILE=10:20\nCPUAffinity=0 2-3\nCPUQuota=20%%\nSuccessExitStatus=3 200\n"
		"[Install]\nWantedBy=multi-user.target\n" : "", &t), 0);
	CHECK(!strcmp(c.description, "web of 7"));
	CHECK(!strcmp(c.exec[STAGE_MAIN]->argv[1], "a b") && !strcmp(c.exec[STAGE_MAIN]->argv[2], "c\nd"));
	CHECK(!strcmp(c.exec[STAGE_MAIN]->argv[3], "7") && !strcmp(c.exec[STAGE_MAIN]->argv[4], "last"));
	CHECK(!c.exec[STAGE_MAIN]->argv[5] && c.exec[STAGE_MAIN]->may_fail);
	CHECK_EQ(c.deps->count, 2);
	CHECK(!strcmp(c.deps->names, "x.target") && !strcmp(c.deps->names + 9, "y.service") && dep_end(c.deps) == c.deps->names + 19);
	CHECK(!strcmp(c.deps->next->names, "y.service") && c.deps->next->bits == SUP_REQUIRES);
	CHECK(!strcmp(c.rare->versions->want, "1.10") && !strcmp(c.rare->version, "3"));
	CHECK(!strcmp(c.run->env->next->text, "B=2 3"));
	CHECK_EQ(c.quota->memory_max, 64 << 20);
	CHECK_EQ(c.restart_delay, 60500 * SUP_MS);
	CHECK_EQ(c.run->limits->value.rlim_cur, 10);
	CHECK_EQ(c.run->cpus[0], 13);
	CHECK_EQ(c.quota->cpu_quota_percent, 20);
	CHECK(c.rare->success_exits[0] == 9 && c.rare->success_exits[6] == 256);
	CHECK_EQ(c.installs->bits, SUP_WANTS);
	arena_free(&c.arena);
}

static void test_spans_and_sizes(void)
{
	static const struct { const char *text; int64_t ns; } spans[] = {
		{ "1", 1000000000 }, { "1.5s", 1500000000 }, { "0.25ms", 250000 }, { "2h 3min", 7380000000000 },
		{ "infinity", 0 }, { "1day", 86400000000000 }, { "", -1 }, { "x", -1 }, { "1.", -1 }, { "-1", -1 },
		{ "99999999999999999999", -1 }, { "5 x", -1 },
	};

	for (unsigned int i = 0; i < sizeof spans / sizeof *spans; i++) {
		uint64_t ns = 0;

		CHECK_EQ(parse_span(spans[i].text, &ns) ? -1 : (int64_t)ns, spans[i].ns);
	}
	int64_t size = 0;

	CHECK(!parse_size("2GiB", &size) && size == 2ll << 30);
	CHECK(!parse_size("infinity", &size) && size == -1);
	CHECK(parse_size("9999999T", &size) && parse_size("5X", &size) && parse_size("", &size));
}

static bool naive_match(const struct calendar *c, int64_t t)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t days = t / 86400;
	int year = 1970, month = 0, weekday = (days + 4) % 7;

	for (;; year++) {
		int n = (year % 4 == 0 && year % 100) || year % 400 == 0 ? 366 : 365;

		if (days < n)
			break;
		days -= n;
	}
	for (;; month++) {
		int n = lengths[month] + (month == 1 && ((year % 4 == 0 && year % 100) || year % 400 == 0));

		if (days < n)
			break;
		days -= n;
	}
	return (c->second >> t % 60 & 1) && (c->minute >> t / 60 % 60 & 1) && (c->hour >> t / 3600 % 24 & 1) &&
	       (c->day >> (days + 1) & 1) && (c->month >> (month + 1) & 1) && (c->weekday >> weekday & 1) &&
	       (!c->year || c->year == year);
}

static void test_calendar_against_a_walk(void)
{
	static const char *const texts[] = { "minutely", "hourly", "*:0/15", "12:30:05", "*-*-* *:*:0/7", "Sat,Sun 23:59",
		"Mon..Fri *-*-* 00:00", "*-02-29 0:0", "*-*-31 10:00:00", "2028-02-29 23:59:59", "*-1,7-1 0:00" };

	for (unsigned int i = 0; i < sizeof texts / sizeof *texts; i++) {
		int64_t t = 1767225600 - 5, next;	/* just before 2026 */
		struct calendar c;

		CHECK(!parse_calendar(texts[i], &c));
		for (int k = 0; k < 3; k++, t = next) {
			next = calendar_next(&c, t);
			if (!next)
				break;
			CHECK(next > t && naive_match(&c, next));
			for (int64_t s = t + 1; s < next && s < t + 200000; s++)
				CHECK(!naive_match(&c, s));
		}
	}
	struct calendar c;

	CHECK(!parse_calendar("2020-01-01 0:0", &c) && !calendar_next(&c, 1767225600));
	static const char *const bad[] = { "", "x", "25:00", "12:60", "*-13-1", "*-0-1", "Foo 12:00", "12:00 x", "1/0:00", "5..3:00" };

	for (unsigned int i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(parse_calendar(bad[i], &c));
}

/* Against the C library's, on everything short of an open bracket. */
static void test_patterns(void)
{
	static const struct { const char *pattern, *name; bool matches; } rows[] = {
		{ "*", "", true }, { "", "", true }, { "", "a", false }, { "web@[12].service", "web@2.service", true },
		{ "web@[!12].service", "web@2.service", false }, { "[a-c]*[x-z]", "bcy", true }, { "[]]", "]", true },
		{ "[a", "[a", true }, { "[", "a", false }, { "a*b*c", "axxbxxcxc", true }, { "a*b*c", "axxbxxcxd", false },
	};
	unsigned int seed = 7, matched = 0;

	for (unsigned int i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK_EQ(name_matches(rows[i].pattern, rows[i].name), rows[i].matches);
	for (int i = 0; i < 200000; i++) {
		static const char letters[] = "ab.?*";
		char pattern[9] = "", name[9] = "";

		for (unsigned int k = 0; k < 8; k++) {
			seed = seed * 1103515245 + 12345;
			pattern[k] = k < (seed >> 28) ? letters[(seed >> 16) % 5] : 0;
			name[k] = k < (seed >> 24 & 15) ? letters[(seed >> 8) % 3] : 0;
			pattern[k] = k && !pattern[k - 1] ? 0 : pattern[k];
			name[k] = k && !name[k - 1] ? 0 : name[k];
		}
		bool expected = !fnmatch(pattern, name, 0);

		CHECK_EQ(name_matches(pattern, name), expected);
		matched += expected;
	}
	CHECK(matched > 1000);
}

static void test_request_words(void)
{
	char line[64] = "run  a%20b %25 c", *words[4];

	CHECK_EQ(request_split(line, words, 4), 4);
	CHECK(!strcmp(words[1], "a b") && !strcmp(words[2], "%") && !strcmp(words[3], "c"));
	CHECK_EQ(request_split(strcpy(line, "a b c d e"), words, 4), -22);
	CHECK_EQ(request_split(strcpy(line, "a%0"), words, 4), -22);
	CHECK_EQ(request_split(strcpy(line, "a%00b"), words, 4), -22);
	CHECK_EQ(request_split(strcpy(line, "   "), words, 4), 0);
}

static void test_mutated_files(void)
{
	static const char seed_text[] = "[Unit]\nDescription=d %n\nAfter=a.service\nConditionPath=!/x\n[Service]\nType=notify\n"
		"ExecStart=/bin/sh -c \"echo $A\" \\\n more\nEnvironment=A=1 'B=2'\nRestart=on-failure\nRestartSec=5s 3ms\n"
		"LimitCORE=infinity\nCPUAffinity=0-1,3\nMemoryMax=5M\nX-HealthHttp=http://127.0.0.1:80/x\n[Install]\nWantedBy=a.target\n";
	uint64_t seed = 88172645463325252;
	int good = 0;

	for (int i = 0; i < 20000; i++) {
		char text[sizeof seed_text + 16];
		size_t n = sizeof seed_text - 1;
		struct config c = { 0 };
		struct told t = { 0 };
		struct report r = { tell, &t, 0, 0 };

		memcpy(text, seed_text, n);
		for (unsigned int k = rnd(&seed) % 4; k; k--) {
			size_t at = rnd(&seed) % (n ? n : 1);

			switch (rnd(&seed) % 4) {
			case 0: text[at] = rnd(&seed); break;
			case 1:
				if (n > 1) {
					memmove(text + at, text + at + 1, n - at - 1);
					n--;
				}
				break;
			case 2: text[at] = "\\\n\"'%=[]#"[rnd(&seed) % 9]; break;
			case 3: n = at + 1; break;
			}
		}
		good += !config_parse(&c, rnd(&seed) % 2 ? "a.service" : "b@x.service", text, n, &r);
		arena_free(&c.arena);
	}
	CHECK(good > 1000 && good < 19000);
}

int main(void)
{
	RUN(test_refused_with_line);
	RUN(test_values_arrive);
	RUN(test_spans_and_sizes);
	RUN(test_calendar_against_a_walk);
	RUN(test_patterns);
	RUN(test_request_words);
	RUN(test_mutated_files);
	return 0;
}
