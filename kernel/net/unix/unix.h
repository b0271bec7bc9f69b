/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_UNIX, private to this folder. name.c: names and finding by them. connect.c: bind to accept, ends of
 * connections. stream.c, dgram.c: moving data. oob.c: the urgent byte of streams. rights.c: descriptors and credentials in
 * messages. gc.c: descriptors in flight that nobody can receive any more. unix.c: making. options.c, proc.c, diag.c: what is told.
 *
 * A stream or seqpacket connection is a pair of sockets, each with a reference on the other from connect until
 * its own release; so sk->state CONNECTED makes peer readable without a lock by every call. A datagram socket's
 * peer changes under its queue_lock. Two queue locks are taken at once only by the collector (gc.c).
 */
#ifndef KERNEL_NET_UNIX_H
#define KERNEL_NET_UNIX_H

#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/socket.h>
#include <lib/string.h>

struct unix_addr {		/* immutable, shared by a listener and what it accepted */
	struct refcount refs;
	u32 len;		/* of name, family included */
	u32 hash;
	struct sockaddr_un name;
};

struct unix_socket {
	struct socket sk;
	struct unix_socket *peer;	/* referenced; see above */
	struct unix_addr *addr;		/* [a] set once under sk.lock, published by release; NULL: unnamed */
	struct path path;		/* [b] with addr: the name's place; empty for abstract names */
	ino_t node_ino;			/* [b] with addr: its node */
	dev_t node_dev;			/* [b] with addr */
	uid_t uid;			/* [b] who made it */
	struct list hash_link;		/* unix_table_lock, while named */
	struct list all_link;		/* unix_table_lock */
	struct mutex read_lock;		/* LOCK_SOCKET_READ: one reader of a stream at a time */
	struct waitq peer_wait;		/* datagram senders and connectors that wait for room in our queue */
	struct waitq_entry peer_entry;	/* datagram: our place in the peer's peer_wait, for poll */
	struct unix_socket *watched;	/* [q] whose peer_wait holds peer_entry; referenced */
	bool dead;			/* [q] released */
	struct unix_packet *oob;	/* [q] stream: the urgent byte, in our queue; NULL none */
	struct cred *peer_cred;		/* [p] as of connect, for SO_PEERGROUPS */
	struct process *peer_process;	/* sk.lock; referenced; the same for SO_PEERPIDFD */
	/* gc.c, unix_gc_lock */
	struct list gc_link;		/* in flight at least once */
	u32 inflight;			/* how often our file is in messages nobody received yet */
	bool is_candidate, maybe_cycle;
};

struct unix_rights {			/* descriptors of one message */
	struct unix_rights *next;	/* of those to be dropped */
	u32 n;
	uid_t uid;			/* whose they count as in flight */
	struct file *files[];		/* referenced */
};

struct unix_packet {
	struct socket_packet p;
	struct unix_socket *from;	/* whose send_used is charged; referenced by datagrams only */
	struct unix_rights *rights;	/* owned; NULL none */
	struct user_ucred ids;		/* sender; pid 0 and the overflow ids when nobody wanted them */
	struct process *sender;		/* referenced, for SCM_PIDFD; NULL when nobody wanted it */
	u32 offset;			/* stream: bytes taken from the front */
	bool has_from_ref;
	bool is_oob;		/* stream: the urgent byte; when it was read apart it stays as a mark without bytes */
	u8 data[] __aligned(8);	/* so that copies go by words */
};

/* Control data on its way: parsed on sending, collected on receiving. */
struct unix_scm {
	struct unix_rights *rights;
	struct user_ucred ids;
	struct process *sender;		/* referenced; NULL none */
	bool has_ids;
};

static inline struct unix_socket *unix_sk(struct socket *sk) { return container_of(sk, struct unix_socket, sk); }
static inline struct unix_socket *unix_get(struct unix_socket *u) { socket_get(&u->sk); return u; }
static inline void unix_put(struct unix_socket *u) { socket_put(&u->sk); }
static inline bool unix_is_connected(const struct unix_socket *u)
{
	return atomic_load_acquire(&u->sk.state) == SOCKET_CONNECTED;	/* pairs with unix_join */
}
static inline bool unix_writable(const struct unix_socket *u)
{
	return (u64)atomic_load(&u->sk.send_used) * 4 <= atomic_load(&u->sk.sndbuf);
}
struct unix_socket *unix_of_file(const struct file *f);	/* NULL: none */

void unix_socket_setup(struct socket *sk);	/* the fields behind struct socket; into the list of all */

/* name.c */
extern struct spinlock unix_table_lock;
extern struct list unix_all;
int unix_addr_check(const struct sockaddr_storage *addr, u32 len);	/* family, length; -EINVAL */
int unix_bind(struct socket *sk, const struct sockaddr_storage *addr, u32 len);
int unix_autobind(struct unix_socket *u);	/* an abstract name of five hexadecimal digits, if it has none */
/* Referenced. -ECONNREFUSED, -EPROTOTYPE and those of the path walk. */
int unix_find(const struct sockaddr_storage *addr, u32 len, int type, struct unix_socket **out);
int unix_getname(struct socket *sk, struct sockaddr_storage *out, bool peer);
u32 unix_name_out(const struct unix_socket *u, struct sockaddr_storage *out);	/* length */
void unix_unname(struct unix_socket *u);	/* at release */
struct unix_socket *unix_next(struct unix_socket *u);	/* after u of all (NULL: the first), referenced; drops u */
void unix_addr_put(struct unix_addr *a);

