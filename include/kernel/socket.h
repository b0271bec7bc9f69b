/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: what every family shares. kernel/net/ has the system calls (sys_*.c), the file behind a
 * descriptor (file.c), SOL_SOCKET options (options.c); a family brings a const struct socket_family and
 * struct socket_ops per type and is named in its folder's meson.build: `socket_families += ['unix']` stands for
 * `const struct socket_family socket_family_unix`.
 *
 * Ownership. A socket starts with one reference, its file's. A protocol takes more (socket_get) for whatever
 * else points at it: accept queues, peers, a protocol block with callbacks. ops->release comes once,
 * when the file goes (no call is inside the socket any more: each holds the file); a socket that was
 * never accepted gets it when its listener is released. ops->destroy comes with the last reference.
 *
 * Locks. The generic layer takes none around ops. sk->lock (mutex, LOCK_SOCKET) is the protocol's to serialise
 * bind, listen, connect and whatever it likes; sk->queue_lock (spin, LOCK_SOCKET_QUEUE, interrupts on) guards the
 * receive and accept queues and the marks [q]; user memory is never touched under it. Two queue locks: see
 * the protocol. Wakers make the condition true, then call socket_wake (any context that may take LOCK_WAITQ).
 *
 * Marks: [b] set at creation, [q] queue_lock, [a] atomic, [p] the protocol's choice.
 */
#ifndef KERNEL_SOCKET_H
#define KERNEL_SOCKET_H

#include <kernel/fs.h>
#include <uapi/socket.h>

struct socket;
struct socket_family;
struct nl_request;
struct nl_out;

/* Receiver's side of control data: straight into the user's buffer. */
struct socket_control {
	void __user *at;		/* next message goes here */
	size_t room;			/* bytes left */
};

/* One sendmsg or recvmsg. */
struct socket_msg {
	struct uio *data;		/* where the bytes come from or go to */
	u32 flags;			/* in: MSG_*, MSG_DONTWAIT also for O_NONBLOCK */
	u32 out_flags;			/* recvmsg: MSG_TRUNC, MSG_CTRUNC, MSG_EOR … to be told to the caller */
	/*
	 * sendmsg: destination or NULL. recvmsg: room for SOCKADDR_MAX bytes, or NULL when nobody asks; the
	 * protocol sets name_len (0: no name). Kernel memory.
	 */
	struct sockaddr_storage *name;
	u32 name_len;
	/* sendmsg: copy of the user's control bytes, whole and checked by socket_cmsg_next; NULL none. */
	const void *control;
	size_t control_len;
	struct socket_control out_control;	/* recvmsg: socket_cmsg_put */
};

