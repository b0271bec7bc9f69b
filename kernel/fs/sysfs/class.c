/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /sys says of each device with a node or a name (Linux's Documentation/ABI/testing/sysfs-uevent, sysfs-devices):
 * a directory with uevent, dev and subsystem, and links to it by class and by number. All of them stand under
 * devices/virtual: which bus a device hangs on is not shown. Made once; devices stay for ever.
 */
#include <kernel/tty.h>
#include <kernel/uevent.h>
#include <lib/format.h>
#include <lib/string.h>
#include "sysfs_local.h"

#define PATH_SIZE 96u
#define WORD_MAX 200u		/* of what is written to uevent */

static u64 sequence;		/* [a] of the last event */

/* ---- events ---- */

/* KEY=VALUE lines, or NUL-ended strings: how the file and the message want them. */
static void say(struct text *t, char end, const char *key, const char *value)
{
	text_printf(t, "%s=%s", key, value);
	text_append(t, &end, 1);
}

static void say_number(struct text *t, char end, const char *key, u64 value)
{
	char word[24];

	snprintf(word, sizeof(word), "%llu", (unsigned long long)value);
	say(t, end, key, word);
}

static void properties(struct text *t, char end, const struct sysfs_device *d)
{
	if (d->dev) {
		say_number(t, end, "MAJOR", MAJOR(d->dev));
		say_number(t, end, "MINOR", MINOR(d->dev));
		say(t, end, "DEVNAME", d->name);
	}
	if (d->mode && (d->mode & 0777) != 0600) {
		char mode[8];

		snprintf(mode, sizeof(mode), "0%o", d->mode & 0777);
		say(t, end, "DEVMODE", mode);
	}
	if (d->type)
		say(t, end, "DEVTYPE", d->type);
	if (d->partition)
		say_number(t, end, "PARTN", d->partition);
	if (d->interface) {
		say(t, end, "INTERFACE", d->name);
		say_number(t, end, "IFINDEX", d->interface);
	}
}

static int uevent_show(struct text *t, void *arg)
{
	properties(t, '\n', arg);
	return 0;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_hex(char c) { return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f'); }
static bool is_alnum(char c) { return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

/* RFC 4122's text: 8-4-4-4-12 hexadecimal digits. */
static bool is_uuid(const char *s)
{
	for (unsigned i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !is_hex(s[i]))
			return false;
	return !s[36];
}

/* Letters and digits on both sides of one "=". */
static bool is_setting(const char *s)
{
	const char *equals = strchr(s, '=');

	if (!equals || equals == s || !equals[1])
		return false;
	for (const char *c = s; *c; c++)
		if (c != equals && !is_alnum(*c))
			return false;
	return true;
}

/* words: what was written behind the action, "UUID KEY=VALUE…", cut up here; NULL: the kernel's own event. 0 or -EINVAL. */
static int synthetic_words(struct text *t, char *words)
{
	char *next;

	if (!*words) {
		say(t, 0, "SYNTH_UUID", "0");
		return 0;
	}
	next = strchr(words, ' ');
	if (next)
		*next++ = 0;
	if (!is_uuid(words))
		return -EINVAL;
	say(t, 0, "SYNTH_UUID", words);
	for (words = next; words && *words; words = next) {
		next = strchr(words, ' ');
		if (next)
			*next++ = 0;
		if (!is_setting(words))
			return -EINVAL;
		text_printf(t, "SYNTH_ARG_%s", words);
		text_append(t, "", 1);
	}
	return 0;
}

/* Tells who listens. words as above. 0, -EINVAL, -ENOMEM. */
static int event_send(const struct sysfs_device *d, const char *action, char *words)
{
	struct text t = { .buf = NULL };
	char path[PATH_SIZE];
	int err = 0;

	snprintf(path, sizeof(path), "/%s", d->path);
	text_printf(&t, "%s@%s", action, path);
	text_append(&t, "", 1);
	say(&t, 0, "ACTION", action);
	say(&t, 0, "DEVPATH", path);
	say(&t, 0, "SUBSYSTEM", d->class);
	if (words)
		err = synthetic_words(&t, words);
	properties(&t, 0, d);
	say_number(&t, 0, "SEQNUM", atomic_fetch_add(&sequence, 1ull) + 1);
	if (!err && t.failed)
		err = -ENOMEM;
	if (!err)
		uevent_broadcast(t.buf, (u32)t.len);
	kfree(t.buf);
	return err;
}

static int uevent_store(const char *text, size_t len, void *arg)
{
	static const char *const actions[] = { "add", "remove", "change", "move", "online", "offline", "bind", "unbind" };
	char copy[WORD_MAX], *words;

	if (len >= sizeof(copy))
		return -EINVAL;
	strlcpy(copy, text, sizeof(copy));
	if (len && copy[len - 1] == '\n')
		copy[len - 1] = 0;
	words = strchr(copy, ' ');
	if (words)
		*words++ = 0;
	for (unsigned i = 0; i < ARRAY_LEN(actions); i++)
		if (!strcmp(copy, actions[i]))
			return event_send(arg, actions[i], words ? words : copy + strlen(copy));
	return -EINVAL;
}

/* ---- directories ---- */

static int dev_show(struct text *t, void *arg)
{
	const struct sysfs_device *d = arg;

	text_printf(t, "%u:%u\n", MAJOR(d->dev), MINOR(d->dev));
	return 0;
}

static int seqnum_show(struct text *t, void *arg)
{
	text_printf(t, "%llu\n", (unsigned long long)atomic_load(&sequence));
	return 0;
}

void sysfs_device_file(const struct sysfs_device *d, const char *name, u32 mode, int (*show)(struct text *t, void *arg),
		       int (*store)(const char *text, size_t len, void *arg), void *arg)
{
	struct virtual_file *f = kzalloc(sizeof(*f), 0);
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	if (f)
		*f = (struct virtual_file){ .path = kstrdup(path, 0), .mode = mode, .show = show, .store = store, .arg = arg };
	if (!f || !f->path || sysfs_add(f))
		log_warn("sysfs: %s cannot be shown", path);
}

/* From a directory that lies that deep to rest. Links' paths and targets are kept by reference, as are files'. */
static void add_link(const char *at, const char *rest)
{
	char target[PATH_SIZE];
	size_t n = 0;
	char *path = kstrdup(at, 0), *to;

	for (const char *c = at; *c && n + 4 < sizeof(target); c++)
		if (*c == '/')
			n += (size_t)scnprintf(target + n, sizeof(target) - n, "../");
	(void)scnprintf(target + n, sizeof(target) - n, "%s", rest);
	to = kstrdup(target, 0);
	if (!path || !to || sysfs_add_link(path, to))
		log_warn("sysfs: %s cannot be shown", at);
}

struct sysfs_device *sysfs_device_add(const struct sysfs_device *like, const char *under)
{
	struct sysfs_device *d = kzalloc(sizeof(*d), 0);
	char path[PATH_SIZE];

	if (!d)
		return NULL;
	*d = *like;
	if (under)
		snprintf(path, sizeof(path), "%s/%s", under, d->name);
	else
		snprintf(path, sizeof(path), "devices/virtual/%s/%s", d->class, d->name);
	d->path = kstrdup(path, 0);
	if (!d->path) {
		kfree(d);
		return NULL;
	}
	sysfs_device_file(d, "uevent", 0644, uevent_show, uevent_store, d);
	if (d->dev)
		sysfs_device_file(d, "dev", 0444, dev_show, NULL, d);
	snprintf(path, sizeof(path), "%s/subsystem", d->path);
	char class[40];

	snprintf(class, sizeof(class), "class/%s", d->class);
	add_link(path, class);
	snprintf(path, sizeof(path), "class/%s/%s", d->class, d->name);
	add_link(path, d->path);
	if (d->dev) {
		snprintf(path, sizeof(path), "dev/%s/%u:%u", strcmp(d->class, "block") ? "char" : "block", MAJOR(d->dev), MINOR(d->dev));
		add_link(path, d->path);
	}
	if (!strcmp(d->class, "block") && !under) {
		snprintf(path, sizeof(path), "block/%s", d->name);
		add_link(path, d->path);
	}
	return d;
}

/* The console's terminal, as systemd and agetty look for it. */
static int active_show(struct text *t, void *arg)
{
	char name[24];
	dev_t dev;

	if (tty_console_name(name, sizeof(name), &dev))
		text_printf(t, "%s\n", name);
	return 0;
}

/* /proc/consoles: flags are "enabled", "preferred" and "written before there were drivers". */
static int consoles_show(struct text *t, void *arg)
{
	char name[24];
	dev_t dev;

	if (tty_console_name(name, sizeof(name), &dev))
		text_printf(t, "%-21s-W- (EC   p  )    %u:%u\n", name, MAJOR(dev), MINOR(dev));
	return 0;
}

static int add_character(const char *class, const char *name, mode_t mode, dev_t dev, void *arg)
{
	const struct sysfs_device *d =
		sysfs_device_add(&(struct sysfs_device){ .class = class, .name = name, .dev = dev, .mode = mode & 0777 }, NULL);

	if (!d)
		log_warn("sysfs: no room for %s", name);
	else if (!strcmp(class, "tty") && !strcmp(name, "console"))
		sysfs_device_file(d, "active", 0444, active_show, NULL, NULL);
	return 0;
}

void sysfs_class_add(void)
{
	static const struct virtual_file seqnum = { "kernel/uevent_seqnum", 0444, seqnum_show };
	static const struct virtual_file consoles = { "consoles", 0444, consoles_show };

	(void)chardev_for_each(add_character, NULL);
	if (sysfs_add(&seqnum))
		log_warn("sysfs: %s cannot be shown", seqnum.path);
	if (procfs_add(&consoles))
		log_warn("procfs: %s cannot be shown", consoles.path);
}
