/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload "pipe": processes write numbered messages into pipes that others read in pieces of any size. The
 * model: messages of up to PIPE_BUF bytes (and longer ones of a single writer) arrive whole, each writer's in order,
 * none twice, none lost; the end of file comes after the last byte; a writer without readers gets EPIPE.
 * A few messages fill the pipe, so that writers wait with room for less than they want.
 */
#include <lib/string.h>
#include <uapi/errno.h>
#include "calls.h"
#include "work.h"

#define WRITERS 3u
#define MESSAGES 12u
#define SHORT_MAX 160u
#define ALONE_MAX 9000u		/* a single writer's longest message */
#define PIECE_MAX 6000u
#define BUF SHARED
#define MAGIC 0x9a9eu
#define SIGPIPE 13
#define POLLIN 1u
#define POLLOUT 4u
#define POLLERR 8u
#define F_SETPIPE_SZ 1031
#define PIPE_BUF 4096u

struct message {
	u16 magic, writer;
	u32 seq, len, check;
	u8 body[ALONE_MAX];
};
#define HEAD offsetof(struct message, body)
static struct {
	int fd[2];
	unsigned writers, messages, stop_after;	/* bytes after which the reader leaves; ~0: at the end */
	u32 body_max;
} run;
static struct message drafts[WRITERS];

static u32 sum(const u8 *p, u32 n)
{
	u32 v = 1;

	while (n--)
		v = v * 31 + *p++;
	return v;
}

/* Waits without a time limit; the events that came. */
static u32 wait_for(int fd, u32 events)
{
	u64 at = scratch() + 0x200;

	sim_store(at, 8, (u64)(u32)fd | (u64)events << 32);
	if (CALL3(poll, at, 1, -1) != 1)
		sim_fail("pipe: poll without a time limit found nothing");
	return (u32)sim_load(at + 6, 2);
}

static void draft(struct message *m, u64 writer, u32 seq)
{
	m->magic = MAGIC;
	m->writer = (u16)writer;
	m->seq = seq;
	m->len = (u32)pick(maybe(3) ? run.body_max : SHORT_MAX);
	for (u32 k = 0; k < m->len; k++)
		m->body[k] = (u8)pick(256);
	m->check = sum(m->body, m->len);
}

static void writer(u64 me)
{
	struct message *m = &drafts[me];

	CALL1(close, run.fd[0]);
	for (unsigned i = 0; i < run.messages; i++) {
		u32 seen;
		long n;

		draft(m, me, i);
		sim_copy_in(BUF, m, HEAD + m->len);
		if (maybe(4)) {
			seen = wait_for(run.fd[1], POLLOUT);
			if (!(seen & (POLLOUT | POLLERR)) || ((seen & POLLERR) && run.stop_after == ~0u))
				sim_fail("pipe: poll for writing says %#x", seen);
		}
		n = CALL3(write, run.fd[1], BUF, HEAD + m->len);
		if (run.stop_after != ~0u && (n == -EPIPE || (HEAD + m->len > PIPE_BUF && n > 0 && n < (long)(HEAD + m->len))))
			return;
		if (n != (long)(HEAD + m->len))
			sim_fail("pipe: a write of %u bytes gives %ld", (unsigned)(HEAD + m->len), n);
		if (maybe(4))
			sleep_ns(pick(50000));
		wander();
	}
}

/* Bytes of the stream, gathered into messages. */
static struct {
	u8 bytes[sizeof(struct message)];
	u32 have;
	u32 next[WRITERS];
	u64 total;
} in;

static void take_byte(u8 b)
{
	struct message *m = (struct message *)in.bytes;

	in.bytes[in.have++] = b;
	in.total++;
	if (in.have == HEAD && (m->magic != MAGIC || m->writer >= run.writers || m->len > run.body_max))
		sim_fail("pipe: byte %llu of the stream is no message head", (unsigned long long)in.total);
	if (in.have < HEAD || in.have < HEAD + m->len)
		return;
	if (m->seq != in.next[m->writer]++)
		sim_fail("pipe: message %u of writer %u came when %u was due", m->seq, m->writer,
			 in.next[m->writer] - 1);
	if (m->check != sum(m->body, m->len))
		sim_fail("pipe: message %u of writer %u is damaged", m->seq, m->writer);
	in.have = 0;
}

static void reader(void)
{
	static u8 piece[PIECE_MAX];

	while (in.total < run.stop_after) {
		u64 want = 1 + pick(maybe(4) ? PIECE_MAX : SHORT_MAX);
		long n;

		if (maybe(3))
			(void)wait_for(run.fd[0], POLLIN);
		n = CALL3(read, run.fd[0], BUF, want);
		if (n < 0 || n > (long)want)
			sim_fail("pipe: read gives %ld", n);
		if (!n)
			break;
		sim_copy_out(piece, BUF, (size_t)n);
		for (long i = 0; i < n; i++)
			take_byte(piece[i]);
		wander();
	}
}

void work_pipe(void)
{
	long err;

	memset(&in, 0, sizeof(in));
	run.writers = 1 + (unsigned)pick(WRITERS);
	run.body_max = run.writers == 1 ? ALONE_MAX : PIPE_BUF - HEAD;
	run.messages = (unsigned)sim_setting("ops", MESSAGES);
	run.stop_after = maybe(4) ? (unsigned)pick(1000) : ~0u;
	err = CALL2(pipe2, scratch(), 0);
	if (err)
		sim_fail("pipe: error %ld", -err);
	run.fd[0] = (int)sim_load(scratch(), 4);
	run.fd[1] = (int)sim_load(scratch() + 4, 4);
	if (maybe(2))
		CALL3(fcntl, run.fd[1], F_SETPIPE_SZ, maybe(2) ? 4096 : 8192);	/* full more often */
	set_handler(SIGPIPE, 1, 0, 0);
	for (unsigned i = 0; i < run.writers; i++)
		spawn(writer, i);
	CALL1(close, run.fd[1]);
	reader();
	CALL1(close, run.fd[0]);
	for (unsigned i = 0; i < run.writers; i++)
		wait_child(-1, NULL);
	for (unsigned i = 0; run.stop_after == ~0u && i < run.writers; i++)
		if (in.next[i] != run.messages || in.have)
			sim_fail("pipe: %u of %u messages of writer %u came", in.next[i], run.messages, i);
}