struct socket_ops {
	/*
	 * addr: len bytes, kernel memory of SOCKADDR_MAX bytes (so any fixed sockaddr may be read), family
	 * not checked; 2 <= len <= SOCKADDR_MAX for connect and bind except that short ones come as they are
	 * (len 0 possible). 0 or -errno; each NULL operation is -EOPNOTSUPP unless said otherwise.
	 */
	int (*bind)(struct socket *sk, const struct sockaddr_storage *addr, u32 len);
	int (*listen)(struct socket *sk, u32 backlog);		/* backlog already limited to SOMAXCONN */
	/* One connected socket of the same family, references 1, no file yet. nonblock: -EAGAIN instead of waiting. */
	int (*accept)(struct socket *sk, bool nonblock, struct socket **out);
	/* nonblock: -EINPROGRESS and the like as the protocol has it. Waiting: socket_send_deadline, socket_wait_error. */
	int (*connect)(struct socket *sk, const struct sockaddr_storage *addr, u32 len, bool nonblock);
	int (*pair)(struct socket *a, struct socket *b);	/* socketpair */
	/* Length written to *out, or -errno (-ENOTCONN). peer: the other end's name. NULL: -EOPNOTSUPP. */
	int (*getname)(struct socket *sk, struct sockaddr_storage *out, bool peer);
	/* Bytes moved or -errno. -EPIPE on a SOCK_STREAM makes the generic layer send SIGPIPE unless MSG_NOSIGNAL. */
	ssize_t (*sendmsg)(struct socket *sk, struct socket_msg *msg);
	ssize_t (*recvmsg)(struct socket *sk, struct socket_msg *msg);
	int (*shutdown)(struct socket *sk, u32 how);		/* SOCKET_SHUT_* bits that are to be added */
	/* POLL* bits that hold now. The generic layer has registered sk->wait already. Never sleeps. */
	u32 (*poll)(struct socket *sk);
	/* -ENOIOCTLCMD: not mine; tried then: the generic ones, at last the AF_INET family's dev_ioctl (interfaces). */
	long (*ioctl)(struct socket *sk, u32 cmd, u64 arg);
	/*
	 * Options. Every level comes here first, SOL_SOCKET too: -ENOPROTOOPT lets the generic layer do
	 * SOL_SOCKET. val: user memory, len already >= 0. NULL: -ENOPROTOOPT (-EOPNOTSUPP for other levels, as
	 * Linux's AF_UNIX has it). getsockopt: *len is the room on entry, what was written on return.
	 */
	int (*setsockopt)(struct socket *sk, int level, int opt, const void __user *val, u32 len);
	int (*getsockopt)(struct socket *sk, int level, int opt, void __user *val, u32 *len);
	void (*option_changed)(struct socket *sk, int opt);	/* after the generic layer set a SOL_SOCKET option; may be NULL */
	void (*release)(struct socket *sk);			/* the file is gone; may sleep (linger) */
	void (*destroy)(struct socket *sk);			/* last reference; may be NULL; the memory is the generic layer's */
	int (*show_fdinfo)(struct socket *sk, char *buf, size_t size);	/* may be NULL */
	bool has_peek_off;		/* its recvmsg heeds SO_PEEK_OFF */
};

struct socket_family {			/* const object, named in meson.build */
	u16 family;			/* AF_* */
	const char *name;
	size_t size;			/* of the protocol's struct, whose first member is struct socket */
	/*
	 * A new socket: family, type and the rest set, zeroed behind struct socket. Sets sk->ops and sk->protocol.
	 * -ESOCKTNOSUPPORT type, -EPROTONOSUPPORT protocol, -EPERM, -ENOMEM; then only the memory is freed.
	 */
	int (*create)(struct socket *sk, int protocol);
	long (*dev_ioctl)(struct socket *sk, u32 cmd, u64 arg);	/* AF_INET: SIOCGIF… on any socket; -ENOTTY */
	/* Sockets of the family for NETLINK_SOCK_DIAG: 0 or -errno (include/kernel/netlink.h). NULL: not told. */
	int (*diag)(const struct nl_request *r, struct nl_out *o);
	void (*init)(void);		/* at boot, may sleep; may be NULL */
};

enum socket_state { SOCKET_UNCONNECTED, SOCKET_LISTENING, SOCKET_CONNECTING, SOCKET_CONNECTED, SOCKET_DISCONNECTING };

#define SOCKET_SHUT_RD BIT(0)		/* nothing more will be received */
#define SOCKET_SHUT_WR BIT(1)		/* nothing more will be sent */
#define SOCKET_SHUT_BOTH (SOCKET_SHUT_RD | SOCKET_SHUT_WR)

/* socket.options: SOL_SOCKET's yes-or-no options. */
#define SOCKET_REUSEADDR BIT(0)
#define SOCKET_REUSEPORT BIT(1)
#define SOCKET_KEEPALIVE BIT(2)
#define SOCKET_BROADCAST BIT(3)
#define SOCKET_OOBINLINE BIT(4)
#define SOCKET_DONTROUTE BIT(5)
#define SOCKET_PASSCRED BIT(6)
#define SOCKET_PASSPIDFD BIT(7)
#define SOCKET_TIMESTAMP BIT(8)		/* SCM_TIMESTAMP with each packet */
#define SOCKET_TIMESTAMPNS BIT(9)
#define SOCKET_LINGER BIT(10)
#define SOCKET_DEBUG BIT(11)
#define SOCKET_NO_CHECK BIT(12)
#define SOCKET_RXQ_OVFL BIT(13)
#define SOCKET_RCVBUF_SET BIT(14)	/* the program chose it */
#define SOCKET_SNDBUF_SET BIT(15)
#define SOCKET_PASSSEC BIT(16)		/* remembered: nothing here labels who sends */

