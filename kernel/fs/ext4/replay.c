/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replay of the journal at mount: what committed transactions say is written to its place, what came
 * after the last commit is dropped. Three walks over the log: the first finds its end, the second
 * gathers revoked blocks and checks every block's checksum, the third writes. So a log that is
 * damaged in the middle changes nothing on the disk. Only mounting calls this; no lock is needed.
 * Not here: writing a journal (there is no engine yet, see txn.c), fast commits, journals on
 * other devices.
 *
 * Format: journal.h. Rules: "Journal (jbd2)" of the Linux kernel's ext4 documentation.
 */
#include <lib/hash.h>
#include <lib/radix.h>
#include <lib/string.h>
#include "ext4.h"
#include "journal.h"

#define INCOMPAT_KNOWN (JOURNAL_INCOMPAT_REVOKE | JOURNAL_INCOMPAT_64BIT | JOURNAL_INCOMPAT_ASYNC_COMMIT | \
			JOURNAL_INCOMPAT_CSUM_V2 | JOURNAL_INCOMPAT_CSUM_V3)

struct journal {
	struct ext4_sb *fs;
	struct inode *inode;
	struct ext4_map map;		/* the run of the journal's file that was looked up last */
	u32 first, end;			/* the log's blocks: [first, end) of the file */
	u32 start, sequence;		/* where it begins, and its first transaction */
	u32 stop;			/* the first transaction that is not whole */
	u32 incompat, seed, tag_size;
	bool has_csum;
	u8 *super, *control, *data;	/* a block each */
	struct radix revoked;		/* block -> last transaction that revoked it */
	u64 nr_written;
};

/* One walk: called for each block that a descriptor announces, with where its copy lies in the log. */
struct tag {
	u64 block;
	u32 flags, checksum, sequence, at;
};
struct walk {
	bool finds_end;			/* the first walk: how far the log reaches is not known */
	int (*tag)(struct journal *j, const struct tag *t);
	int (*revoke)(struct journal *j, u64 block, u32 sequence);
};

static int journal_refuse(struct journal *j, int err, const char *why, u64 value)
{
	log_err("ext4: %s: journal: %s (%llu)", j->fs->bdev->name, why, (unsigned long long)value);
	return err;
}

/* Sequence numbers wrap. */
static bool is_before(u32 a, u32 b) { return (s32)(a - b) < 0; }

/* ---- blocks of the log --------------------------------------------------------------------------- */

static int journal_sector(struct journal *j, u32 at, sector_t *sector)
{
	struct ext4_inode *ei = ext4_i(j->inode);
	struct ext4_map *m = &j->map;

	if (!m->len || at < m->logical || at - m->logical >= m->len) {
		int err;

		*m = (struct ext4_map){ .logical = at, .len = j->end ? j->end - at : 1 };
		rwlock_read_lock(&ei->map_lock);
		err = extent_lookup(ei, m);
		rwlock_read_unlock(&ei->map_lock);
		if (err || !m->physical) {
			m->len = 0;
			return err ? err : journal_refuse(j, -EUCLEAN, "its file has a hole at block", at);
		}
	}
	*sector = (m->physical + (at - m->logical)) << (j->fs->block_bits - SECTOR_SHIFT);
	return 0;
}

static int journal_rw(struct journal *j, enum bio_op op, u32 at, void *buf)
{
	sector_t sector;
	int err = journal_sector(j, at, &sector);

	return err ? err : block_rw(j->fs->bdev, op, sector, buf, j->fs->block_size);
}

/* n blocks further on, around the end. n is less than the log is long. */
static u32 journal_next(const struct journal *j, u32 at, u32 n)
{
	u32 left = j->end - at;

	return n < left ? at + n : j->first + (n - left);
}

static bool tail_ok(const struct journal *j, u8 *block)
{
	struct journal_tail *t = (void *)(block + j->fs->block_size - sizeof(*t));
	be32 was = t->checksum;
	u32 c;

	if (!j->has_csum)
		return true;
	t->checksum = cpu_to_be32(0);
	c = crc32c(j->seed, block, j->fs->block_size);
	t->checksum = was;
	return c == be32_to_cpu(was);
}

