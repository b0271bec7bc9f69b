/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/sys/net: words that can be changed and then hold for what comes after, with the bounds Linux gives them, and facts
 * that cannot. A write that asks for what there is not (forwarding) is refused.
 */
#include "settings.h"
#include <kernel/log.h>
#include <kernel/procfs.h>
#include <kernel/socket.h>
#include <lib/format.h>
#include <lib/string.h>

struct net_settings net_settings = {
	.somaxconn = SOMAXCONN, .rmem_max = SOCKET_BUF_DEFAULT, .wmem_max = SOCKET_BUF_DEFAULT,
	.rmem_default = SOCKET_BUF_DEFAULT, .wmem_default = SOCKET_BUF_DEFAULT, .port_first = 32768, .port_last = 60999,
	.default_ttl = 64, .keepalive_time = 7200, .keepalive_intvl = 75, .keepalive_probes = 9,
};

/* A file of one number. */
struct word {
	u32 *value;
	u32 min, max;
};

/* The next number in *text, behind blanks; *text moves on. 0 or -EINVAL. */
static int number_next(const char **text, const char *end, u64 *v)
{
	const char *p = *text;
	u64 n = 0;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p < '0' || *p > '9')
		return -EINVAL;
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (u64)(*p - '0');
		if (n > U32_MAX)
			return -EINVAL;
	}
	*text = p;
	*v = n;
	return 0;
}

static bool is_rest(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || !*p))
		p++;
	return p == end;
}

static int word_show(struct text *t, void *arg)
{
	text_printf(t, "%u\n", atomic_load(((const struct word *)arg)->value));
	return 0;
}

static int word_store(const char *text, size_t len, void *arg)
{
	const struct word *w = arg;
	const char *end = text + len;
	u64 v;

	if (number_next(&text, end, &v) || !is_rest(text, end) || v < w->min || v > w->max)
		return -EINVAL;
	atomic_store(w->value, (u32)v);
	return 0;
}

static int ports_show(struct text *t, void *arg)
{
	text_printf(t, "%u\t%u\n", atomic_load(&net_settings.port_first), atomic_load(&net_settings.port_last));
	return 0;
}

static int ports_store(const char *text, size_t len, void *arg)
{
	const char *end = text + len;
	u64 first, last;

	if (number_next(&text, end, &first) || number_next(&text, end, &last) || !is_rest(text, end))
		return -EINVAL;
	if (!first || first > last || last > 0xffff)
		return -EINVAL;
	atomic_store(&net_settings.port_first, (u32)first);
	atomic_store(&net_settings.port_last, (u32)last);
	return 0;
}

static int fixed_show(struct text *t, void *arg)
{
	text_printf(t, "%s\n", (const char *)arg);
	return 0;
}

/* What holds may be written again; anything else there is not. */
static int fixed_store(const char *text, size_t len, void *arg)
{
	const char *value = arg;
	size_t n = strlen(value);

	if (len < n || memcmp(text, value, n) || !is_rest(text + n, text + len))
		return -EOPNOTSUPP;
	return 0;
}

#define WORD(p, field, low, high) { .path = "sys/net/" p, .mode = 0644, .show = word_show, .store = word_store, \
				    .arg = &(struct word){ &net_settings.field, low, high } }
#define FIXED(p, v) { .path = "sys/net/" p, .mode = 0644, .show = fixed_show, .store = fixed_store, .arg = (void *)(v) }
#define BUF_MAX 0x3fffffffu
static const struct virtual_file files[] = {
	WORD("core/somaxconn", somaxconn, 0, 0xffff),
	WORD("core/rmem_max", rmem_max, SOCKET_RCVBUF_MIN, BUF_MAX), WORD("core/wmem_max", wmem_max, SOCKET_SNDBUF_MIN, BUF_MAX),
	WORD("core/rmem_default", rmem_default, SOCKET_RCVBUF_MIN, BUF_MAX), WORD("core/wmem_default", wmem_default, SOCKET_SNDBUF_MIN, BUF_MAX),
	{ .path = "sys/net/ipv4/ip_local_port_range", .mode = 0644, .show = ports_show, .store = ports_store },
	WORD("ipv4/ip_default_ttl", default_ttl, 1, 255),
	WORD("ipv4/tcp_keepalive_time", keepalive_time, 1, 32767), WORD("ipv4/tcp_keepalive_intvl", keepalive_intvl, 1, 32767),
	WORD("ipv4/tcp_keepalive_probes", keepalive_probes, 1, 127), WORD("ipv6/bindv6only", bindv6only, 0, 1),
	FIXED("ipv4/ip_forward", "0"), FIXED("ipv4/tcp_congestion_control", "reno"),
	FIXED("ipv4/tcp_available_congestion_control", "reno"), FIXED("ipv4/tcp_window_scaling", "1"), FIXED("ipv4/tcp_sack", "1"),
	FIXED("ipv4/tcp_timestamps", "1"), FIXED("ipv4/tcp_syncookies", "0"), FIXED("ipv6/conf/all/disable_ipv6", "0"),
	FIXED("ipv6/conf/default/disable_ipv6", "0"), FIXED("ipv6/conf/lo/disable_ipv6", "0"), FIXED("ipv6/conf/all/forwarding", "0"),
};

void net_settings_init(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("proc: no file %s", files[i].path);
}
