/* SPDX-License-Identifier: BSD-2-Clause */
/* Propagation of mounts (mount_namespaces(7)): peers, slaves, their states, what mount, umount, bind and move do to them, and mountinfo. */
#include "test.h"
#include <pthread.h>
#include <sys/mount.h>
#include <sys/syscall.h>

struct shown {
	int lines, id, parent, shared, master, from;
	bool unbindable;
};

/* The lines of /proc/self/mountinfo for this path under the current directory: how many, and what the last says. */
static struct shown shown(const char *name)
{
	static char text[1 << 18];
	char here[200], want[500], point[300], fields[300], *dash, *tag;
	struct shown s = { 0 };
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	text[n] = 0;
	check(getcwd(here, sizeof here));
	snprintf(want, sizeof want, "%s/%s", here, name);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		int lines = s.lines, used = 0, id, parent;

		check_equal(sscanf(line, "%d %d %*s %*s %299s %*s%n", &id, &parent, point, &used), 3);
		if (strcmp(point, want))
			continue;
		s = (struct shown){ .lines = lines + 1, .id = id, .parent = parent };
		snprintf(fields, sizeof fields, "%s", line + used);
		dash = strstr(fields, " - ");
		check(dash);
		*dash = 0;
		if ((tag = strstr(fields, " shared:")))
			s.shared = atoi(tag + 8);
		if ((tag = strstr(fields, " master:")))
			s.master = atoi(tag + 8);
		if ((tag = strstr(fields, " propagate_from:")))
			s.from = atoi(tag + 16);
		s.unbindable = strstr(fields, " unbindable");
	}
	return s;
}

static bool is(const char *name, bool shared, bool slave)
{
	struct shown s = shown(name);

	return s.lines && !s.shared == !shared && !s.master == !slave && !s.unbindable;
}

static void dir(const char *name) { check(!mkdir(name, 0755) || errno == EEXIST); }
static void tmpfs(const char *name) { check_ok(mount("t", name, "tmpfs", 0, NULL)); }
static void bind(const char *from, const char *to) { check_ok(mount(from, to, NULL, MS_BIND, NULL)); }
static void rbind(const char *from, const char *to) { check_ok(mount(from, to, NULL, MS_BIND | MS_REC, NULL)); }
static void type(const char *name, unsigned long flags) { check_ok(mount(NULL, name, NULL, flags, NULL)); }
static bool exists(const char *path) { return !access(path, F_OK); }

static void touch(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR, 0644);

	check(fd >= 0);
	close(fd);
}

/* A private mount of our own to work in, and directories there. */
static void set_up(void)
{
	dir("w");
	tmpfs("w");
	type("w", MS_PRIVATE);
	check_ok(chdir("w"));
	for (char name[2] = "a"; *name <= 'h'; ++*name)
		dir(name);
}

static void tear_down(void)
{
	check_ok(chdir(".."));
	check_ok(umount2("w", MNT_DETACH));
}

