/* SPDX-License-Identifier: BSD-2-Clause */
/* What IPC shows and takes in /proc (/proc/sysvipc, the limits), and message queues as a file system. */
#include "test.h"
#include <dirent.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static void read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n, len = 0;

	check(fd >= 0);
	while (len < (ssize_t)size - 1 && (n = read(fd, buf + len, size - 1 - (size_t)len)) > 0)
		len += n;
	check(len > 0);
	buf[len] = 0;
	close(fd);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), err;

	if (fd < 0)
		return -1;
	err = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return err;
}

/* The row of an identifier, which is the second word of each; NULL. */
static char *row_of(char *text, int id)
{
	for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		int key, row_id;

		check_equal(sscanf(line + 1, "%d %d", &key, &row_id), 2);
		if (row_id == id)
			return line + 1;
	}
	return 0;
}

static char text[1 << 16];

static void lists(void)
{
	int shm = shmget(0x5151, 5000, IPC_CREAT | IPC_EXCL | 0640), msg = msgget(IPC_PRIVATE, 0600), sem = semget(IPC_PRIVATE, 3, 0600);
	struct { long type; char data[7]; } m = { 1, "seven!" };
	int key, id, mode, cpid, lpid, attaches, uid, n, lspid, lrpid;
	unsigned long size, bytes, count, rss;
	char *row, *at;

	check(shm >= 0 && msg >= 0 && sem >= 0);
	check((at = shmat(shm, 0, 0)) != (void *)-1);
	at[0] = 1;
	read_file("/proc/sysvipc/shm", text, sizeof text);
	check(!strncmp(text, "       key      shmid perms                  size  cpid  lpid nattch   uid", 73));
	check((row = row_of(text, shm)) != 0);
	check_equal(sscanf(row, "%d %d %o %lu %d %d %d %d %*d %*d %*d %*d %*d %*d %lu", &key, &id, &mode, &size, &cpid, &lpid, &attaches, &uid, &rss), 9);
	check(key == 0x5151 && mode == 0640 && size == 5000 && cpid == getpid() && lpid == getpid() && attaches == 1 && uid == 0);
	check(rss >= 4096 && rss <= 8192);
	check_ok(msgsnd(msg, &m, 7, 0));
	read_file("/proc/sysvipc/msg", text, sizeof text);
	check(!strncmp(text, "       key      msqid perms      cbytes       qnum lspid lrpid", 62));
	check((row = row_of(text, msg)) != 0);
	check_equal(sscanf(row, "%d %d %o %lu %lu %d %d", &key, &id, &mode, &bytes, &count, &lspid, &lrpid), 7);
	check(key == 0 && mode == 0600 && bytes == 7 && count == 1 && lspid == getpid() && lrpid == 0);
	read_file("/proc/sysvipc/sem", text, sizeof text);
	check(!strncmp(text, "       key      semid perms      nsems   uid", 44));
	check((row = row_of(text, sem)) != 0);
	check_equal(sscanf(row, "%d %d %o %d %d", &key, &id, &mode, &n, &uid), 5);
	check(mode == 0600 && n == 3 && uid == 0);
	check_ok(shmctl(shm, IPC_RMID, 0));
	read_file("/proc/sysvipc/shm", text, sizeof text);
	check((row = row_of(text, shm)) != 0);	/* until the last attach goes */
	check_equal(sscanf(row, "%d %d %o", &key, &id, &mode), 3);
	check(key == 0 && mode == 01640);
	check_ok(shmdt(at));
	check_ok(msgctl(msg, IPC_RMID, 0));
	check_ok(semctl(sem, 0, IPC_RMID));
	read_file("/proc/sysvipc/shm", text, sizeof text);
	check(!row_of(text, shm));
	read_file("/proc/sysvipc/msg", text, sizeof text);
	check(!row_of(text, msg));
	read_file("/proc/sysvipc/sem", text, sizeof text);
	check(!row_of(text, sem));
}

