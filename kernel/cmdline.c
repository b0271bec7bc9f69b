/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line, split once at boot. Every word the kernel knows stands in known[]; words with
 * a dot are parameters of modules on Linux and are ignored, other unknown words go to init, as do
 * all words after "--". Neighbour: kernel/main.c, which applies the words.
 */
#include <arch/boot.h>
#include <kernel/boot.h>
#include <kernel/cmdline.h>
#include <kernel/log.h>
#include <lib/string.h>

#define WORDS_MAX 128u
#define INIT_ARGS_MAX 32u

static const char *const known[] = {
	"sched_threads", "edf_periods", "policy_seeds", "root", "rootfstype", "rootflags", "rootwait", "rootdelay", "ro", "rw", "init", "rdinit", "initrd",
	"console", "earlycon", "quiet", "debug", "loglevel", "maxcpus", "init_on_alloc", "nosmp", "panic", "strace", "ktest", "attack", "paint", "plant",
	"sched", "sched_quantum_ms", "sched_balance_ms", "nokaslr", "mem", "reboot", "noinitrd",
	"printk.time", "BOOT_IMAGE", "ip", "random.trust_cpu",
};

struct word {
	const char *name, *value;	/* value NULL: bare */
};
static char text[BOOT_CMDLINE_MAX];
static struct word words[WORDS_MAX];
static unsigned nr_words;
static const char *init_args[INIT_ARGS_MAX], *init_env[INIT_ARGS_MAX];
static unsigned nr_args, nr_env;

static bool is_known(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(known[i], name))
			return true;
	return strchr(name, '.') != NULL;
}

/* Ends the word at *p with NUL, drops the quotes around it or its value; NULL at the end of the line. */
static char *next_word(char **p)
{
	bool quoted = false;
	char *start, *out;

	while (**p == ' ' || **p == '\t' || **p == '\n')
		(*p)++;
	if (!**p)
		return NULL;
	start = out = *p;
	for (; **p && (quoted || (**p != ' ' && **p != '\t' && **p != '\n')); (*p)++) {
		if (**p == '"')
			quoted = !quoted;
		else
			*out++ = **p;
	}
	if (**p)
		(*p)++;
	*out = '\0';
	return start;
}

static void add_init(const char *whole, bool is_env)
{
	unsigned *n = is_env ? &nr_env : &nr_args;

	if (*n == INIT_ARGS_MAX) {
		log_warn("cmdline: more than %u words for init, '%s' dropped", INIT_ARGS_MAX, whole);
		return;
	}
	(is_env ? init_env : init_args)[(*n)++] = whole;
}

static void add_word(char *w)
{
	char *eq = strchr(w, '=');
	char *name = w;

	if (eq)
		*eq = '\0';
	if (!is_known(name)) {
		if (eq)
			*eq = '=';
		log_notice("cmdline: unknown word '%s' goes to init", w);
		add_init(w, eq != NULL);
		return;
	}
	if (nr_words == WORDS_MAX) {
		log_warn("cmdline: more than %u words, '%s' dropped", WORDS_MAX, name);
		return;
	}
	words[nr_words++] = (struct word){ name, eq ? eq + 1 : NULL };
}

void cmdline_init(void)
{
	char *p = text, *w;
	bool for_init = false;

	nr_words = nr_args = nr_env = 0;
	strlcpy(text, boot_info.cmdline, sizeof(text));
	if (boot_info.cmdline_cut)
		log_warn("cmdline: longer than %u bytes, cut", BOOT_CMDLINE_MAX - 1);
	while ((w = next_word(&p))) {
		if (for_init)
			add_init(w, false);
		else if (!strcmp(w, "--"))
			for_init = true;
		else
			add_word(w);
	}
}

const char *cmdline_get_nth(const char *name, unsigned n)
{
	for (unsigned i = 0; i < nr_words; i++)
		if (!strcmp(words[i].name, name) && n-- == 0)
			return words[i].value ? words[i].value : "";
	return NULL;
}

const char *cmdline_get(const char *name)
{
	for (unsigned i = nr_words; i-- > 0;)
		if (!strcmp(words[i].name, name))
			return words[i].value ? words[i].value : "";
	return NULL;
}

bool cmdline_has(const char *name) { return cmdline_get(name) != NULL; }

u64 cmdline_u64(const char *name, u64 fallback)
{
	const char *value = cmdline_get(name);
	u64 v;

	if (!value)
		return fallback;
	if (parse_u64(value, 0, &v)) {
		log_warn("cmdline: '%s=%s' is not a number, %llu used", name, value, (unsigned long long)fallback);
		return fallback;
	}
	return v;
}

const char *const *cmdline_init_args(unsigned *n)
{
	*n = nr_args;
	return init_args;
}

const char *const *cmdline_init_env(unsigned *n)
{
	*n = nr_env;
	return init_env;
}

const char *cmdline_raw(void) { return boot_info.cmdline; }