/* The table of states: each start, each word. */
static void states(void)
{
	static const unsigned long words[] = { MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE };
	/* shared, slave, both, private, unbindable */
	static const char *const want[5][4] = {
		{ "s", "m", "p", "u" }, { "sm", "m", "p", "u" }, { "sm", "m", "p", "u" }, { "s", "p", "p", "u" }, { "s", "u", "p", "u" },
	};

	set_up();
	for (int from = 0; from < 5; from++)
		for (int word = 0; word < 4; word++) {
			struct shown s;
			char got[4] = "";

			tmpfs("a");
			type("a", MS_SHARED);
			if (from < 3)
				bind("a", "b");		/* somebody to be a slave of */
			if (from == 1 || from == 2)
				type("a", MS_SLAVE);
			if (from == 2)
				type("a", MS_SHARED);
			if (from == 3)
				type("a", MS_PRIVATE);
			if (from == 4)
				type("a", MS_UNBINDABLE);
			type("a", words[word]);
			s = shown("a");
			snprintf(got, sizeof got, "%s%s%s", s.shared ? "s" : "", s.master ? "m" : "", s.unbindable ? "u" : "");
			check(!strcmp(*got ? got : "p", want[from][word]));
			check_ok(umount("a"));
			if (from < 3)
				check_ok(umount("b"));
		}
	check_errno(mount(NULL, "a", NULL, MS_SHARED, NULL), EINVAL);	/* no mount */
	tmpfs("a");
	check_errno(mount(NULL, "a", NULL, MS_SHARED | MS_SLAVE, NULL), EINVAL);
	check_errno(mount(NULL, "a", NULL, MS_SHARED | MS_NOSUID, NULL), EINVAL);
	check_ok(mount("none", "a", "none", MS_SHARED | MS_SILENT, "ignored"));
	dir("a/in");
	tmpfs("a/in");
	check(is("a/in", true, false));			/* of a shared parent */
	type("a", MS_PRIVATE);
	check(is("a/in", true, false) && is("a", false, false));
	type("a", MS_PRIVATE | MS_REC);
	check(is("a/in", false, false));
	type("a", MS_SHARED | MS_REC);
	check(is("a/in", true, false) && is("a", true, false));
	check(shown("a").shared != shown("a/in").shared);
	tear_down();
}

static void peers(void)
{
	set_up();
	tmpfs("a");
	type("a", MS_SHARED);
	bind("a", "b");
	bind("b", "c");
	check(shown("a").shared && shown("a").shared == shown("b").shared && shown("b").shared == shown("c").shared);
	dir("a/in");
	tmpfs("b/in");
	touch("b/in/file");
	check(exists("a/in/file") && exists("c/in/file"));
	check(shown("a/in").shared == shown("c/in").shared && shown("a/in").shared != shown("a").shared);
	check(shown("a/in").parent == shown("a").id && shown("c/in").parent == shown("c").id);
	/* Two levels: the mount on a peer of a peer's child. */
	dir("c/in/deep");
	tmpfs("c/in/deep");
	touch("a/in/deep/file");
	check(exists("b/in/deep/file"));
	check_ok(umount("a/in/deep"));
	check(exists("c/in/deep") && !exists("c/in/deep/file") && !shown("b/in/deep").lines);
	check_ok(umount("c/in"));
	check(!shown("a/in").lines && !shown("b/in").lines);
	/* Who left gets nothing any more, who is left alone stays shared. */
	type("b", MS_PRIVATE);
	tmpfs("a/in");
	check(shown("c/in").lines && !shown("b/in").lines);
	check_ok(umount("a/in"));
	check_ok(umount("a"));
	check(is("c", true, false));
	tear_down();
}

static void slaves(void)
{
	set_up();
	tmpfs("a");
	dir("a/in");
	dir("a/two");
	type("a", MS_SHARED);
	bind("a", "b");
	type("b", MS_SLAVE);
	check(is("b", false, true) && shown("b").master == shown("a").shared && !shown("b").from);
	tmpfs("a/in");
	check(is("b/in", false, true) && shown("b/in").master == shown("a/in").shared);
	tmpfs("b/two");			/* not the other way */
	check(!shown("a/two").lines && is("b/two", false, false));
	check_ok(umount("b/in"));
	check(shown("a/in").lines);
	check_ok(umount("a/in"));
	/* Slaves that are shared: a group below. */
	type("b", MS_SHARED);
	bind("b", "c");
	check(is("b", true, true) && shown("b").shared == shown("c").shared && shown("c").master == shown("a").shared);
	bind("c", "d");
	type("d", MS_SLAVE);
	check(shown("d").master == shown("b").shared);
	tmpfs("a/in");
	check(is("b/in", true, true) && shown("b/in").shared == shown("c/in").shared && shown("b/in").master == shown("a/in").shared);
	check(is("d/in", false, true) && shown("d/in").master == shown("c/in").shared);
	tmpfs("c/in");			/* over it */
	check(shown("b/in").lines == 2 && shown("d/in").lines == 2 && shown("a/in").lines == 1);
	/* A bind of a slave is a slave, of the same master. */
	bind("d", "e");
	check(is("e", false, true) && shown("e").master == shown("b").shared);
	/* The group in the middle ends: its slaves turn to the master. */
	check_ok(umount2("b", MNT_DETACH));
	check_ok(umount2("c", MNT_DETACH));
	check(shown("d").master == shown("a").shared && shown("e").master == shown("a").shared);
	check_ok(umount2("a", MNT_DETACH));
	check(is("d", false, false) && is("e", false, false));
	tear_down();
}

