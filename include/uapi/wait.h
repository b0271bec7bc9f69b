/* SPDX-License-Identifier: BSD-2-Clause */
/* wait4 and waitid. */
#ifndef UAPI_WAIT_H
#define UAPI_WAIT_H

#define WNOHANG 0x00000001
#define WUNTRACED 0x00000002
#define WSTOPPED WUNTRACED
#define WEXITED 0x00000004
#define WCONTINUED 0x00000008
#define WNOWAIT 0x01000000
#define __WNOTHREAD 0x20000000
#define __WALL 0x40000000
#define __WCLONE 0x80000000u

#define P_ALL 0
#define P_PID 1
#define P_PGID 2
#define P_PIDFD 3

/* Wait status words. */
#define WAIT_EXITED(code) (((code) & 0xffu) << 8)
#define WAIT_SIGNALED(sig, core) ((u32)(sig) | ((core) ? 0x80u : 0))
#define WAIT_STOPPED(sig) (((u32)(sig) << 8) | 0x7fu)
#define WAIT_CONTINUED 0xffffu

#endif
