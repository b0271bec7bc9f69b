/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_INET and AF_INET6 sockets for NETLINK_SOCK_DIAG: all that a request's states, ports and filter choose, or the one that its
 * names say. Rows are gathered under net_lock and written without it.
 */
#include <kernel/mm.h>
#include <kernel/netlink.h>
#include <kernel/process.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include "diag.h"
#include "inet.h"

#define BATCH 32u
#define ANY_COOKIE 0xffffffffu

struct diag_row {
	struct inet_row row;
	struct diag_entry entry;
	struct user_tcp_info info;
	struct user_diag_meminfo mem;
	u32 tx, shut, tos, tclass;
	u64 cookie;
	bool v6only, has_info;
};
/* What is asked for. */
struct query {
	const struct user_inet_diag_req *q;
	enum inet_table table;
	const u8 *code;			/* filter; NULL none */
	s32 code_len;
	u32 protocol;			/* of raw sockets; 0 any */
	bool admin;
};

static int query_read(const struct nl_request *r, struct query *out)
{
	const u32 *protocol = nl_find(r, INET_DIAG_REQ_PROTOCOL, 4, NULL);
	u32 len = 0;

	*out = (struct query){ .q = r->fixed, .admin = capable(CAP_NET_ADMIN) };
	if (r->head->len < sizeof(*r->head) + sizeof(*out->q))
		return -EINVAL;
	switch (out->q->protocol) {
	case IPPROTO_TCP: out->table = INET_TABLE_TCP; break;
	case IPPROTO_UDP: out->table = INET_TABLE_UDP; break;
	case IPPROTO_UDPLITE: out->table = INET_TABLE_UDPLITE; break;
	case IPPROTO_RAW: out->table = INET_TABLE_RAW; break;
	default: return -ENOENT;
	}
	out->protocol = protocol ? *protocol : out->q->protocol == IPPROTO_RAW ? out->q->pad : 0;
	out->code = nl_find(r, INET_DIAG_REQ_BYTECODE, 0, &len);
	out->code_len = (s32)len;
	return out->code ? diag_filter_check(out->code, out->code_len) : 0;
}

static void addr_out(u16 family, const struct net_addr *a, u32 *out)
{
	struct inet_sock as = { .sk.family = family };
	struct sockaddr_storage name;

	memset(out, 0, 16);
	if (inet_addr_out(&as, a, &name) == sizeof(struct sockaddr_in))
		out[0] = ((const struct sockaddr_in *)(const void *)&name)->addr;
	else
		memcpy(out, ((const struct sockaddr_in6 *)(const void *)&name)->addr, 16);
}

static void entry_fill(struct diag_entry *e, const struct net_row *r)
{
	const struct inet_sock *s = r->owner;

	*e = (struct diag_entry){ .family = (u8)inet_row_family(r), .sport = r->local.port, .dport = r->remote.port };
	addr_out(e->family, &r->local, e->src);
	addr_out(e->family, &r->remote, e->dst);
	if (s) {
		e->ifindex = s->bound_ifindex;
		e->mark = atomic_load(&s->sk.mark);
		e->is_auto = !s->is_bound;
	}
}

static bool matches(const struct query *k, const struct net_row *r, struct diag_entry *e)
{
	const struct user_inet_diag_req *q = k->q;
	const struct inet_sock *s = r->owner;

	if (inet_row_family(r) != q->family || !(q->states & 1u << r->state))
		return false;
	if ((q->id.sport && be16_to_cpu(q->id.sport) != r->local.port) || (q->id.dport && be16_to_cpu(q->id.dport) != r->remote.port))
		return false;
	if (k->protocol && s && (u32)s->sk.protocol != k->protocol)
		return false;
	entry_fill(e, r);
	return !k->code || diag_filter_matches(k->code, k->code_len, e);
}

static void sock_fill(struct diag_row *d, struct inet_sock *s)
{
	struct socket *sk = &s->sk;

	d->shut = atomic_load(&sk->shut);
	d->tos = s->tos;
	d->tclass = s->tos;
	d->v6only = s->v6only;
	d->cookie = sk->ino;
	d->mem = (struct user_diag_meminfo){
		.rmem_alloc = sk->receive_used, .rcvbuf = atomic_load(&sk->rcvbuf), .wmem_alloc = d->tx, .sndbuf = atomic_load(&sk->sndbuf),
		.wmem_queued = d->tx, .drops = atomic_load(&sk->drops),
	};
	if (d->row.r.state == DIAG_LISTEN)
		d->tx = sk->backlog;
	if (d->row.r.conn && d->row.r.conn == s->conn) {
		inet_tcp_info(s, &d->info);
		d->has_info = true;
	}
}

/* d->entry is there already. net_lock held. */
static void row_fill(struct diag_row *d, const struct net_row *r)
{
	struct diag_entry e = d->entry;

	*d = (struct diag_row){ .row.r = *r, .entry = e, .tx = r->tx_queue };
	inet_row_fill(&d->row);
	/* Without a socket the names tell one from the other. */
	d->cookie = (u64)e.sport << 48 | (u64)e.dport << 32 | (e.dst[0] ^ e.dst[3]);
	if (d->row.r.owner)
		sock_fill(d, d->row.r.owner);
}