/* connect.c */
int unix_listen(struct socket *sk, u32 backlog);
int unix_accept(struct socket *sk, bool nonblock, struct socket **out);
int unix_stream_connect(struct socket *sk, const struct sockaddr_storage *addr, u32 len, bool nonblock);
int unix_pair(struct socket *a, struct socket *b);
int unix_shutdown(struct socket *sk, u32 how);
void unix_release(struct socket *sk);

/* dgram.c */
extern u32 unix_max_dgram_qlen;		/* [a] net.unix.max_dgram_qlen */
int unix_dgram_connect(struct socket *sk, const struct sockaddr_storage *addr, u32 len, bool nonblock);
ssize_t unix_dgram_sendmsg(struct socket *sk, struct socket_msg *msg);
ssize_t unix_dgram_recvmsg(struct socket *sk, struct socket_msg *msg);
ssize_t unix_seqpacket_sendmsg(struct socket *sk, struct socket_msg *msg);
ssize_t unix_seqpacket_recvmsg(struct socket *sk, struct socket_msg *msg);
u32 unix_dgram_poll(struct socket *sk);
void unix_unwatch(struct unix_socket *u);	/* leaves the peer's peer_wait */
void unix_dgram_disconnected(struct unix_socket *u, struct unix_socket *old);	/* reference passed in */

/* unix.c's operations that stand in options.c */
long unix_bytes_in(struct socket *sk);	/* that a read would find: all of a stream, the first message otherwise; -EINVAL */
long unix_ioctl(struct socket *sk, u32 cmd, u64 arg);
int unix_getsockopt(struct socket *sk, int level, int opt, void __user *val, u32 *len);
struct file *unix_pidfd_file(struct process *p);	/* err_ptr(-EINVAL): it is gone */

/* proc.c, diag.c */
void unix_proc_init(void);
int unix_diag(const struct nl_request *r, struct nl_out *o);

/* oob.c */
/* The urgent byte, with the call's control data. 1 or -errno. */
ssize_t unix_oob_send(struct unix_socket *u, struct socket_msg *msg, struct unix_scm *scm);
ssize_t unix_oob_receive(struct unix_socket *u, struct socket_msg *msg);	/* MSG_OOB: 1 or -errno */
/* What a reader that has done bytes may take instead of p: p, a later one, NULL (*stop: nothing now). read_lock held. */
struct unix_packet *unix_oob_pass(struct unix_socket *u, struct unix_packet *p, bool peek, bool has_some, bool *stop);
long unix_oob_at_mark(struct unix_socket *u);

/* stream.c */
ssize_t unix_stream_sendmsg(struct socket *sk, struct socket_msg *msg);
ssize_t unix_stream_recvmsg(struct socket *sk, struct socket_msg *msg);
u32 unix_stream_poll(struct socket *sk);
/* A packet with room for n bytes, filled from the message. Charged to u. err_ptr: -EFAULT, -ENOBUFS. */
struct unix_packet *unix_packet_new(struct unix_socket *u, struct socket_msg *msg, u32 n);
void unix_packet_free(struct socket_packet *p);
/* To the end of to's queue: 0, -EPIPE shut for reading, -ECONNREFUSED released. Wakes a reader. */
int unix_queue(struct unix_socket *to, struct unix_packet *p);
void unix_uncharge(struct unix_packet *p);
/* Waits for room in SO_SNDBUF. 0, pending errors, -EPIPE shut for writing. */
int unix_stream_may_send(struct unix_socket *u, u32 flags);

/* rights.c */
int unix_scm_parse(const struct socket_msg *msg, struct unix_scm *scm);
/* Sender's ids into the packet if either side wants them; rights move into it. to: the receiver. */
void unix_scm_attach(struct unix_socket *u, struct unix_socket *to, struct unix_scm *scm, struct unix_packet *p);
void unix_scm_drop(struct unix_scm *scm);
/* A receiver keeps who sent p; ends with unix_scm_deliver or, when it failed, unix_scm_forget. */
void unix_scm_note(const struct socket *sk, struct unix_scm *scm, const struct unix_packet *p);
void unix_scm_forget(struct unix_scm *scm);
/* Delivers what was collected and drops the rest. */
void unix_scm_deliver(struct socket *sk, struct socket_msg *msg, struct unix_scm *scm);
/* A second set of references, for MSG_PEEK; NULL without memory. */
struct unix_rights *unix_rights_copy(const struct unix_rights *r);
void unix_rights_take(struct unix_rights *r);	/* no longer in flight: about to be received */
void unix_rights_drop(struct unix_rights *r, bool in_flight);
static inline struct user_ucred unix_own_ids(void)
{
	const struct cred *c = cred_current();

	return (struct user_ucred){ current_process()->pid, c->uid, c->gid };
}

/* gc.c */
extern struct spinlock unix_gc_lock;
int unix_inflight(struct unix_rights *r);	/* counts; -ETOOMANYREFS, -ENOMEM */
void unix_notinflight(struct unix_rights *r);
void unix_gc(void);

#endif
