/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V message queues: typed messages in order of arrival, taken by type. Senders wait while a queue is full, receivers while
 * it has nothing for them; both in the queue's one wait queue. Lock: the table's.
 */
#include "sysv.h"
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/capability.h>

struct msg {
	struct list link;
	s64 type;
	size_t size;
	u8 data[];
};
struct msg_queue {
	struct sysv_object o;
	struct list messages;
	u64 bytes, count, max_bytes;
	s64 stime, rtime;
	pid_t last_sender, last_receiver;
	struct waitq wait;
};

static void queue_free(struct sysv_object *o)
{
	struct msg_queue *q = container_of(o, struct msg_queue, o);
	struct msg *m;

	while ((m = list_first(&q->messages, struct msg, link))) {
		list_remove(&m->link);
		kfree(m);
	}
	kfree(q);
}

static struct sysv_table table = SYSV_TABLE_INIT("message queues", msgmni, queue_free);

static struct msg_queue *queue_of(struct sysv_object *o) { return container_of(o, struct msg_queue, o); }

static struct sysv_object *queue_make(void *unused)
{
	struct msg_queue *q = kzalloc(sizeof(*q), 0);

	if (!q)
		return err_ptr(-ENOMEM);
	list_init(&q->messages);
	waitq_init(&q->wait);
	q->max_bytes = READ_ONCE(sysv_limits.msgmnb);
	return &q->o;
}

long sys_msgget(int key, int flags) { return sysv_get(&table, key, flags, queue_make, NULL, NULL); }

/* ---- sending ---- */

/* True: decided, *err; m is the queue's if 0. */
static bool try_send(struct msg_queue *q, struct msg *m, int flags, int *err)
{
	bool fits;

	spin_lock(&table.lock);
	fits = q->bytes + m->size <= q->max_bytes && q->count + 1 <= q->max_bytes;
	*err = q->o.is_gone ? -EIDRM : sysv_may(&q->o, 0222);
	if (!*err && !fits)
		*err = -EAGAIN;
	if (!*err) {
		list_push_back(&q->messages, &m->link);
		q->bytes += m->size;
		q->count++;
		q->last_sender = current_process()->pid;
		q->stime = sysv_now();
		waitq_wake_all(&q->wait);
	}
	spin_unlock(&table.lock);
	return *err != -EAGAIN || (flags & IPC_NOWAIT);
}

/* The message at umsg: a long, then size bytes. err_ptr. */
static struct msg *read_message(const void __user *umsg, size_t size)
{
	struct msg *m;
	s64 type;

	if (size > READ_ONCE(sysv_limits.msgmax))
		return err_ptr(-EINVAL);
	if (get_user(type, (const s64 __user *)umsg))
		return err_ptr(-EFAULT);
	if (type < 1)
		return err_ptr(-EINVAL);
	m = kmalloc(sizeof(*m) + size, 0);
	if (!m)
		return err_ptr(-ENOMEM);
	m->type = type;
	m->size = size;
	if (!copy_from_user(m->data, (const u8 __user *)umsg + sizeof(type), size))
		return m;
	kfree(m);
	return err_ptr(-EFAULT);
}

long sys_msgsnd(int id, const void __user *umsg, size_t size, int flags)
{
	struct sysv_object *o;
	struct msg_queue *q;
	struct msg *m;
	int err = 0, slept;

	if (id < 0)
		return -EINVAL;
	m = read_message(umsg, size);
	if (is_err(m))
		return ptr_err(m);
	o = sysv_find(&table, id);
	if (is_err(o)) {
		kfree(m);
		return ptr_err(o);
	}
	q = queue_of(o);
	slept = waitq_wait_interruptible(&q->wait, try_send(q, m, flags, &err));
	if (slept)
		err = -ERESTARTNOHAND;
	sysv_put(&table, o);
	if (err)
		kfree(m);
	return err;
}

/* ---- receiving ---- */

/* Lock held: the message meant by type and flags (msgop(2)); MSG_COPY: the one at that place. */
static struct msg *choose(struct msg_queue *q, s64 type, int flags)
{
	s64 lowest = type == -S64_MAX - 1 ? S64_MAX : -type;
	struct msg *m, *best = NULL;