static void put_attrs(struct nl_out *o, const struct diag_row *d, const struct query *k)
{
	u32 ext = k->q->ext;
	struct user_inet_meminfo mem = { d->mem.rmem_alloc, d->mem.wmem_queued, 0, d->mem.wmem_alloc };

	if (!d->row.r.owner)
		return;
	nl_attr_u8(o, INET_DIAG_SHUTDOWN, (u8)d->shut);
	if (ext & BIT(INET_DIAG_TOS - 1))
		nl_attr_u8(o, INET_DIAG_TOS, (u8)d->tos);
	if (ext & BIT(INET_DIAG_TCLASS - 1) && d->row.family == AF_INET6)
		nl_attr_u8(o, INET_DIAG_TCLASS, (u8)d->tclass);
	if (d->row.family == AF_INET6 && (d->row.r.state == DIAG_LISTEN || d->row.r.state == DIAG_CLOSE))
		nl_attr_u8(o, INET_DIAG_SKV6ONLY, d->v6only);
	if (k->admin)
		nl_attr_u32(o, INET_DIAG_MARK, d->entry.mark);
	if (ext & BIT(INET_DIAG_MEMINFO - 1))
		nl_attr(o, INET_DIAG_MEMINFO, &mem, sizeof(mem));
	if (ext & BIT(INET_DIAG_SKMEMINFO - 1))
		nl_attr(o, INET_DIAG_SKMEMINFO, &d->mem, sizeof(d->mem));
	if (ext & BIT(INET_DIAG_INFO - 1) && d->has_info)
		nl_attr(o, INET_DIAG_INFO, &d->info, sizeof(d->info));
	if (ext & BIT(INET_DIAG_CONG - 1) && k->table == INET_TABLE_TCP)
		nl_attr_string(o, INET_DIAG_CONG, INET_CONGESTION);
}

static void put_row(struct nl_out *o, const struct diag_row *d, const struct query *k)
{
	struct user_inet_diag_msg *m = nl_begin(o, SOCK_DIAG_BY_FAMILY, sizeof(*m));

	if (!m)
		return;
	*m = (struct user_inet_diag_msg){
		.family = (u8)d->row.family, .state = (u8)d->row.r.state, .retrans = d->info.retransmits,
		.id = { .sport = cpu_to_be16(d->entry.sport), .dport = cpu_to_be16(d->entry.dport), .ifindex = d->entry.ifindex,
			.cookie = { (u32)d->cookie, (u32)(d->cookie >> 32) } },
		.rqueue = d->row.rx, .wqueue = d->tx, .uid = d->row.uid, .inode = (u32)d->row.ino,
	};
	memcpy(m->id.src, d->entry.src, 16);
	memcpy(m->id.dst, d->entry.dst, 16);
	put_attrs(o, d, k);
	nl_end(o);
}

/* Up to BATCH rows from the *index-th on; what the asker has already is passed over. */
static u32 batch_take(const struct query *k, struct nl_out *o, u32 *index, struct diag_row *rows)
{
	struct net_row r;
	void *at = NULL;
	u32 n = 0, i = 0;

	net_lock();
	while (n < BATCH && inet_row_next(k->table, &at, &r)) {
		if (i++ < *index)
			continue;
		*index = i;
		if (!matches(k, &r, &rows[n].entry))
			continue;
		if (o->skip)
			o->skip--;
		else
			row_fill(&rows[n++], &r);
	}
	net_unlock();
	return n;
}

static int dump(const struct query *k, struct nl_out *o)
{
	struct diag_row *rows = kcalloc(BATCH, sizeof(*rows), 0);
	u32 index = 0, n;

	if (!rows)
		return -ENOMEM;
	while (!o->is_full && !o->failed && (n = batch_take(k, o, &index, rows)))
		for (u32 i = 0; i < n; i++)
			put_row(o, &rows[i], k);
	kfree(rows);
	return 0;
}

static bool is_asked(const struct query *k, const struct net_row *r, struct diag_entry *e)
{
	const struct user_inet_diag_id *id = &k->q->id;

	if (inet_row_family(r) != k->q->family || r->local.port != be16_to_cpu(id->sport) || r->remote.port != be16_to_cpu(id->dport))
		return false;
	entry_fill(e, r);
	/* A listener's or an unconnected socket's wildcard takes any address. */
	if (!net_addr_is_any(&r->local) && memcmp(e->src, id->src, e->family == AF_INET ? 4 : 16))
		return false;
	return net_addr_is_any(&r->remote) || !memcmp(e->dst, id->dst, e->family == AF_INET ? 4 : 16);
}

static int get_one(const struct query *k, struct nl_out *o)
{
	struct diag_row *d = kzalloc(sizeof(*d), 0);
	const u32 *cookie = k->q->id.cookie;
	struct net_row r;
	void *at = NULL;
	int err = -ENOENT;

	if (!d)
		return -ENOMEM;
	net_lock();
	while (err && inet_row_next(k->table, &at, &r))
		if (is_asked(k, &r, &d->entry))
			err = 0;
	if (!err)
		row_fill(d, &r);
	net_unlock();
	if (!err && !(cookie[0] == ANY_COOKIE && cookie[1] == ANY_COOKIE) && (cookie[0] | (u64)cookie[1] << 32) != d->cookie)
		err = -ENOENT;		/* the name is another socket's now */
	if (!err)
		put_row(o, d, k);
	kfree(d);
	return err;
}

int inet_diag(const struct nl_request *r, struct nl_out *o)
{
	struct query k;
	int err = query_read(r, &k);

	return err ? err : nl_is_dump(o) ? dump(&k, o) : get_one(&k, o);
}
