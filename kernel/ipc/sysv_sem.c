/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System V semaphores: sets of counters that one call changes all or none of. A call that cannot go on waits in the set's queue
 * and tries again whenever something changed. What SEM_UNDO will take back is kept per process and set, and given back
 * when the process ends.
 * Lock: the table's.
 */
#include "sysv.h"
#include <kernel/mm.h>
#include <kernel/sysv.h>
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

struct sem {
	u16 value;
	pid_t pid;		/* who changed it last */
};
struct sem_set {
	struct sysv_object o;
	u32 count;		/* [b] */
	s64 otime;
	struct waitq wait;
	struct list undos;	/* struct sem_undo.of_set */
	struct list pending;	/* struct pending */
	struct sem sems[];
};
struct sem_undo {
	struct list of_set, of_process;
	struct sem_set *set;	/* reference */
	s16 adjust[];		/* what to add when the process ends */
};
/* A call that waits: for which counter, and for it to become what. */
struct pending {
	struct list link;
	u32 num;
	bool for_zero;
};

static u64 nr_sems;		/* [a] counters of all sets */

static void set_free(struct sysv_object *o)
{
	struct sem_set *s = container_of(o, struct sem_set, o);

	atomic_sub(&nr_sems, (u64)s->count);
	kfree(s);
}

static struct sysv_table table = SYSV_TABLE_INIT("semaphores", semmni, set_free);

static struct sem_set *set_of(struct sysv_object *o) { return container_of(o, struct sem_set, o); }

/* ---- semget ---- */

static struct sysv_object *set_make(void *arg)
{
	int count = *(int *)arg;
	struct sem_set *s;

	if (count <= 0)
		return err_ptr(-EINVAL);
	if (atomic_fetch_add(&nr_sems, (u64)count) + (u64)count > READ_ONCE(sysv_limits.semmns)) {
		atomic_sub(&nr_sems, (u64)count);
		return err_ptr(-ENOSPC);
	}
	s = kzalloc(sizeof(*s) + (size_t)count * sizeof(struct sem), 0);
	if (!s) {
		atomic_sub(&nr_sems, (u64)count);
		return err_ptr(-ENOMEM);
	}
	s->count = (u32)count;
	waitq_init(&s->wait);
	list_init(&s->undos);
	list_init(&s->pending);
	return &s->o;
}

static int set_check(struct sysv_object *o, void *arg)
{
	return *(int *)arg > (int)set_of(o)->count ? -EINVAL : 0;
}

long sys_semget(int key, int nsems, int flags)
{
	if (nsems < 0 || (u32)nsems > READ_ONCE(sysv_limits.semmsl))
		return -EINVAL;
	return sysv_get(&table, key, flags, set_make, set_check, &nsems);
}

/* ---- undo ---- */

/* Lock held. */
static struct sem_undo *undo_find(struct sem_set *s)
{
	struct sem_undo *u;

	list_for_each(u, &current_process()->sem_undos, of_process)
		if (u->set == s)
			return u;
	return NULL;
}

static void undo_unlink(struct sem_undo *u)
{
	list_remove(&u->of_set);
	list_remove(&u->of_process);
}

void sem_exit(struct process *p)
{
	struct sem_undo *u;

	if (list_empty(&p->sem_undos))
		return;
	spin_lock(&table.lock);
	while ((u = list_first(&p->sem_undos, struct sem_undo, of_process))) {
		struct sem_set *s = u->set;

		for (u32 i = 0; i < s->count; i++)
			if (u->adjust[i]) {
				s->sems[i].value = (u16)clamp((int)s->sems[i].value + u->adjust[i], 0, SEMVMX);
				s->sems[i].pid = p->pid;
			}
		s->otime = sysv_now();
		undo_unlink(u);
		waitq_wake_all(&s->wait);
		spin_unlock(&table.lock);
		sysv_put(&table, &s->o);
		kfree(u);
		spin_lock(&table.lock);
	}
	spin_unlock(&table.lock);
}

/* Before the call: room to note what is to be undone, if any op asks for it. */
static int undo_prepare(struct sem_set *s, const struct user_sembuf *ops, size_t n)
{
	struct sem_undo *u, *new;
	bool is_wanted = false;

	for (size_t i = 0; i < n; i++)
		is_wanted |= (ops[i].flags & SEM_UNDO) && ops[i].op;
	if (!is_wanted)
		return 0;
	new = kzalloc(sizeof(*new) + s->count * sizeof(s16), 0);
	if (!new)
		return -ENOMEM;
	spin_lock(&table.lock);
	u = undo_find(s);
	if (!u && !s->o.is_gone) {
		new->set = s;
		ref_get(&s->o.refs);
		list_push_back(&s->undos, &new->of_set);
		list_push_back(&current_process()->sem_undos, &new->of_process);
		new = NULL;
	}
	spin_unlock(&table.lock);
	kfree(new);
	return 0;
}

