/* SPDX-License-Identifier: BSD-2-Clause */
/* Host and domain name, for uname, sethostname, setdomainname and /proc/sys/kernel. */
#include <kernel/lock.h>
#include <kernel/uts.h>
#include <lib/string.h>
#include <uapi/errno.h>

struct virtual_event uts_events[2] = { VIRTUAL_EVENT_INIT(uts_events[0]), VIRTUAL_EVENT_INIT(uts_events[1]) };
static struct spinlock uts_lock = SPINLOCK_INIT("uts", LOCK_MISC);
static char names[2][UTS_NAME_MAX + 1] = { "(none)", "(none)" };	/* uts_lock */

void uts_get(enum uts_name which, char out[UTS_NAME_MAX + 1])
{
	spin_lock(&uts_lock);
	memcpy(out, names[which], UTS_NAME_MAX + 1);
	spin_unlock(&uts_lock);
}

int uts_set(enum uts_name which, const char *name, size_t len)
{
	if (len > UTS_NAME_MAX)
		return -EINVAL;
	spin_lock(&uts_lock);
	memset(names[which], 0, sizeof(names[which]));
	memcpy(names[which], name, len);
	spin_unlock(&uts_lock);
	virtual_event_raise(&uts_events[which]);
	return 0;
}
