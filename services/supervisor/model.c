/* SPDX-License-Identifier: BSD-2-Clause */
/* The naive supervisor of model.h. Slow, wordy and without cleverness on purpose. */
#include <string.h>

#include "model.h"

static bool is(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/* systemd.service(5) in sentences. */
static bool should_retry(const char *restart, const char *end)
{
	if (is(restart, "no"))
		return false;
	if (is(restart, "always"))
		return true;
	if (is(end, "clean"))
		return is(restart, "on-success");
	if (is(restart, "on-success"))
		return false;
	if (is(restart, "on-failure"))
		return true;
	if (is(restart, "on-abnormal"))
		return !is(end, "exit-code");
	if (is(restart, "on-abort"))
		return is(end, "signal");
	return is(restart, "on-watchdog") && (is(end, "watchdog") || is(end, "health-check"));
}

static void go(struct model *m, enum model_phase phase, uint64_t now)
{
	const char *before = model_state(m);

	m->phase = phase;
	if (phase == M_OFF || phase == M_BAD || phase == M_UP)
		m->owes_answer = false;
	if (!is(before, model_state(m)))
		m->phase_began = now;
}

static void launch(struct model *m, uint64_t now)
{
	int recent = 0;

	for (int i = 0; i < m->start_count; i++)
		if (m->starts[i] + m->window_s > now)
			recent++;
	m->blame = NULL;
	m->killed_hard = false;
	m->bad_in_a_row = 0;
	m->wants_again = m->wants_off = false;
	if (m->burst && recent >= m->burst) {
		m->why = "start-limit-hit";
		m->timer = 0;
		go(m, M_BAD, now);
		return;
	}
	m->starts[m->start_count++] = now;
	m->why = "success";
	go(m, M_LAUNCHED, now);
	m->timer = m->start_s ? now + m->start_s : 0;
}

static void end_it(struct model *m, uint64_t now)
{
	go(m, M_ENDING, now);
	m->timer = m->stop_s ? now + m->stop_s : 0;
	m->killed_hard = false;
}

static uint64_t wait_before_retry(const struct model *m)
{
	uint64_t wait = m->retry_s, most = m->retry_max_s > m->retry_s ? m->retry_max_s : m->retry_s;

	for (int i = 0; i < m->retries_in_a_row; i++) {
		wait *= 2;
		if (wait > most)
			wait = most;
	}
	return wait ? wait : 1;
}

static void after_asked_end(struct model *m, uint64_t now)
{
	bool hard = m->killed_hard || is(m->blame, "timeout");

	m->retries_in_a_row = 0;
	m->why = hard ? "timeout" : "success";
	m->timer = 0;
	m->blame = NULL;
	if (m->wants_again) {
		go(m, M_OFF, now);
		m->owes_answer = true;
		launch(m, now);
		return;
	}
	m->wants_off = false;
	go(m, hard ? M_BAD : M_OFF, now);
}

static void process_gone(struct model *m, const char *end, uint64_t now)
{
	bool had_come_up = m->phase == M_UP || m->phase == M_FROZEN || m->phase == M_ENDING;

	if (m->phase == M_OFF || m->phase == M_BAD || m->phase == M_PAUSE_BEFORE_RETRY)
		return;
	if (m->wants_off || m->wants_again) {
		after_asked_end(m, now);
		return;
	}
	if (m->blame)
		end = m->blame;
	m->timer = 0;
	m->blame = NULL;
	if (m->phase == M_LAUNCHED && m->oneshot && is(end, "clean")) {
		go(m, m->remain ? M_UP : M_OFF, now);
		return;
	}
	m->killed_hard = false;
	m->why = is(end, "clean") ? "success" : end;
	if (!m->shutting_down && should_retry(m->restart, end)) {
		if (had_come_up && now - m->phase_began >= m->retry_max_s)
			m->retries_in_a_row = 0;
		m->timer = now + wait_before_retry(m);
		m->retries_in_a_row++;
		go(m, M_PAUSE_BEFORE_RETRY, now);
		return;
	}
	if (is(end, "clean") && m->phase == M_LAUNCHED)
		m->why = "protocol";
	go(m, is(m->why, "success") ? M_OFF : M_BAD, now);
}

static void time_passes(struct model *m, uint64_t now)
{
	if (m->timer && m->timer <= now) {
		m->timer = 0;
		if (m->phase == M_PAUSE_BEFORE_RETRY) {
			m->retries++;
			launch(m, now);
		} else if (m->phase == M_LAUNCHED) {
			m->blame = "timeout";
			end_it(m, now);
		} else if (m->phase == M_ENDING && !m->killed_hard) {
			m->killed_hard = true;
			if (!m->blame)
				m->blame = "timeout";
			m->timer = m->stop_s ? now + m->stop_s : 0;
		} else if (m->phase == M_ENDING) {
			if (m->wants_off || m->wants_again) {
				after_asked_end(m, now);
			} else {
				m->why = "timeout";
				go(m, M_BAD, now);
			}
		}
	} else if (m->phase == M_UP && m->watchdog_s && !m->oneshot && m->last_ping + m->watchdog_s <= now) {
		m->blame = "watchdog";
		end_it(m, now);
	}
}

static void asked_to_start(struct model *m, uint64_t now)
{
	if (m->shutting_down || m->phase == M_FROZEN)
		return;
	if (m->phase == M_ENDING && m->owes_answer && !m->wants_off)
		return;		/* the start asked for before is still being settled */
	if (m->phase == M_ENDING && !m->wants_again) {
		m->wants_off = false;
		m->wants_again = true;
	} else if (m->phase == M_OFF || m->phase == M_BAD) {
		m->owes_answer = true;
		launch(m, now);
	}
}

static void asked_to_stop(struct model *m, uint64_t now)
{
	if (m->phase == M_OFF || m->phase == M_BAD)
		return;
	m->wants_off = true;
	m->wants_again = m->owes_answer = false;
	if (m->phase == M_PAUSE_BEFORE_RETRY)
		after_asked_end(m, now);
	else if (m->phase != M_ENDING)
		end_it(m, now);
}

static void asked_to_restart(struct model *m, uint64_t now)
{
	if (m->shutting_down)
		return;
	if (m->phase == M_OFF || m->phase == M_BAD || m->wants_off) {
		asked_to_start(m, now);
		return;
	}
	m->wants_again = true;
	if (m->phase == M_PAUSE_BEFORE_RETRY)
		after_asked_end(m, now);
	else if (m->phase != M_ENDING)
		end_it(m, now);
}

static void came_up(struct model *m, uint64_t now)
{
	if (m->phase != M_LAUNCHED || m->oneshot)
		return;
	go(m, M_UP, now);
	m->timer = 0;
	m->last_ping = now;
}

static void checked(struct model *m, bool good, uint64_t now)
{
	if (m->phase != M_UP)
		return;
	m->bad_in_a_row = good ? 0 : m->bad_in_a_row + 1;
	if (m->threshold && m->bad_in_a_row == m->threshold) {
		m->blame = "health-check";
		end_it(m, now);
	}
}

void model_event(struct model *m, const struct sup_event *e)
{
	static const char *const ends[] = { "clean", "exit-code", "signal", "timeout", "watchdog" };

	time_passes(m, e->now);
	switch (e->kind) {
	case SUP_EV_START: asked_to_start(m, e->now); break;
	case SUP_EV_STOP: asked_to_stop(m, e->now); break;
	case SUP_EV_RESTART: asked_to_restart(m, e->now); break;
	case SUP_EV_READY: came_up(m, e->now); break;
	case SUP_EV_EXIT: process_gone(m, ends[e->arg], e->now); break;
	case SUP_EV_HEALTH: checked(m, e->arg, e->now); break;
	case SUP_EV_STOP_ALL:
		m->shutting_down = true;
		asked_to_stop(m, e->now);
		break;
	case SUP_EV_PAUSE:
		if (m->phase == M_UP)
			go(m, M_FROZEN, e->now);
		break;
	case SUP_EV_RESUME:
		if (m->phase == M_FROZEN) {
			go(m, M_UP, e->now);
			m->last_ping = e->now;
		}
		break;
	case SUP_EV_PING:
		if (m->phase == M_UP)
			m->last_ping = e->now;
		break;
	case SUP_EV_SKIP:
		if (m->phase == M_LAUNCHED) {
			m->why = "condition";
			m->timer = 0;
			go(m, M_OFF, e->now);
		}
		break;
	case SUP_EV_RESET:
		m->start_count = m->retries_in_a_row = 0;
		if (m->phase == M_BAD) {
			m->why = "success";
			go(m, M_OFF, e->now);
		}
		break;
	}
}

const char *model_state(const struct model *m)
{
	switch (m->phase) {
	case M_OFF: return "stopped";
	case M_BAD: return "failed";
	case M_LAUNCHED:
	case M_PAUSE_BEFORE_RETRY: return "starting";
	case M_UP: return "running";
	case M_FROZEN: return "paused";
	default: return "stopping";
	}
}

uint64_t model_deadline(const struct model *m)
{
	uint64_t at = m->timer ? m->timer : SUP_NEVER;

	if (m->phase == M_UP && m->watchdog_s && !m->oneshot && m->last_ping + m->watchdog_s < at)
		at = m->last_ping + m->watchdog_s;
	return at;
}