/* ---- semop ---- */

/* Lock held: one operation. 0, -EAGAIN it must wait, -ERANGE. */
static int apply(struct sem *sem, struct sem_undo *u, const struct user_sembuf *op)
{
	int value = sem->value + op->op, adjust;

	if (!op->op)
		return sem->value ? -EAGAIN : 0;
	if (value < 0)
		return -EAGAIN;
	if (value > SEMVMX)
		return -ERANGE;
	if (op->flags & SEM_UNDO) {
		adjust = u->adjust[op->num] - op->op;
		if (adjust < -32768 || adjust > 32767)
			return -ERANGE;
		u->adjust[op->num] = (s16)adjust;
	}
	sem->value = (u16)value;
	return 0;
}

static void take_back(struct sem *sem, struct sem_undo *u, const struct user_sembuf *op)
{
	sem->value = (u16)(sem->value - op->op);
	if (op->flags & SEM_UNDO && op->op)
		u->adjust[op->num] = (s16)(u->adjust[op->num] + op->op);
}

/* Lock held: all or nothing. 0; -EAGAIN with *stop: the one that must wait; -ERANGE, -EIDRM. */
static int try(struct sem_set *s, const struct user_sembuf *ops, size_t n, size_t *stop)
{
	struct sem_undo *u = undo_find(s);
	bool changes = false;
	size_t i;
	int err = 0;

	if (s->o.is_gone)
		return -EIDRM;
	for (i = 0; i < n && !err; i++)
		err = apply(&s->sems[ops[i].num], u, &ops[i]);
	if (err) {
		*stop = --i;
		while (i-- > 0)
			take_back(&s->sems[ops[i].num], u, &ops[i]);
		return err;
	}
	for (i = 0; i < n; i++) {
		s->sems[ops[i].num].pid = current_process()->pid;
		changes |= ops[i].op != 0;
	}
	s->otime = sysv_now();
	if (changes)
		waitq_wake_all(&s->wait);
	return 0;
}

/* Tries, and while it must wait stands in the list of those who do. True: decided, *err. */
static bool attempt(struct sem_set *s, const struct user_sembuf *ops, size_t n, struct pending *p, int *err)
{
	size_t stop = 0;

	spin_lock(&table.lock);
	*err = try(s, ops, n, &stop);
	if (!list_empty(&p->link))
		list_remove(&p->link);
	if (*err == -EAGAIN && !(ops[stop].flags & IPC_NOWAIT)) {
		p->num = ops[stop].num;
		p->for_zero = !ops[stop].op;
		list_push_back(&s->pending, &p->link);
	}
	spin_unlock(&table.lock);
	return *err != -EAGAIN || (ops[stop].flags & IPC_NOWAIT);
}

/* 0, -EAGAIN (would wait, or the time is over), -EINTR, -ERANGE, -EIDRM. */
static int operate(struct sem_set *s, const struct user_sembuf *ops, size_t n, u64 deadline_ns)
{
	struct pending p;
	int err = 0, slept;

	list_init(&p.link);
	slept = waitq_wait_until(&s->wait, attempt(s, ops, n, &p, &err), SLEEP_INTERRUPTIBLE, deadline_ns, false);
	spin_lock(&table.lock);
	if (!list_empty(&p.link))
		list_remove(&p.link);
	spin_unlock(&table.lock);
	return slept == -ETIMEDOUT ? -EAGAIN : slept ? slept : err;
}

static int ops_check(struct sem_set *s, const struct user_sembuf *ops, size_t n)
{
	bool changes = false;
	int err;

	for (size_t i = 0; i < n; i++) {
		if (ops[i].num >= s->count)
			return -EFBIG;
		changes |= ops[i].op != 0;
	}
	spin_lock(&table.lock);
	err = sysv_may(&s->o, changes ? 0222 : 0444);
	spin_unlock(&table.lock);
	return err;
}