/* mountinfo tells the nearest group that can be seen when the master cannot. */
static void dominating(void)
{
	pid_t pid;

	set_up();
	tmpfs("a");
	dir("a/in");
	type("a", MS_SHARED);
	bind("a", "b");
	type("b", MS_SLAVE);
	type("b", MS_SHARED);
	dir("root");
	tmpfs("root");
	dir("root/a");
	dir("root/c");
	dir("root/proc");
	bind("a", "root/a");
	bind("b", "root/c");
	type("root/c", MS_SLAVE);
	check_ok(mount("proc", "root/proc", "proc", 0, NULL));
	check(shown("root/c").master == shown("b").shared && !shown("root/c").from);
	pid = fork();
	if (pid == 0) {
		struct shown s;
		int master = shown("b").shared, top = shown("a").shared;
		FILE *f;
		char line[500], want[100];

		check_ok(chroot("root"));
		check_ok(chdir("/"));
		f = fopen("/proc/self/mountinfo", "r");
		s.lines = 0;
		snprintf(want, sizeof want, "master:%d propagate_from:%d ", master, top);
		while (fgets(line, sizeof line, f))
			if (strstr(line, " /c ")) {
				s.lines++;
				check(strstr(line, want));
			}
		check_equal(s.lines, 1);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	tear_down();
}

/* What a bind becomes, by its source and by its place. */
static void binds(void)
{
	set_up();
	tmpfs("a");			/* the place: shared, then not */
	for (char name[8] = "a/a"; name[2] <= 'f'; ++name[2])
		dir(name);
	bind("a", "b");
	type("a", MS_SHARED);
	bind("a", "h");
	tmpfs("c");
	bind("c", "a/a");		/* private, on shared */
	check(is("c", false, false) && is("a/a", true, false) && shown("h/a").shared == shown("a/a").shared);
	type("c", MS_SHARED);
	bind("c", "a/b");
	bind("c", "b/b");
	check(shown("a/b").shared == shown("c").shared && shown("b/b").shared == shown("c").shared && shown("h/b").shared == shown("c").shared);
	bind("c", "d");
	type("d", MS_SLAVE);
	bind("d", "a/c");
	bind("d", "b/c");
	check(is("a/c", true, true) && shown("a/c").master == shown("c").shared && is("b/c", false, true));
	check(shown("h/c").shared == shown("a/c").shared && shown("h/c").master == shown("c").shared);
	tmpfs("e");
	type("e", MS_UNBINDABLE);
	check_errno(mount("e", "a/d", NULL, MS_BIND, NULL), EINVAL);
	/* A tree: the unbindable stays away. */
	tmpfs("f");
	dir("f/x");
	dir("f/y");
	tmpfs("f/x");
	tmpfs("f/y");
	type("f/x", MS_UNBINDABLE);
	rbind("f", "a/d");
	check(shown("h/d/y").lines && !shown("h/d/x").lines && !shown("a/d/x").lines);
	check(is("a/d/y", true, false) && shown("a/d/y").shared == shown("h/d/y").shared);
	/* Under itself: no end of it. */
	bind("a", "a/e");
	check(shown("a/e").shared == shown("a").shared && shown("a/e").lines == 1 && !shown("a/e/e").lines && shown("h/e").lines == 1);
	rbind("a", "a/f");
	check(shown("a/f/e").lines && shown("h/f/e").lines && !shown("a/f/f").lines);
	tear_down();
}

/* Only what has the place gets a mount there. */
static void parts(void)
{
	set_up();
	tmpfs("a");
	dir("a/x");
	dir("a/x/y");
	dir("a/z");
	type("a", MS_SHARED);
	bind("a/x", "b");
	check(shown("a").shared == shown("b").shared);
	tmpfs("a/x/y");
	check(shown("b/y").shared == shown("a/x/y").shared);
	tmpfs("a/z");
	check(shown("a/z").lines && !shown("b/z").lines);
	check_ok(umount("b/y"));
	check(!shown("a/x/y").lines);
	/* A mount on the root of one is one within the other. */
	tmpfs("b");
	check(shown("b").lines == 2 && shown("a/x").lines == 1);
	check_ok(umount("a/x"));
	check(shown("b").lines == 1);
	/* What lay over the place before lies over what comes. */
	type("b", MS_SLAVE);
	tmpfs("b");
	touch("b/mine");
	tmpfs("a/x");
	check(exists("b/mine") && shown("b").lines == 3 && !exists("a/x/mine"));
	check_ok(umount("a/x"));
	check(exists("b/mine") && shown("b").lines == 2);
	tmpfs("a/x");
	check_ok(umount("b"));
	check(!exists("b/mine") && shown("b").lines == 2);
	tear_down();
}

static void moves(void)
{
	set_up();
	tmpfs("a");
	type("a", MS_SHARED);
	dir("a/x");
	dir("a/y");
	touch("a/file");
	bind("a", "b");
	tmpfs("a/x");
	check_errno(mount("a/x", "c", NULL, MS_MOVE, NULL), EINVAL);	/* the parent is shared */
	tmpfs("d");
	dir("d/in");
	tmpfs("d/in");
	type("d/in", MS_UNBINDABLE);
	check_errno(mount("d", "a/y", NULL, MS_MOVE, NULL), EINVAL);
	check_ok(mount("d", "e", NULL, MS_MOVE, NULL));
	type("e/in", MS_PRIVATE);
	check_errno(mount("e", "a/file", NULL, MS_MOVE, NULL), EINVAL);
	check_ok(mount("e", "a/y", NULL, MS_MOVE, NULL));
	check(is("b/y/in", true, false) && shown("b/y/in").shared == shown("a/y/in").shared && !shown("e").lines);
	/* A slave stays one, and gets peers. */
	bind("a", "f");
	type("f", MS_SLAVE);
	bind("f", "g");
	dir("b/y/more");
	check_ok(mount("g", "a/y/more", NULL, MS_MOVE, NULL));
	check(is("a/y/more", true, true) && shown("a/y/more").master == shown("a").shared);
	check(shown("b/y/more").shared == shown("a/y/more").shared);
	tear_down();
}

static void unmounting(void)
{
	int fd;

	set_up();
	tmpfs("a");
	dir("a/x");
	type("a", MS_SHARED);
	bind("a", "b");
	bind("a", "c");
	type("c", MS_SLAVE);
	tmpfs("a/x");
	/* Somebody uses a peer's. */
	fd = open("c/x", O_RDONLY);
	check(fd >= 0);
	check_errno(umount("a/x"), EBUSY);
	check(shown("a/x").lines && shown("b/x").lines && shown("c/x").lines);
	check_ok(umount2("a/x", MNT_DETACH));
	check(!shown("a/x").lines && !shown("b/x").lines && !shown("c/x").lines);
	close(fd);
	/* What has a mount below stays. */
	tmpfs("a/x");
	dir("a/x/y");
	tmpfs("c/x/y");
	check_ok(umount("a/x"));
	check(!shown("b/x").lines && shown("c/x").lines && is("c/x", false, false));
	check_ok(umount("c/x/y"));
	check_ok(umount("c/x"));
	/* A tree at once. */
	tmpfs("a/x");
	dir("a/x/y");
	tmpfs("a/x/y");
	check(shown("c/x/y").lines && shown("b/x/y").lines);
	check_ok(umount2("b/x", MNT_DETACH));
	check(!shown("c/x/y").lines && !shown("a/x/y").lines && !shown("c/x").lines);
	/* A mount that came by itself goes by propagation as well. */
	type("c", MS_PRIVATE);
	tmpfs("a/x");
	tmpfs("c/x");
	bind("a", "d");
	type("d", MS_SLAVE);
	tmpfs("d/x");
	check_ok(umount("a/x"));
	check(!shown("d/x").lines && shown("c/x").lines);
	/* In use below, MNT_DETACH or not: only the unmounted one counts. */
	check_errno(umount2("a", UMOUNT_NOFOLLOW | 0x100), EINVAL);
	tear_down();
}

static void pivots(void)
{
	set_up();
	tmpfs("a");
	dir("a/old");
	type("a", MS_SHARED);
	bind("a", "a");			/* the root of a mount, on a shared one */
	check_errno(syscall(SYS_pivot_root, "a", "a/old"), EINVAL);
	tear_down();
}

static void limit(void)
{
	int fd = open("/proc/sys/fs/mount-max", O_RDWR), n = 0;
	char was[20], text[40];
	ssize_t len = read(fd, was, sizeof was);
	FILE *f;

	check(len > 0);
	set_up();
	tmpfs("a");
	type("a", MS_SHARED);
	dir("a/in");
	dir("a/in/in");
	for (char name[2] = "b"; *name <= 'h'; ++*name)
		bind("a", name);
	f = fopen("/proc/self/mountinfo", "r");
	while ((len = getc(f)) != EOF)
		n += len == '\n';
	fclose(f);
	snprintf(text, sizeof text, "%d", n + 8 + 7);	/* not all of the mounts are shown */
	check_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
	/* Each is mounted eight times: it doubles when bound into itself. */
	for (int i = 0; i < 4; i++)
		if (mount("a", "a/in", NULL, MS_BIND | MS_REC, NULL)) {
			check_equal(errno, ENOSPC);
			n = 0;
			break;
		}
	check_equal(pwrite(fd, was, strlen(was), 0), strlen(was));
	check_equal(n, 0);
	check(shown("a/in").lines <= 1);
	tmpfs("a/in");
	check(shown("h/in").lines);
	tear_down();
}

static void *comes_and_goes(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
		if (!mount("t", "a/in", "tmpfs", 0, NULL))
			umount2("b/in", MNT_DETACH);
	}
	return NULL;
}

