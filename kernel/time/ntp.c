/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock discipline behind adjtimex (RFC 5905's kernel PLL/FLL as D. Mills describes it, in the units of
 * Linux's interface): a frequency that stays, a phase offset that fades by a fixed share each
 * second, adjtime's slow slew of at most 500 us per second, leap seconds. All of it becomes one rate of the
 * monotonic clock (clock_rate_set). A timer runs once a second only while a phase or a slew is under way.
 * Lock: ntp_lock.
 */
#include "clock_local.h"
#include <kernel/ntp.h>
#include <uapi/errno.h>

#define NS_SCALE 16			/* fraction bits of rates and offsets here */
#define SHIFT_PLL 2
#define SHIFT_FLL 2
#define MAX_TIMECONST 10
#define MAX_PHASE_NS 500000000ll
#define MAX_FREQ_NS 500000ll		/* 500 ppm */
#define MIN_FLL_SEC 256
#define MAX_PLL_SEC 2048
#define PHASE_LIMIT_US 16000000ll
#define ERROR_GROWTH_PPM 500
#define MAX_SLEW_US 500			/* adjtime, per second */
#define TICK_US (1000000 / USER_HZ)
#define DAY_NS (86400 * (s64)NSEC_PER_SEC)

static struct spinlock ntp_lock = SPINLOCK_INIT("ntp", LOCK_CLOCK);
/* All under ntp_lock. */
static s64 freq;			/* ns/s << NS_SCALE */
static s64 phase;			/* ns << NS_SCALE still to be worked off */
static s64 slew_us;			/* adjtime's rest */
static s64 phase_rate, slew_rate;	/* ns/s << NS_SCALE: what is applied now */
static s64 tick_us = TICK_US, time_constant = 2;
static s64 max_error_us = PHASE_LIMIT_US, est_error_us = PHASE_LIMIT_US;
static s64 reference_sec;		/* wall time of the last phase update */
static u64 error_stamp_ns, applied_ns;	/* monotonic: when max_error, when the rates were last brought up to date */
static s32 status = STA_UNSYNC;
static s32 leap_state = TIME_OK;
static struct timer second_timer, leap_timer;
static u64 arm_limit = U64_MAX;		/* [a] */

u64 ntp_arm_limit_ns(void) { return atomic_load(&arm_limit); }

static s64 clamp_s64(s64 v, s64 limit)
{
	return v > limit ? limit : v < -limit ? -limit : v;
}

/* value << NS_SCALE scaled by elapsed_ns / 1 s; elapsed is at most some seconds. */
static s64 share(s64 rate, u64 elapsed_ns)
{
	return (s64)(((__int128)rate * (s64)((elapsed_ns << 32) / NSEC_PER_SEC)) >> 32);
}

/* Takes off phase and slew what the rates worked off since last time. */
static void settle(u64 now)
{
	u64 elapsed = min(now - applied_ns, 4 * NSEC_PER_SEC);
	s64 done;

	applied_ns = now;
	if (phase_rate) {
		done = share(phase_rate, elapsed);
		phase = (phase < 0) == (phase - done < 0) ? phase - done : 0;
	}
	if (slew_rate) {
		done = share(slew_rate, elapsed) / (s64)(NSEC_PER_USEC << NS_SCALE);
		slew_us = (slew_us < 0) == (slew_us - done < 0) ? slew_us - done : 0;
	}
}

/* The rates for the second that begins now. */
static void apply(u64 now)
{
	s64 slew = clamp_s64(slew_us, MAX_SLEW_US);
	s64 shift = SHIFT_PLL + time_constant, base;
	bool is_active;

	phase_rate = phase / (1ll << shift);
	if (!phase_rate)
		phase = 0;
	slew_rate = slew * (s64)(NSEC_PER_USEC << NS_SCALE);
	base = freq + (tick_us - TICK_US) * USER_HZ * (s64)(NSEC_PER_USEC << NS_SCALE);
	clock_rate_set(base + phase_rate + slew_rate);
	is_active = phase_rate || slew_rate;
	/* Timers armed long ago must notice a new rate: nobody sleeps longer than a second meanwhile. */
	atomic_store(&arm_limit, is_active ? NSEC_PER_SEC : U64_MAX);
	if (is_active)
		timer_arm(&second_timer, now + NSEC_PER_SEC, 0);
}

static void second_passed(struct timer *t)
{
	unsigned long flags = spin_lock_irqsave(&ntp_lock);
	u64 now = time_ns();

	settle(now);
	apply(now);
	spin_unlock_irqrestore(&ntp_lock, flags);
}

/* ---- leap seconds ---- */

/* The next midnight, UTC; a second to be left out is the one before. */
static void leap_arm(void)
{
	s64 now = time_wall_ns(), midnight = now - now % DAY_NS + DAY_NS;

	if (leap_state == TIME_INS)
		timer_arm_wall(&leap_timer, (u64)midnight, 0);
	else if (leap_state == TIME_DEL)
		timer_arm_wall(&leap_timer, (u64)midnight - NSEC_PER_SEC, 0);
	else if (leap_state == TIME_OOP)
		timer_arm(&leap_timer, time_ns() + NSEC_PER_SEC, 0);
}

static void leap_passed(struct timer *t)
{
	unsigned long flags = spin_lock_irqsave(&ntp_lock);
	s64 tai = time_tai_offset_ns() / (s64)NSEC_PER_SEC;

	if (leap_state == TIME_INS) {
		time_wall_add(-(s64)NSEC_PER_SEC);
		time_tai_set(tai + 1);
		leap_state = TIME_OOP;
		leap_arm();
	} else if (leap_state == TIME_DEL) {
		time_wall_add((s64)NSEC_PER_SEC);
		time_tai_set(tai - 1);
		leap_state = TIME_WAIT;
	} else if (leap_state == TIME_OOP) {
		leap_state = TIME_WAIT;
	}
	spin_unlock_irqrestore(&ntp_lock, flags);
}

/* The status asks for a leap second, or no longer. */
static void leap_update(void)
{
	s32 wanted = (status & STA_INS) ? TIME_INS : (status & STA_DEL) ? TIME_DEL : TIME_OK;

	if (leap_state == TIME_OOP || leap_state == wanted || (leap_state == TIME_WAIT && wanted != TIME_OK))
		return;
	leap_state = wanted;
	if (wanted == TIME_OK)
		timer_cancel(&leap_timer);
	else
		leap_arm();
}

/* ---- adjtimex ---- */

static void grow_error(u64 now)
{
	u64 seconds = (now - error_stamp_ns) / NSEC_PER_SEC;

	error_stamp_ns += seconds * NSEC_PER_SEC;
	if (!seconds)
		return;
	if (seconds > (u64)PHASE_LIMIT_US / ERROR_GROWTH_PPM)
		max_error_us = PHASE_LIMIT_US;
	else
		max_error_us = min(max_error_us + (s64)seconds * ERROR_GROWTH_PPM, PHASE_LIMIT_US);
	if (max_error_us == PHASE_LIMIT_US)
		status |= STA_UNSYNC;
}

/* How far a long silence lets the offset itself tell the frequency. */
static s64 fll_part(s64 offset_ns, s64 seconds)
{
	status &= ~STA_MODE;
	if (seconds < MIN_FLL_SEC || (!(status & STA_FLL) && seconds <= MAX_PLL_SEC))
		return 0;
	status |= STA_MODE;
	return (offset_ns << (NS_SCALE - SHIFT_FLL)) / seconds;
}

static void phase_update(s64 offset)
{
	s64 seconds, change, now_sec = time_wall_ns() / (s64)NSEC_PER_SEC;
	unsigned shift = 2 * (unsigned)(SHIFT_PLL + 2 + time_constant);

	if (!(status & STA_PLL))
		return;
	if (!(status & STA_NANO))
		offset = clamp_s64(offset, 1000000) * (s64)NSEC_PER_USEC;
	offset = clamp_s64(offset, MAX_PHASE_NS);
	seconds = (status & STA_FREQHOLD) || now_sec < reference_sec ? 0 : now_sec - reference_sec;
	reference_sec = now_sec;
	change = fll_part(offset, seconds);
	/* The loop's gain is bounded by its own time constant. */
	seconds = min(seconds, (s64)1 << (SHIFT_PLL + 1 + time_constant));
	change += (s64)(((__int128)offset * seconds << NS_SCALE) >> shift);
	freq = clamp_s64(freq + change, MAX_FREQ_NS << NS_SCALE);
	phase = offset << NS_SCALE;
}

/* Linux's frequency word: ppm << 16, which is ns/s << 16 times 1000. */
static s64 freq_from_user(s64 v) { return clamp_s64(clamp_s64(v, 500ll << 16) * 1000, MAX_FREQ_NS << NS_SCALE); }
static s64 freq_to_user(s64 v) { return v / 1000; }

static void status_set(s32 wanted)
{
	if ((status & STA_PLL) && !(wanted & STA_PLL)) {
		leap_state = TIME_OK;
		timer_cancel(&leap_timer);
		status = STA_UNSYNC;
	}
	if (!(status & STA_PLL) && (wanted & STA_PLL))
		reference_sec = time_wall_ns() / (s64)NSEC_PER_SEC;
	status = (status & STA_RONLY) | (wanted & ~STA_RONLY);
	leap_update();
}

static void modes_apply(const struct timex *tx)
{
	if (tx->modes & ADJ_STATUS)
		status_set(tx->status);
	if (tx->modes & ADJ_NANO)
		status |= STA_NANO;
	if (tx->modes & ADJ_MICRO)
		status &= ~STA_NANO;
	if (tx->modes & ADJ_FREQUENCY)
		freq = freq_from_user(tx->freq);
	if (tx->modes & ADJ_MAXERROR)
		max_error_us = clamp(tx->maxerror, (s64)0, PHASE_LIMIT_US);
	if (tx->modes & ADJ_ESTERROR)
		est_error_us = clamp(tx->esterror, (s64)0, PHASE_LIMIT_US);
	if (tx->modes & ADJ_TIMECONST) {
		time_constant = clamp(tx->constant, (s64)0, (s64)MAX_TIMECONST);
		if (!(status & STA_NANO))
			time_constant = min(time_constant + 4, (s64)MAX_TIMECONST);
	}
	if ((tx->modes & ADJ_TAI) && tx->constant >= 0 && tx->constant <= 100000)
		time_tai_set(tx->constant);
	if (tx->modes & ADJ_OFFSET)
		phase_update(tx->offset);
	if (tx->modes & ADJ_TICK)
		tick_us = tx->tick;
}

static void report(struct timex *tx)
{
	s64 wall = time_wall_ns(), sub = wall % (s64)NSEC_PER_SEC;

	if (sub < 0)
		sub += NSEC_PER_SEC;
	tx->freq = freq_to_user(freq);
	tx->maxerror = max_error_us;
	tx->esterror = est_error_us;
	tx->status = status;
	tx->constant = time_constant;
	tx->precision = 1;
	tx->tolerance = 500ll << 16;
	tx->tick = tick_us;
	tx->tai = (s32)(time_tai_offset_ns() / (s64)NSEC_PER_SEC);
	tx->ppsfreq = tx->jitter = tx->stabil = tx->jitcnt = tx->calcnt = tx->errcnt = tx->stbcnt = 0;
	tx->shift = 0;
	tx->time.tv_sec = (wall - sub) / (s64)NSEC_PER_SEC;
	tx->time.tv_usec = (status & STA_NANO) ? sub : sub / (s64)NSEC_PER_USEC;
}

int ntp_check(const struct timex *tx, bool may_set)
{
	if (tx->modes & ADJ_ADJTIME) {
		if (!(tx->modes & 1))
			return -EINVAL;
		if (!(tx->modes & ADJ_OFFSET_READONLY) && !may_set)
			return -EPERM;
		return 0;
	}
	if (tx->modes && !may_set)
		return -EPERM;
	if ((tx->modes & ADJ_TICK) && (tx->tick < 900000 / USER_HZ || tx->tick > 1100000 / USER_HZ))
		return -EINVAL;
	if ((tx->modes & ADJ_SETOFFSET) &&
	    (tx->time.tv_usec < 0 || tx->time.tv_usec >= ((tx->modes & ADJ_NANO) ? (s64)NSEC_PER_SEC : 1000000)))
		return -EINVAL;
	if ((tx->modes & ADJ_FREQUENCY) && (tx->freq > S64_MAX / 65536000 || tx->freq < -(S64_MAX / 65536000)))
		return -EINVAL;
	return 0;
}

int ntp_adjust(struct timex *tx)
{
	bool was_active, is_single = tx->modes & ADJ_ADJTIME;
	unsigned long flags;
	s64 old_slew;
	int result;
	u64 now;

	flags = spin_lock_irqsave(&ntp_lock);
	now = time_ns();
	was_active = arm_limit != U64_MAX;
	settle(now);
	grow_error(now);
	old_slew = slew_us;
	if (is_single && !(tx->modes & ADJ_OFFSET_READONLY))
		slew_us = clamp_s64(tx->offset, S64_MAX / 2000);
	else if (!is_single && tx->modes)
		modes_apply(tx);
	if (tx->modes && tx->modes != ADJ_OFFSET_SS_READ)
		apply(now);
	report(tx);
	if (is_single)
		tx->offset = old_slew;
	else
		tx->offset = (phase >> NS_SCALE) / ((status & STA_NANO) ? 1 : (s64)NSEC_PER_USEC);
	result = (status & STA_UNSYNC) ? TIME_ERROR : leap_state;
	spin_unlock_irqrestore(&ntp_lock, flags);
	if (tx->modes & ~(u32)(ADJ_MAXERROR | ADJ_ESTERROR) || was_active)
		timer_reprogram_all(ntp_arm_limit_ns());
	return result;
}

void ntp_clear(void)
{
	unsigned long flags = spin_lock_irqsave(&ntp_lock);

	settle(time_ns());
	phase = slew_us = 0;
	status |= STA_UNSYNC;
	max_error_us = est_error_us = PHASE_LIMIT_US;
	error_stamp_ns = time_ns();
	apply(time_ns());
	spin_unlock_irqrestore(&ntp_lock, flags);
}

void ntp_init(void)
{
	timer_init(&leap_timer, leap_passed);
	timer_init(&second_timer, second_passed);
}
