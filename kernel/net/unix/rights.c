/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control data of AF_UNIX messages: descriptors (SCM_RIGHTS) and who sent (SCM_CREDENTIALS). Descriptors on their way hold
 * references on their files and are counted as in flight (gc.c). Those that nobody received are dropped through one
 * list, so that a chain of sockets inside sockets is taken apart in a loop and not by recursion.
 * Lock: drop_lock guards that list.
 */
#include "unix.h"
#include <uapi/capability.h>

#define OVERFLOW_ID 65534u
#define PASS (SOCKET_PASSCRED | SOCKET_PASSPIDFD)

static struct spinlock drop_lock = SPINLOCK_INIT("unix-drop", LOCK_SOCKET_TABLE);
static struct unix_rights *drop_list;	/* drop_lock */
static bool is_dropping;		/* drop_lock */

static int parse_rights(struct unix_scm *scm, const struct user_cmsghdr *c)
{
	u32 n = (u32)((c->len - sizeof(*c)) / sizeof(s32));
	const s32 *fds = socket_cmsg_data(c);
	struct unix_rights *r = scm->rights;

	if (!n)
		return 0;
	if (n > SCM_MAX_FD || (r && r->n + n > SCM_MAX_FD))
		return -EINVAL;
	/* A second message of descriptors in one call: the first's end up in a larger block. */
	r = kmalloc(sizeof(*r) + ((scm->rights ? scm->rights->n : 0) + n) * sizeof(r->files[0]), 0);
	if (!r)
		return -ENOMEM;
	r->n = 0;
	if (scm->rights) {
		memcpy(r->files, scm->rights->files, scm->rights->n * sizeof(r->files[0]));
		r->n = scm->rights->n;
		kfree(scm->rights);
	}
	scm->rights = r;
	for (u32 i = 0; i < n; i++) {
		struct file *f = fd_get_any(fds[i]);

		if (!f)
			return -EBADF;
		r->files[r->n++] = f;
	}
	return 0;
}

static int parse_ids(struct unix_scm *scm, const struct user_cmsghdr *c)
{
	const struct cred *cred = cred_current();
	struct process *p;

	if (c->len != CMSG_LEN(sizeof(scm->ids)))
		return -EINVAL;
	memcpy(&scm->ids, socket_cmsg_data(c), sizeof(scm->ids));
	if ((scm->ids.pid != current_process()->pid && !capable(CAP_SYS_ADMIN)) ||
	    (scm->ids.uid != cred->uid && scm->ids.uid != cred->euid && scm->ids.uid != cred->suid && !capable(CAP_SETUID)) ||
	    (scm->ids.gid != cred->gid && scm->ids.gid != cred->egid && scm->ids.gid != cred->sgid && !capable(CAP_SETGID)))
		return -EPERM;
	if (scm->ids.pid != current_process()->pid) {
		p = process_find(scm->ids.pid);
		if (!p)
			return -ESRCH;
		process_put(p);
	}
	scm->has_ids = true;
	return 0;
}

int unix_scm_parse(const struct socket_msg *msg, struct unix_scm *scm)
{
	const struct user_cmsghdr *c;
	size_t at = 0;
	int err = 0;

	while (!err && (c = socket_cmsg_next(msg, &at))) {
		if (is_err(c))
			err = (int)ptr_err(c);
		else if (c->level != SOL_SOCKET)
			continue;
		else if (c->type == SCM_RIGHTS)
			err = parse_rights(scm, c);
		else
			err = c->type == SCM_CREDENTIALS ? parse_ids(scm, c) : -EINVAL;
	}
	if (!err && scm->rights)
		err = unix_inflight(scm->rights);
	if (err && scm->rights) {
		unix_rights_drop(scm->rights, false);
		scm->rights = NULL;
	}
	return err;
}

void __hot unix_scm_attach(struct unix_socket *u, struct unix_socket *to, struct unix_scm *scm, struct unix_packet *p)
{
	p->rights = scm->rights;
	scm->rights = NULL;
	if (scm->has_ids)
		p->ids = scm->ids;
	else if (unlikely(socket_option(&u->sk, PASS) || socket_option(&to->sk, PASS) || !to->sk.ino))
		p->ids = unix_own_ids();
	else
		p->ids = (struct user_ucred){ 0, OVERFLOW_ID, OVERFLOW_ID };
	/* Who accepts may have asked for it already. */
	if (unlikely(socket_option(&to->sk, SOCKET_PASSPIDFD) || !to->sk.ino))
		p->sender = p->ids.pid == current_process()->pid ? process_get(current_process()) : process_find(p->ids.pid);
}

void unix_scm_note(const struct socket *sk, struct unix_scm *scm, const struct unix_packet *p)
{
	scm->ids = p->ids;
	scm->has_ids = true;
	if (unlikely(socket_option(sk, SOCKET_PASSPIDFD)) && p->sender && !scm->sender)
		scm->sender = process_get(p->sender);
}

