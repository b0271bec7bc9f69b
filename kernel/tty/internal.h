/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals inside kernel/tty. A byte's way in: driver interrupt -> raw ring (receive.c) -> the tty
 * thread -> line discipline (input.c: signals, editing, echo) -> line buffer -> read (read.c).
 * Way out: write (write.c) or echo -> output processing (output.c) -> output ring -> port.
 * Locks: tty.lock for everything but the raw ring (raw_lock, interrupts off). write_lock outside it
 * keeps one write() together. Waiting never happens under tty.lock.
 */
#ifndef TTY_INTERNAL_H
#define TTY_INTERNAL_H

#include <kernel/lock.h>
#include <kernel/process.h>
#include <kernel/tty.h>
#include <kernel/waitq.h>
#include <uapi/capability.h>
#include <uapi/errno.h>

#define RAW_SIZE 2048u		/* powers of two */
#define LINE_SIZE 4096u
#define OUT_SIZE 2048u
#define EXPANSION_MAX 8u	/* output bytes one byte can become: a tab */

/* Marks: [l] tty.lock, [r] raw_lock, [b] set at creation, [a] atomic. */
struct tty {
	struct list link;		/* tty_list_lock */
	struct refcount refs;		/* the port's, open files', a session's */
	char name[24];			/* [b] */
	dev_t dev;			/* [b] */
	struct tty_port *port;		/* [l] NULL after unregister; [r] too when cleared */
	struct mutex lock, write_lock;
	u32 open_count;			/* [l] */
	u32 hangups;			/* [l] files opened before the last one are dead */
	bool is_pty;			/* [b] */
	bool is_locked;			/* [l] pty not yet unlocked */
	bool is_exclusive;		/* [l] TIOCEXCL */

	struct ktermios termios;	/* [l] */
	struct winsize winsize;		/* [l] */
	pid_t sid, pgid;		/* [l] session and its foreground group; 0 none */

	struct spinlock raw_lock;
	u8 raw[RAW_SIZE];		/* [r] */
	u8 raw_flag[RAW_SIZE];		/* [r] enum tty_flag of each byte */
	u32 raw_head, raw_tail;		/* [r] */
	bool is_throttled;		/* [r] */
	bool needs_flush;		/* [r] the port has room again */
	bool is_queued;			/* worker_lock: on the tty thread's list */
	struct list work_link;		/* worker_lock */

	u8 line[LINE_SIZE];		/* [l] what read() takes */
	u64 mark[BITMAP_WORDS(LINE_SIZE)];	/* [l] this byte ends a line */
	u32 head, canon, tail;		/* [l] free-running: next in, end of the last whole line, next out */
	bool literal_next;		/* [l] after VLNEXT */
	u32 column, canon_column;	/* [l] output column; where the line being edited began */

	u8 out[OUT_SIZE];		/* [l] processed output that the port did not take yet */
	u32 out_head, out_tail;		/* [l] */
	bool is_stopped;		/* [l] by VSTOP or TCOOFF */

	struct waitq read_wait, write_wait;
};

/* An open file of a terminal: file->private. */
struct tty_file {
	struct tty *tty;		/* reference */
	u32 hangups;			/* of tty when it was opened */
	bool is_console;		/* opened as /dev/console: survives hang-ups */
};

extern const struct file_ops tty_file_ops;

/* tty.c */
struct tty *tty_create(struct tty_port *port, const char *name, dev_t dev, bool is_pty);
static inline struct tty *tty_get(struct tty *t) { ref_get(&t->refs); return t; }
void tty_put(struct tty *t);
bool tty_file_is_dead(const struct tty_file *f);	/* tty.lock held */
int tty_open_file(struct tty *t, struct file *file, bool is_console);
/* tty.lock held. Tells the port, if it listens: TTY_EVENT_*. */
static inline void tty_tell_port(struct tty *t, u32 events)
{
	if (t->port && t->port->ops->event)
		t->port->ops->event(t->port, events);
}
int tty_open_line(struct tty *t, struct file *file);	/* what opening its node does; may become the controlling terminal */
/* pty.c */
void pty_init(void);
/* A pair as devpts shows it: generation tells it from an earlier one of that index. */
struct pty_name {
	u32 index;
	u64 generation;
	uid_t uid;
	gid_t gid;
	mode_t mode;		/* permission bits */
};
bool pty_name_next(u32 from, struct pty_name *out);	/* of the pair with the lowest index >= from */
bool pty_name_get(u32 index, struct pty_name *out);
void pty_name_set(const struct pty_name *n);		/* owner and mode, unless the pair is gone */
struct tty *pty_slave(u32 index, u64 generation);	/* referenced, or NULL: gone */
extern const struct file_ops pty_master_ops;		/* what opening a ptmx installs */
#define DEV_PTMX MKDEV(5, 2)
#define PTS_MAJOR 136
/* devpts.c */
void devpts_init(void);
void devpts_defaults(struct pty_name *n);		/* owner and mode of a pair that the current process makes */

/* receive.c */
void receive_init(void);
void tty_work(struct tty *t);		/* has the tty thread look at t. Any context */
void tty_unthrottle(struct tty *t);	/* tty.lock held: reads made room */

/* input.c; tty.lock held */
void input_byte(struct tty *t, u8 c, enum tty_flag flag);
void input_flush(struct tty *t);	/* throws away what was not read */
void input_termios_changed(struct tty *t, const struct ktermios *old);
static inline u32 line_room(const struct tty *t) { return LINE_SIZE - (t->head - t->tail); }
static inline bool has_flag(u32 flags, u32 flag) { return (flags & flag) != 0; }

/* output.c; tty.lock held */
bool output_byte(struct tty *t, u8 c);	/* with processing; false: no room, nothing done */
bool output_raw(struct tty *t, u8 c);
void output_flush(struct tty *t);	/* to the port, as far as it takes */
void output_stop(struct tty *t, bool stop);
static inline u32 output_room(const struct tty *t) { return OUT_SIZE - (t->out_head - t->out_tail); }
static inline u32 output_queued(const struct tty *t) { return t->out_head - t->out_tail; }

/* read.c, write.c, ioctl.c: file operations */
ssize_t tty_read(struct file *file, struct uio *to, off_t *pos);
bool tty_has_input(const struct tty *t, u32 at_least);	/* tty.lock held */
ssize_t tty_write(struct file *file, struct uio *from, off_t *pos);
long tty_ioctl(struct file *file, u32 cmd, u64 arg);
/* Waits until everything has left, or -EINTR. */
int tty_drain(struct tty *t);

/* job.c */
/* The current process wants to read (SIGTTIN) or change or write (SIGTTOU): 0, -EIO, -ERESTARTSYS. */
int tty_check_job(struct tty *t, int sig);
long tty_job_ioctl(struct tty *t, u32 cmd, u64 arg);
void tty_acquire_on_open(struct tty *t);	/* a session leader without a terminal gets this one */
void tty_hangup(struct tty *t);			/* every open file dies, the session is told */
void tty_signal_foreground(struct tty *t, int sig);	/* tty.lock held */

#endif
