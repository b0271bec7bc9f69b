/* SPDX-License-Identifier: BSD-2-Clause */
/* The vDSO: its symbols and versions, its clocks against the system calls', setting the clock under readers. */
#include "test.h"
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define VERSION "LINUX_2.6"
#define PREFIX "__vdso_"
#elif defined(__aarch64__)
#define VERSION "LINUX_2.6.39"
#define PREFIX "__kernel_"
#else
#define VERSION "LINUX_4.15"
#define PREFIX "__vdso_"
#endif

static unsigned version_hash(const char *s)
{
	unsigned h = 0, high;

	for (; *s; s++) {
		h = (h << 4) + (unsigned char)*s;
		high = h & 0xf0000000;
		if (high)
			h ^= high >> 24;
		h &= ~high;
	}
	return h;
}

static unsigned gnu_hash(const char *s)
{
	unsigned h = 5381;

	while (*s)
		h = h * 33 + (unsigned char)*s++;
	return h;
}

struct vdso {
	char *base, *strings;
	Elf64_Sym *syms;
	Elf64_Verdef *defs;
	uint16_t *versions;
	uint32_t *hash;
};

static struct vdso dynamic(void)
{
	struct vdso v = { .base = (char *)getauxval(AT_SYSINFO_EHDR) };
	Elf64_Ehdr *eh = (void *)v.base;
	Elf64_Phdr *ph = (void *)(v.base + eh->e_phoff);

	check(v.base && !memcmp(v.base, ELFMAG, 4));
	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_DYNAMIC)
			for (Elf64_Dyn *d = (void *)(v.base + ph[i].p_vaddr); d->d_tag; d++) {
				void *p = v.base + d->d_un.d_ptr;

				switch (d->d_tag) {
				case DT_STRTAB: v.strings = p; break;
				case DT_SYMTAB: v.syms = p; break;
				case DT_GNU_HASH: v.hash = p; break;
				case DT_VERSYM: v.versions = p; break;
				case DT_VERDEF: v.defs = p; break;
				}
			}
	check(v.strings && v.syms && v.hash && v.versions && v.defs);
	return v;
}

static void check_version(const struct vdso *v, uint32_t i)
{
	Elf64_Verdef *d = v->defs;

	while ((d->vd_ndx & 0x7fff) != (v->versions[i] & 0x7fff) && d->vd_next)
		d = (void *)((char *)d + d->vd_next);
	check(d->vd_hash == version_hash(VERSION));
	check(!strcmp(v->strings + ((Elf64_Verdaux *)((char *)d + d->vd_aux))->vda_name, VERSION));
}

/* The symbol under that version, by the GNU hash table, as the C libraries look it up. */
static void *find(const char *name)
{
	struct vdso v = dynamic();
	uint32_t nr = v.hash[0], first = v.hash[1], bloom = v.hash[2], h = gnu_hash(name);
	uint32_t *buckets = v.hash + 4 + 2 * bloom, *chain = buckets + nr;
	uint32_t i = buckets[h % nr];

	for (; i; i++) {
		if ((chain[i - first] | 1) == (h | 1) && v.syms[i].st_shndx && !strcmp(v.strings + v.syms[i].st_name, name)) {
			check_version(&v, i);
			return v.base + v.syms[i].st_value;
		}
		if (chain[i - first] & 1)
			break;
	}
	return 0;
}

static int (*v_gettime)(clockid_t, struct timespec *);
static int (*v_getres)(clockid_t, struct timespec *);
static int (*v_gettimeofday)(struct timeval *, struct timezone *);
static long (*v_getcpu)(unsigned *, unsigned *, void *);

static void look_up(void)
{
	v_gettime = (void *)find(PREFIX "clock_gettime");
	v_getres = (void *)find(PREFIX "clock_getres");
	v_gettimeofday = (void *)find(PREFIX "gettimeofday");
	v_getcpu = (void *)find(PREFIX "getcpu");
	check(v_gettime && v_getres && v_gettimeofday);
}