long sys_semtimedop(int id, void __user *uops, u64 n, const struct timespec64 __user *timeout)
{
	struct user_sembuf *ops;
	struct sysv_object *o;
	struct timespec64 ts;
	u64 deadline = U64_MAX;
	int err;

	if (n < 1 || id < 0)
		return -EINVAL;
	if (n > READ_ONCE(sysv_limits.semopm))
		return -E2BIG;
	if (timeout) {
		if (copy_from_user(&ts, timeout, sizeof(ts)))
			return -EFAULT;
		if (!timespec_ok(&ts))
			return -EINVAL;
		deadline = time_ns() + timespec_ns(&ts);
	}
	ops = kmalloc(n * sizeof(*ops), 0);
	if (!ops)
		return -ENOMEM;
	err = copy_from_user(ops, uops, n * sizeof(*ops)) ? -EFAULT : 0;
	if (!err) {
		o = sysv_find(&table, id);
		err = is_err(o) ? (int)ptr_err(o) : ops_check(set_of(o), ops, n);
		if (!err)
			err = undo_prepare(set_of(o), ops, n);
		if (!err)
			err = operate(set_of(o), ops, n, deadline);
		if (!is_err(o))
			sysv_put(&table, o);
	}
	kfree(ops);
	return err;
}

long sys_semop(int id, void __user *ops, u64 n) { return sys_semtimedop(id, ops, n, NULL); }

/* ---- semctl ---- */

/* Lock held: counters set by hand forget what was to be undone. */
static void forget(struct sem_set *s, u32 num)
{
	struct sem_undo *u;

	list_for_each(u, &s->undos, of_set)
		u->adjust[num] = 0;
}

static long remove_set(struct sem_set *s)
{
	struct list dead = LIST_INIT(dead);
	struct sem_undo *u;
	long err;

	spin_lock(&table.lock);
	err = s->o.is_gone ? -EIDRM : sysv_may_control(&s->o);
	if (!err) {
		sysv_remove(&table, &s->o);
		while ((u = list_first(&s->undos, struct sem_undo, of_set))) {
			undo_unlink(u);
			list_push_back(&dead, &u->of_set);
		}
		waitq_wake_all(&s->wait);
	}
	spin_unlock(&table.lock);
	while ((u = list_first(&dead, struct sem_undo, of_set))) {
		list_remove(&u->of_set);
		sysv_put(&table, &s->o);
		kfree(u);
	}
	if (!err)
		sysv_put(&table, &s->o);
	return err;
}

static long set_rights(struct sem_set *s, const void __user *in)
{
	struct semid64_ds ds;
	long err;

	if (copy_from_user(&ds, in, sizeof(ds)))
		return -EFAULT;
	spin_lock(&table.lock);
	err = s->o.is_gone ? -EIDRM : sysv_may_control(&s->o);
	if (!err)
		sysv_set_rights(&s->o, &ds.perm);
	spin_unlock(&table.lock);
	return err;
}

/* 0 or -errno as for IPC_STAT. */
static long state(struct sem_set *s, struct semid64_ds *ds, bool any_may)
{
	long err;

	*ds = (struct semid64_ds){};
	spin_lock(&table.lock);
	err = s->o.is_gone ? -EIDRM : any_may ? 0 : sysv_may(&s->o, 0444);
	sysv_show(&s->o, &ds->perm);
	ds->otime = s->otime;
	ds->ctime = s->o.ctime;
	ds->nsems = s->count;
	spin_unlock(&table.lock);
	return err;
}

