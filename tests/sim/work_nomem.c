/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "nomem": processes make all kinds of calls while their allocations fail by chance. No answer is compared: a
 * call may fail with any error number and a fault may kill. What counts is that the kernel neither breaks
 * nor waits for ever, that process 1 goes on working, and that nothing is left behind (leaks.c).
 */
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include "calls.h"
#include "disk.h"
#include "work.h"

#define WORKERS 3u
#define OPS 60u
#define AREAS 4u
#define FDS 6u
#define BUF (SHARED + 0x800)
#define PAGE 4096u
#define NR_symlinkat 266
#define NR_epoll_create1 291
#define NR_eventfd2 290
#define NR_socketpair 53

struct worker {
	unsigned id;
	u64 area[AREAS], size[AREAS];
	int fd[FDS];
	const char *base;
};
static struct worker workers[WORKERS];

/* Any error number of Linux's; nothing else below zero. */
static long sane(long result, const char *what)
{
	if (result < -133 && result > -4096)
		sim_fail("nomem: %s gives the inner error %ld", what, -result);
	return result;
}

static u64 path_in(const struct worker *w, u64 at)
{
	char path[64];

	snprintf(path, sizeof(path), maybe(4) ? "%s/w%u/n%u/n%u" : "%s/w%u/n%u", w->base, w->id, (unsigned)pick(5),
		 (unsigned)pick(5));
	return put_string(at, path);
}

static void keep(struct worker *w, long fd)
{
	unsigned i = (unsigned)pick(FDS);

	if (sane(fd, "a new descriptor") < 0)
		return;
	if (w->fd[i] >= 0)
		CALL1(close, w->fd[i]);
	w->fd[i] = (int)fd;
}

static void do_map(struct worker *w)
{
	unsigned i = (unsigned)pick(AREAS);

	if (w->area[i]) {
		if (maybe(3))
			(void)sane(CALL3(mprotect, w->area[i], PAGE * (1 + pick(w->size[i] / PAGE)), 1), "mprotect");
		(void)sane(CALL2(munmap, w->area[i], w->size[i]), "munmap");
		w->area[i] = 0;
		return;
	}
	w->size[i] = PAGE * (1 + pick(6));
	w->area[i] = (u64)sane(CALL6(mmap, 0, w->size[i], 3, maybe(2) ? 0x22 : 0x21, -1, 0), "mmap");
	if ((s64)w->area[i] < 0)
		w->area[i] = 0;
	else
		sim_store(w->area[i] + PAGE * pick(w->size[i] / PAGE), 8, w->id);
}

static void do_remap(struct worker *w)
{
	unsigned i = (unsigned)pick(AREAS);
	long got;

	if (!w->area[i])
		return;
	got = sane(CALL4(mremap, w->area[i], w->size[i], w->size[i] + PAGE, 1), "mremap");
	if (got < 0)
		return;
	w->area[i] = (u64)got;
	w->size[i] += PAGE;
	sim_store(w->area[i] + w->size[i] - PAGE, 8, 1);
}

static void do_create(struct worker *w)
{
	keep(w, CALL3(open, path_in(w, SHARED), O_CREAT | O_RDWR, 0644));
}

static void do_names(struct worker *w)
{
	u64 a = path_in(w, SHARED), b = path_in(w, SHARED + 0x100);

	switch (pick(7)) {
	case 0: (void)sane(CALL2(mkdir, a, 0755), "mkdir"); break;
	case 1: (void)sane(CALL2(rename, a, b), "rename"); break;
	case 2: (void)sane(CALL2(link, a, b), "link"); break;
	case 3: (void)sane(CALL2(symlink, b, a), "symlink"); break;
	case 4: (void)sane(CALL1(unlink, a), "unlink"); break;
	case 5: (void)sane(CALL1(rmdir, a), "rmdir"); break;
	default: (void)sane(CALL2(stat, a, BUF), "stat"); break;
	}
}