	list_for_each(m, &q->messages, link) {
		if (flags & MSG_COPY) {
			if (type-- == 0)
				return m;
		} else if (type == 0) {
			return m;
		} else if (type > 0) {
			if ((m->type == type) != !!(flags & MSG_EXCEPT))
				return m;
		} else if (m->type <= lowest && (!best || m->type < best->type)) {
			best = m;
		}
	}
	return best;
}

struct reception {
	struct msg *copy;	/* MSG_COPY: room, of that many bytes; else NULL */
	size_t room;
	struct msg *got;
	size_t size;
	s64 type;
	int flags, err;
};

/* True: decided, r->err; r->got is the caller's if 0. */
static bool try_receive(struct msg_queue *q, struct reception *r)
{
	struct msg *m;

	spin_lock(&table.lock);
	r->err = q->o.is_gone ? -EIDRM : sysv_may(&q->o, 0444);
	m = r->err ? NULL : choose(q, r->type, r->flags);
	if (!r->err && !m)
		r->err = -ENOMSG;
	else if (m && m->size > r->size && !(r->flags & MSG_NOERROR))
		r->err = -E2BIG;
	else if (m && r->copy && m->size > r->room)
		r->err = -EINVAL;
	if (!r->err && r->copy) {
		r->copy->type = m->type;
		r->copy->size = m->size;
		memcpy(r->copy->data, m->data, m->size);
		r->got = r->copy;
	} else if (!r->err) {
		list_remove(&m->link);
		q->bytes -= m->size;
		q->count--;
		q->last_receiver = current_process()->pid;
		q->rtime = sysv_now();
		waitq_wake_all(&q->wait);
		r->got = m;
	}
	spin_unlock(&table.lock);
	return r->err != -ENOMSG || (r->flags & IPC_NOWAIT);
}

static long give(const struct reception *r, void __user *umsg)
{
	size_t n = min(r->got->size, r->size);

	if (put_user(r->got->type, (s64 __user *)umsg) || copy_to_user((u8 __user *)umsg + sizeof(s64), r->got->data, n))
		return -EFAULT;
	return (long)n;
}

