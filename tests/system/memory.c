/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory calls beyond mmap itself: advice, locking, moving, other processes' memory, sealed files, limits. */
#include "test.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGE 4096
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif
#define ONFAULT 4	/* MCL_ONFAULT */

static sigjmp_buf jump;
static volatile int fault_signal;

static void on_fault(int signo)
{
	fault_signal = signo;
	siglongjmp(jump, 1);
}

static void catch_faults(void)
{
	check(signal(SIGSEGV, on_fault) != SIG_ERR);
	check(signal(SIGBUS, on_fault) != SIG_ERR);
}

/* The signal that touching the byte raises, 0 if none. */
static int touch(volatile char *p, bool store)
{
	fault_signal = 0;
	if (!sigsetjmp(jump, 1)) {
		if (store)
			*p = 1;
		else
			(void)*p;
	}
	return fault_signal;
}

static char *map(size_t n, int prot, int flags)
{
	char *p = mmap(0, n, prot, flags | MAP_ANONYMOUS, -1, 0);

	check(p != MAP_FAILED);
	return p;
}
static char *anon(size_t n) { return map(n, PROT_READ | PROT_WRITE, MAP_PRIVATE); }

/* How many of the n pages are in memory. */
static int resident(void *p, int n)
{
	unsigned char vec[64];
	int sum = 0;

	check(n <= 64);
	check_ok(mincore(p, n * PAGE, vec));
	for (int i = 0; i < n; i++)
		sum += vec[i] & 1;
	return sum;
}

/* The number behind "NAME:" in a file of /proc, -1 if it is not there. */
static long field(const char *path, const char *name)
{
	char line[256];
	FILE *f = fopen(path, "r");
	long v = -1;

	check(f);
	while (v < 0 && fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			v = strtol(line + strlen(name) + 1, 0, 10);
	fclose(f);
	return v;
}

static void drop_root(void)
{
	check_ok(setgid(65534));
	check_ok(setuid(65534));
}

/* ---- other processes' memory ---------------------------------------------------------------- */

static long vm_read(pid_t pid, void *to, void *from, size_t n)
{
	struct iovec l = { to, n }, r = { from, n };

	return process_vm_readv(pid, &l, 1, &r, 1, 0);
}

static long vm_write(pid_t pid, void *from, void *to, size_t n)
{
	struct iovec l = { from, n }, r = { to, n };

	return process_vm_writev(pid, &l, 1, &r, 1, 0);
}

static void process_vm(void)
{
	char *mine = anon(4 * PAGE), *theirs = anon(4 * PAGE), small[10];
	int ready[2], go[2];
	pid_t pid;

	check_ok(pipe(ready));
	check_ok(pipe(go));
	pid = fork();
	if (pid == 0) {
		memset(theirs, 'c', 4 * PAGE);
		munmap(theirs + 2 * PAGE, PAGE);
		mprotect(theirs + 3 * PAGE, PAGE, PROT_READ);
		(void)!write(ready[1], "r", 1);
		(void)!read(go[0], small, 1);
		_exit(theirs[10] == 'p' && theirs[11] == 'c' ? 0 : 1);
	}
	check_equal(read(ready[0], small, 1), 1);
	check_equal(vm_read(pid, mine, theirs, 2 * PAGE), 2 * PAGE);
	check(mine[0] == 'c' && mine[2 * PAGE - 1] == 'c' && mine[2 * PAGE] == 0);
	check_equal(theirs[0], 0);
	/* Up to the hole. */
	check_equal(vm_read(pid, mine, theirs + PAGE + 100, PAGE), PAGE - 100);
	check_errno(vm_read(pid, mine, theirs + 2 * PAGE, 8), EFAULT);
	check_errno(vm_read(pid, (void *)8, theirs, 8), EFAULT);
	small[0] = 'p';
	check_equal(vm_write(pid, small, theirs + 10, 1), 1);
	check_errno(vm_write(pid, small, theirs + 3 * PAGE, 1), EFAULT);
	check_errno(vm_write(pid, small, (void *)-4096l, 1), EFAULT);
	check_ok(write(go[1], "g", 1));
	check_equal(wait_for(pid), 0);
	check_errno(vm_read(pid, mine, theirs, 8), ESRCH);
}

static void process_vm_vectors(void)
{
	char a[4], b[8], from[] = "abcdefghij";
	struct iovec l[2] = { { a, 4 }, { b, 8 } }, r[3] = { { from, 1 }, { 0, 0 }, { from + 4, 6 } }, many[1025] = { 0 };

	check_equal(process_vm_readv(getpid(), l, 2, r, 3, 0), 7);
	check(!memcmp(a, "aefg", 4) && !memcmp(b, "hij", 3));
	check_equal(process_vm_readv(getpid(), l, 0, r, 3, 0), 0);
	check_equal(process_vm_readv(getpid(), l, 2, r, 0, 0), 0);
	check_errno(process_vm_readv(getpid(), l, 2, r, 3, 1), EINVAL);
	check_errno(process_vm_readv(getpid(), many, 1025, r, 1, 0), EINVAL);
	check_errno(process_vm_readv(getpid(), l, 1, many, 1025, 0), EINVAL);
	check_errno(process_vm_readv(getpid(), (void *)16, 1, r, 1, 0), EFAULT);
	check_errno(process_vm_readv(getpid(), l, 1, (void *)16, 1, 0), EFAULT);
	r[0].iov_len = -1;
	check_errno(process_vm_readv(getpid(), l, 1, r, 1, 0), EINVAL);
	check_errno(process_vm_readv(0x3ffffff, l, 1, r + 2, 1, 0), ESRCH);
	/* A process of another user. */
	drop_root();
	check_errno(process_vm_readv(1, l, 1, r + 2, 1, 0), EPERM);
}

/* ---- moving --------------------------------------------------------------------------------- */

static void remap_keep(void)
{
	char *p = anon(4 * PAGE), *q;

	memset(p, 'x', 4 * PAGE);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	check(q != MAP_FAILED && q != p);
	check(q[0] == 'x' && q[4 * PAGE - 1] == 'x');
	catch_faults();
	check_equal(touch(p, false), 0);
	check_equal(p[0], 0);
	p[5] = 3;
	check_equal(q[5], 'x');
	check(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_DONTUNMAP) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP) == MAP_FAILED && errno == EINVAL);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, q);
	check(q != MAP_FAILED && q[5] == 3);
}

