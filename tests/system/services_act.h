/* SPDX-License-Identifier: BSD-2-Clause */
/* What the services_* programs share when they are services themselves, and how they are talked to. */
#ifndef TESTS_SYSTEM_SERVICES_ACT_H
#define TESTS_SYSTEM_SERVICES_ACT_H

#include "services.h"

__attribute__((unused)) static void notify(const char *text)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", getenv("NOTIFY_SOCKET") ? getenv("NOTIFY_SOCKET") : "/nowhere");
	sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to);
	close(fd);
}

__attribute__((unused)) static int connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&to, sizeof to)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What is said on a connection until it ends. */
__attribute__((unused)) static char *hear(const char *path)
{
	static char text[200];
	int fd = connect_to(path), n = 0, got;

	while (fd >= 0 && n < 199 && (got = read(fd, text + n, 199 - n)) > 0)
		n += got;
	text[n] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

#endif