static void symbols(void)
{
	look_up();
	check(find(PREFIX "rt_sigreturn") || sizeof PREFIX == sizeof "__vdso_");
#if defined(__x86_64__)
	check(find("__vdso_time") && find("time") && find("clock_gettime") && find("gettimeofday") && find("getcpu"));
#elif defined(__riscv)
	check(find("__vdso_flush_icache") && find("__vdso_rt_sigreturn"));
#endif
	check(!find("no_such_symbol"));
}

static long long ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000ll + ts->tv_nsec;
}

static long long by_call(clockid_t id)
{
	struct timespec ts;

	check_ok(syscall(SYS_clock_gettime, id, &ts));
	return ns(&ts);
}

static long long by_vdso(clockid_t id)
{
	struct timespec ts = { -1, -1 };

	check_equal(v_gettime(id, &ts), 0);
	check(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return ns(&ts);
}

static const clockid_t fine[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI };

/* Call, vDSO, call: in this order on a time line. */
static void same_as_call(void)
{
	look_up();
	for (int i = 0; i < 2000; i++)
		for (unsigned k = 0; k < sizeof fine / sizeof *fine; k++) {
			long long a = by_call(fine[k]), b = by_vdso(fine[k]), c = by_call(fine[k]);

			if (a > b || b > c)
				test_fail(__LINE__, "clock %d: %lld %lld %lld", fine[k], a, b, c);
		}
}

static void coarse_clocks(void)
{
	look_up();
	for (int i = 0; i < 1000; i++) {
		long long low = by_vdso(CLOCK_MONOTONIC_COARSE), high = by_vdso(CLOCK_MONOTONIC);

		check(low <= high && high - low < 2000000000ll);
		low = by_vdso(CLOCK_REALTIME_COARSE);
		high = by_vdso(CLOCK_REALTIME);
		check(low <= high && high - low < 2000000000ll);
	}
}

static void other_clocks(void)
{
	struct timespec ts;
	static const int bad[] = { 12, 31, 32, 99, 1 << 30, -1 };

	look_up();
	check(by_vdso(CLOCK_PROCESS_CPUTIME_ID) > 0);
	check(by_vdso(CLOCK_THREAD_CPUTIME_ID) > 0);
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		check_equal(v_gettime(bad[i], &ts), -EINVAL);
		check_equal(v_getres(bad[i], &ts), -EINVAL);
	}
	for (unsigned k = 0; k < sizeof fine / sizeof *fine; k++) {
		check_equal(v_getres(fine[k], &ts), 0);
		check(ts.tv_sec == 0 && ts.tv_nsec > 0 && ts.tv_nsec <= 10000000);
		check_equal(v_getres(fine[k], 0), 0);
	}
}

static void time_of_day(void)
{
	struct timezone tz = { 99, 99 }, by_kernel = { 98, 98 };
	struct timeval tv;

	look_up();
	for (int i = 0; i < 1000; i++) {
		long long a = by_call(CLOCK_REALTIME) / 1000, b, c;

		check_equal(v_gettimeofday(&tv, 0), 0);
		b = tv.tv_sec * 1000000ll + tv.tv_usec;
		c = by_call(CLOCK_REALTIME) / 1000;
		check(tv.tv_usec >= 0 && tv.tv_usec < 1000000);
		check(a <= b && b <= c);
	}
	check_equal(v_gettimeofday(0, &tz), 0);
	check_ok(syscall(SYS_gettimeofday, 0, &by_kernel));
	check(tz.tz_minuteswest == by_kernel.tz_minuteswest && tz.tz_dsttime == by_kernel.tz_dsttime);
	check_equal(v_gettimeofday(0, 0), 0);
#if defined(__x86_64__)
	time_t (*v_time)(time_t *) = (void *)find("__vdso_time");
	time_t t = 0, r = v_time(&t);

	check(r == t && by_call(CLOCK_REALTIME) / 1000000000 - r <= 1);
	check(v_time(0) >= r);
#endif
}