static void remap_second_view(void)
{
	char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED), *q;

	p[PAGE] = 'a';
	q = mremap(p + PAGE, 0, PAGE, MREMAP_MAYMOVE);
	check(q != MAP_FAILED && q != p + PAGE && q[0] == 'a');
	q[1] = 'b';
	check_equal(p[PAGE + 1], 'b');
	check_ok(munmap(p, 4 * PAGE));
	check_equal(q[0], 'a');
	p = anon(PAGE);
	check(mremap(p, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
}

static void remap_bad(void)
{
	char *p = anon(8 * PAGE), *q;

	check(mremap(p + 1, PAGE, PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, 0, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, PAGE, 64) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 4 * PAGE) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4 * PAGE + 1) == MAP_FAILED && errno == EINVAL);
	check(mremap(p, PAGE, 1ul << 60, MREMAP_MAYMOVE) == MAP_FAILED && (errno == EINVAL || errno == ENOMEM));
	check_ok(munmap(p + 4 * PAGE, PAGE));
	check(mremap(p + 4 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
	check(mremap(p + 3 * PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
	/* No room to grow in place. */
	check(mremap(p, PAGE, 2 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
	/* Into the hole it may grow. */
	q = mremap(p + 3 * PAGE, PAGE, 2 * PAGE, 0);
	check(q == p + 3 * PAGE);
}

/* ---- advice --------------------------------------------------------------------------------- */

static void advice_populate(void)
{
	char *p = anon(8 * PAGE), *q = map(2 * PAGE, PROT_READ, MAP_PRIVATE), *none = map(PAGE, PROT_NONE, MAP_PRIVATE);
	int fd = open("two", O_CREAT | O_RDWR, 0600);

	check_equal(resident(p, 8), 0);
	check_ok(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE));
	check_equal(resident(p, 8), 4);
	check_ok(madvise(q, 2 * PAGE, MADV_POPULATE_READ));
	check_errno(madvise(q, PAGE, MADV_POPULATE_WRITE), EINVAL);
	check_errno(madvise(none, PAGE, MADV_POPULATE_READ), EINVAL);
	check_ok(munmap(p + 6 * PAGE, PAGE));
	check_errno(madvise(p, 8 * PAGE, MADV_POPULATE_WRITE), ENOMEM);
	check_equal(resident(p, 6), 6);
	check_ok(ftruncate(fd, PAGE));
	p = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_errno(madvise(p, 2 * PAGE, MADV_POPULATE_READ), EFAULT);
	p = mmap(0, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	check_equal(resident(p, 8), 8);
}

static void advice_fork(void)
{
	char *gone = anon(PAGE), *wiped = anon(2 * PAGE), *back = anon(PAGE);
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	char *file;
	pid_t pid;

	check_ok(ftruncate(fd, PAGE));
	file = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	gone[0] = wiped[0] = wiped[PAGE] = back[0] = 7;
	check_ok(madvise(gone, PAGE, MADV_DONTFORK));
	check_ok(madvise(wiped, PAGE, MADV_WIPEONFORK));
	check_ok(madvise(back, PAGE, MADV_WIPEONFORK));
	check_ok(madvise(back, PAGE, MADV_KEEPONFORK));
	check_errno(madvise(file, PAGE, MADV_WIPEONFORK), EINVAL);
	check_errno(madvise(map(PAGE, PROT_READ, MAP_SHARED), PAGE, MADV_WIPEONFORK), EINVAL);
	pid = fork();
	if (pid == 0) {
		catch_faults();
		if (touch(gone, false) != SIGSEGV)
			_exit(1);
		if (wiped[0] != 0 || wiped[PAGE] != 7 || back[0] != 7)
			_exit(2);
		wiped[0] = 9;
		/* The flag is inherited. */
		pid = fork();
		if (pid == 0)
			_exit(wiped[0]);
		_exit(wait_for(pid) ? 3 : 0);
	}
	check_equal(wait_for(pid), 0);
	check_equal(wiped[0], 7);
}

static void advice_drop(void)
{
	char *p = anon(4 * PAGE), *s = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED), buf[4];
	int fd = open("data", O_CREAT | O_RDWR, 0600);

	memset(p, 5, 4 * PAGE);
	check_ok(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	check(p[0] == 5 && p[PAGE] == 0 && p[2 * PAGE] == 5);
	check_ok(madvise(p + 2 * PAGE, PAGE, MADV_FREE));
	check(p[2 * PAGE] == 5 || p[2 * PAGE] == 0);
	p[2 * PAGE] = 6;
	check_equal(p[2 * PAGE], 6);
	memset(s, 5, 2 * PAGE);
	check_ok(madvise(s, 2 * PAGE, MADV_DONTNEED));	/* shared pages stay what they are */
	check_equal(s[PAGE], 5);
	check_errno(madvise(s, PAGE, MADV_FREE), EINVAL);
	check_ok(madvise(s, PAGE, MADV_REMOVE));
	check(s[0] == 0 && s[PAGE] == 5);
	check_errno(madvise(p, PAGE, MADV_REMOVE), EINVAL);
	check_equal(write(fd, "file", 4), 4);
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	p[0] = 'F';
	check_ok(madvise(p, PAGE, MADV_DONTNEED));
	check_equal(p[0], 'f');
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[0] = 'G';
	check_ok(madvise(p, PAGE, MADV_DONTNEED));
	check_equal(p[0], 'G');
	check_ok(madvise(p, PAGE, MADV_PAGEOUT));
	check_equal(p[0], 'G');
	check_equal(pread(fd, buf, 4, 0), 4);
	check(!memcmp(buf, "Gile", 4));
}

static void advice_bad(void)
{
	char *p = anon(4 * PAGE);
	int hints[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_COLD, MADV_PAGEOUT, MADV_DONTDUMP, MADV_DODUMP,
			MADV_DONTNEED };

	for (unsigned i = 0; i < sizeof hints / sizeof *hints; i++) {
		check_ok(madvise(p, 4 * PAGE, hints[i]));
		check_ok(madvise(p, 0, hints[i]));
		check_errno(madvise(p + 1, PAGE, hints[i]), EINVAL);
		check_errno(madvise(p, -1ul, hints[i]), EINVAL);
		check_errno(madvise(p, -PAGE * 2ul, hints[i]), EINVAL);
	}
	check_ok(mlock(p, PAGE));
	check_errno(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	check_errno(madvise(p, PAGE, MADV_COLD), EINVAL);
	check_errno(madvise(p, PAGE, MADV_PAGEOUT), EINVAL);
	check_ok(munlock(p, PAGE));
	check_ok(munmap(p + PAGE, PAGE));
	p[2 * PAGE] = 1;
	check_errno(madvise(p, 4 * PAGE, MADV_DONTNEED), ENOMEM);
	check_equal(p[2 * PAGE], 0);	/* what lies behind the hole was done all the same */
	check_errno(madvise(p, 4 * PAGE, MADV_DONTFORK), ENOMEM);
	check_errno(madvise(p + PAGE, PAGE, MADV_NORMAL), ENOMEM);
	check_errno(madvise(p, PAGE, 12345), EINVAL);
	check_errno(madvise(p, PAGE, -1), EINVAL);
}

/* ---- locking -------------------------------------------------------------------------------- */

static void locking(void)
{
	char *p = anon(8 * PAGE), *q = anon(8 * PAGE);
	long before = field("/proc/self/status", "VmLck");

	check(before >= 0);
	check_ok(mlock(p + 10, 2 * PAGE));
	check_equal(resident(p, 8), 3);
	check_equal(field("/proc/self/status", "VmLck"), before + 12);
	check_ok(syscall(SYS_mlock2, q, 4 * PAGE, 1));
	check_equal(resident(q, 8), 0);
	q[0] = 1;
	check_equal(field("/proc/self/status", "VmLck"), before + 28);
	check_errno(syscall(SYS_mlock2, q, PAGE, 2), EINVAL);
	check_ok(munlock(p, 8 * PAGE));
	check_ok(munmap(q, 8 * PAGE));
	check_equal(field("/proc/self/status", "VmLck"), before);
	check_ok(munmap(p + 4 * PAGE, PAGE));
	check_errno(mlock(p, 8 * PAGE), ENOMEM);
	check_errno(munlock(p, 8 * PAGE), ENOMEM);
	check_errno(mlock((void *)-PAGE, 2 * PAGE), EINVAL);
	check_ok(mlock(p, 0));
	p = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	check_equal(resident(p, 4), 4);
}

static void locking_all(void)
{
	char *p;

	check_errno(mlockall(0), EINVAL);
	check_errno(mlockall(ONFAULT), EINVAL);
	check_errno(mlockall(8), EINVAL);
	check_ok(mlockall(MCL_FUTURE | ONFAULT));
	p = anon(8 * PAGE);
	check_equal(resident(p, 8), 0);
	check(field("/proc/self/status", "VmLck") >= 32);
	check_ok(mlockall(MCL_FUTURE));
	p = anon(8 * PAGE);
	check_equal(resident(p, 8), 8);
	check_ok(mlockall(MCL_CURRENT));
	check(field("/proc/self/status", "VmLck") > 100);
	p = anon(8 * PAGE);
	check_equal(resident(p, 8), 0);
	check_ok(munlockall());
	check_equal(field("/proc/self/status", "VmLck"), 0);
}

static void locking_limit(void)
{
	struct rlimit l = { 4 * PAGE, 4 * PAGE };
	char *p = anon(8 * PAGE);

	check_ok(setrlimit(RLIMIT_MEMLOCK, &l));
	check_ok(mlock(p, 8 * PAGE));	/* root may */
	check_ok(munlock(p, 8 * PAGE));
	drop_root();
	check_ok(mlock(p, 4 * PAGE));
	check_ok(mlock(p, 4 * PAGE));	/* what is locked already counts once */
	check_errno(mlock(p + 4 * PAGE, PAGE), ENOMEM);
	check_errno(mlockall(MCL_CURRENT), ENOMEM);
	check(mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED && errno == EAGAIN);
	check_ok(munlock(p, PAGE));
	check_ok(mlock(p + 4 * PAGE, PAGE));
	l.rlim_cur = 0;
	check_ok(setrlimit(RLIMIT_MEMLOCK, &l));
	check_errno(mlock(p, PAGE), EPERM);
	check_errno(mlockall(MCL_FUTURE), EPERM);
	check_errno(syscall(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0), EPERM);
}

static void in_core(void)
{
	char *p = anon(4 * PAGE), *hole = anon(2 * PAGE);
	unsigned char vec[8];
	int fd = open("cached", O_CREAT | O_RDWR, 0600);

	p[PAGE] = 1;
	check_ok(mincore(p, 3 * PAGE + 1, vec));
	check(!(vec[0] & 1) && (vec[1] & 1) && !(vec[2] & 1) && !(vec[3] & 1));
	check_errno(mincore(p + 1, PAGE, vec), EINVAL);
	check_errno(mincore(p, PAGE, (void *)8), EFAULT);
	check_errno(mincore(p, -1ul, vec), ENOMEM);
	check_ok(munmap(hole + PAGE, PAGE));
	check_errno(mincore(hole, 2 * PAGE, vec), ENOMEM);
	check_ok(mincore(p, 0, vec));
	check_ok(ftruncate(fd, 2 * PAGE));
	check_equal(pwrite(fd, "x", 1, PAGE), 1);
	p = mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	check_ok(mincore(p, 2 * PAGE, vec));
	check(vec[1] & 1);	/* in the page cache, though not in this table */
}

/* ---- sealed memory files -------------------------------------------------------------------- */

static void memfd(void)
{
	char name[251], *p;
	int fd = memfd_create("test", MFD_CLOEXEC);
	char link[64], text[64] = "";

	check_ok(fd);
	check_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	check_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	check_ok(readlink(link, text, sizeof text - 1));
	check(!strcmp(text, "/memfd:test (deleted)"));
	check_ok(ftruncate(fd, 2 * PAGE));
	p = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	p[PAGE] = 'm';
	check_equal(pread(fd, text, 1, PAGE), 1);
	check_equal(text[0], 'm');
	memset(name, 'n', 250);
	name[250] = 0;
	check_errno(memfd_create(name, 0), EINVAL);
	name[249] = 0;
	check_ok(memfd_create(name, 0));
	check_errno(memfd_create("x", 0x8000), EINVAL);
	check_errno(memfd_create((char *)8, 0), EFAULT);
	check_errno(fcntl(open("plain", O_CREAT | O_RDWR, 0600), F_GET_SEALS), EINVAL);
}

static void memfd_seals(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING), ro;
	char *p, *q, path[64];

	check_equal(fcntl(fd, F_GET_SEALS), 0);
	check_ok(ftruncate(fd, 2 * PAGE));
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	check_errno(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	check_errno(ftruncate(fd, PAGE), EPERM);
	check_ok(ftruncate(fd, 3 * PAGE));
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	check_errno(ftruncate(fd, 4 * PAGE), EPERM);
	check_errno(pwrite(fd, "x", 1, 3 * PAGE), EPERM);
	check_errno(fallocate(fd, 0, 0, 4 * PAGE), EPERM);
	check_equal(pwrite(fd, "x", 1, 0), 1);
	check_ok(munmap(p, PAGE));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	check_ok(ro);
	check_errno(fcntl(ro, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	q = mmap(0, PAGE, PROT_READ, MAP_SHARED, ro, 0);	/* readers do not stand in the way */
	check(q != MAP_FAILED);
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	check_errno(write(fd, "x", 1), EPERM);
	check_errno(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
	check(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
	check_equal(q[0], 'x');
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check(p != MAP_FAILED);
	p[0] = 'y';
	check_equal(q[0], 'x');
	check_errno(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	check_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	check_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

static void memfd_future_write(void)
{
	int fd = memfd_create("future", MFD_ALLOW_SEALING);
	char *p, *q;

	check_ok(ftruncate(fd, PAGE));
	p = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 'w';	/* who had it mapped may go on */
	check_errno(write(fd, "x", 1), EPERM);
	check(mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
	q = mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	check(q != MAP_FAILED && q[0] == 'w');
	check_errno(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

/* ---- kinds of mappings ---------------------------------------------------------------------- */

static void shared_zero(void)
{
	int fd = open("/dev/zero", O_RDWR);
	char *p = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *q;
	pid_t pid;

	check(p != MAP_FAILED);
	q = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	check(q != MAP_FAILED);
	q[3] = 1;
	pid = fork();
	if (pid == 0) {
		p[PAGE] = 'z';
		q[3] = 9;
		_exit(p[0] || q[4]);
	}
	check_equal(wait_for(pid), 0);
	check_equal(p[PAGE], 'z');
	check_equal(q[3], 1);
	/* Another mapping is other memory. */
	check_equal(((char *)mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0))[PAGE], 0);
}

static void grows_down(void)
{
	char *room = map(600 * PAGE, PROT_NONE, MAP_PRIVATE), *p;

	check_ok(munmap(room, 600 * PAGE));
	p = mmap(room + 590 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	check(p == room + 590 * PAGE);
	catch_faults();
	check_equal(touch(p - 10 * PAGE, true), 0);
	check_equal(p[-5 * PAGE], 0);
	check_equal(touch(room + 580 * PAGE, true), 0);
}

static void validated_flags(void)
{
	int fd = open("v", O_CREAT | O_RDWR, 0600);

	check_ok(ftruncate(fd, PAGE));
	check(mmap(0, PAGE, PROT_READ, MAP_SHARED_VALIDATE, fd, 0) != MAP_FAILED);
	check(mmap(0, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x800000, fd, 0) == MAP_FAILED && errno == EOPNOTSUPP);
	check(mmap(0, PAGE, PROT_READ, MAP_SHARED | 0x800000, fd, 0) != MAP_FAILED);
}

static void hostile_ranges(void)
{
	static const unsigned long lengths[] = { 0, 1, PAGE, -1ul, -PAGE, 1ul << 63, 1ul << 47, (1ul << 63) + PAGE };
	static const unsigned long starts[] = { 0, 1, PAGE, -PAGE, -1ul, 1ul << 47, 1ul << 63, 0x7ffffffff000ul };

	for (unsigned i = 0; i < 8; i++)
		for (unsigned j = 0; j < 8; j++) {
			void *at = (void *)starts[i];
			unsigned long n = lengths[j];
			unsigned char vec[16];

			/* Nothing is mapped there: an error, or nothing to do. */
			if (starts[i] < PAGE || starts[i] >= 1ul << 47) {
				if (n > 0 && n <= PAGE) {
					check(syscall(SYS_mprotect, at, n, PROT_READ) == -1);
					check(madvise(at, n, MADV_DONTNEED) == -1);
					check(mlock(at, n) == -1);
					check(msync(at, n, MS_SYNC) == -1);
					check(mincore(at, n, vec) == -1);
				}
			}
			if (n > 1ul << 62) {
				check(mmap(at, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
				check(mremap(at, n, n, MREMAP_MAYMOVE) == MAP_FAILED);
				check(syscall(SYS_mprotect, 0x8000, n, PROT_READ) == -1);	/* below any program */
			}
		}
	check(mmap((void *)-PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
	check_equal(errno, ENOMEM);
	check_errno(munmap((void *)PAGE, -PAGE), EINVAL);
	check_errno(munmap(0, -1ul), EINVAL);
	check_errno(msync(anon(PAGE), PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	check_errno(msync(anon(PAGE) + 1, PAGE, MS_SYNC), EINVAL);
	check_errno(msync(anon(PAGE), PAGE, 64), EINVAL);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void limit(int which, unsigned long value)
{
	struct rlimit l = { value, RLIM_INFINITY };

	check_ok(setrlimit(which, &l));
}

static void address_limit(void)
{
	char *p = anon(64 * PAGE);

	limit(RLIMIT_AS, 256ul << 20);
	check(mmap(0, 512ul << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	check(mremap(p, 64 * PAGE, 512ul << 20, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
	limit(RLIMIT_AS, RLIM_INFINITY);
	p = mmap(0, 512ul << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	limit(RLIMIT_AS, 1);
	check_ok(munmap(p, 512ul << 20));
	check(mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
}

static void data_limit(void)
{
	char *start = (char *)syscall(SYS_brk, 0);

	limit(RLIMIT_DATA, 8ul << 20);
	check((char *)syscall(SYS_brk, start + (64l << 20)) == start);
	check(mmap(0, 64ul << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
	      && errno == ENOMEM);
	check(mmap(0, 64ul << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	check(mmap(0, 64ul << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static int deep(int n)
{
	volatile char block[16384];

	block[n & 1023] = n;
	return n == 0 ? 0 : deep(n - 1) + block[n & 1023];
}

static void stack_limit(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		limit(RLIMIT_STACK, 512 << 10);
		deep(100);	/* 1.6 MiB */
		_exit(0);
	}
	check_equal(wait_for(pid) & 127, SIGSEGV);
	pid = fork();
	if (pid == 0) {
		limit(RLIMIT_STACK, 4 << 20);
		deep(100);
		_exit(0);
	}
	check_equal(wait_for(pid), 0);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	check_ok(fd);
	check_equal(write(fd, text, strlen(text)), (long)strlen(text));
	close(fd);
}

static void overcommit(void)
{
	const char *mode = "/proc/sys/vm/overcommit_memory";
	unsigned long total = field("/proc/meminfo", "MemTotal") * 1024, big = total * 2;
	char *p;

	/* Guessing: only what can never be there is refused. */
	write_file(mode, "0\n");
	check(mmap(0, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	p = mmap(0, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	check(p != MAP_FAILED);
	munmap(p, big);
	write_file(mode, "1\n");
	p = mmap(0, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	munmap(p, big);
	/* Strict: sums count, too, and what may become written counts when it becomes so. */
	write_file("/proc/sys/vm/overcommit_ratio", "50\n");
	write_file(mode, "2\n");
	check(field("/proc/meminfo", "CommitLimit") * 1024ul <= total / 2 + PAGE);
	p = mmap(0, total / 4 * 3, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	check_errno(mprotect(p, total / 4 * 3, PROT_READ | PROT_WRITE), ENOMEM);
	check(mmap(0, total / 4 * 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED);
	p = mmap(0, total / 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	check(field("/proc/meminfo", "Committed_AS") * 1024ul >= total / 3 - PAGE);
	check(mmap(0, total / 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
	check(fork() == -1 && errno == ENOMEM);
	munmap(p, total / 3);
	p = mmap(0, total / 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	munmap(p, total / 3);
	write_file(mode, "0\n");
	check(open(mode, O_WRONLY) >= 0 && write(open(mode, O_WRONLY), "7\n", 2) == -1 && errno == EINVAL);
}

/* ---- one node ------------------------------------------------------------------------------- */

static void policies(void)
{
	unsigned long mask = 1, far = 2, got = 0;
	char *p = anon(4 * PAGE);
	int mode = -1;

	check_ok(syscall(SYS_get_mempolicy, &mode, &got, 64, 0, 0));
	check_equal(mode, 0);
	check_equal(got, 0);
	check_ok(syscall(SYS_set_mempolicy, 2, &mask, 64));	/* MPOL_BIND */
	check_ok(syscall(SYS_get_mempolicy, &mode, &got, 64, 0, 0));
	check_equal(mode, 2);
	check_equal(got, 1);
	check_errno(syscall(SYS_set_mempolicy, 2, &far, 64), EINVAL);
	check_errno(syscall(SYS_set_mempolicy, 2, 0, 0), EINVAL);
	check_errno(syscall(SYS_set_mempolicy, 99, &mask, 64), EINVAL);
	check_errno(syscall(SYS_set_mempolicy, 0, &mask, 64), EINVAL);
	check_errno(syscall(SYS_set_mempolicy, 2, 8, 64), EFAULT);
	check_ok(syscall(SYS_set_mempolicy, 0, 0, 0));
	check_ok(syscall(SYS_mbind, p, 4 * PAGE, 2, &mask, 64, 0));
	check_errno(syscall(SYS_mbind, p, 4 * PAGE, 2, &far, 64, 0), EINVAL);
	check_errno(syscall(SYS_mbind, p + 1, PAGE, 2, &mask, 64, 0), EINVAL);
	check_errno(syscall(SYS_mbind, p, PAGE, 2, &mask, 64, 128), EINVAL);
	check_ok(syscall(SYS_get_mempolicy, &mode, 0, 0, p, 2));	/* MPOL_F_ADDR */
	check_equal(mode, 2);
	p[0] = 1;
	check_ok(syscall(SYS_get_mempolicy, &mode, 0, 0, p, 3));	/* MPOL_F_NODE: where it is */
	check_equal(mode, 0);
	check_ok(syscall(SYS_get_mempolicy, 0, &got, 64, 0, 4));	/* MPOL_F_MEMS_ALLOWED */
	check_equal(got, 1);
	check_errno(syscall(SYS_get_mempolicy, &mode, 0, 0, 8, 2), EFAULT);
	check_errno(syscall(SYS_get_mempolicy, (int *)8, 0, 0, 0, 0), EFAULT);
}

/* ---- truncation against faults -------------------------------------------------------------- */

static volatile char *raced;
static volatile bool race_over;
static __thread sigjmp_buf race_jump;

static void race_signal(int signo) { siglongjmp(race_jump, 1); }

static void *race_toucher(void *unused)
{
	while (!race_over)
		if (!sigsetjmp(race_jump, 1))
			(void)raced[PAGE];
	return 0;
}

static void truncate_race(void)
{
	int fd = open("raced", O_CREAT | O_RDWR, 0600);
	pthread_t t[2];
	char c = 1;

	check_ok(ftruncate(fd, 2 * PAGE));
	raced = mmap(0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(signal(SIGBUS, race_signal) != SIG_ERR);
	for (int i = 0; i < 2; i++)
		check(!pthread_create(&t[i], 0, race_toucher, 0));
	/* Each round interrupts the other CPU several times, which is slow where virtual CPUs share a real one. */
	for (int i = 0; i < 120; i++) {
		char now = 'A' + i % 26;

		check_equal(pwrite(fd, &now, 1, PAGE), 1);
		check_ok(ftruncate(fd, PAGE));
		check_ok(ftruncate(fd, 2 * PAGE));
		check_equal(pread(fd, &c, 1, PAGE), 1);
		check_equal(c, 0);
		check_equal(raced[PAGE], 0);
		check_equal(pwrite(fd, &now, 1, PAGE), 1);
		check_equal(raced[PAGE], now);	/* one page, not an orphan beside it */
	}
	race_over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], 0);
}

static void major_faults(void)
{
	struct rusage a, b;
	int fd = open("/bin/busybox", O_RDONLY);
	volatile char *p;

	check_ok(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	check_ok(getrusage(RUSAGE_SELF, &a));
	p = anon(64 * PAGE);
	for (int i = 0; i < 64; i++)
		p[i * PAGE] = 1;
	check_ok(getrusage(RUSAGE_SELF, &b));
	check(b.ru_minflt - a.ru_minflt >= 60);
	check_equal(b.ru_majflt, a.ru_majflt);
}

static const struct test table[] = {
	{ "process-vm", process_vm }, { "process-vm-vectors", process_vm_vectors }, { "remap-keep", remap_keep },
	{ "remap-second-view", remap_second_view }, { "remap-bad", remap_bad }, { "advice-populate", advice_populate },
	{ "advice-fork", advice_fork }, { "advice-drop", advice_drop }, { "advice-bad", advice_bad },
	{ "locking", locking }, { "locking-all", locking_all }, { "locking-limit", locking_limit },
	{ "mincore", in_core }, { "memfd", memfd }, { "memfd-seals", memfd_seals },
	{ "memfd-future-write", memfd_future_write }, { "shared-zero", shared_zero }, { "grows-down", grows_down },
	{ "validated-flags", validated_flags }, { "hostile-ranges", hostile_ranges }, { "address-limit", address_limit },
	{ "data-limit", data_limit }, { "stack-limit", stack_limit }, { "overcommit", overcommit },
	{ "policies", policies }, { "truncate-race", truncate_race }, { "major-faults", major_faults },
	{ 0 },
};

TEST_MAIN(table)
