/* SPDX-License-Identifier: MIT */
/*
 * One record, and threads that all have the same id, each in a PID namespace of
 * its own (peer/door.h, peer/liveness.h, peer/record.h).
 *
 * Threads attach, detach and die anywhere. The kernel marks the record's mutex
 * for a dying thread if its word holds the thread's id, and the thread has it in
 * its list or is about to put it there or to take it out. An examiner asks for
 * the thread that the record names and ends its life. The model shows that a
 * mark, and an end by the examiner, tell of a death, and that a thread that dies
 * leaves a record which the others can lock: else they wait for ever, which is
 * an invalid end state.
 *
 * Mutants (each must fail): LOCK_OUTSIDE, UNLOCK_OUTSIDE, LEAVE_EARLY,
 * MEND_LIVING, NO_MENDING, ASK_FIRST, END_ANYHOW.
 */
#ifndef T
#define T 2 /* threads, 1 .. T */
#endif
#define KILLS 2
#define ROUNDS 2
#define FREE 0
#define HELD 1 /* by the one id that all have */
#define DIED 2

byte word = FREE;
byte holder = 0; /* which of them has the mutex; ghost */
byte door = 0;   /* who is in it */
byte name = 0;   /* whom the record names */
byte life = 0;   /* odd: it has an owner */
byte owner = 0;  /* whose life it is; ghost */
bool dead[T + 1];
bool pending[T + 1], listed[T + 1];
byte killed = 0;

inline enter()
{
	atomic {
		(door == 0
#if defined(MEND_LIVING)
		 || door != me
#elif !defined(NO_MENDING)
		 || dead[door]
#endif
		 ) -> door = me
	}
}

inline leave()
{
	atomic { if :: door == me -> door = 0 :: else fi }
}

inline end_life()
{
	atomic { if :: life % 2 == 1 -> life++ :: else fi }
}

inline lock()
{
	pending[me] = true;
	atomic {
		if
		:: word != HELD -> word = HELD; holder = me; got = true
		:: else -> got = false
		fi
	};
#ifdef LEAVE_EARLY
	leave();
#endif
	if :: got -> listed[me] = true :: else fi;
	pending[me] = false
}

inline unlock()
{
	pending[me] = true;
	listed[me] = false;
	atomic { word = FREE; holder = 0 };
#ifdef LEAVE_EARLY
	leave();
#endif
	pending[me] = false
}

/* A dead one does nothing more. */
proctype thread(byte me)
{
	bool got = false;
	byte rounds = 0;

	{
	do
	:: rounds < ROUNDS ->
		rounds++;
		word != HELD;
#ifndef LOCK_OUTSIDE
		enter();
#endif
		if
		:: word != HELD ->
			end_life();
			lock();
			if :: got -> name = me :: else fi
		:: else -> got = false
		fi;
#ifndef LOCK_OUTSIDE
		leave();
#endif
		if
		:: got ->
			atomic { life++; owner = me };
			/* attached */
			end_life();
#ifndef UNLOCK_OUTSIDE
			enter();
#endif
			unlock();
#ifndef UNLOCK_OUTSIDE
			leave();
#endif
			got = false
		:: else
		fi
	:: rounds == ROUNDS -> break
	od
	} unless { dead[me] }
}

/* The kernel goes through the mutexes of a thread, then it is gone. */
proctype death()
{
	byte x;

	do
	:: killed < KILLS ->
		atomic {
			select(x : 1 .. T);
			if
			:: !dead[x] ->
				killed++;
				if
				:: (listed[x] || pending[x]) && word == HELD ->
					assert(holder == x);
					word = DIED;
					holder = 0
				:: else
				fi;
				dead[x] = true
			:: else
			fi
		}
	:: break
	od
}

proctype examiner()
{
	byte was, whom;
	bool gone;

#ifndef ASK_FIRST
	was = life;
#endif
	whom = name;
	gone = whom && dead[whom];
#ifdef ASK_FIRST
	was = life;
#endif
	if
	:: gone && was % 2 == 1 ->
		atomic {
			if
#ifdef END_ANYHOW
			:: life % 2 == 1 ->
#else
			:: life == was ->
#endif
				assert(dead[owner]);
				life++
			:: else
			fi
		}
	:: else
	fi
}

init
{
	byte i;

	atomic {
		for (i : 1 .. T) {
			run thread(i)
		}
		run death();
		run examiner()
	}
}
