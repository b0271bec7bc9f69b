/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiler attributes and small expression macros; nothing that needs a type of ours. */
#ifndef LIB_COMPILER_H
#define LIB_COMPILER_H

#include <lib/types.h>

#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __cacheline_aligned __attribute__((aligned(64)))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __noreturn __attribute__((noreturn))
#define __must_check __attribute__((warn_unused_result))
#define __unused __attribute__((unused))
#define __used __attribute__((used))
#define __weak __attribute__((weak))
#define __noinline __attribute__((noinline))
#define __no_canary __attribute__((no_stack_protector))	/* runs before there is a current thread */
#undef __always_inline	/* the host libc of the simulation has one of its own */
#define __always_inline inline __attribute__((always_inline))
#define __section(s) __attribute__((section(s)))
#define __init __attribute__((section(".init.text"), cold))	/* boot only; freed afterwards */
#define __initdata __attribute__((section(".init.data")))
#define __ro_after_init __attribute__((section(".data.ro_after_init")))
#define __hot __attribute__((section(".text.hot")))
#define __cold __attribute__((cold))
#ifdef __clang__
#define __malloc(fn) __attribute__((malloc))
#else
#define __malloc(fn) __attribute__((malloc, malloc(fn, 1)))
#endif
#define __fallthrough __attribute__((fallthrough))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define unreachable() __builtin_unreachable()
#define barrier() __asm__ volatile("" ::: "memory")

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define static_assert _Static_assert

/* One untorn access that the compiler neither drops nor repeats; no ordering. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* Each use has names of its own, so that they nest without shadowing. */
#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define MIN_AS(x, y, a, b) ({ __typeof__(a) x = (a); __typeof__(b) y = (b); x < y ? x : y; })
#define MAX_AS(x, y, a, b) ({ __typeof__(a) x = (a); __typeof__(b) y = (b); x > y ? x : y; })
#define min(a, b) MIN_AS(PASTE(_x, __COUNTER__), PASTE(_y, __COUNTER__), a, b)
#define max(a, b) MAX_AS(PASTE(_x, __COUNTER__), PASTE(_y, __COUNTER__), a, b)
#define clamp(v, lo, hi) \
	({ __typeof__(v) _v = (v), _lo = (lo), _hi = (hi); _v < _lo ? _lo : _v > _hi ? _hi : _v; })

/* a is a power of two. */
#define align_down(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define align_up(x, a) align_down((x) + ((__typeof__(x))(a) - 1), a)
#define is_aligned(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define div_round_up(n, d) (((n) + (d) - 1) / (d))

/* Pointers that carry a negative errno. */
#define ERR_MAX 4095
static inline void *err_ptr(long err) { return (void *)err; }
static inline long ptr_err(const void *p) { return (long)p; }
static inline bool is_err(const void *p) { return (unsigned long)p >= (unsigned long)-ERR_MAX; }

#endif
