/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One supervised service under init's loop (services/init/main.c, loop.c) and the engine's states
 * (services/supervisor/engine.c, requests.c), for Spin: Restart=always. A process may be killed at any
 * moment, a client asks for start, stop and restart at any moment, the deadlines come when they like:
 * the stop's may pass before or after the process has ended.
 * Checked: there are never two main processes, a child is never waited for twice, nothing starts
 * what is to be stopped; where nothing moves any longer the last request has come true, whatever was
 * killed, and under fairness (settles) it gets there.
 *
 * tests/models/run checks the model and that each planted fault is found:
 *
 * MUTANT 1: SIGCHLD is not blocked between the look at what has happened and the sleep.
 * MUTANT 2: a stop leaves the restart's deadline set.
 * MUTANT 3: an end that was asked for is restarted like any other.
 * MUTANT 4: a restart starts the new process before the old one's end is known.
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#define KILLS 2
#define REQUESTS 3

mtype = { STOPPED, WAITING, RUNNING, TERM, KILL };	/* WAITING: between two attempts; TERM, KILL: stopping */
mtype = { NONE, START, STOP, RESTART };
mtype state = STOPPED;
mtype job = NONE;	/* while stopping: what follows */
mtype want = STOP;	/* the last request */
chan socket = [1] of { mtype };

bool alive = false, zombie = false;	/* the main process */
bool pending = false;	/* SIGCHLD, blocked */
bool got_child = false;	/* the handler ran */
bool deadline = false;	/* set: restart or stop */
byte starts = 0;

#define QUIET (killer_done && client_done)
bool killer_done = false, client_done = false;

inline exec()
{
	assert(!alive && !zombie);
	assert(want != STOP);
	alive = true;
	starts++;
	deadline = false;
	state = RUNNING
}

/* The process ends, from outside or by a signal of init's. */
inline end_process()
{
	alive = false;
	zombie = true;
	pending = true
}

inline begin_stop(next)
{
	job = next;
	if
	:: state == RUNNING ->
		state = TERM;
		deadline = true
#if MUTANT == 4
		; if
		:: next == RESTART -> job = NONE; exec()
		:: else
		fi
#endif
	:: state == TERM || state == KILL -> skip
	:: state == WAITING || state == STOPPED ->
#if MUTANT != 2
		deadline = false;
#endif
		state = STOPPED;
		job = NONE;
		if
		:: next == RESTART -> exec()
		:: else
		fi
	fi
}

inline request(what)
{
	want = what;
	if
	:: what == STOP -> begin_stop(STOP)
	:: what == RESTART -> begin_stop(RESTART)
	:: what == START && state == STOPPED -> exec()
	:: what == START && (state == TERM || state == KILL) -> job = RESTART	/* once it has ended */
	:: else
	fi
}

/* waitpid() and SUP_EV_EXIT */
inline reap()
{
	got_child = false;
	if
	:: zombie ->
		zombie = false;
		assert(state != STOPPED && state != WAITING);
		if
#if MUTANT != 3
		:: (state == TERM || state == KILL) && job == STOP ->
			state = STOPPED;
			job = NONE;
			deadline = false
		:: (state == TERM || state == KILL) && job == RESTART ->
			job = NONE;
			exec()
#endif
		:: else ->
			state = WAITING;
			deadline = true
		fi
	:: else
	fi
}

inline tick()
{
	if
	:: deadline && state == TERM ->
		state = KILL;
		deadline = false;
		if
		:: alive -> end_process()
		:: else
		fi
	:: deadline && (state == WAITING || state == STOPPED) ->
		deadline = false;
		exec()
	:: else
	fi
}

active proctype pid1()
{
	mtype what;

end:	do
	::	/* Nothing has happened: sleeps. With the mask of pselect() the signal comes in the sleep or ends it. */
#if MUTANT == 1
		if
		:: got_child -> skip
		:: else ->
end1:			(pending || nempty(socket) || deadline)	/* a handler that ran before this line woke nobody */
		fi;
#else
		(pending || got_child || nempty(socket) || deadline);
		atomic {
			if
			:: pending -> pending = false; got_child = true
			:: else
			fi
		}
#endif
		atomic {
			if
			:: got_child -> reap()
			:: else
			fi
		}
		atomic {
			if
			:: socket?what -> request(what)
			:: empty(socket) -> skip
			fi
		}
		atomic {
			if
			:: true -> tick()
			:: deadline && state == TERM && alive -> skip	/* not yet due */
			fi
		}
	od
}

#if MUTANT == 1
/* The handler runs at once, wherever init is. */
active proctype handler()
{
end:	do
	:: atomic { pending -> got_child = true; pending = false }
	od
}
#endif

/* What the service does when it is asked: it may take its time. */
active proctype service()
{
end:	do
	:: atomic { alive && state == TERM -> end_process() }
	od
}

active proctype killer()
{
	byte n = 0;

	do
	:: atomic { n < KILLS && alive -> n++; end_process() }
	:: n <= KILLS -> break
	od;
	killer_done = true
}

active proctype client()
{
	byte n = 0;

	do
	:: n < REQUESTS ->
		n++;
		if
		:: socket!START
		:: socket!STOP
		:: socket!RESTART
		fi
	:: n > 0 -> break
	od;
	client_done = true
}

#define AS_ASKED (len(socket) == 0 && ((want == STOP && state == STOPPED && !alive && !zombie) || (want != STOP && state == RUNNING && alive)))
/* Nothing moves any longer: what was asked last must have come true. */
active proctype judge()
{
	QUIET;
end:	timeout -> assert(AS_ASKED)
}

ltl settles { <>[] (QUIET -> AS_ASKED) }
