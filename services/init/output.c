/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people read: the log of each service (a pipe, stamped lines, rotation by size), the audit
 * log, status lines on the console. Files are opened for each write: nothing is held back in PID 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define LOGS_KEPT 3

/* 2026-01-31T12:34:56.789Z; the calendar is asked once a second. */
void write_stamp(char *out, size_t size)
{
	static char text[40];
	static time_t of = -1;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ts.tv_sec != of) {
		struct tm tm;

		gmtime_r(&ts.tv_sec, &tm);
		snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.000Z", (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec);
		of = ts.tv_sec;
	}
	for (int i = 22, ms = ts.tv_nsec / 1000000; i >= 20; i--, ms /= 10)
		text[i] = '0' + ms % 10;
	memcpy(out, text, size < sizeof text ? size : sizeof text);
	out[size - 1] = 0;
}

void log_path(const struct unit *u, char *path, size_t size)
{
	snprintf(path, size, "%s/%s.log", init.log_dir, u->name);
}

static void rotate(const char *path)
{
	char from[300], to[300];

	for (int i = LOGS_KEPT - 1; i >= 0; i--) {
		snprintf(to, sizeof to, "%s.%d", path, i + 1);
		snprintf(from, sizeof from, i ? "%s.%d" : "%s", path, i);
		rename(from, to);
	}
}

static int open_log(const char *path, uint64_t max, size_t more)
{
	int fd = file_open(path, O_WRONLY | O_APPEND | O_CREAT, 0640);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !st.st_size || st.st_size + more <= max)
		return fd;
	close(fd);
	rotate(path);
	return file_open(path, O_WRONLY | O_APPEND | O_CREAT, 0640);
}

static void write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n <= 0)
			return;		/* a full disk must not stop PID 1 */
		text += n;
		length -= n;
	}
}

/* Bytes of a service, each line with the time at which it began to arrive. */
static void log_bytes(struct unit *u, const char *text, size_t length)
{
	char path[300], stamp[40], out[8192];
	size_t used = 0, stamp_length;
	int fd;

	log_path(u, path, sizeof path);
	fd = open_log(path, u->c->rare->log_max, length);
	if (fd < 0)
		return;
	write_stamp(stamp, sizeof stamp - 1);
	strcat(stamp, " ");
	stamp_length = strlen(stamp);
	for (size_t i = 0; i < length; i++) {
		if (used + stamp_length + 1 > sizeof out) {
			write_all(fd, out, used);
			used = 0;
		}
		if (!u->is_mid_line) {
			memcpy(out + used, stamp, stamp_length);
			used += stamp_length;
			u->is_mid_line = true;
		}
		out[used++] = text[i];
		if (text[i] == '\n')
			u->is_mid_line = false;
	}
	write_all(fd, out, used);
	close(fd);
}

void log_readable(int fd, unsigned int events, void *arg)
{
	struct unit *u = init.units[(uintptr_t)arg];
	char text[4096];
	ssize_t n = read(fd, text, sizeof text);

	if (n > 0)
		log_bytes(u, text, n);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	watch_remove(fd);
	close(fd);
	for (int i = 0; i < 2; i++)
		if (u->log_fd[i] == fd)
			u->log_fd[i] = 0;
	state_save(u);	/* the number may soon be another file's */
}

/* A reading end that outlived a crash of init, or a new one. */
void log_adopt(struct unit *u, int fd)
{
	u->log_fd[u->log_fd[0] != 0] = fd;
}

int log_pipe(struct unit *u)
{
	int fd[2], error;

	if (pipe2(fd, O_CLOEXEC))
		return -errno;
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	error = watch_add(fd[0], POLLIN, log_readable, (void *)(uintptr_t)u->id);
	if (error) {
		close(fd[0]);
		close(fd[1]);
		return error;
	}
	log_adopt(u, fd[0]);
	return fd[1];
}

/* A line of init's own in the unit's log. */
void log_line(struct unit *u, const char *format, ...)
{
	char text[400];
	va_list ap;
	int n = snprintf(text, sizeof text, "%sinit: ", u->is_mid_line ? "\n" : "");

	va_start(ap, format);
	vsnprintf(text + n, sizeof text - n - 1, format, ap);
	va_end(ap);
	strcat(text, "\n");
	log_bytes(u, text, strlen(text));
}

#define OWN_LOG_MAX (256 * 1024)
static int own_log = -1;	/* kept open: each status line goes there */
static size_t own_log_left;

void say_closes(void)
{
	if (own_log >= 0)
		close(own_log);
	own_log = -1;
}

static void open_own_log(void)
{
	char path[300];
	struct stat st;

	say_closes();
	snprintf(path, sizeof path, "%s/init.log", init.log_dir);
	own_log = open_log(path, OWN_LOG_MAX, 600);
	own_log_left = own_log < 0 || fstat(own_log, &st) || st.st_size > OWN_LOG_MAX ? 0 : OWN_LOG_MAX - st.st_size;
}

static void say_text(const char *text)
{
	char line[600];
	size_t length = strlen(text);

	if (init.console >= 0 && !init.is_quiet)
		write_all(init.console, text, length);
	if (own_log < 0 || own_log_left < sizeof line)
		open_own_log();
	if (own_log < 0)
		return;
	write_stamp(line, 25);
	line[24] = ' ';
	length = length < sizeof line - 25 ? length : sizeof line - 25;
	memcpy(line + 25, text, length);
	write_all(own_log, line, 25 + length);
	own_log_left -= 25 + length;
}

/* A line on the console, unless it is to be quiet, and in init's log. */
void say(const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text - 2, format, ap);
	va_end(ap);
	strcat(text, "\n");
	say_text(text);
}

void say_status(const char *mark, const char *format, ...)
{
	char text[512];
	va_list ap;
	int n = snprintf(text, sizeof text, "[%6s ] ", mark);

	va_start(ap, format);
	vsnprintf(text + n, sizeof text - n - 2, format, ap);
	va_end(ap);
	strcat(text, "\n");
	say_text(text);
}

/* Who asked for what, and what became of it. */
void audit(uid_t uid, pid_t pid, const char *what, const char *result)
{
	char path[300], stamp[40], line[600];
	int fd;

	snprintf(path, sizeof path, "%s/audit.log", init.log_dir);
	fd = open_log(path, 256 * 1024, 600);
	if (fd < 0)
		return;
	write_stamp(stamp, sizeof stamp);
	snprintf(line, sizeof line, "%s uid=%u pid=%d %.400s: %s\n", stamp, uid, (int)pid, what, result);
	write_all(fd, line, strlen(line));
	close(fd);
}
