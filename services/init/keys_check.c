/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What holds for a unit without being said, and what must hold once all of its keys are read.
 */
#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "keys.h"

static const struct parts defaults = {
	.run = { .nice = NOT_SET, .umask = NOT_SET, .sched_policy = NOT_SET, .sched_priority = NOT_SET, .oom_score = NOT_SET },
	.quota = { NOT_SET, NOT_SET, NOT_SET, NOT_SET },
	.health = { .interval = 10000 * SUP_MS, .timeout = 5000 * SUP_MS, .threshold = 3 },
	.socket = { .mode = 0666, .backlog = 128, .instances = 1 },
	.rare = { .limit_interval = 10000 * SUP_MS, .timeout_dependency = 30000 * SUP_MS, .restart_delay_max = 10000 * SUP_MS,
		  .log_max = 1 << 20, .drain = 10000 * SUP_MS, .limit_burst = NOT_SET },
};

const struct config config_empty = {
	.run = &defaults.run, .quota = &defaults.quota, .health = &defaults.health, .socket = &defaults.socket,
	.timer = &defaults.timer, .rare = &defaults.rare,
};

void keys_defaults(struct parser *p)
{
	p->config = config_empty;
	p->config.timeout_start = 30000 * SUP_MS;
	p->config.timeout_stop = 5000 * SUP_MS;
	p->config.restart_delay = 100 * SUP_MS;
	p->config.kill_signal = SIGTERM;
	p->config.kind = p->type == UNIT_TARGET ? KIND_GROUP : KIND_SERVICE;
	memcpy(&p->parts, &defaults, sizeof defaults);	/* with its padding: compared later */
}

/* The part itself if a key of it was given, else the one that all share. */
static const void *keep_part(struct parser *p, const void *part, const void *by_default, size_t size)
{
	const uint64_t *a = part, *b = by_default, *end = a + size / sizeof *a;
	void *copy;

	while (a < end && *a == *b) {	/* by words: the C library's memcmp() goes by bytes */
		a++;
		b++;
	}
	if (a == end)
		return by_default;
	copy = arena_alloc(&p->config.arena, size);
	return copy ? memcpy(copy, part, size) : NULL;
}

#define KEEP(name) (p->config.name = keep_part(p, &p->parts.name, &defaults.name, sizeof defaults.name))
static_assert(!(sizeof(struct run_config) % 8 || sizeof(struct quota_config) % 8 || sizeof(struct health_config) % 8 ||
		sizeof(struct socket_config) % 8 || sizeof(struct timer_config) % 8 || sizeof(struct rare_config) % 8), "whole words");

int keys_keep_parts(struct parser *p)
{
	return KEEP(run) && KEEP(quota) && KEEP(health) && KEEP(socket) && KEEP(timer) && KEEP(rare) ? 0 : -ENOMEM;
}

static bool is_template(const char *name)
{
	const char *at = strchr(name, '@');

	return at && at[1] == '.';
}

static const char *check_service(const struct config *c)
{
	bool is_oneshot = c->service_type == TYPE_ONESHOT;

	if (!c->exec[STAGE_MAIN])
		return "no ExecStart=";
	if (c->exec[STAGE_MAIN]->next && !is_oneshot)
		return "more than one ExecStart= needs Type=oneshot";
	if (is_oneshot && (c->restart == SUP_ALWAYS || c->restart == SUP_ON_SUCCESS))
		return "Type=oneshot cannot have Restart=always or on-success";
	if (c->remain && !is_oneshot)
		return "RemainAfterExit= needs Type=oneshot";
	if (c->watchdog && c->service_type != TYPE_NOTIFY)
		return "WatchdogSec= needs Type=notify";
	if (c->rare->pid_file && c->service_type != TYPE_FORKING)
		return "PIDFile= needs Type=forking";
	if ((c->run->sched_policy == SCHED_FIFO || c->run->sched_policy == SCHED_RR) != (c->run->sched_priority != NOT_SET))
		return "CPUSchedulingPriority= goes with CPUSchedulingPolicy=fifo or rr";
	if (c->run->tty && c->in != IN_TTY)
		return "TTYPath= needs StandardInput=tty";
	return NULL;
}

static const char *check_socket(const struct config *c)
{
	if (!c->socket->listens)
		return "no ListenStream= or ListenDatagram=";
	if (c->socket->balance && (!c->activates || !is_template(c->activates)))
		return "X-Balance= needs Service=NAME@.service";
	if (c->socket->balance && c->socket->accept)
		return "X-Balance= and Accept= exclude each other";
	if (c->socket->accept && c->activates && !is_template(c->activates))
		return "Accept=yes needs a template";
	if (c->socket->instances != 1 && !c->socket->balance)
		return "X-Instances= needs X-Balance=";
	for (const struct listen *l = c->socket->listens; l; l = l->next)
		if ((c->socket->balance || c->socket->accept) && l->type != SOCK_STREAM)
			return "connections come from ListenStream= only";
	return NULL;
}

/* A kind without effect on this unit is not just a label. */
static const char *check_kind(const struct config *c, int type)
{
	if (c->kind == KIND_GROUP && type != UNIT_TARGET)
		return "X-Kind=group is a target's";
	if (c->kind == KIND_BALANCER && !c->socket->balance)
		return "X-Kind=load-balancer needs X-Balance=";
	if (c->kind == KIND_USER && !c->run->user)
		return "X-Kind=user needs User=";
	return NULL;
}

void keys_check(struct parser *p)
{
	const struct config *c = &p->config;
	const char *why = NULL;

	if (c->socket->balance && c->kind == KIND_SERVICE)
		p->config.kind = KIND_BALANCER;
	if (p->type == UNIT_SERVICE)
		why = check_service(c);
	else if (p->type == UNIT_SOCKET)
		why = check_socket(c);
	else if (p->type == UNIT_TIMER && c->timer == &defaults.timer)
		why = "a timer without a time";
	if (!why)
		why = check_kind(c, p->type);
	if (why) {
		p->report->line = p->lines;
		report(p->report, "%s", why);
	}
}
