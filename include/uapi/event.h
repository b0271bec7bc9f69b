/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll, eventfd, signalfd and inotify of the Linux ABI. */
#ifndef UAPI_EVENT_H
#define UAPI_EVENT_H

#include <uapi/fcntl.h>
#include <uapi/native.h>
#include <uapi/poll.h>

#define EPOLL_CLOEXEC O_CLOEXEC
#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
/* Its event bits are poll's, and these. */
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)

struct user_epoll_event {
	u32 events;
	u64 data;
} ARCH_EPOLL_EVENT_LAYOUT;

#define EFD_SEMAPHORE 1
#define EFD_CLOEXEC O_CLOEXEC
#define EFD_NONBLOCK O_NONBLOCK

#define SFD_CLOEXEC O_CLOEXEC
#define SFD_NONBLOCK O_NONBLOCK
struct user_signalfd_siginfo {
	u32 signo;
	s32 err, code;
	u32 pid, uid;
	s32 fd;
	u32 tid, band, overrun, trapno;
	s32 status, value_int;
	u64 value_ptr, utime, stime, addr;
	u16 addr_lsb, pad;
	s32 syscall;
	u64 call_addr;
	u32 arch;
	u8 fill[28];
};
_Static_assert(sizeof(struct user_signalfd_siginfo) == 128, "signalfd_siginfo is 128 bytes");

#endif
