/* SPDX-License-Identifier: BSD-2-Clause */
/* NETLINK_SOCK_DIAG of the Linux ABI: what ss asks about sockets, and the answers. */
#ifndef UAPI_SOCK_DIAG_H
#define UAPI_SOCK_DIAG_H

#include <lib/compiler.h>
#include <uapi/socket.h>

#define SOCK_DIAG_BY_FAMILY 20

/* States, in requests as bits: TCP's numbers for every family. */
#define DIAG_ESTABLISHED 1
#define DIAG_SYN_RECV 3
#define DIAG_TIME_WAIT 6
#define DIAG_CLOSE 7
#define DIAG_LISTEN 10

struct user_diag_meminfo {		/* *_DIAG_(SK)MEMINFO */
	u32 rmem_alloc, rcvbuf, wmem_alloc, sndbuf, fwd_alloc, wmem_queued, optmem, backlog, drops;
};

/* ---- AF_INET and AF_INET6 ----------------------------------------------------------------------- */
struct user_inet_diag_id {		/* network order */
	be16 sport, dport;
	u32 src[4], dst[4];
	u32 ifindex, cookie[2];		/* cookie all ones: any */
};
struct user_inet_diag_req {
	u8 family, protocol, ext, pad;
	u32 states;
	struct user_inet_diag_id id;
};
struct user_inet_diag_msg {
	u8 family, state, timer, retrans;
	struct user_inet_diag_id id;
	u32 expires, rqueue, wqueue, uid, inode;
};
static_assert(sizeof(struct user_inet_diag_req) == 56 && sizeof(struct user_inet_diag_msg) == 72, "as Linux");

#define INET_DIAG_REQ_BYTECODE 1
#define INET_DIAG_REQ_PROTOCOL 3

#define INET_DIAG_MEMINFO 1		/* and those with a bit in ext: 1 << (number - 1) */
#define INET_DIAG_INFO 2
#define INET_DIAG_CONG 4
#define INET_DIAG_TOS 5
#define INET_DIAG_TCLASS 6
#define INET_DIAG_SKMEMINFO 7
#define INET_DIAG_SHUTDOWN 8
#define INET_DIAG_PROTOCOL 10
#define INET_DIAG_SKV6ONLY 11
#define INET_DIAG_MARK 15
struct user_inet_meminfo {
	u32 rmem, wmem, fmem, tmem;
};

/* Programs of filters. */
#define INET_DIAG_BC_NOP 0
#define INET_DIAG_BC_JMP 1
#define INET_DIAG_BC_S_GE 2
#define INET_DIAG_BC_S_LE 3
#define INET_DIAG_BC_D_GE 4
#define INET_DIAG_BC_D_LE 5
#define INET_DIAG_BC_AUTO 6
#define INET_DIAG_BC_S_COND 7
#define INET_DIAG_BC_D_COND 8
#define INET_DIAG_BC_DEV_COND 9
#define INET_DIAG_BC_MARK_COND 10
#define INET_DIAG_BC_S_EQ 11
#define INET_DIAG_BC_D_EQ 12
struct user_inet_diag_op {
	u8 code, yes;
	u16 no;
};
struct user_inet_hostcond {
	u8 family, prefix_len;
	s32 port;			/* -1: any */
	u32 addr[];
};

/* ---- AF_UNIX ------------------------------------------------------------------------------------- */
struct user_unix_diag_req {
	u8 family, protocol;
	u16 pad;
	u32 states, ino, show, cookie[2];
};
struct user_unix_diag_msg {
	u8 family, type, state, pad;
	u32 ino, cookie[2];
};
#define UDIAG_SHOW_NAME 0x1
#define UDIAG_SHOW_VFS 0x2
#define UDIAG_SHOW_PEER 0x4
#define UDIAG_SHOW_ICONS 0x8
#define UDIAG_SHOW_RQLEN 0x10
#define UDIAG_SHOW_MEMINFO 0x20
#define UDIAG_SHOW_UID 0x40
#define UNIX_DIAG_NAME 0
#define UNIX_DIAG_VFS 1
#define UNIX_DIAG_PEER 2
#define UNIX_DIAG_ICONS 3
#define UNIX_DIAG_RQLEN 4
#define UNIX_DIAG_MEMINFO 5
#define UNIX_DIAG_SHUTDOWN 6
#define UNIX_DIAG_UID 7

#endif
