/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues: named queues of bounded length, highest priority first. They live in a table of names, not in a file
 * system; a descriptor is a file without a name that can be polled. A queue ends with its name and its last descriptor.
 * Lock: mq_lock for the table, all queues and who is to be notified.
 */
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/capability.h>

#define NAME_MAX_LEN 255
#define QUEUES_MAX 256
#define PRIORITIES 32768u
#define MESSAGES_DEFAULT 10
#define SIZE_DEFAULT 8192
#define MESSAGES_MAX 10			/* without CAP_SYS_RESOURCE */
#define SIZE_MAX_USER 8192
#define MESSAGES_HARD 65536
#define SIZE_HARD (16 << 20)

struct user_mq_attr {
	s64 flags, maxmsg, msgsize, curmsgs, unused[4];
};
struct message {
	struct list link;
	size_t size;
	u32 priority;
	u8 data[];
};
struct mqueue {
	struct refcount refs;		/* the name's and each file's */
	struct list link;		/* mq_table; linked to itself: unlinked */
	struct list messages;		/* by priority, then by arrival */
	s64 count, max_count, max_size;	/* max_*: [b] */
	uid_t uid;			/* [b] */
	gid_t gid;
	mode_t mode;
	u32 receivers;			/* threads that wait for a message: they come before a notification */
	struct process *notify;		/* reference; NULL: nobody is registered */
	struct user_sigevent event;	/* for it */
	struct waitq wait;
	char name[];			/* [b] */
};

static struct spinlock mq_lock = SPINLOCK_INIT("message queue", LOCK_SYSV);
static struct list mq_table = LIST_INIT(mq_table);
static u32 mq_count;

static const struct file_ops mq_ops;

static void put(struct mqueue *q)
{
	struct message *m;

	if (!ref_put(&q->refs))
		return;
	while ((m = list_first(&q->messages, struct message, link))) {
		list_remove(&m->link);
		kfree(m);
	}
	if (q->notify)
		process_put(q->notify);
	kfree(q);
}

/* Lock held. */
static struct mqueue *find(const char *name)
{
	struct mqueue *q;

	list_for_each(q, &mq_table, link)
		if (!strcmp(q->name, name))
			return q;
	return NULL;
}

/* ---- files ---- */

static u32 mq_poll(struct file *f, struct poll_table *t)
{
	struct mqueue *q = f->private;
	u32 events;

	poll_wait(t, f, &q->wait);
	spin_lock(&mq_lock);
	events = (q->count ? POLLIN | POLLRDNORM : 0) | (q->count < q->max_count ? POLLOUT | POLLWRNORM : 0);
	spin_unlock(&mq_lock);
	return events;
}

/* Each close: the process that wanted to be notified no longer does. */
static int mq_flush(struct file *f)
{
	struct mqueue *q = f->private;
	struct process *was = NULL;

	spin_lock(&mq_lock);
	if (q->notify && q->notify == current->process) {
		was = q->notify;
		q->notify = NULL;
	}
	spin_unlock(&mq_lock);
	if (was)
		process_put(was);
	return 0;
}

static void mq_release(struct file *f) { put(f->private); }

static const struct file_ops mq_ops = { .poll = mq_poll, .flush = mq_flush, .release = mq_release };

/* With the right asked for. err_ptr: -EBADF. */
static struct file *mq_get(int fd, u32 mode)
{
	struct file *f = fd_get(fd);

	if (f && (f->ops != &mq_ops || (f->mode & mode) != mode)) {
		file_put(f);
		f = NULL;
	}
	return f ? f : err_ptr(-EBADF);
}

/* ---- mq_open, mq_unlink ---- */

