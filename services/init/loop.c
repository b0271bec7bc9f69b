/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop: epoll where the kernel has it, else poll; timers in one sorted list; SIGCHLD and the
 * signals that ask for an end arrive only while it sleeps, so there is no race to lose.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

struct watch {
	watch_fn *fn;
	void *arg;
	unsigned int events;	/* 0: free */
	unsigned int born;	/* events of an older watch with the same number are dropped */
};

static struct watch *watches;	/* by descriptor */
static int watch_room, epoll_fd = -1;
static unsigned int births;
static struct timer *timers;
static sigset_t asleep;		/* the mask while sleeping: nothing is blocked */

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* The C library's open() adds an fcntl() for kernels that forget O_CLOEXEC. */
int file_open(const char *path, int flags, int mode)
{
	int fd = syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_LARGEFILE, mode);

	return fd < 0 ? -errno : fd;
}

void loop_init(void)
{
	sigemptyset(&asleep);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);	/* ENOSYS: poll it is */
}

static int epoll_tell(int operation, int fd)
{
	struct epoll_event event = { watches[fd].events, { .u64 = (uint64_t)watches[fd].born << 32 | fd } };

	if (epoll_fd < 0)
		return 0;
	return epoll_ctl(epoll_fd, operation, fd, &event) ? -errno : 0;
}

int watch_add(int fd, unsigned int events, watch_fn *fn, void *arg)
{
	int error;

	if (fd >= watch_room) {
		int room = (fd | 63) + 1;
		struct watch *more = realloc(watches, room * sizeof *watches);

		if (!more)
			return -ENOMEM;
		for (int i = watch_room; i < room; i++)
			more[i] = (struct watch){ 0 };
		watches = more;
		watch_room = room;
	}
	watches[fd] = (struct watch){ fn, arg, events, ++births };
	error = epoll_tell(EPOLL_CTL_ADD, fd);
	if (error)
		watches[fd].events = 0;
	return error;
}

void watch_change(int fd, unsigned int events)
{
	if (fd < 0 || fd >= watch_room || !watches[fd].events)
		return;
	watches[fd].events = events;
	epoll_tell(EPOLL_CTL_MOD, fd);
}

void watch_remove(int fd)
{
	if (fd < 0 || fd >= watch_room || !watches[fd].events)
		return;
	epoll_tell(EPOLL_CTL_DEL, fd);
	watches[fd].events = 0;
}

void timer_clear(struct timer *t)
{
	if (!t->fire)
		return;
	for (struct timer **at = &timers; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			break;
		}
	t->fire = NULL;
}

void timer_set(struct timer *t, uint64_t when, void (*fire)(struct unit *u), struct unit *u)
{
	struct timer **at = &timers;

	timer_clear(t);
	while (*at && (*at)->at <= when)
		at = &(*at)->next;
	*t = (struct timer){ *at, when, fire, u };
	*at = t;
}

static void run_timers(void)
{
	uint64_t now = now_ns();

	while (timers && timers->at <= now) {
		struct timer *t = timers;

		void (*fire)(struct unit *u) = t->fire;

		timers = t->next;
		t->fire = NULL;
		fire(t->unit);
	}
}

/* Milliseconds to the next deadline, rounded up so that it has passed on return; -1 for ever. */
static int sleep_ms(void)
{
	uint64_t next = sup_deadline(&init.sup), now;

	if (timers && timers->at < next)
		next = timers->at;
	if (next == SUP_NEVER)
		return -1;
	now = now_ns();
	if (next <= now)
		return 0;
	next = (next - now + 999999) / 1000000;
	return next > 1000000 ? 1000000 : (int)next;
}

static void happened(int fd, unsigned int born, unsigned int events)
{
	if (fd < watch_room && watches[fd].events && (!born || watches[fd].born == born))
		watches[fd].fn(fd, events, watches[fd].arg);
}

static void wait_by_epoll(void)
{
	struct epoll_event found[32];
	int n = epoll_pwait(epoll_fd, found, 32, sleep_ms(), &asleep);

	for (int i = 0; i < n; i++)
		happened((int)(uint32_t)found[i].data.u64, found[i].data.u64 >> 32, found[i].events);
}

static void wait_by_poll(void)
{
	static struct pollfd *set;
	static int room;
	int count = 0, ms = sleep_ms();
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000l };

	if (room < watch_room) {
		struct pollfd *more = realloc(set, watch_room * sizeof *set);

		if (!more)
			return;
		set = more;
		room = watch_room;
	}
	for (int fd = 0; fd < watch_room; fd++)
		if (watches[fd].events)
			set[count++] = (struct pollfd){ fd, watches[fd].events, 0 };
	if (ppoll(set, count, ms < 0 ? NULL : &limit, &asleep) <= 0)
		return;
	for (int i = 0; i < count; i++)
		if (set[i].revents)
			happened(set[i].fd, 0, set[i].revents);
}

void loop_once(void)
{
	if (epoll_fd >= 0)
		wait_by_epoll();
	else
		wait_by_poll();
	run_timers();
}
