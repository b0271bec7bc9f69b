/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the engine's tests, which run on the host under ASan and UBSan: a fixture with room for
 * units and edges, short names for events, a seeded generator, checks that say where they failed.
 */
#ifndef SERVICES_SUPERVISOR_HOST_TEST_H
#define SERVICES_SUPERVISOR_HOST_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor.h"

static const char *test_now_running = "?";

#define CHECK(c) do { if (!(c)) { \
	printf("not ok %s %s:%d: %s\n", test_now_running, __FILE__, __LINE__, #c); exit(1); } } while (0)
#define CHECK_EQ(a, b) do { long long a_ = (long long)(a), b_ = (long long)(b); if (a_ != b_) { \
	printf("not ok %s %s:%d: %s is %lld, want %s = %lld\n", test_now_running, __FILE__, __LINE__, \
	       #a, a_, #b, b_); exit(1); } } while (0)

#define BURST_MAX 16

struct fixture {
	struct sup s;
	uint64_t now;
	unsigned char *did;	/* per unit: SUP_DO_* since the last take() */
};

static inline void fixture_init(struct fixture *f, uint32_t units, uint32_t edges_max)
{
	memset(f, 0, sizeof *f);
	f->now = 1000 * SUP_MS;
	f->s.unit = calloc(units, sizeof *f->s.unit);
	f->s.edge = calloc(edges_max + 1, sizeof *f->s.edge);
	f->s.in_edge = calloc(edges_max + 1, sizeof *f->s.in_edge);
	f->s.list = calloc(3 * units + 1, sizeof *f->s.list);
	f->did = calloc(units, 1);
	f->s.units = units;
	for (uint32_t u = 0; u < units; u++) {
		sup_unit_init(&f->s.unit[u]);
		f->s.unit[u].starts = calloc(BURST_MAX, sizeof(uint64_t));
		f->s.unit[u].limit_burst = 5;
	}
}

static inline void fixture_free(struct fixture *f)
{
	for (uint32_t u = 0; u < f->s.units; u++)
		free(f->s.unit[u].starts);
	free(f->s.unit);
	free(f->s.edge);
	free(f->s.in_edge);
	free(f->s.list);
	free(f->did);
}

static inline void edge_add(struct fixture *f, uint32_t from, uint32_t to, uint8_t bits)
{
	f->s.edge[f->s.edges++] = (struct sup_edge){ from, to, bits };
}

static inline void drain(struct fixture *f)
{
	unsigned int bit;
	uint32_t u;

	while ((bit = sup_next(&f->s, &u)))
		f->did[u] |= bit;
}

static inline int event(struct fixture *f, uint8_t kind, uint32_t u, uint8_t arg)
{
	int answer = sup_step(&f->s, &(struct sup_event){ f->now, u, kind, arg });

	drain(f);
	return answer;
}

/* Moves the clock, stopping at each deadline on the way. */
static inline void pass(struct fixture *f, uint64_t ns)
{
	uint64_t end = f->now + ns;

	while (sup_deadline(&f->s) <= end) {
		if (sup_deadline(&f->s) > f->now)
			f->now = sup_deadline(&f->s);
		event(f, SUP_EV_TICK, SUP_NONE, 0);
	}
	f->now = end;
	event(f, SUP_EV_TICK, SUP_NONE, 0);
}

static inline unsigned char take(struct fixture *f, uint32_t u)
{
	unsigned char did = f->did[u];

	f->did[u] = 0;
	return did;
}

static inline uint32_t rnd(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

#define RUN(test) do { test_now_running = #test; test(); printf("ok %s\n", #test); } while (0)

#endif
