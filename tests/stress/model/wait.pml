/* SPDX-License-Identifier: MIT */
/*
 * Waiting: no wake is lost (peer/wait.h).
 *
 * A leader publishes, or dies; followers announce themselves, look, and sleep
 * on the event and the leader's word. The kernel marks a dead leader's word
 * and wakes one sleeper, who may be about to die itself; a dying follower's
 * pending relay wakes one more. There are no slices here: a follower that
 * lives and sleeps at the end is a lost wake, an invalid end state.
 *
 * Mutants (each must fail): NO_RELAY, NO_WAKE_ALL, NO_RECHECK,
 * WAKE_BEFORE_CHANGE, RELEASE_WITHOUT_W5.
 */
#define F 3 /* followers, 1 .. F; the first leader is 0 */

bool changed = false;  /* the flight is over, one way or another */
bool free = false;     /* nobody leads and nothing is published */
bool marked = false;   /* the first leader's word says that it died */
byte next = 0;         /* who took over, 0: nobody yet */
bool next_dead = false;
byte event = 0;
bool waiters = false;
bool asleep[F + 1];
byte on_next[F + 1];   /* sleeps on the next leader's words, not the first's */
byte killed = 0;

/* Who sleeps is woken by clearing its flag; which one is anybody's guess. */
inline wake_one_first()
{
	if
	:: asleep[1] && !on_next[1] -> asleep[1] = false
	:: asleep[2] && !on_next[2] -> asleep[2] = false
	:: asleep[3] && !on_next[3] -> asleep[3] = false
	:: !(asleep[1] && !on_next[1]) && !(asleep[2] && !on_next[2]) &&
	   !(asleep[3] && !on_next[3]) -> skip
	fi
}

inline wake_one_next()
{
	if
	:: asleep[1] && on_next[1] -> asleep[1] = false
	:: asleep[2] && on_next[2] -> asleep[2] = false
	:: asleep[3] && on_next[3] -> asleep[3] = false
	:: !(asleep[1] && on_next[1]) && !(asleep[2] && on_next[2]) &&
	   !(asleep[3] && on_next[3]) -> skip
	fi
}

inline wake_one()
{
	if
	:: asleep[1] -> asleep[1] = false
	:: asleep[2] -> asleep[2] = false
	:: asleep[3] -> asleep[3] = false
	:: !asleep[1] && !asleep[2] && !asleep[3] -> skip
	fi
}

inline wake_all()
{
	asleep[1] = false; asleep[2] = false; asleep[3] = false
}

proctype leader()
{
	if
	:: /* publishes */
#ifdef WAKE_BEFORE_CHANGE
	   atomic { if :: waiters -> event++; waiters = false; wake_all()
		       :: else fi };
	   changed = true
#else
	   changed = true;
	   atomic { if :: waiters -> event++; waiters = false; wake_all()
		       :: else fi }
#endif
	:: /* releases: one of those who wait is to lead */
	   free = true;
	   atomic { if :: waiters -> event++; wake_one() :: else fi }
	:: /* dies: the kernel marks the word, then wakes one */
	   atomic { marked = true; wake_one_first() }
	fi
}

proctype follower(byte me)
{
	byte seen;
	bool doomed = false, first, rested;

look:
	/* May be killed at any time; the last one lives. */
	if
	:: atomic { killed < F - 1 -> killed++ }; doomed = true
	:: skip
	fi;
	if
	:: doomed -> goto dying
	:: else
	fi;
	if
	:: changed -> goto gone
	:: else
	fi;
	atomic { waiters = true; seen = event };
#ifndef NO_RECHECK
	if
	:: changed -> goto gone
	:: else
	fi;
#endif
	/* WAIT-1: the owner's word has changed: wake all who sleep on it. */
	if
	:: marked && next == 0 ->
#ifndef NO_WAKE_ALL
		atomic { wake_all() };
#endif
		skip
	:: else
	fi;
	if
	:: atomic {
		(free || marked) && next == 0 ->
		rested = free; next = me; free = false
	   };
#ifndef RELEASE_WITHOUT_W5
	   /* WAIT-5: what was at rest has an owner again. */
	   atomic { if :: rested && waiters ->
				event++; waiters = false; wake_all()
		       :: else fi };
#endif
	   goto lead
	:: atomic { next != 0 && next_dead && !changed -> next_dead = false;
		    next = me; wake_all() };
	   goto lead
	:: else
	fi;
	/* The kernel compares the words and queues in one step. */
	atomic {
		first = (next == 0);
		if
		:: event == seen && (first -> !marked : !next_dead) &&
		   !(changed && !waiters) ->
			asleep[me] = true;
			on_next[me] = !first
		:: else -> goto look
		fi
	};
	if
	:: !asleep[me] -> goto look
	:: atomic { killed < F - 1 -> killed++ } -> goto dying
	fi;

lead:
	/* Ends its flight, or dies with it. */
	if
	:: changed = true;
	   atomic { if :: waiters -> event++; waiters = false; wake_all()
		       :: else fi };
	   goto gone
	:: atomic { killed < F - 1 -> killed++; next_dead = true;
		    wake_one_next() };
	   goto gone
	fi;

dying:
	/* A wake may still be spent on it; then its relay passes it on. */
	atomic {
		asleep[me] = false;
#ifndef NO_RELAY
		wake_one();
#endif
		skip
	};
gone:
	skip
}

init {
	atomic {
		run leader(); run follower(1); run follower(2); run follower(3)
	}
}