int sysv_sem_list(struct text *t, void *arg)
{
	struct sysv_object *o;

	text_printf(t, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	for (u64 at = 0; (o = sysv_next(&table, &at)); at++) {
		struct semid64_ds ds;

		if (!state(set_of(o), &ds, true))
			text_printf(t, "%10d %10d  %4o %10llu %5u %5u %5u %5u %10lld %10lld\n",
				    ds.perm.key, o->id, ds.perm.mode, (unsigned long long)ds.nsems, ds.perm.uid, ds.perm.gid,
				    ds.perm.cuid, ds.perm.cgid, (long long)ds.otime, (long long)ds.ctime);
		sysv_put(&table, o);
	}
	return 0;
}

static long show(struct sem_set *s, void __user *out, bool any_may)
{
	struct semid64_ds ds;
	long err = state(s, &ds, any_may);

	return err ? err : copy_to_user(out, &ds, sizeof(ds));
}

static long get_one(struct sem_set *s, int num, int cmd)
{
	struct pending *p;
	long result;

	if (num < 0 || (u32)num >= s->count)
		return -EINVAL;
	spin_lock(&table.lock);
	result = s->o.is_gone ? -EIDRM : sysv_may(&s->o, 0444);
	if (!result && cmd == GETVAL)
		result = s->sems[num].value;
	else if (!result && cmd == GETPID)
		result = s->sems[num].pid;
	else if (!result)
		list_for_each(p, &s->pending, link)
			result += p->num == (u32)num && p->for_zero == (cmd == GETZCNT);
	spin_unlock(&table.lock);
	return result;
}

static long set_one(struct sem_set *s, int num, int value)
{
	long err;

	if (num < 0 || (u32)num >= s->count)
		return -EINVAL;
	if (value < 0 || value > SEMVMX)
		return -ERANGE;
	spin_lock(&table.lock);
	err = s->o.is_gone ? -EIDRM : sysv_may(&s->o, 0222);
	if (!err) {
		s->sems[num] = (struct sem){ (u16)value, current_process()->pid };
		s->o.ctime = sysv_now();
		forget(s, (u32)num);
		waitq_wake_all(&s->wait);
	}
	spin_unlock(&table.lock);
	return err;
}

/* GETALL, SETALL. */
static long all(struct sem_set *s, u16 __user *uvalues, bool set)
{
	u16 *values = kmalloc(s->count * sizeof(*values), 0);
	long err = values ? 0 : -ENOMEM;

	if (!err && set && copy_from_user(values, uvalues, s->count * sizeof(*values)))
		err = -EFAULT;
	for (u32 i = 0; !err && set && i < s->count; i++)
		err = values[i] > SEMVMX ? -ERANGE : 0;
	if (err) {
		kfree(values);
		return err;
	}
	spin_lock(&table.lock);
	err = s->o.is_gone ? -EIDRM : sysv_may(&s->o, set ? 0222 : 0444);
	for (u32 i = 0; !err && i < s->count; i++) {
		if (set) {
			s->sems[i] = (struct sem){ values[i], current_process()->pid };
			forget(s, i);
		} else {
			values[i] = s->sems[i].value;
		}
	}
	if (!err && set) {
		s->o.ctime = sysv_now();
		waitq_wake_all(&s->wait);
	}
	spin_unlock(&table.lock);
	if (!err && !set)
		err = copy_to_user(uvalues, values, s->count * sizeof(*values));
	kfree(values);
	return err;
}

static long info(void __user *out, bool is_usage)
{
	struct seminfo i = {
		.semmap = (s32)READ_ONCE(sysv_limits.semmns), .semmni = (s32)READ_ONCE(sysv_limits.semmni),
		.semmns = (s32)READ_ONCE(sysv_limits.semmns), .semmnu = (s32)READ_ONCE(sysv_limits.semmns),
		.semmsl = (s32)READ_ONCE(sysv_limits.semmsl), .semopm = (s32)READ_ONCE(sysv_limits.semopm),
		.semume = (s32)READ_ONCE(sysv_limits.semopm), .semusz = 20, .semvmx = SEMVMX, .semaem = SEMVMX,
	};
	struct sysv_object *o;

	spin_lock(&table.lock);
	if (is_usage) {
		i.semusz = (s32)table.used;
		i.semaem = 0;
		for (u64 n = 0; (o = radix_next(&table.slots, &n)); n++)
			i.semaem += (s32)set_of(o)->count;
	}
	spin_unlock(&table.lock);
	return copy_to_user(out, &i, sizeof(i)) ? -EFAULT : sysv_highest(&table);
}

static long control(struct sem_set *s, int num, int cmd, u64 arg)
{
	switch (cmd) {
	case IPC_RMID:
		return remove_set(s);
	case IPC_SET:
		return set_rights(s, (void __user *)arg);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return show(s, (void __user *)arg, cmd == SEM_STAT_ANY);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return get_one(s, num, cmd);
	case SETVAL:
		return set_one(s, num, (int)arg);
	case GETALL:
	case SETALL:
		return all(s, (u16 __user *)arg, cmd == SETALL);
	default:
		return -EINVAL;
	}
}

long sys_semctl(int id, int num, int cmd, u64 arg)
{
	bool by_slot = cmd == SEM_STAT || cmd == SEM_STAT_ANY;
	struct sysv_object *o;
	long result;

	if (id < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || cmd == SEM_INFO)
		return info((void __user *)arg, cmd == SEM_INFO);
	o = by_slot ? sysv_find_slot(&table, id) : sysv_find(&table, id);
	if (is_err(o))
		return ptr_err(o);
	result = control(set_of(o), num, cmd, arg);
	if (!result && by_slot)
		result = o->id;
	sysv_put(&table, o);
	return result;
}