static void cpu_number(void)
{
	int cpus = sysconf(_SC_NPROCESSORS_CONF);

	look_up();
	if (!v_getcpu)		/* Linux has none on AArch64 */
		return;
	for (int i = 0; i < 100; i++) {
		unsigned cpu = 99, node = 99, wanted = i % cpus;
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(wanted, &set);
		check_ok(sched_setaffinity(0, sizeof set, &set));
		check_equal(v_getcpu(&cpu, &node, 0), 0);
		check_equal(cpu, wanted);
		check_equal(node, 0);
		check_equal(v_getcpu(0, 0, 0), 0);
	}
}

static volatile int stop;

/* Never back on the monotonic clock, whatever happens to the wall clock; both of one mind. */
static void *reader(void *arg)
{
	long long last = 0, now;
	struct timespec ts;

	while (!stop) {
		for (int i = 0; i < 100; i++) {
			v_gettime(CLOCK_MONOTONIC, &ts);
			now = ns(&ts);
			if (now < last)
				return (void *)1;
			last = now;
			syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
			now = ns(&ts);
			if (now < last)
				return (void *)2;
			last = now;
		}
	}
	return 0;
}

static void clock_is_set_under_readers(void)
{
	pthread_t t[2];
	struct timespec was, ts;
	long long start, end;
	void *bad;

	look_up();
	for (int i = 0; i < 2; i++)
		check_equal(pthread_create(&t[i], 0, reader, 0), 0);
	start = by_call(CLOCK_MONOTONIC);
	check_ok(clock_gettime(CLOCK_REALTIME, &was));
	for (int i = 0; i < 300; i++) {
		long long want = 1000000000ll * (100000 + i * 25000000ll), got;

		ts = (struct timespec){ want / 1000000000, want % 1000000000 };
		check_ok(clock_settime(CLOCK_REALTIME, &ts));
		got = by_vdso(CLOCK_REALTIME);
		if (got < want || got > want + 10000000000ll)	/* a busy host may keep us waiting */
			test_fail(__LINE__, "set %lld, got %lld", want, got);
		check(by_call(CLOCK_REALTIME) >= got);
	}
	end = by_call(CLOCK_MONOTONIC);
	was.tv_sec += (end - start) / 1000000000;
	check_ok(clock_settime(CLOCK_REALTIME, &was));
	stop = 1;
	for (int i = 0; i < 2; i++) {
		check_equal(pthread_join(t[i], &bad), 0);
		check(!bad);
	}
}

/* The pages are programs' to read, not to change; a forked child has them too. */
static void pages(void)
{
	char *base = (char *)getauxval(AT_SYSINFO_EHDR);
	int status;
	pid_t pid;

	look_up();
	pid = fork();
	if (pid == 0) {
		by_vdso(CLOCK_MONOTONIC);
		*(volatile char *)(base + 8) = 0;
		_exit(0);
	}
	status = wait_for(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	pid = fork();
	if (pid == 0) {
		mprotect(base - 4096, 4096, PROT_READ | PROT_WRITE);
		*(volatile char *)(base - 4096) = 3;
		_exit(0);
	}
	status = wait_for(pid);
	check(WIFSIGNALED(status));
	by_vdso(CLOCK_MONOTONIC);
}

static const struct test tests[] = {
	{ "symbols", symbols },
	{ "same_as_call", same_as_call },
	{ "coarse_clocks", coarse_clocks },
	{ "other_clocks", other_clocks },
	{ "time_of_day", time_of_day },
	{ "cpu_number", cpu_number },
	{ "clock_is_set_under_readers", clock_is_set_under_readers },
	{ "pages", pages },
	{ 0 },
};
TEST_MAIN(tests)