/* The name without its slash, which the C library takes off. 0, -EFAULT, -ENOENT (empty), -ENAMETOOLONG, -EACCES (not a plain one). */
static int read_name(char *name, const char __user *uname)
{
	ssize_t len = copy_string_from_user(name, uname, NAME_MAX_LEN + 1);

	if (len < 0)
		return (int)len;
	if (!len)
		return -ENOENT;
	return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

/* 0 or -EINVAL. */
static int attr_check(const struct user_mq_attr *a)
{
	bool is_free = capable(CAP_SYS_RESOURCE);

	if (a->maxmsg <= 0 || a->msgsize <= 0)
		return -EINVAL;
	return a->maxmsg > (is_free ? MESSAGES_HARD : MESSAGES_MAX) || a->msgsize > (is_free ? SIZE_HARD : SIZE_MAX_USER) ? -EINVAL : 0;
}

static struct mqueue *make(const char *name, mode_t mode, const struct user_mq_attr *a)
{
	struct fs_context *fs = process_fs_get(current_process());
	struct mqueue *q = kzalloc(sizeof(*q) + strlen(name) + 1, 0);

	if (q) {
		ref_set(&q->refs, 1);
		list_init(&q->link);
		list_init(&q->messages);
		waitq_init(&q->wait);
		strlcpy(q->name, name, strlen(name) + 1);
		q->max_count = a->maxmsg;
		q->max_size = a->msgsize;
		q->uid = cred_current()->fsuid;
		q->gid = cred_current()->fsgid;
		q->mode = mode & 0777 & ~fs->umask;
	}
	fs_context_put(fs);
	return q;
}

static u64 cost(const struct mqueue *q) { return (u64)q->max_count * ((u64)q->max_size + sizeof(struct message)); }

/* Lock held. 0, -ENOSPC, -EMFILE: RLIMIT_MSGQUEUE. */
static int enter(struct mqueue *q)
{
	u64 sum = cost(q);
	struct mqueue *other;

	if (mq_count >= QUEUES_MAX && !capable(CAP_SYS_RESOURCE))
		return -ENOSPC;
	list_for_each(other, &mq_table, link)
		if (other->uid == q->uid)
			sum += cost(other);
	if (sum > rlimit(RLIMIT_MSGQUEUE))
		return -EMFILE;
	list_push_back(&mq_table, &q->link);
	mq_count++;
	return 0;
}

/* Lock held. */
static int may_open(const struct mqueue *q, int oflags)
{
	const struct cred *c = cred_current();
	u32 want = (oflags & O_ACCMODE) == O_RDONLY ? 4 : (oflags & O_ACCMODE) == O_WRONLY ? 2 : 6;
	u32 granted = c->fsuid == q->uid ? q->mode >> 6 : cred_in_group(c, q->gid) ? q->mode >> 3 : q->mode;

	return (want & ~granted & 7) && !capable(CAP_DAC_OVERRIDE) ? -EACCES : 0;
}

/* The queue of that name, or a new one; referenced. err_ptr. */
static struct mqueue *open_queue(const char *name, int oflags, mode_t mode, const struct user_mq_attr *a)
{
	struct mqueue *new = NULL, *q;
	int err = 0;

	if (oflags & O_CREAT) {
		err = attr_check(a);
		new = err ? NULL : make(name, mode, a);
		if (!new)
			return err_ptr(err ? err : -ENOMEM);
	}
	spin_lock(&mq_lock);
	q = find(name);
	if (q)
		err = (oflags & O_CREAT) && (oflags & O_EXCL) ? -EEXIST : may_open(q, oflags);
	else if (!new)
		err = -ENOENT;
	else if (!(err = enter(new)))
		q = new;
	if (!err)
		ref_get(&q->refs);
	spin_unlock(&mq_lock);
	if (new && (q != new || err))
		put(new);
	return err ? err_ptr(err) : q;
}

long sys_mq_open(const char __user *uname, int oflags, mode_t mode, void __user *uattr)
{
	struct user_mq_attr a = { .maxmsg = MESSAGES_DEFAULT, .msgsize = SIZE_DEFAULT };
	char name[NAME_MAX_LEN + 1];
	struct mqueue *q;
	struct file *f;
	int err, fd;

	if (uattr && copy_from_user(&a, uattr, sizeof(a)))
		return -EFAULT;
	err = read_name(name, uname);
	if (err)
		return err;
	if ((oflags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	q = open_queue(name, oflags, mode, &a);
	if (is_err(q))
		return ptr_err(q);
	f = file_anon("mqueue", &mq_ops, q, (u32)oflags & (O_ACCMODE | O_NONBLOCK), 0600);
	if (is_err(f)) {
		put(q);
		return ptr_err(f);
	}
	fd = fd_install(f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_mq_unlink(const char __user *uname)
{
	char name[NAME_MAX_LEN + 1];
	struct mqueue *q;
	int err = read_name(name, uname);

	if (err)
		return err;
	spin_lock(&mq_lock);
	q = find(name);
	if (!q)
		err = -ENOENT;
	else if (q->uid != cred_current()->fsuid && !capable(CAP_FOWNER))
		err = -EPERM;	/* as from a directory with the sticky bit */
	if (!err) {
		list_remove(&q->link);
		mq_count--;
	}
	spin_unlock(&mq_lock);
	if (!err)
		put(q);
	return err;
}

/* ---- sending and receiving ---- */

/* An absolute time of the wall clock. 0, -EFAULT, -EINVAL. */
static int deadline_read(const struct timespec64 __user *utime, u64 *deadline_ns)
{
	struct timespec64 ts;
	s64 wall;

	*deadline_ns = U64_MAX;
	if (!utime)
		return 0;
	if (copy_from_user(&ts, utime, sizeof(ts)))
		return -EFAULT;
	if (!timespec_ok(&ts))
		return -EINVAL;
	wall = time_wall_ns();
	*deadline_ns = (s64)timespec_ns(&ts) <= wall ? 0 : time_ns() + (timespec_ns(&ts) - (u64)wall);
	return 0;
}

/* Lock held. The process that asked for it, to be told by the caller after unlocking; NULL. */
static struct process *take_notified(struct mqueue *q, struct user_sigevent *event)
{
	struct process *p = q->notify;

	if (!p || q->receivers)
		return NULL;
	*event = q->event;
	q->notify = NULL;
	return p;
}

static void notify(struct process *p, const struct user_sigevent *event)
{
	struct user_siginfo info = { .signo = event->signo, .code = SI_MESGQ };

	info.rt.pid = current_process()->pid;
	info.rt.uid = cred_current()->uid;
	info.rt.value = event->value;
	if (event->notify == SIGEV_SIGNAL)
		(void)signal_send_process(p, event->signo, &info);
	process_put(p);
}

static bool try_send(struct mqueue *q, struct message *m)
{
	struct user_sigevent event;
	struct process *told = NULL;
	struct message *other;
	struct list *at = &q->messages;
	bool fits;

	spin_lock(&mq_lock);
	fits = q->count < q->max_count;
	if (fits) {
		list_for_each(other, &q->messages, link)
			if (other->priority < m->priority) {
				at = &other->link;
				break;
			}
		list_push_back(at, &m->link);	/* before it */
		if (!q->count++)
			told = take_notified(q, &event);
	}
	spin_unlock(&mq_lock);
	if (fits)
		waitq_wake(&q->wait, 1, POLLIN | POLLRDNORM);
	if (told)
		notify(told, &event);
	return fits;
}

/* 0, -EAGAIN, -EINTR's kin, -ETIMEDOUT. */
static int send(struct file *f, struct message *m, u64 deadline_ns)
{
	struct mqueue *q = f->private;
	int err;

	if (try_send(q, m))
		return 0;
	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	err = waitq_wait_events(&q->wait, try_send(q, m), POLLOUT | POLLWRNORM, SLEEP_INTERRUPTIBLE, deadline_ns, true);
	return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_mq_timedsend(int fd, const char __user *umsg, size_t len, u32 priority, const struct timespec64 __user *utime)
{
	struct message *m = NULL;
	struct mqueue *q;
	struct file *f;
	u64 deadline;
	int err;

	if (priority >= PRIORITIES)
		return -EINVAL;
	err = deadline_read(utime, &deadline);
	if (err)
		return err;
	f = mq_get(fd, FMODE_WRITE);
	if (is_err(f))
		return ptr_err(f);
	q = f->private;
	if (len > (size_t)q->max_size)
		err = -EMSGSIZE;
	else if (!(m = kmalloc(sizeof(*m) + len, 0)))
		err = -ENOMEM;
	else if (copy_from_user(m->data, umsg, len))
		err = -EFAULT;
	if (!err) {
		m->size = len;
		m->priority = priority;
		err = send(f, m, deadline);
	}
	if (err)
		kfree(m);
	file_put(f);
	return err;
}

static struct message *take(struct mqueue *q)
{
	struct message *m;

	spin_lock(&mq_lock);
	m = list_first(&q->messages, struct message, link);
	if (m) {
		list_remove(&m->link);
		q->count--;
	}
	spin_unlock(&mq_lock);
	if (m)
		waitq_wake(&q->wait, 1, POLLOUT | POLLWRNORM);
	return m;
}

static void count_receiver(struct mqueue *q, int change)
{
	spin_lock(&mq_lock);
	q->receivers += (u32)change;
	spin_unlock(&mq_lock);
}

/* err_ptr as send's errors. */
static struct message *receive(struct file *f, u64 deadline_ns)
{
	struct mqueue *q = f->private;
	struct message *m = take(q);
	int err;

	if (m)
		return m;
	if (f->flags & O_NONBLOCK)
		return err_ptr(-EAGAIN);
	count_receiver(q, 1);
	err = waitq_wait_events(&q->wait, (m = take(q)) != NULL, POLLIN | POLLRDNORM, SLEEP_INTERRUPTIBLE, deadline_ns, true);
	count_receiver(q, -1);
	return err ? err_ptr(err == -EINTR ? -ERESTARTSYS : err) : m;
}

long sys_mq_timedreceive(int fd, char __user *umsg, size_t len, u32 __user *upriority, const struct timespec64 __user *utime)
{
	struct message *m;
	struct file *f;
	u64 deadline;
	long result = deadline_read(utime, &deadline);

	if (result)
		return result;
	f = mq_get(fd, FMODE_READ);
	if (is_err(f))
		return ptr_err(f);
	if (len < (size_t)((struct mqueue *)f->private)->max_size) {
		file_put(f);
		return -EMSGSIZE;
	}
	m = receive(f, deadline);
	file_put(f);
	if (is_err(m))
		return ptr_err(m);
	result = (long)m->size;
	if ((upriority && put_user(m->priority, upriority)) || copy_to_user(umsg, m->data, m->size))
		result = -EFAULT;
	kfree(m);
	return result;
}

/* ---- notification and attributes ---- */

/* SIGEV_THREAD needs the C library's netlink trick and is refused. */
static long event_read(struct user_sigevent *e, const void __user *uevent)
{
	if (copy_from_user(e, uevent, sizeof(*e)))
		return -EFAULT;
	if (e->notify == SIGEV_THREAD)
		return -ENOSYS;
	if (e->notify != SIGEV_NONE && e->notify != SIGEV_SIGNAL)
		return -EINVAL;
	return e->notify == SIGEV_SIGNAL && (e->signo < 0 || e->signo > NSIG) ? -EINVAL : 0;
}

long sys_mq_notify(int fd, const void __user *uevent)
{
	struct process *was = NULL;
	struct user_sigevent e;
	struct mqueue *q;
	struct file *f;
	long err = uevent ? event_read(&e, uevent) : 0;

	if (err)
		return err;
	f = mq_get(fd, 0);
	if (is_err(f))
		return ptr_err(f);
	q = f->private;
	spin_lock(&mq_lock);
	if (!uevent) {
		if (q->notify == current_process()) {
			was = q->notify;
			q->notify = NULL;
		}
	} else if (q->notify) {
		err = -EBUSY;
	} else {
		q->notify = process_get(current_process());
		q->event = e;
	}
	spin_unlock(&mq_lock);
	if (was)
		process_put(was);
	file_put(f);
	return err;
}

long sys_mq_getsetattr(int fd, const void __user *uattr, void __user *uold)
{
	struct user_mq_attr new, old = {};
	struct mqueue *q;
	struct file *f;

	if (uattr && copy_from_user(&new, uattr, sizeof(new)))
		return -EFAULT;
	if (uattr && (new.flags & ~(s64)O_NONBLOCK))
		return -EINVAL;
	f = mq_get(fd, 0);
	if (is_err(f))
		return ptr_err(f);
	q = f->private;
	spin_lock(&mq_lock);
	old.maxmsg = q->max_count;
	old.msgsize = q->max_size;
	old.curmsgs = q->count;
	old.flags = f->flags & O_NONBLOCK;
	if (uattr)
		f->flags = (f->flags & ~(u32)O_NONBLOCK) | (u32)new.flags;
	spin_unlock(&mq_lock);
	file_put(f);
	return uold ? copy_to_user(uold, &old, sizeof(old)) : 0;
}
