/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel daemons: threads that do a round of work now and then, watched by the same engine as the
 * services of user space (services/supervisor): one that ends, or whose round takes too long, is
 * started again. `const struct daemon daemon_NAME` is named in the folder's meson.build (daemons +=).
 * Seen and controlled through /proc/daemons; svctl shows them as NAME.kernel.
 */
#ifndef KERNEL_DAEMON_H
#define KERNEL_DAEMON_H

#include <lib/types.h>

#define DAEMON_POKED U64_MAX	/* a round's answer: the next one only when poked */

struct daemon {
	const char *name, *description;
	/*
	 * One round, in a thread of its own without locks held; may sleep. Must be safe beside another
	 * round of the same daemon: a thread that hangs is left behind and replaced. Returns the
	 * nanoseconds until the next round, unless poked before.
	 */
	u64 (*round)(void);
	u64 watchdog_ns;	/* a round that takes longer without daemon_beat() is one that hangs */
};
extern const struct daemon *const daemon_table[];
extern const unsigned daemon_table_len;

/* The next round begins at once. Any context; nothing before daemons_init. */
void daemon_poke(const struct daemon *d);
/* Within a long round: it goes on. Cheap; may be called from any thread that may sleep, means something in a daemon's. */
void daemon_beat(void);

/* Boot step: starts all and registers /proc/daemons. */
void daemons_init(void);
/*
 * What a write to /proc/daemons does: "start|stop|restart|kill|stall|hang NAME" or "watchdog NAME MILLISECONDS".
 * Returns when it is done: 0, -ENOENT (name), -EINVAL (words), -EBUSY (already so, or not possible now),
 * -EIO (it failed), -EINTR. kill ends the thread as if it had crashed; stall and hang make its next
 * round never end, the first obeying the watchdog's abort and the second not: how a test sees that
 * each is noticed. May sleep.
 */
int daemons_command(const char *text);

#endif