void unix_scm_forget(struct unix_scm *scm)
{
	unix_rights_drop(scm->rights, false);
	scm->rights = NULL;
	if (scm->sender)
		process_put(scm->sender);
	scm->sender = NULL;
}

void unix_scm_drop(struct unix_scm *scm)
{
	if (scm->rights)
		unix_rights_drop(scm->rights, true);
	scm->rights = NULL;
}

static void files_put(struct unix_rights *r)
{
	for (u32 i = 0; i < r->n; i++)
		file_put(r->files[i]);
	kfree(r);
}

void unix_rights_drop(struct unix_rights *r, bool in_flight)
{
	if (!r)
		return;
	if (in_flight)
		unix_notinflight(r);
	spin_lock(&drop_lock);
	r->next = drop_list;
	drop_list = r;
	if (is_dropping) {	/* by somebody else, or by ourselves further up the stack */
		spin_unlock(&drop_lock);
		return;
	}
	is_dropping = true;
	while ((r = drop_list)) {
		drop_list = r->next;
		spin_unlock(&drop_lock);
		files_put(r);
		spin_lock(&drop_lock);
	}
	is_dropping = false;
	spin_unlock(&drop_lock);
}

void unix_rights_take(struct unix_rights *r) { unix_notinflight(r); }

struct unix_rights *unix_rights_copy(const struct unix_rights *r)
{
	struct unix_rights *copy = kmalloc(sizeof(*copy) + r->n * sizeof(copy->files[0]), 0);

	if (!copy)
		return NULL;
	copy->n = r->n;
	for (u32 i = 0; i < r->n; i++)
		copy->files[i] = file_get(r->files[i]);
	/* The collector compares reference counts: it sees all of ours or was before them. */
	spin_lock(&unix_gc_lock);
	spin_unlock(&unix_gc_lock);
	return copy;
}

/* Descriptors into the receiver's table and buffer, as many as fit. How many. */
static u32 install(struct socket_msg *msg, struct unix_rights *r)
{
	struct socket_control *o = &msg->out_control;
	s32 __user *at = (s32 __user *)((char __user *)o->at + sizeof(struct user_cmsghdr));
	u32 room = o->at && o->room > sizeof(struct user_cmsghdr) ?
		   (u32)min((o->room - sizeof(struct user_cmsghdr)) / sizeof(s32), (size_t)r->n) : 0, i;

	for (i = 0; i < room; i++) {
		int fd = fd_reserve(0, msg->flags & MSG_CMSG_CLOEXEC);

		if (fd < 0)
			break;
		if (put_user(fd, at + i)) {
			fd_unreserve(fd);
			break;
		}
		fd_publish(fd, file_get(r->files[i]));
	}
	return i;
}

static void deliver_rights(struct socket_msg *msg, struct unix_rights *r)
{
	struct user_cmsghdr head = { .level = SOL_SOCKET, .type = SCM_RIGHTS };
	struct socket_control *o = &msg->out_control;
	u32 n = install(msg, r);
	size_t used;

	if (n < r->n)
		msg->out_flags |= MSG_CTRUNC;
	head.len = CMSG_LEN(n * sizeof(s32));
	if (n && !copy_to_user(o->at, &head, sizeof(head))) {
		used = min(CMSG_SPACE(n * sizeof(s32)), o->room);
		o->at = (char __user *)o->at + used;
		o->room -= used;
	}
	unix_rights_drop(r, false);
}

/* A descriptor for the sender, or why there is none. */
static void deliver_pidfd(struct socket_msg *msg, struct process *p)
{
	size_t room = msg->out_control.room;
	struct file *f;
	int fd;

	if (room <= sizeof(struct user_cmsghdr)) {
		msg->out_flags |= MSG_CTRUNC;
		return;
	}
	f = unix_pidfd_file(p);
	fd = is_err(f) ? (int)ptr_err(f) : fd_reserve(0, true);
	if (!socket_cmsg_put(msg, SOL_SOCKET, SCM_PIDFD, &fd, sizeof(fd)) && fd >= 0 && room >= CMSG_LEN(sizeof(fd))) {
		fd_publish(fd, f);
		return;
	}
	if (fd >= 0)
		fd_unreserve(fd);
	if (!is_err(f))
		file_put(f);
}

void unix_scm_deliver(struct socket *sk, struct socket_msg *msg, struct unix_scm *scm)
{
	bool passcred = socket_option(sk, SOCKET_PASSCRED);

	if (!msg->out_control.at) {
		if (socket_option(sk, PASS) || scm->rights)
			msg->out_flags |= MSG_CTRUNC;
		unix_scm_forget(scm);
		return;
	}
	if (passcred && scm->has_ids)
		(void)socket_cmsg_put(msg, SOL_SOCKET, SCM_CREDENTIALS, &scm->ids, sizeof(scm->ids));
	if (scm->rights)
		deliver_rights(msg, scm->rights);
	scm->rights = NULL;
	if (unlikely(scm->sender))
		deliver_pidfd(msg, scm->sender);
	unix_scm_forget(scm);
}