/* Writes a limit, checks, and puts the old one back. */
static void with_limit(const char *path, const char *value, void (*fn)(void))
{
	char old[100];

	read_file(path, old, sizeof old);
	check_ok(write_file(path, value));
	fn();
	check_ok(write_file(path, old));
}

static void segment_too_large(void) { check_errno(shmget(IPC_PRIVATE, 8193, 0600), EINVAL); }
static void segments_too_large(void)
{
	int id = shmget(IPC_PRIVATE, 4 * 4096, 0600);

	check(id >= 0);
	check_errno(shmget(IPC_PRIVATE, 2 * 4096, 0600), ENOSPC);
	check_ok(shmctl(id, IPC_RMID, 0));
	check((id = shmget(IPC_PRIVATE, 2 * 4096, 0600)) >= 0);
	check_ok(shmctl(id, IPC_RMID, 0));
}
static void no_segments(void) { check_errno(shmget(IPC_PRIVATE, 4096, 0600), ENOSPC); }
static void no_queues(void) { check_errno(msgget(IPC_PRIVATE, 0600), ENOSPC); }
static void message_too_large(void)
{
	struct { long type; char data[20]; } m = { 1, "" };
	int id = msgget(IPC_PRIVATE, 0600);

	check_errno(msgsnd(id, &m, 11, 0), EINVAL);
	check_ok(msgsnd(id, &m, 10, 0));
	check_ok(msgctl(id, IPC_RMID, 0));
}
static void queue_small(void)
{
	struct msqid_ds ds;
	int id = msgget(IPC_PRIVATE, 0600);

	check_ok(msgctl(id, IPC_STAT, &ds));
	check_equal(ds.msg_qbytes, 100);
	check_ok(msgctl(id, IPC_RMID, 0));
}
static void sets_small(void)
{
	struct sembuf ops[4] = { { 0, 1, 0 }, { 0, 1, 0 }, { 0, 1, 0 }, { 0, 1, 0 } };
	struct seminfo info;
	int id;

	check_errno(semget(IPC_PRIVATE, 6, 0600), EINVAL);	/* counters of a set */
	check((id = semget(IPC_PRIVATE, 5, 0600)) >= 0);
	check_errno(semget(IPC_PRIVATE, 5, 0600), ENOSPC);	/* of all */
	check_errno(semop(id, ops, 4), E2BIG);
	check_ok(semop(id, ops, 3));
	check(semctl(0, 0, IPC_INFO, &info) >= 0);
	check(info.semmsl == 5 && info.semmns == 9 && info.semopm == 3 && info.semmni == 2);
	check_ok(semctl(id, 0, IPC_RMID));
}

static void limits(void)
{
	char old[100];

	with_limit("/proc/sys/kernel/shmmax", "8192", segment_too_large);
	with_limit("/proc/sys/kernel/shmall", "5", segments_too_large);
	with_limit("/proc/sys/kernel/shmmni", "0", no_segments);
	with_limit("/proc/sys/kernel/msgmni", "0", no_queues);
	with_limit("/proc/sys/kernel/msgmax", "10", message_too_large);
	with_limit("/proc/sys/kernel/msgmnb", "100", queue_small);
	with_limit("/proc/sys/kernel/sem", "5 9 3 2", sets_small);
	read_file("/proc/sys/kernel/sem", old, sizeof old);
	check(!strcmp(old, "32000\t1024000000\t500\t32000\n"));
	check_errno(write_file("/proc/sys/kernel/shmmni", "32769"), EINVAL);
	check_errno(write_file("/proc/sys/kernel/msgmni", "-1"), EINVAL);
	check_errno(write_file("/proc/sys/kernel/sem", "five"), EINVAL);
	read_file("/proc/sys/fs/mqueue/msg_max", old, sizeof old);
	check(!strcmp(old, "10\n"));
	read_file("/proc/sys/fs/mqueue/msgsize_max", old, sizeof old);
	check(!strcmp(old, "8192\n"));
	read_file("/proc/sys/fs/mqueue/queues_max", old, sizeof old);
	check(!strcmp(old, "256\n"));
	check_errno(write_file("/proc/sys/fs/mqueue/msgsize_max", "127"), EINVAL);
}

