/* SPDX-License-Identifier: BSD-2-Clause */
/* System V IPC of the Linux ABI: shared memory, semaphores, message queues. */
#ifndef UAPI_IPC_H
#define UAPI_IPC_H

#include <lib/types.h>
#include <uapi/native.h>

#define IPC_PRIVATE 0
#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define IPC_NOWAIT 04000
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3

struct ipc64_perm {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, pad2;
	u64 unused1, unused2;
};
_Static_assert(sizeof(struct ipc64_perm) == 48, "asm-generic/ipcbuf.h");

#define SHM_DEST 01000		/* in mode: goes with its last attach */
#define SHM_LOCKED 02000
#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000
#define SHM_HUGETLB 04000
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_STAT 13
#define SHM_INFO 14
#define SHM_STAT_ANY 15
#define SHMMNI 4096u
#define SHMMAX (~0ull - (1ull << 24))
#define SHMALL (~0ull - (1ull << 24))
struct shmid64_ds {
	struct ipc64_perm perm;
	u64 segsz;
	s64 atime, dtime, ctime;
	s32 cpid, lpid;
	u64 nattch, unused4, unused5;
};
struct shminfo64 {
	u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};
struct shm_info {
	s32 used_ids;
	u64 shm_tot, shm_rss, shm_swp, swap_attempts, swap_successes;
};

#define SEM_UNDO 010000
#define GETPID 11
#define GETVAL 12
#define GETALL 13
#define GETNCNT 14
#define GETZCNT 15
#define SETVAL 16
#define SETALL 17
#define SEM_STAT 18
#define SEM_INFO 19
#define SEM_STAT_ANY 20
#define SEMMSL 32000u
#define SEMMNI 32000u
#define SEMMNS 1024000000u
#define SEMOPM 500u
#define SEMVMX 32767
struct user_sembuf {
	u16 num;
	s16 op, flags;
};
struct semid64_ds {
	struct ipc64_perm perm;
#if ARCH_SEMID_TIMES_PADDED
	s64 otime, unused1, ctime, unused2;
#else
	s64 otime, ctime;
#endif
	u64 nsems, unused3, unused4;
};
struct seminfo {
	s32 semmap, semmni, semmns, semmnu, semmsl, semopm, semume, semusz, semvmx, semaem;
};

#define MSG_NOERROR 010000
#define MSG_EXCEPT 020000
#define MSG_COPY 040000
#define MSG_STAT 11
#define MSG_INFO 12
#define MSG_STAT_ANY 13
#define MSGMAX 8192u
#define MSGMNB 16384u
#define MSGMNI 32000u
struct msqid64_ds {
	struct ipc64_perm perm;
	s64 stime, rtime, ctime;
	u64 cbytes, qnum, qbytes;
	s32 lspid, lrpid;
	u64 unused4, unused5;
};
struct msginfo {
	s32 msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	u16 msgseg;
	u16 pad;		/* never what lay there before */
};

#endif