long sys_msgrcv(int id, void __user *umsg, size_t size, s64 type, int flags)
{
	struct reception r = { .size = size, .type = type, .flags = flags };
	struct sysv_object *o;
	struct msg_queue *q;
	long result;

	if (id < 0 || (s64)size < 0)
		return -EINVAL;
	if ((flags & MSG_COPY) && ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	if (flags & MSG_COPY) {
		r.room = min(size, (size_t)READ_ONCE(sysv_limits.msgmax));
		r.copy = kmalloc(sizeof(struct msg) + r.room, 0);
		if (!r.copy)
			return -ENOMEM;
	}
	o = sysv_find(&table, id);
	if (is_err(o)) {
		kfree(r.copy);
		return ptr_err(o);
	}
	q = queue_of(o);
	result = waitq_wait_interruptible(&q->wait, try_receive(q, &r)) ? -ERESTARTNOHAND : r.err;
	sysv_put(&table, o);
	if (!result)
		result = give(&r, umsg);
	if (r.got != r.copy)
		kfree(r.got);
	kfree(r.copy);
	return result;
}

/* ---- msgctl ---- */

static long set_rights(struct msg_queue *q, const void __user *in)
{
	struct msqid64_ds ds;
	long err;

	if (copy_from_user(&ds, in, sizeof(ds)))
		return -EFAULT;
	spin_lock(&table.lock);
	err = q->o.is_gone ? -EIDRM : sysv_may_control(&q->o);
	if (!err && ds.qbytes > READ_ONCE(sysv_limits.msgmnb) && !capable(CAP_SYS_RESOURCE))
		err = -EPERM;
	if (!err) {
		sysv_set_rights(&q->o, &ds.perm);
		q->max_bytes = ds.qbytes;
		waitq_wake_all(&q->wait);	/* there may be room now, or no right any more */
	}
	spin_unlock(&table.lock);
	return err;
}

static long remove_queue(struct msg_queue *q)
{
	long err;

	spin_lock(&table.lock);
	err = q->o.is_gone ? -EIDRM : sysv_may_control(&q->o);
	if (!err) {
		sysv_remove(&table, &q->o);
		waitq_wake_all(&q->wait);
	}
	spin_unlock(&table.lock);
	if (!err)
		sysv_put(&table, &q->o);
	return err;
}

/* 0 or -errno as for IPC_STAT. */
static long state(struct msg_queue *q, struct msqid64_ds *ds, bool any_may)
{
	long err;

	*ds = (struct msqid64_ds){};
	spin_lock(&table.lock);
	err = q->o.is_gone ? -EIDRM : any_may ? 0 : sysv_may(&q->o, 0444);
	sysv_show(&q->o, &ds->perm);
	ds->stime = q->stime;
	ds->rtime = q->rtime;
	ds->ctime = q->o.ctime;
	ds->cbytes = q->bytes;
	ds->qnum = q->count;
	ds->qbytes = q->max_bytes;
	ds->lspid = q->last_sender;
	ds->lrpid = q->last_receiver;
	spin_unlock(&table.lock);
	return err;
}

int sysv_msg_list(struct text *t, void *arg)
{
	struct sysv_object *o;

	text_printf(t, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n");
	for (u64 at = 0; (o = sysv_next(&table, &at)); at++) {
		struct msqid64_ds ds;

		if (!state(queue_of(o), &ds, true))
			text_printf(t, "%10d %10d  %4o  %10llu %10llu %5u %5u %5u %5u %5u %5u %10lld %10lld %10lld\n",
				    ds.perm.key, o->id, ds.perm.mode, (unsigned long long)ds.cbytes, (unsigned long long)ds.qnum,
				    ds.lspid, ds.lrpid, ds.perm.uid, ds.perm.gid, ds.perm.cuid, ds.perm.cgid,
				    (long long)ds.stime, (long long)ds.rtime, (long long)ds.ctime);
		sysv_put(&table, o);
	}
	return 0;
}

static long show(struct msg_queue *q, void __user *out, bool any_may)
{
	struct msqid64_ds ds;
	long err = state(q, &ds, any_may);

	return err ? err : copy_to_user(out, &ds, sizeof(ds));
}

static long info(void __user *out, bool is_usage)
{
	struct msginfo i = {
		.msgpool = (s32)(MSGMNI * (MSGMNB / 1024)), .msgmap = (s32)MSGMNB, .msgmax = (s32)READ_ONCE(sysv_limits.msgmax),
		.msgmnb = (s32)READ_ONCE(sysv_limits.msgmnb), .msgmni = (s32)READ_ONCE(sysv_limits.msgmni),
		.msgssz = 16, .msgtql = (s32)MSGMNB, .msgseg = 0xffff,
	};
	struct sysv_object *o;

	if (is_usage) {
		spin_lock(&table.lock);
		i.msgpool = (s32)table.used;
		i.msgmap = i.msgtql = 0;
		for (u64 n = 0; (o = radix_next(&table.slots, &n)); n++) {
			i.msgmap += (s32)queue_of(o)->count;
			i.msgtql += (s32)queue_of(o)->bytes;
		}
		spin_unlock(&table.lock);
	}
	return copy_to_user(out, &i, sizeof(i)) ? -EFAULT : sysv_highest(&table);
}

long sys_msgctl(int id, int cmd, void __user *buf)
{
	bool by_slot = cmd == MSG_STAT || cmd == MSG_STAT_ANY;
	struct sysv_object *o;
	long result;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || cmd == MSG_INFO)
		return info(buf, cmd == MSG_INFO);
	if (cmd != IPC_RMID && cmd != IPC_SET && cmd != IPC_STAT && !by_slot)
		return -EINVAL;
	o = by_slot ? sysv_find_slot(&table, id) : sysv_find(&table, id);
	if (is_err(o))
		return ptr_err(o);
	result = cmd == IPC_RMID ? remove_queue(queue_of(o)) : cmd == IPC_SET ? set_rights(queue_of(o), buf) :
		 show(queue_of(o), buf, cmd == MSG_STAT_ANY);
	if (!result && by_slot)
		result = o->id;
	sysv_put(&table, o);
	return result;
}