static void default_attributes(void)
{
	struct mq_attr a;
	mqd_t q = mq_open("/defaults", O_CREAT | O_EXCL | O_RDWR, 0600, 0);

	check_ok(mq_getattr(q, &a));
	check_equal(a.mq_maxmsg, 4);
	check_ok(mq_close(q));
	check_ok(mq_unlink("/defaults"));
}

/* A mount shows the queues; files there and mq_open are the same things. */
static void mounted(void)
{
	struct mq_attr a = { .mq_maxmsg = 3, .mq_msgsize = 50 };
	mqd_t q = mq_open("/shown", O_CREAT | O_EXCL | O_RDWR, 0640, &a);
	struct statfs fs;
	struct stat st, by_fd;
	struct dirent *e;
	char buf[200], c[50];
	int fd, found = 0;
	DIR *d;

	check_ok(mkdir("/tmp/mq", 0755));
	check_ok(mount("none", "/tmp/mq", "mqueue", 0, 0));
	check_ok(statfs("/tmp/mq", &fs));
	check_equal(fs.f_type, 0x19800202);
	check_ok(stat("/tmp/mq", &st));
	check_equal(st.st_mode, S_IFDIR | 01777);
	check((d = opendir("/tmp/mq")) != 0);
	while ((e = readdir(d)))
		found += !strcmp(e->d_name, "shown");
	closedir(d);
	check_equal(found, 1);
	check_ok(stat("/tmp/mq/shown", &st));
	check_equal(st.st_mode, S_IFREG | 0640);
	check_equal(st.st_size, 80);
	check_ok(fstat(q, &by_fd));
	check(by_fd.st_ino == st.st_ino && by_fd.st_dev == st.st_dev);
	check_ok(mq_send(q, "abc", 3, 0));
	read_file("/tmp/mq/shown", buf, sizeof buf);
	check(!strcmp(buf, "QSIZE:3          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n"));
	/* a descriptor from open(2) is as good as one from mq_open */
	check((fd = open("/tmp/mq/shown", O_RDWR)) >= 0);
	check_equal(mq_receive(fd, c, 50, 0), 3);
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };

	signal(SIGUSR2, SIG_IGN);
	check_ok(mq_notify(fd, &ev));
	snprintf(c, sizeof c, "NOTIFY:0     SIGNO:%-5d NOTIFY_PID:%-6d\n", SIGUSR2, getpid());
	read_file("/tmp/mq/shown", buf, sizeof buf);
	check(strstr(buf, c) != 0);
	close(fd);	/* any close of the process ends it */
	read_file("/tmp/mq/shown", buf, sizeof buf);
	check(strstr(buf, "NOTIFY_PID:0 ") != 0);
	check_errno(write(q, "x", 1), EINVAL);
	/* chmod, names made and removed by the file calls */
	check_ok(chmod("/tmp/mq/shown", 0600));
	check((fd = open("/tmp/mq/made", O_CREAT | O_EXCL | O_RDWR, 0600)) >= 0);
	check_ok(mq_getattr(fd, &a));
	check(a.mq_maxmsg == 10 && a.mq_msgsize == 8192);
	close(fd);
	check_errno((long)mq_open("/made", O_CREAT | O_EXCL | O_RDWR, 0600, 0), EEXIST);
	check_ok(unlink("/tmp/mq/made"));
	check_errno((long)mq_open("/made", O_RDWR), ENOENT);
	check_errno(mkdir("/tmp/mq/dir", 0700), EPERM);
	check_errno(link("/tmp/mq/shown", "/tmp/mq/other"), EPERM);
	check_errno(rename("/tmp/mq/shown", "/tmp/mq/other"), EPERM);
	check_ok(mq_unlink("/shown"));
	check_errno(stat("/tmp/mq/shown", &st), ENOENT);
	check_ok(mq_close(q));
	with_limit("/proc/sys/fs/mqueue/msg_default", "4", default_attributes);
	check_ok(umount("/tmp/mq"));
	check_ok(rmdir("/tmp/mq"));
}

