/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Argument strings of execve, kept in kernel pages until the new stack exists. All belongs to the
 * calling thread; no lock.
 */
#include "exec.h"
#include <kernel/mm.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

#define STRINGS_MIN (128ull << 10)	/* always allowed */

int exec_args_init(struct exec_args *a)
{
	u64 stack = rlimit(RLIMIT_STACK);

	memset(a, 0, sizeof(*a));
	/* Linux: a quarter of the stack, at most 6 MiB, at least 128 KiB. */
	a->limit = min(stack / 4, (u64)EXEC_PAGES_MAX * PAGE_SIZE);
	a->limit = max(a->limit, STRINGS_MIN);
	a->pages = kcalloc(a->limit / PAGE_SIZE, sizeof(*a->pages), 0);
	return a->pages ? 0 : -ENOMEM;
}

void exec_args_free(struct exec_args *a)
{
	for (u32 i = 0; i < a->nr_pages; i++)
		page_put(a->pages[i]);
	for (u32 i = 0; i < a->nr_front; i++)
		kfree(a->front[i]);
	kfree(a->pages);
	a->pages = NULL;
	a->nr_pages = a->nr_front = 0;
}

/* Room at the end: pointer and how many bytes follow in this page. */
static int tail(struct exec_args *a, char **at, size_t *room)
{
	u64 index = a->size / PAGE_SIZE;

	if (a->size >= align_down(a->limit, PAGE_SIZE))
		return -E2BIG;
	if (index == a->nr_pages) {
		a->pages[index] = page_alloc(0, 0);
		if (!a->pages[index])
			return -ENOMEM;
		a->nr_pages++;
	}
	*at = (char *)page_to_virt(a->pages[index]) + a->size % PAGE_SIZE;
	*room = PAGE_SIZE - a->size % PAGE_SIZE;
	return 0;
}

int exec_args_add(struct exec_args *a, const char *text)
{
	size_t left = strlen(text) + 1;

	while (left) {
		size_t room, n;
		char *at;
		int err = tail(a, &at, &room);

		if (err)
			return err;
		n = min(room, left);
		memcpy(at, text, n);
		text += n;
		left -= n;
		a->size += n;
	}
	if (a->env_start)
		a->envc++;
	else
		a->argc++;
	return 0;
}

void exec_args_end_argv(struct exec_args *a) { a->env_start = a->size; }

static int add_user_string(struct exec_args *a, const char __user *text)
{
	u64 total = 0;

	while (1) {
		size_t room;
		ssize_t len;
		char *at;
		int err = tail(a, &at, &room);

		if (err)
			return err;
		len = copy_string_from_user(at, text, room);
		if (len == -EFAULT)
			return -EFAULT;
		if (len >= 0) {		/* its end is in this page */
			a->size += (u64)len + 1;
			return total + (u64)len >= EXEC_STRING_MAX ? -E2BIG : 0;
		}
		a->size += room;
		total += room;
		text += room;
		if (total >= EXEC_STRING_MAX)
			return -E2BIG;
	}
}

static int read_vector(struct exec_args *a, const u64 __user *vector, u32 *count)
{
	u64 pointer;

	for (*count = 0; vector; (*count)++) {
		int err;

		if (get_user(pointer, vector + *count))
			return -EFAULT;
		if (!pointer)
			break;
		/* The pointers go on the stack too. */
		if ((u64)*count * sizeof(u64) > a->limit)
			return -E2BIG;
		err = add_user_string(a, (const char __user *)pointer);
		if (err)
			return err;
	}
	return 0;
}

int exec_args_read(struct exec_args *a, const u64 __user *argv, const u64 __user *envp)
{
	int err = read_vector(a, argv, &a->argc);

	/* A program may rely on argv[0]: without arguments it gets an empty one, as on Linux. */
	if (!err && !a->argc)
		err = exec_args_add(a, "");
	if (err)
		return err;
	exec_args_end_argv(a);
	err = read_vector(a, envp, &a->envc);
	if (err)
		return err;
	return a->size + ((u64)a->argc + a->envc) * sizeof(u64) > a->limit ? -E2BIG : 0;
}

int exec_args_push_front(struct exec_args *a, const char *text)
{
	if (a->nr_front == EXEC_FRONT_MAX)
		return -ELOOP;
	a->front[a->nr_front] = kstrdup(text, 0);
	if (!a->front[a->nr_front])
		return -ENOMEM;
	a->nr_front++;
	return 0;
}

void exec_args_drop_first(struct exec_args *a)
{
	if (a->nr_front) {
		kfree(a->front[--a->nr_front]);
		return;
	}
	if (a->skip_argc || !a->argc)
		return;
	a->skip_argc = 1;
	/* Its NUL ends it; the strings were written by us, so there is one. */
	for (u64 at = 0; at < a->size; at++)
		if (!((char *)page_to_virt(a->pages[at / PAGE_SIZE]))[at % PAGE_SIZE]) {
			a->skip_bytes = at + 1;
			return;
		}
}
