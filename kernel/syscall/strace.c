/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strace=NAME on the command line: decoded system calls of the named programs in the log. Two
 * lines for calls that sleep or end the program would tear, so a call is printed when it returns,
 * except those that may not return. Names are set once at boot; no lock.
 */
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/trace_stop.h>
#include <kernel/usercopy.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/mman.h>
#include <uapi/sched.h>

#define STRACE_LINE 256
#define STRACE_STRING 48	/* bytes of a string argument shown */

static const char *strace_names;

void strace_set(const char *names) { strace_names = names && *names ? names : NULL; }

/* Is `name` an item of the comma list? */
static bool list_has(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = list; *p;) {
		const char *comma = strchr(p, ',');
		size_t n = comma ? (size_t)(comma - p) : strlen(p);

		if ((n == len && !memcmp(p, name, n)) || (n == 1 && *p == '*'))
			return true;
		p += n + (comma ? 1 : 0);
	}
	return false;
}

void strace_update(void)
{
	bool wanted = strace_names && list_has(strace_names, current->name);

	current->trace_calls = (u8)((current->trace_calls & ~TRACE_CALLS_LOG) | (wanted ? TRACE_CALLS_LOG : 0));
}
bool strace_is_on(void) { return strace_names != NULL; }

struct flag_name {
	u64 bit;
	const char *name;
};
static const struct flag_name open_flags[] = {
	{ 01, "O_WRONLY" }, { 02, "O_RDWR" }, { 0100, "O_CREAT" }, { 0200, "O_EXCL" },
	{ 01000, "O_TRUNC" }, { 02000, "O_APPEND" }, { 04000, "O_NONBLOCK" },
	{ O_DIRECTORY, "O_DIRECTORY" }, { O_NOFOLLOW, "O_NOFOLLOW" }, { O_CLOEXEC, "O_CLOEXEC" }, { 0, NULL },
};
static const struct flag_name prot_flags[] = {
	{ PROT_READ, "PROT_READ" }, { PROT_WRITE, "PROT_WRITE" }, { PROT_EXEC, "PROT_EXEC" }, { 0, NULL },
};
static const struct flag_name mmap_flags[] = {
	{ MAP_SHARED, "MAP_SHARED" }, { MAP_PRIVATE, "MAP_PRIVATE" }, { MAP_FIXED, "MAP_FIXED" },
	{ MAP_ANONYMOUS, "MAP_ANONYMOUS" }, { MAP_DENYWRITE, "MAP_DENYWRITE" },
	{ MAP_NORESERVE, "MAP_NORESERVE" }, { MAP_STACK, "MAP_STACK" }, { 0, NULL },
};
static const struct flag_name clone_flags[] = {
	{ CLONE_VM, "CLONE_VM" }, { CLONE_FS, "CLONE_FS" }, { CLONE_FILES, "CLONE_FILES" },
	{ CLONE_SIGHAND, "CLONE_SIGHAND" }, { CLONE_VFORK, "CLONE_VFORK" },
	{ CLONE_THREAD, "CLONE_THREAD" }, { CLONE_SETTLS, "CLONE_SETTLS" },
	{ CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID" }, { CLONE_SYSVSEM, "CLONE_SYSVSEM" },
	{ CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID" },
	{ CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID" }, { 0, NULL },
};

static size_t put_flags(char *buf, size_t size, u64 value, const struct flag_name *names, const char *none)
{
	size_t n = 0;

	for (; names->name; names++)
		if (value & names->bit && (value & names->bit) == names->bit) {
			n += scnprintf(buf + n, size - n, "%s%s", n ? "|" : "", names->name);
			value &= ~names->bit;
		}
	if (value || !n)
		n += value ? scnprintf(buf + n, size - n, "%s%#llx", n ? "|" : "", (unsigned long long)value)
			   : scnprintf(buf + n, size - n, "%s", none);
	return n;
}

static size_t put_string(char *buf, size_t size, u64 addr)
{
	char text[STRACE_STRING + 1];
	ssize_t len;

	if (!addr)
		return scnprintf(buf, size, "NULL");
	len = copy_string_from_user(text, (const char __user *)addr, sizeof(text));
	if (len == -EFAULT)
		return scnprintf(buf, size, "%#llx", (unsigned long long)addr);
	text[STRACE_STRING] = 0;
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return scnprintf(buf, size, "\"%s\"%s", text, len < 0 ? "..." : "");
}

static size_t put_arg(char *buf, size_t size, char kind, u64 v)
{
	switch (kind) {
	case 'D':
		if ((s32)v == -100)
			return scnprintf(buf, size, "AT_FDCWD");
		return scnprintf(buf, size, "%d", (s32)v);
	case 'f':
		return scnprintf(buf, size, "%d", (s32)v);
	case 'd':
		return scnprintf(buf, size, "%lld", (s64)v == (s64)(u32)v ? (long long)(s32)v : (long long)v);
	case 'u':
		return scnprintf(buf, size, "%llu", (unsigned long long)v);
	case 's':
		return put_string(buf, size, v);
	case 'S': {
		const char *name = signal_name((int)v);

		return name ? scnprintf(buf, size, "%s", name) : scnprintf(buf, size, "%d", (s32)v);
	}
	case 'o':
		return scnprintf(buf, size, "%#o", (u32)v);
	case 'O':
		return put_flags(buf, size, (u32)v & ~0100000u, open_flags, "O_RDONLY");
	case 'P':
		return put_flags(buf, size, (u32)v, prot_flags, "PROT_NONE");
	case 'M':
		return put_flags(buf, size, (u32)v, mmap_flags, "0");
	case 'C':
		return put_flags(buf, size, v & ~(u64)CSIGNAL, clone_flags, "0");
	case 'p':
		if (!v)
			return scnprintf(buf, size, "NULL");
		__fallthrough;
	default:
		return scnprintf(buf, size, "%#llx", (unsigned long long)v);
	}
}

static size_t put_call(char *buf, size_t size, u64 nr, const u64 args[6])
{
	const struct syscall_entry *e = nr < syscall_table_len ? &syscall_table[nr] : NULL;
	const char *kinds = e && e->args ? e->args : "xxxxxx";
	size_t n;

	n = e && e->name ? scnprintf(buf, size, "%s(", e->name)
			 : scnprintf(buf, size, "syscall_%llu(", (unsigned long long)nr);
	for (unsigned i = 0; kinds[i] && i < 6; i++) {
		if (i)
			n += scnprintf(buf + n, size - n, ", ");
		n += put_arg(buf + n, size - n, kinds[i], args[i]);
	}
	return n + scnprintf(buf + n, size - n, ")");
}

/* Calls whose return is late, elsewhere or never: printed on entry too. */
static bool prints_on_entry(u64 nr)
{
	static const char *const names[] = { "execve", "execveat", "exit", "exit_group", "rt_sigreturn",
		"pause", "wait4", "waitid", "vfork", "reboot" };

	if (nr >= syscall_table_len || !syscall_table[nr].name)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], syscall_table[nr].name))
			return true;
	return false;
}

void strace_enter(u64 nr, const u64 args[6])
{
	char line[STRACE_LINE];

	if (!prints_on_entry(nr))
		return;
	put_call(line, sizeof(line), nr, args);
	log_notice("strace: %s[%d] %s ...", current->name, current->tid, line);
}

void strace_leave(u64 nr, const u64 args[6], long result)
{
	const char *name = result < 0 && result >= -ERR_MAX ? errno_name((int)-result) : NULL;
	char line[STRACE_LINE];

	put_call(line, sizeof(line), nr, args);
	if (name)
		log_notice("strace: %s[%d] %s = -1 %s", current->name, current->tid, line, name);
	else if (result < 0 || result > 0xfffff)
		log_notice("strace: %s[%d] %s = %#lx", current->name, current->tid, line, result);
	else
		log_notice("strace: %s[%d] %s = %ld", current->name, current->tid, line, result);
}