static void do_io(struct worker *w)
{
	int fd = w->fd[pick(FDS)];

	if (fd < 0)
		return;
	switch (pick(5)) {
	case 0: (void)sane(CALL4(pwrite64, fd, BUF, 1 + pick(5000), pick(20000)), "pwrite"); break;
	case 1: (void)sane(CALL4(pread64, fd, BUF, 1 + pick(5000), pick(20000)), "pread"); break;
	case 2: (void)sane(CALL2(ftruncate, fd, pick(30000)), "ftruncate"); break;
	case 3: (void)sane(CALL1(fsync, fd), "fsync"); break;
	default: keep(w, CALL1(dup, fd)); break;
	}
}

static void do_pipe(struct worker *w)
{
	u64 at = scratch();
	long err = sane(CALL2(pipe2, at, O_NONBLOCK), "pipe2");
	int in, out;

	if (err)
		return;
	in = (int)sim_load(at, 4);
	out = (int)sim_load(at + 4, 4);
	(void)sane(CALL3(write, out, BUF, 1 + pick(6000)), "write to a pipe");
	(void)sane(CALL3(read, in, BUF, 1 + pick(6000)), "read from a pipe");
	keep(w, in);
	keep(w, out);
}

static void do_objects(struct worker *w)
{
	u64 at = scratch();

	switch (pick(3)) {
	case 0: keep(w, CALL1(epoll_create1, 0)); break;
	case 1: keep(w, CALL2(eventfd2, 0, O_NONBLOCK)); break;
	default:
		if (sane(CALL4(socketpair, 1, 1, 0, at), "socketpair"))
			break;
		keep(w, (int)sim_load(at, 4));
		keep(w, (int)sim_load(at + 4, 4));
		break;
	}
}

static void child(u64 exec)
{
	sim_store(SHARED + 0x400, 8, exec);
	if (!exec)
		return;
	put_string(SHARED, "/bin/true");
	sim_store(SHARED + 0x100, 8, SHARED);
	sim_store(SHARED + 0x108, 8, 0);
	(void)sane(CALL3(execve, SHARED, SHARED + 0x100, SHARED + 0x108), "execve");
}

static void do_fork(struct worker *w)
{
	long pid = sane(sim_clone(S_CHLD, 0, child, maybe(2), sim_tag()), "fork");

	if (pid > 0)
		(void)sane(wait_child((int)pid, &(int){ 0 }), "wait4");
}

static void do_signal(struct worker *w)
{
	u64 at = scratch();

	sim_store(at, 4, 34);
	sim_store(at + 8, 4, (u32)-1);
	(void)set_mask(1ull << 33);
	(void)sane(CALL3(rt_sigqueueinfo, CALL0(getpid), 34, at), "rt_sigqueueinfo");
}

static void worker(u64 me)
{
	static void (*const actions[])(struct worker *w) = {
		do_map, do_map, do_remap, do_create, do_create, do_names, do_names, do_io, do_io, do_io, do_pipe, do_objects,
		do_fork, do_signal,
	};
	struct worker *w = &workers[me];
	unsigned ops = (unsigned)sim_setting("ops", OPS);

	for (unsigned i = 0; i < ops; i++) {
		actions[pick(ARRAY_LEN(actions))](w);
		if (maybe(16))
			wander();
	}
}

void work_nomem(void)
{
	bool on_disk = disk_sectors() && maybe(2);
	unsigned n = 1 + (unsigned)pick(WORKERS);
	u64 one_in = 1ull << (2 + pick(8));

	memset(workers, 0, sizeof(workers));
	mount_work(on_disk);
	for (unsigned i = 0; i < n; i++) {
		struct worker *w = &workers[i];

		w->id = i;
		w->base = "/mnt";
		for (unsigned k = 0; k < FDS; k++)
			w->fd[k] = -1;
	}
	for (unsigned i = 0; i < n; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/mnt/w%u", i);
		if (CALL2(mkdir, put_string(SHARED, path), 0755))
			sim_fail("nomem: mkdir");
		sim_alloc_fail(one_in);
		spawn(worker, i);
	}
	while (wait_child(-1, &(int){ 0 }) > 0)
		;
	sim_alloc_fail(0);
	unmount_work();
}
