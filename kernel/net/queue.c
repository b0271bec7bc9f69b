/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A socket's receive and accept queues, and control data of messages. The queues belong to sk->queue_lock; wake-ups
 * come after it is dropped, so a woken reader does not meet it.
 */
#include <kernel/socket.h>
#include "net.h"

bool socket_queue_push(struct socket *sk, struct socket_packet *p)
{
	bool fits;

	spin_lock(&sk->queue_lock);
	fits = !(atomic_load(&sk->shut) & SOCKET_SHUT_RD) &&
	       (!sk->queue_len || (u64)sk->receive_used + p->charge <= atomic_load(&sk->rcvbuf));
	if (fits) {
		list_push_back(&sk->queue, &p->link);
		atomic_store(&sk->queue_len, sk->queue_len + 1);
		atomic_store(&sk->queue_bytes, sk->queue_bytes + p->len);
		sk->receive_used += p->charge;
	}
	spin_unlock(&sk->queue_lock);
	if (fits)
		socket_wake(sk, SOCKET_READABLE);
	else
		atomic_add(&sk->drops, 1u);
	return fits;
}

struct socket_packet *socket_queue_pop(struct socket *sk)
{
	struct socket_packet *p = NULL;

	spin_lock(&sk->queue_lock);
	if (!list_empty(&sk->queue)) {
		p = list_first(&sk->queue, struct socket_packet, link);
		list_remove(&p->link);
		atomic_store(&sk->queue_len, sk->queue_len - 1);
		atomic_store(&sk->queue_bytes, sk->queue_bytes - p->len);
		sk->receive_used -= p->charge;
	}
	spin_unlock(&sk->queue_lock);
	return p;
}

void socket_queue_purge(struct socket *sk)
{
	struct socket_packet *p;

	while ((p = socket_queue_pop(sk)))
		p->free(p);
}

bool socket_accept_push(struct socket *listener, struct socket *sk)
{
	bool fits;

	spin_lock(&listener->queue_lock);
	/* One more than the backlog, as Linux counts. */
	fits = listener->accept_len <= listener->backlog && atomic_load(&listener->state) == SOCKET_LISTENING;
	if (fits) {
		list_push_back(&listener->accept_queue, &sk->accept_link);
		atomic_store(&listener->accept_len, listener->accept_len + 1);
	}
	spin_unlock(&listener->queue_lock);
	if (fits)
		socket_wake(listener, SOCKET_READABLE);
	return fits;
}

struct socket *socket_accept_pop(struct socket *listener)
{
	struct socket *sk = NULL;

	spin_lock(&listener->queue_lock);
	if (!list_empty(&listener->accept_queue)) {
		sk = list_first(&listener->accept_queue, struct socket, accept_link);
		list_remove(&sk->accept_link);
		atomic_store(&listener->accept_len, listener->accept_len - 1);
	}
	spin_unlock(&listener->queue_lock);
	return sk;
}

const struct user_cmsghdr *socket_cmsg_next(const struct socket_msg *msg, size_t *at)
{
	const struct user_cmsghdr *c = (const void *)((const char *)msg->control + *at);

	if (!msg->control || *at >= msg->control_len || msg->control_len - *at < sizeof(*c))
		return NULL;
	if (c->len < sizeof(*c) || c->len > msg->control_len - *at)
		return err_ptr(-EINVAL);
	*at += CMSG_ALIGN((size_t)c->len);
	return c;
}

int socket_cmsg_put(struct socket_msg *msg, int level, int type, const void *data, size_t len)
{
	struct socket_control *o = &msg->out_control;
	struct user_cmsghdr head = { .len = CMSG_LEN(len), .level = level, .type = type };
	size_t take = len, used;

	if (!o->at || o->room < sizeof(head)) {
		msg->out_flags |= MSG_CTRUNC;
		return 0;
	}
	if (o->room < head.len) {
		msg->out_flags |= MSG_CTRUNC;
		head.len = o->room;
		take = o->room - sizeof(head);
	}
	if (copy_to_user(o->at, &head, sizeof(head)) || copy_to_user((char __user *)o->at + sizeof(head), data, take))
		return -EFAULT;
	used = min(CMSG_SPACE(take), o->room);
	o->at = (char __user *)o->at + used;
	o->room -= used;
	return 0;
}
