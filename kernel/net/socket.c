/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket object: making it by family and type, its references, its pending error, its deadlines. Its queues
 * are queue.c's, the file around it file.c's, options options.c's, the calls sys_socket.c's and sys_msg.c's.
 */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/socket.h>
#include <kernel/time.h>
#include "net.h"
#include "settings.h"

const struct socket_family *socket_family_find(int family)
{
	for (unsigned i = 0; i < socket_family_table_len; i++)
		if (socket_family_table[i]->family == family)
			return socket_family_table[i];
	return NULL;
}

static struct socket *socket_alloc(const struct socket_family *f, int type, u32 flags)
{
	struct socket *sk = kzalloc(f->size, flags);

	if (!sk)
		return NULL;
	ref_set(&sk->refs, 1);
	sk->family = f->family;
	sk->type = (u16)type;
	mutex_init(&sk->lock, "socket", LOCK_SOCKET);
	waitq_init(&sk->wait);
	spin_init(&sk->queue_lock, "socket-queue", LOCK_SOCKET_QUEUE);
	list_init(&sk->queue);
	list_init(&sk->accept_queue);
	list_init(&sk->accept_link);
	sk->rcvbuf = atomic_load(&net_settings.rmem_default);
	sk->sndbuf = atomic_load(&net_settings.wmem_default);
	sk->rcvlowat = 1;
	sk->peek_off = -1;
	sk->peer_ids = (struct user_ucred){ .uid = U32_MAX, .gid = U32_MAX };
	return sk;
}

struct socket *socket_create(int family, int type, int protocol)
{
	const struct socket_family *f;
	struct socket *sk;
	int err;

	if (family < 0 || family >= AF_MAX)
		return err_ptr(-EAFNOSUPPORT);
	if (type < 0 || type > SOCK_PACKET)
		return err_ptr(-EINVAL);
	f = socket_family_find(family);
	if (!f)
		return err_ptr(-EAFNOSUPPORT);
	sk = socket_alloc(f, type, 0);
	if (!sk)
		return err_ptr(-ENOMEM);
	err = f->create(sk, protocol);
	if (!err)
		return sk;
	kfree(sk);
	return err_ptr(err);
}

struct socket *socket_alloc_like(const struct socket *like)
{
	struct socket *sk = socket_alloc(socket_family_find(like->family), like->type, ALLOC_ATOMIC | ALLOC_NOWARN);

	if (!sk)
		return NULL;
	sk->ops = like->ops;
	sk->protocol = like->protocol;
	return sk;
}

void socket_put(struct socket *sk)
{
	if (!sk || !ref_put(&sk->refs))
		return;
	assert(list_empty(&sk->accept_queue));
	socket_queue_purge(sk);
	if (sk->ops->destroy)
		sk->ops->destroy(sk);
	kfree(sk);
}

void socket_release(struct socket *sk)
{
	if (sk->ops->release)
		sk->ops->release(sk);
	socket_put(sk);
}

static u64 deadline_in(u64 timeo_ns)
{
	u64 now;

	if (!timeo_ns)
		return U64_MAX;
	now = time_ns();
	return timeo_ns > U64_MAX - 1 - now ? U64_MAX - 1 : now + timeo_ns;
}

u64 socket_receive_deadline(const struct socket *sk, u32 msg_flags)
{
	return msg_flags & MSG_DONTWAIT ? 0 : deadline_in(atomic_load(&sk->rcvtimeo_ns));
}

u64 socket_send_deadline(const struct socket *sk, u32 msg_flags)
{
	return msg_flags & MSG_DONTWAIT ? 0 : deadline_in(atomic_load(&sk->sndtimeo_ns));
}

int socket_take_error(struct socket *sk)
{
	return atomic_load(&sk->error) ? -atomic_xchg(&sk->error, 0) : 0;
}

void socket_set_error(struct socket *sk, int err)
{
	atomic_store_release(&sk->error, err);
	socket_wake_all(sk);
}

void socket_init(void)
{
	for (unsigned i = 0; i < socket_family_table_len; i++)
		if (socket_family_table[i]->init)
			socket_family_table[i]->init();
}
