/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of AF_UNIX share: names as text ('@' first: abstract), sockets bound and connected by them. */
#ifndef TESTS_SYSTEM_UNIX_H
#define TESTS_SYSTEM_UNIX_H

#include "test.h"
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

static inline struct sockaddr_un name_of(const char *text, socklen_t *len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(text);

	memcpy(a.sun_path, text, n);
	if (*text == '@') {
		a.sun_path[0] = 0;
		*len = offsetof(struct sockaddr_un, sun_path) + n;
	} else {
		*len = offsetof(struct sockaddr_un, sun_path) + n + 1;
	}
	return a;
}

static inline int bound(int type, const char *text)
{
	socklen_t len;
	struct sockaddr_un a = name_of(text, &len);
	int fd = socket(AF_UNIX, type, 0);

	check(fd >= 0);
	check_ok(bind(fd, (void *)&a, len));
	return fd;
}

static inline int connect_to(int fd, const char *text)
{
	socklen_t len;
	struct sockaddr_un a = name_of(text, &len);

	return connect(fd, (void *)&a, len);
}

#endif