/* Base of what lies in a receive queue: one datagram or one piece of a stream. */
struct socket_packet {
	struct list link;		/* [q] */
	u32 len;			/* payload bytes left in it */
	u32 charge;			/* bytes counted against a buffer limit, overhead included */
	void (*free)(struct socket_packet *p);
};

struct socket {
	struct refcount refs;
	u16 family, type;		/* [b] AF_*, SOCK_* */
	s32 protocol;			/* [b] */
	const struct socket_ops *ops;	/* [b] */
	ino_t ino;			/* [b] socket:[ino]; 0 until the socket has a file */
	struct file *file;		/* [b] not referenced; NULL before accept and after release */
	u32 state;			/* [a][p] enum socket_state */
	u32 shut;			/* [a][p] SOCKET_SHUT_* */
	u32 options;			/* [a] SOCKET_* */
	s32 error;			/* [a] pending SO_ERROR, positive errno; socket_take_error */
	struct mutex lock;		/* LOCK_SOCKET */
	struct waitq wait;		/* everybody: blocked calls, poll, epoll, SIGIO; wake with POLL* bits */

	struct spinlock queue_lock;	/* LOCK_SOCKET_QUEUE */
	struct list queue;		/* [q] struct socket_packet.link, oldest first */
	u32 queue_len;			/* [q] packets; read without */
	u32 queue_bytes;		/* [q] sum of their len; read without */
	u32 receive_used;		/* [q] charge of what is queued here, against rcvbuf */
	u32 send_used;			/* [a] charge of what this socket sent and nobody took, against sndbuf */
	struct list accept_queue;	/* [q] struct socket.accept_link, referenced */
	struct list accept_link;	/* listener's [q] */
	u32 accept_len, backlog;	/* [q] */

	u32 rcvbuf, sndbuf;		/* [a] limits as the user reads them (twice what was set, as Linux) */
	u32 rcvlowat;			/* [a] >= 1 */
	u64 rcvtimeo_ns, sndtimeo_ns;	/* [a] 0: for ever */
	u32 linger_s;			/* [a] with SOCKET_LINGER */
	u32 priority, mark;		/* [a] */
	s32 peek_off;			/* [a] SO_PEEK_OFF; -1: none */
	u32 drops;			/* [a] packets refused for lack of room */
	/* Who: of the peer as of connect, listen or socketpair (SO_PEERCRED); NULL none. */
	struct user_ucred peer_ids;	/* [p] pid 0 and ids -1 when unknown */
};

#define SOCKET_BUF_DEFAULT 212992u
#define SOCKET_RCVBUF_MIN 2304u
#define SOCKET_SNDBUF_MIN 4608u

/* ---- making and finding ------------------------------------------------------------------------ */
/* References 1, no file. err_ptr: -EAFNOSUPPORT, -EINVAL (type), the family's. */
struct socket *socket_create(int family, int type, int protocol);
/* For accept: the family's struct, initialised, with ops and protocol of like. NULL without memory. Never sleeps. */
struct socket *socket_alloc_like(const struct socket *like);
/* File with its inode around sk (reference taken over, also on failure: released). flags: O_NONBLOCK. err_ptr. */
struct file *socket_file_new(struct socket *sk, u32 flags);
static inline struct socket *socket_get(struct socket *sk) { ref_get(&sk->refs); return sk; }
void socket_put(struct socket *sk);		/* last: ops->destroy, may sleep */
/* Releases a socket without a file (never accepted): ops->release and the reference. */
void socket_release(struct socket *sk);
/* The socket behind a file; NULL: it is none. */
struct socket *socket_of_file(const struct file *f);
const struct socket_family *socket_family_find(int family);
void socket_init(void);				/* boot */