static void not_owner(void)
{
	mqd_t q = mq_open("/owned", O_CREAT | O_EXCL | O_RDWR, 0666, 0);
	pid_t pid;

	check(q >= 0);
	pid = fork();
	if (pid == 0) {
		check_ok(setgid(65534));
		check_ok(setuid(65534));
		check((q = mq_open("/owned", O_RDONLY)) >= 0);	/* umask took writing away */
		check_errno((long)mq_open("/owned", O_WRONLY), EACCES);
		check_errno(mq_unlink("/owned"), EACCES);	/* the directory is sticky */
		check((q = mq_open("/mine", O_CREAT | O_RDWR, 0600, 0)) >= 0);
		check_ok(mq_unlink("/mine"));
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_ok(mq_unlink("/owned"));
	check_ok(mq_close(q));
}

static void *makes(void *arg)
{
	long size = (long)arg;

	for (int i = 0; i < 200; i++) {
		struct mq_attr a = { .mq_maxmsg = 2, .mq_msgsize = size }, got;
		char name[20];
		mqd_t q;

		snprintf(name, sizeof name, "/at-once-%ld", size);
		q = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &a);
		if (q < 0 || mq_getattr(q, &got) || got.mq_msgsize != size || mq_close(q) || mq_unlink(name))
			return (void *)1;
	}
	return 0;
}

/* Several threads make queues at once: each gets the limits that it asked for. */
static void at_once(void)
{
	pthread_t t[4];
	void *bad;

	for (long i = 0; i < 4; i++)
		check_equal(pthread_create(&t[i], 0, makes, (void *)(100 + i)), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		check(!bad);
	}
}

static int told[2];
static void on_thread(union sigval v)
{
	char c = (char)v.sival_int;

	(void)!write(told[1], &c, 1);
}

/* SIGEV_THREAD: the C library's thread hears of it by a netlink socket. */
static void thread_notified(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread, .sigev_value.sival_int = 'k' };
	mqd_t q = mq_open("/thread", O_CREAT | O_EXCL | O_RDWR, 0600, 0);
	struct pollfd p;
	char c = 0, m[8192];

	check_ok(pipe(told));
	check_ok(mq_notify(q, &ev));
	check_errno(mq_notify(q, &ev), EBUSY);
	check_ok(mq_send(q, "x", 1, 0));
	p = (struct pollfd){ told[0], POLLIN, 0 };
	check_equal(poll(&p, 1, 10000), 1);
	check_equal(read(told[0], &c, 1), 1);
	check_equal(c, 'k');
	check_equal(mq_receive(q, m, sizeof m, 0), 1);
	check_ok(mq_send(q, "x", 1, 0));
	check_equal(poll(&p, 1, 100), 0);	/* once */
	check_equal(mq_receive(q, m, sizeof m, 0), 1);
	check_ok(mq_notify(q, &ev));
	check_ok(mq_notify(q, 0));
	check_ok(mq_send(q, "x", 1, 0));
	check_equal(poll(&p, 1, 100), 0);
	check_ok(mq_unlink("/thread"));
	check_ok(mq_close(q));
}

static const struct test table[] = {
	{ "lists", lists }, { "limits", limits }, { "mounted", mounted }, { "not-owner", not_owner }, { "at-once", at_once },
	{ "thread-notified", thread_notified }, { 0 },
};

TEST_MAIN(table)
