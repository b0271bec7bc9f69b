/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl numbers of block devices; those of terminals and of any file are in <uapi/termios.h>. */
#ifndef UAPI_IOCTL_H
#define UAPI_IOCTL_H

#include <uapi/termios.h>	/* FIONREAD, FIONBIO, FIOCLEX, FIONCLEX */

#define BLKROSET 0x125d
#define BLKROGET 0x125e
#define BLKRRPART 0x125f
#define BLKGETSIZE 0x1260		/* 512-byte sectors, unsigned long */
#define BLKFLSBUF 0x1261
#define BLKSSZGET 0x1268		/* logical sector, int */
#define BLKBSZGET 0x80081270		/* soft block size, int */
#define BLKGETSIZE64 0x80081272		/* bytes, u64 */
#define BLKIOMIN 0x1278
#define BLKIOOPT 0x1279
#define BLKALIGNOFF 0x127a
#define BLKPBSZGET 0x127b
#define BLKDISCARD 0x1277
#define HDIO_GETGEO 0x0301

#endif