static bool commit_ok(const struct journal *j, u8 *block)
{
	struct journal_commit *k = (void *)block;
	be32 was = k->checksum[0];
	u32 c;

	if (!j->has_csum)
		return true;
	k->checksum[0] = cpu_to_be32(0);
	c = crc32c(j->seed, block, j->fs->block_size);
	k->checksum[0] = was;
	return c == be32_to_cpu(was);
}

static bool data_ok(const struct journal *j, const struct tag *t)
{
	be32 sequence = cpu_to_be32(t->sequence);
	u32 c;

	if (!j->has_csum)
		return true;
	c = crc32c(crc32c(j->seed, &sequence, sizeof(sequence)), j->data, j->fs->block_size);
	return j->incompat & JOURNAL_INCOMPAT_CSUM_V3 ? c == t->checksum : (c & 0xffff) == t->checksum;
}

/* ---- walking ----------------------------------------------------------------------------------------- */

static void tag_read(const struct journal *j, const u8 *at, struct tag *t)
{
	if (j->incompat & JOURNAL_INCOMPAT_CSUM_V3) {
		const struct journal_tag3 *d = (const void *)at;

		t->block = be32_to_cpu(d->block);
		t->flags = be32_to_cpu(d->flags);
		t->checksum = be32_to_cpu(d->checksum);
		if (j->incompat & JOURNAL_INCOMPAT_64BIT)
			t->block |= (u64)be32_to_cpu(d->block_hi) << 32;
	} else {
		const struct journal_tag *d = (const void *)at;

		t->block = be32_to_cpu(d->block);
		t->flags = be16_to_cpu(d->flags);
		t->checksum = be16_to_cpu(d->checksum);
		if (j->incompat & JOURNAL_INCOMPAT_64BIT)
			t->block |= (u64)be32_to_cpu(d->block_hi) << 32;
	}
}

/* The tags of the descriptor in j->control, which lies at `at`. *nr: the blocks that follow it. */
static int walk_descriptor(struct journal *j, const struct walk *w, u32 at, u32 sequence, u32 *nr)
{
	u32 off = sizeof(struct journal_header);
	u32 end = j->fs->block_size - (j->has_csum ? (u32)sizeof(struct journal_tail) : 0);

	*nr = 0;
	while (off + j->tag_size <= end) {
		struct tag t = { .sequence = sequence };
		int err = 0;

		tag_read(j, j->control + off, &t);
		off += j->tag_size + (t.flags & JOURNAL_TAG_SAME_UUID ? 0 : 16);
		if (++*nr >= j->end - j->first)
			return journal_refuse(j, -EUCLEAN, "a transaction is longer than the log: number", sequence);
		t.at = journal_next(j, at, *nr);
		if (w->tag)
			err = w->tag(j, &t);
		if (err)
			return err;
		if (t.flags & JOURNAL_TAG_LAST)
			break;
	}
	return 0;
}

static int walk_revoke(struct journal *j, const struct walk *w, u32 sequence)
{
	const struct journal_revoke *r = (const void *)j->control;
	u32 size = j->incompat & JOURNAL_INCOMPAT_64BIT ? 8 : 4, bytes = be32_to_cpu(r->bytes);
	u32 room = j->fs->block_size - (j->has_csum ? (u32)sizeof(struct journal_tail) : 0);

	if (bytes < sizeof(*r) || bytes > room)
		return journal_refuse(j, -EUCLEAN, "a list of revoked blocks has a length of", bytes);
	for (u32 off = sizeof(*r); w->revoke && off + size <= bytes; off += size) {
		const u8 *p = j->control + off;
		int err = w->revoke(j, size == 8 ? get_be64(p) : get_be32(p), sequence);

		if (err)
			return err;
	}
	return 0;
}