static void *changes(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
		mount(NULL, "b", NULL, MS_SLAVE, NULL);
		mount(NULL, "b", NULL, MS_SHARED, NULL);
		if (!mount("a", "c", NULL, MS_BIND | MS_REC, NULL))
			umount2("c", MNT_DETACH);
		mount(NULL, "b", NULL, MS_PRIVATE, NULL);
	}
	return NULL;
}

/* Mounts come and go while others look there. */
static void races(void)
{
	pthread_t one, two;
	int stop = 0;
	struct stat st;
	long long end;

	set_up();
	tmpfs("a");
	dir("a/in");
	type("a", MS_SHARED);
	bind("a", "b");
	check_equal(pthread_create(&one, NULL, comes_and_goes, &stop), 0);
	check_equal(pthread_create(&two, NULL, changes, &stop), 0);
	end = now_ms() + 1500;
	while (now_ms() < end) {
		int fd = open("b/in", O_RDONLY);

		check(fd >= 0);
		check_ok(fstat(fd, &st));
		close(fd);
		/* When what lies on c is detached just then, its top has nothing above it, and no "a" in it. */
		check(!stat("c/../a/in/..", &st) || errno == ENOENT);
		shown("a/in");
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(one, NULL);
	pthread_join(two, NULL);
	tear_down();
}

static const struct test table[] = {
	{ "states", states }, { "peers", peers }, { "slaves", slaves }, { "dominating", dominating }, { "binds", binds }, { "parts", parts },
	{ "moves", moves }, { "unmounting", unmounting }, { "pivots", pivots }, { "limit", limit }, { "races", races }, { 0 },
};

TEST_MAIN(table)
