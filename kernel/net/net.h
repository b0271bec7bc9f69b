/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to kernel/net: the generated family table, the generic layer's parts for each other. */
#ifndef KERNEL_NET_NET_H
#define KERNEL_NET_NET_H

#include <kernel/socket.h>

extern const struct socket_family *const socket_family_table[];
extern const unsigned socket_family_table_len;

/* sendmsg with what every call shares: SIGPIPE. recvmsg likewise. Bytes or -errno. */
ssize_t socket_send(struct socket *sk, struct socket_msg *msg);
ssize_t socket_receive(struct socket *sk, struct socket_msg *msg);

/* The socket of a descriptor with a reference on its file: -EBADF, -ENOTSOCK. */
struct socket *socket_fd_get(int fd, struct file **file);
/* The same for the length of a call, as fd_borrow: end with fd_return. */
struct socket *socket_fd_borrow(int fd, struct file **file, bool *borrowed);
/* A name in (len bytes, zero-padded) and out (at most what *len says; *len becomes n). */
int socket_addr_in(struct sockaddr_storage *a, const void __user *addr, u32 len);
int socket_addr_out(const struct sockaddr_storage *a, u32 n, void __user *addr, u32 __user *len);

/* SOL_SOCKET. len >= 0 checked. */
int socket_setsockopt(struct socket *sk, int level, int opt, const void __user *val, u32 len);
int socket_getsockopt(struct socket *sk, int level, int opt, void __user *val, u32 *len);

#endif