/* Walks the log's whole transactions; the first walk sets j->stop. */
static int journal_walk(struct journal *j, const struct walk *w)
{
	const struct journal_header *h = (const void *)j->control;
	u32 at = j->start, sequence = j->sequence, seen = 0, size = j->end - j->first;

	while (w->finds_end || is_before(sequence, j->stop)) {
		u32 step = 1, nr, type;
		int err = seen < size ? journal_rw(j, BIO_READ, at, j->control) : 0;

		if (err)
			return err;
		/* Once around: nothing beyond can be of this log. */
		if (seen >= size || be32_to_cpu(h->magic) != JOURNAL_MAGIC || be32_to_cpu(h->sequence) != sequence)
			break;
		type = be32_to_cpu(h->type);
		if (type == JOURNAL_DESCRIPTOR && tail_ok(j, j->control)) {
			err = walk_descriptor(j, w, at, sequence, &nr);
			step += nr;
		} else if (type == JOURNAL_REVOKE && tail_ok(j, j->control)) {
			err = walk_revoke(j, w, sequence);
		} else if (type == JOURNAL_COMMIT && commit_ok(j, j->control)) {
			sequence++;
		} else {
			break;		/* torn: the transaction never ended */
		}
		if (err)
			return err;
		seen += step;
		if (seen < size)
			at = journal_next(j, at, step);
	}
	if (w->finds_end)
		j->stop = sequence;
	return sequence == j->stop ? 0 : journal_refuse(j, -EIO, "it changed while it was read at transaction", sequence);
}

static int check_tag(struct journal *j, const struct tag *t)
{
	int err;

	if (t->block >= j->fs->blocks_count)
		return journal_refuse(j, -EUCLEAN, "it names a block beyond the end:", t->block);
	err = j->has_csum ? journal_rw(j, BIO_READ, t->at, j->data) : 0;
	if (!err && !data_ok(j, t))
		err = journal_refuse(j, -EUCLEAN, "a block's checksum is wrong: block", t->block);
	return err;
}

/* The entry is the transaction's number made odd, so that it is neither NULL nor an error pointer. */
static void *revoke_entry(u32 sequence) { return (void *)((u64)sequence << 1 | 1); }

static int note_revoke(struct journal *j, u64 block, u32 sequence)
{
	if (block >= j->fs->blocks_count)
		return journal_refuse(j, -EUCLEAN, "it revokes a block beyond the end:", block);
	if (radix_get(&j->revoked, block)) {
		radix_replace(&j->revoked, block, revoke_entry(sequence));
		return 0;
	}
	return radix_insert(&j->revoked, block, revoke_entry(sequence));
}

static bool is_revoked(struct journal *j, const struct tag *t)
{
	u64 entry = (u64)radix_get(&j->revoked, t->block);

	return entry && !is_before((u32)(entry >> 1), t->sequence);
}

static int write_tag(struct journal *j, const struct tag *t)
{
	struct meta_buf *b;
	int err;

	if (is_revoked(j, t))
		return 0;
	err = journal_rw(j, BIO_READ, t->at, j->data);
	if (err)
		return err;
	if (t->flags & JOURNAL_TAG_ESCAPED) {
		be32 magic = cpu_to_be32(JOURNAL_MAGIC);

		memcpy(j->data, &magic, sizeof(magic));
	}
	b = meta_new(j->fs, t->block);
	if (is_err(b))
		return (int)ptr_err(b);
	memcpy(b->data, j->data, j->fs->block_size);
	block_page_dirty(b->page, (u32)(b->data - (u8 *)page_to_virt(b->page)), j->fs->block_size);
	meta_put(b);
	j->nr_written++;
	return 0;
}

/* ---- the journal's own super block ----------------------------------------------------------------- */

static u32 super_csum(struct journal_super *s)
{
	be32 was = s->checksum;
	u32 c;

	s->checksum = cpu_to_be32(0);
	c = crc32c(~0u, s, sizeof(*s));
	s->checksum = was;
	return c;
}

/* Features, and what follows from them. */
static int load_features(struct journal *j, struct journal_super *s)
{
	if (be32_to_cpu(s->h.type) == JOURNAL_SUPER_V2)
		j->incompat = be32_to_cpu(s->incompat);
	if (j->incompat & ~INCOMPAT_KNOWN)
		return journal_refuse(j, -EOPNOTSUPP, "features that are not known here:", j->incompat & ~INCOMPAT_KNOWN);
	j->has_csum = j->incompat & (JOURNAL_INCOMPAT_CSUM_V2 | JOURNAL_INCOMPAT_CSUM_V3);
	if (j->has_csum && super_csum(s) != be32_to_cpu(s->checksum))
		return journal_refuse(j, -EUCLEAN, "its super block's checksum is wrong:", be32_to_cpu(s->checksum));
	j->seed = crc32c(~0u, s->uuid, sizeof(s->uuid));
	if (j->incompat & JOURNAL_INCOMPAT_CSUM_V3) {
		j->tag_size = sizeof(struct journal_tag3);
	} else {
		j->tag_size = sizeof(struct journal_tag) - (j->incompat & JOURNAL_INCOMPAT_64BIT ? 0 : sizeof(be32));
		j->tag_size += j->incompat & JOURNAL_INCOMPAT_CSUM_V2 ? sizeof(be16) : 0;
	}
	return 0;
}

