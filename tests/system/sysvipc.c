/* SPDX-License-Identifier: BSD-2-Clause */
/* System V shared memory, semaphores and message queues: what they do, who may, bad calls, many at once. */
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int op(int id, int num, int value, int flags)
{
	struct sembuf b = { num, value, flags };

	return semop(id, &b, 1);
}

static void memory(void)
{
	int id = shmget(IPC_PRIVATE, 10000, 0600), status;
	struct shmid_ds ds;
	char *a, *b;
	pid_t pid;

	check(id >= 0);
	check((a = shmat(id, 0, 0)) != (void *)-1);
	check((b = shmat(id, 0, SHM_RDONLY)) != (void *)-1);
	check(a != b);
	strcpy(a + 9000, "hello");
	check(!strcmp(b + 9000, "hello"));
	check_ok(shmctl(id, IPC_STAT, &ds));
	check_equal(ds.shm_nattch, 2);
	check_equal(ds.shm_segsz, 10000);
	check_equal(ds.shm_cpid, getpid());
	check_equal(ds.shm_perm.mode, 0600);
	pid = fork();
	if (pid == 0) {
		struct shmid_ds d;

		if (shmctl(id, IPC_STAT, &d) || d.shm_nattch != 4)
			_exit(1);
		strcpy(a, "from the child");
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check(!strcmp(b, "from the child"));
	check_ok(shmctl(id, IPC_STAT, &ds));
	check_equal(ds.shm_nattch, 2);
	pid = fork();
	if (pid == 0) {
		b[0] = 1;		/* attached for reading */
		_exit(0);
	}
	status = wait_for(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	check_errno(mprotect(b, 4096, PROT_READ | PROT_WRITE), EACCES);
	check_ok(shmdt(b));
	check_errno(shmdt(b), EINVAL);
	check_ok(shmctl(id, IPC_RMID, 0));
	check_ok(shmctl(id, IPC_STAT, &ds));	/* lives until the last attach goes */
	check_equal(ds.shm_perm.mode, 0600 | 01000);
	a[1] = 'x';
	check_ok(shmdt(a));
	check_errno(shmctl(id, IPC_STAT, &ds), EINVAL);
	check_errno((long)shmat(id, 0, 0), EINVAL);
}

static void places(void)
{
	int id = shmget(IPC_PRIVATE, 8192, 0600);
	char *at = mmap(0, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;

	check_errno((long)shmat(id, at, 0), EINVAL);		/* something is there */
	check_errno((long)shmat(id, at + 1, 0), EINVAL);
	check_errno((long)shmat(id, 0, SHM_REMAP), EINVAL);
	check((p = shmat(id, at + 4096 + 7, SHM_RND | SHM_REMAP)) == at + 4096);
	p[8191] = 1;
	/* A hole in the middle: the rest goes with shmdt. */
	check_ok(munmap(p, 4096));
	check_ok(shmdt(p));
	check_ok(munmap(at, 65536));
	check((p = shmat(id, at, 0)) == at);
	check_equal(p[8191], 1);
	check_errno(shmdt(p + 4096), EINVAL);
	check_errno(shmdt(p + 1), EINVAL);
	check_ok(shmctl(id, IPC_RMID, 0));
}

static void keys(void)
{
	key_t key = 0x51770000 | (getpid() & 0xffff);
	int id = shmget(key, 5000, IPC_CREAT | 0640);

	check(id >= 0);
	check_equal(shmget(key, 0, 0), id);
	check_equal(shmget(key, 5000, IPC_CREAT), id);
	check_errno(shmget(key, 5000, IPC_CREAT | IPC_EXCL), EEXIST);
	check_errno(shmget(key, 5001, 0), EINVAL);
	check_errno(shmget(key + 1, 5000, 0), ENOENT);
	check_errno(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	pid_t pid = fork();

	if (pid == 0) {
		struct shmid_ds ds;

		check_ok(setgid(65534));
		check_ok(setuid(65534));
		check_errno(shmget(key, 0, 0400), EACCES);
		check_errno((long)shmat(id, 0, SHM_RDONLY), EACCES);
		check_errno(shmctl(id, IPC_STAT, &ds), EACCES);
		check_errno(shmctl(id, IPC_RMID, 0), EPERM);
		check_errno(shmctl(id, IPC_SET, &ds), EPERM);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	struct shmid_ds ds;

	check_ok(shmctl(id, IPC_STAT, &ds));
	ds.shm_perm.uid = 65534;
	ds.shm_perm.mode = 0400;
	check_ok(shmctl(id, IPC_SET, &ds));
	pid = fork();
	if (pid == 0) {
		check_ok(setuid(65534));
		check((long)shmat(id, 0, SHM_RDONLY) != -1);
		check_errno((long)shmat(id, 0, 0), EACCES);
		check_ok(shmctl(id, IPC_RMID, 0));		/* its owner now */
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_errno(shmget(key, 0, 0), ENOENT);
	int again = shmget(key, 5000, IPC_CREAT | 0600);

	check(again >= 0 && again != id);
	check_ok(shmctl(again, IPC_RMID, 0));
}

static void semaphores(void)
{
	int id = semget(IPC_PRIVATE, 3, 0600);
	unsigned short values[3] = { 5, 0, 7 };
	struct semid_ds ds;

	check(id >= 0);
	check_ok(semctl(id, 0, SETALL, (union semun){ .array = values }));
	check_equal(semctl(id, 0, GETVAL), 5);
	check_ok(semctl(id, 1, SETVAL, (union semun){ .val = 2 }));
	memset(values, 0, sizeof values);
	check_ok(semctl(id, 0, GETALL, (union semun){ .array = values }));
	check(values[0] == 5 && values[1] == 2 && values[2] == 7);
	/* All or nothing. */
	struct sembuf b[3] = { { 0, -5, IPC_NOWAIT }, { 1, -2, IPC_NOWAIT }, { 2, -8, IPC_NOWAIT } };

	check_errno(semop(id, b, 3), EAGAIN);
	check_equal(semctl(id, 0, GETVAL), 5);
	b[2].sem_op = -7;
	check_ok(semop(id, b, 3));
	check_equal(semctl(id, 2, GETVAL), 0);
	check_equal(semctl(id, 2, GETPID), getpid());
	check_ok(op(id, 0, 0, 0));			/* is zero */
	check_ok(op(id, 0, 32767, 0));
	check_errno(op(id, 0, 1, 0), ERANGE);
	check_errno(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
	check_ok(semctl(id, 0, IPC_STAT, (union semun){ .buf = &ds }));
	check_equal(ds.sem_nsems, 3);
	check(ds.sem_otime > 0 && ds.sem_ctime > 0);
	struct timespec ts = { 0, 30000000 };
	struct sembuf one = { 1, -1, 0 };
	long long start = now_ms();

	check_errno(semtimedop(id, &one, 1, &ts), EAGAIN);
	check(now_ms() - start >= 29);
	check_errno(op(id, 3, 1, 0), EFBIG);
	check_errno(semop(id, b, 0), EINVAL);
	check_errno(syscall(SYS_semtimedop, id, b, 501, 0), E2BIG);
	check_errno(syscall(SYS_semtimedop, id, (void *)8, 1, 0), EFAULT);
	ts.tv_nsec = -1;
	check_errno(semtimedop(id, &one, 1, &ts), EINVAL);
	check_errno(semctl(id, 3, GETVAL), EINVAL);
	check_errno(semctl(id, 0, SETVAL, (union semun){ .val = 32768 }), ERANGE);
	check_errno(semctl(id, 0, SETVAL, (union semun){ .val = -1 }), ERANGE);
	check_errno(semctl(id, 0, 77), EINVAL);
	check_errno(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	check_errno(semget(IPC_PRIVATE, 1000000, 0600), EINVAL);
	check_ok(semctl(id, 0, IPC_RMID));
	check_errno(op(id, 0, 1, 0), EINVAL);
}

static volatile int id_of_thread, done;
static void *waits(void *arg)
{
	long r = op(id_of_thread, 0, (int)(long)arg, 0);

	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
	return (void *)(r ? (long)errno : 0l);
}

static void waiting(void)
{
	pthread_t t[3], z;
	void *why;
	int id = id_of_thread = semget(IPC_PRIVATE, 1, 0600);

	for (int i = 0; i < 3; i++)
		check_equal(pthread_create(&t[i], 0, waits, (void *)-1l), 0);
	for (int i = 0; i < 1000 && semctl(id, 0, GETNCNT) < 3; i++)
		sleep_ms(5);
	check_equal(semctl(id, 0, GETNCNT), 3);
	check_equal(semctl(id, 0, GETZCNT), 0);
	check_ok(op(id, 0, 2, 0));
	for (int i = 0; i < 1000 && done < 2; i++)
		sleep_ms(5);
	check_equal(done, 2);
	check_equal(semctl(id, 0, GETNCNT), 1);
	check_ok(op(id, 0, 1, 0));
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &why);
		check_equal((long)why, 0);
	}
	check_ok(op(id, 0, 1, 0));
	check_equal(pthread_create(&z, 0, waits, (void *)0l), 0);
	for (int i = 0; i < 1000 && semctl(id, 0, GETZCNT) < 1; i++)
		sleep_ms(5);
	check_ok(op(id, 0, -1, 0));
	pthread_join(z, &why);
	check_equal((long)why, 0);
	check_equal(pthread_create(&z, 0, waits, (void *)-1l), 0);
	for (int i = 0; i < 1000 && semctl(id, 0, GETNCNT) < 1; i++)
		sleep_ms(5);
	check_ok(semctl(id, 0, IPC_RMID));
	pthread_join(z, &why);
	check_equal((long)why, EIDRM);
}

static void undone(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	pid_t pid;

	check_ok(op(id, 0, 10, 0));
	pid = fork();
	if (pid == 0) {
		check_ok(op(id, 0, -3, SEM_UNDO));
		check_ok(op(id, 0, -2, SEM_UNDO));
		check_ok(op(id, 1, 4, SEM_UNDO));
		check_ok(op(id, 1, 1, 0));
		check_equal(semctl(id, 0, GETVAL), 5);
		if (fork() == 0)
			_exit(0);		/* a child has nothing to undo */
		wait(0);
		check_equal(semctl(id, 0, GETVAL), 5);
		kill(getpid(), SIGKILL);
	}
	check_equal(wait_for(pid), SIGKILL);
	check_equal(semctl(id, 0, GETVAL), 10);
	check_equal(semctl(id, 1, GETVAL), 1);
	pid = fork();
	if (pid == 0) {
		check_ok(op(id, 0, -3, SEM_UNDO));
		check_ok(semctl(id, 0, SETVAL, (union semun){ .val = 1 }));	/* forgets it */
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
	check_equal(semctl(id, 0, GETVAL), 1);
	pid = fork();
	if (pid == 0) {
		check_ok(op(id, 0, -1, SEM_UNDO));
		check_ok(semctl(id, 0, IPC_RMID));
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

struct message {
	long type;
	char text[100];
};

static void put(int id, long type, const char *text)
{
	struct message m = { type, "" };

	strcpy(m.text, text);
	check_ok(msgsnd(id, &m, strlen(text) + 1, 0));
}

static void get(int id, long type, int flags, const char *text)
{
	struct message m;

	check_equal(msgrcv(id, &m, sizeof m.text, type, flags | IPC_NOWAIT), strlen(text) + 1);
	check(!strcmp(m.text, text));
}

static void messages(void)
{
	int id = msgget(IPC_PRIVATE, 0600);
	struct message m = { 0, "" };
	struct msqid_ds ds;

	check(id >= 0);
	put(id, 3, "three");
	put(id, 1, "one");
	put(id, 2, "two");
	put(id, 1, "uno");
	check_ok(msgctl(id, IPC_STAT, &ds));
	check_equal(ds.msg_qnum, 4);
	check_equal(ds.msg_lspid, getpid());
	check_equal(ds.msg_qbytes, 16384);
	check_equal(msgrcv(id, &m, sizeof m.text, 1, 040000 | IPC_NOWAIT), 4);	/* MSG_COPY: the second */
	check(!strcmp(m.text, "one"));
	get(id, -2, 0, "one");
	get(id, 1, 020000, "three");			/* MSG_EXCEPT */
	get(id, -5, 0, "uno");
	check_errno(msgrcv(id, &m, sizeof m.text, 7, IPC_NOWAIT), ENOMSG);
	check_errno(msgrcv(id, &m, 2, 0, IPC_NOWAIT), E2BIG);
	check_equal(msgrcv(id, &m, 2, 0, IPC_NOWAIT | MSG_NOERROR), 2);
	check_errno(msgrcv(id, &m, sizeof m.text, 0, IPC_NOWAIT), ENOMSG);
	m.type = 0;
	check_errno(msgsnd(id, &m, 1, 0), EINVAL);
	m.type = 1;
	check_errno(msgsnd(id, &m, 8193, 0), EINVAL);
	check_errno(syscall(SYS_msgsnd, id, (void *)8, 1, 0), EFAULT);
	check_errno(syscall(SYS_msgrcv, id, &m, -1l, 0, 0), EINVAL);
	for (int i = 0; i < 163; i++)
		check_ok(msgsnd(id, &m, 100, IPC_NOWAIT));
	check_errno(msgsnd(id, &m, 100, IPC_NOWAIT), EAGAIN);
	check_ok(msgctl(id, IPC_STAT, &ds));
	ds.msg_qbytes = 20000;
	check_ok(msgctl(id, IPC_SET, &ds));
	check_ok(msgsnd(id, &m, 100, IPC_NOWAIT));
	check_ok(msgctl(id, IPC_RMID, 0));
	check_errno(msgctl(id, IPC_STAT, &ds), EINVAL);
	check_errno(msgsnd(id, &m, 1, 0), EINVAL);
}

static void *sends(void *arg)
{
	struct message m = { 1 + (long)arg, "" };

	for (int i = 0; i < 500; i++)
		if (msgsnd(id_of_thread, &m, sizeof m.text, 0))
			return (void *)(long)errno;
	return 0;
}

static void full_and_empty(void)
{
	int id = id_of_thread = msgget(IPC_PRIVATE, 0600), counts[4] = { 0 };
	struct message m;
	pthread_t t[3];
	void *why;

	for (long i = 0; i < 3; i++)
		check_equal(pthread_create(&t[i], 0, sends, (void *)i), 0);
	for (int i = 0; i < 1500; i++) {
		check_equal(msgrcv(id, &m, sizeof m.text, 0, 0), sizeof m.text);
		counts[m.type]++;
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &why);
		check_equal((long)why, 0);
		check_equal(counts[i + 1], 500);
	}
	pid_t pid = fork();

	if (pid == 0) {
		check_errno(msgrcv(id, &m, sizeof m.text, 0, 0), EIDRM);
		_exit(0);
	}
	sleep_ms(100);
	check_ok(msgctl(id, IPC_RMID, 0));
	check_equal(wait_for(pid), 0);
}

static void on_signal(int sig) {}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerval v = { { 0, 30000 }, { 0, 30000 } };
	int sem = semget(IPC_PRIVATE, 1, 0600), msg = msgget(IPC_PRIVATE, 0600);
	struct message m;

	check_ok(sigaction(SIGALRM, &sa, 0));
	check_ok(setitimer(ITIMER_REAL, &v, 0));
	check_errno(op(sem, 0, -1, 0), EINTR);		/* never restarted */
	check_errno(msgrcv(msg, &m, sizeof m.text, 0, 0), EINTR);
	check_ok(semctl(sem, 0, IPC_RMID));
	check_ok(msgctl(msg, IPC_RMID, 0));
}

/* Mutual exclusion between processes through a semaphore, on memory they share. */
static void together(void)
{
	int sem = semget(IPC_PRIVATE, 1, 0600), shm = shmget(IPC_PRIVATE, 4096, 0600);
	volatile long *counter = shmat(shm, 0, 0);
	pid_t pids[4];

	check_ok(op(sem, 0, 1, 0));
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			for (int k = 0; k < 200; k++) {
				long seen;

				if (op(sem, 0, -1, SEM_UNDO))
					_exit(1);
				seen = *counter;
				if (k % 8 == 0)
					sched_yield();
				*counter = seen + 1;
				if (op(sem, 0, 1, SEM_UNDO))
					_exit(2);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		check_equal(wait_for(pids[i]), 0);
	check_equal(*counter, 800);
	check_ok(semctl(sem, 0, IPC_RMID));
	check_ok(shmctl(shm, IPC_RMID, 0));
}

static const struct test table[] = {
	{ "memory", memory }, { "places", places }, { "keys", keys }, { "semaphores", semaphores }, { "waiting", waiting },
	{ "undone", undone }, { "messages", messages }, { "full_and_empty", full_and_empty }, { "interrupted", interrupted },
	{ "together", together }, { 0 },
};

TEST_MAIN(table)
