/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store that saves itself the way redis does: a child, forked at one moment, writes the table of that moment to a
 * file and renames it into place, while the parent goes on changing the table.
 */
#include "test.h"
#include <sys/mman.h>

#define RECORDS 65536u		/* 1.5 MiB: many pages, and a block of large ones where there are such */

struct record {
	uint64_t value, generation, sum;
};

static struct record *table;
static uint64_t seed = 88172645463325252ull;

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static void set(unsigned i, uint64_t value, uint64_t generation)
{
	table[i] = (struct record){ value, generation, value ^ generation ^ i };
}

static void begin(void)
{
	table = mmap(NULL, RECORDS * sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(table != MAP_FAILED);
	for (unsigned i = 0; i < RECORDS; i++)
		set(i, next(), 0);
}

/* In a child; it waits for a byte first, so that the parent has changed something. */
static void save(int go, const char *name)
{
	char temporary[40], c;
	int fd;

	snprintf(temporary, sizeof temporary, "%s.tmp", name);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || read(go, &c, 1) != 1)
		_exit(1);
	for (size_t at = 0; at < RECORDS * sizeof *table; at += 24576)
		if (write(fd, (char *)table + at, 24576) != 24576)
			_exit(2);
	_exit(fsync(fd) || rename(temporary, name) ? 3 : 0);
}

static pid_t save_in_child(int *go, const char *name)
{
	int p[2];
	pid_t pid;

	check_ok(pipe(p));
	pid = fork();
	check_ok(pid);
	if (!pid)
		save(p[0], name);
	close(p[0]);
	*go = p[1];
	return pid;
}

/* Every record has the sum it should have; *newest is the highest generation. */
static bool is_sound(const struct record *r, uint64_t *newest)
{
	*newest = 0;
	for (unsigned i = 0; i < RECORDS; i++) {
		if (r[i].sum != (r[i].value ^ r[i].generation ^ i))
			return false;
		if (r[i].generation > *newest)
			*newest = r[i].generation;
	}
	return true;
}

static void check_file(const char *name, uint64_t generation)
{
	struct stat st;
	int fd = open(name, O_RDONLY);
	const struct record *r;
	uint64_t newest;

	check_ok(fd);
	check_ok(fstat(fd, &st));
	check_equal(st.st_size, RECORDS * sizeof *r);
	r = mmap(NULL, RECORDS * sizeof *r, PROT_READ, MAP_PRIVATE, fd, 0);
	check(r != MAP_FAILED);
	check(is_sound(r, &newest));
	check_equal(newest, generation);
	check_ok(munmap((void *)r, RECORDS * sizeof *r));
	close(fd);
}

static void change(unsigned n, uint64_t generation)
{
	while (n--)
		set(next() % RECORDS, next(), generation);
}

static void while_changing(void)
{
	uint64_t newest;

	begin();
	for (uint64_t g = 1; g <= 6; g++) {
		pid_t pid;
		int go, status;

		change(5000, g);
		pid = save_in_child(&go, "saved");
		change(3000, g + 100);		/* what the child must not see */
		check_equal(write(go, "x", 1), 1);
		change(30000, g + 100);
		check_equal(waitpid(pid, &status, 0), pid);
		check_equal(status, 0);
		check_file("saved", g == 1 ? 1 : g + 99);
		check(is_sound(table, &newest));
		check_equal(newest, g + 100);
		close(go);
	}
	unlink("saved");
}

/* Two of different moments write at the same time. */
static void two_at_once(void)
{
	int go[2], status;
	pid_t pid[2];

	begin();
	change(2000, 1);
	pid[0] = save_in_child(&go[0], "older");
	change(2000, 2);
	pid[1] = save_in_child(&go[1], "newer");
	change(20000, 3);
	for (int i = 0; i < 2; i++)
		check_equal(write(go[i], "x", 1), 1);
	change(20000, 4);
	for (int i = 0; i < 2; i++) {
		check_equal(waitpid(pid[i], &status, 0), pid[i]);
		check_equal(status, 0);
	}
	check_file("older", 1);
	check_file("newer", 2);
	unlink("older");
	unlink("newer");
}

/* A child that dies on the way leaves what was saved before, and the parent its table. */
static void killed(void)
{
	uint64_t newest;
	int go, status;
	pid_t pid;

	begin();
	pid = save_in_child(&go, "kept");
	check_equal(write(go, "x", 1), 1);
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(status, 0);
	change(1000, 7);
	pid = save_in_child(&go, "kept");
	change(1000, 8);
	check_ok(kill(pid, SIGKILL));
	check_equal(waitpid(pid, &status, 0), pid);
	check(WIFSIGNALED(status));
	check_file("kept", 0);
	check(is_sound(table, &newest));
	check_equal(newest, 8);
	unlink("kept");
	unlink("kept.tmp");
}

static const struct test cases[] = {
	{ "while-changing", while_changing }, { "two-at-once", two_at_once }, { "killed", killed },
	{ 0 },
};

TEST_MAIN(cases)
