/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX sockets for NETLINK_SOCK_DIAG (iproute2's ss -x): those in the states asked for, or one by its inode. */
#include "unix.h"
#include <kernel/netlink.h>
#include <uapi/sock_diag.h>

#define ANY_COOKIE 0xffffffffu
#define ICONS_MAX 512u

static u32 state_of(const struct unix_socket *u)
{
	u32 state = atomic_load(&u->sk.state);

	return state == SOCKET_LISTENING ? DIAG_LISTEN : state == SOCKET_CONNECTED ? DIAG_ESTABLISHED : DIAG_CLOSE;
}

static void put_peer(struct nl_out *o, struct unix_socket *u)
{
	bool has;
	u32 ino;

	spin_lock(&u->sk.queue_lock);
	has = u->peer;
	ino = has ? (u32)u->peer->sk.ino : 0;
	spin_unlock(&u->sk.queue_lock);
	if (has)
		nl_attr_u32(o, UNIX_DIAG_PEER, ino);
}

/* Who connected and was not accepted yet. */
static void put_waiting(struct nl_out *o, struct unix_socket *u)
{
	u32 *inos = kmalloc(ICONS_MAX * sizeof(*inos), 0), n = 0;
	struct socket *e;

	if (!inos)
		return;
	spin_lock(&u->sk.queue_lock);
	list_for_each(e, &u->sk.accept_queue, accept_link)
		if (n < ICONS_MAX)
			inos[n++] = unix_sk(e)->peer ? (u32)unix_sk(e)->peer->sk.ino : 0;
	spin_unlock(&u->sk.queue_lock);
	nl_attr(o, UNIX_DIAG_ICONS, inos, n * (u32)sizeof(*inos));
	kfree(inos);
}

static void put_queues(struct nl_out *o, struct unix_socket *u)
{
	u32 v[2] = { atomic_load(&u->sk.accept_len), u->sk.backlog };

	if (state_of(u) != DIAG_LISTEN) {
		long n = unix_bytes_in(&u->sk);

		v[0] = n > 0 ? (u32)n : 0;
		v[1] = atomic_load(&u->sk.send_used);
	}
	nl_attr(o, UNIX_DIAG_RQLEN, v, sizeof(v));
}

static void put_attrs(struct nl_out *o, struct unix_socket *u, u32 show)
{
	const struct unix_addr *a = atomic_load_acquire(&u->addr);
	const struct socket *sk = &u->sk;
	u32 node[2] = { (u32)u->node_ino, u->node_dev };
	struct user_diag_meminfo mem = {
		.rcvbuf = atomic_load(&sk->rcvbuf), .wmem_alloc = atomic_load(&sk->send_used), .sndbuf = atomic_load(&sk->sndbuf),
		.wmem_queued = 0, .drops = atomic_load(&sk->drops),
	};

	if (show & UDIAG_SHOW_NAME && a)
		nl_attr(o, UNIX_DIAG_NAME, a->name.path, a->len - (u32)sizeof(a->name.family));
	if (show & UDIAG_SHOW_VFS && a && u->node_ino)
		nl_attr(o, UNIX_DIAG_VFS, node, sizeof(node));
	if (show & UDIAG_SHOW_PEER)
		put_peer(o, u);
	if (show & UDIAG_SHOW_ICONS && state_of(u) == DIAG_LISTEN)
		put_waiting(o, u);
	if (show & UDIAG_SHOW_RQLEN)
		put_queues(o, u);
	if (show & UDIAG_SHOW_MEMINFO)
		nl_attr(o, UNIX_DIAG_MEMINFO, &mem, sizeof(mem));
	nl_attr_u8(o, UNIX_DIAG_SHUTDOWN, (u8)atomic_load(&sk->shut));
	if (show & UDIAG_SHOW_UID)
		nl_attr_u32(o, UNIX_DIAG_UID, u->uid);
}

static void put_socket(struct nl_out *o, struct unix_socket *u, u32 show)
{
	struct user_unix_diag_msg *m = nl_begin(o, SOCK_DIAG_BY_FAMILY, sizeof(*m));

	if (!m)
		return;
	*m = (struct user_unix_diag_msg){ .family = AF_UNIX, .type = (u8)u->sk.type, .state = (u8)state_of(u),
		.ino = (u32)u->sk.ino, .cookie = { (u32)u->sk.ino, (u32)((u64)u->sk.ino >> 32) } };
	put_attrs(o, u, show);
	nl_end(o);
}

static int get_one(const struct user_unix_diag_req *q, struct nl_out *o)
{
	struct unix_socket *u = NULL;
	int err = -ENOENT;

	if (!q->ino)
		return -EINVAL;
	while (err == -ENOENT && (u = unix_next(u))) {
		if ((u32)u->sk.ino != q->ino)
			continue;
		err = 0;
		if (!(q->cookie[0] == ANY_COOKIE && q->cookie[1] == ANY_COOKIE) &&
		    (q->cookie[0] | (u64)q->cookie[1] << 32) != (u64)u->sk.ino)
			err = -ESTALE;
		else
			put_socket(o, u, q->show);
	}
	if (u)
		unix_put(u);
	return err;
}

int unix_diag(const struct nl_request *r, struct nl_out *o)
{
	const struct user_unix_diag_req *q = r->fixed;
	struct unix_socket *u = NULL;

	if (r->head->len < sizeof(*r->head) + sizeof(*q))
		return -EINVAL;
	if (!nl_is_dump(o))
		return get_one(q, o);
	while ((u = unix_next(u)))
		if (q->states & 1u << state_of(u))
			put_socket(o, u, q->show);
	return 0;
}