/* ---- waking and waiting -------------------------------------------------------------------------- */
/* events: POLLIN | POLLRDNORM and so on. Wakes who waits for one of them, of blocked calls one. */
static inline void socket_wake(struct socket *sk, u32 events) { waitq_wake(&sk->wait, 1, events); }
static inline void socket_wake_all(struct socket *sk) { waitq_wake_all(&sk->wait); }
#define SOCKET_READABLE (POLLIN | POLLRDNORM)
#define SOCKET_WRITABLE (POLLOUT | POLLWRNORM)
/* Absolute deadline of a blocking receive or send: 0 don't wait, U64_MAX for ever. */
u64 socket_receive_deadline(const struct socket *sk, u32 msg_flags);
u64 socket_send_deadline(const struct socket *sk, u32 msg_flags);
/*
 * Waits until cond for one of events, cond tested without locks. 0; -EAGAIN: deadline over (or 0); -ERESTARTSYS: signal
 * (-EINTR when there is a deadline). Blocked callers are woken one at a time: who leaves something over wakes the next.
 */
#define socket_wait(sk, cond, events, deadline) ({ \
	int _w = (cond) ? 0 : (deadline) == 0 ? -EAGAIN : \
		waitq_wait_events(&(sk)->wait, cond, events, SLEEP_INTERRUPTIBLE, deadline, true); \
	socket_wait_error(_w, deadline); })
static inline int socket_wait_error(int r, u64 deadline)
{
	return r == -EINTR ? (deadline == U64_MAX ? -ERESTARTSYS : -EINTR) : r == -ETIMEDOUT ? -EAGAIN : r;
}
/* Takes the pending error: 0 or -errno. */
int socket_take_error(struct socket *sk);
void socket_set_error(struct socket *sk, int err);	/* positive errno; wakes with POLLERR */

/* ---- the receive queue ------------------------------------------------------------------------- */
/*
 * Queues p (len, charge, free set) if receive_used stays within rcvbuf (an empty queue takes any one) and wakes
 * readers. False: no room or shut for reading; p stays the caller's and drops counts it.
 */
bool socket_queue_push(struct socket *sk, struct socket_packet *p);
/* Takes the oldest; NULL: empty. The caller frees it by p->free. */
struct socket_packet *socket_queue_pop(struct socket *sk);
void socket_queue_purge(struct socket *sk);	/* frees all */
/* Listener: queues a connected socket (reference taken over) unless the backlog is full (false), wakes one acceptor. */
bool socket_accept_push(struct socket *listener, struct socket *sk);
struct socket *socket_accept_pop(struct socket *listener);	/* NULL: none */

/* ---- control data -------------------------------------------------------------------------------- */
/* Walks a sender's control bytes: *at starts at 0. NULL at the end; err_ptr(-EINVAL) for a bad length. */
const struct user_cmsghdr *socket_cmsg_next(const struct socket_msg *msg, size_t *at);
static inline const void *socket_cmsg_data(const struct user_cmsghdr *c) { return c + 1; }
/* One message to the receiver; MSG_CTRUNC in out_flags when it did not fit whole. 0 or -EFAULT. */
int socket_cmsg_put(struct socket_msg *msg, int level, int type, const void *data, size_t len);

/* ---- options ------------------------------------------------------------------------------------ */
/* Helpers for ops->getsockopt: writes an int (or n bytes) clipped to *len and sets *len. 0 or -EFAULT. */
int socket_opt_put(void __user *val, u32 *len, const void *data, u32 n);
static inline int socket_opt_put_int(void __user *val, u32 *len, s32 v) { return socket_opt_put(val, len, &v, sizeof(v)); }
static inline bool socket_option(const struct socket *sk, u32 bit) { return atomic_load(&sk->options) & bit; }

/* SO_PEEK_OFF: bytes that a call with these flags passes over; its end, when it looked at or took n. Under the readers' lock. */
static inline u32 socket_peek_offset(const struct socket *sk, u32 msg_flags)
{
	s32 off = atomic_load(&sk->peek_off);

	return unlikely(off > 0) && (msg_flags & MSG_PEEK) ? (u32)off : 0;
}
static inline void socket_peek_moved(struct socket *sk, u32 msg_flags, ssize_t n)
{
	s32 off = atomic_load(&sk->peek_off);

	if (likely(off < 0) || n <= 0)
		return;
	atomic_store(&sk->peek_off, (s32)(msg_flags & MSG_PEEK ? min(off + n, (ssize_t)0x7fffffff) : max(off - n, (ssize_t)0)));
}

#endif
