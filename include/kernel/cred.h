/* SPDX-License-Identifier: BSD-2-Clause */
/* Credentials: immutable once published, replaced as a whole; checks go through cred_capable and cred_in_group. */
#ifndef KERNEL_CRED_H
#define KERNEL_CRED_H

#include <lib/atomic.h>
#include <kernel/epoch.h>

#define CRED_GROUPS_MAX 65536	/* NGROUPS_MAX */
struct cred {
	struct refcount refs;
	struct epoch_head epoch;
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	u64 cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	u32 securebits;
	bool no_new_privs;
	u32 nr_groups;
	gid_t groups[];
};
extern struct cred cred_init;		/* root, all capabilities */

static inline struct cred *cred_get(struct cred *c) { ref_get(&c->refs); return c; }
void cred_put(struct cred *c);
/* A private copy with room for nr_groups, references 1; NULL without memory. */
struct cred *cred_copy(const struct cred *c, u32 nr_groups);
/* The current thread's credentials; no reference taken. */
const struct cred *cred_current(void);
/* Makes c (reference passed in) the current thread's credentials. */
void cred_install(struct cred *c);
bool cred_capable(const struct cred *c, unsigned cap);	/* CAP_*, uapi/capability.h */
bool cred_in_group(const struct cred *c, gid_t gid);	/* fsgid or supplementary */
bool capable(unsigned cap);				/* of the current thread */

#endif