static int load_journal_super(struct journal *j)
{
	struct journal_super *s = (void *)j->super;
	u64 file_blocks = j->inode->size >> j->fs->block_bits;
	u32 type;
	int err = journal_rw(j, BIO_READ, 0, j->super);

	if (err)
		return err;
	type = be32_to_cpu(s->h.type);
	if (be32_to_cpu(s->h.magic) != JOURNAL_MAGIC || (type != JOURNAL_SUPER_V1 && type != JOURNAL_SUPER_V2))
		return journal_refuse(j, -EUCLEAN, "it has no super block, but one of type", type);
	if (be32_to_cpu(s->block_size) != j->fs->block_size)
		return journal_refuse(j, -EUCLEAN, "its blocks have a size of", be32_to_cpu(s->block_size));
	j->end = be32_to_cpu(s->max_len);
	j->first = be32_to_cpu(s->first);
	j->start = be32_to_cpu(s->start);
	j->sequence = be32_to_cpu(s->sequence);
	if (j->end > file_blocks || j->first == 0 || j->first >= j->end)
		return journal_refuse(j, -EUCLEAN, "its size is wrong: blocks", j->end);
	if (j->start && (j->start < j->first || j->start >= j->end))
		return journal_refuse(j, -EUCLEAN, "its log begins outside it: at", j->start);
	return load_features(j, s);
}

/* The log is empty from here on; its next transaction gets a number that no block of it bears. */
static int store_empty(struct journal *j)
{
	struct journal_super *s = (void *)j->super;
	int err;

	s->start = cpu_to_be32(0);
	s->sequence = cpu_to_be32(j->stop + 1);
	if (j->has_csum)
		s->checksum = cpu_to_be32(super_csum(s));
	err = journal_rw(j, BIO_WRITE, 0, j->super);
	return err ? err : block_flush(j->fs->bdev);
}

static int replay(struct journal *j)
{
	static const struct walk find_end = { .finds_end = true };
	static const struct walk check = { .tag = check_tag, .revoke = note_revoke };
	static const struct walk write = { .tag = write_tag };
	int err = load_journal_super(j);

	j->stop = j->sequence;
	if (!err && j->start) {
		err = journal_walk(j, &find_end);
		if (!err)
			err = journal_walk(j, &check);
		if (!err)
			err = journal_walk(j, &write);
		if (!err)
			err = mapping_writeback(j->fs->bdev->mapping, 0, U64_MAX, true);
		if (!err)
			err = block_flush(j->fs->bdev);
	}
	if (err)
		return err;
	log_notice("ext4: %s: journal replayed: %u transactions, %llu blocks", j->fs->bdev->name, j->stop - j->sequence,
		   (unsigned long long)j->nr_written);
	return store_empty(j);
}

int journal_replay(struct ext4_sb *fs, bool *bears_error)
{
	struct journal j = { .fs = fs };
	int err;

	if (!(fs->compat & COMPAT_HAS_JOURNAL) || le32_to_cpu(fs->super.journal_inum) != EXT4_JOURNAL_INO)
		return journal_refuse(&j, -EOPNOTSUPP, "it is not in the file system but in inode",
				      le32_to_cpu(fs->super.journal_inum));
	j.inode = ext4_iget(fs->sb, EXT4_JOURNAL_INO);
	if (is_err(j.inode))
		return (int)ptr_err(j.inode);
	radix_init(&j.revoked, 0);
	j.super = kmalloc(fs->block_size, 0);
	j.control = kmalloc(fs->block_size, 0);
	j.data = kmalloc(fs->block_size, 0);
	err = j.super && j.control && j.data ? replay(&j) : -ENOMEM;
	*bears_error = !err && be32_to_cpu(((struct journal_super *)j.super)->error);
	kfree(j.super);
	kfree(j.control);
	kfree(j.data);
	radix_destroy(&j.revoked);
	inode_put(j.inode);
	return err;
}
