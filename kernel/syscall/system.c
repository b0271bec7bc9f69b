/* SPDX-License-Identifier: BSD-2-Clause */
/* The system as a whole: names, memory and load figures, random bytes, CPU number, barrier, log, reboot. */
#include <kernel/boot.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/power.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <kernel/usercopy.h>
#include <kernel/uts.h>
#include <kernel/version.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include <uapi/errno.h>
#include <uapi/misc.h>
#include <uapi/sysinfo.h>
#include <uapi/utsname.h>

long sys_uname(struct new_utsname __user *buf)
{
	struct new_utsname u = {};

	strlcpy(u.sysname, KERNEL_NAME, sizeof(u.sysname));
	strlcpy(u.release, KERNEL_RELEASE, sizeof(u.release));
	strlcpy(u.version, KERNEL_BUILD, sizeof(u.version));
	strlcpy(u.machine, arch_platform, sizeof(u.machine));
	uts_get(UTS_HOST, u.nodename);
	uts_get(UTS_DOMAIN, u.domainname);
	return copy_to_user(buf, &u, sizeof(u));
}

static long set_from_user(enum uts_name which, const char __user *name, int len)
{
	char text[UTS_NAME_MAX];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > (int)UTS_NAME_MAX)
		return -EINVAL;
	if (copy_from_user(text, name, (size_t)len))
		return -EFAULT;
	return uts_set(which, text, (size_t)len);
}

long sys_sethostname(const char __user *name, int len) { return set_from_user(UTS_HOST, name, len); }
long sys_setdomainname(const char __user *name, int len) { return set_from_user(UTS_DOMAIN, name, len); }

long sys_sysinfo(struct sysinfo_abi __user *info)
{
	struct sysinfo_abi s = { .mem_unit = 1 };
	struct mm_stats m;
	u64 load[3];

	mm_stats(&m);
	sched_loadavg(load);
	s.uptime = (s64)(time_boot_ns() / NSEC_PER_SEC);
	for (unsigned i = 0; i < 3; i++)
		s.loads[i] = load[i] << (SYSINFO_LOAD_SHIFT - 11);	/* loadavg has 11 fraction bits */
	s.totalram = m.total_pages * PAGE_SIZE;
	s.freeram = m.free_pages * PAGE_SIZE;
	s.sharedram = m.shmem_pages * PAGE_SIZE;
	s.bufferram = 0;	/* the page cache is one; Linux counts block-device pages here */
	s.procs = (u16)min(process_count(), 0xffffu);
	return copy_to_user(info, &s, sizeof(s));
}

long sys_getrandom(void __user *buf, size_t count, u32 flags)
{
	size_t done = 0;
	u8 chunk[256];

	if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (!random_is_ready() && !(flags & GRND_INSECURE)) {
		if (flags & GRND_NONBLOCK)
			return -EAGAIN;
		if (random_wait_ready())
			return -ERESTARTSYS;
	}
	count = min(count, (size_t)0x2000000);	/* Linux's limit of one call */
	while (done < count) {
		size_t n = min(count - done, sizeof(chunk));

		random_bytes(chunk, n);
		if (copy_to_user((u8 __user *)buf + done, chunk, n))
			break;
		done += n;
		if (done % PAGE_SIZE == 0 && signal_pending(current))
			break;
	}
	memset(chunk, 0, sizeof(chunk));
	return done || !count ? (long)done : -EFAULT;
}

long sys_getcpu(u32 __user *cpu, u32 __user *node, void __user *unused)
{
	u32 id = atomic_load(&current->cpu)->id;

	if (cpu && put_user(id, cpu))
		return -EFAULT;
	return node ? put_user(0u, node) : 0;
}

/* ---- syslog(2) ---- */

static u64 log_cleared, log_next;	/* [a] first record after the last clear; next for a reader */

/* Copies records from *seq on until the buffer or the log ends. */
static long log_copy(u64 *seq, char __user *buf, size_t size)
{
	char record[512];
	size_t done = 0;

	while (1) {
		u64 next = *seq;
		size_t n = log_read(&next, record, sizeof(record));

		if (!n || n > size - done)
			return (long)done;
		if (copy_to_user(buf + done, record, n))
			return -EFAULT;
		done += n;
		*seq = next;
	}
}

/* Bytes of text of all records from seq on. */
static size_t log_text_size(u64 seq)
{
	char record[512];
	size_t total = 0, n;

	while ((n = log_read(&seq, record, sizeof(record))))
		total += n;
	return total;
}

/* The newest records that fit. */
static long log_read_all(char __user *buf, size_t size)
{
	char record[512];
	u64 seq = max(log_seq_first(), atomic_load(&log_cleared));
	size_t total = log_text_size(seq), n;

	while (total > size && (n = log_read(&seq, record, sizeof(record))))
		total -= min(n, total);
	return log_copy(&seq, buf, size);
}

static long log_read_next(char __user *buf, size_t size)
{
	if (log_wait(atomic_load(&log_next)))
		return -ERESTARTSYS;
	return log_copy(&log_next, buf, size);
}

long sys_syslog(int action, char __user *buf, int len)
{
	bool reads = action == SYSLOG_ACTION_READ || action == SYSLOG_ACTION_READ_ALL || action == SYSLOG_ACTION_READ_CLEAR;
	long result;

	if (action != SYSLOG_ACTION_READ_ALL && action != SYSLOG_ACTION_SIZE_BUFFER && !capable(CAP_SYSLOG) &&
	    !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (reads && (!buf || len < 0))
		return -EINVAL;
	switch (action) {
	case SYSLOG_ACTION_CLOSE:
	case SYSLOG_ACTION_OPEN:
		return 0;	/* no state, as on Linux */
	case SYSLOG_ACTION_READ:
		return len ? log_read_next(buf, (size_t)len) : 0;
	case SYSLOG_ACTION_READ_ALL:
	case SYSLOG_ACTION_READ_CLEAR:
		result = log_read_all(buf, (size_t)len);
		if (result >= 0 && action == SYSLOG_ACTION_READ_CLEAR)
			atomic_store(&log_cleared, log_seq_next());
		return result;
	case SYSLOG_ACTION_CLEAR:
		atomic_store(&log_cleared, log_seq_next());
		return 0;
	case SYSLOG_ACTION_CONSOLE_OFF:
		log_set_console_level(1);
		return 0;
	case SYSLOG_ACTION_CONSOLE_ON:
		log_set_console_level(7);
		return 0;
	case SYSLOG_ACTION_CONSOLE_LEVEL:
		if (len < 1 || len > 8)
			return -EINVAL;
		log_set_console_level((unsigned)len);
		return 0;
	case SYSLOG_ACTION_SIZE_UNREAD:
		return (long)log_text_size(atomic_load(&log_next));
	case SYSLOG_ACTION_SIZE_BUFFER:
		return (long)align_up(log_text_size(log_seq_first()), 16384u) + 16384;
	default:
		return -EINVAL;
	}
}

long sys_reboot(u32 magic1, u32 magic2, u32 cmd, void __user *arg)
{
	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != LINUX_REBOOT_MAGIC1 ||
	    (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A && magic2 != LINUX_REBOOT_MAGIC2B &&
	     magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		log_notice("reboot: restarting");
		power_reset();
	case LINUX_REBOOT_CMD_HALT:
		log_notice("reboot: halted");
		power_halt();
	case LINUX_REBOOT_CMD_POWER_OFF:
		log_notice("reboot: power off");
		power_off();
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;	/* what Ctrl-Alt-Del does; no keyboard delivers it yet */
	default:
		return -EINVAL;
	}
}
