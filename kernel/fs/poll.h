/* SPDX-License-Identifier: BSD-2-Clause */
/* poll.c's work, as sys_poll.c asks for it. deadline_ns: monotonic; 0: only look; U64_MAX: no limit. */
#ifndef FS_POLL_H
#define FS_POLL_H

#include <kernel/fs.h>

struct poll_call {
	const struct pollfd *fds;
	s16 *revents;		/* out, one each */
	u32 nr;
	bool differs;		/* out: some are not what fds has */
};
struct select_call {
	u32 nr, words;		/* descriptors; u64 words of one set */
	const u64 *in;		/* three sets: read, write, exception */
	u64 *out;
};
int poll_loop(int (*scan)(struct poll_table *t, void *arg), void *arg, u64 deadline_ns);
int poll_files(struct poll_call *c, u64 deadline_ns);
int select_files(struct select_call *c, u64 deadline_ns);

#endif
